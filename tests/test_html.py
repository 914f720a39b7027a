"""What a notebook shows of results: short, and with all text escaped."""

import html5lib
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.tree import DecisionTreeClassifier

from skmnist import compare_models, diagnose_fit, load_mnist, recommend
from skmnist.diagnosis import advise, analyze_errors
from skmnist.model_selection import cross_validate

HOSTILE = "<script>alert(1)</script>"


def make_results():
    """Return one object of each kind by name, each with something that it has to show."""
    X, y = load_digits(return_X_y=True)
    tree = DecisionTreeClassifier(random_state=0)
    models = {HOSTILE: tree, "small": DecisionTreeClassifier(max_depth=2, random_state=0)}
    comparison = compare_models(models, X[:400], y[:400], random_state=0)
    errors = analyze_errors([HOSTILE, "b"] * 50, [HOSTILE, "b"] * 45 + [HOSTILE] * 10)
    table = pd.DataFrame({"test_accuracy": [0.9, 0.8]}, index=[HOSTILE, "other"])
    calibrated = analyze_errors([0, 1], [0, 1], labels=[0, 1], proba=np.full((2, 2), 0.5))
    return {
        "comparison": (comparison, HOSTILE),
        "result": (comparison.results[HOSTILE], "test accuracy"),
        "test": (comparison.tests[0], "mcnemar"),
        "recommendation": (recommend(table, n_test=1000), "clearly better"),
        "diagnosis": (diagnose_fit(gap=0.05), "overfitting"),
        "advice": (advise(errors), "Weaknesses"),
        "errors": (errors, "95.00%"),
        "calibration": (calibrated.calibration, "sure"),
        "digits": (load_mnist(n_train=20, n_test=10, random_state=0), "(20, 28, 28) uint8"),
        "folds": (cross_validate(tree, X[:100], y[:100], cv=2), "(2,) float64"),
    }


@pytest.fixture(scope="module")
def results():
    return make_results()


KINDS = "advice calibration comparison diagnosis digits errors folds recommendation result test"


@pytest.mark.parametrize("kind", KINDS.split())
def test_notebooks_show_what_matters_on_one_screen(results, kind):
    found, content = results[kind]
    html = found._repr_html_()
    root = html5lib.HTMLParser(strict=True).parseFragment(html)
    text = " ".join(root.itertext())
    assert content in text
    assert html.count("<p>") + html.count("<li>") + html.count("<tr>") <= 25
    assert len(text) < 2500
    assert "<script" not in html
