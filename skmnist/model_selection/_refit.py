"""Choose the best candidate of a search among those that do not overfit."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from skmnist.diagnosis._findings import exceeds

Array = np.ndarray[Any, Any]


def best_without_overfitting(
    cv_results: Mapping[str, Any],
    *,
    max_gap: float = 0.02,
    score: str | None = None,
    gap: str = "neg_fit_gap",
) -> int:
    """Choose the candidate with the best score among those that do not overfit.

    Pass this function as ``refit=`` to :class:`sklearn.model_selection.GridSearchCV`,
    :class:`~sklearn.model_selection.RandomizedSearchCV` or a search with a similar `cv_results_`. A
    candidate overfits if its mean gap between training and test rows is above `max_gap`. If several
    candidates have the best score, the one with the smallest gap is chosen. To change a default,
    pass ``functools.partial(best_without_overfitting, max_gap=0.01)``.

    Parameters
    ----------
    cv_results : mapping
        Results of the search: columns by name, one row per candidate. It must have
        ``mean_test_<score>``, and for the gap either ``mean_test_<gap>``, which is *minus* the gap,
        or ``mean_train_<score>``. Search with ``scoring=fit_scores``, with several scores that
        include ``"neg_fit_gap": neg_fit_gap``, or with ``return_train_score=True``.
    max_gap : float, default=0.02
        Largest gap that does not count as overfitting; see
        :func:`~skmnist.diagnosis.diagnose_fit` for the default.
    score : str, default=None
        Name of the score to maximize. None selects "accuracy" if available, otherwise "score", the
        name used by a search with a single score.
    gap : str, default="neg_fit_gap"
        Name of the score that is minus the gap.

    Returns
    -------
    best_index : int
        Row of the candidate.

    Raises
    ------
    ValueError
        A column is missing, or no candidate has both a score and a gap.

    Warns
    -----
    UserWarning
        Every candidate with a score and a gap overfits; the one with the smallest gap is chosen.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import GridSearchCV, StratifiedKFold
    >>> from skmnist import SimpleNNClassifier
    >>> from skmnist.diagnosis import fit_scores
    >>> from skmnist.model_selection import best_without_overfitting
    >>> best_without_overfitting({
    ...     "mean_test_accuracy": [0.97, 0.98, 0.99],
    ...     "mean_test_neg_fit_gap": [-0.001, -0.015, -0.03],
    ... })
    1
    >>> X, y = load_digits(return_X_y=True)
    >>> search = GridSearchCV(
    ...     SimpleNNClassifier(epochs=10, random_state=0), {"dropout": [0.0, 0.2]},
    ...     cv=StratifiedKFold(2, shuffle=True, random_state=0),  # rows are sorted by writer
    ...     scoring=fit_scores, refit=best_without_overfitting,
    ... ).fit(X / 16, y)
    >>> sorted(search.best_params_)
    ['dropout']

    The gap must be in the results:

    >>> best_without_overfitting({"mean_test_score": [0.97, 0.98]})
    Traceback (most recent call last):
    ValueError: cv_results has neither 'mean_test_neg_fit_gap' nor 'mean_train_score'. Search with
    scoring=fit_scores, or with return_train_score=True.
    """
    if score is None:
        score = "accuracy" if "mean_test_accuracy" in cv_results else "score"
    if f"mean_test_{score}" not in cv_results:
        there = sorted(name for name in cv_results if name.startswith("mean_test_"))
        raise ValueError(f"cv_results has no 'mean_test_{score}', only {there}; pass score=.")
    scores = _column(cv_results, f"mean_test_{score}")
    gaps = _gaps(cv_results, scores, score, gap)
    known = np.isfinite(scores) & np.isfinite(gaps)
    if not known.any():
        raise ValueError(
            f"None of the {len(scores)} candidates has both a score and a gap: every fit failed or "
            "was pruned. Pass error_score='raise' to the search to see why."
        )
    fine = known & [not exceeds(each, max_gap) for each in gaps]
    if fine.any():
        return int(np.lexsort((gaps, -scores, ~fine))[0])
    best = int(np.argmin(np.where(known, gaps, np.inf)))
    n_known, n = int(known.sum()), len(known)
    which = "candidate" if n_known == n else f"candidate with a score and a gap ({n_known} of {n})"
    warnings.warn(
        f"Every {which} overfits: the smallest gap is {gaps[best]:.4f}, above "
        f"max_gap={max_gap:g}. The candidate with this gap is chosen. Include stronger "
        "regularization in the search (dropout, l2, fewer units), or pass a larger max_gap.",
        UserWarning,
        stacklevel=2,
    )
    return best


def _gaps(cv_results: Mapping[str, Any], scores: Array, score: str, gap: str) -> Array:
    if f"mean_test_{gap}" in cv_results:
        return -_column(cv_results, f"mean_test_{gap}")
    if f"mean_train_{score}" in cv_results:
        return _column(cv_results, f"mean_train_{score}") - scores
    raise ValueError(
        f"cv_results has neither 'mean_test_{gap}' nor 'mean_train_{score}'. Search with "
        "scoring=fit_scores, or with return_train_score=True."
    )


def _column(cv_results: Mapping[str, Any], name: str) -> Array:
    return np.asarray(cv_results[name], dtype=float)
