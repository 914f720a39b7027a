"""Work in several processes."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from joblib import Parallel, delayed, effective_n_jobs


def iterate_tasks(
    function: Callable[..., Any],
    tasks: Iterable[tuple[Any, ...]],
    *,
    n_jobs: int | None,
    **data: Any,
) -> Iterator[Any]:
    """Yield results as they come; a task is taken from `tasks` when a worker is free."""
    workers = Parallel(
        n_jobs=n_jobs,
        return_as="generator_unordered",
        pre_dispatch=effective_n_jobs(n_jobs),
    )
    yield from workers(delayed(function)(*task, **data) for task in tasks)
