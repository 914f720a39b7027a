"""Save a model to a file and load it again, without pickle.

The file is a `safetensors` file whose metadata hold one JSON document. This module reads the header
before safetensors parses the file, because a file designed to exhaust time or memory must be
rejected first: safetensors allows headers of 100 MB, and returns metadata only for files that it
opens itself, which could be replaced between two reads.
"""

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import sklearn
from safetensors.numpy import load as from_safetensors
from safetensors.numpy import save as to_safetensors

from skmnist import __version__
from skmnist._estimator import warn_caller
from skmnist._files import write_whole
from skmnist.persistence._document import (
    MAX_ARRAY_BYTES,
    Array,
    ModelFileError,
    decode_estimator,
    decode_notes,
    encode_estimator,
    encode_notes,
    expect,
    shorten,
)
from skmnist.text import get_catalogue

FORMAT = "skmnist-model"
FORMAT_VERSION = 1
VERSIONS = {  # of packages that may affect predictions
    "skmnist": __version__,
    "scikit-learn": sklearn.__version__,
    "numpy": np.__version__,
}
MAX_HEADER_BYTES = 2**20  # the JSON document and the list of arrays, so that parsing is fast
MAX_FILE_BYTES = 256 * 2**20


def save_model(
    model: Any, path: str | os.PathLike[str], *, notes: Mapping[str, Any] | None = None
) -> None:
    """Save a fitted estimator of this package, or a Pipeline of such estimators, without pickle.

    The file is written atomically: if saving fails or the process ends, an existing file is left
    unchanged. State that is needed only for training is not saved: callbacks of `set_callbacks`,
    metadata requests, the `memory` of a Pipeline, and the state of the optimizer. Attributes that
    you have added are not saved either.

    Parameters
    ----------
    model : classifier, transformer or reader of this package, or Pipeline of these
        Fitted model. Steps may also be ``"passthrough"`` or None.
    path : str or path-like
        File to write; an existing one is replaced. The usual extension is ``.skmnist``.
    notes : dict of str to str, int, float or bool, default=None
        Information about the model for others, such as the data that it was trained and evaluated
        on, uses that it is not suitable for, and its licence. `load_card` returns the notes and
        ``skmnist show`` prints them; the notes of a `DigitReader` are added to its `notes_`.

    Raises
    ------
    ModelFileError
        The estimator is not supported, a parameter or a note is not a plain value, an array is
        larger than 64 MiB, or the file could not be loaded again.
    sklearn.exceptions.NotFittedError
        The model is not fitted.
    OSError
        The file cannot be written.

    See Also
    --------
    load_model : Load a saved model.
    load_card : Load a saved model with its notes.

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

    Estimators of other packages are not supported:

    >>> from sklearn.tree import DecisionTreeClassifier
    >>> save_model(DecisionTreeClassifier().fit(X, y), "tree.skmnist")
    Traceback (most recent call last):
    skmnist.persistence.ModelFileError: model is a DecisionTreeClassifier, but save_model supports
    only DeepNNClassifier, DigitCropper, DigitReader, PixelNormalizer, SimpleNNClassifier and
    Pipelines of them.
    Use skops.io.dump(model, path) instead.
    """
    arrays: dict[str, Array] = {}
    document = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "versions": VERSIONS,
        "model": encode_estimator(model, "model", arrays),
    }
    if notes:
        document["notes"] = encode_notes(notes)
    document["sha256"] = digest_content(document, arrays)
    content = to_safetensors(arrays, {FORMAT: json.dumps(document, allow_nan=False)})
    try:
        _decode_file(content)  # a file that cannot be loaded must not replace a good one
    except ModelFileError as error:
        raise ModelFileError("not_loadable", error=error) from error
    write_whole(Path(path), content)


def load_model(path: str | os.PathLike[str]) -> Any:
    """Load a model saved by `save_model`, without running code from the file.

    Parameters
    ----------
    path : str or path-like
        File to read.

    Returns
    -------
    model : estimator or Pipeline
        Fitted model. It makes exactly the same predictions as the saved one on the same machine
        with the same packages and number of threads, and does not need tensorflow. Weights that
        were saved as float16 are converted to float32.

    Raises
    ------
    ModelFileError
        The file has a different format, is damaged, or contains anything that is not part of a
        model.
    OSError
        The file cannot be read.

    Warns
    -----
    UserWarning
        The file was written with other versions of skmnist, scikit-learn or NumPy.

    See Also
    --------
    save_model : Save a model.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from skmnist import PixelNormalizer, load_model, save_model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "normalizer.skmnist"
    ...     save_model(PixelNormalizer(16).fit(np.eye(4) * 16), path)
    ...     load_model(path)
    PixelNormalizer(max_value=16)
    """
    card = load_card(path)
    say = get_catalogue()
    differences = [
        say("model_file.version", name=name, saved=saved or say("model_file.unknown"), here=here)
        for name, here in VERSIONS.items()
        if (saved := card.versions.get(name)) != here
    ]
    if differences:
        warn_caller(say("model_file.other_versions", where=Path(path), versions=differences))
    return card.model


