from functools import partial

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from skmnist.diagnosis import fit_scores, neg_fit_gap, penalized_accuracy


class Threshold(ClassifierMixin, BaseEstimator):
    """Classifies by a threshold; keeps the training accuracy that it is told to keep."""

    def __init__(self, threshold=0.5, kept=1.0):
        self.threshold = threshold
        self.kept = kept

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.train_accuracy_ = self.kept
        return self

    def predict(self, X):
        return (X[:, 0] >= self.threshold).astype(int)


# one "fold" of all rows, so that the scores are those of the fixture
ALL_ROWS = [(np.arange(20), np.arange(20))]


def in_pipeline(model):
    return Pipeline([("same", FunctionTransformer()), ("model", model)])


@pytest.fixture
def data():
    """Twenty rows; a threshold of 0.5 classifies all of them, one of 0.6 all but two."""
    X = np.arange(20).reshape(-1, 1) / 20
    return X, (X[:, 0] >= 0.5).astype(int)


@pytest.mark.parametrize(
    ("kept", "expected"), [(1.0, -0.1), (0.9, 0.0), (0.8, 0.1)], ids=["over", "none", "under"]
)
def test_neg_fit_gap_is_accuracy_minus_kept_accuracy(data, kept, expected):
    model = Threshold(0.6, kept).fit(*data)
    assert neg_fit_gap(model, *data) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("kept", "expected"),
    [(1.0, 0.9 - 0.08), (0.93, 0.9 - 0.01), (0.92, 0.9), (0.91, 0.9), (0.5, 0.9)],
)
def test_penalized_accuracy_takes_off_what_exceeds_the_allowance(data, kept, expected):
    model = Threshold(0.6, kept).fit(*data)
    assert penalized_accuracy(model, *data) == pytest.approx(expected)


def test_allowance_can_be_set(data):
    model = Threshold(0.6, kept=1.0).fit(*data)
    assert penalized_accuracy(model, *data, allowance=0.1) == pytest.approx(0.9)


@pytest.mark.parametrize("scorer", [neg_fit_gap, penalized_accuracy])
def test_pipeline_scores_as_its_last_step(data, scorer):
    model = Threshold(0.6)
    assert scorer(in_pipeline(model).fit(*data), *data) == scorer(model.fit(*data), *data)


@pytest.mark.parametrize("scorer", [neg_fit_gap, penalized_accuracy])
@pytest.mark.parametrize("wrap", [lambda model: model, in_pipeline], ids=["alone", "pipeline"])
def test_search_scores_as_its_best_estimator(data, scorer, wrap):
    model = wrap(Threshold(0.6))
    search = GridSearchCV(model, {}, cv=ALL_ROWS).fit(*data)
    assert scorer(search, *data) == scorer(model.fit(*data), *data)


def test_cross_validate_with_both(data):
    scores = cross_validate(
        in_pipeline(Threshold(0.6)),
        *data,
        cv=ALL_ROWS,
        scoring={"gap": neg_fit_gap, "penalized": penalized_accuracy},
        error_score="raise",
    )
    assert scores["test_gap"] == pytest.approx(-0.1)
    assert scores["test_penalized"] == pytest.approx(0.82)


def test_cross_val_score_with_another_allowance(data):
    scorer = partial(penalized_accuracy, allowance=1.0)
    scores = cross_val_score(
        Threshold(0.6), *data, cv=ALL_ROWS, scoring=scorer, error_score="raise"
    )
    assert scores == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("refit", "threshold"), [("accuracy", 0.6), ("penalized", 0.65), ("gap", 0.8)]
)
def test_grid_search_refits_by_the_scorer(data, refit, threshold):
    # accuracies 0.9, 0.85, 0.7; gaps 0.1, 0.02, 0
    grid = [
        {"model__threshold": [0.6], "model__kept": [1.0]},
        {"model__threshold": [0.65], "model__kept": [0.87]},
        {"model__threshold": [0.8], "model__kept": [0.7]},
    ]
    scoring = {"accuracy": "accuracy", "gap": neg_fit_gap, "penalized": penalized_accuracy}
    search = GridSearchCV(
        in_pipeline(Threshold()),
        grid,
        cv=ALL_ROWS,
        scoring=scoring,
        refit=refit,
        error_score="raise",
    ).fit(*data)
    assert search.best_params_["model__threshold"] == threshold


@pytest.mark.parametrize("scorer", [neg_fit_gap, penalized_accuracy])
@pytest.mark.parametrize("wrap", [lambda model: model, in_pipeline], ids=["alone", "pipeline"])
def test_estimator_without_training_accuracy(data, scorer, wrap):
    model = wrap(LogisticRegression()).fit(*data)
    with pytest.raises(
        ValueError,
        match=r"LogisticRegression has no train_accuracy_.*cross_validate\(.*return_train_sc",
    ):
        scorer(model, *data)


def test_fit_diagnosis_gives_all_three_scores(data):
    model = Threshold(0.6, kept=1.0).fit(*data)
    assert fit_scores(model, *data) == pytest.approx(
        {
            "accuracy": 0.9,
            "neg_fit_gap": neg_fit_gap(model, *data),
            "penalized_accuracy": penalized_accuracy(model, *data),
        }
    )


def test_fit_diagnosis_in_a_search(data):
    search = GridSearchCV(
        Threshold(),
        {"threshold": [0.6, 0.5]},
        cv=ALL_ROWS,
        scoring=fit_scores,
        refit="penalized_accuracy",
        error_score="raise",
    ).fit(*data)
    assert search.best_params_ == {"threshold": 0.5}
