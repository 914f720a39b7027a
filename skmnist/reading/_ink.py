"""Measure the ink on a page, find its strokes, and straighten the page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import ndimage

Array = np.ndarray[Any, Any]

MAX_PIXELS = 4_000_000  # larger pages are reduced; A4 at 200 dpi, where digits are 30 pixels high
BLOCKS = 12  # squares along the shorter side in which the level of the paper is measured
PAPER = 0.8  # quantile of a square that is paper: strokes and lines cover less than a fifth
COARSE = 100  # squares along the shorter side in which the surroundings of a sheet are looked for
LEAST_PHOTO = 250  # pixels of its shorter side; smaller images are fields or cells with frames
DARK = 0.5  # of the level of the paper; a desk is darker, most shadows are not
SIDE = 0.9  # share of a side of the image along which the desk is visible
EDGE = 2  # squares at the edge of the sheet, where the image is blurred
LEAST_SHEET = 0.15  # share of the image
INKED = 0.999  # quantile of a page that is mostly paper, at which there is ink
LEAST_PAPER = 0.3  # share of full brightness, so that noise in dark areas is not amplified
DITHERED = 0.1  # mean difference of neighbouring pixels; 0.07 at most without dithering
BLUR = 1.5  # pixels; standard deviation of the filter that turns dots into grey levels
MIN_CONTRAST = 0.1  # as in DigitCropper
NOISE_WIDTH = 4.0  # standard deviations of the paper's noise; smaller differences are not ink
WEAK = 0.25  # share of the ink's level where a stroke begins, as in DigitCropper
STRONG = 0.5  # share of the ink's level that some pixel of a stroke exceeds
PALE = 0.3  # the same for preprinted lines, which may be paler than ink
MAX_ANGLE = 12.0  # degrees; with a larger slant, the page probably lies on its side
REFINED = 3.0  # degrees; angles up to this far from a rough angle are tried
N_ROUGH = 500  # points used to find the possible angles
SHARP = 1.12  # minimum gain in sharpness by which lines are recognized
MIN_ANGLE = 0.25  # degrees; a smaller slant is not corrected


@dataclass(frozen=True)
class Ink:
    """The ink on a page.

    Attributes
    ----------
    dark : ndarray of shape (height, width, n_channels), float32
        Darkness of each channel relative to the paper, 0 on paper, 1 for black.
    noise : float
        Level above which a pixel differs from paper, at least `MIN_CONTRAST`.
    grain : float
        The same without this minimum; it follows from the noise of the paper alone.
    matrix : ndarray of shape (2, 3)
        Maps (x, y) in `dark` to (x, y) on the page.
    """

    dark: Array
    noise: float
    grain: float
    matrix: Array

    @property
    def level(self) -> Array:
        """Darkness of the darkest channel, in which faint blue ink is most visible."""
        return self.dark[..., 0] if self.dark.shape[2] == 1 else self.dark.max(axis=2)


def find_ink(page: Array) -> Ink:
    """Measure the paper of a page and return how much darker each pixel is.

    If the paper is darker than the ink, the page is inverted first.

    Parameters
    ----------
    page : ndarray of shape (height, width) or (height, width, 3), uint8
    """
    factor = max(1, int(np.ceil(np.sqrt(page.shape[0] * page.shape[1] / MAX_PIXELS))))
    levels = _reduce(page.reshape(*page.shape[:2], -1), factor)
    if levels.shape[2] == 3 and not np.any(np.ptp(levels[::4, ::4], axis=2) > 0.06):
        levels = levels.mean(axis=2, keepdims=True)  # a grey page saved in colour
    levels = _cover_surroundings(_undo_dithering(levels))
    if _is_negative(levels):
        levels = 1 - levels
    paper = _find_paper(levels)
    difference = (paper - levels) / np.maximum(paper, LEAST_PAPER)
    dark = np.clip(difference, 0, 1)
    spread = np.abs(difference[::2, ::2]).max(axis=2)
    grain = NOISE_WIDTH * 1.4826 * float(np.median(spread))
    noise = max(MIN_CONTRAST, grain)
    offset = (factor - 1) / 2
    return Ink(
        dark, min(noise, 0.4), grain, np.array([[factor, 0, offset], [0, factor, offset]], float)
    )


def _reduce(page: Array, factor: int) -> Array:
    page = page.astype(np.float32) if factor == 1 else _shrink(page, factor)
    return page / np.float32(255)


def _shrink(page: Array, factor: int) -> Array:
    """Return the mean of each square of `factor` x `factor` pixels."""
    height, width = (side // factor for side in page.shape[:2])
    squares = page[: height * factor, : width * factor]
    squares = squares.reshape(height, factor, width, factor, page.shape[2])
    return np.asarray(squares.mean(axis=(1, 3), dtype=np.float32))


def _undo_dithering(levels: Array) -> Array:
    """Return the grey levels of a page in which dots stand for them, as in some faxes."""
    if levels.shape[1] < 2 or np.abs(np.diff(levels[::8], axis=1)).mean() < DITHERED:
        return levels
    return np.asarray(ndimage.gaussian_filter(levels, (BLUR, BLUR, 0)))


def _is_negative(levels: Array) -> bool:
    """Return whether ink is bright on dark paper."""
    sample = levels[::3, ::3].mean(axis=2)
    low, middle, high = np.quantile(sample, [1 - INKED, 0.5, INKED])
    return bool(middle < 0.5 and high - middle > 2 * (middle - low))


def _cover_surroundings(levels: Array) -> Array:
    """Return the photo with the visible desk around the sheet replaced by paper.

    A dark area along at least one whole side of the image is taken to be the desk.
    """
    if min(levels.shape[:2]) < LEAST_PHOTO:
        return levels
    step = min(levels.shape[:2]) // COARSE
    height, width = (side // step for side in levels.shape[:2])
    coarse = levels[::step, ::step].mean(axis=2)[:height, :width]
    dark = coarse < DARK * np.quantile(coarse, PAPER)
    sides = [dark[0], dark[-1], dark[:, 0], dark[:, -1]]
    if max(side.mean() for side in sides) < SIDE:
        return levels
    desk = ndimage.binary_opening(np.pad(dark, 3, mode="edge"), np.ones((5, 5)))[3:-3, 3:-3]
    labels, _ = ndimage.label(desk)
    edges = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    desk = np.isin(labels, np.unique(edges[edges > 0]))
    desk = ndimage.binary_dilation(desk, np.ones((3, 3)), iterations=EDGE)
    if not 0 < desk.mean() <= 1 - LEAST_SHEET:
        return levels
    # the paper continues as it is at the edge of the sheet
    y, x = ndimage.distance_transform_edt(desk, return_distances=False, return_indices=True)
    rows = np.minimum(np.arange(levels.shape[0]) // step, height - 1)[:, None]
    columns = np.minimum(np.arange(levels.shape[1]) // step, width - 1)
    paper = _shrink(levels, step)[y, x]
    return np.where(desk[rows, columns][..., None], paper[rows, columns], levels)


def _find_paper(levels: Array) -> Array:
    """Return the level of the paper at each pixel; it varies smoothly across the page."""
    height, width, n_channels = levels.shape
    size = max(8, min(height, width) // BLOCKS)
    rows, columns = -(-height // size), -(-width // size)
    padded = np.pad(
        levels, ((0, rows * size - height), (0, columns * size - width), (0, 0)), mode="edge"
    )
    blocks = padded.reshape(rows, size, columns, size, n_channels).swapaxes(1, 2)
    blocks = blocks.reshape(rows, columns, size * size, n_channels)[:, :, :: max(1, size // 12)]
    at = int(PAPER * (blocks.shape[2] - 1))
    paper = np.partition(blocks, at, axis=2)[:, :, at]
    # a block that is filled with ink takes its neighbours' paper
    paper = ndimage.median_filter(paper, (3, 3, 1), mode="nearest")
    paper = np.maximum(paper, ndimage.percentile_filter(paper, 60, (5, 5, 1), mode="nearest") - 0.1)
    down, across = _interpolate(height, rows, size), _interpolate(width, columns, size)
    return np.stack([down @ paper[..., at] @ across.T for at in range(n_channels)], axis=2)


def _interpolate(n_pixels: int, n_blocks: int, size: int) -> Array:
    """Return a matrix that interpolates the levels of blocks linearly at each pixel."""
    at = np.clip((np.arange(n_pixels) + 0.5) / size - 0.5, 0, n_blocks - 1)
    distance = np.abs(at[:, None] - np.arange(n_blocks))
    return np.maximum(1 - distance, 0).astype(np.float32)


def find_strokes(level: Array, noise: float, *, strong: float = STRONG) -> Array:
    """Return a mask of the ink: pixels much darker than paper, and less dark ones joined to them.

    Connected pixels are kept only if one of them exceeds the share `strong` of the ink's level.
    """
    ink = level[level > noise]
    if not ink.size:
        return np.zeros(level.shape, dtype=bool)
    peak = float(np.quantile(ink, 0.9))
    weak = level > max(noise * 0.8, WEAK * peak)
    sure = level > max(noise, strong * peak)
    labels, n = ndimage.label(weak, np.ones((3, 3)))
    keep = np.zeros(n + 1, dtype=bool)
    keep[labels[sure]] = True
    inked = np.flatnonzero(weak)  # few pixels, so that keep[labels] would take ten times as long
    strokes = np.zeros(level.shape, dtype=bool)
    strokes.ravel()[inked] = keep[labels.ravel()[inked]]
    return strokes


def widen(strokes: Array, reach: int = 1) -> Array:
    """Return the pixels that are at most `reach` pixels away from strokes in each direction."""
    for _ in range(reach):
        tall = strokes.copy()
        tall[1:] |= strokes[:-1]
        tall[:-1] |= strokes[1:]
        strokes = tall.copy()
        strokes[:, 1:] |= tall[:, :-1]
        strokes[:, :-1] |= tall[:, 1:]
    return strokes


def spread(strokes: Array, reach: int, axis: int) -> Array:
    """Return the pixels that are at most `reach` pixels away from strokes along one axis."""
    return _cut(_dilate(strokes, 2 * reach + 1, axis), axis, reach, -reach or None)


def keep_thick(strokes: Array, size: int) -> Array:
    """Return the strokes where squares of `size` pixels fit into them, a morphological opening."""
    if size > min(strokes.shape):
        return np.zeros_like(strokes)
    kept = strokes
    for axis in (0, 1):
        kept = _erode(kept, size, axis)
    for axis in (0, 1):
        kept = _dilate(kept, size, axis)
    return kept


# Shifts by 1, 2, 4, ... pixels take a tenth of the time of ndimage's filters. The arrays get
# shorter by `size` - 1 pixels, or longer.
def _erode(strokes: Array, size: int, axis: int) -> Array:
    width = 1
    while width < size:
        step = min(width, size - width)
        strokes = _cut(strokes, axis, step, None) & _cut(strokes, axis, None, -step)
        width += step
    return strokes


def _dilate(strokes: Array, size: int, axis: int) -> Array:
    width = 1
    while width < size:
        step = min(width, size - width)
        shape = [*strokes.shape]
        shape[axis] += step
        longer = np.zeros(shape, dtype=bool)
        _cut(longer, axis, None, -step)[...] = strokes
        shifted = _cut(longer, axis, step, None)
        shifted |= strokes
        strokes, width = longer, width + step
    return strokes


def _cut(strokes: Array, axis: int, start: int | None, stop: int | None) -> Array:
    return strokes[(slice(None),) * axis + (slice(start, stop),)]


def find_quantile(x: Array | Sequence[float], share: float) -> float:
    """Return a quantile of a few numbers; `np.quantile` takes several times as long."""
    ordered, at = np.sort(x), share * (len(x) - 1)
    low = int(at)
    high = min(low + 1, len(x) - 1)
    return float(ordered[low] + (at - low) * (ordered[high] - ordered[low]))


def turn(ink: Ink, degrees: float) -> Ink:
    """Turn the page clockwise about its middle; new corners are filled with paper."""
    from PIL import Image

    height, width = ink.dark.shape[:2]
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    new_width = int(np.ceil(width * cos + height * abs(sin)))
    new_height = int(np.ceil(height * cos + width * abs(sin)))
    # maps (x, y) of the turned page to (x, y) of the page
    linear = np.array([[cos, sin], [-sin, cos]])
    shift = np.array([width, height]) / 2 - linear @ np.array([new_width, new_height]) / 2
    matrix = np.column_stack([linear, shift])
    planes = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(ink.dark[..., at])).transform(
                (new_width, new_height),
                Image.Transform.AFFINE,
                tuple(matrix.ravel()),
                Image.Resampling.BILINEAR,
                fillcolor=0,
            )
        )
        for at in range(ink.dark.shape[2])
    ]
    full = np.vstack([matrix, [0, 0, 1]])
    return replace(ink, dark=np.stack(planes, axis=2), matrix=ink.matrix @ full)


def find_angle(strokes: Array) -> float:
    """Return the angle in degrees by which long lines, or rows of digits, rise to the right.

    Zero if the angle is uncertain, for example because there is neither a long line nor a row of
    several digits: individual digits do not show how the page is turned.
    """
    height, width = strokes.shape
    labels, n = ndimage.label(strokes, np.ones((3, 3)))
    if not n:
        return 0.0
    boxes = ndimage.find_objects(labels)
    sizes = np.array([[s.stop - s.start for s in box] for box in boxes])
    tall = np.median(sizes[sizes[:, 0] >= 0.3 * sizes[:, 0].max(), 0])
    long = sizes[:, 1] >= max(0.4 * width, 3 * min(tall, height / 3))
    if long.any():
        y, x = np.nonzero(strokes)
        is_long = long[labels[y, x] - 1]
        y, x = y[is_long], x[is_long]
        step = max(1, len(x) // 20_000)
        angle = _sharpest(x[::step], y[::step], bin_width=max(1.0, height / 400), steps=97)
        return angle
    digits = (sizes[:, 0] > 0.5 * tall) & (sizes[:, 0] < 2 * tall)
    if digits.sum() < 4:
        return 0.0
    centres = np.array(
        [
            ((box[1].start + box[1].stop) / 2, (box[0].start + box[0].stop) / 2)
            for box, is_digit in zip(boxes, digits, strict=True)
            if is_digit
        ]
    )
    if np.ptp(centres[:, 0]) < 4 * tall:
        return 0.0
    rough = _sharpest(centres[:, 0], centres[:, 1], bin_width=0.35 * tall, steps=49)
    # the short lines of separate boxes give a more precise angle
    y, x = np.nonzero(strokes)
    step = max(1, len(x) // 20_000)
    x, y = x[::step], y[::step]
    angles = rough + np.linspace(-REFINED, REFINED, 25)
    scores = _rate_sharpness(x, y, angles, 1.0)
    usual = float(np.median(scores))
    return float(angles[scores.argmax()]) if scores.max() > SHARP * usual else rough


def _sharpest(x: Array, y: Array, *, bin_width: float, steps: int) -> float:
    """Return the angle at which the points fall on the fewest rows; zero if it is uncertain."""
    angles = np.linspace(-MAX_ANGLE, MAX_ANGLE, steps)
    # a few points show which angles have to be rated with all of them
    step = max(1, len(x) // N_ROUGH)
    rough = _rate_sharpness(x[::step], y[::step], angles, bin_width)
    scores = np.zeros(steps)
    for at in np.flatnonzero(rough >= 0.5 * rough.max()):
        scores[at] = _rate_sharpness(x, y, angles[[at]], bin_width)[0]
    good = np.flatnonzero(scores >= 0.97 * scores.max())
    best = angles[good[np.abs(angles[good]).argmin()]]
    if 0 in good or len(angles) - 1 in good:
        return 0.0  # the peak is not within the range
    middle = float(np.mean(angles[good])) if np.ptp(good) == len(good) - 1 else float(best)
    flat = _rate_sharpness(x, y, np.zeros(1), bin_width)[0]
    return 0.0 if flat >= 0.9 * scores.max() else middle


def _rate_sharpness(x: Array, y: Array, angles: Array, bin_width: float) -> Array:
    """Return for each angle how strongly the points are concentrated on a few rows."""
    rows = y + x * np.tan(np.deg2rad(angles))[:, None]
    rows = (rows - rows.min(axis=1, keepdims=True)) / bin_width
    low = rows.astype(np.intp)
    part = rows - low
    n_rows, n = int(low.max()) + 2, len(angles)
    low += n_rows * np.arange(n)[:, None]
    counts = np.bincount(low.ravel(), (1 - part).ravel(), n * n_rows)
    counts += np.bincount(low.ravel() + 1, part.ravel(), n * n_rows)
    scores: Array = (counts.reshape(n, n_rows) ** 2).sum(axis=1)
    return scores
