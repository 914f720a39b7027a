"""Hold out rows for validation."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def stratified_rows(y: Array, fraction: float, rng: np.random.RandomState) -> tuple[Array, Array]:
    """Split row numbers into training and validation, each class in proportion.

    Unlike :func:`sklearn.model_selection.train_test_split` this also serves a handful of rows:
    every class keeps at least one row to train on, and one row at least is held out.

    Parameters
    ----------
    y : ndarray of int, shape (n_samples,)
        Class of each row, from 0.
    fraction : float in (0, 1)
        Share of the rows to hold out.
    rng : RandomState

    Returns
    -------
    train_rows, validation_rows : ndarrays of int32, sorted

    Raises
    ------
    ValueError
        No class has two rows.
    """
    counts = np.bincount(y)
    wanted = counts * fraction
    taken = np.floor(wanted).astype(int)
    # the classes that rounding down cut most get one more, until the total is right
    missing = max(1, round(wanted.sum())) - taken.sum()
    taken[np.argsort(taken - wanted, kind="stable")[: max(0, missing)]] += 1
    taken = np.clip(taken, 0, np.maximum(counts - 1, 0))
    if not taken.any():
        taken[counts.argmax()] = min(1, counts.max() - 1)
    if not taken.any():
        raise ValueError(
            f"validation_fraction={fraction} needs a class with two rows or more, but each of the "
            f"{len(counts)} classes has one. Pass X_val and y_val, or validation_fraction=None."
        )
    shuffled = rng.permutation(len(y))
    by_class = shuffled[np.argsort(y[shuffled], kind="stable")]
    rank = np.arange(len(y)) - np.repeat(np.cumsum(counts) - counts, counts)
    held_out = rank < np.repeat(taken, counts)
    train_rows, validation_rows = np.sort(by_class[~held_out]), np.sort(by_class[held_out])
    return train_rows.astype(np.int32), validation_rows.astype(np.int32)
