"""The weakest classes, the most frequent confusions, and what to do about them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import unique_labels

from skmnist.diagnosis._calibration import Calibration, calibrate
from skmnist.diagnosis._figures import wilson_interval
from skmnist.text import get_catalogue

Array = np.ndarray[Any, Any]

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


N_DRAWS = 2000  # of errors at random, to see what chance alone does


@dataclass(frozen=True, eq=False)
class ErrorAnalysis:
    """How a classifier did on a test set, class by class.

    Attributes
    ----------
    accuracy : float
        Share of the images that were classified correctly.
    n_test : int
        Number of images.
    report : DataFrame
        A row per class: `precision, recall, f1` (float) and `support` (int, images of it).
    confusion : DataFrame
        Counts, rows true classes, columns predicted classes.
    y_true, y_pred : ndarray of shape (n_test,) or None
        The labels behind it.
    confidence : ndarray of float32, shape (n_test,), or None
        Probability that the model gave to each class it predicted; None where it has none.
    """

    accuracy: float
    n_test: int
    report: pd.DataFrame
    confusion: pd.DataFrame
    y_true: Array | None = None
    y_pred: Array | None = None
    confidence: Array | None = None

    @property
    def n_errors(self) -> int:
        """Number of images that were classified wrongly."""
        return self.n_test - int(np.trace(self.confusion.to_numpy()))

    @property
    def f1_macro(self) -> float:
        """Mean F1 of the classes, as scikit-learn's ``f1_score(average="macro")``."""
        counts = self.confusion.to_numpy()
        occurs = counts.sum(axis=0) + counts.sum(axis=1) > 0
        return float(self.report["f1"][occurs].mean())

    @property
    def correct(self) -> Array:
        """Which images were classified correctly: bool, shape (n_test,).

        Raises
        ------
        ValueError
            The labels are not there.
        """
        if self.y_true is None or self.y_pred is None:
            raise ValueError("y_true and y_pred are None; make the analysis by analyze_errors.")
        hits: Array = self.y_true == self.y_pred
        return hits

    @cached_property
    def intervals(self) -> pd.DataFrame:
        """Wilson's 95 % interval of each class's recall: columns `low` and `high`.

        NaN for a class without a test image.
        """
        ends = [
            wilson_interval(recall, int(n)) if n else (np.nan, np.nan)
            for recall, n in zip(self.report["recall"], self.report["support"], strict=True)
        ]
        return pd.DataFrame(ends, columns=["low", "high"], index=self.report.index)

    @property
    def predicted(self) -> list[Any]:
        """The classes that any image was taken for."""
        taken = self.confusion.sum(axis=0).to_numpy() > 0
        return [_plain(label) for label in self.report.index[taken]]

    @property
    def never_predicted(self) -> list[Any]:
        """The classes with test images that not a single image was taken for."""
        counts = self.confusion.to_numpy()
        never = (counts.sum(axis=1) > 0) & (counts.sum(axis=0) == 0)
        return [_plain(label) for label in self.report.index[never]]

    @cached_property
    def classes_differ(self) -> bool:
        """Whether some classes are read better than others, beyond chance.

        The errors are spread over the classes as often at random, in proportion to the images
        of each class and to those taken for it; a chi-squared statistic as large as the real one
        has to be rarer than 5 %. Counted of a class is what makes its F1: its images that were
        misread, and others that were taken for it.

        References
        ----------
        A. C. A. Hope: A simplified Monte Carlo significance test procedure. Journal of the Royal
        Statistical Society B 30, 1968, 582-598.
        """
        counts = self.confusion.to_numpy()
        if not self.n_errors:
            return False
        images, taken = counts.sum(axis=1), counts.sum(axis=0)
        expected = (images + taken) * self.n_errors / self.n_test
        known = expected > 0

        def measure(n_wrong: Array) -> Array:
            distance: Array = (n_wrong - expected)[..., known] ** 2 / expected[known]
            return distance.sum(axis=-1)

        rng = np.random.default_rng(0)
        drawn = [
            rng.multinomial(self.n_errors, part / self.n_test, N_DRAWS) for part in (images, taken)
        ]
        found = measure(images + taken - 2 * counts.diagonal())
        # the real one is one of the draws
        n_as_large = 1 + int((measure(drawn[0] + drawn[1]) >= found - 1e-9).sum())
        return n_as_large / (N_DRAWS + 1) < ALPHA

    @cached_property
    def calibration(self) -> Calibration | None:
        """Whether it is right as often as it is sure; None without probabilities."""
        if self.confidence is None or self.y_true is None:
            return None
        return calibrate(self.confidence, self.y_true == self.y_pred)

    @cached_property
    def mistakes(self) -> pd.DataFrame:
        """The misclassified images, indexed by `row` of the test set.

        Columns `true`, `predicted` and, where known, `confidence`; those that the model was
        surest of come first.
        """
        if self.y_true is None or self.y_pred is None:
            return pd.DataFrame(columns=["true", "predicted"], index=pd.Index([], name="row"))
        rows = np.flatnonzero(self.y_true != self.y_pred)
        index = pd.Index(rows, name="row")
        columns = {
            name: pd.Series(labels[rows], index=index, dtype=_dtype_of(labels))
            for name, labels in (("true", self.y_true), ("predicted", self.y_pred))
        }
        if self.confidence is None:
            return pd.DataFrame(columns, index=index)
        confidence = self.confidence[rows]
        order = np.argsort(-confidence, kind="stable")
        return pd.DataFrame(columns | {"confidence": confidence}, index=index).iloc[order]

    def weakest(self, n: int = 3) -> list[tuple[Any, float]]:
        """Return the classes of lowest F1 (class, F1), the weakest first.

        Classes without a test image are left out.
        """
        return self._by_f1(n, ascending=True)

    def strongest(self, n: int = 3) -> list[tuple[Any, float]]:
        """Return the classes of highest F1 (class, F1), the best first."""
        return self._by_f1(n, ascending=False)

    def _by_f1(self, n: int, *, ascending: bool) -> list[tuple[Any, float]]:
        f1 = self.report.loc[self.report["support"] > 0, "f1"]
        f1 = f1.sort_values(ascending=ascending, kind="stable").head(n)
        return [(_plain(label), float(value)) for label, value in f1.items()]

    def confusions(self, n: int = 3) -> list[tuple[Any, Any, int]]:
        """Return the most frequent confusions (true class, predicted class, count)."""
        counts = self.confusion.to_numpy(copy=True)
        np.fill_diagonal(counts, 0)
        order = np.argsort(-counts, axis=None, kind="stable")[:n]
        labels = self.confusion.index
        pairs = zip(*np.unravel_index(order, counts.shape), strict=True)
        return [
            (_plain(labels[i]), _plain(labels[j]), int(counts[i, j]))
            for i, j in pairs
            if counts[i, j]
        ]

    def pairs(self, n: int = 3) -> list[ConfusionPair]:
        """Return the most frequent confusions with the rows of their images and advice.

        Parameters
        ----------
        n : int, default=3
            How many at most.
        """
        labels = [_plain(label) for label in self.confusion.index]
        counts = self.confusion.to_numpy()
        support = dict(zip(labels, self.report["support"], strict=True))
        both = counts + counts.T
        np.fill_diagonal(both, 0)
        n_compared = int((np.triu(both) >= MIN_COMPARED).sum())
        found = []
        for true, predicted, count in self.confusions(n):
            mistakes = self.mistakes
            of_pair = mistakes[(mistakes["true"] == true) & (mistakes["predicted"] == predicted)]
            sure = "confidence" in of_pair and len(of_pair) > 0
            found.append(
                ConfusionPair(
                    true=true,
                    predicted=predicted,
                    count=count,
                    reverse=int(counts[labels.index(predicted), labels.index(true)]),
                    share=count / int(support[true]),
                    rows=of_pair.index.to_numpy(),
                    confidence=float(of_pair["confidence"].median()) if sure else None,
                    digits=are_digits(labels),
                    n_compared=max(1, n_compared),
                    never_predicted=true in self.never_predicted,
                )
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain Python values, for JSON."""
        intervals = self.intervals.astype(object).where(self.intervals.notna(), None)
        return {
            "accuracy": self.accuracy,
            "accuracy_interval": list(wilson_interval(self.accuracy, self.n_test)),
            "n_test": self.n_test,
            "n_errors": self.n_errors,
            "classes": [_plain(label) for label in self.report.index],
            "report": {
                **self.report.to_dict(orient="list"),
                "recall_low": intervals["low"].tolist(),
                "recall_high": intervals["high"].tolist(),
            },
            "confusion_matrix": self.confusion.to_numpy().tolist(),
            "pairs": [pair.to_dict() for pair in self.pairs()],
            "calibration": None if self.calibration is None else self.calibration.to_dict(),
        }


def analyze_errors(
    y_true: Any, y_pred: Any, *, labels: Any = None, proba: Any = None
) -> ErrorAnalysis:
    """Compare predictions with the truth, class by class.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels, at least one.
    y_pred : array-like of shape (n_samples,)
        Predicted labels.
    labels : array-like of shape (n_labels,), default=None
        Classes to list besides those that occur, such as all that a model knows
        (``classes_``).
    proba : array-like of shape (n_samples, n_labels), default=None
        Probabilities, a column per label in `labels`; with them the surest mistakes and the
        calibration are told.

    Returns
    -------
    analysis : ErrorAnalysis

    Raises
    ------
    ValueError
        The labels differ in length or kind, or are empty, or `proba` has another shape.

    Examples
    --------
    >>> from skmnist.diagnosis import analyze_errors
    >>> analysis = analyze_errors([9, 9, 9, 4, 4], [9, 4, 4, 4, 9])
    >>> analysis.confusions()
    [(9, 4, 2), (4, 9, 1)]
    >>> [(label, round(f1, 2)) for label, f1 in analysis.weakest(1)]
    [(4, 0.4)]
    >>> analysis.pairs(1)[0].rows
    array([1, 2])
    """
    if not len(y_true):
        raise ValueError("y_true has no labels; an error analysis needs one or more.")
    known = () if labels is None else (labels,)
    listed = unique_labels(y_true, y_pred, *known)
    confusion = confusion_matrix(y_true, y_pred, labels=listed)
    precision, recall, f1, support = precision_recall_fscore_support(
        y_true, y_pred, labels=listed, zero_division=0.0
    )
    y_true, y_pred = np.asarray(y_true).ravel(), np.asarray(y_pred).ravel()
    index = pd.Index(listed.tolist(), name="class", dtype=_dtype_of(listed))
    return ErrorAnalysis(
        accuracy=float(np.trace(confusion) / confusion.sum()),
        n_test=int(confusion.sum()),
        report=pd.DataFrame(
            {"precision": precision, "recall": recall, "f1": f1, "support": support}, index=index
        ),
        confusion=pd.DataFrame(
            confusion, index=index.rename("true"), columns=index.rename("predicted")
        ),
        y_true=y_true,
        y_pred=y_pred,
        confidence=None if proba is None else _confidence(y_pred, labels, proba),
    )


def _confidence(y_pred: Array, labels: Any, proba: Any) -> Array:
    """Return the probability of each predicted class."""
    proba = np.asarray(proba, dtype=np.float32)
    labels = np.asarray(labels) if labels is not None else np.array([])
    if proba.ndim != 2 or proba.shape[1] != len(labels):
        raise ValueError(
            f"proba has shape {proba.shape}, but needs a column for each of the {len(labels)} "
            "labels; pass labels=model.classes_."
        )
    check_consistent_length(y_pred, proba)
    order = np.argsort(labels)
    at = order[np.clip(np.searchsorted(labels[order], y_pred), 0, len(labels) - 1)]
    confidence: Array = proba[np.arange(len(y_pred)), at]
    return confidence


def _dtype_of(labels: Array) -> Any:
    """Keep text as Python's; where pandas finds Arrow, it takes Arrow's, which refuses some."""
    return object if labels.dtype.kind in "OU" else None


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label
