"""Tell digits from letters, scribbles and other ink that is not a digit.

A network has to choose one of its classes, so it classifies a letter as a digit, often with high
confidence. The guard is a small network with the same classes and one more, for other ink: spoiled
digits (mirrored, turned, cut, shuffled, or drawn over one another), random strokes, letters and
signs. Its training digits include printed ones, so that the guard does not learn to tell print from
handwriting. Letters that look like digits cannot be distinguished from them.
"""

import warnings
from collections.abc import Sequence
from functools import cache
from math import isqrt
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.interpolate import make_interp_spline
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from skmnist.neural_network import ImageAugmenter, _forward
from skmnist.preprocessing import DigitCropper

Array = np.ndarray[Any, Any]

MIN_SIDE = 8  # pixels; smaller images are not worth cutting into halves
MAX_ROWS = 10_000  # digits for training; more take longer and hardly improve rejection
BOX = 20 / 28  # of the side, as in MNIST
PRINTED = 4  # handwritten digits for each printed one
N_HIDDEN = 128
N_EPOCHS = 25
N_DEFORMED = 1  # deformed copies of each example
DEFORMED = {
    "rotation": 10,
    "scale": 0.1,
    "shear": 0.12,
    "shift": 0.03,
    "elastic": 0.02,
    "stroke": 0.5,
}

