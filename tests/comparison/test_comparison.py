import json

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from skmnist.comparison import ModelComparison, compare_models
from tests.comparison.fakes import FakeNetwork, Lucky

pytestmark = pytest.mark.usefixtures("few_rounds")


COLUMNS = ["test_accuracy", "diagnosis", "gap", "n_parameters", "fit_time", "n_epochs"]
COLUMNS += ["predict_time", "predict_time_p95", "size"]


def test_table_has_the_promised_columns(comparison):
    assert comparison.table.columns.tolist() == COLUMNS


def test_table_has_a_row_per_model_in_their_order(comparison):
    names = ["linear", "constant", "neighbours", "network", "ours"]
    assert comparison.table.index.tolist() == names
    assert list(comparison.results) == names


def test_integers_stay_integers_beside_missing_ones(comparison):
    assert str(comparison.table["n_parameters"].dtype) == "Int64"
    assert str(comparison.table["n_epochs"].dtype) == "Int64"


def test_the_test_set_itself_is_kept(digits):
    X, y = digits
    X_test, y_test = X[150:], y[150:]
    comparison = compare_models([DummyClassifier()], X[:150], y[:150], X_test=X_test, y_test=y_test)
    assert comparison.X_test is X_test
    assert comparison.y_test is y_test


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


def test_repr_shows_table_and_recommendation(comparison):
    text = repr(comparison)
    assert all(name in text for name in [*comparison.table.index, *COLUMNS])
    assert f"Recommendation: {comparison.recommendation.model}." in text


def test_to_dict_is_json(comparison):
    figures = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert [model["name"] for model in figures["models"]] == comparison.table.index.tolist()
    assert figures["models"][4]["history"]["accuracy"] == [0.9, 1.0]
    assert figures["models"][0]["diagnosis"]["held_out"] == "test"


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


@pytest.mark.parametrize(("shift", "digits_told"), [(0, True), (1, False)])
def test_postal_codes_are_told_of_digits_alone(shift, digits_told):
    X, y = load_digits(return_X_y=True)
    models = {"small": LogisticRegression(max_iter=5, tol=100), "large": KNeighborsClassifier()}
    y = y + shift
    comparison = compare_models(models, X[:500], y[:500], X_test=X[500:], y_test=y[500:])
    assert comparison.recommendation.digits == digits_told
    assert ("postal codes" in comparison.recommendation.reason()) == digits_told


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
