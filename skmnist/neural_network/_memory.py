"""Copy rows into tensors that XLA reads in place, in memory that is reused by later fits."""

import ctypes
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import numpy as np
import tensorflow as tf

Array = np.ndarray[Any, Any]

LARGE = 2**24  # bytes; larger arrays are copied by two threads, and their memory is reused
MAX_SPARE = 2**28  # bytes; larger memory is not kept for the next fit
ALIGNMENT = 64  # bytes; XLA reads only arrays with this alignment in place

_spare: list[Array] = []  # the memory of the last fit, if any


def pad(length: int, dtype: Any, *parts: Array) -> tf.Tensor:
    """Concatenate arrays, padded with zeros to `length`, as a tensor that XLA reads in place."""
    dtype = np.dtype(dtype)
    shape = (length, *parts[0].shape[1:])
    n_bytes = dtype.itemsize * int(np.prod(shape))
    empty = not any(map(len, parts))
    memory = (
        np.zeros(n_bytes + ALIGNMENT, np.uint8)  # pages are not allocated until written to
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
        if LARGE <= memory.nbytes <= MAX_SPARE:  # reuse it when the tensor is deleted
            weakref.finalize(padded, _keep_memory, memory).atexit = False
    return tf.experimental.dlpack.from_dlpack(padded.__dlpack__())


def _take_memory(n_bytes: int) -> Array:
    """Return the memory of an earlier fit if its size is suitable, or new memory.

    New memory is mapped page by page on first use, which can take longer than an epoch.
    """
    if n_bytes >= LARGE:
        with suppress(IndexError):  # there is none, or another thread has taken it
            memory = _spare.pop()
            if n_bytes <= memory.nbytes <= 2 * n_bytes:
                return memory
    return np.empty(n_bytes, np.uint8)


def _keep_memory(memory: Array) -> None:
    _spare[:] = [memory]


def _copy(source: Array, target: Array) -> None:
    """Copy rows. Two threads copy large arrays, because one cannot use the full bandwidth."""
    if target.nbytes < LARGE:
        target[:] = source
        return
    middle = len(source) // 2
    with ThreadPoolExecutor(2) as pool:
        halves = [slice(middle), slice(middle, None)]
        list(pool.map(lambda rows: np.copyto(target[rows], source[rows]), halves))


def return_free_memory() -> None:
    """Return free memory to the operating system, if the C library is glibc.

    After compiling, glibc keeps up to 100 MB, which would add to the memory for the rows.
    """
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
