"""The study behind a search, which several processes may share, and the work of one process."""

import contextlib
import hashlib
import json
import logging
import os
import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from skmnist._progress import TrialLog
from skmnist._workers import iterate_tasks
from skmnist.model_selection._space import Space
from skmnist.model_selection._storage import (
    StorageError,
    close_storage,
    explain_failure,
    open_storage,
    quiet_optuna,
    show_storage,
)
from skmnist.model_selection._trial import (
    ForgivingScorer,
    Outcome,
    Task,
    find_callbacks,
    mean_score,
    run_trial,
)

HEARTBEAT = 20.0  # seconds between two heartbeats of a running trial
# seconds without a heartbeat after which a trial counts as lost, if its process cannot be checked
GRACE = 300.0
NAMELESS = 30.0  # same for a trial without an owner, whose process ended right after `ask`
WAIT = 0.5  # seconds between two checks for trials that other processes are running

_FINGERPRINT, _OWNER, _SEEN = "skmnist_fingerprint", "skmnist_owner", "skmnist_seen"
_FOLDS, _ERROR, _RETRY = "skmnist_folds", "skmnist_error", "skmnist_retry"

# Raised by Optuna for a trial that has already ended; `tell` raises ValueError.
_ENDED = (optuna.exceptions.UpdateFinishedTrialError, ValueError)

_open_here: set[str] = set()  # studies that are open in this process

_log = logging.getLogger(__name__)


