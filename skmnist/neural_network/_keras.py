"""Hand a run to scikeras, which fits the network (the only import of scikeras)."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
import numpy as np
import sklearn
from scikeras.wrappers import KerasClassifier

from skmnist._estimator import warn_caller
from skmnist.neural_network import _engine
from skmnist.neural_network._tensorflow import quiet
from skmnist.neural_network._training import EpochEvent, Plan, Watch

Array = np.ndarray[Any, Any]


def train(plan: Plan, watch: Watch, X: Array, y: Array, keras_callbacks: list[Any]) -> None:
    """Train by `plan`; `watch` holds what came of it, also when it was interrupted."""
    by_batches = [type(c).__name__ for c in keras_callbacks if _engine.hooks_batches([c])]
    if by_batches:
        warn_caller(
            f"{', '.join(by_batches)} must be called for each batch, so training runs in Keras's "
            "own, several times slower loop; a callback that hooks epochs alone does not cost that."
        )
    seed = int(plan.rng.integers(2**31)) if by_batches else None
    with _model_for(plan, watch, seed) as model:
        scikeras = KerasClassifier(
            model=lambda: model,
            loss="sparse_categorical_crossentropy",
            optimizer=model.optimizer,
            batch_size=plan.batch_size,
            epochs=plan.epochs,
            shuffle=plan.shuffle,
            callbacks=keras_callbacks,
            verbose=0,
            # seeds tensorflow's global generator, for Keras's own loop only
            random_state=seed,
        )
        try:
            with sklearn.config_context(assume_finite=True):  # X was looked through already
                scikeras.fit(X, y, plan=plan, watch=watch)
        except KeyboardInterrupt:
            if watch.weights is None:
                raise
            watch.stop_reason = "interrupted"


@contextmanager
def _model_for(plan: Plan, watch: Watch, seed: int | None) -> Iterator[Any]:
    if seed is None:
        with _engine.borrow_model(plan, watch) as model:
            yield model
    else:  # Keras's loop, whose callbacks may do anything to the model
        with watch.set_up():
            model = _engine.build_model(
                plan.network, plan.optimizer, dropout=plan.dropout, l2=plan.l2, seed=seed
            )
        yield model


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
    with quiet():
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
