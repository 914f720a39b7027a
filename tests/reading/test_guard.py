"""Tests of the guard: it rejects scribbles, and letters in fonts that it was not trained on."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from skmnist.datasets import load_swiss_digits
from skmnist.reading import _guard, load_reader

pytestmark = pytest.mark.filterwarnings("ignore:The images look unlike")
UNSEEN = ("DejaVuSerif-BoldItalic", "DejaVuSansMono-BoldOblique", "cmti10", "cmb10")


def draw(text):
    """Return each character in each of the fonts, as dark ink on white paper."""
    images = []
    for name in UNSEEN:
        path = Path(mpl.get_data_path(), "fonts", "ttf", f"{name}.ttf")
        font = ImageFont.truetype(str(path), 40)
        for character in text:
            image = Image.new("L", (64, 64), 255)
            ImageDraw.Draw(image).text((32, 32), character, fill=0, font=font, anchor="mm")
            images.append(np.asarray(image))
    return images


@pytest.fixture(scope="module")
def bundled():
    return load_reader()


def test_letters_and_signs_are_not_accepted_as_digits(bundled):
    assert not set(UNSEEN) & set(_guard.FONTS)
    letters = bundled.read_digits(draw("AEFHKMNPRUVWXahkmnruvw+=#&%*"))["outcome"]
    digits = bundled.read_digits(draw("0123456789"))["outcome"]
    assert (letters == "digit").mean() <= 0.03
    assert (digits == "digit").mean() >= 0.7  # it was calibrated with handwriting


def test_the_digits_of_the_calibration_look_like_themselves(bundled):
    swiss = load_swiss_digits()
    rows = np.isin(swiss.groups, swiss.writers[8:11])  # as scripts/make_reader.py has it
    places = bundled.read_digits(255 - swiss.images[rows])  # a warning would be an error
    promise = bundled.promise()
    assert abs((places["outcome"] == "digit").sum() - promise.writers["n_accepted"].sum()) <= 5


@pytest.mark.slow
def test_a_reader_of_ones_own_network_rejects_letters_too(reader):
    letters = reader.read_digits(draw("AEFHKMNRUVWXhkmnuvw+=#&%*"))["outcome"]
    assert (letters == "digit").mean() <= 0.1


@pytest.mark.parametrize("side", [9, 14, 28])
def test_examples_have_all_classes_and_other_ink(side):
    rng = np.random.default_rng(0)
    digits = np.zeros((40, side, side), np.float32)
    digits[:, 2:-2, side // 2 - 1 : side // 2 + 1] = 1
    names = np.array(list("1x23"))[np.arange(40) % 4]
    rows, codes = _guard.make_examples(digits.reshape(40, -1), names, rng)
    assert rows.dtype == np.float32
    assert 0 <= rows.min() < rows.max() <= 1
    assert (rows[:40] == digits.reshape(40, -1)).all()
    assert codes[:8].tolist() == [0, 3, 1, 2, 0, 3, 1, 2]
    others = codes == 4
    assert 40 <= others.sum() <= 60
    assert len(np.unique(rows[others], axis=0)) > 30
    # printed digits belong to their classes; there is no printed "x"
    assert len(codes) - others.sum() - 40 == 10
    assert not (codes[40:] == 3).any()


def test_a_spoiled_digit_is_not_a_digit():
    """A mirrored 8 would still be one, so it is spoiled in another way."""
    zero = np.zeros((28, 28), np.float32)
    zero[4:24, 8:20] = 1
    zero[7:21, 11:17] = 0
    digits = np.repeat(zero[None], 200, axis=0)
    parts = _guard._join_parts(digits, ["0"] * 200, np.random.default_rng(0))
    same = (parts == 255 * zero).all(axis=(1, 2))
    assert same.mean() < 0.02
