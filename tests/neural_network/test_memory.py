"""Where the rows of a fit lie, and what becomes of their memory."""

import numpy as np
import pytest

from skmnist import SimpleNNClassifier
from skmnist.neural_network import _memory


@pytest.fixture
def many_rows(monkeypatch):
    """Return rows that are many, for a limit that is small."""
    monkeypatch.setattr(_memory, "LARGE", 2**16)
    monkeypatch.setattr(_memory, "_spare", [])
    rng = np.random.default_rng(0)
    return rng.random((600, 64), np.float32), rng.integers(0, 3, 600)


@pytest.mark.slow
def test_the_next_fit_gets_the_memory_of_the_last_one(many_rows):
    X, y = many_rows

    def coefs(n_rows):
        return SimpleNNClassifier(16, epochs=2, random_state=0).fit(X[:n_rows], y[:n_rows]).coefs_

    fresh = coefs(595)
    (memory,) = _memory._spare
    coefs(600)  # leaves other rows in it
    assert _memory._spare[0] is memory
    for one, other in zip(coefs(595), fresh, strict=True):
        np.testing.assert_array_equal(one, other)
    coefs(50)  # too few for so much memory
    assert _memory._spare[0] is memory


@pytest.mark.slow
def test_memory_is_not_kept_beyond_a_limit(many_rows, monkeypatch):
    monkeypatch.setattr(_memory, "MAX_SPARE", 2**16)
    SimpleNNClassifier(16, epochs=1, random_state=0).fit(*many_rows)
    assert _memory._spare == []
