import re
from itertools import pairwise

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from skmnist.comparison import compare_models

HOSTILE = ["a|b", "<script>alert(1)</script>", "*b*_c_[x](y)", "# h\n- l", "`c`", "\x1b[2J", "&lt;"]


@pytest.fixture(scope="module")
def comparison():
    rng = np.random.default_rng(0)
    y = np.resize(HOSTILE, 350)
    X = np.unique(y, return_inverse=True)[1][:, None] + rng.normal(0, 0.7, (350, 3))
    models = {
        "linear | <b>": LogisticRegression(max_iter=2000),
        "tree\n# x": DecisionTreeClassifier(max_depth=4),
    }
    return compare_models(models, X, y, random_state=0)


@pytest.fixture(params=["en", "de"])
def language(request):
    return request.param


def test_headings_are_in_order(comparison, language):
    levels = [
        len(line.split(" ")[0])
        for line in comparison.to_markdown(language).splitlines()
        if line.startswith("#")
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_table_has_as_many_cells_in_every_row(comparison, language):
    rows = [line for line in comparison.to_markdown(language).splitlines() if line.startswith("|")]
    assert len(rows) == 4
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1


def test_names_are_text_and_never_markup(comparison, language):
    text = comparison.to_markdown(language)
    assert "<" not in text
    assert "\x1b" not in text
    assert "\\*b\\*" in text
    assert not re.search(r"(?<!\\)`", text)


def test_it_says_what_the_recommendation_says(comparison):
    recommendation = comparison.recommendation
    text = comparison.to_markdown("de").replace("\\", "")
    assert text.startswith("# Empfehlung: ")
    assert f"({recommendation.accuracies[recommendation.model]:.2%}".replace(".", ",")[:6] in text


def test_a_column_that_nobody_can_tell_is_left_out(comparison):
    table = comparison.to_markdown().split("\n| --- ")[0].splitlines()[-1]
    assert "epochs" not in table
    assert "accuracy" in table


def test_each_confusion_has_its_rows(comparison):
    assert re.search(r"rows \d+(, \d+)* of the test set", comparison.to_markdown())


def test_unknown_language(comparison):
    with pytest.raises(ValueError, match="language='xx' must be one of"):
        comparison.to_markdown("xx")
