import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.metrics import f1_score, log_loss
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from skmnist.comparison import ModelComparison, compare_models
from skmnist.comparison._result import make_result
from tests.comparison.fakes import FakeNetwork, Lucky

pytestmark = pytest.mark.usefixtures("few_rounds")


COLUMNS = [
    "test_accuracy",
    "elsewhere_accuracy",
    "f1_macro",
    "log_loss",
    "work_left",
    "diagnosis",
    "gap",
    "n_parameters",
    "fit_time",
    "n_epochs",
]
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
    assert f"\n\n{comparison.recommendation.headline()}\n" in text


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
@pytest.mark.slow
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
    assert evidence.spread == pytest.approx(np.hypot(a.std(), b.std()))
    assert "trained from 4 different random starts" in comparison.recommendation.reason()
    assert "mit 4 verschiedenen Starts" in comparison.recommendation.reason("de")


# --- the best, the ranking, macro F1 and log loss


def test_best_model_is_the_recommended_one(comparison):
    assert comparison.best_model_ == comparison.recommendation.model
    assert comparison.best_estimator_ is comparison.results[comparison.best_model_].estimator


def test_nothing_recommended_nothing_best(digits):
    X, y = digits
    network = FakeNetwork().fit(X, y)
    network.loss_curve_ = []  # of a network that was not trained
    comparison = ModelComparison([make_result("NN", network, 0.0, X, y)])
    assert comparison.best_model_ is None
    assert comparison.best_estimator_ is None


def test_macro_f1_and_log_loss_are_scikit_learns(comparison):
    y = comparison.y_test
    for name, result in comparison.results.items():
        expected = f1_score(y, result.predictions, average="macro")
        assert comparison.table["f1_macro"][name] == pytest.approx(expected)
        if result.proba is not None:
            expected = log_loss(y, result.proba, labels=result.classes)
            assert comparison.table["log_loss"][name] == pytest.approx(expected)


def test_macro_f1_is_about_the_classes_of_the_test_set():
    y = np.arange(90) % 3
    X, test = np.stack([y, np.arange(90)], axis=1), np.flatnonzero(y < 2)
    models = {"a": Lucky(0.3), "b": Lucky(0.1)}
    for n_repeats in (1, 2):
        found = compare_models(
            models,
            X,
            y,
            X_test=X[test] + np.array([0, 90]),
            y_test=y[test],
            n_repeats=n_repeats,
            random_state=0,
        )
        for name, result in found.results.items():
            assert 2 in result.predictions
            expected = f1_score(y[test], result.predictions, labels=[0, 1], average="macro")
            assert result.errors.f1_macro == pytest.approx(expected)
            if n_repeats > 1:
                assert found.starts.set_index("model")["f1_macro"].loc[name].iloc[0] == expected


@pytest.mark.parametrize(("model", "once"), [(LogisticRegression(), False), (Lucky(), True)])
def test_one_start_of_models_without_a_seed_says_all(digits, model, once):
    X, y = digits
    if once:
        X = np.column_stack([y, X])
    found = compare_models({"a": model, "b": DummyClassifier()}, X, y, random_state=0)
    assert ("as trained here" in found.recommendation.headline()) is once
    assert ("one_start" in [c.code for c in found.recommendation.cautions]) is once


def test_log_loss_is_missing_without_probabilities_or_with_unknown_classes(known):
    X, y = known
    X_test, y_test = X[:6], np.array([0, 1, 2, 0, 1, 9])
    found = compare_models({"no": Perceptron()}, X, y, random_state=0)
    assert found.table["log_loss"].isna().all()
    with pytest.warns(UserWarning, match="occur in X"):
        found = compare_models(
            {"tree": DecisionTreeClassifier()}, X, y, X_test=X_test, y_test=y_test
        )
    assert found.table["log_loss"].isna().all()
    assert found.to_dict()["models"][0]["log_loss"] is None


def make_ranked(**figures):
    """Make a comparison whose table has these figures, a model each."""
    y = np.arange(3)
    model = DecisionTreeClassifier().fit(y[:, None], y)
    results = [make_result(name, model, 0.1, y[:, None], y) for name in "abcd"]
    comparison = ModelComparison(results)
    comparison.table = comparison.table.assign(**figures)
    return comparison


@pytest.mark.parametrize(
    ("by", "order", "ranks"),
    [
        ("test_accuracy", ["b", "c", "a", "d"], [1, 1, 3, None]),
        ("n_parameters", ["a", "b", "c", "d"], [1, 2, 2, None]),
    ],
)
def test_ranking_begins_with_the_best_and_ends_with_the_missing(by, order, ranks):
    figures = {"test_accuracy": [0.8, 0.9, 0.9, np.nan]}
    figures["n_parameters"] = pd.array([1, 5, 5, None], dtype="Int64")
    ranked = make_ranked(**figures).rank(by)
    assert ranked.index.tolist() == order
    assert ranked["rank"].astype(object).where(ranked["rank"].notna(), None).tolist() == ranks


def test_ranking_by_what_is_no_figure(comparison):
    with pytest.raises(ValueError, match=r"by='diagnosis' must be one of \['test_accuracy', "):
        comparison.rank("diagnosis")


def test_macro_f1_of_several_starts_is_their_mean(digits):
    models = {"tree": DecisionTreeClassifier(max_depth=3, max_features=3)}
    comparison = compare_models(models, *digits, n_repeats=3, random_state=0)
    assert comparison.starts["f1_macro"].std() > 0
    assert comparison.table["f1_macro"]["tree"] == pytest.approx(
        comparison.starts["f1_macro"].mean()
    )


@pytest.mark.parametrize(
    ("language", "label", "time"), [("en", "time (s)", "1,234.5"), ("de", "Zeit (s)", "1.234,5")]
)
def test_formatted_table_has_labels_units_and_signs(language, label, time):
    comparison = make_ranked(fit_time=[1234.5, 1, 1, 1], gap=np.nan)
    formatted = comparison.format_table(["fit_time", "gap"], language=language)
    assert formatted[label]["a"] == time
    assert set(formatted["gap" if language == "en" else "Gap"]) == {"-"}
    assert not any(column.lower() == "gap" for column in comparison.format_table())