@dataclass(frozen=True)
class ModelCard:
    """A saved model with the notes and versions from its file.

    Returned by :func:`load_card`. The parameters are attributes as well.

    Parameters
    ----------
    model : estimator or Pipeline
        Fitted model, as returned by :func:`load_model`.
    notes : dict of str to str, int, float or bool
        Notes passed to :func:`save_model`, and `notes_` of a reader. This package does
        not check whether they are true.
    versions : dict of str to str
        Versions of skmnist, scikit-learn and NumPy with which the model was saved.
    n_bytes : int
        Size of the file.

    See Also
    --------
    load_card : Load a card.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist import PixelNormalizer
    >>> from skmnist.persistence import ModelCard
    >>> normalizer = PixelNormalizer(16).fit(np.eye(4) * 16)
    >>> ModelCard(normalizer, {"licence": "CC0 1.0"}, {"skmnist": "0.1.0"}, n_bytes=712)
    ModelCard(model=PixelNormalizer(max_value=16), notes={'licence': 'CC0 1.0'},
    versions={'skmnist': '0.1.0'}, n_bytes=712)
    """

    model: Any
    notes: dict[str, str | int | float]
    versions: dict[str, str]
    n_bytes: int


def load_card(path: str | os.PathLike[str]) -> ModelCard:
    """Load a model with the notes in its file; ``skmnist show`` prints them.

    Parameters
    ----------
    path : str or path-like
        File written by `save_model`.

    Returns
    -------
    card : ModelCard

    Raises
    ------
    ModelFileError
        As for `load_model`.
    OSError
        The file cannot be read.

    See Also
    --------
    load_model : Load the model only, and warn if it was saved with other versions.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from skmnist import SimpleNNClassifier, save_model
    >>> from skmnist.persistence import load_card
    >>> model = SimpleNNClassifier(2, epochs=0, random_state=0).fit(np.eye(4), [0, 1, 0, 1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.skmnist"
    ...     save_model(model, path, notes={"trained_on": "nothing", "licence": "CC0 1.0"})
    ...     card = load_card(path)
    >>> card.notes["licence"], card.model.n_parameters_
    ('CC0 1.0', 16)
    """
    path = Path(path)
    try:
        content = _read(path)
        model, notes, versions = _decode_file(content)
    except ModelFileError as error:
        raise ModelFileError("in_file", where=str(path), error=error) from None
    notes = {**getattr(model, "notes_", {}), **notes}
    return ModelCard(model, notes, versions, len(content))


def _read(path: Path) -> bytes:
    """Read a regular file; reading a pipe could wait forever."""

    def no_wait(path: str, flags: int) -> int:
        return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))

    with open(path, "rb", opener=no_wait) as file:
        status = os.fstat(file.fileno())
        expect(stat.S_ISREG(status.st_mode), "device")
        size = status.st_size
        expect(size <= MAX_FILE_BYTES, "file_too_large", n_bytes=size, limit=MAX_FILE_BYTES)
        return file.read(MAX_FILE_BYTES + 1)


def _decode_file(content: bytes) -> tuple[Any, dict[str, Any], dict[str, str]]:
    """Return the model, the notes, and the versions with which it was saved."""
    try:
        document, arrays = _parse(content)
        model = decode_estimator(document.get("model"), arrays)
        expect(not arrays, "unused_arrays")
        saved: Any = document.get("versions")
        expect(isinstance(saved, dict), "no_versions")
        notes = decode_notes(document.get("notes", []))
        versions = {name: shorten(saved[name]) for name in VERSIONS if name in saved}
    except ModelFileError:
        raise
    except (safetensors.SafetensorError, RecursionError) as error:
        raise ModelFileError("damaged", reason=shorten(error)) from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ModelFileError("not_written", reason=shorten(error)) from error
    return model, notes, versions


def _parse(content: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    length = int.from_bytes(content[:8], "little")  # as safetensors specifies
    expect(8 <= length + 8 <= len(content), "not_ours")
    expect(length <= MAX_HEADER_BYTES, "header_too_large", n_bytes=length, limit=MAX_HEADER_BYTES)
    header = _parse_json(content[8 : 8 + length])
    text = header.pop("__metadata__", {}).get(FORMAT)
    expect(text is not None, "other_safetensors", format=FORMAT)
    for entry in header.values():
        start, end = entry["data_offsets"]
        expect(end - start <= MAX_ARRAY_BYTES, "entry_too_large")
    arrays = from_safetensors(content)
    document = _parse_json(text)
    version = document.get("format_version")
    expect(
        version == FORMAT_VERSION,
        "format_version",
        found=shorten(version),
        here=__version__,
        expected=FORMAT_VERSION,
    )
    digest = document.pop("sha256", None)
    expect(
        digest == digest_content(document, arrays),
        "checksum",
    )
    # half precision only saves space in the file: NumPy computes with it much more slowly
    return document, {
        name: array.astype(np.float32) if array.dtype == np.float16 else array
        for name, array in arrays.items()
    }


def _parse_json(text: bytes | str) -> dict[str, Any]:
    document = json.loads(text, parse_constant=_refuse_constant)
    expect(isinstance(document, dict), "not_an_object")
    found: dict[str, Any] = document
    return found


def _refuse_constant(name: str) -> Any:
    raise ModelFileError("constant", name=name)


def digest_content(document: Mapping[str, Any], arrays: Mapping[str, Array]) -> str:
    """Return the SHA-256 of the content; a flipped bit might otherwise go unnoticed."""
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
