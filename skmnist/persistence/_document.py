"""Convert a fitted model to a JSON document and arrays, and back again.

A `DigitReader` is saved with its fitted classifier, which loading wraps in a FrozenEstimator.

Each value in the document is plain JSON, or an object whose first key names its kind. A document
may come from anybody, so it is not trusted: only listed classes and attributes are accepted, every
value is checked, and the depth of nesting and the size of text and dicts are limited. No code from
the document is run.
"""

import math
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

import skmnist
from skmnist.neural_network import ImageAugmenter
from skmnist.neural_network._forward import ACTIVATIONS
from skmnist.text import TranslatedError, get_catalogue

Array = np.ndarray[Any, Any]

MAX_ARRAY_BYTES = 64 * 2**20  # of one array
MAX_LABEL_BYTES = 16 * 2**20  # of text, at the fixed width that NumPy uses for a whole array
MAX_PAIRS = 4096  # of one dict: many more keys with the same hash would take minutes
MAX_DEPTH = 16  # of nested values; valid documents have a few levels
MAX_SHOWN = 200  # characters from a file in a message

DTYPES = re.compile(r"[<>|=][biuf]\d{1,2}")  # of pixels
LABEL_DTYPES = re.compile(r"\|O|[<>]U\d{1,7}")


class ModelFileError(TranslatedError):
    """Raised if a model cannot be saved in this format, or a file does not contain a valid model.

    This error is a ValueError. Programs can use `key` and `values`, and show the message in another
    language.

    Parameters
    ----------
    key : str
        Key of the message, for example ``"checksum"``.
    **values : object
        Values to fill in.

    Attributes
    ----------
    key : str
        Key of the message.
    values : dict
        Values to fill in.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmnist import save_model
    >>> from skmnist.persistence import ModelFileError
    >>> try:
    ...     save_model(DecisionTreeClassifier(), "tree.skmnist")
    ... except ModelFileError:
    ...     print("use skops or joblib")
    use skops or joblib
    """

    __module__ = "skmnist.persistence"  # where users import it from

    def sentence(self, language: str = "en") -> str:
        """Return the message in the given language.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
        """
        return get_catalogue(language)(f"model_file.error.{self.key}", **self.values)


def expect(condition: bool, key: str, /, **values: Any) -> None:
    """Raise `ModelFileError` unless the condition holds."""
    if not condition:
        raise ModelFileError(key, **values)


def shorten(value: object) -> str:
    """Return a value from a file in a form that is safe to show in a message."""
    text = str(value).removesuffix(".")
    printable = "".join(c if c.isprintable() else "?" for c in text[: MAX_SHOWN + 1])
    return printable if len(printable) <= MAX_SHOWN else f"{printable[:MAX_SHOWN]} ..."


# --- The attributes that each estimator learns, and the check of each


def is_list_of(kind: Any, value: Any) -> bool:
    """Return whether a value is a list whose items are all of one kind."""
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


def _is_calibration(value: Any) -> bool:
    """Return whether these are the columns of a calibration."""
    kinds = {"probability": "f", "strangeness": "f", "correct": "b", "writer": "iuUO"}
    return (
        isinstance(value, dict)
        and value.keys() | {"writer"} == kinds.keys()
        and all(_is_row(row) and row.dtype.kind in kinds[key] for key, row in value.items())
        and len({len(row) for row in value.values()}) == 1
        and all(np.isfinite(value[key]).all() for key in ("probability", "strangeness"))
    )


def _is_notes(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(key, str) and isinstance(item, str | int | float) for key, item in value.items()
    )


