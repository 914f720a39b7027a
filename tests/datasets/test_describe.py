"""What a data set holds, and what is wrong with it."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure

from skmnist.datasets import DatasetDisplay, describe_dataset, load_mnist
from tests.datasets.build import make_sound


def keys_of(data):
    return [note.key for note in describe_dataset(data).warnings]


def keys(data):
    """Return what is warned of, but for the margin, which is the same in all images."""
    return [key for key in keys_of(data) if key != "constant_pixels"]


def test_nothing_is_wrong_with_a_sound_data_set():
    assert keys(make_sound()) == []


def test_nothing_is_wrong_with_mnist():
    description = describe_dataset(load_mnist())
    assert [note.key for note in description.warnings] == ["constant_pixels"]
    assert description.n_constant_pixels == 67
    assert description.counts.loc[1].tolist() == [6742, 1135]


def test_images_are_counted_per_class_and_part():
    data = make_sound(y_train=np.array(["a"] * 20 + ["b", "c"] * 20), y_test=np.array(["a"] * 30))
    counts = describe_dataset(data).counts
    assert counts.to_dict("index") == {
        "a": {"train": 20, "test": 30},
        "b": {"train": 20, "test": 0},
        "c": {"train": 20, "test": 0},
    }


def test_test_images_that_are_training_images():
    data = make_sound()
    data["X_test"][3:5] = data["X_train"][7:9]
    description = describe_dataset(data)
    assert description.n_duplicates == 2
    assert "2 of 30 (6.7%)" in description.sentences()[0]


def test_duplicates_are_found_across_dtypes():
    data = make_sound()
    data["X_test"] = data["X_train"][:30].astype(np.int64)
    assert describe_dataset(data).n_duplicates == 30


def test_training_images_with_two_labels():
    data = make_sound()
    data["X_train"][5] = data["X_train"][1]  # of class 2 and of class 1
    data["X_train"][4] = data["X_train"][1]  # of class 1 both
    description = describe_dataset(data)
    assert description.n_contradictions == 1
    assert "contradictions" in keys(data)


@pytest.mark.parametrize(
    ("changes", "key", "told"),
    [
        ({"y_test": np.arange(30) % 2}, "missing_in_test", "class 2"),
        ({"y_test": np.arange(30) % 5}, "missing_in_train", "classes 3, 4"),
        ({"y_train": np.array([0] * 57 + [1, 1, 2])}, "single_images", "class 2"),
        (
            {"y_train": np.array(([0] * 9 + [1]) * 5 + [0, 0, 0, 2, 2, 2, 1, 0, 0, 0])},
            "imbalance",
            "51 training images of 0, but 3 of 2 (17 to 1)",
        ),
        ({"y_train": np.repeat([0, 1, 2], 20)}, "sorted", "sorted by class"),
    ],
)
def test_classes_that_are_missing_rare_or_sorted(changes, key, told):
    description = describe_dataset(make_sound(**changes))
    (sentence,) = (note.sentence() for note in description.warnings if note.key == key)
    assert told in sentence


def test_nine_to_one_is_no_imbalance_yet():
    y = np.array([0] * 27 + [1] * 3 + [0, 1, 2] * 10)[:60]
    y[:] = np.resize([0] * 9 + [1], 60)
    assert keys(make_sound(y_train=y, y_test=np.resize([0, 1], 30))) == []


def test_constant_pixels():
    data = make_sound()
    data["X_train"][:, 0, 0] = 0
    description = describe_dataset(data)
    assert description.n_constant_pixels == 20  # the margin of 6 x 6
    assert "20 of 36" in description.sentences()[-1]


def test_inverted_colours():
    data = make_sound()
    light = {part: 255 - data[part] for part in ("X_train", "X_test")}
    assert keys(data | light) == ["light_ground"]
    assert keys(data | {"X_test": light["X_test"]}) == ["mixed_colours"]


def test_parts_that_are_scaled_otherwise():
    data = make_sound()
    assert keys(data | {"X_train": data["X_train"] / 255}) == ["other_range"]


def test_it_speaks_german_with_german_numbers():
    description = describe_dataset(load_mnist(n_test=1000, random_state=0))
    assert description.summary("de") == (
        "60.000 Trainings- und 1.000 Testbilder mit 28 x 28 Pixeln und Werten von 0 bis 255 "
        "in 10 Klassen."
    )
    assert "67 von 784" in description.sentences("de")[-1]


def test_all_figures_go_into_json():
    found = json.loads(json.dumps(describe_dataset(make_sound()).to_dict()))
    assert found["counts"]["0"] == {"train": 20, "test": 10}
    assert found["image_shape"] == [6, 6]


def test_as_text_it_has_the_counts_and_the_warnings():
    text = str(describe_dataset(make_sound(y_train=np.repeat([0, 1, 2], 20))))
    assert text.startswith("60 training and 30 test images of 6 x 6 pixels")
    assert "train  test" in text
    assert "- The training images are sorted by class." in text


def test_labels_that_would_steer_a_terminal_are_shown_as_text():
    names = np.array(["\x1b[2Ja", "b", "c"])
    data = make_sound(y_train=names[np.arange(60) % 3], y_test=names[np.arange(30) % 2 + 1])
    (sentence,) = describe_dataset(data).sentences()[:1]
    assert "\x1b" not in sentence


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"y_train": np.zeros(59)}, r"X_train has shape \(60, 6, 6\) and y_train \(59,\)"),
        ({"X_test": np.zeros((30, 36))}, r"X_test has shape \(30, 36\)"),
        ({"X_test": np.zeros((30, 5, 5))}, r"of shape \(6, 6\) and X_test of shape \(5, 5\)"),
        ({"X_test": np.zeros((0, 6, 6)), "y_test": np.zeros(0)}, r"X_test has shape \(0, 6, 6\)"),
    ],
)
def test_arrays_that_do_not_belong_together(changes, told):
    with pytest.raises(ValueError, match=told):
        describe_dataset(make_sound(**changes))


@pytest.mark.parametrize(
    ("full", "dtype"),
    [
        *((3e38, np.float32), (3e38, np.float64), (60_000, np.float16), (1e-40, np.float32)),
        *((2**62, np.int64), (2**64 - 1, np.uint64), (127, np.int8), (1, bool)),
    ],
)
def test_pixels_of_any_size_are_described_and_drawn(full, dtype):
    data = make_sound()
    for part in ("train", "test"):
        data[f"X_{part}"] = (data[f"X_{part}"] > 100) * np.array(full, dtype)
    with np.errstate(all="raise"):
        description = describe_dataset(data)
        DatasetDisplay.from_dataset(data).plot(figure=Figure())
    assert description.pixel_range == pytest.approx((0, full), rel=1e-3)
    assert [note.key for note in description.warnings] == keys_of(make_sound())


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (np.nan, "up to nan"),
        (np.inf, "up to inf"),
        (1e300, r"up to 1e\+300"),
        ("ink", "; expected numbers"),
    ],
)
def test_what_float32_cannot_hold_is_refused(value, told):
    data = make_sound()
    data["X_test"] = np.where(data["X_test"] > 100, value, 0 if value != "ink" else "")
    for function in (describe_dataset, DatasetDisplay.from_dataset):
        with pytest.raises(ValueError, match=f"X_test has dtype.*{told}"):
            function(data)
