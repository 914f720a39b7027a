"""The plan of a run: held-out rows, row weights, initial weights, seeds."""

import random

import numpy as np
import pytest
import tensorflow as tf
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from skmnist import SimpleNNClassifier
from skmnist.neural_network._plan import _stratified_rows


def test_same_seed_same_bits_and_another_seed_another_network(digits):
    options = {"epochs": 3, "dropout": 0.2}
    first, second, other = (
        SimpleNNClassifier(16, random_state=seed, **options).fit(*digits).predict_proba(digits[0])
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_global_generators_stay_as_they_were(digits, request, forget_networks):
    request.addfinalizer(lambda: tf.random.set_seed(None))
    tf.random.set_seed(5)
    expected = tf.random.uniform(()).numpy()
    tf.random.set_seed(5)
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002 - the old global generator is the one to leave alone
    drawn = random.random(), np.random.random()  # noqa: NPY002
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    forget_networks()  # building a model must not draw either
    SimpleNNClassifier(16, epochs=1, random_state=0).fit(*digits).to_keras()
    assert (random.random(), np.random.random()) == drawn  # noqa: NPY002
    assert tf.random.uniform(()).numpy() == expected


@pytest.mark.slow
def test_parameters_may_be_numpy_numbers_as_a_search_draws_them(digits, forget_networks):
    forget_networks()
    grid = {"hidden_units": np.array([5, 6]), "batch_size": np.array([37]), "l2": np.array([0.1])}
    grid |= {"momentum": np.array([0.8], np.float32), "dropout": np.array([0.1], np.float32)}
    model = SimpleNNClassifier(16, epochs=np.int64(1), optimizer="sgd", patience=np.int64(2))
    assert GridSearchCV(model, grid, cv=2, error_score="raise").fit(*digits).n_features_in_ == 64


def test_validation_rows_can_be_given(digits):
    X, y = digits
    model = SimpleNNClassifier(16, epochs=3, random_state=0).fit(
        X[:1000], y[:1000], X_val=X[1000:], y_val=y[1000:]
    )
    assert (model.n_train_, model.n_validation_) == (1000, 797)
    assert model.validation_accuracy_ == pytest.approx(model.score(X[1000:], y[1000:]))


def test_validation_rows_can_be_weighed(digits):
    X, y = digits
    weight = np.where(y == 3, 1.0, 0.0)[1000:]
    model = SimpleNNClassifier(16, epochs=5, learning_rate=0.01, patience=None, random_state=0)
    model.fit(X[:1000], y[:1000], X_val=X[1000:], y_val=y[1000:], sample_weight_val=weight)
    threes = model.score(X[1000:][weight > 0], y[1000:][weight > 0])
    assert model.history_["val_accuracy"][-1] == pytest.approx(threes)


def test_given_validation_rows_do_not_teach(digits):
    X, y = digits
    models = [
        SimpleNNClassifier(16, epochs=2, patience=None, random_state=0).fit(
            X[:500], y[:500], X_val=X_val, y_val=y[500:600]
        )
        for X_val in (X[500:600], np.zeros((100, 64)))
    ]
    np.testing.assert_array_equal(models[0].coefs_[0], models[1].coefs_[0])


@pytest.mark.slow
def test_a_class_of_one_row_is_trained_on_and_not_held_out(digits):
    X, y = digits[0][:100], np.where(np.arange(100) == 7, 1, 0)
    model = SimpleNNClassifier(
        16, epochs=60, learning_rate=0.1, patience=None, validation_fraction=0.5, random_state=0
    )
    assert model.fit(X, y).predict(X[[7]]) == 1


@pytest.mark.slow
def test_sorted_labels_learn_as_shuffled_ones(digits):
    X, y = digits
    order = np.argsort(y, kind="stable")
    scores = cross_val_score(
        SimpleNNClassifier(16, epochs=15, learning_rate=0.01, random_state=0),
        X[order],
        y[order],
        cv=5,
    )
    assert scores.min() > 0.85


def test_rows_of_weight_zero_do_not_exist(digits):
    X, y = digits
    weight = np.ones(len(y))
    weight[y > 4] = 0
    model = SimpleNNClassifier(16, epochs=20, learning_rate=0.02, random_state=0)
    model.fit(X, y, sample_weight=weight)
    assert model.predict(X).max() <= 4
    assert model.n_train_ + model.n_validation_ == (y <= 4).sum()


def test_a_class_weight_moves_predictions_to_that_class(digits):
    X, y = digits
    heavy = SimpleNNClassifier(
        16,
        epochs=10,
        learning_rate=0.01,
        class_weight={label: 100 if label == 3 else 1 for label in range(10)},
        random_state=0,
    )
    light = clone(heavy).set_params(class_weight=None)
    threes = [(model.fit(X, y).predict(X) == 3).sum() for model in (heavy, light)]
    assert threes[0] > 2 * threes[1]


def test_class_weights_of_nothing_are_refused(digits):
    with pytest.raises(ValueError, match=r"class_weight=.*leaves no row with a weight above 0"):
        SimpleNNClassifier(16, epochs=1, class_weight=dict.fromkeys(range(10), 0)).fit(*digits)


@pytest.mark.parametrize("weight", [-1, np.nan, np.inf, None, "x"])
def test_a_class_weight_that_is_none_is_refused_by_its_class(digits, weight):
    with pytest.raises(ValueError, match=r"class_weight has .* for class 3"):
        SimpleNNClassifier(16, epochs=1, class_weight={3: weight}).fit(*digits)


@pytest.mark.parametrize("scale", [5e-324, 1e-60, 1e40, 1e307])
def test_weights_count_relative_to_each_other_however_small_or_large(digits, scale):
    X, y = digits[0].astype(np.float32), digits[1]
    weight = np.where(y == 3, 2.0, 1.0)
    options = {"X_val": X[:99], "y_val": y[:99]}
    expected, scaled = (
        SimpleNNClassifier(16, epochs=2, random_state=0).fit(
            X, y, sample_weight=weight * s, sample_weight_val=weight[:99] * s, **options
        )
        for s in (1, scale)
    )
    np.testing.assert_allclose(scaled.history_["val_loss"], expected.history_["val_loss"], rtol=0.2)
    assert np.isfinite(scaled.history_["loss"]).all()


def test_weights_that_partial_fit_cannot_take_as_they_are_are_refused(digits):
    X, y = digits[0].astype(np.float32), digits[1]
    for scale in (1e-60, 1e60):
        with pytest.raises(
            ValueError, match=r"sample_weight has values .* beyond the range of float32"
        ):
            SimpleNNClassifier(4).partial_fit(X, y, range(10), np.full(len(y), scale))


def test_warm_start_goes_on_from_the_learned_weights(digits):
    model = SimpleNNClassifier(16, epochs=10, warm_start=True, random_state=0).fit(*digits)
    first = model.loss_curve_
    assert model.fit(*digits).loss_curve_[0] < first[-1] * 1.2 < first[0]
    with pytest.raises(ValueError, match=r"warm_start=True requires the classes.*warm_start=False"):
        model.fit(digits[0], digits[1] + 1)
    with pytest.raises(ValueError, match=r"with layers of \(64, 16, 10\).*\(63, 16, 10\)"):
        model.fit(digits[0][:, :63], digits[1])


def split(y, fraction=0.1, seed=0):
    return _stratified_rows(np.asarray(y), fraction, np.random.RandomState(seed))


def test_holds_out_each_class_in_proportion():
    y = np.repeat([0, 1, 2], [600, 300, 100])
    _, held_out = split(y)
    assert np.bincount(y[held_out]).tolist() == [60, 30, 10]


def test_every_row_is_on_one_side():
    train, held_out = split(np.arange(97) % 5)
    assert sorted([*train, *held_out]) == list(range(97))


def test_every_class_keeps_a_row_to_train_on():
    y = [0] * 20 + [1]
    train, _ = split(y, fraction=0.9)
    assert set(np.asarray(y)[train]) == {0, 1}


def test_a_handful_of_rows_still_gives_one_to_validate_on():
    train, held_out = split([0, 1, 0, 1])
    assert (len(train), len(held_out)) == (3, 1)


def test_same_seed_same_rows():
    y = np.arange(100) % 10
    assert split(y, seed=1)[1].tolist() == split(y, seed=1)[1].tolist()
    assert split(y, seed=1)[1].tolist() != split(y, seed=2)[1].tolist()


def test_classes_of_one_row_each_are_refused_with_the_way_out():
    with pytest.raises(ValueError, match=r"validation_fraction=0.1.*validation_fraction=None"):
        split([0, 1, 2])
