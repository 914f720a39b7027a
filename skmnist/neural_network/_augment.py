"""Deform images at random, to augment the training data.

`deform` works with NumPy (`ImageAugmenter.transform`) and with tensorflow (the compiled epoch in
`_program.py`), which has the same functions in `tensorflow.experimental.numpy`.
"""

from dataclasses import dataclass
from math import isqrt
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from scipy.interpolate import BSpline
from sklearn.base import TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skmnist._estimator import Estimator, FitTasks, refuse_unknown, with_callbacks
from skmnist._validation import Interval, check_image_shape, check_numbers, flatten_images

Array = np.ndarray[Any, Any]

N_KNOTS = 7  # per axis, for the elastic deformation; a bend is about a quarter as long as the image
N_DRAWS = 8 + 2 * N_KNOTS**2  # random numbers per image, not counting the noise
ROWS_AT_ONCE = 1024  # images per block in `transform`, to limit memory use

STRENGTHS = ("rotation", "scale", "shear", "shift", "elastic", "stroke", "noise")


@dataclass(frozen=True)
class Deformation:
    """The settings of an augmentation that require a separately compiled program."""

    image_shape: tuple[int, int]
    with_elastic: bool
    with_stroke: bool
    with_noise: bool


class ImageAugmenter(TransformerMixin, Estimator):
    """Deform images at random: rotate, scale, shear, shift, bend, thin or thicken, and add noise.

    Pass an augmenter to a classifier as ``augmentation=`` to deform each training image differently
    in each epoch; validation and test images are not deformed. :meth:`transform` deforms any
    images, for example to see the effect. The images must be light strokes on a dark background
    with values in [0, 1], as returned by :class:`~skmnist.preprocessing.PixelNormalizer`. For
    drawings and photos, apply a :class:`~skmnist.preprocessing.DigitCropper` first.

    The first seven parameters are the strengths of the deformations. Most of them are the limit of
    a uniform distribution centred on no change (for `scale`, the distribution of the logarithm of
    the factor). `elastic` is a standard deviation, and `noise` is described below. The default
    strength, 0, disables a deformation. Images are not mirrored.

    Parameters
    ----------
    rotation : float in [0, 180], default=0.0
        Maximum angle in degrees, in both directions.
    scale : float in [0, 1], default=0.0
        Height and width are each multiplied by a factor between exp(-scale) and exp(scale).
    shear : float in [0, 1], default=0.0
        Maximum shift of a row of pixels relative to the next one, in pixels.
    shift : float in [0, 1], default=0.0
        Maximum shift as a fraction of the height and width. In a 28 x 28 image, 0.07 is 2 pixels.
    elastic : float in [0, 0.2], default=0.0
        Standard deviation of a smooth random displacement, as a fraction of the mean of the height
        and the width.
    stroke : float in [0, 1], default=0.0
        Maximum amount by which strokes are thinned or thickened; 1 is one pixel on each side.
    noise : float in [0, 1], default=0.0
        Maximum value that is added to or subtracted from a pixel. Half of the images get no noise;
        for each of the others, a lower maximum is drawn between 0 and `noise`.
    image_shape : tuple of int, default=None
        Height and width of images that are passed as rows. None means that the images are square.
    random_state : int, RandomState instance or None, default=None
        Seed for `transform`. Classifiers use their own `random_state` instead.

    Attributes
    ----------
    image_shape_ : tuple of int
        Height and width of the images seen in `fit`.
    n_features_in_ : int
        Number of pixels in an image.

    References
    ----------
    P. Simard, D. Steinkraus, J. Platt: Best practices for convolutional neural networks applied to
    visual document analysis. ICDAR 2003.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skmnist import ImageAugmenter, PixelNormalizer, SimpleNNClassifier
    >>> digits = load_digits()
    >>> X = PixelNormalizer(max_value=16).fit_transform(digits.images)
    >>> augmenter = ImageAugmenter(rotation=10, shift=0.1, random_state=0)
    >>> augmenter.fit_transform(X).shape
    (1797, 64)
    >>> model = SimpleNNClassifier(epochs=5, augmentation=augmenter, random_state=0)
    >>> model = model.fit(X, digits.target)

    Rows that are not square images require `image_shape`:

    >>> augmenter.fit(X[:, :63])
    Traceback (most recent call last):
    ValueError: X has rows of 63 features, which do not form a square image: pass
    image_shape=(height, width), or images of shape (n, height, width).
    """

    _parameter_constraints: dict[str, Any] = {
        "rotation": [Interval(Real, 0, 180, closed="both")],
        "scale": [Interval(Real, 0, 1, closed="both")],
        "shear": [Interval(Real, 0, 1, closed="both")],
        "shift": [Interval(Real, 0, 1, closed="both")],
        "elastic": [Interval(Real, 0, 0.2, closed="both")],
        "stroke": [Interval(Real, 0, 1, closed="both")],
        "noise": [Interval(Real, 0, 1, closed="both")],
        "image_shape": [tuple, list, None],
        "random_state": ["random_state"],
    }

    @refuse_unknown
    def __init__(
        self,
        *,
        rotation: float = 0.0,
        scale: float = 0.0,
        shear: float = 0.0,
        shift: float = 0.0,
        elastic: float = 0.0,
        stroke: float = 0.0,
        noise: float = 0.0,
        image_shape: tuple[int, int] | None = None,
        random_state: Any = None,
    ) -> None:
        self.rotation = rotation
        self.scale = scale
        self.shear = shear
        self.shift = shift
        self.elastic = elastic
        self.stroke = stroke
        self.noise = noise
        self.image_shape = image_shape
        self.random_state = random_state

    @with_callbacks
    def fit(self, X: Any, y: Any = None) -> Self:
        """Validate the parameters and the images, and find their shape.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, height, width)
            Images with values in [0, 1].
        y : None
            Ignored.

        Returns
        -------
        self : ImageAugmenter

        Raises
        ------
        ValueError
            If a parameter is out of range, the shape of the images is not known, or a value is not
            in [0, 1].
        """
        rows, shape = flatten_images(X)
        rows = check_numbers(self, rows, reset=True)
        tasks = FitTasks(self, X, y)
        self.image_shape_ = find_shape(self, rows, shape or rows.shape[1:])
        tasks.end()
        return self

    def transform(self, X: Any) -> Array:
        """Deform each image at random.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, height, width)
            Images with values in [0, 1], of the same shape as in `fit`.

        Returns
        -------
        X_deformed : ndarray of the same shape as `X`
            The deformed images, float64 if `X` is float64, otherwise float32.

        Raises
        ------
        ValueError
            Images differ in shape from those in `fit`, or a value is not in [0, 1].
        """
        check_is_fitted(self)
        rows, shape = flatten_images(X)
        check_image_shape(self, shape, self.image_shape_, rows)
        rows = check_numbers(self, rows, reset=False)
        find_shape(self, rows, self.image_shape_)
        dtype = np.float64 if rows.dtype == np.float64 else np.float32
        rows = rows.astype(dtype)
        rng = check_random_state(self.random_state)
        kind, strengths = get_deformation(self, self.image_shape_), get_strengths(self, dtype)
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = rows[start : start + ROWS_AT_ONCE]
            draws = rng.uniform(-1, 1, (len(part), N_DRAWS)).astype(dtype)
            noise = rng.uniform(-1, 1, part.shape).astype(dtype) if kind.with_noise else None
            rows[start : start + ROWS_AT_ONCE] = deform(np, part, draws, noise, strengths, kind)
        return rows.reshape(len(rows), *shape) if shape else rows

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.requires_fit = True
        return tags


