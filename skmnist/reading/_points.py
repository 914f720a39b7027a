"""Points, commas and other small marks: ink that is no digit, and must not be lost."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import ndimage

from skmnist.reading._lines import Line
from skmnist.reading._parts import DOT, SMALL, Part, join

Array = np.ndarray[Any, Any]
Box = tuple[int, int, int, int]

LEAST_WIDTH = 0.7  # of the pen: of the thickest place of a mark; dust is thinner
LEAST_LONG = 0.9  # of the pen: of the longer side of a mark
LEAST_DARK = 0.6  # of the pen: of a mark's darkness
THICKER = 2  # pixels by which a mark on a line is thicker than the line
FOOT = 0.3  # of a digit's height, above the baseline, where points and commas are
BELOW = 0.45  # of a digit's height, below the baseline, that commas reach
ABOVE = 0.25  # of a digit's height, above the digits, that apostrophes reach
BESIDE = 1.2  # of a digit's height, from a digit to a mark before or after it
FLAT = 1.5  # width to height of the bar of a 5, which an apostrophe never has
NEAR = 0.2  # of a digit's height, from the bar of a 5 to its other stroke


def find_marks(
    drawn: Array, level: Array, parts: Sequence[Part], gone: Array, lines: Sequence[Line]
) -> list[Part]:
    """Return small ink that is as dark as the pen, and at least about as wide.

    Parameters
    ----------
    drawn : ndarray of shape (height, width), bool
        All ink, that of the lines too.
    level : ndarray of shape (height, width)
        Darkness of the page.
    parts : list of Part
        The strokes without lines.
    gone : ndarray of shape (height, width), bool
        Ink that was removed together with the lines.
    lines : list of Line

    Returns
    -------
    marks : list of Part
        Some of `parts`, and what lies in a line that it is thicker than.
    """
    if not parts:
        return []
    heights = np.array([part.height for part in parts])
    masses = np.array([part.n_pixels for part in parts])
    order = np.argsort(heights)
    half = int(np.searchsorted(np.cumsum(masses[order]), masses.sum() / 2))
    tall = int(heights[order[min(half, len(order) - 1)]])
    writing = [part for part in parts if part.height >= SMALL * tall]
    pen = float(np.median([_measure_pen(part) for part in writing]))
    dark = float(np.median([np.quantile(_get_levels(level, part), 0.75) for part in writing]))
    line = max((line.thickness for line in lines), default=0.0)
    inked = [part for part in parts if part.height < SMALL * tall]
    inked += _find_in_lines(drawn, gone, parts, pen, line) if lines else []
    return [
        part
        for part in inked
        if max(part.width, part.height) >= LEAST_LONG * pen
        and np.quantile(_get_levels(level, part), 0.9) >= LEAST_DARK * dark
        and _measure_width(drawn, gone, part, line) >= LEAST_WIDTH * pen
    ]


def _measure_pen(part: Part) -> float:
    """Return the usual width of the strokes: twice their area by their circumference."""
    inner = ndimage.binary_erosion(np.pad(part.strokes, 1))[1:-1, 1:-1]
    rim = part.n_pixels - int(inner.sum())
    return max(1.0, 2 * part.n_pixels / max(1, rim))


def _get_levels(level: Array, part: Part) -> Array:
    left, top, right, bottom = part.box
    levels: Array = level[top:bottom, left:right][part.strokes]
    return levels


def _measure_width(drawn: Array, gone: Array, part: Part, line: float) -> float:
    """Return the width of the thickest place; that of what a line has left is 0."""
    left, top, right, bottom = part.box
    left, top = max(0, left - 3), max(0, top - 3)
    window = drawn[top : bottom + 3, left : right + 3]
    own = np.zeros(window.shape, dtype=bool)
    x, y = part.box[0] - left, part.box[1] - top
    own[y : y + part.height, x : x + part.width] = part.strokes
    touches = (ndimage.binary_dilation(own, np.ones((3, 3))) & gone[top : bottom + 3, left : right + 3]).any()
    own = ndimage.binary_dilation(own, np.ones((3, 3))) & window
    if not own.any():
        return 0.0
    away = ndimage.distance_transform_edt(np.pad(window, 1))[1:-1, 1:-1]
    wide = 2 * float(away[own].max()) - 0.5
    return 0.0 if touches and wide < line + THICKER else wide


def _find_in_lines(
    drawn: Array, gone: Array, parts: Sequence[Part], pen: float, line: float
) -> list[Part]:
    """Return removed ink that is thicker than the lines, and not beside a stroke."""
    size = max(round(LEAST_WIDTH * pen), int(np.ceil(line)) + THICKER)
    thick = ndimage.minimum_filter(drawn.view(np.uint8), size, mode="constant")
    thick = ndimage.maximum_filter(thick, size, mode="constant", origin=-1 if size % 2 == 0 else 0)
    labels, n = ndimage.label(thick.view(bool) & drawn, np.ones((3, 3)))
    found = []
    strokes = np.zeros(drawn.shape, dtype=bool)
    for part in parts:
        left, top, right, bottom = part.box
        strokes[top:bottom, left:right] |= part.strokes
    for at, where in enumerate(ndimage.find_objects(labels)[:n], 1):
        own = labels[where] == at
        near = tuple(slice(max(0, one.start - 2), one.stop + 2) for one in where)
        if (own & gone[where]).sum() < 0.8 * own.sum() or strokes[near].any():
            continue
        box = (where[1].start, where[0].start, where[1].stop, where[0].stop)
        found.append(Part(box, own))
    return found


def choose_marks(marks: Sequence[Part], row: Sequence[Part], tall: float) -> list[Part]:
    """Return the marks that are between the digits of a row, or before or after them."""
    digits = [part for part in row if part.height >= SMALL * tall]
    if not digits:
        return []
    top = float(np.median([part.box[1] for part in digits]))
    foot = float(np.median([part.box[3] for part in digits]))
    return [mark for mark in marks if _is_beside(mark, digits, tall, top, foot)]


def _is_beside(mark: Part, digits: Sequence[Part], tall: float, top: float, foot: float) -> bool:
    middle = (mark.box[1] + mark.box[3]) / 2
    gaps = [max(part.box[0] - mark.box[2], mark.box[0] - part.box[2]) for part in digits]
    # the digits beside it say where the row is, if it is slanted
    near = digits[int(np.argmin(gaps))]
    if mark.height >= SMALL * tall or min(gaps) > BESIDE * tall:
        return False
    foot = max(foot, near.box[3]) if abs(near.box[3] - foot) < FOOT * tall else foot
    if not top - ABOVE * tall < middle < foot + BELOW * tall:
        return False
    is_low = middle > foot - FOOT * tall
    for part, gap in zip(digits, gaps, strict=True):
        if -gap > 0.5 * mark.width and not (is_low and _is_under(mark, part)):
            return False
    is_high = middle < top + DOT * tall
    return not (is_high and mark.width > FLAT * mark.height and min(gaps) < NEAR * tall)


def _is_under(mark: Part, digit: Part) -> bool:
    """Return whether a digit's ink at the height of the mark is on one side only."""
    rows = slice(max(0, mark.box[1] - digit.box[1] - 1), max(0, mark.box[3] - digit.box[1] + 1))
    columns = np.flatnonzero(digit.strokes[rows].any(axis=0)) + digit.box[0]
    if not len(columns):
        return mark.box[1] >= digit.box[3]
    return bool(columns.max() < mark.box[0] or columns.min() >= mark.box[2])


