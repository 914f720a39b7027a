"""Take part in scikit-learn's callbacks, where it has them."""

from collections.abc import Callable
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # TODO(sklearn>=1.9): remove; before, there is no `set_callbacks`

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in where scikit-learn has no callbacks yet."""

    def with_callbacks(method: Any) -> Any:
        """Leave the method as it is."""
        return method


__all__ = ["CallbackSupportMixin", "FitTasks", "with_callbacks"]


class FitTasks:
    """Tells what is set by `set_callbacks` of a fit and, for a network, of each epoch.

    Parameters
    ----------
    estimator : estimator
        The one that is fitted, in a method under `with_callbacks`.
    X, y, sample_weight : array-likes, the last two possibly None
        What it is fitted on.
    epochs : int, default=0
        Epochs at most.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any = None, *, epochs: int = 0
    ) -> None:
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._told = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._fit: Any = None
        if hasattr(estimator, "_init_callback_context"):
            self._fit = estimator._init_callback_context(max_subtasks=epochs)
            self._fit.call_on_fit_task_begin(**self._told)

    def begin_epoch(self) -> None:
        """Tell that an epoch begins."""
        if self._fit is not None:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(**self._told)

    def end_epoch(self, attributes: Callable[[], dict[str, Any]]) -> bool:
        """Tell that the epoch has ended; say whether a callback wants to stop.

        `attributes` returns all that the estimator needs to predict as it is after the epoch.
        """
        if self._fit is None:
            return False
        stop: bool = self._epoch.call_on_fit_task_end(
            **self._told, reconstruction_attributes=attributes
        )
        return stop

    def end(self) -> None:
        """Tell that the fit has ended, and that the estimator has all it has learned."""
        if self._fit is not None:
            self._fit.call_on_fit_task_end(**self._told, reconstruction_attributes={})
