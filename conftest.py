"""Fixtures and settings for all tests."""

import importlib.util
import math
import os
import sys
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("MPLBACKEND", "agg")
# the tests compile the same programs in many processes, and leave the user's cache alone
os.environ.setdefault("SKMNIST_PROGRAM_CACHE", str(Path(tempfile.gettempdir(), "skmnist-tests")))
collect_ignore = ["docs/_build", "docs/_ext", "docs/conf.py", "docs/generated"]
if importlib.util.find_spec("streamlit") is None:  # the extra `app` is not installed
    collect_ignore_glob = ["skmnist/app/*"]
if importlib.util.find_spec("onnx") is None:  # the extra `onnx`, which its example needs
    collect_ignore.append("skmnist/persistence/_onnx.py")


# Files with examples that start processes, search for parameters or train for many epochs
SLOW_EXAMPLES = {
    "augmentation.rst",
    "choosing.rst",
    "classifiers.rst",
    "comparison.rst",
    "data.rst",
    "diagnosis.rst",
    "displays.rst",
    "reading.rst",
    "report.rst",
    "saving.rst",
    "spread.rst",
    "tour.rst",
    "_augment.py",
    "_classifiers.py",
    "_compare.py",
    "_plot_reliability.py",
    "_plot_robustness.py",
    "_reader.py",
    "_refit.py",
    "_robustness.py",
    "_scorers.py",
    "_search.py",
}


@pytest.hookimpl(wrapper=True)
def pytest_collection(session):
    """Keep compiled programs on disk even if a test's module is the first to import tensorflow."""
    from skmnist.neural_network import _cache

    with _cache.set_flags():
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.name in SLOW_EXAMPLES:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def compile_here():
    """Never train in a worker process, because tests look into the networks of this one."""
    from skmnist.neural_network import _worker

    _worker.MAX_COMPILED = sys.maxsize


@pytest.fixture(scope="session", autouse=True)
def take_time():
    """Measure robustness on a busy machine as well, where comparisons leave it out as too slow."""
    from skmnist.comparison import _result

    _result.MAX_SECONDS_CHANGED = math.inf


@pytest.fixture(autouse=True)
def close_figures():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(autouse=True)
def keep_programs():
    """Keep every compiled program, because compiling takes most of the time of the tests."""
    yield
    if engine := sys.modules.get("skmnist.neural_network._engine"):
        engine.MAX_NETWORKS = engine.MAX_PROGRAMS = sys.maxsize


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Open a browser for all tests in a module."""
    from tests.chromium import open_browser

    with open_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser
