"""The base class of all estimators except the search, and support for scikit-learn's callbacks."""

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

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # TODO(sklearn>=1.9): remove; older versions lack `set_callbacks`

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Replacement in versions of scikit-learn without callbacks."""

    def with_callbacks(method: Any) -> Any:
        """Return the method unchanged."""
        return method


__all__ = [
    "Estimator",
    "FitTasks",
    "refuse_unknown",
    "suggest_name",
    "warn_caller",
    "with_callbacks",
    "with_default_settings",
]

_VERSION_KEY = "_skmnist_version"
_INNER = ("contextlib", "joblib", "keras", "numpy", "scikeras", "skmnist", "sklearn")


def refuse_unknown(init: Callable[..., None]) -> Callable[..., None]:
    """Decorate `__init__` so that it suggests the correct name for a misspelled parameter."""
    known = list(inspect.signature(init).parameters)[1:]

    @functools.wraps(init)
    def checked_init(self: Any, *args: Any, **parameters: Any) -> None:
        for name in parameters:
            if name not in known:
                raise TypeError(_describe_unknown(self, name, known))
        init(self, *args, **parameters)

    return checked_init


def with_default_settings(method: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a method so that it computes with NumPy and NumPy's default error handling."""

    @functools.wraps(method)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with (
            np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"),
            config_context(array_api_dispatch=False),  # compute with NumPy
        ):
            return method(*args, **kwargs)

    return wrapped


def suggest_name(name: str, known: Iterable[str]) -> str:
    """Return a sentence that suggests the closest name or, if none is close, lists all names."""
    close = get_close_matches(name, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"It has {', '.join(sorted(known))}."


def _describe_unknown(estimator: Any, name: str, known: Iterable[str]) -> str:
    return f"{type(estimator).__name__} has no parameter {name!r}. {suggest_name(name, known)}"


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Emit a warning that points to the line of the user's code that caused it."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in _INNER:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level + 1)


class Estimator(CallbackSupportMixin, BaseEstimator):
    """Base class that suggests parameter names and warns about pickles from other versions."""

    def set_params(self, **params: Any) -> Self:
        """Set parameters of this estimator.

        Parameters
        ----------
        **params : dict
            Names and values of parameters.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If a parameter does not exist. The message suggests the closest name.
        """
        known = self.get_params(deep=False)
        for name in params:
            if name.partition("__")[0] not in known:
                raise ValueError(_describe_unknown(self, name, known))
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
                f"{__version__}; check its predictions, or fit it again.",
                UserWarning,
                stacklevel=2,
            )
        super().__setstate__(state)


class FitTasks:
    """Notify the callbacks set by `set_callbacks` of a fit and, for networks, of each epoch.

    Parameters
    ----------
    estimator : estimator
        The estimator being fitted, in a method decorated with `with_callbacks`.
    X, y, sample_weight : array-like or None
        Training data.
    epochs : int, default=0
        Maximum number of epochs; 0 if the estimator does not train in epochs.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any = None, *, epochs: int = 0
    ) -> None:
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._data = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._fit: Any = None
        if hasattr(estimator, "_init_callback_context"):
            self._fit = estimator._init_callback_context(max_subtasks=epochs)
            self._fit.call_on_fit_task_begin(**self._data)

    def begin_epoch(self) -> None:
        """Notify the callbacks that an epoch begins."""
        if self._fit is not None:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(**self._data)

    def end_epoch(self, attributes: Callable[[], dict[str, Any]]) -> bool:
        """Notify the callbacks that an epoch has ended.

        Return whether any of them requests that training stop.

        `attributes` returns the fitted attributes needed to predict with the current weights.
        """
        if self._fit is None:
            return False
        stop: bool = self._epoch.call_on_fit_task_end(
            **self._data, reconstruction_attributes=attributes
        )
        return stop

    def end(self) -> None:
        """Notify the callbacks that the fit has ended; all fitted attributes must be set."""
        if self._fit is not None:
            self._fit.call_on_fit_task_end(**self._data, reconstruction_attributes={})
