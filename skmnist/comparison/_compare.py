"""Train several models on the same rows, and compare them on the same test set."""

import itertools
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, is_classifier
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold, check_cv, train_test_split
from sklearn.utils import check_random_state

from skmnist._estimator import warn_caller
from skmnist.comparison._cautions import (
    Caution,
    caution_data,
    caution_elsewhere,
    caution_interrupt,
    caution_short_starts,
)
from skmnist.comparison._comparison import ModelComparison
from skmnist.comparison._elsewhere import (
    OtherData,
    check_elsewhere,
    measure_elsewhere,
    predict_elsewhere,
)
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
from skmnist.diagnosis._rejects import check_allowed_error

Array = np.ndarray[Any, Any]
TEST_FRACTION = 1 / 7  # as in MNIST: 10,000 of 70,000 images
_SHORT = reprlib.Repr()  # for error messages
_SHORT.maxlist, _SHORT.maxother = 2, 100


# NumPy's defaults, as in worker processes: with np.seterr(all="raise"), underflow would be an error
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
    short_repeats: bool = False,
    elsewhere: Mapping[str, Sequence[Any]] | None = None,
    n_jobs: int | None = None,
    margin: float = 0.01,
    alpha: float = 0.05,
    tuned_on_test: bool = False,
    allowed_error: float = 0.001,
    callbacks: Any = None,
    random_state: Any = None,
    verbose: int = 0,
) -> ModelComparison:
    """Train classifiers on the same rows, evaluate them on one test set, and recommend one.

    Parameters
    ----------
    estimators : mapping of str to estimator, or sequence
        Classifiers by name, or a sequence of (name, estimator) pairs or of estimators. Estimators
        without a name are named after their class; a Pipeline is named after the class of its last
        step. Any scikit-learn classifier or Pipeline is accepted. Each is cloned before fitting.
    X : array-like of shape (n_samples, ...)
        Training rows.
    y : array-like of shape (n_samples,)
        Training labels.
    X_test, y_test : array-likes, default=None
        Test set. If None, a stratified seventh of `X` is held out, as in MNIST.
    cv : int, cross-validation generator, iterable or None, default=None
        If given, every model is also trained on folds of the training rows, to check whether the
        difference between the models generalizes to other rows. An int means stratified folds.
    n_repeats : int, default=1
        Number of starts: how many times to train every model, each time with a different seed, to
        measure how much of the difference between the models is due to the seed. With one start,
        the verdict applies only to the trained models; with several, it also applies to models
        trained in the same way from other seeds. The first start and the folds keep the
        `random_state` of an estimator unless it is None; further starts replace it.
    short_repeats : bool, default=False
        Whether to shorten the training of this package's networks in further starts: after at least
        5,000 updates of the weights, it stops at the best epoch of the first start, or after 30% of
        the epochs of the first start if that is sooner. The best weights are kept. Other models,
        and networks with ``patience=None``, train as in the first start.
    elsewhere : mapping of str to tuple, default=None
        Further data sets by name, each as (X, y) or (X, y, groups), on which every trained model is
        measured, for example ``{"Swiss": (swiss.images, swiss.target, swiss.groups)}`` with the
        digits of :func:`~skmnist.datasets.load_swiss_digits`. Rows need the same number of features
        as those of `X`, and all labels must occur in `y`. `groups`, array-like of shape
        (n_images,), contains the writer of each image; if it is given, the interval of the accuracy
        is computed over writers instead of images.
    n_jobs : int or None, default=None
        Number of processes that train at the same time. They share the threads of the processor
        evenly, so training times are comparable with each other, but longer than with one
        process. None trains in this process; -1 uses all cores. Inside
        ``joblib.parallel_config(backend="dask")`` the models are trained on a cluster.
    margin : float, default=0.01
        Test accuracies that differ by less than this count as similar; see
        :func:`~skmnist.comparison.recommend`.
    alpha : float, default=0.05
        Significance level: probability of finding a difference between equally good models.
    tuned_on_test : bool, default=False
        Whether the test set was used to choose hyperparameters; if True, a caution is added that
        the accuracy is biased.
    allowed_error : float, default=0.001
        Maximum share of wrong predictions among the accepted images, if a person checks the least
        certain ones; see :func:`~skmnist.diagnosis.measure_work_left`.
    callbacks : callable or list of callables, default=None
        Each is called with a :class:`~skmnist.comparison.TrainingEvent` when the training of a
        model begins and ends and, for this package's networks (alone or as the last step of a
        Pipeline), after each epoch. If one returns True after an epoch, the training of that
        network stops. Epochs in other processes (see `n_jobs`) are not reported.
    random_state : int, RandomState instance or None, default=None
        Seed for the held-out test set, the folds, the starts, and every estimator whose own
        `random_state` is None. Each of these estimators gets its own seed, derived from the name of
        the model, the start and the fold, so copies of an estimator under two names differ. Copies
        with the same int as `random_state` are identical in the first start and in the folds, and
        differ only in further starts.
    verbose : int, default=0
        1 shows progress on standard error: for this package's networks, a bar (on a terminal) or a
        line per epoch; for other models, and for all models with `n_jobs`, a line per training run.

    Returns
    -------
    comparison : ModelComparison

    Raises
    ------
    ValueError
        Before training, if there is no classifier, names are duplicated or blank, a parameter of
        an estimator or in the grid of a search is invalid, only one of `X_test` and `y_test` is
        given, rows and labels are inconsistent or unsuitable for a model, a data set in
        `elsewhere` is invalid or has classes that are not in `y`, or a parameter is out of range.
    TypeError
        If `callbacks` is neither a function nor a list of functions.
    RuntimeError
        If a worker process is killed, probably because memory ran out.
    Exception
        If the `fit` or `predict` of a model raises an exception; a note with the model's name is
        added. The results of the other models are then lost, except those that callbacks received.
    KeyboardInterrupt
        If Ctrl-C is pressed before any model is trained and evaluated, or while costs are measured.

    Warns
    -----
    UserWarning
        If test images occur among the training images, or images of `elsewhere` among the training
        or test images; if Ctrl-C is pressed, in which case unfinished models, starts and folds are
        left out and `recommendation.cautions` lists them; or if a figure of a trained model cannot
        be measured and is therefore missing.

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
    _check_both(X_test=X_test, y_test=y_test)
    check_shares(margin, alpha)
    check_allowed_error(allowed_error)
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
    others = check_elsewhere(elsewhere, X, y)
    further = {f"elsewhere[{other.name!r}]": other.X for other in others}
    check_suitable(pairs, X=X, X_test=X_test, **further)
    cautions = caution_data(X, X_test, y, y_test, tuned_on_test=tuned_on_test)
    cautions += caution_elsewhere(others, X, X_test)
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
            shorten=short_repeats,
            splits=splits,
            others=others,
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
    results = [_measure_others(found[name], runs, starts, others) for name in names]
    summary = _summarize_starts(starts, y_test)
    if "starts" in summary:
        cautions += caution_short_starts(summary["starts"], margin)
    return ModelComparison(
        measure_costs(results, X_test),
        X_test=X_test,
        y_test=y_test,
        margin=margin,
        alpha=alpha,
        cautions=[*cautions, *interrupted],
        allowed_error=allowed_error,
        **summary,
        **_summarize_folds(folds, names, y, splits),
    )


def _measure_others(
    result: ModelResult,
    runs: Sequence[Run],
    starts: Sequence[Sequence[Run]],
    others: Sequence[OtherData],
) -> ModelResult:
    """Add the accuracies on further data sets.

    The accuracies are means over all complete starts, or those of the first start if fewer than two
    starts are complete.
    """
    counted = list(itertools.chain(*starts)) or [run for run in runs if run.estimator is not None]
    predictions = [run.elsewhere for run in counted if run.name == result.name]
    return replace(result, elsewhere=measure_elsewhere(result.name, predictions, others))


def _check_both(**arrays: Any) -> None:
    """Raise if only one of two arrays is given."""
    given = [name for name, array in arrays.items() if array is not None]
    absent = [name for name in arrays if name not in given]
    if given and absent:
        raise ValueError(f"{given[0]} was given without {absent[0]}; pass both or neither.")


def _check_counts(n_repeats: Any, n_jobs: Any) -> None:
    if not isinstance(n_repeats, Integral) or isinstance(n_repeats, bool) or n_repeats < 1:
        raise ValueError(f"n_repeats={n_repeats!r} must be an int >= 1.")
    if n_jobs is not None and (not isinstance(n_jobs, Integral) or n_jobs == 0):
        raise ValueError(
            f"n_jobs={n_jobs!r} must be an int other than 0, or None for one process; -1 uses all "
            "cores."
        )


def _check_callbacks(callbacks: Any) -> list[Callable[[TrainingEvent], Any]]:
    functions = as_list(callbacks)
    for function in functions:
        if not callable(function) or isinstance(function, type):
            raise TypeError(
                f"callbacks={callbacks!r} must be a function that takes one TrainingEvent, or a "
                "list of such functions. Pass Keras callbacks to the networks instead, as "
                "callbacks=."
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
    elsewhere: Mapping[str, Sequence[Any]] | None = None,
) -> ModelResult:
    """Evaluate a fitted classifier on a test set and diagnose its fit.

    Parameters
    ----------
    estimator : fitted classifier
        A scikit-learn classifier or Pipeline.
    X_test : array-like of shape (n_samples, ...)
        Test rows.
    y_test : array-like of shape (n_samples,)
        Test labels.
    X, y : array-likes, default=None
        Rows and labels that `estimator` was fitted on, for the diagnosis. If None, only models that
        store their training and validation accuracy are diagnosed.
    name : str, default=None
        Name of the model; None uses the name of its class (for a Pipeline or a search, that of the
        classifier in it).
    fit_time : float, default=NaN
        Training time in seconds; NaN if unknown.
    elsewhere : mapping of str to tuple, default=None
        Further data sets, as for :func:`compare_models`; their labels must occur in `y_test`.

    Returns
    -------
    result : ModelResult
        As in :func:`compare_models`, but without the prediction times and the size.

    Raises
    ------
    ValueError
        If `estimator` is not a classifier or cannot predict `X_test`, rows and labels are
        inconsistent, only one of `X` and `y` is given, or a data set in `elsewhere` is invalid or
        has classes that are not in `y_test`.
    sklearn.exceptions.NotFittedError
        If `estimator` is not fitted.

    Warns
    -----
    UserWarning
        If images of `elsewhere` occur among the rows of `X` or `X_test`, or if a figure of the
        model cannot be measured and is therefore missing.

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
    _check_classifier("estimator", estimator)
    name = type(get_core(estimator)).__name__ if name is None else name
    X_test = check_rows(X_test, "X_test")
    y_test = check_labels(y_test, "y_test", X_test)
    _check_both(X=X, y=y)
    if X is not None:
        X = check_rows(X, "X")
        y = check_labels(y, "y", X)
        X_test = check_test_rows(X, X_test)
    others = check_elsewhere(elsewhere, X_test, y_test)
    known = X_test if X is None else X
    _warn_of_leaks(caution_elsewhere(others, known, X_test))
    result = make_result(name, estimator, fit_time, X_test, y_test, X, y)
    predictions = [predict_elsewhere(estimator, others)]
    return replace(result, elsewhere=measure_elsewhere(name, predictions, others))