_COMMON: dict[str, Callable[[Any], bool]] = {
    "n_features_in_": _is_count,
    "feature_names_in_": _is_row,
    "image_shape_": _is_shape,
}
_COUNTS = "n_parameters_ n_iter_ best_epoch_ kept_epoch_ n_train_ n_train_measured_ n_validation_"
_FIGURES = (
    "train_loss_ train_accuracy_ validation_loss_ validation_accuracy_ best_validation_score_ "
    "fit_time_ compile_time_"
)
ATTRIBUTES: dict[str, dict[str, Callable[[Any], bool]]] = {
    "DigitCropper": {"n_features_in_": _is_count, "feature_names_in_": _is_row},
    "PixelNormalizer": {**_COMMON, "dtype_in_": lambda value: isinstance(value, np.dtype)},
    "SimpleNNClassifier": {
        **_COMMON,
        **dict.fromkeys(_COUNTS.split(), _is_count),
        **dict.fromkeys(_FIGURES.split(), _is_figure),
        "classes_": _is_row,
        "coefs_": _are_floats(2),
        "intercepts_": _are_floats(1),
        "activation_": lambda value: isinstance(value, str),
        "stop_reason_": lambda value: isinstance(value, str),
        "history_": _is_history,
        "loss_curve_": lambda value: is_list_of(float, value),
        "temperature_": _is_figure,
    },
}
ATTRIBUTES["DeepNNClassifier"] = ATTRIBUTES["SimpleNNClassifier"]
ATTRIBUTES["DigitReader"] = {
    "classes_": _is_row,
    "n_features_in_": _is_count,
    "feature_names_in_": _is_row,
    "guard_coefs_": _are_floats(2),
    "guard_intercepts_": _are_floats(1),
    "calibration_": _is_calibration,
    "notes_": _is_notes,
}
CLASSES = tuple(sorted(ATTRIBUTES))


def check_learned(kind: str, attributes: dict[str, Any]) -> None:
    """Raise unless an estimator of this class could have learned these attributes."""
    checks = ATTRIBUTES[kind]
    optional = {"feature_names_in_", "temperature_"}  # files of version 1.0 lack the temperature
    if kind in ("DigitCropper", "DigitReader"):
        optional |= {"n_features_in_", "calibration_"}
    unlike = (attributes.keys() ^ checks.keys()) - optional
    expect(not unlike, "attributes", kind=kind, names=shorten(", ".join(sorted(unlike))))
    for name, value in attributes.items():
        expect(checks[name](value), "attribute", kind=kind, name=name)
    n_features: Any = attributes.get("n_features_in_")
    names = attributes.get("feature_names_in_")
    expect(names is None or len(names) == n_features, "n_names")
    if "image_shape_" in checks:
        same = math.prod(attributes["image_shape_"]) == n_features
        expect(same, "image_shape")
    if "coefs_" in checks:
        _check_network(attributes, n_features)
    if "guard_coefs_" in attributes:
        layers = zip(attributes["guard_coefs_"], attributes["guard_intercepts_"], strict=True)
        sizes = [coef.shape[0] for coef in attributes["guard_coefs_"]]
        sizes += [len(bias) for bias in attributes["guard_intercepts_"][-1:]]
        expect(
            sizes[-1:] != [1]
            and all(
                coef.shape == ends and bias.shape == ends[1:]
                for (coef, bias), ends in zip(layers, pairwise(sizes), strict=True)
            ),
            "guard",
        )


def _check_network(attributes: dict[str, Any], n_features: int) -> None:
    coefs, intercepts = attributes["coefs_"], attributes["intercepts_"]
    classes = attributes["classes_"]
    expect(attributes["activation_"] in ACTIVATIONS, "activation")
    sizes = [n_features, *map(len, intercepts)]
    expect(
        len(sizes) > 1 and [coef.shape for coef in coefs] == list(pairwise(sizes)),
        "layers",
    )
    arrays = [*coefs, *intercepts]
    expect(len({array.dtype for array in arrays}) == 1, "dtypes")
    n_parameters = sum(array.size for array in arrays)
    expect(attributes["n_parameters_"] == n_parameters, "n_parameters")
    expect(len(classes) == sizes[-1] >= 2, "n_classes")
    expect(np.array_equal(np.unique(classes), classes), "classes")


# --- Encoding


