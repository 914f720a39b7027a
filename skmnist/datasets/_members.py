"""Read files and archive members as bounded streams.

The sizes that an archive declares are not trusted: bytes are counted while they are read.
"""

import gzip
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Self

import numpy as np

from skmnist.text import Phrase, TranslatedError, get_catalogue

# EMNIST, the largest data set of the MNIST family (Cohen et al. 2017), has 814,255 images: 1.5 GB
# as CSV.
MAX_BYTES = 4 << 30
# MNIST compresses 10 : 1 at best, as CSV. Deflate cannot exceed 1032 : 1
# (zlib.net/zlib_tech.html), and zip bombs come close to this limit.
MAX_RATIO = 100
MAX_DEFLATE = 1032
# This many bytes are always allowed, because blank images compress as well as a zip bomb.
FREE_BYTES = 64 << 20
# Memory per image besides its pixels: label, index in a split, digest.
ROW_BYTES = 128
CHUNK = 1 << 20
GZIP = b"\x1f\x8b"
MAX_SHOWN = 200  # characters of a member's name in a message

# Exceptions that zipfile, gzip and zlib raise for damaged archives.
DAMAGE = (
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)

Progress = Callable[[int, int], None]
Place = str | Phrase  # where something is wrong: a file, or a line or byte in it


class DatasetError(TranslatedError):
    r"""Raised if digits cannot be loaded.

    This error is a ValueError. The message names the file and, where known, the place of the error
    and what was expected. Programs can use `key` and `values`, and show the message in another
    language.

    Parameters
    ----------
    key : str
        Key of the message, for example ``"missing"``.
    **values : object
        Values to fill in, for example the place of the error as ``where``.

    Attributes
    ----------
    key : str
        Key of the message.
    values : dict
        Values to fill in.

    Examples
    --------
    >>> from skmnist.datasets import DatasetError, load_digit_archive
    >>> load_digit_archive("nowhere.zip")
    Traceback (most recent call last):
    skmnist.datasets.DatasetError: nowhere.zip: there is no such file
    >>> try:
    ...     load_digit_archive("nowhere.zip")
    ... except DatasetError as error:
    ...     print(error.key, error.values, error.sentence("de"), sep="\n")
    missing
    {'where': 'nowhere.zip'}
    nowhere.zip: Die Datei gibt es nicht
    """

    def sentence(self, language: str = "en") -> str:
        """Return the message in the given language.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
        """
        return get_catalogue(language)(f"data.error.{self.key}", **self.values)


DatasetError.__module__ = "skmnist.datasets"  # where users import it from


class Budget:
    """Count the bytes read from one file or folder, and stop zip bombs.

    Parameters
    ----------
    packed : int
        Bytes on disk.
    progress : callable, default=None
        Called with the bytes read so far and the total.
    """

    def __init__(self, packed: int, progress: Progress | None = None) -> None:
        self.packed = packed
        self.spent = 0
        self.total = 0
        self._advanced = 0
        self._progress = progress

    def spend(self, n_bytes: int, where: Place) -> None:
        """Count unpacked bytes, or raise if they exceed the limit."""
        self.check(n_bytes, where)
        self.spent += n_bytes

    def check(self, n_bytes: int, where: Place) -> None:
        """Raise if `n_bytes` more would exceed the limit."""
        if self.spent + n_bytes > MAX_BYTES:
            raise DatasetError("too_large", where=where, gibibytes=MAX_BYTES >> 30)
        if self.spent + n_bytes > max(FREE_BYTES, MAX_RATIO * self.packed):
            raise DatasetError("bomb", where=where, packed=self.packed, ratio=MAX_RATIO)

    def spend_rows(self, n_rows: int, where: Place) -> None:
        """Count the memory that images take besides their pixels."""
        self.spend(n_rows * ROW_BYTES, where)

    def begin(self, total: int) -> None:
        """Reset the counts before `total` bytes are read."""
        self.spent = self._advanced = 0
        self.total = total

    def advance(self, n_bytes: int) -> None:
        """Update the progress bar."""
        self._advanced += n_bytes
        if self._progress is not None and self.total:
            self._progress(self._advanced, self.total)


