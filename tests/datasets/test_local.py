"""Digits from a file or folder: found, read as they are, announced, split, unpacked."""

import codecs
import os
import re
import shutil
import struct
import sys
import unicodedata
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from build import (
    EXACT,
    idx_files,
    image_files,
    make_digits,
    tables,
    tables_in_folders,
    to_csv,
    to_image,
    to_npz,
    to_png,
    write_folder,
    write_zip,
)
from PIL import Image

from skmnist.datasets import DatasetError, load_digit_archive, load_mnist
from skmnist.datasets._local import read_digits

DIGITS = make_digits()


def sentences(data, language="en"):
    return [note.sentence(language) for note in data.notes]


def same(data, digits):
    return all(np.array_equal(data[key.replace("x", "X")], digits[key]) for key in digits)


def load(tmp_path, files, **options):
    return load_digit_archive(write_folder(tmp_path / "data", files), **options)


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
    digits = {key: mnist[key.replace("x", "X")] for key in DIGITS}
    data = load_digit_archive(write_zip(tmp_path / "mnist.zip", EXACT[kind](digits)))
    assert same(data, digits)
    assert data.y_test.dtype == np.int64


def test_jpeg_comes_back_nearly_as_it_is(tmp_path):
    smooth = np.add.outer(np.arange(16), np.arange(16)).astype(np.uint8) * 8
    digits = DIGITS | {"x_train": np.stack([smooth] * 12), "x_test": np.stack([smooth] * 6)}
    data = load(tmp_path, image_files(digits, "jpg", quality=95))
    np.testing.assert_allclose(data.X_train[0], smooth, atol=4)


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


def test_bytes_before_an_archive_do_not_matter(tmp_path):
    path = write_zip(tmp_path / "a.zip", tables(DIGITS))
    path.write_bytes(b"#!/bin/sh\nexit\n" + path.read_bytes())
    assert same(load_digit_archive(path), DIGITS)


# --- what is found, and how it is announced


def test_what_was_found_is_said_as_the_source_says_it(tmp_path, capsys):
    path = write_zip(tmp_path / "lokaler_Datensatz.zip", tables_in_folders(DIGITS))
    load_digit_archive(path, verbose=True)
    assert capsys.readouterr().out.splitlines() == [
        f"Train folder: {path}/dataset/lokaler Datensatz/train",
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
    assert sentences(data, "de") == [f"Train Ordner: {place}/train", f"Test Ordner: {place}/test"]


def test_description_names_the_file_and_what_was_found(tmp_path):
    data = load(tmp_path, tables(DIGITS))
    assert str(tmp_path) in data.DESCR
    assert "Train file: " in data.DESCR
    assert "Test : (6, 4, 4) (6,)" in data.DESCR


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train.csv", "test.csv"),
        ("mnist_train.csv", "mnist_test.csv"),
        ("MNISTtrain.csv", "MNISTtest.csv"),
        ("TrainingSet.csv", "TestSet.csv"),
        ("Trainingsdaten.csv", "Testdaten.csv"),
        ("a/b c/Übung/train/1.csv", "a/b c/Übung/test/1.csv"),
        ("test data/train.csv", "test data/test.csv"),
        ("train_test_split/train.csv", "train_test_split/eval.csv"),
        ("emnist-letters-train.csv", "emnist-letters-test.csv"),
        ("x/train.csv", "x/val.csv"),
        ("digits.csv", "digits_test.csv"),
        ("LATEST/training.csv", "LATEST/testing.csv"),
    ],
)
def test_parts_are_found_by_their_names(train, test, tmp_path):
    files = tables(DIGITS)
    data = load(tmp_path, {train: files["mnist_train.csv"], test: files["mnist_test.csv"]})
    assert same(data, DIGITS)


