"""Keras networks that train each epoch in one compiled program, and are reused by later fits.

`keras.Model.fit` spends most of its time between the updates. Instead, `EpochNetwork` trains its
Keras model with one compiled program per epoch (`_program.py`).

XLA keeps compiled programs, about 12 MB per architecture, until the process ends. They are not
freed by deleting the network, `clear_session`, `reset_default_graph`, or the private functions
`clear_kernel_cache` and `_reset_context` of tensorflow. So the number of programs per process is
limited, and further ones run in a worker process (`_worker.py`).
"""

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
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

from skmnist.neural_network import _program, _worker
from skmnist.neural_network._program import Program, get_averages
from skmnist.neural_network._tensorflow import hold_interrupts, pause_collection
from skmnist.neural_network._training import Network, Optimizer, Plan, Watch

Array = np.ndarray[Any, Any]

MAX_NETWORKS = 8  # idle networks kept for reuse; the least recently used is dropped first
MAX_PROGRAMS = 4  # compiled programs kept per network

ON_GPU = bool(tf.config.list_physical_devices("GPU"))

# classes, because users can register other optimizers under these names
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
    """Provide an idle network for the plan, or a new one, for exclusive use in the block."""
    key = (plan.network, plan.optimizer)
    with _idle_lock:
        at = next((i for i, idle in enumerate(_idle) if idle.key == key), None)
        network = None if at is None else _idle.pop(at)
    if network is None:
        with watch.set_up():
            network = EpochNetwork(*key)
    try:
        yield network
    finally:  # reusable even after an error, as each run sets weights and optimizer state
        with _idle_lock:
            _idle.append(network)
            del _idle[:-MAX_NETWORKS]


def check_mode() -> None:
    """Raise if settings of tensorflow, Keras or XLA prevent training or would change the result."""
    if not tf.executing_eagerly():
        raise RuntimeError(
            "tensorflow is in graph mode (tf.compat.v1.disable_eager_execution() was called, or a "
            "tf.Graph or tf.function is active), but skmnist requires eager mode; call fit before "
            "or outside of it."
        )
    if tf.distribute.has_strategy():
        raise RuntimeError(
            "A tf.distribute strategy is active, but skmnist trains on one device; call fit "
            "outside of strategy.scope()."
        )
    try:
        keras.Variable(0.0)
    except ValueError as error:
        raise RuntimeError(
            "A keras.StatelessScope is active, in which variables cannot be created; call fit "
            "outside of it."
        ) from error
    _check_xla_flags()


# Flags that affect the arithmetic of compiled programs, with their default values. XLA reads them
# once per process, so unlike the settings below they cannot be changed during a fit.
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
    if flags and not flags.startswith("-"):  # path of a file with flags
        with suppress(OSError, ValueError):
            flags = Path(flags).read_text()
    for name, assigned in re.findall(r"--(xla_\w+)(=?\S*)", flags):
        value = assigned[1:].strip("'\"").lower() if assigned else "true"
        if value not in XLA_FLAGS.get(name, (value,)):
            raise RuntimeError(
                f"XLA_FLAGS sets --{name}={value}, which changes the results of training; remove "
                "this flag from the environment variable and restart Python."
            )


