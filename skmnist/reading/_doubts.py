"""Find ink that may not be what it seems: faint digits, print, streaks and cut-off strokes."""

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy import ndimage

from skmnist.reading._ink import Ink, find_ink, find_quantile, find_strokes, spread, widen
from skmnist.reading._parts import Part, find_parts, measure_pen
from skmnist.reading._posts import Post, read_post
from skmnist.reading._tracing import Line, fit

Array = np.ndarray[Any, Any]
Box = tuple[int, int, int, int]  # left, top, right, bottom

LOW = 0.7  # of a digit's height; shorter strokes that hang below the others may be large commas
HIGH = 1.8  # of the usual height of the digits; higher strokes may be lines or streaks
SPECK, N_SPECKS = 4, 12  # pixels; number in a field. Empty fields on scans had at most 8
WALL = 0.12  # of a box, along its sides; ink there may be the rest of a line
FAINT = 0.35  # of the height of a box, or of the usual digit; lower faint ink is no digit
VERY_FAINT = 0.04  # least difference from the paper of a box, averaged over 3 x 3 pixels
FAINT_BESIDE = 0.6  # of the usual height, for faint ink beside a row
BESIDE = 1.5  # usual heights beside a row where another digit may be
THIN = 0.6  # of the usual width of the strokes; thinner straight lines are not from the same pen
TINT = 0.25  # difference of a stroke's colour from that of the others, from 0 to 1
THICK = 1.6  # of the usual width of the sides of boxes; a 1 may be written on a thicker one
STRAIGHT = 0.05  # of its height; a slash deviates less from a straight line
LEANING, AS_HIGH = 0.12, 0.95  # slope of a slash beyond the usual one of the other digits, and its
# height relative to theirs
SLOPE, HIGHER = 0.2, 1.03  # the same for writing that leans as a slash does; the slope is its own
FAR_LEANING, LOW_SLASH, BENDING = 0.3, 0.6, 0.12  # the same for low and curved slashes
FLAT, EVEN = 0.8, 1.3  # slope of a line that is no digit; ratio of the heights of slashes in boxes
SLASHED, STRUCK = 1.1, 1.2  # height of a single slash in a box, relative to the digits in the
# others, if it leans more than these, or not
ACROSS_BOX = 0.85  # of the width of a box; ink of this width may be part of a zigzag
LOOPED = 0.1  # share of the rows of a line in which there may be a gap; a 0 has more
SIMILAR, PARALLEL = 1.35, 0.25  # ratio of the heights of the slashes of a date; their slopes
MIDDLE = 0.5  # of the height of a digit; a line in this part of it crosses it out
DIAGONAL, N_SAMPLES = 0.9, 40  # share of a line with ink; number of points that are checked
PENS = 1.6  # ratio of a large row width to the usual one, the maximum of a slash
HIDDEN = 0.15  # of a digit's height; a stroke of this length may be hidden in a line
ACROSS = 0.9  # of the height of an image without other ink; a line of this length is a streak


def find_hanging(ends: Array, tall: float) -> Array:
    """Return which strokes are shorter than digits and begin below the middle of the others.

    `ends` holds the top and bottom of each stroke.
    """
    top, bottom = ends.T
    whole = bottom - top >= LOW * tall
    if not whole.any():
        return whole
    hanging: Array = ~whole & (top > np.median(top[whole]) + tall / 2)
    return hanging


def find_odd(parts: Sequence[Part], tall: float, ink: Ink) -> Array:
    """Return which digits of a row may be commas, lines, streaks, brackets or the like."""
    if not parts:
        return np.zeros(0, dtype=bool)
    ends = np.array([part.box[1::2] for part in parts])
    heights = ends[:, 1] - ends[:, 0]
    odd = find_hanging(ends, tall) | (heights > HIGH * np.median(heights))
    posts = [read_post(part.strokes, *part.box[:2]) for part in parts]
    first, last = posts[0], posts[-1]
    if first is not None and last is not None and len(parts) > 2 and _are_alike(first, last):
        odd[[0, -1]] = True
    shape = ink.dark.shape
    pens = [measure_pen(part.strokes) for part in parts]
    tints = np.array([_measure_tint(part, ink.dark) for part in parts])
    for at, (part, post) in enumerate(zip(parts, posts, strict=True)):
        others = np.arange(len(parts)) != at
        if post is not None:
            odd[at] |= part.box[0] <= 1 or part.box[2] >= shape[1] - 1
            odd[at] |= (len(parts) == 1 or heights[at] > heights[others].max()) and (
                part.height > ACROSS * shape[0] and shape[1] > shape[0]
            )
        if len(parts) < 3:
            continue
        if post is not None:
            odd[at] |= post.thickness < THIN * np.median(np.array(pens)[others])
        odd[at] |= bool(np.abs(tints[at] - np.median(tints[others], axis=0)).max() > TINT)
    return odd


