"""Files as pages."""

import io
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from skmnist.datasets import DatasetError
from skmnist.reading import open_pages


def save(image, **options):
    file = io.BytesIO()
    image.save(file, **options)
    file.seek(0)
    return file


def make_image(width, height, colour=200, mode="L"):
    return Image.new(mode, (width, height), colour)


def test_pages_of_a_tiff_come_one_by_one():
    pages = [make_image(30, 20, 10 * at) for at in range(3)]
    file = save(pages[0], format="TIFF", save_all=True, append_images=pages[1:])
    assert [int(page[0, 0]) for page in open_pages(file)] == [0, 10, 20]


@pytest.mark.parametrize(
    ("dpi", "shape"),
    [
        ((204, 98), (83, 30)),  # a fax
        ((204, 391), (40, 58)),  # a fine one
        ((204, 196), (40, 30)),
        ((300, 300), (40, 30)),
        ((300, 1), (40, 30)),  # cannot be right
        ((0, 98), (40, 30)),
    ],
)
def test_faxes_are_stretched(dpi, shape):
    image = make_image(30, 40, 1, "1")
    (page,) = open_pages(save(image, format="TIFF", dpi=dpi))
    assert page.shape == shape
    assert (page == 255).all()
    (page,) = open_pages(save(image, format="PNG", dpi=dpi))
    assert page.shape == (40, 30)


def test_colours_are_kept_and_transparency_is_white():
    (page,) = open_pages(save(make_image(9, 7, (250, 20, 30), "RGB"), format="PNG"))
    assert page.shape == (7, 9, 3)
    assert page[0, 0].tolist() == [250, 20, 30]
    (page,) = open_pages(save(make_image(9, 7, (0, 0, 0, 0), "RGBA"), format="PNG"))
    assert (page == 255).all()


def test_sixteen_bits_become_eight():
    deep = Image.fromarray(np.full((4, 5), 65535, dtype=np.uint16))
    (page,) = open_pages(save(deep, format="PNG"))
    assert page.dtype == np.uint8
    assert (page == 255).all()


def photo(width, height, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    return save(make_image(width, height), format="JPEG", exif=exif)


@pytest.mark.parametrize(
    ("size", "orientation", "exif", "shape"),
    [
        ((40, 30), 6, "auto", (40, 30)),  # stored lying, as cameras do
        ((30, 40), 6, "auto", (40, 30)),  # stored upright: was turned before
        ((30, 40), 6, True, (30, 40)),
        ((40, 30), 6, False, (30, 40)),
        ((20, 90), 6, "auto", (20, 90)),  # a strip, cut out of a photo
        ((30, 40), 3, "auto", (40, 30)),
    ],
)
def test_photos_are_turned_unless_they_were_before(size, orientation, exif, shape):
    (page,) = open_pages(photo(*size, orientation), exif=exif)
    assert page.shape[:2] == shape


def test_pdf_pages_are_rendered(tmp_path):
    pytest.importorskip("pypdfium2")
    pages = [make_image(144, 72, 0), make_image(144, 72, 255)]
    path = tmp_path / "two.pdf"
    pages[0].save(path, save_all=True, append_images=pages[1:], resolution=72)
    dark, bright = open_pages(path)
    assert dark.shape[:2] == bright.shape[:2] == (200, 400)  # 200 dots per inch
    assert dark.mean() < 10
    assert bright.mean() > 245


def test_pdf_without_its_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(ImportError, match=r"pip install 'skmnist\[pdf\]'"):
        list(open_pages(io.BytesIO(b"%PDF-1.7 ...")))


@pytest.mark.parametrize(
    ("side", "message"),
    [
        (8000, "has 8000 x 8000 pixels, more than the maximum of 50,000,000"),
        (20_000, "more than 50,000,000"),
    ],
)
def test_too_many_pixels_are_refused_before_decoding(side, message):
    # the header says how many there are; the pixels are not even there
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    png += struct.pack(">I", zlib.crc32(chunk)) + struct.pack(">I", 9) + b"IDAT" + bytes(9)
    with pytest.raises(DatasetError, match=message):
        list(open_pages(io.BytesIO(png)))


def make_damaged():
    noise = np.random.default_rng(0).integers(0, 256, (80, 80), dtype=np.uint8)
    return save(Image.fromarray(noise), format="PNG").getvalue()[:3000]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty$"),
        (
            b"GIF89a...",
            "not a readable image in one of the formats PNG, JPEG, BMP, TIFF, PDF, "
            "but a GIF image; save it as PNG$",
        ),
        (b"\0\1\2\3", "formats PNG, JPEG, BMP, TIFF, PDF; it begins with 00 01 02 03$"),
        (make_damaged(), "is damaged or truncated$"),
        (b"%PDF-1.7 garbage", "cannot be opened as PDF; if it is encrypted, .* password$"),
    ],
)
def test_what_cannot_be_opened_is_named(content, message):
    file = io.BytesIO(content)
    file.name = "scan"
    with pytest.raises(DatasetError, match=f"^scan: .*{message}"):
        list(open_pages(file))


def test_a_missing_file_and_a_wrong_option_are_named(tmp_path):
    with pytest.raises(DatasetError, match=r"none\.png: cannot be read \(No such file"):
        list(open_pages(tmp_path / "none.png"))
    with pytest.raises(ValueError, match="exif='never' must be True, False or 'auto'"):
        list(open_pages(tmp_path / "none.png", exif="never"))
