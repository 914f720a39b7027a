"""The trials of a search and the importance of its parameters."""

from dataclasses import dataclass
from typing import Any

from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import TrialState

from skmnist.model_selection._storage import explain_failure, show_storage
from skmnist.model_selection._study import error_of, finished_trials
from skmnist.model_selection._trial import FOLD_STEPS

MIN_RATED_TRIALS = 10  # chosen for this package: with fewer trials, a random forest fits noise
_ORDER = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@dataclass(frozen=True)
class TrialSummary:
    """One finished trial of a search.

    The parameters are attributes as well.

    Parameters
    ----------
    number : int
        Number of the trial in its study.
    state : {"COMPLETE", "PRUNED", "FAIL"}
        How the trial ended.
    score : float or None
        Mean over the folds of the score that the search maximizes; None if the trial was not
        completed.
    n_epochs : int
        Number of epochs trained in all folds together; 0 if the estimator does not report epochs.
    params : dict
        The parameters of the trial.
    error : str
        Why the trial failed; otherwise empty.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmnist import OptunaSearchCV
    >>> from skmnist.model_selection import summarize_trials
    >>> search = OptunaSearchCV(DecisionTreeClassifier(), {"max_depth": [2, 8]}, n_trials=2, cv=2)
    >>> trials = summarize_trials(search.fit(*load_digits(return_X_y=True)))
    >>> [trial.state for trial in trials]
    ['COMPLETE', 'COMPLETE']
    """

    number: int
    state: str
    score: float | None
    n_epochs: int
    params: dict[str, Any]
    error: str = ""


def summarize_trials(search: Any) -> list[TrialSummary]:
    """Return the finished trials of a search: completed ones by score, then pruned, then failed.

    Trials that were interrupted, or whose process was killed, are left out.

    Parameters
    ----------
    search : OptunaSearchCV
        A search that was fitted, or interrupted in `fit`.

    Returns
    -------
    trials : list of TrialSummary
        One for each finished trial.

    Raises
    ------
    StorageError
        The storage of the study cannot be read.
    """

    def rank(trial: Any) -> tuple[int, float, int]:
        scored = trial.state is TrialState.COMPLETE
        # the pruned trials that lasted longest came closest to the best one
        merit = trial.value if scored else len(trial.intermediate_values)
        return _ORDER.index(trial.state), -merit, trial.number

    with explain_failure(show_storage(search.storage), "read"):
        trials = sorted(finished_trials(search.study_), key=rank)
    return [
        TrialSummary(
            number=trial.number,
            state=trial.state.name,
            score=trial.value if trial.state is TrialState.COMPLETE else None,
            n_epochs=_count_epochs(trial),
            params=dict(trial.params),
            error=error_of(trial),
        )
        for trial in trials
    ]


def _count_epochs(trial: Any) -> int:
    """Return the number of epochs that a trial has reported, or 0 if it reported only its folds."""
    steps = trial.intermediate_values
    has_epochs = any((step + 1) % FOLD_STEPS for step in steps)
    return len(steps) if has_epochs else 0


def rate_parameters(search: Any, *, seed: int = 0) -> dict[str, float]:
    """Return the share of the variance in score that each parameter explains, estimated by fANOVA.

    Parameters
    ----------
    search : OptunaSearchCV
        A fitted search.
    seed : int, default=0
        Seed for the random forest that fANOVA fits.

    Returns
    -------
    shares : dict of str to float
        Largest first; they sum to 1. Empty if fewer than 10 trials were completed, or if all
        scores are equal.

    Raises
    ------
    StorageError
        The storage of the study cannot be read.

    References
    ----------
    F. Hutter, H. Hoos, K. Leyton-Brown: An efficient approach for assessing hyperparameter
    importance. ICML 2014, 754-762.
    """
    study = search.study_
    with explain_failure(show_storage(search.storage), "read"):
        completed = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(completed) < MIN_RATED_TRIALS or len({trial.value for trial in completed}) < 2:
            return {}
        found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=seed))
    return dict(sorted(found.items(), key=lambda item: -item[1]))
