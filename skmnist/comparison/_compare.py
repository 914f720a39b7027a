"""Train several models on the same rows, and put them side by side."""

import itertools
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, is_classifier
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold, check_cv, train_test_split
from sklearn.utils import check_random_state

from skmnist._estimator import warn_caller
from skmnist.comparison._cautions import Caution, caution_data, caution_interrupt
from skmnist.comparison._comparison import ModelComparison
from skmnist.comparison._inputs import (
    check_classes,
    check_enough,
    check_labels,
    check_parameters,
    check_rows,
    check_suitable,
    check_test_rows,
)
from skmnist.comparison._recommendation import check_shares
from skmnist.comparison._result import ModelResult, make_result, measure_costs
from skmnist.comparison._runs import Run, TrainingEvent, Watcher, as_list, run_all
from skmnist.diagnosis._estimator import get_core

Array = np.ndarray[Any, Any]
TEST_FRACTION = 1 / 7  # of MNIST's 70,000 images 10,000 are for testing
_SHORT = reprlib.Repr()  # for messages
_SHORT.maxlist, _SHORT.maxother = 2, 100


# NumPy's own defaults, as in worker processes: np.seterr(all="raise") fails on every underflow
@np.errstate(divide="warn", over="warn", under="ignore", invalid="warn")
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
    margin: float = 0.01,
    alpha: float = 0.05,
    tuned_on_test: bool = False,
    callbacks: Any = None,
    random_state: Any = None,
    verbose: int = 0,
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
        start. The first start and the folds keep an int `random_state` of an estimator; further
        starts replace it.
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
    callbacks : callable or list of callables, default=None
        Each is called with a :class:`~skmnist.comparison.TrainingEvent` when the training of a
        model begins and ends and, for this package's networks (alone or as the last step of a
        Pipeline), after each epoch. If one returns True after an epoch, the training of that
        network stops. Epochs in other processes, see `n_jobs`, are not reported.
    random_state : int, RandomState instance or None, default=None
        Seeds the held-out test set, the folds, the starts, and every estimator whose own
        `random_state` is None. Each of these estimators gets its own seed by model, start and
        fold, so that copies of one estimator under two names differ everywhere. Copies that have
        the same int as `random_state` are identical in the first start and in the folds, and
        differ in further starts only.
    verbose : int, default=0
        1 shows progress on standard error: for this package's networks a bar on a terminal, or a
        line per epoch elsewhere; for other models, and with `n_jobs`, a line per training.

    Returns
    -------
    comparison : ModelComparison

    Raises
    ------
    ValueError
        Before anything is trained: no classifier was given, names repeat or are blank, a parameter
        of an estimator or in the grid of a search is invalid, only one of `X_test` and `y_test`
        was given, rows and labels do not fit each other or a model, or a parameter is out of
        range.
    Exception
        Whatever the `fit` or `predict` of a model raises, with a note that names the model.
    KeyboardInterrupt
        Ctrl-C was pressed before a model was trained and evaluated, or once more at the end.

    Warns
    -----
    UserWarning
        Test images occur among the training images. Or Ctrl-C was pressed: models, starts and
        folds that were not finished are left out, and `recommendation.cautions` says so. Or a
        figure of a trained model could not be measured, and is missing.

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
    check_parameters(pairs)
    if (X_test is None) != (y_test is None):
        given, absent = ("X_test", "y_test") if y_test is None else ("y_test", "X_test")
        raise ValueError(f"{given} was given without {absent}; pass both or neither.")
    check_shares(margin, alpha)
    _check_counts(n_repeats, n_jobs)
    functions = _check_callbacks(callbacks)
    rng = check_random_state(random_state)
    X = check_rows(X, "X")
    y = check_labels(y, "y", X)
    if X_test is None:
        check_enough(y)
        X, X_test, y, y_test = train_test_split(
            X, y, test_size=TEST_FRACTION, stratify=y, random_state=rng
        )
    else:
        X_test = check_test_rows(X, check_rows(X_test, "X_test"))
        y_test = check_labels(y_test, "y_test", X_test)
    check_classes(y, y_test)
    check_suitable(pairs, X=X, X_test=X_test)
    cautions = caution_data(X, X_test, y, y_test, tuned_on_test=tuned_on_test)
    _warn_of_leaks(cautions)
    seed = int(rng.randint(2**31))
    splits = _make_splits(cv, X, y, rng)
    n_trainings = len(pairs) * (n_repeats + len(splits))
    watcher = Watcher(functions, n_trainings, verbose=verbose)
    runs: list[Run] = []
    found: dict[str, ModelResult] = {}
    try:
        for run in run_all(
            pairs,
            X,
            y,
            X_test,
            seed=seed,
            n_starts=n_repeats,
            splits=splits,
            n_jobs=n_jobs,
            watcher=watcher,
        ):
            result = None
            if run.estimator is not None and (functions or not run.interrupted):
                result = make_result(run.name, run.estimator, run.fit_time, X_test, y_test, X, y)
            watcher.end(run, result)
            if not run.interrupted:
                runs.append(run)
                if result is not None:
                    found[run.name] = result
    except KeyboardInterrupt:
        if not found:
            raise
    names = [name for name, _ in pairs if name in found]
    starts = _find_complete(runs, names, [(start, -1) for start in range(n_repeats)])
    folds = _find_complete(runs, names, [(0, fold) for fold in range(len(splits))])
    interrupted = caution_interrupt(
        [name for name, _ in pairs if name not in found],
        starts=(max(1, len(starts)), n_repeats),
        folds=(len(folds), len(splits)),
    )
    if interrupted:
        warn_caller(" ".join(caution.sentence() for caution in interrupted))
    return ModelComparison(
        measure_costs([found[name] for name in names], X_test),
        X_test=X_test,
        y_test=y_test,
        margin=margin,
        alpha=alpha,
        cautions=[*cautions, *interrupted],
        **_look_at_starts(starts, y_test),
        **_look_at_folds(folds, names, y, splits),
    )