class SharedStudy:
    """An Optuna study with a given number of trials, which several processes may share.

    Parameters
    ----------
    storage : object
        As for `OptunaSearchCV`.
    name : str or None
        None derives it from the fingerprint.
    fingerprint : dict of str to JSON value
        Description of the search, by the name of the parameter that a user would change.
    n_trials : int
        Total number of trials, over all resumes and processes.
    sampler, pruner : BaseSampler, BasePruner

    Raises
    ------
    ValueError
        The study belongs to a different search.
    """

    def __init__(
        self,
        storage: Any,
        name: str | None,
        fingerprint: dict[str, Any],
        *,
        n_trials: int,
        sampler: optuna.samplers.BaseSampler,
        pruner: optuna.pruners.BasePruner,
    ) -> None:
        digest = hashlib.sha256(json.dumps(fingerprint, sort_keys=True).encode()).hexdigest()
        self.shown = show_storage(storage)
        self.n_trials = n_trials
        self.name = name or f"skmnist-{digest[:12]}"
        self._storage = open_storage(storage)
        self._mine: dict[int, optuna.Trial] = {}
        self._run = uuid.uuid4().hex
        _open_here.add(self._run)
        self._opened_here = self._storage is not storage
        try:
            with quiet_optuna(), self.explain_failure("used"):
                self.study = optuna.create_study(
                    storage=self._storage,
                    study_name=self.name,
                    direction="maximize",
                    sampler=sampler,
                    pruner=pruner,
                    load_if_exists=True,
                )
                self._check(fingerprint)
                if self.study.get_trials(deepcopy=False):
                    # otherwise, a user's own sampler would draw the first trials again
                    sampler.reseed_rng()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connections that were opened here; the study opens new ones when used."""
        _open_here.discard(self._run)
        if self._opened_here:
            close_storage(self._storage)

    def _check(self, fingerprint: dict[str, Any]) -> None:
        parts = json.loads(json.dumps(fingerprint))  # as the storage returns it
        known = self.study.user_attrs.get(_FINGERPRINT)
        if known is None:
            if self.study.get_trials(deepcopy=False):
                raise ValueError(
                    f"study_name={self.name!r} in storage={self.shown!r} has trials that were not "
                    "made by OptunaSearchCV; pass another study_name or storage."
                )
            self.study.set_user_attr(_FINGERPRINT, parts)
            return
        other = [part for part in parts if known.get(part) != parts[part]]
        if other or self.study.direction != optuna.study.StudyDirection.MAXIMIZE:
            raise ValueError(
                f"study_name={self.name!r} in storage={self.shown!r} was made with another "
                f"{' and another '.join(other) or 'direction'}; its trials cannot be mixed with "
                "new ones. Pass another study_name, or study_name=None to derive it from all of "
                "these."
            )

    def running_elsewhere(self) -> bool:
        """Return whether another process is running trials of this study."""
        running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return any(trial.number not in self._mine for trial in running)

    @contextlib.contextmanager
    def at_work(self, stop: Callable[[], None]) -> Iterator[None]:
        """Send heartbeats during the block, and leave no trial running after it.

        `stop` replaces ``study.stop()``, which Optuna forbids outside of `optimize`. It is called
        by callbacks, and by samplers that have nothing left to try.
        """
        self.study.stop = stop  # type: ignore[method-assign] # see above
        end = threading.Event()
        beat = threading.Thread(target=self._beat, args=(end,), daemon=True)
        beat.start()
        try:
            yield
        except StorageError:  # trials cannot be taken back now; resuming the search will do so
            self._mine.clear()
            raise
        finally:
            end.set()
            beat.join()
            del self.study.stop
            for number in list(self._mine):
                with contextlib.suppress(Exception):  # the storage itself may have failed
                    self._give_up(number)

    def ask(self) -> optuna.Trial | None:
        """Start a trial; None if all trials are done or running, or a grid sampler is exhausted."""
        with self.explain_failure("written"):
            self.reclaim()
            trials = self.study.get_trials(deepcopy=False)
            if sum(map(_counts, trials)) >= self.n_trials or self._is_exhausted():
                return None
            trial = self._sign(self.study.ask())
        # if two processes have started the last trial at the same time, the lower number is kept
        trials = self.study.get_trials(deepcopy=False)
        before = sum(_counts(other) for other in trials if other.number < trial.number)
        if before >= self.n_trials:
            self._give_up(trial.number)
            return None
        return trial

    def _is_exhausted(self) -> bool:
        """Return whether the sampler is a grid sampler that has tried the whole grid."""
        is_exhausted = getattr(self.study.sampler, "is_exhausted", None)
        return is_exhausted is not None and is_exhausted(self.study)

    def _sign(self, trial: optuna.Trial) -> optuna.Trial:
        """Make this process the owner of a new trial."""
        self._mine[trial.number] = trial
        owner = {"host": socket.gethostname(), "pid": os.getpid(), "started": _started(os.getpid())}
        try:
            trial.set_user_attr(_OWNER, {**owner, "run": self._run})
            trial.set_user_attr(_SEEN, _now())
        except _ENDED:  # this process paused for so long that another one reclaimed the trial
            del self._mine[trial.number]
            return self._sign(self.study.ask())
        return trial

    def earlier(self, trial: optuna.Trial) -> list[FrozenTrial]:
        """Return all trials before this one."""
        trials = self.study.get_trials(deepcopy=False)
        return [other for other in trials if other.number < trial.number]

    def tell(self, outcome: Outcome, value: float | None) -> FrozenTrial | None:
        """Store the outcome of a trial; return None if another process has reclaimed it."""
        trial = self._mine.pop(outcome.number)
        state = TrialState[outcome.state]
        try:
            with self.explain_failure("written"):
                for step, reported in outcome.reports.items():
                    trial.report(reported, step)
                for key, kept in outcome.attributes.items():
                    self._storage.set_trial_system_attr(trial._trial_id, key, kept)
                trial.set_user_attr(_FOLDS, outcome.folds)
                if state == TrialState.FAIL:
                    trial.set_user_attr(_ERROR, outcome.error)
                self.study.tell(trial, value if state == TrialState.COMPLETE else None, state)
                return self.study.get_trials(deepcopy=False)[outcome.number]
        except _ENDED as error:
            # if the clock has jumped, a live process looks dead, and another one repeats its trial
            _log.warning("trial %s was reclaimed by another process: %s", outcome.number, error)
            return None

    def reclaim(self) -> None:
        """Mark as failed the trials of processes that have ended; repeat each at most once."""
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if trial.number in self._mine or not _is_lost(trial):
                continue
            try:
                self.study.tell(trial.number, state=TrialState.FAIL)
            except _ENDED:
                continue  # it has ended, or another process was faster
            _log.info("trial %s was left behind by a process that has ended", trial.number)
            if trial.params and _RETRY not in trial.user_attrs:
                self.study.enqueue_trial(trial.params, user_attrs={_RETRY: trial.number})

    def explain_failure(self, action: str) -> contextlib.AbstractContextManager[None]:
        """Raise `StorageError` if the block fails because of the storage."""
        return explain_failure(self.shown, action)

    def _give_up(self, number: int) -> None:
        """Take back a trial by marking it as failed without an error, so that it does not count."""
        with contextlib.suppress(*_ENDED):
            self.study.tell(self._mine.pop(number), state=TrialState.FAIL)

    def _beat(self, end: threading.Event) -> None:
        while not end.wait(HEARTBEAT):
            for trial in list(self._mine.values()):
                with contextlib.suppress(Exception):  # the storage is busy; try again later
                    trial.set_user_attr(_SEEN, _now())


def finished_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that count, in order: completed, pruned, or failed with an error."""
    trials = study.get_trials(deepcopy=False)
    return [trial for trial in trials if trial.state.is_finished() and _counts(trial)]


