"""Read the files that are part of the package, and verify them."""

import hashlib
from pathlib import Path

from skmnist.datasets._members import DatasetError

DATA = Path(__file__).parent / "data"


def read_bundled(path: Path, sha256: str, *, name: str) -> bytes:
    """Return the content of a bundled file, or raise if it is missing or damaged."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(
            f"{path}: {name} cannot be read ({error.strerror}); reinstall skmnist"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DatasetError(
            f"{path}: {name} is damaged; its SHA-256 is {found}, expected {sha256}. "
            "Reinstall skmnist."
        )
    return content
