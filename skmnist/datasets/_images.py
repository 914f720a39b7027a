"""Decode image files to grey levels."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from skmnist.datasets._bunch import Note
from skmnist.datasets._formats import recognize_no_image
from skmnist.datasets._members import (
    MAX_BYTES,
    MAX_RATIO,
    Budget,
    DatasetError,
    Member,
    show_bytes,
)
from skmnist.text import Phrase

if TYPE_CHECKING:
    from PIL import Image

Array = np.ndarray[Any, Any]

FORMATS = ("PNG", "JPEG", "BMP", "TIFF")  # Pillow's other decoders are not used, for security
MAX_PIXELS = 50_000_000  # of one image, checked before decoding; phone photos have 12 to 48 million
MAX_FILE = 256 << 20  # bytes of one image file
# This many pixels are always allowed, because blank images compress a thousand to one.
FREE_PIXELS = 512 << 20
DEFAULT_SHAPE = (28, 28)  # as in MNIST, if sizes differ and image_shape is None
# Modes of 16-bit grey levels; older versions of Pillow use "I" for PNG.
DEEP = ("I;16", "I;16L", "I;16B", "I;16N")


class _SizesDifferError(Exception):
    """Raised if images have different sizes and must be resized."""


@dataclass
class _Findings:
    """Sizes of images, and counts of their conversions."""

    n_pixels: int = 0  # decoded so far
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
        Height and width to resize images to. None keeps their size, or resizes to 28 x 28 if
        their sizes differ.

    Returns
    -------
    arrays : dict of role to ndarray of shape (n_images, height, width)
        uint8, or uint16 if all files have 16 bits.
    notes : list of Note
        Conversions of the images.

    Raises
    ------
    DatasetError
        If an image is damaged, too large, animated, or in an unsupported format, or if images have
        different depths.
    """
    findings = _Findings()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow, about unusual metadata
        try:
            arrays = _read_parts(parts, image_shape, findings)
        except _SizesDifferError:
            image_shape, findings = DEFAULT_SHAPE, _Findings()
            budget = next(iter(parts.values()))[0].budget
            budget.begin(budget.total)  # all images are read again
            arrays = _read_parts(parts, image_shape, findings)
    return arrays, _make_notes(findings, image_shape)


