"""One epoch of a Keras network as one program compiled by XLA.

For each update, the program gathers a batch of the permuted rows, applies the forward pass, the
backward pass and the optimizer, and accumulates loss and accuracy; validation follows. Python is
not involved until the end of the epoch.

A program can be reused for the same network, optimizer and batch size with *about* the same number
of rows: rows are padded to a capacity, and the number of updates is an argument of the program,
as are the learning rate, the dropout rate and l2.
"""

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from skmnist.neural_network._augment import N_DRAWS, Deformation, deform
from skmnist.neural_network._cache import compile_first
from skmnist.neural_network._memory import pad, return_free_memory
from skmnist.neural_network._tensorflow import quiet
from skmnist.neural_network._training import Network, Plan

Array = np.ndarray[Any, Any]

MAX_PADDING = 1.25  # maximum ratio of the capacity to the number of rows
VALIDATION_ROWS = 1024  # maximum batch size in validation

n_compilations = 0  # number of programs compiled in this process


class Program:
    """The compiled epoch of one model, for up to `capacity` rows."""

    def __init__(
        self, model: keras.Sequential, network: Network, n_rows: int, batch_size: int
    ) -> None:
        # larger than necessary, so that the folds of a cross-validation share the program
        self.capacity = n_rows + max(16, n_rows // 64)
        self.batch_size = _padded_batch(n_rows, batch_size)
        # for the smallest batch size that is padded to this one
        self.max_steps = -(-self.capacity // (self.batch_size - _step(self.batch_size) + 1))
        self.validation_batch = _validation_batch(n_rows)
        self.max_validation_steps = -(-self.capacity // self.validation_batch)
        self._network = network
        self._dtype = np.dtype(network.dtype)
        self._variables = model.trainable_variables
        self._optimizer = model.optimizer
        self._averages = get_averages(model)
        self._dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
        self._compiled: Any = None

    def serves(self, n_rows: int, batch_size: int) -> bool:
        """Return whether a run over this many rows fits this program without too much padding."""
        return (
            # the padded size, so that results do not depend on which program is reused
            self.batch_size == _padded_batch(n_rows, batch_size)
            and self.validation_batch == _validation_batch(n_rows)
            and n_rows <= self.capacity <= n_rows * MAX_PADDING + 16
        )

    def load(self, x: Array, y: Array, plan: Plan) -> dict[str, tf.Tensor | None]:
        """Copy the data of a run into tensors that the program reads in place."""
        x_val, y_val = plan.validation_data or (x[:0], y[:0])
        one = np.ones(len(y) + len(y_val), self._dtype)
        train_weight = one if plan.train_weight is None else plan.train_weight
        validation_weight = one if plan.validation_weight is None else plan.validation_weight
        return {
            "X": pad(self.capacity, self._dtype, x, x_val),
            "y": pad(self.capacity, np.int32, y, y_val),
            "train_weight": pad(self.capacity, self._dtype, train_weight),
            "validation_weight": pad(self.capacity, self._dtype, validation_weight),
            "validation_rows": pad(
                self.max_validation_steps * self.validation_batch,
                np.int32,
                _in_batches(plan.validation_rows, self.validation_batch, self.validation_batch),
            ),
            "factors": tf.constant([1 / (1 - plan.dropout), plan.l2], self._dtype),
            # passed even if it is None: otherwise tensorflow would, in each epoch, first compose an
            # error that describes all tensors, and then call the program in another way
            "strengths": (
                None
                if plan.deformation_strengths is None
                else tf.constant(plan.deformation_strengths, self._dtype)
            ),
        }

    def compile(self, plan: Plan) -> None:
        """Compile the program by running it without rows."""
        global n_compilations
        no_rows = plan.train_rows[:0]
        plan = replace(
            plan,
            train_rows=no_rows,
            validation_rows=no_rows,
            train_weight=None,
            validation_weight=None,
            validation_data=None,
        )
        no_images = np.empty((0, self._network.n_features), self._dtype)
        inputs = self.load(no_images, no_rows, plan)
        inputs |= self._epoch_inputs(plan, no_rows, np.empty(0, np.float32), 0)

        def trace() -> Any:
            epoch = tf.function(self._epoch, jit_compile=True, autograph=False)
            return epoch.get_concrete_function(**inputs)

        with nullcontext() if n_compilations else quiet():  # the first compilation writes log lines
            self._compiled = compile_first(trace, inputs, self._describe())
        n_compilations += 1
        return_free_memory()

    def _describe(self) -> str:
        """Return everything that the graph depends on."""
        sizes = (self.capacity, self.batch_size, self.validation_batch)
        optimizer = self._optimizer.get_config() | {"learning_rate": None}  # an argument
        return repr((self._network, sizes, optimizer))

    def run(
        self, data: dict[str, tf.Tensor | None], plan: Plan, rates: Array
    ) -> tuple[dict[str, float], bool]:
        """Train for one epoch; return its metrics and whether all weights are finite."""
        rows = plan.rng.permutation(plan.train_rows) if plan.shuffle else plan.train_rows
        inputs = self._epoch_inputs(plan, rows, rates, int(plan.rng.integers(2**32)))
        values = data | inputs
        ordered = (values[name] for name in self._compiled.function_type.parameters)
        tensors = [value for value in ordered if value is not None]
        # self._compiled(**values) would check each tensor, which takes 0.1 ms
        with tf.init_scope():  # not recorded on a GradientTape of the caller
            (sums,) = self._compiled.inference_fn.call_flat(
                *tensors, *self._compiled.captured_inputs
            )
        loss, hits, weight, val_loss, val_hits, val_weight, finite = sums.numpy().tolist()
        logs = {"loss": loss / len(rows), "accuracy": hits / weight}
        if len(plan.validation_rows):
            logs |= {"val_loss": val_loss / val_weight, "val_accuracy": val_hits / val_weight}
        return logs, bool(finite)

    def _epoch_inputs(
        self, plan: Plan, rows: Array, rates: Array, seed: int
    ) -> dict[str, tf.Tensor]:
        # few tensors, since tensorflow checks each one in every call
        batches = _in_batches(rows, plan.batch_size, self.batch_size)
        n_validation_steps = -(-len(plan.validation_rows) // self.validation_batch)
        n_steps = [len(batches) // self.batch_size, n_validation_steps]
        numbers = [*n_steps, int(plan.dropout * 2**32), seed]
        return {
            "rows": pad(self.max_steps * self.batch_size, np.int32, batches),
            "rates": pad(self.max_steps, np.float32, rates),
            "numbers": tf.constant(np.array(numbers, np.uint32)),
        }

    # --- Traced code, which runs in the compiled program

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
        strengths: tf.Tensor | None,
    ) -> tf.Tensor:
        n_steps, n_validation_steps = tf.unstack(tf.bitcast(numbers[:2], tf.int32))
        drop_below, seed = tf.unstack(numbers[2:])
        keep_scale, l2 = tf.unstack(factors)

        def batch(
            step: tf.Tensor, rows: tf.Tensor, size: int, weight: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
            taken = tf.slice(rows, [step * size], [size])
            real = tf.cast(taken >= 0, self._dtype)
            taken = tf.maximum(taken, 0)
            return (
                tf.gather(X, taken),
                tf.gather(y, taken),
                tf.gather(weight, taken) * real,
                tf.reduce_sum(real),
            )

        def update(step: tf.Tensor, *totals: tf.Tensor) -> tuple[tf.Tensor, ...]:
            xs, ys, ws, n_real = batch(step, rows, self.batch_size, train_weight)
            step_seed = seed + tf.bitcast(step, tf.uint32) * np.uint32(0x9E3779B9)
            if self._network.deformation is not None:
                xs = _deform(xs, strengths, step_seed, self._network.deformation)
            with tf.GradientTape() as tape:
                logits = self._logits(xs, drop_below, keep_scale, step_seed)
                sums = _sums(logits, ys, ws)
                # as in Keras: the weighted sum divided by the number of rows
                loss = sums[0] / n_real
                if self._network.with_l2:
                    loss += l2 * tf.add_n([tf.reduce_sum(d.kernel**2) for d in self._dense])
            gradients = tape.gradient(loss, self._variables)
            self._optimizer.learning_rate.assign(rates[step])
            self._optimizer.apply(gradients, self._variables)
            return (step + 1, *(total + new for total, new in zip(totals, sums, strict=True)))

        def validate(step: tf.Tensor, *totals: tf.Tensor) -> tuple[tf.Tensor, ...]:
            xs, ys, ws, _ = batch(step, validation_rows, self.validation_batch, validation_weight)
            sums = _sums(self._logits(xs), ys, ws)
            return (step + 1, *(total + new for total, new in zip(totals, sums, strict=True)))

        def loop(body: Any, n_steps: tf.Tensor) -> tuple[tf.Tensor, ...]:
            zero = tf.zeros((), self._dtype)
            _, *totals = tf.while_loop(
                lambda step, *_: step < n_steps, body, (tf.constant(0), zero, zero, zero)
            )
            return tuple(totals)

        self._swap_averages()
        trained = loop(update, n_steps)
        self._swap_averages()
        validated = loop(validate, n_validation_steps)
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(v)) for v in self._variables])
        return tf.stack([*trained, *validated, tf.cast(finite, self._dtype)])

    def _swap_averages(self) -> None:
        """Exchange the weights and their running averages, if there are any."""
        for average, variable in zip(self._averages, self._variables, strict=False):
            value = tf.identity(variable.value)
            variable.assign(tf.identity(average.value))
            average.assign(value)

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
        return tf.matmul(x, last.kernel) + last.bias  # without softmax, which is part of the loss


def get_averages(model: keras.Sequential) -> list[keras.Variable]:
    """Return the optimizer's running averages of the weights, if it has any.

    Between epochs, the model holds the averages, and these variables hold the trained weights.
    """
    optimizer = model.optimizer
    # also read by Keras's own callback SwapEMAWeights
    return list(optimizer._model_variables_moving_average) if optimizer.use_ema else []


def _sums(
    logits: tf.Tensor, y: tf.Tensor, weight: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return the sums of cross-entropy, correct predictions and weights of a batch."""
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
    hit = tf.cast(tf.equal(tf.argmax(logits, 1, output_type=tf.int32), y), weight.dtype)
    return tf.reduce_sum(loss * weight), tf.reduce_sum(hit * weight), tf.reduce_sum(weight)


def _deform(
    x: tf.Tensor, strengths: tf.Tensor, seed: tf.Tensor, deformation: Deformation
) -> tf.Tensor:
    """Deform the images of a batch."""
    draws = _uniform((x.shape[0], N_DRAWS), seed + np.uint32(0xA5A5A5A5), x.dtype)
    noise = None
    if deformation.with_noise:
        noise = _uniform(x.shape, seed + np.uint32(0x5A5A5A5A), x.dtype)
    return deform(tnp, x, draws, noise, strengths, deformation)


def _hash(shape: tf.TensorShape, seed: tf.Tensor) -> tf.Tensor:
    """Return a random uint32 per element, computed from its position and the seed.

    XLA's own generator makes an epoch with dropout 12 to 20 times slower on a CPU. Positions and
    seeds are both evenly spaced, so if the seed were not mixed first, the mask of each update would
    be a shifted copy of the previous one.
    """
    counter = tf.bitcast(tf.reshape(tf.range(shape.num_elements()), shape), tf.uint32)
    return _mix(counter * np.uint32(0x9E3779B9) + _mix(seed))


def _uniform(shape: Any, seed: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Return random numbers in [-1, 1) with 24 random bits."""
    bits = tf.bitwise.right_shift(_hash(tf.TensorShape(shape), seed), np.uint32(8))
    # via int32, which XLA converts in one instruction
    return tf.cast(tf.bitcast(bits, tf.int32), dtype) * 2.0**-23 - 1


def _mix(h: tf.Tensor) -> tf.Tensor:
    """Mix the bits with the finalizer of MurmurHash3 (A. Appleby, public domain)."""
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h = tf.bitwise.bitwise_xor(h, tf.bitwise.right_shift(h, np.uint32(shift)))
        h *= np.uint32(factor)
    return tf.bitwise.bitwise_xor(h, tf.bitwise.right_shift(h, np.uint32(16)))


def _in_batches(rows: Array, n_rows: int, size: int) -> Array:
    """Arrange row numbers in batches of up to `n_rows`, each padded with -1 to `size`."""
    n_rows = min(n_rows, size)
    n_batches = -(-len(rows) // n_rows)
    batches = np.full((n_batches, size), -1, np.int32)
    place = np.arange(len(rows))
    batches[place // n_rows, place % n_rows] = rows
    return batches.ravel()


def _padded_batch(n_rows: int, batch_size: int) -> int:
    """Return the number of rows per update: the batch size plus up to an eighth of padding.

    Padding lets a hundred batch sizes share a dozen programs, which tensorflow keeps until the
    process ends. Batches are not larger than the data.
    """
    n = min(n_rows, batch_size)
    return -(-n // _step(n)) * _step(n)


def _step(n: int) -> int:
    """Return an eighth of the largest power of two up to `n`, but at least 1."""
    return int(2 ** max(0, n.bit_length() - 4))


def _validation_batch(n_rows: int) -> int:
    """Return the batch size for validation, which is smaller for small data sets."""
    return min(VALIDATION_ROWS, max(32, 1 << (n_rows // 8).bit_length()))
