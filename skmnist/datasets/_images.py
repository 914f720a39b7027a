"""Image files, a folder for each class."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from skmnist.datasets._bunch import Note
from skmnist.datasets._members import MAX_BYTES, MAX_RATIO, Budget, DatasetError, Member, shorten

if TYPE_CHECKING:
    from PIL import Image

Array = np.ndarray[Any, Any]

FORMATS = ("PNG", "JPEG", "BMP", "TIFF")  # what Pillow may try: its other decoders stay shut
MAX_PIXELS = 50_000_000  # of one image, before it is decoded; a telephone's photo has 12 to 48
MAX_FILE = 256 << 20  # bytes of one image file
# White paper packs a thousand to one: of pixels, so many may come of however few bytes.
FREE_PIXELS = 512 << 20
DEFAULT_SHAPE = (28, 28)  # MNIST's, where the images have several sizes and none was asked for
# Modes of grey levels in 16 bits; PNG has them as "I" in older versions of Pillow.
DEEP = ("I;16", "I;16L", "I;16B", "I;16N")


class _SizesDifferError(Exception):
    """Images are not all of the first one's size, and have to be resized."""


@dataclass
class _Findings:
    """What was done to images, and to how many."""

    n_pixels: int = 0  # that were decoded
    counts: Counter[str] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)


def read_images(
    parts: Mapping[Any, Sequence[Member]],
    *,
    image_shape: tuple[int, int] | None,
) -> tuple[dict[Any, Array], list[Note]]:
    """Decode the images of each part to grey levels.

    Parameters
    ----------
    parts : dict of role to list of Member
    image_shape : tuple of int or None
        Height and width that images are resized to. None leaves them as they are where they
        share one size, and takes 28 x 28 where they do not.

    Returns
    -------
    arrays : dict of role to ndarray of shape (n_images, height, width)
        uint8, or uint16 where all files have 16 bits.
    notes : list of Note
        What was done to images on the way.

    Raises
    ------
    DatasetError
        An image is damaged, too large, animated, or not of the formats above.
    """
    findings = _Findings()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of odd metadata; what matters is refused
        try:
            arrays = _read_parts(parts, image_shape, findings)
        except _SizesDifferError:
            image_shape, findings = DEFAULT_SHAPE, _Findings()
            budget = next(iter(parts.values()))[0].budget
            budget.begin(budget.total)  # all of them are read again
            arrays = _read_parts(parts, image_shape, findings)
    return arrays, _tell(findings, image_shape)


def read_image(content: bytes, name: str) -> Array:
    """Decode one image file to grey levels, as those of a data set are.

    Parameters
    ----------
    content : bytes
    name : str
        What the file is called in a message.

    Returns
    -------
    image : ndarray of shape (height, width), uint8 or uint16

    Raises
    ------
    DatasetError
        As for :func:`read_images`.
    """
    budget = Budget(len(content))
    member = Member(name, "", len(content), "image", budget, partial(BytesIO, content))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        return _read_image(member, None, _Findings())


def _read_parts(
    parts: Mapping[Any, Sequence[Member]],
    image_shape: tuple[int, int] | None,
    findings: _Findings,
) -> dict[Any, Array]:
    first: Array | None = None
    arrays: dict[Any, Array] = {}
    n_images = sum(map(len, parts.values()))
    for role, members in parts.items():
        for at, member in enumerate(members):
            image = _read_image(member, image_shape, findings)
            if first is None:
                first = image
            if image.shape != first.shape:
                raise _SizesDifferError
            if image.dtype != first.dtype:
                raise DatasetError(
                    f"{member.where}: has {image.itemsize * 8} bits per pixel and others have "
                    f"{first.itemsize * 8}, expected one depth"
                )
            if not arrays:
                _check_size(n_images, image, member)
            if role not in arrays:
                arrays[role] = np.empty((len(members), *image.shape), image.dtype)
            arrays[role][at] = image
    return arrays


def _check_size(n_images: int, image: Array, member: Member) -> None:
    """Raise if all images together take too much memory."""
    n_bytes = n_images * image.nbytes
    allowed = min(MAX_BYTES, max(FREE_PIXELS, MAX_RATIO * member.budget.packed))
    if n_bytes > allowed:
        raise DatasetError(
            f"{member.source}: {n_images:,} images of {image.shape[0]} x {image.shape[1]} pixels "
            f"take {n_bytes:,} bytes, the most allowed are {allowed:,}; pass image_shape=(28, 28) "
            "to make them smaller"
        )


def _spend_pixels(image: "Image.Image", member: Member, findings: _Findings) -> None:
    """Raise if decoding, however small the images become afterwards, takes too long."""
    findings.n_pixels += image.width * image.height
    packed = member.budget.packed
    if findings.n_pixels > max(FREE_PIXELS, MAX_RATIO * packed):
        raise DatasetError(
            f"{member.where}: makes it {findings.n_pixels:,} pixels that are to be decoded, the "
            f"most allowed are {max(FREE_PIXELS, MAX_RATIO * packed):,} of {packed:,} bytes on "
            "disk; make the images smaller first"
        )


