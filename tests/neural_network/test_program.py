"""The compiled epoch: the same mathematics as Keras, and compiled once."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score

from skmnist import SimpleNNClassifier
from skmnist.neural_network._program import _hash, _padded_batch
from tests.neural_network.by_keras import fit_by_keras, weights_of


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


def whole_batch(**options):
    return SimpleNNClassifier(
        16, epochs=1, batch_size=10**6, validation_fraction=None, random_state=0, **options
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param({"l2": 0.1}, marks=pytest.mark.slow),
        pytest.param(
            {"class_weight": {0: 5.0, 1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 1, 8: 1, 9: 0.5}},
            marks=pytest.mark.slow,
        ),
        pytest.param({"optimizer": "sgd", "momentum": 0.5}, marks=pytest.mark.slow),
        pytest.param({"optimizer": "adamw"}, marks=pytest.mark.slow),
        pytest.param({"optimizer": "nadam"}, marks=pytest.mark.slow),
        pytest.param({"optimizer": "rmsprop", "weight_decay": 0.01}, marks=pytest.mark.slow),
        pytest.param({"activation": "gelu"}, marks=pytest.mark.slow),
        pytest.param({"learning_rate_schedule": "cosine"}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_one_step_is_the_step_keras_takes(digits, options):
    compiled = whole_batch(learning_rate=0.01, **options).fit(*digits)
    by_keras = fit_by_keras(whole_batch(learning_rate=0.01, **options), *digits)
    for ours, theirs in zip(weights_of(compiled), weights_of(by_keras), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-6)


def averages_of(steps, momentum):
    """Average the weights after each step as Keras does."""
    average = steps[0]
    for weights in steps[1:]:
        average = [momentum * a + (1 - momentum) * w for a, w in zip(average, weights, strict=True)]
    return average


def steps_of(digits, n_steps):
    """Return the weights after each of some steps over the whole batch."""
    model, steps = whole_batch(learning_rate=0.01), []
    for _ in range(n_steps):
        model.partial_fit(*digits, classes=np.arange(10))
        steps.append([array.copy() for array in weights_of(model)])
    return steps


@pytest.mark.slow
def test_a_network_with_ema_momentum_predicts_with_the_average_of_its_weights(digits):
    steps = steps_of(digits, 5)
    model = whole_batch(learning_rate=0.01, ema_momentum=0.8, patience=None)
    model.set_params(epochs=5).fit(*digits)
    expected = averages_of(steps, 0.8)
    for learned, average in zip(weights_of(model), expected, strict=True):
        np.testing.assert_allclose(learned, average, rtol=1e-4, atol=2e-6)


@pytest.mark.slow
def test_partial_fit_goes_on_from_the_weights_and_not_from_their_average(digits):
    expected = averages_of(steps_of(digits, 4), 0.8)
    model = whole_batch(learning_rate=0.01, ema_momentum=0.8)
    for _ in range(4):
        model.partial_fit(*digits, classes=np.arange(10))
    for learned, average in zip(weights_of(model), expected, strict=True):
        np.testing.assert_allclose(learned, average, rtol=1e-4, atol=2e-6)


@pytest.mark.slow
def test_validation_and_keras_callbacks_see_the_average(digits):
    X, y = digits
    seen = []
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((keep.model.get_weights(), logs["val_loss"]))
    )
    model = SimpleNNClassifier(
        16, epochs=3, patience=None, ema_momentum=0.99, random_state=0, callbacks=keep
    )
    model.fit(X[:1500], y[:1500], X_val=X[1500:], y_val=y[1500:])
    for learned, at_end in zip(weights_of(model), seen[-1][0], strict=True):
        np.testing.assert_array_equal(learned, at_end)
    np.testing.assert_allclose(
        log_loss(y[1500:], model.predict_proba(X[1500:])), seen[-1][1], rtol=1e-4
    )


@pytest.mark.slow
def test_the_last_batch_may_be_smaller(digits):
    X, y = digits[0][:250], digits[1][:250]
    options = {"epochs": 1, "batch_size": 100, "shuffle": False, "validation_fraction": None}
    compiled = SimpleNNClassifier(16, random_state=0, **options).fit(X, y)
    by_keras = fit_by_keras(SimpleNNClassifier(16, random_state=0, **options), X, y)
    for ours, theirs in zip(weights_of(compiled), weights_of(by_keras), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-6)
    np.testing.assert_allclose(compiled.loss_curve_, by_keras.loss_curve_, rtol=1e-5)


@pytest.mark.slow
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


@pytest.mark.slow
def test_accuracy_is_that_of_keras_over_five_seeds(digits):
    X, y = digits
    order = np.random.default_rng(0).permutation(len(y))
    X, y, X_test, y_test = X[order[:1200]], y[order[:1200]], X[order[1200:]], y[order[1200:]]
    scores = {"compiled": [], "keras": []}
    for seed in range(5):
        options = {"epochs": 12, "batch_size": 32, "dropout": 0.2, "random_state": seed}
        model = SimpleNNClassifier(16, patience=None, **options)
        scores["compiled"].append(model.fit(X, y).score(X_test, y_test))
        scores["keras"].append(fit_by_keras(model, X, y).score(X_test, y_test))
    spread = np.std(scores["keras"], ddof=1) + np.std(scores["compiled"], ddof=1)
    assert abs(np.mean(scores["compiled"]) - np.mean(scores["keras"])) < max(spread, 0.005)


@pytest.mark.slow
def test_cross_validation_compiles_once(digits, compilations):
    X, y = digits[0][:1003], digits[1][:1003]  # folds of 802 and 803 rows
    cross_val_score(SimpleNNClassifier(16, epochs=1), X, y, cv=5)
    assert compilations() == 1


def test_an_epoch_formats_no_tensor(digits, monkeypatch):
    """Tensorflow does if a call of the program does not match its signature at once."""
    SimpleNNClassifier(16, epochs=1).fit(*digits)  # compiles
    formatted = []
    tensor = type(tf.constant(0))
    monkeypatch.setattr(tensor.__base__, "__repr__", lambda self: formatted.append(self) or "")
    SimpleNNClassifier(16, epochs=2).fit(*digits)
    assert formatted == []


@pytest.mark.parametrize(
    "grid",
    [
        {"learning_rate": [1e-4, 1e-3, 1e-2]},
        pytest.param({"dropout": [0.1, 0.2, 0.5]}, marks=pytest.mark.slow),
        pytest.param({"l2": [1e-5, 1e-4]}, marks=pytest.mark.slow),
        pytest.param(
            {"learning_rate_schedule": ["cosine", "linear", None]}, marks=pytest.mark.slow
        ),
        pytest.param({"class_weight": [None, "balanced"]}, marks=pytest.mark.slow),
        pytest.param({"patience": [None, 1]}, marks=pytest.mark.slow),
    ],
    ids=lambda grid: next(iter(grid)),
)
def test_a_search_over_numbers_compiles_once(digits, compilations, grid):
    X, y = digits
    GridSearchCV(SimpleNNClassifier(16, epochs=2), grid, cv=2, refit=False).fit(X, y)
    assert compilations() == 1


@pytest.mark.slow
def test_batch_sizes_share_programs_and_give_the_bits_they_give_alone(
    digits, compilations, forget_networks
):
    X, y = digits

    def fit(batch_size):
        return SimpleNNClassifier(16, epochs=1, batch_size=batch_size, random_state=0).fit(X, y)

    alone = fit(97).coefs_[0]
    for batch_size in (104, 101, 97):
        model = fit(batch_size)
    assert compilations() == 1
    np.testing.assert_array_equal(model.coefs_[0], alone)
    forget_networks()
    fit(104)
    np.testing.assert_array_equal(fit(97).coefs_[0], alone)
    assert len({_padded_batch(60_000, size) for size in range(1, 513)}) < 60


@pytest.mark.slow
def test_a_reused_program_gives_the_bits_of_a_fresh_one(digits, compilations):
    X, y = digits
    options = {"epochs": 2, "dropout": 0.2, "random_state": 3}
    fresh = SimpleNNClassifier(16, **options).fit(X, y)
    SimpleNNClassifier(16, epochs=2, dropout=0.5, learning_rate=0.1).fit(X[:1700], y[:1700])
    reused = SimpleNNClassifier(16, **options).fit(X, y)
    assert compilations() == 1
    np.testing.assert_array_equal(fresh.coefs_[0], reused.coefs_[0])


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [128, pytest.param(10**6, marks=pytest.mark.slow)])
def test_a_program_made_for_more_rows_gives_the_same_bits(
    digits, compilations, forget_networks, batch_size
):
    X, y = digits
    options = {"epochs": 2, "batch_size": batch_size, "random_state": 3, "dropout": 0.1}
    fresh = SimpleNNClassifier(16, **options).fit(X[:1500], y[:1500])
    forget_networks()
    SimpleNNClassifier(16, **options).fit(X[:1530], y[:1530])
    reused = SimpleNNClassifier(16, **options).fit(X[:1500], y[:1500])
    assert compilations() == 2
    np.testing.assert_array_equal(fresh.coefs_[0], reused.coefs_[0])
    np.testing.assert_array_equal(fresh.history_["val_loss"], reused.history_["val_loss"])


def test_dropout_drops_the_share_it_is_told_and_scales_the_rest():
    kept = _hash(tf.TensorShape((400, 500)), tf.constant(7, tf.uint32)).numpy()
    assert abs((kept < 0.3 * 2**32).mean() - 0.3) < 0.005
    columns = (kept < 2**31).mean(axis=0)
    assert columns.std() < 0.04  # and no column is favoured (binomial: 0.025)


def masks(rate, steps, shape=(200, 300)):
    """Draw the dropout masks of some updates of one epoch, with the seeds the epoch forms."""
    seeds = [tf.constant((5 + step * 0x9E3779B9) % 2**32, tf.uint32) for step in steps]
    return [_hash(tf.TensorShape(shape), seed).numpy() < rate * 2**32 for seed in seeds]


def test_dropout_masks_of_successive_updates_are_independent():
    first, second = masks(0.5, (0, 1))
    for shift in range(-2, 3):  # not the same, and not the same shifted, either
        agreement = (first.ravel()[2:-2] == np.roll(second.ravel(), shift)[2:-2]).mean()
        assert abs(agreement - 0.5) < 0.01


@pytest.mark.slow
def test_dropout_is_applied_in_training_and_only_there(digits):
    plain, dropped = (whole_batch(dropout=rate).fit(*digits) for rate in (0.0, 0.9))
    # the same first weights: the loss of the first update tells
    assert dropped.loss_curve_[0] > plain.loss_curve_[0] + 0.1
    validated = whole_batch(dropout=0.9, learning_rate=1e-12).fit(
        *digits, X_val=digits[0], y_val=digits[1]
    )
    assert validated.history_["val_loss"][0] == pytest.approx(plain.loss_curve_[0], rel=1e-4)