def encode_estimator(model: Any, name: str, arrays: dict[str, Array]) -> Any:
    """Return an estimator as JSON values; its arrays are added to `arrays`."""
    if type(model) is Pipeline:
        steps = [
            [step, estimator]
            if estimator in (None, "passthrough")
            else [step, encode_estimator(estimator, f"{name}.{step}", arrays)]
            for step, estimator in model.steps
        ]
        parameters = {"transform_input": model.transform_input, "verbose": model.verbose}
        return {"class": "Pipeline", "steps": steps, "parameters": parameters}
    kind = type(model).__name__
    if kind not in CLASSES or type(model) is not getattr(skmnist, kind):
        raise ModelFileError("unsupported", name=name, kind=kind, known=", ".join(CLASSES))
    check_is_fitted(model)
    node: dict[str, Any] = {"class": kind}
    if kind == "DigitReader":
        node["estimator"] = encode_estimator(model.estimator_, f"{name}.estimator", arrays)
    for part, values in (("parameters", _parameters(model)), ("attributes", _learned(model))):
        node[part] = {key: _encode(value, f"{name}.{key}", arrays) for key, value in values.items()}
    output = getattr(model, "_sklearn_output_config", {}).get("transform")
    return node if output is None else {**node, "output": output}


def _parameters(model: Any) -> dict[str, Any]:
    parameters: dict[str, Any] = model.get_params(deep=False)
    return {
        name: None if name == "callbacks" and value in ([], ()) else value
        for name, value in parameters.items()
        if name != "estimator"  # that of a DigitReader is saved fitted
    }


def _learned(model: Any) -> dict[str, Any]:
    learned = vars(model)
    return {key: learned[key] for key in ATTRIBUTES[type(model).__name__] if key in learned}


def _encode(value: Any, name: str, arrays: dict[str, Array]) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, np.dtype):
        return {"dtype": value.str}
    if isinstance(value, tuple | list):
        items = [_encode(item, f"{name}.{i}", arrays) for i, item in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, Mapping):
        pairs = [
            [_encode(key, name, arrays), _encode(item, f"{name}.{key}", arrays)]
            for key, item in value.items()
        ]
        return {"dict": pairs}
    if isinstance(value, np.ndarray):
        return _encode_array(value, name, arrays)
    if type(value) is ImageAugmenter:
        return {"augmenter": _encode(value.get_params(), name, arrays)}
    raise ModelFileError("not_plain", name=name, value=repr(value))


def _encode_array(value: Array, name: str, arrays: dict[str, Array]) -> Any:
    if value.dtype.kind in "OU":  # labels and names: text or mixed values
        items = [_encode(item, name, arrays) for item in value.tolist()]
        return {"labels": items, "dtype": value.dtype.str}
    if value.dtype.kind not in "biuf" or value.dtype.itemsize > 8:
        raise ModelFileError("unsupported_dtype", name=name, dtype=str(value.dtype))
    if value.nbytes > MAX_ARRAY_BYTES:
        raise ModelFileError(
            "array_too_large", name=name, n_bytes=value.nbytes, limit=MAX_ARRAY_BYTES
        )
    key = name.encode("unicode_escape").decode()  # names of steps can be any text
    arrays[key] = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
    return {"array": key}


def encode_notes(notes: Any) -> Any:
    """Return notes as JSON values."""
    example = "{'trained_on': 'MNIST', 'test_accuracy': 0.98}"
    expect(isinstance(notes, Mapping), "notes", notes=repr(notes), example=example)
    for key, item in notes.items():
        expect(
            _is_notes({key: item.item() if isinstance(item, np.generic) else item}),
            "note",
            name=repr(key),
            value=repr(item),
            example=example,
        )
    return _encode(notes, "notes", {})["dict"]


# --- Decoding


