"""Divide the image of a field, or of a page, into places for one digit each."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import ndimage

from skmnist.reading._doubts import (
    LOW,
    find_faint,
    find_hanging,
    find_odd,
    find_thick_walls,
    has_specks,
    is_faint_beside,
)
from skmnist.reading._forms import Form
from skmnist.reading._ink import (
    MIN_ANGLE,
    PALE,
    Ink,
    find_angle,
    find_ink,
    find_quantile,
    find_strokes,
    turn,
    widen,
)
from skmnist.reading._lines import Cells, find_guides, iterate_rows
from skmnist.reading._parts import Part, divide_digits, divide_rows, find_parts, join
from skmnist.reading._points import (
    Mark,
    choose_inside,
    choose_marks,
    choose_outside,
    find_marks,
    join_marks,
)
from skmnist.reading._tracing import Line, erase, find_slant

Array = np.ndarray[Any, Any]
Box = tuple[int, int, int, int]
Score = Callable[[list[Array]], Array]

BLANK_SIZE = 0.2  # of a box; ink that is smaller in both directions is not a digit
ACROSS = 0.95  # of a box; thin ink of this length is a line that belongs to the form
THIN = 0.05  # of a box, mean width of such a line
LOOSE = 0.4  # of a box's height; smaller ink outside the boxes may be print
APART = 0.1  # of a box, from such a line to the digit; a stroke of a digit is nearer
RING = 0.9  # share of a part's ink along the sides of a box that makes it a remnant of the frame
CELL = 1.8  # longer to shorter side of an image of one digit
HANGING = 0.5  # confidence that such a stroke is a digit
PALER = 1.3  # times as many pixels with pale ink as without, where there may be pale guides
COMMON = 0.15  # share of the pixels of pale guides where strokes cross them
GAP = 3.0  # heights of a digit between two fields in a row
TINTED = 0.45  # a guide's darkness in its own colour, relative to that in the others
SEEN = 0.4  # ink's darkness in the colour of the guides, relative to that in the others, and share
# of the ink that must be seen in it


@dataclass(frozen=True)
class Place:
    """A place for one digit.

    Returned by :func:`find_places`. The parameters are attributes as well.

    Parameters
    ----------
    box : tuple of int
        Left, top, right and bottom in pixels of the page; right and bottom are exclusive.
    image : ndarray of shape (height, width), uint8
        Dark ink on white paper, without guides, frames or neighbouring digits; all white if the
        place is blank. A field of a form with only specks is shown as it is on the page. The image
        has the resolution of the page, unless the page was straightened or, because it has more
        than 4 million pixels, reduced.
    ink : float
        Share of the pixels of `image` that are ink.
    is_blank : bool
        True if nothing in the place is as large as a digit.
    row : int
        Row of writing on the page or, with a form, in the field; from 0.
    field : str or None
        Name of the field in a form; None without a form.
    parted : float
        Confidence that the place holds one whole digit, from 0 to 1. It is less than 1 if digits
        touch each other or strokes are broken, so that other divisions of the row are possible, and
        for strokes that may not be a whole digit, because of their size or position or because the
        edge of a field cuts them off. If :func:`find_places` was called with `score`, it is only as
        reliable as the probabilities that `score` returns.
    is_marked : bool
        True if the place contains a small mark, such as a point or a comma: on its own if
        `is_blank`, otherwise beside ink that is as large as a digit.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist.reading import find_places
    >>> page = np.full((60, 60), 255, dtype=np.uint8)
    >>> page[10:50, 25:31] = 0
    >>> place = find_places(page)[0][0]
    >>> place.box, place.is_blank
    ((25, 10, 31, 50), False)
    """

    box: Box
    image: Array
    ink: float
    is_blank: bool
    row: int
    field: str | None = None
    parted: float = 1.0
    is_marked: bool = False

    def move(self, right: int, down: int, field: str | None) -> "Place":
        """Convert a place in a part of a page to a place on the whole page.

        Parameters
        ----------
        right, down : int
            Left and top edge of the part on the page, in pixels; they are added to `box`.
        field : str or None
            Name of the field; None without a form.

        Returns
        -------
        place : Place
            A copy with another `box` and `field`; all other attributes are unchanged.
        """
        left, top, far, bottom = self.box
        box = (left + right, top + down, far + right, bottom + down)
        return replace(self, box=box, field=field)


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
        has six places. Ignored with `form`, whose fields have their own numbers of digits.
    score : callable, default=None
        Called with a list of images like `Place.image`, returns the probabilities of the classes,
        an ndarray of shape (n_images, n_classes). None separates touching digits by their size.
    form : Form, default=None
        The positions of the fields. Only the fields of the form's first page are used; for another
        page of a document, pass :meth:`Form.on_page`. None detects the fields.

    Returns
    -------
    fields : list of list of Place
        Without a form, the fields in reading order, each with its places from left to right; empty
        if there is no ink. With a form, its fields in their order; an empty field has one blank
        place.

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
        rows = _find_fields(part, one.digits, score)
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
            if has_specks(part):  # they may be the remains of faint writing
                places = [_keep_specks(part)]
            elif not places:  # an empty field is one blank place
                white = np.full(part.shape[:2], 255, dtype=np.uint8)
                places = [Place((0, 0, right - left, bottom - top), white, 0.0, True, 0)]
        found.append([place.move(left, top, one.name) for place in places])
    return found


def _keep_specks(page: Array) -> Place:
    """Return a field without digits as a single place, shown as it is on the page."""
    height, width = page.shape[:2]
    grey = page if page.ndim == 2 else page.min(axis=2)
    return Place((0, 0, width, height), grey, 1.0, False, 0, parted=0.0)


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


def _find_fields(page: Array, n_digits: int | None, score: Score | None) -> list[list[Place]]:
    ink = find_ink(page)
    if not (ink.level > ink.noise).any():
        return []
    guided = _find_guides(ink, _find_drawn, n_digits)
    if not guided.cells:
        guided = _find_pale_guides(ink, guided, n_digits)
    ink, drawn, cells, lines = guided.ink, guided.drawn, guided.cells, guided.lines
    level, strokes = _remove_guides(ink, drawn, lines)
    parts = find_parts(strokes)
    marks = find_marks(drawn, level, parts, drawn & ~strokes, lines)
    sheet = _Sheet(ink, level, strokes, drawn, page.shape)
    rows = list(iterate_rows(cells))
    height, width = strokes.shape
    if not rows and n_digits == 1 and max(height, width) <= CELL * min(height, width):
        rows = [[(0, 0, width, height)]]  # a cell that was cut out of its grid
    if rows:
        return _fill_boxes(sheet, rows, parts, marks, n_digits, score)
    return _divide_freely(sheet, parts, marks, n_digits, score)


@dataclass(frozen=True)
class _Guided:
    """A straight page with its guides."""

    ink: Ink
    drawn: Array  # strokes and guides
    cells: list[Cells]
    lines: list[Line]


def _find_drawn(ink: Ink) -> Array:
    return find_strokes(ink.level, ink.noise, strong=PALE)


def _find_guides(ink: Ink, draw: Callable[[Ink], Array], n_digits: int | None) -> _Guided:
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
    return _Guided(ink, drawn, cells, lines)


def _find_pale_guides(ink: Ink, guided: _Guided, n_digits: int | None) -> _Guided:
    """Find boxes and combs that are much paler than the ink; return `guided` if there are none."""

    def draw(ink: Ink) -> Array:  # smooth, so that the grain of the paper does not break lines
        return ndimage.uniform_filter(ink.level, 3) > ink.noise / 2

    if np.count_nonzero(draw(guided.ink)) < PALER * np.count_nonzero(guided.drawn):
        return guided
    pale = _find_guides(ink, draw, n_digits)
    if sum(len(some.boxes) for some in pale.cells) < 2:
        return guided
    drawn = _find_drawn(pale.ink)
    gone = pale.drawn & ~erase(pale.drawn, pale.lines)
    if np.count_nonzero(gone & drawn) > COMMON * np.count_nonzero(gone):
        return guided  # they are strokes
    return replace(pale, drawn=drawn, lines=[])  # the strokes do not contain them


@dataclass(frozen=True)
class _Sheet:
    """A page without guides."""

    ink: Ink
    level: Array
    strokes: Array
    drawn: Array  # strokes with the guides
    shape: tuple[int, ...]  # of the page

    def cut(self, box: Box, part: Part | None) -> Array:
        """Return an image of the box, with only the strokes of the part."""
        left, top, right, bottom = box
        image = np.full((bottom - top, right - left), 255, dtype=np.uint8)
        if part is None:
            return image
        where = (slice(top, bottom), slice(left, right))
        own = np.zeros(image.shape, dtype=bool)
        x, y = part.box[0] - left, part.box[1] - top
        own[y : y + part.height, x : x + part.width] = part.strokes
        wide = widen(own, 2)
        wide &= own | ~self.strokes[where]
        level = self.level[where]
        peak = max(find_quantile(level[own], 0.9), 0.1) if own.any() else 1.0
        return np.where(wide, 255 - 255 * np.minimum(level / peak, 1), 255).astype(np.uint8)

    def crop(self, part: Part) -> Array:
        """Return an image of the part with some paper around it."""
        return self.cut(self.pad(part.box, part.height // 8 + 2), part)

    def pad(self, box: Box, margin: int) -> Box:
        left, top, right, bottom = box
        height, width = self.level.shape
        return (
            max(0, left - margin),
            max(0, top - margin),
            min(width, right + margin),
            min(height, bottom + margin),
        )

    def to_page(self, box: Box) -> Box:
        """Return the box in pixels of the page."""
        left, top, right, bottom = box
        corners = np.array([(x, y, 1) for x in (left, right - 1) for y in (top, bottom - 1)])
        points = corners @ self.ink.matrix.T
        scale = np.hypot(*self.ink.matrix[:, 0])
        low = np.floor(points.min(axis=0) - (scale - 1) / 2 + 1e-6).astype(int)
        high = np.ceil(points.max(axis=0) + (scale - 1) / 2 - 1e-6).astype(int) + 1
        limit = self.shape[1::-1]
        low, high = np.clip(low, 0, limit), np.clip(high, 0, limit)
        return int(low[0]), int(low[1]), int(high[0]), int(high[1])

    def make_place(self, box: Box, part: Part | None, row: int, *, is_blank: bool) -> Place:
        image = self.cut(box, None if is_blank else part)
        share = part.n_pixels / max(1, image.size) if part is not None else 0.0
        return Place(self.to_page(box), image, share, is_blank, row)


def _remove_guides(ink: Ink, strokes: Array, lines: list[Line]) -> tuple[Array, Array]:
    """Return level and strokes without the lines.

    Guides in a different colour from the ink appear only in some channels. The other channels
    contain only ink, intact even where it crosses a line. Other lines are erased.
    """
    level = ink.level
    if not lines:
        return level, find_strokes(level, ink.noise)
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
                return level, seen
    level = np.where(widen(gone) & ~left, 0, level)
    return level, find_strokes(level, ink.noise) & left


def _fill_boxes(
    sheet: _Sheet,
    rows: list[list[Box]],
    parts: list[Part],
    marks: list[Mark],
    n_digits: int | None,
    score: Score | None,
) -> list[list[Place]]:
    boxes = [box for row in rows for box in row]
    contents: list[list[Part]] = [[] for _ in boxes]
    centres = np.array(boxes, dtype=float)
    loose = []
    for part in parts:
        pieces = _assign(part, centres)
        for at, piece in pieces:
            contents[at].append(piece)
        left, _, right, _ = sheet.to_page(part.box)
        is_neighbour = left <= 1 or right >= sheet.shape[1] - 1
        if not pieces and not is_neighbour and not _is_rest(part, part.box):
            loose.append(part)
    fields: list[list[Place]] = []
    at = 0
    for number, row in enumerate(rows):
        if len(row) == 1 and _is_long(row[0]):  # a frame around a whole row
            inside = [part for part in contents[at] if part.n_pixels > 8]
            found = _divide_freely(sheet, inside, marks, n_digits, score)
            fields += [[replace(place, row=number) for place in some] for some in found]
        else:
            written = contents[at : at + len(row)]
            places = [
                _fill(sheet, box, its, number, marks) for box, its in zip(row, written, strict=True)
            ]
            places = _doubt_blank(sheet, _doubt_low(places), row, number)
            outside = choose_outside(marks, row)
            middles = [box[0] + box[2] for box in row]
            own = {mark.box for mark in outside}
            for part in loose:
                if part.box not in own and _is_beside(part, row):
                    places.append(_place(sheet, part, number, 0.0))
                    middles.append(part.box[0] + part.box[2])
            fields.append(_insert(sheet, places, middles, outside, number))
        at += len(row)
    return fields


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


def _doubt_blank(sheet: _Sheet, places: list[Place], row: list[Box], number: int) -> list[Place]:
    """Return the places in boxes with faint digits instead of blank ones."""
    if not any(place.is_blank for place in places):
        return places
    thick = find_thick_walls(sheet.drawn, row)
    doubted = []
    for place, box, is_thick in zip(places, row, thick, strict=True):
        if place.is_blank and not place.is_marked:
            faint = find_faint(sheet.level, sheet.ink.noise, box)
            if faint is not None:
                place = replace(_place(sheet, faint, number, HANGING), box=sheet.to_page(box))
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


def _is_long(box: Box) -> bool:
    return box[2] - box[0] > 1.8 * (box[3] - box[1])


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


def _fill(sheet: _Sheet, box: Box, parts: list[Part], row: int, marks: list[Mark]) -> Place:
    """Return the place in a box, with the ink written there."""
    marks = choose_inside(marks, parts, box)
    own = {mark.box for mark in marks}
    parts = [part for part in parts if part.box not in own]
    place = _fill_unmarked(sheet, box, parts, row)
    return replace(place, is_marked=True) if marks else place


def _fill_unmarked(sheet: _Sheet, box: Box, parts: list[Part], row: int) -> Place:
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


def _divide_freely(
    sheet: _Sheet,
    parts: list[Part],
    marks: list[Mark],
    n_digits: int | None,
    score: Score | None,
) -> list[list[Place]]:
    fields = []
    rows = divide_rows(parts)
    below = [_is_below(*pair) for pair in itertools.pairwise(rows)]
    beside_low = map(any, zip([False, *below], [*below, False], strict=True))
    limits = [HANGING if low else 1.0 for low in beside_low]
    for number, (tall, row) in enumerate(rows):
        for some in _divide_fields(row, tall) if n_digits is None else [row]:
            beside = choose_marks(marks, some, tall)
            own = {mark.box for mark in beside}
            written = [part for part in some if part.box not in own]
            digits = divide_digits(written, tall, sheet.crop, n_digits=n_digits, score=score)
            inked = [part for part, _ in digits]
            odd = find_odd(inked, tall, sheet.ink)
            if inked and is_faint_beside(sheet.level, sheet.ink.noise, sheet.strokes, inked):
                odd[:] = True
            places = [
                _place(sheet, part, number, min(sure, HANGING if is_odd else limits[number]))
                for (part, sure), is_odd in zip(digits, odd, strict=True)
            ]
            middles = [part.box[0] + part.box[2] for part, _ in digits]
            fields.append(_insert(sheet, places, middles, beside, number))
    return fields


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


def _insert(
    sheet: _Sheet, places: list[Place], middles: list[int], marks: list[Mark], row: int
) -> list[Place]:
    """Return the places of a field, including those of marks, from left to right.

    Points above each other, as in a colon, form one mark.
    """
    found = list(zip(middles, places, strict=True))
    for mark in join_marks(marks):
        place = sheet.make_place(mark.box, None, row, is_blank=True)
        found.append((mark.box[0] + mark.box[2], replace(place, is_marked=True)))
    return [place for _, place in sorted(found, key=lambda pair: pair[0])]


def _place(sheet: _Sheet, part: Part, row: int, sure: float) -> Place:
    place = sheet.make_place(sheet.pad(part.box, part.height // 8 + 2), part, row, is_blank=False)
    return replace(place, box=sheet.to_page(part.box), parted=sure)


def _divide_fields(parts: list[Part], tall: float) -> list[list[Part]]:
    fields: list[list[Part]] = []
    end = 0
    for part in parts:
        if not fields or part.box[0] - end > GAP * tall:
            fields.append([])
        fields[-1].append(part)
        end = max(end, part.box[2])
    return fields