@contextmanager
def keras_defaults(dtype: str) -> Iterator[None]:
    """Use the default settings of Keras and tensorflow in the block, and restore them afterwards.

    A mixed-precision policy, a different `floatx`, eager functions, op determinism or the debug
    mode of tf.data would change the learned weights. The op callbacks of tensorflow's debuggers
    cannot be compiled.
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


# Global settings: getter, setter and the value for training.
_DEFAULTS: list[tuple[Callable[[], Any], Callable[[Any], Any], Any]] = [
    (keras.config.floatx, keras.config.set_floatx, "float32"),
    (tf.config.functions_run_eagerly, tf.config.run_functions_eagerly, False),
    (lambda: debug_mode.DEBUG_MODE, debug_mode.toggle_debug_mode, False),
]
if not ON_GPU:  # on a GPU, results may vary without op determinism
    _DEFAULTS.append((tf_config.is_op_determinism_enabled, _set_determinism, False))
if hasattr(keras.config, "max_epochs"):  # TODO(keras>=3.12): always; limits of Keras's own loop
    _DEFAULTS += [
        (keras.config.max_epochs, keras.config.set_max_epochs, None),
        (keras.config.max_steps_per_epoch, keras.config.set_max_steps_per_epoch, None),
    ]
_defaults_lock = threading.Lock()
_defaults_depth = 0  # number of active blocks in all threads
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
        if read() != value:  # setting eager mode discards traced functions
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

    `dropout` and `l2` add layers and regularizers for Keras's own training loop. The compiled epoch
    takes them as arguments instead.
    """
    layers = keras.layers

    def penalty(kernel: Any) -> Any:  # in float32, the dtype of Keras's total loss
        return keras.ops.cast(keras.regularizers.L2(l2)(kernel), "float32")

    # zeros, because weights are set before each run; Keras's default uses global random generators
    dense = partial(
        layers.Dense,
        kernel_initializer="zeros",
        kernel_regularizer=penalty if l2 else None,
        dtype=network.dtype,
    )
    model = keras.Sequential(name="mlp")
    model.add(layers.Input((network.n_features,), dtype=network.dtype))
    # explicit names, since Keras's counter is reset when any thread clears the session
    for at, units in enumerate(network.hidden_layer_sizes, start=1):
        model.add(dense(units, network.activation, name=f"dense_{at}"))
        if dropout:
            model.add(layers.Dropout(dropout, seed=seed, dtype=network.dtype, name=f"dropout_{at}"))
    model.add(dense(network.n_classes, "softmax", name="output"))
    model.compile(
        optimizer=make_optimizer(optimizer),
        loss="sparse_categorical_crossentropy",
        weighted_metrics=["accuracy", "sparse_categorical_crossentropy"],
        auto_scale_loss=False,  # the layers do not use mixed precision
    )
    model.optimizer.build(model.trainable_variables)
    return model


def make_optimizer(optimizer: Optimizer) -> keras.optimizers.Optimizer:
    """Create the Keras optimizer. Its learning rate is set before each run."""
    options: dict[str, Any] = {"name": optimizer.name}  # Keras would number them
    if optimizer.weight_decay is not None:
        options["weight_decay"] = optimizer.weight_decay
    if optimizer.name == "sgd":
        options["momentum"] = optimizer.momentum
    if optimizer.ema_momentum is not None:
        options |= {"use_ema": True, "ema_momentum": optimizer.ema_momentum}
    return OPTIMIZERS[optimizer.name](**options)


def get_state(model: keras.Sequential) -> list[Array]:
    """Return copies of the optimizer's variables."""
    return [variable.numpy() for variable in model.optimizer.variables]


def set_start(model: keras.Sequential, plan: Plan, fresh: list[Array] | None = None) -> None:
    """Set the initial weights, optimizer state and learning rate of a run.

    `fresh` is the state of a new optimizer, if `model` has been trained before.
    """
    model.set_weights(plan.initial_weights)
    state = plan.optimizer_state or fresh
    if state is not None:
        for variable, value in zip(model.optimizer.variables, state, strict=True):
            variable.assign(value)
    if plan.optimizer_state is None:
        for average, value in zip(get_averages(model), plan.initial_weights, strict=False):
            average.assign(value)
    model.optimizer.learning_rate.assign(plan.learning_rate)
    model.stop_training = False


