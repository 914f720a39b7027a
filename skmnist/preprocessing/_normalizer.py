"""Scale pixels to float32 in [0, 1] and flatten images."""

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
from skmnist.preprocessing._images import LEAST, MOST

Array = np.ndarray[Any, Any]


class PixelNormalizer(OneToOneFeatureMixin, TransformerMixin, Estimator):
    """Scale pixels to float32 in [0, 1] and flatten images to rows.

    Large pixel values make the training of a neural network unstable. Only the shape and the dtype
    are learned from the data, so no test data leak into training. Images are not centred, cropped
    or inverted.

    Parameters
    ----------
    max_value : float, default=255
        Value of a fully inked pixel, which is scaled to 1. Pixels must lie in [0, max_value]; pass
        65535 for 16-bit images.

    Attributes
    ----------
    n_features_in_ : int
        Number of pixels in an image, such as 784 for MNIST.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if `fit` saw a data frame with string names.
    image_shape_ : tuple of int
        Shape of each image passed to `fit`, such as ``(28, 28)`` or, for rows, ``(784,)``.
    dtype_in_ : dtype
        Dtype of the pixels in `fit`.

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

    Pixels must lie in [0, max_value]:

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

        Raises
        ------
        ValueError
            `max_value` is out of range, X does not contain images or rows of numbers, or pixels
            are NaN or not in [0, max_value].

        Warns
        -----
        UserWarning
            The largest pixel is at most 1 and `max_value` is larger, so the data seem to be
            normalized already. All-zero data cause no warning.
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
            Pixels in [0, max_value], with the same number per image as in `fit`.

        Returns
        -------
        X_out : ndarray of shape (n_images, n_pixels), float32
            Values in [0, 1].

        Raises
        ------
        ValueError
            Images differ in shape from those in `fit`, or pixels are NaN or not in [0, max_value].

        Warns
        -----
        UserWarning
            As for :meth:`fit`, but only for floats: small integers may come from almost blank
            images.
        """
        check_is_fitted(self)
        X, image_shape = flatten_images(X)
        check_image_shape(self, image_shape, self.image_shape_, X)
        X = self._check(X, reset=False)
        # dtype= avoids a float64 array of twice the size
        with np.errstate(under="ignore"):  # tiny values become 0
            return np.divide(X, np.float32(self.max_value), dtype=np.float32, casting="unsafe")

    def inverse_transform(self, X: Any) -> Array:
        """Scale values back to pixels, in the dtype and image shape seen in `fit`.

        Parameters
        ----------
        X : array-like of shape (n_images, n_pixels)
            Values in [0, 1]; other values are clipped.

        Returns
        -------
        X_out : ndarray of shape (n_images, `*image_shape_`)
            Pixels in [0, max_value]; rounded and limited to the range of the dtype if `fit` saw
            integers.

        Raises
        ------
        ValueError
            X has NaN, infinite or non-numeric values, or its number of pixels differs from that in
            `fit`.
        """
        check_is_fitted(self)
        X = check_array(X, dtype="numeric", ensure_all_finite=False)
        if X.dtype.kind not in "buif":
            raise ValueError(f"X has dtype {X.dtype}; expected values in [0, 1].")
        X = X.astype(np.float64, copy=False)
        if not np.isfinite(X).all():  # even with `assume_finite`: NaN cannot be an integer
            raise ValueError("Input X contains NaN or infinity; expected values in [0, 1].")
        if X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has shape {X.shape}, but PixelNormalizer was fitted on rows of "
                f"{self.n_features_in_} values."
            )
        with np.errstate(under="ignore"):  # as in `transform`
            pixels = np.clip(X, 0, 1) * self.max_value
            if self.dtype_in_.kind == "f":
                pixels = np.minimum(pixels, float(np.finfo(self.dtype_in_).max))
                return pixels.astype(self.dtype_in_).reshape(-1, *self.image_shape_)
        pixels = np.rint(pixels)
        # 2**63 - 1 is not a float64, so use the largest one below it
        limit = 1 if self.dtype_in_.kind == "b" else np.iinfo(self.dtype_in_).max
        largest = np.nextafter(float(limit), 0) if limit > 2**53 else limit
        return np.minimum(pixels, largest).astype(self.dtype_in_).reshape(-1, *self.image_shape_)

    def _check(self, X: Any, *, reset: bool) -> Array:
        checked: Array = check_numbers(self, X, reset=reset)
        low, high = float(checked.min()), float(checked.max())
        if not (low >= 0 and high <= self.max_value):  # also if one is NaN
            # scikit-learn's checks require these words if a value is negative
            start = "Negative values in data: X" if low < 0 else "X"
            hint = "set max_value to the value of full ink"
            if not high <= MOST:
                hint = "scale the values first, because float32 cannot hold them"
            raise ValueError(
                f"{start} has values from {low:g} to {high:g}, but pixels must lie in "
                f"[0, {self.max_value:g}]; {hint}."
            )
        # after `fit`, the integers 0 and 1 may come from an almost blank image
        if 0 < high <= 1 < self.max_value and (reset or checked.dtype.kind == "f"):
            warn_caller(
                f"The largest pixel is {high:g}, so X seems to be normalized already, and dividing "
                f"it by max_value={self.max_value:g} makes it almost black. Leave out "
                "PixelNormalizer, or pass max_value=1."
            )
        return checked

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.positive_only = True
        tags.transformer_tags.preserves_dtype = []  # always float32
        return tags
