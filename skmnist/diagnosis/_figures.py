"""Collect the figures for the diagnosis of a fit, and compute confidence intervals.

SciPy has Wilson's interval. Newcombe's, which combines two of them, is only in statsmodels, which
is not a dependency.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, log_loss

from skmnist.diagnosis._estimator import get_core, get_parameters
from skmnist.diagnosis._references import References

Array = np.ndarray[Any, Any]

CONFIDENCE = 0.95


def wilson_interval(p: float, n: int) -> tuple[float, float]:
    """Return Wilson's 95% score interval for the proportion `p` of `n` images.

    References
    ----------
    E. B. Wilson: Probable inference, the law of succession, and statistical inference. Journal of
    the American Statistical Association 22, 1927, 209-212.
    """
    from scipy.stats import binomtest

    interval = binomtest(round(p * n), n).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def difference_interval(p1: float, n1: int, p2: float, n2: int) -> tuple[float, float]:
    """Return Newcombe's 95% interval for the difference of two independent proportions.

    Unlike the normal approximation, it does not collapse if a proportion is 1.

    References
    ----------
    R. G. Newcombe: Interval estimation for the difference between independent proportions.
    Statistics in Medicine 17, 1998, 873-890, method 10.
    """
    low1, high1 = wilson_interval(p1, n1)
    low2, high2 = wilson_interval(p2, n2)
    difference = p1 - p2
    return (
        difference - float(np.hypot(p1 - low1, high2 - p2)),
        difference + float(np.hypot(high1 - p1, p2 - low2)),
    )


def _standard_error(p: float, n: int) -> float:
    return float(np.sqrt(p * (1 - p) / n))


HeldOut = Literal["validation", "test"]
Limit = Literal["no_signal", "held_out_differs", "training_differs", "label_noise", "data_limit"]

# Trends are measured over the second half of the epochs, or over the last three epochs if that is
# more, because losses always fall at first.
MIN_TREND_EPOCHS = 3
# A model with a recall of 0.5 misses all five images with probability 1/32.
MIN_OTHERS = 5
# Accuracies within two percentage points count as equal, as for the gap.
MARGIN = 0.02
# A linear model that trails a forest by more than this cannot describe the shape of the classes.
LINEAR_LAG = 0.01
# A held-out accuracy below this share of chance accuracy (1 / n_classes) is not due to chance.
BELOW_CHANCE = 0.75
# A class is rare if it has fewer than this share of the mean number of rows.
RARE = 0.5
# Label noise below this share is not distinguished from hard images.
MIN_NOISE = 0.05
# Below this training accuracy, a network has not even memorized its training images.
STUCK = 0.95
MIN_RISE, MIN_FALL = 0.03, 0.01  # of training and validation accuracy, for label noise
# On 5,000 MNIST images, the accuracy with dropout is lower than without it by 0.02 for a dropout of
# 0.5, 0.08 for 0.8, 0.22 for 0.9 and 0.44 for 0.95; from 0.9 on, held-out accuracy is 2 to 4 points
# lower than for 0.2.
MAX_HIDDEN = 0.1
# Improvement over the second half of the epochs, relative to the mean. In benchmarks/findings.py
# all networks that were stopped after three epochs exceed it, and no fully trained one does.
MIN_LOSS_FALL = 0.1
MIN_ACCURACY_RISE = 0.02
MIN_KEPT = 3  # in the first epochs, the running mean is low because the network still learns fast


# The majority class is considered only if its share is at least this many times 1 / n_classes.
IMBALANCED = 1.5


@dataclass(frozen=True)
class Majority:
    """Baseline that always predicts the most frequent class of the held-out rows.

    Attributes
    ----------
    label : label
        The most frequent class.
    share : float
        Its share, which is the accuracy of the baseline.
    accuracy : float
        Accuracy of the model on the same rows.
    n_won, n_lost : int
        Rows that only the model classifies correctly, and rows that only the baseline does.
    n_classes : int
        Number of classes among the rows.
    """

    label: Any
    share: float
    accuracy: float
    n_won: int
    n_lost: int
    n_classes: int

    @classmethod
    def make(cls, labels: Array, predicted: Array) -> "Majority":
        """Compare predictions with the most frequent label."""
        classes, counts = np.unique(labels, return_counts=True)
        most, right = labels == classes[counts.argmax()], labels == predicted
        return cls(
            label=classes.tolist()[counts.argmax()],
            share=float(most.mean()),
            accuracy=float(right.mean()),
            n_won=int((right & ~most).sum()),
            n_lost=int((most & ~right).sum()),
            n_classes=len(classes),
        )

    @property
    def as_good(self) -> bool:
        """Whether the model is hardly better than the baseline, although classes are imbalanced.

        Its lead is at most two standard errors of the paired difference.
        """
        imbalanced = self.share >= IMBALANCED / self.n_classes
        won = self.n_won - self.n_lost > 2 * np.sqrt(self.n_won + self.n_lost)
        return self.n_classes > 1 and imbalanced and not won


@dataclass(frozen=True)
class FitFigures:
    """The known figures of a fit, from which findings are derived.

    Attributes
    ----------
    max_gap, min_train_accuracy : float
        Limits of overfitting and underfitting.
    gap : float or None
        Training minus held-out accuracy.
    gap_interval : tuple of float or None
    train_accuracy, validation_accuracy, train_loss, validation_loss : float or None
    n_train, n_validation : int or None
    history : dict of str to ndarray
        `loss`, `accuracy`, `val_loss` and `val_accuracy` per epoch, if known.
    stop_reason : str or None
        Why training ended: "epochs", "patience", "converged", "callback", "interrupted" or
        "nonfinite"; None if unknown.
    waited : int or None
        Epochs since the best one.
    last_gap : float or None
    val_loss_trend_up, train_loss_trend_down : bool or None
    dead_shares : tuple of float
        For each hidden layer, the share of units that are not active for any row.
    n_classes : int or None
    network : bool
        Whether the model is a network that learns in epochs.
    parameters : dict or None
        The parameters that affect training; None if unknown.
    only_class : label or None
        The class that is predicted for all rows, although at least five have another label.
    never_predicted : tuple
        Classes with at least five of the given rows that are never predicted.
    rare : tuple
        The classes in `never_predicted` with fewer than half of the mean number of rows per class.
    majority : Majority or None
        Only known if held-out rows were passed with labels.
    running_accuracy : float or None
        Training accuracy with dropout and deformation, in the epoch whose weights were kept.
    kept_epoch : int or None
    references : References or None
        Accuracies of simple models on the given rows, measured if a limit is suspected.
    curve : LearningCurve or None
    """

    max_gap: float
    min_train_accuracy: float
    gap: float | None = None
    gap_interval: tuple[float, float] | None = None
    train_accuracy: float | None = None
    validation_accuracy: float | None = None
    train_loss: float | None = None
    validation_loss: float | None = None
    n_train: int | None = None
    n_validation: int | None = None
    history: Mapping[str, Array] = field(default_factory=dict)
    stop_reason: str | None = None
    waited: int | None = None
    last_gap: float | None = None
    val_loss_trend_up: bool | None = None
    train_loss_trend_down: bool | None = None
    dead_shares: tuple[float, ...] = ()
    n_classes: int | None = None
    network: bool = True
    parameters: Mapping[str, Any] | None = None
    only_class: Any = None
    never_predicted: tuple[Any, ...] = ()
    rare: tuple[Any, ...] = ()
    majority: Majority | None = None
    running_accuracy: float | None = None
    kept_epoch: int | None = None
    references: References | None = None
    curve: "LearningCurve | None" = None

    @property
    def weak(self) -> bool:
        """Whether simple models may do as well: accuracy is low, or a class is never predicted."""
        known = (self.train_accuracy, self.validation_accuracy)
        low = any(each is not None and each < self.min_train_accuracy for each in known)
        return low or bool(self.never_predicted) or self.only_class is not None

    @property
    def limit(self) -> Limit | None:
        """The cause to address before changing the model, or None."""
        if self.below_chance:
            return "held_out_differs"
        if self.leads:
            return "training_differs"
        if self.references is None:
            return "label_noise" if self.accuracy_fall is not None else None
        found, accuracy = self.references, self.validation_accuracy or 0.0
        n = found.n_checked
        # the model may have been measured on fewer rows, on which its best epoch was chosen
        guess, n_own = found.chance, min(n, self.n_validation or n)
        if not found.has_signal and accuracy <= guess + 3 * _standard_error(guess, n_own):
            # if held-out training rows are classified better, the other held-out rows are the cause
            differs = found.within is not None and found.within.has_signal
            return "held_out_differs" if differs and self.train_accuracy else "no_signal"
        # if a linear model is as good, overlapping classes may also explain the errors
        noisy = wilson_interval(found.sure_error, found.n_sure)[0] > MIN_NOISE
        if noisy and found.linear < found.forest - LINEAR_LAG:
            return "label_noise"
        is_stuck = self.train_accuracy is not None and self.train_accuracy < STUCK
        return "data_limit" if is_stuck and not self.lags and not self.improves else None

    @property
    def lags(self) -> bool:
        """Whether a linear model or a forest is clearly more accurate on held-out rows."""
        found, accuracy = self.references, self.validation_accuracy or 0.0
        if found is None:
            return False
        if found.lead is not None and found.lead_error is not None:
            return found.lead > max(MARGIN + found.lead_error, 2 * found.lead_error)
        best = max(found.linear, found.forest)
        return best > accuracy + MARGIN + np.sqrt(2) * _standard_error(accuracy, found.n_checked)

    @property
    def leads(self) -> bool:
        """Whether held-out accuracy is higher by more than `max_gap` at both ends of the interval.

        False if the parameters are unknown, because the training accuracy may then be that of a
        Keras history, which was measured with dropout.
        """
        if self.parameters is None or self.train_accuracy is None or self.gap_interval is None:
            return False
        return self.gap_interval[1] < -self.max_gap

    @property
    def below_chance(self) -> bool:
        """Whether the model beats guessing on training rows, but is far worse on held-out rows."""
        train, held_out = self.train_accuracy, self.validation_accuracy
        if train is None or held_out is None or not self.n_classes or not self.n_validation:
            return False
        guess = 1 / self.n_classes
        learned = wilson_interval(train, self.n_train)[0] if self.n_train else train
        return learned > guess and (
            wilson_interval(held_out, self.n_validation)[1] < BELOW_CHANCE * guess
        )

    @property
    def improves(self) -> bool:
        """Whether the model still improved in the second half of the epochs."""
        fall = self.trend("val_loss", min_epochs=2)
        rise = self.trend("val_accuracy", min_epochs=2)
        if fall is None and rise is None and self.stop_reason == "epochs":
            fall = self.trend("loss", min_epochs=2)
        return (fall is not None and fall <= -MIN_LOSS_FALL) or (
            rise is not None and rise >= MIN_ACCURACY_RISE
        )

    @property
    def accuracy_fall(self) -> float | None:
        """Drop in validation accuracy while wrong labels are learned; None if there is none.

        Wrong labels are learned late and at the expense of others: the training accuracy is far
        from 1 and still rises, and the validation accuracy falls by more than its standard error
        (D. Arpit et al.: A closer look at memorization in deep networks. ICML 2017).
        """
        names = ("accuracy", "val_accuracy", "val_loss")
        train, held_out, loss = (np.asarray(self.history.get(name, ())) for name in names)
        if (
            not self.n_validation
            or len({len(train), len(held_out), len(loss)}) > 1
            or not len(loss)
        ):
            return None
        at = int(np.argmin(loss))
        best = slice(max(0, at - 1), at + 2)
        if best.stop > len(loss) - MIN_TREND_EPOCHS:
            return None  # no epochs follow the best ones
        before, after = float(held_out[best].mean()), float(held_out[-MIN_TREND_EPOCHS:].mean())
        error = _standard_error(before, self.n_validation)
        learns = train[-1] < STUCK and train[-1] - train[best].mean() >= MIN_RISE
        falls = before - after >= max(MIN_FALL, 2 * error)
        return before - after if learns and falls else None

    @property
    def over_regularised(self) -> bool:
        """Whether dropout or deformation lowers the training accuracy considerably."""
        parameters = self.parameters or {}
        if not parameters.get("dropout") and parameters.get("augmentation") is None:
            return False
        if self.train_accuracy is None or self.running_accuracy is None:
            return False
        learned = (self.kept_epoch or 0) >= MIN_KEPT
        return learned and self.train_accuracy - self.running_accuracy >= MAX_HIDDEN

    @property
    def n_epochs(self) -> int:
        """Number of epochs in the history."""
        return max(map(len, self.history.values()), default=0)

    def trend(self, name: str, min_epochs: int = MIN_TREND_EPOCHS) -> float | None:
        """Return the relative change of a line fitted to the second half of the epochs.

        None if there are too few epochs, or if a value is not finite.
        """
        values = np.asarray(self.history.get(name, ()), dtype=float)
        half = values[min(len(values) // 2, max(0, len(values) - MIN_TREND_EPOCHS)) :]
        if len(half) < min_epochs or not np.isfinite(half).all() or not half.mean():
            return None
        slope = np.polyfit(np.arange(len(half)), half, deg=1)[0]
        return float(slope * (len(half) - 1) / half.mean())


@dataclass(frozen=True)
class LearningCurve:
    """Scores by number of training rows; see :func:`sklearn.model_selection.learning_curve`."""

    sizes: Array
    train_scores: Array
    test_scores: Array

    @classmethod
    def make(cls, result: Any) -> "LearningCurve":
        """Create a learning curve from the result of `learning_curve`."""
        try:
            sizes, train, test = (np.asarray(part, dtype=float) for part in result[:3])
        except (TypeError, ValueError):
            sizes = train = test = np.empty(0)
        if len(sizes) < 2 or train.shape != test.shape or train.shape[:-1] != sizes.shape:
            raise ValueError(
                "learning_curve must be the result of sklearn.model_selection.learning_curve: "
                "sizes, training scores and test scores, with at least two sizes."
            )
        return cls(sizes, train, test)


def read_estimator(
    estimator: Any, X: Any = None, y: Any = None, X_val: Any = None, y_val: Any = None
) -> dict[str, Any]:
    """Return the figures that a fitted estimator stores; measure the others on the rows."""
    core = get_core(estimator)
    kept = ("train_accuracy", "validation_accuracy", "train_loss", "validation_loss")
    figures: dict[str, Any] = {name: getattr(core, f"{name}_", None) for name in kept}
    # the number of measured rows; 0 means unknown
    for name in ("n_train", "n_validation"):
        n_rows = getattr(core, f"{name}_", None)
        figures[name] = getattr(core, f"{name}_measured_", n_rows) or None
    seen: list[tuple[Array, Array]] = []
    for part, rows, labels in (("train", X, y), ("validation", X_val, y_val)):
        if labels is None or not hasattr(estimator, "predict"):
            continue
        predicted = estimator.predict(rows)
        seen.append((np.asarray(labels).ravel(), np.asarray(predicted).ravel()))
        if figures[f"{part}_accuracy"] is None or part == "validation":
            figures[f"{part}_accuracy"] = float(accuracy_score(labels, predicted))
            figures[f"n_{part}"] = len(labels)
            figures[f"{part}_loss"] = _measure_loss(estimator, rows, labels)
    figures["only_class"] = _find_only_class(seen)
    figures["never_predicted"], figures["rare"] = _find_never_predicted(seen)
    if y_val is not None and seen:
        figures["majority"] = Majority.make(*seen[-1])
    history = read_history(core)
    figures |= {"history": history, "last_gap": _last_gap(history), **_read_stop(core, history)}
    accuracies = figures["train_accuracy"], figures["validation_accuracy"]
    kept_epoch = getattr(core, "kept_epoch_", None)
    if kept_epoch is not None and kept_epoch == core.n_iter_ and None not in accuracies:
        figures["last_gap"] = accuracies[0] - accuracies[1]  # more precise than the history
    if kept_epoch and kept_epoch <= len(history.get("accuracy", ())):
        figures["kept_epoch"] = int(kept_epoch)
        figures["running_accuracy"] = float(history["accuracy"][kept_epoch - 1])
    if hasattr(core, "classes_"):
        figures["n_classes"] = len(core.classes_)
    figures["network"] = bool(history) or hasattr(core, "coefs_") or hasattr(core, "history_")
    figures["parameters"] = get_parameters(estimator)
    if X is not None:
        figures["dead_shares"] = _dead_shares(estimator, core, X)
    return figures


def _find_only_class(seen: Sequence[tuple[Array, Array]]) -> Any:
    """Return the class that is predicted for all rows.

    None if several classes are predicted, or if fewer than `MIN_OTHERS` rows have another label.
    """
    classes = {label for _, predicted in seen for label in predicted.tolist()}
    if len(classes) != 1:
        return None
    (only,) = classes
    n_others = sum(int((labels != only).sum()) for labels, _ in seen)
    return only if n_others >= MIN_OTHERS else None


def _find_never_predicted(
    seen: Sequence[tuple[Array, Array]],
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the classes with at least `MIN_OTHERS` rows that are never predicted, and rare ones.

    The rare classes are among those that are never predicted.
    """
    if not seen:
        return (), ()
    labels, predicted = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    classes, counts = np.unique(labels, return_counts=True)
    never = (counts >= MIN_OTHERS) & ~np.isin(classes, predicted)
    rare = never & (counts < RARE * counts.mean())
    return tuple(classes[never].tolist()), tuple(classes[rare].tolist())


