import pickle
import random
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmnist import DeepNNClassifier, PixelNormalizer, SimpleNNClassifier, load_mnist
from skmnist.neural_network import EpochEvent, _base, _engine
from skmnist.neural_network._base import OPTIMIZERS
from skmnist.neural_network._forward import ACTIVATIONS

# The full batch, no validation rows, and enough steps: as scikit-learn configures its own MLP for
# the checks (solver="lbfgs"), because repeated rows equal weighted ones only without batches.
CHECKED = {
    "epochs": 60,
    "batch_size": 10**6,
    "learning_rate": 0.03,
    "patience": None,
    "validation_fraction": None,
    "random_state": 0,
}


@parametrize_with_checks([SimpleNNClassifier(32, **CHECKED)])
def test_scikit_learn_finds_nothing_unusual(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([DeepNNClassifier((16, 8), **CHECKED)])
def test_scikit_learn_finds_nothing_unusual_in_a_deep_one(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


@pytest.fixture(scope="module")
def mnist():
    return load_mnist(n_train=1000, n_test=500, random_state=0)


@pytest.mark.parametrize(
    ("network", "n_parameters", "layers"),
    [
        (SimpleNNClassifier, 101_770, ["Flatten", "Dense", "Dense"]),
        (DeepNNClassifier, 567_434, ["Flatten", "Dense", "Dense", "Dense", "Dense"]),
    ],
)
def test_networks_are_those_of_the_source(mnist, network, n_parameters, layers):
    model = network(epochs=0).fit(mnist.X_train / 255, mnist.y_train)
    keras_model = model.to_keras()
    assert model.n_parameters_ == keras_model.count_params() == n_parameters
    assert [type(layer).__name__ for layer in keras_model.layers] == layers
    assert keras_model.input_shape == (None, 28, 28)


def test_a_pipeline_learns_from_raw_images(mnist):
    pipeline = Pipeline([("normalize", PixelNormalizer()), ("nn", SimpleNNClassifier(epochs=15))])
    assert pipeline.fit(mnist.X_train, mnist.y_train).score(mnist.X_test, mnist.y_test) > 0.8


def test_grid_search_and_cross_validation_over_a_pipeline(mnist):
    pipeline = Pipeline(
        [("normalize", PixelNormalizer()), ("nn", SimpleNNClassifier(16, epochs=3, random_state=0))]
    )
    grid = {"nn__learning_rate": [1e-5, 1e-2], "nn__hidden_units": [8, 16]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(mnist.X_train, mnist.y_train)
    assert search.best_params_["nn__learning_rate"] == 1e-2
    assert (cross_val_score(pipeline, mnist.X_train, mnist.y_train, cv=2) > 0.2).all()


EXTRA_CHECKS = [
    estimator_checks.check_param_validation,
    estimator_checks.check_dataframe_column_names_consistency,
    estimator_checks.check_inplace_ensure_writeable,
]


@pytest.mark.parametrize("check", EXTRA_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(
    "estimator",
    [SimpleNNClassifier(8, **CHECKED), DeepNNClassifier((8, 4), **CHECKED), PixelNormalizer()],
    ids=lambda estimator: type(estimator).__name__,
)
def test_the_checks_that_scikit_learn_runs_on_its_own_estimators_only(estimator, check):
    check(type(estimator).__name__, clone(estimator))


@pytest.mark.parametrize(
    "make",
    [
        lambda: SimpleNNClassifier(learning_rat=0.1),
        lambda: SimpleNNClassifier().set_params(learning_rat=0.1),
        lambda: Pipeline([("nn", SimpleNNClassifier())]).set_params(nn__learning_rat=0.1),
        lambda: DeepNNClassifier(lerning_rate=0.1),
    ],
    ids=["init", "set_params", "pipeline", "deep"],
)
def test_a_misspelt_parameter_is_answered_with_the_right_name(make):
    match = r"has no parameter 'l\w+'. Did you mean 'learning_rate'\?"
    with pytest.raises((TypeError, ValueError), match=match):
        make()
    with pytest.raises(TypeError, match=r"PixelNormalizer has no parameter 'x'. It has max_value."):
        PixelNormalizer(x=1)


def test_it_is_a_classifier_and_clones_with_all_its_parameters():
    model = DeepNNClassifier((3, 4), dropout=0.5, l2=0.1, class_weight="balanced")
    assert is_classifier(model)
    assert clone(model).get_params() == model.get_params()


def test_no_epochs_mean_untrained(digits):
    model = SimpleNNClassifier(epochs=0, random_state=0).fit(*digits)
    assert (model.n_iter_, model.best_epoch_, model.loss_curve_) == (0, 0, [])
    assert model.score(*digits) < 0.4
    np.testing.assert_allclose(model.predict_proba(digits[0]).sum(axis=1), 1)


def test_patience_stops_and_keeps_the_best_weights(digits):
    model = SimpleNNClassifier(learning_rate=0.02, patience=3, random_state=0).fit(*digits)
    accuracies = model.history_["val_accuracy"]
    assert model.stop_reason_ == "patience"
    assert model.n_iter_ == len(accuracies) == model.best_epoch_ + 3
    assert model.best_epoch_ == model.kept_epoch_ == accuracies.argmax() + 1
    # the figure measured afterwards is that of the best epoch, not of the last
    assert model.validation_accuracy_ == pytest.approx(accuracies.max())
    assert model.best_validation_score_ == accuracies.max()


def test_without_patience_all_epochs_are_trained_and_the_last_weights_kept(digits):
    model = SimpleNNClassifier(epochs=30, learning_rate=0.02, patience=None, random_state=0)
    model.fit(*digits)
    assert (model.stop_reason_, model.n_iter_, model.kept_epoch_) == ("epochs", 30, 30)
    assert model.validation_accuracy_ == pytest.approx(model.history_["val_accuracy"][-1])


def test_without_validation_patience_watches_the_training_loss(digits):
    model = SimpleNNClassifier(
        epochs=60, learning_rate=0.3, patience=2, validation_fraction=None, random_state=0
    ).fit(*digits)
    assert set(model.history_) == {"loss", "accuracy"}
    assert model.best_epoch_ == model.history_["loss"].argmin() + 1
    assert model.stop_reason_ == "patience"
    assert model.validation_accuracy_ is None


def test_the_kept_training_accuracy_is_that_of_the_rows_trained_on(digits):
    X, y = digits
    model = SimpleNNClassifier(epochs=5, validation_fraction=None, random_state=0).fit(X, y)
    assert model.train_accuracy_ == model.score(X, y)
    assert (model.n_train_, model.n_validation_) == (len(y), 0)


def test_many_training_rows_are_measured_by_a_sample_spread_over_all(digits, monkeypatch):
    X, y = digits
    order = np.argsort(y, kind="stable")  # a sample from one end would hold one class
    monkeypatch.setattr(_base, "MAX_MEASURED_ROWS", 500)
    model = SimpleNNClassifier(32, epochs=10, validation_fraction=None, random_state=0)
    model.fit(X[order], y[order])
    assert (model.n_train_, model.n_train_measured_) == (1797, 500)
    assert model.train_accuracy_ == pytest.approx(model.score(X, y), abs=0.03)


def test_validation_rows_can_be_given(digits):
    X, y = digits
    model = SimpleNNClassifier(epochs=3, random_state=0).fit(
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
        SimpleNNClassifier(epochs=2, patience=None, random_state=0).fit(
            X[:500], y[:500], X_val=X_val, y_val=y[500:600]
        )
        for X_val in (X[500:600], np.zeros((100, 64)))
    ]
    np.testing.assert_array_equal(models[0].coefs_[0], models[1].coefs_[0])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_learns(digits, optimizer):
    rate = 0.1 if optimizer == "sgd" else 0.005
    model = SimpleNNClassifier(
        32, optimizer=optimizer, learning_rate=rate, epochs=20, random_state=0
    )
    assert model.fit(*digits).score(*digits) > 0.9


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_every_activation_learns_and_predicts_as_keras_does(digits, activation):
    model = SimpleNNClassifier(
        16, activation=activation, learning_rate=0.01, epochs=10, random_state=0
    ).fit(*digits)
    assert model.score(*digits) > 0.8
    expected = model.to_keras()(digits[0]).numpy()
    np.testing.assert_allclose(model.predict_proba(digits[0]), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("schedule", ["cosine", "linear", "exponential"])
def test_a_schedule_changes_what_is_learned_and_still_learns(digits, schedule):
    options = {"epochs": 20, "learning_rate": 0.01, "random_state": 0}
    plain = SimpleNNClassifier(16, **options).fit(*digits)
    scheduled = SimpleNNClassifier(16, learning_rate_schedule=schedule, **options).fit(*digits)
    assert scheduled.score(*digits) > 0.9
    assert not np.array_equal(plain.coefs_[0], scheduled.coefs_[0])


def test_same_seed_same_bits_and_another_seed_another_network(digits):
    options = {"epochs": 3, "dropout": 0.2}
    first, second, other = (
        SimpleNNClassifier(16, random_state=seed, **options).fit(*digits).predict_proba(digits[0])
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_global_generators_stay_as_they_were(digits):
    import tensorflow as tf

    tf.random.set_seed(5)
    expected = tf.random.uniform(()).numpy()
    tf.random.set_seed(5)
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002 - the old global generator is the one to leave alone
    drawn = random.random(), np.random.random()  # noqa: NPY002
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    _engine._idle.clear()  # building a model must not draw either
    SimpleNNClassifier(4, epochs=1, random_state=0).fit(*digits).to_keras()
    assert (random.random(), np.random.random()) == drawn  # noqa: NPY002
    assert tf.random.uniform(()).numpy() == expected


@pytest.mark.parametrize(
    ("convert", "dtype"),
    [
        (lambda X: X, "float64"),
        (lambda X: X.astype(np.float32), "float32"),
        (lambda X: (X * 16).astype(np.uint8), "float32"),
        (lambda X: np.asfortranarray(X), "float64"),
        (lambda X: X.reshape(-1, 8, 8), "float64"),
        (lambda X: pd.DataFrame(X).rename(columns=str), "float64"),
        (lambda X: pl.DataFrame(X.astype(np.float32)), "float32"),
        (lambda X: X.tolist(), "float64"),
    ],
    ids=["float64", "float32", "uint8", "fortran", "images", "pandas", "polars", "lists"],
)
def test_input_of_every_kind(digits, convert, dtype):
    X, y = convert(digits[0]), digits[1]
    if isinstance(X, np.ndarray):
        X.flags.writeable = False
    model = SimpleNNClassifier(16, epochs=5, learning_rate=0.01, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.7
    assert model.coefs_[0].dtype == model.predict_proba(X).dtype == dtype
    assert model.n_features_in_ == 64


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_a_frame_gives_names_that_later_frames_are_held_to(digits, library):
    X, y = digits
    names = [f"pixel{n}" for n in range(64)]
    frame = library.DataFrame(dict(zip(names, X.T, strict=True)))
    model = SimpleNNClassifier(4, epochs=1).fit(frame, library.Series(y))
    assert model.feature_names_in_.tolist() == names
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[names[::-1]])


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array, sparse.coo_array])
def test_sparse_rows_are_refused_in_words(digits, kind):
    X, y = digits
    with pytest.raises(TypeError, match=r"Sparse data was passed for X.*toarray\(\)"):
        SimpleNNClassifier(epochs=1).fit(kind(X), y)
    with pytest.raises(TypeError, match=r"Sparse data was passed for X.*toarray\(\)"):
        SimpleNNClassifier(4, epochs=0).fit(X, y).predict(kind(X))


def test_fewer_rows_than_a_batch(digits):
    X, y = digits
    model = SimpleNNClassifier(16, epochs=60, learning_rate=0.02, patience=None, random_state=0)
    assert model.fit(X[:40], y[:40]).score(X[:40], y[:40]) > 0.8
    assert model.n_train_ + model.n_validation_ == 40


def test_a_class_of_one_row_is_trained_on_and_not_held_out(digits):
    X, y = digits[0][:100], np.where(np.arange(100) == 7, 1, 0)
    model = SimpleNNClassifier(
        16, epochs=60, learning_rate=0.1, patience=None, validation_fraction=0.5, random_state=0
    )
    assert model.fit(X, y).predict(X[[7]]) == 1


def test_labels_may_be_text_or_gaps(digits):
    X, y = digits
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "7", "8", "9"])
    model = SimpleNNClassifier(32, epochs=10, random_state=0).fit(X, names[y])
    assert model.score(X, names[y]) > 0.8
    gaps = SimpleNNClassifier(32, epochs=10, random_state=0).fit(X, y * 100 - 7)
    assert gaps.classes_.tolist() == [n * 100 - 7 for n in range(10)]
    assert gaps.score(X, y * 100 - 7) > 0.8


def test_sorted_labels_learn_as_shuffled_ones(digits):
    X, y = digits
    order = np.argsort(y, kind="stable")
    scores = cross_val_score(
        SimpleNNClassifier(32, epochs=15, learning_rate=0.01, random_state=0),
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
        4,
        epochs=10,
        learning_rate=0.01,
        class_weight={label: 100 if label == 3 else 1 for label in range(10)},
        random_state=0,
    )
    light = clone(heavy).set_params(class_weight=None)
    threes = [(model.fit(X, y).predict(X) == 3).sum() for model in (heavy, light)]
    assert threes[0] > 2 * threes[1]


def test_l2_makes_weights_smaller(digits):
    plain, penalised = (
        np.abs(SimpleNNClassifier(16, epochs=20, l2=l2, random_state=0).fit(*digits).coefs_[0])
        for l2 in (0, 0.01)
    )
    assert penalised.mean() < 0.7 * plain.mean()


def test_warm_start_goes_on_from_the_learned_weights(digits):
    model = SimpleNNClassifier(16, epochs=10, warm_start=True, random_state=0).fit(*digits)
    first = model.loss_curve_
    assert model.fit(*digits).loss_curve_[0] < first[-1] * 1.2 < first[0]
    with pytest.raises(ValueError, match=r"warm_start=True goes on with.*warm_start=False"):
        model.fit(digits[0], digits[1] + 1)
    with pytest.raises(ValueError, match=r"goes on with layers of \(64, 16, 10\).*\(63, 16, 10\)"):
        model.fit(digits[0][:, :63], digits[1])


def test_a_parameter_changed_after_fit_does_not_change_predictions(digits):
    model = SimpleNNClassifier(8, epochs=1, random_state=0).fit(*digits)
    before = model.predict_proba(digits[0])
    np.testing.assert_array_equal(
        model.set_params(activation="tanh", hidden_units=3).predict_proba(digits[0]), before
    )


def test_a_function_is_told_of_each_epoch_and_can_stop(digits):
    events = []

    def watch(event):
        events.append(event)
        return event.epoch == 3

    model = SimpleNNClassifier(8, epochs=10, callbacks=watch).fit(*digits)
    assert [event.epoch for event in events] == [1, 2, 3]
    assert events[0].epochs == 10
    assert set(events[0].logs) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert events[0].eta == pytest.approx(events[0].seconds * 9)
    assert (model.stop_reason_, model.n_iter_) == ("callback", 3)


def test_a_keras_callback_is_called_per_epoch_and_can_stop(digits):
    import keras

    seen = []

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((epoch, sorted(logs), len(self.model.get_weights())))
            self.model.stop_training = epoch == 1

    model = SimpleNNClassifier(8, epochs=10, callbacks=[Stop()]).fit(*digits)
    assert seen[1] == (1, ["accuracy", "loss", "val_accuracy", "val_loss"], 4)
    assert (model.stop_reason_, model.n_iter_) == ("callback", 2)


def test_something_else_as_a_callback_is_refused(digits):
    for callback in (3, EpochEvent):  # a class is no instance
        with pytest.raises(TypeError, match=r"must be a keras.callbacks.Callback instance"):
            SimpleNNClassifier(epochs=1, callbacks=[callback]).fit(*digits)


def interrupt_after(epoch):
    def callback(event):
        if event.epoch == epoch:
            raise KeyboardInterrupt

    return callback


def test_an_interrupted_training_keeps_the_best_weights_so_far(digits):
    model = SimpleNNClassifier(8, epochs=10, callbacks=interrupt_after(3), random_state=0)
    with pytest.warns(UserWarning, match="interrupted after epoch 3; the weights of epoch"):
        model.fit(*digits)
    assert (model.stop_reason_, model.n_iter_) == ("interrupted", 3)
    assert model.train_accuracy_ == pytest.approx(model.history_["accuracy"].max(), abs=0.2)
    # and the next training is not disturbed by it
    assert model.set_params(callbacks=None).fit(*digits).n_iter_ == 10


def test_an_interrupt_before_anything_was_learned_goes_through(digits, monkeypatch):
    from skmnist.neural_network import _engine

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(_engine._Program, "run", interrupt)
    with pytest.raises(KeyboardInterrupt):
        SimpleNNClassifier(8).fit(*digits)


def test_a_loss_that_explodes_at_once_is_an_error_with_the_way_out(digits):
    X, y = digits[0].astype(np.float32), digits[1]
    model = SimpleNNClassifier(optimizer="sgd", learning_rate=1e30, random_state=0)
    with pytest.raises(ValueError, match=r"not finite in epoch 1.*lower learning_rate=1e\+30"):
        model.fit(X, y)


def test_a_loss_that_explodes_later_keeps_the_last_good_weights(digits):
    import keras

    X, y = digits[0].astype(np.float32), digits[1]
    explode = keras.callbacks.LearningRateScheduler(
        lambda epoch, rate: 1e30 if epoch == 2 else rate
    )
    model = SimpleNNClassifier(
        16, optimizer="sgd", learning_rate=0.1, patience=None, callbacks=[explode], random_state=0
    )
    with pytest.warns(ConvergenceWarning, match="not finite in epoch 3; the weights of epoch 2"):
        model.fit(X, y)
    assert model.stop_reason_ == "nonfinite"
    assert all(np.isfinite(coef).all() for coef in model.coefs_)
    assert model.score(X, y) > 0.5


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda X, y: (np.full_like(X, np.nan), y), "contains NaN"),
        (lambda X, y: (X, y[:-1]), "inconsistent numbers of samples"),
        (lambda X, y: (X, np.zeros(len(y))), "y has one class, 0.0, in all 1797 rows"),
        (lambda X, y: (X, y + 0.5), "Unknown label type"),
        (lambda X, y: (X[:, None, None], y), "dim 4"),
        (lambda X, y: (X.astype(complex), y), "Complex data not supported"),
        (lambda X, y: (X[:3], [1, 2, 3]), "validation_fraction=0.1 needs a class with two rows"),
    ],
    ids=["NaN", "lengths", "one class", "continuous", "4-D", "complex", "singles"],
)
def test_rows_that_cannot_be_learned_are_refused(digits, change, match):
    with pytest.raises(ValueError, match=match):
        SimpleNNClassifier(epochs=1).fit(*change(*digits))


