import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.linear_model import RidgeClassifier

from skmnist.diagnosis import ErrorRejectDisplay, error_reject_curve
from tests.drawn import check_axes, find_texts


@pytest.fixture(scope="module")
def display(linear, digits):
    return ErrorRejectDisplay.from_estimator(linear, *digits, allowed_error=0.02)


def test_the_line_is_the_curve(display, linear, digits):
    X, y = digits
    rejected, errors, _ = error_reject_curve(y, linear.predict_proba(X))
    np.testing.assert_array_equal(display.line_.get_xdata(), rejected)
    np.testing.assert_array_equal(display.line_.get_ydata(), errors)


@pytest.mark.slow
def test_the_band_is_exact(display):
    for _, row in display.frame.iterrows():
        accepted = round(300 * (1 - row["reject_rate"]))
        exact = binomtest(round(row["error_rate"] * accepted), accepted).proportion_ci()
        assert (row["low"], row["high"]) == pytest.approx((exact.low, exact.high))


def test_the_share_at_the_allowed_error_is_marked(display):
    assert 0 < display.share < 1
    assert f"{display.share:.1%} for manual review" in find_texts(display)
    assert "LogisticRegression" in find_texts(display)


def test_curve_speaks_german_with_german_numbers(display):
    found = find_texts(display.plot(language="de"))
    assert {"von Hand zu prüfen", "0,1\u00a0%", "100\u00a0%"} <= found


def test_two_models_share_axes(linear, digits):
    first = ErrorRejectDisplay.from_estimator(linear, *digits, name="A")
    second = ErrorRejectDisplay.from_estimator(
        linear, *digits, name="$B", ax=first.ax_, color="k", linestyle="--"
    )
    assert (second.line_.get_color(), second.line_.get_linestyle()) == ("k", "--")
    assert {"A", "$B"} <= find_texts(second)


def test_axes_given_are_drawn_on(linear, digits):
    check_axes(lambda ax: ErrorRejectDisplay.from_estimator(linear, *digits, ax=ax))


def test_no_curve_without_probabilities(digits):
    model = RidgeClassifier().fit(*digits)
    with pytest.raises(ValueError, match=r"RidgeClassifier has no predict_proba.* wrap it in"):
        ErrorRejectDisplay.from_estimator(model, *digits)