# Chosen on validation rows of the MNIST training set and on the Swiss writers 0001 to 0004. With a
# stronger elastic deformation, the bundled reader misreads more digits (test_augment.py).
PRESETS: dict[str, dict[str, float]] = {
    "digits": {
        "rotation": 12.0,
        "scale": 0.12,
        "shear": 0.12,
        "shift": 0.07,
        "elastic": 0.02,
        "stroke": 0.5,
        "noise": 0.3,
    },
}


def get_augmenter(augmentation: Any) -> ImageAugmenter | None:
    """Return the augmenter that the parameter `augmentation` of a classifier selects, or None."""
    if augmentation is None or isinstance(augmentation, ImageAugmenter):
        return augmentation
    return ImageAugmenter(**PRESETS[augmentation])


def find_shape(augmenter: ImageAugmenter, rows: Array, shape: tuple[int, ...]) -> tuple[int, int]:
    """Validate parameters and rows, and return the height and width of the images.

    `shape` is the shape of an image, or ``(n_features,)`` for rows.
    """
    augmenter._validate_params()
    if augmenter.image_shape is not None:
        shape_given = tuple(augmenter.image_shape)
        if len(shape_given) != 2 or not all(
            isinstance(n, Integral) and n >= 1 for n in shape_given
        ):
            raise ValueError(
                f"image_shape={augmenter.image_shape!r} must be the height and width of the "
                "images, as two ints >= 1, or None."
            )
        if (len(shape) == 2 and shape != shape_given) or np.prod(shape) != np.prod(shape_given):
            raise ValueError(
                f"image_shape={shape_given} does not fit images of shape {tuple(shape)}; pass "
                "their height and width, or None."
            )
        shape = shape_given
    elif len(shape) != 2:
        side = isqrt(shape[0])
        if side**2 != shape[0]:
            raise ValueError(
                f"X has rows of {shape[0]} features, which do not form a square image: pass "
                "image_shape=(height, width), or images of shape (n, height, width)."
            )
        shape = (side, side)
    if rows.size and not (rows.min() >= 0 and rows.max() <= 1):
        raise ValueError(
            f"X has values from {rows.min():g} to {rows.max():g}, but augmentation requires "
            "values in [0, 1]; scale the images with PixelNormalizer first."
        )
    return int(shape[0]), int(shape[1])