@pytest.mark.parametrize(
    ("weight", "match"),
    [
        (lambda n: np.zeros(n), "sample_weight is zero in all rows|at least one non-zero"),
        (lambda n: -np.ones(n), "Negative values in data passed to `sample_weight`"),
        (lambda n: np.ones(n - 1), "sample_weight.shape"),
    ],
    ids=["zero", "negative", "length"],
)
def test_weights_that_make_no_sense_are_refused(digits, weight, match):
    with pytest.raises(ValueError, match=match):
        SimpleNNClassifier(epochs=1).fit(*digits, sample_weight=weight(len(digits[1])))


@pytest.mark.parametrize(
    ("validation", "match"),
    [
        ({"X_val": np.ones((3, 64))}, "X_val was given without y_val"),
        ({"y_val": [1, 2, 3]}, "y_val was given without X_val"),
        ({"X_val": np.ones((3, 64)), "y_val": [1, 2]}, r"y_val has shape \(2,\), expected \(3,\)"),
        ({"X_val": np.ones((3, 63)), "y_val": [1, 2, 3]}, "X_val: X has 63 features"),
        ({"X_val": np.full((1, 64), np.nan), "y_val": [1]}, "X_val: Input X contains NaN"),
        ({"sample_weight_val": [1]}, "sample_weight_val was given without X_val"),
        (
            {"X_val": np.ones((2, 64)), "y_val": [1, 2], "sample_weight_val": [1]},
            "sample_weight_val.shape",
        ),
        (
            {"X_val": np.ones((2, 64)), "y_val": [1, 2], "sample_weight_val": [0, 0]},
            "sample_weight_val is zero in all rows|at least one non-zero",
        ),
        ({"X_val": np.ones((2, 64)), "y_val": [1, 77]}, r"labels that y has not: \[77\]"),
    ],
    ids=[
        "no y",
        "no X",
        "length",
        "features",
        "NaN",
        "weights alone",
        "weights' length",
        "no weight",
        "unseen label",
    ],
)
def test_validation_rows_that_do_not_fit_are_refused(digits, validation, match):
    with pytest.raises(ValueError, match=match):
        SimpleNNClassifier(epochs=1).fit(*digits, **validation)


