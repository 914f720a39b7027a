"""Train a Keras network: one epoch is one compiled program (the only import of tensorflow).

`keras.Model.fit` spends most of its time between the steps. `EpochModel` is a Keras model
whose `fit` hands a whole epoch to XLA instead: gather a batch by a permutation, forward,
backward, optimizer step, running loss and accuracy, then the validation pass. Python comes back
once per epoch.

A compiled program serves every later fit of the same network, optimizer and batch size with
*nearly* as many rows: rows are padded up to a capacity, and how many updates are made is an
argument of the program, not part of it. Learning rate, dropout rate and l2 are arguments too.

What XLA has compiled it keeps until the process ends (about 12 MB per architecture were seen), also
when the model here is gone: a search over hundreds of architectures belongs into worker processes.
"""

import ctypes
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from skmnist.neural_network._tensorflow import quiet
from skmnist.neural_network._training import Network, Optimizer, Plan, Watch

Array = np.ndarray[Any, Any]

MAX_MODELS = 8  # idle networks kept for reuse in a process; the longest unused goes first
MAX_PROGRAMS = 4  # compiled programs kept per network
MAX_PADDING = 1.25  # a program is reused for up to this many times fewer rows
VALIDATION_ROWS = 1024  # validated at a time, at most
LARGE = 2**24  # bytes from which rows are copied by two threads, into memory that is kept
MAX_SPARE = 2**28  # bytes that are kept at most for the rows of the next fit, all in all
ALIGNMENT = 64  # bytes; XLA reads an array in place only when it starts on such a boundary

n_compilations = 0  # programs compiled in this process so far; the tests count them

_idle: list[tuple[tuple[Network, Optimizer], "EpochModel"]] = []
_idle_lock = threading.Lock()
_spare: list[Array] = []  # the memory that held the rows of the last fit, if any


@contextmanager
def borrow_model(network: Network, optimizer: Optimizer, watch: Watch) -> Iterator["EpochModel"]:
    """Lend a model that nobody else uses meanwhile, with its compiled programs if it has any."""
    key = (network, optimizer)
    with _idle_lock:
        at = next((i for i, (known, _) in enumerate(_idle) if known == key), None)
        model = None if at is None else _idle.pop(at)[1]
    if model is None:
        with watch.set_up():
            model = build_model(network, optimizer)
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
    classes = {
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "nadam": keras.optimizers.Nadam,
        "rmsprop": keras.optimizers.RMSprop,
        "sgd": keras.optimizers.SGD,
    }
    options: dict[str, Any] = {}
    if optimizer.weight_decay is not None:
        options["weight_decay"] = optimizer.weight_decay
    if optimizer.name == "sgd":
        options["momentum"] = optimizer.momentum
    return classes[optimizer.name](**options)


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

    def _program_for(self, n_rows: int, batch_size: int) -> "_Program":
        for program in self.programs:
            if program.serves(n_rows, batch_size):
                return program
        program = _Program(self, n_rows, batch_size)
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


