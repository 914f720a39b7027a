"""Integer pixels to float32 in [0, 1], images flattened to columns."""

from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from skmnist._estimator import Estimator, FitTasks, refuse_unknown, warn_caller, with_callbacks
from skmnist._validation import (
    Interval,
    _fit_context,
    check_image_shape,
    check_numbers,
    flatten_images,
)
from skmnist.preprocessing._pictures import LEAST, MOST

Array = np.ndarray[Any, Any]


class PixelNormalizer(OneToOneFeatureMixin, TransformerMixin, Estimator):
    """Scale pixels to float32 in [0, 1] and flatten images to columns.

    Large inputs make the gradient of a neural network unstable; divided by 255, the same
    learning rate serves every image. It learns nothing from the data but their shape, so it
    cannot leak anything from test to training data. It does not centre, crop or invert.

    Parameters
    ----------
    max_value : float, default=255
        The value of full ink. Pixels must lie in [0, max_value]; pass 65535 for 16-bit images.

    Attributes
    ----------
    n_features_in_ : int
        Number of pixels of an image, 784 for MNIST whether it comes as (n, 28, 28) or (n, 784).
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, when `fit` saw a data frame with text names.
    image_shape_ : tuple of int
        The shape of one image in `fit`: ``(28, 28)`` or ``(784,)``.
    dtype_in_ : dtype
        The dtype of the pixels in `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist.preprocessing import PixelNormalizer
    >>> image = np.array([[[0, 51], [102, 255]]], dtype=np.uint8)
    >>> normalizer = PixelNormalizer().fit(image)
    >>> normalizer.transform(image)
    array([[0. , 0.2, 0.4, 1. ]], dtype=float32)
    >>> normalizer.inverse_transform([[0.0, 0.2, 0.4, 1.0]])
    array([[[  0,  51],
            [102, 255]]], dtype=uint8)

    Pixels outside the range are refused:

    >>> normalizer.transform([[0, 51, 102, 300]])
    Traceback (most recent call last):
    ValueError: X has values from 0 to 300, but pixels must lie in [0, 255]...
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "max_value": [Interval(Real, LEAST, MOST, closed="both")]
    }

    @refuse_unknown
    def __init__(self, max_value: float = 255) -> None:
        self.max_value = max_value

    @_fit_context(prefer_skip_nested_validation=True)
    @with_callbacks
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the shape of the images.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width) or (n_images, n_pixels)
            Integer or float pixels in [0, max_value].
        y : None
            Ignored.

        Returns
        -------
        self : PixelNormalizer

        Warns
        -----
        UserWarning
            All values are at most 1: the data look normalised already.
        """
        X, image_shape = flatten_images(X)
        X = self._check(X, reset=True)
        tasks = FitTasks(self, X, y)
        self.image_shape_ = image_shape or X.shape[1:]
        self.dtype_in_ = X.dtype
        tasks.end()
        return self

    def transform(self, X: Any) -> Array:
        """Scale the pixels and flatten the images.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width) or (n_images, n_pixels)
            Pixels in [0, max_value], as many per image as in `fit`.

        Returns
        -------
        X_out : ndarray of shape (n_images, n_pixels), float32

        Warns
        -----
        UserWarning
            All values are floats of at most 1: the data look normalised already.
        """
        check_is_fitted(self)
        X, image_shape = flatten_images(X)
        check_image_shape(self, image_shape, self.image_shape_, X)
        X = self._check(X, reset=False)
        # dtype= makes one float32 array; uint8 / 255. would be float64, twice the memory
        with np.errstate(under="ignore"):  # what is next to nothing becomes nothing
            return np.divide(X, np.float32(self.max_value), dtype=np.float32, casting="unsafe")

    def inverse_transform(self, X: Any) -> Array:
        """Give the pixels back in the range, dtype and image shape that `fit` saw.

        Parameters
        ----------
        X : array-like of shape (n_images, n_pixels)
            Values in [0, 1]; others are clipped.

        Returns
        -------
        X_out : ndarray of shape (n_images, `*image_shape_`)
            Rounded where `fit` saw integers, and no larger than their dtype can hold.
        """
        check_is_fitted(self)
        X = check_array(X, dtype="numeric", ensure_all_finite=False)
        if X.dtype.kind not in "buif":
            raise ValueError(f"X has dtype {X.dtype}; expected values in [0, 1].")
        X = X.astype(np.float64, copy=False)
        if not np.isfinite(X).all():  # whatever `assume_finite` says: NaN is no integer
            raise ValueError("Input X contains NaN or infinity, expected values in [0, 1].")
        if X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has shape {X.shape}, but PixelNormalizer gives rows of "
                f"{self.n_features_in_} values."
            )
        with np.errstate(under="ignore"):  # as in `transform`
            pixels = np.clip(X, 0, 1) * self.max_value
            if self.dtype_in_.kind == "f":
                pixels = np.minimum(pixels, float(np.finfo(self.dtype_in_).max))
                return pixels.astype(self.dtype_in_).reshape(-1, *self.image_shape_)
        pixels = np.rint(pixels)
        # bool and integers: 2**63 - 1 is no float64, the largest one below it is
        limit = 1 if self.dtype_in_.kind == "b" else np.iinfo(self.dtype_in_).max
        largest = np.nextafter(float(limit), 0) if limit > 2**53 else limit
        return np.minimum(pixels, largest).astype(self.dtype_in_).reshape(-1, *self.image_shape_)

    def _check(self, X: Any, *, reset: bool) -> Array:
        checked: Array = check_numbers(self, X, reset=reset)
        low, high = float(checked.min()), float(checked.max())
        if not (low >= 0 and high <= self.max_value):  # also if one is NaN
            # scikit-learn wants the first words where a negative value is the reason
            start = "Negative values in data: X" if low < 0 else "X"
            hint = "set max_value to the value of full ink"
            if not high <= MOST:
                hint = "scale such values first, float32 cannot hold them"
            raise ValueError(
                f"{start} has values from {low:g} to {high:g}, but pixels must lie in "
                f"[0, {self.max_value:g}]; {hint}."
            )
        # after `fit`, integers of 0 and 1 may be an almost blank image
        if 0 < high <= 1 < self.max_value and (reset or checked.dtype.kind == "f"):
            warn_caller(
                f"The largest pixel is {high:g}: X looks normalised already, and dividing by "
                f"max_value={self.max_value:g} again makes it almost black. Leave PixelNormalizer "
                "out, or pass max_value=1."
            )
        return checked

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.positive_only = True
        tags.transformer_tags.preserves_dtype = []  # always float32
        return tags
