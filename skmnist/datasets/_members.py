"""Files with digits as bounded streams: what a directory says of them is never believed."""

import gzip
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Self

import numpy as np

# EMNIST, the largest of MNIST's family (Cohen et al. 2017), has 814,255 images: 1.5 GB as CSV.
MAX_BYTES = 4 << 30
# MNIST packs 10 : 1 at best, as CSV. Deflate cannot do better than 1032 : 1, says its author
# (zlib.net/zlib_tech.html), and comes near to it on a bomb.
MAX_RATIO = 100
MAX_DEFLATE = 1032
# Blank images pack as well as a bomb does; so much harms nobody.
FREE_BYTES = 64 << 20
# What is kept of an image besides its pixels: its label, its place in a split, its digest.
ROW_BYTES = 128
CHUNK = 1 << 20
GZIP = b"\x1f\x8b"
MAX_SHOWN = 200  # characters of a member's name in a message

# What zipfile, gzip and zlib raise between them when an archive is damaged.
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


class DatasetError(ValueError):
    """A file with digits cannot be used; the message names file, place and what was expected.

    Examples
    --------
    >>> from skmnist.datasets import load_digit_archive
    >>> load_digit_archive("nowhere.zip")
    Traceback (most recent call last):
    skmnist.datasets.DatasetError: nowhere.zip: there is no such file
    """


DatasetError.__module__ = "skmnist.datasets"  # where a user finds it


class Budget:
    """Counts what comes out of one file or folder, and stops a bomb.

    Parameters
    ----------
    packed : int
        Bytes on disk.
    progress : callable, default=None
        Called with the bytes read so far and the bytes there are.
    """

    def __init__(self, packed: int, progress: Progress | None = None) -> None:
        self.packed = packed
        self.spent = 0
        self.total = 0
        self._advanced = 0
        self._progress = progress

    def spend(self, n_bytes: int, where: str) -> None:
        """Count bytes that came out of a member."""
        self.check(n_bytes, where)
        self.spent += n_bytes

    def check(self, n_bytes: int, where: str) -> None:
        """Refuse so many bytes more where they would be too many."""
        if self.spent + n_bytes > MAX_BYTES:
            raise DatasetError(
                f"{where}: would make it more than {MAX_BYTES >> 30} GiB, the most allowed; pass a "
                "smaller part of the data"
            )
        if self.spent + n_bytes > max(FREE_BYTES, MAX_RATIO * self.packed):
            raise DatasetError(
                f"{where}: {self.packed:,} bytes on disk unpack to more than {MAX_RATIO} times "
                "as many, as only an archive made to do harm does; nothing was loaded"
            )

    def spend_rows(self, n_rows: int, where: str) -> None:
        """Count what is kept of images besides their pixels."""
        self.spend(n_rows * ROW_BYTES, where)

    def begin(self, total: int) -> None:
        """Begin to count anew, before so many bytes are read that were perhaps looked at."""
        self.spent = self._advanced = 0
        self.total = total

    def advance(self, n_bytes: int) -> None:
        """Count bytes that were read, for the progress bar."""
        self._advanced += n_bytes
        if self._progress is not None and self.total:
            self._progress(self._advanced, self.total)


@dataclass(frozen=True, slots=True)  # there may be a hundred thousand
class Member:
    """A file in a folder, a member of an archive, or a file by itself.

    Attributes
    ----------
    source : str
        The file or folder that the user named.
    path : str
        Where it stands inside, with ``/``; empty for a file by itself.
    size : int
        It has no more bytes than that; it may have fewer.
    kind : str or None
        What its name says it is: "array", "idx", "image", "table", "archive", "foreign image",
        "foreign" (data of a format that is not read), "packed" (an archive or the like), or None.
    outer : Member or None
        The .npz file that it stands in, inside of an archive or folder.
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
        """What it is called in a message."""
        return f"{self.source}: {shorten(self.path)}" if self.path else self.source

    @property
    def parts(self) -> tuple[str, ...]:
        """The folders above it, and its name."""
        return tuple(self.path.split("/"))

    def open(self, *, unpack: bool = False) -> "Stream":
        """Open it; with `unpack`, what gzip has packed comes out unpacked."""
        return Stream(self, unpack=unpack)

    def read(self, limit: int) -> bytes:
        """Read all of it, and no more than `limit` bytes."""
        step = min(self.size, CHUNK) + 1  # a small file in one go, a bomb no further than counted
        pieces, n_bytes = [], 0
        with self.open() as stream:
            while data := stream.read(step):
                pieces.append(data)
                n_bytes += len(data)
                if n_bytes > limit:
                    raise DatasetError(
                        f"{self.where}: is larger than {limit:,} bytes, the most allowed"
                    )
                if len(data) < step:
                    break
        return b"".join(pieces)


class Stream:
    """The bytes of a member: counted, and damage told as a `DatasetError`; a context manager."""

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
        """Read so many bytes; fewer only at the end."""
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

    def fill(self, n_bytes: int, expected: str) -> np.ndarray[Any, Any]:
        """Read exactly so many bytes, and see that they are the last ones.

        Raises
        ------
        DatasetError
            There are fewer or more; `expected` says what they should have been.
        """
        where = self._member.where
        if n_bytes > min(self._limit, MAX_BYTES):  # before memory is asked for
            raise DatasetError(
                f"{where}: is cut short; expected {expected}, which is {n_bytes:,} bytes, and "
                f"there are no more than {min(self._limit, MAX_BYTES):,}"
            )
        self._member.budget.check(n_bytes, where)
        buffer = np.empty(n_bytes, np.uint8)
        filled = 0
        while filled < n_bytes:
            data = self.read(min(CHUNK, n_bytes - filled))
            if not data:
                raise DatasetError(
                    f"{where}: is cut short after {filled:,} bytes of {expected}, expected "
                    f"{n_bytes:,}"
                )
            buffer[filled : filled + len(data)] = np.frombuffer(data, np.uint8)
            filled += len(data)
        if self.read(1):
            raise DatasetError(
                f"{where}: goes on after {expected}, expected its end after {n_bytes:,} bytes"
            )
        return buffer

    def _damaged(self, error: Exception) -> DatasetError:
        where = self._member.where
        if isinstance(error, OSError) and error.strerror:
            return DatasetError(f"{where}: cannot be read ({error.strerror})")
        return DatasetError(f"{where}: is damaged or cut short ({shorten(str(error))})")


class _Counted:
    """Tells the progress bar what is read beneath gzip."""

    def __init__(self, raw: BinaryIO, budget: Budget) -> None:
        self._raw, self._budget = raw, budget

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(size)
        self._budget.advance(len(data))
        return data


def shorten(text: str) -> str:
    """Show what someone else named: long names cut in the middle, control characters visible."""
    if len(text) > MAX_SHOWN:
        text = f"{text[: MAX_SHOWN // 2]}...{text[-MAX_SHOWN // 2 :]}"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
