"""Folds on a Dask cluster: what scikit-learn's own calls need to survive the loss of a worker."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from joblib import parallel_config
from joblib.parallel import get_active_backend

from skmnist._workers import is_cluster

Array = np.ndarray[Any, Any]


@contextmanager
def rows_on_cluster(*rows: Any) -> Iterator[bool]:
    """Send rows to all workers beforehand; say whether there is a cluster.

    joblib sends each large argument to one worker. Here the rows are sent to all of them; splits
    have to be wrapped by :class:`SafeSplits`. Where the caller has sent something
    (``parallel_config(backend="dask", scatter=[X, y])``), nothing more is.
    """
    backend, _ = get_active_backend()
    if not is_cluster(backend):
        yield False
        return
    if backend.data_futures:
        yield True
        return
    with parallel_config(
        backend="dask",
        client=backend.client,
        scatter=[each for each in rows if each is not None],
        wait_for_workers_timeout=backend.wait_for_workers_timeout,
        **backend.submit_kwargs,
    ):
        yield True


class SafeSplits:
    """A splitter whose row numbers travel with their task, not to a worker of their own choice."""

    def __init__(self, splitter: Any) -> None:
        self.splitter = splitter

    def __getattr__(self, name: str) -> Any:
        return getattr(self.splitter, name)

    def split(self, *args: Any, **kwargs: Any) -> Iterator[tuple["RowNumbers", ...]]:
        """Yield what the splitter does."""
        for split in self.splitter.split(*args, **kwargs):
            yield tuple(map(RowNumbers, split))


class RowNumbers(Sequence[int]):
    """An array that joblib leaves where it is: it scatters what can be referred to weakly."""

    __slots__ = ("numbers",)

    def __init__(self, numbers: Any) -> None:
        self.numbers = np.asarray(numbers)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self.numbers if dtype is None else self.numbers.astype(dtype)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, at: Any) -> Any:
        return self.numbers[at]
