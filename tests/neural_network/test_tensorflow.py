import os
import subprocess
import sys

import pytest

from skmnist.neural_network._tensorflow import quiet

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
