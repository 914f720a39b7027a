"""The guarantee of a selection, by counting and by simulation."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from skmnist.reading import count_needed_rows, select_threshold


def test_needed_rows_are_those_of_the_exact_binomial_test():
    for n_errors in (0, 1, 7):
        n_rows = count_needed_rows(0.01, 0.9, n_errors)
        assert binom.cdf(n_errors, n_rows, 0.01) <= 0.1 < binom.cdf(n_errors, n_rows - 1, 0.01)


def test_about_600_rows_without_an_error_support_half_a_percent():
    confidences = np.linspace(0.5, 1, 598)
    selection = select_threshold(confidences, np.ones(598))
    assert (selection.guaranteed, selection.n_accepted, selection.n_errors) == (True, 598, 0)
    assert selection.threshold == -math.inf
    assert 0.00499 < selection.bound <= 0.005


def test_too_few_rows_guarantee_nothing_and_say_how_many_are_needed():
    correct = np.ones(597, dtype=bool)
    correct[:10] = False
    selection = select_threshold(np.linspace(0.5, 1, 597), correct)
    assert not selection.guaranteed
    assert (selection.n_needed, selection.n_rows, selection.bound) == (598, 597, 1)
    assert (selection.n_accepted, selection.n_errors) == (587, 0)  # all above the last error
    assert select_threshold([], []).n_accepted == 0


def test_a_fifth_of_the_error_needs_five_times_the_rows():
    assert count_needed_rows(0.001, 0.95) == 2995


def test_the_threshold_accepts_exactly_the_counted_rows():
    rng = np.random.default_rng(0)
    confidences = rng.random(4000).round(2)  # many ties
    selection = select_threshold(confidences, rng.random(4000) > 0.3 * (1 - confidences) ** 6, 0.02)
    assert selection.guaranteed
    assert 0 < selection.n_accepted < 4000
    assert (confidences > selection.threshold).sum() == selection.n_accepted
    assert selection.bound <= 0.02


def test_one_early_error_does_not_end_the_search():
    correct = np.ones(5000, dtype=bool)
    correct[-1] = False  # the most confident row
    assert select_threshold(np.arange(5000), correct).n_accepted == 5000


def test_a_classifier_that_is_certain_of_few_rows_only_accepts_those():
    confidences = np.arange(10_000)
    correct = (confidences > 8000) | (confidences % 3 > 0)
    assert 1999 <= select_threshold(confidences, correct).n_accepted < 2050


def test_no_threshold_guarantees_anything_if_errors_are_everywhere():
    selection = select_threshold(np.arange(5000), np.arange(5000) % 20 > 0)
    assert not selection.guaranteed
    assert selection.n_accepted == 4999 - 4980


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"max_error": 0}, r"max_error=0 must be between 0 and 1"),
        ({"confidence": 95}, r"confidence=95 must be between 0 and 1"),
        ({"confidences": [0.5, np.nan]}, "contains NaN"),
        ({"confidences": [0.5]}, "inconsistent"),
    ],
)
def test_invalid_arguments_are_rejected(changed, match):
    with pytest.raises(ValueError, match=match):
        select_threshold(**({"confidences": [0.5, 0.6], "correct": [True, True]} | changed))


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"max_error": 0}, "max_error=0 must be between 0 and 1, such as 0.005"),
        ({"confidence": 1.0}, "confidence=1.0 must be between 0 and 1"),
        ({"n_errors": -1}, "n_errors=-1 must be an int >= 0"),
        ({"n_errors": 0.5}, "n_errors=0.5 must be an int >= 0"),
    ],
)
def test_no_rows_are_counted_for_invalid_arguments(changed, match):
    with pytest.raises(ValueError, match=match):
        count_needed_rows(**({"max_error": 0.005, "confidence": 0.95} | changed))


def test_rows_are_counted_beyond_32_bits():
    assert count_needed_rows(1e-10, 0.95) == pytest.approx(-1e10 * math.log(0.05), rel=1e-6)


# error rates by quantile of confidence, from the least to the most certain prediction
CURVES = {
    "steep": lambda q: 0.24 * (1 - q) ** 7 + 4e-4,
    "flat": lambda q: np.full_like(q, 0.0052),  # just too many errors everywhere
    "label noise at the top": lambda q: 0.3 * (1 - q) ** 9 + 0.02 * (q > 0.8),
}


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)
@pytest.mark.parametrize("n_rows", [650, pytest.param(3000, marks=pytest.mark.slow)])
def test_the_guarantee_is_broken_in_at_most_five_percent_of_calibrations(curve, n_rows):
    grid = np.linspace(0, 1, 20_001)
    # the true error rate above each quantile
    above = np.cumsum(curve(grid)[::-1])[::-1] / np.arange(len(grid), 0, -1)
    rng, broken = np.random.default_rng(0), 0
    for _ in range(1000):
        confidences = rng.random(n_rows)
        selection = select_threshold(confidences, rng.random(n_rows) >= curve(confidences))
        true_error = np.interp(max(selection.threshold, 0), grid, above)
        broken += selection.guaranteed and true_error > 0.005
    # 50 are allowed on average; 72 in 1,000 would be three standard errors more
    assert broken <= 50 + 3 * math.sqrt(1000 * 0.05 * 0.95)