def read_image(content: bytes, name: str) -> Array:
    """Decode one image file to grey levels, like the images of a data set.

    Parameters
    ----------
    content : bytes
    name : str
        Name of the file for error messages.

    Returns
    -------
    image : ndarray of shape (height, width), uint8 or uint16

    Raises
    ------
    DatasetError
        As in :func:`read_images`.
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
                    "depths_differ",
                    where=member.where,
                    bits=image.itemsize * 8,
                    others=first.itemsize * 8,
                )
            if not arrays:
                _check_size(n_images, image, member)
            if role not in arrays:
                arrays[role] = np.empty((len(members), *image.shape), image.dtype)
            arrays[role][at] = image
    return arrays


def _check_size(n_images: int, image: Array, member: Member) -> None:
    """Raise if the images take too much memory in total."""
    n_bytes = n_images * image.nbytes
    allowed = min(MAX_BYTES, max(FREE_PIXELS, MAX_RATIO * member.budget.packed))
    if n_bytes > allowed:
        raise DatasetError(
            "images_too_large",
            where=member.source,
            n=n_images,
            height=image.shape[0],
            width=image.shape[1],
            n_bytes=n_bytes,
            limit=allowed,
        )


def _spend_pixels(image: "Image.Image", member: Member, findings: _Findings) -> None:
    """Count the pixels to decode, before any reduction, and raise if there are too many."""
    findings.n_pixels += image.width * image.height
    packed = member.budget.packed
    allowed = max(FREE_PIXELS, MAX_RATIO * packed)
    if findings.n_pixels > allowed:
        raise DatasetError(
            "too_many_pixels_in_all",
            where=member.where,
            n_pixels=findings.n_pixels,
            limit=allowed,
            packed=packed,
        )


def _read_image(member: Member, image_shape: tuple[int, int] | None, findings: _Findings) -> Array:
    content = member.read(MAX_FILE)
    image = open_image(content, member)
    _spend_pixels(image, member, findings)
    try:
        grey = _to_grey(_rotate(image, findings), content, findings, member)
        array = np.asarray(grey)
        if array.dtype != np.uint8:
            array = array.astype(np.uint16)
        findings.sizes[array.shape] += 1
        if image_shape is not None and array.shape != image_shape:
            array = _resize(array, image_shape)
    except DatasetError:
        raise
    except Exception as error:  # Pillow's decoders raise many kinds of exceptions
        raise DatasetError("damaged_image", where=member.where) from error
    return array


def open_image(content: bytes, member: Member, *, several: bool = False) -> "Image.Image":
    """Read the header of an image, and raise if it must not be decoded.

    With `several`, a TIFF may have several pages; only the size of the first is checked.
    """
    from PIL import Image

    if not content:
        raise DatasetError("empty", where=member.where)
    try:
        image = Image.open(BytesIO(content), formats=FORMATS)
        # MPO photos contain a preview
        frames = getattr(image, "is_animated", False) and image.format != "MPO"
    except Image.DecompressionBombError as error:
        raise DatasetError("above_max_pixels", where=member.where, limit=MAX_PIXELS) from error
    except Exception as error:  # as above
        formats = ", ".join([*FORMATS, "PDF"] if several else FORMATS)
        if (name := recognize_no_image(content[:512])) is not None:
            found = Phrase(f"data.error.no_image.{name}")
            raise DatasetError(
                "other_than_image", where=member.where, formats=formats, found=found
            ) from error
        start = show_bytes(content[:4])
        raise DatasetError(
            "not_an_image", where=member.where, start=start, formats=formats
        ) from error
    check_pixels(image, member)
    if frames and not (several and image.format == "TIFF"):
        raise DatasetError("several_frames", where=member.where)
    return image


def check_pixels(image: "Image.Image", member: Member) -> None:
    """Raise if an image has too many pixels to be decoded."""
    if image.width * image.height > MAX_PIXELS:
        raise DatasetError(
            "too_many_pixels",
            where=member.where,
            width=image.width,
            height=image.height,
            limit=MAX_PIXELS,
        )


def _rotate(image: "Image.Image", findings: _Findings) -> "Image.Image":
    """Rotate a photo according to its EXIF orientation."""
    from PIL import ExifTags, ImageOps

    if "exif" not in image.info and image.format not in ("TIFF", "JPEG", "MPO"):
        return image
    if image.getexif().get(ExifTags.Base.Orientation) not in range(2, 9):
        return image
    findings.counts["rotated"] += 1
    rotated = ImageOps.exif_transpose(image)
    rotated.format = image.format  # for `_to_grey`
    return rotated


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
        raise DatasetError("too_deep_pixels", where=member.where)
    if image.has_transparency_data:
        findings.counts["transparent"] += 1
        return remove_alpha(image.convert("RGBA"))
    if mode == "CMYK":
        findings.counts["cmyk"] += 1
        return image.convert("RGB").convert("L")
    findings.counts["colour"] += 1
    if content[24:25] == b"\x10" and image.format == "PNG":
        findings.counts["shallow"] += 1  # Pillow reads only 8 of 16 bits per channel
    return image.convert("L")


def remove_alpha(image: "Image.Image") -> "Image.Image":
    """Put a transparent image on a white background, or on black if white would hide it."""
    from PIL import Image

    grey, alpha = image.convert("L"), image.getchannel("A")
    for paper in (255, 0):
        opaque = Image.composite(grey, Image.new("L", image.size, paper), alpha)
        low, high = opaque.getextrema()
        if low != high:
            break
    return opaque


def _resize(array: Array, image_shape: tuple[int, int]) -> Array:
    """Resize an image, keeping its proportions; margins get the median of its border."""
    from PIL import Image, ImageOps

    border = np.concatenate([array[0], array[-1], array[:, 0], array[:, -1]])
    deep = array.dtype != np.uint8
    resized = ImageOps.pad(
        Image.fromarray(array.astype(np.float32) if deep else array),  # 16 bits are unsupported
        image_shape[::-1],
        method=Image.Resampling.BICUBIC,
        color=int(np.median(border)),
    )
    pixels = np.asarray(resized)
    return np.clip(np.rint(pixels), 0, 65535).astype(np.uint16) if deep else pixels


def _make_notes(findings: _Findings, image_shape: tuple[int, int] | None) -> list[Note]:
    notes = []
    others = [size for size in findings.sizes if size != image_shape]
    if image_shape is not None and others:
        before = dict.fromkeys(f"{h} x {w}" for h, w in (min(others), max(others)))
        target = f"{image_shape[0]} x {image_shape[1]}"
        n = sum(findings.sizes[size] for size in others)
        values = {"n": n, "before": " – ".join(before), "target": target}
        notes.append(Note("resized", values))
    notes += [Note(key, {"n": findings.counts[key]}) for key in sorted(findings.counts)]
    return notes