def test_leftovers_are_ignored(tmp_path):
    files = image_files(DIGITS)
    for name in (
        "__MACOSX/Müllers Ziffern/Training/0/._0.png",
        "Müllers Ziffern/.DS_Store",
        "Müllers Ziffern/Training/0/Thumbs.db",
        "Müllers Ziffern/Training/0/._3.png",
        "Müllers Ziffern/Training/desktop.ini",
        "Müllers Ziffern/.ipynb_checkpoints/train-checkpoint.csv",
    ):
        files[name] = b"not an image"
    data = load_digit_archive(write_zip(tmp_path / "a.zip", files))
    assert same(data, DIGITS)
    assert len(data.notes) == 2  # the two folders


def test_validation_part_is_left_out_where_there_is_a_test_part(tmp_path):
    files = tables(DIGITS)
    data = load(tmp_path, {**files, "mnist_val.csv": files["mnist_test.csv"]})
    assert same(data, DIGITS)
    assert any("validation part mnist_val.csv" in note for note in sentences(data))


def test_packed_copies_beside_idx_files_are_the_same_files(tmp_path):
    data = load(tmp_path, idx_files(DIGITS) | idx_files(DIGITS, pack=True))
    assert same(data, DIGITS)


def test_idx_named_as_packed_may_be_unpacked(tmp_path):
    files = {f"{name}.gz": content for name, content in idx_files(DIGITS).items()}
    assert same(load(tmp_path, files), DIGITS)


def test_numbered_tables_follow_each_other(tmp_path):
    X, y = DIGITS["x_train"], DIGITS["y_train"]
    files = {
        "train/10.csv": to_csv(X[7:], y[7:]).encode(),
        "train/2.csv": to_csv(X[:7], y[:7]).encode(),
        "test/1.csv": to_csv(DIGITS["x_test"], DIGITS["y_test"]).encode(),
    }
    assert same(load(tmp_path, files), DIGITS)


def test_the_other_formats_that_lie_beside_are_named(tmp_path):
    data = load(tmp_path, tables(DIGITS) | {"0/montage.png": to_image(DIGITS["x_train"][0])})
    assert "Not used: 0/montage.png" in sentences(data)


def test_kaggles_test_table_without_labels_is_left_out_and_told(tmp_path):
    X, y = DIGITS["x_train"], DIGITS["y_train"]
    unlabelled = to_csv(DIGITS["x_test"], DIGITS["y_test"]).splitlines()
    files = {
        "train.csv": to_csv(X, y).encode(),
        "test.csv": "\n".join(line.partition(",")[2] for line in unlabelled).encode(),
        "sample_submission.csv": b"ImageId,Label\n1,0\n2,0\n",
    }
    data = load(tmp_path, files, random_state=0)
    assert len(data.X_train) + len(data.X_test) == 12
    assert "Not used: test.csv has no labels" in sentences(data)
    assert not any(note.startswith("Test file") for note in sentences(data))
    assert "Not used: sample_submission.csv" in sentences(data)


# --- labels


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["0", "10", "-3"], np.array([0, 10, -3])),
        (["07", "8", "9"], np.array(["07", "8", "9"])),
        (["1.0", "2", "3"], np.array(["1.0", "2", "3"])),
        (["NA", "nan", ""], None),
        (["NA", "nan", "None"], np.array(["NA", "nan", "None"])),
        (["T-shirt/top", "Ä", "日本"], np.array(["T-shirt/top", "Ä", "日本"])),
        (["9223372036854775808", "1", "2"], np.array(["9223372036854775808", "1", "2"])),
        (["+1", "2", "3"], np.array(["+1", "2", "3"])),
    ],
    ids=["integers", "07", "1.0", "empty", "NA", "names", "too large", "plus"],
)
def test_labels_become_integers_only_if_all_of_them_are_plain(labels, expected, tmp_path):
    files = tables(
        DIGITS
        | {
            "y_train": np.array(labels)[DIGITS["y_train"]],
            "y_test": np.array(labels)[DIGITS["y_test"]],
        }
    )
    if expected is None:
        with pytest.raises(DatasetError, match="is empty, expected a label"):
            load(tmp_path, files)
        return
    data = load(tmp_path, files)
    assert data.y_train.dtype.kind == expected.dtype.kind
    assert data.y_train[:3].tolist() == expected.tolist()
    assert data.target_names.tolist() == np.unique(expected).astype(str).tolist()


