"""Keras networks that train an epoch in one compiled program, and are kept for the next fit.

`keras.Model.fit` spends most of its time between the steps. `EpochModel` is a Keras model whose
`fit` runs a compiled program per epoch (`_program.py`) instead.

What XLA has compiled it keeps until the process ends (about 12 MB per architecture were seen), also
when the model here is gone: a search over hundreds of architectures belongs into worker processes.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from skmnist.neural_network._program import VALIDATION_ROWS, Program
from skmnist.neural_network._tensorflow import quiet
from skmnist.neural_network._training import Network, Optimizer, Plan, Watch

Array = np.ndarray[Any, Any]

MAX_MODELS = 8  # idle networks kept for reuse in a process; the longest unused goes first
MAX_PROGRAMS = 4  # compiled programs kept per network

_idle: list[tuple[tuple[Network, Optimizer], "EpochModel"]] = []
_idle_lock = threading.Lock()


@contextmanager
def borrow_model(plan: Plan, watch: Watch) -> Iterator["EpochModel"]:
    """Lend a model that nobody else uses meanwhile, with its compiled programs if it has any."""
    key = (plan.network, plan.optimizer)
    with _idle_lock:
        at = next((i for i, (known, _) in enumerate(_idle) if known == key), None)
        model = None if at is None else _idle.pop(at)[1]
    if model is None:
        with watch.set_up():
            model = build_model(*key)
    try:
        yield model
    finally:  # whatever a run left behind, the next one sets weights and optimizer anew
        with _idle_lock:
            _idle.append((key, model))
            del _idle[:-MAX_MODELS]


@quiet()
def build_model(
    network: Network,
    optimizer: Optimizer,
    *,
    dropout: float = 0.0,
    l2: float = 0.0,
    seed: int | None = None,
) -> "EpochModel":
    """Build and compile the Keras network.

    `dropout` and `l2` become Keras layers and regularizers, for Keras's own training loop; the
    compiled epoch takes them as arguments instead.
    """
    layers = keras.layers
    penalty = keras.regularizers.L2(l2) if l2 else None
    # zeros: the weights are set before each run, and Keras would draw from global generators
    dense = partial(
        layers.Dense,
        kernel_initializer="zeros",
        kernel_regularizer=penalty,
        dtype=network.dtype,
    )
    model = EpochModel(name="mlp")
    model.add(layers.Input((network.n_features,), dtype=network.dtype))
    # named, since Keras's own count of names begins anew when any thread clears its session
    for at, units in enumerate(network.hidden_layer_sizes, start=1):
        model.add(dense(units, network.activation, name=f"dense_{at}"))
        if dropout:
            model.add(layers.Dropout(dropout, seed=seed, dtype=network.dtype, name=f"dropout_{at}"))
    model.add(dense(network.n_classes, "softmax", name="output"))
    model.compile(
        optimizer=make_optimizer(optimizer),
        loss="sparse_categorical_crossentropy",
        weighted_metrics=["accuracy", "sparse_categorical_crossentropy"],
    )
    model.optimizer.build(model.trainable_variables)
    model.network = network
    model.fresh_optimizer = [variable.numpy() for variable in model.optimizer.variables]
    model.programs = []
    return model


def make_optimizer(optimizer: Optimizer) -> keras.optimizers.Optimizer:
    """Make the Keras optimizer; its learning rate is set before each run."""
    options: dict[str, Any] = {}
    if optimizer.weight_decay is not None:
        options["weight_decay"] = optimizer.weight_decay
    if optimizer.name == "sgd":
        options["momentum"] = optimizer.momentum
    return keras.optimizers.get({"class_name": optimizer.name, "config": options})


class EpochModel(keras.Sequential):
    """A Keras network that trains an epoch in one compiled program."""

    def fit(
        self,
        x: Array,
        y: Array,
        *,
        plan: Plan,
        watch: Watch,
        callbacks: list[Any] | None = None,
        **keras_options: Any,
    ) -> keras.callbacks.History:
        """Train as `keras.Model.fit` does, a compiled epoch at a time.

        Parameters
        ----------
        x : ndarray of shape (n_rows, n_features)
            Rows to train on; `plan` says which of them, and on which to validate.
        y : ndarray of shape (n_rows,) or (n_rows, 1)
            Class of each row, from 0; scikeras makes a column of it.
        plan : Plan
        watch : Watch
            Is told of each epoch and says whether to go on.
        callbacks : list of keras.callbacks.Callback
            Called once per epoch; where one hooks batches, Keras's own loop runs instead.
        keras_options : dict
            What scikeras passes along besides; the plan has its own word for each.

        Returns
        -------
        history : keras.callbacks.History
        """
        callbacks, y = callbacks or [], y.ravel()
        self.set_weights(plan.initial_weights)
        state = plan.optimizer_state or self.fresh_optimizer
        for variable, value in zip(self.optimizer.variables, state, strict=True):
            variable.assign(value)
        self.optimizer.learning_rate.assign(plan.learning_rate)
        self.stop_training = False
        if hooks_batches(callbacks):
            return self._fit_by_batches(x, y, plan, watch, callbacks)
        return self._fit_by_epochs(x, y, plan, watch, callbacks)

    def _fit_by_epochs(
        self, x: Array, y: Array, plan: Plan, watch: Watch, callbacks: list[Any]
    ) -> keras.callbacks.History:
        history = keras.callbacks.History()
        listeners = keras.callbacks.CallbackList(
            [*callbacks, history], model=self, epochs=plan.epochs, verbose=0
        )
        program = self._program_for(plan.n_rows(x), plan.batch_size)
        with watch.set_up():
            program.compile(x, y, plan)
        variables = self.trainable_variables

        def read_weights() -> list[Array]:  # Keras's get_weights looks for the variables anew
            return [variable.value.numpy() for variable in variables]

        data = program.load(x, y, plan)
        last_rate, factor = np.float32(plan.learning_rate), np.float32(1)
        watch.start()
        listeners.on_train_begin()
        for epoch in range(plan.epochs):
            watch.before_epoch()
            listeners.on_epoch_begin(epoch)
            # a callback may have changed the learning rate, as ReduceLROnPlateau does
            rate = np.float32(self.optimizer.learning_rate.numpy()) if callbacks else last_rate
            if rate != last_rate:
                factor = factor * rate / last_rate if last_rate else rate / plan.learning_rate
            rates = plan.learning_rates(epoch) * factor
            logs, finite = program.run(data, plan, rates)
            last_rate = rates[-1]
            listeners.on_epoch_end(epoch, dict(logs))
            if watch.ends(logs, read_weights, finite=finite, asked=self.stop_training):
                break
        listeners.on_train_end()
        watch.trained(read_weights(), [v.numpy() for v in self.optimizer.variables])
        return history

    def _program_for(self, n_rows: int, batch_size: int) -> Program:
        for program in self.programs:
            if program.serves(n_rows, batch_size):
                return program
        program = Program(self, self.network, n_rows, batch_size)
        self.programs.append(program)
        del self.programs[:-MAX_PROGRAMS]
        return program

    def _fit_by_batches(
        self, x: Array, y: Array, plan: Plan, watch: Watch, callbacks: list[Any]
    ) -> keras.callbacks.History:
        """Train in Keras's own loop, for callbacks that must see each batch."""

        def weights(rows: Array, weight: Array | None) -> Array | None:
            return None if weight is None else weight[rows]

        rows, held_out = plan.train_rows, plan.validation_rows
        validation = plan.validation_data or (x[held_out], y[held_out])
        with _errors_only(), ExitStack() as until_compiled:
            until_compiled.enter_context(quiet())
            history = super().fit(
                x[rows],
                y[rows],
                sample_weight=weights(rows, plan.train_weight),
                batch_size=plan.batch_size,
                epochs=plan.epochs,
                shuffle=plan.shuffle,
                validation_data=(*validation, weights(held_out, plan.validation_weight))
                if len(held_out)
                else None,
                validation_batch_size=VALIDATION_ROWS,
                callbacks=[*callbacks, _WatchInKeras(plan, watch, until_compiled)],
                verbose=0,
            )
        watch.trained(self.get_weights(), [v.numpy() for v in self.optimizer.variables])
        return history