def find_slashes(parts: Sequence[Part]) -> Array:
    """Return which digits between others may be slashes.

    A slash is a nearly straight line that leans more to the right than the other digits and is
    about as high, or that leans and is higher, or that leans much more. A 1 with an upstroke is not
    straight.
    """
    slashes = np.zeros(len(parts), dtype=bool)
    heights = np.array([part.height for part in parts])
    slopes = np.array([_measure_slope(part.strokes) for part in parts])
    for at in range(1, len(parts) - 1):
        others = np.arange(len(parts)) != at
        height = heights[at] / np.median(heights[others])
        leans = slopes[at] - np.median(slopes[others])
        bend = _measure_bend(parts[at].strokes)
        slashes[at] = (
            (height >= AS_HIGH and leans > LEANING and bend <= STRAIGHT)
            or (height >= HIGHER and slopes[at] > SLOPE and bend <= STRAIGHT)
            or (height >= LOW_SLASH and leans > FAR_LEANING and bend <= BENDING)
        )
    return slashes


def find_struck(parts: Sequence[Part], widths: Sequence[int]) -> Array:
    """Return which digits in boxes may be slashes or a zigzag that strike out unused boxes.

    They are at one end of a row, or in all of its boxes, and have about the same height. Slashes
    are lines that lean in the same way; a single one is straight, and higher than the other digits
    or leaning to the left. A line across several boxes leans more than any digit. The strokes of a
    zigzag are as wide as the boxes. `widths` holds the widths of the boxes.
    """
    heights = np.array([part.height for part in parts])
    slopes = np.array([_measure_slope(part.strokes) for part in parts])
    bend = functools.cache(lambda at: _measure_bend(parts[at].strokes))
    struck = np.abs(slopes) > FLAT
    struck[struck] = [bend(at) <= BENDING for at in np.flatnonzero(struck).tolist()]
    if len(parts) > 2 and (np.abs(slopes) > LEANING).all() and len(set(np.sign(slopes))) == 1:
        struck |= all(bend(at) <= BENDING for at in range(len(parts)))
    for order in (range(len(parts)), range(len(parts))[::-1]):
        first = order[0]
        is_wide = parts[first].width > ACROSS_BOX * widths[first]
        if not is_wide and abs(slopes[first]) <= SLOPE:
            continue
        run = []
        for at in order:
            low, high = sorted([heights[at], heights[first]])
            if high > EVEN * low or not (
                parts[at].width > ACROSS_BOX * widths[at]
                if is_wide
                else abs(slopes[at] - slopes[first]) <= PARALLEL and bend(at) <= BENDING
            ):
                break
            run.append(at)
        others = np.delete(heights, run)
        usual = np.median(others) if len(others) else 0.0
        if len(run) >= 2:
            struck[run] |= heights[run].max() >= AS_HIGH * usual
        elif run and len(others) and not is_wide and bend(first) <= STRAIGHT:
            leans = slopes[first] - np.median(np.delete(slopes, run))
            limit = AS_HIGH if slopes[first] < 0 else SLASHED if leans > SLOPE else STRUCK
            struck[first] |= heights[first] >= limit * usual
    return struck


def is_crossed(digits: Sequence[Box], lines: Sequence[Line]) -> bool:
    """Return whether a line that was removed crosses out digits.

    It runs through at least half of them, usually through their middle.
    """
    return any(
        np.mean((at > 0) & (at < 1)) >= 0.5 and abs(np.median(at) - 0.5) <= MIDDLE / 2
        for at in _cross(digits, lines)
    )


def find_crossed(boxes: Sequence[Box], lines: Sequence[Line]) -> Array:
    """Return which boxes for digits a line that was removed crosses out, through their middle."""
    crossed = np.zeros(len(boxes), dtype=bool)
    for at in _cross(boxes, lines):
        crossed |= np.abs(at - 0.5) <= MIDDLE / 2
    return crossed


def _cross(boxes: Sequence[Box], lines: Sequence[Line]) -> Iterator[Array]:
    """Return where each line near a row crosses its boxes: 0 at their top, 1 at their bottom.

    Infinite for boxes that it does not cross.
    """
    left, top, right, bottom = np.array(boxes).T
    middle, first, last = (left[0] + right[-1]) / 2, top.min(), bottom.max()
    for line in lines:
        square, slope, level = line.curve
        if line.upright or not first < (square * middle + slope) * middle + level < last:
            continue
        start, stop = np.maximum(left, line.start), np.minimum(right, line.stop)
        at = (np.polyval(line.curve, (start + stop) / 2) - top) / (bottom - top)
        yield np.where(stop - start >= (right - left) / 2, at, np.inf)