def _read_image(member: Member, image_shape: tuple[int, int] | None, findings: _Findings) -> Array:
    content = member.read(MAX_FILE)
    image = _open_image(content, member)
    _spend_pixels(image, member, findings)
    try:
        grey = _to_grey(_turn(image, findings), content, findings, member)
        array = np.asarray(grey)
        if array.dtype != np.uint8:
            array = array.astype(np.uint16)
        findings.sizes[array.shape] += 1
        if image_shape is not None and array.shape != image_shape:
            array = _resize(array, image_shape)
    except DatasetError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever comes to hand
        raise DatasetError(
            f"{member.where}: is damaged or cut short ({shorten(str(error))})"
        ) from error
    return array


def _open_image(content: bytes, member: Member) -> "Image.Image":
    """Read no more than the header, and refuse what must not be decoded."""
    from PIL import Image

    try:
        image = Image.open(BytesIO(content), formats=FORMATS)
        frames = getattr(image, "is_animated", False) and image.format != "MPO"
    except Image.DecompressionBombError as error:
        raise DatasetError(
            f"{member.where}: has more than {MAX_PIXELS:,} pixels, the most allowed"
        ) from error
    except Exception as error:  # as above: a damaged header is met with any exception
        start = content[:4].hex(" ") or "nothing"
        raise DatasetError(
            f"{member.where}: begins with {start} and is no readable image, expected one of "
            f"{', '.join(FORMATS)}"
        ) from error
    if image.width * image.height > MAX_PIXELS:
        raise DatasetError(
            f"{member.where}: has {image.width} x {image.height} pixels, the most allowed are "
            f"{MAX_PIXELS:,}"
        )
    if frames:  # a photo in the MPO format has a preview behind it
        raise DatasetError(f"{member.where}: holds several frames, expected a single image")
    return image


def _turn(image: "Image.Image", findings: _Findings) -> "Image.Image":
    """Turn a photo the way its camera was held."""
    from PIL import ExifTags, ImageOps

    if "exif" not in image.info and image.format not in ("TIFF", "JPEG", "MPO"):
        return image
    if image.getexif().get(ExifTags.Base.Orientation) not in range(2, 9):
        return image
    findings.counts["rotated"] += 1
    turned = ImageOps.exif_transpose(image)
    turned.format = image.format  # it is a new image, and `_to_grey` asks what it was read from
    return turned


def _to_grey(
    image: "Image.Image", content: bytes, findings: _Findings, member: Member
) -> "Image.Image":
    mode = image.mode
    if mode == "L":
        return image
    if mode == "1":
        return image.convert("L")
    if mode in DEEP or (mode == "I" and image.format == "PNG"):
        findings.counts["deep"] += 1
        return image
    if mode in ("I", "F"):
        raise DatasetError(
            f"{member.where}: has 32 bits per pixel, expected 8 or 16; save it with 8"
        )
    if image.has_transparency_data:
        findings.counts["transparent"] += 1
        return _lay_on_paper(image.convert("RGBA"))
    if mode == "CMYK":
        findings.counts["cmyk"] += 1
        return image.convert("RGB").convert("L")
    findings.counts["colour"] += 1
    if content[24:25] == b"\x10" and image.format == "PNG":
        findings.counts["shallow"] += 1  # Pillow reads 8 of the 16 bits of each colour
    return image.convert("L")


def _lay_on_paper(image: "Image.Image") -> "Image.Image":
    """Lay an image with transparent parts on white, or on black where it would vanish."""
    from PIL import Image

    grey, alpha = image.convert("L"), image.getchannel("A")
    for paper in (255, 0):
        laid = Image.composite(grey, Image.new("L", image.size, paper), alpha)
        low, high = laid.getextrema()
        if low != high:
            break
    return laid


def _resize(array: Array, image_shape: tuple[int, int]) -> Array:
    """Fit an image into another size: its proportions stay, its own background fills the gaps."""
    from PIL import Image, ImageOps

    border = np.concatenate([array[0], array[-1], array[:, 0], array[:, -1]])
    deep = array.dtype != np.uint8
    resized = ImageOps.pad(
        Image.fromarray(array.astype(np.float32) if deep else array),  # Pillow resizes no 16 bits
        image_shape[::-1],
        method=Image.Resampling.BICUBIC,
        color=int(np.median(border)),
    )
    pixels = np.asarray(resized)
    return np.clip(np.rint(pixels), 0, 65535).astype(np.uint16) if deep else pixels


def _tell(findings: _Findings, image_shape: tuple[int, int] | None) -> list[Note]:
    notes = []
    others = [size for size in findings.sizes if size != image_shape]
    if image_shape is not None and others:
        low, high = (f"{h} x {w}" for h, w in (min(findings.sizes), max(findings.sizes)))
        target = f"{image_shape[0]} x {image_shape[1]}"
        n = sum(findings.sizes[size] for size in others)
        values = {"n": n, "low": low, "high": high, "target": target}
        notes.append(Note("resized", values))
    notes += [Note(key, {"n": findings.counts[key]}) for key in sorted(findings.counts)]
    return notes
