"""Train networks with scikeras and Keras. This is the only module that imports scikeras."""

import io
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
import numpy as np
import sklearn
from scikeras.wrappers import BaseWrapper

from skmnist._estimator import warn_caller
from skmnist.neural_network import _engine
from skmnist.neural_network._program import VALIDATION_ROWS
from skmnist.neural_network._training import EpochEvent, Plan, Watch

Array = np.ndarray[Any, Any]


def train(plan: Plan, watch: Watch, X: Array, y: Array, keras_callbacks: list[Any]) -> None:
    """Train as described by `plan`, and store the result in `watch`, even after Ctrl-C.

    Ctrl-C raises KeyboardInterrupt if there are no weights to keep yet, or if joblib runs this fit.
    In the latter case, a search would otherwise score the interrupted network and continue with the
    next fold.

    Parameters
    ----------
    plan : Plan
    watch : Watch
    X : ndarray of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,)
        Index of the class of each row.
    keras_callbacks : list of keras.callbacks.Callback
    """
    _engine.check_mode()
    by_batches = [type(c).__name__ for c in keras_callbacks if _engine.hooks_batches([c])]
    compiled_only = {
        "augmentation": plan.network.deformation is not None,
        "ema_momentum": plan.optimizer.ema_momentum is not None,
    }
    for parameter, used in compiled_only.items():
        if by_batches and used:
            raise ValueError(
                f"callbacks has {', '.join(by_batches)}, which must be called for each batch, but "
                f"{parameter} works only in compiled epochs. Pass {parameter}=None, or callbacks "
                "without batch hooks."
            )
    if by_batches:
        warn_caller(
            f"{', '.join(by_batches)} must be called for each batch, so training uses Keras's "
            "own loop, which is several times slower; callbacks without batch hooks avoid this."
        )
    # X is already validated; pandas or polars output would change the arrays of scikeras
    settings = sklearn.config_context(assume_finite=True, transform_output="default")
    try:
        with settings, _release_after_training(keras_callbacks):
            if by_batches:
                _train_by_batches(plan, watch, X, y, keras_callbacks)
            else:
                # not KerasClassifier, which would encode the labels of each call separately, but a
                # batch of partial_fit may lack a class
                with _engine.borrow_network(plan, watch) as network:
                    scikeras = BaseWrapper(model=lambda: network, callbacks=keras_callbacks)
                    scikeras.fit(X, y, plan=plan, watch=watch)
    except KeyboardInterrupt:
        if watch.weights is None or _runs_in_joblib():
            raise
        watch.stop_reason = "interrupted"


def _runs_in_joblib() -> bool:
    """Return whether joblib runs this fit, for example as a fold of a search."""
    stack = traceback.walk_stack(None)
    return any(frame.f_globals.get("__name__") == "joblib.parallel" for frame, _ in stack)


def _train_by_batches(
    plan: Plan, watch: Watch, X: Array, y: Array, keras_callbacks: list[Any]
) -> None:
    """Train in Keras's own loop, for callbacks with batch hooks."""
    seed = int(plan.rng.integers(2**31))
    with _engine.keras_defaults(plan.network.dtype):
        with watch.set_up():
            model = _engine.build_model(
                plan.network, plan.optimizer, dropout=plan.dropout, l2=plan.l2, seed=seed
            )
            _engine.set_start(model, plan)
        with _engine.WatchInKeras(plan, watch) as watching:
            scikeras = BaseWrapper(
                model=lambda: model,
                batch_size=plan.batch_size,
                epochs=plan.epochs,
                shuffle=plan.shuffle,
                callbacks=[*keras_callbacks, watching],
                verbose=0,
                random_state=seed,  # for tensorflow's global generator
                fit__validation_data=plan.validation_rows_of(X, y),
                fit__validation_batch_size=VALIDATION_ROWS,
            )
            rows, weight = plan.train_rows, plan.train_weight
            scikeras.fit(X[rows], y[rows], None if weight is None else weight[rows])
        watch.end_training(model.get_weights(), _engine.get_state(model))


@contextmanager
def _release_after_training(callbacks: Sequence[keras.callbacks.Callback]) -> Iterator[None]:
    """Remove models, weights and closed files from the callbacks after training.

    Callbacks are parameters of the estimator, so these objects would stay in memory and be pickled
    with it. Keras sets them again in the next training. Results such as `stopped_epoch` are kept.
    """
    try:
        yield
    finally:
        for callback in callbacks:
            for name, value in list(vars(callback).items()):
                closed = isinstance(value, io.IOBase) and value.closed  # of CSVLogger
                if closed or name == "best_weights" or isinstance(value, keras.Model):
                    setattr(callback, name, None)


def make_server() -> _engine.EpochServer:
    """Create the object that runs epochs in a worker process."""
    return _engine.EpochServer()


def make_keras_model(
    image_shape: tuple[int, ...], activation: str, dropout: float, weights: list[Array]
) -> Any:
    """Build a Keras model of Flatten and Dense layers with the learned weights."""
    dtype = str(weights[0].dtype)
    # zeros and a seed, so that Keras does not use global random generators
    dense = partial(keras.layers.Dense, kernel_initializer="zeros", dtype=dtype)
    layers: list[Any] = [
        keras.layers.Input(image_shape, dtype=dtype),
        keras.layers.Flatten(dtype=dtype),
    ]
    for kernel in weights[:-2:2]:
        layers.append(dense(kernel.shape[1], activation))
        if dropout:
            layers.append(keras.layers.Dropout(dropout, seed=0, dtype=dtype))
    layers.append(dense(weights[-1].shape[0], "softmax"))
    with _engine.keras_defaults(dtype):
        model = keras.Sequential(layers)
        model.set_weights(weights)
    return model


class EachEpoch(keras.callbacks.Callback):
    """Call a function with an `EpochEvent` after each epoch of any Keras model.

    The best epoch and the times are not known; they are set to 0 and NaN.
    """

    def __init__(self, function: Any) -> None:
        super().__init__()
        self._function = function

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        unknown = float("nan")
        self._function(
            EpochEvent(
                epoch=epoch + 1,
                epochs=self.params["epochs"],
                logs=dict(logs or {}),
                best_epoch=0,
                seconds=unknown,
                eta=unknown,
            )
        )
