"""Divide rows of writing without boxes into places."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from skmnist.reading._doubts import (
    HIGH,
    LOW,
    find_dates,
    find_hidden,
    find_odd,
    find_slashes,
    has_diagonal,
    is_crossed,
    is_faint_beside,
)
from skmnist.reading._ink import find_quantile, find_strokes, widen
from skmnist.reading._lines import find_guides
from skmnist.reading._parts import (
    LEAST_TALL,
    SMALL,
    WIDEST,
    Part,
    divide_digits,
    divide_rows,
    find_parts,
    is_area,
    join,
)
from skmnist.reading._points import Mark, choose_marks
from skmnist.reading._sheet import Place, Sheet
from skmnist.reading._tracing import erase

Array = np.ndarray[Any, Any]
Box = tuple[int, int, int, int]  # left, top, right, bottom
Score = Callable[[list[Array]], Array]

HANGING = 0.5  # confidence that a stroke that may be a comma is a digit
GAP, SPACE = 3.0, 1.3  # heights of a digit between two fields in a row, and between possible ones
WORD, APART, OTHER = 0.6, 1.2, 1.4  # heights between two words of different height; between words
# of the same height; ratio of different heights
DIGITS = 0.6  # share of the characters of a word of digits; in print, up to half look like digits
BESIDE = 0.25  # heights between a digit and a short stroke that belongs to it
N_SIZES = 3  # sizes of writing on a page
LEAST_PALE = 20  # pixels of pale ink; fewer are no row


def divide_freely(
    sheet: Sheet,
    rows: list[tuple[float, list[Part]]],
    marks: list[Mark],
    n_digits: int | None,
    score: Score | None,
    *,
    is_field: bool = False,
) -> list[list[Place]]:
    """Divide rows into fields; each row comes with the height of its digits.

    Groups of digits in a field, such as a part of a form, are one number.
    """
    fields = []
    below = [_is_below(*pair) for pair in itertools.pairwise(rows)]
    beside_low = map(any, zip([False, *below], [*below, False], strict=True))
    limits = [HANGING if low else 1.0 for low in beside_low]
    usual = find_quantile([tall for tall, row in rows for _ in row] or [0], 0.5)
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
            is_one = is_field or n_digits is not None
            if len(inked) == 1 and inked[0].height > HIGH * usual:  # perhaps a drawing
                odd[:] = True
            if _is_doubtful(sheet, written, inked) or (not is_one and _may_be_two(inked, tall)):
                odd[:] = True
            places = [
                sheet.place_part(part, number, min(sure, HANGING if is_odd else limits[number]))
                for (part, sure), is_odd in zip(digits, odd, strict=True)
            ]
            middles = [part.box[0] + part.box[2] for part, _ in digits]
            fields.append(sheet.insert(places, middles, beside, number))
    return [field for field in fields if field]


def divide_others(
    sheet: Sheet,
    parts: list[Part],
    marks: list[Mark],
    n_digits: int | None,
    score: Score | None,
    least: float = 0.0,
) -> list[list[Place]]:
    """Divide rows of digits among other ink, such as print, for manual review.

    Rows of different sizes are looked for; `least` is the least height of a digit.
    """
    rows = []
    for words in _find_words(parts):
        found: list[tuple[float, list[Part]]] = []
        for word in words:
            highest = max(part.height for part in word)
            its = float(np.median([part.height for part in word if part.height > highest / 2]))
            if its < least or not _are_digits(sheet, word, its, score):
                continue
            if found and word[0].box[0] - found[-1][1][-1].box[2] <= GAP * its:
                found[-1][1].extend(word)
            else:
                found.append((its, word))
        rows += [(its, word) for its, word in found if len(word) > 1]
    fields = divide_freely(sheet, rows, marks, n_digits, score)
    return [[replace(place, parted=0.0) for place in field] for field in fields]


def divide_pale(
    sheet: Sheet,
    boxes: list[Box],
    n_digits: int | None,
    score: Score | None,
    least: float = 0.0,
) -> list[list[Place]]:
    """Divide rows outside `boxes` that are much paler than the other ink, for manual review."""
    left = np.where(widen(sheet.strokes, 2), 0, sheet.level)
    for x0, y0, x1, y1 in boxes:
        left[y0:y1, x0:x1] = 0
    if np.count_nonzero(left > sheet.ink.noise) < LEAST_PALE:
        return []
    left[widen(sheet.drawn & ~erase(sheet.drawn, sheet.lines), 2)] = 0
    drawn = find_strokes(left, sheet.ink.noise)
    _, lines = find_guides(drawn)
    strokes = erase(drawn, lines)
    pale = replace(sheet, level=left, strokes=strokes, drawn=drawn, lines=lines)
    return divide_others(pale, find_parts(strokes), [], n_digits, score, least)


def _find_words(parts: list[Part]) -> list[list[list[Part]]]:
    """Return the words in each row of any size; `divide_rows` finds rows of the commonest size."""
    rows: list[list[list[Part]]] = []
    parts = [part for part in _leave_out_frames(parts) if not is_area(part)]
    for _ in range(N_SIZES):
        some = [_divide_words(row, tall) for tall, row in divide_rows(parts)]
        rows += some
        taken = {part.box for words in some for word in words for part in word}
        parts = [part for part in parts if part.box not in taken]
    return rows


def _leave_out_frames(parts: list[Part]) -> list[Part]:
    """Return the parts without those around others, such as frames and the circles of a stamp."""
    boxes = np.array([part.box for part in parts if part.height >= LEAST_TALL]).reshape(-1, 4)
    starts, stops = boxes[:, :2], boxes[:, 2:]
    return [
        part
        for part in parts
        if part.height <= LEAST_TALL
        or not ((starts > part.box[:2]) & (stops < part.box[2:])).all(axis=1).any()
    ]


def _divide_words(row: list[Part], tall: float) -> list[list[Part]]:
    """Divide a row where there is a space, or where a smaller one separates different heights."""
    words: list[list[Part]] = []
    end = 0
    for part in row:
        if part.height < SMALL * tall:
            if words and part.box[0] - end <= BESIDE * tall:
                words[-1].append(part)
            continue
        if words:
            before = float(np.median([one.height for one in words[-1]]))
            low, high = sorted([before, float(part.height)])
            gap = (part.box[0] - end) / low
            if high <= HIGH * low and (gap <= WORD or (gap <= APART and high <= OTHER * low)):
                words[-1].append(part)
                end = max(end, part.box[2])
                continue
        words.append([part])
        end = part.box[2]
    return words


def _are_digits(sheet: Sheet, word: list[Part], tall: float, score: Score | None) -> bool:
    """Return whether most of the characters of a word look like digits."""
    if score is None:
        return True
    parts = [part for part, _ in divide_digits(word, tall, sheet.crop, score=score)]
    images = [sheet.crop(part) for part in parts]
    return bool(images) and np.mean(score(images).max(axis=1) > 0.5) >= DIGITS


def _is_doubtful(sheet: Sheet, parts: list[Part], digits: list[Part]) -> bool:
    """Return whether a number may be crossed out, or incomplete because of faint ink."""
    if not digits:
        return False
    tall = float(np.median([part.height for part in digits]))
    return (
        is_crossed([part.box for part in digits], sheet.lines)
        or any(has_diagonal(part) for part in parts if part.width > WIDEST * tall)
        or is_faint_beside(sheet.level, sheet.ink.noise, sheet.strokes, digits)
    )


def _may_be_two(digits: list[Part], tall: float) -> bool:
    """Return whether digits may be two numbers, with a wide gap or of different sizes."""
    gaps = sorted(b.box[0] - a.box[2] for a, b in itertools.pairwise(digits))
    if gaps and gaps[-1] > max(SPACE * tall, 2 * find_quantile(gaps[:-1] or [0], 0.5)):
        return True
    heights = [part.height for part in digits]
    sides = [(heights[:at], heights[at:]) for at in range(2, len(digits) - 1)]
    return any(min(one) > OTHER * max(other) for pair in sides for one, other in (pair, pair[::-1]))


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