@dataclass(frozen=True, slots=True)  # there may be a hundred thousand
class Member:
    """A file in a folder, a member of an archive, or a single file.

    Attributes
    ----------
    source : str
        File or folder passed by the user.
    path : str
        Path inside `source`, separated by ``/``; empty if `source` is the file itself.
    size : int
        Upper bound on its size in bytes.
    kind : str or None
        Kind suggested by its name, or by its content if `source` is the file itself: "array",
        "idx", "image", "table", "archive" (.npz), "foreign image", "foreign" (data in an
        unsupported format), "packed" (another archive or compressed file), or None.
    outer : Member or None
        The .npz file that contains this member, if that file is itself in an archive or folder;
        otherwise None.
    """

    source: str
    path: str
    size: int
    kind: str | None
    budget: Budget = field(repr=False, compare=False)
    opener: Callable[[], BinaryIO] = field(repr=False, compare=False)
    outer: "Member | None" = field(default=None, repr=False)

    @property
    def where(self) -> str:
        """Location for error messages."""
        return f"{self.source}: {shorten(self.path)}" if self.path else self.source

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of its folders and its own name."""
        return tuple(self.path.split("/"))

    def open(self, *, unpack: bool = False) -> "Stream":
        """Open the file; with `unpack`, gzipped content is decompressed."""
        return Stream(self, unpack=unpack)

    def read(self, limit: int) -> bytes:
        """Read the whole content, or raise if it has more than `limit` bytes."""
        step = min(self.size, CHUNK) + 1  # small files in one read, bombs in counted chunks
        pieces, n_bytes = [], 0
        with self.open() as stream:
            while data := stream.read(step):
                pieces.append(data)
                n_bytes += len(data)
                if n_bytes > limit:
                    raise DatasetError("file_too_large", where=self.where, limit=limit)
                if len(data) < step:
                    break
        return b"".join(pieces)


class Stream:
    """Count the bytes of a member, and raise `DatasetError` if it is damaged.

    It is a context manager.
    """

    def __init__(self, member: Member, *, unpack: bool) -> None:
        self._member = member
        try:
            self._raw = member.opener()
        except DatasetError:
            raise
        except DAMAGE as error:
            raise self._damaged(error) from error
        self._file: Any = self._raw
        self._limit = member.size
        if unpack:
            try:
                packed = self._raw.read(len(GZIP)) == GZIP
                self._raw.seek(0)
            except DAMAGE as error:
                self._raw.close()
                raise self._damaged(error) from error
            if packed:
                self._limit *= MAX_DEFLATE
                self._file = gzip.GzipFile(fileobj=_Counted(self._raw, member.budget))  # type: ignore[call-overload]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._raw.close()

    def read(self, size: int) -> bytes:
        """Read `size` bytes, or fewer at the end."""
        try:
            data: bytes = self._file.read(size)
        except DatasetError:
            raise
        except DAMAGE as error:
            raise self._damaged(error) from error
        budget = self._member.budget
        budget.spend(len(data), self._member.where)
        if self._file is self._raw:
            budget.advance(len(data))
        return data

    def fill(self, n_bytes: int, expected: Phrase) -> np.ndarray[Any, Any]:
        """Read exactly `n_bytes` and check that the member ends there.

        Raises
        ------
        DatasetError
            If there are fewer or more bytes; in the message, `expected` describes what should be
            there.
        """
        where = self._member.where
        if n_bytes > min(self._limit, MAX_BYTES):  # before allocating
            raise DatasetError(
                "too_short",
                where=where,
                expected=expected,
                n_bytes=n_bytes,
                found=min(self._limit, MAX_BYTES),
            )
        self._member.budget.check(n_bytes, where)
        buffer = np.empty(n_bytes, np.uint8)
        filled = 0
        while filled < n_bytes:
            data = self.read(min(CHUNK, n_bytes - filled))
            if not data:
                raise DatasetError(
                    "ends_early", where=where, found=filled, expected=expected, n_bytes=n_bytes
                )
            buffer[filled : filled + len(data)] = np.frombuffer(data, np.uint8)
            filled += len(data)
        if self.read(1):
            raise DatasetError("continues", where=where, expected=expected, n_bytes=n_bytes)
        return buffer

    def _damaged(self, error: Exception) -> DatasetError:
        where = self._member.where
        if isinstance(error, OSError) and error.strerror:
            return DatasetError("unreadable", where=where, reason=error.strerror)
        return DatasetError("damaged", where=where, reason=shorten(str(error)))


class _Counted:
    """Count compressed bytes for the progress bar while gzip reads them."""

    def __init__(self, raw: BinaryIO, budget: Budget) -> None:
        self._raw, self._budget = raw, budget

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(size)
        self._budget.advance(len(data))
        return data


def at_line(where: Place, line: int) -> Phrase:
    """Return the place of a line, counted from 1."""
    return Phrase("data.error.at_line", {"where": where, "line": line})


def at_cell(where: Place, line: int, column: int | str) -> Phrase:
    """Return the place of a cell by its line and column, counted from 1."""
    return Phrase("data.error.at_cell", {"where": where, "line": line, "column": column})


def at_byte(where: Place, byte: int) -> Phrase:
    """Return the place of a byte, counted from 1."""
    return Phrase("data.error.at_byte", {"where": where, "byte": byte})


def show_bytes(start: bytes) -> Place:
    """Return the first bytes of a file for a message."""
    return start.hex(" ") or Phrase("data.error.nothing")


def refuse_format(where: str, name: str) -> DatasetError:
    """Return the error for a file in an unsupported format."""
    return DatasetError("format", where=where, format=Phrase(f"data.error.of_format.{name}"))


def shorten(text: str) -> str:
    """Return a name for messages, shortened and with control characters escaped."""
    if len(text) > MAX_SHOWN:
        text = f"{text[: MAX_SHOWN // 2]}...{text[-MAX_SHOWN // 2 :]}"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
