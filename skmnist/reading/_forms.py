"""Descriptions of forms: where the fields are, and what may be written in them."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from numbers import Integral, Real
from os import PathLike
from typing import Any, Self

import numpy as np

Array = np.ndarray[Any, Any]

MAX_FILE = 16 << 20  # bytes; the postal codes of a large country take one
MAX_DIGITS = 100  # of a field
MAX_FIELDS = 1000
PROPORTIONS = 0.04  # by which height to width may differ between form and page
FORM_KEYS = ("name", "size", "fields")
FIELD_KEYS = ("name", "page", "box", "digits", "values", "check")


def _luhn(digits: Sequence[int]) -> bool:
    doubled = [2 * digit - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _ean(digits: Sequence[int]) -> bool:
    return (sum(digits[-1::-2]) + 3 * sum(digits[-2::-2])) % 10 == 0


def _mod10(digits: Sequence[int]) -> bool:
    carry = 0
    for digit in digits[:-1]:
        carry = (0, 9, 4, 6, 8, 2, 7, 1, 3, 5)[(carry + digit) % 10]
    return (10 - carry) % 10 == digits[-1]


def _mod97(digits: Sequence[int]) -> bool:
    return int("".join(map(str, digits))) % 97 == 1


# credit cards and many customer numbers; EAN and ISBN-13; Swiss payment references, recursive;
# ISO 7064 with two check digits, as in IBAN
CHECKS: dict[str, Callable[[Sequence[int]], bool]] = {
    "ean": _ean,
    "luhn": _luhn,
    "mod10": _mod10,
    "mod97": _mod97,
}


class FormError(ValueError):
    """Raised if the description of a form is invalid, or does not fit a page.

    Examples
    --------
    >>> from skmnist.reading import Form, FormError
    >>> try:
    ...     Form.from_dict({"fields": []})
    ... except FormError as error:
    ...     print(error)
    "fields" must be a list of 1 to 1,000 fields.
    """


FormError.__module__ = "skmnist.reading"  # where users import it from


@dataclass(frozen=True)
class FormField:
    """A field of a form.

    Parameters
    ----------
    name : str
        Name of the field.
    box : tuple of float
        Left, top, right and bottom: fractions of the page if none is larger than 1, otherwise
        pixels of a page of the form's `size`.
    page : int, default=1
        Number of the page.
    digits : int, default=None
        Number of digits. None finds it.
    values : collection of str, default=None
        All valid contents, such as postal codes. None allows any.
    check : {"luhn", "ean", "mod10", "mod97"}, default=None
        Rule for the check digit: of Luhn (cards), of EAN and ISBN-13, recursive modulo 10 (Swiss
        payment references), or ISO 7064 modulo 97 with two check digits.

    Examples
    --------
    >>> from skmnist.reading import FormField
    >>> card = FormField("card", (0, 0, 1, 1), digits=16, check="luhn")
    >>> card.accepts("4111111111111111"), card.accepts("4111111111111112")
    (True, False)
    """

    name: str
    box: tuple[float, float, float, float]
    page: int = 1
    digits: int | None = None
    values: frozenset[str] | None = field(default=None, repr=False)
    check: str | None = None

    def accepts(self, text: str) -> bool:
        """Return whether a text is a valid content of the field.

        Parameters
        ----------
        text : str
            Digits.

        Returns
        -------
        is_valid : bool
        """
        if self.digits is not None and len(text) != self.digits:
            return False
        if self.values is not None and text not in self.values:
            return False
        if self.check is None:
            return True
        return text.isascii() and text.isdigit() and CHECKS[self.check](list(map(int, text)))


@dataclass(frozen=True)
class Form:
    """Where the fields of a form are, and what may be written in them.

    Parameters
    ----------
    fields : sequence of FormField
        The fields, in the order of their results.
    size : tuple of int, default=None
        Width and height of the page that boxes in pixels refer to. A page of other proportions is
        rejected. None, for boxes in fractions, accepts any.
    name : str, default=""
        Name of the form.

    Examples
    --------
    >>> from skmnist.reading import Form
    >>> form = Form.from_dict({
    ...     "size": [1240, 1754],
    ...     "fields": [
    ...         {"name": "postal code", "box": [100, 300, 420, 360], "digits": 5},
    ...         {"name": "reference", "box": [0.5, 0.1, 0.9, 0.15], "check": "luhn"},
    ...     ],
    ... })
    >>> form.fields[0].accepts("8000")
    False
    >>> Form.from_dict({"fields": [{"name": "date", "box": [0, 0, 1]}]})
    Traceback (most recent call last):
    skmnist.reading.FormError: field 'date': box=[0, 0, 1] must be four numbers: left, top, right,
    bottom.
    """

    fields: tuple[FormField, ...]
    size: tuple[int, int] | None = None
    name: str = ""

    @classmethod
    def load(cls, file: str | PathLike[str]) -> Self:
        """Load a description from a JSON file.

        Parameters
        ----------
        file : path
            An object with `fields`, a list of objects with the parameters of :class:`FormField`,
            and optionally `size` and `name`.

        Returns
        -------
        form : Form

        Raises
        ------
        FormError
            The file cannot be read, or something in it is missing, unknown or out of range.
        """
        name = os.fsdecode(file)
        try:
            with open(file, "rb") as opened:
                content = opened.read(MAX_FILE + 1)
        except OSError as error:
            raise FormError(f"{name}: cannot be read ({error.strerror})") from error
        if len(content) > MAX_FILE:
            raise FormError(f"{name}: is larger than {MAX_FILE:,} bytes, the maximum for a form")
        try:
            described = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise FormError(f"{name}: is not valid JSON ({error})") from error
        try:
            return cls.from_dict(described)
        except FormError as error:
            raise FormError(f"{name}: {error}") from None

    @classmethod
    def from_dict(cls, described: Any) -> Self:
        """Return the form that a dictionary describes, as in `load`.

        Parameters
        ----------
        described : dict
            The content of the JSON file.

        Returns
        -------
        form : Form

        Raises
        ------
        FormError
            Something is missing, unknown or out of range.
        """
        if not isinstance(described, Mapping):
            raise FormError(
                f"the description is a {type(described).__name__}, but must be an object with "
                '"fields".'
            )
        _refuse_unknown(described, FORM_KEYS, "the form")
        size = described.get("size")
        if size is not None:
            if not (_is_list(size, 2) and all(_is_int(side) and side >= 1 for side in size)):
                raise FormError(
                    f"size={size!r} must be width and height in pixels, two ints >= 1, or left out."
                )
            size = (int(size[0]), int(size[1]))
        fields = described.get("fields")
        if not (isinstance(fields, list) and 1 <= len(fields) <= MAX_FIELDS):
            raise FormError(f'"fields" must be a list of 1 to {MAX_FIELDS:,} fields.')
        read = tuple(_read_field(one, at, size) for at, one in enumerate(fields, 1))
        names = [one.name for one in read]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise FormError(f"field {twice!r} appears more than once; give each its own name.")
        return cls(read, size, str(described.get("name", "")))

    @property
    def n_pages(self) -> int:
        """Number of pages with fields."""
        return max(one.page for one in self.fields)

    def on_page(self, number: int) -> "Form":
        """Return the form of one page of a document, as `find_places` needs it.

        Parameters
        ----------
        number : int
            Number of the page, from 1.

        Returns
        -------
        form : Form
        """
        fields = tuple(replace(one, page=1) for one in self.fields if one.page == number)
        return replace(self, fields=fields)

    def find_boxes(self, shape: Sequence[int]) -> list[tuple[int, int, int, int]]:
        """Return the boxes of the first page's fields in pixels of a page of this shape.

        Parameters
        ----------
        shape : sequence of int
            Height and width of the page.

        Returns
        -------
        boxes : list of tuple of int
            Left, top, right and bottom of each field.

        Raises
        ------
        FormError
            The page has other proportions than the form, or is too small.
        """
        height, width = shape[:2]
        scale = 1.0
        if self.size is not None:
            scale = width / self.size[0]
            if abs(height / (scale * self.size[1]) - 1) > PROPORTIONS:
                raise FormError(
                    f"the page has {width} x {height} pixels, but the form is made for pages of "
                    f"the proportions {self.size[0]} x {self.size[1]}; scan whole pages, or "
                    "measure the fields on such a page."
                )
        boxes = []
        limits = np.array([width, height, width, height])
        for one in self.fields:
            if one.page != 1:
                continue
            box = np.array(one.box)
            box = box * limits if max(one.box) <= 1 else box * scale
            box[:2], box[2:] = np.floor(box[:2]), np.ceil(box[2:])
            left, top, right, bottom = np.minimum(box, limits).astype(int).tolist()
            if min(right - left, bottom - top) < 8:
                raise FormError(
                    f"field {one.name!r} has {right - left} x {bottom - top} pixels on a page of "
                    f"{width} x {height}, too few for digits; scan with a higher resolution, or "
                    "correct its box."
                )
            boxes.append((left, top, right, bottom))
        return boxes


def _read_field(described: Any, at: int, size: tuple[int, int] | None) -> FormField:
    if not isinstance(described, Mapping):
        raise FormError(
            f"field {at} is {described!r}, but must be an object with a name and a box."
        )
    name = described.get("name")
    if not isinstance(name, str) or not name.strip():
        raise FormError(f"field {at}: name={name!r} must be a text that is not empty.")
    where = f"field {name!r}"
    _refuse_unknown(described, FIELD_KEYS, where)
    box = described.get("box")
    if box is None or not (_is_list(box, 4) and all(_is_number(side) for side in box)):
        raise FormError(f"{where}: box={box!r} must be four numbers: left, top, right, bottom.")
    left, top, right, bottom = map(float, box)
    if not (0 <= left < right and 0 <= top < bottom):
        raise FormError(
            f"{where}: box={box!r} must be left, top, right, bottom with 0 <= left < right and "
            "0 <= top < bottom."
        )
    if max(right, bottom) > 1:
        if size is None:
            raise FormError(
                f"{where}: box={box!r} is in pixels, which needs the size of the page: add "
                '"size": [width, height] to the form, or give fractions of the page from 0 to 1.'
            )
        if right > size[0] or bottom > size[1]:
            raise FormError(
                f"{where}: box={box!r} reaches beyond the page of {size[0]} x {size[1]} pixels."
            )
    page = described.get("page", 1)
    if not (_is_int(page) and page >= 1):
        raise FormError(f"{where}: page={page!r} must be an int >= 1.")
    digits = described.get("digits")
    if digits is not None and not (_is_int(digits) and 1 <= digits <= MAX_DIGITS):
        raise FormError(
            f"{where}: digits={digits!r} must be an int from 1 to {MAX_DIGITS}, or left out."
        )
    check = described.get("check")
    if check is not None and check not in CHECKS:
        raise FormError(
            f"{where}: check={check!r} must be one of {', '.join(CHECKS)}, or left out."
        )
    values = _read_values(described.get("values"), where, digits)
    return FormField(name, (left, top, right, bottom), page, digits, values, check)


def _read_values(values: Any, where: str, digits: int | None) -> frozenset[str] | None:
    if values is None:
        return None
    if not (isinstance(values, list) and values and all(isinstance(one, str) for one in values)):
        raise FormError(
            f"{where}: values must be a list of texts that is not empty, such as "
            '["01067", "01069"]; numbers would lose their leading zeros.'
        )
    if digits is not None:
        other = next((one for one in values if len(one) != digits), None)
        if other is not None:
            raise FormError(
                f"{where}: values has {other!r} with {len(other)} digits, but digits={digits}."
            )
    return frozenset(values)


def _refuse_unknown(described: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    from difflib import get_close_matches

    for key in described:
        if key in known:
            continue
        near = get_close_matches(str(key), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(known)}."
        raise FormError(f"{where} has the unknown key {str(key)[:50]!r}; {hint}")


def _is_list(value: Any, length: int) -> bool:
    return isinstance(value, list | tuple) and len(value) == length


def _is_int(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)
