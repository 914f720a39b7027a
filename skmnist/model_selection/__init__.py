"""Choosing: cross-validation and search, as scikit-learn has them, and what the epochs tell."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skmnist.model_selection._search import OptunaSearchCV
    from skmnist.model_selection._space import get_search_space

_HOMES = {"OptunaSearchCV": "_search", "get_search_space": "_space"}  # these import Optuna

__all__ = ["OptunaSearchCV", "get_search_space"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
