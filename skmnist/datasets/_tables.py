"""Read CSV files with a label and the pixels of an image in each row.

pandas is not used, because it silently turns missing fields into NaN, extra fields into an index
and "NA" into a missing label, and lets values above 255 overflow (300 becomes 44). Pixels are
integers of up to three digits, which NumPy parses as fast as pandas does.
"""

from array import array
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from math import inf, isqrt
from typing import Any

import numpy as np

from skmnist.datasets._bunch import Note, check_label
from skmnist.datasets._columns import (
    Columns,
    choose_label,
    find_separator,
    is_pixel,
    is_square,
    read_columns,
    split_line,
)
from skmnist.datasets._members import (
    DatasetError,
    Member,
    Place,
    Stream,
    at_byte,
    at_cell,
    at_line,
    shorten,
)
from skmnist.text import Phrase

Array = np.ndarray[Any, Any]

BLOCK = 1 << 18  # bytes to parse at a time; half and twice as many are slower
SLAB = 1 << 23  # bytes of cells per array; memory of this size returns to the system when freed
MAX_LINE = 1 << 23
BOM = b"\xef\xbb\xbf"
ZERO, NEWLINE, QUOTE = b'0\n"'
MIN_ROWS = 100  # needed to check whether a table has its label in the same column as the others


class _Texts:
    """The cells of a column as text; each distinct value is stored once."""

    def __init__(self) -> None:
        self._codes = array("i")
        self._known: dict[bytes, int] = {}

    def extend(self, values: Iterable[bytes]) -> None:
        """Add cells."""
        known = self._known
        self._codes.extend([known.setdefault(value.strip(), len(known)) for value in values])

    @property
    def codes(self) -> Array:
        """The index in `values` of each cell."""
        return np.frombuffer(self._codes, np.intc)

    @property
    def values(self) -> list[bytes]:
        """The distinct values, in order of first occurrence."""
        return list(self._known)

    def count(self) -> Counter[bytes]:
        """Return how often each value occurs."""
        counts = np.bincount(self.codes, minlength=len(self._known))
        return Counter(dict(zip(self._known, counts.tolist(), strict=True)))

    @property
    def rows(self) -> list[int]:
        """The row in which each value first occurs."""
        firsts = np.empty(len(self._known), np.intp)
        firsts[self.codes[::-1]] = np.arange(len(self.codes))[::-1]  # the last assignment wins
        return firsts.tolist()


