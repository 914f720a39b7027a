"""Save a fitted model: arrays, and beside them one JSON document.

Each value is plain JSON, or an object with one key that names its kind.
"""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save as to_safetensors
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

import skmnist
from skmnist._files import write_whole
from skmnist.persistence._attributes import ATTRIBUTES, CLASSES
from skmnist.persistence._format import (
    FORMAT,
    FORMAT_VERSION,
    MAX_ARRAY_BYTES,
    Array,
    ModelFileError,
    digest_content,
    get_versions,
)
from skmnist.persistence._load import decode_file


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
        "versions": get_versions(),
        "model": _encode_estimator(model, "model", arrays),
    }
    document["sha256"] = digest_content(document, arrays)
    content = to_safetensors(arrays, {FORMAT: json.dumps(document, allow_nan=False)})
    try:
        decode_file(content)  # what would be refused on loading never replaces a good file
    except ModelFileError as error:
        raise ModelFileError(
            f"model cannot be saved so that it loads: {error}. joblib.dump(model, path) takes it."
        ) from error
    write_whole(Path(path), content)


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
    if kind not in CLASSES or type(model) is not getattr(skmnist, kind):
        raise ModelFileError(
            f"{name} is a {kind}; save_model knows {', '.join(CLASSES)} and Pipelines of them. "
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
