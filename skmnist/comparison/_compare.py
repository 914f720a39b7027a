"""Train several models on the same rows, look at each, and recommend one."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils import check_consistent_length, check_random_state

from skmnist._clock import get_setup_seconds
from skmnist.comparison._recommend import Recommendation, recommend
from skmnist.comparison._result import ModelResult, make_result, measure_costs
from skmnist.diagnosis._estimator import get_core

TEST_FRACTION = 1 / 7  # of MNIST's 70,000 images 10,000 are for testing
COLUMNS = (
    "test_accuracy",
    "diagnosis",
    "gap",
    "n_parameters",
    "fit_time",
    "n_epochs",
    "predict_time",
    "predict_time_p95",
    "size",
)


class ModelComparison:
    """Several trained models side by side.

    Attributes
    ----------
    results : dict of str to ModelResult
        Each model's estimator, errors and diagnosis, in the order they were given.
    table : DataFrame
        A row per model, indexed by name: `test_accuracy` (float), `diagnosis` (str),
        `gap` (float), `n_parameters` (Int64), `fit_time` (float, s), `n_epochs` (Int64),
        `predict_time` and `predict_time_p95` (float, s for one image, median and 95th
        percentile), `size` (Int64, bytes on disk, pickled). What a model cannot tell is missing.
    recommendation : Recommendation
        The model to take, and why.
    X_test, y_test : array-likes or None
        The test set itself, no copy; row numbers of `predictions`, `proba` and `errors` are
        rows of it. None where it was not handed in.
    """

    def __init__(
        self,
        results: Sequence[ModelResult],
        *,
        X_test: Any = None,
        y_test: Any = None,
        margin: float = 0.01,
    ) -> None:
        self.results = {result.name: result for result in results}
        self.X_test, self.y_test = X_test, y_test
        self.table = _make_table(results)
        self.recommendation: Recommendation = recommend(
            self.table, n_test=results[0].errors.n_test, margin=margin
        )

    def __repr__(self) -> str:
        return f"{self.table.to_string()}\n\nRecommendation: {self.recommendation}"

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain Python values, for JSON."""
        return {
            "models": [result.to_dict() for result in self.results.values()],
            "recommendation": self.recommendation.to_dict(),
        }


def compare_models(
    estimators: Mapping[str, Any] | Sequence[Any],
    X: Any,
    y: Any,
    *,
    X_test: Any = None,
    y_test: Any = None,
    margin: float = 0.01,
    random_state: Any = None,
) -> ModelComparison:
    """Train classifiers on the same rows, evaluate them on the same test set, recommend one.

    Parameters
    ----------
    estimators : mapping of str to estimator, or sequence
        The classifiers, by name; or a sequence of (name, estimator) pairs or of estimators,
        which are then called by their class. Each is cloned before it is fitted. Any
        scikit-learn classifier or Pipeline can take part.
    X : array-like of shape (n_samples, ...)
        Training rows.
    y : array-like of shape (n_samples,)
        Their labels.
    X_test, y_test : array-likes, default=None
        The test set. None holds out a seventh of `X`, stratified, as MNIST does.
    margin : float, default=0.01
        Test accuracies closer than this count as similar; see
        :func:`~skmnist.comparison.recommend`.
    random_state : int, RandomState instance or None, default=None
        Seeds the held-out test set and every estimator whose own `random_state` is None.

    Returns
    -------
    comparison : ModelComparison

    Raises
    ------
    ValueError
        No classifier was given, names repeat, or only one of `X_test` and `y_test` was given.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skmnist import SimpleNNClassifier, compare_models
    >>> X, y = load_digits(return_X_y=True)
    >>> comparison = compare_models(
    ...     {"NN": SimpleNNClassifier(epochs=20), "linear": LogisticRegression(max_iter=1000)},
    ...     X / 16, y, random_state=0,
    ... )
    >>> comparison.table[["n_parameters", "n_epochs"]]
            n_parameters  n_epochs
    NN              9610        20
    linear           650      <NA>
    >>> comparison.recommendation.model
    'linear'
    """
    pairs = check_estimators(estimators)
    if X_test is not None and y_test is not None:
        check_consistent_length(X_test, y_test)
    if (X_test is None) != (y_test is None):
        given, absent = ("X_test", "y_test") if y_test is None else ("y_test", "X_test")
        raise ValueError(f"{given} was given without {absent}; pass both or neither.")
    if not 0 <= margin <= 1:
        raise ValueError(f"margin={margin!r} must be a share from 0 to 1, such as 0.01.")
    rng = check_random_state(random_state)
    if X_test is None:
        X, X_test, y, y_test = train_test_split(
            X, y, test_size=TEST_FRACTION, stratify=y, random_state=rng
        )
    seed = None if random_state is None else int(rng.randint(2**31))
    results = list(iterate_results(pairs, X, y, X_test, y_test, seed=seed))
    results = measure_costs(results, X_test)
    return ModelComparison(results, X_test=X_test, y_test=y_test, margin=margin)


