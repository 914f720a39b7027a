"""Train models from one or several starts, or on folds, in this process or in workers."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any

import numpy as np
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn.base import clone

from skmnist._clock import get_setup_seconds
from skmnist._progress import EpochLog, print_trained
from skmnist._workers import iterate_tasks
from skmnist.comparison._elsewhere import OtherData, predict_elsewhere
from skmnist.comparison._result import ModelResult, count_epochs
from skmnist.diagnosis._estimator import get_core, take_rows, was_interrupted
from skmnist.text import get_catalogue

Array = np.ndarray[Any, Any]

# Short starts make at least MIN_UPDATES updates of the weights, which does not take long: 12 epochs
# of MNIST in batches of 128, or all epochs of a small training set. Beyond that, they train up to
# the best epoch of the first start, but for at most MAX_SHARE of its epochs, so that three starts
# take at most 1.6 times the epochs of one.
MIN_UPDATES = 5000
MAX_SHARE = 0.3


@dataclass(frozen=True, eq=False)
class TrainingEvent:
    """Progress of a comparison; passed to the `callbacks` of `compare_models`.

    The parameters are attributes as well.

    Parameters
    ----------
    stage : {"begin", "epoch", "end"}
        Whether the training of a model begins, has finished an epoch, or has ended.
    model : str
        The name of the model.
    start : int
        The start, counted from 0.
    fold : int or None
        The fold, counted from 0; None if the model is trained on all training rows.
    n_done, n_trainings : int
        Numbers of training runs that have ended, and of all training runs.
    epoch : EpochEvent or None
        The epoch that has ended, if `stage` is "epoch"; otherwise None.
    result : ModelResult or None
        The evaluated model, if `stage` is "end" and this was its first start on all training
        rows; otherwise None. Size and prediction time are not measured yet.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmnist import compare_models
    >>> events = []
    >>> X, y = load_digits(return_X_y=True)
    >>> comparison = compare_models(
    ...     {"tree": DecisionTreeClassifier()}, X, y, random_state=0, callbacks=events.append
    ... )
    >>> [(event.model, event.stage) for event in events]
    [('tree', 'begin'), ('tree', 'end')]
    """

    stage: str
    model: str
    start: int
    fold: int | None
    n_done: int
    n_trainings: int
    epoch: Any = None
    result: ModelResult | None = None


class Watcher:
    """Report progress to callbacks and, if `verbose`, on standard error.

    A copy in another process does not report epochs.
    """

    def __init__(
        self,
        callbacks: Sequence[Callable[[TrainingEvent], Any]] = (),
        n_trainings: int = 0,
        *,
        verbose: int = 0,
    ) -> None:
        self.callbacks, self.n_trainings, self.verbose = callbacks, n_trainings, verbose
        self.n_done = 0
        self._screen = threading.Lock()  # one bar at a time
        self._shown: set[tuple[str, int, int]] = set()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()

    def begin(self, name: str, start: int, fold: int) -> None:
        """Report that a training run begins."""
        self._call(self._make_event("begin", name, start, fold))

    def end(self, run: "Run", result: ModelResult | None) -> None:
        """Report that a training run has ended."""
        self.n_done += 1
        if self.verbose and (run.name, run.start, run.fold) not in self._shown:
            name = _describe(run.name, run.start, run.fold)
            print_trained(name, self.n_done, self.n_trainings, run.fit_time)
        event = self._make_event("end", run.name, run.start, run.fold)
        self._call(replace(event, result=result))

    @contextmanager
    def watch(self, estimator: Any, name: str, start: int, fold: int) -> Iterator[None]:
        """Report the epochs of a network that is fitted inside the ``with`` block."""
        core = get_core(estimator)
        if not (self.callbacks or self.verbose) or not getattr(core, "epoch_events", False):
            yield
            return
        shows = bool(self.verbose) and self._screen.acquire(blocking=False)
        event = self._make_event("epoch", name, start, fold)
        before = core.callbacks
        try:
            with EpochLog(_describe(name, start, fold)) if shows else nullcontext() as log:
                if log:
                    self._shown.add((name, start, fold))

                def report(epoch: Any) -> bool:
                    if log:
                        log(epoch)
                    return self._call(replace(event, n_done=self.n_done, epoch=epoch))

                core.callbacks = [*as_list(before), report]
                yield
        finally:
            core.callbacks = before  # do not keep the watcher in the fitted model
            if shows:
                self._screen.release()

    def _make_event(self, stage: str, name: str, start: int, fold: int) -> TrainingEvent:
        whole = None if fold < 0 else fold
        return TrainingEvent(stage, name, start, whole, self.n_done, self.n_trainings)

    def _call(self, event: TrainingEvent) -> bool:
        """Call all callbacks; return whether any of them returned True."""
        returned = [callback(event) for callback in self.callbacks]
        return any(isinstance(value, bool | np.bool_) and bool(value) for value in returned)


def as_list(callbacks: Any) -> list[Any]:
    """Return `callbacks`, which may be None, one callback or a sequence, as a list."""
    if callbacks is None:
        return []
    return list(callbacks) if isinstance(callbacks, Sequence) else [callbacks]


def _describe(name: str, start: int, fold: int) -> str:
    say = get_catalogue()
    if fold >= 0:
        return say("cli.name_of_fold", name=name, fold=fold)
    return say("cli.name_of_start", name=name, start=start + 1) if start else name


@dataclass(frozen=True, eq=False)
class Run:
    """Result of training one model once.

    Attributes
    ----------
    name : str
    start, fold : int
        Counted from 0; `fold` is -1 if the model was trained on all training rows.
    estimator : fitted estimator or None
        Only available for the first start on all training rows.
    predictions : ndarray
        Predictions for the test set, or for the test rows of the fold.
    fit_time : float
        Training time in seconds, excluding the import of tensorflow and compilation.
    interrupted : bool
        Whether Ctrl-C ended the training early.
    elsewhere : dict of str to ndarray or Exception
        Predictions for further data sets, or the exception that was raised; empty for folds.
    n_epochs : int or None
        Number of epochs; None if the model does not train in epochs.
    short : bool
        Whether training was limited to fewer epochs than in the first start.
    """

    name: str
    start: int
    fold: int
    estimator: Any
    predictions: Array
    fit_time: float
    interrupted: bool = False
    elsewhere: dict[str, Any] = field(default_factory=dict)
    n_epochs: int | None = None
    short: bool = False


def run_all(
    pairs: Sequence[tuple[str, Any]],
    X: Any,
    y: Any,
    X_test: Any,
    *,
    seed: int,
    n_starts: int = 1,
    shorten: bool = False,
    splits: Sequence[tuple[Array, Array]] = (),
    others: Sequence[OtherData] = (),
    n_jobs: int | None = None,
    watcher: Watcher | None = None,
) -> Iterator[Run]:
    """Train every model from every start, then on every fold, and yield the runs.

    The order of the models is reversed after every round, so that other load on the machine affects
    all models equally. Runs are yielded in the order of training. With `shorten`, further starts
    begin only after all first starts have ended, and `shorten_training` limits their epochs.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C is pressed, after yielding all runs that have ended, including interrupted runs
        whose `fit` returned normally.
    RuntimeError
        If a worker process is killed.
    """
    watcher = watcher or Watcher()
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

    def begin(part: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        for task in part:  # the next one is requested when a worker is free
            name, estimator, start, fold, *_ = task
            if shorten and start and shorten_training(estimator, first[name]):
                shortened.add((name, start))
            watcher.begin(name, start, fold)
            running.append((name, start, fold))
            yield (*task, X, y, X_test, others, watcher)

    def end(runs: Iterator[Run]) -> Iterator[Run]:
        for run in runs:
            running.remove((run.name, run.start, run.fold))
            yield run

    running: list[tuple[str, int, int]] = []
    n_first = len(pairs) if shorten else len(tasks)
    first: dict[str, Any] = {}
    shortened: set[tuple[str, int]] = set()
    try:
        for part in (tasks[:n_first], tasks[n_first:]):
            runs = iterate_tasks(_run, begin(part), n_jobs=n_jobs)
            with closing(runs):
                for run in _in_order(end(runs), part):
                    first.setdefault(run.name, run.estimator)
                    yield replace(run, short=(run.name, run.start) in shortened)
    except TerminatedWorkerError as error:
        names = " or ".join(repr(name) for name in dict.fromkeys(name for name, *_ in running))
        raise RuntimeError(
            f"A worker process was killed while training {names}, probably because memory ran out: "
            f"with n_jobs={n_jobs}, each process has its own copy of the models and the data. Pass "
            "a smaller n_jobs."
        ) from error


def _in_order(runs: Iterator[Run], tasks: Sequence[tuple[Any, ...]]) -> Iterator[Run]:
    """Yield the runs in the order of the tasks, even if these end in another order."""
    ended: dict[tuple[str, int, int], Run] = {}
    try:
        for name, _, start, fold, *_ in tasks:
            while (name, start, fold) not in ended:
                run = next(runs)
                ended[run.name, run.start, run.fold] = run
                if run.interrupted:
                    raise KeyboardInterrupt
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
    others: Sequence[OtherData],
    watcher: Watcher,
) -> Run:
    if train is not None:
        X, y, X_test = take_rows(X, train), take_rows(y, train), take_rows(X, test)
    try:
        with watcher.watch(estimator, name, start, fold):
            fit_time = fit_timed(estimator, X, y)
        interrupted = was_interrupted(estimator)  # `fit` may return early after Ctrl-C
        predictions = np.ravel(estimator.predict(X_test))  # some models predict a column
    except Exception as error:
        error.add_note(f"while training estimators[{name!r}]")
        raise
    kept = estimator if start == 0 and fold < 0 else None
    elsewhere = predict_elsewhere(estimator, others) if fold < 0 else {}
    n_epochs = count_epochs(get_core(estimator))
    return Run(name, start, fold, kept, predictions, fit_time, interrupted, elsewhere, n_epochs)


def shorten_training(estimator: Any, first: Any) -> bool:
    """Limit the epochs of a network with early stopping, based on those of its first start.

    The weights of the best epoch are kept, as in the first start. Other models, and networks
    without early stopping, are not changed. Return whether the limit is below the number of epochs
    of the first start.

    Parameters
    ----------
    estimator : classifier
        The model to train from another start.
    first : fitted classifier
        The model that was trained from the first start.
    """
    network, trained = get_core(estimator), get_core(first)
    is_ours = getattr(network, "epoch_events", False)
    if not is_ours or network.patience is None or not trained.n_iter_:
        return False
    n_updates = ceil(trained.n_train_ / network.batch_size)  # per epoch
    best = min(trained.kept_epoch_ or trained.n_iter_, ceil(MAX_SHARE * trained.n_iter_))
    network.set_params(epochs=min(trained.n_iter_, max(best, ceil(MIN_UPDATES / n_updates))))
    return bool(network.epochs < trained.n_iter_)


def fit_timed(estimator: Any, X: Any, y: Any) -> float:
    """Fit an estimator; return the seconds, excluding the import of tensorflow and compilation."""
    started, set_up = time.perf_counter(), get_setup_seconds()
    estimator.fit(X, y)
    return time.perf_counter() - started - (get_setup_seconds() - set_up)


def _seeded(name: str, estimator: Any, seed: int, start: int, fold: int) -> Any:
    """Clone an estimator and set its seeds.

    The first start and the folds keep seeds that the caller has set; later starts replace them.
    Each seed depends only on `seed`, the model's name, the name of the parameter, the start and
    the fold. So copies of an estimator get different seeds, and the results of a model do not
    depend on the other models.
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