def test_labels_are_text_in_both_parts_where_they_are_in_one(tmp_path):
    data = load(tmp_path, tables(DIGITS | {"y_test": np.array(["0", "1", "x"] * 2)}))
    assert data.y_train.tolist()[:3] == ["0", "1", "2"]
    assert data.y_test.tolist()[:3] == ["0", "1", "x"]


def test_umlauts_in_class_folders_have_one_spelling(tmp_path):
    files = image_files(
        DIGITS | {"y_train": np.array(["ä", "ö", "ü"] * 4), "y_test": np.array(["ä", "ö", "ü"] * 2)}
    )
    mixed = {
        unicodedata.normalize("NFD", name) if "Test" in name else name: content
        for name, content in files.items()
    }
    data = load_digit_archive(write_zip(tmp_path / "a.zip", mixed))
    assert data.target_names.tolist() == ["ä", "ö", "ü"]


def test_umlauts_that_macos_did_not_declare_are_read(tmp_path):
    path = write_zip(
        tmp_path / "a.zip",
        image_files(DIGITS | {"y_train": ["ä", "ö", "ü"] * 4, "y_test": ["ä"] * 6}),
    )
    content = bytearray(path.read_bytes())
    for signature, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = content.find(signature)
        while place >= 0:
            content[place + at + 1] &= ~0x08  # the flag that says UTF-8
            place = content.find(signature, place + 4)
    path.write_bytes(content)
    assert load_digit_archive(path).target_names.tolist() == ["ä", "ö", "ü"]


# --- tables


def two_tables(change):
    return {name: change(text.decode()).encode() for name, text in tables(DIGITS).items()}


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace(",", ";"),
        lambda text: text.replace(",", "\t"),
        lambda text: text.replace(",", ", "),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace("\n", "\r\n", 3),
        lambda text: text + "\n\r\n\n",
        lambda text: text.rstrip("\n"),
        lambda text: '"' + text.replace(",", '","').replace("\n", '"\n"').rstrip('"'),
        lambda text: text.replace("\n1,", '\n"1",'),
        lambda text: text.replace(",0,", ",000,"),
        lambda text: text.replace("label", "Klasse"),
        lambda text: text.replace("label", "anything"),
        lambda text: re.sub(
            r"pixel(\d+)", lambda m: f"{int(m[1]) // 4 + 1}x{int(m[1]) % 4 + 1}", text
        ),
        lambda text: re.sub(r"pixel(\d+)", r"\1", text),
    ],
    ids=[
        *("BOM", "semicolon", "tab", "blanks", "CRLF", "CR", "mixed line ends", "blank end"),
        *("no end", "quotes", "quoted labels", "zeros", "Klasse", "other name", "1x1", "numbers"),
    ],
)
def test_tables_may_be_written_in_many_ways(change, tmp_path):
    assert same(load(tmp_path, two_tables(change)), DIGITS)


def test_quoted_labels_may_hold_separators_and_quotes(tmp_path):
    header, *lines = to_csv(DIGITS["x_train"], DIGITS["y_train"]).splitlines()
    names = ['"a, b"', '"say ""c"""', "d"]
    lines = [f"{names[at % 3]},{line.partition(',')[2]}" for at, line in enumerate(lines)]
    data = load(tmp_path, {"digits.csv": "\n".join([header, *lines]).encode()}, random_state=0)
    assert data.target_names.tolist() == ["a, b", "d", 'say "c"']


def test_a_column_that_numbers_the_rows_is_left_out_and_told(tmp_path):
    def number(text):
        header, *lines = text.rstrip("\n").split("\n")
        return "\n".join([f",{header}", *(f"{at},{line}" for at, line in enumerate(lines))])

    data = load(tmp_path, two_tables(number))
    assert same(data, DIGITS)
    assert sentences(data)[2] == "Not used: column 1 (''), which only numbers the rows"


