"""Run one trial, in this process or in a worker: fold by fold, pruned by epoch where possible.

A worker has no access to the storage. It receives a copy of the pruner and all trials with a
smaller number, in the state that they had when its own trial was created. It returns an `Outcome`.
A search on other machines therefore needs nothing but joblib.
"""

import json
import pickle
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import optuna
from optuna.trial import TrialState
from sklearn.base import clone
from sklearn.utils.metadata_routing import get_routing_for_object

from skmnist._estimator import warn_caller
from skmnist.model_selection._storage import quiet_optuna
from skmnist.model_selection._validation import cross_validate
from skmnist.neural_network._tensorflow import load_training

Array = np.ndarray[Any, Any]

# Chosen for this package: of the rules tried on three searches, the one that pruned the most trials
# without losing the best trial of any search.
N_BEST = 4
N_STARTUP = 2  # trials that are not pruned cost the most; Optuna's pruner waits for five of them
N_WARMUP = 3  # epochs; the first ones are not informative

FOLD_STEPS = 4  # steps that a fold without epochs counts for; must exceed N_WARMUP


class BestMedianPruner(optuna.pruners.BasePruner):
    """Prune trials that are worse than the median of the best completed trials at the same step.

    Optuna's `MedianPruner` uses the median of all completed trials. As the sampler improves, this
    median lags behind, and most trials exceed it. The study must maximize its objective.
    """

    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        """Return whether to prune the trial at its last step."""
        step = trial.last_step
        if step is None or step < N_WARMUP:
            return False
        done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(done) < N_STARTUP:
            return False
        best = sorted(done, key=lambda other: other.value or 0.0, reverse=True)[:N_BEST]
        values = [
            other.intermediate_values[step] for other in best if step in other.intermediate_values
        ]
        return bool(values) and bool(trial.intermediate_values[step] < np.median(values))


_PRUNERS: dict[str, Callable[[], optuna.pruners.BasePruner]] = {
    "best_median": BestMedianPruner,
    "median": optuna.pruners.MedianPruner,
    "hyperband": optuna.pruners.HyperbandPruner,
    "successive_halving": optuna.pruners.SuccessiveHalvingPruner,
}


def make_pruner(pruner: Any) -> optuna.pruners.BasePruner:
    """Return the pruner that the parameter `pruner` selects."""
    if pruner is None:
        return optuna.pruners.NopPruner()
    if isinstance(pruner, optuna.pruners.BasePruner):
        return pruner
    if isinstance(pruner, str) and pruner in _PRUNERS:
        return _PRUNERS[pruner]()
    raise ValueError(
        f"pruner={pruner!r} must be one of {', '.join(map(repr, _PRUNERS))}, an Optuna pruner, or "
        "None to prune nothing."
    )


@dataclass(frozen=True)
class Task:
    """One trial as it is sent to a worker.

    Attributes
    ----------
    number : int
    estimator : estimator
    params : dict
        Parameters to set on the estimator.
    earlier : list of FrozenTrial
        All trials with a smaller number, in their current state.
    pruner : BasePruner
    study_name : str
    splits : sequence of (train, test)
        Row numbers of each fold.
    objective : str or None
        Name of the score to maximize; None if there is only one, or if the names are not known yet.
    max_epochs : int
        Distance between the first steps of two successive folds; later epochs of a fold are not
        reported.
    options : dict
        Further arguments of :func:`sklearn.model_selection.cross_validate`.
    error_score : float or "raise"
    folder : str
        Folder for the progress note of the trial.
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
    """The result of a trial.

    Attributes
    ----------
    number : int
    state : {"COMPLETE", "PRUNED", "FAIL"}
    folds : list of dict
        Per fold: times, `test_scores` and `train_scores` by name, epochs, diagnosis.
    reports : dict of int to float
        Reported values, by step.
    attributes : dict
        System attributes that the pruner stores with a trial.
    error : str
        Reason for the failure.
    exception : Exception or None
        The exception behind `error`.
    """

    number: int
    state: str = "COMPLETE"
    folds: list[dict[str, Any]] = field(default_factory=list)
    reports: dict[int, float] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    exception: Exception | None = None


def run_trial(task: Task, X: Any, y: Any) -> Outcome:
    """Fit and score the folds in order until all are done, or the trial is pruned or fails."""
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
            except Exception as error:  # of any estimator or scorer; the search continues
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
                if fold + 1 < len(task.splits) and replica.should_prune(step, value):
                    outcome.state = "PRUNED"
                    return outcome
    finally:
        outcome.reports, outcome.attributes = replica.reports, replica.attributes
    return outcome


def _run_fold(
    task: Task, reporter: "_EpochReporter", X: Any, y: Any, train: Array, test: Array
) -> dict[str, Any]:
    # a step among the parameters is cloned for each fold, because the reporter is attached to it
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
    (best,), (history,), (diagnosis,) = found.best_epoch, found.history, found.diagnosis
    fold: dict[str, Any] = {name: float(found[name][0]) for name in ("fit_time", "score_time")}
    for part in ("test", "train"):
        fold[f"{part}_scores"] = {
            name.removeprefix(f"{part}_"): float(found[name][0])
            for name in found
            if name.startswith(f"{part}_")
        }
    if history is not None and best >= 1:
        values = history.get("val_accuracy", history.get("accuracy"))
        fold["best_epoch"] = int(best)
        fold["best_value"] = None if values is None else float(values[int(best) - 1])
    if diagnosis is not None:  # the arguments from which `diagnose_fit` can recreate it
        names = ("train_accuracy", "validation_accuracy", "n_train", "n_validation")
        fold["diagnosis"] = {name: getattr(diagnosis, name) for name in names}
    return fold


class ForgivingScorer:
    """Wrap a scorer: if it fails, only its own score is lost, as in scikit-learn's searches."""

    def __init__(self, name: str, scorer: Any, error_score: float) -> None:
        self._name, self._scorer, self._error_score = name, scorer, error_score

    def __call__(self, estimator: Any, X: Any, y: Any = None, **params: Any) -> Any:
        """Return the score, or `error_score` if the scorer fails."""
        try:
            return self._scorer(estimator, X, y, **params)
        except Exception as error:
            warn_caller(
                f"The scorer {self._name!r} failed, and its score is set to {self._error_score}: "
                f"{_one_line(error)}"
            )
            return self._error_score

    def __repr__(self) -> str:
        return repr(self._scorer)  # identifies the metric

    def get_metadata_routing(self) -> Any:
        """Return the metadata routing of the scorer."""
        return get_routing_for_object(self._scorer)


