"""The study behind a search: who it belongs to, how much of it is left, what came of it."""

import contextlib
import hashlib
import json
import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from skmnist.model_selection._storage import (
    StorageError,
    close_storage,
    explain_failure,
    open_storage,
    quiet_optuna,
    show_storage,
)
from skmnist.model_selection._trial import Outcome

HEARTBEAT = 20.0  # seconds between two signs of life of a running trial
GRACE = 300.0  # seconds without one after which a trial on another machine counts as lost
NAMELESS = 30.0  # the same for one that was not even signed: its process ended in between

_FINGERPRINT, _OWNER, _SEEN = "skmnist_fingerprint", "skmnist_owner", "skmnist_seen"
_FOLDS, _ERROR, _RETRY = "skmnist_folds", "skmnist_error", "skmnist_retry"

# What Optuna raises for a trial that has ended already; the second is of `tell`.
_ENDED = (optuna.exceptions.UpdateFinishedTrialError, ValueError)

_open_here: set[str] = set()  # studies that searches of this process have open

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fingerprint:
    """What a study was made for; another search must not be mixed into it.

    Attributes
    ----------
    parts : dict of str to JSON value
        By the name of the parameter that a user would have to change.
    """

    parts: dict[str, Any]

    @property
    def study_name(self) -> str:
        """A name that the same search finds again."""
        digest = hashlib.sha256(json.dumps(self.parts, sort_keys=True).encode()).hexdigest()
        return f"skmnist-{digest[:12]}"


