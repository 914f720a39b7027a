"""Images for a page: dark ink on white paper."""

import base64
import io

import numpy as np
import pytest
from PIL import Image as Pillow

from skmnist.report import Image


def draw(values):
    """Return the pixels of the PNG, in which 0 is black and 255 white."""
    uri = Image.from_array(values, alt="").uri
    png = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    return np.asarray(Pillow.open(io.BytesIO(png))).tolist()


@pytest.mark.parametrize(
    "values",
    [
        np.array([[0, 51], [102, 255]], dtype=np.uint8),
        [[0.0, 0.2], [0.4, 1.0]],
        [[0, 2], [4, 10]],  # not as bright as possible
        [[-3, -2.4], [-1.8, 0]],
        [[-4, -3.4], [-2.8, -1]],
    ],
)
def test_highest_value_is_black_and_0_or_a_lower_one_white(values):
    assert draw(values) == [[255, 204], [153, 0]]


@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("values", [[[-3, 0], [-2, -1]], [[-1, 0], [1, 1]], [[0, 0], [5, 5]]])
def test_values_that_are_not_finite_are_white(values, missing):
    image = np.array(values, dtype=float)
    image[0, 1] = missing
    drawn = draw(image)
    assert drawn[0] == [255, 255]
    assert drawn[1][1] == 0


def test_paper_without_ink_is_white():
    assert draw(np.zeros((1, 2))) == draw([[np.nan, np.inf]]) == draw([[-2, -2]]) == [[255, 255]]


def test_ink_without_paper_is_black():
    assert draw([[7, 7]]) == [[0, 0]]
