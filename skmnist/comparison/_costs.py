"""What a trained model costs: its size on disk, and how long one image takes."""

import pickle
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from skmnist.diagnosis._estimator import take_rows

N_ROUNDS = 100
# A 95th percentile of fewer than twenty values would be their maximum.
MIN_ROUNDS = 20
# After so many seconds twenty rounds are enough, and after ten times as many, fewer are.
MAX_SECONDS = 1.0
N_WARM_UP = 3


class _Counter:
    """A file that keeps nothing but its length."""

    def __init__(self) -> None:
        self.n_bytes = 0

    def write(self, data: Any) -> int:
        n_bytes = memoryview(data).nbytes
        self.n_bytes += n_bytes
        return n_bytes


def measure_size(estimator: Any) -> int | None:
    """Return how many bytes the pickled estimator has; None where it cannot be pickled."""
    counter = _Counter()
    try:
        pickle.Pickler(counter, protocol=5).dump(estimator)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None
    return counter.n_bytes


def time_predictions(estimators: Sequence[Any], X: Any) -> list[tuple[float | None, float | None]]:
    """Time the prediction of one row: median and 95th percentile, in seconds.

    The estimators take turns, in an order that is reversed from round to round, so that what
    else the machine does falls on all of them alike. Slow ones get fewer rounds; without
    twenty of them there is no percentile (None). An estimator that cannot predict a single row
    has neither.
    """
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    order = [at for at in range(len(estimators)) if _warm_up(estimators[at], X, n_rows)]
    seconds: list[list[float]] = [[] for _ in estimators]
    started = time.perf_counter()
    for n_done in range(N_ROUNDS):
        row = take_rows(X, [n_done % n_rows])
        for at in order:
            seconds[at].append(_time(estimators[at], row))
        order.reverse()
        elapsed = time.perf_counter() - started
        if elapsed > (MAX_SECONDS if n_done + 1 >= MIN_ROUNDS else 10 * MAX_SECONDS):
            break
    return [
        (
            float(np.median(values)) if values else None,
            float(np.quantile(values, 0.95)) if len(values) >= MIN_ROUNDS else None,
        )
        for values in seconds
    ]


def _warm_up(estimator: Any, X: Any, n_rows: int) -> bool:
    try:
        for row in range(min(N_WARM_UP, n_rows)):
            _time(estimator, take_rows(X, [row]))
    except Exception:  # of any kind: it has predicted all rows together, which is what counts
        return False
    return True


def _time(estimator: Any, X: Any) -> float:
    started = time.perf_counter()
    estimator.predict(X)
    return time.perf_counter() - started
