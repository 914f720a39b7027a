"""Run tasks in worker processes or on a cluster, using the active backend of joblib.

The default is loky, which gives each process its share of the cores. It does not fork, because
forked processes hang if tensorflow has been used.
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
from threadpoolctl import ThreadpoolController

Task = tuple[Any, ...]

# Numerical libraries read these variables when they are loaded. tensorflow's variables follow
# OMP_NUM_THREADS if they are not set (see neural_network/_tensorflow.py), but workers inherit the
# environment.
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
MIN_SHARED_BYTES = 1_000_000  # joblib's default
IDLE_SECONDS = 300  # joblib's default; a new worker has to import tensorflow
WATCH_SECONDS = 1.0  # interval between checks that the parent process is alive
AHEAD = 3  # tasks given to each worker while this process is busy with a task of its own
START_SECONDS = 1.0  # maximum time until a submitted task reaches a worker
# Maximum number of tasks to repeat because their data were lost. Dask itself gives up on a task
# after four workers have died while running it.
MAX_LOSSES = 4


def iterate_tasks(
    function: Callable[..., Any],
    tasks: Iterator[Task],
    *,
    n_jobs: int | None = None,
    takes_part: bool = False,
) -> Generator[Any, None, None]:
    """Call a function for each task, and yield the results as they arrive.

    A task is taken from the iterator only when a worker is free, so earlier results can determine
    the next task. This happens in the thread that consumes the generator. Without a cluster, a
    single worker runs the tasks in this process.

    Arrays, data frames and sparse matrices of a megabyte or more among the arguments are shared
    read-only by all processes, and sent only once to each worker of a cluster. Workers use the
    scikit-learn configuration of the caller. If a worker of a cluster dies, another one repeats
    its task.

    When the generator is closed or a task raises, the other tasks are cancelled: processes are
    terminated immediately; in threads and on a cluster, running tasks are completed.

    Parameters
    ----------
    function : callable
        An importable or picklable function.
    tasks : iterator of tuple
        The arguments of each call.
    n_jobs : int or None, default=None
        Number of workers. None uses the value of ``joblib.parallel_config``, or 1. On Dask, any
        value but 1 means all workers of the cluster.
    takes_part : bool, default=False
        Whether this process is one of the workers, instead of waiting for processes. For short
        tasks: other workers may get no new ones while it runs a task.

    Yields
    ------
    result : object
        Return value of the function, in the order of completion.

    Raises
    ------
    joblib.externals.loky.process_executor.TerminatedWorkerError
        If a worker process is killed.
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
        with backend.retrieval_context():  # so that nested tasks do not block their worker
            yield from _on_cluster(backend, call, tasks, n_workers)
    elif kind == "LokyBackend":
        n_threads = backend.inner_max_num_threads or max(1, cpu_count() // n_workers)
        yield from _in_processes(call, tasks, n_workers, n_threads, takes_part)
    elif kind == "ThreadingBackend":
        with ThreadPoolExecutor(n_workers) as pool:
            yield from _in_pool(pool.submit, call, tasks, n_workers)
    else:  # other backends only support lists of tasks
        while batch := list(islice(tasks, n_workers)):
            yield from Parallel(n_jobs=n_jobs)(delayed(call)(*task) for task in batch)


@dataclass(frozen=True)
class _Call:
    """Call the function in a worker with the configuration of the caller."""

    function: Callable[..., Any]
    config: dict[str, Any]

    def __call__(self, *task: Any) -> Any:
        # nested tasks run in this worker, which already uses its share of the cores
        with config_context(**self.config), parallel_config(backend="threading", n_jobs=1):
            items = (item.load() if isinstance(item, _Stored) else item for item in task)
            return self.function(*items)


@dataclass(frozen=True)
class _Large:
    """Replace large arguments of tasks with references that all workers can load."""

    put: Callable[[Any], Any]
    known: dict[int, tuple[Any, Any]] = field(default_factory=dict)

    def __call__(self, task: Task) -> Task:
        return tuple(self._find(item) if _is_large(item) else item for item in task)

    def _find(self, item: Any) -> Any:
        if id(item) not in self.known:
            # keep a reference to the item, so that its id is not reused
            self.known[id(item)] = item, self.put(item)
        return self.known[id(item)][1]


def _is_large(item: Any) -> bool:
    n_bytes = getattr(item, "nbytes", None)
    if n_bytes is None and hasattr(item, "memory_usage"):  # data frames
        n_bytes = item.memory_usage().sum()
    if n_bytes is None:  # sparse matrices
        n_bytes = getattr(getattr(item, "data", None), "nbytes", 0)
    return bool((n_bytes or 0) >= MIN_SHARED_BYTES)


# --- Processes and threads


@cache  # start only one thread
def end_with_parent() -> None:
    """End this process when its parent has ended, if it is a loky worker.

    Otherwise, the workers of a killed parent would finish training and then wait several minutes
    for tasks. In other processes, this function does nothing.
    """
    parent = multiprocessing.parent_process()
    if parent is None or not is_loky_worker():
        return
    threading.Thread(target=_end_after, args=(parent.pid,), name="watch", daemon=True).start()


def is_loky_worker() -> bool:
    """Return whether this process is one of joblib's default workers."""
    return type(multiprocessing.current_process()).__name__.startswith("Loky")


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
    """Create a temporary folder, which loky's tracker deletes if this process is killed."""
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
    """Start loky's resource tracker so that it keeps running when the terminal is closed.

    It deletes temporary folders when all processes that use them have ended. It ignores SIGINT and
    SIGTERM, and inherits the blocked SIGHUP.
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
    call: _Call, tasks: Iterator[Task], n_workers: int, n_threads: int, takes_part: bool
) -> Iterator[Any]:
    # joblib's own pool, so that later calls reuse the workers and their compiled programs
    n_processes = n_workers - takes_part
    with _shared_folder() as folder:
        pool = get_memmapping_executor(
            n_processes,
            timeout=IDLE_SECONDS,
            initializer=end_with_parent,
            env=dict.fromkeys(THREADS, str(n_threads)),
            max_nbytes=None,
        )
        large = _Large(partial(_store, folder))

        def submit(call: _Call, *task: Any) -> Future[Any]:
            return pool.submit(call, *large(task))

        libraries = ThreadpoolController()

        def run_here(*task: Any) -> Any:
            with libraries.limit(limits=n_threads):
                return call(*task)

        own = run_here if takes_part else None
        yield from _in_pool(submit, call, tasks, n_processes, partial(_kill, pool), own)


def _kill(pool: Any, running: set[Future[Any]]) -> None:
    # loky's thread prints a traceback if the pool ends before a submitted task has started
    deadline = time.monotonic() + START_SECONDS
    try:
        while time.monotonic() < deadline and not all(f.running() or f.done() for f in running):
            time.sleep(0.01)
    finally:  # also after another Ctrl-C
        pool.terminate(kill_workers=True)


def _in_pool(
    submit: Callable[..., Future[Any]],
    call: _Call,
    tasks: Iterator[Task],
    n_workers: int,
    stop: Callable[[set[Future[Any]]], Any] = lambda running: None,
    own: Callable[..., Any] | None = None,
) -> Iterator[Any]:
    """Yield the results of a pool, and of tasks that `own` runs in this thread meanwhile."""

    def submit_next(n_tasks: int) -> set[Future[Any]]:
        return {submit(call, *task) for task in islice(tasks, n_tasks)}

    running = submit_next(n_workers)
    try:
        while running:
            task = None if own is None else next(tasks, None)
            if own is not None and task is not None:
                yield own(*task)
                running |= submit_next(AHEAD * n_workers - len(running))
            done, running = wait(running, None if task is None else 0, FIRST_COMPLETED)
            for future in done:
                yield future.result()
                running |= submit_next(1)
    finally:
        if running:  # the generator was closed, or a task failed
            stop(running)


@dataclass(frozen=True)
class _Stored:
    """Reference to an object stored in a file."""

    path: str

    def load(self) -> Any:
        return load(self.path, mmap_mode="r")


def _store(folder: str, item: Any) -> _Stored:
    path = os.path.join(folder, f"{id(item)}.joblib")
    dump(item, path)
    return _Stored(path)


# --- Clusters


def is_cluster(backend: Any) -> bool:
    """Return whether the backend of joblib is Dask."""
    return type(backend).__name__ == "DaskDistributedBackend"


def _on_cluster(backend: Any, call: _Call, tasks: Iterator[Task], n_workers: int) -> Iterator[Any]:
    from distributed import as_completed

    # not via joblib, which sends each large argument to one worker: if that worker dies, calls can
    # fail or wait forever
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
            if future.cancelled() and n_losses < MAX_LOSSES:  # all workers with the data died
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