def has_diagonal(part: Part) -> bool:
    """Return whether a straight line crosses connected strokes from one side to the other.

    Lines along their top or bottom may be the bars of digits that touch.
    """
    height, width = part.strokes.shape
    thick = spread(part.strokes, 1, axis=0)
    columns = np.linspace(0, width - 1, N_SAMPLES).astype(int)
    rows = np.arange(0, height, max(1, height // N_SAMPLES))
    share = np.linspace(0, 1, N_SAMPLES)
    starts, stops = np.repeat(rows, len(rows)), np.tile(rows, len(rows))
    at = np.rint(starts[:, None] + (stops - starts)[:, None] * share).astype(int)
    middle = np.abs((starts + stops + 1) / 2 - height / 2) <= MIDDLE * height / 2
    found = thick[at, columns].mean(axis=1) >= DIAGONAL
    return bool((found & middle).any())


def find_dates(parts: Sequence[Part], candidates: Array | None = None) -> Array:
    """Return which digits may be the slashes of a date, as in 12/05/26 or 1/5/2026.

    They are two lines of about the same height and slope, at the places of the slashes. If
    `candidates` are given, these must be exactly the two.
    """
    found = np.zeros(len(parts), dtype=bool)
    for first, second in itertools.product((1, 2), (2, 3, 4, 5)):
        month, year = second - first - 1, len(parts) - second - 1
        if month not in (1, 2) or year not in (2, 4):
            continue
        pair = np.zeros(len(parts), dtype=bool)
        pair[[first, second]] = True
        if candidates is None or (candidates == pair).all():
            lines = [parts[first], parts[second]]
            low, high = sorted(part.height for part in lines)
            slopes = [_measure_slope(part.strokes) for part in lines]
            found |= pair & (
                low >= LOW_SLASH * np.median([part.height for part in parts])
                and high <= SIMILAR * low
                and abs(slopes[0] - slopes[1]) <= PARALLEL
                and all(_measure_bend(part.strokes) <= BENDING for part in lines)
            )
    return found


def _measure_slope(strokes: Array) -> float:
    """Return how far strokes lean to the right, in widths per height."""
    y, x = np.nonzero(strokes)
    y, x = y - y.mean(), x - x.mean()
    return -float((x * y).sum() / max(1.0, (y * y).sum()))


def _measure_bend(strokes: Array) -> float:
    """Return how far strokes deviate from a straight line, as a share of their height.

    Infinite if they are not a single line of even width.
    """
    height, width = strokes.shape
    counts = strokes.sum(axis=1)
    if not counts.all():
        return np.inf
    rows = np.arange(height)
    inner = slice(height // 20, height - height // 20)  # the ends may be rounded
    spans = width - strokes[:, ::-1].argmax(axis=1) - strokes.argmax(axis=1)
    usual, high = np.quantile(counts[inner], [0.5, 0.95])
    if (spans > counts + 1).mean() > LOOPED or high > max(usual + 1, PENS * usual):
        return np.inf
    middles = strokes @ np.arange(width) / counts
    _, slope, level = fit(rows, middles, 1)
    off = float(np.abs(middles - slope * rows - level)[inner].max())
    return max(0.0, off - 1) / height


def find_hidden(parts: Sequence[Part], gone: Array) -> list[Part | None]:
    """Return the stroke that each digit may have lost to a line that was removed, or None.

    Where the foot of a 2 lies in a ruled line, the line is thicker than elsewhere, and the rest
    looks like a 7. `gone` is a mask of the ink that was removed.
    """
    hidden: list[Part | None] = [None] * len(parts)
    if not parts:
        return hidden
    boxes = np.array([part.box for part in parts])
    tall = float(np.median(boxes[:, 3] - boxes[:, 1]))
    reach = round(HIDDEN * tall)
    top, bottom = max(0, int(boxes[:, 1].min()) - reach), int(boxes[:, 3].max()) + reach
    band = gone[top:bottom]
    thickness = band.sum(axis=0)
    columns = np.flatnonzero(thickness)
    if not len(columns):
        return hidden
    free = np.zeros(len(thickness), dtype=bool)
    free[columns[0] : columns[-1] + 1] = True
    for left, _, right, _ in boxes.tolist():
        free[max(0, left - reach) : right + reach] = False
    usual = np.median(thickness[free]) if free.any() else np.median(thickness[columns])
    for at, part in enumerate(parts):
        left, right = max(0, part.box[0] - 2), part.box[2] + 2
        thick = thickness[left:right] > usual
        if np.count_nonzero(thick) >= HIDDEN * part.height:
            hidden[at] = Part(
                (left, top, left + len(thick), top + len(band)), band[:, left:right] & thick
            )
    return hidden


def _are_alike(one: Post, other: Post) -> bool:
    """Return whether two upright lines have the same ends, as those of a frame."""
    return max(abs(one.top - other.top), abs(one.bottom - other.bottom)) <= 2


def _measure_tint(part: Part, dark: Array) -> Array:
    """Return the darkness of the strokes in each colour, relative to the darkest one."""
    left, top, right, bottom = part.box
    levels = np.median(dark[top:bottom, left:right][part.strokes], axis=0)
    return np.asarray(levels / max(float(levels.max()), 1e-3))


def find_faint(level: Array, ink: Ink, box: Box) -> Part | None:
    """Return faint ink of the size of a digit in a box, or None.

    A pen that runs dry leaves ink that is too pale beside that of the other digits. Very faint ink
    is noticed if it is darker than the paper on average.
    """
    left, top, right, bottom = box
    x, y = round(WALL * (right - left)), round(WALL * (bottom - top))
    left, top = max(0, left + x), max(0, top + y)
    some = level[top : bottom - y, left : right - x]
    smooth = ndimage.uniform_filter(some, 3)
    inner = widen(some > ink.noise)  # it has gaps
    inner |= smooth > find_quantile(smooth.ravel(), 0.25) + max(VERY_FAINT, ink.grain / 2)
    found = [part for part in find_parts(inner) if part.height >= FAINT * (bottom - y - top)]
    if not found:
        return None
    part = max(found, key=lambda part: part.n_pixels)
    a, b, c, d = part.box
    return Part((a + left, b + top, c + left, d + top), part.strokes)


def is_faint_beside(level: Array, noise: float, strokes: Array, parts: Sequence[Part]) -> bool:
    """Return whether there is faint ink as high as a digit before, after or between the digits."""
    tall = float(np.median([part.height for part in parts]))
    boxes = np.array([part.box for part in parts])
    top, bottom = int(boxes[:, 1].min()), int(boxes[:, 3].max())
    left = max(0, round(boxes[:, 0].min() - BESIDE * tall))
    right = round(boxes[:, 2].max() + BESIDE * tall)
    where = (slice(top, bottom), slice(left, right))
    faint = (level[where] > noise) & ~widen(strokes[where], 2)
    taken = np.zeros(faint.shape[1], dtype=bool)
    for part in parts:
        taken[max(0, part.box[0] - left) : part.box[2] - left] = True
    labels, _ = ndimage.label(faint, np.ones((3, 3)))
    for at, (y, x) in enumerate(ndimage.find_objects(labels), 1):
        height, width = y.stop - y.start, x.stop - x.start
        if height < FAINT_BESIDE * tall or width > BESIDE * tall or taken[x].mean() >= 0.5:
            continue
        if read_post(labels[y, x] == at, x.start, y.start) is None:  # no line of a pale frame
            return True
    return False


def find_thick_walls(drawn: Array, row: Sequence[Box]) -> Array:
    """Return which boxes of a row have a side so thick that a 1 may be written on it."""
    if len(row) < 2:
        return np.zeros(len(row), dtype=bool)
    thickness = np.array([[_measure_wall(drawn, box, x) for x in box[::2]] for box in row])
    usual = float(np.median(thickness))
    thick: Array = np.any(thickness > max(THICK * usual, usual + 1.5), axis=1)
    return thick


def _measure_wall(drawn: Array, box: Box, x: int) -> float:
    """Return the usual width of the ink along one side of a box."""
    left, top, right, bottom = box
    margin, reach = round(WALL * (bottom - top)), max(2, round(WALL * (right - left)))
    strip = drawn[top + margin : bottom - margin, max(0, x - reach) : x + reach]
    return find_quantile(strip.sum(axis=1), 0.5) if strip.size else 0.0


def find_specks(page: Array, *, is_boxed: bool) -> Array | None:
    """Return a mask of the ink if an empty field has many specks, or else None.

    They may be the remains of faint writing. Without boxes, which are checked by themselves, very
    faint ink is looked for as well.
    """
    ink = find_ink(page)
    strokes = find_strokes(ink.level, ink.noise)
    n_specks = sum(part.n_pixels >= SPECK for part in find_parts(strokes))
    if n_specks >= N_SPECKS:
        return strokes
    if is_boxed:
        return None
    height, width = strokes.shape
    return strokes if find_faint(ink.level, ink, (0, 0, width, height)) is not None else None
