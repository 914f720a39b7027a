"""Where a study is kept: in memory, in a file, in a database."""

import os
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import optuna
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock, JournalStorage

JOURNAL_ENDINGS = (".journal", ".log")
ATTEMPTS = 3  # at making the tables
BUSY_SECONDS = 60  # how long SQLite waits while another process writes


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
    path = Path(storage).absolute()  # a journal's lock by a relative path could wait for ever
    if not path.parent.is_dir():
        raise ValueError(f"storage={str(storage)!r} is in a folder that does not exist; make it.")
    if path.is_dir():
        raise ValueError(f"storage={str(storage)!r} is a folder; name a file in it.")
    if path.suffix in JOURNAL_ENDINGS:
        return _open_journal(path)
    return _open_url(f"sqlite:///{path}", shown=str(storage))


def close_storage(storage: optuna.storages.BaseStorage) -> None:
    """Close a database's connections; who uses the storage after this gets new ones."""
    if isinstance(storage, optuna.storages.RDBStorage):
        storage.remove_session()
        storage.engine.dispose()


def show_storage(storage: Any) -> str:
    """Return what to call a storage, without a password."""
    if isinstance(storage, str) and "://" in storage:
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        with suppress(ArgumentError):
            return make_url(storage).render_as_string(hide_password=True)
        return storage.partition("://")[0] + "://..."
    return str(storage)


def _open_url(url: str, shown: str | None = None) -> optuna.storages.BaseStorage:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    shown = shown or show_storage(url)
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError(
            f"storage={shown!r} is no database URL; it looks like "
            "postgresql://user:password@host:5432/name."
        ) from None
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")  # psycopg 3, whatever SQLAlchemy's own
    options: dict[str, Any] = {"pool_pre_ping": True}
    if parsed.get_backend_name() == "sqlite":
        options = {"connect_args": {"timeout": BUSY_SECONDS}}
    try:
        return _make_tables(parsed.render_as_string(hide_password=False), options)
    except ImportError:
        raise ImportError(
            f"storage={shown!r} needs a driver that is not installed: for PostgreSQL "
            "pip install 'skmnist[postgres]'."
        ) from None
    except (SQLAlchemyError, RuntimeError) as error:  # what it says may hold the password
        told = str(getattr(error, "orig", None) or error).strip()
        if parsed.password:
            told = told.replace(str(parsed.password), "***")
        raise RuntimeError(
            f"storage={shown!r} cannot be opened: {' '.join(told.split())}"
        ) from None


def _make_tables(url: str, options: dict[str, Any]) -> optuna.storages.RDBStorage:
    """Open a database; where another process makes the tables at the same moment, once more."""
    from sqlalchemy.exc import DBAPIError

    for _ in range(ATTEMPTS):
        with suppress(DBAPIError):
            return optuna.storages.RDBStorage(url, engine_kwargs=options)
        time.sleep(0.1)
    return optuna.storages.RDBStorage(url, engine_kwargs=options)


def _open_journal(path: Path) -> JournalStorage:
    lock = JournalFileSymlinkLock(str(path))
    with suppress(FileNotFoundError):
        _cut_torn_record(path, lock)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        backend = JournalFileBackend(str(path), lock_obj=lock)
        try:
            return JournalStorage(backend)
        except (OSError, ValueError) as error:
            raise RuntimeError(
                f"storage={str(path)!r} cannot be read as an Optuna journal: {error}"
            ) from None


def _cut_torn_record(path: Path, lock: JournalFileSymlinkLock) -> None:
    """Take away a last line that was not written to its end.

    Optuna would open the journal and append to that line, and no later resume could read it.
    """
    if not path.stat().st_size:
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
