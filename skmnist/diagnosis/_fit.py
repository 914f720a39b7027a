"""Diagnose whether a classifier overfits or underfits."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from numbers import Real
from typing import Any, Literal

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmnist._html import make_html
from skmnist.diagnosis._causes import CAUSES, AsGoodAsMajority, NeverPredicted, OverRegularized
from skmnist.diagnosis._estimator import get_core
from skmnist.diagnosis._figures import (
    FitFigures,
    HeldOut,
    LearningCurve,
    as_frame_columns,
    gap_interval,
    read_estimator,
    read_mapping,
)
from skmnist.diagnosis._findings import (
    MAX_ACCURACY_GAP,
    Borderline,
    DeadUnits,
    Finding,
    MoreRowsHelp,
    Optimal,
    Overfitting,
    StillImproving,
    StoppedTooEarly,
    TooFewToTell,
    Underfitting,
    Unstable,
    exceeds,
)
from skmnist.diagnosis._references import measure_references
from skmnist.text import get_catalogue

# In the slide deck's two examples of "val loss clearly above train loss" the ratio is at least 16.
# As the loss is a mean of -log p, doubling it means squaring the probability.
LOSS_RATIO = 2.0
MIN_TREND = 0.01  # relative change over the second half of the epochs
# In the order in which they are reported
CHECKS: tuple[type[Finding], ...] = (
    Overfitting,
    Underfitting,
    TooFewToTell,
    Borderline,
    Optimal,
    *CAUSES,
    AsGoodAsMajority,
    NeverPredicted,
    OverRegularized,
    Unstable,
    DeadUnits,
    StoppedTooEarly,
    StillImproving,
    MoreRowsHelp,
)

# Findings that are postponed if there is a cause, the last two only if regularization cannot help
LATER: tuple[type[Finding], ...] = (
    Underfitting,
    NeverPredicted,
    StoppedTooEarly,
    StillImproving,
    Overfitting,
    Borderline,
)
IN_ALL_MODELS = ("no_signal", "held_out_differs")

Label = Literal["overfitting", "borderline", "optimal", "underfitting", "unclear"]
# sentences that mention the interval of the gap
WITH_INTERVAL = ("within_noise", "too_few_to_tell", "borderline")
VERDICTS = ("overfitting", "underfitting", "too_few_to_tell", "borderline", "optimal")


@dataclass(frozen=True)
class FitDiagnosis:
    """Diagnosis of the fit of a classifier.

    Returned by :func:`diagnose_fit`. The parameters are attributes as well.

    Parameters
    ----------
    label : {"overfitting", "borderline", "optimal", "underfitting", "unclear"}
        The verdict; "unclear" if there are too few held-out images.
    gap : float
        Training minus held-out accuracy with the final weights.
    gap_interval : tuple of float, default=None
        95% interval of the gap; None if unknown, for example without `n_train` or `n_validation`.
    last_gap : float, default=None
        The gap at the last epoch, computed from the running training accuracy of that epoch; equal
        to `gap` if the weights of the last epoch were kept. None without a history of both
        accuracies.
    val_loss_trend_up, train_loss_trend_down : bool, default=None
        Whether the validation loss rises, and whether the training loss falls, over the second half
        of the epochs; None if unknown, for example without a history of this loss.
    val_loss_far_above : bool, default=False
        Whether the validation loss is more than twice the training loss. False if one is unknown.
    train_accuracy, validation_accuracy, train_loss, validation_loss : float, default=None
        Accuracies and losses; None if unknown.
    max_gap : float, default=0.02
        Largest gap that does not count as overfitting.
    n_train, n_validation : int, default=None
        Number of images that the accuracies were measured on; None if unknown.
    held_out : {"validation", "test"}, default="validation"
        Type of the held-out images.
    network : bool, default=True
        Whether the model is a network that learns in epochs.
    findings : tuple of Finding, default=()
        All findings, including the verdict.
    parameters : tuple of str, default=None
        Names of the parameters that affect training; None if unknown.

    Examples
    --------
    >>> from skmnist import diagnose_fit
    >>> diagnosis = diagnose_fit(train_accuracy=0.99, validation_accuracy=0.95)
    >>> diagnosis.label, round(diagnosis.gap, 2)
    ('overfitting', 0.04)
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
    n_train: int | None = None
    n_validation: int | None = None
    held_out: HeldOut = "validation"
    network: bool = True
    findings: tuple[Finding, ...] = ()
    parameters: tuple[str, ...] | None = None

    @property
    def within_noise(self) -> bool:
        """Whether the gap is above `max_gap`, but may be due to chance."""
        return self.label == "unclear" and exceeds(self.gap, self.max_gap)

    @property
    def by_heart(self) -> bool:
        """Whether the label is "borderline" because the training images were memorized."""
        return any(isinstance(found, Borderline) and found.by_heart for found in self.findings)

    @property
    def better_than_training(self) -> bool:
        """Whether the held-out accuracy is above the training accuracy by more than `max_gap`."""
        return exceeds(-self.gap, self.max_gap)

    @property
    def only_class(self) -> Any:
        """The only class that is predicted; None if there are several, or if it is unknown."""
        found = (finding.evidence.get("only_class") for finding in self.findings)
        return next((label for label in found if label is not None), None)

    @property
    def further_findings(self) -> tuple[Finding, ...]:
        """The findings other than the verdict."""
        return tuple(finding for finding in self.findings if finding.code not in VERDICTS)

    def summary(self, language: str = "en") -> str:
        """Explain the verdict in a few sentences.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
            Language of the text.
        """
        said = self._say(language, [*self._main_phrases(), *self._trend_phrases()])
        first = (*CAUSES, AsGoodAsMajority)
        causes = [found.sentence(language) for found in self.findings if isinstance(found, first)]
        return " ".join([*said, *causes])

    def sentences(self, language: str = "en") -> list[str]:
        """Explain the verdict in sentences, the most important first.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
            Language of the text.
        """
        phrases = self._main_phrases()
        if self.gap_interval is not None and phrases[0] not in WITH_INTERVAL:
            phrases.append("interval")
        if self.last_gap is not None and self.last_gap != self.gap:
            phrases.append("last_epoch")
        phrases += self._trend_phrases()
        if self.val_loss_far_above and self.label != "underfitting":
            phrases.append("val_loss_far_above")
        further = [finding.sentence(language) for finding in self.further_findings]
        return [*self._say(language, phrases), *further]

    def sentence(self, language: str = "en") -> str:
        """Return the sentences as one string.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
            Language of the text.
        """
        return " ".join(self.sentences(language))

    def _repr_html_(self) -> str:
        """Show the verdict in a notebook."""
        say = get_catalogue("en")
        further = [finding.sentence() for finding in self.further_findings]
        title = say("page.fit", label=say(f"diagnosis.{self.label}"))
        return make_html(title, self.summary(), further)

    def __str__(self) -> str:
        return f"{self.label}: {self.sentence()}"

    def to_dict(self) -> dict[str, Any]:
        """Return all values except `parameters` as plain Python types, for JSON or a table."""
        figures = {**asdict(self), "findings": [finding.to_dict() for finding in self.findings]}
        del figures["parameters"]
        return figures

    def _say(self, language: str, phrases: list[str]) -> list[str]:
        say = get_catalogue(language)
        low, high = self.gap_interval or (0.0, 0.0)
        verdict = next((f.evidence for f in self.findings if f.code == self.label), {})
        values = {
            **{name: verdict.get(name) for name in ("linear", "forest")},
            **vars(self),
            "only_class": str(self.only_class),
            "allowed": self.max_gap,
            "lead": -self.gap,
            "low": low,
            "high": high,
            "part": say(f"diagnosis.held_out.{self.held_out}"),
            "images": say(f"diagnosis.held_out.{self.held_out}_images"),
        }
        return [say(f"diagnosis.sentence.{phrase}", **values) for phrase in phrases]

    def _main_phrases(self) -> list[str]:
        verdict: str = self.label
        if self.label == "underfitting" and self.only_class is not None:
            verdict = "one_class"
        elif any(f.code == self.label and "forest" in f.evidence for f in self.findings):
            verdict = "underfitting_compared"
        elif self.label == "underfitting" and self.train_accuracy is None:
            verdict = "underfitting_bare"
        elif self.label == "optimal" and self.better_than_training:
            # with known parameters, it was measured after training, without dropout
            known = self.parameters is not None
            verdict = "better_than_training_known" if known else "better_than_training"
        elif self.label == "borderline" and self.by_heart:
            verdict = "by_heart"
        elif self.label == "borderline" and self.gap_interval is None:
            verdict = "borderline_bare"
        if self.label == "unclear":
            verdict = "within_noise" if self.within_noise else "too_few_to_tell"
        has_both = self.train_accuracy is not None and self.validation_accuracy is not None
        return [verdict, "accuracies"] if has_both else [verdict]

    def _trend_phrases(self) -> list[str]:
        if self.label == "underfitting" or self.val_loss_trend_up is None:
            return []  # trends are irrelevant if the model has learned too little
        if self.by_heart:
            return []  # the verdict mentions the losses
        if not self.val_loss_trend_up:
            return ["val_loss_stable"]
        trend = "both_trends" if self.train_loss_trend_down else "val_loss_up"
        return [f"{trend}_overfitting" if self.label == "overfitting" else trend]


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
    max_gap: float = 0.02,
    min_train_accuracy: float = 0.88,
    X: Any = None,
    y: Any = None,
    X_val: Any = None,
    y_val: Any = None,
    held_out: HeldOut = "validation",
    learning_curve: Any = None,
) -> FitDiagnosis:
    """Diagnose whether a classifier overfits, underfits, or fits well.

    Overfitting means that the gap between training and held-out accuracy is above `max_gap`, and so
    is its 95% interval; if the gap is above twice `max_gap`, the interval need only be above 0.
    There are too few held-out images, and the label is "unclear", if a gap above `max_gap` may be
    due to chance, or if the upper end of the interval of a smaller gap is above `max_gap` and
    exceeds the gap by more than `max_gap`. Otherwise, if `max_gap` is within the interval, the
    label is "borderline": training from another seed could end on either side of the limit. It is
    also "borderline" if the gap is small, but nearly all training images are classified correctly
    while the validation loss rises.

    Underfitting means either that the training accuracy is significantly below `min_train_accuracy`
    and no other cause is found, or that the same class is predicted for all rows. If a model also
    overfits, the label depends on whether the training error or the gap is larger, and only the
    finding for the larger one is reported.

    Parameters
    ----------
    source : fitted estimator or mapping, default=None
        Any fitted classifier, a Pipeline that ends in one, or a fitted search. The networks of this
        package store the required figures; for other classifiers, also pass rows (`X`, `y`,
        `X_val`, `y_val`) or accuracies. The result of
        :func:`sklearn.model_selection.cross_validate` with ``return_train_score=True`` is also
        accepted, and so is a Keras history, whose last epoch is diagnosed: the result of
        `keras.Model.fit`, or a mapping with `accuracy` and `val_accuracy` and, if known, `loss` and
        `val_loss` per epoch.
    gap : float, default=None
        Training minus held-out accuracy, if neither `source` nor the accuracies are available.
    val_loss_trend_up, train_loss_trend_down : bool, default=None
        Trends of the losses, if known.
    train_accuracy, validation_accuracy : float in [0, 1], default=None
        The two accuracies, instead of `gap`. They take precedence over those of the estimator.
    n_train, n_validation : int, default=None
        Number of images that each accuracy was measured on, required for the interval of the gap.
    max_gap : float, default=0.02
        Largest gap that does not count as overfitting. The default lies between the examples of the
        slide deck that this project started from, which calls 0.0226 overfitting and 0.0171
        optimal.
    min_train_accuracy : float, default=0.88
        A lower training accuracy means underfitting. The default is the accuracy of a linear
        classifier on MNIST (LeCun et al. 1998); for other images, pass the accuracy of a linear
        model on them.
    X, y : array-like, default=None
        Training rows, or some of them. Used to measure the training accuracy if the estimator does
        not store it, and to find dead units, for which `X` alone is sufficient. If the accuracy is
        low, a linear model and a forest are fitted to some of the rows, which takes about a second,
        to distinguish a weak model from wrong labels and from limits of the data.
    X_val, y_val : array-like, default=None
        Held-out rows, to measure the held-out accuracy. They replace the validation rows of the
        estimator, if it has any.
    held_out : {"validation", "test"}, default="validation"
        Type of the held-out rows, named in the sentences of the diagnosis.
    learning_curve : tuple, default=None
        Result of :func:`sklearn.model_selection.learning_curve`, to find out whether more rows
        would help. Its accuracies are used if no others are available.

    Returns
    -------
    diagnosis : FitDiagnosis
        The verdict, the figures behind it, and further findings.

    Raises
    ------
    ValueError
        If the gap is unknown because the training or the held-out accuracy is missing, a figure is
        out of range, `gap` is combined with `source` or an accuracy, or only one of `X_val` and
        `y_val` is given.
    sklearn.exceptions.NotFittedError
        If `source` is an estimator that is not fitted.

    Notes
    -----
    The interval is Newcombe's for the difference of two proportions, based on Wilson's score
    intervals. Unlike the normal approximation, it does not collapse at an accuracy of 1. For the
    result of a cross-validation, it is a t-interval over the folds, corrected for the rows that
    folds share (Nadeau and Bengio 2003).

    References
    ----------
    C. Nadeau, Y. Bengio: Inference for the generalization error. Machine Learning 52, 2003,
    239-281.

    R. G. Newcombe: Interval estimation for the difference between independent proportions.
    Statistics in Medicine 17, 1998, 873-890, method 10.

    A. Ng: Machine Learning Yearning, 2018, chapters 20-22: bias and variance as two parts of the
    error, of which the larger one should be reduced first.

    Examples
    --------
    >>> from skmnist import diagnose_fit
    >>> diagnosis = diagnose_fit(gap=0.0226, val_loss_trend_up=True, train_loss_trend_down=True)
    >>> diagnosis.label
    'overfitting'
    >>> print(diagnosis.sentence("de"))
    Training und Validierung driften auseinander (Gap = 0,0226; bis 0,02 ist in Ordnung): ...
    >>> diagnose_fit(train_accuracy=0.95, validation_accuracy=0.9, n_train=90, n_validation=10)
    ... # doctest: +ELLIPSIS
    FitDiagnosis(label='unclear', gap=0.04..., gap_interval=(-0.0..., 0.3...), ...)

    Any classifier, with training and held-out rows:

    >>> from sklearn.datasets import load_digits
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> forest = RandomForestClassifier(random_state=0).fit(X[:900], y[:900])
    >>> diagnose_fit(forest, X=X[:900], y=y[:900], X_val=X[900:], y_val=y[900:]).label
    'overfitting'

    Rows or accuracies are required if the estimator does not store its accuracy:

    >>> diagnose_fit(forest)
    Traceback (most recent call last):
    ValueError: RandomForestClassifier does not store training and validation accuracy. Pass X=, y=,
    X_val= and y_val= to measure them, or train_accuracy= and validation_accuracy=.
    """
    if gap is not None and (source, train_accuracy, validation_accuracy) != (None, None, None):
        raise ValueError(
            f"gap={gap!r} cannot be combined with source=, train_accuracy= or "
            "validation_accuracy=; pass either gap= or the others."
        )
    _check_rows(X, y, X_val, y_val)
    source = as_frame_columns(source)
    figures: dict[str, Any] = {}
    if isinstance(source, Mapping):
        figures = read_mapping(source)
    elif source is not None:
        figures = read_estimator(source, X, y, X_val, y_val)
    if learning_curve is not None:
        figures["curve"] = curve = LearningCurve.make(learning_curve)
        if figures.get("train_accuracy") is None and figures.get("validation_accuracy") is None:
            figures["network"] = source is not None
            figures["train_accuracy"] = float(curve.train_scores[-1].mean())
            figures["validation_accuracy"] = float(curve.test_scores[-1].mean())
    given = {
        "gap": gap,
        "train_accuracy": train_accuracy,
        "validation_accuracy": validation_accuracy,
        "n_train": n_train,
        "n_validation": n_validation,
    }
    figures |= {name: value for name, value in given.items() if value is not None}
    if source is not None and not isinstance(source, Mapping):
        _check_accuracies(get_core(source), figures)
    fit = _complete(figures, max_gap=max_gap, min_train_accuracy=min_train_accuracy)
    if X is not None and y is not None and fit.weak:
        fit = replace(fit, references=measure_references(X, y, X_val, y_val, source))
    trends = {
        "val_loss_trend_up": val_loss_trend_up,
        "train_loss_trend_down": train_loss_trend_down,
    }
    return _judge(fit, held_out, {name: up for name, up in trends.items() if up is not None})


