"""Programs beyond the limit run in worker processes, which are replaced when they are full."""

import os
import signal

import keras
import numpy as np
import pytest

from skmnist import SimpleNNClassifier
from skmnist.neural_network import _engine, _program, _worker
from tests.neural_network.by_keras import weights_of
from tests.neural_network.test_processes import run

pytestmark = pytest.mark.slow


@pytest.fixture
def full(monkeypatch):
    """Let this process be full, and each worker be full after two programs."""

    def fill():
        _engine._idle.clear()
        monkeypatch.setattr(_worker, "MAX_COMPILED", 2)
        monkeypatch.setattr(_program, "n_compilations", 2)

    yield fill
    _engine._idle.clear()
    _worker._close_all()


def pids():
    return [worker.process.pid for worker in _worker._idle]


def fit_all(X, y):
    """Fit networks with all that has to pass between the processes."""
    plain = SimpleNNClassifier(8, epochs=3, random_state=0)
    deformed = SimpleNNClassifier(
        8, epochs=2, augmentation="digits", ema_momentum=0.9, random_state=0
    )
    dropped = SimpleNNClassifier(
        8, epochs=4, dropout=0.2, l2=1e-3, learning_rate_schedule="cosine", random_state=0
    )
    plateau = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=1)
    stop = keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
    called = SimpleNNClassifier(
        8, epochs=15, learning_rate=0.1, patience=None, callbacks=[plateau, stop], random_state=0
    )
    passes = SimpleNNClassifier(8, dropout=0.2, random_state=0)
    for _ in range(2):
        passes.partial_fit(X[:300], y[:300], classes=np.unique(y))
    fits = [plain.fit(X[:400], y[:400], X_val=X[400:600], y_val=y[400:600]), passes]
    fits += [dropped.fit(X, y, sample_weight=np.linspace(0, 2, len(y))), called.fit(X, y)]
    return [*fits, deformed.fit(X, y)]


def test_a_worker_gives_the_same_bits(digits, full):
    here = fit_all(*digits)
    full()
    there = fit_all(*digits)
    assert _program.n_compilations == 2
    assert len(pids()) == 1
    for one, other in zip(here, there, strict=True):
        for a, b in zip(weights_of(one), weights_of(other), strict=True):
            np.testing.assert_array_equal(a, b)
        assert one.loss_curve_ == other.loss_curve_
        assert one.stop_reason_ == other.stop_reason_
        state = [each._resume.rng.bit_generator.state for each in (one, other)]
        assert state[0] == state[1]
    assert there[3].n_iter_ < 15  # the callback has stopped it


def test_a_worker_is_replaced_when_it_is_full(digits, full):
    X, y = digits[0][:100], digits[1][:100]
    full()
    used = []
    for units in (1, 2, 1, 2, 3, 2):  # the last one has to be compiled again
        SimpleNNClassifier(units, epochs=1).fit(X, y)
        used += pids()
    assert len(used) == 6
    assert len(set(used[:4])) == 1
    assert len(set(used[4:])) == 1
    assert used[0] != used[4]
    with pytest.raises(ProcessLookupError):
        os.kill(used[0], 0)


def test_a_worker_survives_errors_of_callbacks_but_not_an_interrupt(digits, full):
    X, y = digits
    full()

    def stop_with(error):
        def callback(event):
            raise error

        return SimpleNNClassifier(1, epochs=3, callbacks=callback)

    SimpleNNClassifier(1, epochs=1).fit(X, y)
    (before,) = pids()
    with pytest.raises(ZeroDivisionError):
        stop_with(ZeroDivisionError).fit(X, y)
    assert pids() == [before]

    nested = SimpleNNClassifier(2, epochs=1)
    SimpleNNClassifier(1, epochs=1, callbacks=lambda event: nested.fit(X, y) and None).fit(X, y)
    assert len(pids()) == 2  # a fit within a fit has a worker of its own

    for pid in pids():
        os.kill(pid, signal.SIGKILL)
    for worker in list(_worker._idle):
        worker.process.wait()
    assert SimpleNNClassifier(1, epochs=1).fit(X, y).n_iter_ == 1  # the dead are not used

    def kill(event):
        os.kill(busy[0], signal.SIGKILL)

    busy = pids()
    with pytest.raises(RuntimeError, match=r"exit code -9.*memory.*fewer rows"):
        SimpleNNClassifier(1, epochs=3, callbacks=kill).fit(X, y)
    assert pids() == []


def test_idle_workers_end(digits, full, monkeypatch):
    full()
    monkeypatch.setattr(_worker, "IDLE_SECONDS", 0.01)
    SimpleNNClassifier(1, epochs=1).fit(digits[0][:100], digits[1][:100])
    for thread in list(_worker._idle.values()):
        thread.join(60)
    assert pids() == []


FULL = """
from skmnist.neural_network import _worker
_worker.MAX_COMPILED = 1
model.fit(X, y)
"""


def test_ctrl_c_while_a_worker_trains_keeps_what_was_learned():
    lines = run(
        FULL + "import warnings, threading, time\n"
        "warnings.simplefilter('ignore')\n"
        "def press(event):\n"
        "    if event.epoch == 3:\n"
        "        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "model.set_params(hidden_units=5, epochs=10**6, patience=None, callbacks=press).fit(X, y)\n"
        "print(model.stop_reason_, model.predict(X).shape, flush=True)\n"
        "model.set_params(epochs=2, callbacks=None).fit(X, y)\n"
        "print(model.stop_reason_, len(_worker._idle))\n"
    )
    assert lines[:2] == ["interrupted (1797,)", "epochs 1"]


def test_memory_is_bounded_over_many_architectures():
    lines = run(
        "from skmnist.neural_network import _worker\n"
        "_worker.MAX_COMPILED = 6\n"
        "from pathlib import Path\n"
        "import resource\n"
        "def used(pid):\n"
        "    pages = int(Path(f'/proc/{pid}/statm').read_text().split()[1])\n"
        "    return pages * resource.getpagesize() / 1e6\n"
        "workers = {}\n"
        "for units in range(1, 25):\n"
        "    model.set_params(hidden_units=units).fit(X[:100], y[:100])\n"
        "    if units == 6:\n"
        "        start = used(os.getpid())\n"
        "    for worker in _worker._idle:\n"
        "        workers.setdefault(worker.process.pid, []).append(used(worker.process.pid))\n"
        "print(len(workers), used(os.getpid()) - start)\n"
        "print(max(max(sizes) - sizes[0] for sizes in workers.values()))\n",
        timeout=900,
    )
    n_workers, grown = lines[0].split()
    assert n_workers == "3"  # 6 programs each
    # in megabytes; 18 further programs would take at least 180
    assert float(grown) < 90
    assert float(lines[1]) < 90
