"""Run tasks in worker processes or on a cluster: wherever the caller chose to by joblib.

Without a choice these are loky's processes (never forks: one that was forked after tensorflow was
used hangs), each with its share of the cores. Inside ``joblib.parallel_config(backend=...)`` it is
that backend.
"""

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import islice
from typing import Any

from joblib import Parallel, cpu_count, delayed, dump, effective_n_jobs, load, parallel_config
from joblib.executor import get_memmapping_executor
from joblib.externals.loky.backend import resource_tracker
from joblib.parallel import get_active_backend
from sklearn import config_context, get_config

Task = tuple[Any, ...]

# What the libraries that train and predict read once, when they are loaded. Tensorflow's own two
# follow OMP_NUM_THREADS (see neural_network/_tensorflow.py), but a worker would inherit those that
# this process has.
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
MIN_SHARED_BYTES = 1_000_000  # as joblib has it
IDLE_SECONDS = 300  # as joblib has it; a new worker imports tensorflow anew
WATCH_SECONDS = 1.0  # between two looks at whether the parent process is still there
START_SECONDS = 1.0  # in which a task that was submitted is on its way to a worker
# A cluster that loses what it was sent more often than this is not one to wait for; Dask itself
# gives up on a task whose workers died four times.
MAX_LOSSES = 4


