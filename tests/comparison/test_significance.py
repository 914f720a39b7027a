"""The tests against other libraries, published figures, and their promised error rates."""

import numpy as np
import pandas as pd
import pytest
from mlxtend.evaluate import mcnemar as mlxtend_mcnemar
from scipy.optimize import minimize_scalar
from scipy.stats import norm, t, ttest_rel
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests

from skmnist.comparison._significance import (
    PairedTest,
    adjust,
    compare_accuracies,
    compare_folds,
    compare_predictions,
    holm,
    mcnemar_p,
    tango_interval,
)

COUNTS = [(0, 0), (1, 0), (5, 5), (7, 1), (3, 12), (40, 20), (181, 244), (25, 60)]


def make_correct(b, c, n):
    """Make two models of which the first alone reads b images, the second alone c."""
    first, second = np.ones((1, n), dtype=bool), np.ones((1, n), dtype=bool)
    first[0, :c] = second[0, c : c + b] = False
    return {"A": first, "B": second}


# --- against others


@pytest.mark.parametrize(("b", "c"), COUNTS)
def test_exact_mcnemar_is_statsmodels_and_mlxtends(b, c):
    table = np.array([[100, b], [c, 20]])
    assert mcnemar_p(b, c) == pytest.approx(statsmodels_mcnemar(table, exact=True).pvalue)
    if b + c:
        assert mcnemar_p(b, c) == pytest.approx(mlxtend_mcnemar(table, exact=True)[1])


@pytest.mark.parametrize(
    "p_values", [[0.5], [0.01, 0.04, 0.03], [0.02, 0.02, 0.9], [0.001, 0.2, 0.04, 0.03, 0.6, 1.0]]
)
def test_holm_is_statsmodels(p_values):
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_tango_interval_is_as_published():
    # Fagerland, Lydersen, Laake: Statistics in Medicine 33, 2014: 1, 1, 7 and 12 of 21 pairs
    assert tango_interval(1, 7, 21) == pytest.approx((-0.517, -0.026), abs=5e-4)


def score(d, b, c, n):
    """Compute Tango's statistic anew, its nuisance parameter by a search for the likeliest."""
    low, high = max(0, -d), (1 - d) / 2

    def minus_log_likelihood(q):
        terms = ((b, q + d), (c, q), (n - b - c, 1 - 2 * q - d))
        return -sum(k * np.log(max(p, 1e-300)) for k, p in terms if k)

    q = minimize_scalar(
        minus_log_likelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-12}
    ).x
    return (b - c - n * d) / np.sqrt(n * (2 * q + d - d**2))


@pytest.mark.parametrize(("b", "c", "n"), [(40, 20, 160), (7, 1, 21), (5, 5, 12), (181, 244, 9999)])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_ends_of_tangos_interval_are_where_its_test_would_just_not_refuse(b, c, n, confidence):
    z = norm.ppf(0.5 + confidence / 2)
    low, high = tango_interval(b, c, n, confidence)
    assert score(low, b, c, n) == pytest.approx(z, abs=1e-4)
    assert score(high, b, c, n) == pytest.approx(-z, abs=1e-4)


@pytest.mark.parametrize(
    ("b", "c", "n", "expected"),
    [
        (0, 0, 50, (-0.07135, 0.07135)),  # z^2 / (n + z^2)
        (50, 0, 50, (0.857305, 1.0)),
        (0, 50, 50, (-1.0, -0.857305)),
        (0, 10_000, 10_000, (-1.0, -0.99923)),
    ],
)
def test_tango_interval_at_the_edges(b, c, n, expected):
    assert tango_interval(b, c, n) == pytest.approx(expected, abs=2e-5)


def test_uncorrected_folds_are_scipys_paired_t_test():
    rng = np.random.default_rng(0)
    a, b = rng.random(10), rng.random(10)
    (test,) = compare_folds({"A": a, "B": b}, 0.0)
    expected = ttest_rel(a, b)
    assert test.p_value == pytest.approx(expected.pvalue)
    assert test.interval == pytest.approx(expected.confidence_interval())