def folds_of(trial: FrozenTrial) -> list[dict[str, Any]]:
    """Return the results of each fold of a trial."""
    folds: list[dict[str, Any]] = trial.user_attrs.get(_FOLDS, [])
    return folds


def error_of(trial: FrozenTrial) -> str:
    """Return why a trial failed, or an empty string."""
    return str(trial.user_attrs.get(_ERROR, ""))


def _counts(trial: FrozenTrial) -> bool:
    """Return whether a trial counts; lost trials and those taken back do not."""
    if trial.state == TrialState.FAIL:
        return _ERROR in trial.user_attrs
    return trial.state != TrialState.WAITING


def _is_lost(trial: FrozenTrial) -> bool:
    owner, seen = trial.user_attrs.get(_OWNER), trial.user_attrs.get(_SEEN)
    if owner is not None and owner["host"] == socket.gethostname():
        if owner["pid"] == os.getpid():  # a search whose storage failed leaves trials running
            return owner.get("run") not in _open_here
        started = _started(owner["pid"])
        if started != "unknown":
            return bool(started != owner["started"])
    if seen:
        last, grace = datetime.fromisoformat(seen), GRACE
    elif trial.datetime_start:
        last, grace = trial.datetime_start.astimezone(UTC), NAMELESS
    else:
        return True
    return (datetime.now(UTC) - last).total_seconds() > grace


