"""Base class of the classifiers. Training imports tensorflow; prediction does not."""

import functools
import io
import pickle
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from numbers import Integral, Real
from typing import Any, Self

import cloudpickle
import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted

from skmnist._estimator import (
    Estimator,
    FitTasks,
    warn_caller,
    with_callbacks,
    with_default_settings,
)
from skmnist._parameters import PARAMETERS
from skmnist._progress import EpochLog, spinner
from skmnist._validation import Interval, StrOptions, _fit_context
from skmnist.neural_network import _forward
from skmnist.neural_network._augment import PRESETS, ImageAugmenter
from skmnist.neural_network._data import (
    TrainingData,
    check_rows,
    check_sortable,
    check_training_data,
    in_native_order,
    with_validation_data,
)
from skmnist.neural_network._plan import Resume, plan_fit, plan_pass
from skmnist.neural_network._tensorflow import is_loaded, load_training
from skmnist.neural_network._training import Plan, Watch

Array = np.ndarray[Any, Any]

# Larger training sets are evaluated on a sample of this size. At an accuracy of 99%, the standard
# error of the accuracy is 0.1 percentage points; evaluating all rows would take about a third of
# an epoch.
MAX_MEASURED_ROWS = 10_000
MEASURED_AT_ONCE = 512  # rows per block; each block is a copy, in addition to the rows in memory


def constrain(*names: str) -> dict[str, list[Any]]:
    """Return the constraints of hyperparameters, for `_parameter_constraints`."""
    constraints: dict[str, list[Any]] = {}
    for name in names:
        parameter, rules = PARAMETERS[name], []
        if parameter.low is not None:
            kind = Integral if parameter.is_whole else Real
            rules.append(Interval(kind, parameter.low, parameter.high, closed=parameter.closed))
        if parameter.choices:
            rules.append(StrOptions(set(parameter.choices)))
        constraints[name] = [*rules, None] if parameter.optional else rules
    return constraints


