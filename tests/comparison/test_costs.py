import pickle
import threading

import numpy as np
import pytest

from skmnist.comparison import _result
from skmnist.comparison._result import measure_size, time_predictions


class Recorder:
    """Notes who was asked when, and for how many rows."""

    log = []

    def __init__(self, name):
        self.name = name

    def predict(self, X):
        self.log.append((self.name, len(X)))


@pytest.fixture
def log():
    Recorder.log.clear()
    return Recorder.log


def test_models_take_turns_in_alternating_order(log):
    time_predictions([Recorder("a"), Recorder("b")], np.zeros((5, 2)))
    asked = "".join(name for name, _ in log)
    assert asked == "aaabbb" + "abba" * (_result.N_ROUNDS // 2)


def test_one_row_at_a_time(log):
    time_predictions([Recorder("a")], np.zeros((5, 2)))
    assert {n_rows for _, n_rows in log} == {1}


def test_median_and_percentile(monkeypatch):
    values = [0.0, 0.0, 0.0, *([0.001] * 90), *([0.005] * 10)]
    monkeypatch.setattr(_result, "_time", lambda estimator, X: values.pop(0))
    ((median, percentile),) = time_predictions([None], np.zeros((5, 2)))
    assert (median, percentile) == (0.001, pytest.approx(0.005))


def test_a_slow_model_is_asked_less_often_and_has_no_percentile(monkeypatch):
    clock = iter(range(0, 10_000, 4))  # four seconds each time somebody looks
    monkeypatch.setattr(_result.time, "perf_counter", lambda: float(next(clock)))
    ((median, percentile),) = time_predictions([Recorder("slow")], np.zeros((5, 2)))
    assert median == 4.0
    assert percentile is None


def test_size_is_that_of_the_pickle():
    model = {"weights": np.zeros((100, 100)), "name": "x"}
    assert measure_size(model) == len(pickle.dumps(model, protocol=5))


@pytest.mark.parametrize("model", [lambda: 0, threading.Lock()], ids=["lambda", "lock"])
def test_what_cannot_be_pickled_has_no_size(model):
    assert measure_size(model) is None
