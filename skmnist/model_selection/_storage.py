"""Storage for a study: memory, a file or a database.

Optuna provides the storage. This module adds errors that name the storage, its state and the
remedy, and never show a password. It also prevents a damaged journal from being overwritten.
"""

import os
import re
import sqlite3
import time
import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import optuna
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock, JournalStorage

JOURNAL_ENDINGS = (".journal", ".log")
_RECORD = b'{"op_code":'  # start of every record of a journal
ATTEMPTS = 3  # to create the tables
_PASSWORDS = (
    re.compile(r"(^\w[\w+]*:/+[^/@:]*:).*(?=@)"),  # between user and host
    re.compile(r"([?&][^=&]*pass\w*=)[^&]*", re.IGNORECASE),
)
BUSY_SECONDS = 30  # for SQLite to wait while another process writes


class StorageError(RuntimeError):
    """Raised if the storage of a search fails; the message names the storage, cause and remedy.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skmnist import OptunaSearchCV, SimpleNNClassifier
    >>> from skmnist.model_selection import StorageError
    >>> search = OptunaSearchCV(
    ...     SimpleNNClassifier(), {"dropout": [0.0, 0.2]}, storage="sqlite:////missing/study.db"
    ... )
    >>> try:
    ...     search.fit(*load_digits(return_X_y=True))
    ... except StorageError:
    ...     print("the storage cannot be opened")
    the storage cannot be opened
    """


@contextmanager
def explain_failure(storage: str, action: str) -> Iterator[None]:
    """Raise `StorageError` if the storage of a study makes the ``with`` block fail.

    Parameters
    ----------
    storage : str
        Name of the storage, as returned by `show_storage`.
    action : str
        Word that follows "cannot be" in the message: "read", "written" or "used".
    """
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError) as error:
        cause = _find_cause(error)
        raise StorageError(
            f"storage={storage!r} cannot be {action}: {_one_line(cause)}. {_remedy(cause)}"
        ) from cause


def _find_cause(error: BaseException) -> BaseException:
    """Return the error of the driver, without the SQL statement."""
    if isinstance(error, optuna.exceptions.StorageInternalError) and error.__cause__ is not None:
        error = error.__cause__
    return getattr(error, "orig", None) or error


def _one_line(cause: BaseException) -> str:
    return " ".join(str(cause).split()).rstrip(".")


def _remedy(cause: BaseException) -> str:
    message = str(cause)
    damaged = isinstance(cause, ValueError | KeyError) or type(cause) is sqlite3.DatabaseError
    if damaged or "no such table" in message:
        return "The file is damaged: restore a copy of it, or pass another storage."
    if "locked" in message:
        return "Another process keeps it locked: end that process and fit again to resume."
    gone = isinstance(cause, FileNotFoundError | IsADirectoryError | PermissionError)
    if gone or "readonly" in message:
        return "Was it deleted, moved or write-protected? Restore it and fit again to resume."
    return "Finished trials are kept: fit again to resume once the storage works."


def open_storage(storage: Any) -> optuna.storages.BaseStorage:
    """Open the storage of a study.

    Parameters
    ----------
    storage : None, path-like, str or BaseStorage
        None keeps the study in memory. A path names an SQLite file, or an Optuna journal if it ends
        in ``.journal`` or ``.log``. Text with ``://`` is a database URL. An Optuna storage is
        returned unchanged.

    Returns
    -------
    storage : optuna.storages.BaseStorage

    Raises
    ------
    ImportError
        The database's driver is not installed.
    RuntimeError
        The storage cannot be opened. The message does not show a password.
    TypeError, ValueError
        `storage` is invalid.
    """
    if storage is None:
        return optuna.storages.InMemoryStorage()
    if isinstance(storage, optuna.storages.BaseStorage):
        return storage
    if not isinstance(storage, str | os.PathLike) or not os.fspath(storage):
        raise TypeError(
            f"storage={storage!r} must be a path, a database URL, a storage of Optuna or None."
        )
    if "://" in os.fspath(storage):
        return _open_url(os.fspath(storage))
    # absolute, because with a relative path the lock of a journal could wait forever
    path = Path(storage).expanduser().absolute()
    shown = show_storage(str(storage))
    if shown != str(storage):
        raise ValueError(f"storage={shown!r} is not a database URL: it must contain '://'.")
    if not path.parent.is_dir():
        raise ValueError(f"storage={str(storage)!r} is in a folder that does not exist; create it.")
    if path.is_dir():
        raise ValueError(f"storage={str(storage)!r} is a folder; pass a file in it.")
    if path.suffix in JOURNAL_ENDINGS:
        return _open_journal(path)
    if any(sign in str(path) for sign in "?%"):
        raise ValueError(
            f"storage={str(storage)!r}: an SQLite path must not contain '?' or '%', which have a "
            "special meaning in URLs; rename it, or use a journal (.journal)."
        )
    return _open_url(f"sqlite:///{path}", shown=str(storage))