class SharedStudy:
    """An Optuna study with a budget, of which other processes may do a part.

    Parameters
    ----------
    storage : object
        As `OptunaSearchCV` takes it.
    name : str or None
        None is derived from the fingerprint.
    fingerprint : Fingerprint
    n_trials : int
        Trials in all, over all resumes and processes.
    sampler, pruner : BaseSampler, BasePruner

    Raises
    ------
    ValueError
        The study belongs to another search.
    """

    def __init__(
        self,
        storage: Any,
        name: str | None,
        fingerprint: Fingerprint,
        *,
        n_trials: int,
        sampler: optuna.samplers.BaseSampler,
        pruner: optuna.pruners.BasePruner,
    ) -> None:
        self.shown = show_storage(storage)
        self.n_trials = n_trials
        self.name = name or fingerprint.study_name
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
                    # of a user's own: its seed would draw the first trials again
                    sampler.reseed_rng()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connections of a storage that was opened here; the study opens new ones."""
        _open_here.discard(self._run)
        if self._opened_here:
            close_storage(self._storage)

    def _check(self, fingerprint: Fingerprint) -> None:
        # through JSON, as it comes back from there
        parts = json.loads(json.dumps(fingerprint.parts))
        known = self.study.user_attrs.get(_FINGERPRINT)
        if known is None:
            if self.study.get_trials(deepcopy=False):
                raise ValueError(
                    f"study_name={self.name!r} in storage={self.shown!r} has trials that no "
                    "OptunaSearchCV made; pass another study_name or storage."
                )
            self.study.set_user_attr(_FINGERPRINT, parts)
            return
        other = [part for part in parts if known.get(part) != parts[part]]
        if other or self.study.direction != optuna.study.StudyDirection.MAXIMIZE:
            raise ValueError(
                f"study_name={self.name!r} in storage={self.shown!r} was made with another "
                f"{' and another '.join(other) or 'direction'}; its trials cannot be mixed with "
                "these. Pass another study_name, or none: it is then derived from all of this."
            )

    # -- what has been done

    def running_elsewhere(self) -> bool:
        """Say whether another process has trials of this study in work."""
        running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return any(trial.number not in self._mine for trial in running)

    # -- doing

    @contextlib.contextmanager
    def at_work(self, stop: Callable[[], None]) -> Iterator[None]:
        """Give signs of life meanwhile; leave no trial running behind, whatever ends the block.

        `stop` is what ``study.stop()`` does meanwhile, for callbacks and for samplers that have
        nothing left to try: Optuna's own refuses outside of `optimize`.
        """
        self.study.stop = stop  # type: ignore[method-assign] # see above
        end = threading.Event()
        beat = threading.Thread(target=self._beat, args=(end,), daemon=True)
        beat.start()
        try:
            yield
        except StorageError:  # nothing can be taken back now; it will be when the search is resumed
            self._mine.clear()
            raise
        finally:
            end.set()
            beat.join()
            del self.study.stop
            for number in list(self._mine):
                with contextlib.suppress(Exception):  # the storage itself may be what failed
                    self._give_up(number)

    def ask(self) -> optuna.Trial | None:
        """Start a trial, unless all are done or in work."""
        with self.explain_failure("written"):
            self.reclaim()
            trials = self.study.get_trials(deepcopy=False)
            if sum(map(_counts, trials)) >= self.n_trials or self._is_exhausted():
                return None
            trial = self._sign(self.study.ask())
        # two processes may have found the last one free at the same moment: the lower number has it
        trials = self.study.get_trials(deepcopy=False)
        before = sum(_counts(other) for other in trials if other.number < trial.number)
        if before >= self.n_trials:
            self._give_up(trial.number)
            return None
        return trial

    def _is_exhausted(self) -> bool:
        """Say whether a sampler that goes through a grid has come to its end."""
        is_exhausted = getattr(self.study.sampler, "is_exhausted", None)
        return is_exhausted is not None and is_exhausted(self.study)

    def _sign(self, trial: optuna.Trial) -> optuna.Trial:
        self._mine[trial.number] = trial
        try:
            trial.set_user_attr(_OWNER, {**_whoami(), "run": self._run})
            trial.set_user_attr(_SEEN, _now())
        except _ENDED:  # this process stood still for so long that another one took it for lost
            del self._mine[trial.number]
            return self._sign(self.study.ask())
        return trial

    def earlier(self, trial: optuna.Trial) -> list[FrozenTrial]:
        """Return all trials before this one."""
        trials = self.study.get_trials(deepcopy=False)
        return [other for other in trials if other.number < trial.number]

    def tell(self, outcome: Outcome, value: float | None) -> FrozenTrial | None:
        """Write down what came of a trial; None where another process took it for lost."""
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
            # a clock that jumps makes a living process look dead; another one repeats the trial
            _log.warning("trial %s was taken for lost meanwhile: %s", outcome.number, error)
            return None

    def reclaim(self) -> None:
        """Mark the trials of processes that are gone as failed, and have each repeated once."""
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if trial.number in self._mine or not _is_lost(trial):
                continue
            try:
                self.study.tell(trial.number, state=TrialState.FAIL)
            except _ENDED:
                continue  # it has ended, or another process was faster
            _log.info("trial %s was left by a process that is gone", trial.number)
            if trial.params and _RETRY not in trial.user_attrs:
                self.study.enqueue_trial(trial.params, user_attrs={_RETRY: trial.number})

    def explain_failure(self, action: str) -> contextlib.AbstractContextManager[None]:
        """Say in words where the storage is what failed."""
        return explain_failure(self.shown, action)

    def _give_up(self, number: int) -> None:
        """Take a trial of ours back; without an error it does not count."""
        with contextlib.suppress(*_ENDED):
            self.study.tell(self._mine.pop(number), state=TrialState.FAIL)

    def _beat(self, end: threading.Event) -> None:
        while not end.wait(HEARTBEAT):
            for trial in list(self._mine.values()):
                with contextlib.suppress(Exception):  # a busy storage; the next beat will do
                    trial.set_user_attr(_SEEN, _now())


def finished_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that count, in order: complete, pruned, or failed by themselves."""
    trials = study.get_trials(deepcopy=False)
    return [trial for trial in trials if trial.state.is_finished() and _counts(trial)]


def folds_of(trial: FrozenTrial) -> list[dict[str, Any]]:
    """Return what was found on each fold of a trial."""
    folds: list[dict[str, Any]] = trial.user_attrs.get(_FOLDS, [])
    return folds


def error_of(trial: FrozenTrial) -> str:
    """Return why a trial failed."""
    return str(trial.user_attrs.get(_ERROR, ""))


def _counts(trial: FrozenTrial) -> bool:
    """Say whether a trial is one of the budget: those that were lost or taken back are not."""
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
        told, grace = datetime.fromisoformat(seen), GRACE
    elif trial.datetime_start:
        told, grace = trial.datetime_start.astimezone(UTC), NAMELESS
    else:
        return True
    return (datetime.now(UTC) - told).total_seconds() > grace


def _whoami() -> dict[str, Any]:
    return {"host": socket.gethostname(), "pid": os.getpid(), "started": _started(os.getpid())}


def _started(pid: int) -> str:
    """Return when a process of this machine was started; "" where there is none.

    A number alone would be taken for the same process when another one gets it.
    """
    proc = Path("/proc")
    if not (proc / "self" / "stat").exists():
        return "unknown"  # not Linux: the signs of life decide
    try:
        stat = (proc / str(pid) / "stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
