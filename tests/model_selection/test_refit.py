from functools import partial

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, ShuffleSplit
from sklearn.tree import DecisionTreeClassifier

from skmnist import SimpleNNClassifier
from skmnist.diagnosis import fit_scores, neg_fit_gap
from skmnist.model_selection import best_without_overfitting


def columns(scores, gaps):
    return {"mean_test_accuracy": np.array(scores), "mean_test_neg_fit_gap": -np.array(gaps)}


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:400] / 16, y[:400]


@pytest.mark.parametrize(
    ("scores", "gaps", "best"),
    [
        ([0.97, 0.98, 0.99], [0.0, 0.01, 0.03], 1),
        ([0.97, 0.98, 0.99], [0.0, 0.01, 0.02], 2),
        ([0.97, 0.99, 0.98], [0.0, 1 - 0.98, 0.0], 1),  # no more than 0.02 but for rounding
        ([0.98, 0.98, 0.98], [0.01, 0.005, 0.02], 1),
        ([0.98, 0.98], [0.01, 0.01], 0),
        ([0.97, 0.98], [-0.5, 0.03], 0),
        ([np.nan, 0.9, 0.99], [0.0, 0.0, np.nan], 1),
    ],
    ids=["over", "at the limit", "rounding", "tie", "full tie", "negative", "failed"],
)
def test_best_of_those_that_do_not_overfit(scores, gaps, best):
    index = best_without_overfitting(columns(scores, gaps))
    assert index == best
    assert type(index) is int  # a search refuses NumPy's


def test_where_all_overfit_the_smallest_gap_is_taken_with_a_warning():
    with pytest.warns(UserWarning, match=r"smallest gap is 0\.0300, above max_gap=0\.02.*dropout"):
        assert best_without_overfitting(columns([0.9, 0.99, 0.98], [0.05, 0.04, 0.03])) == 2


def test_failed_candidates_are_not_said_to_overfit():
    results = columns([0.9, np.nan, 0.98, 0.9], [0.05, 0.0, 0.03, np.nan])
    match = (
        r"^Every candidate with a score and a gap \(2 of 4\) overfits: the smallest gap is 0\.03"
    )
    with pytest.warns(UserWarning, match=match):
        assert best_without_overfitting(results) == 2
    with pytest.warns(UserWarning, match="^Every candidate overfits: "):
        best_without_overfitting(columns([0.9], [0.05]))


def test_max_gap():
    results = columns([0.97, 0.98, 0.99], [0.0, 0.01, 0.03])
    assert best_without_overfitting(results, max_gap=0.05) == 2
    assert best_without_overfitting(results, max_gap=0.005) == 0


def test_gap_of_training_scores():
    results = {"mean_test_score": [0.9, 0.95], "mean_train_score": [0.91, 0.99]}
    assert best_without_overfitting(results) == 0


def test_keys_of_other_names():
    results = {"mean_test_f1": [0.9, 0.95], "mean_test_minus_gap": [-0.01, -0.1]}
    assert best_without_overfitting(results, score="f1", gap="minus_gap") == 0


@pytest.mark.parametrize(
    ("results", "match"),
    [
        ({"mean_test_f1": [1.0]}, r"no 'mean_test_score', only \['mean_test_f1'\]; pass score="),
        ({"mean_test_score": [1.0]}, r"neither 'mean_test_neg_fit_gap' nor 'mean_train_score'"),
        (columns([np.nan], [0.0]), "None of the 1 candidates has both"),
    ],
)
def test_missing_columns_and_scores_raise(results, match):
    with pytest.raises(ValueError, match=match):
        best_without_overfitting(results)


@pytest.mark.slow
@pytest.mark.parametrize(
    "scoring",
    [fit_scores, {"accuracy": "accuracy", "neg_fit_gap": neg_fit_gap}],
    ids=["fit_scores", "dict"],
)
def test_in_a_grid_search_of_a_network(digits, scoring):
    network = SimpleNNClassifier(
        32, learning_rate=0.02, validation_fraction=None, patience=None, random_state=0
    )
    # a hundred rows are soon known by heart; without training there is no gap but by chance
    search = GridSearchCV(
        network,
        {"epochs": [0, 60]},
        cv=ShuffleSplit(2, train_size=100, test_size=300, random_state=0),
        scoring=scoring,
        refit=partial(best_without_overfitting, max_gap=0.05),
    )
    search.fit(*digits)
    results = search.cv_results_
    gaps = -results["mean_test_neg_fit_gap"]
    assert gaps[0] < 0.05 < gaps[1]
    assert results["mean_test_accuracy"][0] < results["mean_test_accuracy"][1]
    assert search.best_params_ == {"epochs": 0}
    assert search.best_estimator_.n_iter_ == 0


@pytest.mark.slow
def test_in_searches_of_other_classifiers(digits):
    search = GridSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [1, None]},
        return_train_score=True,
        refit=partial(best_without_overfitting, max_gap=0.1),
    ).fit(*digits)
    assert search.best_params_ == {"max_depth": 1}
    search = RandomizedSearchCV(
        LogisticRegression(max_iter=500),
        {"C": [1e-4, 1.0]},
        n_iter=2,
        return_train_score=True,
        refit=partial(best_without_overfitting, max_gap=1),
    ).fit(*digits)
    assert search.best_params_ == {"C": 1.0}