DRAWN = 64  # pixels, side of a drawing
# these come with matplotlib, so they are the same everywhere
FONTS = (
    *(f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique")),
    *(f"DejaVuSansMono{style}" for style in ("", "-Oblique")),
    *(f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic")),
    *(f"STIXGeneral{style}" for style in ("", "Italic", "BolIta")),
    *("cmr10", "cmss10", "cmtt10", "cmmi10"),
)
DIGITS = "0123456789"
# without those that some people write like a digit: B, D, G, I, O, Q, S, Z, b, g, l, o, q, s, z
LETTERS = "ACEFHJKLMNPRTUVWXYacdefhijkmnprtuvwxy"
SIGNS = "+=#&@%?*$<>~^:-"
# letters of other alphabets and of mathematics, so that the guard does not memorize shapes
FOREIGN = "ΓΔΛΞΠΣΦΨΩαγηκλμνπτυχψωЖИЙЛПФЦШЩЫЮЯджикмнфцшщыюя"
SCRIPT = "".join(
    chr(0x1D4D0 + at)
    for at, letter in enumerate(ascii_uppercase + ascii_lowercase)
    if letter in LETTERS
)
SCRIPT_FONT = "STIXGeneral"
MAX_ANGLE = 12.0  # degrees
MAX_STRETCH = 0.8  # maximum decrease of the logarithm of the width; half of it for the height


def find_side(n_features: int) -> int | None:
    """Return the side of images with this many pixels; None if too small or not square."""
    side = isqrt(n_features)
    return side if side * side == n_features and side >= MIN_SIDE else None


def fit_guard(rows: Array, y: Array, random_state: int) -> tuple[list[Array], list[Array]]:
    """Train a network to tell digits from other ink.

    Parameters
    ----------
    rows : ndarray of shape (n_digits, side * side), float32
        Digits in bright ink on a background of 0, with values in [0, 1].
    y : ndarray of shape (n_digits,)
        Their classes. The guard learns them too, since features that distinguish digits from each
        other also distinguish them from other ink.
    random_state : int
        Seed for choosing digits, for drawing, and for training.

    Returns
    -------
    coefs, intercepts : list of ndarray, float32
        Weights and biases of each layer, for `rate_strangeness`.
    """
    from sklearn.neural_network import MLPClassifier  # reading does not need it

    rng = np.random.default_rng(random_state)
    if len(rows) > MAX_ROWS:
        chosen = np.sort(rng.choice(len(rows), MAX_ROWS, replace=False))
        rows, y = rows[chosen], y[chosen]
    rows, y = make_examples(rows, y, rng)
    augmenter = ImageAugmenter(**DEFORMED, random_state=random_state).fit(rows)
    network = MLPClassifier(
        N_HIDDEN,
        max_iter=N_EPOCHS,
        batch_size=min(128, len(rows)),
        random_state=random_state,
    )
    # the matrix products are so small that several threads would only wait for each other
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(
            np.concatenate([rows, *(augmenter.transform(rows) for _ in range(N_DEFORMED))]),
            np.tile(y, 1 + N_DEFORMED),
        )
    return (
        [coef.astype(np.float32) for coef in network.coefs_],
        [intercept.astype(np.float32) for intercept in network.intercepts_],
    )


def make_examples(rows: Array, y: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return digits and other ink, with their class codes; the last code stands for other ink.

    Parameters
    ----------
    rows : ndarray of shape (n_digits, side * side), float32
        Digits in bright ink on a background of 0, with values in [0, 1].
    y : ndarray of shape (n_digits,)
        Their classes.
    rng : Generator

    Returns
    -------
    rows : ndarray of shape (about 2.75 * n_digits, side * side), float32
        The digits, printed digits (if any class is one), and other ink.
    codes : ndarray of int
        0 to n_classes - 1 for the sorted classes, and n_classes for other ink.
    """
    side, n = isqrt(rows.shape[1]), len(rows)
    classes, codes = np.unique(y, return_inverse=True)
    digits, printed_codes = [rows], [codes]
    names = list(map(str, classes.tolist()))
    printable = [code for code, name in enumerate(names) if name in {*DIGITS}]
    if printable:
        drawn = rng.choice(printable, n // PRINTED)
        digits.append(_crop([_draw_character(names[code], rng) for code in drawn], side))
        printed_codes.append(drawn)
    pens = (_draw_letter, _draw_sign, _draw_strokes)
    others = [pens[pen](rng) for pen in rng.choice(3, n, p=[0.6, 0.2, 0.2])]
    some = rng.permutation(n)[: n // 2]
    parts = _join_parts(rows[some].reshape(-1, side, side), [names[at] for at in codes[some]], rng)
    strange = [_crop(others, side), _crop(parts, side)]
    return (
        np.concatenate([*digits, *strange]).astype(np.float32),
        np.concatenate([*printed_codes, np.full(sum(map(len, strange)), len(classes))]),
    )


def rate_strangeness(rows: Array, coefs: list[Array], intercepts: list[Array]) -> Array:
    """Return for each row how little it looks like a digit, from 0 to 1."""
    proba = _forward.predict_proba(rows, coefs, intercepts, "relu")
    return proba[:, -1].astype(np.float64)


def _crop(images: Any, side: int) -> Array:
    """Return images of light ink as rows, centred and scaled like digits; leave out blank ones."""
    cropper = DigitCropper(invert=False, size=side, box=round(BOX * side))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # faint parts become blank
        cropped = cropper.transform(np.asarray(images))
    return cropped[cropped.any(axis=1)].astype(np.float32) / 255


@cache
def _load_font(name: str) -> Any:
    import matplotlib as mpl

    path = Path(mpl.get_data_path(), "fonts", "ttf", f"{name}.ttf")
    return ImageFont.truetype(str(path), DRAWN * 5 // 8)


def _draw_letter(rng: np.random.Generator) -> Array:
    """Draw a letter or a sign."""
    kind = rng.random()
    if kind < 0.15:
        return _draw_character(SCRIPT, rng, [SCRIPT_FONT])
    if kind < 0.3:
        return _draw_character(FOREIGN, rng, FONTS[:-4])
    return _draw_character(SIGNS if kind < 0.5 else LETTERS, rng)


def _draw_character(
    characters: str, rng: np.random.Generator, fonts: Sequence[str] = FONTS
) -> Array:
    """Draw one of the characters with a pen of random width, then squeeze and rotate it."""
    font = _load_font(fonts[int(rng.integers(len(fonts)))])
    image = Image.new("L", (DRAWN, DRAWN))
    ImageDraw.Draw(image).text(
        (DRAWN / 2, DRAWN / 2),
        characters[rng.integers(len(characters))],
        fill=255,
        font=font,
        anchor="mm",
        stroke_width=int(rng.integers(3)),
    )
    width, height = DRAWN * np.exp(rng.uniform((-MAX_STRETCH, -MAX_STRETCH / 2), 0))
    image = image.resize((round(width), round(height))).rotate(rng.uniform(-MAX_ANGLE, MAX_ANGLE))
    drawn = Image.new("L", (DRAWN, DRAWN))
    drawn.paste(image, ((DRAWN - image.width) // 2, (DRAWN - image.height) // 2))
    return np.asarray(drawn)


def _draw_sign(rng: np.random.Generator) -> Array:
    """Draw a sign that does not exist: two to four lines and arcs between points of a grid."""
    image = Image.new("L", (DRAWN, DRAWN))
    pen, width = ImageDraw.Draw(image), int(rng.integers(3, 8))
    grid = DRAWN * np.array([0.25, 0.5, 0.75])
    for _ in range(rng.integers(2, 5)):
        start, end, bend = grid[rng.integers(3, size=(3, 2))] + rng.normal(0, 3, size=(3, 2))
        t = np.linspace(0, 1, 12)[:, np.newaxis]
        if rng.random() < 0.5:
            bend = (start + end) / 2
        curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end
        pen.line([tuple(point) for point in curve.tolist()], fill=255, width=width, joint="curve")
    return np.asarray(image)


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


def _join_parts(digits: Array, names: list[str], rng: np.random.Generator) -> Array:
    """Return spoiled digits, such as shuffled or mirrored ones, as uint8."""
    others = np.zeros_like(digits)
    partners = rng.permutation(len(digits))
    for at, partner in enumerate(partners):
        changes = [change for change, spared in CHANGES.items() if names[at] not in {*spared}]
        change = changes[rng.integers(len(changes))]
        others[at] = change(digits[at], digits[partner], rng)
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


def _overlay(digit: Array, partner: Array, rng: np.random.Generator) -> Array:
    reach = len(digit) // 4
    shift = tuple(rng.integers(-reach, reach + 1, size=2))
    return np.maximum(digit, np.roll(partner, shift, axis=(0, 1)))


def _pair(digit: Array, partner: Array, rng: np.random.Generator) -> Array:
    """Return two digits that may touch, one moved to the left, the other to the right."""
    side, apart = len(digit), len(digit) // 4
    paired = np.zeros_like(digit)
    paired[:, : side - apart] = digit[:, apart:]
    paired[:, apart:] = np.maximum(paired[:, apart:], partner[:, : side - apart])
    return paired


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


# functions that spoil a digit, each with the digits that would still look like digits afterwards
CHANGES = {
    _exchange: "1",
    _shuffle: "1",
    _overlay: "1",
    _pair: "",
    _mirror: "01258",
    _turn: "0",
    _cut: "146789",
}
