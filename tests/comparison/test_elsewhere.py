"""The accuracy on further data sets, by group, and what the recommendation says about it."""

import json

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from skmnist.comparison import ModelComparison, _elsewhere, compare_models, evaluate_model
from skmnist.comparison._elsewhere import OtherData, measure_elsewhere, resample
from tests.comparison.fakes import Fails, Lucky

pytestmark = pytest.mark.usefixtures("few_rounds")


class Home(ClassifierMixin, BaseEstimator):
    """Reads label 0..2 in column 0; where column 1 says "elsewhere" (1), some rows are wrong."""

    def __init__(self, errors=0.0, elsewhere=0.0, random_state=None):
        self.errors = errors
        self.elsewhere = elsewhere
        self.random_state = random_state

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        X = np.asarray(X)
        y = X[:, 0].astype(int)
        share = np.where(X[:, 1] == 1, self.elsewhere, self.errors)
        wrong = (X[:, 2] % 100) < 100 * share
        return np.where(wrong, (y + 1) % 3, y)


def make_rows(n, *, elsewhere):
    at = np.arange(n)
    return np.stack([at % 3, np.full(n, elsewhere), at], axis=1).astype(float), at % 3


@pytest.fixture
def home():
    return make_rows(900, elsewhere=0)


@pytest.fixture
def away():
    """Return 1,200 rows of 12 writers, with the same share of hard rows for each."""
    X, y = make_rows(1200, elsewhere=1)
    return X, y, np.repeat([f"writer {number:02}" for number in range(12)], 100)


def compare(models, home, away, **how):
    how = {"random_state": 0, "elsewhere": {"away": away}} | how
    return compare_models(models, *home, **how)


def test_accuracy_and_counts_of_each_model(home, away):
    found = compare({"a": Home(elsewhere=0.2), "b": Home(elsewhere=0.05)}, home, away)
    (a,), (b,) = (found.results[name].elsewhere for name in "ab")
    assert (a.data, a.n_images, a.n_groups) == ("away", 1200, 12)
    assert (a.accuracy, b.accuracy) == (pytest.approx(0.80), pytest.approx(0.95))
    assert found.table["elsewhere_accuracy"].tolist() == [a.accuracy, b.accuracy]
    assert found.rank("elsewhere_accuracy").index.tolist() == ["b", "a"]


def test_without_a_further_data_set_nothing_is_said(home):
    found = compare_models({"a": Home(), "b": Home(0.1)}, *home, random_state=0)
    assert found.results["a"].elsewhere == ()
    assert found.recommendation.elsewhere == ()
    assert "elsewhere" not in found.to_markdown() + found._repr_html_()


def test_who_leads_at_home_and_trails_elsewhere_is_told_first(home, away):
    models = {"homely": Home(0, 0.3), "robust": Home(0.05, 0.1)}
    found = compare(models, home, away).recommendation
    assert found.most_accurate == "homely"
    first = found.reasons()[0]
    assert first.startswith("Elsewhere the order is reversed: on away, homely trails robust by 20.")
    assert "70.0%" in first
    assert "90.0%" in first
    assert "95% interval by writer" in first
    assert found.reasons("de")[0].startswith("Anderswo ist die Reihenfolge umgekehrt: Bei away")
    assert found.to_dict()["elsewhere"][0]["reverses"] is True


def test_who_leads_everywhere_is_told_last(home, away):
    found = compare({"a": Home(0, 0.1), "b": Home(0.1, 0.3)}, home, away).recommendation
    assert found.reasons()[-1].startswith("On away, a is ahead of b by 20.0 percentage points")
    assert not found.elsewhere[0].reverses


def test_a_difference_that_one_writer_makes_may_be_chance(home):
    """1,200 images would be enough, but 12 writers are not."""
    X, y = make_rows(1200, elsewhere=0)
    X[:, 2] += 1000  # not the rows of home
    X[:100, 1] = 1  # one writer whom "a" cannot read
    groups = np.repeat(np.arange(12), 100)
    models = {"a": Home(0, 0.9), "b": Home(0.03, 0.03)}
    found = compare(models, home, (X, y, groups)).recommendation
    assert not found.elsewhere[0].reverses
    assert "may be chance" in found.reasons()[-1]
    by_image = compare(models, home, (X, y)).recommendation
    assert by_image.elsewhere[0].reverses
    assert "95% interval by image" in by_image.reasons()[0]


