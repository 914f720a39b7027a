"""Tell digits from letters, scribbles and other ink that is not a digit.

A network has to choose one of its classes, so it calls a letter a digit, often with certainty. The
guard is a small network that was trained to separate digits from other ink: parts of digits that
were put together wrongly, random strokes, and letters. Printed digits are on the side of the
digits, so that it does not learn to tell print from handwriting. Letters that look like digits
cannot be told from them.
"""

import warnings
from functools import cache
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.interpolate import make_interp_spline
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from skmnist.neural_network import _forward
from skmnist.preprocessing import DigitCropper

Array = np.ndarray[Any, Any]

MIN_SIDE = 8  # pixels; smaller images have no halves to exchange
MAX_ROWS = 10_000  # of digits; more take longer and reject little more
BOX = 20 / 28  # of the side, as in MNIST
N_HIDDEN = 128
N_EPOCHS = 25

DRAWN = 64  # pixels, side of what is drawn
# matplotlib is installed with these, so they are the same everywhere
FONTS = ("Sans", "Sans-Oblique", "Sans-Bold", "SansMono", "Serif", "Serif-Italic", "Serif-Bold")
DIGITS = "0123456789"
# without those that some people write like a digit: B, D, G, I, O, Q, S, Z, b, g, l, o, q, s, z
LETTERS = "ACEFHJKLMNPRTUVWXYacdefhijkmnprtuvwxy"
SIGNS = "+=#&@%?*$<>~^:-"
MAX_ANGLE = 12.0  # degrees
MAX_STRETCH = 0.3  # of the logarithm of width and height


def find_side(n_features: int) -> int | None:
    """Return the side of square images with this number of pixels, or None if too small."""
    side = isqrt(n_features)
    return side if side * side == n_features and side >= MIN_SIDE else None


def fit_guard(rows: Array, random_state: int) -> tuple[list[Array], list[Array]]:
    """Train a network to tell digits from other ink.

    Parameters
    ----------
    rows : ndarray of shape (n_digits, side * side), float32
        Digits, bright on 0, with values in [0, 1].
    random_state : int
        Seed of the choice of digits, of what is drawn, and of the training.

    Returns
    -------
    coefs, intercepts : list of ndarray, float32
        Weights and biases of each layer, for `rate_strangeness`.
    """
    from sklearn.neural_network import MLPClassifier  # reading does not need it

    rng = np.random.default_rng(random_state)
    if len(rows) > MAX_ROWS:
        rows = rows[np.sort(rng.choice(len(rows), MAX_ROWS, replace=False))]
    side, n_drawn = isqrt(rows.shape[1]), len(rows) // 3
    printed = _crop([_draw_character(DIGITS, rng) for _ in range(n_drawn)], side)
    drawn = [_draw_character(LETTERS + SIGNS, rng) for _ in range(n_drawn)]
    drawn += [_draw_strokes(rng) for _ in range(n_drawn)]
    parts = _join_parts(rows.reshape(-1, side, side), rng)
    digits = np.concatenate([rows, printed])
    others = np.concatenate([_crop(drawn, side), _crop(parts, side)])
    network = MLPClassifier(
        N_HIDDEN,
        max_iter=N_EPOCHS,
        batch_size=min(128, len(rows)),
        random_state=random_state,
    )
    # the products are so small that several threads would only wait for each other
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(
            np.concatenate([digits, others]).astype(np.float32),
            np.repeat([0, 1], [len(digits), len(others)]),
        )
    # a softmax of (0, z) is the logistic function of z
    coefs = [*network.coefs_[:-1], np.pad(network.coefs_[-1], ((0, 0), (1, 0)))]
    intercepts = [*network.intercepts_[:-1], np.pad(network.intercepts_[-1], (1, 0))]
    return (
        [coef.astype(np.float32) for coef in coefs],
        [intercept.astype(np.float32) for intercept in intercepts],
    )


def rate_strangeness(rows: Array, coefs: list[Array], intercepts: list[Array]) -> Array:
    """Return for each row how little it looks like a digit, from 0 to 1."""
    proba = _forward.predict_proba(rows, coefs, intercepts, "relu")
    return proba[:, 1].astype(np.float64)


def _crop(images: Any, side: int) -> Array:
    """Return images of light ink as rows, centred and scaled like digits."""
    cropper = DigitCropper(invert=False, size=side, box=round(BOX * side))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # faint parts become blank
        cropped = cropper.transform(np.asarray(images))
    return cropped[cropped.any(axis=1)].astype(np.float32) / 255


