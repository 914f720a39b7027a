"""How long this process has been importing tensorflow and compiling, all fits together."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_total = 0.0


def get_setup_seconds() -> float:
    """Return the seconds so far; the difference around a fit is what it should not be charged."""
    return _total


@contextmanager
def count_setup() -> Iterator[None]:
    """Count the time that the block takes."""
    global _total
    started = time.perf_counter()
    try:
        yield
    finally:
        with _lock:
            _total += time.perf_counter() - started