class _Program:
    """The compiled epoch of one model, for up to `capacity` rows."""

    def __init__(self, model: EpochModel, n_rows: int, batch_size: int) -> None:
        # some room above, so that the folds of a cross-validation share the program
        self.capacity = n_rows + max(16, n_rows // 64)
        self.batch_size = _padded_batch(n_rows, batch_size)
        self.max_steps = -(-self.capacity // self.batch_size)
        self.validation_batch = _validation_batch(n_rows)
        self.max_validation_steps = -(-self.capacity // self.validation_batch)
        self._network: Network = model.network
        self._dtype = np.dtype(self._network.dtype)
        self._variables = model.trainable_variables
        self._optimizer = model.optimizer
        self._dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
        self._compiled: Any = None

    def serves(self, n_rows: int, batch_size: int) -> bool:
        """Say whether a run over so many rows fits in without too much padding."""
        return (
            # not the requested size: the same rows must give the same bits in any program
            self.batch_size == _padded_batch(n_rows, batch_size)
            and self.validation_batch == _validation_batch(n_rows)
            and n_rows <= self.capacity <= n_rows * MAX_PADDING + 16
        )

    def load(self, x: Array, y: Array, plan: Plan) -> dict[str, tf.Tensor]:
        """Copy the rows, once, to where the program reads them in place."""
        x_val, y_val = plan.validation_data or (x[:0], y[:0])
        one = np.ones(len(y) + len(y_val), self._dtype)
        train_weight = one if plan.train_weight is None else plan.train_weight
        validation_weight = one if plan.validation_weight is None else plan.validation_weight
        return {
            "X": _padded(self.capacity, self._dtype, x, x_val),
            "y": _padded(self.capacity, np.int32, y, y_val),
            "train_weight": _padded(self.capacity, self._dtype, train_weight),
            "validation_weight": _padded(self.capacity, self._dtype, validation_weight),
            "validation_rows": _padded(
                self.max_validation_steps * self.validation_batch, np.int32, plan.validation_rows
            ),
            "factors": tf.constant([1 / (1 - plan.dropout), plan.l2], self._dtype),
        }

    def compile(self, x: Array, y: Array, plan: Plan) -> None:
        """Compile, unless that is done: run without a row, before any is copied."""
        global n_compilations
        if self._compiled is None:
            none = plan.train_rows[:0]
            plan = replace(
                plan,
                train_rows=none,
                validation_rows=none,
                train_weight=None,
                validation_weight=None,
                validation_data=None,
            )
            nothing = self.load(x[:0], y[:0], plan)
            nothing |= self._orders(plan, none, np.empty(0, np.float32), 0)
            epoch = tf.function(self._epoch, jit_compile=True, autograph=False)
            with quiet():
                self._compiled = epoch.get_concrete_function(**nothing)
                self._compiled(**nothing)
            n_compilations += 1
            _return_free_memory()

    def run(
        self, data: dict[str, tf.Tensor], plan: Plan, rates: Array
    ) -> tuple[dict[str, float], bool]:
        """Train for one epoch; return its logs and whether all weights are still finite."""
        rows = plan.rng.permutation(plan.train_rows) if plan.shuffle else plan.train_rows
        orders = self._orders(plan, rows, rates, int(plan.rng.integers(2**32)))
        sums = self._compiled(**data, **orders)
        loss, hits, weight, val_loss, val_hits, val_weight, finite = sums.numpy().tolist()
        logs = {"loss": loss / len(rows), "accuracy": hits / weight}
        if len(plan.validation_rows):
            logs |= {"val_loss": val_loss / val_weight, "val_accuracy": val_hits / val_weight}
        return logs, bool(finite)

    def _orders(self, plan: Plan, rows: Array, rates: Array, seed: int) -> dict[str, tf.Tensor]:
        # few arguments, since tensorflow looks at each in every call
        numbers = [len(rows), len(plan.validation_rows), int(plan.dropout * 2**32), seed]
        return {
            "rows": _padded(self.max_steps * self.batch_size, np.int32, rows),
            "rates": _padded(self.max_steps, np.float32, rates),
            "numbers": tf.constant(np.array(numbers, np.uint32)),
        }

    # The rest is traced: it runs inside the compiled program.

    def _epoch(
        self,
        X: tf.Tensor,
        y: tf.Tensor,
        train_weight: tf.Tensor,
        validation_weight: tf.Tensor,
        validation_rows: tf.Tensor,
        factors: tf.Tensor,
        rows: tf.Tensor,
        rates: tf.Tensor,
        numbers: tf.Tensor,
    ) -> tf.Tensor:
        n_rows, n_validation = tf.unstack(tf.bitcast(numbers[:2], tf.int32))
        drop_below, seed = tf.unstack(numbers[2:])
        keep_scale, l2 = tf.unstack(factors)

        def batch(
            step: tf.Tensor, rows: tf.Tensor, n_rows: tf.Tensor, size: int, weight: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
            taken = tf.slice(rows, [step * size], [size])
            real = tf.cast(step * size + tf.range(size) < n_rows, self._dtype)
            return (
                tf.gather(X, taken),
                tf.gather(y, taken),
                tf.gather(weight, taken) * real,
                tf.reduce_sum(real),
            )

        def update(step: tf.Tensor, *totals: tf.Tensor) -> tuple[tf.Tensor, ...]:
            xs, ys, ws, n_real = batch(step, rows, n_rows, self.batch_size, train_weight)
            step_seed = seed + tf.bitcast(step, tf.uint32) * np.uint32(0x9E3779B9)
            with tf.GradientTape() as tape:
                logits = self._logits(xs, drop_below, keep_scale, step_seed)
                sums = _sums(logits, ys, ws)
                # Keras's reduction: the weighted sum over the number of rows
                loss = sums[0] / n_real
                if self._network.with_l2:
                    loss += l2 * tf.add_n([tf.reduce_sum(d.kernel**2) for d in self._dense])
            gradients = tape.gradient(loss, self._variables)
            self._optimizer.learning_rate.assign(rates[step])
            self._optimizer.apply(gradients, self._variables)
            return (step + 1, *(total + new for total, new in zip(totals, sums, strict=True)))

        def validate(step: tf.Tensor, *totals: tf.Tensor) -> tuple[tf.Tensor, ...]:
            xs, ys, ws, _ = batch(
                step, validation_rows, n_validation, self.validation_batch, validation_weight
            )
            sums = _sums(self._logits(xs), ys, ws)
            return (step + 1, *(total + new for total, new in zip(totals, sums, strict=True)))

        def loop(body: Any, n: tf.Tensor, size: int) -> tuple[tf.Tensor, ...]:
            n_steps = (n + size - 1) // size
            zero = tf.zeros((), self._dtype)
            _, *totals = tf.while_loop(
                lambda step, *_: step < n_steps, body, (tf.constant(0), zero, zero, zero)
            )
            return tuple(totals)

        trained = loop(update, n_rows, self.batch_size)
        validated = loop(validate, n_validation, self.validation_batch)
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(v)) for v in self._variables])
        return tf.stack([*trained, *validated, tf.cast(finite, self._dtype)])

    def _logits(
        self,
        x: tf.Tensor,
        drop_below: tf.Tensor | None = None,
        keep_scale: tf.Tensor | None = None,
        seed: tf.Tensor | None = None,
    ) -> tf.Tensor:
        for depth, dense in enumerate(self._dense[:-1]):
            x = dense(x)
            if seed is not None and self._network.with_dropout:
                kept = _hash(x.shape, seed + np.uint32(0x85EBCA6B * depth % 2**32)) >= drop_below
                x = tf.where(kept, x * keep_scale, 0)
        last = self._dense[-1]
        return tf.matmul(x, last.kernel) + last.bias  # its softmax is part of the loss


def _sums(
    logits: tf.Tensor, y: tf.Tensor, weight: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Sum up cross-entropy, hits and weights of a batch."""
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
    hit = tf.cast(tf.equal(tf.argmax(logits, 1, output_type=tf.int32), y), weight.dtype)
    return tf.reduce_sum(loss * weight), tf.reduce_sum(hit * weight), tf.reduce_sum(weight)


def _hash(shape: tf.TensorShape, seed: tf.Tensor) -> tf.Tensor:
    """Make a random uint32 per element from its position and the seed.

    XLA's own generator made an epoch with dropout 12 to 20 times slower on a CPU. The seed is
    mixed before the position is added: seeds come in even steps, and as even steps of positions
    they would give each update the mask of the one before, shifted.
    """
    counter = tf.bitcast(tf.reshape(tf.range(shape.num_elements()), shape), tf.uint32)
    return _mix(counter * np.uint32(0x9E3779B9) + _mix(seed))


def _mix(h: tf.Tensor) -> tf.Tensor:
    """Scatter the bits: the finalizer of MurmurHash3 (A. Appleby, public domain)."""
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h = tf.bitwise.bitwise_xor(h, tf.bitwise.right_shift(h, np.uint32(shift)))
        h *= np.uint32(factor)
    return tf.bitwise.bitwise_xor(h, tf.bitwise.right_shift(h, np.uint32(16)))


def _padded_batch(n_rows: int, batch_size: int) -> int:
    """Return the rows that are computed per update: no batch is much larger than all rows.

    A batch larger than the data is cut to the number of rows, rounded up in steps of an eighth
    or less, so that the folds of a cross-validation share it.
    """
    step = 2 ** max(0, n_rows.bit_length() - 4)
    return min(batch_size, -(-n_rows // step) * step)


def _validation_batch(n_rows: int) -> int:
    """Return the rows that are validated at a time: fifteen rows need no batch of a thousand."""
    return min(VALIDATION_ROWS, max(32, 1 << (n_rows // 8).bit_length()))


def _padded(length: int, dtype: Any, *parts: Array) -> tf.Tensor:
    """Copy into a longer array that XLA can read in place, and wrap that without a copy."""
    dtype = np.dtype(dtype)
    shape = (length, *parts[0].shape[1:])
    n_bytes = dtype.itemsize * int(np.prod(shape))
    empty = not any(map(len, parts))
    memory = (
        np.zeros(n_bytes + ALIGNMENT, np.uint8)  # takes no memory before it is touched
        if empty
        else _take_memory(n_bytes + ALIGNMENT)
    )
    offset = -memory.ctypes.data % ALIGNMENT
    padded = memory[offset : offset + n_bytes].view(dtype).reshape(shape)
    if not empty:
        end = 0
        for part in parts:
            start, end = end, end + len(part)
            _copy(part, padded[start:end])
        padded[end:] = 0
        if LARGE <= memory.nbytes <= MAX_SPARE:  # when the tensor is gone, the next may have it
            weakref.finalize(padded, _keep_memory, memory).atexit = False
    return tf.experimental.dlpack.from_dlpack(padded.__dlpack__())


def _take_memory(n_bytes: int) -> Array:
    """Return bytes that a former fit has used, where they fit, else new ones.

    New memory is mapped page by page as it is touched, which can take longer than an epoch.
    """
    if n_bytes >= LARGE:
        with suppress(IndexError):  # another thread may be faster
            memory = _spare.pop()
            if n_bytes <= memory.nbytes <= 2 * n_bytes:
                return memory
    return np.empty(n_bytes, np.uint8)


def _keep_memory(memory: Array) -> None:
    _spare[:] = [memory]


def _copy(source: Array, target: Array) -> None:
    """Copy rows; many of them by two threads, since one does not fill the memory's bandwidth."""
    if target.nbytes < LARGE:
        target[:] = source
        return
    middle = len(source) // 2
    with ThreadPoolExecutor(2) as pool:
        halves = [slice(middle), slice(middle, None)]
        list(pool.map(lambda rows: np.copyto(target[rows], source[rows]), halves))


def _return_free_memory() -> None:
    """Give back what compiling needed for a while, where the C library is glibc.

    It would keep up to a hundred megabytes, on top of which the rows are then copied.
    """
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
