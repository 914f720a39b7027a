"""Rows of whatever holds them, and the images that they are."""

from math import isqrt
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def take_rows(X: Any, rows: Any) -> Any:
    """Take rows of an array, a sparse matrix, a data frame or a list."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return X[rows] if hasattr(X, "shape") else [X[row] for row in rows]


def take_images(X: Any, rows: Any, image_shape: tuple[int, int] | None) -> Array:
    """Return rows of `X`, an array, a frame, a sparse matrix or a list, as images."""
    X = take_rows(X, rows)
    return as_images(X.toarray() if hasattr(X, "toarray") else np.asarray(X), image_shape)


def as_images(X: Array, image_shape: tuple[int, int] | None) -> Array:
    """Give rows of pixels the shape of an image; None takes a square."""
    if X.ndim == 3:
        return X
    if X.ndim != 2:
        raise ValueError(
            f"X has shape {X.shape}, expected images (n, height, width) or rows (n, n_pixels)."
        )
    n_pixels = X.shape[1]
    side = isqrt(n_pixels)
    height, width = image_shape or (side, side)
    if height * width != n_pixels:
        if image_shape is not None:
            raise ValueError(f"image_shape={image_shape!r} does not fit X with {n_pixels} columns.")
        raise ValueError(
            f"X has {n_pixels} columns, which make no square image; pass "
            "image_shape=(height, width)."
        )
    return X.reshape(-1, height, width)


def find_image_shape(estimator: Any) -> tuple[int, int] | None:
    """Return the shape that a step of the estimator has learned, where one has."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    steps = [step for _, step in getattr(estimator, "steps", [("", estimator)])]
    for step in steps:
        shape = getattr(step, "image_shape_", ())
        if len(shape) == 2:
            return tuple(shape)
    return None
