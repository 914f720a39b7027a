"""Find points, commas and other small marks, which are not digits but must not be lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from skmnist.reading._ink import find_quantile, keep_thick, widen
from skmnist.reading._parts import DOT, SMALL, Part, join, measure_pen
from skmnist.reading._tracing import Line

Array = np.ndarray[Any, Any]
Box = tuple[int, int, int, int]

LEAST_WIDTH = 0.55  # of the pen's width, at the thickest place of a mark; dust is thinner
LEAST_LONG = 0.75  # of the pen's width, the minimum of a mark's longer side
LEAST_DARK = 0.6  # of the pen's darkness, the minimum for a mark
THICKER = 1  # minimum number of pixels by which a mark on a line is thicker than the line
FOOT = 0.3  # of a digit's height; points and commas are at most this far above the baseline
BELOW = 0.45  # of a digit's height; commas reach at most this far below the baseline
ABOVE = 0.25  # of a digit's height; apostrophes reach at most this far above the digits
BESIDE = 1.2  # of a digit's height, the maximum distance from a digit to a mark beside it
ROUND = 3.2  # widths of the pen, the maximum of a point's longer side
FULL = 0.5  # minimum share of its box that a point fills
LONG = 6.0  # widths of the pen, the maximum height of a comma
WIDE = 3.5  # widths of the pen, the maximum width of a comma
SLIM = 0.3  # minimum share of its box that a comma fills
FLAT = 1.5  # minimum ratio of width to height of a minus
THIN = 2.0  # widths of the pen, the maximum height of a minus
FAINT = 0.5  # share of the level where strokes begin; ink this dark connects pieces of a digit
CLOSE = 0.15  # widths of the pen, the minimum distance from a point at the foot to a digit
NEAR = 0.4  # widths of the pen, the minimum from a comma there, which may be the end of a stroke
APART = 0.9  # widths of the pen, the minimum distance from other marks to a digit
UNDER = 0.15  # of a digit's height, above the foot of the row; digits above a mark reach down to it
HIGH = 0.4  # of a digit's height, the minimum distance from its top to a minus
EVEN = 1.4  # maximum ratio of a point's sides; anything longer may be the end of a stroke
DEEPER = 0.1  # of a digit's height, the minimum by which a comma reaches below the digit above it
REACH = 2.5  # widths of the pen, the maximum distance from a piece of a digit to the others


@dataclass(frozen=True)
class Mark(Part):
    """A small mark.

    `pen` is the width of the pen, `is_torn` whether faint ink joins the mark to other strokes, and
    `is_cut` whether it touches ink that was removed with a line.
    """

    pen: float = 1.0
    is_torn: bool = False
    is_cut: bool = False

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of its box."""
        left, top, right, bottom = self.box
        return (left + right) / 2, (top + bottom) / 2

    @property
    def is_round(self) -> bool:
        """Whether it may be a point."""
        long, full = max(self.width, self.height), self.n_pixels / (self.width * self.height)
        is_long = long > 2 * min(self.width, self.height)
        return long <= ROUND * self.pen and full >= FULL and not is_long

    @property
    def is_even(self) -> bool:
        """Whether it is about as wide as it is high."""
        return max(self.width, self.height) <= EVEN * min(self.width, self.height)

    @property
    def is_flat(self) -> bool:
        """Whether it may be a minus."""
        return self.width >= FLAT * self.height and self.height <= THIN * self.pen

    @property
    def is_comma(self) -> bool:
        """Whether it may be a comma or an apostrophe."""
        full = self.n_pixels / (self.width * self.height)
        is_small = self.width <= WIDE * self.pen and self.height <= LONG * self.pen
        return is_small and full >= SLIM and self.height >= 0.8 * self.width


def find_marks(
    drawn: Array, level: Array, parts: Sequence[Part], gone: Array, lines: Sequence[Line]
) -> list[Mark]:
    """Return small pieces of ink that may be points, commas or minuses drawn with the same pen.

    Parameters
    ----------
    drawn : ndarray of shape (height, width), bool
        All ink, including that of the lines.
    level : ndarray of shape (height, width)
        Darkness of the page.
    parts : list of Part
        The strokes, without the lines.
    gone : ndarray of shape (height, width), bool
        Ink that was removed together with the lines.
    lines : list of Line

    Returns
    -------
    marks : list of Mark
        Some of the parts, and ink within lines that is thicker than the line.
    """
    if not parts:
        return []
    heights = np.array([part.height for part in parts])
    masses = np.array([part.n_pixels for part in parts])
    order = np.argsort(heights)
    half = int(np.searchsorted(np.cumsum(masses[order]), masses.sum() / 2))
    tall = int(heights[order[min(half, len(order) - 1)]])
    writing = [part for part in parts if part.height >= SMALL * tall]
    pen = float(np.median([measure_pen(part.strokes) for part in writing]))
    dark = float(np.median([find_quantile(_get_levels(level, part), 0.75) for part in writing]))
    line = float(np.median([line.thickness for line in lines])) if lines else 0.0
    inked = [part for part in parts if part.height < SMALL * tall]
    inked += _find_in_lines(drawn, gone, parts, pen, line) if lines else []
    marks = [
        Mark(
            part.box,
            part.strokes,
            pen,
            _is_torn(drawn, level, gone, part, pen),
            _touches(gone, part),
        )
        for part in inked
        if max(part.width, part.height) >= LEAST_LONG * pen
        and find_quantile(_get_levels(level, part), 0.9) >= LEAST_DARK * dark
        and _measure_width(drawn, gone, part, line) >= LEAST_WIDTH * pen
    ]
    return [mark for mark in marks if mark.is_round or mark.is_flat or mark.is_comma]