class EpochNetwork:
    """A Keras model whose `fit` runs each epoch as a compiled program.

    scikeras accepts it in place of a compiled Keras model. Callbacks get `model`, the Keras model.
    """

    compiled = True

    def __init__(self, network: Network, optimizer: Optimizer) -> None:
        self.key = (network, optimizer)
        with keras_defaults(network.dtype), hold_interrupts(), pause_collection():
            self.model = build_model(network, optimizer)
            # build the metrics, as Keras does in its first batch: callbacks with mode="auto" use
            # them to find out whether greater is better
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
        """Train like `keras.Model.fit`, with one compiled program per epoch.

        Parameters
        ----------
        x : ndarray of shape (n_rows, n_features)
            All rows. `plan` contains the numbers of the training and validation rows.
        y : ndarray of shape (n_rows,)
            Index of the class of each row.
        plan : Plan
        watch : Watch
            Records each epoch and decides whether to stop.
        callbacks : list of keras.callbacks.Callback
            Called once per epoch.
        **keras_options : dict
            Options of `keras.Model.fit` that scikeras passes. Ignored, since `plan` defines them.

        Returns
        -------
        history : keras.callbacks.History
        """
        model, optimizer = self.model, self.optimizer
        set_start(model, plan, self._fresh_optimizer)
        history = keras.callbacks.History()
        listeners = keras.callbacks.CallbackList(
            [*callbacks, history], model=model, epochs=plan.epochs, verbose=0
        )
        variables = [variable.value for variable in model.trainable_variables]

        def read_weights() -> list[Array]:  # faster than get_weights and variable.numpy()
            read = tf.raw_ops.ReadVariableOp
            return [read(resource=v.handle, dtype=v.dtype).numpy() for v in variables]

        last_rate, factor = np.float32(plan.learning_rate), np.float32(1)
        with self._borrow_program(x, plan, watch) as program:
            data: Any = program.load(x, y, plan)
            watch.start()
            listeners.on_train_begin()
            for epoch in range(plan.epochs):
                watch.before_epoch()
                listeners.on_epoch_begin(epoch)
                # callbacks such as ReduceLROnPlateau can change the learning rate
                rate = np.float32(optimizer.learning_rate.numpy()) if callbacks else last_rate
                if rate != last_rate:
                    factor = factor * rate / last_rate if last_rate else rate / plan.learning_rate
                rates = plan.learning_rates(epoch) * factor
                logs, finite = program.run(data, plan, rates)
                last_rate = rates[-1]
                listeners.on_epoch_end(epoch, dict(logs))
                if watch.end_epoch(
                    logs, read_weights, finite=finite, stop_requested=model.stop_training
                ):
                    break
            listeners.on_train_end()
            watch.end_training(read_weights(), get_state(model))
        return history

    @contextmanager
    def _borrow_program(
        self, x: Array, plan: Plan, watch: Watch
    ) -> Iterator["Program | ProgramInWorker"]:
        """Provide a program, in a worker process if this one has compiled too many."""
        n_rows = plan.n_rows(x)
        with ExitStack() as stack:
            with watch.set_up():
                program: Program | ProgramInWorker | None = self.find_program(plan, n_rows)
                if program is None and not _may_compile():
                    worker = stack.enter_context(_borrow_worker(plan, n_rows))
                    program = ProgramInWorker(worker, self.model) if worker else None
                if program is None:
                    program = self.compile_program(plan, n_rows)
            yield program

    def find_program(self, plan: Plan, n_rows: int) -> Program | None:
        """Return a program that was compiled earlier and fits the plan, if there is one."""
        fitting = (each for each in self._programs if each.serves(n_rows, plan.batch_size))
        return next(fitting, None)

    def compile_program(self, plan: Plan, n_rows: int) -> Program:
        """Compile a program, and keep it for later runs."""
        program = Program(self.model, self.key[0], n_rows, plan.batch_size)
        with keras_defaults(plan.network.dtype), hold_interrupts(), pause_collection():
            program.compile(plan)
        self._programs.append(program)
        del self._programs[:-MAX_PROGRAMS]
        return program


# --- Programs in a worker process


def _may_compile() -> bool:
    """Return whether this process may compile another program.

    On a GPU, it always may, because it has reserved the GPU's memory for itself.
    """
    return ON_GPU or _program.n_compilations < _worker.MAX_COMPILED


def _borrow_worker(plan: Plan, n_rows: int) -> AbstractContextManager[_worker.Worker | None]:
    """Provide a worker that has compiled the program."""
    bare = replace(plan, initial_weights=[], optimizer_state=None, validation_data=None)

    def compile_in(worker: _worker.Worker) -> bool:
        has_room = worker.n_compiled < _worker.MAX_COMPILED
        return bool(worker.ask("compile", bare, n_rows, has_room))

    threads = tf.config.threading.get_intra_op_parallelism_threads()
    return _worker.borrow_worker(compile_in, threads)


