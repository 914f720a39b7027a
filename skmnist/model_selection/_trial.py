"""Run one trial, here or in a worker: fold after fold, pruned by epoch where that is possible.

A worker knows no storage. It gets the trials that were finished when its own was asked for, and a
copy of the pruner; what it finds out it hands back. So a search needs nothing but joblib to run on
other machines.
"""

import json
import pickle
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import optuna
from sklearn.base import clone
from sklearn.utils.metadata_routing import get_routing_for_object

from skmnist._estimator import warn_caller
from skmnist.diagnosis import FitDiagnosis
from skmnist.model_selection._storage import quiet_optuna
from skmnist.model_selection._validation import CrossValidation, cross_validate
from skmnist.neural_network._tensorflow import load_training

Array = np.ndarray[Any, Any]

FOLD_STEPS = 4  # that a fold counts for without epochs: more than the first ones, which say little


@dataclass(frozen=True)
class Task:
    """What a worker is told about one trial.

    Attributes
    ----------
    number : int
    estimator : estimator
    params : dict
        To be set.
    earlier : list of FrozenTrial
        All trials with a smaller number, as they are now.
    pruner : BasePruner
    study_name : str
    splits : sequence of (train, test)
        Row numbers of each fold.
    objective : str or None
        The name of the score to be maximized; None where there is but one, or not known yet.
    max_epochs : int
        The folds' steps lie so far apart; later epochs of a fold are not judged.
    options : dict
        What :func:`sklearn.model_selection.cross_validate` is told besides.
    error_score : float or "raise"
    folder : str
        Where to note how far the trial is.
    """

    number: int
    estimator: Any
    params: Mapping[str, Any]
    earlier: list[optuna.trial.FrozenTrial]
    pruner: optuna.pruners.BasePruner
    study_name: str
    splits: Sequence[tuple[Array, Array]]
    objective: str | None
    max_epochs: int
    options: Mapping[str, Any]
    error_score: Any
    folder: str


@dataclass
class Outcome:
    """What came of a trial.

    Attributes
    ----------
    number : int
    state : {"COMPLETE", "PRUNED", "FAIL"}
    folds : list of dict
        Of each fold: times, `test_scores` and `train_scores` by name, what the network tells.
    reports : dict of int to float
        The values reported while it ran, by step.
    attributes : dict
        What the pruner keeps with a trial.
    error : str
        Why it failed.
    exception : Exception or None
        The same, to be raised.
    """

    number: int
    state: str = "COMPLETE"
    folds: list[dict[str, Any]] = field(default_factory=list)
    reports: dict[int, float] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    exception: Exception | None = None


def run_trial(task: Task, X: Any, y: Any) -> Outcome:
    """Fit and score the folds in order, until they are done or the trial is hopeless."""
    outcome = Outcome(task.number)
    replica = _Replica(task)
    try:
        for fold, (train, test) in enumerate(task.splits):
            reporter = _EpochReporter(task, replica, outcome, fold)
            reporter.note(0, 0, None)
            try:
                found = _run_fold(task, reporter, X, y, train, test)
            except optuna.TrialPruned:
                outcome.state = "PRUNED"
                return outcome
            except Exception as error:  # of anybody's estimator or scorer; the search goes on
                outcome.error = _one_line(error)
                if task.error_score == "raise" or np.isnan(task.error_score):
                    outcome.state, outcome.exception = "FAIL", _portable(error)
                    return outcome
                found = {"fit_time": 0.0, "score_time": 0.0, "test_scores": None}
                found["error"] = outcome.error
            outcome.folds.append(found)
            if found["test_scores"] is not None and not reporter.used:
                value = mean_score(outcome.folds, task.objective, task.error_score)
                step = (fold + 1) * FOLD_STEPS - 1
                if fold + 1 < len(task.splits) and replica.is_hopeless(step, value):
                    outcome.state = "PRUNED"
                    return outcome
    finally:
        outcome.reports, outcome.attributes = replica.told()
    return outcome


