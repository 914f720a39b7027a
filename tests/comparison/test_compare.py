import json
import os
import pickle
import signal
import time

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skmnist._clock import count_setup
from skmnist.comparison import ModelComparison, _costs, compare_models
from skmnist.comparison._cautions import find_shared_rows

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


@pytest.fixture(scope="module", autouse=True)
def few_rounds():
    """Time few predictions: these tests are about something else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_costs, "N_ROUNDS", _costs.MIN_ROUNDS)
        yield


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
        ("linear", "n_epochs"),
        ("constant", "n_parameters"),
        ("constant", "n_epochs"),
        ("neighbours", "n_parameters"),
        ("neighbours", "n_epochs"),
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


def test_a_model_that_keeps_nothing_is_diagnosed_by_its_training_rows_and_the_test_set(digits):
    X, y = digits
    model = KNeighborsClassifier(1)
    result = compare_models([model], X[:100], y[:100], X_test=X[100:], y_test=1 - y[100:] % 2)
    diagnosis = result.results["KNeighborsClassifier"].diagnosis
    model.fit(X[:100], y[:100])
    assert diagnosis.held_out == "test"
    assert diagnosis.train_accuracy == 1.0
    assert diagnosis.validation_accuracy == pytest.approx(model.score(X[100:], 1 - y[100:] % 2))
    assert diagnosis.label == "overfitting"


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
    X_test, y_test = X[150:], y[150:]
    comparison = compare_models([DummyClassifier()], X[:150], y[:150], X_test=X_test, y_test=y_test)
    assert comparison.X_test is X_test
    assert comparison.y_test is y_test


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


def test_history_leaves_out_what_was_not_measured_at_each_epoch(digits):
    class Skipping(FakeNetwork):
        def fit(self, X, y):
            super().fit(X, y)
            self.history_ = {"loss": [0.9, 0.5, 0.1], "val_loss": [0.6]}
            return self

    (result,) = compare_models([Skipping()], *digits).results.values()
    assert result.history.to_dict("list") == {"loss": [0.9, 0.5, 0.1]}


def test_no_history_where_a_model_has_none(comparison):
    assert comparison.results["linear"].history is None


def test_one_image_takes_time_and_a_model_takes_room(comparison):
    table = comparison.table
    assert (table["predict_time"] > 0).all()
    p95 = table["predict_time_p95"]  # missing where reading took too long for enough rounds
    assert (p95.isna() | (p95 >= table["predict_time"])).all()
    pickled = len(pickle.dumps(comparison.results["linear"].estimator, protocol=5))
    assert table.loc["linear", "size"] == pickled


def test_held_out_rows_are_not_trained_on(digits):
    X, y = digits
    labels = np.random.default_rng(0).integers(0, 3, len(y))  # nothing to learn but by heart
    table = compare_models([KNeighborsClassifier(1)], X, labels, random_state=0).table
    assert table["test_accuracy"].item() < 0.7


def test_a_network_without_validation_rows_is_diagnosed_by_the_test_set(digits):
    model = FakeNetwork(validation_accuracy=None)
    result = compare_models({"ours": model}, *digits).results["ours"]
    assert result.diagnosis.held_out == "test"
    assert result.diagnosis.validation_accuracy == result.errors.accuracy


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
    assert weaknesses[0].startswith("Overfitting: Das Modell")


def test_repr_shows_table_and_recommendation(comparison):
    text = repr(comparison)
    assert all(name in text for name in [*comparison.table.index, *COLUMNS])
    assert f"Recommendation: {comparison.recommendation.model}." in text


def test_to_dict_is_json(comparison):
    figures = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert [model["name"] for model in figures["models"]] == comparison.table.index.tolist()
    assert figures["models"][4]["history"]["accuracy"] == [0.9, 1.0]
    assert figures["models"][0]["diagnosis"]["held_out"] == "test"


# --- the evidence


def test_each_pair_is_tested_on_the_same_images(comparison):
    assert len(comparison.tests) == 10
    test = comparison.tests[0]
    reads = [comparison.results[name].errors.correct for name in (test.first, test.second)]
    assert test.only_first == np.sum(reads[0] & ~reads[1])
    assert test.only_second == np.sum(reads[1] & ~reads[0])


def test_recommendation_is_weighed_by_the_predictions_not_by_the_table_alone(comparison):
    assert comparison.recommendation.evidence.method == "mcnemar"


def test_models_with_different_errors_but_one_accuracy_differ_in_nothing(digits):
    X, y = digits
    models = {"a": KNeighborsClassifier(1), "b": KNeighborsClassifier(1)}
    recommendation = compare_models(models, X, y, random_state=0).recommendation
    assert recommendation.evidence.p_value == 1.0
    assert recommendation.verdict == "cannot_tell"  # 30 images say little


def test_no_test_where_the_test_sets_differ(digits):
    X, y = digits
    parts = [
        compare_models([(name, LogisticRegression())], X[:100], y[:100], X_test=X[at], y_test=y[at])
        for name, at in (("a", slice(100, 150)), ("b", slice(150, 210)))
    ]
    comparison = ModelComparison(
        [part.results[name] for part, name in zip(parts, "ab", strict=True)]
    )
    assert comparison.tests == []
    assert comparison.recommendation.verdict is None
    assert "different_test_sets" in [c.code for c in comparison.recommendation.cautions]


def test_test_images_that_were_trained_on_are_told(digits):
    X, y = digits
    X_test, y_test = np.concatenate([X[150:], X[:5]]), np.concatenate([y[150:], y[:5]])
    with pytest.warns(UserWarning, match=r"5 of the 65 rows of X_test \(the first is 60\) occur"):
        comparison = compare_models(
            [LogisticRegression()], X[:150], y[:150], X_test=X_test, y_test=y_test
        )
    (caution,) = comparison.recommendation.cautions
    assert caution.severity == "warning"
    assert "5 of the 65 test images (7.7%) also occur among the training" in caution.sentence()
    assert caution.sentence() in str(comparison.recommendation)


@pytest.mark.parametrize("kind", [np.float32, pd.DataFrame, lambda X: X.tolist()])
def test_shared_rows_are_found_in_every_kind_of_rows(digits, kind):
    X = np.round(digits[0] * 16)
    assert find_shared_rows(X[:100], kind(X[99:101])) == [0]


@pytest.mark.parametrize("X_test", [[["a"]], [["a", 1]], [1, 2], csr_matrix(np.eye(3)), [[1, 2]]])
def test_of_other_rows_nothing_is_said(X_test):
    assert find_shared_rows(np.eye(3), X_test) == []


def test_tuning_on_the_test_set_is_told(digits):
    comparison = compare_models([LogisticRegression()], *digits, tuned_on_test=True)
    assert [c.code for c in comparison.recommendation.cautions] == ["tuned_on_test"]


def test_more_than_two_are_cautioned_of(comparison):
    assert [c.code for c in comparison.recommendation.cautions] == ["ranked_many"]


@pytest.mark.parametrize(("shift", "digits_told"), [(0, True), (1, False)])
def test_postal_codes_are_told_of_digits_alone(shift, digits_told):
    X, y = load_digits(return_X_y=True)
    models = {"small": LogisticRegression(max_iter=5, tol=100), "large": KNeighborsClassifier()}
    y = y + shift
    comparison = compare_models(models, X[:500], y[:500], X_test=X[500:], y_test=y[500:])
    assert comparison.recommendation.digits == digits_told
    assert ("postal codes" in comparison.recommendation.reason()) == digits_told


# --- several starts, folds, processes


class Lucky(ClassifierMixin, BaseEstimator):
    """Knows the labels but for some that its luck decides."""

    def __init__(self, errors=0, random_state=None):
        self.errors = errors
        self.random_state = random_state

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.process_ = os.getpid()
        self.tensorflow_threads_ = os.environ.get("TF_NUM_INTRAOP_THREADS")
        self.n_rows_ = len(y)
        return self

    def predict(self, X):
        y = np.asarray(X)[:, 0].astype(int)
        rng = np.random.default_rng(self.random_state)
        wrong = rng.random(len(y)) < self.errors
        return np.where(wrong, (y + 1) % 3, y)


@pytest.fixture
def known():
    y = np.arange(300) % 3
    return np.stack([y, np.arange(300)], axis=1), y


def test_every_model_is_trained_from_every_start(known):
    comparison = compare_models(
        {"a": Lucky(0.1), "b": Lucky(0.2)}, *known, n_repeats=3, random_state=0
    )
    starts = comparison.starts
    assert starts.groupby("model").size().to_dict() == {"a": 3, "b": 3}
    means = starts.groupby("model")["test_accuracy"].mean()
    assert comparison.table["test_accuracy"].to_dict() == pytest.approx(means.to_dict())
    assert starts["test_accuracy"].nunique() > 2


def test_order_of_the_models_alternates(known):
    comparison = compare_models({"a": Lucky(), "b": Lucky()}, *known, n_repeats=3)
    assert comparison.starts["model"].tolist() == ["a", "b", "b", "a", "a", "b"]


def test_first_start_keeps_the_seeds_that_were_set_and_others_replace_them(known):
    models = {"a": Lucky(0.3, random_state=7)}
    comparison = compare_models(models, *known, n_repeats=3, random_state=0)
    assert comparison.results["a"].estimator.random_state == 7
    assert len(set(comparison.starts["test_accuracy"])) > 1


def test_luck_of_the_start_is_told(known):
    models = {"a": Lucky(0.1), "b": Lucky(0.5)}
    comparison = compare_models(models, *known, n_repeats=4, random_state=0)
    evidence = comparison.recommendation.evidence
    assert (evidence.method, evidence.n_runs) == ("starts", 4)
    a, b = (
        part.set_index("start")["test_accuracy"] for _, part in comparison.starts.groupby("model")
    )
    assert evidence.spread == pytest.approx((a - b).std())
    assert "trained from 4 different starts" in comparison.recommendation.reason()
    assert "von 4 verschiedenen Startpunkten" in comparison.recommendation.reason("de")


def test_folds_are_of_the_training_rows_alone(known):
    X, y = known
    models = {"a": Lucky(0.1), "b": Lucky(0.4)}
    comparison = compare_models(
        models, X[:200], y[:200], X_test=X[200:], y_test=y[200:], cv=4, random_state=0
    )
    assert comparison.fold_scores.shape == (4, 2)
    (test,) = comparison.folds
    assert test.n_runs == 4
    assert test.difference == pytest.approx(
        (comparison.fold_scores["a"] - comparison.fold_scores["b"]).mean()
    )
    assert comparison.results["a"].estimator.n_rows_ == 200
    assert "Training anew on 4 parts" in comparison.recommendation.reason()


@pytest.mark.parametrize("cv", [3, KFold(3), [(np.arange(200), np.arange(200, 257))] * 3])
def test_folds_of_every_kind(known, cv):
    comparison = compare_models({"a": Lucky(0.1), "b": Lucky(0.4)}, *known, cv=cv, random_state=0)
    assert len(comparison.fold_scores) == 3


def test_processes_give_the_same_as_one(known):
    models = {"a": Lucky(0.1), "b": Lucky(0.3)}
    given = {"cv": 2, "n_repeats": 2, "random_state": 0}
    one, two = (compare_models(models, *known, n_jobs=n, **given) for n in (None, 2))
    assert one.starts["test_accuracy"].tolist() == two.starts["test_accuracy"].tolist()
    pd.testing.assert_frame_equal(one.fold_scores, two.fold_scores)
    assert one.results["a"].estimator.process_ == os.getpid()
    assert two.results["a"].estimator.process_ != os.getpid()
    assert one.results["a"].estimator.tensorflow_threads_ is None
    assert int(two.results["a"].estimator.tensorflow_threads_) >= 1


class Killed(Lucky):
    def fit(self, X, y):
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_a_worker_that_is_killed_is_told_with_a_way_out(known):
    with pytest.raises(RuntimeError, match=r"worker process .*'doomed'.* was killed.*fewer n_jobs"):
        compare_models({"doomed": Killed(), "b": Lucky()}, *known, n_jobs=2)


@pytest.mark.parametrize("n_repeats", [0, -1, 1.5, True, "2"])
def test_bad_n_repeats(digits, n_repeats):
    with pytest.raises(ValueError, match=r"n_repeats=.* must be an int >= 1"):
        compare_models([Fails()], *digits, n_repeats=n_repeats)


@pytest.mark.parametrize("n_jobs", [0, 1.5])
def test_bad_n_jobs(digits, n_jobs):
    with pytest.raises(ValueError, match=r"n_jobs=.* must be an int other than 0.*-1 takes"):
        compare_models([Fails()], *digits, n_jobs=n_jobs)


@pytest.mark.parametrize("cv", [0, 1, [(np.arange(10), np.arange(10, 20))]])
def test_bad_cv_is_refused_before_anything_is_fitted(digits, cv):
    with pytest.raises(ValueError, match=r"two or more|at least one"):
        compare_models([Fails()], *digits, cv=cv)


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
    compare_models([LogisticRegression()], X[:150], y[:150], X_test=X[150:], y_test=y[150:])
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


@pytest.mark.parametrize("alpha", [0, 1, 5])
def test_bad_alpha_is_refused_before_anything_is_fitted(digits, alpha):
    with pytest.raises(ValueError, match=rf"alpha={alpha} must lie between 0 and 1"):
        compare_models([Fails()], *digits, alpha=alpha)


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
