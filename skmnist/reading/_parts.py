"""Group strokes into digits, and separate digits that touch."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import ndimage

Array = np.ndarray[Any, Any]
Box = tuple[int, int, int, int]  # left, top, right, bottom
Score = Callable[[list[Array]], Array]

SPECK = 0.008  # share of a square as high as a digit; a thin 1 has five times as much ink
SOLID = 0.35  # of its height; pictures and logos have wider strokes, digits narrower ones
LONG = 6.0  # length of strokes, relative to the longer side of their box; digits have up to 4
FULL = 0.3  # share of their boxes that these cover; boxes that a line joins cover less
HEAVY = 0.02  # share of the ink on a page, from which a part is checked for this
PICTURE = 1.5  # heights of a digit; smaller solid ink may be a digit that was crossed out
BARS, DENSE = 12, 0.25  # number of bars in a bar code, and the distance between them, in heights
LEAST_TALL = 8  # pixels of a digit's height; smaller ink cannot be distinguished from noise
DOT = 0.25  # of a digit's height; points and commas are smaller in both directions
SMALL = 0.5  # of a digit's height; shorter strokes are parts of digits, such as the bar of a 5
WIDE = 0.9  # of a digit's height; wider strokes may be several digits
CLOSE = 0.75  # of a digit's height; strokes within this width may be the halves of a broken 0
WIDEST = 1.7  # of a digit's height; wider strokes are several digits
MAX_MERGED = 6  # parts that may form one digit
MAX_ATOMS = 120  # pieces of a row; patterns have more
JUDGED = 28  # pixels; images to score are reduced, but not below this length of the longer side
SHARED = 0.25  # of a digit's height; strokes that two digits share are taller
GUESSED = 0.5  # confidence in a digit with strokes that it may share
SLACK = 0.1  # of a digit's height, by which shared strokes may be taller than the rest of a digit
MAX_CROSSED = 4.0  # widths of a stroke that a cut may cross

# Costs in units of -log(probability), chosen on scans by writers whose digits are not used for any
# published figure; DOUBT and SHARING on 400 amounts on cheques, which are reported separately.
DOUBT = 2.0  # weight of the network's probabilities, against the other costs
SHARING = 0.5  # for strokes that two digits share, before weighting
CUT = 1.0  # for cutting connected strokes
CROSSING = 1.0  # per width of a stroke that is crossed beyond the first
JOIN = 1.0  # for joining separate strokes
USUAL_WIDTH = 0.95  # of a digit's height
USUAL_HEIGHT = 0.7  # of the height of the row's digits
TOO_WIDE = 12.0  # times the square of the excess width
TOO_LOW = 20.0  # times the square of the missing height
FLOOR = 1e-3  # lower bound of a probability


@dataclass(frozen=True)
class Part:
    """Strokes that belong together, as a mask of the pixels in `box`."""

    box: Box
    strokes: Array

    @property
    def width(self) -> int:
        """Width of its box."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> int:
        """Height of its box."""
        return self.box[3] - self.box[1]

    @property
    def n_pixels(self) -> int:
        """Number of pixels with ink."""
        return int(np.count_nonzero(self.strokes))


@dataclass(frozen=True)
class _Atom:
    """A part that is not divided further; `cut` is the cost of the boundary before it.

    `left` and `right` are strokes beyond the cuts on both sides that it may share with its
    neighbours, such as the wall between two zeros.
    """

    part: Part
    cut: float | None  # None: it does not touch the previous one
    left: Part | None = None
    right: Part | None = None


def find_parts(strokes: Array) -> list[Part]:
    """Return the connected strokes of a page."""
    labels, _ = ndimage.label(strokes, np.ones((3, 3)))
    return [
        Part(
            (where[1].start, where[0].start, where[1].stop, where[0].stop),
            labels[where] == at,
        )
        for at, where in enumerate(ndimage.find_objects(labels), 1)
    ]


def measure_pen(strokes: Array) -> float:
    """Return the usual width of strokes: twice their area divided by their circumference."""
    inner = strokes[1:-1, 1:-1] & strokes[:-2, 1:-1] & strokes[2:, 1:-1]
    inner &= strokes[1:-1, :-2] & strokes[1:-1, 2:]
    area = int(np.count_nonzero(strokes))
    return max(1.0, 2 * area / max(1, area - int(np.count_nonzero(inner))))


