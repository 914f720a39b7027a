"""Cross-validation that also says how each fold was learned."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from joblib import effective_n_jobs
from sklearn import get_config
from sklearn import model_selection as sklearn_selection
from sklearn.base import ClassifierMixin, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, get_scorer
from sklearn.model_selection import check_cv
from sklearn.utils import Bunch, indexable
from sklearn.utils.validation import check_is_fitted

from skmnist._html import list_entries, make_html
from skmnist._validation import _safe_split
from skmnist._workers import start_tracker
from skmnist.diagnosis import FitDiagnosis, diagnose_fit, fit_diagnosis
from skmnist.diagnosis._estimator import get_core
from skmnist.diagnosis._figures import read_history
from skmnist.model_selection._cluster import SafeSplits, rows_on_cluster

Array = np.ndarray[Any, Any]


class CrossValidation(Bunch):
    """The result of :func:`cross_validate`: a dict whose entries are attributes as well.

    Parameters
    ----------
    **kwargs : dict
        The entries.

    Attributes
    ----------
    fit_time, score_time : ndarray of shape (n_folds,)
        Seconds.
    test_score or test_<name> : ndarray of shape (n_folds,)
        As in :func:`sklearn.model_selection.cross_validate`; so are `train_score` or
        `train_<name>`, `estimator` and `indices`, where they were asked for.
    history : list of (dict of str to ndarray, or None)
        Per fold and epoch `loss`, `accuracy` and, where the network holds rows out itself,
        `val_loss`, `val_accuracy`; None of an estimator that keeps no history.
    diagnosis : list of (FitDiagnosis or None)
        Per fold the training accuracy against that on the rows that the fold left out. None of
        what is no classifier, or where no training accuracy is known.
    gap : ndarray of shape (n_folds,)
        The difference of the two; NaN where there is no diagnosis.
    n_epochs, best_epoch : ndarray of float, shape (n_folds,)
        Epochs trained, and the best of them, from 1; NaN if the model does not train in epochs.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmnist.model_selection import cross_validate
    >>> X, y = load_digits(return_X_y=True)
    >>> cross_validate(DecisionTreeClassifier(random_state=0), X, y, cv=3).test_score.shape
    (3,)
    """

    def _repr_html_(self) -> str:
        """Show the entries in a notebook."""
        return make_html("CrossValidation", list_entries(self))

    def to_frame(self) -> pd.DataFrame:
        """Return a row per fold, with all that is one value: scores, times, label, gap, epochs.

        Returns
        -------
        frame : DataFrame
            Indexed by `fold`, from 0. `diagnosis` is the label (None without one), `n_epochs` and
            `best_epoch` are Int64.
        """
        columns: dict[str, Any] = {
            name: values for name, values in self.items() if isinstance(values, np.ndarray)
        }
        labels = [each.label if each else None for each in self["diagnosis"]]
        columns["diagnosis"] = pd.Series(labels, dtype=object)
        for name in ("n_epochs", "best_epoch"):
            columns[name] = pd.array(self[name], dtype="Int64")
        frame = pd.DataFrame(columns)
        return frame.set_axis(pd.RangeIndex(len(frame), name="fold"), axis="index")


def cross_validate(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    scoring: Any = None,
    cv: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    params: dict[str, Any] | None = None,
    pre_dispatch: int | str = "2*n_jobs",
    return_train_score: bool = False,
    return_estimator: bool = False,
    return_indices: bool = False,
    error_score: Any = np.nan,
) -> CrossValidation:
    """Cross-validate an estimator, and say of each fold how it was learned.

    :func:`sklearn.model_selection.cross_validate` does the work, so all that it takes can be
    passed, and all that it returns is there. Beside the scores, each fold has its history, its
    diagnosis, its gap and its epochs. The diagnosis sets the training accuracy against that on the
    rows that the fold left out, not on those that a network held out itself to decide when to
    stop; its trends are of the latter. An estimator that keeps no training accuracy is diagnosed
    by ``return_train_score=True`` where the accuracy is among the scores.

    Parameters
    ----------
    estimator : estimator
        Any of scikit-learn's kind, also a Pipeline or a search. Cloned for each fold.
    X : array-like of shape (n_samples, ...)
        All rows.
    y : array-like of shape (n_samples,), default=None
        Their classes.
    groups : array-like of shape (n_samples,), default=None
        For splitters by group. With metadata routing enabled it is an entry of `params`.
    scoring : str, callable, list, tuple, dict or None, default=None
        One scorer or several, among them :func:`skmnist.diagnosis.fit_diagnosis`.
    cv : int, cross-validation generator, iterable or None, default=None
        None is 5 folds; an int is stratified folds for a classifier.
    n_jobs : int or None, default=None
        Folds at once, each in a process with its share of the cores. Inside
        ``joblib.parallel_config(backend="dask")`` they run on a cluster.
    verbose : int, default=0
        How much joblib tells of the progress of the folds.
    params : dict, default=None
        What is passed to `fit`, such as ``{"sample_weight": weights}``; with metadata routing
        enabled to scorer and splitter as well.
    pre_dispatch : int or str, default="2*n_jobs"
        How many fits joblib hands out ahead.
    return_train_score : bool, default=False
        Measure on the training rows as well.
    return_estimator : bool, default=False
        Whether the fitted estimators are in the result.
    return_indices : bool, default=False
        Whether the rows of each fold are.
    error_score : "raise" or numeric, default=nan
        The score of a fold whose `fit` fails, with a `FitFailedWarning`, or that cannot be scored;
        its other figures are NaN and None.

    Returns
    -------
    results : CrossValidation
        A dict of arrays and lists, a value per fold; ``results.to_frame()`` is a table.

    Raises
    ------
    ValueError
        Every fold failed, or an argument is not valid.
    KeyboardInterrupt
        Ctrl-C was pressed; no further fold is trained.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skmnist import SimpleNNClassifier
    >>> from skmnist.model_selection import cross_validate
    >>> X, y = load_digits(return_X_y=True)
    >>> network = SimpleNNClassifier(epochs=10, random_state=0)
    >>> results = cross_validate(network, X / 16, y, cv=3, scoring="accuracy")
    >>> results["test_score"].shape, results.n_epochs.tolist()
    ((3,), [10.0, 10.0, 10.0])
    >>> sorted(results.history[0])
    ['accuracy', 'loss', 'val_accuracy', 'val_loss']
    >>> results.to_frame().columns.tolist()
    ['fit_time', 'score_time', 'test_score', 'gap', 'n_epochs', 'best_epoch', 'diagnosis']

    Of any other classifier the training scores tell:

    >>> from sklearn.tree import DecisionTreeClassifier
    >>> results = cross_validate(DecisionTreeClassifier(), X, y, cv=3, return_train_score=True)
    >>> [diagnosis.label for diagnosis in results.diagnosis]
    ['overfitting', 'overfitting', 'overfitting']
    """
    X, y = indexable(X, y)
    if effective_n_jobs(n_jobs) > 1:
        start_tracker()
    with rows_on_cluster(X, y) as on_cluster:
        if on_cluster:
            cv = SafeSplits(check_cv(cv, y, classifier=is_classifier(estimator)))
        found = sklearn_selection.cross_validate(
            estimator,
            X,
            y,
            groups=groups,
            scoring=scoring,
            cv=cv,
            n_jobs=n_jobs,
            verbose=verbose,
            params=params,
            pre_dispatch=pre_dispatch,
            return_train_score=return_train_score,
            return_estimator=True,
            return_indices=True,
            error_score=error_score,
        )
    indices = {part: tuple(map(np.asarray, rows)) for part, rows in found["indices"].items()}
    accuracy = _find_accuracy(estimator, scoring, params)
    folds = [
        _read_fold(
            fitted,
            X,
            y,
            indices["train"][at],
            indices["test"][at],
            _scores(found, accuracy, at),
            error_score,
        )
        for at, fitted in enumerate(found["estimator"])
    ]
    if return_indices:
        found["indices"] = indices
    else:
        del found["indices"]
    if not return_estimator:
        del found["estimator"]
    results = CrossValidation(**found)
    for name in ("history", "diagnosis"):
        results[name] = [fold[name] for fold in folds]
    for name in ("gap", "n_epochs", "best_epoch"):
        results[name] = np.array([fold[name] for fold in folds], dtype=float)
    return results


def _find_accuracy(estimator: Any, scoring: Any, params: Any) -> str | None:
    """Return the name of the score that is the share of right predictions, if one is."""
    if not is_classifier(estimator) or (params and get_config()["enable_metadata_routing"]):
        return None  # routed weights make another share of it
    if scoring is None:
        while hasattr(estimator, "steps"):
            estimator = estimator.steps[-1][1]
        own = getattr(type(estimator), "score", None) is ClassifierMixin.score
        return "score" if own else None
    if scoring is fit_diagnosis:
        return "accuracy"
    if isinstance(scoring, Mapping):
        return next((str(name) for name, each in scoring.items() if _is_accuracy(each)), None)
    if isinstance(scoring, (list, tuple, set)):
        return "accuracy" if "accuracy" in scoring else None
    return "score" if _is_accuracy(scoring) else None


def _is_accuracy(scorer: Any) -> bool:
    # scorers have no equality, but each says all that it is
    return bool(scorer == "accuracy" or repr(scorer) == repr(get_scorer("accuracy")))


def _scores(found: Mapping[str, Any], accuracy: str | None, at: int) -> dict[str, float]:
    """Return the training and test accuracies of a fold that are among its scores."""
    names = {part: f"{part}_{accuracy}" for part in ("train", "test")}
    return {part: float(found[name][at]) for part, name in names.items() if name in found}


def _read_fold(
    estimator: Any,
    X: Any,
    y: Any,
    train: Array,
    test: Array,
    scores: Mapping[str, float],
    error_score: Any,
) -> dict[str, Any]:
    nothing: dict[str, Any] = {"history": None, "diagnosis": None}
    nothing |= dict.fromkeys(("gap", "n_epochs", "best_epoch"), np.nan)
    try:
        check_is_fitted(estimator)
    except NotFittedError:  # its fit has failed
        return nothing
    core = get_core(estimator)
    diagnosis = _diagnose(estimator, core, X, y, train, test, scores, error_score)
    return {
        "history": read_history(core) or None,
        "diagnosis": diagnosis,
        "gap": np.nan if diagnosis is None else diagnosis.gap,
        "n_epochs": _n_epochs(core),
        "best_epoch": getattr(core, "best_epoch_", np.nan),
    }


def _diagnose(
    estimator: Any,
    core: Any,
    X: Any,
    y: Any,
    train: Array,
    test: Array,
    scores: Mapping[str, float],
    error_score: Any,
) -> FitDiagnosis | None:
    if y is None or not is_classifier(estimator):
        return None
    known: dict[str, Any] = {}
    if getattr(core, "train_accuracy_", None) is None:
        if "train" not in scores:
            return None
        known = {"train_accuracy": scores["train"], "n_train": len(train)}
    left_out = scores.get("test")
    if left_out is None:
        rows, labels = _safe_split(estimator, X, y, test, train)
        try:
            left_out = float(accuracy_score(labels, estimator.predict(rows)))
        except Exception:
            if error_score == "raise":
                raise
            left_out = np.nan
    if np.isnan([left_out, *known.values()]).any():
        return None  # nothing can be scored, of which scikit-learn has told
    found = diagnose_fit(estimator, validation_accuracy=left_out, n_validation=len(test), **known)
    # what a network measured on the rows that it held out itself is of no other rows
    return replace(found, last_gap=None, validation_loss=None, val_loss_far_above=False)


def _n_epochs(core: Any) -> float:
    # the solver iterations of a linear model (n_iter_) are no epochs; a loss per epoch tells
    curve = getattr(core, "loss_curve_", None)
    return np.nan if curve is None else len(curve)