@pytest.mark.parametrize("label", ["first", "last"])
def test_it_can_be_said_where_the_label_stands(label, tmp_path):
    rows = [f"{at % 3},7,8,9,{at % 3}" for at in range(12)]  # it could be either
    data = load(tmp_path, {"digits.csv": "\n".join(rows).encode()}, label=label, random_state=0)
    assert data.X_train[0, 0, 0] == (7 if label == "first" else data.y_train[0])


def test_it_can_be_said_what_the_label_is_called(tmp_path):
    text = "a1,a2,a3,a4,writer,sex\n" + "0,1,2,3,anna,f\n0,1,2,3,otto,m\n" * 4
    with pytest.raises(DatasetError, match="'writer' and 'sex' may both be the label"):
        load(tmp_path, {"digits.csv": text.encode()})
    with pytest.raises(DatasetError, match="no column is called 'nowhere'"):
        load(tmp_path, {"digits.csv": text.encode()}, label="nowhere")
    text = text.replace(",sex", "").replace(",f", "").replace(",m", "")
    data = load(tmp_path, {"digits.csv": text.encode()}, label="writer", random_state=0)
    assert data.target_names.tolist() == ["anna", "otto"]


def test_labels_in_rows_sorted_by_class_are_told_from_a_corner_that_varies(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (300, 4, 4), dtype=np.uint8)
    X[:, -1, -1] = rng.random(300) < 0.02  # as the corners of Fashion-MNIST
    y = np.sort(np.arange(300) % 10)
    for side in ("first", "last"):
        text = to_csv(X, y, header="none", label=side)
        data = load(tmp_path / side, {"digits.csv": text.encode()}, test_size=20, random_state=0)
        assert data.target_names.tolist() == list("0123456789")


def test_pixels_of_other_shapes_are_folded_as_asked(tmp_path):
    X = np.arange(12 * 15, dtype=np.uint8).reshape(12, 3, 5)
    text = to_csv(X, DIGITS["y_train"])
    data = load(tmp_path, {"digits.csv": text.encode()}, image_shape=(3, 5), random_state=0)
    assert data.X_train.shape[1:] == (3, 5)
    assert {image.tobytes() for image in data.X_test} <= {image.tobytes() for image in X}


def test_a_table_longer_than_one_block_is_read_whole(tmp_path):
    digits = make_digits(n_train=400, n_test=40, side=28)
    assert same(load(tmp_path, tables(digits)), digits)


def test_a_wrong_cell_far_down_is_named_by_its_line(tmp_path):
    digits = make_digits(n_train=400, n_test=40, side=28)
    files = tables(digits)
    lines = files["mnist_train.csv"].decode().split("\n")
    lines[377] = lines[377].rpartition(",")[0] + ",999"
    files["mnist_train.csv"] = "\n".join(lines).encode()
    with pytest.raises(
        DatasetError, match=r"line 378, column 785 \('pixel783'\): '999' is no pixel"
    ):
        load(tmp_path, files)


# --- images


GREY = np.tile(np.linspace(0, 255, 8).astype(np.uint8), (8, 1))


def with_image(content, name="1.png"):
    """Return files of an image folder, the first image of class 0 being `content`."""
    good = to_image(GREY)
    files = {f"train/{label}/{at}.png": good for label in (0, 1) for at in (1, 2)}
    files |= {f"test/{label}/1.png": good for label in (0, 1)}
    del files["train/0/1.png"]
    return {f"train/0/{name}": content, **files}


def first_image(data):
    return data.X_train[0]


@pytest.mark.parametrize(
    ("image", "kind", "told"),
    [
        (Image.fromarray(np.stack([GREY] * 3, axis=2)), "png", "Colour images"),
        (Image.fromarray(GREY).convert("P"), "png", "Colour images"),
        (Image.fromarray(GREY), "bmp", None),
        (Image.fromarray(GREY), "tif", None),
        (
            Image.merge("LA", [Image.fromarray(GREY), Image.new("L", (8, 8), 255)]),
            "png",
            "transparent",
        ),
        (
            Image.merge("RGBA", [Image.fromarray(GREY)] * 3 + [Image.new("L", (8, 8), 255)]),
            "png",
            "transparent",
        ),
    ],
    ids=["RGB", "palette", "BMP named png", "TIFF named png", "LA", "RGBA"],
)
def test_images_of_many_kinds_become_grey_levels_and_it_is_told(image, kind, told, tmp_path):
    data = load(tmp_path, with_image(to_image(image, kind)))
    np.testing.assert_allclose(first_image(data), GREY, atol=1)
    assert told is None or any(told in note for note in sentences(data))