def test_correction_for_folds_widens_by_the_share_of_test_rows():
    a, b = np.array([0.9, 0.91, 0.92, 0.93]), np.array([0.9, 0.9, 0.9, 0.9])
    (plain,), (corrected,) = (compare_folds({"A": a, "B": b}, s, alpha=0.5) for s in (0.0, 1 / 3))
    half, wider = (test.interval[1] - test.difference for test in (plain, corrected))
    assert wider == pytest.approx(half * np.sqrt((1 / 4 + 1 / 3) / (1 / 4)))


def test_folds_tell_who_how_many_and_how_they_vary():
    a, b = np.array([0.9, 0.91, 0.95]), np.array([0.9, 0.9, 0.9])
    (test,) = compare_folds({"A": a, "B": b}, 0.5)
    assert (test.first, test.second, test.method, test.n_runs) == ("A", "B", "folds", 3)
    assert test.spread == pytest.approx(np.std(a - b, ddof=1))
    assert test.p_adjusted == test.p_value


def test_alpha_decides_whether_the_interval_of_folds_reaches_0():
    scores = np.random.default_rng(0).normal([[0.96], [0.95], [0.94]], 0.01, (3, 6))
    for alpha in (0.001, 0.01, 0.1, 0.5):
        for test in compare_folds(dict(zip("ABC", scores, strict=True)), 0.1, alpha=alpha):
            low, high = test.interval
            assert (test.p_adjusted < alpha) == (low > 0 or high < 0)


@pytest.mark.parametrize(("shift", "p"), [(0.0, 1.0), (0.1, 0.0)])
def test_folds_that_all_say_the_same(shift, p):
    scores = np.array([0.7, 0.8, 0.6])
    (test,) = compare_folds({"A": scores + shift, "B": scores}, 0.5)
    assert test.p_value == p


# --- what a test says


def test_images_that_one_alone_reads_are_counted():
    (test,) = compare_predictions(make_correct(7, 1, 100))
    assert (test.method, test.n_test, test.n_runs) == ("mcnemar", 100, 1)
    assert (test.only_first, test.only_second) == (7, 1)
    assert test.difference == pytest.approx(0.06)
    assert test.p_value == test.p_adjusted == mcnemar_p(7, 1)


@pytest.mark.parametrize("alpha", [0.01, 0.2])
def test_alpha_is_the_confidence_of_the_interval(alpha):
    (measured,) = compare_predictions(make_correct(40, 10, 500), alpha=alpha)
    (bounded,) = compare_accuracies({"A": 0.98, "B": 0.9}, 500, alpha=alpha)
    assert measured.interval == tango_interval(40, 10, 500, 1 - alpha)
    assert bounded.interval == tango_interval(50, 10, 500, 1 - alpha)


def test_an_interval_reaches_0_where_nothing_is_shown_and_is_never_narrowed():
    shown = PairedTest("A", "B", "folds", 0.02, (0.01, 0.03), 0.01, 1.0)
    hidden = PairedTest("A", "C", "folds", 0.02, (0.01, 0.03), 0.05, 1.0)
    behind = PairedTest("B", "C", "folds", -0.02, (-0.03, -0.01), 0.5, 1.0)
    within = PairedTest("B", "D", "folds", 0.02, (-0.01, 0.05), 0.5, 1.0)
    found = adjust([shown, hidden, behind, within])
    assert [test.interval for test in found] == [
        (0.01, 0.03),
        (0.0, 0.03),
        (-0.03, 0.0),
        (-0.01, 0.05),
    ]
    assert [test.p_adjusted for test in found] == [0.04, pytest.approx(0.15), 1.0, 1.0]
    assert adjust([hidden])[0].interval == (0.0, 0.03)  # 0.05 is not below it
    assert adjust([hidden], 0.06)[0].interval == (0.01, 0.03)


def test_a_difference_is_at_most_all_of_it():
    scores = {"A": np.array([1.0, 1.0, 0.6]), "B": np.array([0.0, 0.0, 0.1])}
    (test,) = compare_folds(scores, 0.5, alpha=0.1)
    assert test.interval[1] == 1.0
    (behind,) = compare_folds(dict(reversed(scores.items())), 0.5, alpha=0.1)
    assert behind.interval == test.seen_from("B").interval
    assert behind.interval[0] == -1.0


