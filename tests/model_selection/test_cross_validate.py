import inspect
import os

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_digits
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.model_selection import cross_validate as sklearn_cross_validate
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmnist import PixelNormalizer, SimpleNNClassifier
from skmnist.diagnosis import fit_scores
from skmnist.model_selection import cross_validate

OURS = {"history", "diagnosis", "gap", "n_epochs", "best_epoch"}
NETWORK = SimpleNNClassifier(
    16, epochs=3, learning_rate=0.02, batch_size=32, validation_fraction=0.1, random_state=0
)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:300].astype(np.float32) / 16, y[:300]


@pytest.fixture(scope="module")
def results(digits):
    return cross_validate(
        NETWORK, *digits, cv=3, scoring=["accuracy", "f1_macro"], return_estimator=True,
        return_indices=True,
    )  # fmt: skip


class Knows(ClassifierMixin, BaseEstimator):
    """Reads the label from the row; errs on the last `errors` of each test set."""

    def __init__(self, errors=0, kept=None, fails_without=None):
        self.errors = errors
        self.kept = kept
        self.fails_without = fails_without

    def fit(self, X, y, sample_weight=None):
        if self.fails_without is not None and self.fails_without not in X[:, 1]:
            raise ValueError("the fold that fails")
        self.classes_ = np.unique(y)
        self.weight_ = None if sample_weight is None else np.sum(sample_weight)
        if self.kept is not None:
            self.train_accuracy_ = self.kept
            self.n_train_ = len(y)
        return self

    def predict(self, X):
        labels = X[:, 0].astype(int)
        if self.errors:
            labels[-self.errors :] = (labels[-self.errors :] + 1) % 3
        return labels


@pytest.fixture(scope="module")
def known():
    y = np.arange(3000) % 3
    return np.stack([y, np.arange(3000)], axis=1), y


# --- as scikit-learn's


def test_signature_is_that_of_scikit_learn():
    ours, theirs = (
        [(p.name, p.kind, repr(p.default)) for p in inspect.signature(f).parameters.values()]
        for f in (cross_validate, sklearn_cross_validate)
    )
    assert ours == theirs


@pytest.mark.parametrize("extra", [{}, {"estimator"}, {"indices"}, {"estimator", "indices"}])
def test_keys_are_those_of_scikit_learn_and_ours(known, extra):
    asked = {f"return_{'indices' if name == 'indices' else name}": True for name in extra}
    found = cross_validate(Knows(), *known, cv=2, return_train_score=True, **asked)
    theirs = sklearn_cross_validate(Knows(), *known, cv=2, return_train_score=True, **asked)
    assert set(found) == set(theirs) | OURS


def test_scores_are_those_of_scikit_learn(digits, results):
    theirs = sklearn_cross_validate(NETWORK, *digits, cv=3, scoring=["accuracy", "f1_macro"])
    for name in ("test_accuracy", "test_f1_macro"):
        np.testing.assert_array_equal(results[name], theirs[name])


@pytest.mark.parametrize(
    ("scoring", "keys"),
    [
        (None, {"test_score"}),
        ("f1_macro", {"test_score"}),
        (make_scorer(accuracy_score), {"test_score"}),
        (("accuracy", "f1_macro"), {"test_accuracy", "test_f1_macro"}),
        ({"a": "accuracy", "b": lambda model, X, y: 0.5}, {"test_a", "test_b"}),
        (lambda model, X, y: {"c": 1.0}, {"test_c"}),
        (fit_scores, {"test_accuracy", "test_neg_fit_gap", "test_penalized_accuracy"}),
    ],
    ids=["default", "name", "scorer", "names", "dict", "function", "fit_scores"],
)
def test_any_scoring(known, scoring, keys):
    found = cross_validate(Knows(30, kept=1.0), *known, cv=3, scoring=scoring)
    assert {name for name in found if name.startswith("test_")} == keys
    # whatever is scored, the gap is that of the accuracy
    np.testing.assert_allclose(found.gap, 0.03)


def test_splits_are_stratified_for_a_classifier(known):
    order = np.argsort(known[1], kind="stable")
    found = cross_validate(Knows(), known[0][order], known[1][order], cv=3, return_indices=True)
    for test in found["indices"]["test"]:
        assert len(set(known[1][order][test])) == 3


def test_groups(known):
    groups = np.arange(3000) // 3
    found = cross_validate(Knows(), *known, cv=GroupKFold(2), groups=groups, return_indices=True)[
        "indices"
    ]
    assert not set(groups[found["train"][0]]) & set(groups[found["test"][0]])