def choose_inside(marks: Sequence[Part], box: Box) -> list[Part]:
    """Return the marks whose middle is in a box."""
    left, top, right, bottom = box
    size = min(right - left, bottom - top)
    return [
        mark
        for mark in marks
        if max(mark.width, mark.height) < SMALL * size
        and left <= (mark.box[0] + mark.box[2]) / 2 < right
        and top <= (mark.box[1] + mark.box[3]) / 2 < bottom
    ]


def choose_outside(marks: Sequence[Part], row: Sequence[Box]) -> list[Part]:
    """Return the marks between the boxes of a row, or before or after them."""
    left, right = row[0][0], row[-1][2]
    top, bottom = (float(np.median([box[side] for box in row])) for side in (1, 3))
    size = bottom - top
    return [
        mark
        for mark in marks
        if mark.box[2] > left - BESIDE * size / 2
        and mark.box[0] < right + BESIDE * size / 2
        and max(mark.width, mark.height) < SMALL * size
        and top < (mark.box[1] + mark.box[3]) / 2 < bottom + ABOVE * size
        and not any(
            box[0] <= (mark.box[0] + mark.box[2]) / 2 < box[2]
            and box[1] <= (mark.box[1] + mark.box[3]) / 2 < box[3]
            for box in row
        )
    ]


def join_marks(marks: Sequence[Part]) -> list[Part]:
    """Return marks with those above each other, such as the points of a colon, as one."""
    joined: list[Part] = []
    for mark in sorted(marks, key=lambda mark: mark.box):
        if joined and mark.box[0] < joined[-1].box[2]:
            joined[-1] = join([joined[-1], mark])
        else:
            joined.append(mark)
    return joined
