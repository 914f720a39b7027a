"""Divide rows of writing without boxes into places."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from skmnist.reading._doubts import (
    LOW,
    find_dates,
    find_hidden,
    find_odd,
    find_slashes,
    is_faint_beside,
)
from skmnist.reading._parts import Part, divide_digits, join
from skmnist.reading._points import Mark, choose_marks
from skmnist.reading._sheet import Place, Sheet

Array = np.ndarray[Any, Any]
Score = Callable[[list[Array]], Array]

HANGING = 0.5  # confidence that a stroke that may be a comma is a digit
GAP = 3.0  # heights of a digit between two fields in a row


def divide_freely(
    sheet: Sheet,
    rows: list[tuple[float, list[Part]]],
    marks: list[Mark],
    n_digits: int | None,
    score: Score | None,
) -> list[list[Place]]:
    """Divide rows into fields; each row comes with the height of its digits."""
    fields = []
    below = [_is_below(*pair) for pair in itertools.pairwise(rows)]
    beside_low = map(any, zip([False, *below], [*below, False], strict=True))
    limits = [HANGING if low else 1.0 for low in beside_low]
    for number, (tall, row) in enumerate(rows):
        for some in _divide_fields(row, tall) if n_digits is None else [row]:
            beside: list[Part] = [*choose_marks(marks, some, tall)]
            own = {mark.box for mark in beside}
            written = [part for part in some if part.box not in own]
            if n_digits is not None and find_slashes(written).any():
                whole = [part for part, _ in divide_digits(written, tall, sheet.crop, score=score)]
                slashes = find_dates(whole, find_slashes(whole))
                if slashes.any() and len(whole) - 2 == n_digits:
                    beside += itertools.compress(whole, slashes)
                    written = list(itertools.compress(whole, ~slashes))
            digits = divide_digits(written, tall, sheet.crop, n_digits=n_digits, score=score)
            inked = [part for part, _ in digits]
            odd = find_odd(inked, tall, sheet.ink)
            odd |= _find_changed(sheet, inked, score)
            odd |= np.array([_is_tinted(sheet, part) for part in inked], dtype=bool)
            odd |= find_dates(inked)  # even if the number of digits is right
            if len(digits) != n_digits:
                odd |= find_slashes(inked)
            if inked and is_faint_beside(sheet.level, sheet.ink.noise, sheet.strokes, inked):
                odd[:] = True
            places = [
                sheet.place_part(part, number, min(sure, HANGING if is_odd else limits[number]))
                for (part, sure), is_odd in zip(digits, odd, strict=True)
            ]
            middles = [part.box[0] + part.box[2] for part, _ in digits]
            fields.append(sheet.insert(places, middles, beside, number))
    return [field for field in fields if field]


def _is_tinted(sheet: Sheet, part: Part) -> bool:
    """Return whether strokes have the colour of the guides, so that they may be print."""
    left, top, right, bottom = part.box
    return bool(sheet.tinted[top:bottom, left:right][part.strokes].mean() > 0.5)


def _find_changed(sheet: Sheet, parts: list[Part], score: Score | None) -> Array:
    """Return which digits may be others because a line that was removed hides a stroke."""
    hidden = find_hidden(parts, sheet.drawn & ~sheet.strokes)
    changed = np.array([stroke is not None for stroke in hidden], dtype=bool)
    if score is None or not changed.any():
        return changed
    whole = replace(sheet, level=sheet.ink.level, strokes=sheet.drawn)
    pairs = [(part, stroke) for part, stroke in zip(parts, hidden, strict=True) if stroke]
    without = score([sheet.crop(part) for part, _ in pairs]).argmax(axis=1)
    restored = score([whole.crop(join(pair)) for pair in pairs]).argmax(axis=1)
    changed[changed] = without != restored
    return changed


def _is_below(above: tuple[float, list[Part]], row: tuple[float, list[Part]]) -> bool:
    """Return whether a row consists only of a short stroke close below another row."""
    tall, parts = above
    low = row[1][0]
    return (
        len(row[1]) == 1
        and low.height < LOW * tall
        and low.box[1] < max(part.box[3] for part in parts) + tall / 2
        and parts[0].box[0] < low.box[0] < max(part.box[2] for part in parts) + tall
    )


def _divide_fields(parts: list[Part], tall: float) -> list[list[Part]]:
    fields: list[list[Part]] = []
    end = 0
    for part in parts:
        if not fields or part.box[0] - end > GAP * tall:
            fields.append([])
        fields[-1].append(part)
        end = max(end, part.box[2])
    return fields
