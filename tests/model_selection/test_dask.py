"""Cross-validation, searches and comparisons on a Dask cluster, also if a worker is lost."""

import os
from types import SimpleNamespace

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from skmnist import SimpleNNClassifier, compare_models
from skmnist._workers import iterate_tasks
from skmnist.diagnosis import fit_scores
from skmnist.model_selection import best_without_overfitting, cross_validate
from tests.model_selection.local_cluster import KillsOnce, start_cluster

pytestmark = pytest.mark.slow
NETWORK = SimpleNNClassifier(16, epochs=3, learning_rate=0.02, batch_size=32, random_state=0)


class Where(ClassifierMixin, BaseEstimator):
    """Knows in which process it was fitted, and how many threads tensorflow has there."""

    def fit(self, X, y):
        SimpleNNClassifier(4, epochs=1).fit(X, y)
        self.classes_ = np.unique(y)
        self.process_ = os.getpid()
        self.n_threads_ = int(os.environ["TF_NUM_INTRAOP_THREADS"])
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:400].astype(np.float32) / 16, y[:400]


@pytest.fixture
def client():
    with start_cluster() as client:
        yield client


def test_cross_validate(digits, client):
    found = cross_validate(NETWORK, *digits, cv=4, return_indices=True)
    assert np.isfinite(found["test_score"]).all()
    assert np.isfinite(found.gap).all()
    assert sorted(np.concatenate(found["indices"]["test"])) == list(range(400))
    found = cross_validate(Where(), *digits, cv=4, return_estimator=True)
    processes = {model.process_ for model in found["estimator"]}
    assert processes == set(client.run(os.getpid).values())
    assert {model.n_threads_ for model in found["estimator"]} == {1}


def test_grid_search(digits, client):
    search = GridSearchCV(
        NETWORK, {"dropout": [0.0, 0.2]}, cv=2, scoring=fit_scores,
        refit=lambda results: best_without_overfitting(results, max_gap=1.0),
    ).fit(*digits)  # fmt: skip
    assert np.isfinite(search.cv_results_["mean_test_accuracy"]).all()
    assert search.best_estimator_.n_iter_ == 3


def test_compare_models(digits, client):
    comparison = compare_models({"a": NETWORK, "where": Where()}, *digits, cv=2, random_state=0)
    assert np.isfinite(comparison.fold_scores.to_numpy()).all()
    process = comparison.results["where"].estimator.process_
    assert process in client.run(os.getpid).values()


def total(X, kills):
    kills(SimpleNamespace(epoch=2))
    return float(X.sum())


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_rows_that_are_lost_with_the_last_worker_that_had_them_are_sent_again(client, tmp_path):
    client.retire_workers(list(client.scheduler_info()["workers"])[:1])
    tasks = ((np.ones(300_000), KillsOnce(str(tmp_path / name))) for name in "ab")
    assert list(iterate_tasks(total, tasks, n_jobs=2)) == [300_000.0] * 2
    assert (tmp_path / "a").exists()


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
class TestALostWorker:
    """Its task is run anew, and the result is complete."""

    @pytest.fixture
    def network(self, tmp_path):
        self.path = tmp_path / "killed"
        yield SimpleNNClassifier(**{**NETWORK.get_params(), "callbacks": KillsOnce(str(self.path))})
        assert self.path.exists()

    def test_cross_validate(self, digits, client, network):
        found = cross_validate(network, *digits, cv=4)
        assert np.isfinite(found["test_score"]).all()
        assert found.n_epochs.tolist() == [3.0] * 4

    def test_grid_search(self, digits, client, network):
        # joblib, to which scikit-learn leaves the rows, can be told to send them to all workers
        with joblib.parallel_config(backend="dask", scatter=list(digits)):
            search = GridSearchCV(network, {"dropout": [0.0, 0.2]}, cv=2).fit(*digits)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        assert search.best_estimator_.n_iter_ == 3

    def test_compare_models(self, digits, client, network):
        comparison = compare_models({"a": network, "b": NETWORK}, *digits, cv=2, random_state=0)
        assert np.isfinite(comparison.fold_scores.to_numpy()).all()
        assert comparison.table["n_epochs"].tolist() == [3, 3]
