"""One call of a search's `fit`: trials are asked for, handed to workers, and told."""

import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState

from skmnist._progress import TrialLog
from skmnist._workers import iterate_tasks
from skmnist.model_selection._space import Space
from skmnist.model_selection._study import SharedStudy, finished_trials
from skmnist.model_selection._trial import (
    ForgivingScorer,
    Outcome,
    Task,
    find_callbacks,
    mean_score,
    run_trial,
)

WAIT = 0.5  # seconds between two looks at what other processes do


class SearchRun:
    """One call of `fit`: trials are asked for, handed to workers, and told.

    Parameters
    ----------
    search : OptunaSearchCV
        With `scorer_` set.
    shared : SharedStudy
    space : Space
    splits : list of (train, test)
        Row numbers of each fold.
    objective : str or None
        The name of the score that is maximized.
    params : mapping
        For the `fit` of the estimator, and what else folds are told.
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
            "scoring": self.scoring(),
            "params": dict(params) or None,
            "return_train_score": search.return_train_score,
        }
        self.started = time.monotonic()
        self.stopped = False
        self.in_work: dict[int, dict[str, Any]] = {}  # parameters by the trial's number

    def go(self, X: Any, y: Any) -> None:
        """Work until the budget is spent, by this process or by others, or the time is over."""
        search, shared = self.search, self.shared
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="skmnist-"))
            stack.enter_context(shared.at_work(self.stop))
            self.folder = folder
            self.log = None
            if search.verbose:
                done = len(finished_trials(shared.study))
                self.log = stack.enter_context(TrialLog(search.n_trials, Path(folder), done=done))
            while True:
                self.work(X, y)
                if self.is_over() or not shared.running_elsewhere():
                    break
                time.sleep(WAIT)  # what others do belongs to the result; if they die, it is ours

    def work(self, X: Any, y: Any) -> None:
        """Do all trials that are to be had."""
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        results = iterate_tasks(run_trial, self.tasks(X, y), n_jobs=self.search.n_jobs)
        try:
            with closing(results):
                for outcome in results:
                    self.take(outcome)
        except TerminatedWorkerError as error:
            raise RuntimeError(
                f"A worker process was killed, probably for memory, in {self.describe_work()}. "
                "Finished trials are kept in the study; pass fewer n_jobs "
                f"(n_jobs={self.search.n_jobs})."
            ) from error

    def is_over(self) -> bool:
        """Say whether no trial may be begun any more."""
        timeout = self.search.timeout
        return self.stopped or (timeout is not None and time.monotonic() - self.started >= timeout)

    def scoring(self) -> Any:
        """Return what folds are scored by; of several scores, one must not fail: the objective."""
        search, scorer = self.search, self.search.scorer_
        if not isinstance(scorer, dict) or search.error_score == "raise":
            return search.scoring
        return {
            name: each
            if name == self.objective
            else ForgivingScorer(name, each, search.error_score)
            for name, each in scorer.items()
        }

    def tasks(self, X: Any, y: Any) -> Iterator[tuple[Task, Any, Any]]:
        """Ask for a trial whenever a worker is free."""
        search, shared = self.search, self.shared
        callbacks = find_callbacks(search.estimator)[0] or ""
        epochs = callbacks.removesuffix("callbacks") + "epochs"
        max_epochs = self.space.highest_epochs(epochs, search.estimator.get_params().get(epochs))
        while not self.is_over() and (trial := shared.ask()) is not None:
            try:
                params = self.space.suggest(trial)
            except optuna.TrialPruned:  # how a function says that values do not go together
                self.take(Outcome(trial.number, "PRUNED"))
                continue
            self.space.keep(trial, params)
            self.in_work[trial.number] = params
            yield (  # the rows as items of their own: workers share them
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

    def take(self, outcome: Outcome) -> None:
        """Write a finished trial down and tell of it."""
        search, shared = self.search, self.shared
        value = None
        if outcome.state == "COMPLETE":
            value = mean_score(outcome.folds, self.objective, search.error_score)
            if not np.isfinite(value):
                outcome.state = "FAIL"
                outcome.error = f"the score {value} is not a finite number"
        trial = shared.tell(outcome, value)
        self.in_work.pop(outcome.number, None)
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

    def stop(self) -> None:
        """Begin no further trial."""
        self.stopped = True

    def describe_work(self) -> str:
        """Return which trials were running, with parameters and fold."""
        told = []
        for number, params in self.in_work.items():
            try:
                fold = json.loads((Path(self.folder) / f"{number}.json").read_text())["fold"]
                told.append(f"trial {number} (fold {fold}, {params})")
            except (OSError, ValueError):
                told.append(f"trial {number} ({params})")
        return " or ".join(told) or "an unknown trial"
