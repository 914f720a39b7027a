"""Digits as people draw, photograph or scan them, made like those of MNIST."""

from collections.abc import Sequence
from math import isqrt, prod
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from skmnist._estimator import Estimator, FitTasks, refuse_unknown, warn_caller, with_callbacks
from skmnist._validation import Interval, StrOptions, _fit_context, check_numbers, stack_rows
from skmnist.preprocessing._ink import FULL, find_ink
from skmnist.preprocessing._pictures import (
    LEAST,
    MOST,
    as_images,
    lay_on_paper,
    shrink,
    stack_images,
    to_levels,
)

Array = np.ndarray[Any, Any]
MARGIN = 2  # pixels of the result, left and right of an upright digit
MAX_SIZE = 1024  # pixels a side
MAX_SHOWN = 5  # rows that a warning names


class DigitCropper(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):
    """Find the digit in each image and prepare it as those of MNIST were.

    A network that has learned MNIST reads a digit well only where it stands as MNIST's do. Here
    digits from a canvas, a scanner or a telephone are made so: ink bright on black; cut out of its
    paper; fitted into 20 x 20 pixels, its proportions kept and its edges smooth; put into 28 x 28
    with its centre of mass in the middle. MNIST's own digits come back as they were, nearly all
    of them bit for bit.

    The paper is what most of the border shows, of any colour; light that falls off smoothly is
    taken out, and so are noise and specks. Which of the two is darker is found by itself. On a
    transparent canvas the ink is what was drawn, in whatever colour. It learns nothing from the
    data, so it cannot leak anything from test to training data, and need not be fitted.

    The digit needs some paper around it, the more so in uneven light.
    It takes all ink of an image for one digit: it does not part digits, take out ruled lines or the
    frame of a form, turn what is upside down, or make a thin pen thicker.

    Parameters
    ----------
    invert : bool or "auto", default="auto"
        True for ink darker than its paper, False for brighter ink, "auto" to find it out for each
        image.
    shape : tuple of int, default=None
        Height and width of images that come as rows, and their number of channels if there are
        several; one of them may be -1. None takes rows for squares.
    max_value : float, default=None
        The value of full brightness. None takes it from the image: 1 for bool, 65535 for uint16,
        255 for other integers; for floats 1 if none of its pixels is above, else 255.
    min_contrast : float, default=0.1
        By what share of full brightness ink differs from its paper at least; an image with less is
        blank.
    min_part : float, default=0.05
        A part of the ink that has less than this share of the largest part's is a speck and left
        out.
    size : int, default=28
        Height and width of the result in pixels, 1024 at most.
    box : int, default=20
        Height or width of the digit in it, whichever is larger.

    Attributes
    ----------
    n_features_in_ : int
        Number of pixels of an image, times its channels. Not there where `fit` saw images of
        several sizes.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, when `fit` saw a data frame with text names.

    See Also
    --------
    PixelNormalizer : Scales the result to [0, 1].

    References
    ----------
    How MNIST was made from NIST's digits: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner,
    "Gradient-based learning applied to document recognition", Proc. IEEE 86 (1998), section III.A;
    that it moved them by whole pixels, with the centre of mass to (14, 14): measured on MNIST.

    Examples
    --------
    A dark stroke, drawn at the left edge of light paper:

    >>> import numpy as np
    >>> from skmnist.preprocessing import DigitCropper
    >>> drawing = np.full((60, 90), 230, dtype=np.uint8)
    >>> drawing[10:50, 5:13] = 40
    >>> digit = DigitCropper().fit_transform([drawing]).reshape(28, 28)
    >>> print(digit[14, 9:19])
    [  0   0  17 238 255 255 238  17   0   0]
    >>> int(digit.any(axis=1).sum())
    20

    In a Pipeline, in front of a network that may have learned MNIST as it is:

    >>> from sklearn.pipeline import make_pipeline
    >>> from skmnist import PixelNormalizer, SimpleNNClassifier
    >>> reader = make_pipeline(DigitCropper(), PixelNormalizer(), SimpleNNClassifier())

    Nothing can be found on blank paper, and a single image has to be in a list:

    >>> DigitCropper().transform(drawing)
    Traceback (most recent call last):
    ValueError: X has rows of 90 pixels, which make no square: set shape=(height, width). A single
    image has to be in a list, [X].
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
        """Check the images; nothing is learned but the number of their pixels.

        Parameters
        ----------
        X : array-like or list of images
            As `transform` takes them.
        y : None
            Ignored.

        Returns
        -------
        self : DigitCropper

        Raises
        ------
        ValueError
            As `transform`.
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
        """Make the images like those of MNIST; `fit` need not have been called.

        Parameters
        ----------
        X : array-like or list of images
            - (n_images, height, width): grey levels;
            - (n_images, height, width, n_channels): grey and alpha, RGB, or RGBA;
            - (n_images, n_pixels): rows, of the `shape` that the parameter says, as many pixels
              as in `fit`;
            - a list of arrays and images of Pillow, of any sizes, also other ones than in `fit`.

        Returns
        -------
        X_out : ndarray of shape (n_images, size * size), uint8
            Bright ink on 0. Rows, which any scikit-learn classifier takes; as pictures,
            ``X_out.reshape(-1, size, size)``. An image without ink is all zeros.

        Raises
        ------
        ValueError
            What is no image, NaN, or pixels outside the range.

        Warns
        -----
        UserWarning
            There are images without ink.
        """
        self._validate_params()
        images = self._check(X, reset=False)
        cropped = np.concatenate([self._crop(stack) for stack in stack_images(images)])
        self._tell_of_blanks(cropped)
        return cropped

    def _check(self, X: Any, *, reset: bool) -> Any:
        """Return images: an array of them, or a list where they may differ in size."""
        if self.box > self.size:
            raise ValueError(
                f"box={self.box} must be at most size={self.size}: the digit is fitted into a box "
                "inside the image."
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
                    f"X has rows of {n_pixels} pixels, which make no square: set "
                    "shape=(height, width). A single image has to be in a list, [X]."
                )
            return side, side
        try:
            shape = np.empty(n_pixels, dtype=bool).reshape(self.shape).shape
        except (OverflowError, TypeError, ValueError):
            shape = ()
        if len(shape) not in (2, 3) or min(self.shape) < -1:
            raise ValueError(
                f"shape={self.shape!r} must be (height, width) or (height, width, n_channels), -1 "
                f"for what follows from the others, with as many pixels as X has in a row: "
                f"{n_pixels}."
            )
        return shape

    @np.errstate(under="ignore")  # what is next to nothing is paper
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

    def _tell_of_blanks(self, cropped: Array) -> None:
        blank = np.flatnonzero(~cropped.any(axis=1))
        if len(blank):
            rows = ", ".join(map(str, blank[:MAX_SHOWN])) + ", ..." * (len(blank) > MAX_SHOWN)
            warn_caller(
                f"{len(blank)} of {len(cropped)} images have no ink and come back all zero "
                f"({rows}): nothing in them differs from its paper by min_contrast="
                f"{self.min_contrast:g} of full brightness. Faint ink needs a lower one, and "
                "pixels that do not use their whole range need max_value."
            )

    @property
    def _n_features_out(self) -> int:
        return int(self.size) ** 2  # an int8 would wrap around

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
    """Return what lies between these rows and columns so that the longer side fills the box.

    The shorter side is given a margin, into which the faint edges of strokes reach.
    """
    from PIL import Image

    starts = np.array([down[0], across[0]])
    lengths = np.array([down[1] - down[0], across[1] - across[0]])
    sides = np.maximum(np.rint(lengths * (box / lengths.max())).astype(int), 1)
    margins = np.minimum(MARGIN, (box - sides) // 2)
    around = margins * lengths / sides  # the same in pixels of the original
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
    peak = digit.max()  # a thin pen's is low
    return np.rint(digit * (255 / peak if peak < FULL else 255))


def _place(digit: Array, target: Array) -> None:
    """Put the digit so that its centre of mass is in the middle, to the nearest pixel."""
    total = digit.sum()
    (height, width), size = digit.shape, len(target)
    top = _offset(digit.sum(axis=1), total, size)
    left = _offset(digit.sum(axis=0), total, size)
    target[top : top + height, left : left + width] = digit


def _offset(profile: Array, total: float, size: int) -> int:
    centre = float(profile @ np.arange(len(profile))) / total
    return min(max(round(size / 2 - centre), 0), size - len(profile))
