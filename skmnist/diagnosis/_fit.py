"""Whether a classifier overfits, underfits, or neither."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from skmnist.diagnosis._estimator import get_core
from skmnist.text import get_catalogue

# The source deck calls a gap of 0.0226 overfitting and one of 0.0171 optimal.
MAX_ACCURACY_GAP = 0.02
# The linear classifier of LeCun et al. (1998) errs on 12 % of MNIST's test images; a network with
# hidden layers that does no better on its own training images learned little.
MIN_TRAIN_ACCURACY = 0.88
# The deck's two examples of "val loss clearly above train loss" are 16 times and more; twice is
# where the loss, a mean of -log p, says that true classes got the square of their probability.
LOSS_RATIO = 2.0
# A trend is read over the second half of the epochs, three at least: the first half is descent.
MIN_TREND_EPOCHS = 3
# ... and is one when the fitted line changes by at least this share of its mean.
MIN_TREND = 0.01
CONFIDENCE = 0.95

Label = Literal["overfitting", "optimal", "underfitting"]


@dataclass(frozen=True)
class FitDiagnosis:
    """What a training run's figures say about the fit.

    Attributes
    ----------
    label : {"overfitting", "optimal", "underfitting"}
    gap : float
        Training minus validation accuracy of the weights that were kept.
    gap_interval : tuple of float or None
        95 % interval of the gap; None where the number of images is not known.
    last_gap : float or None
        The gap at the last epoch, with the running training accuracy of that epoch; the same as
        `gap` where the weights of the last epoch were kept. None where there is no history.
    val_loss_trend_up, train_loss_trend_down : bool or None
        Trends over the second half of the epochs; None where there is no history.
    val_loss_far_above : bool
        The validation loss is more than twice the training loss.
    train_accuracy, validation_accuracy, train_loss, validation_loss : float or None
        The figures behind it.
    max_gap : float
        The largest gap that is fine.
    """

    label: Label
    gap: float
    gap_interval: tuple[float, float] | None = None
    last_gap: float | None = None
    val_loss_trend_up: bool | None = None
    train_loss_trend_down: bool | None = None
    val_loss_far_above: bool = False
    train_accuracy: float | None = None
    validation_accuracy: float | None = None
    train_loss: float | None = None
    validation_loss: float | None = None
    max_gap: float = MAX_ACCURACY_GAP

    @property
    def within_noise(self) -> bool:
        """Whether the gap is above `max_gap`, but not shown to be above 0."""
        return self.label == "optimal" and _exceeds(self.gap, self.max_gap)

    def sentences(self, language: str = "en") -> list[str]:
        """Explain the verdict, the most important sentence first."""
        say = get_catalogue(language)
        values = {**vars(self), "allowed": self.max_gap}
        phrases = [self._verdict_phrase()]
        if self.train_accuracy is not None and self.validation_accuracy is not None:
            phrases.append("accuracies")
        if self.gap_interval is not None:
            values["low"], values["high"] = self.gap_interval
            phrases.append("interval")
        if self.last_gap is not None and self.last_gap != self.gap:
            phrases.append("last_epoch")
        if self.label == "underfitting":  # what its losses do is beside the point
            return [say(f"diagnosis.sentence.{phrase}", **values) for phrase in phrases]
        if self.val_loss_trend_up:
            trend = "both_trends" if self.train_loss_trend_down else "val_loss_up"
            phrases.append(f"{trend}_overfitting" if self.label == "overfitting" else trend)
        elif self.val_loss_trend_up is not None:
            phrases.append("val_loss_stable")
        if self.val_loss_far_above:
            phrases.append("val_loss_far_above")
        return [say(f"diagnosis.sentence.{phrase}", **values) for phrase in phrases]

    def sentence(self, language: str = "en") -> str:
        """Explain the verdict in plain words.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
        """
        return " ".join(self.sentences(language))

    def __str__(self) -> str:
        return f"{self.label}: {self.sentence()}"

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain Python values, for JSON or a table."""
        return asdict(self)

    def _verdict_phrase(self) -> str:
        if self.label == "underfitting" and self.train_accuracy is None:
            return "underfitting_bare"
        return "within_noise" if self.within_noise else self.label


