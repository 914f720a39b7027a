"""Keras networks that train an epoch in one compiled program, and are kept for the next fit.

`keras.Model.fit` spends most of its time between the steps. `EpochNetwork` holds a Keras model and
trains it by a compiled program per epoch (`_program.py`) instead.

XLA keeps what it has compiled until the process ends, about 12 MB per architecture. Nothing frees
it: not dropping the network, `clear_session`, `reset_default_graph`, nor the private
`clear_kernel_cache` and `_reset_context` of tensorflow.
"""

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.data.ops import debug_mode
from tensorflow.python.eager import context
from tensorflow.python.framework import config as tf_config
from tensorflow.python.framework import op_callbacks

from skmnist.neural_network._program import VALIDATION_ROWS, Program
from skmnist.neural_network._tensorflow import hold_interrupts
from skmnist.neural_network._training import Network, Optimizer, Plan, Watch

__all__ = [
    "VALIDATION_ROWS",
    "EpochNetwork",
    "WatchInKeras",
    "borrow_network",
    "build_model",
    "check_mode",
    "get_state",
    "hooks_batches",
    "keras_defaults",
    "set_start",
]

Array = np.ndarray[Any, Any]

MAX_NETWORKS = 8  # idle networks kept for reuse in a process; the longest unused goes first
MAX_PROGRAMS = 4  # compiled programs kept per network

# by class and not by name: names can be registered anew
OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "nadam": keras.optimizers.Nadam,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}

_idle: list["EpochNetwork"] = []
_idle_lock = threading.Lock()


@contextmanager
def borrow_network(plan: Plan, watch: Watch) -> Iterator["EpochNetwork"]:
    """Lend a network that nobody else uses meanwhile, with its compiled programs if it has any."""
    key = (plan.network, plan.optimizer)
    with _idle_lock:
        at = next((i for i, idle in enumerate(_idle) if idle.key == key), None)
        network = None if at is None else _idle.pop(at)
    if network is None:
        with watch.set_up():
            network = EpochNetwork(*key)
    try:
        yield network
    finally:  # whatever a run left behind, the next one sets weights and optimizer anew
        with _idle_lock:
            _idle.append(network)
            del _idle[:-MAX_NETWORKS]


def check_mode() -> None:
    """Raise if the settings of tensorflow, Keras or XLA rule out training, or would change it."""
    if not tf.executing_eagerly():
        raise RuntimeError(
            "tensorflow is in graph mode here (tf.compat.v1.disable_eager_execution() was called, "
            "or a tf.Graph or tf.function is active), where skmnist cannot train; train before "
            "or outside of it."
        )
    if tf.distribute.has_strategy():
        raise RuntimeError(
            "A tf.distribute strategy is active, but skmnist trains on one device; call fit "
            "outside of strategy.scope()."
        )
    try:
        keras.Variable(0.0)
    except ValueError as error:  # Keras allows none there
        raise RuntimeError(
            "A keras.StatelessScope is active, in which no weight can be learned; call fit outside "
            "of it."
        ) from error
    _check_xla_flags()


# Flags that change the arithmetic of compiled epochs, and the values that do not. XLA reads them
# once per process, so unlike the settings below they cannot be suspended for a fit.
XLA_FLAGS = {
    "xla_backend_optimization_level": ("3",),
    "xla_cpu_enable_fast_math": ("false", "0"),
    "xla_cpu_max_isa": ("",),
    "xla_cpu_multi_thread_eigen": ("true", "1"),
    "xla_disable_all_hlo_passes": ("false", "0"),
    "xla_disable_hlo_passes": ("",),
    "xla_enable_hlo_passes_only": ("",),
}


def _check_xla_flags() -> None:
    flags = os.environ.get("XLA_FLAGS", "").strip()
    if flags and not flags.startswith("-"):  # the name of a file with flags
        with suppress(OSError, ValueError):
            flags = Path(flags).read_text()
    for name, assigned in re.findall(r"--(xla_\w+)(=?\S*)", flags):
        value = assigned[1:].strip("'\"").lower() if assigned else "true"
        if value not in XLA_FLAGS.get(name, (value,)):
            raise RuntimeError(
                f"XLA_FLAGS sets --{name}={value}, which changes what is learned; remove this flag "
                "from the environment variable and start Python again."
            )