def _measure_loss(estimator: Any, X: Any, y: Any) -> float | None:
    """Return the cross-entropy on the given rows; None unless each label has a probability."""
    classes = getattr(estimator, "classes_", None)
    if classes is None or not hasattr(estimator, "predict_proba"):
        return None
    if not np.isin(np.asarray(y).ravel(), classes).all():
        return None
    proba = np.asarray(estimator.predict_proba(X))
    if proba.shape != (len(y), len(classes)):
        return None
    return float(log_loss(y, proba, labels=classes))


def read_history(core: Any) -> dict[str, Array]:
    """Return the metrics that an estimator stores for each epoch, with Keras's names."""
    history = getattr(core, "history_", None)
    if not isinstance(history, Mapping):
        history = {}
        if getattr(core, "loss_curve_", None) is not None:  # scikit-learn's MLPClassifier
            history["loss"] = core.loss_curve_
            if getattr(core, "validation_scores_", None) is not None:
                history["val_accuracy"] = core.validation_scores_
    return {str(name): np.asarray(values, dtype=float) for name, values in history.items()}


def read_mapping(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a Keras history or of the result of `cross_validate`."""
    for name in ("score", "accuracy"):
        if {f"train_{name}", f"test_{name}"} <= source.keys():
            return _from_folds(source[f"train_{name}"], source[f"test_{name}"])
    n_epochs = {len(source.get(name, ())) for name in ("accuracy", "val_accuracy")}
    if len(n_epochs) != 1 or n_epochs == {0}:
        raise ValueError(
            f"history has {sorted(source)}, but a diagnosis needs at least one epoch of 'accuracy' "
            "and 'val_accuracy', and the same number of epochs in each (and 'loss' and 'val_loss' "
            "for the trends); or 'train_score' and 'test_score', from cross_validate(..., "
            "return_train_score=True)."
        )
    figures: dict[str, Any] = {
        "history": {name: np.asarray(values, dtype=float) for name, values in source.items()},
        "train_accuracy": float(source["accuracy"][-1]),
        "validation_accuracy": float(source["val_accuracy"][-1]),
    }
    if len(source.get("loss", ())) and len(source.get("val_loss", ())):
        figures["train_loss"] = float(source["loss"][-1])
        figures["validation_loss"] = float(source["val_loss"][-1])
    return figures


def gap_interval(figures: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return the interval of the gap, or None if accuracies or numbers of images are unknown."""
    names = ("train_accuracy", "n_train", "validation_accuracy", "n_validation")
    p1, n1, p2, n2 = (figures.get(name) for name in names)
    if p1 is None or p2 is None or not n1 or not n2:
        return None
    return difference_interval(p1, n1, p2, n2)


def _from_folds(train: Sequence[float], test: Sequence[float]) -> dict[str, Any]:
    """Return the figures of folds, with an interval of their mean gap.

    The variance is corrected because folds share rows (C. Nadeau, Y. Bengio: Inference for the
    generalization error. Machine Learning 52, 2003, 239-281).
    """
    from scipy.stats import t

    gaps = np.asarray(train, dtype=float) - np.asarray(test, dtype=float)
    figures: dict[str, Any] = {
        "network": False,  # unknown
        "train_accuracy": float(np.mean(train)),
        "validation_accuracy": float(np.mean(test)),
    }
    k = len(gaps)
    if k > 1:
        error = float(gaps.std(ddof=1) * np.sqrt(1 / k + 1 / (k - 1)))
        half = float(t.ppf(0.5 + CONFIDENCE / 2, k - 1)) * error
        figures["gap_interval"] = (float(gaps.mean()) - half, float(gaps.mean()) + half)
    return figures


def _read_stop(core: Any, history: Mapping[str, Array]) -> dict[str, Any]:
    """Return why training stopped, and the number of epochs since the best one."""
    n_iter = getattr(core, "n_iter_", None)
    reason = getattr(core, "stop_reason_", None)
    if reason is None and history and hasattr(core, "max_iter"):
        early = "patience" if getattr(core, "early_stopping", False) else "converged"
        reason = "epochs" if n_iter == core.max_iter else early
    best = getattr(core, "best_epoch_", None)
    if not best and len(history.get("val_accuracy", ())):
        best = int(np.argmax(history["val_accuracy"])) + 1
    waited = n_iter - best if best and isinstance(n_iter, int) else None
    return {"stop_reason": reason, "waited": waited}


def _last_gap(history: Mapping[str, Array]) -> float | None:
    if not len(history.get("val_accuracy", ())) or not len(history.get("accuracy", ())):
        return None
    return float(history["accuracy"][-1] - history["val_accuracy"][-1])


def _dead_shares(estimator: Any, core: Any, X: Any) -> tuple[float, ...]:
    """Return the share of units that are not active for any row, for each hidden ReLU layer."""
    activation = getattr(core, "activation_", getattr(core, "activation", None))
    if activation != "relu" or not hasattr(core, "coefs_"):
        return ()
    rows = np.asarray(_transform(estimator, X), dtype=float)
    rows = rows.reshape(len(rows), -1)
    shares = []
    for coef, intercept in zip(core.coefs_[:-1], core.intercepts_[:-1], strict=True):
        rows = np.maximum(rows @ coef + intercept, 0)
        shares.append(float((rows.max(axis=0) <= 0).mean()))
    return tuple(shares)


def _transform(estimator: Any, X: Any) -> Any:
    """Transform rows by all steps before the last one."""
    while hasattr(estimator, "best_estimator_"):
        estimator = estimator.best_estimator_
    if hasattr(estimator, "steps"):
        for _, step in estimator.steps[:-1]:
            if hasattr(step, "transform"):  # skip "passthrough" and samplers
                X = step.transform(X)
        return _transform(estimator.steps[-1][1], X)
    return X.toarray() if hasattr(X, "toarray") else X


def as_frame_columns(source: Any) -> Any:
    """Convert a history object or data frame to a mapping; return other sources unchanged."""
    if isinstance(getattr(source, "history", None), Mapping):  # keras.callbacks.History
        return source.history
    return source.to_dict("list") if isinstance(source, pd.DataFrame) else source
