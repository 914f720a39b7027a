"""Analyze errors: the weakest classes and the most frequent confusions."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import unique_labels

from skmnist._html import make_html
from skmnist.diagnosis._calibration import Calibration, check_probabilities, measure_calibration
from skmnist.diagnosis._figures import wilson_interval
from skmnist.text import get_catalogue

Array = np.ndarray[Any, Any]

# If the median probability of the wrong class is at least this, suspect images or labels.
SURE = 0.9
ONE_WAY_RATIO, ALPHA = 2, 0.05  # see `ConfusionPair.one_way`
MIN_COMPARED = 6  # fewer confusions of two classes are never significant: 2 / 2**5 > ALPHA
# Pairs of digits with similar shapes
ALIKE = ("0_6", "1_7", "2_3", "2_7", "3_5", "3_8", "3_9", "4_9", "5_6", "5_8", "7_9", "8_9")


@dataclass(frozen=True, eq=False)
class ConfusionPair:
    """Images of one class that were classified as another.

    Returned by :meth:`ErrorAnalysis.pairs`. The parameters are attributes as well.

    Parameters
    ----------
    true, predicted : label
        The true class of the images, and the class that the model predicted.
    count : int
        Number of these confusions.
    reverse : int
        Number of confusions in the other direction.
    share : float
        `count` divided by the number of test images of the true class.
    rows : ndarray of int
        Row numbers in the test set, in order of decreasing confidence, if that is known. Empty if
        the labels of the analysis are unknown.
    confidence : float or None
        Median probability of the predicted class; None if unknown.
    digits : bool, default=False
        Whether the classes are the ten digits.
    n_compared : int, default=1
        Number of pairs of classes that have enough confusions for a test.
    never_predicted : bool, default=False
        Whether the model never predicts `true`.

    Examples
    --------
    >>> from skmnist.diagnosis import analyze_errors
    >>> (pair,) = analyze_errors([4, 4, 9], [4, 9, 9]).pairs()
    >>> pair.true, pair.predicted, pair.count, pair.rows
    (4, 9, 1, array([1]))
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
        """Whether the other direction is significantly rarer, with at most half the count.

        This is a two-sided sign test, as the direction was selected by its count. The p-value is
        multiplied by `n_compared` (Bonferroni), as the pair was selected for being frequent.
        """
        from scipy.stats import binomtest

        if self.count < ONE_WAY_RATIO * self.reverse:
            return False
        p_value = binomtest(self.count, self.count + self.reverse).pvalue
        return bool(p_value * self.n_compared < ALPHA)

    def advice(self, language: str = "en") -> list[str]:
        """Explain, if possible, why the two classes are confused, and suggest what to do about it.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
            Language of the text.

        Returns
        -------
        sentences : list of str
        """
        say = get_catalogue(language)
        found = []
        alike = "_".join(sorted((str(self.true), str(self.predicted))))
        # similar shapes do not explain why a class is never predicted
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
        """Return the confusion as plain Python types, for JSON.

        `digits`, `n_compared` and `never_predicted` are left out.
        """
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
    """Return whether labels are the ten digits, as numbers or as text."""
    return sorted(map(str, labels)) == list("0123456789")


N_DRAWS = 2000  # random samples, see `ErrorAnalysis.classes_differ`


