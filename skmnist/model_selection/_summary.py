"""Summaries of a search, for people to read."""

from dataclasses import dataclass
from typing import Any

from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import TrialState

from skmnist.model_selection._study import error_of, finished_trials

MIN_RATED_TRIALS = 10  # chosen by us: with fewer trials a forest fits noise
_ORDER = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@dataclass(frozen=True)
class TrialSummary:
    """One trial that has ended.

    The parameters are attributes as well.

    Parameters
    ----------
    number : int
    state : {"COMPLETE", "PRUNED", "FAIL"}
    score : float or None
        Mean over the folds; None if not all of them were finished.
    n_epochs : int
        Epochs trained, all folds together; 0 if the estimator does not train in epochs.
    params : dict
        The parameters that were tried.
    error : str
        The reason why it failed, or empty.
    """

    number: int
    state: str
    score: float | None
    n_epochs: int
    params: dict[str, Any]
    error: str = ""


def summarize_trials(study: Any) -> list[TrialSummary]:
    """Return the trials that have ended, the best first, and those without a score last.

    Trials that were given up by Ctrl-C, or whose process has ended, are left out.

    Parameters
    ----------
    study : optuna.Study
        One that maximizes.
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
    """Return the share of the variance of the score that each parameter explains (fANOVA).

    Parameters
    ----------
    study : optuna.Study
    seed : int, default=0
        Seed of the forest.

    Returns
    -------
    shares : dict of str to float
        The largest first; their sum is 1. Empty if fewer than 10 trials were finished, or if all
        of them have the same score.

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
