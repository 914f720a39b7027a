"""Trials as `cv_results_`, with scikit-learn's keys."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from scipy.stats import rankdata

from skmnist.diagnosis import FitDiagnosis, diagnose_fit

Array = np.ndarray[Any, Any]


def make_results(
    states: Sequence[str],
    numbers: Sequence[int],
    params: Sequence[dict[str, Any]],
    folds: Sequence[list[dict[str, Any]]],
    *,
    n_splits: int,
    metrics: Sequence[str],
    return_train_score: bool,
    error_score: float,
) -> dict[str, Any]:
    """Build `cv_results_`.

    Parameters
    ----------
    states : sequence of {"COMPLETE", "PRUNED", "FAIL"}
    numbers : sequence of int
        The trials' numbers in the study.
    params : sequence of dict
        Their parameters, not always the same ones.
    folds : sequence of list of dict
        What was found on each fold, of complete trials on all.
    n_splits : int
    metrics : sequence of str
        "score", or the names of several scores.
    return_train_score : bool
    error_score : float
        The score of a fold that could not be fitted.

    Returns
    -------
    results : dict of str to ndarray, masked array or list
        A row per trial. Times and scores of trials that are not complete are NaN.
    """
    complete = [state == "COMPLETE" for state in states]
    results: dict[str, Any] = {}

    def table(read: Any) -> Array:
        values = np.full((len(states), n_splits), np.nan)
        for row, (done, found) in enumerate(zip(complete, folds, strict=True)):
            if done:
                values[row] = [read(fold) for fold in found]
        return values

    def score(kind: str, metric: str) -> Any:
        def read(fold: dict[str, Any]) -> float:
            scores = fold.get(kind)
            # trials of an earlier call may have been scored on their training rows or not
            return error_score if scores is None else scores.get(metric, np.nan)

        return read

    for name in ("fit_time", "score_time"):
        _store(results, name, table(lambda fold, name=name: fold[name]))
    results |= _param_columns(params)
    results["params"] = list(params)
    results["trial_number"] = np.array(numbers, dtype=np.int64)
    results["trial_state"] = np.array(states, dtype=object)
    for metric in metrics:
        _store(results, f"test_{metric}", table(score("test_scores", metric)), splits=True)
        results[f"rank_test_{metric}"] = _rank(results[f"mean_test_{metric}"])
        if return_train_score:
            _store(results, f"train_{metric}", table(score("train_scores", metric)), splits=True)
    return results


def _store(results: dict[str, Any], name: str, values: Array, *, splits: bool = False) -> None:
    if splits:
        for at, column in enumerate(values.T):
            results[f"split{at}_{name}"] = column
    results[f"mean_{name}"] = values.mean(axis=1)
    results[f"std_{name}"] = values.std(axis=1)


def _rank(means: Array) -> Array:
    """Rank from 1, the best; whatever has no score comes last, all together."""
    if np.isnan(means).all():
        return np.ones(len(means), np.int32)
    lowest = np.nanmin(means) - 1
    return rankdata(-np.nan_to_num(means, nan=lowest), method="min").astype(np.int32)


def _param_columns(params: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Make a masked column of each parameter that any trial has."""
    columns = {}
    for name in sorted({name for row in params for name in row}):
        column = np.ma.array(np.empty(len(params), object), mask=True)
        for at, row in enumerate(params):
            if name in row:
                column[at] = row[name]
        kinds = {type(value) for value in column.compressed()}
        if kinds <= {int} or kinds <= {float} or kinds <= {bool}:
            filled = np.ma.filled(column, next(iter(kinds))())
            with suppress(OverflowError):  # a whole number that is too long stays an object
                filled = filled.astype(next(iter(kinds)))
            column = np.ma.array(filled, mask=np.ma.getmaskarray(column))
        columns[f"param_{name}"] = column
    return columns


def diagnose_fold(fold: dict[str, Any]) -> FitDiagnosis | None:
    """Diagnose a fold of a trial; None where the estimator keeps no training accuracy."""
    figures = fold.get("diagnosis")
    return None if figures is None else diagnose_fit(**figures)