def _get_levels(level: Array, part: Part) -> Array:
    left, top, right, bottom = part.box
    levels: Array = level[top:bottom, left:right][part.strokes]
    return levels


def _cut_out(part: Part, reach: int, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], Array]:
    """Return a window around a part, and the part's strokes in it."""
    left, top, right, bottom = part.box
    rows = slice(max(0, top - reach), min(bottom + reach, shape[0]))
    columns = slice(max(0, left - reach), min(right + reach, shape[1]))
    own = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=bool)
    own[top - rows.start : bottom - rows.start, left - columns.start : right - columns.start] = (
        part.strokes
    )
    return (rows, columns), own


def _measure_width(drawn: Array, gone: Array, part: Part, line: float) -> float:
    """Return the width of the thickest place; 0 for remnants of a line."""
    where, own = _cut_out(part, 3, drawn.shape)
    window = drawn[where]
    own = widen(own) & window
    if not own.any():
        return 0.0
    away = ndimage.distance_transform_edt(np.pad(window, 1))[1:-1, 1:-1]
    wide = 2 * float(away[own].max()) - 0.5
    return 0.0 if _touches(gone, part) and wide < line + THICKER else wide


def _touches(gone: Array, part: Part) -> bool:
    """Return whether a part touches ink that was removed with a line."""
    where, own = _cut_out(part, 1, gone.shape)
    return bool((widen(own) & gone[where]).any())


def _is_torn(drawn: Array, level: Array, gone: Array, part: Part, pen: float) -> bool:
    """Return whether ink that is too faint for a stroke joins a part to other strokes."""
    where, own = _cut_out(part, int(np.ceil(REACH * pen)), drawn.shape)
    begin = float(level[where][own].min())
    labels, _ = ndimage.label(own | ((level[where] > FAINT * begin) & ~gone[where]))
    joined = np.isin(labels, np.unique(labels[own]))
    return bool((joined & drawn[where] & ~own & ~gone[where]).sum() > 0.5 * pen)


def _find_in_lines(
    drawn: Array, gone: Array, parts: Sequence[Part], pen: float, line: float
) -> list[Part]:
    """Return removed ink that is thicker than the lines, and not beside a stroke."""
    size = max(round(LEAST_WIDTH * pen), int(np.ceil(line)) + THICKER)
    labels, n = ndimage.label(keep_thick(drawn, size), np.ones((3, 3)))
    found = []
    strokes = np.zeros(drawn.shape, dtype=bool)
    for part in parts:
        left, top, right, bottom = part.box
        strokes[top:bottom, left:right] |= part.strokes
    for at, where in enumerate(ndimage.find_objects(labels)[:n], 1):
        own = labels[where] == at
        near = tuple(slice(max(0, one.start - 1), one.stop + 1) for one in where)
        if (own & gone[where]).sum() < 0.7 * own.sum() or strokes[near].any():
            continue
        box = (where[1].start, where[0].start, where[1].stop, where[0].stop)
        found.append(Part(box, own))
    return found


def choose_marks(marks: Sequence[Mark], row: Sequence[Part], tall: float) -> list[Mark]:
    """Return the marks that are between the digits of a row, or before or after them."""
    digits = [part for part in row if part.height >= SMALL * tall]
    if not digits:
        return []
    top = float(np.median([part.box[1] for part in digits]))
    foot = float(np.median([part.box[3] for part in digits]))
    chosen = []
    for mark in marks:
        gaps = [_measure_gap(part, mark) for part in digits]
        at = int(np.argmin(gaps))
        if gaps[at] > BESIDE * tall:
            continue
        # in a slanted row, the digit beside the mark shows where the row is
        shift = digits[at].box[3] - foot
        shift = shift if abs(shift) < FOOT * tall else 0.0
        is_end = mark.is_cut and not mark.is_even and not mark.is_flat
        if is_end and mark.box[3] < foot + shift + FOOT * tall / 2:
            continue  # a stroke that a ruled line has cut
        others = [part for part in row if part.box != mark.box and part.n_pixels >= mark.n_pixels]
        if _is_beside(mark, others, tall, top + shift, foot + shift):
            chosen.append(mark)
    return chosen


