import pytest
from sklearn.datasets import load_digits


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


@pytest.fixture
def compilations():
    """Count the programs that are compiled from here on."""
    from skmnist.neural_network import _engine, _program

    _engine._idle.clear()
    start = _program.n_compilations
    return lambda: _program.n_compilations - start
