"""Descriptions of forms: the positions of the fields, and their valid contents."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from numbers import Integral, Real
from os import PathLike
from typing import Any, Self

import numpy as np

from skmnist.text import Phrase, TranslatedError, get_catalogue

Array = np.ndarray[Any, Any]

MAX_FILE = 16 << 20  # bytes; the postal codes of a large country take about 1 MiB
MAX_DIGITS = 100  # of a field
MAX_FIELDS = 1000
PROPORTIONS = 0.04  # maximum relative difference between the proportions of form and page
FORM_KEYS = ("name", "size", "fields")
FIELD_KEYS = ("name", "page", "box", "digits", "values", "check", "ignore_marks")


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


# ean: also ISBN-13; luhn: credit cards and many customer numbers; mod10: Swiss payment references
# (recursive modulo 10); mod97: ISO 7064 with two check digits, as in an IBAN
CHECKS: dict[str, Callable[[Sequence[int]], bool]] = {
    "ean": _ean,
    "luhn": _luhn,
    "mod10": _mod10,
    "mod97": _mod97,
}


class FormError(TranslatedError):
    r"""Raised if the description of a form is unreadable or invalid, or does not fit a page.

    This error is a ValueError. Programs can use `key` and `values`, and show the message in another
    language.

    Parameters
    ----------
    key : str
        Key of the message, for example ``"fields"``.
    **values : object
        Values to fill in.

    Attributes
    ----------
    key : str
        Key of the message.
    values : dict
        Values to fill in.

    Examples
    --------
    >>> from skmnist.reading import Form, FormError
    >>> try:
    ...     Form.from_dict({"fields": []})
    ... except FormError as error:
    ...     print(error, error.sentence("de"), sep="\n")
    "fields" must be a list of 1 to 1,000 fields.
    "fields" muss eine Liste von 1 bis 1.000 Feldern sein.
    """

    def sentence(self, language: str = "en") -> str:
        """Return the message in the given language.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
        """
        return get_catalogue(language)(f"reading.form_error.{self.key}", **self.values)


FormError.__module__ = "skmnist.reading"  # where users import it from


@dataclass(frozen=True)
class FormField:
    """A field of a form.

    The parameters are attributes as well.

    Parameters
    ----------
    name : str
        Name of the field.
    box : tuple of float
        Left, top, right and bottom, as fractions of the page if no value is larger than 1,
        otherwise in pixels of a page of the form's `size`.
    page : int, default=1
        Number of the page, from 1.
    digits : int, default=None
        Number of digits. None allows any number and detects it.
    values : collection of str, default=None
        All valid contents, such as postal codes. None allows any.
    check : {"luhn", "ean", "mod10", "mod97"}, default=None
        Rule for the check digit: Luhn (cards), EAN and ISBN-13, recursive modulo 10 (Swiss payment
        references), or ISO 7064 modulo 97 with two check digits. None checks nothing.
    ignore_marks : bool, default=False
        Whether to ignore points, commas and other small marks between the digits, so that 12.50
        becomes 1250; useful for amounts that always have the same number of decimals. If `digits`
        is set, the two slashes of a date are ignored too. Marks before or after the digits, such as
        a minus sign, are not ignored.

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
    ignore_marks: bool = False

    def accepts(self, text: str) -> bool:
        """Return whether a text is valid in the field.

        Parameters
        ----------
        text : str
            Digits.

        Returns
        -------
        is_valid : bool
            Whether the text fits `digits`, `values` and `check`.
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
    """Description of a form: the positions of its fields, and their valid contents.

    The parameters are attributes as well.

    Parameters
    ----------
    fields : sequence of FormField
        The fields. Results are returned in this order.
    size : tuple of int, default=None
        Width and height of the page that boxes in pixels refer to. A page with other proportions is
        rejected. None accepts pages of any proportions; all boxes must then be fractions.
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
            The file cannot be read, or the description in it is invalid: for example, something
            is missing, unknown or out of range.
        """
        name = os.fsdecode(file)
        try:
            with open(file, "rb") as opened:
                content = opened.read(MAX_FILE + 1)
        except OSError as error:
            raise FormError("unreadable", where=name, reason=error.strerror) from error
        if len(content) > MAX_FILE:
            raise FormError("too_large", where=name, limit=MAX_FILE)
        try:
            described = json.loads(content)
        except UnicodeDecodeError as error:
            raise FormError("not_utf8", where=name) from error
        except (ValueError, RecursionError) as error:
            raise FormError("not_json", where=name, reason=str(error)) from error
        try:
            return cls.from_dict(described)
        except FormError as error:
            raise FormError("in_file", where=name, error=error) from None

    @classmethod
    def from_dict(cls, described: Any) -> Self:
        """Create a form from a dictionary with the same entries as a file for :meth:`load`.

        Parameters
        ----------
        described : dict
            The entries, as in the JSON file.

        Returns
        -------
        form : Form

        Raises
        ------
        FormError
            The description is invalid: for example, something is missing, unknown or out of range.
        """
        if not isinstance(described, Mapping):
            raise FormError("not_an_object", type=type(described).__name__)
        _refuse_unknown(described, FORM_KEYS, Phrase("reading.form_error.the_form"))
        size = described.get("size")
        if size is not None:
            if not (_is_list(size, 2) and all(_is_int(side) and side >= 1 for side in size)):
                raise FormError("size", size=size)
            size = (int(size[0]), int(size[1]))
        fields = described.get("fields")
        if not (isinstance(fields, list) and 1 <= len(fields) <= MAX_FIELDS):
            raise FormError("fields", limit=MAX_FIELDS)
        read = tuple(_read_field(one, at, size) for at, one in enumerate(fields, 1))
        names = [one.name for one in read]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise FormError("field_twice", name=twice)
        return cls(read, size, str(described.get("name", "")))

    @property
    def n_pages(self) -> int:
        """Number of the last page that has a field; 0 for a form without fields."""
        return max((one.page for one in self.fields), default=0)

    def on_page(self, number: int) -> "Form":
        """Return the form of one page of a document, as :func:`find_places` needs it.

        Parameters
        ----------
        number : int
            Number of the page, from 1.

        Returns
        -------
        form : Form
            A form with only the fields of this page, which becomes page 1 of the form. The form may
            have no fields.
        """
        fields = tuple(replace(one, page=1) for one in self.fields if one.page == number)
        return replace(self, fields=fields)

    def find_boxes(self, shape: Sequence[int]) -> list[tuple[int, int, int, int]]:
        """Return the boxes of the first page's fields, in pixels, for a page of the given shape.

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
            The proportions of the page differ from those of the form, or the page is so small that
            a field is less than 8 pixels wide or high.
        """
        height, width = shape[:2]
        scale = 1.0
        if self.size is not None:
            scale = width / self.size[0]
            if abs(height / (scale * self.size[1]) - 1) > PROPORTIONS:
                raise FormError(
                    "proportions",
                    width=width,
                    height=height,
                    form_width=self.size[0],
                    form_height=self.size[1],
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
                    "too_small",
                    name=one.name,
                    width=right - left,
                    height=bottom - top,
                    page_width=width,
                    page_height=height,
                )
            boxes.append((left, top, right, bottom))
        return boxes


def _read_field(described: Any, at: int, size: tuple[int, int] | None) -> FormField:
    if not isinstance(described, Mapping):
        raise FormError("field_not_an_object", number=at, value=described)
    name = described.get("name")
    if not isinstance(name, str) or not name.strip():
        raise FormError("name", number=at, name=name)
    where = Phrase("reading.form_error.field", {"name": name})
    _refuse_unknown(described, FIELD_KEYS, where)
    box = described.get("box")
    if box is None or not (_is_list(box, 4) and all(_is_number(side) for side in box)):
        raise FormError("box", where=where, box=box)
    left, top, right, bottom = map(float, box)
    if not (0 <= left < right and 0 <= top < bottom):
        raise FormError("box_order", where=where, box=box)
    if max(right, bottom) > 1:
        if size is None:
            raise FormError("box_without_size", where=where, box=box)
        if right > size[0] or bottom > size[1]:
            raise FormError("box_beyond", where=where, box=box, width=size[0], height=size[1])
    page = described.get("page", 1)
    if not (_is_int(page) and page >= 1):
        raise FormError("page", where=where, page=page)
    digits = described.get("digits")
    if digits is not None and not (_is_int(digits) and 1 <= digits <= MAX_DIGITS):
        raise FormError("digits", where=where, digits=digits, limit=MAX_DIGITS)
    check = described.get("check")
    if check is not None and check not in CHECKS:
        raise FormError("check", where=where, check=check, known=", ".join(CHECKS))
    ignore_marks = described.get("ignore_marks", False)
    if not isinstance(ignore_marks, bool | None):
        raise FormError("ignore_marks", where=where, ignore_marks=ignore_marks)
    values = _read_values(described.get("values"), where, digits)
    return FormField(
        name, (left, top, right, bottom), page, digits, values, check, bool(ignore_marks)
    )


def _read_values(values: Any, where: Phrase, digits: int | None) -> frozenset[str] | None:
    if values is None:
        return None
    if not (isinstance(values, list) and values and all(isinstance(one, str) for one in values)):
        raise FormError("values", where=where)
    if digits is not None:
        other = next((one for one in values if len(one) != digits), None)
        if other is not None:
            raise FormError("values_digits", where=where, value=other, n=len(other), digits=digits)
    return frozenset(values)


def _refuse_unknown(described: Mapping[str, Any], known: Sequence[str], where: Phrase) -> None:
    from difflib import get_close_matches

    for key in described:
        if key in known:
            continue
        name = str(key)[:50]
        if near := get_close_matches(str(key), known, n=1):
            raise FormError("misspelled", where=where, name=name, near=near[0])
        raise FormError("unknown", where=where, name=name, known=", ".join(known))


def _is_list(value: Any, length: int) -> bool:
    return isinstance(value, list | tuple) and len(value) == length


def _is_int(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)
