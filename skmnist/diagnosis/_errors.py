"""Which classes are weak, and what is taken for what."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support
from sklearn.utils.multiclass import unique_labels


@dataclass(frozen=True)
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
    """

    accuracy: float
    n_test: int
    report: pd.DataFrame
    confusion: pd.DataFrame

    @property
    def n_errors(self) -> int:
        """Number of images that were classified wrongly."""
        return self.n_test - int(np.trace(self.confusion.to_numpy()))

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

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain Python values, for JSON."""
        return {
            "accuracy": self.accuracy,
            "n_test": self.n_test,
            "n_errors": self.n_errors,
            "classes": [_plain(label) for label in self.report.index],
            "report": self.report.to_dict(orient="list"),
            "confusion_matrix": self.confusion.to_numpy().tolist(),
        }


def analyze_errors(y_true: Any, y_pred: Any, *, labels: Any = None) -> ErrorAnalysis:
    """Compare predictions with the truth, class by class.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels, at least one.
    y_pred : array-like of shape (n_samples,)
        Predicted labels.
    labels : array-like, default=None
        Classes to list besides those that occur, such as all that a model knows.

    Returns
    -------
    analysis : ErrorAnalysis

    Raises
    ------
    ValueError
        The two differ in length or kind, or are empty.

    Examples
    --------
    >>> from skmnist.diagnosis import analyze_errors
    >>> analysis = analyze_errors([9, 9, 9, 4, 4], [9, 4, 4, 4, 9])
    >>> analysis.confusions()
    [(9, 4, 2), (4, 9, 1)]
    >>> [(label, round(f1, 2)) for label, f1 in analysis.weakest(1)]
    [(4, 0.4)]
    """
    if not len(y_true):
        raise ValueError("y_true has no labels; an error analysis needs one or more.")
    known = () if labels is None else (labels,)
    labels = unique_labels(y_true, y_pred, *known)
    confusion = confusion_matrix(y_true, y_pred, labels=labels)
    precision, recall, f1, support = precision_recall_fscore_support(
        y_true, y_pred, labels=labels, zero_division=0.0
    )
    index = pd.Index(labels.tolist(), name="class")
    return ErrorAnalysis(
        accuracy=float(np.trace(confusion) / confusion.sum()),
        n_test=int(confusion.sum()),
        report=pd.DataFrame(
            {"precision": precision, "recall": recall, "f1": f1, "support": support}, index=index
        ),
        confusion=pd.DataFrame(
            confusion, index=index.rename("true"), columns=index.rename("predicted")
        ),
    )


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label
