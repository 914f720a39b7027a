"""What each fitted estimator has learned, and what each of it must be."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from skmnist.neural_network._forward import ACTIVATIONS
from skmnist.persistence._format import expect


def is_list_of(kind: Any, value: Any) -> bool:
    """Say whether a value is a list of such items."""
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_figure(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _are_floats(dimension: int) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        return is_list_of(np.ndarray, value) and all(
            array.ndim == dimension
            and array.dtype in (np.float32, np.float64)
            and np.isfinite(array).all()
            for array in value
        )

    return check


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple) and 1 <= len(value) <= 2 and all(map(_is_count, value))


def _is_history(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str) and isinstance(values, np.ndarray) and values.dtype == np.float64
        for name, values in value.items()
    )


def _is_row(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 1


_COMMON: dict[str, Callable[[Any], bool]] = {
    "n_features_in_": _is_count,
    "feature_names_in_": _is_row,
    "image_shape_": _is_shape,
}
ATTRIBUTES: dict[str, dict[str, Callable[[Any], bool]]] = {
    "DigitCropper": {"n_features_in_": _is_count, "feature_names_in_": _is_row},
    "PixelNormalizer": {**_COMMON, "dtype_in_": lambda value: isinstance(value, np.dtype)},
    "SimpleNNClassifier": {
        **_COMMON,
        "classes_": _is_row,
        "coefs_": _are_floats(2),
        "intercepts_": _are_floats(1),
        "activation_": lambda value: isinstance(value, str),
        "stop_reason_": lambda value: isinstance(value, str),
        "history_": _is_history,
        "loss_curve_": lambda value: is_list_of(float, value),
        **dict.fromkeys(
            (
                "n_parameters_",
                "n_iter_",
                "best_epoch_",
                "kept_epoch_",
                "n_train_",
                "n_train_measured_",
                "n_validation_",
            ),
            _is_count,
        ),
        **dict.fromkeys(
            (
                "train_loss_",
                "train_accuracy_",
                "validation_loss_",
                "validation_accuracy_",
                "best_validation_score_",
                "fit_time_",
                "compile_time_",
            ),
            _is_figure,
        ),
    },
}
ATTRIBUTES["DeepNNClassifier"] = ATTRIBUTES["SimpleNNClassifier"]


CLASSES = tuple(sorted(ATTRIBUTES))


def check_learned(kind: str, attributes: dict[str, Any]) -> None:
    """Refuse what an estimator of that class cannot have learned."""
    checks = ATTRIBUTES[kind]
    optional = {"feature_names_in_"} | ({"n_features_in_"} if kind == "DigitCropper" else set())
    unlike = (attributes.keys() ^ checks.keys()) - optional
    expect(not unlike, f"{kind} with or without {', '.join(sorted(unlike))}")
    for name, value in attributes.items():
        expect(checks[name](value), f"{kind}.{name} is not what it has to be")
    n_features: Any = attributes.get("n_features_in_")
    names = attributes.get("feature_names_in_")
    expect(names is None or len(names) == n_features, "another number of feature names")
    if "image_shape_" in checks:
        same = math.prod(attributes["image_shape_"]) == n_features
        expect(same, "an image of another size")
    if "coefs_" in checks:
        _check_network(attributes, n_features)


def _check_network(attributes: dict[str, Any], n_features: int) -> None:
    coefs, intercepts = attributes["coefs_"], attributes["intercepts_"]
    classes = attributes["classes_"]
    expect(attributes["activation_"] in ACTIVATIONS, "an unknown activation")
    sizes = [n_features, *map(len, intercepts)]
    expect(
        len(sizes) > 1 and [coef.shape for coef in coefs] == list(pairwise(sizes)),
        "layers that do not fit together",
    )
    expect(len({array.dtype for array in [*coefs, *intercepts]}) == 1, "layers of two dtypes")
    n_parameters = sum(array.size for array in [*coefs, *intercepts])
    expect(attributes["n_parameters_"] == n_parameters, "another number of parameters")
    expect(len(classes) == sizes[-1] >= 2, "another number of classes than outputs")
    expect(np.array_equal(np.unique(classes), classes), "classes twice, or out of order")