def get_deformation(augmenter: ImageAugmenter, image_shape: tuple[int, int]) -> Deformation:
    """Return the settings that require a separately compiled program."""
    return Deformation(
        image_shape,
        with_elastic=augmenter.elastic > 0,
        with_stroke=augmenter.stroke > 0,
        with_noise=augmenter.noise > 0,
    )


def get_strengths(augmenter: ImageAugmenter, dtype: Any) -> Array:
    """Return the strengths in the order of `STRENGTHS`, with the rotation in radians."""
    values = [getattr(augmenter, name) for name in STRENGTHS]
    return np.array([np.deg2rad(values[0]), *values[1:]], dtype)


def deform(
    xp: Any, rows: Any, draws: Any, noise: Any, strengths: Any, deformation: Deformation
) -> Any:
    """Deform images with the given random numbers.

    Parameters
    ----------
    xp : module
        `numpy`, or `tensorflow.experimental.numpy` for tensors.
    rows : array of shape (n, height * width)
        Values in [0, 1].
    draws : array of shape (n, N_DRAWS)
        Random numbers in [-1, 1].
    noise : array of shape (n, height * width) or None
        Random numbers in [-1, 1]. None adds no noise.
    strengths : array of shape (7,)
        Strengths in the order of `STRENGTHS`, with the rotation in radians.
    deformation : Deformation

    Returns
    -------
    deformed : array of shape (n, height * width)
    """
    height, width = deformation.image_shape
    dtype = np.dtype(rows.dtype.name)
    rotation, scale, shear, shift, elastic, stroke, noise_level = (strengths[i] for i in range(7))
    padded = xp.pad(xp.reshape(rows, (-1, height, width)), ((0, 0), (1, 1), (1, 1)), "constant")
    if deformation.with_stroke:
        padded = _change_strokes(xp, padded, draws[:, 6] * stroke)

    # source position of each pixel of the result: an affine map plus a smooth displacement
    cos, sin = xp.cos(draws[:, 0] * rotation), xp.sin(draws[:, 0] * rotation)
    scale_y, scale_x = xp.exp(draws[:, 1] * scale), xp.exp(draws[:, 2] * scale)
    lean = draws[:, 3] * shear
    y_from = [draws[:, 4] * shift * height, cos * scale_y - sin * lean, -sin * scale_x]
    x_from = [draws[:, 5] * shift * width, sin * scale_y + cos * lean, cos * scale_x]
    factors = xp.stack([xp.stack(y_from, axis=1), xp.stack(x_from, axis=1)], axis=1)
    basis = _affine_basis(height, width)
    if deformation.with_elastic:
        bends = xp.reshape(draws[:, 8:], (-1, 2, N_KNOTS**2)) * elastic
        factors = xp.concatenate([factors, bends], axis=2)
        basis = np.concatenate([basis, _elastic_basis(height, width)], axis=0)
    sources = xp.matmul(factors, basis.astype(dtype))

    # bilinear interpolation in the image with a border of one pixel
    y = xp.clip(sources[:, 0] + dtype.type((height + 1) / 2), 0, height + 1)
    x = xp.clip(sources[:, 1] + dtype.type((width + 1) / 2), 0, width + 1)
    top, left = xp.minimum(xp.floor(y), height), xp.minimum(xp.floor(x), width)
    down, right = y - top, x - left
    pixels = xp.reshape(padded, (-1,))
    first = np.arange(rows.shape[0], dtype=np.int32)[:, None] * ((height + 2) * (width + 2))
    at = xp.asarray(top, dtype=np.int32) * (width + 2) + xp.asarray(left, dtype=np.int32) + first

    def pixel(below: int, beside: int) -> Any:
        return xp.take(pixels, at + (below * (width + 2) + beside))

    upper = pixel(0, 0) * (1 - right) + pixel(0, 1) * right
    lower = pixel(1, 0) * (1 - right) + pixel(1, 1) * right
    deformed = upper * (1 - down) + lower * down
    if noise is not None:
        level = xp.maximum(draws[:, 7:8], 0) * noise_level
        deformed = xp.clip(deformed + noise * level, 0, 1)
    return deformed


