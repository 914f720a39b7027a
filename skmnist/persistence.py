"""Save fitted models without pickle, and load them without running anything from the file.

A pickle runs whatever its author put into it. A file of `save_model` is a `safetensors` file: the
arrays, and beside them one JSON document from which our own code rebuilds the model, name by name
and number by number.
"""

import hashlib
import json
import math
import os
import re
import stat
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import sklearn
from safetensors.numpy import load as from_safetensors
from safetensors.numpy import save as to_safetensors
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

import skmnist
from skmnist._estimator import warn_caller
from skmnist._files import write_whole

__all__ = ["ModelFileError", "load_model", "save_model"]

Array = np.ndarray[Any, Any]

FORMAT = "skmnist-model"
FORMAT_VERSION = 1

# Caps on what is read: a file made to exhaust time or memory is refused before it does.
MAX_HEADER_BYTES = 2**20  # the JSON document and the list of arrays: parsed in a blink
MAX_ARRAY_BYTES = 64 * 2**20
MAX_FILE_BYTES = 256 * 2**20
MAX_LABEL_BYTES = 16 * 2**20  # of text in the fixed width that NumPy gives all of an array
MAX_PAIRS = 4096  # of one dict: many more keys of one hash would take minutes
MAX_DEPTH = 16  # of nested values; ours are a few levels deep
MAX_SHOWN = 200  # characters of a message that come from a file

DTYPES = re.compile(r"[<>|=][biuf]\d{1,2}")  # of pixels
LABEL_DTYPES = re.compile(r"\|O|[<>]U\d{1,7}")

_CLASSES = ("DeepNNClassifier", "DigitCropper", "PixelNormalizer", "SimpleNNClassifier")


class ModelFileError(ValueError):
    """A model that cannot be saved in this format, or a file that holds none."""


def save_model(model: Any, path: str | os.PathLike[str]) -> None:
    """Save a fitted estimator of this package, or a Pipeline of such, without pickle.

    The file appears whole or not at all: whatever ends the process while saving, a file that was
    there before stays as it was, also where `load_model` would refuse the new one. What only
    training needs stays behind: callbacks of `set_callbacks`, metadata requests, a Pipeline's
    `memory`, the optimizer's state; and attributes of your own.

    Parameters
    ----------
    model : classifier or transformer of this package, or Pipeline of these
        Fitted. A step may also be ``"passthrough"`` or None.
    path : str or path-like
        The file to write; one that is there is replaced. ``.skmnist`` is a good ending.

    Raises
    ------
    ModelFileError
        Another kind of estimator, a parameter that is no plain value, or an array of more than
        64 MiB.
    sklearn.exceptions.NotFittedError
        The model is not fitted.
    OSError
        The file cannot be written.

    See Also
    --------
    load_model : Load what was saved.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_digits
    >>> from skmnist import SimpleNNClassifier, load_model, save_model
    >>> X, y = load_digits(return_X_y=True)
    >>> model = SimpleNNClassifier(epochs=2, random_state=0).fit(X / 16, y)
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = Path(folder.name) / "digits.skmnist"
    >>> save_model(model, file)
    >>> bool((load_model(file).predict_proba(X / 16) == model.predict_proba(X / 16)).all())
    True
    >>> folder.cleanup()

    An estimator of another package is refused:

    >>> from sklearn.tree import DecisionTreeClassifier
    >>> save_model(DecisionTreeClassifier().fit(X, y), "tree.skmnist")
    Traceback (most recent call last):
    skmnist.persistence.ModelFileError: model is a DecisionTreeClassifier; save_model knows
    DeepNNClassifier, DigitCropper, PixelNormalizer, SimpleNNClassifier and Pipelines of them. Save
    it by skops.io.dump(model, path) instead.
    """
    arrays: dict[str, Array] = {}
    document = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "versions": _versions(),
        "model": _encode_estimator(model, "model", arrays),
    }
    document["sha256"] = _digest(document, arrays)
    content = to_safetensors(arrays, {FORMAT: json.dumps(document, allow_nan=False)})
    try:
        _decode_file(content)  # what would be refused on loading never replaces a good file
    except ModelFileError as error:
        raise ModelFileError(
            f"model cannot be saved so that it loads: {error}. joblib.dump(model, path) takes it."
        ) from error
    write_whole(Path(path), content)


