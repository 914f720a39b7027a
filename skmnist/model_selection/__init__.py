"""Cross-validation and hyperparameter search."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from skmnist.model_selection._refit import best_without_overfitting
from skmnist.model_selection._validation import CrossValidation, cross_validate

if TYPE_CHECKING:
    from skmnist.model_selection._search import OptunaSearchCV
    from skmnist.model_selection._space import get_search_space
    from skmnist.model_selection._storage import StorageError
    from skmnist.model_selection._summary import TrialSummary, rate_parameters, summarize_trials

_HOMES = {  # these import Optuna
    "OptunaSearchCV": "_search",
    "StorageError": "_storage",
    "TrialSummary": "_summary",
    "get_search_space": "_space",
    "rate_parameters": "_summary",
    "summarize_trials": "_summary",
}

__all__ = [
    "CrossValidation",
    "OptunaSearchCV",
    "StorageError",
    "TrialSummary",
    "best_without_overfitting",
    "cross_validate",
    "get_search_space",
    "rate_parameters",
    "summarize_trials",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
