"""Read arrays: NumPy's .npy, alone or in an .npz archive, and the IDX files of MNIST.

`numpy.load` is not used, because it allocates whatever size a header declares. Nothing is ever
unpickled.
"""

import re
import struct
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from skmnist.datasets._bunch import MAX_LABEL
from skmnist.datasets._members import (
    MAX_BYTES,
    DatasetError,
    Member,
    Stream,
    at_byte,
    shorten,
    show_bytes,
)
from skmnist.text import Phrase

Array = np.ndarray[Any, Any]

MAGIC = b"\x93NUMPY"
MAX_HEADER = 10_000  # bytes; numpy's own limit
MAX_DIMENSIONS = 32  # numpy's limit before 2.0
# Dtypes of numbers and text, without Python objects (O) and structured dtypes.
DTYPE = re.compile(r"([<>|=]?)([biufUS])([0-9]{1,6})")
HEADER = re.compile(
    r"\{'descr': '(?P<descr>[^']*)', 'fortran_order': (?P<fortran>True|False), "
    r"'shape': \((?P<shape>[0-9, L]*)\),? *\}\s*",
)


@dataclass(frozen=True)
class Header:
    """Dtype, shape and memory order of an array."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool


def read_array_header(member: Member) -> Header:
    """Read only the header of an array.

    Raises
    ------
    DatasetError
        If the file is not an array of numbers or text.
    """
    with member.open() as stream:
        return _read_header(stream, member.where)


def read_array(member: Member) -> Array:
    """Read an array of numbers or text, converted to native byte order.

    Raises
    ------
    DatasetError
        If the file is not an array of numbers or text, or its length does not match its shape.
    """
    with member.open() as stream:
        header = _read_header(stream, member.where)
        values = {"shape": header.shape, "dtype": str(header.dtype)}
        expected = Phrase("data.error.expected.array", values)
        n_bytes = prod(header.shape) * header.dtype.itemsize
        array = stream.fill(n_bytes, expected).view(header.dtype)
    shape = header.shape
    array = array.reshape(shape[::-1]).T if header.fortran else array.reshape(shape)
    return array.astype(header.dtype.newbyteorder("="), order="C", copy=False)


def _read_header(stream: Stream, where: str) -> Header:
    start = stream.read(8)
    if len(start) < 8 or start[:6] != MAGIC:
        raise DatasetError(
            "not_an_array", where=where, start=show_bytes(start), expected=MAGIC.hex(" ")
        )
    if start[6] not in (1, 2, 3):
        raise DatasetError("unknown_version", where=where, major=start[6], minor=start[7])
    n_bytes = int.from_bytes(stream.read(2 if start[6] == 1 else 4), "little")
    if not 0 < n_bytes <= MAX_HEADER:
        raise DatasetError("header_size", where=where, n_bytes=n_bytes, limit=MAX_HEADER)
    text = stream.read(n_bytes).decode("latin1")
    # parsed with a regular expression, so nothing in a file is evaluated
    found = HEADER.fullmatch(text)
    if found is None:
        raise DatasetError("bad_header", where=where, header=shorten(text.strip()))
    shape = tuple(int(n) for n in re.findall("[0-9]{1,19}", found["shape"]))
    return Header(
        _read_dtype(found["descr"], where), _check_shape(shape, where), found["fortran"] == "True"
    )


def _read_dtype(descr: str, where: str) -> np.dtype[Any]:
    if re.fullmatch("[<>|=]?O[0-9]*", descr):
        raise DatasetError("python_objects", where=where)
    if (text := re.fullmatch("[<>|=]?[US]([0-9]{4,18})", descr)) is not None:
        raise DatasetError("long_labels", where=where, n=int(text[1]), limit=MAX_LABEL)
    try:
        if not DTYPE.fullmatch(descr):
            raise TypeError
        dtype = np.dtype(descr)
        if not dtype.itemsize:
            raise TypeError
    except (TypeError, ValueError):
        raise DatasetError("bad_dtype", where=where, dtype=shorten(descr)) from None
    return dtype


def _check_shape(shape: tuple[int, ...], where: str) -> tuple[int, ...]:
    if len(shape) > MAX_DIMENSIONS or any(n > MAX_BYTES for n in shape):
        raise DatasetError("invalid_shape", where=where, shape=shorten(str(shape)))
    return shape


# --- IDX, the format of the original MNIST files

UNSIGNED_BYTE = 0x08
TYPES = {
    0x08: "unsigned byte",
    0x09: "signed byte",
    0x0B: "short",
    0x0C: "int",
    0x0D: "float",
    0x0E: "double",
}


def read_idx(member: Member, ndim: int) -> np.ndarray[Any, Any]:
    """Read an IDX file: two zero bytes, type, ndim, the dimensions, the data.

    Parameters
    ----------
    member : Member
        The file, optionally gzipped.
    ndim : {1, 3}
        1 for labels, 3 for images.

    Raises
    ------
    DatasetError
        If the file is not an IDX file, its type is not unsigned byte, its number of dimensions is
        not `ndim`, a dimension is 0, or its length does not match the dimensions.
    """
    what = "labels" if ndim == 1 else "images"
    with member.open(unpack=True) as stream:
        head = stream.read(4)
        if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in TYPES:
            raise DatasetError(f"not_idx_{what}", where=member.where, start=show_bytes(head))
        if head[2] != UNSIGNED_BYTE:
            raise DatasetError(
                "idx_type", where=at_byte(member.where, 3), code=head[2], type=TYPES[head[2]]
            )
        if head[3] != ndim:
            raise DatasetError(f"idx_ndim_{what}", where=at_byte(member.where, 4), found=head[3])
        dimensions = stream.read(4 * ndim)
        if len(dimensions) < 4 * ndim:
            raise DatasetError("idx_dimensions", where=member.where)
        shape = struct.unpack(f">{ndim}I", dimensions)
        if not all(shape):
            raise DatasetError("idx_shape", where=member.where, shape=shape)
        expected = Phrase(f"data.error.expected.{what}", {"shape": shape})
        return stream.fill(prod(shape), expected).reshape(shape)
