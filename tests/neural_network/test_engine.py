"""The compiled epoch: the same mathematics as Keras, and compiled once."""

import warnings

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score

from skmnist import DeepNNClassifier, SimpleNNClassifier
from skmnist.neural_network import _engine


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


@pytest.fixture
def compilations():
    """Count the programs that are compiled from here on."""
    _engine._idle.clear()
    start = _engine.n_compilations
    return lambda: _engine.n_compilations - start


def whole_batch(**options):
    return SimpleNNClassifier(
        16, epochs=1, batch_size=10**6, validation_fraction=None, random_state=0, **options
    )


def weights_of(model):
    return [array for pair in zip(model.coefs_, model.intercepts_, strict=True) for array in pair]


class EachBatch(keras.callbacks.Callback):
    """Hooks batches, so that Keras's own loop runs."""

    def __init__(self):
        super().__init__()
        self.n_batches = 0

    def on_train_batch_end(self, batch, logs=None):
        self.n_batches += 1


def fit_by_keras(model, X, y, **options):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* must be called for each batch")
        return model.set_params(callbacks=[EachBatch()]).fit(X, y, **options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"l2": 0.1},
        {"class_weight": {0: 5.0, 1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 1, 8: 1, 9: 0.5}},
        {"optimizer": "sgd", "momentum": 0.5},
        {"optimizer": "adamw"},
        {"optimizer": "nadam"},
        {"optimizer": "rmsprop", "weight_decay": 0.01},
        {"activation": "gelu"},
        {"learning_rate_schedule": "cosine"},
    ],
    ids=str,
)
def test_one_step_is_the_step_keras_takes(digits, options):
    compiled = whole_batch(learning_rate=0.01, **options).fit(*digits)
    by_keras = fit_by_keras(whole_batch(learning_rate=0.01, **options), *digits)
    for ours, theirs in zip(weights_of(compiled), weights_of(by_keras), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-6)


def test_the_last_batch_may_be_smaller(digits):
    X, y = digits[0][:250], digits[1][:250]
    options = {"epochs": 1, "batch_size": 100, "shuffle": False, "validation_fraction": None}
    compiled = SimpleNNClassifier(8, random_state=0, **options).fit(X, y)
    by_keras = fit_by_keras(SimpleNNClassifier(8, random_state=0, **options), X, y)
    for ours, theirs in zip(weights_of(compiled), weights_of(by_keras), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-6)
    np.testing.assert_allclose(compiled.loss_curve_, by_keras.loss_curve_, rtol=1e-5)


def test_validation_figures_are_those_of_keras(digits):
    X, y = digits
    weight = np.random.default_rng(0).uniform(0.1, 3, len(y))
    compiled = whole_batch().fit(X, y, weight, X_val=X[:1100], y_val=y[:1100])
    by_keras = fit_by_keras(
        whole_batch(), X, y, sample_weight=weight, X_val=X[:1100], y_val=y[:1100]
    )
    for figure in ("loss", "accuracy", "val_loss", "val_accuracy"):
        np.testing.assert_allclose(
            compiled.history_[figure], by_keras.history_[figure], rtol=1e-5, err_msg=figure
        )


def test_a_callback_that_hooks_batches_sees_them_and_is_told_of_once(digits):
    X, y = digits
    hook = EachBatch()
    model = SimpleNNClassifier(
        8, epochs=2, batch_size=500, validation_fraction=None, callbacks=[hook], random_state=0
    )
    with pytest.warns(UserWarning, match=r"EachBatch must be called.*hooks epochs alone") as told:
        model.fit(X, y)
    assert len(told) == 1
    assert hook.n_batches == 2 * 4
    assert model.n_iter_ == 2


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


def test_cross_validation_compiles_once(digits, compilations):
    X, y = digits[0][:1003], digits[1][:1003]  # folds of 802 and 803 rows
    cross_val_score(SimpleNNClassifier(8, epochs=1), X, y, cv=5)
    assert compilations() == 1