@cache
def _load_font(name: str) -> Any:
    import matplotlib as mpl

    path = Path(mpl.get_data_path(), "fonts", "ttf", f"DejaVu{name}.ttf")
    return ImageFont.truetype(str(path), DRAWN * 5 // 8)


def _draw_character(characters: str, rng: np.random.Generator) -> Array:
    """Draw one of the characters, turned, stretched, and with a pen of random width."""
    font = _load_font(FONTS[rng.integers(len(FONTS))])
    image = Image.new("L", (DRAWN, DRAWN))
    ImageDraw.Draw(image).text(
        (DRAWN / 2, DRAWN / 2),
        characters[rng.integers(len(characters))],
        fill=255,
        font=font,
        anchor="mm",
        stroke_width=int(rng.integers(3)),
    )
    width, height = DRAWN * np.exp(rng.uniform(-MAX_STRETCH, 0, size=2))
    image = image.resize((round(width), round(height))).rotate(rng.uniform(-MAX_ANGLE, MAX_ANGLE))
    drawn = Image.new("L", (DRAWN, DRAWN))
    drawn.paste(image, ((DRAWN - image.width) // 2, (DRAWN - image.height) // 2))
    return np.asarray(drawn)


def _draw_strokes(rng: np.random.Generator) -> Array:
    """Draw a scribble, or several straight lines."""
    image = Image.new("L", (DRAWN, DRAWN))
    pen, width = ImageDraw.Draw(image), int(rng.integers(2, 7))
    low, high = DRAWN // 8, DRAWN - DRAWN // 8
    if rng.random() < 0.5:
        for ends in rng.uniform(low, high, size=(rng.integers(2, 6), 4)):
            pen.line(ends.tolist(), fill=255, width=width)
        return np.asarray(image)
    corners = rng.uniform(low, high, size=(rng.integers(7, 16), 2))
    # a spline rounds the corners
    at = np.linspace(0, len(corners) - 1, 12 * len(corners))
    curve = make_interp_spline(np.arange(len(corners)), corners, k=2)(at)
    pen.line([tuple(point) for point in curve.tolist()], fill=255, width=width)
    return np.asarray(image)


def _join_parts(digits: Array, rng: np.random.Generator) -> Array:
    """Return images made of parts of digits, uint8."""
    changes = (_exchange, _shuffle, _join, _overlay, _mirror, _turn, _cut)
    kinds = rng.integers(len(changes), size=len(digits))
    partners = digits[rng.permutation(len(digits))]
    others = np.empty_like(digits)
    for at, (kind, digit, partner) in enumerate(zip(kinds, digits, partners, strict=True)):
        others[at] = changes[kind](digit, partner, rng)
    return np.rint(255 * others).astype(np.uint8)


def _exchange(digit: Array, partner: Array, rng: np.random.Generator) -> Array:
    return np.roll(digit, len(digit) // 2, axis=int(rng.integers(2)))


def _shuffle(digit: Array, partner: Array, rng: np.random.Generator) -> Array:
    half = len(digit) // 2
    quarters = [digit[y : y + half, x : x + half] for y in (0, half) for x in (0, half)]
    a, b, c, d = (quarters[at] for at in rng.permutation(4))
    shuffled = np.zeros_like(digit)
    shuffled[: 2 * half, : 2 * half] = np.block([[a, b], [c, d]])
    return shuffled


def _join(digit: Array, partner: Array, rng: np.random.Generator) -> Array:
    joined = digit.copy()
    half = len(digit) // 2
    if rng.random() < 0.5:
        joined[half:] = partner[half:]
    else:
        joined[:, half:] = partner[:, half:]
    return joined


def _overlay(digit: Array, partner: Array, rng: np.random.Generator) -> Array:
    reach = len(digit) // 4
    shift = tuple(rng.integers(-reach, reach + 1, size=2))
    return np.maximum(digit, np.roll(partner, shift, axis=(0, 1)))


def _mirror(digit: Array, partner: Array, rng: np.random.Generator) -> Array:
    return digit[:, ::-1]


def _turn(digit: Array, partner: Array, rng: np.random.Generator) -> Array:
    return np.rot90(digit, rng.choice([1, 3]))


def _cut(digit: Array, partner: Array, rng: np.random.Generator) -> Array:
    cut = digit.copy()
    half = len(digit) // 2
    part = slice(half, None) if rng.random() < 0.5 else slice(None, half)
    if rng.random() < 0.5:
        cut[part] = 0
    else:
        cut[:, part] = 0
    return cut