def test_seen_from_the_other_side():
    (test,) = compare_predictions(make_correct(12, 1, 100))
    turned = test.seen_from("B")
    assert (turned.first, turned.only_first, turned.difference) == ("B", 1, -test.difference)
    assert turned.interval == (-test.interval[1], -test.interval[0])
    assert turned.seen_from("A") == test


@pytest.mark.parametrize("n", [30, 10_000])
def test_interval_and_test_never_contradict_each_other(n):
    for b in range(16):
        for c in range(15 - b):
            (test,) = compare_predictions(make_correct(b, c, n))
            low, high = test.interval
            assert (test.p_adjusted < 0.05) == (low > 0 or high < 0), (b, c)


def test_more_than_two_models_are_adjusted_for():
    correct = {**make_correct(9, 1, 100), "C": np.ones((1, 100), dtype=bool)}
    tests = compare_predictions(correct)
    pairs = [(test.first, test.second) for test in tests]
    assert pairs == [("A", "B"), ("A", "C"), ("B", "C")]
    expected = holm([test.p_value for test in tests])
    assert [test.p_adjusted for test in tests] == pytest.approx(expected)


def test_models_that_read_alike_are_not_different():
    (test,) = compare_predictions(make_correct(0, 0, 50))
    assert (test.p_value, test.difference) == (1.0, 0.0)


# --- from accuracies alone


@pytest.mark.parametrize(("errors_a", "errors_b", "n"), [(24, 18, 100), (3, 9, 20), (15, 12, 20)])
def test_bound_holds_whatever_images_they_erred_on(errors_a, errors_b, n):
    accuracies = {"A": 1 - errors_a / n, "B": 1 - errors_b / n}
    (bound,) = compare_accuracies(accuracies, n)
    for both in range(max(0, errors_a + errors_b - n), min(errors_a, errors_b) + 1):
        b, c = errors_b - both, errors_a - both
        low, high = tango_interval(b, c, n)
        assert mcnemar_p(b, c) <= bound.p_value + 1e-12
        assert bound.interval[0] <= low + 1e-9
        assert bound.interval[1] >= high - 1e-9


def test_bound_is_of_two_models_that_err_together_only_where_they_must():
    (test,) = compare_accuracies({"A": 0.25, "B": 0.4}, 20)  # 15 and 12 errors: 7 in common
    assert test.interval == tango_interval(5, 8, 20)
    assert (test.p_value, test.n_test) == (mcnemar_p(5, 8), 20)


def test_alpha_decides_whether_the_bound_reaches_0():
    for alpha in (0.05, 0.2):
        (test,) = compare_accuracies({"A": 0.98, "B": 0.96}, 500, alpha=alpha)
        low, high = test.interval
        assert 0.05 < test.p_adjusted < 0.2
        assert (test.p_adjusted < alpha) == (low > 0 or high < 0)


def test_source_is_real_in_the_worst_case():
    (test,) = compare_accuracies({"NN": 0.9756, "DNN": 0.9819}, 10_000)
    assert test.method == "bound"
    assert test.p_value == pytest.approx(0.00259, abs=1e-5)


# --- error rates


def simulate(rng, n_pairs, accuracy_a, accuracy_b, n=10_000, n_starts=1, luck=0.0):
    """Draw pairs of models that find the same images hard, and test each pair."""
    for _ in range(n_pairs):
        difficulty = rng.normal(size=n)

        def read(accuracy, difficulty=difficulty):
            z = 1.6 * (norm.ppf(accuracy) + luck * rng.normal(size=(n_starts, 1)))
            return difficulty + 1.25 * rng.normal(size=(n_starts, n)) < z

        yield compare_predictions({"A": read(accuracy_a), "B": read(accuracy_b)})[0]


