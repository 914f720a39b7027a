"""Hand a run to scikeras, which fits the network (the only import of scikeras)."""

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
from skmnist.neural_network._training import EpochEvent, Plan, Watch

Array = np.ndarray[Any, Any]


def train(plan: Plan, watch: Watch, X: Array, y: Array, keras_callbacks: list[Any]) -> None:
    """Train by `plan`; `watch` holds the result, also after Ctrl-C.

    In a loop of joblib's Ctrl-C is raised instead: a search would score the network that was cut
    short, and go on with the next fold.

    `BaseWrapper` and not `KerasClassifier` hands rows and labels to the network: the latter
    numbers the labels of each call anew, and a batch of `partial_fit` may lack a class.
    """
    _engine.check_mode()
    by_batches = [type(c).__name__ for c in keras_callbacks if _engine.hooks_batches([c])]
    if by_batches and plan.network.deformation:
        raise ValueError(
            f"callbacks has {', '.join(by_batches)}, which must be called for each batch, but "
            "augmentation deforms images inside the compiled epoch. Pass augmentation=None, or a "
            "callback that hooks epochs only."
        )
    if by_batches:
        warn_caller(
            f"{', '.join(by_batches)} must be called for each batch, so training runs in Keras's "
            "own, several times slower loop; a callback that hooks epochs alone does not cost that."
        )
    run = _train_by_batches if by_batches else _train_by_epochs
    # X was checked before; pandas or polars output would change what scikeras hands on
    settings = sklearn.config_context(assume_finite=True, transform_output="default")
    try:
        with settings, _released(keras_callbacks):
            run(plan, watch, X, y, keras_callbacks)
    except KeyboardInterrupt:
        if watch.weights is None or _runs_in_joblib():
            raise
        watch.stop_reason = "interrupted"


def _runs_in_joblib() -> bool:
    """Say whether joblib called this fit, for a fold of a search or a member of an ensemble."""
    stack = traceback.walk_stack(None)
    return any(frame.f_globals.get("__name__") == "joblib.parallel" for frame, _ in stack)


def _train_by_epochs(
    plan: Plan, watch: Watch, X: Array, y: Array, keras_callbacks: list[Any]
) -> None:
    with _engine.borrow_network(plan, watch) as network:
        scikeras = BaseWrapper(model=lambda: network, callbacks=keras_callbacks)
        scikeras.fit(X, y, plan=plan, watch=watch)


def _train_by_batches(
    plan: Plan, watch: Watch, X: Array, y: Array, keras_callbacks: list[Any]
) -> None:
    """Train in Keras's own loop, for callbacks that must see each batch."""
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
                random_state=seed,  # of tensorflow's global generator
                fit__validation_data=plan.validation_rows_of(X, y),
                fit__validation_batch_size=_engine.VALIDATION_ROWS,
            )
            rows, weight = plan.train_rows, plan.train_weight
            scikeras.fit(X[rows], y[rows], None if weight is None else weight[rows])
        watch.trained(model.get_weights(), _engine.get_state(model))


@contextmanager
def _released(callbacks: Sequence[keras.callbacks.Callback]) -> Iterator[None]:
    """Take from the callbacks what they need in training only: model, weights, closed files.

    They are parameters of the estimator, which would keep all of it and pickle it. Keras sets it
    anew when the next training begins. What they report, such as `stopped_epoch`, stays.
    """
    try:
        yield
    finally:
        for callback in callbacks:
            for name, value in list(vars(callback).items()):
                closed = isinstance(value, io.IOBase) and value.closed  # CSVLogger's
                if closed or name == "best_weights" or isinstance(value, keras.Model):
                    setattr(callback, name, None)


def make_keras_model(
    image_shape: tuple[int, ...], activation: str, dropout: float, weights: list[Array]
) -> Any:
    """Build a plain Keras model with learned weights: Flatten, then the Dense layers."""
    dtype = str(weights[0].dtype)
    # zeros and a seed: Keras would draw from global generators
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
    """Calls a function with an `EpochEvent`, from a training of somebody else's."""

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