def iterate_results(
    pairs: Sequence[tuple[str, Any]],
    X: Any,
    y: Any,
    X_test: Any,
    y_test: Any,
    *,
    seed: int | None = None,
) -> Iterator[ModelResult]:
    """Train and evaluate one model after the other, and hand each over when it is finished."""
    for name, estimator in pairs:
        estimator = clone(estimator)
        if seed is not None:
            _set_seed(estimator, seed)
        started, set_up = time.perf_counter(), get_setup_seconds()
        estimator.fit(X, y)
        fit_time = time.perf_counter() - started - (get_setup_seconds() - set_up)
        yield make_result(name, estimator, fit_time, X_test, y_test)


def check_estimators(estimators: Any) -> list[tuple[str, Any]]:
    """Turn what the caller gave into (name, estimator) pairs with names of their own."""
    if isinstance(estimators, Mapping):
        pairs = [(str(name), estimator) for name, estimator in estimators.items()]
    elif isinstance(estimators, str) or not isinstance(estimators, Iterable):
        raise ValueError(
            f"estimators={estimators!r} must be a dict of name to classifier, or a list of "
            "classifiers."
        )
    else:
        pairs = [_as_pair(item) for item in estimators]
    if not pairs:
        raise ValueError("estimators is empty; pass one classifier or more.")
    names = [name for name, _ in pairs]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise ValueError(
            f"estimators have names that repeat: {sorted(repeated)}; pass a dict of name to "
            "estimator."
        )
    for name, estimator in pairs:
        instance = isinstance(estimator, BaseEstimator) or hasattr(estimator, "__sklearn_tags__")
        if isinstance(estimator, type) or not instance or not is_classifier(estimator):
            raise ValueError(
                f"estimators[{name!r}]={estimator!r} must be a scikit-learn classifier instance."
            )
    return pairs


def _as_pair(item: Any) -> tuple[str, Any]:
    if isinstance(item, (tuple, list)) and len(item) == 2:
        return str(item[0]), item[1]
    return type(get_core(item)).__name__, item


def _set_seed(estimator: Any, seed: int) -> None:
    unset = {
        name: seed
        for name, value in estimator.get_params(deep=True).items()
        if name.split("__")[-1] == "random_state" and value is None
    }
    estimator.set_params(**unset)


def _make_table(results: Sequence[ModelResult]) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "test_accuracy": [r.errors.accuracy for r in results],
            "diagnosis": [None if r.diagnosis is None else r.diagnosis.label for r in results],
            "gap": [np.nan if r.diagnosis is None else r.diagnosis.gap for r in results],
            "n_parameters": pd.array([r.n_parameters for r in results], dtype="Int64"),
            "fit_time": [r.fit_time for r in results],
            "n_epochs": pd.array([r.n_epochs for r in results], dtype="Int64"),
            "predict_time": _floats(r.predict_time for r in results),
            "predict_time_p95": _floats(r.predict_time_p95 for r in results),
            "size": pd.array([r.size for r in results], dtype="Int64"),
        },
        index=[r.name for r in results],
    )
    return table[list(COLUMNS)]


def _floats(values: Iterable[float | None]) -> list[float]:
    return [np.nan if value is None else value for value in values]