def _check_counts(n_repeats: Any, n_jobs: Any) -> None:
    if not isinstance(n_repeats, Integral) or isinstance(n_repeats, bool) or n_repeats < 1:
        raise ValueError(f"n_repeats={n_repeats!r} must be an int >= 1: how often to train each.")
    if n_jobs is not None and (not isinstance(n_jobs, Integral) or n_jobs == 0):
        raise ValueError(
            f"n_jobs={n_jobs!r} must be an int other than 0, or None for one process; -1 takes as "
            "many as there are cores."
        )


def _check_callbacks(callbacks: Any) -> list[Callable[[TrainingEvent], Any]]:
    functions = as_list(callbacks)
    for function in functions:
        if not callable(function) or isinstance(function, type):
            raise TypeError(
                f"callbacks={callbacks!r} must be a function that takes one TrainingEvent, or a "
                "list of such functions. Keras callbacks belong to the networks: pass callbacks= "
                "to them."
            )
    return functions


def evaluate_model(
    estimator: Any,
    X_test: Any,
    y_test: Any,
    *,
    X: Any = None,
    y: Any = None,
    name: str | None = None,
    fit_time: float = float("nan"),
) -> ModelResult:
    """Evaluate a fitted classifier on a test set and diagnose its fit.

    Parameters
    ----------
    estimator : fitted classifier
        A scikit-learn classifier or Pipeline.
    X_test : array-like of shape (n_samples, ...)
        Test rows.
    y_test : array-like of shape (n_samples,)
        Their labels.
    X, y : array-likes, default=None
        The rows that `estimator` was fitted on, for the diagnosis.
    name : str, default=None
        What to call the model; None uses the name of its class.
    fit_time : float, default=NaN
        Seconds that training took.

    Returns
    -------
    result : ModelResult
        As :func:`compare_models` returns it for each model.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skmnist.comparison import evaluate_model
    >>> X, y = load_digits(return_X_y=True)
    >>> model = LogisticRegression(max_iter=1000).fit(X[:1000] / 16, y[:1000])
    >>> result = evaluate_model(model, X[1000:] / 16, y[1000:], X=X[:1000] / 16, y=y[:1000])
    >>> result.name, result.diagnosis.label
    ('LogisticRegression', 'overfitting')
    """
    name = type(get_core(estimator)).__name__ if name is None else name
    return make_result(name, estimator, fit_time, X_test, y_test, X, y)


def _warn_of_leaks(cautions: Sequence[Caution]) -> None:
    for caution in cautions:
        if caution.code == "test_rows_in_training":
            warn_caller(
                "{n_shared} of the {n_test} rows of X_test (the first is {first}) occur in X, too; "
                "what is measured on them is flattered. Drop them from one of the "
                "two.".format(**caution.figures)
            )


