"""Follow lines among strokes, and erase them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skmnist.reading._ink import find_quantile, spread

Array = np.ndarray[Any, Any]

COVERED = 0.85  # share of a side that a line covers; the rest may be worn or crossed out


@dataclass(frozen=True)
class Line:
    """A line from `start` to `stop`, with its thickness in pixels.

    `curve` holds the coefficients of x ** 2, x and 1 that give its height.
    """

    curve: tuple[float, float, float]
    start: int
    stop: int
    thickness: float
    upright: bool = False

    def move(self, right: float, down: float) -> "Line":
        """Return the line in pixels of a page with another origin."""
        along, across = (down, right) if self.upright else (right, down)
        square, slope, level = self.curve
        curve = (
            square,
            slope - 2 * square * along,
            level + across + (square * along - slope) * along,
        )
        return replace(
            self, curve=curve, start=self.start + int(along), stop=self.stop + int(along)
        )


def find_bars(part: Array, tolerance: int, covered: float = COVERED) -> list[tuple[int, int]]:
    """Return the first and last row of each line that crosses the whole part."""
    thick = spread(part, tolerance, axis=0)
    bars = []
    for first, last in find_runs(np.count_nonzero(thick, axis=1) >= covered * thick.shape[1]):
        if last - first > 2 * tolerance + 1:  # remove the rows that the filter has added
            first, last = first + tolerance, last - tolerance
        bars.append((first, last))
    return bars


def find_runs(some: Array) -> list[tuple[int, int]]:
    """Return the start and stop of each run of True."""
    padded = np.zeros(len(some) + 2, dtype=bool)
    padded[1:-1] = some
    changes = np.flatnonzero(padded[1:] != padded[:-1]).tolist()
    return list(zip(changes[::2], changes[1::2], strict=True))


def trace(
    part: Array,
    first: int,
    last: int,
    start: int,
    stop: int,
    corner: tuple[int, int],
    *,
    upright: bool = False,
) -> list[Line]:
    """Follow the line between two rows of a part; return no line if there is little ink."""
    slack = max(2, (last - first) // 2)
    low, high = max(0, first - slack), min(len(part), last + slack)
    band = part[low:high, start:stop]
    run = max(5, min(2 * (high - low), (stop - start) // 3))
    runs = _keep_long(band, run)
    columns = np.flatnonzero(runs.any(axis=0))
    if len(columns) < 0.3 * (stop - start):
        runs = band
        columns = np.flatnonzero(runs.any(axis=0))
    if len(columns) < 3:
        return []
    some = runs[:, columns]
    counts = some.sum(axis=0)
    thickness = find_quantile(counts, 0.3)  # where no digit touches the line
    centres = np.arange(len(band)) @ some / counts
    curve = fit(columns, centres, 1)
    for degree in (1, 2):
        off = np.abs(follow(curve, columns) - centres)
        near = off <= max(1.0, 2 * find_quantile(off, 0.5))
        if degree == 1 and near.all():
            continue  # the same line
        if np.count_nonzero(near) >= 8:
            curve = fit(columns[near], centres[near], degree)
    line = Line(curve, 0, stop - start, thickness, upright)
    right, down = start + corner[0], low + corner[1]
    return [line.move(down, right) if upright else line.move(right, down)]


def _keep_long(strokes: Array, size: int) -> Array:
    """Return the strokes where they are at least `size` pixels long from left to right."""
    height, width = strokes.shape
    ends = np.zeros((height, width + size - 1), dtype=bool)
    ends[:, :width] = _add_up(strokes, size) == size
    kept: Array = _add_up(ends, size)[:, size - 1 :] > 0
    return kept


def _add_up(strokes: Array, size: int) -> Array:
    """Return for each pixel how many of the `size` pixels that end with it are strokes."""
    height, width = strokes.shape
    total = np.zeros((height, width + size), dtype=np.int32)
    strokes.cumsum(axis=1, out=total[:, size:])
    return total[:, size:] - total[:, :-size]


def fit(x: Array, y: Array, degree: int) -> tuple[float, float, float]:
    """Fit a straight line or a parabola by least squares, at increasing x."""
    n = len(x)
    centre, scale = float(x.sum()) / n, max(1.0, float(x[-1] - x[0]) / 2)
    t, ridge = (x - centre) / scale, 1e-9 * n
    # the mean of t is 0, which leaves one equation for the square; numpy's solver takes longer
    t2, y1, y0 = float(t @ t), float(t @ y), float(y.sum())
    square = t3 = 0.0
    if degree == 2:
        squares = t * t
        t3, t4 = float(squares @ t), float(squares @ squares)
        rest = float(squares @ y) - t3 * y1 / (t2 + ridge) - t2 * y0 / (n + ridge)
        square = rest / (t4 + ridge - t3**2 / (t2 + ridge) - t2**2 / (n + ridge))
    slope = (y1 - t3 * square) / (t2 + ridge)
    level = (y0 - t2 * square) / (n + ridge)
    square, slope = square / scale**2, slope / scale
    return square, slope - 2 * square * centre, level + (square * centre - slope) * centre


def follow(curve: tuple[float, float, float], x: Array) -> Array:
    """Return the height of a line at each x."""
    square, slope, level = curve
    return (square * x + slope) * x + level


def find_slant(lines: list[Line]) -> float:
    """Return the angle in degrees by which the longest line rises to the right; 0 without lines."""
    flat = [line for line in lines if not line.upright]
    if not flat:
        return 0.0
    longest = max(flat, key=lambda line: line.stop - line.start)
    start, stop = follow(longest.curve, np.array([longest.start, longest.stop]))
    return float(np.rad2deg(np.arctan2(start - stop, longest.stop - longest.start)))


def erase(strokes: Array, lines: list[Line]) -> Array:
    """Return the strokes without the lines; strokes that cross a line remain whole."""
    left = strokes.copy()
    for line in lines:
        _erase(left.T if line.upright else left, line)
    return left


def _erase(strokes: Array, line: Line) -> None:
    """Remove a line in place.

    In each column, ink connected to the line is followed upwards and downwards. Ink that ends near
    the line belongs to it; ink that continues on both sides crosses it.
    """
    height, width = strokes.shape
    x = np.arange(max(0, line.start - 2), min(width, line.stop + 2))
    if not len(x):
        return
    y = follow(line.curve, x)
    half = line.thickness / 2
    reach = int(np.ceil(half + 2))
    steps = np.arange(-reach, reach + 1)[:, None]
    rows = np.rint(y).astype(np.intp) + steps
    inside = (rows >= 0) & (rows < height)
    rows = np.minimum(np.maximum(rows, 0), height - 1)
    window = strokes[rows, x] & inside
    core = np.abs(rows - y) <= half + 0.25
    window_or_core = window | core
    up = np.logical_and.accumulate(window_or_core[reach::-1], axis=0)[::-1]
    down = np.logical_and.accumulate(window_or_core[reach:], axis=0)
    above, below = up[0] & window[0], down[-1] & window[-1]
    around = 1 + int(line.thickness)
    crossing = _is_near(above, around) & _is_near(below, around) & _is_near(above | below, 1)
    hanging = np.concatenate([up[:-1] & ~above, up[-1:] | down[:1], down[1:] & ~below])
    at, columns = np.nonzero(inside & (hanging | core) & ~crossing)
    strokes[rows[at, columns], x[columns]] = False


def _is_near(some: Array, reach: int) -> Array:
    """Return where a True is at most `reach` steps away; for one column, faster than `spread`."""
    return np.convolve(some, np.ones(2 * reach + 1))[reach:-reach] > 0