def _check_rows(X: Any, y: Any, X_val: Any, y_val: Any) -> None:
    for rows, labels, names in ((X, y, ("X", "y")), (X_val, y_val, ("X_val", "y_val"))):
        if rows is None and labels is not None:
            raise ValueError(f"{names[1]} was given without {names[0]}; pass both.")
    if X_val is not None and y_val is None:
        raise ValueError("X_val was given without y_val; pass both.")


def _check_accuracies(core: Any, figures: Mapping[str, Any]) -> None:
    name = type(core).__name__
    if figures["train_accuracy"] is None and hasattr(core, "get_params"):
        check_is_fitted(core)
    if figures["train_accuracy"] is None:
        raise ValueError(
            f"{name} does not store training and validation accuracy. Pass X=, y=, X_val= and "
            "y_val= to measure them, or train_accuracy= and validation_accuracy=."
        )
    if figures["validation_accuracy"] is None:
        raise ValueError(
            f"{name} was fitted without validation rows, so its gap is unknown. Fit with "
            "validation_fraction=0.1 or with X_val and y_val, or pass X_val= and y_val= or "
            "validation_accuracy=."
        )


def _complete(figures: dict[str, Any], **limits: float) -> FitFigures:
    """Validate the figures, and add the gap and its interval."""
    for name in ("train_accuracy", "validation_accuracy"):
        _check_share(name, figures.get(name))
    _check_share("gap", figures.get("gap"), low=-1)
    for name, limit in limits.items():
        _check_share(name, limit)
    for name in ("n_train", "n_validation"):
        n = figures.get(name)
        if n is not None and n < 1:
            raise ValueError(f"{name}={n!r} must be an int >= 1, or None if it is unknown.")
    train, validation = figures.get("train_accuracy"), figures.get("validation_accuracy")
    if figures.get("gap") is None:
        if train is None or validation is None:
            raise ValueError(
                "The gap is unknown. Pass a fitted classifier, a history, gap=, or both "
                "train_accuracy= and validation_accuracy=."
            )
        figures["gap"] = train - validation
    figures.setdefault("gap_interval", gap_interval(figures))
    for name in ("gap", "train_accuracy", "validation_accuracy", "train_loss", "validation_loss"):
        figures[name] = _as_float(figures.get(name))
    return FitFigures(**{name: float(limit) for name, limit in limits.items()}, **figures)  # type: ignore[arg-type]


