"""Estimate the limit of the data: the accuracy of a linear model and a forest on the same rows."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skmnist.diagnosis._estimator import take_rows

Array = np.ndarray[Any, Any]

# About a second for 28 x 28 images, and enough to tell 80% from 82%
MAX_FITTED, MAX_CHECKED = 3000, 2000
MIN_FITTED, MIN_CHECKED = 100, 50  # fewer rows are not conclusive
N_TREES = 50
N_COMPONENTS = 50  # ten times as fast; on MNIST, the linear model loses under one percentage point
SUREST = 0.25  # share of the checked rows, see `References.sure_error`


@dataclass(frozen=True)
class References:
    """Accuracy of simple models on held-out rows.

    Attributes
    ----------
    linear, forest : float
        Held-out accuracy of a logistic regression on the principal components, and of extremely
        randomized trees.
    chance : float
        Share of the most frequent label: the accuracy of always predicting this label.
    n_checked : int
        Number of held-out rows.
    sure_error : float
        Share of the labels that the forest contradicts among the quarter of the rows on which it is
        surest. If classes overlap, labels contradict it where it is unsure; wrong labels contradict
        it everywhere.
    n_sure : int
        Number of these rows.
    lead, lead_error : float or None
        How much more accurate the better of the two is than the model on the same rows, and the
        paired standard error of this difference; None if the model's predictions for them are
        unknown.
    within : References or None
        The same, with some of the training rows held out; known only if the other held-out rows
        show no signal.
    """

    linear: float
    forest: float
    chance: float
    n_checked: int
    sure_error: float
    n_sure: int
    lead: float | None = None
    lead_error: float | None = None
    within: "References | None" = None

    @property
    def has_signal(self) -> bool:
        """Whether one of the two does better than chance, by more than two standard errors."""
        error = np.sqrt(self.chance * (1 - self.chance) / self.n_checked)
        return bool(max(self.linear, self.forest) > self.chance + 2 * error)


def measure_references(
    X: Any, y: Any, X_val: Any = None, y_val: Any = None, estimator: Any = None
) -> References | None:
    """Fit the simple models and measure them on held-out rows.

    Parameters
    ----------
    X, y : array-like
        Training rows, of which at most 3,000 are used.
    X_val, y_val : array-like, default=None
        Held-out rows, of which at most 2,000 are used; None holds out some of `X`.
    estimator : fitted classifier, default=None
        The model to compare with on the same held-out rows, if these are given.

    Returns
    -------
    references : References or None
        None if there are too few rows or only one class, or if the rows are not finite numbers or
        do not differ.
    """
    given = X, y
    is_held_out = X_val is not None
    y = np.asarray(y).ravel()
    if len(y) < 2:
        return None
    rows = np.random.default_rng(0).permutation(len(y))[: MAX_FITTED + MAX_CHECKED]
    try:
        if not is_held_out:
            rows, checked = train_test_split(rows, test_size=0.4, random_state=0)
            X_val, y_val = X, y
        else:
            checked = np.random.default_rng(0).permutation(len(y_val))
        fitted, checked = rows[:MAX_FITTED], checked[:MAX_CHECKED]
        y_val = np.asarray(y_val).ravel()[checked]
        own = None
        if is_held_out and hasattr(estimator, "predict"):
            own = np.asarray(estimator.predict(take_rows(X_val, checked))).ravel() == y_val
        X_val, X, y = _flatten(X_val, checked), _flatten(X, fitted), y[fitted]
    except (TypeError, ValueError):  # text, or rows of unequal length
        return None
    varies = np.ptp(X, axis=0) > 0
    X, X_val = X[:, varies], X_val[:, varies]
    enough = len(y) >= MIN_FITTED and len(y_val) >= MIN_CHECKED
    if not (enough and varies.any() and len(np.unique(y)) > 1):
        return None
    n_components = min(N_COMPONENTS, *X.shape)
    linear = make_pipeline(
        StandardScaler(),
        PCA(n_components, random_state=0),
        LogisticRegression(C=0.1, max_iter=200),
    )
    forest = ExtraTreesClassifier(N_TREES, random_state=0)
    # several threads would slow down work on such small matrices
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        linear_right = linear.fit(X, y).predict(X_val) == y_val
        proba = forest.fit(X, y).predict_proba(X_val)
    is_right = forest.classes_[proba.argmax(axis=1)] == y_val
    second, first = np.sort(proba, axis=1)[:, -2:].T
    surest = np.argsort(second - first, kind="stable")[: max(1, int(SUREST * len(y_val)))]
    found = References(
        linear=float(linear_right.mean()),
        forest=float(is_right.mean()),
        chance=float(np.unique(y_val, return_counts=True)[1].max() / len(y_val)),
        n_checked=len(y_val),
        sure_error=float(1 - is_right[surest].mean()),
        n_sure=len(surest),
    )
    if own is not None:
        best = is_right if is_right.mean() > linear_right.mean() else linear_right
        # McNemar's test compares the rows on which only one of the two is right
        n_won, n_lost = int((best & ~own).sum()), int((own & ~best).sum())
        found = replace(
            found,
            lead=(n_won - n_lost) / len(own),
            lead_error=float(np.sqrt(n_won + n_lost)) / len(own),
        )
    if found.has_signal or not is_held_out:
        return found
    return replace(found, within=measure_references(*given))


def _flatten(X: Any, rows: Array) -> Array:
    """Return rows as a finite matrix, or raise."""
    X = take_rows(X, rows)
    X = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=float).reshape(len(rows), -1)
    if not np.isfinite(X).all():
        raise ValueError("X has missing values.")
    return X
