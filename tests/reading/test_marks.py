"""The picture of a page with its places."""

import re

import numpy as np
import pandas as pd
import pytest

from skmnist.reading import mark_places
from skmnist.text import get_languages


@pytest.fixture
def places():
    return pd.DataFrame(
        {
            "text": ["4", "7", "1", ""],
            "outcome": ["digit", "unsure", "not_digit", "blank"],
            "box": [(20 + 50 * at, 40, 60 + 50 * at, 90) for at in range(4)],
            "field": 0,
            "reason": ["good", "<b>low</b>", "odd", "none"],
        }
    )


@pytest.mark.parametrize("language", get_languages())
def test_outcomes_differ_in_more_than_colour(places, language):
    svg = mark_places(np.full((120, 240, 3), 255, np.uint8), places, language=language)
    labels = re.findall(r">([^<]*)</text>", svg)
    assert labels == ["4", "7?", "×"]
    boxes = re.findall(r"<rect ([^>]*)>", svg)
    assert len(boxes) == 4
    assert (
        len({re.sub(r'(?<![-\w])(x|y|width|height|stroke)="[^"]*"', "", box) for box in boxes}) == 4
    )
    assert 'x="20.0" y="40.0" width="40.0" height="50.0"' in boxes[0]
    assert "&lt;b&gt;low" in svg
    assert {"en": "unsure: 1", "de": "unsicher: 1"}[language] in svg


def test_a_large_page_is_scaled_with_its_places(places):
    svg = mark_places(np.full((1600, 3200), 255, np.uint8), places)
    assert 'viewBox="0 0 1600 800"' in svg
    assert 'x="10.0" y="20.0" width="20.0" height="25.0"' in svg


def test_a_label_at_the_top_of_the_page_goes_below_its_box(places):
    top = places.assign(box=[(10, 2, 50, 52)] * 4)
    svg = mark_places(np.full((120, 240), 255, np.uint8), top)
    assert min(float(y) for y in re.findall(r'<text x="[^"]*" y="([^"]*)"', svg)) > 52


def test_a_page_without_places_is_only_the_page(places):
    svg = mark_places(np.full((50, 50), 255, np.uint8), places.iloc[:0])
    assert "<rect" not in svg
    assert "None were found." in svg