def _run_fold(
    task: Task, reporter: "_EpochReporter", X: Any, y: Any, train: Array, test: Array
) -> dict[str, Any]:
    # of a step among the parameters each fold has its own: the reporter is set on it
    params = clone(dict(task.params), safe=False)
    estimator = clone(task.estimator).set_params(**params)
    found = cross_validate(
        reporter.attach(estimator),
        X,
        y,
        cv=[(train, test)],
        error_score="raise",
        return_estimator=True,
        **task.options,
    )
    return {
        "fit_time": float(found["fit_time"][0]),
        "score_time": float(found["score_time"][0]),
        "test_scores": _scores(found, "test_"),
        "train_scores": _scores(found, "train_"),
        **_epochs(found),
        "diagnosis": _figures(found["diagnosis"][0]),
    }


def _epochs(found: CrossValidation) -> dict[str, Any]:
    """Return the epochs of the one fold, and what the best of them was worth; None without any."""
    (n_epochs,), (best,), (history,) = found["n_epochs"], found["best_epoch"], found["history"]
    if history is None or not best >= 1:
        return {"n_epochs": None, "best_epoch": None, "best_value": None}
    values = history.get("val_accuracy", history.get("accuracy"))
    value = None if values is None else float(values[int(best) - 1])
    return {"n_epochs": int(n_epochs), "best_epoch": int(best), "best_value": value}


def _figures(diagnosis: FitDiagnosis | None) -> dict[str, Any] | None:
    """Return what `diagnose_fit` needs to say the same again."""
    if diagnosis is None:
        return None
    names = ("train_accuracy", "validation_accuracy", "n_train", "n_validation")
    return {name: getattr(diagnosis, name) for name in names}


def _scores(found: Mapping[str, Array], prefix: str) -> dict[str, float]:
    return {
        name.removeprefix(prefix): float(values[0])
        for name, values in found.items()
        if name.startswith(prefix)
    }


class ForgivingScorer:
    """A scorer whose failure costs its own score, as in scikit-learn's searches, not the fold."""

    def __init__(self, name: str, scorer: Any, error_score: float) -> None:
        self._name, self._scorer, self._error_score = name, scorer, error_score

    def __call__(self, estimator: Any, X: Any, y: Any = None, **params: Any) -> Any:
        """Score as the scorer does."""
        try:
            return self._scorer(estimator, X, y, **params)
        except Exception as error:
            warn_caller(
                f"The score {self._name!r} failed; it is {self._error_score} here: "
                f"{_one_line(error)}"
            )
            return self._error_score

    def __repr__(self) -> str:
        return repr(self._scorer)  # which says what is measured

    def get_metadata_routing(self) -> Any:
        """Ask for what the scorer asks for."""
        return get_routing_for_object(self._scorer)


def mean_score(folds: list[dict[str, Any]], objective: str | None, error_score: Any) -> float:
    """Return the mean over folds of the score that is maximized."""
    values = []
    for fold in folds:
        scores = fold["test_scores"]
        if scores is None:
            values.append(float(error_score))
        else:
            values.append(scores[objective] if objective in scores else next(iter(scores.values())))
    return float(np.mean(values))


class _Replica:
    """The study as this worker knows it, with the trial in it; Optuna's pruner judges by that."""

    def __init__(self, task: Task) -> None:
        self._prunes = not isinstance(task.pruner, optuna.pruners.NopPruner)
        with quiet_optuna():
            study = optuna.create_study(
                storage=optuna.storages.InMemoryStorage(),
                study_name=task.study_name,  # Hyperband draws a trial's bracket from it
                pruner=task.pruner,
                sampler=optuna.samplers.RandomSampler(0),
                direction="maximize",
            )
            if self._prunes:
                study.add_trials(task.earlier)
        self._study = study
        self._trial = study.ask()
        self._reports: dict[int, float] = {}

    def is_hopeless(self, step: int, value: float) -> bool:
        """Take in a value and say whether to give up."""
        self._reports[step] = value
        self._trial.report(value, step)
        return self._prunes and self._trial.should_prune()

    def told(self) -> tuple[dict[int, float], dict[str, Any]]:
        """Return what was reported, and what the pruner has noted about the trial."""
        kept = self._study.get_trials(deepcopy=False)[self._trial.number].system_attrs
        return self._reports, dict(kept)