def test_cmyk_becomes_grey_levels_and_it_is_told(tmp_path):
    ink = Image.fromarray(np.stack([np.zeros_like(GREY)] * 3 + [255 - GREY], axis=2), "CMYK")
    data = load(tmp_path, with_image(to_image(ink, "tif")))
    np.testing.assert_allclose(first_image(data), GREY, atol=2)
    assert any("print colours (CMYK)" in note for note in sentences(data))


def test_two_colours_become_black_and_white(tmp_path):
    data = load(tmp_path, with_image(to_image(Image.fromarray(GREY > 127))))
    np.testing.assert_array_equal(first_image(data), np.where(GREY > 127, 255, 0))


@pytest.mark.parametrize("ink", [0, 255])
def test_a_drawing_on_nothing_keeps_its_strokes(ink, tmp_path):
    """The alpha channel holds the strokes; all colours are the same."""
    alpha = np.zeros((8, 8), np.uint8)
    alpha[:, 3] = 255
    drawing = Image.merge("LA", [Image.new("L", (8, 8), ink), Image.fromarray(alpha)])
    data = load(tmp_path, with_image(to_image(drawing)))
    np.testing.assert_array_equal(first_image(data), np.where(alpha, ink, 255 - ink))


def test_images_of_16_bits_are_read_whole_and_it_is_told(tmp_path):
    deep = GREY.astype(np.uint16) * 257 + 1
    deep[deep == 256] = 65535
    for kind in ("png", "tif"):
        files = dict.fromkeys(with_image(b""), to_image(deep, kind))
        data = load(tmp_path / kind, files)
        assert data.X_train.dtype == np.uint16
        np.testing.assert_array_equal(data.X_test[0], deep)
        assert any("16 bits per pixel" in note for note in sentences(data))


