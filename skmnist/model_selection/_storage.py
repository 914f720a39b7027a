"""Where a study is kept: in memory, in a file, in a database."""

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
_RECORD = b'{"op_code":'  # how every record of a journal begins
ATTEMPTS = 3  # at making the tables
_PASSWORDS = (
    re.compile(r"(^\w[\w+]*:/+[^/@:]*:).*(?=@)"),  # between user and host
    re.compile(r"([?&][^=&]*pass\w*=)[^&]*", re.IGNORECASE),
)
BUSY_SECONDS = 30  # how long SQLite waits while another process writes


class StorageError(RuntimeError):
    """A storage that failed; the message names it, the cause and the way out."""


@contextmanager
def explain_failure(storage: str, action: str) -> Iterator[None]:
    """Raise `StorageError` where the block fails because of a study's storage.

    Parameters
    ----------
    storage : str
        As `show_storage` shows it.
    action : str
        What could not be done with it, "read" or "written".
    """
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError) as error:
        cause = _find_cause(error)
        told = f"storage={storage!r} cannot be {action}: {_one_line(cause)}."
        raise StorageError(f"{told} {_way_out(cause)}") from cause


def _find_cause(error: BaseException) -> BaseException:
    """Return what the driver said; the SQL statement that failed helps nobody."""
    if isinstance(error, optuna.exceptions.StorageInternalError) and error.__cause__ is not None:
        error = error.__cause__
    return getattr(error, "orig", None) or error


def _one_line(cause: BaseException) -> str:
    return " ".join(str(cause).split()).rstrip(".")


def _way_out(cause: BaseException) -> str:
    told = str(cause)
    damaged = isinstance(cause, ValueError | KeyError) or type(cause) is sqlite3.DatabaseError
    if damaged or "no such table" in told:
        return "The file is damaged: restore a copy of it, or pass another storage."
    if "locked" in told:
        return "Another process keeps it locked: end that one and fit again to resume."
    gone = isinstance(cause, FileNotFoundError | IsADirectoryError | PermissionError)
    if gone or "readonly" in told:
        return "Was it deleted, moved or write-protected? Put it right and fit again to resume."
    return "Finished trials are kept: fit again to resume when it works again."


def open_storage(storage: Any) -> optuna.storages.BaseStorage:
    """Open what `storage=` names.

    Parameters
    ----------
    storage : None, path-like, str or BaseStorage
        None is memory; a path an SQLite file, or an Optuna journal where it ends in ``.journal`` or
        ``.log``; text with ``://`` a database URL; an object of Optuna's itself.

    Returns
    -------
    storage : optuna.storages.BaseStorage

    Raises
    ------
    ImportError
        The database's driver is not installed.
    RuntimeError
        The storage cannot be opened; a password in the URL is not shown.
    TypeError, ValueError
        `storage` names none.
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
    # absolute: a journal's lock by a relative path could wait for ever
    path = Path(storage).expanduser().absolute()
    shown = show_storage(str(storage))
    if shown != str(storage):
        raise ValueError(f"storage={shown!r} is no database URL: after its name it needs '://'.")
    if not path.parent.is_dir():
        raise ValueError(f"storage={str(storage)!r} is in a folder that does not exist; make it.")
    if path.is_dir():
        raise ValueError(f"storage={str(storage)!r} is a folder; name a file in it.")
    if path.suffix in JOURNAL_ENDINGS:
        return _open_journal(path)
    if any(sign in str(path) for sign in "?%"):
        raise ValueError(
            f"storage={str(storage)!r}: an SQLite path must not have '?' or '%' in it, which mean "
            "something else in a URL; name another, or a journal (.journal)."
        )
    return _open_url(f"sqlite:///{path}", shown=str(storage))


def close_storage(storage: optuna.storages.BaseStorage) -> None:
    """Close a database's connections; who uses the storage after this gets new ones."""
    if isinstance(storage, optuna.storages.RDBStorage):
        storage.remove_session()
        storage.engine.dispose()


