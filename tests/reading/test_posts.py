"""Combs whose teeth stand alone: none of them is a 1."""

import numpy as np
import pytest

from skmnist.reading import find_places
from skmnist.reading._posts import read_post
from tests.reading.fields import load_scans

PITCH, BOTTOM, LEFT = 72, 104, 40


@pytest.fixture(scope="module")
def digits():
    return load_scans()


def draw_comb(digits=(), *, tall=24, base=None, n_teeth=7, hang=False):
    """Return a page with a comb; the base line ends where the last tooth would be."""
    page = np.full((150, 620), 245, dtype=np.uint8)
    for at in range(n_teeth):
        left = LEFT + PITCH * at
        page[BOTTOM - tall : BOTTOM, left : left + 2] = 60
    if base is not None:
        row = BOTTOM - tall if hang else BOTTOM
        page[row : row + 2, LEFT : LEFT + 6 * PITCH + 2] = base
    for at, digit in enumerate(digits):
        left = LEFT + PITCH * at + 6
        where = page[BOTTOM - 76 : BOTTOM - 12, left : left + 64]
        where[:] = np.minimum(where, digit[10:74, 10:74])
    return page


def outline(fields):
    return ["".join("b" if place.is_blank else "d" for place in field) for field in fields]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tall": 64},
        {"base": 235},
        {"base": 60, "n_teeth": 6},
        {"base": 60, "tall": 64, "hang": True},
    ],
    ids=["ticks", "bars", "pale base line", "no last tooth", "base line at the top"],
)
def test_teeth_are_not_ones(digits, options):
    assert outline(find_places(draw_comb(**options))) == ["bbbbbb"]
    if not options.get("hang"):  # such a comb is upside down
        page = draw_comb([digits[int(d)] for d in "26835"], **options)
        (field,) = find_places(page)
        assert outline([field]) == ["dddddb"]
        lefts = np.array([place.box[0] for place in field])
        assert np.abs(lefts - LEFT - PITCH * np.arange(6)).max() <= 8


def test_three_lines_or_uneven_ones_may_be_ones():
    assert outline(find_places(draw_comb(n_teeth=3, tall=64))) == ["ddd"]
    page = np.full((150, 620), 245, dtype=np.uint8)
    for left, top in ((40, 30), (112, 38), (180, 26), (262, 33), (330, 41)):
        page[top : top + 62, left : left + 4] = 60
    assert outline(find_places(page)) == ["ddddd"]


def test_only_straight_upright_lines_are_posts():
    line = np.ones((60, 3), dtype=bool)
    post = read_post(line, 10, 20)
    assert (post.x, post.top, post.bottom, post.thickness) == (11, 20, 80, 3)
    one = np.pad(line, ((0, 0), (0, 6)))
    one[:12, 3:9] = True  # the hook of a 1
    bent = np.zeros((60, 12), dtype=bool)
    for y in range(60):
        x = round(4 * np.sin(y / 12)) + 5
        bent[y, x : x + 3] = True
    tilted = np.zeros((60, 12), dtype=bool)
    for y in range(60):
        tilted[y, y // 8 : y // 8 + 3] = True
    assert [read_post(other, 0, 0) for other in (one, bent, tilted)] == [None] * 3