def close_storage(storage: optuna.storages.BaseStorage) -> None:
    """Close the connections to a database; later use of the storage opens new ones."""
    if isinstance(storage, optuna.storages.RDBStorage):
        storage.remove_session()
        storage.engine.dispose()


def show_storage(storage: Any) -> str:
    """Return a name for a storage, without its password."""
    shown = str(storage)
    for password in _PASSWORDS:
        shown = password.sub(r"\1***", shown)
    return shown


def _open_url(url: str, shown: str | None = None) -> optuna.storages.BaseStorage:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    shown = shown or show_storage(url)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # ValueError: the port is not a number
        raise ValueError(
            f"storage={shown!r} is not a database URL; write it like "
            "postgresql://user:password@host:5432/name."
        ) from None
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")  # SQLAlchemy defaults to version 2
    options: dict[str, Any] = {"pool_pre_ping": True}
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise ValueError(f"storage={shown!r} is in memory; pass storage=None instead.")
        options = {"connect_args": {"timeout": BUSY_SECONDS}}
    try:
        return _make_tables(parsed.render_as_string(hide_password=False), options)
    except ImportError as error:
        remedy = "pip install 'skmnist[postgres]'"
        if parsed.get_backend_name() != "postgresql":
            remedy = "see the SQLAlchemy documentation on dialects"
        driver = getattr(error.__cause__ or error, "name", None) or parsed.drivername
        raise ImportError(
            f"storage={shown!r} needs the driver {driver}, which is not installed: {remedy}."
        ) from None
    except (SQLAlchemyError, RuntimeError, optuna.exceptions.StorageInternalError) as error:
        cause = _find_cause(error)
        message = _one_line(cause)
        for secret in (parsed.password, *parsed.query.values()):  # the message may contain them
            message = message.replace(str(secret), "***") if secret else message
        raise StorageError(
            f"storage={shown!r} cannot be opened: {message}. {_remedy(cause)}"
        ) from None


def _make_tables(url: str, options: dict[str, Any]) -> optuna.storages.RDBStorage:
    """Open a database; try again if another process creates the tables at the same time."""
    from sqlalchemy.exc import DBAPIError, IntegrityError

    for _ in range(ATTEMPTS):
        try:
            return optuna.storages.RDBStorage(url, engine_kwargs=options)
        except DBAPIError as error:
            # a table, its name, or the row with the version already exists
            if "exist" not in str(error.orig) and not isinstance(error, IntegrityError):
                raise
        time.sleep(0.1)
    return optuna.storages.RDBStorage(url, engine_kwargs=options)


def _open_journal(path: Path) -> JournalStorage:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            with suppress(FileNotFoundError), path.open("rb") as file:
                if not _RECORD.startswith(file.read(len(_RECORD))):
                    raise RuntimeError(
                        f"storage={str(path)!r} is not an Optuna journal and was left unchanged; "
                        "pass another file."
                    )
            return JournalStorage(_Journal(path))
        except (KeyError, OSError, ValueError, optuna.exceptions.StorageInternalError) as error:
            cause = _find_cause(error)
            raise StorageError(
                f"storage={str(path)!r} cannot be read as an Optuna journal: {_one_line(cause)}. "
                f"{_remedy(cause)}"
            ) from None


class _Journal(JournalFileBackend):
    """An Optuna journal that raises the same errors as a database, and leaves damaged files alone.

    Optuna's own journal appends to a file even if the last record is incomplete, or if the file has
    been truncated or replaced since it was read, which makes the file unreadable.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock_of_path = path, JournalFileSymlinkLock(str(path))
        self._size = 0  # of the file when it was last read or written
        super().__init__(str(path), lock_obj=self._lock_of_path)

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """Yield the records from the given number on."""
        with _as_internal_error():
            self._check()
            yield from super().read_logs(log_number_from)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append records."""
        with _as_internal_error():
            self._check()
            super().append_logs(logs)

    def _check(self) -> None:
        if self._path.stat().st_size < self._size:
            raise ValueError("the file was truncated or replaced while it was in use")
        with self._path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
            is_whole = file.read(1) in (b"", b"\n")
        if not is_whole:
            self._cut_incomplete_record()
        self._size = self._path.stat().st_size

    def _cut_incomplete_record(self) -> None:
        self._lock_of_path.acquire()  # wait until no other process is writing
        try:
            with self._path.open("rb+") as file:
                content = file.read()
                whole = content.rfind(b"\n") + 1
                if whole < len(content):
                    file.truncate(whole)
                    warnings.warn(
                        f"The journal {str(self._path)!r} ended in an incomplete record, left by "
                        "a process that was stopped while writing. This record was removed; all "
                        "other records are kept.",
                        UserWarning,
                        stacklevel=2,
                    )
        finally:
            self._lock_of_path.release()


@contextmanager
def _as_internal_error() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise optuna.exceptions.StorageInternalError(str(error)) from error


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Suppress Optuna's messages about new studies, and restore its log level afterwards."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(level, optuna.logging.WARNING))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)
