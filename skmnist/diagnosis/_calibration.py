"""Measure how well the confidence of a model matches its accuracy."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.utils import check_consistent_length

from skmnist._html import make_html
from skmnist.diagnosis._figures import wilson_interval
from skmnist.text import get_catalogue

N_BINS = 15  # as in Guo et al.
MAX_OFF = 0.01  # smaller differences are negligible, as in comparisons
N_DRAWS = 2000  # for the 95% quantile of the ECE by chance
# If calibrated probabilities reach this ECE by chance, there are too few images for a verdict.
MAX_CHANCE = 0.05
# Temperature scaling brings networks to an ECE of 0.01 to 0.02 (Guo et al., table 1).
BELIEVABLE = 0.02
ROUNDING = 1e-3  # probabilities in float16 and float32 may exceed 1 by this much
MAX_SUM_OFF = 0.05  # ten probabilities with two decimals sum to 1 +- 0.05

Array = np.ndarray[Any, Any]
CalibrationVerdict = Literal["trustworthy", "too_sure", "too_careful", "uneven", "unclear"]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Confidence of a model compared with its accuracy.

    Returned by :func:`measure_calibration`. The parameters are attributes as well.

    Parameters
    ----------
    verdict : {"trustworthy", "too_sure", "too_careful", "uneven", "unclear"}
        - "trustworthy": `ece` is below 0.01 or at most `ece_by_chance`, and `ece_by_chance` is at
          most 0.05.
        - "unclear": as for "trustworthy", but there are too few images for a verdict:
          `ece_by_chance` is above 0.05.
        - "too_sure", "too_careful": otherwise, if the means of confidence and accuracy differ in
          that direction by at least half of `ece`.
        - "uneven": otherwise; the model is too sure in some bins and too careful in others.
    confidence : float
        Mean probability of the predicted classes.
    accuracy : float
        Share of correct predictions.
    ece : float
        Expected calibration error: the mean over all images of the absolute difference between
        mean confidence and accuracy in the bin of the image.
    ece_by_chance : float
        95% quantile that `ece` would have if the confidences were exact, from 2,000 simulations (a
        normal approximation to the "consistency resampling" of Bröcker and Smith 2007).
    bins : DataFrame
        One row per non-empty bin, out of 15 bins of equal width: `low` and `high` (of the
        confidence), `n` (number of images), `confidence` (mean), `accuracy`, and the 95% interval
        of the accuracy, `accuracy_low` and `accuracy_high`.

    References
    ----------
    J. Bröcker, L. A. Smith: Increasing the reliability of reliability diagrams. Weather and
    Forecasting 22, 2007, 651-661.

    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger: On calibration of modern neural networks. ICML
    2017.

    Examples
    --------
    >>> from skmnist.diagnosis import measure_calibration
    >>> measure_calibration([0.9] * 1000, [True] * 900 + [False] * 100).verdict
    'trustworthy'
    >>> measure_calibration([0.9] * 10, [True] * 9 + [False]).verdict
    'unclear'
    """

    verdict: CalibrationVerdict
    confidence: float
    accuracy: float
    ece: float
    ece_by_chance: float
    bins: pd.DataFrame

    @property
    def believable(self) -> bool:
        """Whether `ece` is at most 0.02, so that individual probabilities can be trusted."""
        return self.ece <= BELIEVABLE

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
            f"calibration.{self.verdict}",
            confidence=self.confidence,
            accuracy=self.accuracy,
            ece_points=100 * self.ece,
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
            "ece_by_chance": self.ece_by_chance,
            "bins": self.bins.to_dict(orient="list"),
        }