@pytest.mark.slow
def test_of_1000_pairs_of_equal_models_at_most_5_percent_are_called_different():
    tests = list(simulate(np.random.default_rng(0), 1000, 0.98, 0.98, n=2000))
    assert np.mean([test.p_adjusted < 0.05 for test in tests]) <= 0.05


@pytest.mark.slow
def test_of_1000_pairs_one_point_apart_at_least_90_percent_are_called_different():
    tests = list(simulate(np.random.default_rng(1), 1000, 0.97, 0.98))
    assert np.mean([test.p_adjusted < 0.05 for test in tests]) >= 0.9


@pytest.mark.slow
def test_so_are_they_by_their_accuracies_alone():
    rng = np.random.default_rng(2)
    rates = {}
    for accuracy in (0.98, 0.97):
        errors = rng.binomial(10_000, [[1 - accuracy, 0.02]] * 1000)
        found = [
            compare_accuracies({"A": 1 - a / 10_000, "B": 1 - b / 10_000}, 10_000)[0].p_adjusted
            for a, b in errors
        ]
        rates[accuracy] = np.mean(np.array(found) < 0.05)
    assert rates[0.98] <= 0.05
    assert rates[0.97] >= 0.9


@pytest.mark.slow
def test_interval_holds_the_true_difference_as_often_as_it_says():
    tests = list(simulate(np.random.default_rng(3), 1000, 0.93, 0.96, n=1000))
    held = [test.interval[0] <= -0.03 <= test.interval[1] for test in tests]
    assert 0.93 <= np.mean(held) <= 0.98


@pytest.mark.parametrize("n_starts", [2, 4])
@pytest.mark.parametrize("luck", [0.0, 0.1])
def test_luck_of_the_start_is_not_called_a_difference(n_starts, luck):
    rng = np.random.default_rng(4)
    tests = list(simulate(rng, 400, 0.95, 0.95, n=1000, n_starts=n_starts, luck=luck))
    # a standard error of 400 draws at 5% is 1.1%
    assert np.mean([test.p_adjusted < 0.05 for test in tests]) <= 0.07


def test_several_starts_show_what_one_may_not():
    rng = np.random.default_rng(5)
    one, five = (
        [t.p_adjusted < 0.05 for t in simulate(rng, 100, 0.95, 0.965, n=1000, n_starts=k)]
        for k in (1, 5)
    )
    assert np.mean(five) > np.mean(one)


def test_starts_tell_how_much_is_luck():
    rng = np.random.default_rng(6)
    calm, lucky = (
        np.mean([t.spread for t in simulate(rng, 20, 0.95, 0.95, n=2000, n_starts=4, luck=luck)])
        for luck in (0.0, 0.2)
    )
    assert lucky > 2 * calm


def analyse(hits):
    """Return the mean squares and degrees of freedom of images, starts and the rest."""
    run, image = np.indices(hits.shape)
    frame = pd.DataFrame({"d": hits.ravel(), "run": run.ravel(), "image": image.ravel()})
    table = anova_lm(ols("d ~ C(image) + C(run)", frame).fit())
    table["mean_sq"] = table["sum_sq"] / table["df"]
    return table.loc[["C(image)", "C(run)", "Residual"], ["mean_sq", "df"]].to_numpy()


