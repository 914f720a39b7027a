"""Findings about a fit, one class for each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, ClassVar, Literal, Self

import numpy as np

from skmnist.diagnosis._figures import FitFigures, wilson_interval
from skmnist.text import Catalogue, get_catalogue

Severity = Literal["good", "note", "warning", "problem"]

# The slide deck that this project started from calls a gap of 0.0226 overfitting and one of
# 0.0171 optimal.
MAX_ACCURACY_GAP = 0.02
GAP_DIGITS = 4  # in the sentences
FAR_ABOVE = 2  # times `max_gap`; a larger gap is never borderline, but may be unclear
# A training accuracy that is displayed as 100.0%
BY_HEART = 0.9995
# The accuracy of the linear classifier of LeCun et al. (1998) on MNIST's test set. A network that
# does not exceed it on its own training images has learned little.
MIN_TRAIN_ACCURACY = 0.88
# The smallest patience measured when the default was chosen (docs/decisions.rst, "Which
# patience and monitor are the defaults").
MIN_PATIENCE = 5
# The training loss jumps if it rises by 0.05, or by 5% of a loss above 1. In
# benchmarks/findings.py no network with its default learning rate has two jumps, but four of six
# with a learning rate 50 times as high do; the other two have dead units.
MIN_JUMP, MIN_JUMPS = 0.05, 2
# With the defaults, up to 16% of the units in a layer are dead.
MAX_DEAD_SHARE = 0.25
# Minimum increase in accuracy when the number of rows is doubled
MIN_CURVE_RISE = 0.01
# Names of parameters in this package, scikit-learn and skorch
EPOCHS = ("epochs", "max_iter", "max_epochs")
LEARNING_RATE = ("learning_rate", "learning_rate_init", "lr")
LAYERS = ("hidden_units", "hidden_layer_sizes")
# Parameters that make a model simpler if they are larger, with their lowest values
SIMPLER_IF_LARGER = {
    "alpha": 0,
    "l2_regularization": 0,
    "min_samples_leaf": 1,
    "n_neighbors": 1,
    "var_smoothing": 0,
}
SIMPLER_IF_SMALLER = ("C", "max_depth")
BROKEN_OFF = ("callback", "interrupted")  # stop reasons that are not due to the model
# Assumed for networks whose parameters are unknown, such as those of a Keras history
UNKNOWN_NETWORK = {
    "epochs": 100,
    "learning_rate": 0.001,
    "hidden_units": 128,
    "dropout": 0.2,
    "l2": 0.0001,
    "patience": 10,
}

Way = tuple[str, str]  # a key under diagnosis.way, and the parameter it mentions


@dataclass(frozen=True)
class Finding:
    """An observation about the training of a model.

    Returned by :func:`diagnose_fit`. The parameters are attributes as well.

    Parameters
    ----------
    evidence : dict, default={}
        The figures on which the finding is based.
    ways : tuple, default=None
        Remedies that are available with the parameters of the model; None stands for the remedies
        of a model whose parameters are unknown.
    cause : str, default=None
        Code of another finding that has to be addressed first; :meth:`remedy` then says so. None if
        no other finding comes first.

    Attributes
    ----------
    code : str
        Identifier, the same in every language.
    severity : {"good", "note", "warning", "problem"}
        How serious the finding is.

    Examples
    --------
    >>> from skmnist import diagnose_fit
    >>> (finding,) = diagnose_fit(gap=0.03).findings
    >>> finding.code, finding.severity
    ('overfitting', 'problem')
    """

    code: ClassVar[str]
    severity: ClassVar[Severity]
    evidence: dict[str, Any] = field(default_factory=dict)
    ways: tuple[Way, ...] | None = None
    cause: str | None = None

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """Return the finding if it applies, or None.

        Parameters
        ----------
        fit : FitFigures
            The figures of a fit.
        """
        raise NotImplementedError

    @classmethod
    def list_ways(cls, fit: FitFigures) -> tuple[Way, ...]:
        """Return the remedies that are available with the parameters of the model.

        Parameters
        ----------
        fit : FitFigures
            The figures of a fit.
        """
        return ()

    def sentence(self, language: str = "en") -> str:
        """Return the finding as a sentence.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
            Language of the text.
        """
        return get_catalogue(language)(f"diagnosis.finding.{self.code}", **self.evidence)

    def remedy(self, language: str = "en") -> str:
        """Return the suggested remedy, or an empty string if the finding is good.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
            Language of the text.
        """
        if self.severity == "good":
            return ""
        say = get_catalogue(language)
        if self.cause is not None:
            return say("diagnosis.remedy.cause_first")
        ways = self.ways
        if ways is None:
            network = self.evidence.get("network", True)
            ways = self.list_ways(FitFigures(MAX_ACCURACY_GAP, MIN_TRAIN_ACCURACY, network=network))
        return say(f"diagnosis.remedy.{self._remedy(ways)}", ways=join_ways(ways, say))

    def _remedy(self, ways: tuple[Way, ...]) -> str:
        return self.code

    def to_dict(self) -> dict[str, Any]:
        """Return code, severity and figures, for JSON."""
        return {"code": self.code, "severity": self.severity, "evidence": self.evidence}


class Overfitting(Finding):
    """The gap is significantly above `max_gap`, or above twice `max_gap` and not by chance.

    If the interval of the gap is unknown, a gap above `max_gap` is enough.
    """

    code = "overfitting"
    severity = "problem"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        if fit.gap is None or not exceeds(fit.gap, fit.max_gap):
            return None
        if fit.gap_interval is not None:
            # with few images, the interval is so wide that it contains max_gap for nearly every gap
            limit = 0.0 if exceeds(fit.gap, FAR_ABOVE * fit.max_gap) else fit.max_gap
            if not exceeds(fit.gap_interval[0], limit):
                return None
        return cls(_gap_evidence(fit), cls.list_ways(fit))

    @classmethod
    def list_ways(cls, fit: FitFigures) -> tuple[Way, ...]:
        """See the base class."""
        parameters = _get_parameters(fit)
        ways = [] if fit.over_regularised else list_regularisers(parameters)
        if parameters.get("max_depth") == 1:
            ways = [way for way in ways if way != ("smaller", "max_depth")]
        if any(np.sum(parameters[name]) > 1 for name in LAYERS if name in parameters):
            ways.append(("smaller_network", ""))
        patience = parameters.get("patience") or parameters.get("n_iter_no_change")
        if patience:
            ways += [("shorter_patience", "")] if patience > 1 else []
        elif "patience" in parameters or parameters.get("early_stopping") is False:
            ways.append(("early_stopping", ""))
        return (*(ways or [("simpler_model", "")]), ("more_images", ""))

    def _remedy(self, ways: tuple[Way, ...]) -> str:
        regularizes = {("dropout", ""), ("l2", ""), ("smaller_network", "")} & set(ways)
        return self.code if regularizes else f"{self.code}_model"


class Underfitting(Finding):
    """The training accuracy is significantly below the minimum, or only one class is predicted.

    If the number of training images is unknown, any accuracy below the minimum is enough.
    """

    code = "underfitting"
    severity = "problem"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        accuracy = fit.train_accuracy
        evidence = {
            "train_accuracy": accuracy,
            "min_train_accuracy": fit.min_train_accuracy,
            "network": fit.network,
        }
        if fit.only_class is not None:
            return cls({**evidence, "only_class": fit.only_class}, cls.list_ways(fit))
        if fit.limit not in (None, "no_signal"):
            return None
        if fit.references is not None and fit.lags:
            evidence |= {"linear": fit.references.linear, "forest": fit.references.forest}
        if accuracy is None or accuracy >= fit.min_train_accuracy:
            return None
        if fit.n_train and wilson_interval(accuracy, fit.n_train)[1] >= fit.min_train_accuracy:
            return None
        return cls(evidence, cls.list_ways(fit))

    @classmethod
    def list_ways(cls, fit: FitFigures) -> tuple[Way, ...]:
        """See the base class."""
        parameters = _get_parameters(fit)
        ways: list[Way] = []
        if fit.network or _has(LAYERS, parameters):
            # more epochs do not help if training stopped because it no longer improved
            if _has(EPOCHS, parameters) and fit.stop_reason not in ("patience", "converged"):
                ways.append(("longer", ""))
            if _has(LEARNING_RATE, parameters):
                ways.append(("raise_learning_rate", ""))
        larger = "larger_network" if _has(LAYERS, parameters) else "stronger_model"
        ways.append((larger, ""))

        def is_above(name: str, limit: float) -> bool:
            value = parameters.get(name)
            return isinstance(value, Real) and limit < float(value) < np.inf

        if is_above("dropout", 0) or is_above("l2", 0):
            ways.append(("regularise_less", ""))
        ways += [("raise", name) for name in SIMPLER_IF_SMALLER if is_above(name, 0)]
        ways += [("lower", name) for name, low in SIMPLER_IF_LARGER.items() if is_above(name, low)]
        return tuple(ways)

    def sentence(self, language: str = "en") -> str:
        """See the base class."""
        if "forest" in self.evidence:
            say = get_catalogue(language)
            return say("diagnosis.finding.underfitting_compared", **self.evidence)
        if "only_class" not in self.evidence:
            return super().sentence(language)
        only_class = str(self.evidence["only_class"])
        return get_catalogue(language)("diagnosis.finding.one_class", only_class=only_class)

    def _remedy(self, ways: tuple[Way, ...]) -> str:
        return "underfitting_compared" if "forest" in self.evidence else self.code


class TooFewToTell(Finding):
    """The interval of the gap is too wide for a verdict."""

    code = "too_few_to_tell"
    severity = "warning"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        if fit.gap is None or fit.gap_interval is None:
            return None
        low, high = fit.gap_interval
        large = exceeds(fit.gap, fit.max_gap)
        # an interval that ends below max_gap rules overfitting out, however wide it is
        is_wide = low <= 0 if large else high - fit.gap > fit.max_gap < high
        return cls({**_gap_evidence(fit), "low": low, "high": high}, ()) if is_wide else None


class Borderline(Finding):
    """The interval of the gap contains `max_gap`, or the model has memorized its images."""

    code = "borderline"
    severity = "note"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        others = (Overfitting, TooFewToTell)
        if fit.gap is None or any(other.check(fit) is not None for other in others):
            return None
        low, high = fit.gap_interval or (fit.gap, fit.gap)
        ways = Overfitting.list_ways(fit)
        if exceeds(high, fit.max_gap):
            return cls({**_gap_evidence(fit), "low": low, "high": high}, ways)
        accuracy = fit.train_accuracy
        if accuracy is not None and accuracy >= BY_HEART and fit.val_loss_trend_up:
            return cls({**_gap_evidence(fit), "train_accuracy": accuracy}, ways)
        return None

    @classmethod
    def list_ways(cls, fit: FitFigures) -> tuple[Way, ...]:
        """See the base class."""
        return Overfitting.list_ways(fit)

    @property
    def by_heart(self) -> bool:
        """Whether the training images were memorized, although the gap is small."""
        return "train_accuracy" in self.evidence

    def sentence(self, language: str = "en") -> str:
        """See the base class."""
        code = "by_heart" if self.by_heart else self.code
        if "low" not in self.evidence and not self.by_heart:
            code = "borderline_bare"
        return get_catalogue(language)(f"diagnosis.finding.{code}", **self.evidence)


class Optimal(Finding):
    """The gap and the upper end of its interval are at most `max_gap`."""

    code = "optimal"
    severity = "good"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        others = (Overfitting, Underfitting, TooFewToTell, Borderline)
        if fit.gap is None or any(other.check(fit) is not None for other in others):
            return None
        return cls(_gap_evidence(fit))

    def sentence(self, language: str = "en") -> str:
        """See the base class."""
        if not exceeds(-self.evidence["gap"], self.evidence["max_gap"]):
            return super().sentence(language)
        return get_catalogue(language)("diagnosis.finding.better_than_training")


class StillImproving(Finding):
    """The model was still improving in the last epochs, and training was not stopped early.

    If it is unknown why training ended, training counts as not stopped early.
    """

    code = "still_improving"
    severity = "note"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        if fit.stop_reason not in ("epochs", None) or not fit.improves:
            return None
        return cls({"n_epochs": fit.n_epochs})


class StoppedTooEarly(Finding):
    """The model was still improving when training was stopped early."""

    code = "stopped_too_early"
    severity = "warning"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        broken_off = fit.stop_reason in BROKEN_OFF
        impatient = (
            fit.stop_reason == "patience" and fit.waited is not None and fit.waited < MIN_PATIENCE
        )
        if not (broken_off or impatient) or not fit.improves:
            return None
        return cls({"n_epochs": fit.n_epochs}, cls.list_ways(fit))

    @classmethod
    def list_ways(cls, fit: FitFigures) -> tuple[Way, ...]:
        """See the base class."""
        return () if fit.stop_reason in BROKEN_OFF else (("longer_patience", ""),)

    def _remedy(self, ways: tuple[Way, ...]) -> str:
        return self.code if ways else "broken_off"


class Unstable(Finding):
    """The training loss jumps up repeatedly, or becomes NaN or infinite."""

    code = "unstable"
    severity = "warning"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        loss = np.asarray(fit.history.get("loss", ()), dtype=float)
        if not len(loss):
            return None
        finite = loss[np.isfinite(loss)]
        n_jumps = int((np.diff(finite) > MIN_JUMP * np.maximum(1, finite[:-1])).sum())
        evidence = {"n_jumps": n_jumps, "n_epochs": len(loss)}
        if fit.stop_reason == "nonfinite" or len(finite) < len(loss):
            return cls({**evidence, "finite": False})
        return cls(evidence) if n_jumps >= MIN_JUMPS else None

    def sentence(self, language: str = "en") -> str:
        """See the base class."""
        if self.evidence.get("finite", True):
            return super().sentence(language)
        return get_catalogue(language)("diagnosis.finding.nonfinite", **self.evidence)


class DeadUnits(Finding):
    """Many units of a ReLU layer are not active for any image."""

    code = "dead_units"
    severity = "warning"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        worst = max(fit.dead_shares, default=0.0)
        if worst <= MAX_DEAD_SHARE:
            return None
        evidence = {"share": worst, "layer": fit.dead_shares.index(worst) + 1}
        return cls(evidence, cls.list_ways(fit))

    @classmethod
    def list_ways(cls, fit: FitFigures) -> tuple[Way, ...]:
        """See the base class."""
        return (("lower_learning_rate", ""),) if _has(LEARNING_RATE, _get_parameters(fit)) else ()

    def _remedy(self, ways: tuple[Way, ...]) -> str:
        return self.code if ways else "other_activation"


class MoreRowsHelp(Finding):
    """The learning curve still rises with the number of training rows."""

    code = "more_rows_help"
    severity = "note"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        if fit.curve is None:
            return None
        sizes, scores = fit.curve.sizes, fit.curve.test_scores
        half = [np.interp(sizes[-1] / 2, sizes, fold) for fold in scores.T]
        rises = scores[-1] - half
        rise = float(rises.mean())
        # all folds must agree
        if rise < MIN_CURVE_RISE or (rises <= 0).any():
            return None
        return cls({"rise": rise, "rise_points": 100 * rise, "n_train": int(sizes[-1])})


def exceeds(gap: float, allowed: float) -> bool:
    """Return whether a gap, rounded as in the sentences, is above the allowed one."""
    # 1 - 0.98 is 0.020000000000000018
    return round(float(gap), GAP_DIGITS) > allowed


def list_regularisers(parameters: Collection[str]) -> list[Way]:
    """Return the remedies for overfitting that the given parameters allow."""
    return [
        *((name, "") for name in ("dropout", "l2") if name in parameters),
        *(("larger", name) for name in SIMPLER_IF_LARGER if name in parameters),
        *(("smaller", name) for name in SIMPLER_IF_SMALLER if name in parameters),
    ]


def join_ways(ways: Sequence[Way], say: Catalogue) -> str:
    """Join remedies into a phrase such as "a, b, or c"."""
    phrases = [say(f"diagnosis.way.{way}", name=name) for way, name in ways]
    if len(phrases) < 2:
        return "".join(phrases)
    key = "two" if len(phrases) == 2 else "several"
    first, last = ", ".join(phrases[:-1]), phrases[-1]
    return say(f"diagnosis.way.{key}", first=first, last=last)


def _get_parameters(fit: FitFigures) -> Mapping[str, Any]:
    if fit.parameters is not None:
        return fit.parameters
    return UNKNOWN_NETWORK if fit.network else {}


def _has(names: tuple[str, ...], parameters: Mapping[str, Any]) -> bool:
    return any(name in parameters for name in names)


def _gap_evidence(fit: FitFigures) -> dict[str, Any]:
    return {
        "gap": fit.gap,
        "max_gap": fit.max_gap,
        "n_validation": fit.n_validation,
        "network": fit.network,
    }
