"""Make digits, such as those of MNIST, look as if they had been cut out of scanned forms."""

import warnings
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from skmnist import DigitCropper

Array = np.ndarray[Any, Any]

SIDE = 28  # pixels of the digits
ZOOM = 2  # factor by which they are enlarged
PAPER = 84  # pixels of the paper on which they are drawn
AT_ONCE = 2000
INK = 60  # a pixel with a higher grey level (of 255) is ink
SLANT, STRETCH, TURN = 0.28, 0.18, 6.0  # standard deviations; the last is in degrees
LEAST_LEFT = 0.55  # a thinner pen must leave more than this share of the ink

# share of the images that are changed in each way
THICKER, THINNER = 0.2, 0.15
NEIGHBOUR, SPECK, WORN, CUT, COARSE, BINARY = 0.3, 0.12, 0.12, 0.15, 0.5, 0.15


def roughen(images: Array, rng: np.random.Generator) -> Array:
    """Return rough copies of digits, prepared as in MNIST.

    Parameters
    ----------
    images : ndarray of shape (n_digits, 784), uint8
        Digits as in MNIST.
    rng : Generator

    Returns
    -------
    rough : ndarray of shape (n_digits, 784), uint8
    """
    partners = rng.permutation(len(images))
    cropper, rough = DigitCropper(invert=False), images.copy()
    square = images.reshape(-1, SIDE, SIDE)
    for start in range(0, len(images), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        pairs = zip(square[part], square[partners[part]], strict=True)
        drawn = np.stack([_draw(image, partner, rng) for image, partner in pairs])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # digits that become blank are left unchanged
            cropped = cropper.transform(drawn)
        kept = cropped.any(axis=1)
        rough[part][kept] = cropped[kept]
    return rough


def _draw(image: Array, partner: Array, rng: np.random.Generator) -> Array:
    if not image.any():
        return np.zeros((PAPER, PAPER), np.uint8)
    drawn = np.array(_press(_slant(image, rng), rng))
    if rng.random() < NEIGHBOUR:
        _add_neighbour(drawn, partner, rng)
    if rng.random() < SPECK:
        _add_speck(drawn, rng)
    if rng.random() < WORN:
        top = rng.integers(PAPER // 4, 3 * PAPER // 4)
        worn = drawn[top : top + rng.integers(1, 4)]
        worn[:] = worn * rng.uniform(0, 0.5)
    if rng.random() < CUT:
        left, right = _find_ends(drawn, axis=0)
        width = int((right - left) * rng.uniform(0, 0.12))
        if rng.random() < 0.5:
            drawn[:, : left + width] = 0
        else:
            drawn[:, right - width :] = 0
    return _scan(drawn, rng)


def _slant(image: Array, rng: np.random.Generator) -> Image.Image:
    """Draw a digit larger, slanted, wider or narrower, and turned."""
    slant, stretch = rng.normal(0, SLANT), np.exp(rng.normal(0, STRETCH))
    turn = np.deg2rad(rng.normal(0, TURN))
    cos, sin = np.cos(turn), np.sin(turn)
    source = np.diag([1 / stretch, 1]) @ [[1, slant], [0, 1]] @ [[cos, sin], [-sin, cos]] / ZOOM
    offset = SIDE / 2 - source @ np.full(2, PAPER / 2)
    return Image.fromarray(image).transform(
        (PAPER, PAPER),
        Image.Transform.AFFINE,
        np.column_stack([source, offset]).ravel().tolist(),
        Image.Resampling.BICUBIC,
    )


def _press(drawn: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Draw with a thicker or thinner pen."""
    pen = rng.random()
    if pen < THICKER:
        return drawn.filter(ImageFilter.MaxFilter(3))
    if pen < THICKER + THINNER:
        thinner = drawn.filter(ImageFilter.MinFilter(3))
        if np.asarray(thinner, int).sum() > LEAST_LEFT * np.asarray(drawn, int).sum():
            return thinner
    return drawn


def _find_ends(drawn: Array, axis: int) -> tuple[int, int]:
    """Return start and stop of the ink."""
    has_ink: Array = np.any(drawn > INK, axis=axis)
    at = np.flatnonzero(has_ink)
    return (int(at[0]), int(at[-1]) + 1) if len(at) else (0, len(has_ink))


def _add_neighbour(drawn: Array, partner: Array, rng: np.random.Generator) -> None:
    """Draw up to a quarter of another digit beside it, as if touching digits had been separated."""
    large = Image.fromarray(partner).resize((ZOOM * SIDE, ZOOM * SIDE), Image.Resampling.BICUBIC)
    other = np.asarray(large)
    left, right = _find_ends(drawn, axis=0)
    other_left, other_right = _find_ends(other, axis=0)
    width = int(rng.integers(2, max(3, (other_right - other_left) // 4 + 1)))
    top = (PAPER - len(other)) // 2 + int(rng.integers(-6, 7))
    if rng.random() < 0.5:
        other, x = other[:, other_left : other_left + width], right - 2
    else:
        other, x = other[:, other_right - width : other_right], max(left - width + 2, 0)
    target = drawn[top : top + len(other), x : x + width]
    np.maximum(target, other[:, : target.shape[1]], out=target)


def _add_speck(drawn: Array, rng: np.random.Generator) -> None:
    """Draw a point or a short stroke near the top or the bottom of a digit."""
    (left, right), (top, foot) = _find_ends(drawn, axis=0), _find_ends(drawn, axis=1)
    lowest, highest = (-3, 12) if rng.random() < 0.5 else (foot - top - 10, foot - top + 4)
    x = left - rng.integers(2, 8) if rng.random() < 0.5 else right + rng.integers(0, 5)
    y = top + rng.integers(lowest, highest)
    width, height = rng.integers((2, 2), (5, 9))
    drawn[max(y, 0) : max(y, 0) + height, max(x, 0) : max(x, 0) + width] = 200


def _scan(drawn: Array, rng: np.random.Generator) -> Array:
    """Scan at a low resolution, sometimes in black and white."""
    if rng.random() >= COARSE:
        return drawn
    side = max(round(PAPER * rng.uniform(0.25, 0.7)), 20)
    coarse = np.asarray(Image.fromarray(drawn).resize((side, side), Image.Resampling.BOX))
    if rng.random() < BINARY / COARSE:
        coarse = np.where(coarse > coarse.max() * rng.uniform(0.2, 0.45), 255, 0).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((PAPER, PAPER), Image.Resampling.BICUBIC))
