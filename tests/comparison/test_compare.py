import json
import pickle
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skmnist._clock import count_setup
from skmnist.comparison import compare_models

COLUMNS = ["test_accuracy", "diagnosis", "gap", "n_parameters", "fit_time", "n_epochs"]
COLUMNS += ["predict_time", "predict_time_p95", "size"]


class FakeNetwork(KNeighborsClassifier):
    """Keeps the figures of a fitted network; `fit` lasts as long as told."""

    def __init__(self, n_neighbors=1, *, n_parameters=100, validation_accuracy=0.9, seconds=0.0):
        super().__init__(n_neighbors)
        self.n_parameters = n_parameters
        self.validation_accuracy = validation_accuracy
        self.seconds = seconds

    def fit(self, X, y):
        with count_setup():
            time.sleep(self.seconds)
        self.n_parameters_ = self.n_parameters
        self.train_accuracy_ = 1.0
        self.validation_accuracy_ = self.validation_accuracy
        self.train_loss_, self.validation_loss_ = 0.0, 0.5
        self.n_train_, self.n_validation_ = 900, 100
        self.n_iter_ = 2
        self.loss_curve_ = [1.0, 0.0]
        self.history_ = {"accuracy": [0.9, 1.0], "val_accuracy": [0.9, 0.9]}
        return super().fit(X, y)


class Fails(LogisticRegression):
    def fit(self, X, y):
        raise AssertionError("was fitted")


def make_mlp(**parameters):
    # tol=100: no epoch is an improvement, so it stops by itself, soon and without a warning
    return MLPClassifier((8,), tol=100, n_iter_no_change=3, **parameters)


@pytest.fixture(scope="module")
def digits():
    """Return 210 images of the digits 0, 1 and 2, 70 of each, as 64 columns."""
    X, y = load_digits(return_X_y=True)
    rows = np.sort(np.concatenate([np.flatnonzero(y == digit)[:70] for digit in range(3)]))
    return X[rows] / 16, y[rows]


@pytest.fixture(scope="module")
def comparison(digits):
    models = {
        "linear": LogisticRegression(),
        "constant": DummyClassifier(),
        "neighbours": make_pipeline(MinMaxScaler(), KNeighborsClassifier()),
        "network": make_pipeline(MinMaxScaler(), make_mlp()),
        "ours": FakeNetwork(),
    }
    return compare_models(models, *digits, random_state=0)


# --- the table


def test_table_has_the_promised_columns(comparison):
    assert comparison.table.columns.tolist() == COLUMNS


def test_table_has_a_row_per_model_in_their_order(comparison):
    names = ["linear", "constant", "neighbours", "network", "ours"]
    assert comparison.table.index.tolist() == names
    assert list(comparison.results) == names


@pytest.mark.parametrize(
    ("model", "column"),
    [
        ("linear", "diagnosis"),
        ("linear", "gap"),
        ("linear", "n_epochs"),
        ("constant", "diagnosis"),
        ("constant", "gap"),
        ("constant", "n_parameters"),
        ("constant", "n_epochs"),
        ("neighbours", "n_parameters"),
        ("neighbours", "n_epochs"),
        ("network", "diagnosis"),
        ("network", "gap"),
    ],
)
def test_what_a_model_cannot_tell_is_missing(comparison, model, column):
    assert pd.isna(comparison.table.loc[model, column])


@pytest.mark.parametrize(
    ("model", "n_parameters"),
    [("linear", 64 * 3 + 3), ("network", 64 * 8 + 8 + 8 * 3 + 3), ("ours", 100)],
)
def test_number_of_parameters(comparison, model, n_parameters):
    assert comparison.table.loc[model, "n_parameters"] == n_parameters


def test_epochs_are_those_really_trained(comparison):
    n_iter = comparison.results["network"].estimator[-1].n_iter_
    assert comparison.table.loc["network", "n_epochs"] == n_iter < 200


def test_diagnosis_and_gap_of_a_model_that_keeps_its_accuracies(comparison):
    row = comparison.table.loc["ours"]
    assert (row["diagnosis"], row["gap"]) == ("overfitting", pytest.approx(0.1))


def test_integers_stay_integers_beside_missing_ones(comparison):
    assert str(comparison.table["n_parameters"].dtype) == "Int64"
    assert str(comparison.table["n_epochs"].dtype) == "Int64"


def test_fit_times_are_positive(comparison):
    assert (comparison.table["fit_time"] > 0).all()


def test_fit_time_leaves_out_compilation(digits):
    table = compare_models({"slow": FakeNetwork(seconds=0.2)}, *digits).table
    assert table.loc["slow", "fit_time"] < 0.2


