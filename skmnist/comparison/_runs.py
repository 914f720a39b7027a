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
from skmnist.diagnosis._estimator import take_rows, was_interrupted

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
    seed: int,
    n_starts: int = 1,
    splits: Sequence[tuple[Array, Array]] = (),
    n_jobs: int | None = None,
) -> Iterator[Run]:
    """Train every model from every start, then on every fold.

    The order of the models is reversed from round to round, so that other load on the machine
    falls on all of them alike; the runs are yielded in that order.

    Raises
    ------
    KeyboardInterrupt
        Ctrl-C was pressed. All runs that had ended have been yielded; one that was cut short,
        even where its estimator kept what it had learned, has not.
    """
    rounds: list[tuple[Any, ...]] = [(start, -1, None, None) for start in range(n_starts)]
    rounds += [(0, fold, train, test) for fold, (train, test) in enumerate(splits)]
    tasks: list[tuple[Any, ...]] = []
    order = list(pairs)
    for start, fold, train, test in rounds:
        tasks += [
            (name, _seeded(name, model, seed, start, fold), start, fold, train, test)
            for name, model in order
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
    """Yield the runs in the order of their tasks, whichever ended first."""
    ended: dict[tuple[str, int, int], Run] = {}
    try:
        for name, _, start, fold, *_ in tasks:
            while (name, start, fold) not in ended:
                run = next(runs)
                ended[run.name, run.start, run.fold] = run
            yield ended.pop((name, start, fold))
    except KeyboardInterrupt:
        yield from ended.values()
        raise


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
    try:
        fit_time = fit_timed(estimator, X, y)
        if was_interrupted(estimator):  # its `fit` returned all the same, with what it had learned
            raise KeyboardInterrupt
        predictions = np.ravel(estimator.predict(X_test))  # some predict a column
    except Exception as error:
        error.add_note(f"while training estimators[{name!r}]")
        raise
    kept = estimator if start == 0 and fold < 0 else None
    return Run(name, start, fold, kept, predictions, fit_time)


def fit_timed(estimator: Any, X: Any, y: Any) -> float:
    """Fit an estimator and return the seconds, without importing tensorflow and compiling."""
    started, set_up = time.perf_counter(), get_setup_seconds()
    estimator.fit(X, y)
    return time.perf_counter() - started - (get_setup_seconds() - set_up)


def _seeded(name: str, estimator: Any, seed: int, start: int, fold: int) -> Any:
    """Clone an estimator and set its seeds.

    The first start and the folds keep the seeds that the caller set; later starts replace them.
    Each `random_state` gets a seed of its own, which depends on `seed`, the model's name, the
    parameter, the start and the fold, and on nothing else: copies of one estimator differ, within
    a model too, and the other models in a comparison change nothing.
    """
    estimator = clone(estimator)
    seeds = {
        parameter: _derive_seed(seed, start, fold + 1, f"{name}\0{parameter}")
        for parameter, value in estimator.get_params(deep=True).items()
        if parameter.split("__")[-1] == "random_state" and (start or value is None)
    }
    return estimator.set_params(**seeds)


def _derive_seed(*parts: int | str) -> int:
    words: list[int] = []
    for part in parts:
        words += part.encode("utf-8", "surrogatepass") if isinstance(part, str) else [part]
    return int(np.random.SeedSequence(words).generate_state(1)[0])