@dataclass(frozen=True, eq=False)
class ErrorAnalysis:
    """Errors of a classifier on a test set, by class.

    Returned by :func:`analyze_errors`. The parameters are attributes as well.

    Parameters
    ----------
    accuracy : float
        Share of the images that were classified correctly.
    n_test : int
        Number of images.
    report : DataFrame
        One row per class: `precision`, `recall`, `f1` (float) and `support` (int, test images).
    confusion : DataFrame
        Counts; rows are true classes, columns are predicted classes.
    y_true, y_pred : ndarray of shape (n_test,), default=None
        True and predicted labels; None if unknown. Results that depend on them, such as `mistakes`,
        are then not available.
    confidence : ndarray of float32, shape (n_test,), default=None
        Probability of each predicted class; None without probabilities.
    true_confidence : ndarray of float32, shape (n_test,), default=None
        Probability of each true class, 0 for classes unknown to the model; None without
        probabilities.

    Examples
    --------
    >>> from skmnist.diagnosis import analyze_errors
    >>> errors = analyze_errors([9, 9, 9, 4, 4], [9, 4, 4, 4, 9])
    >>> errors.accuracy, errors.n_errors, round(errors.f1_macro, 2)
    (0.4, 3, 0.4)
    """

    accuracy: float
    n_test: int
    report: pd.DataFrame
    confusion: pd.DataFrame
    y_true: Array | None = None
    y_pred: Array | None = None
    confidence: Array | None = None
    true_confidence: Array | None = None

    @property
    def n_errors(self) -> int:
        """Number of images that were classified wrongly."""
        return self.n_test - int(np.trace(self.confusion.to_numpy()))

    @property
    def f1_macro(self) -> float:
        """Mean F1 of the classes that occur in the test set.

        Equal to scikit-learn's ``f1_score(average="macro", labels=np.unique(y_true))``. Without
        `labels`, `f1_score` would also include classes that are only predicted, with an F1 of 0.
        """
        return float(self.report["f1"][self.report["support"] > 0].mean())

    @property
    def correct(self) -> Array:
        """Whether each image was classified correctly: bool, shape (n_test,).

        Raises
        ------
        ValueError
            If `y_true` or `y_pred` is None.
        """
        if self.y_true is None or self.y_pred is None:
            raise ValueError("y_true and y_pred are None; use analyze_errors.")
        hits: Array = self.y_true == self.y_pred
        return hits

    @cached_property
    def intervals(self) -> pd.DataFrame:
        """Wilson's 95% interval of the recall of each class: columns `low` and `high`.

        Both are NaN for classes without test images.
        """
        ends = [
            wilson_interval(recall, int(n)) if n else (np.nan, np.nan)
            for recall, n in zip(self.report["recall"], self.report["support"], strict=True)
        ]
        return pd.DataFrame(ends, columns=["low", "high"], index=self.report.index)

    @property
    def predicted(self) -> list[Any]:
        """The classes that were predicted at least once."""
        taken = self.confusion.sum(axis=0).to_numpy() > 0
        return [_plain(label) for label in self.report.index[taken]]

    @property
    def never_predicted(self) -> list[Any]:
        """The classes that have test images, but were never predicted."""
        counts = self.confusion.to_numpy()
        never = (counts.sum(axis=1) > 0) & (counts.sum(axis=0) == 0)
        return [_plain(label) for label in self.report.index[never]]

    @cached_property
    def classes_differ(self) -> bool:
        """Whether the F1 of the classes differs significantly.

        This is a Monte Carlo test. The errors are distributed over the classes at random 2,000
        times, in proportion to the number of true and predicted images of each class. The classes
        differ if fewer than 5% of the samples have a chi-squared statistic at least as large as the
        observed one. The errors of a class are those that lower its F1: false negatives and false
        positives. SciPy's chi-squared tests are not used because their approximation requires
        more errors per class.

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
        # the observed errors count as a sample
        n_as_large = 1 + int((measure(drawn[0] + drawn[1]) >= found - 1e-9).sum())
        return n_as_large / (N_DRAWS + 1) < ALPHA

    @cached_property
    def calibration(self) -> Calibration | None:
        """Comparison of confidence and accuracy; None without probabilities."""
        if self.confidence is None or self.y_true is None:
            return None
        return measure_calibration(self.confidence, self.y_true == self.y_pred)

    @cached_property
    def mistakes(self) -> pd.DataFrame:
        """The misclassified images, indexed by `row` of the test set.

        The columns are `true`, `predicted` and, if known, `confidence`. The rows are in order of
        decreasing confidence or, if that is unknown, in the order of the test set. The table is
        empty if `y_true` or `y_pred` is None.
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

    @cached_property
    def suspects(self) -> pd.DataFrame:
        """The images whose label may be wrong, indexed by `row` of the test set.

        A label is suspected if the model predicts another class with at least the mean probability
        of that class among the images labelled with it (confident learning). The columns are
        `true`, `predicted` and `confidence`. The most suspicious images, those with the largest
        difference between the probabilities of the two classes, come first. Many of these images
        are just hard to read, so look at them. The table is empty unless there are probabilities
        that can be trusted (``calibration.believable``, an expected calibration error of at most
        0.02).

        References
        ----------
        C. G. Northcutt, L. Jiang, I. L. Chuang: Confident learning: estimating uncertainty in
        dataset labels. Journal of Artificial Intelligence Research 70, 2021, 1373-1411.
        """
        if self.calibration is None or self.true_confidence is None or self.y_true is None:
            return self.mistakes.iloc[:0]
        if not self.calibration.believable:
            return self.mistakes.iloc[:0]
        usual = pd.Series(self.true_confidence).groupby(self.y_true).mean()
        mistakes = self.mistakes
        limits = mistakes["predicted"].map(usual).astype(float).fillna(np.inf)
        found = mistakes[mistakes["confidence"] >= limits]
        lead = found["confidence"] - self.true_confidence[found.index]
        return found.loc[lead.sort_values(ascending=False, kind="stable").index]

    def weakest(self, n: int = 3) -> list[tuple[Any, float]]:
        """Return the classes with the lowest F1, the weakest first.

        Parameters
        ----------
        n : int, default=3
            Maximum number of classes. Classes without test images are left out.

        Returns
        -------
        classes : list of (label, float)
            Each class with its F1.
        """
        return self._by_f1(n, ascending=True)

    def strongest(self, n: int = 3) -> list[tuple[Any, float]]:
        """Return the classes with the highest F1, the best first.

        Parameters
        ----------
        n : int, default=3
            Maximum number of classes. Classes without test images are left out.

        Returns
        -------
        classes : list of (label, float)
            Each class with its F1.
        """
        return self._by_f1(n, ascending=False)

    def _by_f1(self, n: int, *, ascending: bool) -> list[tuple[Any, float]]:
        f1 = self.report.loc[self.report["support"] > 0, "f1"]
        f1 = f1.sort_values(ascending=ascending, kind="stable").head(n)
        return [(_plain(label), float(value)) for label, value in f1.items()]

    def confusions(self, n: int = 3) -> list[tuple[Any, Any, int]]:
        """Return the most frequent confusions.

        Parameters
        ----------
        n : int, default=3
            Maximum number of confusions.

        Returns
        -------
        confusions : list of (label, label, int)
            True class, predicted class and count of each.
        """
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
        """Return the most frequent confusions with row numbers and advice.

        Parameters
        ----------
        n : int, default=3
            Maximum number of confusions.

        Returns
        -------
        pairs : list of ConfusionPair
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

    def _repr_html_(self) -> str:
        """Show accuracy, confusions and weakest classes in a notebook."""
        say = get_catalogue("en")
        pairs = {f"{true} → {read}": f"{n}x" for true, read, n in self.confusions()}
        weakest = {f"F1: {label}": f"{f1:.4f}" for label, f1 in self.weakest()}
        return make_html(say("advice.accuracy", accuracy=self.accuracy), pairs, weakest)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain Python types, for JSON.

        Labels and probabilities of individual images are left out, but the row numbers of suspects
        and of the three most frequent confusions are included.
        """
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
            "suspects": self.suspects.index.tolist(),
            "calibration": None if self.calibration is None else self.calibration.to_dict(),
        }