def _make_splits(cv: Any, X: Any, y: Any, rng: Any) -> list[tuple[Array, Array]]:
    if cv is None:
        return []
    if isinstance(cv, Integral) and int(cv) >= 2:
        cv = StratifiedKFold(int(cv), shuffle=True, random_state=rng)
    told = _SHORT.repr(cv)
    splitter = check_cv(cv, y, classifier=True)
    try:
        found = list(splitter.split(X, y))
    except ValueError as error:
        if "groups" not in str(error):
            raise
        raise ValueError(
            f"cv={told} needs the groups of the rows; pass X_test and y_test, so that X stays as "
            f"it is, and cv=list({told}.split(X, y, groups))."
        ) from error
    splits = [(_as_numbers(train, len(y)), _as_numbers(test, len(y))) for train, test in found]
    if len(splits) < 2:
        raise ValueError(f"cv={told} makes {len(splits)} fold; a comparison needs two or more.")
    for fold, (train, test) in enumerate(splits):
        if not len(test) or len(np.unique(y[train])) < 2:
            raise ValueError(
                f"cv={told}: fold {fold} has {len(test)} test rows, and training rows of "
                f"{len(np.unique(y[train]))} classes; it needs one row or more, and two classes "
                "or more. Shuffle the rows, or pass stratified folds by an int."
            )
    return splits


def _as_numbers(rows: Any, n_rows: int) -> Array:
    """Return the numbers of rows, which may be a mask."""
    rows = np.asarray(rows)
    numbers = np.arange(n_rows)
    try:
        return numbers[rows if len(rows) else []]
    except IndexError as error:
        raise ValueError(f"cv has rows that X has not: {error}; X has {n_rows} rows.") from error


def _find_complete(
    runs: Sequence[Run], names: Sequence[str], rounds: Sequence[tuple[int, int]]
) -> list[list[Run]]:
    """Return the runs of each round that all models have finished, if there are two or more."""
    ended: dict[tuple[int, int], list[Run]] = {each: [] for each in rounds}
    for run in runs:
        if run.name in names and (run.start, run.fold) in ended:
            ended[run.start, run.fold].append(run)
    complete = [found for found in ended.values() if len(found) == len(names)]
    return complete if len(complete) >= 2 else []


def _look_at_starts(starts: Sequence[Sequence[Run]], y_test: Array) -> dict[str, Any]:
    """Return what the starts say, as arguments of ModelComparison."""
    if not starts:
        return {}
    correct: dict[str, list[Array]] = {run.name: [] for run in starts[0]}
    rows = []
    for run in itertools.chain(*starts):
        hits = run.predictions == y_test
        correct[run.name].append(hits)
        f1 = float(f1_score(y_test, run.predictions, average="macro", zero_division=0.0))
        rows.append((run.name, run.start, float(hits.mean()), run.fit_time, f1))
    columns = ["model", "start", "test_accuracy", "fit_time", "f1_macro"]
    return {
        "starts": pd.DataFrame(rows, columns=columns),
        "correct": {name: np.array(hits) for name, hits in correct.items()},
    }


def _look_at_folds(
    folds: Sequence[Sequence[Run]],
    names: Sequence[str],
    y: Array,
    splits: Sequence[tuple[Array, Array]],
) -> dict[str, Any]:
    """Return what the folds say, as arguments of ModelComparison."""
    if not folds:
        return {}
    index = pd.Index([runs[0].fold for runs in folds], name="fold")
    scores = pd.DataFrame(index=index, columns=list(names), dtype=float)
    for run in itertools.chain(*folds):
        scores.loc[run.fold, run.name] = float((run.predictions == y[splits[run.fold][1]]).mean())
    shares = [len(splits[fold][1]) / len(splits[fold][0]) for fold in index]
    return {"fold_scores": scores, "fold_test_share": float(np.mean(shares))}


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
    if not all(name.strip() for name in names):
        raise ValueError(f"estimators have the names {names}; none may be empty or blank.")
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise ValueError(
            f"estimators have names that repeat: {sorted(repeated)}; pass a dict of name to "
            "estimator."
        )
    for name, estimator in pairs:
        instance = isinstance(estimator, BaseEstimator) or hasattr(estimator, "__sklearn_tags__")
        if isinstance(estimator, type) or not instance or not is_classifier(estimator):
            late = not isinstance(estimator, type) and isinstance(estimator, ClassifierMixin)
            hint = " (ClassifierMixin must come before BaseEstimator)" if late else ""
            raise ValueError(
                f"estimators[{name!r}]={estimator!r} must be a scikit-learn classifier "
                f"instance{hint}."
            )
    return pairs


def _as_pair(item: Any) -> tuple[str, Any]:
    if isinstance(item, (tuple, list)) and len(item) == 2:
        return str(item[0]), item[1]
    return type(get_core(item)).__name__, item