@dataclass
class ProgramInWorker:
    """Run a program in a worker that has compiled it, with the interface of `Program`."""

    worker: _worker.Worker
    model: keras.Sequential

    def load(self, x: Array, y: Array, plan: Plan) -> None:
        """Send the data of a run to the worker."""
        bare = replace(plan, initial_weights=[], optimizer_state=None)
        self.worker.ask("load", np.asarray(x), np.asarray(y), bare)

    def run(self, _: Any, plan: Plan, rates: Array) -> tuple[dict[str, float], bool]:
        """Train for one epoch; return its metrics and whether all weights are finite."""
        logs, finite, values, random_state = self.worker.ask("run", _values(self.model), rates)
        _assign(self.model, values)
        plan.rng.bit_generator.state = random_state
        return logs, finite


class EpochServer:
    """The other side of `ProgramInWorker`: run programs for the parent process."""

    @property
    def n_compiled(self) -> int:
        """Number of programs that this process has compiled."""
        return _program.n_compilations

    def compile(self, plan: Plan, n_rows: int, may_compile: bool) -> bool:
        """Begin a run; return False if the run needs a new program but must not compile one."""
        self._run = ExitStack()
        network = self._run.enter_context(borrow_network(plan, Watch(plan)))
        program = network.find_program(plan, n_rows)
        if program is None and not may_compile:
            return False
        self._model = network.model
        self._program = program or network.compile_program(plan, n_rows)
        return True

    def load(self, x: Array, y: Array, plan: Plan) -> None:
        """Load the data of the run."""
        self._plan, self._data = plan, self._program.load(x, y, plan)

    def run(
        self, values: list[Array], rates: Array
    ) -> tuple[dict[str, float], bool, list[Array], dict[str, Any]]:
        """Set the variables, and train for one epoch.

        Returns
        -------
        logs, finite : dict of str to float, bool
            As from `Program.run`.
        values : list of ndarray
            The variables after the epoch.
        random_state : dict
            State of the plan's random generator after the epoch.
        """
        _assign(self._model, values)
        logs, finite = self._program.run(self._data, self._plan, rates)
        return logs, finite, _values(self._model), dict(self._plan.rng.bit_generator.state)

    def end(self) -> None:
        """End the run, and free its data."""
        self._run.close()
        self._data = {}


def _variables(model: keras.Sequential) -> list[keras.Variable]:
    return [*model.trainable_variables, *model.optimizer.variables]


def _values(model: keras.Sequential) -> list[Array]:
    return [variable.value.numpy() for variable in _variables(model)]


def _assign(model: keras.Sequential, values: list[Array]) -> None:
    for variable, value in zip(_variables(model), values, strict=True):
        variable.assign(value)


def hooks_batches(callbacks: list[Any]) -> bool:
    """Return whether any Keras callback has hooks for batches or validation."""
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
    """Apply the learning rate schedule and the `Watch` in Keras's own loop."""

    def __init__(self, plan: Plan, watch: Watch) -> None:
        super().__init__()
        self._plan, self._watch = plan, watch
        self._until_compiled = ExitStack()

    def __enter__(self) -> Self:
        # hide tensorflow's warnings about tracing, because users cannot act on them
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
        self._until_compiled.close()  # training and validation are compiled now
        # Keras's loss includes the l2 penalty, but history_ does not
        names = {"loss": "sparse_categorical_crossentropy", "accuracy": "accuracy"}
        metrics = {
            prefix + name: float(logs[prefix + source])
            for prefix in ("", "val_")
            for name, source in names.items()
            if prefix + source in logs
        }
        weights = self.model.get_weights()
        finite = all(np.isfinite(weight).all() for weight in weights)
        if self._watch.end_epoch(
            metrics, lambda: weights, finite=finite, stop_requested=self.model.stop_training
        ):
            self.model.stop_training = True