@pytest.mark.parametrize("model", [KNeighborsClassifier(3), DummyClassifier()])
def test_test_accuracy_is_that_of_the_given_test_set(digits, model):
    X, y = digits
    comparison = compare_models([model], X[:150], y[:150], X_test=X[150:], y_test=y[150:])
    expected = model.fit(X[:150], y[:150]).score(X[150:], y[150:])
    assert comparison.table["test_accuracy"].item() == pytest.approx(expected)


def test_seventh_is_held_out_stratified(comparison):
    supports = comparison.results["linear"].errors.report["support"]
    assert supports.to_dict() == {0: 10, 1: 10, 2: 10}


def test_the_test_set_itself_is_kept(digits):
    X, y = digits
    comparison = compare_models([DummyClassifier()], X[:150], y[:150], X_test=X, y_test=y)
    assert comparison.X_test is X
    assert comparison.y_test is y


def test_predictions_and_probabilities_are_those_on_the_test_set(comparison):
    result = comparison.results["linear"]
    expected = result.estimator.predict_proba(comparison.X_test)
    np.testing.assert_array_equal(result.proba, expected.astype(np.float32))
    np.testing.assert_array_equal(result.predictions, result.classes[expected.argmax(axis=1)])


def test_no_probabilities_where_a_model_has_none(digits):
    assert compare_models([RidgeClassifier()], *digits).results["RidgeClassifier"].proba is None


@pytest.mark.parametrize(
    ("model", "columns"), [("ours", ["accuracy", "val_accuracy"]), ("network", ["loss"])]
)
def test_history_is_a_frame_by_epoch(comparison, model, columns):
    result = comparison.results[model]
    assert result.history.columns.tolist() == columns
    assert result.history.index.tolist() == [*range(1, result.n_epochs + 1)]


def test_no_history_where_a_model_has_none(comparison):
    assert comparison.results["linear"].history is None


def test_one_image_takes_time_and_a_model_takes_room(comparison):
    table = comparison.table
    assert (table["predict_time"] > 0).all()
    assert (table["predict_time_p95"] >= table["predict_time"]).all()
    pickled = len(pickle.dumps(comparison.results["linear"].estimator, protocol=5))
    assert table.loc["linear", "size"] == pickled


def test_held_out_rows_are_not_trained_on(digits):
    X, y = digits
    labels = np.random.default_rng(0).integers(0, 3, len(y))  # nothing to learn but by heart
    table = compare_models([KNeighborsClassifier(1)], X, labels, random_state=0).table
    assert table["test_accuracy"].item() < 0.7


def test_validation_unknown_means_no_diagnosis(digits):
    model = FakeNetwork(validation_accuracy=None)
    assert compare_models({"ours": model}, *digits).results["ours"].diagnosis is None


def test_search_takes_part_with_its_best_model(digits):
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2)
    table = compare_models({"search": search}, *digits).table
    assert table.loc["search", "n_parameters"] == 195


# --- the recommendation


@pytest.mark.parametrize(("margin", "model"), [(0.01, "good"), (1.0, "small")])
def test_margin_decides_between_the_good_and_the_small(digits, margin, model):
    models = {
        "good": FakeNetwork(n_neighbors=1, n_parameters=1000),
        "small": FakeNetwork(n_neighbors=120, n_parameters=10),
    }
    comparison = compare_models(models, *digits, margin=margin, random_state=0)
    assert comparison.recommendation.model == model


def test_recommendation_knows_the_number_of_test_images(comparison):
    assert comparison.recommendation.n_test == 30


def test_advice_follows_the_diagnosis(comparison):
    weaknesses = comparison.results["ours"].advice("de").weaknesses
    assert weaknesses[0].startswith("Overfitting: Das Netz")


def test_repr_shows_table_and_recommendation(comparison):
    text = repr(comparison)
    assert all(name in text for name in [*comparison.table.index, *COLUMNS])
    assert f"Recommendation: {comparison.recommendation.model}." in text


def test_to_dict_is_json(comparison):
    figures = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert [model["name"] for model in figures["models"]] == comparison.table.index.tolist()
    assert figures["models"][4]["history"]["accuracy"] == [0.9, 1.0]
    assert figures["models"][0]["diagnosis"] is None


# --- the estimators


def test_estimators_passed_are_not_fitted(digits):
    models = {"linear": LogisticRegression(), "pipe": make_pipeline(MinMaxScaler(), make_mlp())}
    compare_models(models, *digits, random_state=0)
    assert not hasattr(models["linear"], "coef_")
    assert not hasattr(models["pipe"][-1], "coefs_")


def test_estimators_passed_keep_their_parameters(digits):
    pipe = make_pipeline(make_mlp())
    compare_models({"pipe": pipe}, *digits, random_state=0)
    assert pipe[-1].random_state is None


