"""Convert drawn, scanned or photographed digits to the format of MNIST."""

from collections.abc import Sequence
from math import isqrt, prod
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from skmnist._estimator import Estimator, FitTasks, refuse_unknown, warn_caller, with_callbacks
from skmnist._validation import Interval, StrOptions, _fit_context, check_numbers, stack_rows
from skmnist.preprocessing._images import (
    FULL,
    LEAST,
    MOST,
    as_images,
    find_ink,
    lay_on_paper,
    shrink,
    stack_images,
    to_levels,
)

Array = np.ndarray[Any, Any]
MARGIN = 2  # pixels of the result on each side of the shorter dimension
MAX_SIZE = 1024  # pixels per side
MAX_SHOWN = 5  # rows listed in a warning


class DigitCropper(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):
    """Find the digit in each image and prepare it as in MNIST.

    A network trained on MNIST reads a digit well only if the digit is prepared as in MNIST. This
    transformer takes digits from a canvas, a scanner or a phone, makes them bright on black, scales
    them to fit 20 x 20 pixels with unchanged proportions and smooth edges, and places them in
    28 x 28 pixels with the centre of mass in the middle. Nearly all of MNIST's own digits are
    returned unchanged, bit for bit.

    The colour of most of the border is assumed to be that of the paper. Gradual shading, noise and
    specks are removed, and ink may be darker or brighter than the paper (see `invert`). On a
    transparent canvas, the ink is everything that was drawn, in any colour. The transformer learns
    nothing from the data, so it does not need to be fitted, and no test data leak into training.

    The digit needs some paper around it, and more if the lighting is uneven. All ink in an image
    counts as one digit: the transformer does not separate digits, remove ruled lines or the frames
    of forms, rotate images, or thicken thin strokes.

    Parameters
    ----------
    invert : bool or "auto", default="auto"
        True if ink is darker than the paper, False if it is brighter, "auto" to detect it for each
        image.
    shape : tuple of int, default=None
        Height and width of images that are passed as rows, and the number of channels if there are
        several; one of these numbers may be -1. None assumes square images.
    max_value : float, default=None
        Value of full brightness. With None, it depends on the image: 1 for bool, 65535 for uint16,
        255 for other integers; for floats, 1 if no pixel is larger, otherwise 255.
    min_contrast : float, default=0.1
        Minimum difference between ink and paper, as a share of full brightness. Images with a
        smaller difference count as blank.
    min_part : float, default=0.05
        Parts with less than this share of the ink of the largest part are removed as specks.
    size : int, default=28
        Height and width of the result in pixels, at most 1024.
    box : int, default=20
        Length of the longer side of the digit in pixels.

    Attributes
    ----------
    n_features_in_ : int
        Number of pixels in an image, times its number of channels. Not set if `fit` saw images of
        several sizes.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if `fit` saw a data frame with string names.

    See Also
    --------
    PixelNormalizer : Scales the result to [0, 1].

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document
    recognition. Proc. IEEE 86 (1998), section III.A. Measurements on MNIST show that its digits
    were moved by whole pixels, with the centre of mass at (14, 14).

    Examples
    --------
    A dark stroke near the left edge of light paper:

    >>> import numpy as np
    >>> from skmnist.preprocessing import DigitCropper
    >>> drawing = np.full((60, 90), 230, dtype=np.uint8)
    >>> drawing[10:50, 5:13] = 40
    >>> digit = DigitCropper().fit_transform([drawing]).reshape(28, 28)
    >>> print(digit[14, 9:19])
    [  0   0  17 238 255 255 238  17   0   0]
    >>> int(digit.any(axis=1).sum())
    20

    In a Pipeline, before a network trained on MNIST:

    >>> from sklearn.pipeline import make_pipeline
    >>> from skmnist import PixelNormalizer, SimpleNNClassifier
    >>> reader = make_pipeline(DigitCropper(), PixelNormalizer(), SimpleNNClassifier())

    A single image must be in a list:

    >>> DigitCropper().transform(drawing)
    Traceback (most recent call last):
    ValueError: X has rows of 90 pixels, which do not form a square: set shape=(height, width). A
    single image must be in a list, [X].
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "invert": ["boolean", StrOptions({"auto"})],
        "shape": [tuple, list, None],
        "max_value": [Interval(Real, LEAST, MOST, closed="both"), None],
        "min_contrast": [Interval(Real, 0, 1, closed="left")],
        "min_part": [Interval(Real, 0, 1, closed="both")],
        "size": [Interval(Integral, 1, MAX_SIZE, closed="both")],
        "box": [Interval(Integral, 1, MAX_SIZE, closed="both")],
    }

    @refuse_unknown
    def __init__(
        self,
        *,
        invert: bool | str = "auto",
        shape: Sequence[int] | None = None,
        max_value: float | None = None,
        min_contrast: float = 0.1,
        min_part: float = 0.05,
        size: int = 28,
        box: int = 20,
    ) -> None:
        self.invert = invert
        self.shape = shape
        self.max_value = max_value
        self.min_contrast = min_contrast
        self.min_part = min_part
        self.size = size
        self.box = box

    @_fit_context(prefer_skip_nested_validation=True)
    @with_callbacks
    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the images, and store their number of pixels if all have the same size.

        Parameters
        ----------
        X : array-like or list of images
            Images as for `transform`.
        y : None
            Ignored.

        Returns
        -------
        self : DigitCropper

        Raises
        ------
        ValueError
            As in `transform`.
        """
        images = self._check(X, reset=True)
        shapes = set()
        for stack in stack_images(images):
            to_levels(stack, self.max_value)
            shapes.add(stack.shape[1:])
        tasks = FitTasks(self, X, y)
        if as_images(X) is not None:
            self.__dict__.pop("feature_names_in_", None)
            self.__dict__.pop("n_features_in_", None)
            if len(shapes) == 1:
                self.n_features_in_ = prod(shapes.pop())
        tasks.end()
        return self

    def transform(self, X: Any) -> Array:
        """Convert images to the format of MNIST; `fit` is not required.

        Parameters
        ----------
        X : array-like or list of images
            - (n_images, height, width): grey levels;
            - (n_images, height, width, n_channels): grey and alpha, RGB, or RGBA;
            - (n_images, n_pixels): rows of images of the given `shape`, with as many pixels as in
              `fit`;
            - a list of arrays and Pillow images of any size.

        Returns
        -------
        X_out : ndarray of shape (n_images, size * size), uint8
            Bright ink on a background of 0, as rows for any scikit-learn classifier; reshape them
            to images with ``X_out.reshape(-1, size, size)``. Images without ink are all zero.

        Raises
        ------
        ValueError
            X does not contain images, or pixels are NaN or out of range.

        Warns
        -----
        UserWarning
            Some images have no ink.
        """
        self._validate_params()
        images = self._check(X, reset=False)
        cropped = np.concatenate([self._crop(stack) for stack in stack_images(images)])
        self._warn_of_blanks(cropped)
        return cropped

    def _check(self, X: Any, *, reset: bool) -> Any:
        """Return an array of images, or a list if their sizes may differ."""
        if self.box > self.size:
            raise ValueError(
                f"box={self.box} must be at most size={self.size}, because the digit must fit into "
                "the image."
            )
        images = as_images(X)
        if images is not None:
            return images
        rows: Array = check_numbers(self, stack_rows(X), reset=reset)
        return rows.reshape(len(rows), *self._find_shape(rows.shape[1]))

    def _find_shape(self, n_pixels: int) -> tuple[int, ...]:
        if self.shape is None:
            side = isqrt(n_pixels)
            if side * side != n_pixels:
                raise ValueError(
                    f"X has rows of {n_pixels} pixels, which do not form a square: set "
                    "shape=(height, width). A single image must be in a list, [X]."
                )
            return side, side
        try:
            shape = np.empty(n_pixels, dtype=bool).reshape(self.shape).shape
        except (OverflowError, TypeError, ValueError):
            shape = ()
        if len(shape) not in (2, 3) or min(self.shape) < -1:
            raise ValueError(
                f"shape={self.shape!r} must be (height, width) or (height, width, n_channels) with "
                f"as many pixels as X has in a row, {n_pixels}; one of them may be -1."
            )
        return shape

    @np.errstate(under="ignore")  # tiny values count as paper
    def _crop(self, stack: Array) -> Array:
        levels = shrink(lay_on_paper(to_levels(stack, self.max_value), self.invert))
        ink, strokes = find_ink(
            levels,
            invert=self.invert,
            min_contrast=self.min_contrast,
            min_part=self.min_part,
        )
        out = np.zeros((len(stack), self.size, self.size), dtype=np.uint8)
        rows, columns = np.any(strokes, axis=2), np.any(strokes, axis=1)
        for at in np.flatnonzero(np.any(rows, axis=1)):
            digit = _resize(ink[at], _ends(rows[at]), _ends(columns[at]), self.box)
            _place(digit, out[at])
        return out.reshape(len(stack), -1)

    def _warn_of_blanks(self, cropped: Array) -> None:
        blank = np.flatnonzero(~cropped.any(axis=1))
        if len(blank):
            rows = ", ".join(map(str, blank[:MAX_SHOWN])) + ", ..." * (len(blank) > MAX_SHOWN)
            warn_caller(
                f"{len(blank)} of {len(cropped)} images have no ink, and their rows are all zero "
                f"({rows}): nothing in them differs from the paper by min_contrast="
                f"{self.min_contrast:g} of full brightness. Lower min_contrast for faint ink, and "
                "set max_value if pixels do not use their whole range."
            )

    @property
    def _n_features_out(self) -> int:
        return int(self.size) ** 2  # int8 would overflow

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.positive_only = True
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = []  # always uint8
        return tags


