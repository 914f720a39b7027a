"""Image files: turned into grey levels, upright and of one size, and what was done is told."""

import struct

import numpy as np
import pytest
from PIL import Image

from skmnist.datasets import DatasetError, load_digit_archive
from tests.datasets.build import (
    DIGITS,
    GREY,
    image_files,
    load,
    sentences,
    to_image,
    to_png,
    with_image,
    write_folder,
    write_zip,
)


def first_image(data):
    return data.X_train[0]


def test_jpeg_comes_back_nearly_as_it_is(tmp_path):
    smooth = np.add.outer(np.arange(16), np.arange(16)).astype(np.uint8) * 8
    digits = DIGITS | {"x_train": np.stack([smooth] * 12), "x_test": np.stack([smooth] * 6)}
    data = load(tmp_path, image_files(digits, "jpg", quality=95))
    np.testing.assert_allclose(data.X_train[0], smooth, atol=4)


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
        "resized to 28 x 28, keeping their proportions: 6 (before: 8 x 8 – 40 x 10 pixels)" in note
        for note in sentences(data)
    )


def test_images_are_resized_as_asked(tmp_path):
    data = load(tmp_path, with_image(to_image(GREY)), image_shape=(4, 6))
    assert data.X_train.shape == (4, 4, 6)


def test_images_of_one_size_are_left_as_they_are(tmp_path):
    data = load(tmp_path, with_image(to_image(GREY)))
    assert len(data.notes) == 2
    np.testing.assert_array_equal(data.X_test[0], GREY)


def test_progress_begins_anew_where_images_have_to_be_resized(tmp_path):
    seen = []
    files = with_image(to_image(GREY)) | {"test/1/1.png": to_image(np.zeros((9, 9), np.uint8))}
    path = write_folder(tmp_path / "data", files)
    with pytest.warns(UserWarning, match="Images resized"):
        load_digit_archive(path, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] == max(done for done, _ in seen)


@pytest.mark.parametrize("shape", [None, (28, 28)])
def test_pixels_are_counted_before_images_are_made_smaller(shape, tmp_path, monkeypatch):
    monkeypatch.setattr("skmnist.datasets._images.FREE_PIXELS", 500_000)
    files = {
        f"{at % 2}/{at}.png": to_image(np.zeros((20 + 40 * at, 200), np.uint8)) for at in range(20)
    }
    path = write_zip(tmp_path / "a.zip", files)
    with pytest.raises(DatasetError, match="pixels to decode, more than the maximum of"):
        load_digit_archive(path, image_shape=shape)
