"""One small class for each thing that the figures of a fit can show."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

import numpy as np

from skmnist.diagnosis._figures import FitFigures
from skmnist.diagnosis._intervals import wilson_interval
from skmnist.text import get_catalogue

Severity = Literal["good", "note", "warning", "problem"]

# The source deck calls a gap of 0.0226 overfitting and one of 0.0171 optimal.
MAX_ACCURACY_GAP = 0.02
# The linear classifier of LeCun et al. (1998) errs on 12 % of MNIST's test images; a network with
# hidden layers that does no better on its own training images learned little.
MIN_TRAIN_ACCURACY = 0.88
# A tenth less validation loss, or validation accuracy up by a fiftieth, over the second half of
# the epochs: in benchmarks/findings.py all networks gained that which were cut off after three
# epochs, and none which had finished.
MIN_LOSS_FALL = 0.1
MIN_ACCURACY_RISE = 0.02
# Fewer epochs of patience than this cost validation accuracy in our own measurement
# (docs/decisions.rst, "Which patience and monitor are the defaults").
MIN_PATIENCE = 5
# A training loss that jumps by a twentieth more than once: in benchmarks/findings.py no network
# with its default learning rate did, and four of six with one fifty times as large; the other two
# had dead units.
MIN_JUMP, MIN_JUMPS = 0.05, 2
# Guessing among K classes costs ln K; a first epoch of twice that was worse than guessing.
MAX_FIRST_LOSS = 2.0
# With their defaults our networks have up to 16 % of dead units in a layer.
MAX_DEAD_SHARE = 0.25
# A learning curve that still rises by a point when the rows are doubled.
MIN_CURVE_RISE = 0.01


@dataclass(frozen=True)
class Finding:
    """One thing that the figures show.

    Attributes
    ----------
    code : str
        What it is, the same in every language.
    severity : {"good", "note", "warning", "problem"}
    evidence : dict
        The figures that show it.
    """

    code: ClassVar[str]
    severity: ClassVar[Severity]
    evidence: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """Return the finding where the figures show it, else None."""
        raise NotImplementedError

    def sentence(self, language: str = "en") -> str:
        """Say it in plain words."""
        return get_catalogue(language)(f"diagnosis.finding.{self.code}", **self.evidence)

    def remedy(self, language: str = "en") -> str:
        """Say what to do about it; empty where there is nothing to do."""
        say = get_catalogue(language)
        key = f"diagnosis.remedy.{self.code}"
        if not self.evidence.get("network", True):
            key = f"diagnosis.remedy.{self.code}_model"
        return say(key, **self.evidence) if key in say.phrases else ""

    def to_dict(self) -> dict[str, Any]:
        """Return code, severity and figures, for JSON."""
        return {"code": self.code, "severity": self.severity, "evidence": self.evidence}


class Overfitting(Finding):
    """The gap is above what is fine, and its interval above 0."""

    code = "overfitting"
    severity = "problem"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        if fit.gap is None or not exceeds(fit.gap, fit.max_gap):
            return None
        if fit.gap_interval is not None and fit.gap_interval[0] <= 0:
            return None
        return cls(_gap_evidence(fit))


class Underfitting(Finding):
    """The training accuracy is below what a linear model reaches, beyond chance."""

    code = "underfitting"
    severity = "problem"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        accuracy = fit.train_accuracy
        if accuracy is None or accuracy >= fit.min_train_accuracy:
            return None
        if fit.n_train and wilson_interval(accuracy, fit.n_train)[1] >= fit.min_train_accuracy:
            return None
        return cls(
            {
                "train_accuracy": accuracy,
                "min_train_accuracy": fit.min_train_accuracy,
                "network": fit.network,
            }
        )


class TooFewToTell(Finding):
    """The gap is known less exactly than the allowance is wide, and not shown to be above it."""

    code = "too_few_to_tell"
    severity = "warning"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        if fit.gap is None or fit.gap_interval is None or Overfitting.check(fit) is not None:
            return None
        low, high = fit.gap_interval
        if not exceeds(fit.gap, fit.max_gap) and high - fit.gap <= fit.max_gap:
            return None
        return cls({**_gap_evidence(fit), "low": low, "high": high})


class Optimal(Finding):
    """Training and held-out accuracy are close, and both are known well enough."""

    code = "optimal"
    severity = "good"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        others = (Overfitting, Underfitting, TooFewToTell)
        if fit.gap is None or any(other.check(fit) is not None for other in others):
            return None
        return cls(_gap_evidence(fit))


class StillImproving(Finding):
    """Training ended at the last epoch allowed, and was getting better."""

    code = "still_improving"
    severity = "note"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        if fit.stop_reason not in ("epochs", None) or not _improves(fit):
            return None
        return cls({"n_epochs": fit.n_epochs})


class StoppedTooEarly(Finding):
    """Training ended before the last epoch allowed, and was getting better."""

    code = "stopped_too_early"
    severity = "warning"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        broken_off = fit.stop_reason in ("callback", "interrupted")
        impatient = (
            fit.stop_reason == "patience" and fit.waited is not None and fit.waited < MIN_PATIENCE
        )
        if not (broken_off or impatient) or not _improves(fit):
            return None
        return cls({"n_epochs": fit.n_epochs})


class Unstable(Finding):
    """The training loss jumps up and down, begins far too high, or ended in no number."""

    code = "unstable"
    severity = "warning"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        loss = np.asarray(fit.history.get("loss", ()), dtype=float)
        if not len(loss):
            return None
        finite = loss[np.isfinite(loss)]
        n_jumps = int((np.diff(finite) > MIN_JUMP).sum())
        guessing = np.log(fit.n_classes) if fit.n_classes and fit.n_classes > 1 else np.inf
        started_high = bool(len(finite)) and finite[0] > MAX_FIRST_LOSS * guessing
        broke = fit.stop_reason == "nonfinite" or len(finite) < len(loss)
        if not (broke or n_jumps >= MIN_JUMPS or started_high):
            return None
        return cls({"n_jumps": n_jumps, "n_epochs": len(loss)})


class DeadUnits(Finding):
    """Many units of a ReLU layer are active on no image."""

    code = "dead_units"
    severity = "warning"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        worst = max(fit.dead_shares, default=0.0)
        if worst <= MAX_DEAD_SHARE:
            return None
        return cls({"share": worst, "layer": fit.dead_shares.index(worst) + 1})


class MoreRowsHelp(Finding):
    """The learning curve still rises when the training rows are doubled."""

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
        # every fold has to agree
        if rise < MIN_CURVE_RISE or (rises <= 0).any():
            return None
        return cls({"rise": rise, "n_train": int(sizes[-1])})


# In the order in which they are told.
CHECKS: tuple[type[Finding], ...] = (
    Overfitting,
    Underfitting,
    TooFewToTell,
    Optimal,
    Unstable,
    DeadUnits,
    StoppedTooEarly,
    StillImproving,
    MoreRowsHelp,
)


def exceeds(gap: float, allowed: float) -> bool:
    """Say whether a gap is above the allowance, and not by rounding alone."""
    # 1 - 0.98 is 0.020000000000000018 and not more than 0.02
    return gap > allowed and not np.isclose(gap, allowed, rtol=0, atol=1e-12)


def _gap_evidence(fit: FitFigures) -> dict[str, Any]:
    return {
        "gap": fit.gap,
        "max_gap": fit.max_gap,
        "n_validation": fit.n_validation,
        "network": fit.network,
    }


def _improves(fit: FitFigures) -> bool:
    """Say whether the second half of the epochs still made the model better."""
    fall = fit.trend("val_loss", min_epochs=2)
    rise = fit.trend("val_accuracy", min_epochs=2)
    if fall is None and rise is None and fit.stop_reason == "epochs":
        fall = fit.trend("loss", min_epochs=2)
    return (fall is not None and fall <= -MIN_LOSS_FALL) or (
        rise is not None and rise >= MIN_ACCURACY_RISE
    )
