"""Data sets in the server's memory, shared by all tabs, and uploads in a temporary folder."""

import hashlib
import re
import shutil
import tempfile
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from skmnist._networks import limit_training
from skmnist.app._settings import Settings
from skmnist.datasets import DatasetDescription, DatasetError, describe_dataset, load_dataset

MAX_UPLOADS = 8  # files; the oldest is deleted first
MAX_LOADED = 3  # data sets in memory
MAX_NAME = 80  # characters of a file name

Progress = Callable[[int, int], None]


class MissingUploadError(Exception):
    """No file was uploaded, or the server no longer has it."""


class UploadError(DatasetError):
    """An uploaded file cannot be used; the message does not reveal the server's folder."""

    def __init__(self, error: DatasetError, folder: Path) -> None:
        self._folder = folder
        super().__init__(error.key, **error.values)

    def sentence(self, language: str = "en") -> str:
        """Return the message in a language."""
        return super().sentence(language).replace(f"{self._folder}/", "")


@dataclass(frozen=True, eq=False)
class Data:
    """A data set.

    Attributes
    ----------
    digits : Bunch
    name : str or None
        Name of the file; None for MNIST.
    n_all : int
        Number of training images before limiting them to `train_size`.
    """

    digits: Any
    name: str | None
    n_all: int

    @cached_property
    def description(self) -> DatasetDescription:
        """Class counts and possible problems of the data set."""
        return describe_dataset(self.digits)

    @property
    def n_classes(self) -> int:
        """Number of classes in the training set."""
        return len(set(self.digits.y_train.tolist()))


_lock = threading.Lock()
_reading: dict[Settings, threading.Lock] = {}
_folder: list[tempfile.TemporaryDirectory[str]] = []
_loaded: dict[Settings, Data | DatasetError] = {}


def clean_name(name: str) -> str:
    """Return the name of an uploaded file without folders or special characters."""
    name = re.sub(r"[^\w. -]", "_", Path(name.replace("\\", "/")).name)[-MAX_NAME:].lstrip(". ")
    return name or "file"


def keep_upload(name: str, content: bytes) -> str:
    """Save an uploaded file under its checksum; return its name in the address.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    key = f"upload-{hashlib.sha256(content).hexdigest()[:16]}"
    name = clean_name(name)
    with _lock:
        home = _home()
        folder = home / key
        if not folder.exists():
            kept = sorted(home.iterdir(), key=lambda path: path.stat().st_mtime)
            for old in kept[: max(0, len(kept) + 1 - MAX_UPLOADS)]:
                shutil.rmtree(old)
            try:
                folder.mkdir()
                (folder / name).write_bytes(content)
            except BaseException:  # otherwise, an incomplete file would be used next time
                shutil.rmtree(folder, ignore_errors=True)
                raise
    return key


def load(settings: Settings, progress: Progress = lambda done, total: None) -> Data:
    """Return the data set of these settings, and cache it.

    Raises
    ------
    DatasetError
        If the data set cannot be used. The error is cached as well; `forget` drops it.
    MissingUploadError
        If the server does not have the uploaded file.
    """
    key = _key(settings)
    with _lock:
        reading = _reading.setdefault(key, threading.Lock())
    try:
        with reading:  # one lock per data set, so that others can be read at the same time
            found = _loaded.get(key)
            if found is None:
                try:
                    found = _read(key, progress)
                except DatasetError as error:
                    found = error
                with _lock:
                    _loaded[key] = found
                    for old in list(_loaded)[:-MAX_LOADED]:
                        del _loaded[old]
    finally:
        with _lock:
            _reading.pop(key, None)
    if isinstance(found, DatasetError):
        raise found
    return found


def forget(settings: Settings) -> None:
    """Drop a cached data set or error, so that the next `load` tries again."""
    with _lock:
        _loaded.pop(_key(settings), None)


def _key(settings: Settings) -> Settings:
    """Return the settings that determine the data set, with all others at their defaults."""
    is_random = settings.is_upload or settings.train_size
    return Settings(
        data=settings.data,
        invert=settings.invert and settings.is_upload,
        label=settings.label if settings.is_upload else "",
        train_size=settings.train_size,
        seed=settings.seed if is_random else 0,
    )


def _home() -> Path:
    if not _folder:
        _folder.append(tempfile.TemporaryDirectory(prefix="skmnist-"))
    return Path(_folder[0].name)


def _read(key: Settings, progress: Progress) -> Data:
    name = None
    if key.is_upload:
        digits, name = _read_upload(key, progress)
    else:
        digits = load_dataset(key.data, progress=progress)
    n_all = len(digits.y_train)
    if key.train_size:
        # two per class: one for training, one for validation
        low = 2 * len(set(digits.y_train.tolist()))
        limit_training(digits, max(key.train_size, low), key.seed)
    return Data(digits, name, n_all)


def _read_upload(key: Settings, progress: Progress) -> tuple[Any, str]:
    files = list((_home() / key.data).glob("*"))
    if not files:
        raise MissingUploadError(key.data)
    (path,) = files
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the page shows the notes
            digits = load_dataset(
                path,
                label=key.label or None,
                invert=key.invert,
                random_state=key.seed,
                progress=progress,
            )
    except DatasetError as error:
        raise UploadError(error, path.parent) from error
    for note in digits.notes:
        place = str(note.values.get("path", ""))
        if place:
            note.values["path"] = place.replace(f"{path.parent}/", "")
    return digits, path.name
