"""Nobody's global settings change what a comparison finds, or what is made of it."""

import locale
import warnings
from contextlib import ExitStack, contextmanager, suppress

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.tree import DecisionTreeClassifier

from skmnist.comparison import AccuracyCostDisplay, compare_models
from tests.comparison.fakes import FakeNetwork

pytestmark = pytest.mark.usefixtures("few_rounds")

PANDAS = {
    "display.precision": 1,
    "display.max_columns": 2,
    "display.max_rows": 1,
    "display.float_format": "{:.0f}".format,
    "mode.sim_interactive": True,
}
MATPLOTLIB = {
    "text.usetex": True,
    "text.color": "red",
    "font.size": 40,
    "axes.facecolor": "black",
    "axes.formatter.use_locale": True,
    "axes.prop_cycle": mpl.cycler(color=["r"]),
    "lines.linewidth": 9,
    "lines.marker": "x",
    "figure.dpi": 30,
    "savefig.dpi": 30,
    "savefig.bbox": "tight",
    "savefig.format": "pdf",
    "savefig.transparent": True,
    "svg.fonttype": "path",
    "svg.hashsalt": "other",
    "figure.constrained_layout.use": True,
    "path.sketch": (1, 100, 2),
    "xtick.labelsize": 30,
    "legend.loc": "center",
    "image.cmap": "jet",
    "timezone": "Asia/Tokyo",
}


@contextmanager
def pandas_options():
    options = [part for option in PANDAS.items() for part in option]
    with pd.option_context(*options):
        yield


@contextmanager
def other_strings():
    """Let pandas take Arrow's strings where it takes Python's by itself, or the other way round."""
    before = pd.Series(["a"]).dtype == object
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas 3 has it still, and warns
        with pd.option_context("future.infer_string", before):
            yield


@contextmanager
def matplotlib_settings():
    with mpl.rc_context(MATPLOTLIB):
        yield


@contextmanager
def another_locale():
    before = locale.setlocale(locale.LC_ALL)
    for name in ("de_DE.UTF-8", "tr_TR.UTF-8", "C"):
        with suppress(locale.Error):
            locale.setlocale(locale.LC_ALL, name)
            break
    yield
    locale.setlocale(locale.LC_ALL, before)


@contextmanager
def warnings_as_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


SETTINGS = [
    pandas_options,
    other_strings,
    matplotlib_settings,
    another_locale,
    warnings_as_errors,
    lambda: np.errstate(all="raise"),
    lambda: np.printoptions(precision=1, threshold=1),
]


def compare(digits):
    models = {
        "linear": LogisticRegression(),
        "tree": make_pipeline(MinMaxScaler(), DecisionTreeClassifier(max_depth=3)),
        "bayes": GaussianNB(),  # its probabilities underflow
        "network": FakeNetwork(),
    }
    names = np.array(["zero", "one", "two"])[digits[1]]
    return compare_models(models, digits[0], names, cv=3, n_repeats=2, random_state=0)


@pytest.fixture(scope="module")
def plain(digits, few_rounds):
    comparison = compare(digits)
    return comparison, comparison.to_html(), comparison.to_markdown("de")


def known(comparison):
    """Return all figures but for those that depend on time."""
    found = comparison.to_dict()
    for model, result in zip(found["models"], comparison.results.values(), strict=True):
        model["proba"] = None if result.proba is None else result.proba.tolist()
        for name in ("fit_time", "predict_time", "predict_time_p95"):
            del model[name]
    for start in found["starts"]:
        del start["fit_time"]
    recommendation = {
        name: found["recommendation"][name] for name in ("model", "verdict", "rule", "cautions")
    }
    return found | {"recommendation": recommendation}


@contextmanager
def all_settings():
    with ExitStack() as stack:
        for setting in SETTINGS:
            stack.enter_context(setting())
        yield


# all at once, quickly; each alone tells which one it is
EACH = [all_settings, *(pytest.param(setting, marks=pytest.mark.slow) for setting in SETTINGS)]


@pytest.mark.slow
@pytest.mark.parametrize("setting", EACH)
def test_the_figures_are_the_same(digits, plain, setting):
    with setting():
        comparison = compare(digits)
    assert known(comparison) == known(plain[0])


@pytest.mark.slow
@pytest.mark.parametrize("setting", EACH)
def test_the_page_and_the_markdown_are_the_same(plain, setting):
    comparison, page, markdown = plain
    with setting():
        assert comparison.to_html() == page
        assert comparison.to_markdown("de") == markdown
        assert comparison._repr_html_()
        assert repr(comparison)


@pytest.mark.slow
def test_pictures_of_a_comparison_are_drawn_in_the_style_of_the_caller(plain):
    with mpl.rc_context({"axes.facecolor": "black"}):
        display = AccuracyCostDisplay.from_comparison(plain[0])
    assert display.ax_.get_facecolor() == (0, 0, 0, 1)
