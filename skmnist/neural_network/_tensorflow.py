"""Import tensorflow on demand, and filter its log lines."""

import gc
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
from skmnist.neural_network._cache import set_flags

_MODULE = "skmnist.neural_network._keras"

_forked = False  # whether this process was forked after tensorflow was imported


def _note_fork() -> None:
    global _forked
    _forked = _forked or "tensorflow" in sys.modules


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_note_fork)


_import_lock = threading.Lock()


def is_loaded() -> bool:
    """Return whether the training module, and with it tensorflow, has been imported."""
    return _MODULE in sys.modules


def load_training() -> ModuleType:
    """Import the training module, and with it tensorflow, which takes seconds.

    Raises
    ------
    RuntimeError
        If Keras uses a backend other than tensorflow, or if this process was forked after
        tensorflow was imported. Threads are not forked, so training would wait for them forever.
    """
    if _forked:
        raise RuntimeError(
            "This process was forked after tensorflow was imported, and training would hang. Start "
            'workers with joblib (its default backend, "loky") or with '
            'multiprocessing.get_context("spawn"); prediction also works in forked processes.'
        )
    _check_backend()
    with _import_lock:
        if is_loaded():
            return importlib.import_module(_MODULE)
        limit_threads()
        # hide info (1), warnings (2) and errors (3), which are also raised as exceptions
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        end_with_parent()  # for workers that scikit-learn has started
        with quiet(), count_setup(), hold_interrupts(), pause_collection(), set_flags():
            return importlib.import_module(_MODULE)


def _check_backend() -> None:
    """Raise if Keras uses or would use a backend other than tensorflow."""
    file = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras", "keras.json")
    if keras := sys.modules.get("keras"):
        backend, where = keras.config.backend(), "Keras was imported with"
    elif backend := os.environ.get("KERAS_BACKEND", ""):
        where = "The environment sets"
    else:
        with suppress(OSError, ValueError, AttributeError):  # Keras ignores invalid files, too
            backend = json.loads(file.read_text()).get("backend", "")
        where = f"{file} sets"
    if backend not in ("", "tensorflow"):
        raise RuntimeError(
            f"{where} the backend {backend!r}, but skmnist supports only tensorflow; set the "
            "environment variable KERAS_BACKEND=tensorflow before Keras is imported."
        )


def limit_threads() -> None:
    """Limit tensorflow's threads to OMP_NUM_THREADS, which it does not read itself.

    loky and Dask set this variable to divide the cores among workers. The function has
    no effect once tensorflow has been used.
    """
    # OpenMP allows a list with one number per level of nesting
    threads = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if "TF_NUM_INTRAOP_THREADS" in os.environ or not threads.isdecimal() or int(threads) < 1:
        return
    os.environ["TF_NUM_INTRAOP_THREADS"] = threads
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", threads)


# Copies standard input to standard error, except for lines that versions 2.18 to 2.21 of tensorflow
# write at any log level, on import and when first compiling. These are held back until a NUL
# reports success, and written if the input ends without one.
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
    """Hide tensorflow's startup log lines, and nothing else.

    They are written by C++ code, not through ``sys.stderr``. Therefore, file descriptor 2 is
    redirected to a filter process, which passes on everything else immediately, including output of
    other threads and child processes, and messages before an abort. The lines are shown if the
    filter cannot be started, and after an exception, which they may explain.
    """
    if not _quiet_lock.acquire(blocking=False):  # another thread is filtering
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
    except OSError:  # no standard error, as in pythonw
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
            reader.wait(timeout=1)  # so that the output stays in order
        except subprocess.TimeoutExpired:
            _readers.append(reader)


def _start_reader() -> subprocess.Popen[bytes] | None:
    if not sys.executable or getattr(sys, "frozen", False):  # no interpreter to start
        return None
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _FILTER],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # not stopped by Ctrl-C
        )
    except OSError:
        return None


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()


@contextmanager
def hold_interrupts() -> Iterator[None]:
    """Delay Ctrl-C until the end of the block; tensorflow can lose it during import and tracing.

    A second Ctrl-C takes effect immediately.
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


@contextmanager
def pause_collection() -> Iterator[None]:
    """Pause Python's garbage collection, which would visit tensorflow's objects again and again.

    Importing tensorflow creates 400,000 objects, and tracing a program many more; nearly all of
    them stay.
    """
    if not gc.isenabled():
        yield
        return
    gc.collect(1)  # so that none of the caller's recent garbage is moved below
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # the caller has frozen no objects
            gc.freeze()
            gc.unfreeze()  # the two move all objects to the oldest generation without visiting them
        gc.enable()