def _started(pid: int) -> str:
    """Return when a process of this machine started; "" if there is no such process.

    The process ID alone could belong to a newer process.
    """
    proc = Path("/proc")
    if not (proc / "self" / "stat").exists():
        return "unknown"  # not Linux: heartbeats decide
    try:
        stat = (proc / str(pid) / "stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class SearchRun:
    """One call of `OptunaSearchCV.fit`: start trials, run them in workers, store the outcomes.

    Parameters
    ----------
    search : OptunaSearchCV
        The search, with `scorer_` set.
    shared : SharedStudy
    space : Space
    splits : list of (train, test)
        Row numbers of each fold.
    objective : str or None
        Name of the score to maximize.
    params : mapping
        Parameters for `cross_validate`, such as ``{"sample_weight": weights}``.
    """

    def __init__(
        self,
        search: Any,
        shared: SharedStudy,
        space: Space,
        splits: list[Any],
        objective: str | None,
        params: Mapping[str, Any],
    ) -> None:
        self.search, self.shared, self.space = search, shared, space
        self.splits, self.objective = splits, objective
        self.options = {
            "scoring": self._scoring(),
            "params": dict(params) or None,
            "return_train_score": search.return_train_score,
        }
        self.started = time.monotonic()
        self.stopped = False
        self.running: dict[int, dict[str, Any]] = {}  # parameters by number of the trial

    def go(self, X: Any, y: Any) -> None:
        """Work until all trials are done, by this process or others, or the time is up."""
        search, shared = self.search, self.shared
        with contextlib.ExitStack() as stack:
            self.folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="skmnist-"))
            stack.enter_context(shared.at_work(self._stop))
            self.log = None
            if search.verbose:
                done = len(finished_trials(shared.study))
                log = TrialLog(search.n_trials, Path(self.folder), done=done)
                self.log = stack.enter_context(log)
            while True:
                self._work(X, y)
                if self._is_over() or not shared.running_elsewhere():
                    break
                # trials of other processes count, too; if such a process dies, repeat its trial
                time.sleep(WAIT)

    def _work(self, X: Any, y: Any) -> None:
        """Run all trials that are available."""
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        outcomes = iterate_tasks(run_trial, self._tasks(X, y), n_jobs=self.search.n_jobs)
        try:
            with contextlib.closing(outcomes):
                for outcome in outcomes:
                    self._take(outcome)
        except TerminatedWorkerError as error:
            raise RuntimeError(
                f"A worker process was killed in {self._describe_running()}, probably because "
                "memory ran out. Finished trials are kept in the study; pass a smaller n_jobs (now "
                f"n_jobs={self.search.n_jobs})."
            ) from error

    def _is_over(self) -> bool:
        """Return whether no further trial may start."""
        timeout = self.search.timeout
        return self.stopped or (timeout is not None and time.monotonic() - self.started >= timeout)

    def _stop(self) -> None:
        self.stopped = True

    def _scoring(self) -> Any:
        """Return the scorers; unless errors are to be raised, any but the objective may fail."""
        search, scorer = self.search, self.search.scorer_
        if not isinstance(scorer, dict) or search.error_score == "raise":
            return search.scoring
        return {
            name: each
            if name == self.objective
            else ForgivingScorer(name, each, search.error_score)
            for name, each in scorer.items()
        }

    def _tasks(self, X: Any, y: Any) -> Iterator[tuple[Task, Any, Any]]:
        """Start a trial whenever a worker is free."""
        search, shared = self.search, self.shared
        callbacks = find_callbacks(search.estimator)[0] or ""
        epochs = callbacks.removesuffix("callbacks") + "epochs"
        max_epochs = self.space.highest_epochs(epochs, search.estimator.get_params().get(epochs))
        while not self._is_over() and (trial := shared.ask()) is not None:
            try:
                params = self.space.suggest(trial)
            except optuna.TrialPruned:  # the user's function rejects a combination
                self._take(Outcome(trial.number, "PRUNED"))
                continue
            self.space.keep(trial, params)
            self.running[trial.number] = params
            yield (  # rows are separate items, because workers share them
                Task(
                    number=trial.number,
                    estimator=search.estimator,
                    params=params,
                    earlier=shared.earlier(trial),
                    pruner=shared.study.pruner,
                    study_name=shared.name,
                    splits=self.splits,
                    objective=self.objective,
                    max_epochs=max_epochs,
                    options=self.options,
                    error_score=search.error_score,
                    folder=self.folder,
                ),
                X,
                y,
            )

    def _take(self, outcome: Outcome) -> None:
        """Store the outcome of a trial, and report it to the progress bar and callbacks."""
        search, shared = self.search, self.shared
        value = None
        if outcome.state == "COMPLETE":
            value = mean_score(outcome.folds, self.objective, search.error_score)
            if not np.isfinite(value):
                outcome.state = "FAIL"
                outcome.error = f"the score {value} is not a finite number"
        trial = shared.tell(outcome, value)
        self.running.pop(outcome.number, None)
        if outcome.exception is not None and search.error_score == "raise":
            raise outcome.exception
        if trial is None:
            return
        if self.log:
            done = shared.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            best = max((other.value for other in done if other.value is not None), default=None)
            seconds = trial.duration.total_seconds() if trial.duration else 0.0
            self.log.finished(trial.number, trial.state.name, value, best, seconds)
        for callback in search.study_callbacks or ():
            callback(shared.study, trial)

    def _describe_running(self) -> str:
        """Return the numbers, folds and parameters of the trials that were running."""
        parts = []
        for number, params in self.running.items():
            try:
                fold = json.loads((Path(self.folder) / f"{number}.json").read_text())["fold"]
                parts.append(f"trial {number} (fold {fold}, {params})")
            except (OSError, ValueError):
                parts.append(f"trial {number} ({params})")
        return " or ".join(parts) or "an unknown trial"