@pytest.mark.parametrize(
    "parameters",
    [
        {"epochs": -1},
        {"batch_size": 0},
        {"dropout": 1.0},
        {"l2": -0.1},
        {"learning_rate": 0},
        {"optimizer": "adamm"},
        {"activation": "rellu"},
        {"patience": 0},
        {"monitor": "f1"},
        {"validation_fraction": 1.0},
        {"learning_rate_schedule": "zigzag"},
        {"hidden_units": 0},
    ],
    ids=lambda parameters: next(iter(parameters)),
)
def test_a_parameter_out_of_range_is_refused_in_fit(digits, parameters):
    model = SimpleNNClassifier(**parameters)
    ((name, value),) = parameters.items()
    with pytest.raises(ValueError, match=rf"The '{name}' parameter of SimpleNNClassifier.*{value}"):
        model.fit(*digits)


@pytest.mark.parametrize("sizes", [(), (3, 0), (2.5,), "ab", {3: 4}, (True,), 7])
def test_hidden_layer_sizes_must_be_counts(digits, sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        DeepNNClassifier(sizes, epochs=1).fit(*digits)


def test_predicting_before_fitting_says_so():
    with pytest.raises(NotFittedError, match="SimpleNNClassifier"):
        SimpleNNClassifier().predict([[1.0]])


def test_a_fitted_network_is_small_and_predicts_without_tensorflow(mnist, tmp_path):
    pipeline = Pipeline(
        [("normalize", PixelNormalizer()), ("nn", SimpleNNClassifier(epochs=1, random_state=0))]
    ).fit(mnist.X_train, mnist.y_train)
    pickled = pickle.dumps(pipeline)
    assert len(pickled) < 1.1 * 4 * 101_770
    (tmp_path / "model.pickle").write_bytes(pickled)
    np.save(tmp_path / "X.npy", mnist.X_test)
    script = (
        "import pickle, sys, numpy as np\n"
        "model = pickle.load(open('model.pickle', 'rb'))\n"
        "np.save('proba.npy', model.predict_proba(np.load('X.npy')))\n"
        "assert not {'tensorflow', 'keras', 'scikeras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=120)
    np.testing.assert_array_equal(
        np.load(tmp_path / "proba.npy"), pipeline.predict_proba(mnist.X_test)
    )


# What packages tell each other's developers, Python shows to nobody.
SHOWING_WARNINGS = ("-W", "default", "-W", "ignore::DeprecationWarning")
SCRIPT = """
from sklearn.datasets import load_digits
from skmnist import SimpleNNClassifier
X, y = load_digits(return_X_y=True)
SimpleNNClassifier(8, epochs=2, verbose={verbose}, random_state=0).fit(X / 16, y)
"""


@pytest.mark.slow
@pytest.mark.parametrize("verbose", [0, 1])
def test_no_line_on_the_screen_is_not_ours(verbose):
    script = SCRIPT.format(verbose=verbose)
    done = subprocess.run(
        [sys.executable, *SHOWING_WARNINGS, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    lines = done.stderr.splitlines()
    assert done.stdout == ""
    assert len(lines) == 3 * verbose
    if verbose:
        assert lines[0] == "Loading tensorflow ..."
        assert lines[2].startswith("SimpleNNClassifier 2/2 | acc=")


def test_fit_leaves_no_warning_behind(digits):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SimpleNNClassifier(8, epochs=1).fit(*digits)


def test_class_weights_of_nothing_are_refused(digits):
    with pytest.raises(ValueError, match=r"class_weight=.*leaves no row with a weight above 0"):
        SimpleNNClassifier(epochs=1, class_weight=dict.fromkeys(range(10), 0)).fit(*digits)


def test_images_of_another_shape_are_refused(digits):
    X, y = digits[0].reshape(-1, 8, 8), digits[1]
    model = SimpleNNClassifier(4, epochs=1).fit(X, y)
    with pytest.raises(ValueError, match=r"images of shape \(4, 16\).*fitted on.*\(8, 8\)"):
        model.predict(X.reshape(-1, 4, 16))


def test_a_fit_that_failed_leaves_the_network_learned_before(digits):
    X, y = digits[0].astype(np.float32), digits[1]
    model = SimpleNNClassifier(8, epochs=1, random_state=0).fit(X, y)
    before = model.predict(X)
    model.set_params(optimizer="sgd", learning_rate=1e30)
    with pytest.raises(ValueError, match="nothing was learned"):
        model.fit(X[:, :10], y + 100)
    assert model.n_features_in_ == 64
    np.testing.assert_array_equal(model.predict(X), before)


def test_a_first_fit_that_failed_leaves_it_unfitted(digits):
    X, y = digits[0].astype(np.float32), digits[1]
    model = SimpleNNClassifier(8, optimizer="sgd", learning_rate=1e30, random_state=0)
    with pytest.raises(ValueError, match="nothing was learned"):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)


def test_two_threads_predict_with_one_estimator(digits):
    from concurrent.futures import ThreadPoolExecutor

    model = SimpleNNClassifier(8, epochs=1, random_state=0).fit(*digits)
    alone = model.predict_proba(digits[0])
    with ThreadPoolExecutor(2) as pool:
        for together in pool.map(model.predict_proba, [digits[0]] * 20):
            np.testing.assert_array_equal(together, alone)


def test_two_threads_fit_and_predict_as_one(digits):
    from concurrent.futures import ThreadPoolExecutor

    def proba(seed):
        model = SimpleNNClassifier(8, epochs=3, random_state=seed).fit(*digits)
        return model.predict_proba(digits[0])

    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(proba, [0, 1, 2, 0]))
    for seed, result in zip([0, 1, 2, 0], together, strict=True):
        np.testing.assert_array_equal(result, proba(seed))


def test_parameters_may_be_numpy_numbers_as_a_search_draws_them(digits):
    _engine._idle.clear()
    grid = {"hidden_units": np.array([5, 6]), "batch_size": np.array([37]), "l2": np.array([0.1])}
    grid |= {"momentum": np.array([0.8], np.float32), "dropout": np.array([0.1], np.float32)}
    model = SimpleNNClassifier(epochs=np.int64(1), optimizer="sgd", patience=np.int64(2))
    assert GridSearchCV(model, grid, cv=2, error_score="raise").fit(*digits).n_features_in_ == 64


def test_log_probabilities_are_those_of_the_probabilities(digits):
    model = SimpleNNClassifier(8, epochs=1, random_state=0).fit(*digits)
    np.testing.assert_allclose(
        np.exp(model.predict_log_proba(digits[0])), model.predict_proba(digits[0])
    )


@pytest.mark.parametrize("scale", [5e-324, 1e-60, 1e40, 1e307])
def test_weights_count_relative_to_each_other_however_small_or_large(digits, scale):
    X, y = digits[0].astype(np.float32), digits[1]
    weight = np.where(y == 3, 2.0, 1.0)
    options = {"X_val": X[:99], "y_val": y[:99]}
    expected, scaled = (
        SimpleNNClassifier(8, epochs=2, random_state=0).fit(
            X, y, sample_weight=weight * s, sample_weight_val=weight[:99] * s, **options
        )
        for s in (1, scale)
    )
    np.testing.assert_allclose(scaled.history_["val_loss"], expected.history_["val_loss"], rtol=0.2)
    assert np.isfinite(scaled.history_["loss"]).all()


def test_weights_that_partial_fit_cannot_take_as_they_are_are_refused(digits):
    X, y = digits[0].astype(np.float32), digits[1]
    for scale in (1e-60, 1e60):
        with pytest.raises(ValueError, match=r"sample_weight goes from .* beyond what float32"):
            SimpleNNClassifier(4).partial_fit(X, y, range(10), np.full(len(y), scale))


@pytest.mark.parametrize("weight", [-1, np.nan, np.inf, None, "x"])
def test_a_class_weight_that_is_none_is_refused_by_its_class(digits, weight):
    with pytest.raises(ValueError, match=r"class_weight has .* for class 3"):
        SimpleNNClassifier(epochs=1, class_weight={3: weight}).fit(*digits)


def test_weights_that_a_keras_callback_breaks_are_not_kept(digits):
    import keras

    class Break(keras.callbacks.Callback):
        def __init__(self, at_end):
            super().__init__()
            self.at_end = at_end

        def set(self):
            self.model.set_weights([weight * np.nan for weight in self.model.get_weights()])

        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1 and not self.at_end:
                self.set()

        def on_train_end(self, logs=None):
            if self.at_end:
                self.set()

    for at_end in (False, True):
        model = SimpleNNClassifier(8, epochs=3, patience=None, callbacks=Break(at_end))
        with pytest.warns(ConvergenceWarning, match="not finite"):
            model.fit(*digits)
        assert np.isfinite(model.coefs_[0]).all()
        assert model.stop_reason_ == "nonfinite"


def test_rows_too_large_for_the_precision_are_refused(digits):
    X, y = digits[0].astype(np.float32), digits[1]
    model = SimpleNNClassifier(8, epochs=2, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=r"X has values up to 1e\+300, too large for float32"):
        model.predict(X.astype(float) * 1e300)
    with pytest.raises(ValueError, match="A loss or a weight was not finite in epoch 1"):
        model.fit(X, y, X_val=X * np.float32(3e38), y_val=y)


def test_float64_trains_in_float64_in_any_byte_order(digits):
    X, y = digits[0].astype(">f8"), digits[1].astype(">i4")
    model = SimpleNNClassifier(8, epochs=1, random_state=0).fit(X, y)
    assert model.coefs_[0].dtype == np.float64
    other = SimpleNNClassifier(8, epochs=1, random_state=0).fit(*digits)
    np.testing.assert_array_equal(model.coefs_[0], other.coefs_[0])


def test_what_a_function_returns_and_changes(digits):
    def stop(event):
        event.logs.clear()  # the next one, and the log on the screen, have their own
        return np.bool_(event.epoch == 2)

    def see(event):
        seen.append(sorted(event.logs))

    seen = []
    model = SimpleNNClassifier(8, epochs=9, callbacks=[stop, see]).fit(*digits)
    assert model.n_iter_ == 2
    assert seen[0] == ["accuracy", "loss", "val_accuracy", "val_loss"]


def test_a_warning_points_at_the_callers_line(digits):
    model = SimpleNNClassifier(8, epochs=10, callbacks=interrupt_after(3), random_state=0)
    with pytest.warns(UserWarning, match="interrupted") as caught:
        Pipeline([("nn", model)]).fit(*digits)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="normalised already") as caught:
        PixelNormalizer().fit(digits[0])
    assert caught[0].filename == __file__
