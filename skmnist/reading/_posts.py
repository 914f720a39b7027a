"""Find upright lines that were drawn with a ruler, and the places between them.

Some combs have no base line, or a dashed one, so each of their teeth looks like a 1.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skmnist.reading._tracing import COVERED, fit

Array = np.ndarray[Any, Any]

NARROW = 0.2  # maximum ratio of width to height
LEAST_HEIGHT = 8  # pixels
LEAST_WIDTH = 12  # pixels between two teeth; nearer lines are stems of print
BENT = 0.015  # of the height; a line deviates less from a straight one
UPRIGHT = 0.06  # maximum slope
ALIKE = 0.06  # of the height, or 2 pixels; the ends of the teeth of a comb differ less
EVEN = 0.04  # of the distance between two teeth, or 2 pixels; deviation from equal distances
REGULAR = 0.75  # share of the teeth that have equal distances
COMPLETE = 0.9  # share of the teeth that are there, touched by digits or not
FREE = 0.5  # share of the teeth that no digit touches
MIN_POSTS = 4  # fewer may be 1s
MAX_PLACES = 60  # of a comb
WIDEST, NARROWEST = 8.0, 0.4  # distance of two teeth, in heights


@dataclass(frozen=True)
class Post:
    """An upright line; `x` is its middle, `thickness` its usual width in pixels."""

    x: float
    top: int
    bottom: int
    thickness: float

    @property
    def height(self) -> int:
        return self.bottom - self.top


def read_post(strokes: Array, left: int, top: int) -> Post | None:
    """Return connected strokes as a post if they are as straight as a printed line.

    `left` and `top` are the position of the strokes on the page.
    """
    height, width = strokes.shape
    if height < LEAST_HEIGHT or width > max(3, NARROW * height):
        return None
    counts = strokes.sum(axis=1)
    if not counts.all():
        return None
    middles = strokes @ np.arange(width) / counts
    rows = np.arange(height)
    _, slope, level = fit(rows, middles, 1)
    inner = slice(height // 20, height - height // 20)  # the ends may be rounded
    off = np.abs(middles - slope * rows - level)[inner]
    if abs(slope) > UPRIGHT or off.max() > max(1.0, BENT * height):
        return None
    low, usual, high = np.quantile(counts[inner], [0.05, 0.5, 0.95])
    if high - low > max(1.0, 0.35 * usual):
        return None
    return Post(left + float(middles.mean()), top, top + height, float(usual))


def find_combs(posts: list[Post], strokes: Array) -> list[list[Post]]:
    """Return posts of the same height and at equal distances, from left to right.

    Posts that digits touch are found by their distance from the others.
    """
    combs = []
    left = sorted(posts, key=lambda post: post.x)
    while len(left) >= MIN_POSTS:
        first = left[0]
        near = max(2.0, ALIKE * first.height)
        like = [
            post
            for post in left
            if max(abs(post.top - first.top), abs(post.bottom - first.bottom)) <= near
            and abs(post.thickness - first.thickness) <= max(1.5, 0.4 * first.thickness)
        ]
        comb = _complete(like, strokes) if len(like) >= MIN_POSTS else []
        combs += [comb] if comb else []
        left = [post for post in left if post not in (like if comb else [first])]
    return combs


def _complete(posts: list[Post], strokes: Array) -> list[Post]:
    """Return the comb that some posts belong to; empty if their distances are not equal."""
    top = round(float(np.median([post.top for post in posts])))
    bottom = round(float(np.median([post.bottom for post in posts])))
    thickness = float(np.median([post.thickness for post in posts]))
    height = bottom - top
    at = np.array([post.x for post in posts])
    reach = max(1, round(thickness / 2))

    def is_covered(x: float) -> bool:
        if not 0 <= x < strokes.shape[1]:
            return False
        band = strokes[top:bottom, max(0, round(x) - reach) : round(x) + reach + 1]
        return bool(band.any(axis=1).mean() >= COVERED)

    best: list[Post] = []
    for n in range(MIN_POSTS - 1, MAX_PLACES + 1):
        pitch = (at[-1] - at[0]) / n
        if pitch < max(LEAST_WIDTH, NARROWEST * height):
            break
        if pitch > WIDEST * height:
            continue
        grid = at[0] + pitch * np.arange(n + 1)
        near = max(2.0, EVEN * pitch)
        off = np.abs(grid[:, None] - at)
        if (off.min(axis=0) <= near).mean() < REGULAR:
            continue
        there = off.min(axis=1) <= near
        if there.sum() < MIN_POSTS or there.mean() < FREE:
            continue
        covered = there | np.array([is_covered(x) for x in grid])
        if covered.mean() < COMPLETE:
            continue
        ends = [grid[0], grid[-1]]
        before, after = [], []
        while is_covered(ends[0] - pitch):
            ends[0] -= pitch
            before.append(ends[0])
        while is_covered(ends[1] + pitch):
            ends[1] += pitch
            after.append(ends[1])
        nearest = np.where(there, at[off.argmin(axis=1)], grid)
        xs = [*before[::-1], *nearest.tolist(), *after]
        best = [Post(float(x), top, bottom, thickness) for x in xs]
    return best
