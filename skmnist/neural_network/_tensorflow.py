"""Import tensorflow when it is needed, and keep it quiet."""

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from skmnist._clock import count_setup
from skmnist._workers import end_with_parent

_MODULE = "skmnist.neural_network._keras"

_forked = False  # this process is the copy of one that had loaded tensorflow


def _note_fork() -> None:
    global _forked
    _forked = _forked or "tensorflow" in sys.modules


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_note_fork)


_import_lock = threading.Lock()


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
    _check_backend()
    with _import_lock:
        if is_loaded():
            return importlib.import_module(_MODULE)
        limit_threads()
        # 1 would drop tensorflow's notes and 2 its warnings; its errors come as exceptions
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        end_with_parent()  # also in workers that scikit-learn has started
        with quiet(), count_setup(), hold_interrupts():
            return importlib.import_module(_MODULE)


def _check_backend() -> None:
    """Raise if Keras runs, or would run, on another backend than tensorflow."""
    file = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras", "keras.json")
    if keras := sys.modules.get("keras"):
        backend, where = keras.config.backend(), "Keras was imported with"
    elif backend := os.environ.get("KERAS_BACKEND", ""):
        where = "The environment sets"
    else:
        with suppress(OSError, ValueError, AttributeError):  # Keras ignores such a file as well
            backend = json.loads(file.read_text()).get("backend", "")
        where = f"{file} sets"
    if backend not in ("", "tensorflow"):
        raise RuntimeError(
            f"{where} KERAS_BACKEND={backend}, but skmnist trains on tensorflow only; set the "
            "environment variable KERAS_BACKEND=tensorflow before Keras is imported."
        )


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


# Passes on what it reads, but for the lines that tensorflow 2.18 to 2.21 write whatever their log
# level is: when they are imported, and when they compile for the first time. Those are held back
# until a NUL reports success, and shown where the end comes without one.
_FILTER = r"""
import os, re
chatter = re.compile(
    rb"WARNING: All log messages before absl|To enable the following instructions"
    rb"|([IWE]\d{4} |\d{4}-\d\d-\d\d ).*"
    rb"\b(port|cudart_stub|cuda_\w+|cpu_feature_guard|computation_placer|gpu_device|service"
    rb"|dump_mlir_util|device_compiler)\.(cc|h):\d+\]"
)
held, waiting = b"", True
while data := os.read(0, 65536):
    for line in re.findall(rb"\0|[^\n\0]*\n|[^\n\0]+", data):
        if line == b"\0":
            held, waiting = b"", False
        elif waiting and chatter.match(line):
            held += line
        else:
            os.write(2, line)
os.write(2, held)
"""

_readers: list[subprocess.Popen[bytes]] = []  # those that a child process still writes to


_quiet_lock = threading.Lock()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the lines that tensorflow writes about itself off the screen, and nothing else.

    They come from C++, below Python's ``sys.stderr``. So file descriptor 2 leads through a process
    of its own meanwhile, which passes on everything else at once: what other threads and child
    processes write, and the last words of this process if it is aborted. Where no such process can
    be started, the lines are shown. After an exception they are shown as well: they may explain it.
    """
    if not _quiet_lock.acquire(blocking=False):  # another thread keeps them off already
        yield
        return
    try:
        with _through_reader():
            yield
    finally:
        _quiet_lock.release()


@contextmanager
def _through_reader() -> Iterator[None]:
    try:
        real = os.dup(2)
    except OSError:  # no standard error at all, as under pythonw
        yield
        return
    if (reader := _start_reader()) is None:
        os.close(real)
        yield
        return
    pipe = reader.stdin.fileno()  # type: ignore[union-attr]
    success = b"\0"
    _flush()
    os.dup2(pipe, 2)
    try:
        yield
    except Exception:
        success = b""
        raise
    finally:
        _flush()
        os.dup2(real, 2)
        os.close(real)
        with suppress(OSError), reader.stdin:  # type: ignore[union-attr]
            os.write(pipe, success)
        try:
            reader.wait(timeout=1)  # what it has read is on the screen before what comes next
        except subprocess.TimeoutExpired:
            _readers.append(reader)


def _start_reader() -> subprocess.Popen[bytes] | None:
    if not sys.executable or getattr(sys, "frozen", False):  # no Python to be started
        return None
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _FILTER],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is meant for this process
        )
    except OSError:
        return None


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()


@contextmanager
def hold_interrupts() -> Iterator[None]:
    """Deliver a Ctrl-C after the block: tensorflow can swallow one while it imports or traces.

    A second Ctrl-C is delivered at once.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    held: list[Any] = []

    def hold(signum: int, frame: Any) -> None:
        held.append(frame)
        if len(held) > 1:
            handler(signum, frame)

    signal.signal(signal.SIGINT, hold)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if len(held) == 1:
            handler(signal.SIGINT, held[0])