def _change_strokes(xp: Any, padded: Any, amount: Any) -> Any:
    """Blend padded images with their dilation (amount > 0) or erosion (amount < 0)."""
    inner = padded[:, 1:-1, 1:-1]
    around = [padded[:, :-2, 1:-1], padded[:, 2:, 1:-1], padded[:, 1:-1, :-2], padded[:, 1:-1, 2:]]
    dilated = eroded = inner
    for neighbour in around:
        dilated, eroded = xp.maximum(dilated, neighbour), xp.minimum(eroded, neighbour)
    thicker = xp.maximum(amount, 0)[:, None, None]
    thinner = xp.maximum(-amount, 0)[:, None, None]
    changed = inner + thicker * (dilated - inner) - thinner * (inner - eroded)
    return xp.pad(changed, ((0, 0), (1, 1), (1, 1)), "constant")


def _affine_basis(height: int, width: int) -> Array:
    """Return 1, y and x of each pixel relative to the centre, as (3, height * width)."""
    y, x = np.mgrid[:height, :width]
    return np.stack(
        [np.ones(height * width), y.ravel() - (height - 1) / 2, x.ravel() - (width - 1) / 2]
    )


def _elastic_basis(height: int, width: int) -> Array:
    """Return cubic B-splines on a grid of knots, as (N_KNOTS ** 2, height * width).

    They are scaled so that their sum, weighted by uniform random numbers in [-1, 1] (of variance
    1/3), has a standard deviation at each pixel equal to the mean of the height and the width.
    """
    splines = [_splines(n) for n in (height, width)]
    both = np.einsum("iy,jx->ijyx", *splines).reshape(N_KNOTS**2, -1)
    both /= np.sqrt((both**2).sum(axis=0) / 3)
    side: float = (height + width) / 2
    return both * side


def _splines(n_pixels: int) -> Array:
    """Return the cubic B-splines along one axis, as (N_KNOTS, n_pixels)."""
    knots = np.arange(-3.0, N_KNOTS + 1)  # N_KNOTS splines cover [0, N_KNOTS - 3]
    at = np.linspace(0, N_KNOTS - 3, n_pixels)
    at[-1] -= 1e-9  # the last interval is half open
    return BSpline.design_matrix(at, knots, 3).toarray().T