def is_area(part: Part) -> bool:
    """Return whether ink is an area, such as a picture, rather than strokes."""
    return measure_pen(part.strokes) > SOLID * part.height


def join(parts: Sequence[Part]) -> Part:
    """Return several parts as one."""
    if len(parts) == 1:
        return parts[0]
    boxes = np.array([part.box for part in parts])
    left, top = boxes[:, :2].min(axis=0).tolist()
    right, bottom = boxes[:, 2:].max(axis=0).tolist()
    strokes = np.zeros((bottom - top, right - left), dtype=bool)
    for part in parts:
        x, y = part.box[0] - left, part.box[1] - top
        strokes[y : y + part.height, x : x + part.width] |= part.strokes
    return Part((left, top, right, bottom), strokes)


def divide_rows(parts: list[Part]) -> list[tuple[float, list[Part]]]:
    """Divide parts into rows of writing; return the height of digits and the parts of each row.

    Specks, dots, bar codes, parts far from any row, and rows of tiny parts are dropped.
    """
    parts = _leave_out_bars(parts)
    if not parts:
        return []
    heights = np.array([part.height for part in parts], dtype=float)
    masses = np.array([part.n_pixels for part in parts], dtype=float)
    solid = _find_solid(parts, masses)
    if not solid.all():
        masses[solid] = 0
    order = np.argsort(heights)
    half = np.searchsorted(np.cumsum(masses[order]), masses.sum() / 2)
    tall = float(heights[order[min(half, len(order) - 1)]])
    solid &= heights > PICTURE * tall
    big = [
        part
        for part, is_picture in zip(parts, solid, strict=True)
        if SMALL * tall <= part.height <= 3 * tall and not is_picture
    ]
    spans: list[list[float]] = []
    for top, bottom in sorted(
        (part.box[1] + 0.3 * part.height, part.box[3] - 0.3 * part.height) for part in big
    ):
        if spans and top < spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], bottom)
        else:
            spans.append([top, bottom])
    rows: list[list[Part]] = [[] for _ in spans]
    for part in parts:
        if part.n_pixels < SPECK * tall**2 or max(part.width, part.height) < DOT * tall:
            continue
        middle = (part.box[1] + part.box[3]) / 2
        away = [max(top - middle, middle - bottom, 0.0) for top, bottom in spans]
        at = int(np.argmin(away))
        if away[at] < 0.6 * tall:
            rows[at].append(part)
    found = []
    for row in rows:
        its = [part.height for part in row if part.height >= SMALL * tall]
        if its and np.median(its) >= LEAST_TALL:
            found.append((float(np.median(its)), sorted(row, key=lambda part: part.box)))
    return found


def _leave_out_bars(parts: list[Part]) -> list[Part]:
    """Return the parts without bar codes: many upright lines of the same height side by side."""
    if len(parts) < BARS:
        return parts
    boxes = np.array([part.box for part in parts])
    heights = boxes[:, 3] - boxes[:, 1]
    upright = heights > 3 * (boxes[:, 2] - boxes[:, 0])
    left_out = np.zeros(len(parts), dtype=bool)
    for at in np.flatnonzero(upright):
        if left_out[at]:
            continue
        alike = upright & (np.abs(boxes[:, 1::2] - boxes[at, 1::2]) <= 2).all(axis=1)
        lefts = boxes[alike, 0]
        if len(lefts) >= BARS and np.median(np.diff(np.sort(lefts))) < DENSE * heights[at]:
            left_out |= alike
    return [part for part, is_bar in zip(parts, left_out, strict=True) if not is_bar]


def _find_solid(parts: list[Part], masses: Array) -> Array:
    """Return which parts are pictures, logos or the like: areas, or long tangled strokes."""
    solid = masses >= HEAVY * masses.sum()
    for at in np.flatnonzero(solid):
        part = parts[at]
        length = part.n_pixels / measure_pen(part.strokes)
        solid[at] = is_area(part) or (
            length > LONG * max(part.width, part.height)
            and part.n_pixels > FULL * part.width * part.height
        )
    return np.asarray(solid)


