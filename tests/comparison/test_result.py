import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skmnist import DeepNNClassifier, SimpleNNClassifier, load_mnist
from skmnist.comparison import compare_models
from tests.comparison.fakes import FakeNetwork, Lucky, make_mlp

pytestmark = pytest.mark.usefixtures("few_rounds")


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


def test_a_network_without_validation_rows_is_diagnosed_by_the_test_set(digits):
    model = FakeNetwork(validation_accuracy=None)
    result = compare_models({"ours": model}, *digits).results["ours"]
    assert result.diagnosis.held_out == "test"
    assert result.diagnosis.validation_accuracy == result.errors.accuracy


def test_search_takes_part_with_its_best_model(digits):
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2)
    table = compare_models({"search": search}, *digits).table
    assert table.loc["search", "n_parameters"] == 195


def test_advice_follows_the_diagnosis(comparison):
    weaknesses = comparison.results["ours"].advice("de").weaknesses
    assert weaknesses[0].startswith("Overfitting: Das Modell")


@pytest.fixture(scope="module")
def of_networks(few_rounds):
    """Return the results of networks for digits."""
    mnist = load_mnist(n_train=200, n_test=100, random_state=0)
    X, X_test = (X.reshape(len(X), -1) / 255 for X in (mnist.X_train, mnist.X_test))
    models = {
        "simple": SimpleNNClassifier(8, epochs=1, random_state=0),
        "deep": DeepNNClassifier((8, 8), epochs=1, random_state=0),
        "robust": SimpleNNClassifier(8, epochs=1, augmentation="digits", random_state=0),
        "untrained": SimpleNNClassifier(8, epochs=0, random_state=0),
    }
    return compare_models(models, X, mnist.y_train, X_test=X_test, y_test=mnist.y_test).results


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "de"])
def test_networks_for_digits_are_advised_to_train_with_deformed_images(of_networks, language):
    first = {name: result.advice(language).improvements[0] for name, result in of_networks.items()}
    assert "--recipe robust" in first["simple"]
    assert "--recipe robust" in first["deep"]
    assert first["simple"] != first["deep"]  # each has its own figures
    assert not any("robust" in first[name] for name in ("robust", "untrained"))


def test_other_images_are_not_advised_to_be_deformed(comparison):
    improvements = comparison.results["ours"].advice().improvements
    assert not any("robust" in sentence for sentence in improvements)


class Sampler(BaseEstimator):
    """Changes the rows in `fit`, as those of imbalanced-learn do; it has no `transform`."""

    def fit_resample(self, X, y):
        return np.concatenate([X, X]), np.concatenate([y, y])


class SamplingPipeline(Pipeline):
    """Takes samplers between its steps, as imbalanced-learn's does."""

    def _validate_steps(self):
        pass

    def _iter(self, *args, **kwargs):
        for step in super()._iter(*args, **kwargs):
            if not hasattr(step[-1], "fit_resample"):
                yield step

    def fit(self, X, y):
        for _, step in self.steps[:-1]:
            if hasattr(step, "fit_resample"):
                X, y = step.fit_resample(X, y)
            else:
                X = step.fit_transform(X, y)
        self[-1].fit(X, y)
        return self


def test_a_step_that_samples_rows_costs_no_figure(digits, few_rounds):
    steps = [("scale", MinMaxScaler()), ("sample", Sampler()), ("network", make_mlp())]
    models = {
        "sampled": SamplingPipeline(steps),
        "plain": make_pipeline(MinMaxScaler(), make_mlp()),
    }
    comparison = compare_models(models, *digits, random_state=0)
    by_both = comparison.table.notna()
    assert by_both.loc["sampled"].tolist() == by_both.loc["plain"].tolist()
    assert comparison.to_markdown()


class Stubborn(Lucky):
    """Predicts all rows together, and cannot do anything else."""

    loss_curve_ = "not a curve"
    coef_ = property(lambda self: 1 / 0)

    def predict(self, X):
        if len(X) == 1:
            raise RuntimeError("one row is not enough")
        return super().predict(X)

    def predict_proba(self, X):
        raise NotImplementedError("no probabilities")

    def __getstate__(self):
        raise ValueError("cannot be pickled")


@pytest.mark.filterwarnings("ignore:.*cannot be measured")
def test_a_figure_that_fails_is_left_out_and_the_comparison_stands(known, few_rounds):
    with pytest.warns(UserWarning, match=r"odd: the probabilities cannot be measured \(NotImpl"):
        comparison = compare_models({"odd": Stubborn(), "plain": Lucky()}, *known, random_state=0)
    odd, plain = comparison.results.values()
    assert odd.errors.accuracy == 1
    assert (odd.proba, odd.history, odd.n_parameters, odd.size, odd.predict_time) == (None,) * 5
    assert plain.predict_time > 0
    assert plain.size > 0
    assert comparison.to_markdown()
    assert comparison.to_dict()["models"][0]["predict_time"] is None


class Columns(Lucky):
    """Predicts a column, and probabilities of classes that it does not have."""

    def predict(self, X):
        return super().predict(X)[:, np.newaxis]

    def predict_proba(self, X):
        return np.full((len(X), 7), 1 / 7)


def test_a_column_of_predictions_is_a_prediction_for_each_row(known, few_rounds):
    with pytest.warns(UserWarning, match=r"probabilities .* shape \(43, 7\) for 3 classes"):
        comparison = compare_models(
            {"column": Columns(0.2), "plain": Lucky(0.3)}, *known, cv=2, n_repeats=2, random_state=0
        )
    column = comparison.results["column"]
    assert column.predictions.shape == (43,)
    assert comparison.starts["test_accuracy"][0] == column.errors.accuracy
    assert comparison.fold_scores["column"].between(0.7, 0.9).all()
