"""What a data set holds, and what is wrong with it."""

import json
import warnings

import numpy as np
import pytest
from build import make_digits

from skmnist.datasets import DatasetDisplay, describe_dataset, load_mnist


def make(**changes):
    """Return a sound data set, light on dark, with arrays replaced."""
    digits = make_digits(n_train=60, n_test=30, side=6)
    data = {key.replace("x", "X"): array for key, array in digits.items()}
    for part in ("train", "test"):
        data[f"X_{part}"][:, [0, -1]] = 0  # a dark margin
        data[f"X_{part}"][:, :, [0, -1]] = 0
        data[f"X_{part}"][0, 0, 0] = 255
    return data | changes


def keys(data):
    """Return what is warned of, but for the margin, which is the same in all images."""
    found = [note.key for note in describe_dataset(data).warnings]
    return [key for key in found if key != "constant_pixels"]


def test_nothing_is_wrong_with_a_sound_data_set():
    assert keys(make()) == []


def test_nothing_is_wrong_with_mnist():
    description = describe_dataset(load_mnist())
    assert [note.key for note in description.warnings] == ["constant_pixels"]
    assert description.n_constant_pixels == 67
    assert description.counts.loc[1].tolist() == [6742, 1135]


def test_images_are_counted_per_class_and_part():
    data = make(y_train=np.array(["a"] * 20 + ["b", "c"] * 20), y_test=np.array(["a"] * 30))
    counts = describe_dataset(data).counts
    assert counts.to_dict("index") == {
        "a": {"train": 20, "test": 30},
        "b": {"train": 20, "test": 0},
        "c": {"train": 20, "test": 0},
    }


def test_test_images_that_are_training_images():
    data = make()
    data["X_test"][3:5] = data["X_train"][7:9]
    description = describe_dataset(data)
    assert description.n_duplicates == 2
    assert "2 of 30 (6.7%)" in description.sentences()[0]


def test_duplicates_are_found_across_dtypes():
    data = make()
    data["X_test"] = data["X_train"][:30].astype(np.int64)
    assert describe_dataset(data).n_duplicates == 30


def test_training_images_with_two_labels():
    data = make()
    data["X_train"][5] = data["X_train"][1]  # of class 2 and of class 1
    data["X_train"][4] = data["X_train"][1]  # of class 1 both
    description = describe_dataset(data)
    assert description.n_contradictions == 1
    assert "contradictions" in keys(data)


@pytest.mark.parametrize(
    ("changes", "key", "told"),
    [
        ({"y_test": np.arange(30) % 2}, "missing_in_test", "class 2"),
        ({"y_test": np.arange(30) % 5}, "missing_in_train", "class 3, 4"),
        ({"y_train": np.array([0] * 57 + [1, 1, 2])}, "single_images", "class 2"),
        (
            {"y_train": np.array(([0] * 9 + [1]) * 5 + [0, 0, 0, 2, 2, 2, 1, 0, 0, 0])},
            "imbalance",
            "51 training images of 0, 3 of 2 (17 to 1)",
        ),
        ({"y_train": np.repeat([0, 1, 2], 20)}, "sorted", "sorted by class"),
    ],
)
def test_classes_that_are_missing_rare_or_sorted(changes, key, told):
    description = describe_dataset(make(**changes))
    (sentence,) = (note.sentence() for note in description.warnings if note.key == key)
    assert told in sentence


def test_nine_to_one_is_no_imbalance_yet():
    y = np.array([0] * 27 + [1] * 3 + [0, 1, 2] * 10)[:60]
    y[:] = np.resize([0] * 9 + [1], 60)
    assert keys(make(y_train=y, y_test=np.resize([0, 1], 30))) == []


def test_constant_pixels():
    data = make()
    data["X_train"][:, 0, 0] = 0
    description = describe_dataset(data)
    assert description.n_constant_pixels == 20  # the margin of 6 x 6
    assert "20 of 36" in description.sentences()[-1]


def test_inverted_colours():
    data = make()
    light = {part: 255 - data[part] for part in ("X_train", "X_test")}
    assert keys(data | light) == ["light_ground"]
    assert keys(data | {"X_test": light["X_test"]}) == ["mixed_colours"]


def test_parts_that_are_scaled_otherwise():
    data = make()
    assert keys(data | {"X_train": data["X_train"] / 255}) == ["other_range"]


def test_it_speaks_german_with_german_numbers():
    description = describe_dataset(load_mnist(n_test=1000, random_state=0))
    assert description.summary("de") == (
        "60.000 Trainings- und 1.000 Testbilder mit 28 x 28 Pixeln (uint8, 0 bis 255) "
        "in 10 Klassen."
    )
    assert "67 von 784" in description.sentences("de")[-1]


def test_all_figures_go_into_json():
    found = json.loads(json.dumps(describe_dataset(make()).to_dict()))
    assert found["counts"]["0"] == {"train": 20, "test": 10}
    assert found["image_shape"] == [6, 6]


def test_as_text_it_has_the_counts_and_the_warnings():
    text = str(describe_dataset(make(y_train=np.repeat([0, 1, 2], 20))))
    assert text.startswith("60 training and 30 test images of 6 x 6 pixels")
    assert "train  test" in text
    assert "- The training images are sorted by class." in text


def test_labels_that_would_steer_a_terminal_are_shown_as_text():
    names = np.array(["\x1b[2Ja", "b", "c"])
    data = make(y_train=names[np.arange(60) % 3], y_test=names[np.arange(30) % 2 + 1])
    (sentence,) = describe_dataset(data).sentences()[:1]
    assert "\x1b" not in sentence


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"y_train": np.zeros(59)}, r"X_train has shape \(60, 6, 6\) and y_train \(59,\)"),
        ({"X_test": np.zeros((30, 36))}, r"X_test has shape \(30, 36\)"),
        ({"X_test": np.zeros((30, 5, 5))}, r"of shape \(6, 6\) and X_test of \(5, 5\)"),
        ({"X_test": np.zeros((0, 6, 6)), "y_test": np.zeros(0)}, r"X_test has shape \(0, 6, 6\)"),
    ],
)
def test_arrays_that_do_not_belong_together(changes, told):
    with pytest.raises(ValueError, match=told):
        describe_dataset(make(**changes))


# --- the picture


@pytest.fixture
def figure():
    from matplotlib.figure import Figure

    return Figure()


def draw(data, figure, **options):
    display = DatasetDisplay.from_dataset(data, **options).plot(figure=figure)
    figure.canvas.draw()
    return display


def test_the_bars_are_the_counts(figure):
    display = draw(make(), figure)
    heights = [bar.get_height() for bar in display.counts_ax_.patches]
    assert heights == [20, 20, 20, 10, 10, 10]


def test_the_images_are_means_and_examples_of_each_class(figure):
    data = make()
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
    display = draw(make(), figure, language="de")
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


def test_the_same_examples_are_drawn_each_time():
    data = make()
    first, second = (DatasetDisplay.from_dataset(data).examples[1] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_without_a_figure_pyplot_makes_one():
    import matplotlib

    matplotlib.use("agg", force=True)
    from matplotlib import pyplot

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        display = DatasetDisplay.from_dataset(make(), n_examples=2).plot()
    assert display.figure_.number in pyplot.get_fignums()
    pyplot.close(display.figure_)


def test_n_examples_out_of_range():
    with pytest.raises(ValueError, match="n_examples=0 must be an int >= 1"):
        DatasetDisplay.from_dataset(make(), n_examples=0)
