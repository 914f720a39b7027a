import pytest
from sklearn.datasets import load_digits

from skmnist.comparison import _page
from skmnist.report import _pictures
from tests.report.samples import compare


@pytest.fixture(scope="session")
def comparison():
    return compare()


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


@pytest.fixture
def no_charts(monkeypatch):
    """Leave out what takes time and is looked at elsewhere."""
    for module in (_pictures, _page):
        monkeypatch.setattr(module, "draw_svg", lambda *_, **__: "")
