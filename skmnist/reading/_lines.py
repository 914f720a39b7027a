"""Find frames, combs and ruled lines, and the places that they form."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import ndimage

from skmnist.reading._ink import find_quantile, spread, widen
from skmnist.reading._posts import MAX_PLACES, find_combs, read_post
from skmnist.reading._tracing import COVERED, Line, erase, find_bars, find_runs, trace

Array = np.ndarray[Any, Any]
Box = tuple[int, int, int, int]  # left, top, right, bottom

DIVIDED = 0.93  # share of the height that a line between two places covers
STRIP = 0.08  # share of a box in which its side lies: a round 0 covers 65% of such a strip
LEAST_SIDE = 12  # pixels of the smallest box
THINNEST = 6  # ratio of a frame's height to the thickness of its lines; a 0 has less
OVER = 0.3  # of the height of a frame with the digits that reach beyond it, beyond either side
MIN_TEETH = 3  # of a comb without outer teeth
PLAIN = 0.75  # share of the ink of such a comb that is lines; print has less
UNCOVERED = 0.6  # of the height of a tooth, above which no comma hides it
WHOLE = 0.9  # share of a page's width; only ruled lines are that long
ALONE = 0.2  # share of a shorter ruled line that has no ink above or below it
EDGE = 4  # pixels from the edge of the image to a row that it cuts off
LARGER, N_LARGER = 1.2, 2  # of the height of such a row; number of larger strokes beside it
LOW = 0.85  # of the width; places for digits are not lower
TALL = 1.8  # of the width of a place in a comb; digits are not higher
GAP = 0.45  # of the usual width; narrower cells are gaps between boxes that digits connect
LOOP_GAP = 1.5  # of the height of a loop; other digits are nearer than this
LONG = 2.5  # minimum ratio of width to height of a part with a line under digits; a 5 or 7 has less
LONGER = 3.5  # the same for short lines; dashes alone are no lines under digits


@dataclass(frozen=True)
class Cells:
    """Adjacent places formed by guides.

    Attributes
    ----------
    boxes : list of tuple
        Their interiors, from left to right.
    lines : list of Line
        The guides around them.
    drawn : float
        Share of the ink of the connected strokes that is explained by the lines.
    """

    boxes: list[Box]
    lines: list[Line]
    drawn: float = 1.0

    @property
    def width(self) -> float:
        """Usual width of a place."""
        return find_quantile([box[2] - box[0] for box in self.boxes], 0.5)


def find_guides(strokes: Array, n_digits: int | None = None) -> tuple[list[Cells], list[Line]]:
    """Find frames, combs and ruled lines among strokes.

    Parameters
    ----------
    strokes : ndarray of shape (height, width), bool
    n_digits : int, default=None
        Expected number of places in a comb whose teeth are worn.

    Returns
    -------
    cells : list of Cells
    lines : list of Line
        All lines, including those of the cells.
    """
    closed = ~widen(~widen(strokes))
    closed[[0, -1]] = closed[:, [0, -1]] = False
    closed |= strokes
    labels, _ = ndimage.label(closed, np.ones((3, 3)))
    places = ndimage.find_objects(labels)
    boxes = np.array([[x.start, y.start, x.stop, y.stop] for y, x in places]).reshape(-1, 4)
    cells: list[Cells] = []
    rulings: list[Line] = []
    frames: list[int] = []
    for at, where in enumerate(places, 1):
        height, width = (part.stop - part.start for part in where)
        if max(height, width) < LEAST_SIDE:
            continue
        part = labels[where] == at
        corner = (where[1].start, where[0].start)
        frame = _find_frame(part, where, strokes.shape)
        if frame is not None:
            down, right = frame
            cells += _read_frame(part[frame], (corner[0] + right.start, corner[1] + down.start))
            frames.append(at - 1)
        else:
            combs, lines = _read_rulings(part, corner, n_digits, strokes.shape)
            cells += combs
            rulings += lines
    if len(cells) == 1 and _is_loop(cells[0], np.delete(boxes, frames, axis=0)):
        cells = []
    cells = _keep_likely(cells)
    cells += _find_more(closed, cells)
    cells += _find_loose_combs(erase(strokes, rulings) if rulings else strokes, cells)
    cells = [some for some in cells if not _is_cut_off(some, boxes, len(strokes))]
    lines = rulings + [line for some in cells for line in some.lines]
    if not cells:
        lines += _find_edges(strokes)
    return cells, lines


def _is_loop(some: Cells, boxes: Array) -> bool:
    """Return whether the only cell is a 0 rather than a frame: other ink beside it is as tall."""
    if len(some.boxes) > 1 or some.drawn < 1:
        return False
    left, top, right, bottom = some.boxes[0]
    tall = bottom - top
    heights = boxes[:, 3] - boxes[:, 1]
    level = np.minimum(boxes[:, 3], bottom) - np.maximum(boxes[:, 1], top) > 0.5 * tall
    gap = np.maximum(boxes[:, 0] - right, left - boxes[:, 2])
    near = (gap > 0) & (gap < LOOP_GAP * tall)
    return bool(np.any(level & near & (heights > 0.7 * tall) & (heights < 2 * tall)))


def _is_cut_off(some: Cells, boxes: Array, height: int) -> bool:
    """Return whether cells are the remains of a row that the edge of the image cuts off.

    The digits are larger, and above or below it.
    """
    top, bottom = some.boxes[0][1], some.boxes[0][3]
    if top > EDGE and bottom < height - EDGE:
        return False
    larger = boxes[:, 3] - boxes[:, 1] > LARGER * (bottom - top)
    apart = (boxes[:, 1] >= bottom) | (boxes[:, 3] <= top)
    return int(np.count_nonzero(larger & apart)) >= N_LARGER


def _keep_likely(cells: list[Cells]) -> list[Cells]:
    """Drop places that are parts of digits: loops, and flat feet.

    A single comb with other ink attached to it is kept only if there are similar ones; the more ink
    is attached, the more of them are needed.
    """
    if not cells:
        return []
    usual = max(cells, key=lambda some: (len(some.boxes), some.width)).width
    kept = []
    for some in cells:
        if len(some.boxes) == 1 and some.width < 0.5 * usual:
            continue
        if some.drawn < 1:
            likes = [
                other
                for other in cells
                if abs(other.width - some.width) <= 0.06 * some.width
                and abs(other.boxes[0][3] - some.boxes[0][3]) <= 0.3 * some.width
            ]
            n_likes = sum(len(other.boxes) for other in likes)
            if n_likes < (2 if some.drawn > 0.9 else 3):
                continue
        kept.append(some)
    return kept


def _find_more(strokes: Array, cells: list[Cells]) -> list[Cells]:
    """Find places whose guides are hidden under digits, by the places beside them.

    Such places have a bottom line of the same length at the same height.
    """
    single = [some for some in cells if len(some.boxes) == 1]
    found: list[Cells] = []
    for row in iterate_rows(cells, gap=np.inf):
        like = next((some for some in single if some.boxes[0] in row), None)
        if like is None or len(row) < 2:
            continue
        left, _, right, bottom = like.boxes[0]
        reach = max(3, round(0.08 * (right - left)))
        is_line: Array = np.any(strokes[max(0, bottom - reach) : bottom + reach], axis=0)
        for start, stop in find_runs(is_line):
            length, middle = stop - start, (start + stop) / 2
            if not 0.85 < length / (right - left) < 1.35:
                continue
            if any(box[0] - 2 <= middle <= box[2] + 2 for box in row):
                continue
            shift = round(middle - (left + right) / 2)
            boxes = [(box[0] + shift, box[1], box[2] + shift, box[3]) for box in like.boxes]
            found.append(Cells(boxes, [line.move(shift, 0) for line in like.lines]))
    return found


def _find_loose_combs(strokes: Array, cells: list[Cells]) -> list[Cells]:
    """Find combs without a base line, or below a line, by their teeth."""
    labels, _ = ndimage.label(strokes, np.ones((3, 3)))
    posts = []
    for at, where in enumerate(ndimage.find_objects(labels), 1):
        y, x = where
        if x.stop - x.start > y.stop - y.start:
            continue
        post = read_post(labels[where] == at, x.start, y.start)
        if post is not None and not any(
            left <= post.x <= right and top <= y.stop and y.start <= bottom
            for some in cells
            for left, top, right, bottom in some.boxes
        ):
            posts.append(post)
    found = []
    for comb in find_combs(posts, strokes):
        lines = []
        for post in comb:
            left, right = int(post.x - post.thickness), int(post.x + post.thickness + 1)
            lines += trace(
                strokes.T, max(0, left), right, post.top, post.bottom, (0, 0), upright=True
            )
        pitch = (comb[-1].x - comb[0].x) / (len(comb) - 1)
        top, bottom = comb[0].top, comb[0].bottom
        if comb[0].height < LOW * pitch:  # digits rise above short teeth
            top = max(0, bottom - round(TALL * pitch))
        boxes = [
            (round(before.x), top, round(after.x), bottom)
            for before, after in itertools.pairwise(comb)
        ]
        found.append(Cells(boxes, lines))
    return found


def _find_frame(
    part: Array, where: tuple[slice, slice], shape: tuple[int, ...]
) -> tuple[slice, slice] | None:
    """Return the rows and columns of a part that a frame takes up, or None without a frame.

    Digits that cross the frame reach beyond it.
    """
    height, width = part.shape
    if min(height, width) < LEAST_SIDE:
        return None
    whole = (slice(0, height), slice(0, width))
    if _is_frame(part, where, shape):
        return whole
    down = _find_span(part, OVER * height)
    right = None if down is None else _find_span(part[down].T, OVER * (down.stop - down.start))
    if down is None or right is None or (down, right) == whole:
        return None
    inside = (slice(1, shape[0] - 1), slice(1, shape[1] - 1))  # nothing is cut off
    return (down, right) if _is_frame(part[down, right], inside, shape) else None


def _find_span(part: Array, reach: float) -> slice | None:
    """Return the rows from the first to the last line across a part, both near its edges."""
    bars = find_bars(part, max(1, round(STRIP / 2 * min(part.shape))))
    if len(bars) < 2 or bars[0][0] > reach or bars[-1][1] < len(part) - reach:
        return None
    start, stop = bars[0][0], bars[-1][1]
    thick = max(last - first for first, last in bars)
    return slice(start, stop) if stop - start >= max(LEAST_SIDE, THINNEST * thick) else None


def _is_frame(part: Array, where: tuple[slice, slice], shape: tuple[int, ...]) -> bool:
    """Return whether all four sides are lines; a side that the image cuts off counts as one."""
    height, width = part.shape
    high, wide = max(2, round(STRIP * height)), max(2, round(STRIP * width))
    high, wide = min(high, wide * 2), min(wide, high * 2)
    sides = [
        (part[:high].any(axis=0), where[0].start == 0 and width > 1.5 * height),
        (part[-high:].any(axis=0), where[0].stop == shape[0] and width > 1.5 * height),
        (part[:, :wide].any(axis=1), where[1].start == 0 and width > 1.5 * height),
        (part[:, -wide:].any(axis=1), where[1].stop == shape[1] and width > 1.5 * height),
    ]
    drawn = [int(np.count_nonzero(side)) >= COVERED * np.size(side) for side, _ in sides]
    cut = [is_cut for _, is_cut in sides]
    return all(a or b for a, b in zip(drawn, cut, strict=True)) and sum(drawn) >= 3


def _read_frame(part: Array, corner: tuple[int, int]) -> list[Cells]:
    height, width = part.shape
    tolerance = max(1, round(0.01 * min(height, width)))
    downs = find_bars(part, tolerance)
    if not downs or downs[0][0] > STRIP * height:
        downs = [(0, 0), *downs]
    if downs[-1][1] < (1 - STRIP) * height - 1:
        downs = [*downs, (height, height)]
    if not _is_grid(part, downs, tolerance):
        downs = [downs[0], downs[-1]]
    rows: list[Cells] = []
    lines: list[Line] = []
    for first, last in downs:
        if last > first:
            lines += trace(part, first, last, 0, width, corner)
    for (_, top), (bottom, _) in itertools.pairwise(downs):
        if bottom - top < LEAST_SIDE:
            continue
        band = part[top:bottom]
        bars = find_bars(band.T, max(1, round(0.02 * (bottom - top))), DIVIDED)
        for first, last in bars:
            lines += trace(part.T, first, last, top, bottom, corner[::-1], upright=True)
        edges = [*bars]
        if not bars or bars[0][0] > max(STRIP * width, 0.4 * (bottom - top)):
            edges = [(0, 0), *edges]
        if edges[-1][1] < width - max(STRIP * width / 4, 3):
            edges = [*edges, (width, width)]
        spans = [(left, right) for (_, left), (right, _) in itertools.pairwise(edges)]
        spans = _join_narrow(spans, bottom - top)
        spans = [span for span in spans if span[1] - span[0] >= LEAST_SIDE / 2]
        if spans:
            boxes = [
                (corner[0] + left, corner[1] + top, corner[0] + right, corner[1] + bottom)
                for left, right in spans
            ]
            rows.append(Cells(boxes, []))
    if lines:  # where a digit runs along a line, only the line is to be erased
        thickest = 2 * find_quantile([line.thickness for line in lines], 0.5)
        lines = [replace(line, thickness=min(line.thickness, thickest)) for line in lines]
    return [replace(some, lines=lines) for some in rows[:1]] + rows[1:]


def _is_grid(part: Array, downs: list[tuple[int, int]], tolerance: int) -> bool:
    """Return whether lines across a frame divide it into rows, unlike the bar of a 4 in a box."""
    height, width = part.shape
    tall = [down[0] - up[1] for up, down in itertools.pairwise(downs)]
    if len(tall) < 2 or min(tall) >= LOW * width:
        return True
    is_uneven = width < 1.3 * height and min(tall) < 0.6 * max(tall)
    return not is_uneven and len(find_bars(part.T, tolerance, DIVIDED)) > 2


def _join_narrow(spans: list[tuple[int, int]], height: int) -> list[tuple[int, int]]:
    """Join cells that a tall stroke of a digit has cut in two, and drop gaps between boxes."""
    widths = np.array([right - left for left, right in spans])
    usual = find_quantile(widths, 0.5) if len(spans) > 4 else 0.9 * height
    joined: list[tuple[int, int]] = []
    for left, right in spans:
        before = joined[-1] if joined else None
        if (
            before is not None
            and max(right - left, before[1] - before[0]) < 0.85 * usual
            and right - before[0] < (1.2 if len(spans) > 4 else 1.4) * usual
        ):
            joined[-1] = (before[0], right)
        else:
            joined.append((left, right))
    usual = find_quantile([right - left for left, right in joined], 0.5) if joined else 0.0
    return [span for span in joined if span[1] - span[0] >= GAP * usual]


def _read_rulings(
    part: Array, corner: tuple[int, int], n_digits: int | None, shape: tuple[int, ...]
) -> tuple[list[Cells], list[Line]]:
    """Read long lines, which may have digits on them, and combs: lines with teeth."""
    height, width = part.shape
    if width < LEAST_SIDE:
        return [], []
    is_long = width >= max(LONG * height, 0.2 * shape[1]) or width >= 0.7 * shape[1]
    cells, lines = [], []
    bars = find_bars(part, max(1, min(height // 20, 4)))
    for first, last in bars:
        if last - first > max(6, 0.3 * height):
            continue
        is_ruled = is_long or (last - first <= 0.3 * height and width >= LONGER * height)
        if first < _rise(height) and not is_ruled:
            continue  # the bar of a 5 or 7, too high for teeth
        traced = trace(part, first, last, 0, width, corner)
        if not traced:
            continue
        teeth = _find_teeth(part, first, traced[0].thickness)
        spans = _fit_lattice(teeth, width, height, n_digits)
        comb = _make_comb(part, corner, traced, first, teeth, spans) if spans else None
        if comb is None and is_ruled and len(teeth) >= MIN_TEETH:  # the outer teeth may be missing
            outer = [(float(x), first, 0.0) for x in (0, width - 1)]
            spans = _fit_lattice(teeth + outer, width, height, n_digits)
            comb = _make_comb(part, corner, traced, first, teeth, spans) if spans else None
            comb = comb if comb is not None and comb.drawn >= PLAIN else None
        if comb is not None:
            cells.append(comb)
        elif is_ruled and (width >= WHOLE * shape[1] or _stands_out(part, bars)):
            lines += traced
    return cells, lines


def _make_comb(
    part: Array,
    corner: tuple[int, int],
    base: list[Line],
    first: int,
    teeth: list[tuple[float, int, float]],
    spans: list[tuple[int, int]],
) -> Cells:
    """Return the places of a comb with a base line in row `first` and these teeth."""
    lines = [*base]
    for x, top, thick in teeth:
        if any(abs(x - edge) <= 0.12 * (b - a) for a, b in spans for edge in (a, b)):
            left, right = max(0, int(x - thick)), min(part.shape[1], int(x + thick + 1))
            lines += trace(part.T, left, right, top, first, corner[::-1], upright=True)
    pitch = spans[0][1] - spans[0][0]
    top = max(0, first + corner[1] - round(TALL * pitch))
    boxes = [(corner[0] + a, top, corner[0] + b, corner[1] + first) for a, b in spans]
    left_over = erase(np.pad(part, 2), [line.move(2 - corner[0], 2 - corner[1]) for line in lines])
    drawn = 1 - int(left_over.sum()) / max(1, int(part.sum()))
    return Cells(boxes, lines, drawn)


def _stands_out(part: Array, bars: list[tuple[int, int]]) -> bool:
    """Return whether lines have enough columns without other ink, and do not only join digits."""
    rest = part.copy()
    for first, last in bars:
        rest[max(0, first - 2) : last + 2] = False
    return bool(np.mean(~rest.any(axis=0)) >= ALONE)


def _rise(height: int) -> int:
    """Return the minimum height of teeth."""
    return max(4, round(0.1 * height))


def _find_teeth(part: Array, first: int, thickness: float) -> list[tuple[float, int, float]]:
    """Return the x, top and thickness of each short line that rises from a bar."""
    reach = max(_rise(len(part)), round(2.5 * thickness))
    if first < reach:
        return []
    rising: Array = part[first - reach : first].mean(axis=0) >= 0.8
    teeth, hidden = [], []
    widest = max(4, 3.5 * thickness)
    for start, stop in find_runs(rising):
        wide = stop - start
        if wide > widest:
            hidden.append((start, stop))
            continue
        x = (start + stop - 1) / 2
        column: Array = np.any(part[:first, start:stop], axis=1)[::-1]
        rise = int(np.argmin(np.append(column, False)))
        teeth.append((x, first - rise, float(wide)))
    if not teeth:
        return []
    # a digit that touches a tooth makes it longer, so only the shortest are reliable
    usual = find_quantile([first - top for _, top, _ in teeth], 0.25)
    upper = slice(int(first - usual), int(first - UNCOVERED * usual) + 1)
    for start, stop in hidden:
        for left, right in find_runs(part[upper, start:stop].mean(axis=0) >= 0.8):
            if right - left <= widest:
                teeth.append((start + (left + right - 1) / 2, upper.start, float(right - left)))
    return [(x, max(top, int(first - 1.3 * usual)), thick) for x, top, thick in teeth]


def _fit_lattice(
    teeth: list[tuple[float, int, float]], width: int, height: int, n_digits: int | None
) -> list[tuple[int, int]]:
    """Return the spans of equally wide places between the teeth; none if no comb fits.

    A comb begins and ends with a tooth; a ruled line reaches beyond the digits on it.
    """
    if len(teeth) < 2:
        return []
    at = np.array([x for x, _, _ in teeth])
    left, right = float(at.min()), float(at.max())
    if max(left, width - 1 - right) > max(4, 0.04 * (right - left) / len(teeth)):
        return []
    best: list[tuple[int, int]] = []
    for n in range(1, MAX_PLACES + 1):
        pitch = (right - left) / n
        if pitch < LEAST_SIDE / (2 if n > 1 else 1):  # a single place may be the foot of a 2
            break
        if pitch > (4 if n < 3 else 15) * height:
            continue
        grid = left + pitch * np.arange(n + 1)
        near = np.abs(grid[:, None] - at).min(axis=1) <= max(2.0, 0.05 * pitch)
        needed = 0.6 if n == n_digits else 0.9
        if np.count_nonzero(near) >= needed * len(near) and near[[0, -1]].all():
            edges = np.rint(grid).astype(int).tolist()
            best = list(itertools.pairwise(edges))
            if n == n_digits:
                break
    return best


def _find_edges(strokes: Array) -> list[Line]:
    """Find parts of a grid along the edges of an image of a single cell."""
    height, width = strokes.shape
    if max(height, width) > 1.6 * min(height, width) or min(height, width) < 20:
        return []
    found = []
    for upright in (False, True):
        part = strokes.T if upright else strokes
        size = len(part)
        tolerance = max(1, round(0.02 * size))
        thick = spread(part, tolerance, axis=0)
        for start, stop in find_runs(thick.mean(axis=1) >= 0.9):
            middle = (start + stop) / 2
            if min(middle, size - middle) > 0.2 * size:
                continue
            found += trace(part, start, stop, 0, part.shape[1], (0, 0), upright=upright)
    return found


def iterate_rows(cells: list[Cells], gap: float = 1.5) -> Iterator[list[Box]]:
    """Yield rows of boxes in reading order; boxes beside each other form one row.

    A gap wider than `gap` boxes starts another row.
    """
    boxes = sorted((box for some in cells for box in some.boxes), key=lambda box: box[1] + box[3])
    rows: list[list[Box]] = []
    for box in boxes:
        middle = (box[1] + box[3]) / 2
        for row in rows:
            if row[0][1] < middle < row[0][3]:
                row.append(box)
                break
        else:
            rows.append([box])
    for row in rows:
        row.sort()
        width = find_quantile([box[2] - box[0] for box in row], 0.5)
        part = [row[0]]
        for before, box in itertools.pairwise(row):
            if box[0] - before[2] > gap * width:
                yield part
                part = []
            part.append(box)
        yield part
