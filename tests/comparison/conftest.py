import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skmnist.comparison import _result, compare_models
from tests.comparison.fakes import FakeNetwork, make_mlp


@pytest.fixture(scope="module")
def few_rounds():
    """Time few predictions: these tests are about something else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_result, "N_ROUNDS", _result.MIN_ROUNDS)
        yield


@pytest.fixture(scope="module")
def digits():
    """Return 210 images of the digits 0, 1 and 2, 70 of each, as 64 columns."""
    X, y = load_digits(return_X_y=True)
    rows = np.sort(np.concatenate([np.flatnonzero(y == digit)[:70] for digit in range(3)]))
    return X[rows] / 16, y[rows]


@pytest.fixture(scope="module")
def comparison(digits, few_rounds):
    models = {
        "linear": LogisticRegression(),
        "constant": DummyClassifier(),
        "neighbours": make_pipeline(MinMaxScaler(), KNeighborsClassifier()),
        "network": make_pipeline(MinMaxScaler(), make_mlp()),
        "ours": FakeNetwork(),
    }
    return compare_models(models, *digits, random_state=0)


@pytest.fixture
def known():
    y = np.arange(300) % 3
    return np.stack([y, np.arange(300)], axis=1), y


@pytest.fixture
def source():
    """Return the source deck's own table."""
    return pd.DataFrame(
        {
            "test_accuracy": [0.9756, 0.9819],
            "diagnosis": ["overfitting", "optimal"],
            "gap": [0.0226, 0.0171],
            "n_parameters": [101770, 567434],
            "fit_time": [78.4109, 117.9508],
            "n_epochs": [37, 25],
        },
        index=["NN", "DNN"],
    )