def mean_score(folds: list[dict[str, Any]], objective: str | None, error_score: Any) -> float:
    """Return the mean of the objective over the folds."""
    values = []
    for fold in folds:
        scores = fold["test_scores"]
        if scores is None:
            values.append(float(error_score))
        else:
            values.append(scores[objective] if objective in scores else next(iter(scores.values())))
    return float(np.mean(values))


class _Replica:
    """An in-memory copy of the study in this worker, for Optuna's pruner."""

    def __init__(self, task: Task) -> None:
        self._prunes = not isinstance(task.pruner, optuna.pruners.NopPruner)
        with quiet_optuna():
            self._study = optuna.create_study(
                study_name=task.study_name,  # Hyperband draws a trial's bracket from it
                pruner=task.pruner,
                sampler=optuna.samplers.RandomSampler(0),
                direction="maximize",
            )
            if self._prunes:
                self._study.add_trials(task.earlier)
        self._trial = self._study.ask()
        self.reports: dict[int, float] = {}

    def should_prune(self, step: int, value: float) -> bool:
        """Report a value and return whether to prune the trial."""
        self.reports[step] = value
        self._trial.report(value, step)
        return self._prunes and self._trial.should_prune()

    @property
    def attributes(self) -> dict[str, Any]:
        """System attributes that the pruner has stored with the trial."""
        return dict(self._study.get_trials(deepcopy=False)[self._trial.number].system_attrs)


class _EpochReporter:
    """Callback for each epoch of a fold; raises `TrialPruned` if the trial should be pruned.

    The value reported for an epoch is the mean, over the folds so far, of the best value in each
    fold, so a single bad epoch does not prune a trial.
    """

    def __init__(self, task: Task, replica: _Replica, outcome: Outcome, fold: int) -> None:
        self._task, self._replica, self._fold = task, replica, fold
        before = [done.get("best_value") for done in outcome.folds]
        self._before = [value for value in before if value is not None]
        self._epoch = 0
        self._best = -np.inf
        self.used = False

    def __deepcopy__(self, memo: Any) -> Self:
        return self  # clones of the estimator report here as well

    def attach(self, estimator: Any) -> Any:
        """Add this callback to the step that offers callbacks per epoch, if there is just one."""
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
        """Report the epoch that has ended."""
        logs = event.logs
        value = logs.get("val_accuracy", logs.get("accuracy"))
        if value is None or event.epoch <= self._epoch:  # the step fits more than once
            return
        self.used = True
        self._epoch = event.epoch
        self._best = max(self._best, value)
        mean = float(np.mean([*self._before, self._best]))
        self.note(self._epoch, event.epochs, mean)
        step = self._fold * self._task.max_epochs + self._epoch - 1
        if self._epoch <= self._task.max_epochs and self._replica.should_prune(step, mean):
            raise optuna.TrialPruned

    def note(self, epoch: int, epochs: int, value: float | None) -> None:
        """Write the progress to a file, for the progress bar on this machine."""
        progress = {
            "fold": self._fold + 1,
            "n_folds": len(self._task.splits),
            "epoch": epoch,
            "epochs": epochs,
            "value": value,
        }
        path = Path(self._task.folder) / f"{self._task.number}.json"
        with suppress(OSError):  # on another machine, which does not have the folder
            part = path.with_suffix(".part")
            part.write_text(json.dumps(progress))
            part.replace(path)


def find_callbacks(estimator: Any) -> tuple[str | None, str | None]:
    """Find the step that offers callbacks per epoch.

    Such a step has a parameter `callbacks`. Either its class has ``epoch_events = True`` and calls
    them with an event that has `epoch`, `epochs` and `logs`, or it is a scikeras wrapper, whose
    callbacks are those of Keras. If there are several such steps, none is used, because their
    epochs would mix.

    Returns
    -------
    name : str or None
        Name of the parameter, nested as in `set_params`.
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
    """Return the exception, or a copy that can be pickled."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(_one_line(error))
    return error


def _one_line(error: Exception) -> str:
    return " ".join("".join(traceback.format_exception_only(error)).split())
