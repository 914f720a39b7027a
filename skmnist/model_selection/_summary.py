"""Summaries of a study: its trials, and which parameters mattered."""

from dataclasses import dataclass
from typing import Any

from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import TrialState

from skmnist.model_selection._study import error_of, finished_trials

MIN_RATED_TRIALS = 10  # chosen by us: with fewer, importances are noise
_ORDER = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@dataclass(frozen=True)
class TrialSummary:
    """One finished trial.

    Attributes
    ----------
    number : int
    state : {"COMPLETE", "PRUNED", "FAIL"}
    score : float or None
        Mean over the folds; None if the trial did not complete.
    n_epochs : int
        Epochs of all folds together; 0 if the estimator has no epochs.
    params : dict
        Parameters of the trial.
    error : str
        Reason for the failure, or an empty string.
    """

    number: int
    state: str
    score: float | None
    n_epochs: int
    params: dict[str, Any]
    error: str = ""


def summarize_trials(study: Any) -> list[TrialSummary]:
    """Return the finished trials, best first, those without a score last.

    Trials that were taken back after Ctrl-C, or because their process ended, are left out.

    Parameters
    ----------
    study : optuna.Study
        A study that is maximized.
    """

    def rank(trial: Any) -> tuple[int, float, int]:
        scored = trial.state is TrialState.COMPLETE
        # of the pruned trials, those that lasted longest came closest
        merit = trial.value if scored else len(trial.intermediate_values)
        return _ORDER.index(trial.state), -merit, trial.number

    return [
        TrialSummary(
            number=trial.number,
            state=trial.state.name,
            score=trial.value if trial.state is TrialState.COMPLETE else None,
            n_epochs=len(trial.intermediate_values),
            params=dict(trial.params),
            error=error_of(trial),
        )
        for trial in sorted(finished_trials(study), key=rank)
    ]


def rate_parameters(study: Any, *, seed: int = 0) -> dict[str, float]:
    """Return the share of the variance of the score that each parameter explains, by fANOVA.

    Parameters
    ----------
    study : optuna.Study
    seed : int, default=0
        Seed of the random forest.

    Returns
    -------
    shares : dict of str to float
        In decreasing order, with a sum of 1. Empty if fewer than `MIN_RATED_TRIALS` trials
        completed, or if all have the same score.

    References
    ----------
    F. Hutter, H. Hoos, K. Leyton-Brown: An efficient approach for assessing hyperparameter
    importance. ICML 2014, 754-762.
    """
    values = {
        trial.number: trial.value
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    }
    if len(values) < MIN_RATED_TRIALS or len(set(values.values())) < 2:
        return {}
    found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=seed))
    return dict(sorted(found.items(), key=lambda item: -item[1]))
