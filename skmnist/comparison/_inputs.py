"""Check the arguments of a comparison before training."""

import warnings
from collections.abc import Sequence
from contextlib import suppress
from math import prod
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid, ParameterSampler
from sklearn.utils import assert_all_finite, get_tags
from sklearn.utils.multiclass import check_classification_targets

from skmnist._validation import BaseSearchCV, check_parameter_values

Array = np.ndarray[Any, Any]
MAX_LABELS = 5  # listed in a message
N_CANDIDATES = 100  # of a search; at most this many are checked


def check_parameters(pairs: Sequence[tuple[str, Any]]) -> None:
    """Raise if a parameter of an estimator, a nested estimator or a search is invalid."""
    for name, estimator in pairs:
        try:
            check_parameter_values(estimator, estimator.get_params(deep=True))
            if hasattr(estimator, "_validate_steps"):  # a Pipeline
                estimator._validate_steps()
            for part in (estimator, *estimator.get_params(deep=True).values()):
                _check_candidates(part)
        except (TypeError, ValueError) as error:
            raise type(error)(f"estimators[{name!r}]: {error}") from error


def _check_candidates(search: Any) -> None:
    """Raise if the grid or the distributions of a search have invalid names or values."""
    # searches in other packages have other types of distributions
    if not isinstance(search, BaseSearchCV) or not type(search).__module__.startswith("sklearn."):
        return
    if hasattr(search, "param_grid"):
        grid = ParameterGrid(search.param_grid)
        candidates = [grid[at] for at in range(0, len(grid), 1 + len(grid) // N_CANDIDATES)]
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # if there are fewer candidates
            sampler = ParameterSampler(search.param_distributions, N_CANDIDATES, random_state=0)
            candidates = list(sampler)
    for candidate in candidates:
        # do not modify estimators in the caller's grid
        model = clone(search.estimator).set_params(**clone(candidate, safe=False))
        check_parameter_values(model, candidate)


def check_rows(X: Any, name: str) -> Any:
    """Return rows in native byte order, in a type that supports selection by row number, or raise.

    Arrow tables become data frames, sparse matrices become CSR, and lists of numbers and other
    array-likes, such as tensors, become arrays. Data frames and other lists keep their type.
    """
    if _is_arrow(X):
        return X.to_pandas()
    if issparse(X):
        return X.tocsr()
    if isinstance(X, pd.DataFrame):
        foreign = {
            name: dtype.newbyteorder("=")
            for name, dtype in X.dtypes.items()
            if isinstance(dtype, np.dtype) and not dtype.isnative
        }
        return X.astype(foreign) if foreign else X
    if isinstance(X, (list, tuple)):
        with suppress(ValueError):  # rows of different lengths
            array = np.asarray(X)
            return array if array.dtype.kind in "buif" else X
    if hasattr(X, "__array__") and not hasattr(X, "columns") and not isinstance(X, pd.Series):
        X = _to_native(np.asarray(X))
    if not hasattr(X, "__len__") or (isinstance(X, np.ndarray) and not X.ndim):
        raise ValueError(f"{name}={X!r} must be an array, a data frame, a sparse matrix or a list.")
    return X


def check_labels(y: Any, name: str, X: Any) -> Array:
    """Return labels as a 1-D array of numbers or text, one per row of `X`, or raise."""
    if _is_arrow(y):
        y = y.to_pandas()
    # without dtype=object, numbers in a list that also contains text would become text
    labels = np.asarray(y, dtype=object if isinstance(y, (list, tuple)) else None)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels.ravel()
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    if labels.shape != (n_rows,):
        hint = "; convert one-hot rows with .argmax(axis=1)" if labels.ndim == 2 else ""
        raise ValueError(
            f"{name} has shape {labels.shape}, but must have shape ({n_rows},), with one label per "
            f"row{hint}."
        )
    if not n_rows:
        raise ValueError(f"{name} is empty; pass at least one row.")
    missing = np.flatnonzero(pd.isna(labels.astype(object)))
    if len(missing):
        raise ValueError(
            f"{name} has missing labels in {len(missing)} of {n_rows} rows, the first in row "
            f"{missing[0]}; drop these rows."
        )
    if labels.dtype.kind in {"O", "T"}:  # nullable columns are "O", NumPy's StringDType is "T"
        is_text = {isinstance(label, str) for label in labels}
        if len(is_text) > 1:
            raise ValueError(
                f"{name} mixes text with other types, such as {_list_some(labels)}; pass labels of "
                f"one type, such as {name}.astype(str)."
            )
        labels = labels.astype(object) if is_text == {True} else np.array(labels.tolist())
    try:
        check_classification_targets(labels)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} has values that are not class labels, such as {_list_some(labels)} (dtype "
            f"{labels.dtype}); pass integers or text."
        ) from error
    return _to_native(labels)


def check_classes(y: Array, y_test: Array) -> None:
    """Raise if there is only one class, or if no test label occurs in the training labels."""
    classes = np.unique(y)
    if len(classes) < 2:
        raise ValueError(f"y has one class, {classes.tolist()[0]!r}; pass at least two classes.")
    kinds = ["text" if labels.dtype.kind in {"O", "U"} else "numbers" for labels in (y, y_test)]
    if kinds[0] != kinds[1] or not np.isin(y_test, classes).any():
        raise ValueError(
            f"y_test has no label in common with y: {_list_some(y_test)} ({kinds[1]}) instead of "
            f"{_list_some(y)} ({kinds[0]}). Pass both with the same labels."
        )


def check_enough(y: Array) -> None:
    """Raise if a class has too few rows to hold out a test set."""
    classes, counts = np.unique(y, return_counts=True)
    rare = classes[counts < 2]
    if len(rare):
        raise ValueError(
            f"y has only one row of class {_list_some(rare)}, so no stratified test set can be "
            "held out; pass at least two rows per class, or X_test and y_test."
        )


def check_learned(y: Array, labels: Array, *, name: str) -> None:
    """Raise if some labels are not among the training labels."""
    kinds = ["text" if each.dtype.kind in {"O", "U"} else "numbers" for each in (labels, y)]
    unknown = labels if kinds[0] != kinds[1] else labels[~np.isin(labels, np.unique(y))]
    if len(unknown):
        raise ValueError(
            f"{name} has labels that do not occur in y: {_list_some(unknown)} ({kinds[0]}); y has "
            f"{_list_some(np.unique(y))} ({kinds[1]}). Drop these rows, or pass the same labels."
        )


def check_test_rows(X: Any, X_test: Any, *, name: str = "X_test") -> Any:
    """Return the test rows in the shape of the training rows, or raise if that is impossible."""
    columns, test_columns = getattr(X, "columns", None), getattr(X_test, "columns", None)
    if columns is not None and test_columns is not None and list(columns) != list(test_columns):
        raise ValueError(
            f"{name} has the columns {_list_some(test_columns)}, but X has {_list_some(columns)}; "
            f"pass {name}[X.columns]."
        )
    shape, test_shape = _shape_of_row(X), _shape_of_row(X_test)
    if shape == test_shape:
        return X_test
    other_layout = len(shape) != len(test_shape) and prod(shape) == prod(test_shape)
    if isinstance(X_test, np.ndarray) and other_layout:  # rows instead of images, or vice versa
        return X_test.reshape(len(X_test), *shape)
    raise ValueError(
        f"{name} has rows of shape {test_shape}, but X has rows of shape {shape}; both must "
        "have the same number of features."
    )


def check_suitable(pairs: Sequence[tuple[str, Any]], **rows: Any) -> None:
    """Raise if a model is known not to support images, sparse rows, or NaN and infinity."""
    for part, X in rows.items():
        shape = _shape_of_row(X)
        _raise_if_unsupported(
            pairs,
            "three_d_array",
            len(shape) > 1,
            f"{part} has rows of shape {shape}",
            f"pass {part}.reshape(len({part}), -1), or put a PixelNormalizer before the model: "
            "make_pipeline(PixelNormalizer(), model)",
        )
        _raise_if_unsupported(pairs, "sparse", issparse(X), f"{part} is sparse", "pass X.toarray()")
        try:
            assert_all_finite(np.asarray(X) if hasattr(X, "columns") else X, input_name=part)
            finite = True
        except ValueError:
            finite = False
        _raise_if_unsupported(
            pairs, "allow_nan", not finite, f"{part} has NaN or infinity", "drop these rows"
        )


def _raise_if_unsupported(
    pairs: Sequence[tuple[str, Any]], tag: str, given: bool, found: str, remedy: str
) -> None:
    names = [repr(name) for name, estimator in pairs if given and _lacks_tag(estimator, tag)]
    if names:
        verb = "does" if len(names) == 1 else "do"
        raise ValueError(f"{found}, which {', '.join(names)} {verb} not support; {remedy}.")


def _lacks_tag(estimator: Any, tag: str) -> bool:
    """Return whether an estimator is known to lack an input tag."""
    while hasattr(estimator, "steps"):
        steps = [step for _, step in estimator.steps if step not in (None, "passthrough")]
        if not steps:
            return False
        estimator = steps[0]
    # the tags of other packages and of nested estimators are unreliable
    known = type(estimator).__module__.split(".")[0] in {"sklearn", "skmnist"}
    nested = any("__" in name for name in estimator.get_params(deep=True))
    if not known or nested:
        return False
    tags = get_tags(estimator)
    return not tags.no_validation and not getattr(tags.input_tags, tag)


def _is_arrow(value: Any) -> bool:
    return type(value).__module__.split(".")[0] == "pyarrow"


def _to_native(array: Array) -> Array:
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _shape_of_row(X: Any) -> tuple[int, ...]:
    return tuple(X.shape[1:]) if hasattr(X, "shape") else ()


def _list_some(values: Any) -> str:
    plain = (v.item() if isinstance(v, np.generic) else v for v in np.asarray(values).tolist())
    found = list(dict.fromkeys(plain))
    return ", ".join(map(repr, found[:MAX_LABELS])) + (", ..." if len(found) > MAX_LABELS else "")
