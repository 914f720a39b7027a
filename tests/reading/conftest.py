"""A calibrated reader of scikit-learn's small digits, as dark ink on white paper."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skmnist import DigitCropper, PixelNormalizer
from skmnist.reading import DigitReader


@pytest.fixture(scope="session")
def digits():
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    images = 255 - (X[order].reshape(-1, 8, 8) * 15.9).astype(np.uint8)
    return np.pad(images, ((0, 0), (3, 3), (3, 3)), constant_values=255), y[order]


@pytest.fixture(scope="session")
def reader(digits):
    X, y = digits
    model = make_pipeline(
        DigitCropper(size=14, box=10), PixelNormalizer(), LogisticRegression(max_iter=500)
    )
    reader = DigitReader(model, max_error=0.02).fit(X[:800], y[:800])
    return reader.calibrate(X[800:1500], y[800:1500], groups=np.arange(700) % 3)
