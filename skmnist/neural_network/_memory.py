"""Rows as tensors that XLA reads in place, in memory that the next fit has again."""

import ctypes
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import numpy as np
import tensorflow as tf

Array = np.ndarray[Any, Any]

LARGE = 2**24  # bytes from which rows are copied by two threads, into memory that is kept
MAX_SPARE = 2**28  # bytes that are kept at most for the rows of the next fit, all in all
ALIGNMENT = 64  # bytes; XLA reads an array in place only when it starts on such a boundary

_spare: list[Array] = []  # the memory that held the rows of the last fit, if any


def pad(length: int, dtype: Any, *parts: Array) -> tf.Tensor:
    """Copy into a longer array that XLA can read in place, and wrap that without a copy."""
    dtype = np.dtype(dtype)
    shape = (length, *parts[0].shape[1:])
    n_bytes = dtype.itemsize * int(np.prod(shape))
    empty = not any(map(len, parts))
    memory = (
        np.zeros(n_bytes + ALIGNMENT, np.uint8)  # takes no memory before it is touched
        if empty
        else _take_memory(n_bytes + ALIGNMENT)
    )
    offset = -memory.ctypes.data % ALIGNMENT
    padded = memory[offset : offset + n_bytes].view(dtype).reshape(shape)
    if not empty:
        end = 0
        for part in parts:
            start, end = end, end + len(part)
            _copy(part, padded[start:end])
        padded[end:] = 0
        if LARGE <= memory.nbytes <= MAX_SPARE:  # when the tensor is gone, the next may have it
            weakref.finalize(padded, _keep_memory, memory).atexit = False
    return tf.experimental.dlpack.from_dlpack(padded.__dlpack__())


def _take_memory(n_bytes: int) -> Array:
    """Return bytes that a former fit has used, where they fit, else new ones.

    New memory is mapped page by page as it is touched, which can take longer than an epoch.
    """
    if n_bytes >= LARGE:
        with suppress(IndexError):  # another thread may be faster
            memory = _spare.pop()
            if n_bytes <= memory.nbytes <= 2 * n_bytes:
                return memory
    return np.empty(n_bytes, np.uint8)


def _keep_memory(memory: Array) -> None:
    _spare[:] = [memory]


def _copy(source: Array, target: Array) -> None:
    """Copy rows; many of them by two threads, since one does not fill the memory's bandwidth."""
    if target.nbytes < LARGE:
        target[:] = source
        return
    middle = len(source) // 2
    with ThreadPoolExecutor(2) as pool:
        halves = [slice(middle), slice(middle, None)]
        list(pool.map(lambda rows: np.copyto(target[rows], source[rows]), halves))


def return_free_memory() -> None:
    """Give back what compiling needed for a while, where the C library is glibc.

    It would keep up to a hundred megabytes, on top of which the rows are then copied.
    """
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
