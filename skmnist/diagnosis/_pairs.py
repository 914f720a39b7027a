"""A class that is taken for another one, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skmnist.text import get_catalogue

# A mistake that the model gave such a probability on the median is one it is sure of: where it
# is so sure, the image or its label is the first suspect.
SURE = 0.9
# One way: twice as often as the other way round, and more often than chance makes it.
ONE_WAY_RATIO, ALPHA = 2, 0.05
MIN_COMPARED = 6  # fewer confusions of two classes can all go one way by chance: 2 / 2**5 > ALPHA
# Digits that are written alike, and what tells them apart.
ALIKE = ("0_6", "1_7", "2_3", "2_7", "3_5", "3_8", "3_9", "4_9", "5_6", "5_8", "7_9", "8_9")


@dataclass(frozen=True, eq=False)
class ConfusionPair:
    """One class taken for another.

    Attributes
    ----------
    true, predicted : label
        The class that the images show, and the one that the model saw.
    count : int
        How often.
    reverse : int
        How often the other way round.
    share : float
        `count` as a share of the class's test images.
    rows : ndarray of int
        Rows of the test set, those that the model was surest of first.
    confidence : float or None
        Median probability that it gave to its mistake; None where it is not known.
    digits : bool
        Whether the classes are the ten digits.
    n_compared : int
        Pairs of classes with confusions enough for a test, of which this is one.
    never_predicted : bool
        Whether the model reads no image at all as `true`.
    """

    true: Any
    predicted: Any
    count: int
    reverse: int
    share: float
    rows: np.ndarray[Any, Any]
    confidence: float | None
    digits: bool = False
    n_compared: int = 1
    never_predicted: bool = False

    @property
    def one_way(self) -> bool:
        """Whether it happens twice as often as the other way round, beyond chance.

        By the sign test, two-sided, as the direction was chosen by its count; its p-value is
        multiplied by the number of pairs of classes that were compared (Bonferroni), as the most
        frequent confusions were chosen among them.
        """
        from scipy.stats import binomtest

        if self.count < ONE_WAY_RATIO * self.reverse:
            return False
        p_value = binomtest(self.count, self.count + self.reverse).pvalue
        return bool(p_value * self.n_compared < ALPHA)

    def advice(self, language: str = "en") -> list[str]:
        """Say what makes the two alike, and what to do about it."""
        say = get_catalogue(language)
        found = []
        alike = "_".join(sorted((str(self.true), str(self.predicted))))
        # that a class is never predicted is not explained by how it is written
        if self.digits and alike in ALIKE and not self.never_predicted:
            found.append(say(f"advice.alike.{alike}"))
        if self.one_way and self.never_predicted:
            found.append(say("advice.improve_ignored", classes=str(self.true)))
        elif self.one_way:
            names = {"true": str(self.true), "predicted": str(self.predicted)}
            found.append(say("advice.pair.one_way", **names))
        if self.confidence is not None and self.confidence >= SURE:
            found.append(say("advice.pair.sure"))
        return found or [say("advice.pair.look")]

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain Python values, for JSON."""
        return {
            "true": self.true,
            "predicted": self.predicted,
            "count": self.count,
            "reverse": self.reverse,
            "share": self.share,
            "rows": self.rows.tolist(),
            "confidence": self.confidence,
        }


def are_digits(labels: Iterable[Any]) -> bool:
    """Say whether labels are the ten digits, as numbers or as text."""
    return sorted(map(str, labels)) == list("0123456789")