def _warn_of_leaks(cautions: Sequence[Caution]) -> None:
    for caution in cautions:
        if caution.code == "test_rows_in_training":
            warn_caller(
                "{n_shared} of the {n_test} rows of X_test (the first is row {first}) also occur "
                "in X, so the accuracy is biased. Drop them from one of the two.".format(
                    **caution.figures
                )
            )
        if caution.code == "elsewhere_rows_known":
            warn_caller(
                "{n_known} of the {n_images} rows of elsewhere[{data!r}] also occur in X or "
                "X_test, so its accuracy is biased. Drop them.".format(**caution.figures)
            )


def _make_splits(cv: Any, X: Any, y: Any, rng: Any) -> list[tuple[Array, Array]]:
    if cv is None:
        return []
    if isinstance(cv, Integral) and int(cv) >= 2:
        cv = StratifiedKFold(int(cv), shuffle=True, random_state=rng)
    short = _SHORT.repr(cv)
    splitter = check_cv(cv, y, classifier=True)
    try:
        found = list(splitter.split(X, y))
    except ValueError as error:
        if "groups" not in str(error):
            raise
        raise ValueError(
            f"cv={short} requires groups; pass X_test and y_test, so that no rows of X are held "
            f"out, and cv=list({short}.split(X, y, groups))."
        ) from error
    splits = [(_as_numbers(train, len(y)), _as_numbers(test, len(y))) for train, test in found]
    if len(splits) < 2:
        raise ValueError(
            f"cv={short}: the number of folds is {len(splits)}, but a comparison needs two or more."
        )
    for fold, (train, test) in enumerate(splits):
        n_classes = len(np.unique(y[train]))
        if not len(test) or n_classes < 2:
            raise ValueError(
                f"cv={short}: in fold {fold}, the number of test rows is {len(test)}, and that of "
                f"classes among the training rows {n_classes}; it needs at least one test row and "
                "two classes. Shuffle the rows, or pass an int for stratified folds."
            )
    return splits


