"""IDX, the format of the original MNIST files."""

import struct
from math import prod
from typing import Any

import numpy as np

from skmnist.datasets._errors import DatasetError
from skmnist.datasets._members import Member

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
    """Read an array of unsigned bytes: two zero bytes, type, ndim, the dimensions, the data.

    Parameters
    ----------
    member : Member
        The file, packed by gzip or not.
    ndim : {1, 3}
        1 for labels, 3 for images.

    Raises
    ------
    DatasetError
        It has another type, other dimensions, or another length than its dimensions say.
    """
    what = "labels" if ndim == 1 else "images"
    with member.open(unpack=True) as stream:
        head = stream.read(4)
        if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in TYPES:
            raise DatasetError(
                f"{member.where}: begins with {head.hex(' ') or 'nothing'}, expected 00 00 08 "
                f"{ndim:02} (an IDX file of {what})"
            )
        if head[2] != UNSIGNED_BYTE:
            raise DatasetError(
                f"{member.where}, byte 3: is of type {head[2]:#04x} ({TYPES[head[2]]}), expected "
                "0x08 (unsigned byte)"
            )
        if head[3] != ndim:
            raise DatasetError(
                f"{member.where}, byte 4: has {head[3]} dimensions, expected {ndim} for {what}"
            )
        dimensions = stream.read(4 * ndim)
        if len(dimensions) < 4 * ndim:
            raise DatasetError(f"{member.where}: is cut short in its dimensions")
        shape = struct.unpack(f">{ndim}I", dimensions)
        if not all(shape):
            raise DatasetError(f"{member.where}: has the shape {shape}, expected no 0 in it")
        return stream.fill(prod(shape), f"{what} of shape {shape}").reshape(shape)
