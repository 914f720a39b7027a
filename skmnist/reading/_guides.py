"""Straighten a page by its guides, and remove them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import ndimage

from skmnist.reading._ink import (
    MIN_ANGLE,
    PALE,
    Ink,
    find_angle,
    find_strokes,
    turn,
    widen,
)
from skmnist.reading._lines import Cells, find_guides
from skmnist.reading._tracing import Line, erase, find_slant

Array = np.ndarray[Any, Any]

PALER = 1.3  # times as many pixels with pale ink as without, where there may be pale guides
COMMON = 0.15  # share of the pixels of pale guides where strokes cross them
TINTED = 0.45  # a guide's darkness in its own colour, relative to that in the others
SEEN = 0.4  # ink's darkness in the colour of the guides, relative to that in the others, and share
# of the ink that must be seen in it


@dataclass(frozen=True)
class Guided:
    """A straight page with its guides."""

    ink: Ink
    drawn: Array  # strokes and guides
    cells: list[Cells]
    lines: list[Line]


def straighten(ink: Ink, n_digits: int | None) -> Guided:
    """Straighten a page, and find its guides, also those that are much paler than the ink."""
    guided = _straighten(ink, _find_drawn, n_digits)
    return guided if guided.cells else _find_pale_guides(ink, guided, n_digits)


def _straighten(ink: Ink, draw: Callable[[Ink], Array], n_digits: int | None) -> Guided:
    """Straighten a page, and find its guides among the strokes that `draw` returns."""
    drawn = draw(ink)
    angle = find_angle(drawn)
    if abs(angle) >= MIN_ANGLE:
        ink = turn(ink, angle)
        drawn = draw(ink)
    cells, lines = find_guides(drawn, n_digits)
    slant = find_slant(lines)
    if cells and abs(slant) >= MIN_ANGLE:  # large digits in boxes can hide how the page lies
        turned = turn(ink, slant)
        straight = draw(turned)
        more, others = find_guides(straight, n_digits)
        if sum(len(some.boxes) for some in more) >= sum(len(some.boxes) for some in cells):
            ink, drawn, cells, lines = turned, straight, more, others
    return Guided(ink, drawn, cells, lines)


def _find_pale_guides(ink: Ink, guided: Guided, n_digits: int | None) -> Guided:
    """Find boxes and combs that are much paler than the ink; return `guided` if there are none."""

    def draw(ink: Ink) -> Array:  # smooth, so that the grain of the paper does not break lines
        return ndimage.uniform_filter(ink.level, 3) > ink.noise / 2

    if np.count_nonzero(draw(guided.ink)) < PALER * np.count_nonzero(guided.drawn):
        return guided
    pale = _straighten(ink, draw, n_digits)
    if sum(len(some.boxes) for some in pale.cells) < 2:
        return guided
    drawn = _find_drawn(pale.ink)
    gone = pale.drawn & ~erase(pale.drawn, pale.lines)
    if np.count_nonzero(gone & drawn) > COMMON * np.count_nonzero(gone):
        return guided  # they are strokes
    return replace(pale, drawn=drawn, lines=[])  # the strokes do not contain them


def _find_drawn(ink: Ink) -> Array:
    return find_strokes(ink.level, ink.noise, strong=PALE)


def remove_guides(ink: Ink, strokes: Array, lines: list[Line]) -> tuple[Array, Array, Array]:
    """Return level and strokes without the lines, and the ink that has their colour.

    Guides in a different colour from the ink appear only in some channels. The other channels
    contain only ink, intact even where it crosses a line. Ink in the colour of the guides, which
    may be print, remains in the level, but not in the strokes. Other lines are erased.
    """
    level = ink.level
    tinted = np.zeros(level.shape, dtype=bool)
    if not lines:
        return level, find_strokes(level, ink.noise), tinted
    left = erase(strokes, lines)
    gone = strokes & ~left
    if ink.dark.shape[2] == 3 and gone.any() and left.any():
        guide = np.median(ink.dark[gone], axis=0)
        writing = np.median(ink.dark[left], axis=0)
        channel = int(np.argmin(guide / np.maximum(writing, 1e-3)))
        if guide[channel] < TINTED * guide.max() and writing[channel] > SEEN * writing.max():
            level = ink.dark[..., channel]
            noise = max(ink.noise, 1.5 * float(np.quantile(ink.dark[gone][:, channel], 0.75)))
            seen = find_strokes(level, noise)
            if np.count_nonzero(seen & left) > SEEN * np.count_nonzero(left):
                tinted = left & ~widen(seen, 2)
                return np.where(widen(tinted), np.maximum(level, ink.level), level), seen, tinted
    level = np.where(widen(gone) & ~left, 0, level)
    return level, find_strokes(level, ink.noise) & left, tinted
