"""The work that models leave to a person: column, sentence and headline."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import RidgeClassifier

from skmnist import compare_models, recommend
from skmnist.comparison import ModelComparison
from skmnist.diagnosis import measure_work_left
from tests.comparison.fakes import make_table

pytestmark = pytest.mark.usefixtures("few_rounds")


@cache
def measure(*doubtful, n=5000, allowed_error=0.001, lengths=(1, 5)):
    """Measure models that are wrong in so many of their least confident images."""
    confidence = np.random.default_rng(0).permutation(n) / n
    return {
        name: [
            measure_work_left(
                confidence, confidence >= wrong / n, allowed_error=allowed_error, code_length=length
            )
            for length in lengths
        ]
        for name, wrong in zip("AB", doubtful, strict=True)
    }


def judge(*doubtful, accuracy=(0.975, 0.98), n_parameters=(10, 20), **how):
    work = measure(*doubtful, **how)
    table = make_table(list(accuracy), n_parameters=list(n_parameters))
    return recommend(table, n_test=how.get("n", 5000), digits=True, work_left=work)


# --- the headline


@pytest.mark.parametrize(
    ("doubtful", "n_parameters", "headline"),
    [
        (
            (1000, 400),
            (10, 20),
            "Choose A if cost matters most, but B if a person checks the doubtful cases: A is "
            "smaller, but leaves 199 of 1,000 digits for that person to check; B leaves "
            "only 79.",
        ),
        (
            (1000, 400),
            (20, 10),  # the better one costs less as well
            "Choose B: as trained here, it really is more accurate than A, but by how much",
        ),
        (
            (400, 1000),
            (10, 20),
            "Choose A: its accuracy is similar to that of B, but it leaves only 79 of 1,000 digits "
            "for manual review, compared with 199 for B.",
        ),
        (
            (400, 1000),
            (20, 10),
            "Choose B, but A if a person checks the doubtful cases: B leaves 199 of 1,000 digits "
            "for that person to check, A only 79.",
        ),
        (
            (500, 400),
            (10, 20),
            "Choose A: as trained here, B really",
        ),  # not 1.5 times as many
    ],
)
def test_headline_of_similar_models_says_what_is_gained_and_lost(doubtful, n_parameters, headline):
    found = judge(*doubtful, n_parameters=n_parameters, accuracy=(0.972, 0.98))
    assert found.headline().startswith(headline)


def test_headline_in_german():
    assert judge(1000, 400).headline("de") == (
        "Nehmen Sie A, wenn es vor allem auf die Kosten ankommt, aber B, wenn jemand die "
        "Zweifelsfälle prüft: A ist kleiner, aber 199 von 1.000 Ziffern sind von Hand zu prüfen, "
        "bei B nur 79."
    )


def test_a_difference_that_may_be_chance_is_not_in_the_headline():
    found = judge(7, 5, n=4000)
    assert found.work.ratio > 1.5
    assert found.work.ratio_interval[0] <= 1
    assert "person" not in found.headline()
    assert "for manual review" in found.reason()


def test_models_that_are_not_similar_keep_their_headline():
    found = judge(400, 1000, accuracy=(0.95, 0.98))
    assert found.work.differs
    assert found.headline().endswith("it is clearly better than A.")
    assert "leaves 199 (" in found.reason()


def test_more_models_need_more_evidence():
    table = make_table([0.975, 0.98, 0.97], n_parameters=[10, 20, 30])
    found = recommend(table, n_test=5000, work_left=measure(1000, 400))
    assert found.work.alpha == pytest.approx(0.05 / 3)


# --- the sentences


def test_shares_come_second_if_they_are_in_the_headline():
    reasons = judge(1000, 400).reasons()
    assert reasons[1].startswith("A leaves 199 (")
    assert "of 1,000 digits for manual review and B 79 (" in reasons[1]
    assert "so that at most 1 in 1,000 of the rest is wrong." in reasons[1]


def test_shares_come_after_the_errors_if_they_are_not():
    reasons = judge(500, 450).reasons()
    at = next(at for at, reason in enumerate(reasons) if "for manual review" in reason)
    assert at > 2
    assert reasons[-1].startswith("Only the accuracies are known here")


def test_codes_are_told_at_the_same_thresholds_where_images_are_too_few():
    reason = judge(1000, 400).reason()
    shares = [1 - (1 - n / 5000) ** 5 for n in (996, 396)]  # the last 4 of 4,004 may be wrong
    for share in shares:
        assert f" {1000 * share:.0f}" in reason
    assert "up to 5 in 1,000 of the rest are wrong" in reason
    assert (
        "must accept at least 14,972 test images; with 5,000, there is no such threshold." in reason
    )


def test_codes_have_a_threshold_of_their_own_where_images_suffice():
    found = judge(500, 400, allowed_error=0.01)
    share = round(1000 * found.work.codes[0].share)
    assert f"A leaves {share} (" in found.reason()
    assert "so that at most 1 in 100 of the rest is wrong, if the digits" in found.reason()
    assert "So dass" not in found.reason("de")
    assert f"sind bei A {share} (" in found.reason("de")


@pytest.mark.parametrize(("language", "n"), [("en", "900"), ("de", "900")])
def test_too_few_images_are_told(language, n):
    found = judge(100, 50, n=900)
    words = {
        "en": "900 test images are too few to tell how many digits need manual review so that at "
        "most 1 in 1,000 of the rest is wrong; at least 2,995 are needed.",
        "de": "900 Testbilder reichen nicht aus, um zu sagen, wie viele von 1.000 Ziffern von "
        "Hand zu prüfen sind, damit von den übrigen höchstens 1 von 1.000 falsch ist; nötig sind "
        "mindestens 2.995.",
    }
    assert words[language] in found.reason(language)
    assert "person" not in found.headline()


def test_of_a_hopeless_model_only_a_limit_is_told():
    reason = judge(4000, 400).reason()
    assert "A leaves more than 401 of 1,000 digits for manual review and B 79 (" in reason
    assert "The ranges are 95% intervals. “More than” means that no threshold achieves" in reason


def test_ranges_are_explained_where_there_are_some():
    both = judge(4000, 4000).reason()
    assert (
        "A leaves more than 401 of 1,000 digits for manual review and B more than 401, so" in both
    )
    assert "The ranges are" not in both
    assert "“More than” means" in both
    assert "“More than” means" not in judge(1000, 400).reason()


@pytest.mark.parametrize(
    ("allowed_error", "words"),
    [(0.003, "3 in 1,000 of the rest are"), (0.02, "1 in 50 of the rest is")],
)
def test_the_allowed_error_is_written_as_a_fraction(allowed_error, words):
    assert f"at most {words} wrong" in judge(1000, 400, allowed_error=allowed_error).reason()


def test_letters_are_called_images_and_have_no_codes():
    table = make_table([0.975, 0.98], n_parameters=[10, 20])
    found = recommend(table, n_test=5000, work_left=measure(1000, 400, lengths=(1,)))
    assert "199 of 1,000 images" in found.headline()
    assert "199 von 1.000 Bildern" in found.headline("de")
    assert "code" not in found.reason()


# --- a comparison


class Sure(ClassifierMixin, BaseEstimator):
    """Knows the labels but for those of the least confident rows."""

    def __init__(self, doubtful=0):
        self.doubtful = doubtful

    def fit(self, X, y):
        self.classes_ = np.arange(10)
        return self

    def predict_proba(self, X):
        X = np.asarray(X)
        label = (X[:, 0] + (X[:, 1] < self.doubtful)).astype(int) % 10
        sure = X[:, 1:]
        return np.eye(10)[label] * (sure - (1 - sure) / 9) + (1 - sure) / 9

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)


@pytest.fixture(scope="module")
def found(few_rounds):
    rng = np.random.default_rng(0)
    y = np.arange(6000) % 10
    X = np.stack([y, 0.5 + rng.permutation(6000) / 12_000], axis=1)
    models = {"A": Sure(0.56), "B": Sure(0.51), "no": RidgeClassifier()}
    how = {"X_test": X[1000:], "y_test": y[1000:], "allowed_error": 0.002}
    return compare_models(models, X[:1000], y[:1000], **how)


def test_the_column_is_missing_without_probabilities(found):
    assert found.table["work_left"].round(2).tolist()[:2] == [0.12, 0.02]
    assert pd.isna(found.table["work_left"]["no"])
    assert list(found.work_left) == ["A", "B"]
    assert found.format_table(["work_left"]).iloc[:, 0].tolist()[2] == "-"
    assert found.rank("work_left").index.tolist() == ["B", "A", "no"]


def test_the_file_has_the_work_of_each_model_and_its_comparison(found):
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    works = [model["work_left"] for model in document["models"]]
    assert [[work["code_length"] for work in each] for each in works] == [[1, 5], [1, 5], []]
    assert works[0][0]["allowed_error"] == 0.002
    work = document["recommendation"]["work"]
    assert (work["first"], work["second"], work["differs"]) == ("B", "A", True)


def test_with_several_starts_it_says_of_which_the_shares_are(found):
    recommendation = found.recommendation
    evidence = replace(recommendation.evidence, method="starts", n_runs=3)
    sentence = "These shares are for the models of the first start."
    assert sentence in replace(recommendation, evidence=evidence).reason()
    assert sentence not in recommendation.reason()


@pytest.mark.slow
def test_the_report_has_it(found):
    page = found.to_html()
    assert "Manual review" in page
    assert f"{found.table['work_left']['B']:.1%}" in page


def test_models_on_different_images_are_not_paired(found):
    results = [found.results["A"]]
    half = compare_models({"B": Sure(0.51)}, *make_rows(300), random_state=0).results["B"]
    comparison = ModelComparison([*results, half])
    assert comparison.recommendation.work is None
    assert comparison.table["work_left"].notna().tolist() == [True, False]


def make_rows(n):
    y = np.arange(n) % 10
    return np.stack([y, np.linspace(0.5, 1, n)], axis=1), y


@pytest.mark.parametrize("allowed_error", [0, 1, float("nan"), "1"])
def test_bad_allowed_error_is_told_before_training(allowed_error):
    with pytest.raises(ValueError, match=r"allowed_error=.* must be in \(0, 1\), such as 0\.001"):
        compare_models([Sure()], *make_rows(300), allowed_error=allowed_error)