def test_sample_weight_is_passed_by_params(known):
    weight = np.full(3000, 2.0)
    found = cross_validate(
        Knows(), *known, cv=2, params={"sample_weight": weight}, return_estimator=True
    )
    assert [model.weight_ for model in found["estimator"]] == [3000.0, 3000.0]


def test_with_metadata_routing(known):
    params = {"sample_weight": np.arange(3000.0), "groups": np.arange(3000) // 3}
    with sklearn.config_context(enable_metadata_routing=True):
        model = Knows(30, kept=1.0).set_fit_request(sample_weight=True)
        model.set_score_request(sample_weight=True)
        found = cross_validate(
            model, *known, cv=GroupKFold(3), params=params, return_estimator=True
        )
    assert all(model.weight_ > 3000 for model in found["estimator"])
    # the score is weighted now, and so no share of the rows; the diagnosis is of the rows
    assert (np.abs(found["test_score"] - 0.97) > 0.01).all()
    np.testing.assert_allclose(found.gap, 0.03, atol=1e-3)


def test_an_invalid_argument_is_refused_as_by_scikit_learn(known):
    with pytest.raises(ValueError, match=r"'error_score' parameter of cross_validate"):
        cross_validate(Knows(), *known, error_score="nan")
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        cross_validate(Knows(), known[0], known[1][:-1])


# --- how each fold was learned


def test_histories_and_epochs(results):
    for history, model in zip(results.history, results.estimator, strict=True):
        assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
        np.testing.assert_array_equal(history["loss"], model.loss_curve_)
    assert results.n_epochs.tolist() == [3.0, 3.0, 3.0]
    assert results.best_epoch.tolist() == [model.best_epoch_ for model in results.estimator]


def test_diagnosis_is_of_the_rows_that_the_fold_left_out(digits, results):
    X, y = digits
    for at, (model, diagnosis) in enumerate(zip(results.estimator, results.diagnosis, strict=True)):
        test = results.indices["test"][at]
        assert diagnosis.validation_accuracy == pytest.approx(model.score(X[test], y[test]))
        assert diagnosis.n_validation == len(test)
        assert diagnosis.train_accuracy == model.train_accuracy_
        assert diagnosis.n_train == model.n_train_measured_
        assert results.gap[at] == diagnosis.gap
        assert diagnosis.gap == pytest.approx(model.train_accuracy_ - model.score(X[test], y[test]))


def test_nothing_in_the_diagnosis_is_of_the_rows_that_the_network_held_out(results):
    for diagnosis in results.diagnosis:
        assert diagnosis.last_gap is None
        assert diagnosis.validation_loss is None
        assert diagnosis.val_loss_trend_up is not None  # but for the trends, which are the course


@pytest.mark.slow
def test_a_network_that_holds_nothing_out_is_diagnosed_too(digits):
    network = clone(NETWORK).set_params(validation_fraction=None)
    found = cross_validate(make_pipeline(PixelNormalizer(1), network), *digits, cv=2)
    assert np.isfinite(found.gap).all()
    assert set(found.history[0]) == {"loss", "accuracy"}


@pytest.mark.parametrize(
    ("errors", "labels"), [(0, {"optimal"}), (60, {"overfitting"})], ids=["fine", "over"]
)
def test_labels(known, errors, labels):
    found = cross_validate(Knows(errors, kept=1.0), *known, cv=3)
    assert {diagnosis.label for diagnosis in found.diagnosis} == labels


def test_without_a_training_accuracy_there_is_no_diagnosis(known):
    found = cross_validate(Knows(), *known, cv=2)
    assert found.diagnosis == [None, None]
    assert np.isnan(found.gap).all()
    assert found.history == [None, None]
    assert np.isnan(found.n_epochs).all()


@pytest.mark.parametrize(
    "scoring",
    [None, "accuracy", make_scorer(accuracy_score), ["f1_macro", "accuracy"], {"a": "accuracy"}],
)
def test_training_scores_stand_in_where_they_are_accuracies(known, scoring):
    found = cross_validate(Knows(100), *known, cv=3, scoring=scoring, return_train_score=True)
    # 100 errors in 2000 training rows, 100 in 1000 left out
    np.testing.assert_allclose(found.gap, 0.05)
    assert found.diagnosis[0].n_train == 2000


def test_training_scores_of_another_kind_are_not_taken_for_accuracies(known):
    found = cross_validate(Knows(9), *known, cv=2, scoring="f1_macro", return_train_score=True)
    assert found.diagnosis == [None, None]


def test_mlp_of_scikit_learn(digits):
    mlp = MLPClassifier((16,), learning_rate_init=0.02, max_iter=500, tol=1e-3, random_state=0)
    found = cross_validate(mlp, *digits, cv=2, return_train_score=True)
    assert found.n_epochs.tolist() == [len(history["loss"]) for history in found.history]
    assert np.isnan(found.best_epoch).all()
    assert found.diagnosis[0].train_accuracy == found["train_score"][0]


@pytest.mark.slow
def test_a_search_inside_is_looked_through(digits):
    search = GridSearchCV(LogisticRegression(max_iter=500), {"C": [1, 10]}, cv=2)
    found = cross_validate(search, *digits, cv=2, scoring="accuracy", return_train_score=True)
    assert np.isfinite(found.gap).all()


def test_regressors_have_scores_and_no_diagnosis(digits):
    found = cross_validate(make_pipeline(StandardScaler(), LinearRegression()), *digits, cv=2)
    assert found.diagnosis == [None, None]
    assert np.isfinite(found["test_score"]).all()


@pytest.mark.parametrize(
    "convert", [lambda X: X.tolist(), pd.DataFrame, csr_matrix], ids=["list", "frame", "sparse"]
)
def test_rows_of_every_kind(digits, convert):
    X, y = digits
    model = LogisticRegression(max_iter=500)
    found = cross_validate(
        model, convert(X), y.tolist(), cv=2, scoring="f1_macro", return_train_score=True
    )
    assert np.isfinite(found["test_score"]).all()


def test_a_fold_that_fails_is_a_row_without_figures(known):
    model = Knows(kept=1.0, fails_without=0)  # row 0 is left out by the first fold alone
    with pytest.warns(FitFailedWarning, match="the fold that fails"):
        found = cross_validate(model, *known, cv=KFold(3))
    assert np.isnan(found["test_score"]).tolist() == [True, False, False]
    assert np.isnan(found.gap).tolist() == [True, False, False]
    assert [diagnosis is None for diagnosis in found.diagnosis] == [True, False, False]
    frame = found.to_frame()
    assert frame["diagnosis"].isna().tolist() == [True, False, False]


@pytest.mark.parametrize("scoring", ["accuracy", "f1_macro"])
def test_a_fold_that_cannot_be_scored_is_not_diagnosed(known, scoring):
    class Mute(Knows):
        def predict(self, X):
            raise RuntimeError("no answer")

    with pytest.warns(UserWarning, match="Scoring failed"):
        found = cross_validate(Mute(30, kept=1.0), *known, cv=2, scoring=scoring)
    assert np.isnan(found["test_score"]).all()
    assert found.diagnosis == [None, None]
    with pytest.raises(RuntimeError, match="no answer"):
        cross_validate(Mute(30), *known, cv=2, scoring=scoring, error_score="raise")


def test_a_failing_fold_raises_where_it_is_asked_to(known):
    with pytest.raises(ValueError, match="the fold that fails"):
        cross_validate(Knows(fails_without=0), *known, cv=KFold(3), error_score="raise")


# --- the table


def test_frame_has_a_row_per_fold_and_what_is_one_value(results):
    frame = results.to_frame()
    assert frame.index.tolist() == [0, 1, 2]
    assert frame.index.name == "fold"
    assert set(frame.columns) == {
        "fit_time",
        "score_time",
        "test_accuracy",
        "test_f1_macro",
        "diagnosis",
        "gap",
        "n_epochs",
        "best_epoch",
    }
    assert frame["diagnosis"].tolist() == [each.label for each in results.diagnosis]
    assert frame["n_epochs"].tolist() == [3, 3, 3]
    assert str(frame["best_epoch"].dtype) == "Int64"


def test_frame_of_what_has_no_epochs(known):
    frame = cross_validate(Knows(), *known, cv=2).to_frame()
    assert frame[["n_epochs", "best_epoch"]].isna().all(axis=None)


# --- processes


def threads_of_tensorflow(model, X, y):
    return int(os.environ["TF_NUM_INTRAOP_THREADS"])


@pytest.mark.slow
def test_workers_share_the_cores(digits):
    from joblib import cpu_count

    found = cross_validate(
        NETWORK, *digits, cv=2, n_jobs=2, scoring={"threads": threads_of_tensorflow}
    )
    assert found["test_threads"].tolist() == [max(1, cpu_count() // 2)] * 2


@pytest.mark.slow
def test_processes_find_what_one_finds(digits):
    one, two = (cross_validate(NETWORK, *digits, cv=2, n_jobs=n_jobs) for n_jobs in (None, 2))
    np.testing.assert_allclose(one["test_score"], two["test_score"], atol=0.02)
    np.testing.assert_allclose(one.gap, two.gap, atol=0.03)