@contextmanager
def keras_defaults(dtype: str) -> Iterator[None]:
    """Build and trace networks the same way, whatever the caller has set in Keras or tensorflow.

    A mixed precision policy, another `floatx`, eager mode, op determinism or the debug mode of
    tf.data would change the weights that are learned; the callbacks of tensorflow's debuggers
    cannot be compiled. All of these are restored afterwards.
    """
    policy = keras.config.dtype_policy()  # per thread, as are the callbacks
    callbacks = list(context.context().op_callbacks)
    _enter_defaults()
    keras.config.set_dtype_policy(dtype)
    for callback in callbacks:
        op_callbacks.remove_op_callback(callback)
    try:
        yield
    finally:
        for callback in callbacks:
            op_callbacks.add_op_callback(callback)
        keras.config.set_dtype_policy(policy)
        _leave_defaults()


def _set_determinism(value: bool) -> None:
    tf_config.enable_op_determinism() if value else tf_config.disable_op_determinism()


# Settings of the process: how to read and to set each, and the value to train with.
_DEFAULTS: list[tuple[Callable[[], Any], Callable[[Any], Any], Any]] = [
    (keras.config.floatx, keras.config.set_floatx, "float32"),
    (tf.config.functions_run_eagerly, tf.config.run_functions_eagerly, False),
    (lambda: debug_mode.DEBUG_MODE, debug_mode.toggle_debug_mode, False),
]
if not tf.config.list_physical_devices("GPU"):  # where two runs may differ without it
    _DEFAULTS.append((tf_config.is_op_determinism_enabled, _set_determinism, False))
if hasattr(keras.config, "max_epochs"):  # TODO(keras>=3.12): always; limits of Keras's own loop
    _DEFAULTS += [
        (keras.config.max_epochs, keras.config.set_max_epochs, None),
        (keras.config.max_steps_per_epoch, keras.config.set_max_steps_per_epoch, None),
    ]
_defaults_lock = threading.Lock()
_defaults_depth = 0  # blocks with the defaults at the moment, in all threads together
_callers_settings: list[Any] = []


def _enter_defaults() -> None:
    global _defaults_depth, _callers_settings
    with _defaults_lock:
        if _defaults_depth == 0:
            _callers_settings = [read() for read, _, _ in _DEFAULTS]
            _set_all([default for _, _, default in _DEFAULTS])
        _defaults_depth += 1


def _leave_defaults() -> None:
    global _defaults_depth
    with _defaults_lock:
        _defaults_depth -= 1
        if _defaults_depth == 0:
            _set_all(_callers_settings)


def _set_all(values: list[Any]) -> None:
    for (read, write, _), value in zip(_DEFAULTS, values, strict=True):
        if read() != value:  # setting eager mode resets what was traced
            write(value)


def build_model(
    network: Network,
    optimizer: Optimizer,
    *,
    dropout: float = 0.0,
    l2: float = 0.0,
    seed: int | None = None,
) -> keras.Sequential:
    """Build and compile the Keras network, inside `keras_defaults`.

    `dropout` and `l2` become Keras layers and regularizers, for Keras's own training loop; the
    compiled epoch takes them as arguments instead.
    """
    layers = keras.layers

    def penalty(kernel: Any) -> Any:  # in float32, as the loss that Keras adds it to
        return keras.ops.cast(keras.regularizers.L2(l2)(kernel), "float32")

    # zeros: the weights are set before each run, and Keras would draw from global generators
    dense = partial(
        layers.Dense,
        kernel_initializer="zeros",
        kernel_regularizer=penalty if l2 else None,
        dtype=network.dtype,
    )
    model = keras.Sequential(name="mlp")
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
        auto_scale_loss=False,  # of a mixed precision that the layers do not have
    )
    model.optimizer.build(model.trainable_variables)
    return model


def make_optimizer(optimizer: Optimizer) -> keras.optimizers.Optimizer:
    """Make the Keras optimizer; its learning rate is set before each run."""
    options: dict[str, Any] = {}
    if optimizer.weight_decay is not None:
        options["weight_decay"] = optimizer.weight_decay
    if optimizer.name == "sgd":
        options["momentum"] = optimizer.momentum
    return OPTIMIZERS[optimizer.name](**options)


def get_state(model: keras.Sequential) -> list[Array]:
    """Return copies of the optimizer's variables."""
    return [variable.numpy() for variable in model.optimizer.variables]


