"""Tasks in processes, in threads and here. Dask has a file of its own."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest
import sklearn
from joblib import cpu_count, effective_n_jobs, parallel_config, register_parallel_backend
from joblib.externals.loky.process_executor import TerminatedWorkerError
from joblib.parallel import ThreadingBackend, get_active_backend
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_info

from skmnist._workers import end_with_parent, iterate_tasks

N_LARGE = 150_000  # float64: more than a megabyte


def add(a, b):
    return a + b


def tell(_):
    return os.getpid(), threading.get_ident(), os.environ.get("OMP_NUM_THREADS")


def wait_for(path, then):
    while path is not None and not path.exists():
        time.sleep(0.01)
    return then


def rows_of(X):
    return type(X).__name__, getattr(X, "filename", None), float(X.sum())


def column_sum(frame):
    column = frame["a"].to_numpy()
    return float(column.sum()), column.flags.writeable


def n_stored(matrix):
    return matrix.nnz, type(matrix.data).__name__


def fail(number):
    if number == 1:
        raise ValueError("number 1 is not liked")
    time.sleep(0.05)
    return number


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def note_and_sleep(path):
    path.write_text(str(os.getpid()))
    time.sleep(60)


def config(_):
    return sklearn.get_config()["assume_finite"]


def nested_backend(_):
    return type(get_active_backend()[0]).__name__, effective_n_jobs(None)


def logged(tasks, log):
    for task in tasks:
        log.append(f"take {task[-1]}")
        yield task


@pytest.mark.parametrize("n_jobs", [None, 1])
def test_one_worker_is_this_thread_and_takes_a_task_when_the_last_one_is_told(n_jobs):
    log = []
    for pid, thread, _ in iterate_tasks(tell, logged([(0,), (1,)], log), n_jobs=n_jobs):
        assert (pid, thread) == (os.getpid(), threading.get_ident())
        log.append("told")
    assert log == ["take 0", "told", "take 1", "told"]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_a_task_is_taken_only_when_a_worker_is_free(tmp_path, backend):
    log = []
    first = tmp_path / "first may end"
    tasks = [(first, 0), (None, 1), (None, 2), (None, 3)]
    with parallel_config(backend=backend):
        for result in iterate_tasks(wait_for, logged(tasks, log), n_jobs=2):
            log.append(f"told {result}")
            if result == 2:
                first.touch()
                time.sleep(0.2)
    taken = [entry for entry in log if entry.startswith("take")]
    assert taken == ["take 0", "take 1", "take 2", "take 3"]
    # the one that waits holds nobody up, none is taken ahead, and each is told before the next
    assert log[:5] == ["take 0", "take 1", "told 1", "take 2", "told 2"]
    assert log.index("take 3") > log.index("told 2")
    assert sorted(entry for entry in log if entry.startswith("told")) == [
        "told 0",
        "told 1",
        "told 2",
        "told 3",
    ]


@pytest.mark.slow
def test_processes_share_the_cores():
    told = list(iterate_tasks(tell, iter([(0,), (1,)]), n_jobs=2))
    assert os.getpid() not in {pid for pid, *_ in told}
    assert {n_threads for *_, n_threads in told} == {str(max(1, cpu_count() // 2))}


@pytest.mark.slow
def test_this_process_may_be_one_of_the_workers():
    n_threads = [pool["num_threads"] for pool in threadpool_info()]
    told = []
    results = iterate_tasks(tell_slowly, ((n,) for n in range(40)), n_jobs=2, takes_part=True)
    for number, pid, thread, limits in results:
        told.append((number, pid))
        if pid == os.getpid():
            assert thread == threading.get_ident()
            assert limits == {max(1, cpu_count() // 2)}
        assert [pool["num_threads"] for pool in threadpool_info()] == n_threads
    assert sorted(number for number, _ in told) == list(range(40))
    assert len({pid for _, pid in told}) == 2
    assert told[0][1] == os.getpid()  # which does not have to start
    assert sum(pid != os.getpid() for _, pid in told) > 5


def tell_slowly(number):
    time.sleep(0.1)  # so that the other worker has started before all tasks are done
    limits = {pool["num_threads"] for pool in threadpool_info()}
    return number, os.getpid(), threading.get_ident(), limits


@pytest.mark.slow
def test_threads_per_worker_are_the_callers_where_they_are_said():
    with parallel_config(backend="loky", inner_max_num_threads=3):
        told = list(iterate_tasks(tell, iter([(0,)]), n_jobs=2))
    assert [n_threads for *_, n_threads in told] == ["3"]


def test_number_of_workers_is_taken_from_the_context():
    with parallel_config(backend="threading", n_jobs=2):
        told = list(iterate_tasks(tell, iter([(0,), (1,)])))
    assert {pid for pid, *_ in told} == {os.getpid()}
    assert threading.get_ident() not in {thread for _, thread, _ in told}


def test_a_backend_that_is_only_known_to_joblib_is_used_as_well():
    class OtherBackend(ThreadingBackend):
        pass

    register_parallel_backend("skmnist-other", OtherBackend)
    log = []
    with parallel_config(backend="skmnist-other"):
        results = list(iterate_tasks(add, logged([(1, n) for n in range(5)], log), n_jobs=2))
    assert results == [1, 2, 3, 4, 5]


@pytest.mark.slow
def test_large_arrays_are_one_file_for_all_workers():
    X = np.ones(N_LARGE)
    told = list(iterate_tasks(rows_of, ((X,) for _ in range(4)), n_jobs=2))
    assert {(kind, total) for kind, _, total in told} == {("memmap", float(N_LARGE))}
    (path,) = {path for _, path, _ in told}
    assert not os.path.exists(path)  # and it is cleaned up


@pytest.mark.slow
def test_frames_and_sparse_matrices_are_shared_too():
    frame = pd.DataFrame({"a": np.ones(N_LARGE)})
    assert list(iterate_tasks(column_sum, iter([(frame,)]), n_jobs=2)) == [(N_LARGE, False)]
    matrix = csr_matrix(np.ones((1, N_LARGE)))
    assert list(iterate_tasks(n_stored, iter([(matrix,)]), n_jobs=2)) == [(N_LARGE, "memmap")]


def test_configuration_goes_along():
    with sklearn.config_context(assume_finite=True):
        assert list(iterate_tasks(config, iter([(0,), (1,)]), n_jobs=2)) == [True, True]


def test_a_task_does_not_start_workers_of_its_own():
    told = list(iterate_tasks(nested_backend, iter([(0,)]), n_jobs=2))
    assert told == [("ThreadingBackend", 1)]


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_an_exception_in_a_task_comes_through_and_ends_it(backend):
    log = []
    tasks = logged([(number,) for number in range(100)], log)
    with parallel_config(backend=backend), pytest.raises(ValueError, match="number 1 is not"):
        list(iterate_tasks(fail, tasks, n_jobs=2))
    assert len(log) < 10


@pytest.mark.slow
def test_after_an_exception_there_are_workers_again():
    with pytest.raises(ValueError, match="not liked"):
        list(iterate_tasks(fail, iter([(0,), (1,)]), n_jobs=2))
    assert list(iterate_tasks(add, iter([(1, 2)]), n_jobs=2)) == [3]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_a_killed_worker_is_told_and_there_are_workers_again():
    with pytest.raises(TerminatedWorkerError):
        list(iterate_tasks(die, iter([(0,), (1,)]), n_jobs=2))
    assert list(iterate_tasks(add, iter([(1, 2)]), n_jobs=2)) == [3]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="asks for a POSIX process")
def test_closing_kills_what_runs(tmp_path):
    path = tmp_path / "pid"
    results = iterate_tasks(_sleep_or_add, iter([(path, 0), (None, 1)]), n_jobs=2)
    assert next(results) == 1
    while not path.exists() or not path.read_text():
        time.sleep(0.01)
    results.close()
    for _ in range(500):
        if not _is_alive(int(path.read_text())):
            return
        time.sleep(0.01)
    pytest.fail("the worker still sleeps")


def _sleep_or_add(path, number):
    return number if path is None else note_and_sleep(path)


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_closing_when_all_have_ended_costs_no_worker():
    before = {pid for pid, *_ in iterate_tasks(tell, ((n,) for n in range(20)), n_jobs=2)}
    results = iterate_tasks(tell, iter([(0,)]), n_jobs=2)
    next(results)
    results.close()  # nothing runs: the workers stay, with what they have compiled
    after = {pid for pid, *_ in iterate_tasks(tell, ((n,) for n in range(20)), n_jobs=2)}
    assert before & after


def test_watching_the_parent_is_for_workers_alone():
    n_threads = threading.active_count()
    end_with_parent()
    assert threading.active_count() == n_threads


def count_watchers(_):
    end_with_parent()  # once more
    return sum(thread.name == "watch" for thread in threading.enumerate())


@pytest.mark.slow
def test_each_worker_watches_its_parent_once():
    assert list(iterate_tasks(count_watchers, ((n,) for n in range(4)), n_jobs=2)) == [1] * 4


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
@pytest.mark.parametrize("task", ["compare", "cross_validate"])
@pytest.mark.parametrize(
    ("name", "whole_group"),
    [("SIGKILL", False), ("SIGTERM", False), ("SIGTERM", True), ("SIGHUP", True)],
)
def test_whoever_ends_the_parent_ends_its_workers_and_temporary_folders(
    tmp_path, task, name, whole_group
):
    notes, temporary = tmp_path / "notes", tmp_path / "temporary"
    notes.mkdir()
    temporary.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.killed", task, notes],
        env={**os.environ, "JOBLIB_TEMP_FOLDER": str(temporary), "TMPDIR": str(temporary)},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        wait_until(lambda: len(list(notes.iterdir())) == 2)
        workers = [int(path.name) for path in notes.iterdir()]
        assert list(temporary.iterdir())
        kill = os.killpg if whole_group else os.kill
        kill(process.pid, getattr(signal, name))
    wait_until(lambda: not any(map(_is_alive, workers)))
    wait_until(lambda: not list(temporary.iterdir()))


def wait_until(condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail("it does not come to that")
