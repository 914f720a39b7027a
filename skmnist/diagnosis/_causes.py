"""Findings to address before the model is changed: labels, data, regularization."""

from typing import Self

from skmnist.diagnosis._figures import FitFigures
from skmnist.diagnosis._findings import LAYERS, UNKNOWN_NETWORK, Finding, Way
from skmnist.text import get_catalogue


class _Limited(Finding):
    """The data or the model limits the accuracy; trying a larger model shows which."""

    @classmethod
    def list_ways(cls, fit: FitFigures) -> tuple[Way, ...]:
        """See the base class."""
        parameters = UNKNOWN_NETWORK if fit.parameters is None else fit.parameters
        is_network = fit.network and any(name in parameters for name in LAYERS)
        return (("test_network" if is_network else "test_model", ""),)


class NoSignal(_Limited):
    """Neither the model nor two simple ones do better than choosing the most frequent class."""

    code = "no_signal"
    severity = "problem"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        if fit.limit != cls.code:
            return None
        return cls(_reference_evidence(fit), cls.list_ways(fit))


class HeldOutDiffers(Finding):
    """The model is no better than guessing on held-out rows, but better on training rows."""

    code = "held_out_differs"
    severity = "problem"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        if fit.limit != cls.code:
            return None
        return cls({"train_accuracy": fit.train_accuracy, "accuracy": fit.validation_accuracy})


class TrainingDiffers(Finding):
    """Held-out rows are classified clearly better than training rows."""

    code = "training_differs"
    severity = "warning"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        if fit.limit != cls.code:
            return None
        return cls({"train_accuracy": fit.train_accuracy, "accuracy": fit.validation_accuracy})


class LabelNoise(_Limited):
    """Many labels contradict the forest where it is sure, or are learned at the expense of others.

    Either these labels are wrong, or neither the model nor the forest can describe the shape of the
    classes. The labels alone do not show which.
    """

    code = "label_noise"
    severity = "problem"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        if fit.limit != cls.code:
            return None
        if fit.references is not None:
            return cls(_reference_evidence(fit), cls.list_ways(fit))
        fall = fit.accuracy_fall or 0.0
        return cls({"fall": fall, "fall_points": 100 * fall}, cls.list_ways(fit))

    def sentence(self, language: str = "en") -> str:
        """See the base class."""
        code = "labels_fall" if "fall" in self.evidence else self.code
        return get_catalogue(language)(f"diagnosis.finding.{code}", **self.evidence)


class DataLimit(_Limited):
    """A linear model and a forest are no more accurate, so the data may limit the accuracy."""

    code = "data_limit"
    severity = "warning"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        if fit.limit != cls.code:
            return None
        return cls(_reference_evidence(fit), cls.list_ways(fit))


class NeverPredicted(Finding):
    """Classes with at least five of the given rows are never predicted."""

    code = "never_predicted"
    severity = "problem"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        if not fit.never_predicted:
            return None
        return cls({"classes": list(fit.never_predicted)}, cls.list_ways(fit))

    @classmethod
    def list_ways(cls, fit: FitFigures) -> tuple[Way, ...]:
        """See the base class."""
        if fit.never_predicted and not fit.rare:
            return ()
        parameters = fit.parameters or {}
        weights = [("class_weight", "")] if "class_weight" in parameters else []
        return (*weights, ("more_of_class", ""))

    def sentence(self, language: str = "en") -> str:
        """See the base class."""
        classes = ", ".join(map(str, self.evidence["classes"]))
        return get_catalogue(language)(f"diagnosis.finding.{self.code}", classes=classes)

    def _remedy(self, ways: tuple[Way, ...]) -> str:
        return self.code if ways else "never_predicted_common"


class AsGoodAsMajority(Finding):
    """Always predicting the most frequent class would be as accurate."""

    code = "as_good_as_majority"
    severity = "problem"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        found = fit.majority
        said = fit.only_class is not None or fit.limit in ("no_signal", "held_out_differs")
        if found is None or said or not found.as_good:
            return None
        evidence = {"label": found.label, "share": found.share, "accuracy": found.accuracy}
        return cls(evidence, cls.list_ways(fit))

    @classmethod
    def list_ways(cls, fit: FitFigures) -> tuple[Way, ...]:
        """See the base class."""
        has_weights = "class_weight" in (fit.parameters or {})
        return (("class_weight", ""),) if has_weights else (("more_of_rare", ""),)

    def sentence(self, language: str = "en") -> str:
        """See the base class."""
        figures = {**self.evidence, "label": str(self.evidence["label"])}
        return get_catalogue(language)(f"diagnosis.finding.{self.code}", **figures)


class OverRegularized(Finding):
    """With dropout or deformed images, the training accuracy is far lower than without them."""

    code = "over_regularised"
    severity = "warning"

    @classmethod
    def check(cls, fit: FitFigures) -> Self | None:
        """See the class."""
        if not fit.over_regularised:
            return None
        evidence = {"running": fit.running_accuracy, "train_accuracy": fit.train_accuracy}
        return cls(evidence, cls.list_ways(fit))

    @classmethod
    def list_ways(cls, fit: FitFigures) -> tuple[Way, ...]:
        """See the base class."""
        parameters = fit.parameters or {}
        ways: list[Way] = [("less_dropout", "")] if parameters.get("dropout") else []
        if parameters.get("augmentation") is not None:
            ways.append(("less_augmentation", ""))
        return tuple(ways or [("regularise_less", "")])


CAUSES = (NoSignal, HeldOutDiffers, TrainingDiffers, LabelNoise, DataLimit)  # at most one applies


def _reference_evidence(fit: FitFigures) -> dict[str, float | int | None]:
    found = fit.references
    if found is None:
        return {}
    return {
        "accuracy": fit.validation_accuracy,
        "linear": found.linear,
        "forest": found.forest,
        "chance": found.chance,
        "n_checked": found.n_checked,
        "sure_error": found.sure_error,
    }
