"""How well the confidence of a model matches its accuracy."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.utils import check_consistent_length

from skmnist._html import make_html
from skmnist.diagnosis._figures import wilson_interval
from skmnist.text import get_catalogue

N_BINS = 15  # as in Guo et al.
MAX_OFF = 0.01  # below, confidence and accuracy count as equal, as in comparisons

CalibrationVerdict = Literal["trustworthy", "too_sure", "too_careful"]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Confidence of a model compared with its accuracy.

    Returned by :func:`measure_calibration`. The parameters are attributes as well.

    Parameters
    ----------
    verdict : {"trustworthy", "too_sure", "too_careful"}
        "too_sure" or "too_careful" if the mean confidence is outside the 95 % interval of the
        accuracy and differs from the accuracy by at least 0.01, otherwise "trustworthy". The
        verdict compares means only; see `ece` and `bins` for differences within bins.
    confidence : float
        Mean probability of the predicted classes.
    accuracy : float
        Share of correct predictions.
    ece : float
        Expected calibration error: the mean over all images of the difference between confidence
        and accuracy in their bin.
    bins : DataFrame
        One row per non-empty bin, out of 15 bins of equal width: `low` and `high` (of the
        confidence), `n` (number of images), `confidence` (mean), `accuracy`, and its 95 %
        interval `accuracy_low`, `accuracy_high`.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger: On calibration of modern neural networks. ICML
    2017.

    Examples
    --------
    >>> from skmnist.diagnosis import measure_calibration
    >>> measure_calibration([0.9] * 10, [True] * 9 + [False]).verdict
    'trustworthy'
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
        """Compare the mean confidence with the accuracy in a sentence.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
            Language of the text.
        """
        return get_catalogue(language)(
            f"calibration.{self.verdict}", confidence=self.confidence, accuracy=self.accuracy
        )

    def _repr_html_(self) -> str:
        """Show the calibration in a notebook."""
        return make_html(
            self.verdict.replace("_", " "), self.sentence(), {"ece": f"{self.ece:.4f}"}
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all values as plain Python types, for JSON."""
        return {
            "verdict": self.verdict,
            "confidence": self.confidence,
            "accuracy": self.accuracy,
            "ece": self.ece,
            "bins": self.bins.to_dict(orient="list"),
        }


def measure_calibration(confidence: Any, correct: Any) -> Calibration:
    """Compare the confidence of a model with its accuracy.

    Parameters
    ----------
    confidence : array-like of shape (n_samples,)
        Predicted probability of the predicted class.
    correct : array-like of bool, shape (n_samples,)
        Whether the prediction is correct.

    Returns
    -------
    calibration : Calibration

    Raises
    ------
    ValueError
        If the arrays differ in length or are empty.

    Examples
    --------
    >>> from skmnist.diagnosis import measure_calibration
    >>> calibration = measure_calibration([0.99] * 200, [True] * 180 + [False] * 20)
    >>> calibration.verdict, round(calibration.ece, 2)
    ('too_sure', 0.09)
    >>> print(calibration.sentence())
    Too sure of itself: on average it is 99.0% sure, but it is right in only 90.0% of cases.
    """
    check_consistent_length(confidence, correct)
    if not len(confidence):
        raise ValueError("confidence is empty; pass at least one value.")
    confidence = np.asarray(confidence, dtype=float)
    correct = np.asarray(correct, dtype=bool)
    mean, accuracy = float(confidence.mean()), float(correct.mean())
    # bins are (low, high], as in Guo et al.
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