@pytest.mark.parametrize(
    "grid",
    [
        {"learning_rate": [1e-4, 1e-3, 1e-2]},
        {"dropout": [0.1, 0.2, 0.5]},
        {"l2": [1e-5, 1e-4]},
        {"learning_rate_schedule": ["cosine", "linear", None]},
        {"class_weight": [None, "balanced"]},
        {"patience": [None, 1]},
    ],
    ids=lambda grid: next(iter(grid)),
)
def test_a_search_over_numbers_compiles_once(digits, compilations, grid):
    X, y = digits
    GridSearchCV(SimpleNNClassifier(8, epochs=2), grid, cv=2, refit=False).fit(X, y)
    assert compilations() == 1


def test_idle_models_are_bounded_and_the_longest_unused_goes(digits, compilations, monkeypatch):
    monkeypatch.setattr(_engine, "MAX_MODELS", 2)
    X, y = digits
    for units in (1, 2, 1, 3):
        SimpleNNClassifier(units, epochs=1).fit(X[:50], y[:50])
    assert [network.hidden_layer_sizes for (network, _), _ in _engine._idle] == [(1,), (3,)]
    assert compilations() == 3


def test_a_fit_within_a_fit_gets_a_model_of_its_own(digits):
    X, y = digits

    def fit_another(event):
        SimpleNNClassifier(8, epochs=1, random_state=1).fit(X, y)

    alone = SimpleNNClassifier(8, epochs=3, random_state=0).fit(X, y)
    disturbed = SimpleNNClassifier(8, epochs=3, random_state=0, callbacks=fit_another).fit(X, y)
    np.testing.assert_array_equal(alone.coefs_[0], disturbed.coefs_[0])


def test_a_reused_program_gives_the_bits_of_a_fresh_one(digits, compilations):
    X, y = digits
    options = {"epochs": 2, "dropout": 0.2, "random_state": 3}
    fresh = SimpleNNClassifier(8, **options).fit(X, y)
    SimpleNNClassifier(8, epochs=2, dropout=0.5, learning_rate=0.1).fit(X[:1700], y[:1700])
    reused = SimpleNNClassifier(8, **options).fit(X, y)
    assert compilations() == 1
    np.testing.assert_array_equal(fresh.coefs_[0], reused.coefs_[0])


def test_a_keras_callback_may_change_the_learning_rate(digits):
    def halt(epoch, rate):
        return rate if epoch == 0 else 0.0

    one = SimpleNNClassifier(8, epochs=1, validation_fraction=None, random_state=0).fit(*digits)
    halted = SimpleNNClassifier(
        8,
        epochs=3,
        validation_fraction=None,
        patience=None,
        callbacks=keras.callbacks.LearningRateScheduler(halt),
        random_state=0,
    ).fit(*digits)
    np.testing.assert_array_equal(one.coefs_[0], halted.coefs_[0])


def test_dropout_drops_the_share_it_is_told_and_scales_the_rest():
    import tensorflow as tf

    kept = _engine._hash(tf.TensorShape((400, 500)), tf.constant(7, tf.uint32)).numpy()
    assert abs((kept < 0.3 * 2**32).mean() - 0.3) < 0.005
    columns = (kept < 2**31).mean(axis=0)
    assert columns.std() < 0.04  # and no column is favoured (binomial: 0.025)


@pytest.mark.slow
def test_accuracy_is_that_of_keras_over_five_seeds(digits):
    X, y = digits
    order = np.random.default_rng(0).permutation(len(y))
    X, y, X_test, y_test = X[order[:1200]], y[order[:1200]], X[order[1200:]], y[order[1200:]]
    scores = {"compiled": [], "keras": []}
    for seed in range(5):
        options = {"epochs": 30, "batch_size": 32, "dropout": 0.2, "random_state": seed}
        model = SimpleNNClassifier(32, patience=None, **options)
        scores["compiled"].append(model.fit(X, y).score(X_test, y_test))
        scores["keras"].append(fit_by_keras(model, X, y).score(X_test, y_test))
    spread = np.std(scores["keras"], ddof=1) + np.std(scores["compiled"], ddof=1)
    assert abs(np.mean(scores["compiled"]) - np.mean(scores["keras"])) < max(spread, 0.005)


