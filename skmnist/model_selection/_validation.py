"""Cross-validation that also returns the history and diagnosis of each fold."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from joblib import effective_n_jobs, parallel_config
from joblib.parallel import get_active_backend
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
from skmnist._workers import is_cluster, start_tracker
from skmnist.diagnosis import FitDiagnosis, diagnose_fit, fit_scores
from skmnist.diagnosis._estimator import get_core
from skmnist.diagnosis._figures import read_history

Array = np.ndarray[Any, Any]


class CrossValidation(Bunch):
    """Result of :func:`cross_validate`: a dict whose entries are also attributes.

    Parameters
    ----------
    **kwargs : dict
        The entries.

    Attributes
    ----------
    fit_time, score_time : ndarray of shape (n_folds,)
        Times in seconds.
    test_score or test_<name> : ndarray of shape (n_folds,)
        As in :func:`sklearn.model_selection.cross_validate`. `train_score` or `train_<name>`,
        `estimator` and `indices` are also present if requested.
    history : list of (dict of str to ndarray, or None)
        For each fold, the values of `loss` and `accuracy` by epoch, and of `val_loss` and
        `val_accuracy` if the network itself holds out rows; None if the estimator has no history or
        its fit failed.
    diagnosis : list of (FitDiagnosis or None)
        For each fold, the diagnosis that compares the training accuracy with the accuracy on the
        rows left out. None if the estimator is not a classifier, if its training accuracy is not
        known, or if the fold failed.
    gap : ndarray of shape (n_folds,)
        Training accuracy minus accuracy on the rows left out; NaN if there is no diagnosis.
    n_epochs, best_epoch : ndarray of float, shape (n_folds,)
        Number of epochs trained, and the best epoch, counted from 1; NaN if the model does not
        train in epochs or does not record its best epoch, or if its fit failed.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmnist.model_selection import cross_validate
    >>> X, y = load_digits(return_X_y=True)
    >>> results = cross_validate(DecisionTreeClassifier(), X, y, cv=3, return_train_score=True)
    >>> results.to_frame()["diagnosis"].tolist()
    ['overfitting', 'overfitting', 'overfitting']
    """

    def _repr_html_(self) -> str:
        """Show the entries in a notebook."""
        return make_html("CrossValidation", list_entries(self))

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row per fold.

        Returns
        -------
        frame : DataFrame
            Scores, times, gap and epochs, indexed by `fold` from 0. `diagnosis` is the label, or
            None; `n_epochs` and `best_epoch` are Int64.
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
    """Cross-validate an estimator, and return the history and diagnosis of each fold.

    This function calls :func:`sklearn.model_selection.cross_validate` with the same parameters and
    extends its result. The diagnosis compares the training accuracy with the accuracy on the rows
    that the fold left out, not on rows that a network itself holds out to decide when to stop. For
    an estimator that does not record its training accuracy, pass ``return_train_score=True`` and
    include the accuracy in `scoring`.

    Parameters
    ----------
    estimator : estimator
        Any scikit-learn estimator, including a Pipeline or a search. It is cloned for each fold.
    X : array-like of shape (n_samples, ...)
        All rows.
    y : array-like of shape (n_samples,), default=None
        Target.
    groups : array-like of shape (n_samples,), default=None
        Groups for the splitter. With metadata routing, pass them in `params`.
    scoring : str, callable, list, tuple, dict or None, default=None
        One scorer or several, such as :func:`skmnist.diagnosis.fit_scores`.
    cv : int, cross-validation generator, iterable or None, default=None
        None means 5 folds. Folds are stratified for a classifier if `cv` is None or an int.
    n_jobs : int or None, default=None
        Number of folds to run in parallel, each in a process with its share of the cores. Inside
        ``joblib.parallel_config(backend="dask")`` they run on a cluster.
    verbose : int, default=0
        Verbosity of joblib.
    params : dict, default=None
        Parameters for `fit`, such as ``{"sample_weight": weights}``, and with metadata routing also
        for the scorers and the splitter.
    pre_dispatch : int or str, default="2*n_jobs"
        Number of fits that joblib dispatches in advance.
    return_train_score : bool, default=False
        Whether to include training scores.
    return_estimator : bool, default=False
        Whether to include the fitted estimators.
    return_indices : bool, default=False
        Whether to include the row numbers of each fold.
    error_score : "raise" or numeric, default=nan
        Score of a fold that cannot be fitted (with a `FitFailedWarning`) or scored. If the fit
        failed, the gap and the numbers of epochs of the fold are NaN, and its history and diagnosis
        are None.

    Returns
    -------
    results : CrossValidation
        A dict of arrays and lists with one value per fold; ``results.to_frame()`` is a table.

    Raises
    ------
    ValueError
        Every fold failed, or an argument is invalid.
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
    """
    X, y = indexable(X, y)
    if effective_n_jobs(n_jobs) > 1:
        start_tracker()
    with _rows_on_cluster(X, y) as on_cluster:
        if on_cluster:
            cv = _SafeSplits(check_cv(cv, y, classifier=is_classifier(estimator)))
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
        _read_fold(fitted, X, y, train, test, _scores(found, accuracy, at), error_score)
        for at, (fitted, train, test) in enumerate(
            zip(found["estimator"], indices["train"], indices["test"], strict=True)
        )
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
    """Return the name of the score that is the accuracy, if there is one."""
    if not is_classifier(estimator) or (params and get_config()["enable_metadata_routing"]):
        return None  # the accuracy may be weighted
    if scoring is None:
        while hasattr(estimator, "steps"):
            estimator = estimator.steps[-1][1]
        own = getattr(type(estimator), "score", None) is ClassifierMixin.score
        return "score" if own else None
    if scoring is fit_scores:
        return "accuracy"
    if isinstance(scoring, Mapping):
        return next((str(name) for name, each in scoring.items() if _is_accuracy(each)), None)
    if isinstance(scoring, (list, tuple, set)):
        return "accuracy" if "accuracy" in scoring else None
    return "score" if _is_accuracy(scoring) else None


def _is_accuracy(scorer: Any) -> bool:
    # scorers do not define equality, but their representation is complete
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
    except NotFittedError:  # its fit failed
        return nothing
    core = get_core(estimator)
    # n_iter_ may also count iterations of a solver, so use the loss per epoch
    curve = getattr(core, "loss_curve_", None)
    diagnosis = _diagnose(estimator, core, X, y, train, test, scores, error_score)
    return {
        "history": read_history(core) or None,
        "diagnosis": diagnosis,
        "gap": np.nan if diagnosis is None else diagnosis.gap,
        "n_epochs": np.nan if curve is None else len(curve),
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
        return None  # scikit-learn has warned that the fold could not be scored
    found = diagnose_fit(estimator, validation_accuracy=left_out, n_validation=len(test), **known)
    # these were measured on the rows that the network held out itself
    return replace(found, last_gap=None, validation_loss=None, val_loss_far_above=False)


# --- Folds on a Dask cluster. joblib sends each large argument to a single worker, and if that
# worker is lost, the call can fail or wait forever. Rows are therefore sent to all workers
# beforehand, and row numbers are sent with each task.


@contextmanager
def _rows_on_cluster(*rows: Any) -> Iterator[bool]:
    """Send rows to all workers of a cluster, and yield whether there is one.

    Nothing is sent if the caller has already done so, with
    ``parallel_config(backend="dask", scatter=[X, y])``.
    """
    backend, _ = get_active_backend()
    if not is_cluster(backend):
        yield False
        return
    if backend.data_futures:
        yield True
        return
    with parallel_config(
        backend="dask",
        client=backend.client,
        scatter=[each for each in rows if each is not None],
        wait_for_workers_timeout=backend.wait_for_workers_timeout,
        **backend.submit_kwargs,
    ):
        yield True


class _SafeSplits:
    """Wrap a splitter so that joblib does not send its row numbers to a single worker."""

    def __init__(self, splitter: Any) -> None:
        self.splitter = splitter

    def __getattr__(self, name: str) -> Any:
        return getattr(self.splitter, name)

    def split(self, *args: Any, **kwargs: Any) -> Iterator[tuple["_RowNumbers", ...]]:
        for split in self.splitter.split(*args, **kwargs):
            yield tuple(map(_RowNumbers, split))


class _RowNumbers(Sequence[int]):
    """An array that joblib does not scatter, because it cannot be weakly referenced."""

    __slots__ = ("numbers",)

    def __init__(self, numbers: Any) -> None:
        self.numbers = np.asarray(numbers)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self.numbers if dtype is None else self.numbers.astype(dtype)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, at: Any) -> Any:
        return self.numbers[at]
