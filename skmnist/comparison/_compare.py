"""Train several models on the same rows, and put them side by side."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, is_classifier
from sklearn.model_selection import StratifiedKFold, check_cv, train_test_split
from sklearn.utils import check_consistent_length, check_random_state

from skmnist.comparison._cautions import Caution, caution_data
from skmnist.comparison._comparison import ModelComparison
from skmnist.comparison._recommend import MARGIN, check_shares
from skmnist.comparison._result import ModelResult, make_result, measure_costs
from skmnist.comparison._runs import Run, run_all
from skmnist.comparison._significance import ALPHA
from skmnist.diagnosis._estimator import get_core

Array = np.ndarray[Any, Any]
TEST_FRACTION = 1 / 7  # of MNIST's 70,000 images 10,000 are for testing


def compare_models(
    estimators: Mapping[str, Any] | Sequence[Any],
    X: Any,
    y: Any,
    *,
    X_test: Any = None,
    y_test: Any = None,
    cv: Any = None,
    n_repeats: int = 1,
    n_jobs: int | None = None,
    margin: float = MARGIN,
    alpha: float = ALPHA,
    tuned_on_test: bool = False,
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
    cv : int, cross-validation generator, iterable or None, default=None
        Trains every model on folds of the training rows as well, to tell whether the difference
        is there on other rows, too. An int means stratified folds.
    n_repeats : int, default=1
        Trains every model from so many starts, to tell how much of the difference is luck of the
        start. The first start uses the seeds that the estimators have, the others replace them.
    n_jobs : int or None, default=None
        Processes that train at the same time; each gets its share of the processor's threads, so
        that times are comparable with each other, and longer than those of one process. None is
        one, in this process; -1 as many as there are cores. Inside
        ``joblib.parallel_config(backend="dask")`` the models are trained on a cluster.
    margin : float, default=0.01
        Test accuracies closer than this count as similar; see
        :func:`~skmnist.comparison.recommend`.
    alpha : float, default=0.05
        Probability with which a difference between equal models may be called real.
    tuned_on_test : bool, default=False
        Say so by True where the test set was used in choosing hyperparameters: the result is
        then marked as flattered.
    random_state : int, RandomState instance or None, default=None
        Seeds the held-out test set, the folds, the starts, and every estimator whose own
        `random_state` is None.

    Returns
    -------
    comparison : ModelComparison

    Raises
    ------
    ValueError
        No classifier was given, names repeat, only one of `X_test` and `y_test` was given, or a
        parameter is out of range.

    Warns
    -----
    UserWarning
        Test images occur among the training images.

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
    >>> comparison.recommendation.model, comparison.recommendation.verdict
    ('linear', 'clearly_better')
    """
    pairs = check_estimators(estimators)
    if X_test is not None and y_test is not None:
        check_consistent_length(X_test, y_test)
    if (X_test is None) != (y_test is None):
        given, absent = ("X_test", "y_test") if y_test is None else ("y_test", "X_test")
        raise ValueError(f"{given} was given without {absent}; pass both or neither.")
    check_shares(margin, alpha)
    _check_counts(n_repeats, n_jobs)
    rng = check_random_state(random_state)
    if X_test is None:
        X, X_test, y, y_test = train_test_split(
            X, y, test_size=TEST_FRACTION, stratify=y, random_state=rng
        )
    cautions = caution_data(X, X_test, tuned_on_test=tuned_on_test)
    _warn_of_leaks(cautions)
    seeds = [None if random_state is None else int(rng.randint(2**31))]
    seeds += [int(rng.randint(2**31)) for _ in range(n_repeats - 1)]
    splits = _make_splits(cv, X, y, rng)
    runs = list(run_all(pairs, X, y, X_test, seeds=seeds, splits=splits, n_jobs=n_jobs))
    first = {run.name: run for run in runs if run.estimator is not None}
    results = [
        make_result(name, first[name].estimator, first[name].fit_time, X_test, y_test, X, y)
        for name, _ in pairs
    ]
    return ModelComparison(
        measure_costs(results, X_test),
        X_test=X_test,
        y_test=y_test,
        margin=margin,
        alpha=alpha,
        cautions=cautions,
        **_look_at_starts(runs, y_test, n_repeats),
        **_look_at_folds(runs, y, splits),
    )