def masks(rate, steps, shape=(200, 300)):
    """Draw the dropout masks of some updates of one epoch, with the seeds the epoch forms."""
    import tensorflow as tf

    seeds = [tf.constant((5 + step * 0x9E3779B9) % 2**32, tf.uint32) for step in steps]
    return [_engine._hash(tf.TensorShape(shape), seed).numpy() < rate * 2**32 for seed in seeds]


def test_dropout_masks_of_successive_updates_are_independent():
    first, second = masks(0.5, (0, 1))
    for shift in range(-2, 3):  # not the same, and not the same shifted, either
        agreement = (first.ravel()[2:-2] == np.roll(second.ravel(), shift)[2:-2]).mean()
        assert abs(agreement - 0.5) < 0.01


def test_dropout_is_applied_in_training_and_only_there(digits):
    plain, dropped = (whole_batch(dropout=rate).fit(*digits) for rate in (0.0, 0.9))
    # the same first weights: the loss of the first update tells
    assert dropped.loss_curve_[0] > plain.loss_curve_[0] + 0.1
    validated = whole_batch(dropout=0.9, learning_rate=1e-12).fit(
        *digits, X_val=digits[0], y_val=digits[1]
    )
    assert validated.history_["val_loss"][0] == pytest.approx(plain.loss_curve_[0], rel=1e-4)


@pytest.mark.parametrize("batch_size", [128, 10**6])
def test_a_program_made_for_more_rows_gives_the_same_bits(digits, compilations, batch_size):
    X, y = digits
    options = {"epochs": 2, "batch_size": batch_size, "random_state": 3, "dropout": 0.1}
    fresh = SimpleNNClassifier(8, **options).fit(X[:1500], y[:1500])
    _engine._idle.clear()
    SimpleNNClassifier(8, **options).fit(X[:1530], y[:1530])
    reused = SimpleNNClassifier(8, **options).fit(X[:1500], y[:1500])
    assert compilations() == 2
    np.testing.assert_array_equal(fresh.coefs_[0], reused.coefs_[0])
    np.testing.assert_array_equal(fresh.history_["val_loss"], reused.history_["val_loss"])


def test_a_callback_that_raises_does_not_cost_the_program(digits, compilations):
    def prune(event):
        raise RuntimeError("pruned")

    for _ in range(3):
        with pytest.raises(RuntimeError, match="pruned"):
            SimpleNNClassifier(8, epochs=2, callbacks=prune).fit(*digits)
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


@pytest.fixture
def many_rows(monkeypatch):
    """Return rows that are many, for a limit that is small."""
    monkeypatch.setattr(_engine, "LARGE", 2**16)
    monkeypatch.setattr(_engine, "_spare", [])
    rng = np.random.default_rng(0)
    return rng.random((600, 64), np.float32), rng.integers(0, 3, 600)


def test_the_next_fit_gets_the_memory_of_the_last_one(many_rows):
    X, y = many_rows

    def coefs(n_rows):
        return SimpleNNClassifier(8, epochs=2, random_state=0).fit(X[:n_rows], y[:n_rows]).coefs_

    fresh = coefs(595)
    (memory,) = _engine._spare
    coefs(600)  # leaves other rows in it
    assert _engine._spare[0] is memory
    for one, other in zip(coefs(595), fresh, strict=True):
        np.testing.assert_array_equal(one, other)
    coefs(50)  # too few for so much memory
    assert _engine._spare[0] is memory


def test_memory_is_not_kept_beyond_a_limit(many_rows, monkeypatch):
    monkeypatch.setattr(_engine, "MAX_SPARE", 2**16)
    SimpleNNClassifier(8, epochs=1, random_state=0).fit(*many_rows)
    assert _engine._spare == []


def test_a_session_that_another_thread_clears_takes_no_names(digits, monkeypatch):
    def add_and_clear(model, layer):
        keras.Sequential.add(model, layer)
        keras.utils.clear_session(free_memory=False)  # as Streamlit does after each run of a page

    _engine._idle.clear()
    monkeypatch.setattr(_engine.EpochModel, "add", add_and_clear)
    model = DeepNNClassifier((8, 6, 4), epochs=1, dropout=0.1, random_state=0)
    fit_by_keras(model, *digits)
    assert model.set_params(callbacks=None).fit(*digits).n_iter_ == 1