def _keep_state_on_error(method: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a method so that the estimator's attributes are restored if the method raises."""

    @functools.wraps(method)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = vars(self).copy()
        try:
            return method(self, *args, **kwargs)
        except BaseException:
            self.__dict__ = before
            raise

    return wrapped


class NNClassifier(ClassifierMixin, Estimator):
    """Base class of networks of dense layers; subclasses define the hidden layers."""

    # `callbacks` accepts functions that take an `EpochEvent`; searches use this to watch each epoch
    epoch_events = True

    classes_: Array
    coefs_: list[Array]
    intercepts_: list[Array]

    _parameter_constraints: dict[str, Any] = {
        **constrain(
            "activation",
            "optimizer",
            "learning_rate",
            "momentum",
            "weight_decay",
            "learning_rate_schedule",
            "ema_momentum",
            "epochs",
            "batch_size",
            "patience",
            "monitor",
            "validation_fraction",
            "dropout",
            "l2",
        ),
        "augmentation": [ImageAugmenter, StrOptions(set(PRESETS)), None],
        "calibrate": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "shuffle": ["boolean"],
        "warm_start": ["boolean"],
        "callbacks": "no_validation",
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    @with_default_settings
    @_fit_context(prefer_skip_nested_validation=True)
    @_keep_state_on_error
    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, height, width)
            Rows or images. Training uses float64 for float64 input, and float32 for any other.
            Scale pixels to [0, 1] first, for example with
            :class:`~skmnist.preprocessing.PixelNormalizer`.
        y : array-like of shape (n_samples,)
            Class labels: integers or strings.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, >= 0. Rows of weight 0 are left out.
        X_val, y_val : array-likes, default=None
            Validation data, used instead of a `validation_fraction` of `X`. A Pipeline with
            ``transform_input=["X_val"]`` transforms it like `X`.
        sample_weight_val : array-like of shape (n_validation,), default=None
            Weight of each row of `X_val` in the validation loss and accuracy.

        Returns
        -------
        self : classifier

        Raises
        ------
        ValueError
            If the input is invalid, or a loss or weight is not finite in the first epoch.
        TypeError
            If `callbacks` has an item that is neither a function nor a Keras callback.
        RuntimeError
            If a setting of tensorflow, Keras or XLA prevents training, this process was forked
            after tensorflow was imported, or a worker process was killed.
        KeyboardInterrupt
            If Ctrl-C is pressed before the end of the first epoch, or in a fit that joblib runs,
            such as a fold of a search or a member of an ensemble.

        Warns
        -----
        ConvergenceWarning
            If a loss or weight becomes NaN or infinite. The weights of an earlier epoch are kept.
        UserWarning
            If training is interrupted by Ctrl-C. The weights of a completed epoch are kept.
        """
        started = time.perf_counter()
        data = check_training_data(self, X, y, sample_weight)
        data = with_validation_data(self, data, X_val, y_val, sample_weight_val)
        plan = plan_fit(self, data)
        if self.calibrate and not len(plan.validation_rows):
            raise ValueError(
                "calibrate=True needs validation rows, but there are none; pass "
                "validation_fraction=0.1 or X_val and y_val, or calibrate=False."
            )
        return self._run(data, plan, started, history={})

    @with_default_settings
    @_fit_context(prefer_skip_nested_validation=True)
    @_keep_state_on_error
    @with_callbacks
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one pass over the given rows.

        The optimizer keeps its state from call to call (pickles and copies keep only the weights),
        so n calls with the same rows give exactly the weights of a `fit` of n epochs with
        ``validation_fraction=None, patience=None``, a constant `learning_rate_schedule` and no row
        or class weights, unless a callback has batch hooks. No rows are held out, and `patience`
        and `learning_rate_schedule` are ignored. The loss and accuracy of each pass are appended to
        `history_`. Validation scores of an earlier `fit` are removed, because they do not apply to
        the new weights.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, height, width)
            Rows or images, at least one. The first call determines whether all calls train in
            float64 or float32.
        y : array-like of shape (n_samples,)
            Class labels.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever occur. Required only in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, >= 0. Weights are not normalized.

        Returns
        -------
        self : classifier

        Raises
        ------
        ValueError
            If the input is invalid, or `classes` is missing in the first call.
        """
        started = time.perf_counter()
        if self.class_weight == "balanced":
            raise ValueError(
                'class_weight="balanced" needs all labels at once, which partial_fit does not '
                "have; pass a dict of weights."
            )
        first = not hasattr(self, "coefs_")
        data = check_training_data(
            self,
            X,
            y,
            sample_weight,
            classes=self._all_classes(classes, first=first),
            first=first,
        )
        plan = plan_pass(self, data, getattr(self, "_resume", None))
        return self._run(data, plan, started, history={} if first else self.history_)

    @with_default_settings
    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, height, width)
            Rows or images, scaled as in `fit`.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes), float32 or float64 as trained
            Columns in the order of `classes_`; each row sums to 1.
        """
        check_is_fitted(self, "coefs_")
        X = check_rows(self, X, self.image_shape_)
        with np.errstate(over="ignore", invalid="ignore"):
            proba = _forward.predict_proba(X, self.coefs_, self.intercepts_, self.activation_)
        if not np.isfinite(proba).all():
            raise ValueError(
                f"X has values up to {np.abs(X).max():g}, too large for {proba.dtype}; scale X "
                "as for fit."
            )
        return proba

    def predict(self, X: Any) -> Array:
        """Return the most probable class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, height, width)
            Rows or images, scaled as in `fit`.

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
            Rows or images, scaled as in `fit`.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            -inf for probabilities of 0.
        """
        with np.errstate(divide="ignore"):
            log_proba: Array = np.log(self.predict_proba(X))
        return log_proba

    def to_keras(self) -> Any:
        """Build a Keras model with the learned weights. This imports tensorflow.

        Returns
        -------
        model : keras.Sequential
            An uncompiled model of Flatten and Dense layers, the last one with softmax. If `dropout`
            is set, each hidden layer is followed by a Dropout layer.
        """
        check_is_fitted(self, "coefs_")
        return load_training().make_keras_model(
            self.image_shape_, self.activation_, self.dropout, self._weights()
        )

    def _weights(self) -> list[Array]:
        pairs = zip(self.coefs_, self.intercepts_, strict=True)
        return [array for pair in pairs for array in pair]

    def _all_classes(self, classes: Any, *, first: bool) -> Array:
        if classes is None:
            if first:
                raise ValueError(
                    "classes must be passed in the first call to partial_fit, with all labels that "
                    "will ever occur: classes=np.unique(y_of_all_parts)."
                )
            return self.classes_
        check_sortable(classes, "classes")
        known = in_native_order(np.unique(column_or_1d(classes, warn=True)))
        if len(known) < 2 or (known.dtype.kind == "f" and np.isnan(known).any()):
            raise ValueError(f"classes={known.tolist()} must be two or more labels, none missing.")
        if not first and not np.array_equal(known, self.classes_):
            raise ValueError(
                f"classes={known.tolist()} is not the same as on last call to partial_fit, "
                f"{self.classes_.tolist()}; omit classes, or fit a new estimator."
            )
        return known

    def _run(
        self, data: TrainingData, plan: Plan, started: float, history: dict[str, Array]
    ) -> Self:
        """Follow the plan and set the fitted attributes; `history` is that of earlier passes."""
        tasks = FitTasks(self, data.X, data.labels, data.weight, epochs=plan.epochs)
        watch = Watch(
            plan,
            before_epoch=tasks.begin_epoch,
            # not `watch.n_epochs`: this cycle would keep X in memory until the garbage is collected
            after_epoch=lambda read_weights, n_epochs: tasks.end_epoch(
                lambda: {
                    **self._attributes_to_predict(data, read_weights()),
                    "n_iter_": len(history.get("loss", ())) + n_epochs,
                }
            ),
        )
        if plan.epochs:
            watch.listeners, keras_callbacks = _sort_callbacks(self.callbacks)
            waits = self.verbose and not is_loaded()
            with spinner("Loading tensorflow ...") if waits else nullcontext():
                before = time.perf_counter()
                training = load_training()
                watch.setup_seconds += time.perf_counter() - before
            with EpochLog(type(self).__name__) if self.verbose else nullcontext() as log:
                watch.listeners += [log] if log else []
                training.train(plan, watch, data.X, data.y, keras_callbacks)
            self._warn_if_stopped_early(watch)
        self._set_fitted_attributes(plan, watch, data, history)
        self.compile_time_ = watch.setup_seconds
        self.fit_time_ = time.perf_counter() - started - self.compile_time_
        tasks.end()
        return self

    def _warn_if_stopped_early(self, watch: Watch) -> None:
        """Warn if training was interrupted or diverged; raise if it left no finite weights."""
        if watch.stop_reason == "interrupted":
            warn_caller(
                f"Training was interrupted after epoch {watch.n_epochs}; the weights of epoch "
                f"{watch.kept_epoch} are kept."
            )
        if watch.stop_reason != "nonfinite":
            return
        problem = f"A loss or a weight was not finite in epoch {watch.n_epochs}"
        penalty = f" and l2={self.l2:g}" if self.l2 >= 1 else ""
        remedy = (
            f"lower learning_rate={self.learning_rate:g}{penalty}, or scale X (pixels to [0, 1] by "
            "PixelNormalizer)"
        )
        if watch.weights is None:
            raise ValueError(f"{problem}, so nothing was learned: {remedy}.")
        warn_caller(
            f"{problem}; the weights of epoch {watch.kept_epoch} are kept. To train longer, "
            f"{remedy}.",
            ConvergenceWarning,
        )

    def _attributes_to_predict(self, data: TrainingData, weights: list[Array]) -> dict[str, Any]:
        """Return the fitted attributes needed to predict with these weights."""
        return {
            "classes_": data.classes,
            "image_shape_": data.image_shape,
            "activation_": self.activation,
            "coefs_": weights[::2],
            "intercepts_": weights[1::2],
        }

    def _set_fitted_attributes(
        self, plan: Plan, watch: Watch, data: TrainingData, before: dict[str, Array]
    ) -> None:
        weights = plan.initial_weights if watch.weights is None else watch.weights
        self.__dict__.update(self._attributes_to_predict(data, weights))
        self.temperature_ = 1.0
        if self.calibrate and len(plan.validation_rows):
            self._scale_temperature(data, plan.validation_rows)
        self.n_parameters_ = sum(array.size for array in weights)
        n_before = len(before.get("loss", ()))
        self.n_iter_ = n_before + watch.n_epochs
        self.best_epoch_ = watch.best_epoch
        self.kept_epoch_ = n_before + watch.kept_epoch if watch.kept_epoch else 0
        self.stop_reason_ = watch.stop_reason
        self.history_ = {
            name: np.append(before.get(name, []), values) for name, values in watch.history.items()
        }
        self.loss_curve_ = self.history_.get("loss", np.empty(0)).tolist()
        if n_before:
            self.best_epoch_ = int(np.argmin(self.loss_curve_)) + 1
        self.n_train_ = len(plan.train_rows)
        self.n_validation_ = len(plan.validation_rows)
        measured = _subsample(plan.train_rows, MAX_MEASURED_ROWS)
        self.n_train_measured_ = len(measured)
        self.train_loss_, self.train_accuracy_ = self._evaluate(data, measured)
        self.validation_loss_, self.validation_accuracy_ = self._evaluate(
            data, plan.validation_rows
        )
        self.best_validation_score_ = max(watch.history.get("val_accuracy", []), default=None)
        self._resume = Resume(plan.optimizer, watch.optimizer_state, plan.rng)

    def _scale_temperature(self, data: TrainingData, rows: Array) -> None:
        """Divide the last layer by the temperature that gives the lowest loss on some rows."""
        X, y = data.part(rows)
        proba = _forward.predict_proba(X, self.coefs_, self.intercepts_, self.activation_)
        self.temperature_ = _forward.fit_temperature(proba, y)
        self.coefs_[-1] = self.coefs_[-1] / self.coefs_[-1].dtype.type(self.temperature_)
        self.intercepts_[-1] = self.intercepts_[-1] / self.intercepts_[-1].dtype.type(
            self.temperature_
        )

    def _evaluate(self, data: TrainingData, rows: Array) -> tuple[float | None, float | None]:
        """Return loss and accuracy of the learned weights on some rows; None if there are none."""
        if not len(rows):
            return None, None
        loss = hits = 0.0
        for block in np.array_split(rows, -(-len(rows) // MEASURED_AT_ONCE)):
            X, y = data.part(block)
            proba = _forward.predict_proba(X, self.coefs_, self.intercepts_, self.activation_)
            loss += float(_forward.cross_entropy(proba, y).sum())
            hits += float((proba.argmax(axis=1) == y).sum())
        return loss / len(rows), hits / len(rows)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state.pop("_resume", None)  # twice the size of the weights; only this object uses it
        state["callbacks"] = pack_callbacks(state["callbacks"])
        return state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _subsample(rows: Array, max_rows: int) -> Array:
    """Return at most `max_rows` rows, evenly spaced."""
    if len(rows) <= max_rows:
        return rows
    return rows[np.arange(max_rows) * len(rows) // max_rows]


class PackedCallbacks(Sequence[Any]):
    """Keras callbacks in pickled form, unpickled on first use.

    Unpickling them requires tensorflow, which prediction does not need. Some callbacks, such as
    `ReduceLROnPlateau`, hold functions that `pickle` does not support.
    """

    def __init__(self, callbacks: Sequence[Any]) -> None:
        try:
            with io.BytesIO() as file:
                _CallbackPickler(file).dump(list(callbacks))
                self._packed = file.getvalue()
        except Exception as error:  # callbacks can raise anything in __reduce__
            names = ", ".join(type(callback).__name__ for callback in callbacks)
            raise pickle.PicklingError(
                f"A callback in callbacks=[{names}] cannot be pickled: {error}. To pickle the "
                "estimator without its callbacks, call set_params(callbacks=None) first."
            ) from error

    def __getitem__(self, index: Any) -> Any:
        return self._unpacked[index]

    def __len__(self) -> int:
        return len(self._unpacked)

    def __reduce__(self) -> tuple[Any, ...]:
        if "_unpacked" in vars(self):  # their state may have changed
            return type(self), (self._unpacked,)
        return _restore_packed, (self._packed,)

    @functools.cached_property
    def _unpacked(self) -> list[Any]:
        load_training()  # imports Keras without its log lines, before unpickling imports it
        callbacks: list[Any] = cloudpickle.loads(self._packed)
        return callbacks

    def __repr__(self) -> str:
        return repr(self._unpacked) if "_unpacked" in vars(self) else "[...]"


class _CallbackPickler(cloudpickle.Pickler):
    """Replace Keras models, layers, optimizers and variables, which are not needed, with None."""

    def reducer_override(self, obj: Any) -> Any:
        keras = sys.modules["keras"]
        if isinstance(obj, keras.layers.Layer | keras.optimizers.Optimizer | keras.Variable):
            return type(None), ()
        return super().reducer_override(obj)


def _restore_packed(packed: bytes) -> PackedCallbacks:
    callbacks = PackedCallbacks.__new__(PackedCallbacks)
    callbacks._packed = packed
    return callbacks


def pack_callbacks(callbacks: Any) -> Any:
    """Return `callbacks` in a form that can be pickled: packed if any is a Keras callback."""
    if isinstance(callbacks, PackedCallbacks):
        return callbacks
    several = callbacks if isinstance(callbacks, Sequence) else [callbacks]
    return PackedCallbacks(several) if any(map(_is_keras, several)) else callbacks


def _is_keras(callback: Any) -> bool:
    return hasattr(callback, "set_model")


def _sort_callbacks(callbacks: Any) -> tuple[list[Any], list[Any]]:
    """Split the parameter `callbacks` into functions and Keras callbacks."""
    if callbacks is None:
        callbacks = []
    elif isinstance(callbacks, str) or not isinstance(callbacks, Sequence):
        callbacks = [callbacks]
    functions: list[Any] = []
    keras_callbacks: list[Any] = []
    for callback in callbacks:
        is_keras = _is_keras(callback)
        if isinstance(callback, type) or not (is_keras or callable(callback)):
            raise TypeError(
                f"callbacks={callback!r} must be a keras.callbacks.Callback instance, a "
                "function that takes an EpochEvent, or a list of these."
            )
        (keras_callbacks if is_keras else functions).append(callback)
    return functions, keras_callbacks
