"""The accuracy on changed images as a part of a comparison."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from skmnist.comparison import ModelComparison, _result, compare_models, evaluate_model
from skmnist.diagnosis import measure_robustness
from tests.comparison.fakes import FakeNetwork

pytestmark = pytest.mark.usefixtures("few_rounds")
EASY = ["constant", "linear", "neighbours", "network", "ours"]


@pytest.mark.slow
def test_each_model_is_measured_on_the_same_images(comparison):
    found = {name: result.robustness for name, result in comparison.results.items()}
    assert sorted(found) == EASY
    for name, robustness in found.items():
        estimator = comparison.results[name].estimator
        expected = measure_robustness(
            estimator, comparison.X_test, comparison.y_test, max_samples=1000, random_state=0
        )
        pd.testing.assert_frame_equal(robustness.frame, expected.frame)


def test_a_single_model_is_measured_as_well(digits):
    X, y = digits
    result = evaluate_model(LogisticRegression().fit(X, y), X, y)
    assert result.robustness.accuracy == pytest.approx(result.errors.accuracy)


@pytest.mark.slow
def test_the_page_names_the_models_that_were_not_measured(comparison):
    told = "Models not measured because they are too slow or cannot read such images: {}."
    page = comparison.to_html()
    assert told.partition("{")[0] not in page
    assert "The numbers are the ranks by accuracy." in page
    results = [
        replace(result, robustness=None) if name in EASY[:2] else result
        for name, result in comparison.results.items()
    ]
    missing = [result.name for result in results if result.robustness is None]
    page = ModelComparison(results, X_test=comparison.X_test, y_test=comparison.y_test).to_html()
    assert any(told.format(", ".join(names)) in page for names in (missing, missing[::-1]))


@pytest.mark.slow
def test_it_is_in_json_and_markdown(comparison):
    models = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))["models"]
    assert models[0]["robustness"]["changes"][0]["corruption"] == "shift"
    assert comparison.to_markdown().count("Changed images: ") == len(EASY)


@pytest.mark.parametrize("kind", ["table", "scaled", "constant", "wide"])
def test_tables_are_compared_without_it(kind, recwarn):
    rng = np.random.default_rng(0)
    y = np.resize([0, 1, 2], 90)
    X = rng.random((90, 64)) + (y == 1)[:, None]
    X = {"table": X[:, :4], "scaled": X - 1, "constant": X * 0, "wide": X[:, :63]}[kind]
    comparison = compare_models({"linear": LogisticRegression()}, X, y, random_state=0)
    result = comparison.results["linear"]
    assert result.robustness is None
    assert result.to_dict()["robustness"] is None
    assert "Changed images" not in comparison.to_markdown() + comparison.to_html()
    assert comparison.to_html_parts()["robustness"] == ""
    assert not [each for each in recwarn if "robustness" in str(each.message)]


def test_slow_and_untrained_models_are_left_out(digits, monkeypatch):
    X, y = digits
    monkeypatch.setattr(_result, "MAX_SECONDS_CHANGED", 0.0)
    assert evaluate_model(LogisticRegression().fit(X, y), X, y).robustness is None
    monkeypatch.undo()
    untrained = FakeNetwork().fit(X, y)
    untrained.loss_curve_ = []
    assert evaluate_model(untrained, X, y).robustness is None


def test_a_failure_loses_no_training(digits):
    X, y = digits

    class Fails(LogisticRegression):
        def predict(self, X):
            if len(X) > len(y):
                raise MemoryError("too much")
            return super().predict(X)

    model = Fails().fit(X, y)
    with pytest.warns(UserWarning, match=r"Fails: the robustness cannot be measured \(MemoryErr"):
        result = evaluate_model(model, X, y)
    assert result.robustness is None
    assert result.errors.accuracy > 0.9
