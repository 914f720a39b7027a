import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from skmnist import compare_models
from skmnist.comparison import AccuracyCostDisplay, ModelComparison
from skmnist.comparison._result import make_result
from skmnist.diagnosis._figures import wilson_interval
from tests.drawn import check_axes, find_texts


def make_table(**models):
    return pd.DataFrame.from_dict(models, orient="index", columns=["test_accuracy", "n_parameters"])


def test_front_has_the_models_that_none_beats_in_both():
    table = make_table(
        small=(0.9, 10), same=(0.9, 10), dear=(0.9, 11), best=(0.99, 500), worse=(0.98, 600)
    )
    on_front = AccuracyCostDisplay.from_table(table).frame["on_front"]
    assert on_front.to_dict() == {
        "small": True,
        "same": True,
        "dear": False,
        "best": True,
        "worse": False,
    }


def test_interval_is_wilsons():
    frame = AccuracyCostDisplay.from_table(make_table(a=(0.9, 1)), n_test=100).frame
    # (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)
    assert frame.loc["a", ["low", "high"]].tolist() == pytest.approx([0.8256, 0.9448], abs=1e-4)


def test_each_interval_is_of_the_images_that_its_model_read():
    X, y = load_digits(return_X_y=True)
    results = [
        make_result(name, LogisticRegression().fit(X[:300] / 16, y[:300]), 0.1, X[at] / 16, y[at])
        for name, at in (("few", slice(300, 400)), ("many", slice(300, 1500)))
    ]
    frame = AccuracyCostDisplay.from_comparison(ModelComparison(results)).frame
    for result in results:
        interval = wilson_interval(result.errors.accuracy, result.errors.n_test)
        assert tuple(frame.loc[result.name, ["low", "high"]]) == interval


def test_every_model_is_named_and_its_cost_in_the_readers_signs():
    display = AccuracyCostDisplay.from_table(
        make_table(NN=(0.9756, 101770), DNN=(0.9819, 567434)), language="de"
    )
    assert {"NN", "DNN", "Parameter", "100.000", "500.000"} <= find_texts(display)


def test_comparison_marks_the_recommended():
    X, y = load_digits(return_X_y=True)
    models = {"$l$": LogisticRegression(C=1e-3), "none": DummyClassifier()}
    comparison = compare_models(models, X[:300] / 16, y[:300], random_state=0)
    display = AccuracyCostDisplay.from_comparison(comparison, cost="fit_time")
    (name,) = (text for text in display.ax_.texts if text.get_weight() == "bold")
    assert name.get_text() == r"\$l\$"
    assert set(display.frame.index) == {"$l$", "none"}
    assert AccuracyCostDisplay.from_comparison(comparison, cost="n_parameters").frame.index == [
        "$l$"
    ]


def test_cost_that_is_not_known():
    with pytest.raises(ValueError, match="cost='price' must be one of"):
        AccuracyCostDisplay.from_table(make_table(a=(0.9, 1)), cost="price")
    with pytest.raises(ValueError, match="cost='fit_time' must be one of"):
        AccuracyCostDisplay.from_table(make_table(a=(0.9, 1)), cost="fit_time")


def test_axes_given_are_drawn_on():
    table = make_table(a=(0.9, 0), b=(0.8, 5))
    check_axes(lambda ax: AccuracyCostDisplay.from_table(table, ax=ax))
