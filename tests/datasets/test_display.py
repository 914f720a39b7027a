"""The picture of a data set."""

import warnings

import numpy as np
import pytest

from skmnist.datasets import DatasetDisplay
from tests.datasets.build import make_digits, make_sound


@pytest.fixture
def figure():
    from matplotlib.figure import Figure

    return Figure()


def draw(data, figure, **options):
    display = DatasetDisplay.from_dataset(data, **options).plot(figure=figure)
    figure.canvas.draw()
    return display


def test_the_bars_are_the_counts(figure):
    display = draw(make_sound(), figure)
    heights = [bar.get_height() for bar in display.counts_ax_.patches]
    assert heights == [20, 20, 20, 10, 10, 10]


def test_the_images_are_means_and_examples_of_each_class(figure):
    data = make_sound()
    display = draw(data, figure, n_examples=4)
    (page,) = display.images_ax_.get_images()
    pixels = np.asarray(page.get_array())
    np.testing.assert_allclose(
        pixels[:6, :6], data["X_train"][data["y_train"] == 0].mean(axis=0), rtol=1e-6
    )
    known = {image.astype(np.float32).tobytes() for image in data["X_train"][data["y_train"] == 2]}
    step = 7  # an image and its gap
    for column in range(2, 6):
        shown = pixels[2 * step : 2 * step + 6, column * step : column * step + 6]
        assert np.ascontiguousarray(shown, np.float32).tobytes() in known


def test_the_picture_speaks_german(figure):
    display = draw(make_sound(), figure, language="de")
    assert display.counts_ax_.get_title(loc="left") == "Bilder pro Klasse"
    assert [text.get_text() for text in display.images_ax_.get_yticklabels()] == ["0", "1", "2"]


def test_many_classes_and_odd_names_are_drawn(figure):
    names = np.array(
        ["$x^", "a_very_long_name_of_a_class", "b\nc", *(f"c{at}" for at in range(47))]
    )
    data = make_digits(n_train=100, n_test=50, n_classes=50)
    data = {key.replace("x", "X"): array for key, array in data.items()}
    data |= {"y_train": names[data["y_train"]], "y_test": names[data["y_test"]]}
    display = draw(data, figure)
    assert len(display.images_ax_.get_yticks()) == 20
    assert display.images_ax_.get_title(loc="left").endswith("(the first 20 classes)")


def test_names_that_differ_at_their_end_are_told_apart(figure):
    names = np.array([f"a_very_long_name_of_class_{at}" for at in range(3)])
    data = make_sound(y_train=names[np.arange(60) % 3], y_test=names[np.arange(30) % 3])
    shown = [text.get_text() for text in draw(data, figure).images_ax_.get_yticklabels()]
    assert len(set(shown)) == 3


def test_the_same_examples_are_drawn_each_time():
    data = make_sound()
    first, second = (DatasetDisplay.from_dataset(data).examples[1] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_without_a_figure_pyplot_makes_one():
    import matplotlib

    matplotlib.use("agg", force=True)
    from matplotlib import pyplot

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        display = DatasetDisplay.from_dataset(make_sound(), n_examples=2).plot()
    assert display.figure_.number in pyplot.get_fignums()
    pyplot.close(display.figure_)


def test_n_examples_out_of_range():
    with pytest.raises(ValueError, match="n_examples=0 must be an int >= 1"):
        DatasetDisplay.from_dataset(make_sound(), n_examples=0)
