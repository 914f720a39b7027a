"""Other processes: forks, workers, interrupts. Each has a watchdog, because faults here hang."""

import subprocess
import sys

import pytest

START = """
import os, signal, sys, numpy as np
signal.signal(signal.SIGINT, signal.default_int_handler)
from sklearn.datasets import load_digits
from skmnist import SimpleNNClassifier
X, y = load_digits(return_X_y=True)
model = SimpleNNClassifier(4, epochs=1, random_state=0)
"""


def run(code, timeout=300):
    done = subprocess.run(
        [sys.executable, "-c", START + code],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


FORK = """
pid = os.fork()
if pid == 0:
    try:
        print(model.predict(X[:3]).shape, flush=True)
        model.fit(X, y)
    except RuntimeError as error:
        print(error, flush=True)
    finally:
        os._exit(0)
os.waitpid(pid, 0)
"""


@pytest.mark.slow
def test_a_fork_after_training_predicts_and_refuses_to_train():
    lines = run("model.fit(X, y)\n" + FORK)
    assert lines[0] == "(3,)"
    assert "forked after tensorflow was imported" in lines[1]
    assert "loky" in lines[1]


@pytest.mark.slow
def test_a_fork_before_training_trains():
    lines = run(
        "pid = os.fork()\n"
        "model.fit(X, y)\n"
        "print(model.score(X, y) > 0, flush=True)\n"
        "os.waitpid(pid, 0) if pid else os._exit(0)\n"
    )
    assert lines[:2] == ["True", "True"]


@pytest.mark.slow
def test_workers_of_joblib_train_after_the_parent_did():
    lines = run(
        "from joblib import Parallel, delayed\n"
        "proba = model.fit(X, y).predict_proba(X)\n"
        "fits = Parallel(n_jobs=2)(delayed(model.fit)(X, y) for _ in range(2))\n"
        "print(all(np.allclose(fit.predict_proba(X), proba, atol=1e-6) for fit in fits))\n"
    )
    assert lines[0] == "True"


@pytest.mark.slow
def test_ctrl_c_in_training_keeps_what_was_learned():
    lines = run(
        "import warnings\n"
        "def press(event):\n"
        "    if event.epoch == 3:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    model.set_params(epochs=10**6, patience=None, callbacks=press).fit(X, y)\n"
        "print(caught[-1].message)\n"
        "print(model.stop_reason_, model.predict(X).shape)\n"
    )
    assert lines[0].startswith("Training was interrupted after epoch")
    assert lines[1] == "interrupted (1797,)"
