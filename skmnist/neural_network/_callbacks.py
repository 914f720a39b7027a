"""Who is told of each epoch: functions, Keras callbacks, and scikit-learn's own."""

from collections.abc import Callable, Sequence
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # TODO(sklearn>=1.9): remove; before, there is no `set_callbacks`

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in where scikit-learn has no callbacks yet."""

    def with_callbacks(method: Any) -> Any:
        """Leave the method as it is."""
        return method


__all__ = ["CallbackSupportMixin", "EpochTasks", "sort_callbacks", "with_callbacks"]


def sort_callbacks(callbacks: Any) -> tuple[list[Any], list[Any]]:
    """Return the functions and the Keras callbacks among `callbacks`."""
    if callbacks is None:
        callbacks = []
    elif not isinstance(callbacks, Sequence):
        callbacks = [callbacks]
    functions: list[Any] = []
    keras_callbacks: list[Any] = []
    for callback in callbacks:
        is_keras = hasattr(callback, "set_model")
        if isinstance(callback, type) or not (is_keras or callable(callback)):
            raise TypeError(
                f"callbacks={callback!r} must be a keras.callbacks.Callback instance, or a "
                "function that takes one EpochEvent, or a list of these."
            )
        (keras_callbacks if is_keras else functions).append(callback)
    return functions, keras_callbacks


class EpochTasks:
    """Tells the callbacks of scikit-learn's `set_callbacks` of the fit and of each epoch.

    Parameters
    ----------
    estimator : CallbackSupportMixin
        The one that is fitted, in a method under `with_callbacks`.
    epochs : int
        Epochs at most.
    attributes : callable
        From the weights of an epoch to all that the estimator needs to predict with them.
    X, y, sample_weight : ndarrays, the last possibly None
        What the estimator is fitted on.
    """

    def __init__(
        self,
        estimator: Any,
        epochs: int,
        attributes: Callable[[list[Any]], dict[str, Any]],
        *,
        X: Any,
        y: Any,
        sample_weight: Any,
    ) -> None:
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._told = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._attributes = attributes
        self._fit = estimator._init_callback_context(max_subtasks=epochs)
        self._fit.call_on_fit_task_begin(**self._told)

    def begin(self) -> None:
        """Tell that an epoch begins."""
        self._epoch = self._fit.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._told)

    def end(self, read_weights: Callable[[], list[Any]]) -> bool:
        """Tell that the epoch has ended; say whether a callback wants to stop."""
        stop: bool = self._epoch.call_on_fit_task_end(
            **self._told, reconstruction_attributes=lambda: self._attributes(read_weights())
        )
        return stop

    def finish(self) -> None:
        """Tell that the fit has ended, and that the estimator has all it has learned."""
        self._fit.call_on_fit_task_end(**self._told, reconstruction_attributes={})
