import os
import signal
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from fakes import FakeNetwork, Lucky, make_mlp
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skmnist import SimpleNNClassifier
from skmnist.comparison import compare_models

pytestmark = pytest.mark.usefixtures("few_rounds")


def test_fit_times_are_positive(comparison):
    assert (comparison.table["fit_time"] > 0).all()


def test_fit_time_leaves_out_compilation(digits):
    table = compare_models({"slow": FakeNetwork(seconds=0.2)}, *digits).table
    assert table.loc["slow", "fit_time"] < 0.2


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


class Seeded(Lucky):
    """Notes the seed of each fit."""

    seeds: ClassVar[list] = []

    def fit(self, X, y):
        self.seeds.append(self.random_state)
        return super().fit(X, y)


@pytest.fixture
def seeds(monkeypatch):
    monkeypatch.setattr(Seeded, "seeds", [])
    return Seeded.seeds


def test_copies_of_one_recipe_get_seeds_of_their_own_in_all_starts_and_folds(known, seeds):
    models = {"a": Seeded(0.3), "b": Seeded(0.3)}
    comparison = compare_models(models, *known, n_repeats=3, cv=2, random_state=0)
    assert len(seeds) == len(set(seeds)) == 2 * (3 + 2)
    a, b = (result.predictions for result in comparison.results.values())
    assert (a != b).any()


def test_seeds_that_were_set_are_kept_in_the_first_start_and_the_folds_alone(known, seeds):
    models = {"a": Seeded(0.3, random_state=7), "b": Seeded(0.3, random_state=7)}
    compare_models(models, *known, n_repeats=3, cv=2, random_state=0)
    assert seeds.count(7) == 2 * (1 + 2)
    assert len(set(seeds) - {7}) == 2 * 2


def test_copies_within_one_model_get_seeds_of_their_own(known, seeds):
    both = VotingClassifier([("first", Seeded(0.3)), ("second", Seeded(0.3))])
    compare_models({"a": both}, *known, n_repeats=2, random_state=0)
    assert len(set(seeds)) == 2 * 2


def test_seeds_of_a_model_do_not_depend_on_the_others(known, seeds):
    compare_models({"a": Seeded(), "b": Seeded()}, *known, n_repeats=2, random_state=0)
    first = set(seeds)
    seeds.clear()
    compare_models(
        {"c": Seeded(), "b": Seeded(), "a": Seeded()}, *known, n_repeats=2, random_state=0
    )
    assert first < set(seeds)
    seeds.clear()
    compare_models({"a": Seeded(), "b": Seeded()}, *known, n_repeats=2, random_state=1)
    assert not first & set(seeds)


@pytest.mark.slow
def test_further_starts_of_two_equal_networks_are_different_networks(digits):
    models = {"A": SimpleNNClassifier(epochs=2), "B": SimpleNNClassifier(epochs=2)}
    comparison = compare_models(models, *digits, n_repeats=3, cv=2, random_state=0)
    first = [result.estimator.coefs_[0] for result in comparison.results.values()]
    assert not np.array_equal(*first)
    by_model = dict(list(comparison.starts.groupby("model")["test_accuracy"]))
    assert by_model["A"].tolist() != by_model["B"].tolist()


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
    assert "Retraining on 4 different parts" in comparison.recommendation.reason()


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


def test_estimators_passed_are_not_fitted(digits):
    models = {"linear": LogisticRegression(), "pipe": make_pipeline(MinMaxScaler(), make_mlp())}
    compare_models(models, *digits, random_state=0)
    assert not hasattr(models["linear"], "coef_")
    assert not hasattr(models["pipe"][-1], "coefs_")


def test_estimators_passed_keep_their_parameters(digits):
    pipe = make_pipeline(make_mlp())
    compare_models({"pipe": pipe}, *digits, random_state=0)
    assert pipe[-1].random_state is None


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


class Breaks(Lucky):
    """Fails in `fit`, or else in `predict`."""

    def fit(self, X, y):
        if self.errors:
            raise OverflowError("too large")
        return super().fit(X, y)

    def predict(self, X):
        raise OverflowError("too large")


@pytest.mark.parametrize("errors", [0, 1])
def test_an_exception_names_its_model(known, errors):
    with pytest.raises(OverflowError, match=r"^too large") as caught:
        compare_models({"good": Lucky(), "bad": Breaks(errors)}, *known)
    assert caught.value.__notes__ == ["while training estimators['bad']"]


@pytest.mark.slow
def test_an_exception_in_a_worker_names_its_model(known):
    with pytest.raises(OverflowError, match=r"^too large") as caught:
        compare_models({"good": Lucky(), "bad": Breaks(1)}, *known, n_jobs=2)
    assert "while training estimators['bad']" in caught.value.__notes__
