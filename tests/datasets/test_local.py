"""Digits of one's own: read as they are, announced, split, and how far that is."""

import zipfile

import numpy as np
import pytest

from skmnist import _progress
from skmnist.datasets import (
    DatasetError,
    _local,
    load_dataset,
    load_digit_archive,
    load_image,
    load_mnist,
)
from skmnist.text import use_language
from tests.datasets.build import (
    DIGITS,
    EXACT,
    GREY,
    idx_files,
    load,
    one_part,
    same,
    sentences,
    tables,
    tables_in_folders,
    to_csv,
    to_image,
    to_npz,
    with_image,
    write_folder,
    write_zip,
)

# --- every kind


@pytest.mark.parametrize("kind", EXACT)
@pytest.mark.parametrize("write", [write_zip, write_folder])
def test_arrays_come_back_as_they_are(kind, write, tmp_path):
    data = load_digit_archive(write(tmp_path / "Meine Ziffern", EXACT[kind](DIGITS)))
    assert same(data, DIGITS)
    assert (data.X_train.dtype, data.y_train.dtype) == (np.uint8, np.int64)


@pytest.mark.slow
@pytest.mark.parametrize("kind", EXACT)
def test_mnist_itself_comes_back_bit_for_bit(kind, tmp_path):
    mnist = load_mnist()
    step = 1 if kind in ("IDX", "npz", "CSV as of Kaggle") else 10  # the others take minutes
    digits = {key: mnist[key.replace("x", "X")][::step] for key in DIGITS}
    data = load_digit_archive(write_zip(tmp_path / "mnist.zip", EXACT[kind](digits)))
    assert same(data, digits)
    assert data.y_test.dtype == np.int64


def test_a_single_table_is_read(tmp_path):
    path = tmp_path / "meine.csv"
    path.write_text(to_csv(DIGITS["x_train"], DIGITS["y_train"]))
    data = load_digit_archive(path, test_size=3, random_state=0)
    assert (data.X_train.shape, data.X_test.shape) == ((9, 4, 4), (3, 4, 4))


def test_an_npz_by_itself_is_read(tmp_path):
    path = tmp_path / "digits.npz"
    path.write_bytes(to_npz(DIGITS))
    assert same(load_digit_archive(path), DIGITS)


def test_path_may_be_a_str(tmp_path):
    assert same(load_digit_archive(str(write_folder(tmp_path / "a", tables(DIGITS)))), DIGITS)


def test_arrays_come_in_the_order_of_train_test_split(tmp_path):
    X_train, X_test, y_train, y_test = load(tmp_path, tables(DIGITS), return_X_y=True)
    np.testing.assert_array_equal(X_train, DIGITS["x_train"])
    np.testing.assert_array_equal(X_test, DIGITS["x_test"])
    np.testing.assert_array_equal(y_train, DIGITS["y_train"])
    np.testing.assert_array_equal(y_test, DIGITS["y_test"])


# --- what is found, and how it is announced


def test_the_description_lists_what_was_found(tmp_path):
    path = write_zip(tmp_path / "lokaler_Datensatz.zip", tables_in_folders(DIGITS))
    assert load_digit_archive(path).DESCR.splitlines() == [
        f"Digits from {path}",
        f"Training folder: {path}/dataset/lokaler Datensatz/train",
        f"Test folder: {path}/dataset/lokaler Datensatz/test",
        "Train: (12, 4, 4) (12,)",
        "Test : (6, 4, 4) (6,)",
    ]


def test_it_is_quiet_unless_asked(tmp_path, capsys):
    load(tmp_path, tables(DIGITS))
    assert capsys.readouterr() == ("", "")


def test_notes_speak_german(tmp_path):
    data = load(tmp_path, tables_in_folders(DIGITS))
    place = tmp_path / "data" / "dataset" / "lokaler Datensatz"
    assert sentences(data, "de") == [f"Trainingsordner: {place}/train", f"Testordner: {place}/test"]


def test_description_names_the_file_and_what_was_found(tmp_path):
    data = load(tmp_path, tables(DIGITS))
    assert str(tmp_path) in data.DESCR
    assert "Training file: " in data.DESCR
    assert "Test : (6, 4, 4) (6,)" in data.DESCR


def test_idx_named_as_packed_may_be_unpacked(tmp_path):
    files = {f"{name}.gz": content for name, content in idx_files(DIGITS).items()}
    assert same(load(tmp_path, files), DIGITS)


def test_light_and_dark_are_swapped_when_asked_and_it_is_told(tmp_path):
    data = load(tmp_path, with_image(to_image(GREY)), invert=True)
    np.testing.assert_array_equal(data.X_test[0], 255 - GREY)
    assert "Light and dark were swapped, as requested." in sentences(data)