@dataclass
class _Table:
    """The cells of one file: pixels in slabs of rows, and labels as text."""

    member: Member
    columns: Columns
    first_line: int
    slabs: deque[Array] = field(default_factory=deque)
    texts: dict[int, _Texts] = field(default_factory=dict)
    n_rows: int = 0

    def store(self, cells: Array) -> None:
        """Append rows."""
        slab_rows = max(1, SLAB // self.columns.n_columns)
        while len(cells):
            at = self.n_rows % slab_rows
            if at == 0:
                self.slabs.append(np.empty((slab_rows, self.columns.n_columns), np.uint8))
            n = min(len(cells), slab_rows - at)
            self.slabs[-1][at : at + n] = cells[:n]
            self.n_rows += n
            cells = cells[n:]

    def locate(self, row: int, column: int) -> Phrase:
        """Return the location of a cell for error messages."""
        return at_cell(self.member.where, self.first_line + row, self.columns.identify(column))


def read_tables(
    parts: Mapping[Any, Sequence[Member]],
    *,
    label: str | None,
    image_shape: tuple[int, int] | None,
) -> tuple[dict[Any, tuple[Array, list[str]]], list[Note]]:
    """Read the tables of each part of a data set (training or test).

    Parameters
    ----------
    parts : dict of role to list of Member
        Several tables of a part are concatenated.
    label : {"first", "last"}, str or None
        Position or name of the label column; None detects it.
    image_shape : tuple of int or None
        Height and width of the images. None requires square images.

    Returns
    -------
    arrays : dict of role to tuple
        uint8 images of shape (n_images, height, width), and their labels as text.
    notes : list of Note

    Raises
    ------
    DatasetError
        If a table is invalid. For an invalid cell, the message contains its line and column.
    """
    notes: list[Note] = []
    tables: dict[Any, list[_Table]] = {}
    for role, members in parts.items():
        read = [_read_table(member, label, image_shape) for member in members]
        tables[role] = [table for table in read if table.columns.labels]
        if len(tables[role]) == len(read):
            continue
        if len(parts) == 1 or role == "train":
            raise DatasetError(
                "no_label_column", where=at_line(members[0].where, 1), n=read[0].columns.n_columns
            )
        del tables[role]  # for example test.csv of Kaggle competitions
        notes.append(Note("no_labels", {"path": shorten(members[0].path)}))
    all_tables = [table for read in tables.values() for table in read]
    notes += _settle_labels(all_tables)
    ignored = [(table.columns, at) for table in all_tables for at in table.columns.ignored]
    notes += {str(note): note for note in (_note_ignored(*one) for one in ignored)}.values()
    arrays = {role: _join([_finish(t, image_shape) for t in read]) for role, read in tables.items()}
    return arrays, notes


def _note_ignored(columns: Columns, at: int) -> Note:
    # the first unnamed column is the index of a data frame; others come from trailing separators
    if at > 0 and columns.names is not None and not columns.names[at]:
        return Note("unnamed_column", {"column": str(at + 1)})
    return Note("row_numbers", {"column": columns.identify(at)})


def _read_table(member: Member, label: str | None, image_shape: tuple[int, int] | None) -> _Table:
    with member.open(unpack=True) as stream:
        blocks = _iterate_blocks(stream, member.where)
        block = next(blocks, b"")
        line, _, rest = block.partition(b"\n")
        if not line:
            raise DatasetError("empty_table", where=at_line(member.where, 1))
        columns = read_columns(_decode(line, member.where, 1), label=label, where=member.where)
        table = _Table(member, columns, 2 if columns.names else 1)
        if not columns.labels:
            return table
        _check_width(table, image_shape)
        for part in chain([rest if columns.names else block], blocks):
            if part:
                _add(table, part)
    if not table.n_rows:
        raise DatasetError("no_rows", where=member.where)
    filled = (table.n_rows - 1) % len(table.slabs[-1]) + 1
    table.slabs[-1] = table.slabs[-1][:filled].copy()  # save memory if there are many small tables
    return table


def holds_pixels(member: Member, label: str | None) -> bool:
    """Return whether a table, judging by its first line, holds labels and pixels."""
    try:
        with member.open(unpack=True) as stream:
            line = next(_iterate_blocks(stream, member.where), b"").partition(b"\n")[0]
        read_columns(_decode(line, member.where, 1), label=label, where=member.where)
    except DatasetError:
        return False
    return True


def read_rows(member: Member, max_columns: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the cells of each line that is not empty.

    Yield nothing if the first line has only one cell, or more than `max_columns`.
    """
    with member.open(unpack=True) as stream:
        number, separator = 0, ""
        for block in _iterate_blocks(stream, member.where):
            for line in block.split(b"\n")[:-1]:
                number += 1
                text = _decode(line, member.where, number)
                separator = separator or find_separator(text)
                if number == 1 and not 0 < text.count(separator) < max_columns:
                    return
                if text:
                    yield number, split_line(text, separator, where=member.where, number=number)


def _iterate_blocks(stream: Stream, where: str) -> Iterator[bytes]:
    r"""Yield blocks of whole lines that end with ``\n``; leave out empty lines at the end."""
    rest = b""
    for number, data in enumerate(iter(lambda: stream.read(BLOCK), b"")):
        if number == 0:
            _check_encoding(data, where)
            data = data.removeprefix(BOM)
        data = rest + data
        if b"\r" in data:
            held = b"\r" if data.endswith(b"\r") else b""  # \n may follow in the next block
            data = data.removesuffix(b"\r").replace(b"\r\n", b"\n").replace(b"\r", b"\n") + held
        end = len(data.rstrip(b"\r\n"))
        cut = end + 1 if data[end : end + 1] == b"\n" else data.rfind(b"\n", 0, end) + 1
        if cut:
            yield data[:cut]
        rest = data[cut:]
        if len(rest) > MAX_LINE:
            raise DatasetError("no_line_break", where=where, limit=MAX_LINE)
    rest = rest.rstrip(b"\r\n")
    if rest:
        yield rest + b"\n"


def _check_encoding(head: bytes, where: str) -> None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head[:4096]:
        is_text = head[:2] in (b"\xff\xfe", b"\xfe\xff")
        raise DatasetError("utf16" if is_text else "binary", where=where)


def _check_width(table: _Table, image_shape: tuple[int, int] | None) -> None:
    n_pixels = table.columns.n_columns - len(table.columns.ignored) - 1
    found = {
        "where": at_line(table.member.where, 1),
        "n_fields": table.columns.n_columns,
        "n_pixels": n_pixels,
    }
    if image_shape is not None and n_pixels != image_shape[0] * image_shape[1]:
        expected = image_shape[0] * image_shape[1]
        raise DatasetError("n_pixels", **found, expected=expected, image_shape=image_shape)
    if image_shape is None and not is_square(n_pixels):
        unlabelled = is_square(n_pixels + 1)
        raise DatasetError("not_square_or_unlabelled" if unlabelled else "not_square", **found)


def _add(table: _Table, block: bytes) -> None:
    """Append the rows of a block to the table."""
    found = _parse_fast(block, table.columns)
    # unusual and invalid blocks are parsed line by line
    cells, texts = _parse_slowly(block, table) if found is None else found
    table.member.budget.spend_rows(len(cells), table.member.where)
    for column, values in texts.items():
        table.texts.setdefault(column, _Texts()).extend(values)
    table.store(cells)


def _parse_fast(block: bytes, columns: Columns) -> tuple[Array, dict[int, list[bytes]]] | None:
    """Parse all rows at once, or return None if a block is unusual or a pixel is invalid."""
    separator, n_columns = columns.separator.encode(), columns.n_columns
    if b" " in block:
        block = block.replace(separator + b" ", separator)
    if b'"' in block:
        block = _unquote(block, separator)
        if b'"' in block:
            return None
    cells = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero((cells == separator[0]) | (cells == NEWLINE))
    n_rows, left = divmod(len(ends), n_columns)
    if left or not (cells[ends[n_columns - 1 :: n_columns]] == NEWLINE).all():
        return None
    if block.count(b"\n") != n_rows:
        return None
    lengths = np.diff(ends, prepend=-1) - 1
    values = cells[ends - 1] - np.uint8(ZERO)  # the last digit; other characters give more than 9
    kept = sorted({*columns.labels, *columns.ignored})
    texts = {}
    for column in kept:
        stops = ends[column::n_columns]
        starts = stops - lengths[column::n_columns]
        if column in columns.labels:
            places = zip(starts.tolist(), stops.tolist(), strict=True)
            texts[column] = [block[start:stop] for start, stop in places]
        lengths[column::n_columns] = 1
        values[column::n_columns] = 0
    if lengths.min() < 1 or lengths.max() > 3:
        return None
    wide = np.flatnonzero(lengths > 1)
    tens = cells[ends[wide] - 2] - np.uint8(ZERO)
    is_widest = lengths[wide] > 2
    hundreds = cells[ends[wide[is_widest]] - 3] - np.uint8(ZERO)
    if max(part.max(initial=0) for part in (values, tens, hundreds)) > 9:
        return None
    if hundreds.max(initial=0) > 2:
        return None
    # up to 299, too large for 8 bits
    numbers = values[wide] + tens.astype(np.uint16) * 10
    numbers[is_widest] += hundreds.astype(np.uint16) * 100
    if numbers.max(initial=0) > 255:
        return None
    values[wide] = numbers
    return values.reshape(n_rows, n_columns), texts


def _unquote(block: bytes, separator: bytes) -> bytes:
    """Remove the quotes around whole fields; return a block with other quotes unchanged."""
    cells = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(cells == QUOTE)
    if len(quotes) % 2 or not block.endswith(b"\n"):
        return block
    opening, closing = quotes[::2], quotes[1::2]
    edges = (cells == separator[0]) | (cells == NEWLINE)
    n_fields = np.cumsum(edges, dtype=np.int32)
    whole = edges[opening - 1] & edges[closing + 1] & (n_fields[opening] == n_fields[closing])
    return block.replace(b'"', b"") if whole.all() else block


def _parse_slowly(block: bytes, table: _Table) -> tuple[Array, dict[int, list[bytes]]]:
    """Parse rows one by one; raise an error with the location of an invalid cell."""
    columns = table.columns
    rows = [
        _split_row(line, table, table.first_line + table.n_rows + at)
        for at, line in enumerate(block.split(b"\n")[:-1])
    ]
    texts = {column: [row[column].encode() for row in rows] for column in columns.labels}
    for row in rows:
        for column in (*columns.labels, *columns.ignored):
            row[column] = "0"
    plain = "".join(columns.separator.join(row) + "\n" for row in rows)
    found = _parse_fast(plain.encode(), columns)
    if found is None:
        raise _find_bad_cell(rows, table)
    return found[0], texts


def _split_row(line: bytes, table: _Table, number: int) -> list[str]:
    columns, where = table.columns, table.member.where
    if not line:
        raise DatasetError("empty_line", where=at_line(where, number))
    text = _decode(line, where, number)
    fields = split_line(text, columns.separator, where=where, number=number)
    if len(fields) != columns.n_columns:
        raise DatasetError(
            "n_fields_of_row",
            where=at_line(where, number),
            n=len(fields),
            expected=columns.n_columns,
        )
    return [field.strip() for field in fields]


def _find_bad_cell(rows: list[list[str]], table: _Table) -> DatasetError:
    kept = {*table.columns.labels, *table.columns.ignored}
    for at, row in enumerate(rows):
        for column, value in enumerate(row):
            if column not in kept and not is_pixel(value.encode()):
                place = table.locate(table.n_rows + at, column)
                others = (cell for row in rows for at, cell in enumerate(row) if at not in kept)
                return _not_a_pixel(place, value, others)
    raise AssertionError("_parse_fast rejected rows of valid pixels")


def _not_a_pixel(place: Place, value: str, others: Iterable[str]) -> DatasetError:
    """Return an error for a cell, with a hint if `others` suggest that the pixels are scaled."""
    if not value:
        return DatasetError("empty_pixel", where=place)
    key = "bad_pixel"
    if 0 <= _as_number(value) <= 1:  # corner pixels are always 0.0
        numbers = [_as_number(other) for other in others]
        if 0 < _as_number(value) < 1 or (max(numbers) <= 1 and any(0 < n < 1 for n in numbers)):
            key = "scaled_pixel"
    return DatasetError(key, where=place, cell=shorten(value))


def _as_number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return inf


def _decode(line: bytes, where: str, number: int) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        place = at_byte(at_line(where, number), error.start + 1)
        raise DatasetError("not_utf8", where=place) from error


def _settle_labels(tables: list[_Table]) -> list[Note]:
    """Decide from the values of all tables whether the first or last column holds the labels."""
    undecided = [table for table in tables if len(table.columns.labels) == 2]
    if not undecided:
        return []

    def locate(side: int, value: bytes) -> Phrase:
        for table in undecided:
            texts = table.texts[column := table.columns.labels[side]]
            if value in texts.values:
                return table.locate(texts.rows[texts.values.index(value)], column)
        raise AssertionError("no table contains the value")

    counts = {
        id(table): [table.texts[column].count() for column in table.columns.labels]
        for table in undecided
    }
    sides = [sum((ends[side] for ends in counts.values()), Counter[bytes]()) for side in (0, 1)]
    chosen = choose_label(sides, where=undecided[0].member.where, locate=locate)
    for table in undecided:
        if table.n_rows >= MIN_ROWS and len(undecided) > 1:
            _check_agrees(table, counts[id(table)], chosen, locate)
        label, pixel = table.columns.labels[chosen], table.columns.labels[1 - chosen]
        _fill_column(table, pixel)
        table.columns = replace(table.columns, labels=(label,))
    return [Note("label_last" if chosen else "label_first", {"n": len(sides[chosen])})]


def _check_agrees(table: _Table, counts: list[Counter[bytes]], chosen: int, locate: Any) -> None:
    """Raise an error if this table, judged on its own, has its labels in the other column."""
    try:
        own = choose_label(counts, where=table.member.where, locate=locate)
    except DatasetError:  # this table alone is ambiguous
        return
    if own != chosen:
        key = "label_last_here" if own else "label_first_here"
        raise DatasetError(key, where=table.member.where)


def _fill_column(table: _Table, column: int) -> None:
    """Convert a column of text to pixels."""
    texts = table.texts.pop(column)
    for value, row in zip(texts.values, texts.rows, strict=True):
        if not is_pixel(value):
            text = _decode(value, table.member.where, table.first_line + row)
            raise _not_a_pixel(table.locate(row, column), text, [text])
    numbers = np.array([int(value) for value in texts.values], np.uint8)[texts.codes]
    at = 0
    for slab in table.slabs:
        slab[:, column] = numbers[at : at + len(slab)]
        at += len(slab)


def _finish(table: _Table, image_shape: tuple[int, int] | None) -> tuple[Array, list[str]]:
    """Return images and labels; the slabs are released one by one to save memory."""
    (label,) = table.columns.labels
    left_out = {label, *table.columns.ignored}
    pixels = [at for at in range(table.columns.n_columns) if at not in left_out]
    start, stop = pixels[0], pixels[-1] + 1
    chosen: Any = slice(start, stop) if stop - start == len(pixels) else pixels
    images = np.empty((table.n_rows, len(pixels)), np.uint8)
    at = 0
    while table.slabs:
        rows = table.slabs.popleft()[: table.n_rows - at]
        images[at : at + len(rows)] = rows[:, chosen]
        at += len(rows)
    texts, names = table.texts[label], []
    for value, row in zip(texts.values, texts.rows, strict=True):
        text = _decode(value, table.member.where, table.first_line + row).strip()
        check_label(text, where=table.locate(row, label))
        names.append(text)
    side = isqrt(len(pixels))
    labels = [names[code] for code in texts.codes.tolist()]
    return images.reshape(-1, *(image_shape or (side, side))), labels


def _join(tables: list[tuple[Array, list[str]]]) -> tuple[Array, list[str]]:
    """Concatenate the rows of several tables."""
    images = [images for images, _ in tables]
    sizes = sorted({array.shape[1:] for array in images})
    if len(sizes) > 1:
        raise DatasetError("table_sizes", sizes=sizes)
    joined = images[0] if len(images) == 1 else np.concatenate(images)
    return joined, [label for _, labels in tables for label in labels]
