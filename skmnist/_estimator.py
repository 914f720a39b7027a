"""What every estimator here has beside scikit-learn's own `BaseEstimator`."""

import functools
import inspect
import sys
import warnings
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, Self

import numpy as np
from sklearn import config_context
from sklearn.base import BaseEstimator

from skmnist import __version__
from skmnist._callbacks import CallbackSupportMixin

_VERSION_KEY = "_skmnist_version"
_INNER = ("contextlib", "joblib", "keras", "numpy", "scikeras", "skmnist", "sklearn")


def refuse_unknown(init: Callable[..., None]) -> Callable[..., None]:
    """Decorate an `__init__`, so that a misspelt parameter is answered with the right name."""
    known = list(inspect.signature(init).parameters)[1:]

    @functools.wraps(init)
    def checked_init(self: Any, *args: Any, **parameters: Any) -> None:
        for name in parameters:
            if name not in known:
                raise TypeError(_unknown(self, name, known))
        init(self, *args, **parameters)

    return checked_init


def with_default_settings(method: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a method whose result no global setting of NumPy or scikit-learn should change."""

    @functools.wraps(method)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with (
            np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"),
            config_context(array_api_dispatch=False),  # everything is computed by NumPy
        ):
            return method(*args, **kwargs)

    return wrapped


def name_meant(name: str, known: Iterable[str]) -> str:
    """Say which of some parameters was meant, or which ones there are."""
    close = get_close_matches(name, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"It has {', '.join(sorted(known))}."


def _unknown(estimator: Any, name: str, known: Iterable[str]) -> str:
    return f"{type(estimator).__name__} has no parameter {name!r}. {name_meant(name, known)}"


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called us, past our own frames and those of libraries."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in _INNER:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level + 1)


class Estimator(CallbackSupportMixin, BaseEstimator):
    """A `BaseEstimator` that helps with misspelt parameters and tells of an older pickle."""

    def set_params(self, **params: Any) -> Self:
        """Set parameters of this estimator.

        Parameters
        ----------
        **params : dict
            Names and values, as `__init__` takes them.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            There is no such parameter; the message names the nearest one.
        """
        known = self.get_params(deep=False)
        for name in params:
            if name not in known:
                raise ValueError(_unknown(self, name, known))
        return super().set_params(**params)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return {**state, _VERSION_KEY: __version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        version = state.pop(_VERSION_KEY, "an unknown version")
        if version != __version__:
            warnings.warn(
                f"This {type(self).__name__} was pickled by skmnist {version} and is loaded by "
                f"{__version__}; check its predictions, or train it anew.",
                UserWarning,
                stacklevel=2,
            )
        super().__setstate__(state)