def show_storage(storage: Any) -> str:
    """Return what to call a storage, without a password."""
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
    except (ArgumentError, ValueError):  # the second of a port that is no number
        raise ValueError(
            f"storage={shown!r} is no database URL; it looks like "
            "postgresql://user:password@host:5432/name."
        ) from None
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")  # psycopg 3, whatever SQLAlchemy's own
    options: dict[str, Any] = {"pool_pre_ping": True}
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise ValueError(f"storage={shown!r} is memory; pass storage=None.")
        options = {"connect_args": {"timeout": BUSY_SECONDS}}
    try:
        return _make_tables(parsed.render_as_string(hide_password=False), options)
    except ImportError as error:
        way_out = "pip install 'skmnist[postgres]'"
        if parsed.get_backend_name() != "postgresql":
            way_out = "see SQLAlchemy's page on dialects"
        driver = getattr(error.__cause__ or error, "name", None) or parsed.drivername
        raise ImportError(
            f"storage={shown!r} needs a driver, {driver}, that is not installed: {way_out}."
        ) from None
    except (SQLAlchemyError, RuntimeError, optuna.exceptions.StorageInternalError) as error:
        cause = _find_cause(error)
        told = _one_line(cause)
        for secret in (parsed.password, *parsed.query.values()):  # it may say them
            told = told.replace(str(secret), "***") if secret else told
        raise StorageError(
            f"storage={shown!r} cannot be opened: {told}. {_way_out(cause)}"
        ) from None


def _make_tables(url: str, options: dict[str, Any]) -> optuna.storages.RDBStorage:
    """Open a database; where another process makes the tables at the same moment, once more."""
    from sqlalchemy.exc import DBAPIError, IntegrityError

    for _ in range(ATTEMPTS):
        try:
            return optuna.storages.RDBStorage(url, engine_kwargs=options)
        except DBAPIError as error:
            # the tables, or a name of theirs, or the row with their version
            if "exist" not in str(error.orig) and not isinstance(error, IntegrityError):
                raise
        time.sleep(0.1)
    return optuna.storages.RDBStorage(url, engine_kwargs=options)


def _open_journal(path: Path) -> JournalStorage:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            with suppress(FileNotFoundError):
                _check_journal(path)
            return JournalStorage(_Journal(path))
        except (KeyError, OSError, ValueError, optuna.exceptions.StorageInternalError) as error:
            cause = _find_cause(error)
            raise StorageError(
                f"storage={str(path)!r} cannot be read as an Optuna journal: {_one_line(cause)}. "
                f"{_way_out(cause)}"
            ) from None


class _Journal(JournalFileBackend):
    """Optuna's journal, which fails as a database does and is not continued where it was damaged.

    Optuna would append to a file that is not the one that it has read, which nobody could read
    again: one whose last record is torn, one that was truncated, or a new one in place of it.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock_of_path = path, JournalFileSymlinkLock(str(path))
        self._size = 0  # of what is known of the file
        super().__init__(str(path), lock_obj=self._lock_of_path)

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """Yield the records from one on."""
        with _as_internal_error():
            self._check()
            yield from super().read_logs(log_number_from)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write records."""
        with _as_internal_error():
            self._check()
            super().append_logs(logs)

    def _check(self) -> None:
        if self._path.stat().st_size < self._size:
            raise ValueError("the file was truncated or replaced while it was in use")
        _cut_torn_record(self._path, self._lock_of_path)
        self._size = self._path.stat().st_size


@contextmanager
def _as_internal_error() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise optuna.exceptions.StorageInternalError(str(error)) from error


def _check_journal(path: Path) -> None:
    """Refuse a file of something else before anything is cut off it or appended."""
    with path.open("rb") as file:
        start = file.read(len(_RECORD))
    if not _RECORD.startswith(start):
        raise RuntimeError(
            f"storage={str(path)!r} is no Optuna journal but something else, and is left as it is; "
            "name another file."
        )


def _cut_torn_record(path: Path, lock: JournalFileSymlinkLock) -> None:
    """Take away a last line that was not written to its end.

    Optuna would open the journal and append to that line, and no later resume could read it.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        if file.read(1) in (b"", b"\n"):
            return
    lock.acquire()  # who writes now is done before
    try:
        with path.open("rb+") as file:
            content = file.read()
            whole = content.rfind(b"\n") + 1
            if whole < len(content):
                file.truncate(whole)
                warnings.warn(
                    f"The journal {str(path)!r} ended in half a record, left by a process that was "
                    "stopped while it wrote; the half is cut off, all before it is kept.",
                    UserWarning,
                    stacklevel=2,
                )
    finally:
        lock.release()


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Keep Optuna from announcing each study, and leave its log level as it was."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(level, optuna.logging.WARNING))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)
