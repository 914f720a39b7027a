"""Digits that the reader draws or uploads."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from skmnist.app._draw import MIN_SURE, prepare
from skmnist.app._panel import BOARD_SIDE, read_board
from skmnist.app._settings import Settings
from skmnist.app._store import Data
from tests.app.pages import VISITOR


def test_the_board_s_ink_comes_back():
    ink = np.zeros((BOARD_SIDE, BOARD_SIDE), np.uint8)
    ink[40:240, 130:150] = 255
    np.testing.assert_array_equal(read_board(base64.b64encode(ink.tobytes()).decode()), ink)


@pytest.mark.parametrize(
    "drawing",
    [
        None,
        "",
        7,
        ["x"],
        "%%%",
        "AAAA",
        "Ä" * 100,
        "A" * 10**6,
        base64.b64encode(bytes(BOARD_SIDE**2)).decode(),  # nothing drawn, or wiped
    ],
)
def test_what_is_no_drawing_is_none(drawing):
    assert read_board(drawing) is None


def draw_one(height=120, width=90):
    paper = np.full((height, width), 235, np.uint8)
    paper[20:100, 40:50] = 30
    return paper


def to_data(small, X, **changes):
    digits = type(small)(**{**small, "X_train": X, "X_test": X[:100], **changes})
    return Data(digits, None, len(X))


def test_a_drawing_becomes_an_image_as_those_of_mnist(small):
    image = prepare(draw_one(), Data(small, None, 300))
    assert (image.shape, image.dtype, image.max()) == ((28, 28), np.uint8, 255)
    rows, columns = np.nonzero(image > 127)
    assert np.ptp(rows) + 1 == 20
    assert abs(columns.mean() - 13.5) <= 1


def test_other_sides_ranges_and_dark_ink(small):
    scaled = small.X_train[:, ::2, ::2] / 255 * 16
    image = prepare(draw_one(), to_data(small, scaled, max_value=16))
    assert (image.shape, image.dtype) == ((14, 14), float)
    assert image.max() == pytest.approx(16)
    dark = prepare(draw_one(), to_data(small, 255 - small.X_train))
    assert dark[0, 0] == 255
    assert dark[14, 14] < 60


def test_blank_paper_is_none(small):
    assert prepare(np.full((50, 50), 200, np.uint8), Data(small, None, 300)) is None


@pytest.fixture
def trained(server):
    """Let the server have networks that were not trained, and so are sure of nothing."""
    from skmnist.app import _store, _training

    settings = Settings(epochs=0)
    training = _training.start(VISITOR, settings, _store.load(settings))
    training.join(60)
    return training


@pytest.mark.slow
def test_both_networks_read_an_uploaded_image_and_are_not_sure(open_page, trained):
    from tests.app.pages import html_of, run, told

    page = open_page(step="draw", epochs=0)
    assert told(page) == ["Draw a digit on the board, or upload an image of one."]
    content = io.BytesIO()
    Image.fromarray(draw_one()).save(content, "png")
    page.file_uploader(key="photo").set_value(("eins.png", content.getvalue(), "image/png"))
    html = html_of(run(page))
    assert "What the networks see (28 x 28 pixels)" in html
    assert html.count("<progress") == 6  # the three likeliest of each
    assert "NN (recommended) reads: " in html
    assert "DNN reads: " in html
    assert told(page)[0].startswith("Neither network is sure what this is (both below 80%)")


@pytest.mark.slow
def test_one_who_is_sure_needs_no_warning(open_page, trained, monkeypatch):
    from tests.app.pages import html_of, run, told

    for result in trained.results.values():
        network = result.estimator[-1]
        network.intercepts_[-1] = np.eye(10, dtype=np.float32)[3] * 20
    page = open_page(step="draw", epochs=0)
    content = io.BytesIO()
    Image.fromarray(draw_one()).save(content, "bmp")
    page.file_uploader(key="photo").set_value(("a.bmp", content.getvalue(), "image/bmp"))
    assert "DNN reads: 3" in html_of(run(page))
    assert told(page) == []
    trained.results["NN"].estimator[-1].intercepts_[-1] = np.eye(10, dtype=np.float32)[4] * 20
    assert told(run(page)) == ["The networks disagree."]
    assert 0.5 < MIN_SURE < 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"GIF89a", "is not a readable image"),
        pytest.param(b"\x89PNG\r\n\x1a\n cut", "is not a readable image", marks=pytest.mark.slow),
        pytest.param(b"", "is empty", marks=pytest.mark.slow),
    ],
)
def test_a_bad_image_is_told_in_a_sentence(open_page, trained, content, message):
    from tests.app.pages import run, told

    page = open_page(step="draw", epochs=0)
    page.file_uploader(key="photo").set_value(("a.png", content, "image/png"))
    refused = " ".join(told(run(page)))
    assert "This image cannot be used. " in refused
    assert message in refused


def test_a_bad_image_is_told_in_the_language_of_the_page(open_page, trained):
    from tests.app.pages import run, told

    page = open_page(step="draw", epochs=0, lang="de")
    page.file_uploader(key="photo").set_value(("a.png", b"GIF89a", "image/png"))
    assert "TIFF, sondern ein GIF-Bild; speichern Sie es als PNG" in " ".join(told(run(page)))


# --- before anything is trained


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("outcome", ["digit", "unsure", "blank", "not_digit"])
def test_the_first_page_reads_with_the_bundled_network(open_page, monkeypatch, outcome, language):
    import pandas as pd

    from skmnist.app import _draw
    from skmnist.text import get_catalogue
    from tests.app.pages import html_of, run, told

    class Reader:
        def read_digits(self, images):
            (image,) = images
            assert image.shape == (120, 90)
            return pd.DataFrame(
                {
                    "text": ["" if outcome == "blank" else "7"],
                    "outcome": outcome,
                    "probability": 0.7,
                    "alternatives": [[("1", 0.2), ("9", 0.06), ("4", 0.04)]],
                    "reason": f"reason in {get_catalogue().language}",
                }
            )

    monkeypatch.setattr(_draw, "load_bundled", Reader)
    page = open_page(lang=language)
    say = get_catalogue(language)
    assert told(page) == [say("app.draw.empty")]
    content = io.BytesIO()
    Image.fromarray(draw_one()).save(content, "png")
    page.file_uploader(key="photo").set_value(("7.png", content.getvalue(), "image/png"))
    html = html_of(run(page))
    title = {"digit": "7", "unsure": "7?"}.get(outcome) or say(f"app.try.{outcome}")
    assert f'<p class="outcome">{title}</p>' in html
    assert f"reason in {language}" in html
    assert html.count("<progress") == (0 if outcome == "blank" else 3)  # the likeliest only
    page.button(key="to_read").click()
    assert run(page).title[0].value == say("app.name.read")


def test_the_bundled_network_reads_a_drawn_digit(open_page, small):
    from tests.app.pages import html_of, run

    row = int(np.flatnonzero(small.y_train == 7)[0])
    drawn = np.kron(small.X_train[row], np.ones((10, 10), np.uint8))  # white on black, as the board
    content = io.BytesIO()
    Image.fromarray(drawn).save(content, "png")
    page = open_page()
    page.file_uploader(key="photo").set_value(("7.png", content.getvalue(), "image/png"))
    assert '<p class="outcome">7</p>' in html_of(run(page))
