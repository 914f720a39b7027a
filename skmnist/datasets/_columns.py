"""Find the label column and the pixel columns of a table."""

import csv
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isqrt

from skmnist.datasets._members import DatasetError, Place, at_cell, at_line, shorten
from skmnist.text import Phrase

SEPARATORS = ",;\t"
LABEL_NAMES = {
    *("label", "labels", "class", "classes", "target", "targets", "y", "digit", "digits"),
    *("letter", "letters", "character", "category", "klasse", "ziffer", "buchstabe"),
}
ROW_NAMES = {"", "id", "index", "imageid", "image_id", "unnamed: 0", "row", "nr"}
# pixel0, 1x1, pixel_0_0, V1, 0: optional letters, then one or two numbers
PIXEL_NAME = re.compile(r"[^\W\d]*[ _.-]?[0-9]{1,9}([x_.,: -][0-9]{1,9})?")
NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]*)?([eE][+-]?[0-9]{1,4})?")
# If one value has more than this share of a column, the column is a corner pixel, which is mostly
# background.
MAX_LABEL_SHARE = 0.9
MAX_COLUMNS = (1 << 20) + 16  # a label and 1024 x 1024 pixels


@dataclass(frozen=True)
class Columns:
    """The columns of a table, by their positions.

    Attributes
    ----------
    separator : str
    names : tuple of str or None
        The header, or None.
    n_columns : int
    labels : tuple of int
        The label column; two columns if only the rows show which one it is; empty without labels.
    ignored : tuple of int
        Columns of row numbers.
    """

    separator: str
    names: tuple[str, ...] | None
    n_columns: int
    labels: tuple[int, ...]
    ignored: tuple[int, ...] = ()

    def identify(self, column: int) -> str:
        """Return the number of a column, counted from 1, and its name, for messages."""
        return str(column + 1) + (f" ({shorten(self.names[column])!r})" if self.names else "")


def read_columns(line: str, *, label: str | None, where: str) -> Columns:
    """Determine the columns of a table from its first line.

    Parameters
    ----------
    line : str
    label : {"first", "last"}, str or None
        Position or name of the label column; None detects it.
    where : str
        Location for error messages.
    """
    separator = find_separator(line)
    n_columns = line.count(separator) + 1
    if n_columns == 1:
        raise DatasetError("one_field", where=at_line(where, 1), field=shorten(line))
    if n_columns > MAX_COLUMNS:
        raise DatasetError(
            "too_many_fields", where=at_line(where, 1), n=n_columns, limit=MAX_COLUMNS
        )
    fields = split_line(line, separator, where=where, number=1)
    if not _is_header(fields):
        return _read_bare(len(fields), separator, label, where)
    return _read_header(tuple(field.strip() for field in fields), separator, label, where)


def find_separator(line: str) -> str:
    """Return the most frequent separator of a line."""
    return max(SEPARATORS, key=line.count)


def split_line(line: str, separator: str, *, where: str, number: int) -> list[str]:
    """Return the fields of a line, which may be quoted."""
    try:
        (fields,) = csv.reader([line], delimiter=separator, strict=True)
    except (csv.Error, ValueError) as error:
        is_open = "end of data" in str(error)
        reason = Phrase("data.error.open_quote") if is_open else str(error)
        raise DatasetError(
            "not_parsed", where=at_line(where, number), reason=reason, separator=separator
        ) from error
    return fields


def choose_label(
    columns: Sequence[Counter[bytes]], *, where: str, locate: Callable[[int, bytes], Place]
) -> int:
    """Return 0 if the labels are in the first column, 1 if they are in the last column.

    Parameters
    ----------
    columns : two Counters
        The values of the first and of the last column.
    where : str
        Location for error messages.
    locate : callable
        Called with 0 or 1 and a value; returns the location of the first cell with that value.
    """
    odd = [[value for value in column if not is_pixel(value)] for column in columns]
    # in a column of text labels, most cells are not pixels; a few may be errors or large numbers
    texts = [
        2 * sum(column[value] for value in values) > column.total()
        for column, values in zip(columns, odd, strict=True)
    ]
    if texts[0] != texts[1]:
        return texts.index(True)
    if any(odd):
        side = 0 if odd[0] else 1
        value = odd[side][0]
        raise DatasetError(
            "pixel_or_label",
            where=locate(side, value),
            cell=shorten(value.decode(errors="replace")),
        )
    likely = [_may_be_label(column) for column in columns]
    if likely[0] != likely[1]:
        return likely.index(True)
    sizes = [len(column) for column in columns]
    if min(sizes) == 1 < max(sizes):  # a corner pixel that is always background
        return sizes.index(max(sizes))
    if all(likely) and min(sizes) * 2 <= max(sizes):  # there are more grey levels than classes
        return sizes.index(min(sizes))
    raise DatasetError("first_or_last", where=where, n_first=sizes[0], n_last=sizes[1])


