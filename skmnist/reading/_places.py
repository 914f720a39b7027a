"""Divide the image of a field, or of a page, into places for one digit each."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from skmnist.reading._boxes import fill_boxes
from skmnist.reading._doubts import find_specks
from skmnist.reading._forms import Form
from skmnist.reading._guides import remove_guides, straighten
from skmnist.reading._ink import find_ink
from skmnist.reading._lines import iterate_rows
from skmnist.reading._parts import divide_rows, find_parts
from skmnist.reading._points import find_marks
from skmnist.reading._rows import divide_freely, divide_others, divide_pale
from skmnist.reading._sheet import Place, Sheet

Array = np.ndarray[Any, Any]
Score = Callable[[list[Array]], Array]

CELL = 1.8  # longer to shorter side of an image of one digit


def find_places(
    page: Array,
    *,
    n_digits: int | None = None,
    score: Score | None = None,
    form: Form | None = None,
) -> list[list[Place]]:
    """Divide the image of a field, or of a page, into places for one digit each.

    Boxes and combs are found by their lines, and digits without boxes by their strokes. Shading is
    evened out, slanted rows are straightened, and frames, ruled lines and coloured guides are
    removed. Digits that touch each other are separated; if this is possible in several ways,
    `score` chooses one.

    Parameters
    ----------
    page : ndarray of shape (height, width) or (height, width, 3), uint8
        Grey levels or RGB, with ink darker or brighter than the paper.
    n_digits : int, default=None
        Number of digits in each field, if it is known. Boxes take precedence: a row of six boxes
        has six places. Ignored with `form`, which specifies the number of digits for each field.
    score : callable, default=None
        Called with a list of images like `Place.image`; must return the probabilities of the
        classes as an ndarray of shape (n_images, n_classes). None separates touching digits by
        their size.
    form : Form, default=None
        The positions of the fields. Only the fields of the form's first page are used; for another
        page of a document, pass :meth:`Form.on_page`. None detects the fields.

    Returns
    -------
    fields : list of list of Place
        Without a form, the fields in reading order, each with its places from left to right; empty
        if there is no ink. With a form, the fields in the order of the form; an empty field has one
        blank place.

    Raises
    ------
    ValueError
        `page` is not an image, or `n_digits` is out of range.
    FormError
        The form does not fit the page.

    Examples
    --------
    Two strokes on white paper:

    >>> import numpy as np
    >>> from skmnist.reading import find_places
    >>> page = np.full((60, 100), 255, dtype=np.uint8)
    >>> page[10:50, 20:26] = page[10:50, 60:66] = 0
    >>> [[place.box for place in field] for field in find_places(page)]
    [[(20, 10, 26, 50), (60, 10, 66, 50)]]
    """
    page = _check_page(page)
    if n_digits is not None and not (isinstance(n_digits, int | np.integer) and n_digits >= 1):
        raise ValueError(
            f"n_digits={n_digits!r} must be an int >= 1, or None if the number is not known."
        )
    if form is not None:
        return _find_on_form(page, form, score)
    return _find_fields(page, n_digits, score)


def _check_page(page: Any) -> Array:
    page = np.asarray(page)
    if page.ndim not in (2, 3) or (page.ndim == 3 and page.shape[2] != 3):
        raise ValueError(
            f"page has shape {page.shape}, but must be (height, width) for grey levels or (height, "
            "width, 3) for RGB. Pass one image at a time."
        )
    if page.dtype != np.uint8:
        raise ValueError(
            f"page has dtype {page.dtype}, but must be uint8 with levels from 0 to 255."
        )
    if not page.size:
        raise ValueError(f"page of shape {page.shape} has no pixels.")
    return page


def _find_on_form(page: Array, form: Form, score: Score | None) -> list[list[Place]]:
    """Return the places of each field of the first page, in the order of the form."""
    found = []
    fields = [one for one in form.fields if one.page == 1]
    for one, (left, top, right, bottom) in zip(fields, form.find_boxes(page.shape), strict=True):
        part = page[top:bottom, left:right]
        rows = _find_fields(part, one.digits, score, in_form=True)
        inside = (left > 0, top > 0, right < page.shape[1], bottom < page.shape[0])
        places = [
            replace(place, parted=0.0) if _is_cut(place, part.shape, inside) else place
            for row in rows
            for place in row
        ]
        written = {place.row for place in places if not place.is_blank}
        if len(written) > 1 and len(places) != one.digits:  # perhaps two numbers
            places = [replace(place, parted=0.0) for place in places]
        if one.ignore_marks:
            places = _leave_out_marks(places)
        if all(place.is_blank and not place.is_marked for place in places):
            specks = find_specks(part, is_boxed=bool(places))
            if specks is not None:
                places = [_keep_specks(part, float(specks.mean()))]
            elif not places:  # an empty field is one blank place
                white = np.full(part.shape[:2], 255, dtype=np.uint8)
                places = [Place((0, 0, right - left, bottom - top), white, 0.0, True, 0)]
        found.append([place.move(left, top, one.name) for place in places])
    return found


def _keep_specks(page: Array, share: float) -> Place:
    """Return a field without digits as a single place, shown as it is on the page."""
    height, width = page.shape[:2]
    grey = page if page.ndim == 2 else page.min(axis=2)
    return Place((0, 0, width, height), grey, share, False, 0, parted=0.0)


def _is_cut(place: Place, shape: tuple[int, ...], inside: tuple[bool, ...]) -> bool:
    """Return whether the edge of a field may cut off a part of the digit.

    `inside` says which edges of the field lie inside the page, as in a box.
    """
    if place.is_blank:
        return False
    left, top, right, bottom = place.box
    at_edge = (left <= 1, top <= 1, right >= shape[1] - 1, bottom >= shape[0] - 1)
    ink = place.image < 255
    inked = (ink[:, 0].any(), ink[0].any(), ink[:, -1].any(), ink[-1].any())
    is_padded = ink.shape != (bottom - top, right - left)  # then the box is that of the ink
    return any(a and b and (c or is_padded) for a, b, c in zip(at_edge, inside, inked, strict=True))


def _leave_out_marks(places: list[Place]) -> list[Place]:
    """Return places without marks between the digits.

    Marks before and after the digits remain: they may be a minus sign, or dashes in place of
    decimals.
    """
    inked = [at for at, place in enumerate(places) if not place.is_blank]
    if not inked:
        return places
    between = range(inked[0], inked[-1] + 1)
    return [
        replace(place, is_marked=False) if at in between else place
        for at, place in enumerate(places)
        if not (at in between and place.is_blank and place.is_marked)
    ]


def _find_fields(
    page: Array, n_digits: int | None, score: Score | None, *, in_form: bool = False
) -> list[list[Place]]:
    ink = find_ink(page)
    if not (ink.level > ink.noise).any():
        return []
    guided = straighten(ink, n_digits)
    ink, drawn, cells, lines = guided.ink, guided.drawn, guided.cells, guided.lines
    level, strokes, tinted = remove_guides(ink, drawn, lines)
    rows = list(iterate_rows(cells))
    if not rows:
        strokes = strokes | tinted
    parts = find_parts(strokes)
    marks = find_marks(drawn, level, parts, drawn & ~strokes, lines)
    sheet = Sheet(ink, level, strokes, drawn, tinted, lines, page.shape)
    height, width = strokes.shape
    if not rows and n_digits == 1 and max(height, width) <= CELL * min(height, width):
        rows = [[(0, 0, width, height)]]  # a cell that was cut out of its grid
    if rows:
        fields = fill_boxes(sheet, rows, parts, marks, n_digits, score)
        places = [place for field in fields for place in field]
        is_empty = all(place.is_blank for place in places)
        if not is_empty or len(places) + 1 != n_digits or not all(line.upright for line in lines):
            return fields
        # an empty comb without a base line that has as many ticks as there should be digits: ones?
        sheet = Sheet(ink, ink.level, drawn, drawn, tinted, lines, page.shape)
        fields = divide_freely(sheet, divide_rows(find_parts(drawn)), [], n_digits, score)
        return [[replace(place, parted=0.0) for place in field] for field in fields]
    found = divide_rows(parts)
    fields = divide_freely(sheet, found, marks, n_digits, score, is_field=in_form)
    if in_form:
        return fields
    taken = {part.box for _, row in found for part in row}
    others = [part for part in parts if part.box not in taken]
    more = divide_others(sheet, others, [], n_digits, score)
    more += divide_pale(sheet, [], n_digits, score)
    if not more:
        return fields
    more = [[replace(place, row=place.row + len(found)) for place in field] for field in more]
    return _order(fields + more)


def _order(fields: list[list[Place]]) -> list[list[Place]]:
    """Return fields in reading order, with their rows numbered."""
    rows: dict[int, list[float]] = {}
    for place in itertools.chain(*fields):
        rows.setdefault(place.row, []).append((place.box[1] + place.box[3]) / 2)
    order = sorted(rows, key=lambda row: float(np.median(rows[row])))
    number = {row: at for at, row in enumerate(order)}
    numbered = [[replace(place, row=number[place.row]) for place in field] for field in fields]
    return sorted(numbered, key=lambda field: field[0].row)