def iterate_results(
    pairs: Sequence[tuple[str, Any]],
    X: Any,
    y: Any,
    X_test: Any,
    y_test: Any,
) -> Iterator[ModelResult]:
    """Train and evaluate one model after the other, and hand each over when it is finished."""
    for run in run_all(pairs, X, y, X_test, seeds=[None]):
        yield make_result(run.name, run.estimator, run.fit_time, X_test, y_test, X, y)


def _check_counts(n_repeats: Any, n_jobs: Any) -> None:
    if not isinstance(n_repeats, Integral) or isinstance(n_repeats, bool) or n_repeats < 1:
        raise ValueError(f"n_repeats={n_repeats!r} must be an int >= 1: how often to train each.")
    if n_jobs is not None and (not isinstance(n_jobs, Integral) or n_jobs == 0):
        raise ValueError(
            f"n_jobs={n_jobs!r} must be an int other than 0, or None for one process; -1 takes as "
            "many as there are cores."
        )


def _warn_of_leaks(cautions: Sequence[Caution]) -> None:
    for caution in cautions:
        if caution.code == "test_rows_in_training":
            warnings.warn(
                "{n_shared} of the {n_test} rows of X_test (the first is {first}) occur in X, too; "
                "what is measured on them is flattered. Drop them from one of the "
                "two.".format(**caution.figures),
                UserWarning,
                stacklevel=3,
            )


def _make_splits(cv: Any, X: Any, y: Any, rng: Any) -> list[tuple[Array, Array]]:
    if cv is None:
        return []
    if isinstance(cv, Integral) and int(cv) >= 2:
        cv = StratifiedKFold(int(cv), shuffle=True, random_state=rng)
    splits = list(check_cv(cv, y, classifier=True).split(X, y))
    if len(splits) < 2:
        raise ValueError(f"cv={cv!r} makes {len(splits)} fold; a comparison needs two or more.")
    return splits


def _look_at_starts(runs: Sequence[Run], y_test: Any, n_repeats: int) -> dict[str, Any]:
    """Return what the starts say, as arguments of ModelComparison."""
    if n_repeats == 1:
        return {}
    y_test = np.asarray(y_test)
    whole = [run for run in runs if run.fold < 0]
    correct = {run.name: np.empty((n_repeats, len(y_test)), dtype=bool) for run in whole}
    for run in whole:
        correct[run.name][run.start] = run.predictions == y_test
    rows = [
        (run.name, run.start, float(correct[run.name][run.start].mean()), run.fit_time)
        for run in sorted(whole, key=lambda run: run.start)
    ]
    starts = pd.DataFrame(rows, columns=["model", "start", "test_accuracy", "fit_time"])
    return {"starts": starts, "correct": correct}


def _look_at_folds(
    runs: Sequence[Run], y: Any, splits: Sequence[tuple[Array, Array]]
) -> dict[str, Any]:
    """Return what the folds say, as arguments of ModelComparison."""
    if not splits:
        return {}
    y = np.asarray(y)
    names = dict.fromkeys(run.name for run in runs)
    scores = pd.DataFrame(index=pd.RangeIndex(len(splits), name="fold"), columns=list(names))
    for run in runs:
        if run.fold >= 0:
            hits = run.predictions == y[splits[run.fold][1]]
            scores.loc[run.fold, run.name] = float(hits.mean())
    shares = [len(test) / len(train) for train, test in splits]
    return {"fold_scores": scores.astype(float), "fold_test_share": float(np.mean(shares))}


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
