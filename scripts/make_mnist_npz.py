"""Create ``skmnist/datasets/data/mnist.npz`` from the four original IDX files.

Usage: ``python scripts/make_mnist_npz.py FOLDER_WITH_THE_IDX_GZ_FILES``

The SHA-256 checksums of the uncompressed files are verified.
"""

import gzip
import hashlib
import sys
from pathlib import Path

import numpy as np

ORIGINALS = {
    "x_train": (
        "train-images-idx3-ubyte",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "y_train": (
        "train-labels-idx1-ubyte",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "x_test": (
        "t10k-images-idx3-ubyte",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "y_test": (
        "t10k-labels-idx1-ubyte",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}
TARGET = Path(__file__).parents[1] / "skmnist" / "datasets" / "data" / "mnist.npz"


def read_idx(path: Path, sha256: str) -> np.ndarray:
    """Read an IDX file: two zero bytes, type, number of dimensions, shape, and data."""
    content = gzip.decompress(path.read_bytes())
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise SystemExit(f"{path}: SHA-256 is {found}, expected {sha256}")
    ndim = content[3]
    shape = np.frombuffer(content, ">u4", count=ndim, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * ndim).reshape(shape)


def main() -> None:
    folder = Path(sys.argv[1])
    arrays = {key: read_idx(folder / f"{name}.gz", sha) for key, (name, sha) in ORIGINALS.items()}
    np.savez_compressed(TARGET, **arrays)
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")
    print(f"SHA-256: {hashlib.sha256(TARGET.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
