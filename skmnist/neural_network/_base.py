"""What the two classifiers share: validation, fit, predict; no tensorflow before `fit`."""

import time
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
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
from skmnist.neural_network._tensorflow import is_loaded, load_training
from skmnist.neural_network._training import SCHEDULES, Network, Optimizer, Plan, Watch

Array = np.ndarray[Any, Any]

OPTIMIZERS = ("adam", "adamw", "nadam", "rmsprop", "sgd")
MONITORS = ("accuracy", "loss", "val_accuracy", "val_loss")


class NNClassifier(ClassifierMixin, BaseEstimator):
    """A network whose hidden layers a subclass decides on."""

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
        before = vars(self).copy()
        try:
            data = self._check_training_data(X, y, sample_weight, X_val, y_val)
            plan = self._plan(data, check_random_state(self.random_state))
            watch = Watch(plan)
            if self.epochs:
                self._train(plan, watch, data)
        except BaseException:  # what was learned before stays, and goes on predicting
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
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
        check_is_fitted(self, "coefs_")
        X = self._check_rows(X)
        return _forward.predict_proba(X, self.coefs_, self.intercepts_, self.activation_)

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

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, height, width)

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            -inf where a probability is 0.
        """
        with np.errstate(divide="ignore"):
            log_proba: Array = np.log(self.predict_proba(X))
        return log_proba

    def to_keras(self) -> Any:
        """Build a Keras model with the learned weights; this imports tensorflow.

        Returns
        -------
        model : keras.Sequential
            Flatten, the Dense layers (with Dropout between them if trained so), softmax. Not
            compiled.
        """
        check_is_fitted(self, "coefs_")
        return load_training().make_keras_model(
            self.image_shape_, self.activation_, self.dropout, self._weights()
        )

    @property
    def _goes_on(self) -> bool:
        return self.warm_start and hasattr(self, "coefs_")

    def _weights(self) -> list[Array]:
        pairs = zip(self.coefs_, self.intercepts_, strict=True)
        return [array for pair in pairs for array in pair]

    def _check_rows(self, X: Any, image_shape: tuple[int, ...] | None = None) -> Array:
        """Check rows that come after those of `fit`, and flatten images of the shape it saw."""
        expected = image_shape or self.image_shape_
        X, shape = flatten_images(X)
        if shape and len(expected) == 2 and shape != expected:
            raise ValueError(
                f"X has images of shape {shape}, but {type(self).__name__} was fitted on images "
                f"of shape {expected}."
            )
        rows: Array = validate_data(self, X, reset=False, dtype="numeric")
        return rows

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
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
            if not weight.any():
                raise ValueError("sample_weight is zero in all rows; nothing is left to train on.")
        data = _TrainingData(X, codes.astype(np.int32), weight, classes, image_shape or X.shape[1:])
        if (X_val is None) != (y_val is None):
            given, absent = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
            raise ValueError(f"{given} was given without {absent}; pass both or neither.")
        return data if X_val is None else self._with_validation_data(data, X_val, y_val)

    def _with_validation_data(self, data: "_TrainingData", X_val: Any, y_val: Any) -> Any:
        X_val = self._check_rows(X_val, data.image_shape)
        y_val = check_array(y_val, ensure_2d=False, dtype=None, input_name="y_val")
        if y_val.shape != (len(X_val),):
            raise ValueError(
                f"y_val has shape {y_val.shape}, expected ({len(X_val)},): a label for each row "
                "of X_val."
            )
        unseen = np.setdiff1d(y_val, data.classes)
        if len(unseen):
            raise ValueError(
                f"y_val has labels that y has not: {unseen[:5].tolist()}; the network can only "
                f"learn {data.classes.tolist()}."
            )
        codes = np.searchsorted(data.classes, y_val).astype(np.int32)
        weight = data.weight
        if weight is not None:
            weight = np.concatenate([weight, np.ones(len(X_val), weight.dtype)])
        return replace(
            data,
            X=np.concatenate([data.X, X_val]),
            y=np.concatenate([data.y, codes]),
            weight=weight,
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
        # plain numbers: NumPy's, as a search draws them, are refused or taken amiss by Keras
        return Plan(
            epochs=int(self.epochs),
            batch_size=int(self.batch_size),
            learning_rate=float(self.learning_rate),
            schedule=self.learning_rate_schedule or "constant",
            dropout=float(self.dropout),
            l2=float(self.l2),
            shuffle=bool(self.shuffle),
            patience=None if self.patience is None else int(self.patience),
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
            by_class = np.zeros(len(data.classes))
            labels = data.classes[data.y[train_rows]]
            by_class[data.y[train_rows]] = compute_sample_weight(self.class_weight, labels)
            weight = by_class[data.y] * (1 if weight is None else weight)
        if weight is None:
            return None
        mean = weight[train_rows].mean()
        if not mean > 0:
            raise ValueError(
                f"class_weight={self.class_weight!r} leaves no row with a weight above 0; give one "
                "class a positive weight."
            )
        return weight / mean

    def _initial_weights(self, data: "_TrainingData", rng: np.random.RandomState) -> list[Array]:
        sizes = (data.X.shape[1], *self._hidden_layer_sizes(), len(data.classes))
        if self._goes_on:
            learned = (len(self.coefs_[0]), *map(len, self.intercepts_))
            if sizes != learned:
                raise ValueError(
                    f"warm_start=True goes on with layers of {learned} units, but X, y and the "
                    f"parameters ask for {sizes}; pass warm_start=False to start anew."
                )
            return [array.astype(data.dtype) for array in self._weights()]
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
            n_classes=len(data.classes),
            activation=self.activation,
            dtype=data.dtype,
            with_dropout=self.dropout > 0,
            with_l2=self.l2 > 0,
        )
        optimizer = Optimizer(
            self.optimizer,
            momentum=float(self.momentum) if self.optimizer == "sgd" else 0.0,
            weight_decay=None if self.weight_decay is None else float(self.weight_decay),
        )
        waits = self.verbose and not is_loaded()
        with spinner("Loading tensorflow ...") if waits else nullcontext():
            started = time.perf_counter()
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
        listeners: list[Any] = []
        keras_callbacks: list[Any] = []
        for callback in callbacks:
            if isinstance(callback, type) or not (
                callable(callback) or hasattr(callback, "set_model")
            ):
                raise TypeError(
                    f"callbacks={callback!r} must be a keras.callbacks.Callback instance, or a "
                    "function that takes one EpochEvent, or a list of these."
                )
            is_keras = hasattr(callback, "set_model")
            (keras_callbacks if is_keras else listeners).append(callback)
        return listeners, keras_callbacks

    def _learn(self, plan: Plan, watch: Watch, data: "_TrainingData") -> None:
        weights = plan.initial_weights if watch.weights is None else watch.weights
        self.classes_, self.image_shape_ = data.classes, data.image_shape
        self.coefs_, self.intercepts_ = weights[::2], weights[1::2]
        self.activation_ = self.activation
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
                data.X[block], self.coefs_, self.intercepts_, self.activation_
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
    classes: Array
    image_shape: tuple[int, ...]
    n_validation: int = 0

    @property
    def dtype(self) -> str:
        return "float64" if self.X.dtype == np.float64 else "float32"