def is_pixel(value: bytes) -> bool:
    """Return whether a field is an integer from 0 to 255."""
    return value.isdigit() and len(value) <= 3 and int(value) <= 255


def _may_be_label(counts: Counter[bytes]) -> bool:
    return len(counts) > 1 and max(counts.values()) < MAX_LABEL_SHARE * counts.total()


def _is_header(fields: list[str]) -> bool:
    fields = [field.strip() for field in fields]
    numbers = [field for field in fields if NUMBER.fullmatch(field)]
    # pandas names unnamed columns 0, 1, 2 ...
    if len(numbers) > 2 and all(number.isdigit() for number in numbers):
        values = [int(number) for number in numbers]
        if values == list(range(values[0], values[0] + len(values))) and values[0] < 2:
            return True
    return len(numbers) * 2 < len(fields)


def _read_bare(n_columns: int, separator: str, label: str | None, where: str) -> Columns:
    if label not in (None, "first", "last"):
        raise DatasetError("no_header", where=where, label=label)
    last = n_columns - 1
    labels = {None: (0, last), "first": (0,), "last": (last,)}[label]
    return Columns(separator, None, n_columns, labels)


def _read_header(names: tuple[str, ...], separator: str, label: str | None, where: str) -> Columns:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        first, second, *_ = (at + 1 for at, name in enumerate(names) if name == repeated[0])
        raise DatasetError(
            "same_names",
            where=at_line(where, 1),
            first=first,
            second=second,
            name=shorten(repeated[0]),
        )
    ignored = tuple(at for at, name in enumerate(names) if name.casefold() in ROW_NAMES)
    labels = _find_label(names, ignored, label, where)
    pixels = [at for at in range(len(names)) if at not in {*labels, *ignored}]
    numbers = []
    for at in pixels:
        if not PIXEL_NAME.fullmatch(names[at]):
            raise DatasetError(
                "odd_column", where=at_cell(where, 1, at + 1), name=shorten(names[at])
            )
        numbers.append([int(digits) for digits in re.findall("[0-9]+", names[at])])
    for (left, before), (right, after) in pairwise(zip(pixels, numbers, strict=True)):
        if after <= before:
            raise DatasetError(
                "pixel_order",
                where=at_cell(where, 1, right + 1),
                name=shorten(names[right]),
                before=shorten(names[left]),
            )
    return Columns(separator, names, len(names), labels, ignored)


def _find_label(
    names: tuple[str, ...], ignored: tuple[int, ...], label: str | None, where: str
) -> tuple[int, ...]:
    rest = [at for at in range(len(names)) if at not in ignored]
    if label in names:
        return (names.index(label),)
    if label in ("first", "last") and rest:
        return (rest[0] if label == "first" else rest[-1],)
    if label is not None:
        raise DatasetError(
            "no_such_column",
            where=at_line(where, 1),
            label=label,
            names=[shorten(name) for name in names[:3]],
        )
    named = [at for at in rest if names[at].casefold() in LABEL_NAMES]
    if not named:
        named = [at for at in rest if not PIXEL_NAME.fullmatch(names[at])]
        if len(named) == 1 and named[0] not in (rest[0], rest[-1]):
            named = []  # an odd name between pixels; `_read_header` raises
    if len(named) == 1:
        return (named[0],)
    if named:
        raise DatasetError(
            "two_labels",
            where=at_line(where, 1),
            first=shorten(names[named[0]]),
            second=shorten(names[named[1]]),
        )
    if is_square(len(rest)) and not is_square(len(rest) - 1):
        return ()
    return (rest[0], rest[-1]) if rest else ()


def is_square(n: int) -> bool:
    """Return whether `n` pixels make a square image."""
    return n > 0 and isqrt(n) ** 2 == n
