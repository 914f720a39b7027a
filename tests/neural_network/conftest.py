import pytest
from sklearn.datasets import load_digits

from skmnist.neural_network._tensorflow import load_training

load_training()  # programs are kept on disk only if no test imports tensorflow before


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


@pytest.fixture
def forget_networks(monkeypatch):
    """Return a function that lets the next fits of this test build their networks anew."""
    from skmnist.neural_network import _engine

    return lambda: monkeypatch.setattr(_engine, "_idle", [])


@pytest.fixture
def compilations(forget_networks):
    """Count the programs that are compiled from here on."""
    from skmnist.neural_network import _program

    forget_networks()
    start = _program.n_compilations
    return lambda: _program.n_compilations - start
