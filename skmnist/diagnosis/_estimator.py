"""Find the classifier inside Pipelines and searches; select rows and images."""

from collections.abc import Iterable
from math import isqrt
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

MIN_SIDE = 8  # pixels; rows with fewer than 8 x 8 features are probably not images


def get_core(estimator: Any) -> Any:
    """Return the last step of a Pipeline, the best model of a search, or the estimator itself."""
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "steps"):
            estimator = estimator.steps[-1][1]
        else:
            return estimator


def was_interrupted(estimator: Any) -> bool:
    """Return whether Ctrl-C ended the training of an estimator or of a nested one."""
    core = get_core(estimator)
    members = [*getattr(core, "estimators_", ()), *getattr(core, "calibrated_classifiers_", ())]
    parts = [core, *(get_core(getattr(member, "estimator", member)) for member in members)]
    return any(getattr(part, "stop_reason_", "") == "interrupted" for part in parts)


def get_parameters(estimator: Any) -> dict[str, Any] | None:
    """Return the parameters of a classifier that affect training.

    The parameters of classifiers in a meta-estimator, such as ``CalibratedClassifierCV`` or
    ``VotingClassifier``, are included; those of transformers are not. Return None if the
    estimator has no ``get_params``.
    """
    core = get_core(estimator)
    if not hasattr(core, "get_params"):
        return None
    found: dict[str, Any] = {}
    for name, value in core.get_params(deep=False).items():
        parts = value if isinstance(value, list | tuple) else [value]
        parts = [part[1] if isinstance(part, tuple) and len(part) > 1 else part for part in parts]
        inner = [part for part in parts if hasattr(part, "predict")]
        for classifier in inner:
            found |= get_parameters(classifier) or {}
        if not inner:
            found[name] = value
    return {name: value for name, value in found.items() if _has_effect(name, found)}


def _has_effect(name: str, parameters: dict[str, Any]) -> bool:
    if parameters.get("solver") == "lbfgs" and name in ("learning_rate_init", "early_stopping"):
        return False  # MLPClassifier does not use them with lbfgs
    if name == "n_iter_no_change":
        return bool(parameters.get("early_stopping"))
    if name in ("alpha", "C") and "penalty" in parameters:
        return parameters["penalty"] is not None
    return name != "learning_rate" or not isinstance(parameters[name], str)  # a schedule


def take_rows(X: Any, rows: Any) -> Any:
    """Return rows of an array, a sparse matrix, a data frame or a list."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return X[rows] if hasattr(X, "shape") else [X[row] for row in rows]


def take_images(X: Any, rows: Any, image_shape: tuple[int, int] | None) -> Array:
    """Return rows of an array, a sparse matrix, a data frame or a list as images."""
    X = take_rows(X, rows)
    return as_images(X.toarray() if hasattr(X, "toarray") else np.asarray(X), image_shape)


def as_images(X: Array, image_shape: tuple[int, int] | None) -> Array:
    """Reshape rows of pixels to images; `image_shape=None` means squares."""
    if X.ndim == 3:
        return X
    if X.ndim != 2:
        raise ValueError(
            f"X has shape {X.shape}, but must have shape (n, height, width) for images or "
            "(n, n_pixels) for rows of pixels."
        )
    n_pixels = X.shape[1]
    side = isqrt(n_pixels)
    height, width = image_shape or (side, side)
    if height * width != n_pixels:
        if image_shape is not None:
            raise ValueError(f"image_shape={image_shape!r} does not fit X with {n_pixels} columns.")
        raise ValueError(
            f"X has {n_pixels} columns, which is not a square number; pass "
            "image_shape=(height, width)."
        )
    return X.reshape(-1, height, width)


def find_image_shape(estimator: Any) -> tuple[int, int] | None:
    """Return the image shape that a step of the estimator has learned, or None."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    steps = [step for _, step in getattr(estimator, "steps", [("", estimator)])]
    for step in steps:
        shape = getattr(step, "image_shape_", ())
        if len(shape) == 2:
            return tuple(shape)
    return None


def guess_image_shape(X: Any, estimators: Iterable[Any]) -> tuple[int, int] | None:
    """Return the shape of an image of `X`; None if `X` does not consist of images."""
    if X is None:
        return None
    shape = X.shape if hasattr(X, "shape") else np.shape(X)
    if len(shape) == 3:
        return int(shape[1]), int(shape[2])
    if len(shape) != 2:
        return None
    for estimator in estimators:
        learned = find_image_shape(estimator)
        if learned is not None and learned[0] * learned[1] == shape[1]:
            return learned
    side = isqrt(shape[1])
    return (side, side) if side >= MIN_SIDE and side * side == shape[1] else None
