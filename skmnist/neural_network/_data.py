"""Check what is given to train on, and bring it into the form that training takes."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, validate_data

from skmnist._validation import _check_sample_weight, check_image_shape, flatten_images

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class TrainingData:
    """Checked rows; the caller's own validation rows, if any, stand apart and count after them."""

    X: Array
    y: Array  # class of each row, from 0, int32
    weight: Array | None
    classes: Array
    image_shape: tuple[int, ...]
    dtype: str  # "float32" or "float64": what is computed in
    X_val: Array | None = None
    y_val: Array | None = None
    weight_val: Array | None = None

    @property
    def n_rows(self) -> int:
        """Rows to train on, those of a validation fraction included."""
        return len(self.y)

    @property
    def n_validation(self) -> int:
        """Validation rows that the caller gave."""
        return 0 if self.y_val is None else len(self.y_val)

    @property
    def labels(self) -> Array:
        """The rows' labels as they were given."""
        labels: Array = self.classes[self.y]
        return labels

    def rows_with_weight(self) -> Array:
        """Return the rows that exist: those of weight zero do not."""
        if self.weight is None:
            return np.arange(self.n_rows, dtype=np.int32)
        return np.flatnonzero(self.weight > 0).astype(np.int32)

    def validation_data(self) -> tuple[Array, Array] | None:
        """Return the caller's own validation rows and their classes."""
        return None if self.X_val is None or self.y_val is None else (self.X_val, self.y_val)

    def validation_weight(self) -> Array | None:
        """Return a weight for each row, the caller's own validation rows last."""
        if self.weight is None and self.weight_val is None:
            return None
        if self.y_val is None:
            return self.weight
        weight_val = np.ones(self.n_validation) if self.weight_val is None else self.weight_val
        return np.concatenate([np.ones(self.n_rows), weight_val])

    def part(self, rows: Array) -> tuple[Array, Array]:
        """Return the features and classes of some rows, all of one kind."""
        if self.X_val is not None and self.y_val is not None and rows[0] >= self.n_rows:
            return self.X_val[rows - self.n_rows], self.y_val[rows - self.n_rows]
        return self.X[rows], self.y[rows]


def check_training_data(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    *,
    classes: Array | None = None,
    dtype: str | None = None,
    first: bool = True,
) -> TrainingData:
    """Check rows, labels and weights, and encode the labels.

    Parameters
    ----------
    estimator : estimator
        Gets `n_features_in_` and `feature_names_in_`, or is held to them.
    X, y, sample_weight : array-likes, the last possibly None
        As `fit` has them.
    classes : ndarray of shape (n_classes,), default=None
        All labels there can be, sorted; None takes those of `y`.
    dtype : {"float32", "float64"}, default=None
        What to compute in; None decides by `X`.
    first : bool, default=True
        False holds `X` to the features and the image shape seen before.
    """
    X, image_shape = flatten_images(X)
    if not first:
        check_image_shape(estimator, image_shape, estimator.image_shape_)
    X, y = validate_data(
        estimator,
        X,
        y,
        reset=first,
        dtype="numeric",
        ensure_min_samples=2 if classes is None else 1,
    )
    check_classification_targets(y)
    if classes is None:
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"y has one class, {classes.tolist()[0]!r}, in all {len(y)} rows; a classifier "
                "needs rows of two classes or more."
            )
    else:
        codes = encode(y, classes, "y")
    weight = _checked_weight(sample_weight, X, "sample_weight")
    if weight is not None and not weight.any():
        raise ValueError("sample_weight is zero in all rows; nothing is left to train on.")
    return TrainingData(
        X=X,
        y=codes.astype(np.int32),
        weight=weight,
        classes=classes,
        image_shape=(image_shape or X.shape[1:]) if first else estimator.image_shape_,
        dtype=dtype or ("float64" if X.dtype.kind == "f" and X.dtype.itemsize == 8 else "float32"),
    )


def with_validation_data(
    estimator: Any, data: TrainingData, X_val: Any, y_val: Any, sample_weight_val: Any
) -> TrainingData:
    """Add the caller's own validation rows, where there are any."""
    given = {"X_val": X_val, "y_val": y_val}
    absent = [name for name, value in given.items() if value is None]
    if len(absent) == 2:
        if sample_weight_val is not None:
            raise ValueError("sample_weight_val was given without X_val and y_val; pass all three.")
        return data
    if absent:
        (present,) = given.keys() - absent
        raise ValueError(f"{present} was given without {absent[0]}; pass both or neither.")
    try:
        X_val = check_rows(estimator, X_val, data.image_shape)
    except ValueError as error:  # scikit-learn would speak of X
        raise ValueError(f"X_val: {error}") from error
    y_val = check_array(y_val, ensure_2d=False, dtype=None, input_name="y_val")
    if y_val.shape != (len(X_val),):
        raise ValueError(
            f"y_val has shape {y_val.shape}, expected ({len(X_val)},): a label for each row "
            "of X_val."
        )
    weight_val = _checked_weight(sample_weight_val, X_val, "sample_weight_val")
    if weight_val is not None and not weight_val.any():
        raise ValueError("sample_weight_val is zero in all rows; nothing is left to validate on.")
    return replace(
        data,
        X_val=X_val,
        y_val=encode(y_val, data.classes, "y_val"),
        weight_val=weight_val,
    )


def check_rows(estimator: Any, X: Any, image_shape: tuple[int, ...]) -> Array:
    """Check rows that come after those of `fit`, and flatten images of the shape it saw."""
    X, shape = flatten_images(X)
    check_image_shape(estimator, shape, image_shape)
    rows: Array = validate_data(estimator, X, reset=False, dtype="numeric")
    return rows


def encode(y: Array, classes: Array, name: str) -> Array:
    """Return the place of each label in `classes`, int32."""
    unseen = np.setdiff1d(y, classes)
    if len(unseen):
        known = "y has not" if name == "y_val" else "are not among the classes"
        raise ValueError(
            f"{name} has labels that {known}: {unseen[:5].tolist()}; the network can only "
            f"learn {classes.tolist()}."
        )
    codes: Array = np.searchsorted(classes, y).astype(np.int32)
    return codes


def _checked_weight(weight: Any, X: Array, name: str) -> Array | None:
    if weight is None:
        return None
    try:
        checked: Array = _check_sample_weight(weight, X, ensure_non_negative=True)
    except ValueError as error:
        raise ValueError(str(error).replace("sample_weight", name)) from None
    return checked