def decode_estimator(node: Any, arrays: dict[str, Array], depth: int = 0) -> Any:
    """Return the estimator that JSON values describe, and remove its arrays from `arrays`."""
    expect(
        isinstance(node, dict) and depth <= MAX_DEPTH,
        "no_estimator",
    )
    kind = node.get("class")
    known = {"class", "parameters"} | ({"steps"} if kind == "Pipeline" else {"attributes"})
    known |= {"estimator"} if kind == "DigitReader" else set()
    expect(node.keys() - {"output"} == known, "parts")
    if kind == "Pipeline":
        return _decode_pipeline(node, arrays, depth)
    expect(kind in CLASSES, "class", kind=shorten(repr(kind)), known=", ".join(CLASSES))
    parameters, attributes = (
        {key: _decode(value, arrays, 0) for key, value in node[part].items()}
        for part in ("parameters", "attributes")
    )
    if kind == "DigitReader":
        return _build_reader(
            decode_estimator(node["estimator"], arrays, depth + 1), parameters, attributes
        )
    model = getattr(skmnist, kind)(**parameters)
    expect(parameters.get("callbacks") is None, "callbacks")
    model._validate_params()
    check_learned(kind, attributes)
    vars(model).update(attributes)
    if "output" in node:
        model.set_output(transform=node["output"])
    return model


def _build_reader(estimator: Any, parameters: dict[str, Any], attributes: dict[str, Any]) -> Any:
    """Return a reader with a fitted classifier, and with the given parameters and attributes."""
    check_learned("DigitReader", attributes)
    reader = skmnist.DigitReader(FrozenEstimator(estimator), **parameters)
    reader._validate_params()
    classes = getattr(estimator, "classes_", None)
    expect(
        classes is not None and np.array_equal(classes, attributes["classes_"]),
        "reader_classes",
    )
    vars(reader).update(attributes, estimator_=estimator)
    return reader


def decode_notes(pairs: Any) -> dict[str, Any]:
    """Return the notes that JSON values describe."""
    expect(isinstance(pairs, list), "pairs")
    notes: dict[str, Any] = _decode({"dict": pairs}, {}, 0)
    expect(_is_notes(notes), "kinds_of_notes")
    return notes


def _decode_pipeline(node: dict[str, Any], arrays: dict[str, Array], depth: int) -> Pipeline:
    steps = [
        (
            name,
            step if step in (None, "passthrough") else decode_estimator(step, arrays, depth + 1),
        )
        for name, step in node["steps"]
    ]
    names = [name for name, _ in steps]
    expect(
        bool(steps)
        and all(isinstance(name, str) and "__" not in name for name in names)
        and len(set(names)) == len(names),
        "steps",
    )
    inputs, verbose = node["parameters"]["transform_input"], node["parameters"]["verbose"]
    expect(isinstance(verbose, bool), "verbose")
    expect(inputs is None or is_list_of(str, inputs), "transform_input")
    return Pipeline(steps, transform_input=inputs, verbose=verbose)


def _decode(value: Any, arrays: dict[str, Array], depth: int) -> Any:
    expect(depth <= MAX_DEPTH, "too_deep")
    if isinstance(value, list):
        return [_decode(item, arrays, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    expect(len(value) > 0, "no_key")
    kind, content = next(iter(value.items()))
    if kind == "labels":
        expect(LABEL_DTYPES.fullmatch(value["dtype"]) is not None, "labels_dtype")
        dtype = np.dtype(value["dtype"])
        expect(dtype.itemsize * len(content) <= MAX_LABEL_BYTES, "labels_memory")
        expect(
            all(isinstance(item, str | int | float | bool) for item in content),
            "labels",
        )
        return np.array(content, dtype=dtype)
    expect(len(value) == 1, "keys")
    if kind == "array":
        return arrays.pop(content)
    if kind == "tuple":
        return tuple(_decode(item, arrays, depth + 1) for item in content)
    if kind == "dict":
        expect(len(content) <= MAX_PAIRS, "entries", limit=MAX_PAIRS)
        return {
            _decode(key, arrays, depth + 1): _decode(item, arrays, depth + 1)
            for key, item in content
        }
    if kind == "augmenter":
        augmenter = ImageAugmenter(**_decode(content, arrays, depth + 1))
        augmenter._validate_params()
        return augmenter
    if kind == "dtype":
        expect(DTYPES.fullmatch(content) is not None, "pixels_dtype")
        return np.dtype(content)
    expect(
        kind == "float" and content in ("nan", "inf", "-inf"),
        "kind",
        kind=shorten(repr(kind)),
    )
    return float(content)
