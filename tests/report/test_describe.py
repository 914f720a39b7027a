import re

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.neighbors import KNeighborsClassifier

from skmnist import compare_models
from skmnist.comparison import ModelComparison
from skmnist.comparison._result import make_result
from skmnist.diagnosis._figures import wilson_interval
from skmnist.text import get_catalogue, get_languages
from tests.report.samples import get_text, parse


class Text(str):
    """Text in which a phrase is found however its words are spaced."""

    def __contains__(self, phrase):
        return super().__contains__(" ".join(phrase.split()))


@pytest.mark.parametrize(
    "language",
    [pytest.param(name, marks=[pytest.mark.slow] * (name != "en")) for name in get_languages()],
)
def test_says_all_that_is_known(comparison, language):
    page = comparison.to_html(language=language, data="my digits", command="run --it")
    text, say = Text(get_text(page)), get_catalogue(language)
    for result in comparison.results.values():
        assert say.format("{:.2%}", result.errors.accuracy) in text
        assert say.format("{:,}", result.n_parameters) in text
        advice = result.advice(language)
        assert all(s in text for s in [*advice.strengths, *advice.weaknesses, *advice.improvements])
        for label, figures in result.errors.report.iterrows():
            assert f"{label} {say.format('{:.3f}', figures['precision'])}" in text
    assert all(s in text for s in comparison.recommendation.reasons(language))
    assert all(s in text for s in comparison.results["DNN"].diagnosis.sentences(language))
    assert "my digits" in text
    assert "run --it" in text
    assert "64 → 16 → 10" in text


@pytest.mark.slow
def test_german_has_german_words_and_numbers(comparison):
    text = get_text(comparison.to_html(language="de"), without=["repeat"])
    assert re.findall(r"\d\.\d(?!\d\d\b)\S*", text) == []
    for english in ("the ", "accuracy", "training time", "Training time", "images", "read as"):
        assert english not in text


def test_run_that_ended_early_recommends_nothing(comparison):
    page = comparison.to_html(interrupted=True)
    assert "<h1>Model comparison</h1>" in page
    assert "The run ended early" in page
    assert "recommended" not in page.split("</style>")[1]


def classify(model, X, y, **options):
    comparison = compare_models(
        {"a": model, "b": DummyClassifier()}, X[:300], y[:300], X_test=X[300:500], y_test=y[300:500]
    )
    page = comparison.to_html(**options)
    parse(page)
    return page


def test_model_that_tells_no_probabilities(digits, no_charts):
    page = classify(Perceptron(), *digits)
    assert "These are the first" in page


def test_labels_stay_what_they_are(digits, no_charts):
    X, y = digits
    model = KNeighborsClassifier(1).fit(X[:100], y[:100])
    result = make_result("knn", model, 0.1, X[100:300], y[100:300])
    text = get_text(ModelComparison([result], X_test=X[100:300], y_test=y[100:300]).to_html())
    true, read = result.errors.mistakes[["true", "predicted"]].iloc[0]
    assert f"{true} → {read}" in text
    assert ".0 →" not in text


def test_rows_of_no_square_have_no_pictures(digits, no_charts):
    X, y = digits
    page = classify(DummyClassifier(strategy="uniform"), X[:, :60], y)
    assert "<img" not in page
    assert "200 test images and had" in page


@pytest.mark.slow
@pytest.mark.parametrize("kind", [pd.DataFrame, sparse.csr_matrix])
def test_kinds_of_test_sets(digits, kind, no_charts):
    X, y = digits
    assert "<img" in classify(
        KNeighborsClassifier(), kind(X), pd.Series(y) if kind is pd.DataFrame else y
    )


@pytest.mark.slow
def test_models_that_read_images_of_their_own(digits, no_charts):
    X, y = digits
    model = KNeighborsClassifier().fit(X[:300], y[:300])
    results = [make_result("few", model, 0.1, X[300:400], y[300:400])]
    results.append(make_result("many", model, 0.1, X[300:], y[300:]))
    page = ModelComparison(results).to_html()
    parse(page)
    assert "not tested on the same" in page
    assert "read the same" not in page
    assert "Test images:" not in page
    low, high = wilson_interval(results[1].errors.accuracy, results[1].errors.n_test)
    assert f"{100 * low:.2f}" in page
    assert f"{100 * high:.2f}" in page


@pytest.mark.slow
def test_one_model(digits):
    X, y = digits
    comparison = compare_models([KNeighborsClassifier()], X[:300], y[:300], random_state=0)
    page = comparison.to_html()
    parse(page)
    assert "Recommendation: KNeighborsClassifier" in page


@pytest.mark.slow
def test_many_models_become_rows(digits, no_charts):
    X, y = digits
    models = {f"k={k}": DummyClassifier() for k in range(1, 6)}
    page = compare_models(models, X[:300], y[:300], random_state=0).to_html()
    heads = re.findall(r'<th scope="col">(.*?)</th>', page)
    assert "Test accuracy" in heads
    assert "k=3" not in heads


@pytest.mark.slow
def test_cost_that_is_known_of_some(digits):
    X, y = digits
    models = {"linear": LogisticRegression(), "constant": DummyClassifier()}
    comparison = compare_models(models, X[:300], y[:300], random_state=0)
    assert comparison.recommendation.cost == "n_parameters"
    assert "Chart of accuracy against size on disk: linear" in comparison.to_html()


@pytest.mark.slow
def test_pixels_that_are_missing_are_paper(digits):
    X, y = digits
    X = np.where(X > 0.9, np.nan, X)
    model = HistGradientBoostingClassifier(max_iter=1).fit(X[:100], y[:100])
    result = make_result("trees", model, 0.1, X[100:200], y[100:200])
    page = ModelComparison([result], X_test=X[100:200], y_test=y[100:200]).to_html()
    assert page.count("<img") > 10


@pytest.mark.slow
def test_no_mistakes(digits):
    X, y = digits
    model = KNeighborsClassifier(1).fit(X, y)
    result = make_result("knn", model, 0.1, X, y)
    page = ModelComparison([result], X_test=X, y_test=y).to_html()
    assert "No image was misread." in page
    assert "Most frequent confusions" not in page


def test_without_the_test_set_the_figures_are_shown(digits, no_charts):
    X, y = digits
    model = KNeighborsClassifier().fit(X[:300], y[:300])
    comparison = ModelComparison([make_result("knn", model, 0.1, X[300:500], y[300:500])])
    page = comparison.to_html()
    parse(page)
    assert "<img" not in page


def test_untrained_networks_get_no_recommendation(digits):
    X, y = digits
    from skmnist import SimpleNNClassifier

    page = compare_models([SimpleNNClassifier(epochs=0)], X, y, random_state=0).to_html(
        language="de"
    )
    parse(page)
    assert "<h1>Modellvergleich</h1>" in page


@pytest.mark.slow
def test_many_classes_with_long_names():
    rng = np.random.default_rng(0)
    y = np.array([f"a rather long class name {at}" for at in range(60)] * 8)
    X = rng.random((480, 8, 8))
    model = KNeighborsClassifier().fit(X.reshape(-1, 64), y)
    result = make_result("knn", model, 0.1, X.reshape(-1, 64), y)
    page = ModelComparison([result], X_test=X, y_test=y).to_html()
    parse(page)
    assert len(page) < 500_000
