"""The two classifiers: parameters, validation, fit, predict; no tensorflow before `fit`."""

import time
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from skmnist._progress import EpochLog, spinner
from skmnist._validation import (
    Interval,
    StrOptions,
    _check_sample_weight,
    _fit_context,
    flatten_images,
)
from skmnist.neural_network import _forward
from skmnist.neural_network._split import stratified_rows
from skmnist.neural_network._tensorflow import load_training
from skmnist.neural_network._training import SCHEDULES, Network, Optimizer, Plan, Watch

Array = np.ndarray[Any, Any]

OPTIMIZERS = ("adam", "adamw", "nadam", "rmsprop", "sgd")
MONITORS = ("accuracy", "loss", "val_accuracy", "val_loss")


class _NNClassifier(ClassifierMixin, BaseEstimator):
    """What the two classifiers share: all but the shape of the network."""

    classes_: Array
    coefs_: list[Array]
    intercepts_: list[Array]

    _parameter_constraints: dict[str, Any] = {
        "activation": [StrOptions(set(_forward.ACTIVATIONS))],
        "optimizer": [StrOptions(set(OPTIMIZERS))],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left"), None],
        "learning_rate_schedule": [StrOptions(set(SCHEDULES)), None],
        "epochs": [Interval(Integral, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "patience": [Interval(Integral, 1, None, closed="left"), None],
        "monitor": [StrOptions(set(MONITORS))],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "l2": [Interval(Real, 0, None, closed="left")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "shuffle": ["boolean"],
        "warm_start": ["boolean"],
        "callbacks": "no_validation",
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, height, width)
            Rows or images. float64 trains in float64, everything else in float32. Pixels should
            be scaled to [0, 1] before, by :class:`~skmnist.preprocessing.PixelNormalizer`.
        y : array-like of shape (n_samples,)
            Class labels, integers or text.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, not negative; rows of weight 0 are left out.
        X_val, y_val : array-likes, default=None
            Rows to validate on, instead of a `validation_fraction` of `X`.

        Returns
        -------
        self : classifier

        Raises
        ------
        ValueError
            Input that cannot be trained on, or a loss that was not finite in the first epoch.

        Warns
        -----
        ConvergenceWarning
            The loss or a weight became NaN or infinite; the last good weights are kept.
        UserWarning
            Training was interrupted (Ctrl-C); the weights kept so far stay.
        """
        started = time.perf_counter()
        data = self._check_training_data(X, y, sample_weight, X_val, y_val)
        rng = check_random_state(self.random_state)
        plan = self._plan(data, rng)
        watch = Watch(plan)
        if self.epochs:
            self._train(plan, watch, data)
        self._learn(plan, watch, data)
        self.compile_time_ = watch.setup_seconds
        self.fit_time_ = time.perf_counter() - started - self.compile_time_
        return self

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, height, width)

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes), float32 or float64 as trained
            Columns in the order of `classes_`; each row sums to 1.
        """
        check_is_fitted(self)
        X = validate_data(self, flatten_images(X)[0], reset=False, dtype="numeric")
        return _forward.predict_proba(X, self.coefs_, self.intercepts_, self.activation)

    def predict(self, X: Any) -> Array:
        """Return the most probable class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, height, width)

        Returns
        -------
        y : ndarray of shape (n_samples,), in the dtype of `classes_`
        """
        proba = self.predict_proba(X)
        labels: Array = self.classes_[proba.argmax(axis=1)]
        return labels

    def to_keras(self) -> Any:
        """Build a Keras model with the learned weights; this imports tensorflow.

        Returns
        -------
        model : keras.Sequential
            Flatten, the Dense layers (with Dropout between them if trained so), softmax. Not
            compiled.
        """
        check_is_fitted(self)
        return load_training().make_keras_model(
            self.image_shape_, self.activation, self.dropout, self._weights()
        )

    @property
    def _goes_on(self) -> bool:
        return self.warm_start and hasattr(self, "coefs_")

    def _weights(self) -> list[Array]:
        pairs = zip(self.coefs_, self.intercepts_, strict=True)
        return [array for pair in pairs for array in pair]

    def _check_training_data(
        self, X: Any, y: Any, sample_weight: Any, X_val: Any, y_val: Any
    ) -> "_TrainingData":
        X, image_shape = flatten_images(X)
        X, y = validate_data(self, X, y, dtype="numeric", ensure_min_samples=2)
        check_classification_targets(y)
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"y has one class, {classes.tolist()[0]!r}, in all {len(y)} rows; a classifier "
                "needs rows of two classes or more."
            )
        if self._goes_on and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"warm_start=True goes on with the classes {self.classes_.tolist()}, but y has "
                f"{classes.tolist()}; pass warm_start=False to start anew."
            )
        self.classes_ = classes
        self.image_shape_ = image_shape or X.shape[1:]
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
            if not weight.any():
                raise ValueError("sample_weight is zero in all rows; nothing is left to train on.")
        data = _TrainingData(X, codes.astype(np.int32), weight)
        if (X_val is None) != (y_val is None):
            given, absent = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
            raise ValueError(f"{given} was given without {absent}; pass both or neither.")
        return data if X_val is None else self._with_validation_data(data, X_val, y_val)

    def _with_validation_data(self, data: "_TrainingData", X_val: Any, y_val: Any) -> Any:
        X_val = validate_data(self, flatten_images(X_val)[0], reset=False, dtype="numeric")
        y_val = check_array(y_val, ensure_2d=False, dtype=None, input_name="y_val")
        if y_val.shape != (len(X_val),):
            raise ValueError(
                f"y_val has shape {y_val.shape}, expected ({len(X_val)},): a label for each row "
                "of X_val."
            )
        unseen = np.setdiff1d(y_val, self.classes_)
        if len(unseen):
            raise ValueError(
                f"y_val has labels that y has not: {unseen[:5].tolist()}; the network can only "
                f"learn {self.classes_.tolist()}."
            )
        codes = np.searchsorted(self.classes_, y_val).astype(np.int32)
        weight = data.weight
        if weight is not None:
            weight = np.concatenate([weight, np.ones(len(X_val), weight.dtype)])
        return _TrainingData(
            np.concatenate([data.X, X_val]),
            np.concatenate([data.y, codes]),
            weight,
            n_validation=len(X_val),
        )

    def _plan(self, data: "_TrainingData", rng: np.random.RandomState) -> Plan:
        usable = np.arange(len(data.y) - data.n_validation, dtype=np.int32)
        if data.weight is not None:
            usable = usable[data.weight[: len(usable)] > 0]
        train_rows, validation_rows = usable, np.empty(0, np.int32)
        if data.n_validation:
            validation_rows = np.arange(len(data.y) - data.n_validation, len(data.y), dtype="i4")
        elif self.validation_fraction is not None:
            train, validation = stratified_rows(data.y[usable], self.validation_fraction, rng)
            train_rows, validation_rows = usable[train], usable[validation]
        monitor = self.monitor
        if not len(validation_rows) and monitor.startswith("val_"):
            monitor = "loss"
        return Plan(
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            schedule=self.learning_rate_schedule or "constant",
            dropout=self.dropout,
            l2=self.l2,
            shuffle=self.shuffle,
            patience=self.patience,
            monitor=monitor,
            train_rows=train_rows,
            validation_rows=validation_rows,
            train_weight=self._train_weight(data, train_rows),
            validation_weight=data.weight,
            initial_weights=self._initial_weights(data, rng),
            seed=int(rng.randint(2**31)),
        )

    def _train_weight(self, data: "_TrainingData", train_rows: Array) -> Array | None:
        weight = data.weight
        if self.class_weight is not None:
            # by class over the training rows: a balanced weight is about what is trained on
            by_class = np.zeros(len(self.classes_))
            labels = self.classes_[data.y[train_rows]]
            by_class[data.y[train_rows]] = compute_sample_weight(self.class_weight, labels)
            weight = by_class[data.y] * (1 if weight is None else weight)
        return None if weight is None else weight / weight[train_rows].mean()

    def _initial_weights(self, data: "_TrainingData", rng: np.random.RandomState) -> list[Array]:
        if self._goes_on:
            return self._weights()
        sizes = (data.X.shape[1], *self._hidden_layer_sizes(), len(self.classes_))
        weights = []
        for n_in, n_out in pairwise(sizes):
            # Glorot & Bengio, 2010: Keras's default for a Dense layer
            limit = np.sqrt(6 / (n_in + n_out))
            weights.append(rng.uniform(-limit, limit, (n_in, n_out)).astype(data.dtype))
            weights.append(np.zeros(n_out, data.dtype))
        return weights

    def _train(self, plan: Plan, watch: Watch, data: "_TrainingData") -> None:
        listeners, keras_callbacks = self._sorted_callbacks()
        watch.listeners += listeners
        network = Network(
            n_features=data.X.shape[1],
            hidden_layer_sizes=tuple(self._hidden_layer_sizes()),
            n_classes=len(self.classes_),
            activation=self.activation,
            dtype=data.dtype,
            with_dropout=self.dropout > 0,
            with_l2=self.l2 > 0,
        )
        optimizer = Optimizer(self.optimizer, self.momentum, self.weight_decay)
        started = time.perf_counter()
        with spinner("Loading tensorflow ...") if self.verbose else nullcontext():
            training = load_training()
        watch.setup_seconds += time.perf_counter() - started
        with EpochLog(type(self).__name__) if self.verbose else nullcontext() as log:
            watch.listeners += [log] if log else []
            training.train(network, optimizer, plan, watch, data.X, data.y, keras_callbacks)
        if watch.stop_reason == "interrupted":
            warnings.warn(
                f"Training was interrupted after epoch {watch.n_epochs}; the weights of epoch "
                f"{watch.kept_epoch} are kept.",
                UserWarning,
                stacklevel=3,
            )
        if watch.stop_reason == "nonfinite":
            self._tell_nonfinite(watch)

    def _tell_nonfinite(self, watch: Watch) -> None:
        happened = f"The loss or a weight was not finite in epoch {watch.n_epochs}"
        remedy = (
            f"lower learning_rate={self.learning_rate:g}, or scale X (pixels to [0, 1] by "
            "PixelNormalizer)"
        )
        if watch.weights is None:
            raise ValueError(f"{happened}, so nothing was learned: {remedy}.")
        warnings.warn(
            f"{happened}; the weights of epoch {watch.kept_epoch} are kept. To train on, {remedy}.",
            ConvergenceWarning,
            stacklevel=4,
        )

    def _sorted_callbacks(self) -> tuple[list[Any], list[Any]]:
        callbacks = self.callbacks if self.callbacks is not None else []
        if not isinstance(callbacks, Sequence):
            callbacks = [callbacks]
        listeners, keras_callbacks = [], []
        for callback in callbacks:
            if hasattr(callback, "set_model") and hasattr(callback, "on_epoch_end"):
                keras_callbacks.append(callback)
            elif callable(callback) and not isinstance(callback, type):
                listeners.append(callback)
            else:
                raise TypeError(
                    f"callbacks={callback!r} must be a keras.callbacks.Callback instance, or a "
                    "function that takes one EpochEvent, or a list of these."
                )
        return listeners, keras_callbacks

    def _learn(self, plan: Plan, watch: Watch, data: "_TrainingData") -> None:
        weights = plan.initial_weights if watch.weights is None else watch.weights
        self.coefs_, self.intercepts_ = weights[::2], weights[1::2]
        self.n_parameters_ = sum(array.size for array in weights)
        self.n_iter_ = watch.n_epochs
        self.best_epoch_ = watch.best_epoch
        self.kept_epoch_ = watch.kept_epoch
        self.stop_reason_ = watch.stop_reason
        self.history_ = {name: np.array(values) for name, values in watch.history.items()}
        self.loss_curve_ = list(watch.history.get("loss", []))
        self.n_train_ = len(plan.train_rows)
        self.n_validation_ = len(plan.validation_rows)
        self.train_loss_, self.train_accuracy_ = self._measure(data, plan.train_rows)
        self.validation_loss_, self.validation_accuracy_ = self._measure(data, plan.validation_rows)
        self.best_validation_score_ = max(watch.history.get("val_accuracy", []), default=None)

    def _measure(self, data: "_TrainingData", rows: Array) -> tuple[float | None, float | None]:
        """Loss and accuracy of the weights that were kept, without dropout."""
        if not len(rows):
            return None, None
        loss = hits = 0.0
        for block in np.array_split(rows, -(-len(rows) // _forward.BLOCK_ROWS)):
            proba = _forward.predict_proba(
                data.X[block], self.coefs_, self.intercepts_, self.activation
            )
            loss += float(_forward.cross_entropy(proba, data.y[block]).sum())
            hits += float((proba.argmax(axis=1) == data.y[block]).sum())
        return loss / len(rows), hits / len(rows)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


@dataclass(frozen=True)
class _TrainingData:
    """Checked rows; the last `n_validation` of them are the caller's own validation rows."""

    X: Array
    y: Array
    weight: Array | None
    n_validation: int = 0

    @property
    def dtype(self) -> str:
        return "float64" if self.X.dtype == np.float64 else "float32"


class SimpleNNClassifier(_NNClassifier):
    """Classify with a network of one hidden layer, trained by Keras.

    The baseline: small, quick to train and easy to explain. On 28 x 28 images with the default
    128 units it has 101,770 parameters. An epoch is one compiled program, predicting needs no
    tensorflow, and it stands wherever a scikit-learn classifier can. It is no convolutional
    network: shift an image by a few pixels and it sees another image.

    Parameters
    ----------
    hidden_units : int, default=128
        Neurons of the hidden layer.
    activation : {"relu", "elu", "gelu", "leaky_relu", "selu", "sigmoid", "silu", "softplus", \
            "tanh"}, default="relu"
        Activation of the hidden layers, by Keras's names and with Keras's defaults.
    optimizer : {"adam", "adamw", "nadam", "rmsprop", "sgd"}, default="adam"
        Adam starts steadily and often does well sooner; SGD is easy to explain and needs more
        tuning of `learning_rate` and `momentum`.
    learning_rate : float, default=1e-3
        Step size of the updates: too large is unstable, too small learns slowly.
    momentum : float in [0, 1), default=0.9
        Momentum of "sgd"; the others ignore it.
    weight_decay : float, default=None
        Decoupled weight decay per update; None is Keras's default of the optimizer (0.004 for
        "adamw", none for the others).
    learning_rate_schedule : {"constant", "cosine", "exponential", "linear"}, default=None
        How `learning_rate` falls over all `epochs`, update by update: to 0 along half a cosine
        or a line, or exponentially to a hundredth. None is "constant".
    epochs : int, default=100
        How often the network sees all training rows, at most. 0 means no training.
    batch_size : int, default=128
        Rows per update: small is noisier, large is steadier and faster.
    patience : int or None, default=15
        Epochs without improvement of `monitor` before training stops; the weights of the best
        epoch are kept. None trains all epochs and keeps the last weights.
    monitor : {"val_accuracy", "val_loss", "accuracy", "loss"}, default="val_accuracy"
        What `patience` watches. Without validation rows it watches the training loss where
        this names a validation figure.
    validation_fraction : float in (0, 1) or None, default=0.1
        Share of the rows held out, stratified by class, to validate on after each epoch. None
        validates nothing.
    dropout : float in [0, 1), default=0.0
        Share of each hidden layer's outputs that is dropped at random in training.
    l2 : float, default=0.0
        Factor of the penalty on squared weights, as `keras.regularizers.L2` has it; biases are
        left out. The losses in `history_` are without it.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in training, as elsewhere in scikit-learn.
    shuffle : bool, default=True
        Draw the rows in a new order in each epoch.
    warm_start : bool, default=False
        Start `fit` from the weights learned before, with a fresh optimizer.
    callbacks : callable, keras.callbacks.Callback, or list of these, default=None
        A callable gets one :class:`~skmnist.neural_network.EpochEvent` after each epoch and
        stops training by returning True. Keras callbacks are called once per epoch; one that
        hooks batches makes Keras's own, slower loop run.
    random_state : int, RandomState instance or None, default=None
        Seeds the held-out rows, the first weights, the order of rows and dropout. An int gives
        the same bits twice on one machine. No global generator is touched.
    verbose : int, default=0
        1 shows progress on standard error: a bar on a terminal, else a line per epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    coefs_, intercepts_ : lists of ndarray
        Per layer the weights (n_in, n_out) and biases (n_out,) that were kept, float32 or
        float64.
    n_parameters_ : int
        Number of weights and biases.
    n_iter_ : int
        Epochs really trained.
    best_epoch_ : int
        Epoch, from 1, with the best value of `monitor`; 0 if there was none.
    kept_epoch_ : int
        Epoch whose weights were kept: `best_epoch_` with a `patience`, else the last one.
    stop_reason_ : {"epochs", "patience", "callback", "interrupted", "nonfinite"}
        Why training ended.
    history_ : dict of str to ndarray of shape (n_iter_,)
        Per epoch `loss` (mean cross-entropy), `accuracy` and, with validation, `val_loss`,
        `val_accuracy`. Training figures are running means within the epoch, as Keras has them.
    loss_curve_ : list of float
        The training loss per epoch.
    train_loss_, train_accuracy_ : float
        Measured on the `n_train_` training rows after training, with the weights that were
        kept and without dropout or row weights.
    validation_loss_, validation_accuracy_ : float or None
        The same on the `n_validation_` validation rows; None without any.
    best_validation_score_ : float or None
        The best validation accuracy of all epochs.
    n_train_, n_validation_ : int
        Rows trained on and validated on.
    fit_time_ : float
        Seconds that `fit` took without importing tensorflow and compiling.
    compile_time_ : float
        Seconds that importing tensorflow and compiling took; near 0 where an earlier fit has
        done both.
    image_shape_ : tuple of int
        Shape of one sample in `fit`: (height, width) or (n_features,).
    n_features_in_ : int
        Number of features of a row.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, when `fit` saw a data frame with text names.

    See Also
    --------
    DeepNNClassifier : Several hidden layers.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.pipeline import Pipeline
    >>> from skmnist import PixelNormalizer, SimpleNNClassifier
    >>> digits = load_digits()  # 8 x 8 pixels from 0 to 16
    >>> model = Pipeline([
    ...     ("normalize", PixelNormalizer(max_value=16)),
    ...     ("nn", SimpleNNClassifier(epochs=10, random_state=0)),
    ... ]).fit(digits.images, digits.target)
    >>> model.score(digits.images, digits.target) > 0.9
    True
    >>> model.named_steps["nn"].n_parameters_
    9610

    A value out of range is refused in `fit`:

    >>> SimpleNNClassifier(batch_size=0).fit(digits.data, digits.target)
    Traceback (most recent call last):
    sklearn.utils._param_validation.InvalidParameterError: The 'batch_size' parameter of
    SimpleNNClassifier must be an int in the range [1, inf). Got 0 instead.
    """

    _parameter_constraints: dict[str, Any] = {
        **_NNClassifier._parameter_constraints,
        "hidden_units": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        hidden_units: int = 128,
        *,
        activation: str = "relu",
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        momentum: float = 0.9,
        weight_decay: float | None = None,
        learning_rate_schedule: str | None = None,
        epochs: int = 100,
        batch_size: int = 128,
        patience: int | None = 15,
        monitor: str = "val_accuracy",
        validation_fraction: float | None = 0.1,
        dropout: float = 0.0,
        l2: float = 0.0,
        class_weight: dict[Any, float] | str | None = None,
        shuffle: bool = True,
        warm_start: bool = False,
        callbacks: Any = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_units = hidden_units
        self.activation = activation
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.learning_rate_schedule = learning_rate_schedule
        self.epochs = epochs
        self.batch_size = batch_size
        self.patience = patience
        self.monitor = monitor
        self.validation_fraction = validation_fraction
        self.dropout = dropout
        self.l2 = l2
        self.class_weight = class_weight
        self.shuffle = shuffle
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    def _hidden_layer_sizes(self) -> Sequence[int]:
        return (self.hidden_units,)


class DeepNNClassifier(_NNClassifier):
    """Classify with a network of several hidden layers, trained by Keras.

    More capacity than :class:`SimpleNNClassifier`: often more accurate, slower, harder to
    explain, and more in need of regularisation (`dropout`, `l2`, `patience`). On 28 x 28 images
    with the default layers it has 567,434 parameters.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(512, 256, 128)
        Neurons of each hidden layer.
    activation : {"relu", "elu", "gelu", "leaky_relu", "selu", "sigmoid", "silu", "softplus", \
            "tanh"}, default="relu"
        Activation of the hidden layers, by Keras's names and with Keras's defaults.
    optimizer : {"adam", "adamw", "nadam", "rmsprop", "sgd"}, default="adam"
        Adam starts steadily and often does well sooner; SGD is easy to explain and needs more
        tuning of `learning_rate` and `momentum`.
    learning_rate : float, default=1e-3
        Step size of the updates: too large is unstable, too small learns slowly.
    momentum : float in [0, 1), default=0.9
        Momentum of "sgd"; the others ignore it.
    weight_decay : float, default=None
        Decoupled weight decay per update; None is Keras's default of the optimizer (0.004 for
        "adamw", none for the others).
    learning_rate_schedule : {"constant", "cosine", "exponential", "linear"}, default=None
        How `learning_rate` falls over all `epochs`, update by update: to 0 along half a cosine
        or a line, or exponentially to a hundredth. None is "constant".
    epochs : int, default=100
        How often the network sees all training rows, at most. 0 means no training.
    batch_size : int, default=128
        Rows per update: small is noisier, large is steadier and faster.
    patience : int or None, default=15
        Epochs without improvement of `monitor` before training stops; the weights of the best
        epoch are kept. None trains all epochs and keeps the last weights.
    monitor : {"val_accuracy", "val_loss", "accuracy", "loss"}, default="val_accuracy"
        What `patience` watches. Without validation rows it watches the training loss where
        this names a validation figure.
    validation_fraction : float in (0, 1) or None, default=0.1
        Share of the rows held out, stratified by class, to validate on after each epoch. None
        validates nothing.
    dropout : float in [0, 1), default=0.0
        Share of each hidden layer's outputs that is dropped at random in training.
    l2 : float, default=0.0
        Factor of the penalty on squared weights, as `keras.regularizers.L2` has it; biases are
        left out. The losses in `history_` are without it.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in training, as elsewhere in scikit-learn.
    shuffle : bool, default=True
        Draw the rows in a new order in each epoch.
    warm_start : bool, default=False
        Start `fit` from the weights learned before, with a fresh optimizer.
    callbacks : callable, keras.callbacks.Callback, or list of these, default=None
        A callable gets one :class:`~skmnist.neural_network.EpochEvent` after each epoch and
        stops training by returning True. Keras callbacks are called once per epoch; one that
        hooks batches makes Keras's own, slower loop run.
    random_state : int, RandomState instance or None, default=None
        Seeds the held-out rows, the first weights, the order of rows and dropout. An int gives
        the same bits twice on one machine. No global generator is touched.
    verbose : int, default=0
        1 shows progress on standard error: a bar on a terminal, else a line per epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    coefs_, intercepts_ : lists of ndarray
        Per layer the weights (n_in, n_out) and biases (n_out,) that were kept, float32 or
        float64.
    n_parameters_ : int
        Number of weights and biases.
    n_iter_ : int
        Epochs really trained.
    best_epoch_ : int
        Epoch, from 1, with the best value of `monitor`; 0 if there was none.
    kept_epoch_ : int
        Epoch whose weights were kept: `best_epoch_` with a `patience`, else the last one.
    stop_reason_ : {"epochs", "patience", "callback", "interrupted", "nonfinite"}
        Why training ended.
    history_ : dict of str to ndarray of shape (n_iter_,)
        Per epoch `loss` (mean cross-entropy), `accuracy` and, with validation, `val_loss`,
        `val_accuracy`. Training figures are running means within the epoch, as Keras has them.
    loss_curve_ : list of float
        The training loss per epoch.
    train_loss_, train_accuracy_ : float
        Measured on the `n_train_` training rows after training, with the weights that were
        kept and without dropout or row weights.
    validation_loss_, validation_accuracy_ : float or None
        The same on the `n_validation_` validation rows; None without any.
    best_validation_score_ : float or None
        The best validation accuracy of all epochs.
    n_train_, n_validation_ : int
        Rows trained on and validated on.
    fit_time_ : float
        Seconds that `fit` took without importing tensorflow and compiling.
    compile_time_ : float
        Seconds that importing tensorflow and compiling took; near 0 where an earlier fit has
        done both.
    image_shape_ : tuple of int
        Shape of one sample in `fit`: (height, width) or (n_features,).
    n_features_in_ : int
        Number of features of a row.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, when `fit` saw a data frame with text names.

    See Also
    --------
    SimpleNNClassifier : One hidden layer.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skmnist import DeepNNClassifier
    >>> digits = load_digits()
    >>> model = DeepNNClassifier((64, 32), epochs=20, dropout=0.2, random_state=0)
    >>> model.fit(digits.images / 16, digits.target).score(digits.images / 16, digits.target) > 0.9
    True
    >>> [coef.shape for coef in model.coefs_]
    [(64, 64), (64, 32), (32, 10)]

    A network without a hidden layer is none of ours:

    >>> DeepNNClassifier(()).fit(digits.data, digits.target)
    Traceback (most recent call last):
    ValueError: hidden_layer_sizes=() must be a sequence of one or more ints >= 1...
    """

    _parameter_constraints: dict[str, Any] = {
        **_NNClassifier._parameter_constraints,
        "hidden_layer_sizes": ["array-like"],
    }

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (512, 256, 128),
        *,
        activation: str = "relu",
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        momentum: float = 0.9,
        weight_decay: float | None = None,
        learning_rate_schedule: str | None = None,
        epochs: int = 100,
        batch_size: int = 128,
        patience: int | None = 15,
        monitor: str = "val_accuracy",
        validation_fraction: float | None = 0.1,
        dropout: float = 0.0,
        l2: float = 0.0,
        class_weight: dict[Any, float] | str | None = None,
        shuffle: bool = True,
        warm_start: bool = False,
        callbacks: Any = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.learning_rate_schedule = learning_rate_schedule
        self.epochs = epochs
        self.batch_size = batch_size
        self.patience = patience
        self.monitor = monitor
        self.validation_fraction = validation_fraction
        self.dropout = dropout
        self.l2 = l2
        self.class_weight = class_weight
        self.shuffle = shuffle
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    def _hidden_layer_sizes(self) -> Sequence[int]:
        sizes = tuple(self.hidden_layer_sizes)
        if not sizes or not all(isinstance(size, Integral) and size >= 1 for size in sizes):
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r} must be a sequence of one or "
                "more ints >= 1, such as (512, 256, 128)."
            )
        return tuple(int(size) for size in sizes)