def diagnose_fit(
    source: Any = None,
    *,
    gap: float | None = None,
    val_loss_trend_up: bool | None = None,
    train_loss_trend_down: bool | None = None,
    train_accuracy: float | None = None,
    validation_accuracy: float | None = None,
    n_train: int | None = None,
    n_validation: int | None = None,
    max_gap: float = MAX_ACCURACY_GAP,
) -> FitDiagnosis:
    """Say whether a classifier overfits, underfits, or fits well.

    Overfitting is a gap between training and validation accuracy above `max_gap` whose 95 %
    interval lies above 0; underfitting is a training accuracy under 0.88. Underfitting is told
    only where the gap is no overfitting.

    Parameters
    ----------
    source : fitted estimator or mapping, default=None
        A fitted :class:`~skmnist.neural_network.SimpleNNClassifier` or ``DeepNNClassifier``,
        alone, as the last step of a Pipeline or as the best of a search; or a Keras history: what
        `keras.Model.fit` returns, or a mapping with `accuracy`, `val_accuracy`, `loss`,
        `val_loss` per epoch, of which the last epoch is judged.
    gap : float, default=None
        Training minus validation accuracy, where nothing else is known.
    val_loss_trend_up, train_loss_trend_down : bool, default=None
        What is known of the losses' trends.
    train_accuracy, validation_accuracy : float in [0, 1], default=None
        The two accuracies, instead of `gap`: the way for any other classifier.
    n_train, n_validation : int, default=None
        Numbers of images behind the accuracies; with them the gap gets an interval.
    max_gap : float, default=0.02
        The largest gap that is fine.

    Returns
    -------
    diagnosis : FitDiagnosis

    Raises
    ------
    ValueError
        There is no training or no validation accuracy to judge by.

    Notes
    -----
    The interval is Newcombe's for a difference of two proportions, built from Wilson's score
    intervals: unlike the textbook one it does not shrink to nothing at an accuracy of 1.

    References
    ----------
    R. G. Newcombe: Interval estimation for the difference between independent proportions.
    Statistics in Medicine 17, 1998, 873-890, method 10.

    Examples
    --------
    >>> from skmnist import diagnose_fit
    >>> diagnosis = diagnose_fit(gap=0.0226, val_loss_trend_up=True, train_loss_trend_down=True)
    >>> diagnosis.label
    'overfitting'
    >>> print(diagnosis.sentence("de"))
    Training und Validierung driften auseinander (Gap = 0,0226; bis 0,02 ist in Ordnung): ...
    >>> diagnose_fit(train_accuracy=0.95, validation_accuracy=0.9, n_train=900, n_validation=10)
    ... # doctest: +ELLIPSIS
    FitDiagnosis(label='optimal', gap=0.04..., gap_interval=(-0.0..., 0.3...), ...)

    A classifier that keeps no training accuracy cannot be judged by itself:

    >>> from sklearn.dummy import DummyClassifier
    >>> diagnose_fit(DummyClassifier().fit([[0], [1]], [0, 1]))
    Traceback (most recent call last):
    ValueError: DummyClassifier keeps no training and validation accuracy. Pass
    train_accuracy= and validation_accuracy=, measured by its score method.
    """
    figures: dict[str, Any] = {}
    if gap is not None and (source, train_accuracy, validation_accuracy) != (None, None, None):
        raise ValueError(
            f"gap={gap!r} was given beside figures that tell it; pass it alone, where nothing else "
            "is known."
        )
    if isinstance(getattr(source, "history", None), Mapping):  # keras.callbacks.History
        source = source.history
    if isinstance(source, pd.DataFrame):  # a history in a frame
        source = source.to_dict("list")
    if isinstance(source, Mapping):
        figures = _from_history(source)
    elif source is not None:
        figures = _from_estimator(get_core(source))
    given = {
        "val_loss_trend_up": val_loss_trend_up,
        "train_loss_trend_down": train_loss_trend_down,
        "train_accuracy": train_accuracy,
        "validation_accuracy": validation_accuracy,
        "n_train": n_train,
        "n_validation": n_validation,
    }
    figures |= {name: value for name, value in given.items() if value is not None}
    if source is not None and not isinstance(source, Mapping):
        _tell_missing(get_core(source), figures)
    return _judge(gap=gap, max_gap=max_gap, **figures)


def _from_estimator(core: Any) -> dict[str, Any]:
    """Take what the estimator kept; any of it may be missing."""
    history = getattr(core, "history_", None) or {}
    kept = ("train_accuracy", "validation_accuracy", "train_loss", "validation_loss")
    figures: dict[str, Any] = {name: getattr(core, f"{name}_", None) for name in kept}
    for name in ("n_train", "n_validation"):
        figures[name] = getattr(core, f"{name}_", None) or None  # 0 rows tell as much as none
    figures |= {**_trends(history), "last_gap": _last_gap(history)}
    accuracies = figures["train_accuracy"], figures["validation_accuracy"]
    if getattr(core, "kept_epoch_", None) == getattr(core, "n_iter_", 0) and None not in accuracies:
        figures["last_gap"] = accuracies[0] - accuracies[1]  # the same epoch, and better measured
    return figures


def _tell_missing(core: Any, figures: Mapping[str, Any]) -> None:
    name = type(core).__name__
    if figures["train_accuracy"] is None and hasattr(core, "get_params"):
        check_is_fitted(core)
    if figures["train_accuracy"] is None:
        raise ValueError(
            f"{name} keeps no training and validation accuracy. Pass train_accuracy= and "
            "validation_accuracy=, measured by its score method."
        )
    if figures["validation_accuracy"] is None:
        raise ValueError(
            f"{name} was fitted without validation rows, so its gap is not known. Fit with "
            "validation_fraction=0.1 or with X_val and y_val, or pass validation_accuracy=."
        )