def set_start(model: keras.Sequential, plan: Plan) -> None:
    """Set the weights, the optimizer's state and the learning rate that a run starts from."""
    model.set_weights(plan.initial_weights)
    if plan.optimizer_state is not None:
        for variable, value in zip(model.optimizer.variables, plan.optimizer_state, strict=True):
            variable.assign(value)
    model.optimizer.learning_rate.assign(plan.learning_rate)
    model.stop_training = False


class EpochNetwork:
    """What scikeras takes for a compiled Keras model; its `fit` trains a compiled epoch at a time.

    Callbacks see `model`, the plain Keras model inside.
    """

    compiled = True

    def __init__(self, network: Network, optimizer: Optimizer) -> None:
        self.key = (network, optimizer)
        with keras_defaults(network.dtype), hold_interrupts():
            self.model = build_model(network, optimizer)
            # A callback with mode="auto" asks the metrics whether more is better; Keras builds
            # them in its first batch.
            one = np.zeros(1, np.int32), np.full((1, network.n_classes), 1 / network.n_classes)
            self.model.compute_metrics(None, *one)
            self.model.reset_metrics()
        self.loss, self.optimizer = self.model.loss, self.model.optimizer
        self._fresh_optimizer = get_state(self.model)
        self._programs: list[Program] = []

    def fit(
        self,
        x: Array,
        y: Array,
        *,
        plan: Plan,
        watch: Watch,
        callbacks: list[Any],
        **keras_options: Any,
    ) -> keras.callbacks.History:
        """Train as `keras.Model.fit` does, a compiled epoch at a time.

        Parameters
        ----------
        x : ndarray of shape (n_rows, n_features)
            Rows to train on; `plan` says which of them, and on which to validate.
        y : ndarray of shape (n_rows,)
            Class of each row, from 0.
        plan : Plan
        watch : Watch
            Follows each epoch and says whether to go on.
        callbacks : list of keras.callbacks.Callback
            Called once per epoch.
        keras_options : dict
            Options of `keras.Model.fit` that scikeras adds; the plan has its own for each.

        Returns
        -------
        history : keras.callbacks.History
        """
        model, optimizer = self.model, self.optimizer
        set_start(
            model, replace(plan, optimizer_state=plan.optimizer_state or self._fresh_optimizer)
        )
        history = keras.callbacks.History()
        listeners = keras.callbacks.CallbackList(
            [*callbacks, history], model=model, epochs=plan.epochs, verbose=0
        )
        program = self._program_for(plan.n_rows(x), plan.batch_size)
        with watch.set_up(), keras_defaults(plan.network.dtype), hold_interrupts():
            program.compile(x, y, plan)
        variables = model.trainable_variables

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
            rate = np.float32(optimizer.learning_rate.numpy()) if callbacks else last_rate
            if rate != last_rate:
                factor = factor * rate / last_rate if last_rate else rate / plan.learning_rate
            rates = plan.learning_rates(epoch) * factor
            logs, finite = program.run(data, plan, rates)
            last_rate = rates[-1]
            listeners.on_epoch_end(epoch, dict(logs))
            if watch.ends(logs, read_weights, finite=finite, asked=model.stop_training):
                break
        listeners.on_train_end()
        watch.trained(read_weights(), get_state(model))
        return history

    def _program_for(self, n_rows: int, batch_size: int) -> Program:
        for program in self._programs:
            if program.serves(n_rows, batch_size):
                return program
        program = Program(self.model, self.key[0], n_rows, batch_size)
        self._programs.append(program)
        del self._programs[:-MAX_PROGRAMS]
        return program


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


class WatchInKeras(keras.callbacks.Callback):
    """Brings the schedule and the watch into Keras's own loop."""

    def __init__(self, plan: Plan, watch: Watch) -> None:
        super().__init__()
        self._plan, self._watch = plan, watch
        self._until_compiled = ExitStack()

    def __enter__(self) -> Self:
        # tensorflow's advice on tracing is about code that no caller wrote
        logger = tf.get_logger()
        self._until_compiled.callback(logger.setLevel, logger.level)
        logger.setLevel("ERROR")
        self._until_compiled.enter_context(hold_interrupts())
        return self

    def __exit__(self, *exception: object) -> None:
        self._until_compiled.close()

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
        # Keras's own loss includes the l2 penalty; the history has the cross-entropy alone
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
