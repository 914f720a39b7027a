"""Validate the training data and convert it to the form used in training."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array

from skmnist._validation import (
    _check_sample_weight,
    check_image_shape,
    check_numbers,
    flatten_images,
)

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class TrainingData:
    """Validated data. The rows of `validation_data`, if any, are numbered after those of `X`."""

    X: Array
    y: Array  # index of the class of each row, int32
    weight: Array | None
    classes: Array
    image_shape: tuple[int, ...]
    dtype: str  # "float32" or "float64", used in all computations
    validation_data: tuple[Array, Array] | None = None  # like X and y
    weight_val: Array | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows of `X`, including those to hold out."""
        return len(self.y)

    @property
    def n_validation(self) -> int:
        """Number of rows of `validation_data`."""
        return 0 if self.validation_data is None else len(self.validation_data[1])

    @property
    def labels(self) -> Array:
        """The original label of each row."""
        labels: Array = self.classes[self.y]
        return labels

    def rows_with_weight(self) -> Array:
        """Return the rows whose weight is not zero."""
        if self.weight is None:
            return np.arange(self.n_rows, dtype=np.int32)
        return np.flatnonzero(self.weight > 0).astype(np.int32)

    def validation_weight(self) -> Array | None:
        """Return the validation weights of all rows, those of `validation_data` last."""
        if self.weight is None and self.weight_val is None:
            return None
        if self.validation_data is None:
            return self.weight
        weight_val = np.ones(self.n_validation) if self.weight_val is None else self.weight_val
        return np.concatenate([np.ones(self.n_rows), weight_val])

    def part(self, rows: Array) -> tuple[Array, Array]:
        """Return features and classes of rows, all from `X` or all from `validation_data`."""
        if self.validation_data is None or rows[0] < self.n_rows:
            return self.X[rows], self.y[rows]
        X_val, y_val = self.validation_data
        return X_val[rows - self.n_rows], y_val[rows - self.n_rows]


def check_training_data(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    *,
    classes: Array | None = None,
    first: bool = True,
) -> TrainingData:
    """Validate rows, labels and weights, and encode the labels.

    Parameters
    ----------
    estimator : estimator
        If `first`, `n_features_in_` and `feature_names_in_` are set on it.
    X, y, sample_weight : array-likes
        Arguments of `fit`; `sample_weight` can be None.
    classes : ndarray of shape (n_classes,), default=None
        All possible labels, sorted; None uses those of `y`.
    first : bool, default=True
        If False, `X` must have the features and the image shape of an earlier call, and training
        uses the precision of that call.

    Returns
    -------
    data : TrainingData

    Raises
    ------
    ValueError
        If the data is invalid.
    """
    X, image_shape = flatten_images(X)
    if not first:
        check_image_shape(estimator, image_shape, estimator.image_shape_, X)
    _check_one_label_per_row(y)
    check_sortable(y, "y")
    X, y = check_numbers(
        estimator, X, y, reset=first, ensure_min_samples=2 if classes is None else 1
    )
    check_classification_targets(y)
    if classes is None:
        classes, codes = np.unique(y, return_inverse=True)
        classes = in_native_order(classes)
        if len(classes) < 2:
            raise ValueError(
                f"y has one class, {classes.tolist()[0]!r}, in all {len(y)} rows; a classifier "
                "needs at least two classes."
            )
    else:
        codes = encode(y, classes, "y")
    if first:
        image_shape = image_shape or X.shape[1:]
        dtype = "float64" if X.dtype.kind == "f" and X.dtype.itemsize == 8 else "float32"
    else:
        image_shape, dtype = estimator.image_shape_, str(estimator.coefs_[0].dtype)
    return TrainingData(
        X=X,
        y=codes.astype(np.int32),
        weight=_check_weight(sample_weight, X, "sample_weight", "train on"),
        classes=classes,
        image_shape=image_shape,
        dtype=dtype,
    )


def with_validation_data(
    estimator: Any, data: TrainingData, X_val: Any, y_val: Any, sample_weight_val: Any
) -> TrainingData:
    """Validate the validation data passed to `fit`, if any, and add it to `data`."""
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
    except ValueError as error:  # its message refers to X
        raise ValueError(f"X_val: {error}") from error
    check_sortable(y_val, "y_val")
    y_val = check_array(y_val, ensure_2d=False, dtype=None, input_name="y_val")
    if y_val.shape != (len(X_val),):
        raise ValueError(
            f"y_val has shape {y_val.shape}; expected ({len(X_val)},): one label for each "
            "row of X_val."
        )
    return replace(
        data,
        validation_data=(X_val, encode(y_val, data.classes, "y_val")),
        weight_val=_check_weight(sample_weight_val, X_val, "sample_weight_val", "validate on"),
    )


def check_rows(estimator: Any, X: Any, image_shape: tuple[int, ...]) -> Array:
    """Validate rows against those seen in `fit`, and flatten images."""
    X, shape = flatten_images(X)
    check_image_shape(estimator, shape, image_shape, X)
    rows: Array = check_numbers(estimator, X, reset=False)
    return rows


def _check_one_label_per_row(y: Any) -> None:
    """Raise if there are several columns of labels, such as one-hot labels."""
    shape: tuple[int, ...] = np.shape(y) if isinstance(y, list | tuple) else getattr(y, "shape", ())
    if len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            f"y should be a 1d array, got an array of shape {shape}. Convert one-hot labels "
            "to classes with y.argmax(axis=1); for several labels per row, wrap the classifier in "
            "sklearn.multioutput.MultiOutputClassifier."
        )


def check_sortable(labels: Any, name: str) -> None:
    """Raise if labels cannot be sorted because some are missing or types are mixed."""
    values = np.asarray(labels)
    if values.dtype.kind != "O":
        return
    try:
        np.unique(values)
    except TypeError as error:
        types = ", ".join(sorted({type(label).__name__ for label in values.flat}))
        raise ValueError(
            f"{name} has labels of the types {types}, which cannot be sorted. Use only numbers "
            "or only strings, and leave out rows without a label."
        ) from error


def in_native_order(labels: Array) -> Array:
    """Convert labels to native byte order, which pandas and JSON require."""
    return labels.astype(labels.dtype.newbyteorder("="), copy=False)


def encode(y: Array, classes: Array, name: str) -> Array:
    """Return the index of each label in `classes`, as int32."""
    labels, codes = np.unique(y, return_inverse=True)
    index = {label: at for at, label in enumerate(classes.tolist())}
    unknown = [label for label in labels.tolist() if label not in index]
    if unknown:
        where = "in y" if name == "y_val" else "among the classes"
        raise ValueError(
            f"{name} has labels that are not {where}: {unknown[:5]}; the classes are "
            f"{classes.tolist()}."
        )
    return np.array([index[label] for label in labels.tolist()], np.int32)[codes]


def _check_weight(weight: Any, X: Array, name: str, verb: str) -> Array | None:
    if weight is None:
        return None
    try:
        checked: Array = _check_sample_weight(weight, X, ensure_non_negative=True)
    except ValueError as error:
        raise ValueError(str(error).replace("sample_weight", name)) from None
    if not checked.any():
        raise ValueError(f"{name} is zero for all rows; no row is left to {verb}.")
    return checked
