"""OptunaSearchCV on a Dask cluster, also if a worker is lost."""

import os

import numpy as np
import pytest
from sklearn.datasets import load_digits

from skmnist import OptunaSearchCV, SimpleNNClassifier
from tests.model_selection.local_cluster import KillsOnce, start_cluster

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:400].astype(np.float32) / 16, y[:400]


@pytest.fixture
def client():
    with start_cluster() as client:
        yield client


def search(**options):
    return OptunaSearchCV(
        SimpleNNClassifier(epochs=3, random_state=0, **options),
        {"dropout": [0.0, 0.2]},
        n_trials=4,
        cv=2,
        pruner=None,
        random_state=0,
    )


def check(found):
    assert len(found.cv_results_["params"]) >= 4
    finished = np.isfinite(found.cv_results_["mean_test_score"])
    assert finished.sum() == 4
    assert found.best_estimator_.n_iter_ >= 1


def test_search(digits, client):
    check(search().fit(*digits))


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_search_that_loses_a_worker(digits, client, tmp_path):
    path = tmp_path / "killed"
    check(search(callbacks=KillsOnce(str(path))).fit(*digits))
    assert path.exists()
