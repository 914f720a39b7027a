"""What users of MLPClassifier, scikeras and skorch expect of a network, and where these differ.

The data have two features and the networks eight hidden units, so that few programs are compiled.
"""

import copy
import pickle
import warnings

import keras
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_blobs
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.exceptions import DataConversionWarning, FitFailedWarning, NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmnist import DeepNNClassifier, SimpleNNClassifier


def make(**options):
    defaults = {"learning_rate": 0.05, "epochs": 3, "batch_size": 20, "patience": None}
    return SimpleNNClassifier(8, **{**defaults, "random_state": 0, **options})


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs(60, 2, centers=[(-1, 0), (1, 0), (0, 1)], cluster_std=0.2, random_state=0)
    return X.astype(np.float32), y


@pytest.fixture(scope="module")
def square():
    """Points of a square around 0."""
    return np.random.default_rng(0).uniform(-1, 1, (60, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def fitted(blobs):
    return make(epochs=20).fit(*blobs)


def assert_same_weights(first, second):
    np.testing.assert_equal(first.coefs_, second.coefs_)
    np.testing.assert_equal(first.intercepts_, second.intercepts_)


# --- it learns


@pytest.mark.slow
@pytest.mark.parametrize(
    "inside",
    [
        lambda X: X[:, 0] > 2 * X[:, 1],
        lambda X: X[:, 0] * X[:, 1] > 0,
        lambda X: (X**2).sum(axis=1) > 0.6,
    ],
    ids=["line", "xor", "circle"],
)
def test_two_features_are_enough(square, inside):
    y = inside(square)
    model = make(epochs=60).fit(square, y)
    assert model.score(square, y) > 0.95
    assert roc_auc_score(y, model.predict_proba(square)[:, 1]) > 0.98


@pytest.mark.slow
def test_one_feature_is_enough_and_a_refit_may_have_other_features_and_classes(square, blobs):
    model = make(epochs=40).fit(square[:, :1], square[:, 0] > 0)
    assert model.score(square[:, :1], square[:, 0] > 0) > 0.95
    model.fit(*blobs)
    assert (model.n_features_in_, model.classes_.tolist()) == (2, [0, 1, 2])
    assert model.score(*blobs) > 0.9


def test_a_step_follows_the_gradient_of_the_penalised_weighted_loss():
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=(12, 3)), np.arange(12) % 3, rng.uniform(0.5, 1.5, 12)
    rate, l2 = 1e-3, 0.05
    model = DeepNNClassifier(
        (4, 3),
        activation="tanh",
        optimizer="sgd",
        momentum=0.0,
        learning_rate=rate,
        l2=l2,
        random_state=0,
    )
    before = model.set_params(epochs=0).fit(X, y)
    before = copy.deepcopy(before)
    model.partial_fit(X, y, sample_weight=weight)

    def loss():
        log_proba = before.predict_log_proba(X)[np.arange(12), y]
        return -(weight * log_proba).mean() + l2 * sum((coef**2).sum() for coef in before.coefs_)

    for start, end in zip(
        before.coefs_ + before.intercepts_, model.coefs_ + model.intercepts_, strict=True
    ):
        slope = np.empty_like(start)
        for place in np.ndindex(start.shape):
            value, values = start[place], []
            for start[place] in (value + 1e-5, value - 1e-5):
                values.append(loss())
            start[place] = value
            slope[place] = (values[0] - values[1]) / 2e-5
        np.testing.assert_allclose((start - end) / rate, slope, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("batch_size", "updates"), [(20, 3), pytest.param(10**18, 1, marks=pytest.mark.slow)]
)
def test_an_epoch_has_as_many_updates_as_batches(blobs, batch_size, updates):
    X, y = blobs[0][:50], blobs[1][:50]

    class Count(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            counts.append(int(self.model.optimizer.iterations.numpy()))

    counts = []
    make(batch_size=batch_size, callbacks=Count()).fit(X, y)
    assert counts == [updates, 2 * updates, 3 * updates]


@pytest.mark.slow
def test_one_row_per_class_can_be_learned(blobs):
    X, y = blobs[0][[0, 1, 2]], ["c", "a", "b"]
    model = make(epochs=100).fit(X, y)
    assert model.predict(X).tolist() == y
    with pytest.raises(
        ValueError, match=r"validation_fraction=0\.5 needs a class with at least two"
    ):
        make(validation_fraction=0.5).fit(X, y)


def test_a_high_learning_rate_gives_no_nan(blobs):
    assert np.isfinite(make(learning_rate=2.0, epochs=10).fit(*blobs).loss_curve_).all()


def test_huge_features_are_refused_with_the_way_out(blobs):
    X, y = blobs
    with pytest.raises(ValueError, match=r"not finite in epoch 1.*scale X"):
        make().fit(X * np.float32(1e30), y)


# --- what it predicts


def test_probabilities_sum_to_one_and_agree_with_the_classes(fitted, blobs):
    X, _ = blobs
    proba = fitted.predict_proba(X)
    assert proba.shape == (60, 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(fitted.classes_[proba.argmax(axis=1)], fitted.predict(X))
    np.testing.assert_allclose(fitted.predict_log_proba(X), np.log(proba))


@pytest.mark.slow
def test_two_classes_have_two_columns_and_two_output_units(square):
    model = make(epochs=1).fit(square, square[:, 0] > 0)
    assert model.predict_proba(square).shape == (60, 2)
    assert model.coefs_[-1].shape == (8, 2)


def test_rows_of_another_precision_are_computed_in_that_of_training(fitted, blobs):
    X, _ = blobs
    for other in (X.astype(float), np.asfortranarray(X), X.tolist(), pd.DataFrame(X)):
        proba = fitted.predict_proba(other)
        assert proba.dtype == np.float32
        np.testing.assert_array_equal(proba, fitted.predict_proba(X))


def test_a_single_row_is_a_row_of_a_matrix(fitted, blobs):
    X, _ = blobs
    assert fitted.predict(X[:1].tolist()) == fitted.predict(X)[0]
    with pytest.raises(ValueError, match=r"(?s)Expected 2D array, got 1D array.*reshape\(1, -1\)"):
        fitted.predict(X[0])
    with pytest.raises(ValueError, match="0 sample"):
        fitted.predict(X[:0])


def test_scores_can_be_weighted_and_unknown_labels_count_as_errors(fitted, blobs):
    X, y = blobs
    right = fitted.predict(X) == y
    weight = np.arange(60)
    assert fitted.score(X, y, sample_weight=weight) == pytest.approx((weight * right).sum() / 1770)
    assert fitted.score(X, y + 10) == 0


# --- labels


@pytest.mark.parametrize(
    "labels",
    [
        np.array([-7, 0, 10**12]),
        np.array([3, 200, 255], np.uint8),
        np.array([-0.5e3, 0.0, 2.0]),
        np.array(["a", "b", "ccc"]),
        np.array(["a", "b", "ccc"], dtype=object),
        np.array(["2020-01-01", "2021-01-01", "2022-01-01"], "datetime64[D]"),
    ],
    ids=["negative", "uint8", "float", "text", "object", "dates"],
)
def test_labels_keep_their_type_and_do_not_change_what_is_learned(blobs, labels):
    X, y = blobs
    model = make().fit(X, labels[y])
    assert model.classes_.dtype == model.predict(X).dtype == labels.dtype
    assert model.classes_.tolist() == labels.tolist()
    assert_same_weights(model, make().fit(X, y))


@pytest.mark.parametrize(
    "convert",
    [
        np.ndarray.tolist,
        pd.Series,
        lambda y: pd.Series(y, dtype="Int64"),
        lambda y: pd.Series(pd.Categorical(y)),
        pl.Series,
    ],
    ids=["list", "pandas", "nullable", "categorical", "polars"],
)
def test_labels_may_come_in_any_container(blobs, convert):
    X, y = blobs
    assert_same_weights(make().fit(X, convert(y)), make().fit(X, y))


def test_truth_values_are_labels(square):
    y = square[:, 0] > 0
    for given in (y, y.tolist(), pd.Series(y)):
        model = make(epochs=1).fit(square, given)
        assert model.classes_.tolist() == [False, True]
        assert model.predict(square).dtype == bool


@pytest.mark.parametrize(
    "labels",
    [[None, "a", "b"], [1, "a", "b"], [True, "a", "b"], [pd.NA, "a", "b"], [np.nan, "a", "b"]],
    ids=["None", "numbers and text", "truth values and text", "NA", "NaN"],
)
def test_missing_labels_and_labels_of_several_types_are_refused_by_name(blobs, labels):
    X, y = blobs
    text, mixed = np.array(["c", "a", "b"])[y], np.array(labels, dtype=object)[y]
    for name, train in [
        ("y", lambda: make().fit(X, mixed)),
        ("y", lambda: make().partial_fit(X, mixed, classes=["a", "b", "c"])),
        ("classes", lambda: make().partial_fit(X, text, classes=mixed)),
        ("y_val", lambda: make().fit(X, text, X_val=X, y_val=mixed)),
    ]:
        match = rf"^{name} has labels of the types \w+, str\b.*leave out.* without a label"
        with pytest.raises(ValueError, match=match):
            train()
    column = pd.Series(text, dtype="string").mask(y == 1)
    with pytest.raises(ValueError, match="y has labels of the types NAType, str"):
        make().fit(X, column)


@pytest.mark.parametrize("convert", [lambda Y: Y, np.ndarray.tolist, pd.DataFrame])
def test_one_hot_labels_are_refused_with_the_way_out(blobs, convert):
    X, y = blobs
    one_hot = convert(np.eye(3, dtype=int)[y])
    match = r"y should be a 1d array, got an array of shape \(60, 3\).*argmax.*MultiOutput"
    with pytest.raises(ValueError, match=match):
        make().fit(X, one_hot)
    with pytest.raises(ValueError, match=match):
        make().partial_fit(X, one_hot, classes=[0, 1, 2])


def test_a_column_of_labels_is_taken_with_a_warning(blobs):
    X, y = blobs
    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        model = make().fit(X, y[:, None])
    assert_same_weights(model, make().fit(X, y))


# --- weights


@pytest.mark.parametrize("weight", [1, 2.5, [1] * 60, np.full(60, 3, np.int8)])
@pytest.mark.parametrize("validation_fraction", [None, 0.2])
def test_equal_weights_are_no_weights(blobs, weight, validation_fraction):
    model = make(validation_fraction=validation_fraction)
    weighted = clone(model).fit(*blobs, sample_weight=weight)
    assert_same_weights(weighted, model.fit(*blobs))
    assert weighted.loss_curve_ == model.loss_curve_


def test_class_weights_are_row_weights(blobs):
    X, y = blobs[0][:50], blobs[1][:50]
    balanced = make(class_weight="balanced").fit(X, y)
    by_hand = {label: 50 / 3 / count for label, count in enumerate(np.bincount(y))}
    assert_same_weights(balanced, make(class_weight=by_hand).fit(X, y))
    assert_same_weights(balanced, make().fit(X, y, sample_weight=[by_hand[label] for label in y]))
    # both together multiply, and the labels' own type is that of the keys
    both = make(class_weight={"a": 3}).fit(X, np.array(list("abc"))[y], np.where(y == 1, 2, 1))
    assert_same_weights(both, make().fit(X, y, sample_weight=np.array([3, 2, 1])[y]))


@pytest.mark.parametrize(
    "convert",
    [
        np.array,
        lambda y: y.astype(str),
        lambda y: np.char.zfill(y.astype(str), 2),
        lambda y: y * 1.0,
    ],
    ids=["int", "digits as text", "digits after zeros", "float"],
)
def test_class_weights_go_by_the_labels_as_they_are(blobs, convert):
    X, y = blobs
    labels = convert(np.arange(3)).tolist()
    expected = make().fit(X, y, sample_weight=np.array([1, 3, 1])[y])
    for class_weight in ({labels[1]: 3}, {labels[0]: 1, labels[1]: 3, labels[2]: 1, "more": 5}):
        model = make(class_weight=class_weight)
        assert_same_weights(clone(model).fit(X, convert(y)), expected)
        assert model.partial_fit(X, convert(y), classes=labels).n_iter_ == 1


def test_class_weights_of_other_classes_are_refused(blobs):
    X, y = blobs
    with pytest.raises(ValueError, match=r"weights for \['0'\], but the classes are \[0, 1, 2\]"):
        make(class_weight={"0": 2}).fit(X, y)
    with pytest.raises(
        ValueError, match=r"weights for \[0\], but the classes are \['0', '1', '2'\]"
    ):
        make(class_weight={0: 2, "1": 1}).fit(X, y.astype(str))
    with pytest.raises(ValueError, match="'class_weight' parameter of SimpleNNClassifier"):
        make(class_weight=[1, 2, 3]).fit(*blobs)


def test_row_weights_of_another_form_are_refused(blobs):
    with pytest.raises(ValueError, match="Sample weights must be 1D array or scalar"):
        make().fit(*blobs, sample_weight=np.ones((60, 1)))
    with pytest.raises(ValueError, match="could not convert string to float"):
        make().fit(*blobs, sample_weight=["heavy"] * 60)


# --- fitting again


def test_an_int_repeats_a_fit_and_a_generator_or_none_does_not(blobs):
    seeded = make().fit(*blobs)
    assert_same_weights(copy.deepcopy(seeded), seeded.fit(*blobs))
    for random_state in (np.random.RandomState(0), None):
        model = make(random_state=random_state).fit(*blobs)
        if random_state:
            assert_same_weights(model, seeded)
        first = model.coefs_[0]
        assert not np.array_equal(model.fit(*blobs).coefs_[0], first)


def test_rows_are_shuffled_unless_told_otherwise(blobs):
    X, y = blobs
    shuffled, plain = make().fit(X, y), make(shuffle=False).fit(X, y)
    assert not np.array_equal(shuffled.coefs_[0], plain.coefs_[0])
    # batches are consecutive rows then: their order within a batch is all but indifferent
    order = np.arange(60).reshape(3, 20)[:, ::-1].ravel()
    other = make(shuffle=False).fit(X[order], y[order])
    np.testing.assert_allclose(other.coefs_[0], plain.coefs_[0], atol=1e-4)
    assert not np.allclose(make(shuffle=False).fit(X[::-1], y[::-1]).coefs_[0], plain.coefs_[0])


def test_nothing_that_was_given_is_changed(blobs):
    X, y = (part.copy() for part in blobs)
    given = {"class_weight": {0: 2, 1: 1, 2: 1}, "callbacks": [lambda event: None]}
    model = make(validation_fraction=0.2, **given)
    before = model.get_params()
    weight = np.arange(60.0)
    model.fit(X, y, sample_weight=weight, X_val=X[:9], y_val=y[:9])
    model.partial_fit(X, y, sample_weight=weight)
    model.predict(X)
    np.testing.assert_array_equal(X, blobs[0])
    np.testing.assert_array_equal(y, blobs[1])
    np.testing.assert_array_equal(weight, np.arange(60))
    assert model.get_params() == before
    assert all(model.get_params()[name] is value for name, value in given.items())
    sizes = [4, 3]
    assert DeepNNClassifier(sizes, epochs=0).fit(X, y).hidden_layer_sizes is sizes == [4, 3]


def test_parameters_are_those_of_init_and_a_clone_has_learned_nothing(fitted):
    params = fitted.get_params(deep=True)
    assert params == fitted.get_params(deep=False)
    assert not [name for name in params if name.startswith("_") or name.endswith("_")]
    assert repr(fitted) == repr(clone(fitted))
    assert "hidden_units=8" in repr(fitted)
    assert "momentum" not in repr(fitted)  # the default
    with pytest.raises(NotFittedError):
        clone(fitted).predict([[0.0, 1.0]])


def test_copies_train_on_independently(blobs):
    model = make(warm_start=True).fit(*blobs)
    kept = copy.deepcopy(model)
    for other in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert_same_weights(other, model)
        assert other.partial_fit(*blobs).n_iter_ == 4
        assert other.fit(*blobs).n_iter_ == 3
        assert_same_weights(model, kept)
        assert (model.n_iter_, len(model.loss_curve_)) == (3, 3)


# --- warm starts


@pytest.mark.slow
def test_two_warm_fits_are_one_long_fit_where_the_optimizer_has_no_memory(blobs):
    options = {"optimizer": "sgd", "momentum": 0.0, "shuffle": False}
    model = make(warm_start=True, **options).fit(*blobs)
    model.set_params(epochs=4).fit(*blobs)
    assert_same_weights(model, make(epochs=7, **options).fit(*blobs))
    # each fit tells of its own epochs
    assert model.n_iter_ == len(model.loss_curve_) == len(model.history_["accuracy"]) == 4
    assert model.kept_epoch_ == 4


def test_no_further_epoch_keeps_what_was_learned_where_the_start_is_warm(blobs):
    X, y = blobs
    model = make(warm_start=True).fit(X, y)
    learned = model.coefs_[0]
    model.set_params(epochs=0).fit(X, y)
    np.testing.assert_array_equal(model.coefs_[0], learned)
    assert (model.n_iter_, model.kept_epoch_, model.loss_curve_) == (0, 0, [])
    in_double = model.fit(X.astype(float), y).coefs_[0]
    np.testing.assert_array_equal(in_double, learned)
    assert in_double.dtype == np.float64
    assert not np.array_equal(model.set_params(warm_start=False).fit(X, y).coefs_[0], learned)


@pytest.mark.parametrize(
    "change",
    [
        lambda y: np.minimum(y, 1),
        lambda y: y * 2,
        lambda y: np.arange(60) % 4,
        lambda y: y.astype(str),
    ],
    ids=["fewer", "others", "more", "text"],
)
def test_a_warm_start_keeps_the_classes(blobs, change):
    X, y = blobs
    model = make(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"classes of the previous fit, \[0, 1, 2\], but y has"):
        model.fit(X, change(y))
    assert model.set_params(epochs=1).fit(X, y[::-1]).n_iter_ == 1


def test_a_schedule_starts_anew_with_each_fit(blobs):
    class Record(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            rates.append(float(self.model.optimizer.learning_rate.numpy()))

    rates = []
    model = make(learning_rate_schedule="linear", warm_start=True, callbacks=Record())
    model.fit(*blobs).fit(*blobs)
    # the last of three updates in each of three epochs
    np.testing.assert_allclose(rates, 2 * [0.05 * (1 - step / 9) for step in (2, 5, 8)], rtol=1e-5)


def test_patience_counts_anew_with_each_warm_fit(blobs):
    model = make(epochs=40, patience=2, validation_fraction=0.2, warm_start=True).fit(*blobs)
    for _ in range(2):
        assert model.stop_reason_ == "patience"
        assert model.n_iter_ == model.best_epoch_ + 2 == len(model.history_["val_loss"])
        model.fit(*blobs)


# --- partial_fit


def test_a_pass_is_one_epoch_whatever_epochs_says(blobs):
    model = make(epochs=9, patience=1, learning_rate_schedule="linear", validation_fraction=0.2)
    for n_passes in (1, 2):
        model.partial_fit(*blobs, classes=[2, 0, 1, 1])
        assert model.n_iter_ == len(model.loss_curve_) == n_passes
    assert model.classes_.tolist() == [0, 1, 2]
    assert model.set_params(patience=None).fit(*blobs).n_iter_ == 9
    assert model.partial_fit(*blobs).n_iter_ == 10


def test_a_class_that_comes_late_is_learned(blobs):
    X, y = blobs
    rows = np.resize(np.flatnonzero(y < 2), 60)
    model = make().partial_fit(X[rows], y[rows], classes=[0, 1, 2])
    for _ in range(30):
        model.partial_fit(X, y)
    assert model.score(X[y == 2], y[y == 2]) > 0.9


def test_labels_of_a_later_pass_may_have_another_type_of_number(blobs):
    X, y = blobs
    first, second = (make().partial_fit(X, y, classes=[0, 1, 2]) for _ in range(2))
    second.partial_fit(X, y.astype(np.uint8))
    assert_same_weights(second, first.partial_fit(X, y.astype(float)))
    assert second.classes_.dtype == int
    with pytest.raises(ValueError, match=r"not among the classes: \['0', '1', '2'\]"):
        first.partial_fit(X, y.astype(str))


def test_passes_follow_a_fit_with_validation_rows(blobs):
    model = make(patience=2, validation_fraction=0.2).fit(*blobs)
    assert model.best_validation_score_ == model.history_["val_accuracy"].max()
    model.partial_fit(*blobs)
    assert model.best_validation_score_ is None
    assert set(model.history_) == {"loss", "accuracy"}


def test_columns_of_a_later_pass_are_those_of_the_first(blobs):
    X, y = blobs
    frame = pd.DataFrame(X, columns=["across", "up"])
    model = make().partial_fit(frame, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="feature names should match"):
        model.partial_fit(frame[["up", "across"]], y)
    with pytest.raises(ValueError, match="X_val: The feature names should match"):
        make().fit(frame, y, X_val=frame[["up", "across"]], y_val=y)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(X)


# --- epochs, patience, the screen


def test_the_end_of_the_epochs_is_no_warning(blobs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = make(epochs=1).fit(*blobs)
    assert (model.n_iter_, model.stop_reason_) == (1, "epochs")


@pytest.mark.parametrize(
    "name",
    [
        *("tol", "max_iter", "alpha", "solver", "early_stopping", "n_iter_no_change"),
        *("model", "loss", "metrics", "optimizer__learning_rate"),  # of scikeras
        *("module", "max_epochs", "lr", "train_split"),  # of skorch
    ],
)
def test_parameters_of_others_are_refused_at_once(name):
    with pytest.raises(TypeError, match=f"SimpleNNClassifier has no parameter '{name}'"):
        SimpleNNClassifier(**{name: 1})


@pytest.mark.parametrize(
    ("name", "value"), [("batch_size", -1), ("batch_size", "auto"), ("optimizer", "lbfgs")]
)
def test_values_of_others_are_refused_in_fit(blobs, name, value):
    with pytest.raises(ValueError, match=f"'{name}' parameter of SimpleNNClassifier.*{value}"):
        make(**{name: value}).fit(*blobs)


def test_patience_holds_rows_of_text_labels_out(blobs):
    X, y = pd.DataFrame(blobs[0], columns=["across", "up"]), np.array(["one", "two", "three"])
    model = make(epochs=50, patience=5, validation_fraction=0.25)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of names that validation rows lack
        model.fit(X, y[blobs[1]])
    assert (model.n_train_, model.n_validation_) == (45, 15)
    assert model.n_iter_ < 50
    assert {len(values) for values in model.history_.values()} == {model.n_iter_}
    assert model.validation_accuracy_ == pytest.approx(model.best_validation_score_)


def test_progress_goes_to_standard_error_and_only_if_asked_for(blobs, capsys):
    make().fit(*blobs).partial_fit(*blobs)
    assert capsys.readouterr() == ("", "")
    make(verbose=1).fit(*blobs).partial_fit(*blobs)
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split(" | ")[0] for line in err.splitlines()] == [
        f"SimpleNNClassifier {epoch}" for epoch in ("1/3", "2/3", "3/3", "1/1")
    ]


# --- callbacks


def test_callbacks_are_called_in_their_order_and_may_be_set_through_a_pipeline(blobs):
    called = []
    callbacks = (lambda event: called.append("first"), lambda event: called.append("second"))
    pipeline = make_pipeline(StandardScaler(), make(epochs=2))
    pipeline.set_params(simplennclassifier__callbacks=callbacks).fit(*blobs)
    assert called == ["first", "second"] * 2
    pipeline.set_params(simplennclassifier__callbacks=[]).fit(*blobs)
    assert len(called) == 4


@pytest.mark.parametrize("error", [ZeroDivisionError, StopIteration, SystemExit])
def test_what_a_callback_raises_comes_through(blobs, error):
    def fail(event):
        raise error("on purpose")

    model = make(callbacks=fail)
    with pytest.raises(error, match="on purpose"):
        model.fit(*blobs)
    with pytest.raises(NotFittedError):
        model.predict(blobs[0])
    assert model.set_params(callbacks=None).fit(*blobs).n_iter_ == 3


@pytest.mark.parametrize("callbacks", ["EarlyStopping", {"stop": print}, {print}])
def test_callbacks_of_another_form_are_refused_as_they_were_given(blobs, callbacks):
    with pytest.raises(TypeError, match=rf"callbacks={callbacks!r} must be"):
        make(callbacks=callbacks).fit(*blobs)


# --- scikit-learn's tools


def test_a_frozen_network_is_calibrated_and_votes_without_being_trained(fitted, blobs):
    X, y = blobs
    frozen = FrozenEstimator(fitted)
    calibrated = CalibratedClassifierCV(frozen, cv=2).fit(X, y)
    vote = VotingClassifier([("a", frozen), ("b", make())], voting="soft").fit(X, y)
    assert min(calibrated.score(X, y), vote.score(X, y)) > 0.9
    assert vote.estimators_[0].estimator is fitted
    assert fitted.n_iter_ == 20


def test_bagging_scores_the_rows_left_out(blobs):
    bagging = BaggingClassifier(make(epochs=10), n_estimators=16, oob_score=True, random_state=0)
    assert bagging.fit(*blobs).oob_score_ > 0.9
    assert len({model.random_state for model in bagging.estimators_}) == 16


@pytest.mark.slow
def test_wrappers_pass_parts_on(blobs, square):
    X, y = blobs
    one_vs_rest = OneVsRestClassifier(make())
    for _ in range(20):
        one_vs_rest.partial_fit(X, y, classes=[0, 1, 2])
    assert one_vs_rest.score(X, y) > 0.9
    Y = (square > 0).astype(int)
    several = MultiOutputClassifier(make())
    for _ in range(20):
        several.partial_fit(square, Y, classes=[[0, 1], [0, 1]])
    assert (several.predict(square) == Y).mean() > 0.9


@pytest.mark.slow
def test_a_search_ranks_by_probabilities_and_survives_what_cannot_be_fitted(square):
    y = np.where(square[:, 0] > 0, "right", "left")
    grid = {"learning_rate": [0.05, 1e-6, -1.0]}
    search = GridSearchCV(
        make(epochs=20), grid, cv=6, scoring=["roc_auc", "neg_log_loss"], refit="neg_log_loss"
    )
    with (
        pytest.warns(FitFailedWarning, match="'learning_rate' parameter of SimpleNNClassifier"),
        pytest.warns(UserWarning, match="scores are non-finite"),
    ):
        search.fit(square, y)
    assert search.best_params_ == {"learning_rate": 0.05}
    assert np.isnan(search.cv_results_["mean_test_roc_auc"]).tolist() == [False, False, True]
    assert search.predict_proba(square).shape == (60, 2)


def test_cross_validated_logarithms_of_probabilities(blobs):
    log_proba = cross_val_predict(make(epochs=20), *blobs, cv=6, method="predict_log_proba")
    assert (log_proba.argmax(axis=1) == blobs[1]).mean() > 0.9


def test_boundaries_are_drawn(fitted, blobs):
    display = DecisionBoundaryDisplay.from_estimator(fitted, blobs[0], grid_resolution=5)
    assert display.response.shape[:2] == (5, 5)
