"""NumPy's .npy format, alone or in an .npz archive; nothing is ever unpickled."""

import re
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from skmnist.datasets._bunch import MAX_LABEL
from skmnist.datasets._errors import DatasetError
from skmnist.datasets._members import MAX_BYTES, Member, Stream, shorten

Array = np.ndarray[Any, Any]

MAGIC = b"\x93NUMPY"
MAX_HEADER = 10_000  # bytes; numpy's own limit
MAX_DIMENSIONS = 32  # numpy's limit before 2.0
# A dtype of numbers or text. Python objects (O) and structures are none.
DTYPE = re.compile(r"([<>|=]?)([biufUS])([0-9]{1,6})")
HEADER = re.compile(
    r"\{'descr': '(?P<descr>[^']*)', 'fortran_order': (?P<fortran>True|False), "
    r"'shape': \((?P<shape>[0-9, L]*)\),? *\}\s*",
)


@dataclass(frozen=True)
class Header:
    """What an array's first bytes say of it."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool


def read_array_header(member: Member) -> Header:
    """Read shape and dtype of an array, and nothing else of it.

    Raises
    ------
    DatasetError
        It is no array, or one of Python objects.
    """
    with member.open() as stream:
        return _read_header(stream, member.where)


def read_array(member: Member) -> Array:
    """Read an array of numbers or text, in the byte order of this machine.

    Raises
    ------
    DatasetError
        It is no array, one of Python objects, or its length is not what its shape says.
    """
    with member.open() as stream:
        header = _read_header(stream, member.where)
        expected = f"an array of shape {header.shape} and dtype {header.dtype}"
        n_bytes = prod(header.shape) * header.dtype.itemsize
        array = stream.fill(n_bytes, expected).view(header.dtype)
    shape = header.shape
    array = array.reshape(shape[::-1]).T if header.fortran else array.reshape(shape)
    return array.astype(header.dtype.newbyteorder("="), order="C", copy=False)


def _read_header(stream: Stream, where: str) -> Header:
    start = stream.read(8)
    if len(start) < 8 or start[:6] != MAGIC or start[6] not in (1, 2, 3):
        raise DatasetError(
            f"{where}: begins with {start.hex(' ') or 'nothing'}, expected the first bytes of a "
            "NumPy array"
        )
    n_bytes = int.from_bytes(stream.read(2 if start[6] == 1 else 4), "little")
    if not 0 < n_bytes <= MAX_HEADER:
        raise DatasetError(
            f"{where}: says that its header has {n_bytes} bytes, expected 1 to {MAX_HEADER}"
        )
    text = stream.read(n_bytes).decode("latin1")
    # taken apart by a pattern: nothing in a file is evaluated
    found = HEADER.fullmatch(text)
    if found is None:
        raise DatasetError(f"{where}: has the header {shorten(text.strip())!r}, expected NumPy's")
    shape = tuple(int(n) for n in re.findall("[0-9]{1,19}", found["shape"]))
    return Header(
        _read_dtype(found["descr"], where), _check_shape(shape, where), found["fortran"] == "True"
    )


def _read_dtype(descr: str, where: str) -> np.dtype[Any]:
    if re.fullmatch("[<>|=]?O[0-9]*", descr):
        raise DatasetError(
            f"{where}: holds Python objects, which are never unpickled; expected numbers or text. "
            "Save the array with a dtype such as uint8 or str."
        )
    if (text := re.fullmatch("[<>|=]?[US]([0-9]{4,18})", descr)) is not None:
        raise DatasetError(
            f"{where}: has labels of up to {int(text[1]):,} characters; the most allowed are "
            f"{MAX_LABEL}"
        )
    try:
        if not DTYPE.fullmatch(descr):
            raise TypeError
        dtype = np.dtype(descr)
        if not dtype.itemsize:
            raise TypeError
    except (TypeError, ValueError):
        raise DatasetError(
            f"{where}: has the dtype {shorten(descr)!r}, expected numbers or text"
        ) from None
    return dtype


def _check_shape(shape: tuple[int, ...], where: str) -> tuple[int, ...]:
    if len(shape) > MAX_DIMENSIONS or any(n > MAX_BYTES for n in shape):
        raise DatasetError(f"{where}: says that its shape is {shorten(str(shape))}")
    return shape
