"""Import tensorflow when it is needed, and keep it quiet."""

import importlib
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import IO

from skmnist._clock import count_setup

# What tensorflow 2.18 to 2.21 write to file descriptor 2 themselves, before their own log level
# applies: glog lines (its "errors" are plugins registered twice), and the two that go with them.
_CHATTER = re.compile(
    rb"^([IWE]\d{4} |WARNING: All log messages before absl|To enable the following instructions"
    rb"|\d{4}-\d\d-\d\d .*: [IWE] )"
)

_MODULE = "skmnist.neural_network._keras"

_forked = False  # this process is the copy of one that had loaded tensorflow


def _note_fork() -> None:
    global _forked
    _forked = _forked or "tensorflow" in sys.modules


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_note_fork)


def is_loaded() -> bool:
    """Say whether tensorflow has been imported for training already."""
    return _MODULE in sys.modules


def load_training() -> ModuleType:
    """Import the module that trains, and with it tensorflow, which takes seconds.

    Raises
    ------
    RuntimeError
        Keras runs on another backend than tensorflow, or this process was forked from one that
        had loaded tensorflow: its threads are not here, and training would wait for them forever.
    """
    if _forked:
        raise RuntimeError(
            "This process was forked from one that had loaded tensorflow, and training here would "
            'hang. Start workers by joblib (its default, "loky") or by '
            'multiprocessing.get_context("spawn"); predicting works in a forked process too.'
        )
    if is_loaded():
        return importlib.import_module(_MODULE)  # waits where another thread is importing it
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise RuntimeError(
            f"KERAS_BACKEND={backend} is set, but skmnist trains on tensorflow alone; unset it or "
            "set KERAS_BACKEND=tensorflow."
        )
    limit_threads()
    # 1 would drop tensorflow's notes and 2 its warnings; its errors come as exceptions
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet(), count_setup():
        return importlib.import_module(_MODULE)


def limit_threads() -> None:
    """Let tensorflow use as many threads as other libraries may in this process.

    Who shares the cores out among worker processes (joblib's loky, Dask) says so in
    OMP_NUM_THREADS, which tensorflow does not read. Has to come before it is first used.
    """
    # OpenMP allows a list, a number for each level of nesting
    threads = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if "TF_NUM_INTRAOP_THREADS" in os.environ or not threads.isdecimal() or int(threads) < 1:
        return
    os.environ["TF_NUM_INTRAOP_THREADS"] = threads
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", threads)


_quiet_lock = threading.Lock()
_quiet_depth = 0  # blocks that are quiet at the moment, in all threads together
_caught: IO[bytes]
_real: int


@contextmanager
def quiet() -> Iterator[None]:
    """Keep tensorflow's chatter off the screen, and nothing else.

    It comes from C++, below Python's ``sys.stderr``: so the descriptor itself points to a
    temporary file for a while. What is no chatter is written out afterwards, and all of it where
    an exception ended the block.
    """
    failed = False
    _begin_quiet()
    try:
        yield
    except Exception:  # only noted
        failed = True
        raise
    finally:
        _end_quiet(show_all=failed)  # it may say why


def _begin_quiet() -> None:
    global _quiet_depth, _caught, _real
    with _quiet_lock:
        if _quiet_depth == 0:
            try:
                _real = os.dup(2)
            except OSError:  # no standard error at all, as under pythonw
                _real = -1
            else:
                _flush()
                _caught = tempfile.TemporaryFile()  # noqa: SIM115 - closed by _end_quiet
                os.dup2(_caught.fileno(), 2)
        _quiet_depth += 1


def _end_quiet(*, show_all: bool) -> None:
    global _quiet_depth
    with _quiet_lock:
        _quiet_depth -= 1
        if _quiet_depth or _real < 0:
            return
        _flush()
        os.dup2(_real, 2)
        os.close(_real)
        with _caught:
            _caught.seek(0)
            for line in _caught:
                if show_all or not _CHATTER.match(line):
                    os.write(2, line)


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()