def _as_numbers(rows: Any, n_rows: int) -> Array:
    """Convert row numbers or a mask to row numbers."""
    rows = np.asarray(rows)
    numbers = np.arange(n_rows)
    try:
        return numbers[rows if len(rows) else []]
    except IndexError as error:
        raise ValueError(
            f"cv has row numbers that are out of range: {error}; X has {n_rows} rows."
        ) from error


def _find_complete(
    runs: Sequence[Run], names: Sequence[str], rounds: Sequence[tuple[int, int]]
) -> list[list[Run]]:
    """Return the runs of each round that all models have finished; [] for fewer than two rounds."""
    ended: dict[tuple[int, int], list[Run]] = {each: [] for each in rounds}
    for run in runs:
        if run.name in names and (run.start, run.fold) in ended:
            ended[run.start, run.fold].append(run)
    complete = [found for found in ended.values() if len(found) == len(names)]
    return complete if len(complete) >= 2 else []


def _summarize_starts(starts: Sequence[Sequence[Run]], y_test: Array) -> dict[str, Any]:
    """Return the results of all starts as arguments of ModelComparison."""
    if not starts:
        return {}
    correct: dict[str, list[Array]] = {run.name: [] for run in starts[0]}
    rows = []
    how: dict[str, Any] = {"labels": np.unique(y_test), "average": "macro", "zero_division": 0.0}
    for run in itertools.chain(*starts):
        hits = run.predictions == y_test
        correct[run.name].append(hits)
        f1 = float(f1_score(y_test, run.predictions, **how))
        accuracy = float(hits.mean())
        rows.append((run.name, run.start, accuracy, run.fit_time, f1, run.n_epochs, run.short))
    columns = ["model", "start", "test_accuracy", "fit_time", "f1_macro", "n_epochs", "short"]
    return {
        "starts": pd.DataFrame(rows, columns=columns).astype({"n_epochs": "Int64"}),
        "correct": {name: np.array(hits) for name, hits in correct.items()},
    }


