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


def find_numbers(svg, anchor):
    """Return the numbers at an axis: those of the epochs stand in the middle below it."""
    return re.findall(rf'text-anchor="{anchor}">([\d.%]+)<', svg)


@pytest.mark.parametrize(
    ("metric", "values", "shown"),
    [
        ("accuracy", [0.8712, 0.9433, 0.9871], ["85%", "90%", "95%", "100%"]),
        ("accuracy", [0.9801, 0.9805, 0.981], ["97.9%", "98.0%", "98.1%", "98.2%"]),
        ("accuracy", [1.0, 1.0, 1.0], ["99.90%", "99.95%", "100.00%"]),
        ("loss", [0.417, 0.2, 0.031], ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5"]),
        ("loss", [0.033, 0.031, 0.0305], ["0.030", "0.031", "0.032", "0.033"]),
    ],
)
def test_values_at_the_axis_are_round(metric, values, shown):
    svg = sketch_curve(to_frame(len(values), **{metric: values}), metric, EN, alt="")
    assert find_numbers(svg, "end") == shown


@pytest.mark.parametrize(
    ("n", "shown"),
    [(1, [1]), (2, [1, 2]), (7, [1, 2, 4, 6, 7]), (41, [1, 10, 20, 30, 41])],
)
def test_epochs_at_the_axis_are_round_but_for_the_last(n, shown):
    svg = sketch_curve(to_frame(n, loss=np.linspace(1, 0.5, n)), "loss", EN, alt="")
    assert list(map(int, find_numbers(svg, "middle"))) == shown


def test_the_first_epoch_is_a_dot():
    (line,) = find_lines(sketch_curve(to_frame(1, loss=[0.5]), "loss", EN, alt=""))
    assert len(line) == 2
    assert line[0] == line[1]


def test_numbers_and_words_follow_the_language():
    svg = sketch_curve(to_frame(2, loss=[0.25, 0.75]), "loss", get_catalogue("de"), alt="")
    assert ">0,4<" in svg
    assert ">Epoche<" in svg