def _from_history(history: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    n_epochs = {len(history.get(name, ())) for name in ("accuracy", "val_accuracy")}
    if len(n_epochs) != 1 or n_epochs == {0}:
        raise ValueError(
            f"history has {sorted(history)}, but a diagnosis needs 'accuracy' and 'val_accuracy' "
            "of one epoch or more, as many in both (and 'loss' and 'val_loss' for the trends)."
        )
    figures = {
        **_trends(history),
        "train_accuracy": float(history["accuracy"][-1]),
        "validation_accuracy": float(history["val_accuracy"][-1]),
    }
    if len(history.get("loss", ())) and len(history.get("val_loss", ())):
        figures["train_loss"] = float(history["loss"][-1])
        figures["validation_loss"] = float(history["val_loss"][-1])
    return figures


def _judge(
    *,
    gap: float | None,
    max_gap: float,
    train_accuracy: float | None = None,
    validation_accuracy: float | None = None,
    train_loss: float | None = None,
    validation_loss: float | None = None,
    n_train: int | None = None,
    n_validation: int | None = None,
    **trends: Any,
) -> FitDiagnosis:
    _check_share("train_accuracy", train_accuracy)
    _check_share("validation_accuracy", validation_accuracy)
    _check_share("gap", gap, low=-1)
    _check_share("max_gap", max_gap)
    for name, n in (("n_train", n_train), ("n_validation", n_validation)):
        if n is not None and n < 1:
            raise ValueError(f"{name}={n!r} must be an int >= 1, or None if it is not known.")
    if gap is None:
        if train_accuracy is None or validation_accuracy is None:
            raise ValueError(
                "There is no gap to judge. Pass a fitted classifier, a history, gap=, or both "
                "train_accuracy= and validation_accuracy=."
            )
        gap = train_accuracy - validation_accuracy
    interval = None
    if train_accuracy is not None and validation_accuracy is not None and n_train and n_validation:
        interval = _difference_interval(train_accuracy, n_train, validation_accuracy, n_validation)
    label: Label = "optimal"
    if _exceeds(gap, max_gap) and (interval is None or interval[0] > 0):
        label = "overfitting"
    elif train_accuracy is not None and train_accuracy < MIN_TRAIN_ACCURACY:
        label = "underfitting"
    return FitDiagnosis(
        label=label,
        gap=float(gap),
        gap_interval=interval,
        val_loss_far_above=(
            train_loss is not None
            and validation_loss is not None
            and validation_loss > LOSS_RATIO * train_loss
        ),
        train_accuracy=_as_float(train_accuracy),
        validation_accuracy=_as_float(validation_accuracy),
        train_loss=_as_float(train_loss),
        validation_loss=_as_float(validation_loss),
        max_gap=float(max_gap),
        **trends,
    )


def _check_share(name: str, value: float | None, *, low: float = 0) -> None:
    if value is not None and not low <= value <= 1:
        raise ValueError(
            f"{name}={value!r} must be a share from {low} to 1; divide percentages by 100."
        )


def _as_float(value: float | None) -> float | None:
    """Make a plain float of any number; one that is not finite says nothing."""
    return float(value) if value is not None and np.isfinite(value) else None


def _exceeds(gap: float, allowed: float) -> bool:
    # 1 - 0.98 is 0.020000000000000018 and not more than 0.02
    return gap > allowed and not np.isclose(gap, allowed, rtol=0, atol=1e-12)


def _trends(history: Mapping[str, Sequence[float]]) -> dict[str, bool | None]:
    validation = _trend(history.get("val_loss", ()))
    training = _trend(history.get("loss", ()))
    return {
        "val_loss_trend_up": None if validation is None else validation > MIN_TREND,
        "train_loss_trend_down": None if training is None else training < -MIN_TREND,
    }


def _trend(values: Sequence[float]) -> float | None:
    """Return how much a line through the second half changes, as a share of its mean."""
    half = np.asarray(values, dtype=float)
    half = half[min(len(half) // 2, max(0, len(half) - MIN_TREND_EPOCHS)) :]
    if len(half) < MIN_TREND_EPOCHS or not np.isfinite(half).all() or not half.mean():
        return None
    slope = np.polyfit(np.arange(len(half)), half, deg=1)[0]
    return float(slope * (len(half) - 1) / half.mean())


def _last_gap(history: Mapping[str, Sequence[float]]) -> float | None:
    if not len(history.get("val_accuracy", ())):
        return None
    return float(history["accuracy"][-1] - history["val_accuracy"][-1])


def _difference_interval(p1: float, n1: int, p2: float, n2: int) -> tuple[float, float]:
    low1, high1 = _wilson(p1, n1)
    low2, high2 = _wilson(p2, n2)
    difference = p1 - p2
    return (
        difference - float(np.hypot(p1 - low1, high2 - p2)),
        difference + float(np.hypot(high1 - p1, p2 - low2)),
    )


def _wilson(p: float, n: int) -> tuple[float, float]:
    from scipy.stats import binomtest

    interval = binomtest(round(p * n), n).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)
