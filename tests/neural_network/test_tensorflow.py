import os
import subprocess
import sys

import pytest

from skmnist.neural_network._tensorflow import limit_threads, quiet

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


def test_quiet_blocks_of_several_threads_overlap(capfd):
    first, second = quiet(), quiet()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)  # ends before the one that began later
    os.write(2, CHATTER)
    second.__exit__(None, None, None)
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_an_interrupt_shows_no_chatter(capfd):
    def interrupt():
        os.write(2, CHATTER)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), quiet():
        interrupt()
    assert capfd.readouterr().err == ""


def test_another_backend_is_refused_with_the_way_out():
    script = (
        "from sklearn.datasets import load_iris\n"
        "from skmnist import SimpleNNClassifier\n"
        "SimpleNNClassifier(epochs=1).fit(*load_iris(return_X_y=True))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": "torch"},
        timeout=120,
    )
    assert "RuntimeError: KERAS_BACKEND=torch is set" in done.stderr.splitlines()[-1]


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
                **os.environ,
                "OMP_NUM_THREADS": str(n_threads),
                "OPENBLAS_NUM_THREADS": "1",
            },
            check=True,
        )
        counts.append(int(done.stdout))
    assert counts[1] >= counts[0] + 4
