"""The plan of a training run, its progress and early stopping, independent of the framework."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from skmnist._clock import count_setup
from skmnist.neural_network._augment import Deformation

Array = np.ndarray[Any, Any]
ReadWeights = Callable[[], list[Array]]
StopReason = Literal["epochs", "patience", "callback", "interrupted", "nonfinite"]

SCHEDULES: dict[str, Callable[[Array], Array]] = {
    # progress in [0, 1) -> factor of the learning rate
    "constant": np.ones_like,
    # Loshchilov & Hutter, SGDR, 2017, without restarts
    "cosine": lambda t: (1 + np.cos(np.pi * t)) / 2,
    "exponential": lambda t: 0.01**t,
    "linear": lambda t: 1 - t,
}


@dataclass(frozen=True)
class Network:
    """The architecture, including all settings that require a separately compiled program."""

    n_features: int
    hidden_layer_sizes: tuple[int, ...]
    n_classes: int
    activation: str
    dtype: str  # "float32" or "float64"
    with_dropout: bool
    with_l2: bool
    deformation: Deformation | None = None


@dataclass(frozen=True)
class Optimizer:
    """The optimizer without its learning rate, which can change without a new program."""

    name: str
    momentum: float
    weight_decay: float | None
    ema_momentum: float | None = None


@dataclass(frozen=True)
class Plan:
    """A training run: network, hyperparameters, rows and initial state."""

    network: Network
    optimizer: Optimizer
    epochs: int
    batch_size: int
    learning_rate: float
    schedule: str
    dropout: float
    l2: float
    shuffle: bool
    patience: int | None
    monitor: str
    train_rows: Array  # row numbers, int32
    validation_rows: Array  # row numbers in X followed by validation_data; may be empty
    train_weight: Array | None  # of each row of X
    validation_weight: Array | None  # of each row of X followed by validation_data
    validation_data: tuple[Array, Array] | None  # X_val, y_val
    initial_weights: list[Array]  # kernel, bias, kernel, bias, ...
    optimizer_state: list[Array] | None  # None for a new optimizer
    rng: np.random.Generator  # order of rows, dropout and deformation
    deformation_strengths: Array | None = None

    def n_rows(self, x: Array) -> int:
        """Return the number of rows of X and the validation data."""
        return len(x) + (0 if self.validation_data is None else len(self.validation_data[1]))

    def validation_rows_of(self, x: Array, y: Array) -> tuple[Array, ...] | None:
        """Return the validation rows, their classes and, if there are any, their weights."""
        rows = self.validation_rows
        if not len(rows):
            return None
        data = self.validation_data or (x[rows], y[rows])
        weight = self.validation_weight
        return data if weight is None else (*data, weight[rows])

    @property
    def n_steps(self) -> int:
        """Number of updates per epoch."""
        return -(-len(self.train_rows) // self.batch_size)

    def learning_rates(self, epoch: int) -> Array:
        """Return the learning rate of each update in this epoch (counted from 0)."""
        steps = epoch * self.n_steps + np.arange(self.n_steps)
        progress = steps / max(1, self.epochs * self.n_steps)
        rates = self.learning_rate * SCHEDULES[self.schedule](progress)
        with np.errstate(over="ignore"):  # reported later, as an infinite loss
            return rates.astype(np.float32)


@dataclass(frozen=True)
class EpochEvent:
    """Metrics after an epoch, passed to each function in the `callbacks` of a classifier.

    The parameters are also attributes.

    Parameters
    ----------
    epoch : int
        Number of the epoch that has ended, from 1.
    epochs : int
        Maximum number of epochs.
    logs : dict of str to float
        `loss`, `accuracy` and, with validation, `val_loss` and `val_accuracy`.
    best_epoch : int
        Epoch with the best monitored value so far.
    seconds : float
        Training time so far, excluding the import of tensorflow and compilation.
    eta : float
        Estimated number of seconds until all `epochs` are completed.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skmnist import SimpleNNClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> def print_epoch(event):
    ...     print(f"epoch {event.epoch} of {event.epochs}")
    >>> model = SimpleNNClassifier(epochs=2, callbacks=[print_epoch]).fit(X / 16, y)
    epoch 1 of 2
    epoch 2 of 2
    """

    epoch: int
    epochs: int
    logs: dict[str, float]
    best_epoch: int
    seconds: float
    eta: float


@dataclass
class Watch:
    """Progress of a run: history, weights to keep, and early stopping.

    If the plan sets `patience`, the weights of the best epoch are kept; otherwise, those of the
    last epoch. Weights of an epoch in which a loss or a weight is not finite are never kept.
    """

    plan: Plan
    listeners: list[Callable[[EpochEvent], Any]] = field(default_factory=list)
    before_epoch: Callable[[], Any] = lambda: None
    after_epoch: Callable[[ReadWeights, int], bool] = lambda *_: False  # True stops training
    history: dict[str, list[float]] = field(default_factory=dict)
    weights: list[Array] | None = None
    optimizer_state: list[Array] | None = None  # if it belongs to the kept weights
    best_epoch: int = 0
    best_quality: tuple[float, ...] = ()
    kept_epoch: int = 0
    stop_reason: StopReason = "epochs"
    setup_seconds: float = 0.0
    seconds: float = 0.0

    @contextmanager
    def set_up(self) -> Iterator[None]:
        """Count the duration of the block as setup time, not as training time."""
        started = time.perf_counter()
        with count_setup():
            yield
        self.setup_seconds += time.perf_counter() - started

    @property
    def n_epochs(self) -> int:
        """Number of completed epochs."""
        return len(self.history.get("loss", ()))

    def start(self) -> None:
        """Start the clock, after importing and compiling."""
        self._started = time.perf_counter()

    def end_epoch(
        self,
        logs: dict[str, float],
        read_weights: ReadWeights,
        *,
        finite: bool,
        stop_requested: bool = False,
    ) -> bool:
        """Record an epoch and return whether to stop.

        Parameters
        ----------
        logs : dict of str to float
        read_weights : callable
            Returns copies of the current weights.
        finite : bool
            Whether all weights are finite.
        stop_requested : bool, default=False
            Whether a Keras callback requested that training stop.
        """
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)
        epoch = self.n_epochs
        stop_requested |= self.after_epoch(read_weights, epoch)
        losses = [logs[name] for name in ("loss", "val_loss") if name in logs]
        if not (finite and np.isfinite(losses).all()):
            self.stop_reason = "nonfinite"
            return True
        quality = _quality(logs, self.plan.monitor)
        improved = not self.best_epoch or quality > self.best_quality
        if improved:
            self.best_epoch, self.best_quality = epoch, quality
        if improved or self.plan.patience is None:
            weights = read_weights()
            if not _are_finite(weights):  # if a callback has set them
                self.stop_reason = "nonfinite"
                return True
            self.kept_epoch, self.weights = epoch, weights
        self.seconds = time.perf_counter() - self._started
        for listener in self.listeners:
            event = EpochEvent(
                epoch=epoch,
                epochs=self.plan.epochs,
                logs=dict(logs),
                best_epoch=self.best_epoch,
                seconds=self.seconds,
                eta=self.seconds / epoch * (self.plan.epochs - epoch),
            )
            answer = listener(event)
            stop_requested |= isinstance(answer, bool | np.bool_) and bool(answer)
        if stop_requested:
            self.stop_reason = "callback"
        elif self.plan.patience is not None and epoch - self.best_epoch >= self.plan.patience:
            self.stop_reason = "patience"
        return self.stop_reason != "epochs"

    def end_training(self, weights: list[Array], optimizer_state: list[Array]) -> None:
        """Record the state after the last callback.

        Without patience, weights that a callback set at the end are kept. The state of the
        optimizer is kept only if the weights of the last epoch are kept.
        """
        if self.stop_reason == "nonfinite" or not self.weights:
            return
        if self.plan.patience is None and not all(map(np.array_equal, weights, self.weights)):
            if not _are_finite(weights):
                self.stop_reason = "nonfinite"
                return
            self.kept_epoch, self.weights = 0, weights
        elif self.kept_epoch == self.n_epochs:
            self.optimizer_state = optimizer_state


def _quality(logs: dict[str, float], monitor: str) -> tuple[float, ...]:
    """Return a key for comparing epochs; greater is better.

    With few validation rows, many epochs share the best accuracy, and the first of them is often
    far from converged. Therefore ties are broken by the loss.
    """
    loss = -logs["val_loss" if monitor.startswith("val_") else "loss"]
    return (logs[monitor], loss) if monitor.endswith("accuracy") else (loss,)


def _are_finite(weights: list[Array]) -> bool:
    return all(np.isfinite(array).all() for array in weights)