def divide_digits(
    parts: list[Part],
    tall: float,
    crop: Callable[[Part], Array],
    *,
    n_digits: int | None = None,
    score: Score | None = None,
) -> list[tuple[Part, float]]:
    """Divide a row of parts into digits, and return each with the confidence that it is one.

    Parts are joined, and connected strokes are cut, so that the digits have the usual size and the
    network is confident about each.

    Parameters
    ----------
    parts : list of Part
    tall : float
        Height of a digit.
    crop : callable
        Returns the image of a part.
    n_digits : int, default=None
        Number of digits, if it is known.
    score : callable, default=None
        Returns the probabilities of the classes for a list of images. Without it, sizes decide.
    """
    groups = _attach_small(parts, tall)
    widths = [part.width / tall for part in groups]
    pairs = list(itertools.pairwise(groups))
    apart = all(_overlap(a, b) <= 0.4 for a, b in pairs)
    apart = apart and all(b.box[2] - a.box[0] > CLOSE * tall for a, b in pairs)
    if apart and len(groups) == (n_digits or len(groups)) and max(widths, default=0) <= WIDE:
        return [(part, 1.0) for part in groups]
    atoms = [atom for part in groups for atom in _divide(part, tall, expected=n_digits)]
    if len(atoms) > MAX_ATOMS:  # a pattern: too many ways to score, and no number
        digits = _choose(atoms, tall, crop, n_digits, None)
        return [(part, min(sure, GUESSED)) for part, sure in digits]
    return _choose(atoms, tall, crop, n_digits, score)


def _overlap(a: Part, b: Part) -> float:
    """Return the share of the narrower part's width that is above or below the other part."""
    common = min(a.box[2], b.box[2]) - max(a.box[0], b.box[0])
    return max(0.0, common / min(a.width, b.width))


def _attach_small(parts: list[Part], tall: float) -> list[Part]:
    """Attach small parts to the nearest digit; of those far from any, keep the wider ones."""
    groups = [[part] for part in parts if part.height >= SMALL * tall]
    alone = []
    for part in parts:
        if part.height >= SMALL * tall:
            continue
        gaps = [
            max(group[0].box[0] - part.box[2], part.box[0] - group[0].box[2], 0)
            - 0.1 * tall * _overlap(part, group[0])
            for group in groups
        ]
        at = int(np.argmin(gaps)) if gaps else -1
        if at >= 0 and gaps[at] <= 0.15 * tall:
            groups[at].append(part)
        elif part.width >= DOT * tall:
            alone.append(part)
    found = [*map(join, groups), *alone]
    return sorted(found, key=lambda part: part.box[0] + part.box[2])


def _divide(part: Part, tall: float, *, expected: int | None) -> list[_Atom]:
    """Cut a wide part wherever it may be cut."""
    if part.width <= (0.7 if expected else WIDE) * tall:
        return [_Atom(part, None)]
    thickness = measure_pen(part.strokes)
    seams = _find_seams(part.strokes, tall, thickness)
    atoms: list[_Atom] = []
    edge = np.zeros(part.height, dtype=np.intp)  # of the strokes that are not in a piece yet
    cost: float | None = None
    columns = np.arange(part.width)
    for seam, crossed in [*seams, (np.full(part.height, part.width), 0.0)]:
        piece = part.strokes & (columns >= edge[:, None]) & (columns < seam[:, None])
        if np.count_nonzero(piece) < SPECK * tall**2:
            continue
        left = _find_shared(part, piece, edge - thickness, edge, tall)
        right = _find_shared(part, piece, seam, seam + thickness, tall)
        atoms.append(_Atom(trim(replace(part, strokes=piece)), cost, left, right))
        edge = np.maximum(edge, seam)
        cost = CUT + CROSSING * max(0.0, crossed - 1)
    rest = part.strokes & (columns >= edge[:, None])
    if atoms and rest.any():
        last = join([atoms[-1].part, trim(replace(part, strokes=rest))])
        atoms[-1] = replace(atoms[-1], part=last, right=None)
    return atoms or [_Atom(part, None)]