def test_sklearns_sixteen_grey_levels_are_swapped_among_themselves(tmp_path):
    X = DIGITS["x_train"] % 17
    X[0, 0, 0] = 16
    arrays = DIGITS | {"x_train": X.astype(float), "x_test": X[:6].astype(float)}
    data = load(tmp_path, {"digits.npz": to_npz(arrays)}, invert=True)
    np.testing.assert_array_equal(data.X_train, 16 - X)


@pytest.mark.parametrize(
    ("train", "test"),
    [(np.uint8, np.float64), (np.float32, np.uint8), (np.uint8, np.int64), (np.int16, np.uint8)],
)
def test_parts_of_two_dtypes_and_one_range_are_swapped_alike(train, test, tmp_path):
    arrays = DIGITS | {
        "x_train": DIGITS["x_train"].astype(train),
        "x_test": DIGITS["x_test"].astype(test),
    }
    data = load(tmp_path, {"digits.npz": to_npz(arrays)}, invert=True)
    np.testing.assert_array_equal(data.X_train, 255 - DIGITS["x_train"].astype(int))
    np.testing.assert_array_equal(data.X_test, 255 - DIGITS["x_test"].astype(int))
    assert (data.X_train.dtype, data.X_test.dtype) == (train, test)


def test_whole_numbers_that_a_float_cannot_hold_are_swapped_exactly(tmp_path):
    X = np.full((12, 4, 4), 2**60 + 1)
    X[0, 0, 0] = 3
    data = load(
        tmp_path, {"digits.npz": to_npz(DIGITS | {"x_train": X, "x_test": X[:6]})}, invert=True
    )
    assert np.unique(data.X_train).tolist() == [0, 2**60 - 2]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"x_test": DIGITS["x_test"].astype(np.uint16) * 257},
            "255 .* the other up to 65535",
        ),
        ({"x_test": DIGITS["x_test"] / 255}, "up to 1 and those of the other up to 255"),
        ({"x_train": DIGITS["x_train"] / 255.0}, "up to 1 and those of the other up to 255"),
        (
            {key: (DIGITS[key] // 2).astype(np.int8) for key in ("x_train", "x_test")},
            "pixels of dtype int8 cannot represent the maximum 255; save them",
        ),
        (
            {key: np.full((6, 4, 4), 60_000, np.float16) for key in ("x_train", "x_test")}
            | {key: np.arange(6) % 3 for key in ("y_train", "y_test")},
            "dtype float16 cannot represent the maximum 65535",
        ),
    ],
    ids=["depth", "scaled test", "scaled train", "int8", "float16"],
)
def test_parts_that_cannot_be_swapped_alike_are_refused(changes, told, tmp_path):
    with pytest.raises(DatasetError, match=f"cannot be inverted.*{told}"):
        load(tmp_path, {"digits.npz": to_npz(DIGITS | changes)}, invert=True)


def test_names_that_would_steer_a_terminal_are_shown_as_text(tmp_path):
    files = {f"\x1b[2J\n{name}": content for name, content in tables_in_folders(DIGITS).items()}
    data = load_digit_archive(write_zip(tmp_path / "a.zip", files))
    assert not any("\x1b" in note for note in sentences(data))
    assert "\x1b" not in data.DESCR
    files = {name: content[:50] for name, content in files.items()}
    with pytest.raises(DatasetError, match=r"\\x1b\[2J\\n"):
        load_digit_archive(write_zip(tmp_path / "b.zip", files))


# --- one part only


def test_one_part_is_split_evenly_and_it_is_told(tmp_path):
    data = load(tmp_path, one_part(), random_state=5)
    assert set(np.bincount(data.y_test)) == {1, 2}
    assert set(data.y_test.tolist()) == set(range(7))
    assert data.X_train.shape == (60, 4, 4)
    assert any("10 of its 70 images were held out" in n and "seed 5" in n for n in sentences(data))


def test_the_same_seed_splits_alike(tmp_path):
    files = one_part()
    parts = [load(tmp_path, files, random_state=seed).X_test for seed in (1, 1, 2)]
    assert np.array_equal(parts[0], parts[1])
    assert not np.array_equal(parts[0], parts[2])


@pytest.mark.parametrize(("test_size", "n_test"), [(0.5, 35), (14, 14), (0.0001, 7), (69, 63)])
def test_how_much_is_held_out(test_size, n_test, tmp_path):
    assert len(load(tmp_path, one_part(), test_size=test_size, random_state=0).X_test) == n_test


def test_splitting_can_be_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"has only one part.* pass test_size"):
        load(tmp_path, one_part(), test_size=None)