def _summarize_folds(
    folds: Sequence[Sequence[Run]],
    names: Sequence[str],
    y: Array,
    splits: Sequence[tuple[Array, Array]],
) -> dict[str, Any]:
    """Return the results of all folds as arguments of ModelComparison."""
    if not folds:
        return {}
    index = pd.Index([runs[0].fold for runs in folds], name="fold")
    scores = pd.DataFrame(index=index, columns=list(names), dtype=float)
    for run in itertools.chain(*folds):
        scores.loc[run.fold, run.name] = float((run.predictions == y[splits[run.fold][1]]).mean())
    shares = [len(splits[fold][1]) / len(splits[fold][0]) for fold in index]
    return {"fold_scores": scores, "fold_test_share": float(np.mean(shares))}


def check_estimators(estimators: Any) -> list[tuple[str, Any]]:
    """Return `estimators` as (name, estimator) pairs with unique names, or raise."""
    if isinstance(estimators, Mapping):
        pairs = [(str(name), estimator) for name, estimator in estimators.items()]
    elif isinstance(estimators, str) or not isinstance(estimators, Iterable):
        raise ValueError(
            f"estimators={estimators!r} must be a dict that maps names to classifiers, or a list "
            "of classifiers or of (name, classifier) pairs."
        )
    else:
        pairs = [_as_pair(item) for item in estimators]
    if not pairs:
        raise ValueError("estimators is empty; pass at least one classifier.")
    names = [name for name, _ in pairs]
    if not all(name.strip() for name in names):
        raise ValueError(f"estimators has the names {names}; names must not be blank.")
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise ValueError(
            f"estimators has duplicate names: {sorted(repeated)}; pass a dict that maps unique "
            "names to classifiers."
        )
    for name, estimator in pairs:
        _check_classifier(f"estimators[{name!r}]", estimator)
    return pairs


def _check_classifier(name: str, estimator: Any) -> None:
    instance = isinstance(estimator, BaseEstimator) or hasattr(estimator, "__sklearn_tags__")
    if isinstance(estimator, type) or not instance or not is_classifier(estimator):
        late = not isinstance(estimator, type) and isinstance(estimator, ClassifierMixin)
        hint = " (ClassifierMixin must come before BaseEstimator)" if late else ""
        raise ValueError(f"{name}={estimator!r} must be a scikit-learn classifier instance{hint}.")


def _as_pair(item: Any) -> tuple[str, Any]:
    if isinstance(item, (tuple, list)) and len(item) == 2:
        return str(item[0]), item[1]
    return type(get_core(item)).__name__, item
