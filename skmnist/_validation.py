"""Input checks shared by all estimators.

Private names of scikit-learn are imported here and nowhere else.
"""

import importlib
import re
from collections.abc import Iterable
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_sample_weight, validate_data

if TYPE_CHECKING:
    from sklearn.model_selection._search import BaseSearchCV
    from sklearn.model_selection._validation import _warn_or_raise_about_fit_failures

__all__ = [
    "BaseSearchCV",
    "Interval",
    "StrOptions",
    "_check_sample_weight",
    "_fit_context",
    "_safe_split",
    "_warn_or_raise_about_fit_failures",
    "check_image_shape",
    "check_numbers",
    "check_parameter_values",
    "flatten_images",
    "stack_rows",
]


# importing sklearn.model_selection takes a quarter of a second, and reading digits does not need it
_SEARCH = {
    "BaseSearchCV": "_search",
    "_warn_or_raise_about_fit_failures": "_validation",
}


def __getattr__(name: str) -> Any:
    if name in _SEARCH:
        return getattr(importlib.import_module(f"sklearn.model_selection.{_SEARCH[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


COLOURS = (3, 4)  # number of channels of RGB and RGBA
TO_GREY = "convert colours to grey levels with X[..., :3].mean(axis=-1) or a DigitCropper"


def flatten_images(X: Any) -> tuple[Any, tuple[int, ...] | None]:
    """Reshape images (n, height, width) to rows (n, height * width).

    Returns the rows and the shape of one image, or `X` and None if `X` does not hold images.
    """
    X = stack_rows(X)
    if len(X.shape) > 3:
        hint = TO_GREY[0].upper() + TO_GREY[1:]
        if X.shape[-1] not in COLOURS:
            hint = "Drop a channel axis with X[..., 0]"
        raise ValueError(
            f"Found array with dim {len(X.shape)} and shape {X.shape}: X must be rows "
            f"(n, n_features) or images (n, height, width). {hint}."
        )
    if len(X.shape) != 3:
        return X, None
    n_images, *image_shape = X.shape
    return np.asarray(X).reshape(n_images, prod(image_shape)), tuple(image_shape)


def stack_rows(X: Any) -> Any:
    """Stack a sequence or an object array of images or rows; return other data unchanged.

    Raises
    ------
    ValueError
        If the images or rows have different shapes.
    """
    is_column = getattr(X, "dtype", None) == np.dtype(object) and len(X.shape) == 1
    if hasattr(X, "shape") and not is_column:
        return X
    try:
        # the cells of a data frame column may be images
        return np.stack([np.asarray(part) for part in X]) if is_column else np.asarray(X)
    except ValueError as error:
        try:
            shapes = sorted({np.shape(part) for part in X})
        except (TypeError, ValueError):  # the parts themselves are ragged
            raise error from None
        if len(shapes) < 2:
            raise
        raise ValueError(
            f"X holds images or rows of different shapes, such as {shapes[0]} and {shapes[-1]}; "
            "expected one shape. Resize them, or use a DigitCropper first, which accepts a list "
            "of images of any size."
        ) from error


def check_image_shape(
    estimator: Any,
    shape: tuple[int, ...] | None,
    expected: tuple[int, ...],
    X: Any = None,
) -> None:
    """Raise if images differ in shape from those in `fit`, or rows seem to be an image or colours.

    Parameters
    ----------
    estimator : estimator
    shape : tuple of int or None
        Shape of one image, or None for rows.
    expected : tuple of int
        Shape of one image seen in `fit`; for rows, a tuple of one number.
    X : array-like, default=None
        The rows, used to explain an unexpected number of features.
    """
    found: tuple[int, ...] = getattr(X, "shape", ())
    name, n_pixels = type(estimator).__name__, prod(expected)
    if shape and len(expected) == 2 and shape != expected:
        if (*found[:1], shape[0]) == expected and shape[1] in COLOURS:
            raise ValueError(
                f"X has the shape of a single image in colour, {(found[0], *shape)}, but {name} "
                f"expects several images of shape {expected}: {TO_GREY}, and pass X[np.newaxis]."
            )
        raise ValueError(
            f"X has images of shape {shape}, but {name} was fitted on images of shape {expected}."
        )
    if shape or len(found) != 2 or found[1] == n_pixels:
        return
    if found == expected or (found[0] == found[1] and prod(found) == n_pixels):
        raise ValueError(
            f"X has shape {found}, like a single image, but {name} expects several: pass "
            f"X[np.newaxis], or rows of {n_pixels} features."
        )
    for channels in COLOURS:
        if found[1] == channels * n_pixels > channels:
            raise ValueError(
                f"X has {found[1]} features, but {name} is expecting {n_pixels} features as "
                f"input; {channels} for each pixel seem to be colours. Reshape the rows to "
                f"(n_images, height, width, {channels}) and {TO_GREY}."
            )


def check_numbers(estimator: Any, X: Any, *labels: Any, reset: bool, **options: Any) -> Any:
    """Call `validate_data` and raise ValueError if the rows are not numeric.

    Returns the rows, and the labels if there are any.
    """
    try:
        checked = validate_data(estimator, X, *labels, reset=reset, dtype="numeric", **options)
    except TypeError as error:
        # scikit-learn's estimator checks expect these TypeErrors
        if re.search("Sparse|np.matrix|argument must be .* number", str(error)) and X.shape:
            raise
        kind = getattr(X, "dtype", type(X).__name__)
        raise ValueError(
            f"X cannot be converted to numbers ({error}); expected an array or data frame of bool, "
            f"integers or floats, got {kind}."
        ) from error
    rows = checked[0] if labels else checked
    if rows.dtype.kind not in "buif":
        raise ValueError(
            f"X has dtype {rows.dtype}; expected bool, integers or floats, one for each pixel."
        )
    return checked


def check_parameter_values(estimator: Any, names: Iterable[str]) -> None:
    """Check the values of some parameters, including nested ones, as `fit` would.

    Raises
    ------
    ValueError
        If a value is invalid (scikit-learn's InvalidParameterError). Estimators without
        parameter constraints accept everything.
    """
    for owner in {name.rpartition("__")[0] for name in names}:
        part = estimator.get_params(deep=True)[owner] if owner else estimator
        if getattr(part, "_parameter_constraints", None):
            part._validate_params()
