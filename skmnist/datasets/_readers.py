"""One small reader per format on disk; each raises `DatasetError` and nothing else."""

import zipfile
import zlib
from io import BytesIO
from os import PathLike
from typing import Any

import numpy as np

ARRAYS = ("x_train", "y_train", "x_test", "y_test")  # the layout of Keras's mnist.npz


# What zipfile, zlib and numpy raise between them when an archive is damaged.
_DAMAGE = (
    EOFError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,  # zipfile's word for an encrypted member
    SyntaxError,  # numpy's word for some broken headers
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


class DatasetError(ValueError):
    """A file with digits cannot be used; the message names the file and what was expected."""


def read_npz(source: str | PathLike[str] | bytes, *, name: str) -> dict[str, np.ndarray[Any, Any]]:
    """Read the arrays ``x_train, y_train, x_test, y_test`` from a NumPy archive.

    Parameters
    ----------
    source : path or bytes
        The file, or what is in it. Object arrays are never unpickled.
    name : str
        What the file is called in an error message.

    Raises
    ------
    DatasetError
        The file is missing, is no NumPy archive, is damaged, or lacks an array.
    """
    try:
        # opened here: numpy leaves a file open that turns out to be damaged
        with BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise DatasetError(f"{name}: holds one bare array, expected an .npz with {ARRAYS}")
            missing = [key for key in ARRAYS if key not in archive]
            if missing:
                raise DatasetError(
                    f"{name}: has no array {missing[0]!r}; found {sorted(archive.files)}, "
                    f"expected {list(ARRAYS)}"
                )
            arrays = {key: archive[key] for key in ARRAYS}
    except DatasetError:
        raise
    except FileNotFoundError:
        raise DatasetError(f"{name}: there is no such file") from None
    except _DAMAGE as error:
        if "allow_pickle" in str(error):  # numpy's advice to load it unsafely is none of ours
            error = ValueError("it holds Python objects, which are never unpickled")
        raise DatasetError(f"{name}: is not a readable .npz archive ({error})") from error
    for key, array in arrays.items():
        if not isinstance(array, np.ndarray):  # numpy hands over a foreign member as bytes
            raise DatasetError(f"{name}: {key} is not a NumPy array")
    return arrays