def _find_shared(part: Part, piece: Array, start: Array, stop: Array, tall: float) -> Part | None:
    """Return strokes beside a piece, from column `start` to `stop` of each row, that it may share.

    Return None unless they are tall enough for a wall between two digits, and hardly taller than
    the piece.
    """
    columns = np.arange(part.width)
    beside = part.strokes & (columns >= start[:, None] - 1) & (columns < stop[:, None] + 1) & ~piece
    labels, _ = ndimage.label(beside | piece, np.ones((3, 3)))
    beside &= np.isin(labels, np.unique(labels[piece]))
    rows, own = np.flatnonzero(beside.any(axis=1)), np.flatnonzero(piece.any(axis=1))
    if len(rows) < max(1, SHARED * tall) or np.ptp(rows) > np.ptp(own) + SLACK * tall:
        return None
    return trim(replace(part, strokes=beside))


def trim(part: Part) -> Part:
    """Return a part without the rows and columns around its strokes."""
    rows = np.flatnonzero(part.strokes.any(axis=1))
    columns = np.flatnonzero(part.strokes.any(axis=0))
    left, top = part.box[:2]
    box = (left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1)
    strokes = part.strokes[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Part(tuple(map(int, box)), strokes)  # type: ignore[arg-type]


def _find_seams(strokes: Array, tall: float, thickness: float) -> list[tuple[Array, float]]:
    """Return paths from top to bottom that cross little ink, ordered from left to right.

    Each path comes with the amount of ink that it crosses, in widths of a stroke.
    """
    height, width = strokes.shape
    step = max(2, round(0.06 * tall))
    reach = max(2, round(0.25 * tall))
    edge = round(0.12 * tall)
    starts = np.arange(edge, width - edge, step)
    if not len(starts):
        return []
    padded = np.pad(strokes, ((0, 0), (reach, reach))).astype(np.float32)
    # ink in the window around each start: (n_rows, n_starts, window)
    window = starts[:, None] + np.arange(2 * reach + 1)
    total = np.zeros(window.shape, dtype=np.float32)
    total += 0.01 * np.abs(np.arange(-reach, reach + 1))
    came = np.zeros((height, *window.shape), dtype=np.int8)
    for row in range(height):
        left = np.pad(total[:, :-1], ((0, 0), (1, 0)), constant_values=np.inf) + 0.05
        right = np.pad(total[:, 1:], ((0, 0), (0, 1)), constant_values=np.inf) + 0.05
        best = np.minimum(np.minimum(left, right), total)
        came[row] = np.where(best == total, 0, np.where(best == left, -1, 1))
        total = best + padded[row][window]
    at = total.argmin(axis=1)
    paths = np.empty((len(starts), height), dtype=np.intp)
    for row in range(height - 1, -1, -1):
        paths[:, row] = starts + at - reach
        at = at + came[row, np.arange(len(starts)), at]
    inside = paths.clip(0, width - 1)
    crossed = (strokes[np.arange(height), inside] & (paths >= 0) & (paths < width)).sum(axis=1)
    costs = crossed / thickness
    chosen: list[int] = []
    for one in np.argsort(costs, kind="stable"):
        if costs[one] > MAX_CROSSED:
            break
        apart = [np.abs(paths[one] - paths[other]).mean() for other in chosen]
        if min(apart, default=np.inf) >= 0.15 * tall:
            chosen.append(int(one))
    chosen.sort(key=lambda one: float(paths[one].mean()))
    return [(paths[one], float(costs[one])) for one in chosen]


def _choose(
    atoms: list[_Atom],
    tall: float,
    crop: Callable[[Part], Array],
    n_digits: int | None,
    score: Score | None,
) -> list[tuple[Part, float]]:
    """Return the cheapest way to join atoms into digits.

    Costs are negative logarithms of probabilities, so the confidence that a digit is one digit
    follows from the cost of the cheapest way without it, minus that of the cheapest way. A digit
    with strokes that also belong to its neighbour is a guess, and never certain; one that would be
    read differently with such strokes is less certain.
    """
    n = len(atoms)
    spans = {}
    for start in range(n):
        for stop in range(start + 1, min(n, start + MAX_MERGED) + 1):
            part = join([atom.part for atom in atoms[start:stop]])
            if stop > start + 1 and part.width > WIDEST * tall:
                break
            spans[start, stop] = part
    doubts, limits = dict.fromkeys(spans, 0.0), dict.fromkeys(spans, 1.0)
    if score is not None:
        ways = [
            (span, way, cost)
            for span, part in spans.items()
            for way, cost in _share(atoms[slice(*span)], part)
        ]
        probabilities = np.asarray(score([_shrink(crop(way)) for _, way, _ in ways]))
        labels = probabilities.argmax(axis=1)
        guesses = DOUBT * (
            np.array([cost for *_, cost in ways]) - np.log(probabilities.max(axis=1).clip(FLOOR))
        )
        for span, group in itertools.groupby(range(len(ways)), lambda at: ways[at][0]):
            some = list(group)
            best = min(some, key=guesses.__getitem__)
            rivals = [guesses[at] for at in some if labels[at] != labels[best]]
            _, spans[span], cost = ways[best]
            doubts[span] = guesses[best]
            limits[span] = (
                GUESSED if cost else _be_sure(min(rivals, default=np.inf) - guesses[best])
            )
    costs = {}
    for span, part in spans.items():
        cost = doubts[span] + _judge(part, tall)
        start, stop = span
        if start and (cut := atoms[start].cut) is not None:
            cost += cut
        for at in range(start + 1, stop):
            if atoms[at].cut is None:
                before = join([atom.part for atom in atoms[start:at]])
                cost += 2 * JOIN * (1 - _overlap(before, atoms[at].part))
        costs[span] = cost
    paths = _find_paths(costs, n, n_digits)
    if paths is None:  # the row cannot be divided into so many digits
        paths = _find_paths(costs, n, None)
    return [(spans[span], min(_be_sure(excess), limits[span])) for span, excess in paths or []]


def _be_sure(excess: float) -> float:
    """Return the probability of the cheaper of two ways, given the excess cost of the other."""
    return float(1 / (1 + np.exp(-excess)))


def _share(atoms: list[_Atom], part: Part) -> list[tuple[Part, float]]:
    """Return a digit without and with the strokes that it may share, each with its cost."""
    ways = [(part, 0.0)]
    for shared in (atoms[0].left, atoms[-1].right):
        if shared is not None:
            ways += [(join([way, shared]), SHARING) for way, _ in ways]
    return ways


def _shrink(image: Array) -> Array:
    """Reduce an image by a whole factor, so that it can be scored quickly."""
    factor = max(image.shape) // JUDGED
    if factor < 2:
        return image
    height, width = (side // factor for side in image.shape)
    squares = image[: height * factor, : width * factor].reshape(height, factor, width, factor)
    return squares.mean(axis=(1, 3)).astype(np.uint8)


def _find_paths(
    costs: dict[tuple[int, int], float], n: int, count: int | None
) -> list[tuple[tuple[int, int], float]] | None:
    """Return the cheapest sequence of spans from 0 to n; None if there is none.

    Each span comes with the excess cost of the cheapest sequence without it. The number of spans is
    `count`, or any number if `count` is None.
    """
    step, width = (0, 1) if count is None else (1, count + 1)
    less = max(1, width - step)
    before, after = np.full((2, n + 1, width), np.inf)  # by the number of spans on that side
    before[0, 0] = after[n, 0] = 0
    for (start, stop), cost in sorted(costs.items()):
        before[stop, step:] = np.minimum(before[stop, step:], before[start, :less] + cost)
    for (start, stop), cost in sorted(costs.items(), reverse=True):
        after[start, step:] = np.minimum(after[start, step:], after[stop, :less] + cost)
    if not np.isfinite(after[0, -1]):
        return None
    totals = {
        (start, stop): cost + float((before[start, :less] + after[stop, less - 1 :: -1]).min())
        for (start, stop), cost in costs.items()
    }
    # each sequence has exactly one of the spans that cover a position
    covering: list[list[tuple[int, int]]] = [[] for _ in range(n)]
    for start, stop in costs:
        for at in range(start, stop):
            covering[at].append((start, stop))
    chosen, start, left = [], 0, width - 1
    while start < n:
        span = min(
            (one for one in covering[start] if one[0] == start),
            key=lambda one: costs[one] + after[one[1], left - step],
        )
        others = [totals[one] for one in covering[start] if one != span]
        chosen.append((span, min(others, default=np.inf) - float(after[0, -1])))
        start, left = span[1], left - step
    return chosen


def _judge(part: Part, tall: float) -> float:
    """Return the cost of the size of a digit."""
    wide = max(0.0, part.width / tall - USUAL_WIDTH)
    low = max(0.0, USUAL_HEIGHT - part.height / tall)
    return TOO_WIDE * wide**2 + TOO_LOW * low**2