def test_a_photo_is_turned_as_its_camera_was_held(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned to the right
    turned = Image.fromarray(np.rot90(GREY).copy())
    data = load(tmp_path, with_image(to_image(turned, "png", exif=exif)))
    np.testing.assert_array_equal(first_image(data), GREY)
    assert any("(EXIF)" in note for note in sentences(data))


@pytest.mark.parametrize("orientation", [0, 1, 9])
def test_a_photo_that_was_held_upright_or_nobody_knows_how_is_not_turned(orientation, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = load(tmp_path, with_image(to_image(GREY, "png", exif=exif)))
    np.testing.assert_array_equal(first_image(data), GREY)
    assert len(data.notes) == 2


@pytest.mark.parametrize(("colour", "told"), [(0, "16 bits per pixel"), (2, "16 bits per colour")])
def test_a_photo_that_is_turned_has_16_bits_as_well(colour, told, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    lines = np.zeros((8, 1 + 2 * 8 * (1 + colour)), np.uint8).tobytes()  # a filter, and the pixels
    noted = exif.tobytes().removeprefix(b"Exif\0\0")  # older versions of Pillow write it before
    photo = to_png(struct.pack(">LLBBBBB", 8, 8, 16, colour, 0, 0, 0), lines, (b"eXIf", noted))
    data = load(tmp_path, dict.fromkeys(with_image(b""), photo))
    assert any("(EXIF)" in note for note in sentences(data))
    assert any(told in note for note in sentences(data))


def test_images_of_several_sizes_are_resized_in_proportion_and_it_is_told(tmp_path):
    tall = np.full((40, 10), 255, np.uint8)
    tall[5:35, 4:6] = 0
    with pytest.warns(UserWarning, match=r"resized to 28 x 28.* Pass image_shape="):
        data = load(tmp_path, with_image(to_image(tall)))
    assert data.X_train.shape == (4, 28, 28)
    image = first_image(data)
    assert (image[:, :8] == 255).all()  # the paper goes on at both sides
    assert image[14, 12:16].min() < 100
    assert any(
        "resized to 28 x 28, their proportions kept: 6 (they had 8 x 8 to 40 x 10" in note
        for note in sentences(data)
    )


def test_images_are_resized_as_asked(tmp_path):
    data = load(tmp_path, with_image(to_image(GREY)), image_shape=(4, 6))
    assert data.X_train.shape == (4, 4, 6)


def test_images_of_one_size_are_left_as_they_are(tmp_path):
    data = load(tmp_path, with_image(to_image(GREY)))
    assert len(data.notes) == 2
    np.testing.assert_array_equal(data.X_test[0], GREY)


def test_light_and_dark_are_swapped_when_asked_and_it_is_told(tmp_path):
    data = load(tmp_path, with_image(to_image(GREY)), invert=True)
    np.testing.assert_array_equal(data.X_test[0], 255 - GREY)
    assert "Light and dark were swapped, as was asked." in sentences(data)


def test_sklearns_sixteen_grey_levels_are_swapped_among_themselves(tmp_path):
    X = DIGITS["x_train"] % 17
    X[0, 0, 0] = 16
    arrays = DIGITS | {"x_train": X.astype(float), "x_test": X[:6].astype(float)}
    data = load(tmp_path, {"digits.npz": to_npz(arrays)}, invert=True)
    np.testing.assert_array_equal(data.X_train, 16 - X)


def test_images_with_a_table_of_their_writers_are_images(tmp_path):
    files = with_image(to_image(GREY))
    files |= {f"{part}.csv": b"file,writer\n1.png,anna\n" for part in ("train", "test")}
    data = load(tmp_path, files)
    assert data.X_train.shape == (4, 8, 8)
    assert "Not used: test.csv" in sentences(data)


def test_a_table_with_pictures_beside_it_is_a_table(tmp_path):
    files = {**one_part(), "preview.png": to_image(GREY), "docs/page 1.png": to_image(GREY)}
    assert load(tmp_path, files, random_state=0).X_train.shape == (60, 4, 4)


def test_names_that_would_steer_a_terminal_are_shown_as_text(tmp_path, capsys):
    files = {f"\x1b[2J\n{name}": content for name, content in tables_in_folders(DIGITS).items()}
    data = load_digit_archive(write_zip(tmp_path / "a.zip", files), verbose=True)
    assert not any("\x1b" in note for note in sentences(data))
    assert "\x1b" not in capsys.readouterr().out
    files = {name: content[:50] for name, content in files.items()}
    with pytest.raises(DatasetError, match=r"\\x1b\[2J\\n"):
        load_digit_archive(write_zip(tmp_path / "b.zip", files))


def test_a_class_may_be_called_train(tmp_path):
    names = ["bus", "car", "train"]
    files = {f"photos/{name}/{at}.png": to_image(GREY) for name in names for at in range(4)}
    assert load(tmp_path, files, random_state=0).target_names.tolist() == names


def test_empty_class_folders_and_stray_images_are_told(tmp_path):
    folder = write_folder(tmp_path / "a", with_image(to_image(GREY)) | {"preview.png": b"x"})
    (folder / "train" / "7").mkdir()
    (folder / "train" / "7" / "Thumbs.db").write_bytes(b"x")
    for path in (folder, shutil.make_archive(folder, "zip", folder)):
        notes = sentences(load_digit_archive(path))
        assert "No images are in the folder train/7" in notes
        assert "Not used, because in the folder of no class: preview.png (images: 1)" in notes


# --- one part only


def one_part(n=70):
    digits = make_digits(n_train=n, n_classes=7)
    return {"digits.csv": to_csv(digits["x_train"], digits["y_train"]).encode()}


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
    with pytest.raises(DatasetError, match=r"has one part only.* pass test_size"):
        load(tmp_path, one_part(), test_size=None)


# --- parameters


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"test_size": 0}, "test_size=0 must be a share between 0 and 1"),
        ({"test_size": 1.0}, "test_size=1.0 must be a share"),
        ({"test_size": True}, "test_size=True must be a share"),
        ({"test_size": float("nan")}, "test_size=nan must be a share"),
        ({"label": 0}, "label=0 must be 'first', 'last'"),
        ({"image_shape": (28,)}, r"image_shape=\(28,\) must be \(height, width\)"),
        ({"image_shape": (0, 28)}, r"image_shape=\(0, 28\) must be"),
        ({"image_shape": 28}, "image_shape=28 must be"),
        ({"extract_dir": "x"}, "extract_dir='x' is for an archive"),
    ],
)
def test_parameters_out_of_range(options, told, tmp_path):
    with pytest.raises(ValueError, match=told) as caught:
        load(tmp_path, tables(DIGITS), **options)
    assert not isinstance(caught.value, DatasetError)


