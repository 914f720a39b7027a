"""What is recommended, why, and how sure that is; in words."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from skmnist.comparison._cautions import Caution
from skmnist.comparison._significance import ALPHA, PairedTest
from skmnist.text import Catalogue, get_catalogue, get_languages

# Times vary from run to run: one is called shorter where the other is longer by a quarter, and
# the time for an image is told where one of the two reads fewer than a hundred in a second.
MIN_TIME_RATIO = 1.25
MIN_TOLD_PREDICT_TIME = 0.01
# The source's field of use; a code is misread where one of its digits is.
CODE_LENGTH, N_CODES = 5, 1000

Verdict = Literal["clearly_better", "not_worth_it", "no_difference", "cannot_tell"]


@dataclass(frozen=True)
class Recommendation:
    """The model to take, and the reason.

    Attributes
    ----------
    model : str or None
        The recommended model; None where none was trained.
    rule : {"only_one", "best_and_cheapest", "cheapest_of_similar", "equal", "clearly_better", \
            "ahead", "only_known", "similar", "untrained"}
        What decided: there is no other; it leads all in accuracy and cost; it is the most
        accurate, and none of those that are similarly accurate is cheaper; the same, but another
        one is as accurate; its lead is at least the
        margin; the same, but the lead may be chance; costs are unknown, so accuracy alone; or it
        is not the most accurate, but the cheapest of those that are similarly accurate. Nothing
        where no model has been trained.
    most_accurate : str
        The model with the highest test accuracy.
    other : str or None
        The model it is weighed against: the most accurate one, or the best of the rest.
    accuracies : dict of str to float
        Test accuracy of every model.
    cost : {"n_parameters", "size", "predict_time", "fit_time"} or None
        What cheapness was judged by.
    costs : dict
        For each cost that is known of both `model` and `other`, the two values.
    margin : float
        Accuracies closer than this count as similar.
    n_test : int or None
        Number of test images.
    verdict : {"clearly_better", "not_worth_it", "no_difference", "cannot_tell"} or None
        How sure it is: the more accurate of the two is really so, and recommended; really so, but
        by less than the margin, and the other is cheaper; no difference is shown, and one of
        the margin or more is ruled out; no difference is shown, but one that matters may be there.
        None where there is nothing to weigh, or where `n_test` is not known.
    evidence : PairedTest or None
        The test behind the verdict, the more accurate of the two models first.
    folds : PairedTest or None
        The same two models by their scores on folds, where there are any.
    alpha : float
        Probability with which a difference between equal models may be called real.
    digits : bool
        Whether the classes are the ten digits, so that postal codes are spoken of.
    cautions : tuple of Caution
        What to know before relying on the figures.
    """

    model: str | None
    rule: str
    most_accurate: str
    other: str | None
    accuracies: dict[str, float]
    cost: str | None
    costs: dict[str, tuple[float, ...]]
    margin: float
    n_test: int | None
    verdict: Verdict | None = None
    evidence: PairedTest | None = None
    folds: PairedTest | None = None
    alpha: float = ALPHA
    digits: bool = False
    cautions: tuple[Caution, ...] = ()

    @property
    def accuracy_difference(self) -> float:
        """Test accuracy of the most accurate model minus that of the recommended or next one."""
        if self.model is None or self.other is None:
            return 0.0
        return abs(self.accuracies[self.model] - self.accuracies[self.other])

    @property
    def less_accurate(self) -> str | None:
        """The less accurate one of the two that are weighed; None where there are not two."""
        if self.model is None or self.other is None:
            return None
        return self.other if self.model == self.most_accurate else self.model

    @property
    def fewer_errors(self) -> float:
        """Share of the less accurate model's errors that the more accurate one avoids."""
        if self.model is None or self.other is None:
            return 0.0
        low, high = sorted(1 - self.accuracies[name] for name in (self.model, self.other))
        return (high - low) / high if high else 0.0

    @property
    def may_be_chance(self) -> bool:
        """Whether there is a difference that is not shown to be real."""
        return self.accuracy_difference > 0 and self.verdict in ("no_difference", "cannot_tell")

    @property
    def misread_codes(self) -> dict[str, float]:
        """Of 1,000 five-digit codes, how many each of the two would misread.

        Reckoned from the accuracies, as if the digits of a code were read independently.
        """
        names = [name for name in (self.most_accurate, self.less_accurate) if name is not None]
        return {n: N_CODES * (1 - self.accuracies[n] ** CODE_LENGTH) for n in names}

    def headline(self, language: str = "en") -> str:
        """Return the recommendation in one sentence."""
        key = self.verdict or ("take" if self.model and self.other else self.rule)
        return self._say(get_catalogue(language), f"recommendation.headline.{key}")

    def reasons(self, language: str = "en") -> list[str]:
        """Return the reasons, a sentence or two each, the most important first."""
        say = get_catalogue(language)
        return [self._say(say, f"recommendation.{phrase}") for phrase in self._phrases()]

    def reason(self, language: str = "en") -> str:
        """Explain the recommendation in plain words.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
        """
        return " ".join(self.reasons(language))

    def notes(self, language: str = "en") -> list[str]:
        """Say what to know before relying on the figures."""
        return [caution.sentence(language) for caution in self.cautions]

    def _phrases(self) -> list[str]:
        # times that are about the same, say, are no advantage that can be told
        bare = self.rule == "similar" and not self._advantages(get_catalogue("en"))
        phrases = ["similar_bare" if bare else self.rule]
        if self.verdict is not None:
            phrases.append(f"evidence.{self._evidence_phrase()}")
        if self.evidence is not None and self.evidence.method == "starts":
            phrases.append("evidence.starts")
        if self.folds is not None and self.verdict is not None:
            phrases.append(f"evidence.{self._folds_phrase(self.folds)}")
        if self.less_accurate is not None and self.accuracy_difference > 0:
            # rounded accuracies may not tell the counts of so few images apart
            counted = self._n_errors(self.most_accurate) < self._n_errors(self.less_accurate)
            if round(self.fewer_errors, 2):  # as it is told
                phrases.append("fewer_errors_counted" if counted else "fewer_errors")
            if self.digits and not self.may_be_chance:
                phrases.append("postal_codes")
        worth_it_to_some = self.verdict in (None, "not_worth_it") and self.rule == "similar"
        if worth_it_to_some and self.accuracy_difference > 0:
            phrases.append("if_errors_count")
        if self.verdict is not None and self.evidence and self.evidence.method == "bound":
            phrases.append("evidence.bound")
        return phrases

    def _evidence_phrase(self) -> str:
        if self.verdict in ("no_difference", "cannot_tell"):
            return str(self.verdict)
        return "real" if reaches(self.accuracy_difference, self.margin) else "real_but_small"

    def _folds_phrase(self, folds: PairedTest) -> str:
        shown = folds.p_adjusted < self.alpha
        if self.verdict in ("no_difference", "cannot_tell"):
            return "folds_show" if shown else "folds_too"
        return "folds_too" if shown and folds.difference > 0 else "folds_not"

    def _say(self, say: Catalogue, key: str) -> str:
        values: dict[str, Any] = {
            "model": self.model,
            "other": self.other,
            "best": self.most_accurate,
            "less_accurate": self.less_accurate,
            "accuracy": self.accuracies[self.model or self.most_accurate],
            "delta": 100 * self.accuracy_difference,
            "margin": 100 * self.margin,
            "advantages": ", ".join(self._advantages(say)),
            "n_test": self.n_test,
            "share": self.fewer_errors,
            "confidence": round(100 * (1 - self.alpha), 6),
        }
        if self.cost is not None:
            values["cost"] = say(f"recommendation.cost_{self.cost}")
            values["cheaper"] = say(f"recommendation.cheaper_{self.cost}")
        if self.evidence is not None:
            low, high = self.evidence.interval
            values |= {"low": 100 * low, "high": 100 * high, "n_runs": self.evidence.n_runs}
            values["at_most"] = 100 * max(abs(low), abs(high))
            values["spread"] = 100 * (self.evidence.spread or 0)
        if self.folds is not None:
            low, high = self.folds.interval
            values |= {"fold_low": 100 * low, "fold_high": 100 * high}
            values |= {"n_folds": self.folds.n_runs, "fold_delta": 100 * self.folds.difference}
        if self.less_accurate is not None:
            values["best_errors"] = self._n_errors(self.most_accurate)
            values["less_errors"] = self._n_errors(self.less_accurate)
            codes = self.misread_codes
            values["n_codes"] = N_CODES
            values["best_codes"] = codes[self.most_accurate]
            values["less_codes"] = codes[self.less_accurate]
        return say(key, **values)

    def _n_errors(self, name: str) -> int:
        return round((1 - self.accuracies[name]) * (self.n_test or 0))

    def _advantages(self, say: Catalogue) -> list[str]:
        advantages = []
        for cost, (own, other) in self.costs.items():
            if cost == "size" and self.cost == "n_parameters":
                continue  # says the same once more
            timed = cost.endswith("time")
            if own >= other or (timed and own * MIN_TIME_RATIO > other):
                continue
            if cost == "predict_time" and other <= MIN_TOLD_PREDICT_TIME:
                continue
            if cost == "size" and len({say.format("{:bytes}", size) for size in (own, other)}) < 2:
                continue  # the same as far as it is told
            scale = 1e3 if cost == "predict_time" else 1
            values = {"own": own * scale, "other": other * scale}
            advantages.append(say(f"recommendation.advantage_{cost}", **values))
        if self.cost == "n_parameters":
            advantages.append(say("recommendation.advantage_explain"))
        return advantages

    def __str__(self) -> str:
        text = " ".join([self.reason(), *self.notes()])
        return f"{self.model}. {text}" if self.model else text

    def to_dict(self) -> dict[str, Any]:
        """Return all figures and the reason in each language, for JSON."""
        by_language = {language: self.reason(language) for language in get_languages()}
        return {
            **asdict(self),
            "evidence": self.evidence and self.evidence.to_dict(),
            "folds": self.folds and self.folds.to_dict(),
            "cautions": [
                {**c.to_dict(), "sentence": {each: c.sentence(each) for each in get_languages()}}
                for c in self.cautions
            ],
            "headline": {language: self.headline(language) for language in get_languages()},
            "reason": by_language,
            "accuracy_difference": self.accuracy_difference,
            "fewer_errors": self.fewer_errors,
            "may_be_chance": self.may_be_chance,
            "misread_codes": self.misread_codes if self.digits else None,
        }


def reaches(difference: Any, margin: float) -> Any:
    """Say whether a difference, or each of several, is as large as the margin."""
    # 0.98 - 0.97 is 0.010000000000000009: a difference of just the margin is not under it
    return (difference >= margin) | np.isclose(difference, margin, rtol=0, atol=1e-12)