# --- parameters


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"test_size": 0}, r"test_size=0 must be a float in \(0, 1\), an int >= 1"),
        ({"test_size": 1.0}, "test_size=1.0 must be a float"),
        ({"test_size": True}, "test_size=True must be a float"),
        ({"test_size": float("nan")}, "test_size=nan must be a float"),
        ({"label": 0}, "label=0 must be 'first', 'last'"),
        ({"image_shape": (28,)}, r"image_shape=\(28,\) must be \(height, width\)"),
        ({"image_shape": (0, 28)}, r"image_shape=\(0, 28\) must be"),
        ({"image_shape": 28}, "image_shape=28 must be"),
        ({"extract_dir": "x"}, "extract_dir='x' requires an archive"),
    ],
)
def test_parameters_out_of_range(options, told, tmp_path):
    with pytest.raises(ValueError, match=told) as caught:
        load(tmp_path, tables(DIGITS), **options)
    assert not isinstance(caught.value, DatasetError)


def test_arrays_are_not_resized(tmp_path):
    with pytest.raises(DatasetError, match="only image files are resized"):
        load(tmp_path, {"digits.npz": to_npz(DIGITS)}, image_shape=(2, 2))


# --- progress


@pytest.mark.parametrize("kind", ["CSV as of OpenML, packed", "PNG", "npz"])
def test_progress_reaches_its_end(kind, tmp_path):
    seen = []
    path = write_zip(tmp_path / "a.zip", EXACT[kind](DIGITS), zipfile.ZIP_STORED)
    load_digit_archive(path, progress=lambda done, total: seen.append((done, total)))
    done, total = seen[-1]
    assert 0.9 * total <= done <= 1.1 * total + 4  # a glance at how a file begins counts, too
    assert [pair[0] for pair in seen] == sorted(pair[0] for pair in seen)


@pytest.mark.parametrize("progress", [False, True])
def test_quick_loading_shows_no_bar(tmp_path, capsys, monkeypatch, progress):
    monkeypatch.setattr(_progress, "BAR_DELAY", float("inf"))
    load(tmp_path, tables(DIGITS), progress=progress)
    assert capsys.readouterr() == ("", "")


def test_a_bar_is_shown_where_it_was_asked_for(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(_progress, "BAR_DELAY", 0.0)
    with use_language("de"):
        load_digit_archive(write_folder(tmp_path / "a", tables(DIGITS)), progress=True)
    assert capsys.readouterr().err == f"{tmp_path / 'a'} wird gelesen ...\n"


# --- by name or path, and single images


def test_digits_are_loaded_by_name_or_by_path(tmp_path, monkeypatch):
    monkeypatch.setattr(_local, "load_mnist", lambda: "bundled")
    monkeypatch.setattr(_local, "fetch_mnist", lambda progress: f"cloud, {progress}")
    assert load_dataset() == load_dataset("mnist") == "bundled"
    assert load_dataset("cloud", progress=True) == "cloud, True"
    data = load_dataset(write_folder(tmp_path / "a", tables(DIGITS)), invert=True)
    np.testing.assert_array_equal(data.X_test, 255 - DIGITS["x_test"])


def test_options_for_files_are_refused_for_mnist():
    with pytest.raises(ValueError, match="source='mnist' does not accept label, invert; these"):
        load_dataset("mnist", label="x", invert=True)


def test_max_value_is_the_one_of_full_ink(tmp_path):
    assert load(tmp_path, tables(DIGITS)).max_value == 255
    for highest, full in ((0.5, 1), (12, 16), (300, 65535), (70000, 70000)):
        X = np.full((6, 2, 2), highest)
        arrays = {
            "x_train": X,
            "y_train": np.arange(6) % 2,
            "x_test": X,
            "y_test": np.arange(6) % 2,
        }
        assert load(tmp_path / str(full), {"a.npz": to_npz(arrays)}).max_value == full


def test_an_image_is_loaded_from_a_path_or_an_open_file(tmp_path):
    from PIL import Image

    path, pixels = tmp_path / "7.png", np.arange(12, dtype=np.uint8).reshape(3, 4)
    Image.fromarray(pixels).save(path)
    with path.open("rb") as file:
        for image in (load_image(path), load_image(str(path)), load_image(file)):
            np.testing.assert_array_equal(image, pixels)


def test_a_bad_image_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"none\.png: cannot be read \(No such file"):
        load_image(tmp_path / "none.png")
    (tmp_path / "bad.png").write_bytes(b"no image")
    with pytest.raises(DatasetError, match=r"bad\.png"):
        load_image(tmp_path / "bad.png")