def iterate_tasks(
    function: Callable[..., Any], tasks: Iterator[Task], *, n_jobs: int | None = None
) -> Generator[Any, None, None]:
    """Call a function once for each task, and yield what it returns as it comes.

    A task is taken from the iterator only when a worker is free for it, in the thread that
    iterates over the results, and after the results before it have been handed over: what they
    told can decide on what the next task is. With one worker that is no cluster's, tasks run here,
    one after another.

    Arrays, frames and sparse matrices of a megabyte or more that are items of a task lie in memory
    once for all processes, read-only; to each worker of a cluster they are sent once.
    scikit-learn's configuration goes along. A worker of a cluster that dies loses nothing but time:
    its task is run anew by another one.

    Closing the generator, or an exception in a task, ends the other tasks: at once in processes, in
    threads and on a cluster once those that run have finished.

    Parameters
    ----------
    function : callable
        Importable or picklable.
    tasks : iterator of tuple
        The arguments of each call.
    n_jobs : int or None, default=None
        Workers; None is what ``joblib.parallel_config`` says, or 1. On Dask all but 1 mean as many
        as the cluster has.

    Yields
    ------
    result : object
        What the function returned, in the order in which the tasks end.

    Raises
    ------
    joblib.externals.loky.process_executor.TerminatedWorkerError
        A worker process was killed.
    """
    tasks, n_workers = iter(tasks), effective_n_jobs(n_jobs)
    backend, _ = get_active_backend()
    on_cluster = is_cluster(backend) and n_jobs != 1
    if n_workers == 1 and not on_cluster:
        for task in tasks:
            yield function(*task)
        return
    call = _Call(function, get_config())
    kind = type(backend).__name__
    if on_cluster:
        with backend.retrieval_context():  # a task of its own must not block the worker it is on
            yield from _on_cluster(backend, call, tasks, n_workers)
    elif kind == "LokyBackend":
        n_threads = backend.inner_max_num_threads or max(1, cpu_count() // n_workers)
        yield from _in_processes(call, tasks, n_workers, n_threads)
    elif kind == "ThreadingBackend":
        with ThreadPoolExecutor(n_workers) as pool:
            yield from _in_pool(pool.submit, call, tasks, n_workers)
    else:  # of other backends joblib knows no more than lists
        while batch := list(islice(tasks, n_workers)):
            yield from Parallel(n_jobs=n_jobs)(delayed(call)(*task) for task in batch)


@dataclass(frozen=True)
class _Call:
    """Calls the function in a worker as it would be called here."""

    function: Callable[..., Any]
    config: dict[str, Any]

    def __call__(self, *task: Any) -> Any:
        # what a task itself would spread stays in its worker, whose share of the cores is spent
        with config_context(**self.config), parallel_config(backend="threading", n_jobs=1):
            items = (item.load() if isinstance(item, _Stored) else item for item in task)
            return self.function(*items)


@dataclass(frozen=True)
class _Large:
    """Puts what is large in tasks where all workers find it, each item once."""

    put: Callable[[Any], Any]
    known: dict[int, tuple[Any, Any]] = field(default_factory=dict)

    def __call__(self, task: Task) -> Task:
        return tuple(self._find(item) if _is_large(item) else item for item in task)

    def _find(self, item: Any) -> Any:
        if id(item) not in self.known:
            # the reference sees to it that no other object gets this id
            self.known[id(item)] = item, self.put(item)
        return self.known[id(item)][1]


def _is_large(item: Any) -> bool:
    n_bytes = getattr(item, "nbytes", None)
    if n_bytes is None and hasattr(item, "memory_usage"):  # a frame
        n_bytes = item.memory_usage().sum()
    if n_bytes is None:  # a sparse matrix, or nothing of the kind
        n_bytes = getattr(getattr(item, "data", None), "nbytes", 0)
    return bool((n_bytes or 0) >= MIN_SHARED_BYTES)


# --- processes and threads of this machine


@cache  # one thread is enough
def end_with_parent() -> None:
    """End this process when the one that started it has ended, if this is one of loky's workers.

    Killed processes clear nothing up: their workers would train to the end, and then wait for
    tasks for minutes. In any other process this does nothing.
    """
    parent = multiprocessing.parent_process()
    if parent is None or not type(multiprocessing.current_process()).__name__.startswith("Loky"):
        return
    threading.Thread(target=_end_after, args=(parent.pid,), name="watch", daemon=True).start()


def _end_after(pid: int | None) -> None:
    if sys.platform == "win32":
        import _winapi
        from multiprocessing.connection import wait as wait_for_handle

        wait_for_handle([_winapi.OpenProcess(_winapi.SYNCHRONIZE, False, pid)])
    else:
        while os.getppid() == pid:
            time.sleep(WATCH_SECONDS)
    os._exit(1)


@contextmanager
def _shared_folder() -> Iterator[str]:
    """Make a temporary folder, which loky's resource tracker removes if this process is killed."""
    start_tracker()
    with tempfile.TemporaryDirectory(
        prefix="skmnist-", dir=os.environ.get("JOBLIB_TEMP_FOLDER"), ignore_cleanup_errors=True
    ) as folder:
        resource_tracker.register(folder, "folder")
        try:
            yield folder
        finally:
            resource_tracker.unregister(folder, "folder")


def start_tracker() -> None:
    """Start loky's resource tracker such that a closing terminal does not end it.

    It removes the temporary folders of joblib and ours when all processes that use them have
    ended. It ignores SIGINT and SIGTERM itself, and inherits that SIGHUP is blocked.
    """
    if sys.platform == "win32":
        resource_tracker.ensure_running()
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        resource_tracker.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_processes(
    call: _Call, tasks: Iterator[Task], n_workers: int, n_threads: int
) -> Iterator[Any]:
    # joblib's own pool: its workers outlive this call, and with them what they have compiled
    with _shared_folder() as folder:
        pool = get_memmapping_executor(
            n_workers,
            timeout=IDLE_SECONDS,
            initializer=end_with_parent,
            env=dict.fromkeys(THREADS, str(n_threads)),
            max_nbytes=None,
        )
        stored = map(_Large(partial(_store, folder)), tasks)
        yield from _in_pool(pool.submit, call, stored, n_workers, stop=partial(_kill, pool))


def _kill(pool: Any, running: set[Future[Any]]) -> None:
    # loky's own thread fails, and says so, where it ends between a task's submission and its start
    deadline = time.monotonic() + START_SECONDS
    try:
        while time.monotonic() < deadline and not all(f.running() or f.done() for f in running):
            time.sleep(0.01)
    finally:  # also where Ctrl-C is pressed again
        pool.terminate(kill_workers=True)


def _in_pool(
    submit: Callable[..., Future[Any]],
    call: _Call,
    tasks: Iterator[Task],
    n_workers: int,
    stop: Callable[[set[Future[Any]]], Any] = lambda running: None,
) -> Iterator[Any]:
    running = {submit(call, *task) for task in islice(tasks, n_workers)}
    try:
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
                running |= {submit(call, *task) for task in islice(tasks, 1)}
    finally:
        if running:  # closed early, or one has failed
            stop(running)


@dataclass(frozen=True)
class _Stored:
    """Stands for something that lies in a file."""

    path: str

    def load(self) -> Any:
        return load(self.path, mmap_mode="r")


def _store(folder: str, item: Any) -> _Stored:
    path = os.path.join(folder, f"{id(item)}.joblib")
    dump(item, path)
    return _Stored(path)


# --- a cluster


def is_cluster(backend: Any) -> bool:
    """Say whether joblib's backend is Dask's."""
    return type(backend).__name__ == "DaskDistributedBackend"


def _on_cluster(backend: Any, call: _Call, tasks: Iterator[Task], n_workers: int) -> Iterator[Any]:
    from distributed import as_completed

    # not by joblib's own calls: these send what a task needs to one worker, and when it is lost
    # with the worker they can fail or wait for ever
    client = backend.client
    large = _Large(partial(client.scatter, broadcast=True, hash=False))
    running: dict[str, tuple[Any, Task]] = {}
    ending = as_completed(loop=client.loop)

    def submit(task: Task) -> None:
        future = client.submit(call, *large(task), pure=False, **backend.submit_kwargs)
        running[future.key] = future, task
        ending.add(future)

    n_losses = 0
    try:
        for task in islice(tasks, n_workers):
            submit(task)
        for future in ending:
            _, task = running.pop(future.key)
            if future.cancelled() and n_losses < MAX_LOSSES:  # the rows went with all who had them
                n_losses += 1
                large.known.clear()
                submit(task)
                continue
            yield future.result()
            for task in islice(tasks, 1):
                submit(task)
    finally:
        if running:
            client.cancel([future for future, _ in running.values()])