def test_arrays_are_not_resized(tmp_path):
    with pytest.raises(DatasetError, match="only image files are resized"):
        load(tmp_path, {"digits.npz": to_npz(DIGITS)}, image_shape=(2, 2))


# --- unpacking


def files_below(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_was_read_is_unpacked_where_asked_and_announced_there(tmp_path):
    files = tables_in_folders(DIGITS)
    path = write_zip(tmp_path / "a.zip", files | {"README.txt": b"hello", "__MACOSX/x": b""})
    out = tmp_path / "neu" / "hier"
    data = load_digit_archive(path, out)
    assert files_below(out) == files
    assert sentences(data)[0] == f"Train folder: {out}/dataset/lokaler Datensatz/train"
    assert same(load_digit_archive(out), DIGITS)


def test_an_npz_in_an_archive_is_unpacked_as_it_is(tmp_path):
    files = {"deep/mnist.npz": to_npz(DIGITS)}
    load_digit_archive(write_zip(tmp_path / "a.zip", files), tmp_path / "out")
    assert files_below(tmp_path / "out") == files


def test_unpacking_twice_is_fine_and_another_file_stays(tmp_path):
    path = write_zip(tmp_path / "a.zip", tables(DIGITS))
    out = tmp_path / "out"
    load_digit_archive(path, out)
    load_digit_archive(path, out)
    (out / "mnist_test.csv").write_text("precious")
    with pytest.raises(
        DatasetError, match=r"mnist_test\.csv: is there already and is another file"
    ):
        load_digit_archive(path, out)
    assert (out / "mnist_test.csv").read_text() == "precious"
    assert len(list(out.iterdir())) == 2


def test_nothing_is_unpacked_of_a_file_that_is_refused_late(tmp_path):
    files = tables(DIGITS | {"y_test": DIGITS["y_test"] + 50})
    out = tmp_path / "out"
    with pytest.raises(DatasetError):
        load_digit_archive(write_zip(tmp_path / "a.zip", files), out)
    assert not out.exists()


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_links_in_the_target_do_not_lead_outside(tmp_path):
    path = write_zip(tmp_path / "a.zip", tables_in_folders(DIGITS))
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    (out / "dataset").symlink_to(elsewhere)
    with pytest.raises(DatasetError, match="a link in extract_dir leads outside of it"):
        load_digit_archive(path, out)
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("name", ["train/con.csv", "train/a:b.csv", "train/a\nb.csv", "train/x."])
def test_names_that_mean_something_to_a_system_are_not_unpacked(name, tmp_path):
    files = tables_in_folders(DIGITS)
    first, second = files.values()
    name = name if name.endswith(".csv") else name.replace("x.", "x. /1.csv")
    path = write_zip(tmp_path / "a.zip", {name: first, "test/1.csv": second})
    assert same(load_digit_archive(path), DIGITS)
    with pytest.raises(DatasetError, match="cannot be the name of a file on every system"):
        load_digit_archive(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@contextmanager
def full_disk(n_bytes):
    """Let no file grow beyond so many bytes, as a full disk does."""
    import resource

    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the size of files")
def test_a_full_disk_under_the_target_is_told_and_leaves_nothing(tmp_path):
    path = write_zip(tmp_path / "a.zip", tables(make_digits(n_train=200, side=8)))
    out = tmp_path / "out"
    with (
        full_disk(5000),
        pytest.raises(DatasetError, match=r"cannot be written to .File too large"),
    ):
        load_digit_archive(path, out)
    assert not out.exists()


def test_a_target_that_is_a_file_is_told(tmp_path):
    path = write_zip(tmp_path / "a.zip", tables(DIGITS))
    with pytest.raises(DatasetError, match=r"extract_dir=.*a\.zip': cannot be written to"):
        load_digit_archive(path, path)


@contextmanager
def nobody():
    """Be a user who may not do everything, where the tests run as one who may."""
    if os.geteuid():
        yield
        return
    codecs.lookup("cp437")  # zipfile's; nobody may not be able to read Python's own files
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions")
def test_an_unreadable_file_is_told(tmp_path):
    path = write_zip(tmp_path / "a.zip", tables(DIGITS))
    path.chmod(0)
    with nobody(), pytest.raises(DatasetError, match=r"a\.zip: cannot be read .Permission denied"):
        load_digit_archive(path)


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions")
def test_an_unreadable_folder_is_told(tmp_path):
    folder = write_folder(tmp_path / "a", tables_in_folders(DIGITS))
    (folder / "dataset").chmod(0)
    with nobody(), pytest.raises(DatasetError, match=r"cannot be read .Permission denied"):
        load_digit_archive(folder)
    (folder / "dataset").chmod(0o700)


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions")
def test_a_read_only_target_is_told(tmp_path):
    path = write_zip(tmp_path / "a.zip", tables(DIGITS))
    out = tmp_path / "out"
    out.mkdir()
    path.chmod(0o644)
    out.chmod(0o555)
    tmp_path.chmod(0o755)
    # pytest's, which nobody else may enter
    own = [parent for parent in tmp_path.parents if parent.stat().st_mode & 0o777 == 0o700]
    for parent in own:
        parent.chmod(0o755)
    with nobody(), pytest.raises(DatasetError, match=r"cannot be written to .Permission denied"):
        load_digit_archive(path, out)
    for parent in own:
        parent.chmod(0o700)
    assert list(out.iterdir()) == []


# --- progress


@pytest.mark.parametrize("kind", ["CSV as of OpenML, packed", "PNG", "npz"])
def test_progress_reaches_its_end(kind, tmp_path):
    seen = []
    path = write_zip(tmp_path / "a.zip", EXACT[kind](DIGITS), zipfile.ZIP_STORED)
    read_digits(path, progress=lambda done, total: seen.append((done, total)))
    done, total = seen[-1]
    assert 0.9 * total <= done <= 1.1 * total + 4  # a glance at how a file begins counts, too
    assert [pair[0] for pair in seen] == sorted(pair[0] for pair in seen)


def test_progress_begins_anew_where_images_have_to_be_resized(tmp_path):
    seen = []
    files = with_image(to_image(GREY)) | {"test/1/1.png": to_image(np.zeros((9, 9), np.uint8))}
    path = write_folder(tmp_path / "data", files)
    read_digits(path, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] == max(done for done, _ in seen)


def test_links_to_folders_are_followed_and_lead_in_no_circle(tmp_path):
    real = write_folder(tmp_path / "real", tables(DIGITS))
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "mnist").symlink_to(real, target_is_directory=True)
    (real / "back").symlink_to(folder, target_is_directory=True)
    assert same(load_digit_archive(folder), DIGITS)


def test_a_loader_leaves_no_file_open(tmp_path):
    path = write_zip(tmp_path / "a.zip", tables(DIGITS))
    load_digit_archive(path)
    with pytest.raises(DatasetError):
        load_digit_archive(write_zip(tmp_path / "b.zip", {"train.csv": b"x"}))
    opened = [os.readlink(f"/proc/self/fd/{fd}") for fd in _descriptors()]
    assert not [name for name in opened if name.startswith(str(tmp_path))]


def _descriptors():
    folder = Path("/proc/self/fd")
    if not folder.exists():
        pytest.skip("needs /proc")
    return [path.name for path in folder.iterdir() if path.is_symlink()]
