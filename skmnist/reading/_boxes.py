"""Find what is written in boxes and combs, and beside them."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from skmnist.reading._doubts import (
    find_crossed,
    find_faint,
    find_hanging,
    find_struck,
    find_thick_walls,
)
from skmnist.reading._ink import find_quantile
from skmnist.reading._parts import Part, divide_rows, join, trim
from skmnist.reading._points import Mark, choose_inside, choose_outside
from skmnist.reading._rows import HANGING, divide_freely, divide_others, divide_pale
from skmnist.reading._sheet import Place, Sheet

Array = np.ndarray[Any, Any]
Box = tuple[int, int, int, int]  # left, top, right, bottom
Score = Callable[[list[Array]], Array]

BLANK_SIZE = 0.2  # of a box; ink that is smaller in both directions is not a digit
ACROSS = 0.95  # of a box; thin ink of this length is a line that belongs to the form
THIN = 0.05  # of a box, mean width of such a line
ROOMY = 4.0  # times as high as the writing; a box for digits is smaller
LARGE = 0.7  # of the height of the digits in boxes; writing outside that is smaller may be print
LOOSE = 0.4  # of a box's height; smaller ink outside the boxes may be print
APART = 0.1  # of a box, from such a line to the digit; a stroke of a digit is nearer
INKED = 128  # level in the image of a place, below which a pixel is ink
RING = 0.9  # share of a part's ink along the sides of a box that makes it a remnant of the frame


def fill_boxes(
    sheet: Sheet,
    rows: list[list[Box]],
    parts: list[Part],
    marks: list[Mark],
    n_digits: int | None,
    score: Score | None,
) -> list[list[Place]]:
    boxes = [box for row in rows for box in row]
    contents: list[list[Part]] = [[] for _ in boxes]
    centres = np.array(boxes, dtype=float)
    loose: list[Part] = []
    for part in parts:
        pieces = _assign(part, centres)
        for at, piece in pieces:
            contents[at].append(piece)
        left, _, right, _ = sheet.to_page(part.box)
        is_neighbour = left <= 1 or right >= sheet.shape[1] - 1
        if not pieces and not is_neighbour and not _is_rest(part, part.box):
            loose.append(part)
    fields: list[list[Place]] = []
    beside: set[Box] = set()
    at = 0
    for number, row in enumerate(rows):
        if len(row) == 1 and _is_around(row[0], contents[at]):
            inside = [part for part in contents[at] if part.n_pixels > 8]
            lines = divide_rows(inside)
            found = divide_freely(sheet, lines, marks, n_digits, score, is_field=len(lines) == 1)
            fields += [[replace(place, row=number) for place in some] for some in found]
        else:
            written = contents[at : at + len(row)]
            places = [
                _fill(sheet, box, its, number, marks) for box, its in zip(row, written, strict=True)
            ]
            places = _doubt_struck(_doubt_low(places), row)
            places = [
                replace(place, is_blank=False, parted=min(place.parted, HANGING))
                if is_crossed
                else place
                for place, is_crossed in zip(places, find_crossed(row, sheet.lines), strict=True)
            ]
            places = _doubt_blank(sheet, places, row, number)
            outside = choose_outside(marks, row)
            middles = [box[0] + box[2] for box in row]
            own = {mark.box for mark in outside}
            for part in loose:
                if part.box not in own and _is_beside(part, row):
                    beside.add(part.box)
                    places.append(sheet.place_part(part, number, 0.0))
                    middles.append(part.box[0] + part.box[2])
            fields.append(sheet.insert(places, middles, outside, number))
        at += len(row)
    others = [part for part in loose if part.box not in beside]
    return fields + _read_unboxed(sheet, others, rows, contents, marks, score)


def _read_unboxed(
    sheet: Sheet,
    parts: list[Part],
    rows: list[list[Box]],
    contents: list[list[Part]],
    marks: list[Mark],
    score: Score | None,
) -> list[list[Place]]:
    """Return rows of writing elsewhere on a page with boxes, for manual review.

    The boxes may be pictures, or only some of the fields.
    """
    written = [join(its).height for its in contents if its]
    boxes = [box[3] - box[1] for its in rows for box in its if len(its) > 1]
    least = LOOSE * find_quantile(boxes, 0.5) if boxes else 0.0
    if boxes and written:
        least = max(least, LARGE * find_quantile(written, 0.5))
    fields = divide_others(sheet, parts, marks, None, score, least)
    fields += divide_pale(sheet, [box for row in rows for box in row], None, score, least)
    return [[replace(place, row=place.row + len(rows)) for place in field] for field in fields]


def _is_beside(part: Part, row: list[Box]) -> bool:
    """Return whether ink outside the boxes of a row is as large as writing, and near them.

    It may be a correction, or a digit whose box was not found.
    """
    left, top, right, bottom = np.median(np.array(row), axis=0).tolist()
    tall, wide = bottom - top, right - left
    apart = max(part.box[1] - bottom, top - part.box[3])
    beside = max(part.box[0] - row[-1][2], row[0][0] - part.box[2])
    if part.height < LOOSE * tall or apart > tall or beside > 1.5 * wide:
        return False
    if apart >= 0:  # above or below the boxes
        return True
    between = [
        after[0] - before[2]
        for before, after in itertools.pairwise(row)
        if before[2] <= part.box[0] and part.box[2] <= after[0]
    ]
    return not between or between[0] > 0.8 * wide  # or else it is print between groups of boxes


def _doubt_blank(sheet: Sheet, places: list[Place], row: list[Box], number: int) -> list[Place]:
    """Return the places in boxes with faint digits instead of blank ones."""
    if not any(place.is_blank for place in places):
        return places
    thick = find_thick_walls(sheet.drawn, row)
    doubted = []
    for place, box, is_thick in zip(places, row, thick, strict=True):
        if place.is_blank and not place.is_marked:
            faint = find_faint(sheet.level, sheet.ink, box)
            if faint is not None:
                place = replace(sheet.place_part(faint, number, HANGING), box=sheet.to_page(box))
            elif is_thick:
                place = replace(place, is_blank=False, parted=HANGING)
        doubted.append(place)
    return doubted


def _doubt_low(places: list[Place]) -> list[Place]:
    """Reduce the confidence in strokes that hang below the digits in the other boxes of a row."""
    inked = [at for at, place in enumerate(places) if not place.is_blank]
    if len(inked) < 2:
        return places
    rows = [np.flatnonzero((places[at].image < 255).any(axis=1)) for at in inked]
    ends = np.array([(some[0], some[-1] + 1) for some in rows])
    hanging = find_hanging(ends, float(np.median(ends[:, 1] - ends[:, 0])))
    low = {at for at, is_hanging in zip(inked, hanging, strict=True) if is_hanging}
    return [
        replace(place, parted=min(place.parted, HANGING)) if at in low else place
        for at, place in enumerate(places)
    ]


def _doubt_struck(places: list[Place], row: list[Box]) -> list[Place]:
    """Reduce the confidence in digits that may be lines through unused boxes."""
    inked = [at for at, place in enumerate(places) if not place.is_blank]
    if not inked:
        return places
    masks = [places[at].image < INKED for at in inked]
    parts = [trim(Part((0, 0, *mask.shape[::-1]), mask)) for mask in masks]
    struck = find_struck(parts, [row[at][2] - row[at][0] for at in inked])
    lines = {at for at, is_struck in zip(inked, struck, strict=True) if is_struck}
    return [
        replace(place, parted=min(place.parted, HANGING)) if at in lines else place
        for at, place in enumerate(places)
    ]


def _is_around(box: Box, parts: list[Part]) -> bool:
    """Return whether a box is a frame around a whole row, or around several rows."""
    height = box[3] - box[1]
    if box[2] - box[0] > 1.8 * height:
        return True
    return any(len(row) >= 3 and ROOMY * tall <= height for tall, row in divide_rows(parts))


def _assign(part: Part, boxes: Array) -> list[tuple[int, Part]]:
    """Return the box that a part lies in; a part that lies in several is divided among them."""
    left, top, right, bottom = part.box
    across = np.minimum(right, boxes[:, 2]) - np.maximum(left, boxes[:, 0])
    down = np.minimum(bottom, boxes[:, 3]) - np.maximum(top, boxes[:, 1])
    common = np.maximum(across, 0) * np.maximum(down, 0)
    if not common.any():
        return []
    hit = np.flatnonzero(common).tolist()
    shares = []
    for at in hit:
        x0, y0, x1, y1 = boxes[at].astype(int)
        rows = slice(max(0, y0 - top), max(0, y1 - top))
        columns = slice(max(0, x0 - left), max(0, x1 - left))
        shares.append(np.count_nonzero(part.strokes[rows, columns]))
    total = part.n_pixels
    order = sorted(
        (at for at, share in zip(hit, shares, strict=True) if share >= max(shares) / 3),
        key=lambda at: float(boxes[at, 0]),
    )
    beside = all(boxes[a, 2] <= boxes[b, 0] + 4 for a, b in itertools.pairwise(order))
    if len(order) >= 2 and beside and part.width > (boxes[hit, 2] - boxes[hit, 0]).min():
        edges = [int((boxes[a, 2] + boxes[b, 0]) / 2) for a, b in itertools.pairwise(order)]
        edges = [left, *edges, right]
        pieces = []
        for at, (a, b) in zip(order, itertools.pairwise(edges), strict=True):
            strokes = part.strokes[:, max(0, a - left) : max(0, b - left)]
            if strokes.any():
                pieces.append((at, Part((max(a, left), top, min(b, right), bottom), strokes)))
        return pieces
    best = hit[int(np.argmax(shares))]
    if max(shares) < 0.3 * total:
        return []  # it only touches the box from outside
    return [(best, part)]


def _fill(sheet: Sheet, box: Box, parts: list[Part], row: int, marks: list[Mark]) -> Place:
    """Return the place in a box, with the ink written there."""
    marks = choose_inside(marks, parts, box)
    own = {mark.box for mark in marks}
    parts = [part for part in parts if part.box not in own]
    place = _fill_unmarked(sheet, box, parts, row)
    return replace(place, is_marked=True) if marks else place


def _fill_unmarked(sheet: Sheet, box: Box, parts: list[Part], row: int) -> Place:
    left, top, right, bottom = box
    height, width = bottom - top, right - left
    size = min(height, width)
    kept = [part for part in parts if not _is_rest(part, box)]
    if not kept:
        return sheet.make_place(box, None, row, is_blank=True)
    biggest = max(kept, key=lambda part: part.n_pixels)
    kept = [
        part
        for part in kept
        if part.n_pixels >= 0.04 * biggest.n_pixels and not _crosses(part, biggest, box)
    ]
    whole = join(kept)
    is_blank = max(whole.width, whole.height) < BLANK_SIZE * size
    around = (
        min(left, whole.box[0]),
        min(top, whole.box[1]),
        max(right, whole.box[2]),
        max(bottom, whole.box[3]),
    )
    return sheet.make_place(around, whole, row, is_blank=is_blank)


def _is_rest(part: Part, box: Box) -> bool:
    """Return whether a part is a remnant of a frame along the sides of the box."""
    left, top, right, bottom = box
    size = min(bottom - top, right - left)
    if max(part.width, part.height) < 0.06 * size:
        return True
    thin = 0.08 * size
    near = 0.12 * size
    own = np.ones(part.strokes.shape, dtype=bool)
    inner = slice(
        max(0, round(top + near) - part.box[1]), max(0, round(bottom - near) - part.box[1])
    )
    own[
        inner, max(0, round(left + near) - part.box[0]) : max(0, round(right - near) - part.box[0])
    ] = 0
    if np.count_nonzero(part.strokes & own) > RING * part.n_pixels:
        return True
    upright = part.width <= thin and (part.box[2] < left + near or part.box[0] > right - near)
    flat = part.height <= thin and (part.box[3] < top + near or part.box[1] > bottom - near)
    return upright or flat


def _crosses(part: Part, digit: Part, box: Box) -> bool:
    """Return whether a part is a thin line across the box, well away from the digit."""
    left, top, right, bottom = box
    height, width = bottom - top, right - left
    beside = max(digit.box[0] - part.box[2], part.box[0] - digit.box[2])
    above = max(digit.box[1] - part.box[3], part.box[1] - digit.box[3])
    upright = part.height >= ACROSS * height and part.n_pixels < THIN * width * part.height
    flat = part.width >= ACROSS * width and part.n_pixels < THIN * height * part.width
    return (upright and beside >= APART * width) or (flat and above >= APART * height)
