"""The one shape in which every loader hands over its data."""

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import Bunch, resample

from skmnist.datasets._readers import DatasetError

Array = np.ndarray[Any, Any]


def make_bunch(arrays: dict[str, Array], *, name: str, descr: str) -> Bunch:
    """Check the four arrays against each other and put them into a Bunch."""
    parts = {}
    for part in ("train", "test"):
        X, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if X.ndim != 3 or X.dtype.kind not in "uif":
            raise DatasetError(
                f"{name}: x_{part} has shape {X.shape} and dtype {X.dtype}, expected numbers of "
                "shape (n_images, height, width)"
            )
        if y.ndim != 1 or y.dtype.kind not in "uiUSb":
            raise DatasetError(
                f"{name}: y_{part} has shape {y.shape} and dtype {y.dtype}, expected one integer "
                "or text label per image"
            )
        if len(X) != len(y) or len(X) == 0:
            raise DatasetError(
                f"{name}: x_{part} has {len(X)} images and y_{part} has {len(y)} labels, "
                "expected as many, and at least one"
            )
        low, high = float(X.min()), float(X.max())
        if not (low >= 0 and np.isfinite(high)):  # also where one is NaN
            raise DatasetError(
                f"{name}: x_{part} has values from {low:g} to {high:g}, expected finite ones from 0"
            )
        parts[f"X_{part}"] = X
        parts[f"y_{part}"] = _as_labels(y, name=f"{name}: y_{part}")
    if parts["X_train"].shape[1:] != parts["X_test"].shape[1:]:
        raise DatasetError(
            f"{name}: training images are {parts['X_train'].shape[1:]} pixels and test images "
            f"{parts['X_test'].shape[1:]}, expected one size"
        )
    if parts["y_train"].dtype.kind != parts["y_test"].dtype.kind:
        raise DatasetError(
            f"{name}: y_train holds {parts['y_train'].dtype} and y_test {parts['y_test'].dtype}, "
            "expected integers in both or text in both"
        )
    classes = np.unique(parts["y_train"])
    if len(classes) < 2 or not np.isin(parts["y_test"], classes).any():
        raise DatasetError(
            f"{name}: y_train has the classes {classes[:5].tolist()} and y_test "
            f"{np.unique(parts['y_test'])[:5].tolist()}, expected two or more in y_train, and some "
            "of them in y_test"
        )
    labels = np.unique(np.concatenate([parts["y_train"], parts["y_test"]]))
    return Bunch(**parts, target_names=labels.astype(str), DESCR=descr)


def _as_labels(y: Array, *, name: str) -> Array:
    """Turn labels into int64 or str, without changing any."""
    try:
        labels = y.astype(str) if y.dtype.kind in "US" else y.astype(np.int64)
    except UnicodeDecodeError as error:
        raise DatasetError(f"{name} holds text that is not ASCII: {error}") from error
    if y.dtype.kind == "u" and y.max() > np.iinfo(np.int64).max:
        raise DatasetError(f"{name} holds {y.max()}, expected integers that fit in 64 bits")
    return labels


def take_part(
    X: Array, y: Array, n: int | None, *, parameter: str, random_state: Any
) -> tuple[Array, Array]:
    """Draw `n` rows, stratified by `y`, and leave them in their order; None takes all."""
    if n is None or n == len(y):
        return X, y
    n_classes = len(np.unique(y))
    if not isinstance(n, Integral) or isinstance(n, bool) or not n_classes <= n <= len(y):
        raise ValueError(
            f"{parameter}={n!r} must be an int from {n_classes} (one image per class) to {len(y)} "
            "(all images), or None for all."
        )
    rows = resample(
        np.arange(len(y)), replace=False, n_samples=int(n), stratify=y, random_state=random_state
    )
    rows.sort()
    return X[rows], y[rows]
