import functools
import importlib.util
from pathlib import Path

import pytest
from sklearn.utils import Bunch

import skmnist
from tests.app.pages import VISITOR, run

if importlib.util.find_spec("streamlit") is None:  # the extra `app` is not installed
    collect_ignore_glob = ["test_*.py"]

PAGE = Path(skmnist.__file__).parent / "app" / "_page.py"


@pytest.fixture(scope="session")
def small():
    """Return the first rows of MNIST."""
    return skmnist.load_mnist(n_train=300, n_test=100, random_state=0)


@pytest.fixture(scope="session")
def loaded():
    """Return what was read already: a picture of it is drawn once for all tests."""
    return {}


@pytest.fixture(scope="session", autouse=True)
def scan_once():
    """Let Streamlit look for components in the installed packages once, not in each test."""
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        scan = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(autouse=True)
def server(monkeypatch, small, loaded, tmp_path):
    """Let each test have a server of its own, that knows only a little of MNIST."""
    from skmnist.app import _store, _training, _view

    monkeypatch.setenv("LC_ALL", "C")
    load = _store.load_dataset

    def load_little(source, **options):
        return Bunch(**small) if source == "mnist" else load(source, **options)

    monkeypatch.setattr(_store, "load_dataset", load_little)
    monkeypatch.setattr(_store, "_home", lambda: tmp_path)
    monkeypatch.setattr(_store, "_loaded", loaded)
    monkeypatch.setattr(_training, "_trainings", {})
    monkeypatch.setattr(_view, "find_visitor", lambda: VISITOR)  # all pages in one browser
    yield
    for training in _training._trainings.values():
        for name in ("NN", "DNN"):
            training.stop(name)
        training.join(60)


@pytest.fixture
def open_page():
    """Return a function that opens the page at an address."""
    from streamlit.testing.v1 import AppTest

    def open_(**query):
        page = AppTest.from_file(str(PAGE), default_timeout=60)
        for name, value in query.items():
            page.query_params[name] = str(value)
        return run(page)

    return open_