def load_model(path: str | os.PathLike[str]) -> Any:
    """Load a model that `save_model` wrote; nothing in the file is run.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    model : estimator or Pipeline
        Fitted: it predicts the same bits as the one that was saved, on one machine with the
        same number of threads, without tensorflow.

    Raises
    ------
    ModelFileError
        A file of another format, a damaged one, or one that holds anything but what a model
        needs.
    OSError
        The file cannot be read.

    Warns
    -----
    UserWarning
        The file was written with other versions of skmnist, scikit-learn or NumPy.

    See Also
    --------
    save_model : Save a model; has an example.
    """
    path = Path(path)
    try:
        model, saved = _decode_file(_read(path))
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}.") from None
    differences = _differences(saved)
    if differences:
        warn_caller(
            f"{path} was saved with {differences}; check the model's predictions, or train it anew."
        )
    return model


# What can be in a file, and how it is written there. Each value is plain JSON or an object with
# one key that names its kind.


def _encode_estimator(model: Any, name: str, arrays: dict[str, Array]) -> Any:
    if type(model) is Pipeline:
        steps = [
            [step, estimator]
            if estimator in (None, "passthrough")
            else [step, _encode_estimator(estimator, f"{name}.{step}", arrays)]
            for step, estimator in model.steps
        ]
        parameters = {"transform_input": model.transform_input, "verbose": model.verbose}
        return {"class": "Pipeline", "steps": steps, "parameters": parameters}
    kind = type(model).__name__
    if kind not in _CLASSES or type(model) is not getattr(skmnist, kind):
        raise ModelFileError(
            f"{name} is a {kind}; save_model knows {', '.join(_CLASSES)} and Pipelines of them. "
            "Save it by skops.io.dump(model, path) instead."
        )
    check_is_fitted(model)
    node: dict[str, Any] = {"class": kind}
    for part, values in (
        ("parameters", _parameters(model)),
        ("attributes", _learned(model)),
    ):
        node[part] = {key: _encode(value, f"{name}.{key}", arrays) for key, value in values.items()}
    output = getattr(model, "_sklearn_output_config", {}).get("transform")
    return node if output is None else {**node, "output": output}


def _parameters(model: Any) -> dict[str, Any]:
    parameters: dict[str, Any] = model.get_params(deep=False)
    return {
        name: None if name == "callbacks" and value in ([], ()) else value
        for name, value in parameters.items()
    }


def _learned(model: Any) -> dict[str, Any]:
    learned = vars(model)
    return {key: learned[key] for key in _ATTRIBUTES[type(model).__name__] if key in learned}


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
    raise ModelFileError(
        f"{name} is {value!r}, and only plain values can be saved. Give a parameter a plain one "
        "before, as by set_params(callbacks=None, random_state=0): what was learned stays."
    )


def _encode_array(value: Array, name: str, arrays: dict[str, Array]) -> Any:
    if value.dtype.kind in "OU":  # labels and names: text, or what a frame's column may mix
        items = [_encode(item, name, arrays) for item in value.tolist()]
        return {"labels": items, "dtype": value.dtype.str}
    if value.dtype.kind not in "biuf" or value.dtype.itemsize > 8:
        raise ModelFileError(
            f"{name} has the dtype {value.dtype}, and load_model reads plain numbers and text. "
            "Save the model by joblib.dump(model, path) instead."
        )
    if value.nbytes > MAX_ARRAY_BYTES:
        raise ModelFileError(
            f"{name} takes {value.nbytes:,} bytes, and load_model reads {MAX_ARRAY_BYTES:,} at "
            "most for one array. Save it by joblib.dump(model, path) instead."
        )
    key = name.encode("unicode_escape").decode()  # a step may have any name
    arrays[key] = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
    return {"array": key}


# Reading: nothing is believed. What is wrong raises `ModelFileError`, or one of the exceptions that
# plain operations raise on a wrong type, which `_decode_file` turns into one.


