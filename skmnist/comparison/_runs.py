"""Train models: once, from several starts, on folds; one after another, or by several workers."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn.base import clone

from skmnist._clock import get_setup_seconds
from skmnist._workers import iterate_tasks
from skmnist.diagnosis._rows import take_rows

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Run:
    """One model trained once.

    Attributes
    ----------
    name : str
    start, fold : int
        Counted from 0; the fold is -1 where all training rows were used.
    estimator : fitted estimator or None
        Kept of the first start on all rows alone.
    predictions : ndarray
        On the test set, or on the rows that the fold left out.
    fit_time : float
        Seconds, without importing tensorflow and compiling.
    """

    name: str
    start: int
    fold: int
    estimator: Any
    predictions: Array
    fit_time: float


def run_all(
    pairs: Sequence[tuple[str, Any]],
    X: Any,
    y: Any,
    X_test: Any,
    *,
    seeds: Sequence[int | None],
    splits: Sequence[tuple[Array, Array]] = (),
    n_jobs: int | None = None,
) -> Iterator[Run]:
    """Train every model from every start, then on every fold.

    The order of the models is reversed from round to round, so that what else the machine does
    falls on all of them alike; the runs are handed over in that order. A first start keeps the
    seeds that the caller set; later ones, and their own alone, replace them.
    """
    tasks: list[tuple[Any, ...]] = []
    order = list(pairs)
    for start, seed in enumerate(seeds):
        tasks += [
            (name, _seeded(model, seed, start), start, -1, None, None) for name, model in order
        ]
        order.reverse()
    for fold, (train, test) in enumerate(splits):
        tasks += [
            (name, _seeded(model, seeds[0], 0), 0, fold, train, test) for name, model in order
        ]
        order.reverse()
    runs = iterate_tasks(_run, ((*task, X, y, X_test) for task in tasks), n_jobs=n_jobs)
    try:
        with closing(runs):
            yield from _in_order(runs, tasks)
    except TerminatedWorkerError as error:
        raise RuntimeError(
            f"A worker process that trained {sorted({task[0] for task in tasks})} was killed, "
            f"probably for memory: with n_jobs={n_jobs} each process has models and rows of its "
            "own. Pass fewer n_jobs."
        ) from error


def _in_order(runs: Iterator[Run], tasks: Sequence[tuple[Any, ...]]) -> Iterator[Run]:
    """Hand the runs over in the order of their tasks, whichever ended first."""
    ended: dict[tuple[str, int, int], Run] = {}
    for name, _, start, fold, *_ in tasks:
        while (name, start, fold) not in ended:
            run = next(runs)
            ended[run.name, run.start, run.fold] = run
        yield ended.pop((name, start, fold))


def _run(
    name: str,
    estimator: Any,
    start: int,
    fold: int,
    train: Array | None,
    test: Array | None,
    X: Any,
    y: Any,
    X_test: Any,
) -> Run:
    if train is not None:
        X, y, X_test = take_rows(X, train), take_rows(y, train), take_rows(X, test)
    fit_time = fit_timed(estimator, X, y)
    predictions = estimator.predict(X_test)
    kept = estimator if start == 0 and fold < 0 else None
    return Run(name, start, fold, kept, predictions, fit_time)


def fit_timed(estimator: Any, X: Any, y: Any) -> float:
    """Fit an estimator and return the seconds, without importing tensorflow and compiling."""
    started, set_up = time.perf_counter(), get_setup_seconds()
    estimator.fit(X, y)
    return time.perf_counter() - started - (get_setup_seconds() - set_up)


def _seeded(estimator: Any, seed: int | None, start: int) -> Any:
    estimator = clone(estimator)
    if seed is None:
        return estimator
    seeds = {
        name: seed
        for name, value in estimator.get_params(deep=True).items()
        if name.split("__")[-1] == "random_state" and (start or value is None)
    }
    return estimator.set_params(**seeds)
