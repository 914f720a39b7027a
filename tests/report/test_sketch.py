"""A learning curve while it grows."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from skmnist.report import sketch_curve
from skmnist.report._pictures import SKETCH_HEIGHT, SKETCH_WIDTH
from skmnist.text import get_catalogue

EN = get_catalogue("en")


def to_frame(n, **columns):
    index = pd.RangeIndex(1, n + 1, name="epoch")
    return pd.DataFrame({name: np.asarray(v, dtype=float) for name, v in columns.items()}, index)


def find_lines(svg):
    root = ET.fromstring(svg)
    return [
        [tuple(map(float, point.split(","))) for point in line.get("points").split()]
        for line in root.iter("polyline")
    ]


def test_both_lines_lie_inside_and_grow():
    loss, val_loss = [1.0, 0.5, 0.3], [1.1, 0.7, 0.6]
    svg = sketch_curve(to_frame(3, loss=loss, val_loss=val_loss), "loss", EN, alt="Loss of NN")
    training, validation = find_lines(svg)
    assert [x for x, _ in training] == [x for x, _ in validation]
    assert training[0][1] < training[1][1] < training[2][1]  # a lower loss stands further down
    assert validation[2][1] < training[2][1]
    assert all(0 < x < SKETCH_WIDTH and 0 < y < SKETCH_HEIGHT for x, y in training + validation)
    assert 'aria-label="Loss of NN"' in svg
    assert re.findall(r">(training|validation|epoch)<", svg) == ["epoch", "training", "validation"]


@pytest.mark.parametrize(
    "values", [[0.5], [0.5, 0.5, 0.5], [np.nan, 0.5], [np.inf, np.nan]], ids=str
)
def test_what_has_no_range_is_drawn_all_the_same(values):
    svg = sketch_curve(to_frame(len(values), accuracy=values), "accuracy", EN, alt="")
    (line,) = find_lines(str(svg).replace('points=""', 'points="0,0"'))
    assert all(np.isfinite(point).all() for point in line)
    assert "nan" not in svg


def test_numbers_and_words_follow_the_language():
    svg = sketch_curve(to_frame(2, loss=[0.25, 0.75]), "loss", get_catalogue("de"), alt="")
    assert ">0,25<" in svg
    assert ">Epoche<" in svg
