"""Find the estimator that learned, inside what it was wrapped in."""

from typing import Any


def get_core(estimator: Any) -> Any:
    """Return the last step of a Pipeline, the best of a search, or the estimator itself."""
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "steps"):
            estimator = estimator.steps[-1][1]
        else:
            return estimator


def was_interrupted(estimator: Any) -> bool:
    """Say whether Ctrl-C cut short the training of an estimator or of one that it consists of."""
    core = get_core(estimator)
    members = [*getattr(core, "estimators_", ()), *getattr(core, "calibrated_classifiers_", ())]
    parts = [core, *(get_core(getattr(member, "estimator", member)) for member in members)]
    return any(getattr(part, "stop_reason_", "") == "interrupted" for part in parts)