def choose_inside(marks: Sequence[Mark], parts: Sequence[Part], box: Box) -> list[Mark]:
    """Return the marks in a box that are separate signs; `parts` are the strokes in it."""
    left, top, right, bottom = box
    size = min(right - left, bottom - top)
    chosen = []
    for mark in marks:
        inside = left <= mark.middle[0] < right and top <= mark.middle[1] < bottom
        if not inside or max(mark.width, mark.height) >= SMALL * size:
            continue
        others = [part for part in parts if part.box != mark.box and part.n_pixels > mark.n_pixels]
        if not others:
            chosen.append(mark)
            continue
        digit = join(others)
        if _is_beside(mark, others, digit.height, digit.box[1], digit.box[3]):
            chosen.append(mark)
    return chosen


def _is_beside(mark: Mark, others: Sequence[Part], tall: float, top: float, foot: float) -> bool:
    """Return whether a mark is a separate sign, and not a piece of a stroke beside it."""
    middle = mark.middle[1]
    if mark.height >= SMALL * tall or not top - ABOVE * tall < middle < foot + BELOW * tall:
        return False
    is_low = middle > foot - FOOT * tall
    is_high = middle < top + DOT * tall
    if mark.is_flat and not mark.is_round:
        if is_low or middle < top + HIGH * tall:
            return False
    elif not mark.is_round and not is_high and mark.box[3] < foot:
        return False
    for part in others:
        gap = _measure_gap(part, mark)
        # otherwise it may be the hook of a 9
        reaches_down = mark.is_even or mark.box[3] > part.box[3] + DEEPER * tall
        is_under = is_low and not mark.is_cut and reaches_down
        is_under = is_under and _is_under(mark, part, foot - UNDER * tall)
        if gap <= 0 and not (is_under or -gap <= 0.3 * mark.width):
            return False
        least = APART if gap <= 0 or not is_low else CLOSE if mark.is_even or mark.is_cut else NEAR
        is_close = gap < mark.pen and _measure_distance(part, mark) < least * mark.pen
        if is_close or (mark.is_torn and (gap <= 0 or not is_low)):
            return False
    return True


def _measure_gap(part: Part, mark: Part) -> int:
    """Return how far a mark is to the left or right of a part; negative if they share columns."""
    return max(part.box[0] - mark.box[2], mark.box[0] - part.box[2])


def _measure_distance(part: Part, mark: Mark) -> float:
    """Return the distance between the ink of a part and that of a mark; infinite if it is large."""
    reach = int(np.ceil(2 * mark.pen))
    left, top = mark.box[0] - reach, mark.box[1] - reach
    window = np.ones((mark.height + 2 * reach, mark.width + 2 * reach), dtype=bool)
    window[reach:-reach, reach:-reach] = ~mark.strokes
    y, x = np.nonzero(part.strokes)
    y, x = y + part.box[1] - top, x + part.box[0] - left
    inside = (y >= 0) & (y < window.shape[0]) & (x >= 0) & (x < window.shape[1])
    away = ndimage.distance_transform_edt(window)[y[inside], x[inside]]
    return float(away.min()) - 1 if len(away) else np.inf


def _is_under(mark: Part, digit: Part, least: float) -> bool:
    """Return whether all ink of a digit at the height of a mark is on one side of the mark.

    If the mark is below all of the digit's ink, return whether the digit reaches down to `least`.
    """
    rows = slice(max(0, mark.box[1] - digit.box[1] - 1), max(0, mark.box[3] - digit.box[1] + 1))
    columns = np.flatnonzero(digit.strokes[rows].any(axis=0)) + digit.box[0]
    if not len(columns):
        return mark.box[1] >= digit.box[3] >= least
    return bool(columns.max() < mark.box[0] or columns.min() >= mark.box[2])


def choose_outside(marks: Sequence[Mark], row: Sequence[Box]) -> list[Mark]:
    """Return the marks between the boxes of a row, or before or after them."""
    left, right = row[0][0], row[-1][2]
    top, bottom = (find_quantile([box[side] for box in row], 0.5) for side in (1, 3))
    size = bottom - top
    return [
        mark
        for mark in marks
        if mark.box[2] > left - BESIDE * size / 2
        and mark.box[0] < right + BESIDE * size / 2
        and max(mark.width, mark.height) < SMALL * size
        and top < mark.middle[1] < bottom + ABOVE * size
        and not any(box[0] <= mark.middle[0] < box[2] for box in row)
    ]


def join_marks(marks: Sequence[Part]) -> list[Part]:
    """Join marks one above the other, such as the points of a colon, into one."""
    joined: list[Part] = []
    for mark in sorted(marks, key=lambda mark: mark.box):
        if joined and mark.box[0] < joined[-1].box[2]:
            joined[-1] = join([joined[-1], mark])
        else:
            joined.append(mark)
    return joined
