"""What every estimator here needs to check its input.

The private scikit-learn names in use are all imported here and nowhere else.
"""

from collections.abc import Iterable
from math import prod
from typing import Any

import numpy as np
from sklearn.base import _fit_context
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_sample_weight

__all__ = [
    "BaseSearchCV",
    "Interval",
    "StrOptions",
    "_check_sample_weight",
    "_fit_context",
    "_safe_split",
    "check_image_shape",
    "check_parameter_values",
    "flatten_images",
]


def flatten_images(X: Any) -> tuple[Any, tuple[int, ...] | None]:
    """Turn images (n, height, width) into rows (n, height * width); leave all else alone.

    Returns the rows and the shape of one image, None where `X` held no images.
    """
    if not hasattr(X, "shape"):
        X = np.asarray(X)
    if len(X.shape) > 3:
        raise ValueError(
            f"Found array with dim {len(X.shape)} and shape {X.shape}: X must be rows "
            "(n, n_features) or images (n, height, width). Drop a channel axis by X[..., 0]."
        )
    if len(X.shape) != 3:
        return X, None
    n_images, *image_shape = X.shape
    return np.asarray(X).reshape(n_images, prod(image_shape)), tuple(image_shape)


def check_image_shape(
    estimator: Any, shape: tuple[int, ...] | None, expected: tuple[int, ...]
) -> None:
    """Refuse images of another shape than those seen in `fit`; rows pass."""
    if shape and len(expected) == 2 and shape != expected:
        raise ValueError(
            f"X has images of shape {shape}, but {type(estimator).__name__} was fitted on images "
            f"of shape {expected}."
        )


def check_parameter_values(estimator: Any, names: Iterable[str]) -> None:
    """Refuse values of some parameters, nested ones too, as `fit` would.

    Raises
    ------
    ValueError
        What scikit-learn's InvalidParameterError says; an estimator that declares no rules
        accepts everything.
    """
    for owner in {name.rpartition("__")[0] for name in names}:
        part = estimator.get_params(deep=True)[owner] if owner else estimator
        if getattr(part, "_parameter_constraints", None):
            part._validate_params()
