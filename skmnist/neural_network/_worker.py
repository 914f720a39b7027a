"""Train in another process, which is replaced when it has compiled too many programs.

tensorflow keeps compiled programs until its process ends. So after `MAX_COMPILED` programs, further
ones are compiled in a worker process. The main process keeps everything else: the Keras model, its
callbacks, the random generator and early stopping. For each epoch, it sends weights and optimizer
state to the worker, and receives the new ones.

A worker is a plain subprocess with two pipes. It ends when the pipes are closed, and thus when its
parent ends. multiprocessing would import the main module again, which fails for scripts without a
``__main__`` guard, and it does not start processes inside its own workers.
"""

import atexit
import importlib.util
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from skmnist._workers import is_loky_worker
from skmnist.neural_network._tensorflow import load_training

# Programs per process. Each takes 10 to 14 MB; starting a new process takes as long as compiling a
# few programs.
MAX_COMPILED = 24
IDLE_SECONDS = 300  # after which an idle worker is ended, as in joblib

_START = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C does
import sys
sys.path[:] = {path!r}
from skmnist.neural_network._worker import main
main()
"""


class Worker:
    """A process that trains for this one.

    Parameters
    ----------
    threads : int
        Number of threads for tensorflow; 0 uses tensorflow's default.
    """

    def __init__(self, threads: int) -> None:
        self.n_compiled = 0
        settings = {"KERAS_BACKEND": "tensorflow"}  # may have been changed after the import here
        if threads:
            settings["TF_NUM_INTRAOP_THREADS"] = str(threads)
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START.format(path=list(map(str, sys.path)))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | settings,
        )
        self._waiting = False  # for an answer

    def ask(self, method: str, *args: Any) -> Any:
        """Call a method of the `EpochServer` in the worker; return its result or raise its error.

        Raises
        ------
        RuntimeError
            The worker was killed.
        """
        requests, answers = self.process.stdin, self.process.stdout
        assert requests is not None
        assert answers is not None
        self._waiting = True
        try:
            pickle.dump((method, args), requests, pickle.HIGHEST_PROTOCOL)
            requests.flush()
            result, raised, self.n_compiled = pickle.load(answers)
        except (OSError, EOFError) as error:
            raise RuntimeError(
                f"The worker process, which trains networks after the first {MAX_COMPILED} "
                f"compiled programs, has ended with exit code {self.process.wait()}, probably "
                "because memory ran out. Fit again, with fewer rows or in a new Python process."
            ) from error
        self._waiting = False
        if raised:
            raise result
        return result

    def is_usable(self) -> bool:
        """Return whether the process is alive and has answered all requests."""
        return not self._waiting and self.process.poll() is None

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        with suppress(OSError):  # requests that were not sent
            self.process.communicate()


_idle: dict[Worker, threading.Timer] = {}  # with the timers that end them
_idle_lock = threading.Lock()


@contextmanager
def borrow_worker(accepts: Callable[[Worker], bool], threads: int) -> Iterator[Worker | None]:
    """Provide an idle or new worker for exclusive use in the block; None if there cannot be one.

    Parameters
    ----------
    accepts : callable
        Prepares a worker for the run; returns False if it has compiled too many programs.
    threads : int
        Number of threads for tensorflow; 0 uses tensorflow's default.
    """
    worker = _take_idle()
    try:
        if worker is not None and not accepts(worker):
            worker.close()
            worker = None
        if worker is None and (worker := _start(threads)):
            accepts(worker)
        yield worker
    finally:
        if worker is not None:
            _put_back(worker)


def _start(threads: int) -> Worker | None:
    if not sys.executable or getattr(sys, "frozen", False):  # no interpreter to start
        return None
    # joblib itself replaces workers that use too much memory, if it can measure their memory
    if is_loky_worker() and importlib.util.find_spec("psutil"):
        return None
    try:
        return Worker(threads)
    except OSError:
        return None


def _take_idle() -> Worker | None:
    while True:
        with _idle_lock:
            if not _idle:
                return None
            worker, timer = _idle.popitem()
        timer.cancel()
        if worker.is_usable():
            return worker
        worker.close()


def _put_back(worker: Worker) -> None:
    if not worker.is_usable():  # interrupted or killed
        worker.close()
        return
    worker.ask("end")
    timer = threading.Timer(IDLE_SECONDS, _retire, (worker,))
    timer.daemon = True
    with _idle_lock:
        _idle[worker] = timer
    timer.start()


def _retire(worker: Worker) -> None:
    with _idle_lock:
        timer = _idle.pop(worker, None)
    if timer is not None:  # not borrowed again in the meantime
        worker.close()


@atexit.register
def _close_all() -> None:
    for worker in list(_idle):
        _retire(worker)


# --- In the worker


def main() -> None:
    """Answer requests until the parent closes the pipe or ends."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "r+b") as nothing:  # instead of the pipes, for all other code
        os.dup2(nothing.fileno(), 0)
        os.dup2(nothing.fileno(), 1)
    server = load_training().make_server()
    with suppress(EOFError, BrokenPipeError):
        while True:
            method, args = pickle.load(requests)
            try:
                result, raised = getattr(server, method)(*args), False
            except Exception as error:  # raised again in the parent
                result, raised = _portable(error), True
            pickle.dump((result, raised, server.n_compiled), answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()


def _portable(error: Exception) -> Exception:
    """Return the exception, or a copy that can be pickled."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # pickle raises whatever the exception's class does
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