@pytest.mark.parametrize(
    ("of_images", "luck", "largest"),
    [(0.1, 0.0, "rest"), (0.15, 0.0, "image"), (0.02, 0.3, "run"), (0.5, 0.2, "both")],
)
def test_starts_and_images_are_analysed_as_statsmodels_does(of_images, luck, largest):
    """By its tables of the variance between images and starts, and Satterthwaite's degrees."""
    rng = np.random.default_rng(13)
    easy = 0.8 + of_images * rng.normal(size=40)
    a = rng.random((3, 40)) < np.clip(easy + luck * rng.normal(size=(3, 1)), 0, 1)
    b = rng.random((3, 40)) < np.clip(easy - 0.4 + of_images * rng.normal(size=40), 0, 1)
    d = a.astype(float) - b
    (_, *of_a), (_, *of_b) = analyse(a.astype(float)), analyse(b.astype(float))
    image = analyse(d)[0]
    squares, free = np.array([image, *of_a, *of_b]).T
    run, rest = squares[1] + squares[3], squares[2] + squares[4]
    sums = {"both": image[0] + run - rest, "image": image[0], "run": run, "rest": rest}
    assert max(sums, key=sums.get) == largest
    total = sums[largest]
    degrees = total**2 / (squares**2 / free).sum()
    error = np.sqrt(total / d.size)
    (test,) = compare_predictions({"A": a, "B": b}, alpha=0.1)
    assert (test.first, test.second, test.method) == ("A", "B", "starts")
    assert (test.n_test, test.n_runs) == (40, 3)
    assert test.difference == pytest.approx(d.mean())
    spread = np.hypot(*(each.mean(axis=1).std(ddof=1) for each in (a, b)))
    assert test.spread == pytest.approx(spread)
    assert test.image_error == pytest.approx(np.sqrt(max(0, image[0] - rest) / d.size))
    beyond = max(0, abs(d.mean()) - 1 / 40)  # one image is no difference
    assert test.p_value == pytest.approx(2 * t.sf(beyond / error, degrees))
    half = t.ppf(0.95, degrees) * error + 1 / 40
    ends = max(-1, d.mean() - half), min(1, d.mean() + half)
    if test.p_adjusted >= 0.1:
        ends = min(0, ends[0]), max(0, ends[1])
    assert test.interval == pytest.approx(ends)


def test_error_of_the_images_is_what_more_starts_leave():
    rng = np.random.default_rng(14)
    chance = rng.random((2, 1, 2000))
    few, many = (
        [compare_predictions(dict(zip("AB", rng.random((2, n, 2000)) < chance, strict=True)))[0]]
        for n in (3, 60)
    )
    assert few[0].image_error == pytest.approx(many[0].image_error, rel=0.1)
    low, high = many[0].interval
    assert (high - low) / 2 == pytest.approx(norm.ppf(0.975) * many[0].image_error, rel=0.1)


def test_models_without_luck_are_tested_by_their_images():
    a, b = (np.repeat(each, 3, axis=0) for each in make_correct(30, 5, 1000).values())
    (test,) = compare_predictions({"A": a, "B": b})
    assert (test.method, test.n_runs, test.spread) == ("starts", 3, pytest.approx(0.0))
    assert test.p_value == mcnemar_p(30, 5)


@pytest.mark.parametrize(
    ("n_a", "n_b", "n"), [(4, 0, 797), (5, 0, 797), (5, 0, 20), (0, 0, 20), (3, 0, 3), (50, 0, 50)]
)
def test_starting_again_proves_nothing_about_models_without_starts(n_a, n_b, n):
    once = make_correct(n_a, n_b, n)
    (alone,) = compare_predictions(once)
    (test,) = compare_predictions({name: np.repeat(hit, 3, axis=0) for name, hit in once.items()})
    assert test.p_value == alone.p_value
    assert test.interval == alone.interval
    # more starts would not help
    low, high = tango_interval(n_a, n_b, n, 0.95)
    assert 2 * norm.ppf(0.975) * test.image_error == pytest.approx(high - low)


def test_starts_that_differ_a_little_prove_little_more():
    """Of 797 images, A reads all, and B misreads five in each start, one more in the last."""
    a = np.ones((3, 797), bool)
    b = a.copy()
    b[:, :5] = b[2, 5] = False
    (test,) = compare_predictions({"A": a, "B": b})
    assert 0.05 < test.p_value < mcnemar_p(5, 0)
    assert test.interval[0] <= 0 < test.difference < test.interval[1]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([[1], [1], [0], [1]], [[0], [0], [0], [1]]),  # one image
        ([[1, 0], [0, 1]], [[0, 0], [0, 0]]),  # whatever one start reads, the other does not
    ],
)
def test_one_or_two_images_are_no_difference(a, b):
    (test,) = compare_predictions({"A": np.array(a, bool), "B": np.array(b, bool)})
    assert test.p_value == 1
    assert test.interval[0] <= 0 < 0.9 < test.interval[1]