def _read(path: Path) -> bytes:
    """Read a file that is one, once; a pipe would let us wait for ever."""
    with open(path, "rb", opener=_open_without_waiting) as file:
        status = os.fstat(file.fileno())
        _expect(stat.S_ISREG(status.st_mode), "no file, but a pipe, a device or the like")
        size = status.st_size
        _expect(size <= MAX_FILE_BYTES, f"{size:,} bytes, and {MAX_FILE_BYTES:,} are the most")
        content = file.read(MAX_FILE_BYTES + 1)
    return content


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _decode_file(content: bytes) -> tuple[Any, Any]:
    """Return the model, and the versions that it was saved with."""
    try:
        document, arrays = _parse(content)
        model = _decode_estimator(document.get("model"), arrays, depth=0)
        _expect(not arrays, "arrays that belong to nothing")
        saved = document.get("versions")
        _expect(isinstance(saved, dict), "versions are missing")
    except ModelFileError as error:
        raise ModelFileError(_shown(error)) from None
    except (safetensors.SafetensorError, RecursionError) as error:
        problem = f"no file of save_model, or a damaged one ({_shown(error)})"
        raise ModelFileError(problem) from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ModelFileError(f"no model that save_model wrote ({_shown(error)})") from error
    return model, saved


def _parse(content: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    length = int.from_bytes(content[:8], "little")  # as the format of safetensors has it
    _expect(8 <= length + 8 <= len(content), "no file of save_model")
    _expect(
        length <= MAX_HEADER_BYTES,
        f"{length:,} bytes of parameters, labels and names, and {MAX_HEADER_BYTES:,} are the most",
    )
    header = _parse_json(content[8 : 8 + length])
    text = header.pop("__metadata__", {}).get(FORMAT)
    _expect(text is not None, f"a safetensors file without {FORMAT!r} in its metadata")
    for entry in header.values():
        start, end = entry["data_offsets"]
        _expect(end - start <= MAX_ARRAY_BYTES, "an array that is too large")
    arrays = from_safetensors(content)
    document = _parse_json(text)
    version = document.get("format_version")
    _expect(
        version == FORMAT_VERSION,
        f"format_version is {version}, and skmnist {skmnist.__version__} reads {FORMAT_VERSION}; "
        "a newer skmnist may read it",
    )
    digest = document.pop("sha256", None)
    _expect(digest == _digest(document, arrays), "damaged: the content is not what was saved")
    return document, arrays


def _parse_json(text: bytes | str) -> dict[str, Any]:
    document = json.loads(text, parse_constant=_refuse_constant)
    _expect(isinstance(document, dict), "JSON that is no object")
    found: dict[str, Any] = document
    return found


def _shown(value: object) -> str:
    text = str(value).removesuffix(".")
    printable = "".join(c if c.isprintable() else "?" for c in text[: MAX_SHOWN + 1])
    return printable if len(printable) <= MAX_SHOWN else f"{printable[:MAX_SHOWN]} ..."


def _refuse_constant(name: str) -> Any:
    raise ModelFileError(f"{name} is no JSON")


def _decode_estimator(node: Any, arrays: dict[str, Array], depth: int) -> Any:
    _expect(isinstance(node, dict) and depth <= MAX_DEPTH, "no estimator where one is needed")
    kind = node.get("class")
    known = {"class", "parameters"} | ({"steps"} if kind == "Pipeline" else {"attributes"})
    _expect(node.keys() - {"output"} == known, "an estimator of other parts than it has")
    if kind == "Pipeline":
        return _decode_pipeline(node, arrays, depth)
    _expect(kind in _CLASSES, f"class {kind!r} is none of {', '.join(_CLASSES)}")
    parameters, attributes = (
        {key: _decode(value, arrays, 0) for key, value in node[part].items()}
        for part in ("parameters", "attributes")
    )
    model = getattr(skmnist, kind)(**parameters)
    _expect(parameters.get("callbacks") is None, "callbacks cannot be in a file")
    model._validate_params()
    _check_learned(kind, attributes)
    vars(model).update(attributes)
    if "output" in node:
        model.set_output(transform=node["output"])
    return model


def _decode_pipeline(node: dict[str, Any], arrays: dict[str, Array], depth: int) -> Pipeline:
    steps = [
        (
            name,
            step if step in (None, "passthrough") else _decode_estimator(step, arrays, depth + 1),
        )
        for name, step in node["steps"]
    ]
    names = [name for name, _ in steps]
    _expect(
        bool(steps)
        and all(isinstance(name, str) and "__" not in name for name in names)
        and len(set(names)) == len(names),
        "the steps of a Pipeline need different names",
    )
    inputs, verbose = node["parameters"]["transform_input"], node["parameters"]["verbose"]
    _expect(isinstance(verbose, bool), "a Pipeline's verbose is True or False")
    _expect(inputs is None or _is_list_of(str, inputs), "transform_input is a list of names")
    return Pipeline(steps, transform_input=inputs, verbose=verbose)


def _decode(value: Any, arrays: dict[str, Array], depth: int) -> Any:
    _expect(depth <= MAX_DEPTH, "values are nested too deeply")
    if isinstance(value, list):
        return [_decode(item, arrays, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    _expect(len(value) > 0, "an object without a key")
    kind, content = next(iter(value.items()))
    if kind == "labels":
        _expect(LABEL_DTYPES.fullmatch(value["dtype"]) is not None, "labels of a strange dtype")
        dtype = np.dtype(value["dtype"])
        _expect(dtype.itemsize * len(content) <= MAX_LABEL_BYTES, "labels of too much text")
        _expect(all(isinstance(item, str | int | float | bool) for item in content), "odd labels")
        return np.array(content, dtype=dtype)
    _expect(len(value) == 1, "an object of more than one key")
    if kind == "array":
        return arrays.pop(content)
    if kind == "tuple":
        return tuple(_decode(item, arrays, depth + 1) for item in content)
    if kind == "dict":
        _expect(len(content) <= MAX_PAIRS, f"a dict of more than {MAX_PAIRS:,} entries")
        return {
            _decode(key, arrays, depth + 1): _decode(item, arrays, depth + 1)
            for key, item in content
        }
    if kind == "dtype":
        _expect(DTYPES.fullmatch(content) is not None, "pixels of a strange dtype")
        return np.dtype(content)
    _expect(kind == "float" and content in ("nan", "inf", "-inf"), f"an unknown {kind!r}")
    return float(content)


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ModelFileError(otherwise)


# What a fitted estimator has, and what each of it is.


def _is_list_of(kind: Any, value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_figure(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _are_floats(dimension: int) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        return _is_list_of(np.ndarray, value) and all(
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
_ATTRIBUTES: dict[str, dict[str, Callable[[Any], bool]]] = {
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
        "loss_curve_": lambda value: _is_list_of(float, value),
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
_ATTRIBUTES["DeepNNClassifier"] = _ATTRIBUTES["SimpleNNClassifier"]


def _check_learned(kind: str, attributes: dict[str, Any]) -> None:
    checks = _ATTRIBUTES[kind]
    optional = {"feature_names_in_"} | ({"n_features_in_"} if kind == "DigitCropper" else set())
    unlike = (attributes.keys() ^ checks.keys()) - optional
    _expect(not unlike, f"{kind} with or without {', '.join(sorted(unlike))}")
    for name, value in attributes.items():
        _expect(checks[name](value), f"{kind}.{name} is not what it has to be")
    n_features: Any = attributes.get("n_features_in_")
    names = attributes.get("feature_names_in_")
    _expect(names is None or len(names) == n_features, "another number of feature names")
    if "image_shape_" in checks:
        same = math.prod(attributes["image_shape_"]) == n_features
        _expect(same, "an image of another size")
    if "coefs_" in checks:
        _check_network(attributes, n_features)


def _check_network(attributes: dict[str, Any], n_features: int) -> None:
    from skmnist.neural_network._forward import ACTIVATIONS

    coefs, intercepts = attributes["coefs_"], attributes["intercepts_"]
    classes = attributes["classes_"]
    _expect(attributes["activation_"] in ACTIVATIONS, "an unknown activation")
    sizes = [n_features, *map(len, intercepts)]
    _expect(
        len(sizes) > 1 and [coef.shape for coef in coefs] == list(pairwise(sizes)),
        "layers that do not fit together",
    )
    _expect(len({array.dtype for array in [*coefs, *intercepts]}) == 1, "layers of two dtypes")
    n_parameters = sum(array.size for array in [*coefs, *intercepts])
    _expect(attributes["n_parameters_"] == n_parameters, "another number of parameters")
    _expect(len(classes) == sizes[-1] >= 2, "another number of classes than outputs")
    _expect(np.array_equal(np.unique(classes), classes), "classes twice, or out of order")


def _digest(document: Mapping[str, Any], arrays: Mapping[str, Array]) -> str:
    """Return the SHA-256 of all that is saved: a flipped bit may leave a valid file."""
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    return {
        "skmnist": skmnist.__version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
    }


def _differences(saved: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {_shown(saved.get(name, 'unknown'))} (here {here})"
        for name, here in _versions().items()
        if saved.get(name) != here
    )
