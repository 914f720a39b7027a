import os
import signal

import numpy as np
import pandas as pd
import pytest
from fakes import FakeNetwork, Lucky, make_mlp
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

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
