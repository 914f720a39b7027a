"""Scorers for cross-validation and searches that take the gap into account."""

from typing import Any

from sklearn.metrics import accuracy_score

from skmnist.diagnosis._estimator import get_core
from skmnist.diagnosis._findings import MAX_ACCURACY_GAP


def neg_fit_gap(estimator: Any, X: Any, y: Any) -> float:
    """Return the negative gap between training and held-out accuracy.

    A score of 0 means no gap. Pass this function as ``scoring=`` to
    :func:`sklearn.model_selection.cross_validate` or a search, together with "accuracy", because
    an untrained network has no gap either.

    Parameters
    ----------
    estimator : fitted estimator
        An estimator with the attribute `train_accuracy_`, such as the classifiers of this package,
        a Pipeline that ends in one, or a fitted search.
    X : array-like
        Held-out rows.
    y : array-like of shape (n_samples,)
        True labels of `X`.

    Returns
    -------
    score : float
        Accuracy on `X` minus `train_accuracy_`.

    Raises
    ------
    ValueError
        If the estimator has no `train_accuracy_`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import cross_validate
    >>> from skmnist import SimpleNNClassifier
    >>> from skmnist.diagnosis import neg_fit_gap, penalized_accuracy
    >>> X, y = load_digits(return_X_y=True)
    >>> scores = cross_validate(
    ...     SimpleNNClassifier(epochs=10, random_state=0), X / 16, y, cv=3,
    ...     scoring={"gap": neg_fit_gap, "penalized": penalized_accuracy},
    ... )
    >>> scores["test_gap"].shape
    (3,)
    """
    return _accuracy(estimator, X, y) - _train_accuracy(estimator)


def penalized_accuracy(estimator: Any, X: Any, y: Any, *, allowance: float = 0.02) -> float:
    """Return the accuracy minus the part of the gap that exceeds `allowance`.

    The gap is the training accuracy, `train_accuracy_`, minus the accuracy on `X`.

    Parameters
    ----------
    estimator, X, y
        As for :func:`neg_fit_gap`.
    allowance : float, default=0.02
        Largest gap without a penalty. To change it in ``scoring=``, pass
        ``functools.partial(penalized_accuracy, allowance=0.01)``.

    Returns
    -------
    score : float
        The accuracy on `X` if the gap is at most `allowance`, otherwise less.

    Raises
    ------
    ValueError
        If the estimator has no `train_accuracy_`.
    """
    accuracy = _accuracy(estimator, X, y)
    return accuracy - max(0.0, _train_accuracy(estimator) - accuracy - allowance)


def fit_scores(estimator: Any, X: Any, y: Any) -> dict[str, float]:
    """Return accuracy, negative gap and penalized accuracy, predicting only once.

    Pass this function as ``scoring=``; a search also needs ``refit="accuracy"`` or another of the
    three names.

    Parameters
    ----------
    estimator, X, y
        As for :func:`neg_fit_gap`.

    Returns
    -------
    scores : dict of str to float
        `accuracy` (on `X`), and `neg_fit_gap` and `penalized_accuracy` as from
        :func:`neg_fit_gap` and :func:`penalized_accuracy`.

    Raises
    ------
    ValueError
        If the estimator has no `train_accuracy_`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skmnist import SimpleNNClassifier
    >>> from skmnist.diagnosis import fit_scores
    >>> X, y = load_digits(return_X_y=True)
    >>> search = GridSearchCV(
    ...     SimpleNNClassifier(epochs=5, random_state=0), {"dropout": [0.0, 0.2]}, cv=2,
    ...     scoring=fit_scores, refit="penalized_accuracy",
    ... ).fit(X / 16, y)
    >>> sorted(name for name in search.cv_results_ if name.startswith("mean_test"))
    ['mean_test_accuracy', 'mean_test_neg_fit_gap', 'mean_test_penalized_accuracy']
    """
    accuracy, train_accuracy = _accuracy(estimator, X, y), _train_accuracy(estimator)
    gap = train_accuracy - accuracy
    return {
        "accuracy": accuracy,
        "neg_fit_gap": -gap,
        "penalized_accuracy": accuracy - max(0.0, gap - MAX_ACCURACY_GAP),
    }


def _accuracy(estimator: Any, X: Any, y: Any) -> float:
    return float(accuracy_score(y, estimator.predict(X)))


def _train_accuracy(estimator: Any) -> float:
    core = get_core(estimator)
    accuracy = getattr(core, "train_accuracy_", None)
    if accuracy is None:
        raise ValueError(
            f"{type(core).__name__} has no train_accuracy_. Use cross_validate(..., "
            "scoring='accuracy', return_train_score=True) and subtract the scores."
        )
    return float(accuracy)
