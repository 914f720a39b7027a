"""What a file of `save_model` is, for the one who writes it and the one who reads it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import sklearn

from skmnist import __version__

Array = np.ndarray[Any, Any]

FORMAT = "skmnist-model"
FORMAT_VERSION = 1
MAX_ARRAY_BYTES = 64 * 2**20  # of one array


class ModelFileError(ValueError):
    """A model cannot be saved in this format, or a file does not contain a model.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmnist import save_model
    >>> tree = DecisionTreeClassifier().fit([[0], [1]], [0, 1])
    >>> save_model(tree, "tree.skmnist")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    skmnist.persistence.ModelFileError: ...
    """

    __module__ = "skmnist.persistence"  # where a user finds it


def expect(condition: bool, otherwise: str) -> None:
    """Refuse a file of which something does not hold."""
    if not condition:
        raise ModelFileError(otherwise)


def digest_content(document: Mapping[str, Any], arrays: Mapping[str, Array]) -> str:
    """Return the SHA-256 of all that is saved: a flipped bit may leave a valid file."""
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def get_versions() -> dict[str, str]:
    """Return the versions on which it may depend how a model predicts."""
    return {
        "skmnist": __version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
    }
