"""The networks that train: kept for the next fit, and in Keras's own loop where they have to."""

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from skmnist import DeepNNClassifier, SimpleNNClassifier
from skmnist.neural_network import _engine
from tests.neural_network.by_keras import EachBatch, fit_by_keras, weights_of


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


@pytest.mark.slow
def test_a_callback_that_hooks_batches_sees_them_and_is_told_of_once(digits):
    X, y = digits
    hook = EachBatch()
    model = SimpleNNClassifier(
        16, epochs=2, batch_size=500, validation_fraction=None, callbacks=[hook], random_state=0
    )
    with pytest.warns(
        UserWarning, match=r"EachBatch must be called.*without batch hooks avoid"
    ) as told:
        model.fit(X, y)
    assert len(told) == 1
    assert hook.n_batches == 2 * 4
    assert model.n_iter_ == 2


@pytest.mark.slow
def test_keras_loop_knows_schedule_patience_and_dropout(digits):
    model = DeepNNClassifier(
        (16, 8),
        epochs=12,
        dropout=0.3,
        learning_rate_schedule="linear",
        learning_rate=0.05,
        patience=1,
        random_state=0,
    )
    fit_by_keras(model, *digits)
    assert model.stop_reason_ == "patience"
    assert model.n_iter_ == model.best_epoch_ + 1
    first = weights_of(model)
    again = fit_by_keras(model, *digits)
    for a, b in zip(first, weights_of(again), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_idle_models_are_bounded_and_the_longest_unused_goes(digits, compilations, monkeypatch):
    monkeypatch.setattr(_engine, "MAX_NETWORKS", 2)
    X, y = digits
    for units in (1, 2, 1, 3):
        SimpleNNClassifier(units, epochs=1).fit(X[:50], y[:50])
    assert [idle.key[0].hidden_layer_sizes for idle in _engine._idle] == [(1,), (3,)]
    assert compilations() == 3


@pytest.mark.slow
def test_a_fit_within_a_fit_gets_a_model_of_its_own(digits):
    X, y = digits

    def fit_another(event):
        SimpleNNClassifier(16, epochs=1, random_state=1).fit(X, y)

    alone = SimpleNNClassifier(16, epochs=3, random_state=0).fit(X, y)
    disturbed = SimpleNNClassifier(16, epochs=3, random_state=0, callbacks=fit_another).fit(X, y)
    np.testing.assert_array_equal(alone.coefs_[0], disturbed.coefs_[0])


def test_a_keras_callback_may_change_the_learning_rate(digits):
    def halt(epoch, rate):
        return rate if epoch == 0 else 0.0

    one = SimpleNNClassifier(16, epochs=1, validation_fraction=None, random_state=0).fit(*digits)
    halted = SimpleNNClassifier(
        16,
        epochs=3,
        validation_fraction=None,
        patience=None,
        callbacks=keras.callbacks.LearningRateScheduler(halt),
        random_state=0,
    ).fit(*digits)
    np.testing.assert_array_equal(one.coefs_[0], halted.coefs_[0])


@pytest.mark.slow
def test_a_callback_that_raises_does_not_cost_the_program(digits, compilations):
    def prune(event):
        raise RuntimeError("pruned")

    for _ in range(3):
        with pytest.raises(RuntimeError, match="pruned"):
            SimpleNNClassifier(16, epochs=2, callbacks=prune).fit(*digits)
    assert compilations() == 1


def test_weights_that_a_keras_callback_restores_at_the_end_are_kept(digits):
    stopping = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    model = SimpleNNClassifier(
        16, learning_rate=0.05, patience=None, callbacks=stopping, random_state=0
    ).fit(*digits)
    assert model.stop_reason_ == "callback"
    best = model.history_["val_loss"].min()
    assert best < model.history_["val_loss"][-1]
    assert model.validation_loss_ == pytest.approx(best, rel=1e-5)
    assert model.kept_epoch_ == 0  # none that we could name


@pytest.mark.slow
def test_a_session_that_another_thread_clears_takes_no_names(digits, monkeypatch, forget_networks):
    add = keras.Sequential.add

    def add_and_clear(model, layer):
        add(model, layer)
        keras.utils.clear_session(free_memory=False)  # as Streamlit does after each run of a page

    forget_networks()
    monkeypatch.setattr(keras.Sequential, "add", add_and_clear)
    model = DeepNNClassifier((8, 6, 4), epochs=1, dropout=0.1, random_state=0)
    fit_by_keras(model, *digits)
    assert model.set_params(callbacks=None).fit(*digits).n_iter_ == 1
