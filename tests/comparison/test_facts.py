"""What the report says first about the recommended model."""

import re
import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from skmnist.comparison import ModelComparison, _page, compare_models
from skmnist.comparison._facts import WARNED, describe_facts, list_warnings
from skmnist.comparison._result import make_result, write_column
from skmnist.diagnosis import analyze_errors, diagnose_fit, measure_work_left
from skmnist.diagnosis._fit import CHECKS
from skmnist.text import get_catalogue, get_languages

EN, DE = get_catalogue("en"), get_catalogue("de")


@pytest.fixture(scope="module")
def comparison():
    X, y = load_digits(return_X_y=True)
    model = KNeighborsClassifier(5).fit(X[:100], y[:100])
    return ModelComparison([make_result("knn", model, 0.1, X[100:300], y[100:300])])


@pytest.fixture
def result(comparison):
    return replace(comparison.results["knn"], diagnosis=None)


def describe(comparison, result, say=EN, accuracy=0.98, digits=True, work=()):
    found = replace(comparison.recommendation, accuracies={"knn": accuracy}, digits=digits)
    return dict(describe_facts(result, found, work, say))


def test_errors_of_100_digits_and_of_100_codes(comparison, result):
    facts = describe(comparison, result)
    # Wilson's interval of 196 of 200; 1 - 0.98^5 of the codes
    assert facts["Of 100 digits"] == ["about 2.0 (95% interval: 0.8 to 5.0) are misread."]
    (codes,) = facts["Of 100 five-digit codes"]
    assert codes.startswith("about 9.6 (95% interval: 3.8 to 22.7) have at least one wrong digit")
    german = describe(comparison, result, DE)
    assert german["Von 100 Ziffern"] == [
        "etwa 2,0 (95-%-Intervall: 0,8 bis 5,0) werden falsch gelesen."
    ]


def test_no_codes_of_what_is_no_digit(comparison, result):
    facts = describe(comparison, result, digits=False)
    assert list(facts) == ["Of 100 images", "Manual review", "Not for"]
    assert "the 10 classes it was trained on: whatever" in facts["Not for"][0]


def test_work_that_is_left_to_a_person(comparison, result):
    rng = np.random.default_rng(0)
    sure = rng.random(5000)
    work = measure_work_left(sure, sure > 0.1)
    (left,) = describe(comparison, result, work=[work])["Manual review"]
    low, high = (100 * end for end in work.interval)
    assert left.startswith(f"About {100 * work.share:.0f} (95% interval: {low:.0f} to {high:.0f})")
    assert left.endswith("of 100 digits, so that at most 1 in 1,000 of the rest is wrong.")
    codes = measure_work_left(sure, sure > 0.1, code_length=5)
    _, of_codes = describe(comparison, result, work=[work, codes])["Manual review"]
    share = 1 - (1 - work.share) ** 5
    assert codes.share is None
    assert of_codes.startswith(f"About {100 * share:.0f} of 100 five-digit codes, because a")
    assert "up to 5 in 1,000 may be wrong" in of_codes
    few = measure_work_left(sure[:500], sure[:500] > 0.1)
    (left,) = describe(comparison, result, work=[few, few])["Manual review"]
    assert "at least 2,995 test images are needed, but there are only 500" in left
    (left,) = describe(comparison, result)["Manual review"]
    assert "does not report how sure it is" in left


@pytest.mark.parametrize(
    ("wrong", "digits", "said"),
    [
        (0.0005, True, "Yes: more than 99 of 100 five-digit codes need no manual review"),
        (0.07, True, "In part: a person still has to check about 30 of 100 five-digit codes"),
        (0.4, True, "Not yet: a person still has to check about 9. of 100 five-digit codes"),
        (0.8, True, "Not yet: a person still has to check more than 99 of 100 five-digit codes"),
        (0.1, False, "Yes: about 9. of 100 images need no manual review"),
        (1.0, False, "Not yet: a person still has to check more than [3-9]. of 100 images"),
    ],
)
def test_whether_the_model_is_good_enough(comparison, result, wrong, digits, said):
    sure = np.random.default_rng(0).random(20_000)
    work = measure_work_left(sure, (sure > wrong) & (wrong < 1))
    facts = describe(comparison, result, digits=digits, work=[work])
    verdict, *further = facts["Good enough?"]
    assert re.match(said, verdict)
    # and what would help first
    assert further == ([] if said.startswith("Yes") else result.advice().improvements[:1])
    assert "Gut genug?" in describe(comparison, result, DE, digits=digits, work=[work])


def test_too_few_images_do_not_tell_whether_it_is_good_enough(comparison, result):
    few = measure_work_left(np.linspace(0, 1, 500), np.ones(500, bool))
    (verdict,) = describe(comparison, result, work=[few, few])["Good enough?"]
    assert verdict.startswith("Unknown: there are too few test images")
    assert "Good enough?" not in describe(comparison, result)


