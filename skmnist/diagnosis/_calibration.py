"""Whether a model is right as often as it is sure."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.utils import check_consistent_length

from skmnist.diagnosis._intervals import wilson_interval
from skmnist.text import get_catalogue

# Guo et al. (below) take fifteen bins; so that figures compare with those of others, so do we.
N_BINS = 15
# Off by less than one percentage point on average, a model is called neither too sure nor too
# careful: as small as what the comparison calls similar.
MAX_OFF = 0.01

CalibrationVerdict = Literal["trustworthy", "too_sure", "too_careful"]


@dataclass(frozen=True, eq=False)
class Calibration:
    """How sure a model is of its predictions, and how often it is right.

    Attributes
    ----------
    verdict : {"trustworthy", "too_sure", "too_careful"}
        Too sure or too careful: its mean confidence lies outside the 95 % interval of its
        accuracy, by 0.01 or more from the accuracy itself. Trustworthy: that is not shown. It
        compares means alone; `ece` and `bins` tell where they hide a difference.
    confidence : float
        Mean probability of the predicted classes.
    accuracy : float
        Share of right predictions.
    ece : float
        Expected calibration error: how far confidence and accuracy are apart in a bin, on
        average over the images.
    bins : DataFrame
        A row per bin with an image in it, of 15 bins of equal width: `low`, `high` (of the
        confidence), `n` (images), `confidence` (their mean), `accuracy`, and its 95 % interval
        `accuracy_low`, `accuracy_high`.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger: On calibration of modern neural networks. ICML
    2017.
    """

    verdict: CalibrationVerdict
    confidence: float
    accuracy: float
    ece: float
    bins: pd.DataFrame

    @property
    def close(self) -> bool:
        """Whether mean confidence and accuracy are less than 0.01 apart."""
        return abs(self.confidence - self.accuracy) < MAX_OFF

    def sentence(self, language: str = "en") -> str:
        """Say in plain words how its mean confidence compares with its accuracy."""
        return get_catalogue(language)(
            f"calibration.{self.verdict}", confidence=self.confidence, accuracy=self.accuracy
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain Python values, for JSON."""
        return {
            "verdict": self.verdict,
            "confidence": self.confidence,
            "accuracy": self.accuracy,
            "ece": self.ece,
            "bins": self.bins.to_dict(orient="list"),
        }


def calibrate(confidence: Any, correct: Any) -> Calibration:
    """Compare how sure a model is with how often it is right.

    Parameters
    ----------
    confidence : array-like of shape (n_samples,)
        Probability that the model gave to the class it predicted.
    correct : array-like of bool, shape (n_samples,)
        Whether the prediction is right.

    Returns
    -------
    calibration : Calibration

    Raises
    ------
    ValueError
        The two differ in length, or are empty.

    Examples
    --------
    >>> from skmnist.diagnosis import calibrate
    >>> calibration = calibrate([0.99] * 200, [True] * 180 + [False] * 20)
    >>> calibration.verdict, round(calibration.ece, 2)
    ('too_sure', 0.09)
    >>> print(calibration.sentence())
    Too sure of itself: on average it is 99.0% sure, but it is right in only 90.0% of cases.
    """
    check_consistent_length(confidence, correct)
    if not len(confidence):
        raise ValueError("confidence has no values; a calibration needs one or more.")
    confidence = np.asarray(confidence, dtype=float)
    correct = np.asarray(correct, dtype=bool)
    mean, accuracy = float(confidence.mean()), float(correct.mean())
    # (low, high], as Guo et al. have it
    at = np.clip(np.ceil(confidence * N_BINS).astype(int) - 1, 0, N_BINS - 1)
    rows = []
    for each in np.unique(at):
        inside = at == each
        n, right = int(inside.sum()), float(correct[inside].mean())
        rows.append((each / N_BINS, (each + 1) / N_BINS, n, confidence[inside].mean(), right))
    bins = pd.DataFrame(rows, columns=["low", "high", "n", "confidence", "accuracy"])
    ends = [wilson_interval(p, n) for p, n in zip(bins["accuracy"], bins["n"], strict=True)]
    bins["accuracy_low"], bins["accuracy_high"] = (list(each) for each in zip(*ends, strict=True))
    off = (bins["confidence"] - bins["accuracy"]).abs()
    low, high = wilson_interval(accuracy, len(correct))
    verdict: CalibrationVerdict = "trustworthy"
    if mean > high and mean - accuracy >= MAX_OFF:
        verdict = "too_sure"
    elif mean < low and accuracy - mean >= MAX_OFF:
        verdict = "too_careful"
    return Calibration(verdict, mean, accuracy, float(np.average(off, weights=bins["n"])), bins)