class _EpochReporter:
    """Is called after each epoch of a fold; raises where the trial is hopeless.

    The value of an epoch is the mean over the folds so far of each one's best epoch: one bad epoch
    gives no trial up.
    """

    def __init__(self, task: Task, replica: _Replica, outcome: Outcome, fold: int) -> None:
        self._task, self._replica, self._fold = task, replica, fold
        before = [done.get("best_value") for done in outcome.folds]
        self._before = [value for value in before if value is not None]
        self._epoch = 0
        self._best = -np.inf
        self.used = False

    def __deepcopy__(self, memo: Any) -> Self:
        return self  # a clone of the estimator still reports here

    def attach(self, estimator: Any) -> Any:
        """Set itself as a callback of the one step that offers callbacks per epoch."""
        name, kind = find_callbacks(estimator)
        if name is None:
            return estimator
        callback = self if kind == "events" else load_training().EachEpoch(self)
        given = estimator.get_params(deep=True)[name]
        if given is None:
            given = []
        others = given if isinstance(given, Sequence) else [given]
        return estimator.set_params(**{name: [*others, callback]})

    def __call__(self, event: Any) -> None:
        """Take in the epoch that has ended."""
        logs = event.logs
        value = logs.get("val_accuracy", logs.get("accuracy"))
        if value is None or event.epoch <= self._epoch:  # a step that fits more than once
            return
        self.used = True
        self._epoch = event.epoch
        self._best = max(self._best, value)
        mean = float(np.mean([*self._before, self._best]))
        self.note(self._epoch, event.epochs, mean)
        step = self._fold * self._task.max_epochs + self._epoch - 1
        if self._epoch <= self._task.max_epochs and self._replica.is_hopeless(step, mean):
            raise optuna.TrialPruned

    def note(self, epoch: int, epochs: int, value: float | None) -> None:
        """Leave a note of how far it is, for who watches on this machine."""
        told = {
            "fold": self._fold + 1,
            "n_folds": len(self._task.splits),
            "epoch": epoch,
            "epochs": epochs,
            "value": value,
        }
        path = Path(self._task.folder) / f"{self._task.number}.json"
        with suppress(OSError):  # another machine, where the folder is not
            part = path.with_suffix(".part")
            part.write_text(json.dumps(told))
            part.replace(path)


def find_callbacks(estimator: Any) -> tuple[str | None, str | None]:
    """Find the one step that calls back after each epoch of its fit, if there is one.

    It has a parameter `callbacks`, and either says by a class attribute ``epoch_events = True``
    that these are functions of an event with `epoch`, `epochs` and `logs`, or it is a wrapper of
    scikeras, whose callbacks are Keras's. Where several steps do, none is taken: their epochs
    would mix.

    Returns
    -------
    name : str or None
        The parameter, nested as in `set_params`.
    kind : {"events", "keras"} or None
    """
    params = estimator.get_params(deep=True)
    found = []
    for name in params:
        owner, _, last = name.rpartition("__")
        if last != "callbacks":
            continue
        part = params[owner] if owner else estimator
        if getattr(part, "epoch_events", False):
            found.append((name, "events"))
        elif any(base.__module__.split(".")[0] == "scikeras" for base in type(part).__mro__):
            found.append((name, "keras"))
    return found[0] if len(found) == 1 else (None, None)


def _portable(error: Exception) -> Exception:
    """Return an exception that survives the way back from a worker."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(_one_line(error))
    return error


def _one_line(error: Exception) -> str:
    return " ".join("".join(traceback.format_exception_only(error)).split())
