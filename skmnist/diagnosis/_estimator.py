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
