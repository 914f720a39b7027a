"""A page without guides (boxes, combs and ruled lines), and the places cut out of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skmnist.reading._ink import Ink, find_quantile, widen
from skmnist.reading._parts import Part
from skmnist.reading._points import join_marks
from skmnist.reading._tracing import Line

Array = np.ndarray[Any, Any]
Box = tuple[int, int, int, int]  # left, top, right, bottom


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
        place is blank. A form field that contains only specks is shown as it is on the page. The
        image has the resolution of the page, unless the page was straightened, or reduced because
        it has more than 4 million pixels.
    ink : float
        Share of the pixels of `image` that are ink.
    is_blank : bool
        True if nothing in the place is as large as a digit.
    row : int
        Row of writing, counted from 0, on the page or, with a form, in the field.
    field : str or None
        Name of the field in a form; None without a form.
    parted : float
        Confidence that the place holds one whole digit, from 0 to 1. It is less than 1 if digits
        touch each other or strokes are broken, so that the row can be divided in other ways. It is
        also less than 1 for strokes that may not be a whole digit because of their size or
        position, or because the edge of a field cuts them off; and 0 for writing elsewhere on a
        page with boxes. If :func:`find_places` was called with `score`, it is only as reliable as
        the probabilities that `score` returns.
    is_marked : bool
        True if the place contains a mark, such as a point or a comma. The mark is alone in the
        place if `is_blank` is True; otherwise, it is beside ink that is as large as a digit.

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
            Left and top edges of the part on the page, in pixels; they are added to `box`.
        field : str or None
            Name of the field; None without a form.

        Returns
        -------
        place : Place
            A copy with a different `box` and `field`; all other attributes are unchanged.
        """
        left, top, far, bottom = self.box
        box = (left + right, top + down, far + right, bottom + down)
        return replace(self, box=box, field=field)


@dataclass(frozen=True)
class Sheet:
    """A page without guides."""

    ink: Ink
    level: Array
    strokes: Array
    drawn: Array  # strokes with the guides
    tinted: Array  # ink in the colour of the guides
    lines: list[Line]  # the guides
    shape: tuple[int, ...]  # of the page

    def cut(self, box: Box, part: Part | None) -> Array:
        """Return an image of the box, with only the strokes of `part`."""
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
        """Convert a box of the sheet to pixels of the page."""
        left, top, right, bottom = box
        rows = self.ink.matrix.tolist()
        half = (
            math.hypot(rows[0][0], rows[1][0]) - 1
        ) / 2  # of a pixel of the sheet, beyond its middle
        ends = []
        for (a, b, c), limit in zip(rows, self.shape[1::-1], strict=True):
            at = [a * x + b * y + c for x in (left, right - 1) for y in (top, bottom - 1)]
            low, high = math.floor(min(at) - half + 1e-6), math.ceil(max(at) + half - 1e-6) + 1
            ends.append((min(max(low, 0), limit), min(max(high, 0), limit)))
        return ends[0][0], ends[1][0], ends[0][1], ends[1][1]

    def make_place(self, box: Box, part: Part | None, row: int, *, is_blank: bool) -> Place:
        image = self.cut(box, None if is_blank else part)
        share = part.n_pixels / max(1, image.size) if part is not None else 0.0
        return Place(self.to_page(box), image, share, is_blank, row)

    def place_part(self, part: Part, row: int, sure: float) -> Place:
        """Return a place for strokes that are not in a box."""
        box = self.pad(part.box, part.height // 8 + 2)
        place = self.make_place(box, part, row, is_blank=False)
        return replace(place, box=self.to_page(part.box), parted=sure)

    def insert(
        self, places: list[Place], middles: list[int], marks: Sequence[Part], row: int
    ) -> list[Place]:
        """Return the places of a field, including those of marks, from left to right.

        Points one above the other, as in a colon, form one mark.
        """
        found = list(zip(middles, places, strict=True))
        for mark in join_marks(marks):
            place = self.make_place(mark.box, None, row, is_blank=True)
            found.append((mark.box[0] + mark.box[2], replace(place, is_marked=True)))
        return [place for _, place in sorted(found, key=lambda pair: pair[0])]