def test_fitted_estimators_are_in_the_results(comparison, digits):
    linear = comparison.results["linear"].estimator
    assert linear.predict(digits[0][:1]).shape == (1,)


def fit_mlp(digits, random_state, model=None):
    model = make_pipeline(make_mlp()) if model is None else model
    comparison = compare_models({"network": model}, *digits, random_state=random_state)
    return comparison.results["network"].estimator[-1].coefs_[0]


def test_random_state_repeats(digits):
    np.testing.assert_array_equal(fit_mlp(digits, 0), fit_mlp(digits, 0))


def test_other_random_state_differs(digits):
    assert not np.array_equal(fit_mlp(digits, 0), fit_mlp(digits, 1))


def test_random_state_of_an_estimator_is_kept(digits):
    model = make_mlp(random_state=7)
    comparison = compare_models({"network": model}, *digits, random_state=0)
    assert comparison.results["network"].estimator.random_state == 7


def test_data_are_left_as_they_are(digits):
    X, y = (array.copy() for array in digits)
    compare_models([LogisticRegression()], X, y, X_test=X, y_test=y)
    np.testing.assert_array_equal(X, digits[0])
    np.testing.assert_array_equal(y, digits[1])


def test_text_labels(digits):
    X, y = digits
    names = np.array(["zero", "one", "two"])[y]
    models = [LogisticRegression(), KNeighborsClassifier(), DummyClassifier()]
    comparison = compare_models(models, X, names, random_state=0)
    report = comparison.results["LogisticRegression"].errors.report
    assert report.index.tolist() == ["one", "two", "zero"]


def test_data_frames(digits):
    X, y = digits
    index = range(1000, 1210)
    frame, labels = pd.DataFrame(X, index).add_prefix("pixel"), pd.Series(y, index)
    comparison = compare_models([LogisticRegression()], frame, labels, random_state=0)
    fitted = comparison.results["LogisticRegression"].estimator
    assert fitted.feature_names_in_[-1] == "pixel63"


def test_list_is_named_by_class(digits):
    models = [LogisticRegression(), make_pipeline(MinMaxScaler(), DummyClassifier())]
    table = compare_models(models, *digits).table
    assert table.index.tolist() == ["LogisticRegression", "DummyClassifier"]


def test_pairs_bring_their_names(digits):
    pairs = [("weak", LogisticRegression(C=1e-3)), ("strong", LogisticRegression())]
    assert compare_models(pairs, *digits).table.index.tolist() == ["weak", "strong"]


# --- bad input


@pytest.mark.parametrize(
    ("models", "match"),
    [
        ([], r"estimators is empty; pass one classifier or more"),
        (
            [Fails(), make_pipeline(Fails())],
            r"names that repeat: \['Fails'\]; pass a dict of name to estimator",
        ),
        (
            {"good": Fails(), "bad": LinearRegression()},
            r"estimators\['bad'\]=LinearRegression\(\) must be a scikit-learn classifier instance",
        ),
        (
            {"good": Fails(), "bad": LogisticRegression},
            r"estimators\['bad'\]=<class .*LogisticRegression'> must be .* instance",
        ),
        ([MinMaxScaler()], r"MinMaxScaler\(\) must be a scikit-learn classifier"),
        ([BaseEstimator()], r"BaseEstimator\(\) must be a scikit-learn classifier"),
    ],
    ids=["none", "repeated", "regressor", "class", "transformer", "no predictor"],
)
def test_bad_estimators_are_refused_before_any_is_fitted(digits, models, match):
    with pytest.raises(ValueError, match=match):
        compare_models(models, *digits)


@pytest.mark.parametrize(("given", "absent"), [("X_test", "y_test"), ("y_test", "X_test")])
def test_half_a_test_set(digits, given, absent):
    part = dict(zip(["X_test", "y_test"], digits, strict=True))
    with pytest.raises(ValueError, match=f"{given} was given without {absent}; pass both or neit"):
        compare_models([Fails()], *digits, **{given: part[given]})


def test_bad_margin_is_refused_before_anything_is_fitted(digits):
    with pytest.raises(ValueError, match=r"margin=1\.5 must be a share from 0 to 1, such as 0\.01"):
        compare_models([Fails()], *digits, margin=1.5)


def test_numbers_as_names(digits):
    models = {1: LogisticRegression(), 2: DummyClassifier()}
    assert len(compare_models(models, *digits).table) == 2


@pytest.mark.parametrize("model", ["LogisticRegression", None])
def test_what_is_no_estimator(digits, model):
    with pytest.raises(ValueError, match="must be a scikit-learn classifier instance"):
        compare_models({"a": model}, *digits)