def test_of_three_models_the_one_farthest_ahead_elsewhere_is_named(home, away):
    models = {"best": Home(0, 0.4), "second": Home(0.02, 0.3), "third": Home(0.2, 0.0)}
    found = compare(models, home, away).recommendation
    assert "best trails third by 40.0" in found.reasons()[0]


def test_one_model(home, away):
    found = compare({"a": Home(0, 0.1)}, home, away).recommendation
    assert found.reasons()[-1].startswith("On away, a reads 90.0% (")


def test_several_starts_are_averaged(home):
    X, y = make_rows(1200, elsewhere=1)
    found = compare({"a": Lucky(0.3), "b": Lucky(0.1)}, home, (X, y), n_repeats=3)
    (result,) = found.results["a"].elsewhere
    assert result.correct.shape == (3, 1200)
    assert result.accuracy == result.correct.mean()
    assert len(set(result.correct.mean(axis=1))) > 1


def test_labels_may_be_text_and_groups_may_be_numbers(home, away):
    class Text(Home):
        def predict(self, X):
            return np.array(list("xyz"))[super().predict(X)]

    names = np.array(list("xyz"))
    other = (away[0], names[away[1]], np.repeat(np.arange(12), 100))
    found = compare_models(
        {"a": Text(0, 0.1)}, home[0], names[home[1]], elsewhere={"o": other}, random_state=0
    )
    assert found.results["a"].elsewhere[0].accuracy == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("elsewhere", "message"),
    [
        ([1], "elsewhere=list must be a dict that maps names to"),
        ({"": (0, 0)}, "names must be text and not blank"),
        ({"x": (0,)}, r"elsewhere\['x'\] must be a tuple of \(X, y\) or \(X, y, groups\)"),
        ({"x": (np.zeros((3, 2)), [0, 1, 2])}, r"elsewhere\['x'\]: X has rows of shape \(2,\)"),
        ({"x": (np.zeros((3, 3)), [0, 1])}, r"elsewhere\['x'\]: y has shape \(2,\)"),
        ({"x": (np.zeros((3, 3)), [0, 1, 7])}, r"labels that do not occur in y: 7 .* Drop"),
        ({"x": (np.zeros((3, 3)), list("abc"))}, r"do not occur in y: 'a', 'b', 'c' \(text\)"),
        ({"x": (np.zeros((3, 3)), [0, 1, 2], [1, 2])}, r"\['x'\]: groups has shape \(2,\)"),
        ({"x": (np.zeros((3, 3)), [0, 1, 2], [5] * 3)}, "groups has one value, 5; pass at least"),
        ({"x": (np.zeros((1, 3)), [0])}, "has one image; pass at least two"),
    ],
)
def test_refused_before_training(home, elsewhere, message):
    with pytest.raises(ValueError, match=message):
        compare_models({"a": Fails()}, *home, elsewhere=elsewhere)


def test_nan_is_refused_before_training(home):
    elsewhere = {"x": (np.full((3, 3), np.nan), [0, 1, 2])}
    with pytest.raises(ValueError, match=r"\['x'\] has NaN or infinity, which 'a' does not"):
        compare_models({"a": LogisticRegression()}, *home, elsewhere=elsewhere)


def test_several_models_do_not_support_nan(home):
    elsewhere = {"x": (np.full((3, 3), np.nan), [0, 1, 2])}
    models = {"a": LogisticRegression(), "b": LogisticRegression()}
    with pytest.raises(ValueError, match="which 'a', 'b' do not support"):
        compare_models(models, *home, elsewhere=elsewhere)


def test_a_model_that_fails_there_keeps_its_other_figures(home, away):
    class Picky(Home):
        def predict(self, X):
            if (np.asarray(X)[:, 1] == 1).any():
                raise RuntimeError("never seen")
            return super().predict(X)

    with pytest.warns(UserWarning, match=r"a: .*elsewhere\['away'\] cannot .*never seen"):
        found = compare({"a": Picky(), "b": Home(0.1, 0.1)}, home, away)
    assert found.results["a"].elsewhere == ()
    assert found.results["b"].elsewhere[0].accuracy == pytest.approx(0.9)
    assert found.recommendation.elsewhere == ()
    assert "90.0%" in found._repr_html_()


