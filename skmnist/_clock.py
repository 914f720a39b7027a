"""Time that this process has spent importing tensorflow and compiling."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_total = 0.0


def get_setup_seconds() -> float:
    """Return the total so far, in seconds; the time added during a fit is not training time."""
    return _total


@contextmanager
def count_setup() -> Iterator[None]:
    """Add the duration of the block to the total."""
    global _total
    started = time.perf_counter()
    try:
        yield
    finally:
        with _lock:
            _total += time.perf_counter() - started
