"""Open scans, photos and documents as pages."""

import os
import warnings
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from os import PathLike
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from skmnist.datasets import DatasetError
from skmnist.datasets._images import (
    DEEP,
    FREE_PIXELS,
    MAX_FILE,
    MAX_PIXELS,
    check_pixels,
    open_image,
)
from skmnist.datasets._members import MAX_RATIO, Budget, Member
from skmnist.text import Phrase

if TYPE_CHECKING:
    from PIL import Image

Array = np.ndarray[Any, Any]

PDF = b"%PDF-"
PDF_START = 1024  # bytes within which PDF readers accept the signature of a PDF
DPI = 200  # of rendered pages, on which the digits of a form are 30 to 60 pixels high
POINTS = 72  # per inch, the unit of PDF
QUARTER_TURNS = (5, 6, 7, 8)  # EXIF orientations that exchange height and width
FAX, MAX_FAX = 1.3, 3.0  # ratio of a fax's resolutions; 204 x 98 dpi is usual
PHOTO = 1.8  # maximum ratio of a photo's sides (4:3, 3:2 or 16:9); strips of pages are longer


def open_pages(
    file: str | PathLike[str] | BinaryIO, *, exif: bool | str = "auto"
) -> Iterator[Array]:
    """Open an image or document, and yield its pages one at a time.

    Parameters
    ----------
    file : path or binary file
        PNG, JPEG, BMP, TIFF (also with several pages), or PDF (``pip install 'skmnist[pdf]'``).
        Faxes saved as TIFF, whose pixels are not square, are stretched.
        Pages of a PDF are rendered at 200 dots per inch, or fewer if a page would have more than
        50 million pixels.
    exif : bool or "auto", default="auto"
        Whether to rotate a photo according to its EXIF orientation. "auto" ignores a quarter turn
        if the photo is already in portrait format: cameras store pixels in landscape format, so a
        program must have rotated the photo without updating its orientation. Pass True or False if
        a photo is rotated wrongly.

    Yields
    ------
    page : ndarray of shape (height, width) or (height, width, 3), uint8
        Grey levels or RGB. Transparent images are placed on white.

    Raises
    ------
    DatasetError
        The file is missing, damaged, encrypted, too large, or in an unsupported format. Image files
        with more than 50 million pixels are rejected before they are decoded.
    ImportError
        The file is a PDF and pypdfium2 is not installed.
    ValueError
        `exif` is not True, False or "auto".

    Examples
    --------
    >>> from skmnist.reading import open_pages
    >>> list(open_pages("nowhere.tif"))
    Traceback (most recent call last):
    skmnist.datasets.DatasetError: nowhere.tif: cannot be read (No such file or directory)
    """
    if not (exif == "auto" or isinstance(exif, bool)):
        raise ValueError(f"exif={exif!r} must be True, False or 'auto'.")
    name, content = _read(file)
    if PDF in content[:PDF_START]:
        yield from _render(content, name)
        return
    member = Member(
        name, "", len(content), "image", Budget(len(content)), partial(BytesIO, content)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow, about unusual metadata
        image = open_image(content, member, several=True)
    n_pages = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
    n_pixels = 0
    for number in range(n_pages):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as above
            try:
                image.seek(number)
                check_pixels(image, member)
                n_pixels += image.width * image.height
                _check_total(n_pixels, member)
                page = _make_square(_to_page(_turn(image, exif), member), image)
            except DatasetError:
                raise
            except Exception as error:  # Pillow's decoders raise many kinds of exceptions
                where = _at_page(name, number) if n_pages > 1 else name
                raise DatasetError("damaged_image", where=where) from error
        yield page


def _read(file: str | PathLike[str] | BinaryIO) -> tuple[str, bytes]:
    if not isinstance(file, str | PathLike):
        name, content = str(getattr(file, "name", "image")), file.read(MAX_FILE + 1)
    else:
        name = os.fsdecode(file)
        try:
            with open(file, "rb") as opened:
                content = opened.read(MAX_FILE + 1)
        except OSError as error:
            raise DatasetError("unreadable", where=name, reason=error.strerror) from error
    if len(content) > MAX_FILE:
        raise DatasetError("file_too_large", where=name, limit=MAX_FILE)
    return name, content


def _at_page(name: str, number: int) -> Phrase:
    return Phrase("data.error.at_page", {"where": name, "page": number + 1})


def _check_total(n_pixels: int, member: Member) -> None:
    allowed = max(FREE_PIXELS, MAX_RATIO * member.size)
    if n_pixels > allowed:
        raise DatasetError("pages_too_large", where=member.where, limit=allowed, packed=member.size)


def _turn(image: "Image.Image", exif: bool | str) -> "Image.Image":
    from PIL import ExifTags, ImageOps

    if not exif:
        return image
    orientation = image.getexif().get(ExifTags.Base.Orientation)
    if orientation not in range(2, 9):
        return image
    upright = image.width < image.height < PHOTO * image.width
    if exif == "auto" and orientation in QUARTER_TURNS and upright:
        return image
    return ImageOps.exif_transpose(image)


def _to_page(image: "Image.Image", member: Member) -> Array:
    """Return an image as uint8, in grey levels or RGB."""
    from PIL import Image

    if image.mode in DEEP or image.mode == "I":
        deep = np.asarray(image).astype(np.int64)
        if deep.min() < 0 or deep.max() > 65535:
            raise DatasetError("too_deep_pixels", where=member.where)
        return (deep // 257).astype(np.uint8)
    if image.mode == "F":
        raise DatasetError("too_deep_pixels", where=member.where)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    if image.mode in ("1", "L", "LA"):
        return np.asarray(image.convert("L"))
    return np.asarray(image.convert("RGB"))


def _make_square(page: Array, image: "Image.Image") -> Array:
    """Return a page with square pixels; `image` has the resolutions of the page as stored."""
    from PIL import Image

    if image.format != "TIFF":
        return page
    across, down = map(float, image.info.get("dpi", (1, 1)))
    if not (0 < across < np.inf and 0 < down < np.inf):
        return page
    height, width = page.shape[:2]
    if (width, height) != image.size:  # rotated by a quarter turn
        across, down = down, across
    ratio = across / down
    if not FAX < max(ratio, 1 / ratio) < MAX_FAX or MAX_FAX * width * height > MAX_PIXELS:
        return page
    size = (round(width * max(1, 1 / ratio)), round(height * max(1, ratio)))
    return np.asarray(Image.fromarray(page).resize(size))


def _render(content: bytes, name: str) -> Iterator[Array]:
    """Render the pages of a PDF."""
    try:
        import pypdfium2
    except ImportError as error:
        raise ImportError(
            f"{name}: reading PDF files needs pypdfium2: pip install 'skmnist[pdf]'"
        ) from error

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise DatasetError("not_a_pdf", where=name) from error
    try:
        for number in range(len(document)):
            try:
                page = document[number]
                width, height = page.get_size()
                scale = DPI / POINTS
                if width * height * scale**2 > MAX_PIXELS:  # a poster
                    scale = float(np.sqrt(MAX_PIXELS / (width * height)))
                bitmap = page.render(scale=scale, rev_byteorder=True)
                pixels = bitmap.to_numpy()[..., :3].copy()
            except pypdfium2.PdfiumError as error:
                raise DatasetError("not_rendered", where=_at_page(name, number)) from error
            yield pixels[..., 0] if pixels.shape[2] == 1 else pixels
    finally:
        document.close()