def analyze_errors(
    y_true: Any, y_pred: Any, *, labels: Any = None, proba: Any = None
) -> ErrorAnalysis:
    """Compare predicted with true labels, by class.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels, at least one.
    y_pred : array-like of shape (n_samples,)
        Predicted labels.
    labels : array-like of shape (n_labels,), default=None
        Classes to include even if they do not occur, such as ``model.classes_``.
    proba : array-like of shape (n_samples, n_labels), default=None
        Probabilities, with one column per label in `labels`; `labels` is then required. Without
        probabilities, `confidence` and `calibration` of the result are None, `suspects` is empty,
        and `mistakes` is in the order of the rows.

    Returns
    -------
    analysis : ErrorAnalysis

    Raises
    ------
    ValueError
        If the labels are empty or inconsistent in length or type, or `proba` has the wrong shape,
        values outside [0, 1] or rows that do not sum to 1.

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
        raise ValueError("y_true is empty; pass at least one label.")
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
        true_confidence=None
        if proba is None
        else np.where(np.isin(y_true, labels), _confidence(y_true, labels, proba), np.float32(0)),
    )


def _confidence(y: Array, labels: Any, proba: Any) -> Array:
    """Return the probability of the given class of each row, or of the nearest known class."""
    proba = np.asarray(proba, dtype=np.float32)
    labels = np.asarray(labels) if labels is not None else np.array([])
    if proba.ndim != 2 or proba.shape[1] != len(labels):
        raise ValueError(
            f"proba has shape {proba.shape}, but needs one column for each of the {len(labels)} "
            "labels; pass labels=model.classes_."
        )
    check_consistent_length(y, proba)
    check_probabilities(proba, "proba")
    order = np.argsort(labels)
    at = order[np.clip(np.searchsorted(labels[order], y), 0, len(labels) - 1)]
    confidence: Array = proba[np.arange(len(y)), at]
    return confidence


def _dtype_of(labels: Array) -> Any:
    """Return a dtype that keeps pandas from converting text to Arrow, which can fail."""
    return object if labels.dtype.kind in "OU" else None


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label