def _judge(fit: FitFigures, held_out: HeldOut, trends: dict[str, Any]) -> FitDiagnosis:
    rises, falls = fit.trend("val_loss"), fit.trend("loss")
    trends = {
        "val_loss_trend_up": None if rises is None else rises > MIN_TREND,
        "train_loss_trend_down": None if falls is None else falls < -MIN_TREND,
        **trends,
    }
    fit = replace(fit, **trends)
    checked = (check.check(fit) for check in CHECKS)
    found = [finding for finding in checked if finding is not None]
    label = _label(fit, {finding.code for finding in found})
    return FitDiagnosis(
        label=label,
        gap=fit.gap or 0.0,
        gap_interval=fit.gap_interval,
        last_gap=fit.last_gap,
        **trends,
        val_loss_far_above=(
            fit.train_loss is not None
            and fit.validation_loss is not None
            and fit.validation_loss > LOSS_RATIO * fit.train_loss
        ),
        train_accuracy=fit.train_accuracy,
        validation_accuracy=fit.validation_accuracy,
        train_loss=fit.train_loss,
        validation_loss=fit.validation_loss,
        max_gap=fit.max_gap,
        n_train=fit.n_train,
        n_validation=fit.n_validation,
        held_out=held_out,
        network=fit.network,
        findings=_settle(found, label),
        parameters=None if fit.parameters is None else tuple(fit.parameters),
    )


