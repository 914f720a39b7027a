"""Load a model from a file that may come from anybody: nothing in it is believed, nothing is run.

What is wrong raises `ModelFileError`, or one of the exceptions that plain operations raise on a
wrong type, which `decode_file` turns into one.
"""

import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from safetensors.numpy import load as from_safetensors
from sklearn.pipeline import Pipeline

import skmnist
from skmnist._estimator import warn_caller
from skmnist.persistence._attributes import CLASSES, check_learned, is_list_of
from skmnist.persistence._format import (
    FORMAT,
    FORMAT_VERSION,
    MAX_ARRAY_BYTES,
    Array,
    ModelFileError,
    digest_content,
    expect,
    get_versions,
)

# Caps on what is read: a file made to exhaust time or memory is refused before it does.
MAX_HEADER_BYTES = 2**20  # the JSON document and the list of arrays: parsed in a blink
MAX_FILE_BYTES = 256 * 2**20
MAX_LABEL_BYTES = 16 * 2**20  # of text in the fixed width that NumPy gives all of an array
MAX_PAIRS = 4096  # of one dict: many more keys of one hash would take minutes
MAX_DEPTH = 16  # of nested values; ours are a few levels deep
MAX_SHOWN = 200  # characters of a message that come from a file

DTYPES = re.compile(r"[<>|=][biuf]\d{1,2}")  # of pixels
LABEL_DTYPES = re.compile(r"\|O|[<>]U\d{1,7}")


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
        model, saved = decode_file(_read(path))
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}.") from None
    differences = _differences(saved)
    if differences:
        warn_caller(
            f"{path} was saved with {differences}; check the model's predictions, or train it anew."
        )
    return model


def _differences(saved: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {_shown(saved.get(name, 'unknown'))} (here {here})"
        for name, here in get_versions().items()
        if saved.get(name) != here
    )


def _read(path: Path) -> bytes:
    """Read a file that is one, once; a pipe would let us wait for ever."""
    with open(path, "rb", opener=_open_without_waiting) as file:
        status = os.fstat(file.fileno())
        expect(stat.S_ISREG(status.st_mode), "no file, but a pipe, a device or the like")
        size = status.st_size
        expect(size <= MAX_FILE_BYTES, f"{size:,} bytes, and {MAX_FILE_BYTES:,} are the most")
        content = file.read(MAX_FILE_BYTES + 1)
    return content


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def decode_file(content: bytes) -> tuple[Any, Any]:
    """Return the model, and the versions that it was saved with."""
    try:
        document, arrays = _parse(content)
        model = _decode_estimator(document.get("model"), arrays, depth=0)
        expect(not arrays, "arrays that belong to nothing")
        saved = document.get("versions")
        expect(isinstance(saved, dict), "versions are missing")
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
    expect(8 <= length + 8 <= len(content), "no file of save_model")
    expect(
        length <= MAX_HEADER_BYTES,
        f"{length:,} bytes of parameters, labels and names, and {MAX_HEADER_BYTES:,} are the most",
    )
    header = _parse_json(content[8 : 8 + length])
    text = header.pop("__metadata__", {}).get(FORMAT)
    expect(text is not None, f"a safetensors file without {FORMAT!r} in its metadata")
    for entry in header.values():
        start, end = entry["data_offsets"]
        expect(end - start <= MAX_ARRAY_BYTES, "an array that is too large")
    arrays = from_safetensors(content)
    document = _parse_json(text)
    version = document.get("format_version")
    expect(
        version == FORMAT_VERSION,
        f"format_version is {version}, and skmnist {skmnist.__version__} reads {FORMAT_VERSION}; "
        "a newer skmnist may read it",
    )
    digest = document.pop("sha256", None)
    expect(digest == digest_content(document, arrays), "damaged: the content is not what was saved")
    return document, arrays


def _parse_json(text: bytes | str) -> dict[str, Any]:
    document = json.loads(text, parse_constant=_refuse_constant)
    expect(isinstance(document, dict), "JSON that is no object")
    found: dict[str, Any] = document
    return found


def _refuse_constant(name: str) -> Any:
    raise ModelFileError(f"{name} is no JSON")


def _shown(value: object) -> str:
    text = str(value).removesuffix(".")
    printable = "".join(c if c.isprintable() else "?" for c in text[: MAX_SHOWN + 1])
    return printable if len(printable) <= MAX_SHOWN else f"{printable[:MAX_SHOWN]} ..."


def _decode_estimator(node: Any, arrays: dict[str, Array], depth: int) -> Any:
    expect(isinstance(node, dict) and depth <= MAX_DEPTH, "no estimator where one is needed")
    kind = node.get("class")
    known = {"class", "parameters"} | ({"steps"} if kind == "Pipeline" else {"attributes"})
    expect(node.keys() - {"output"} == known, "an estimator of other parts than it has")
    if kind == "Pipeline":
        return _decode_pipeline(node, arrays, depth)
    expect(kind in CLASSES, f"class {kind!r} is none of {', '.join(CLASSES)}")
    parameters, attributes = (
        {key: _decode(value, arrays, 0) for key, value in node[part].items()}
        for part in ("parameters", "attributes")
    )
    model = getattr(skmnist, kind)(**parameters)
    expect(parameters.get("callbacks") is None, "callbacks cannot be in a file")
    model._validate_params()
    check_learned(kind, attributes)
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
    expect(
        bool(steps)
        and all(isinstance(name, str) and "__" not in name for name in names)
        and len(set(names)) == len(names),
        "the steps of a Pipeline need different names",
    )
    inputs, verbose = node["parameters"]["transform_input"], node["parameters"]["verbose"]
    expect(isinstance(verbose, bool), "a Pipeline's verbose is True or False")
    expect(inputs is None or is_list_of(str, inputs), "transform_input is a list of names")
    return Pipeline(steps, transform_input=inputs, verbose=verbose)


def _decode(value: Any, arrays: dict[str, Array], depth: int) -> Any:
    expect(depth <= MAX_DEPTH, "values are nested too deeply")
    if isinstance(value, list):
        return [_decode(item, arrays, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    expect(len(value) > 0, "an object without a key")
    kind, content = next(iter(value.items()))
    if kind == "labels":
        expect(LABEL_DTYPES.fullmatch(value["dtype"]) is not None, "labels of a strange dtype")
        dtype = np.dtype(value["dtype"])
        expect(dtype.itemsize * len(content) <= MAX_LABEL_BYTES, "labels of too much text")
        expect(all(isinstance(item, str | int | float | bool) for item in content), "odd labels")
        return np.array(content, dtype=dtype)
    expect(len(value) == 1, "an object of more than one key")
    if kind == "array":
        return arrays.pop(content)
    if kind == "tuple":
        return tuple(_decode(item, arrays, depth + 1) for item in content)
    if kind == "dict":
        expect(len(content) <= MAX_PAIRS, f"a dict of more than {MAX_PAIRS:,} entries")
        return {
            _decode(key, arrays, depth + 1): _decode(item, arrays, depth + 1)
            for key, item in content
        }
    if kind == "dtype":
        expect(DTYPES.fullmatch(content) is not None, "pixels of a strange dtype")
        return np.dtype(content)
    expect(kind == "float" and content in ("nan", "inf", "-inf"), f"an unknown {kind!r}")
    return float(content)
