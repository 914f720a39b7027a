"""What it takes to repeat a run: versions, parameters, a checksum of the data."""

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from skmnist import __version__

PACKAGES = ("scikit-learn", "scikeras", "tensorflow", "keras", "numpy", "pandas")
MAX_VALUE = 120  # characters of a parameter's value


def get_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide the figures."""
    versions = {"Python": platform.python_version(), "skmnist": __version__}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def get_machine() -> str:
    """Return operating system and processor."""
    return f"{platform.system()} {platform.release()}, {platform.machine()}"


def get_parameters(estimator: Any) -> dict[str, str]:
    """Return all parameters of an estimator and of its steps, as text."""
    return {
        name: _shorten(repr(value))
        for name, value in sorted(estimator.get_params(deep=True).items())
        # a step is told by its own parameters
        if not hasattr(value, "get_params") and name not in {"steps", "memory", "transform_input"}
    }


def make_checksum(*arrays: Any) -> str:
    """Return the SHA-256 over the arrays' bytes, in C order and little-endian, labels as text."""
    digest = hashlib.sha256()
    for array in map(np.asarray, arrays):
        if array.dtype.kind not in "biuf":
            array = array.astype(str)
            digest.update("\n".join(array.ravel().tolist()).encode("utf-8", "backslashreplace"))
            continue
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1]}…"