def check_probabilities(values: Any, name: str) -> Array:
    """Return probabilities as floats, or raise if they are invalid.

    Parameters
    ----------
    values : array-like of shape (n_samples,) or (n_samples, n_classes)
        Probabilities in [0, 1]. Those of several classes must sum to 1 in each row, to within 0.05,
        which is enough for probabilities that are rounded to two decimals.
    name : str
        Name of the argument, for the error.
    """
    of_predictions = getattr(values, "ndim", 2) == 1
    source = "y_proba.max(axis=1)" if of_predictions else "the output of predict_proba"
    way_out = f"pass {source}, not scores, logits or labels."
    try:
        proba = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numbers in [0, 1]; {way_out}") from error
    outside = ~((proba >= -ROUNDING) & (proba <= 1 + ROUNDING))  # NaN, too
    if outside.any():
        value = proba[outside].flat[0]
        raise ValueError(f"{name} has the value {value:g}, but must be in [0, 1]; {way_out}")
    sums = proba.sum(axis=1) if proba.ndim == 2 else np.ones(1)
    off = np.abs(sums - 1) > MAX_SUM_OFF
    if off.any():
        raise ValueError(
            f"{name} has a row that sums to {sums[off][0]:g}, but each row must sum to 1; {way_out}"
        )
    return proba


def check_confidence(
    confidence: Any, correct: Any, names: tuple[str, str] = ("confidence", "correct")
) -> tuple[Array, Array]:
    """Return the confidence of predictions and whether they are correct; raise if invalid."""
    values = {
        name: np.asarray(each) for name, each in zip(names, (confidence, correct), strict=True)
    }
    for name, each in values.items():
        if each.ndim != 1:
            raise ValueError(
                f"{name} has shape {each.shape}, but must have one value for each prediction: "
                "confidence is the probability of the predicted class, y_proba.max(axis=1), and "
                "correct is y_true == y_pred."
            )
    check_consistent_length(*values.values())
    hits = values[names[1]]
    if hits.dtype != bool and not np.isin(hits, [0, 1]).all():
        value = hits[~np.isin(hits, [0, 1])].tolist()[0]
        raise ValueError(
            f"{names[1]} has the value {value!r}, but must be True or False; pass "
            "y_true == y_pred. (Is it swapped with confidence?)"
        )
    return check_probabilities(values[names[0]], names[0]), hits.astype(bool)


def measure_calibration(confidence: Any, correct: Any) -> Calibration:
    """Compare the confidence of a model with its accuracy.

    Parameters
    ----------
    confidence : array-like of shape (n_samples,)
        Probability of each predicted class.
    correct : array-like of bool, shape (n_samples,)
        Whether each prediction is correct.

    Returns
    -------
    calibration : Calibration

    Raises
    ------
    ValueError
        If the arrays differ in length or are empty, `confidence` is not in [0, 1], or `correct` has
        values other than True and False.

    Examples
    --------
    >>> from skmnist.diagnosis import measure_calibration
    >>> calibration = measure_calibration([0.99] * 200, [True] * 180 + [False] * 20)
    >>> calibration.verdict, round(calibration.ece, 2)
    ('too_sure', 0.09)
    >>> print(calibration.sentence())
    Too sure of itself: on average it is 99.0% sure, but it is right in only 90.0% of cases.
    """
    confidence, correct = check_confidence(confidence, correct)
    if not len(confidence):
        raise ValueError("confidence is empty; pass at least one value.")
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
    ece = float(np.average(off, weights=bins["n"]))
    by_chance = _draw_ece(confidence, np.unique(at, return_inverse=True)[1])
    verdict = _judge(ece, by_chance, mean - accuracy)
    return Calibration(verdict, mean, accuracy, ece, by_chance, bins)


def _judge(ece: float, by_chance: float, off: float) -> CalibrationVerdict:
    if ece < MAX_OFF or ece <= by_chance:
        return "unclear" if by_chance > MAX_CHANCE else "trustworthy"
    if abs(off) < ece / 2:
        return "uneven"
    return "too_sure" if off > 0 else "too_careful"


def _draw_ece(confidence: Array, at: Array) -> float:
    """Return the 95% quantile that the ECE would have if the confidences were exact."""
    # the hits in a bin are a sum of independent variables, so their distribution is nearly normal
    spread = np.sqrt(np.bincount(at, weights=np.clip(confidence * (1 - confidence), 0, None)))
    drawn = np.random.default_rng(0).normal(scale=spread, size=(N_DRAWS, len(spread)))
    return float(np.quantile(np.abs(drawn).sum(axis=1) / len(confidence), 0.95))