def test_images_that_were_trained_on_or_tested_are_not_elsewhere(home):
    X, y = home
    X_test, y_test = X[600:] + np.array([0, 0, 1000]), y[600:]
    other = (
        np.vstack([X[:20], X_test[:30], X[:50] + np.array([0, 0, 2000])]),
        np.concatenate([y[:20], y[:30], y[:50]]),
    )
    how = {"X_test": X_test, "y_test": y_test, "elsewhere": {"mnist": other}}
    message = r"50 of the 100 rows of elsewhere\['mnist'\] also occur in X or X_test"
    with pytest.warns(UserWarning, match=message) as warned:
        found = compare_models({"a": Home()}, X, y, **how)
    assert warned[0].filename == __file__
    (caution,) = found.recommendation.cautions
    assert caution.severity == "warning"
    assert "50 of the 100 images of MNIST (50.0%) are not new: 20 also" in caution.sentence()
    assert "Trainingsbildern vor, 30 weitere" in caution.sentence("de")
    with pytest.warns(UserWarning, match="50 of the 100"):
        evaluate_model(Home().fit(X, y), X_test, y_test, X=X, y=y, elsewhere={"mnist": other})


def test_report_has_the_accuracy_with_its_interval(home, away):
    found = compare({"a": Home(0, 0.2), "b": Home(0.1, 0.05)}, home, away)
    page = found._repr_html_()
    assert "Away: read correctly (95% interval by writer)" in page
    assert "80.0% (77.7\xa0to\xa082.2)" in page  # as by image: every writer's share is the same
    assert "| elsewhere |" in found.to_markdown()
    german = found._repr_html_("de")
    assert "Away: richtig gelesen (95\u2011%\u2011Intervall nach Schreibern)" in german


def test_the_swiss_digits_are_named_in_both_languages(home, away):
    found = compare({"a": Home(0, 0.2)}, home, away, elsewhere={"swiss_digits": away})
    reasons = [found.recommendation.reasons(language)[-1] for language in ("en", "de")]
    assert "other people's digits (14 Swiss writers)" in reasons[0]
    assert "Ziffern anderer Menschen (14 Schreiber aus der Schweiz)" in reasons[1]


def test_evaluate_model_measures_too(home, away):
    result = evaluate_model(Home(0, 0.2).fit(*home), *home, elsewhere={"away": away})
    assert result.elsewhere[0].accuracy == pytest.approx(0.8)
    assert json.loads(json.dumps(result.to_dict()))["elsewhere"][0]["n_groups"] == 12


def test_results_alone_make_the_same_comparison(home, away):
    models = {"homely": Home(0, 0.3), "robust": Home(0.05, 0.1)}
    found = compare(models, home, away)
    again = ModelComparison(list(found.results.values()))
    assert again.recommendation.elsewhere == found.recommendation.elsewhere


# --- the interval


def draw(rng, n_groups, size=50):
    """Return hits of writers whose true accuracy varies around 90%."""
    shares = rng.beta(18, 2, size=n_groups)
    return (rng.random((n_groups, size)) < shares[:, None]).ravel()


def measure(correct, groups):
    y = np.zeros(len(correct), dtype=int)
    other = OtherData("o", None, y, groups)
    (found,) = measure_elsewhere("m", [{"o": np.where(correct, 0, 1)}], [other])
    return found


@pytest.mark.slow
def test_the_interval_by_writer_covers_the_true_accuracy(monkeypatch):
    monkeypatch.setattr(_elsewhere, "N_RESAMPLES", 1000)
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(14), 50)
    inside = {"writer": 0, "image": 0}
    for _ in range(200):
        correct = draw(rng, 14)
        for unit, grouping in (("writer", groups), ("image", None)):
            low, high = measure(correct, grouping).interval
            inside[unit] += low <= 0.9 <= high
    assert inside["writer"] >= 0.90 * 200  # 95% but for the luck of 200 draws
    assert inside["image"] < 0.85 * 200  # why writers are counted


