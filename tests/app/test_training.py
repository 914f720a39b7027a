"""Trainings that belong to the server, and not to a tab."""

import threading
import time

import pytest

from skmnist.app import _store, _training
from skmnist.app._settings import Settings
from tests.app.pages import VISITOR


@pytest.fixture
def data():
    return _store.load(Settings())


@pytest.mark.slow
def test_a_stopped_network_keeps_its_best_and_the_other_goes_on(data, monkeypatch):
    settings = Settings(epochs=50, patience=50)
    training = _training.Training(settings, data)
    follow = training._follow

    def stop_in_epoch_three(event):
        if event.epoch is not None and event.epoch.epoch == 3:
            training.stop(event.model)
        return follow(event)

    monkeypatch.setattr(training, "_follow", stop_in_epoch_three)
    training.start()
    training.join(120)
    assert training.error == ""
    for name in ("NN", "DNN"):
        network = training.results[name].estimator[-1]
        assert (network.stop_reason_, network.n_iter_) == ("callback", 3)
        best = training.history(name)["loss"].idxmin()  # of 300 images none is held out
        assert network.kept_epoch_ == best
    assert training.comparison.recommendation.model in ("NN", "DNN")


@pytest.mark.slow
def test_the_result_is_that_of_the_command_line(data):
    from skmnist import compare_models
    from skmnist._networks import make_network

    settings = Settings(epochs=2, dropout=0.1)
    training = _training.start(VISITOR, settings, data)
    training.join(120)
    networks = {name: make_network(name, 255, **settings.of_network()) for name in ("NN", "DNN")}
    digits = data.digits
    same = compare_models(
        networks,
        digits.X_train,
        digits.y_train,
        X_test=digits.X_test,
        y_test=digits.y_test,
        n_repeats=3,
        short_repeats=True,
        random_state=settings.seed,
    )
    columns = ["test_accuracy", "diagnosis", "gap", "n_epochs"]
    assert training.comparison.table[columns].equals(same.table[columns])
    if digits.X_train.shape[1:] == (28, 28):
        assert training.comparison.results["NN"].elsewhere[0].data == "swiss_digits"


@pytest.mark.slow
@pytest.mark.parametrize(("at_start", "n_used"), [(1, None), (2, 2)])
def test_further_starts_can_be_ended_and_complete_ones_count(data, monkeypatch, at_start, n_used):
    training = _training.Training(Settings(epochs=2), data)
    follow = training._follow

    def end_at_start(event):
        if event.start == at_start:
            training.end_starts()
        return follow(event)

    monkeypatch.setattr(training, "_follow", end_at_start)
    training.start()
    training.join(120)
    assert training.error == ""
    assert sorted(training.results) == ["DNN", "NN"]
    starts = training.comparison.starts
    assert (starts if n_used is None else starts["start"].nunique()) == n_used
    codes = [caution.code for caution in training.comparison.recommendation.cautions]
    assert "interrupted_starts" in codes
    assert len(training.events["NN"]) == 2  # of the first start only


def test_two_who_start_at_once_get_the_same_training(data, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(_training, "make_network", lambda *_, **__: gate.wait(60) and 1 / 0)
    first = _training.start(VISITOR, Settings(epochs=1), data)
    assert _training.start(VISITOR, Settings(epochs=2), data) is first
    assert _training.find(VISITOR, Settings(epochs=2)) is None
    gate.set()
    first.join(60)
    assert first.error == "division by zero"
    assert not first.running
    assert _training.start(VISITOR, Settings(epochs=2), data) is not first


def test_trainings_run_one_at_a_time_in_order_and_an_error_stops_no_other(data, monkeypatch):
    import skmnist.comparison  # noqa: F401  # the threads need not wait for this import

    begun, first, gate = [], threading.Event(), threading.Event()

    def make(name, max_value, *, recipe, epochs, **_):
        begun.append(epochs)
        first.set()
        assert gate.wait(60)
        raise MemoryError(f"of {epochs}")

    monkeypatch.setattr(_training, "make_network", make)
    trainings = [
        _training.start(visitor, Settings(epochs=epochs), data)
        for epochs, visitor in enumerate(("anna", "ben", "cem", "dora"), 1)
    ]
    assert first.wait(60)
    time.sleep(0.1)  # time for others that do not wait
    assert begun == [1]
    assert [training.n_before for training in trainings] == [0, 1, 2, 3]
    assert _training.start("ben", Settings(epochs=9), data) is trainings[1]  # one for each visitor
    trainings[2].leave()
    trainings[0].leave()  # it has begun, and stays
    assert [training.n_before for training in trainings] == [0, 1, 0, 2]
    gate.set()
    for training in trainings:
        training.join(60)
    assert begun == [1, 2, 4]
    assert [training.error for training in trainings] == ["of 1", "of 2", "", "of 4"]
    assert _training.find("anna", Settings(epochs=1)) is trainings[0]
    assert _training.find("ben", Settings(epochs=1)) is None
    assert _training.find("cem", Settings(epochs=3)) is None


@pytest.mark.parametrize("limit", [0, 2])
def test_no_more_wait_than_the_server_accepts(data, monkeypatch, limit):
    gate = threading.Event()
    monkeypatch.setattr(_training, "make_network", lambda *_, **__: gate.wait(60) and 1 / 0)
    monkeypatch.setenv("SKMNIST_APP_WAITING", str(limit))
    for visitor in range(limit + 1):
        _training.start(str(visitor), Settings(), data)
    with pytest.raises(_training.QueueFullError):
        _training.start("late", Settings(), data)
    line = _training.find_line()
    gate.set()
    for training in line:
        training.join(60)
    assert _training.start("late", Settings(), data).visitor == "late"


def test_a_class_keeps_no_more_than_fits_into_memory(data, monkeypatch):
    monkeypatch.setattr(_training, "make_network", lambda *_, **__: 1 / 0)
    monkeypatch.setattr(_training, "MAX_KEPT_IN_ALL", 3)
    for visitor in "abcde":
        _training.start(visitor, Settings(), data).join(60)
    assert [training.visitor for training in _training._trainings.values()] == ["c", "d", "e"]


def test_the_latest_trainings_are_remembered_and_no_more(data, monkeypatch):
    monkeypatch.setattr(_training, "make_network", lambda *_, **__: 1 / 0)
    for epochs in range(_training.MAX_KEPT + 2):
        _training.start(VISITOR, Settings(epochs=epochs), data).join(60)
    assert len(_training._trainings) == _training.MAX_KEPT
    assert _training.find(VISITOR, Settings(epochs=0)) is None
    assert _training.find_latest(VISITOR).settings.epochs == _training.MAX_KEPT + 1