def test_an_unknown_share_of_work_has_a_lower_bound_in_the_table(comparison, result):
    sure = np.random.default_rng(0).random(5000)
    work = measure_work_left(sure, np.zeros(5000, bool))
    assert work.share is None
    tables = _page.make_figure_tables([result], comparison.table, EN, work_left={"knn": [work]})
    rows = dict(tables[0].rows)
    assert rows["Manual review"] == f"more than {work.interval[0]:.0%}"


@pytest.mark.parametrize(
    ("training", "validation", "first"),
    [(0.99, 0.9, ["Overfitting"]), (0.6, 0.6, ["Underfitting"]), (0.99, 0.985, [])],
)
def test_a_bad_fit_is_a_warning(result, training, validation, first):
    fit = diagnose_fit(train_accuracy=training, validation_accuracy=validation)
    warnings = list_warnings(replace(result, diagnosis=fit), EN)
    assert [warning.partition(":")[0] for warning in warnings] == first
    if first:  # and what to do about it
        (finding,) = [each for each in fit.findings if each.severity in ("warning", "problem")]
        assert warnings[0].endswith(finding.remedy())


def test_the_findings_that_are_listed_as_warnings_are_notes():
    severities = {finding.code: finding.severity for finding in CHECKS}
    assert {severities[code] for code in WARNED} == {"note"}


@pytest.mark.parametrize(("n_train", "warned"), [(999, True), (1000, False)])
def test_few_training_images_are_a_warning(result, n_train, warned):
    network = SimpleNamespace(n_train_=n_train)
    warnings = list_warnings(replace(result, estimator=network), EN)
    assert any(f"few training images: {n_train:,}" in warning for warning in warnings) == warned


def test_single_labels_that_may_be_wrong_are_no_warning(result):
    y = np.arange(4000) % 10
    read, sure = y.copy(), np.full((4000, 10), 0.0)
    read[:7] = (y[:7] + 1) % 10
    sure[np.arange(4000), read] = 1
    errors = analyze_errors(y, read, labels=range(10), proba=sure)
    assert len(errors.suspects) == 7
    assert list_warnings(replace(result, errors=errors), EN) == []


@pytest.mark.parametrize("language", get_languages())
def test_where_the_network_is_and_the_next_command(comparison, language, monkeypatch):
    monkeypatch.setattr(_page, "draw_svg", lambda *_, **__: "")

    def find(**options):
        return comparison.to_html(language=language, **options).replace("&#39;", "'")

    page = find(model_path="my model.skmnist", command="skmnist compare")
    assert "--model 'my model.skmnist'</code>" in page
    assert "--allowed-error" not in page
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(re.findall(r'id="([^"]+)"', page))
    page = find(model_path="m", max_error=0.005)
    assert {"en": "at most 1 in 200 is", "de": "ist höchstens 1 von 200 falsch"}[language] in page
    assert "--allowed-error" in page
    assert "--allowed-error" not in find(model_path="m", max_error=0.001)
    page = find(command="skmnist compare")
    assert "<code>skmnist compare --save digits.skmnist</code>" in page
    assert "comparison.best_estimator_" in find()


def test_sizes_have_one_unit():
    assert write_column("size", [619_000, 3_508_000], EN) == ("kB", ["619", "3,508"])
    assert write_column("size", [1_260_000, None], DE) == ("MB", ["1,3", "-"])
    assert write_column("size", [712, 5_000], EN) == ("B", ["712", "5,000"])


class Sure(ClassifierMixin, BaseEstimator):
    """Read the digit that the first pixel says, and be sure of it."""

    def fit(self, X, y):
        self.classes_ = np.arange(10)
        return self

    def predict_proba(self, X):
        return np.eye(10)[np.rint(10 * X[:, 0]).astype(int)]

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)


@pytest.mark.parametrize("n_wrong", [0, 3])
def test_images_whose_label_may_be_wrong_are_shown_with_their_model(n_wrong):
    rng = np.random.default_rng(0)
    X, y = rng.random((1000, 64)), np.arange(1000) % 10
    X[:, 0] = y / 10
    given = y[500:].copy()
    given[:n_wrong] += 1
    with warnings.catch_warnings(action="ignore"):
        found = compare_models({"sure": Sure()}, X[:500], y[:500], X_test=X[500:], y_test=given)
    page = found.to_html(language="en")
    assert ("Images whose label may be wrong" in page) == bool(n_wrong)
    if n_wrong:
        part = page[page.index("Images whose label may be wrong") :]
        assert f"For {n_wrong} of 500 test images" in part
        assert all(f"{label + 1} → {label}" in part for label in range(n_wrong))
        assert part.count("<img", 0, part.index(f"{n_wrong} → {n_wrong - 1}")) == n_wrong