def test_the_interval_by_image_is_that_of_a_proportion():
    correct = np.arange(2000) % 10 > 0
    low, high = measure(correct, None).interval
    half = 1.96 * np.sqrt(0.9 * 0.1 / 2000)
    assert (low, high) == pytest.approx((0.9 - half, 0.9 + half), abs=0.001)


def test_the_interval_of_writers_is_that_of_a_t_distribution():
    """With writers of equal size it is about mean +- t s / sqrt(n)."""
    rng = np.random.default_rng(1)
    correct = draw(rng, 14, size=500)
    shares = correct.reshape(14, 500).mean(axis=1)
    half = 2.160 * shares.std(ddof=1) / np.sqrt(14)
    low, high = measure(correct, np.repeat(np.arange(14), 500)).interval
    assert high - low == pytest.approx(2 * half, rel=0.12)


@pytest.mark.parametrize("n_groups", [2, 3, 6, 12])
def test_the_interval_by_writer_is_never_narrower_than_by_image(n_groups):
    correct = np.arange(1200) % 10 > 0  # each writer like the others
    by_writer = measure(correct, np.arange(1200) * n_groups // 1200).interval
    by_image = measure(correct, None).interval
    assert by_writer[0] <= by_image[0] < 0.9 < by_image[1] <= by_writer[1]
    assert (by_writer[1] - by_writer[0] > 0.2) is (n_groups < 6)


@pytest.mark.parametrize(
    ("n", "groups", "words"),
    [
        (3, None, "3 images are too few to tell which is ahead; at least 6 are needed."),
        (300, np.arange(300) // 150, "2 writers are too few to tell which is ahead"),
        (6, None, None),
    ],
)
def test_of_few_nobody_is_said_to_be_ahead(home, n, groups, words):
    X, y = make_rows(n, elsewhere=1)
    for models in ({"a": Home(0, 1.0), "b": Home(0.1, 0.0)}, {"a": Home(), "b": Home(0.1, 1.0)}):
        found = compare(models, home, (X, y, groups)).recommendation
        (test,) = found.elsewhere
        assert test.interval[0] < test.interval[1]
        assert test.reverses is (words is None and test.difference < 0)
        assert (words or "ahead of b" if test.difference > 0 else words or "reversed") in (
            " ".join(found.reasons())
        )


def test_images_that_no_model_can_read_reverse_nothing(home, away):
    models = {"a": Home(0, 0.97), "b": Home(0.1, 0.5)}
    bad = {"a": Home(0, 1.0), "b": Home(0.1, 0.65)}
    for networks, near in ((models, False), (bad, True)):
        found = compare(networks, home, away).recommendation
        (test,) = found.elsewhere
        assert test.near_chance is near
        assert test.reverses is not near
        assert ("elsewhere_near_chance" in [c.code for c in found.cautions]) is near
    assert "no model reads more than 35.0% correctly, which is hardly better than guessing" in (
        found.cautions[0].sentence()
    )


def test_all_right_is_not_certain():
    assert measure(np.ones(100, dtype=bool), np.repeat(np.arange(10), 10)).interval[0] < 0.8


def test_resamples_take_the_same_groups_for_all_models():
    rng = np.random.default_rng(0)
    correct = draw(rng, 14)[np.newaxis]
    a, b = resample([correct, correct], np.repeat(np.arange(14), 50))
    np.testing.assert_array_equal(a, b)


def test_starts_are_drawn_for_each_model():
    hits = np.zeros((3, 100), dtype=bool)
    hits[0] = True  # one of three starts reads all
    a, b = resample([hits, hits], None)
    assert set(np.round(a, 6)) == {0.0, 0.333333, 0.666667, 1.0}
    assert not np.array_equal(a, b)
    assert a.mean() == pytest.approx(1 / 3, abs=0.02)


def test_a_figure_of_linear_models_is_right(digits):
    X, y = digits
    with pytest.warns(UserWarning, match="also occur in X"):
        found = compare_models(
            {"linear": LogisticRegression()}, X, y, elsewhere={"same": (X, y)}, random_state=0
        )
    model = found.best_estimator_
    assert found.results["linear"].elsewhere[0].accuracy == model.score(X, y)
