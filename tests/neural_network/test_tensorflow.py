import contextlib
import gc
import os
import signal
import subprocess
import sys
import weakref

import numpy as np
import pytest

from skmnist import SimpleNNClassifier
from skmnist.neural_network import _engine, _tensorflow
from skmnist.neural_network._tensorflow import (
    hold_interrupts,
    limit_threads,
    pause_collection,
    quiet,
)

CHATTER = b"I0000 00:00:1795353481.389610    9545 port.cc:153] oneDNN custom operations are on.\n"


def test_chatter_is_kept_off_the_screen_and_nothing_else(capfd):
    with quiet():
        os.write(2, CHATTER)
        os.write(2, b"disk is full\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "disk is full\nafter\n"


def test_where_it_failed_all_of_it_is_shown(capfd):
    def fail():
        os.write(2, CHATTER)
        raise ImportError

    with pytest.raises(ImportError), quiet():
        fail()
    assert "oneDNN" in capfd.readouterr().err


def test_of_blocks_in_several_threads_one_is_quiet_and_none_loses_a_line(capfd):
    first, second = quiet(), quiet()
    first.__enter__()
    second.__enter__()
    os.write(2, CHATTER + b"meanwhile\n")
    first.__exit__(None, None, None)  # ends before the one that began later
    os.write(2, b"still\n")
    second.__exit__(None, None, None)
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "meanwhile\nstill\nafter\n"


def test_lines_of_that_form_by_others_and_unfinished_ones_are_shown(capfd):
    lines = b"I0000 00:00:1795353481.389610    9545 mine.cc:7] loading\n50 %\r100 %\r"
    with quiet():
        os.write(2, lines)
    assert capfd.readouterr().err.encode() == lines


def run_quiet(body, **options):
    script = f"""
import os, subprocess, sys
from skmnist.neural_network import _tensorflow
with _tensorflow.quiet():
    os.write(2, {CHATTER!r})
    {body}
os.write(2, b"after\\n")
"""
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, **options
    )


@pytest.mark.slow
def test_the_last_words_of_a_process_that_is_aborted_are_seen():
    done = run_quiet("os.write(2, b'out of memory\\n'); os.abort()")
    assert done.returncode < 0
    assert "out of memory" in done.stderr
    assert "oneDNN" in done.stderr  # it may explain the end


@pytest.mark.slow
def test_a_child_that_writes_later_loses_nothing():
    child = "import time; time.sleep(1.5); print('from the child', file=__import__('sys').stderr)"
    done = run_quiet(f"subprocess.Popen([sys.executable, '-c', {child!r}])")
    assert sorted(done.stderr.splitlines()) == ["after", "from the child"]


def test_where_no_process_can_be_started_the_lines_are_shown(capfd, monkeypatch):
    monkeypatch.setattr(_tensorflow.sys, "executable", "/nowhere/python")
    with quiet():
        os.write(2, CHATTER)
    assert capfd.readouterr().err.encode() == CHATTER


@pytest.mark.slow
def test_without_standard_error_the_block_runs_all_the_same():
    script = (
        "import os; os.close(2)\n"
        "from skmnist.neural_network._tensorflow import quiet\n"
        "with quiet(): print('ran')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60)
    assert done.stdout == b"ran\n"


def test_an_interrupt_shows_no_chatter(capfd):
    def interrupt():
        os.write(2, CHATTER)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), quiet():
        interrupt()
    assert capfd.readouterr().err == ""


def test_ctrl_c_is_delivered_when_the_block_has_ended():
    steps = []

    @hold_interrupts()
    def press():
        signal.raise_signal(signal.SIGINT)
        steps.append("the block went on")

    with pytest.raises(KeyboardInterrupt):
        press()
    assert steps
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_second_ctrl_c_is_delivered_at_once():
    with hold_interrupts():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_while_tensorflow_compiles_ends_the_training(monkeypatch):
    def swallow(model, *args):
        with contextlib.suppress(BaseException):  # as a callback from C++ does
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(_engine.Program, "compile", swallow)
    with pytest.raises(KeyboardInterrupt):
        SimpleNNClassifier(7, epochs=50).fit(np.eye(8), np.arange(8) % 2)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"OMP_NUM_THREADS": "3"}, ("3", "3")),
        ({"OMP_NUM_THREADS": "4,2"}, ("4", "4")),  # a number for each level of nesting
        ({"OMP_NUM_THREADS": "3", "TF_NUM_INTRAOP_THREADS": "5"}, ("5", None)),
        ({"OMP_NUM_THREADS": "3", "TF_NUM_INTEROP_THREADS": "5"}, ("3", "5")),
        ({"OMP_NUM_THREADS": "0"}, (None, None)),
        ({"OMP_NUM_THREADS": ""}, (None, None)),
        ({"OMP_NUM_THREADS": "many"}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_threads_are_as_many_as_workers_are_allowed(monkeypatch, given, found):
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        monkeypatch.setenv(name, "")  # so that what is set in the test goes with it
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    limit_threads()
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    assert tuple(map(os.environ.get, names)) == found


COUNT = """
import sys, numpy as np
from pathlib import Path
from skmnist import SimpleNNClassifier
X = np.random.default_rng(0).random((2000, 64), dtype=np.float32)
SimpleNNClassifier(64, epochs=2).fit(X, np.arange(2000) % 3)
print(len(list(Path("/proc/self/task").iterdir())))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads in /proc")
def test_tensorflow_really_starts_so_many_threads():
    counts = []
    for n_threads in (1, 5):
        done = subprocess.run(
            [sys.executable, "-c", COUNT],
            capture_output=True,
            text=True,
            timeout=120,
            # BLAS, which follows the first as well, is not what is counted
            env={
                # a fit after Dask's sets the number for tensorflow in this process
                **{k: v for k, v in os.environ.items() if not k.startswith("TF_NUM_")},
                "OMP_NUM_THREADS": str(n_threads),
                "OPENBLAS_NUM_THREADS": "1",
            },
            check=True,
        )
        counts.append(int(done.stdout))
    assert counts[1] >= counts[0] + 4


COLLECTIONS = """
import gc
import sys

import numpy as np
from skmnist import SimpleNNClassifier
from skmnist.neural_network._tensorflow import load_training

model = SimpleNNClassifier(8, epochs=1, validation_fraction=None)
started = []


def note(phase, info):
    if phase == "start" and "tensorflow" in sys.modules:
        started.append(info)


gc.callbacks.append(note)
load_training()
n_imported = len(started)
model.fit(np.zeros((20, 4), np.float32), np.arange(20) % 2)
print(n_imported, sum(info["generation"] == 2 for info in started), gc.isenabled())
"""


@pytest.mark.slow
def test_objects_of_tensorflow_are_not_visited_while_it_is_loaded_and_a_program_is_traced():
    done = subprocess.run(
        [sys.executable, "-c", COLLECTIONS],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.split() == ["0", "0", "True"]


class Cycle:
    def __init__(self):
        self.me = self


def test_garbage_of_a_paused_block_is_collected_afterwards():
    with pause_collection():
        assert not gc.isenabled()
        ref = weakref.ref(Cycle())
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert ref() is None


def test_settings_of_the_caller_for_garbage_collection_are_kept():
    gc.disable()
    try:
        with pause_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
    gc.freeze()
    try:
        n_frozen = gc.get_freeze_count()
        with pause_collection():
            pass
        assert gc.get_freeze_count() >= n_frozen - 1000  # some have been deleted
    finally:
        gc.unfreeze()


def test_garbage_from_before_a_pause_is_collected_before_it():
    ref = weakref.ref(Cycle())
    with pause_collection():
        assert ref() is None
