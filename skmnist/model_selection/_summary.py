"""What a search has found, for people to read."""

from dataclasses import dataclass
from typing import Any

from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import TrialState

from skmnist.model_selection._study import error_of, finished_trials

MIN_RATED_TRIALS = 10  # ours to choose: of fewer a forest makes a story about any parameter
_ORDER = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@dataclass(frozen=True)
class TrialSummary:
    """One trial that has ended.

    Attributes
    ----------
    number : int
    state : {"COMPLETE", "PRUNED", "FAIL"}
    score : float or None
        Mean over the folds; None where not all of them were done.
    n_epochs : int
        Epochs trained, those of all folds together; 0 where the estimator has none.
    params : dict
        What was tried.
    error : str
        Why it failed, else empty.
    """

    number: int
    state: str
    score: float | None
    n_epochs: int
    params: dict[str, Any]
    error: str = ""


def summarize_trials(study: Any) -> list[TrialSummary]:
    """Return the trials that have ended, the best first, those without a score last.

    Those that were taken back, by Ctrl-C or because their process is gone, are left out.

    Parameters
    ----------
    study : optuna.Study
        One that maximizes.
    """

    def rank(trial: Any) -> tuple[int, float, int]:
        scored = trial.state is TrialState.COMPLETE
        # of those that were stopped, the ones that lasted longest came closest
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
    """Return the share of the differences in score that each parameter explains.

    By fANOVA: a forest learns the score from the parameters, and its variance is taken apart.

    Parameters
    ----------
    study : optuna.Study
    seed : int, default=0
        Of the forest.

    Returns
    -------
    shares : dict of str to float
        The largest first, together 1. Empty where fewer than `MIN_RATED_TRIALS` trials were
        finished, or where all of them scored the same.

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