def _label(fit: FitFigures, codes: set[str]) -> Label:
    """Return the verdict; if two apply, the one that contributes more to the error."""
    if {"overfitting", "underfitting"} <= codes and fit.only_class is None:
        training_error = 1 - (fit.train_accuracy or 0.0)
        return "underfitting" if training_error > (fit.gap or 0.0) else "overfitting"
    if "underfitting" in codes:
        return "underfitting"
    if "overfitting" in codes:
        return "overfitting"
    if "too_few_to_tell" in codes:
        return "unclear"
    return "borderline" if "borderline" in codes else "optimal"


def _settle(findings: list[Finding], label: Label) -> tuple[Finding, ...]:
    """Drop or postpone findings whose remedy would contradict another finding."""
    if label in ("overfitting", "underfitting"):  # the remedies of the two are opposites
        other = "underfitting" if label == "overfitting" else "overfitting"
        findings = [finding for finding in findings if finding.code != other]
    cause = next((finding.code for finding in findings if isinstance(finding, CAUSES)), None)
    later = LATER if cause in IN_ALL_MODELS else LATER[:4]
    if cause is None and AsGoodAsMajority.code in {finding.code for finding in findings}:
        cause, later = AsGoodAsMajority.code, (Borderline,)  # such a model must change
    return tuple(
        replace(finding, cause=cause) if isinstance(finding, later) else finding
        for finding in findings
    )


def _check_share(name: str, value: float | None, *, low: float = 0) -> None:
    if value is not None and not (isinstance(value, Real) and low <= value <= 1):
        raise ValueError(f"{name}={value!r} must be in [{low}, 1]; divide percentages by 100.")


def _as_float(value: float | None) -> float | None:
    """Convert a number to float; return None for NaN and infinity."""
    return float(value) if value is not None and np.isfinite(value) else None