@contextmanager
def _errors_only() -> Iterator[None]:
    """Keep back tensorflow's advice on tracing, which is about code that no caller wrote."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)


def hooks_batches(callbacks: list[Any]) -> bool:
    """Say whether any Keras callback must be called within an epoch."""
    hooks = ["on_test_begin", "on_test_end"]
    for kind in ("", "train_", "test_"):
        hooks += [f"on_{kind}batch_begin", f"on_{kind}batch_end"]
    return any(
        getattr(getattr(callback, hook), "__func__", None)
        is not getattr(keras.callbacks.Callback, hook)
        for callback in callbacks
        for hook in hooks
    )


class _WatchInKeras(keras.callbacks.Callback):
    """Brings the schedule and the watch into Keras's own loop."""

    def __init__(self, plan: Plan, watch: Watch, until_compiled: ExitStack) -> None:
        super().__init__()
        self._plan, self._watch, self._until_compiled = plan, watch, until_compiled

    def on_train_begin(self, logs: Any = None) -> None:
        self._watch.start()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._watch.before_epoch()
        self._rates = self._plan.learning_rates(epoch)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self._plan.schedule != "constant":
            self.model.optimizer.learning_rate.assign(self._rates[batch])

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self._until_compiled.close()  # both passes are compiled now
        # Keras's own loss includes the l2 penalty; a Watch is told the cross-entropy alone
        names = {"loss": "sparse_categorical_crossentropy", "accuracy": "accuracy"}
        told = {
            prefix + name: float(logs[prefix + source])
            for prefix in ("", "val_")
            for name, source in names.items()
            if prefix + source in logs
        }
        weights = self.model.get_weights()
        finite = all(np.isfinite(weight).all() for weight in weights)
        if self._watch.ends(told, lambda: weights, finite=finite, asked=self.model.stop_training):
            self.model.stop_training = True
