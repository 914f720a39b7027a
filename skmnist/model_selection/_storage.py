"""Where a study is kept: in memory, in a file, in a database."""

import os
import re
import time
import warnings
from collections.abc import Iterator
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
        told = str(getattr(error.__cause__ or error, "orig", None) or error).strip()
        for secret in (parsed.password, *parsed.query.values()):  # it may say them
            told = told.replace(str(secret), "***") if secret else told
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
        _check_journal(path)
        _cut_torn_record(path, lock)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        backend = JournalFileBackend(str(path), lock_obj=lock)
        try:
            return JournalStorage(backend)
        except (KeyError, OSError, ValueError) as error:
            raise RuntimeError(
                f"storage={str(path)!r} cannot be read as an Optuna journal: {error}"
            ) from None


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


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Keep Optuna from announcing each study, and leave its log level as it was."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(level, optuna.logging.WARNING))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)