def _ends(line: Array) -> tuple[int, int]:
    return int(line.argmax()), len(line) - int(line[::-1].argmax())


def _resize(ink: Array, down: tuple[int, int], across: tuple[int, int], box: int) -> Array:
    """Scale the part between these rows and columns so that the longer side fills the box.

    The shorter side gets a margin for the faint edges of strokes.
    """
    from PIL import Image

    starts = np.array([down[0], across[0]])
    lengths = np.array([down[1] - down[0], across[1] - across[0]])
    sides = np.maximum(np.rint(lengths * (box / lengths.max())).astype(int), 1)
    margins = np.minimum(MARGIN, (box - sides) // 2)
    around = margins * lengths / sides  # margins in pixels of the original
    pad = np.ceil(around).astype(int)
    part = np.zeros(lengths + 2 * pad, dtype=np.float32)
    first = np.maximum(starts - pad, 0)
    seen = ink[
        first[0] : starts[0] + lengths[0] + pad[0], first[1] : starts[1] + lengths[1] + pad[1]
    ]
    top, left = first - (starts - pad)
    part[top : top + seen.shape[0], left : left + seen.shape[1]] = seen
    y, x = pad - around
    height, width = (sides + 2 * margins).tolist()
    resized = Image.fromarray(part).resize(
        (width, height), Image.Resampling.BICUBIC, box=(x, y, part.shape[1] - x, part.shape[0] - y)
    )
    digit = np.asarray(resized).clip(0, 1)
    peak = digit.max()  # low for a thin pen
    return np.rint(digit * (255 / peak if peak < FULL else 255))


def _place(digit: Array, target: Array) -> None:
    """Place the digit with its centre of mass in the middle, to the nearest pixel."""
    total = digit.sum()
    (height, width), size = digit.shape, len(target)
    top = _offset(digit.sum(axis=1), total, size)
    left = _offset(digit.sum(axis=0), total, size)
    target[top : top + height, left : left + width] = digit


def _offset(profile: Array, total: float, size: int) -> int:
    centre = float(profile @ np.arange(len(profile))) / total
    return min(max(round(size / 2 - centre), 0), size - len(profile))
