"""A fitted model and its file."""

import pytest
from sklearn.datasets import load_digits
from sklearn.pipeline import Pipeline

from skmnist import PixelNormalizer, SimpleNNClassifier, save_model


@pytest.fixture(scope="module")
def digits():
    return load_digits(return_X_y=True)


@pytest.fixture(scope="module")
def pipeline(digits):
    model = SimpleNNClassifier(16, epochs=3, learning_rate=0.01, random_state=0)
    steps = [("normalize", PixelNormalizer(max_value=16)), ("nn", model)]
    return Pipeline(steps).fit(digits[0].reshape(-1, 8, 8), digits[1])


@pytest.fixture
def file(pipeline, tmp_path):
    save_model(pipeline, tmp_path / "model.skmnist")
    return tmp_path / "model.skmnist"
