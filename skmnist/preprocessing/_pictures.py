"""Images as people have them, as stacks of levels in [0, 1]."""

from collections.abc import Iterator
from itertools import groupby, islice
from math import prod
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

# What float32 can hold; a full ink of less than the least would divide by zero.
LEAST, MOST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
MAX_SIDE = 400  # pixels; what is larger is made smaller before anything is measured
STACK_SIZE = 2**20  # pixels that are worked on at a time
MOSTLY = 0.5  # of an image: strokes cover less, a cut-out of paper covers more
CONTRAST = 0.1  # of the range, between paper and ink


def is_picture(image: Any) -> bool:
    """Say whether this is an image of Pillow, which need not be imported to know."""
    return hasattr(image, "getbands") and hasattr(image, "convert")


def as_images(X: Any) -> Any:
    """Return an array of images, a list of them where sizes may differ, or None for rows."""
    if is_picture(X):
        raise ValueError("X is a single image, expected several: pass a list, [image].")
    if hasattr(X, "__array__") and not hasattr(X, "shape"):
        X = np.asarray(X)
    if isinstance(X, list | tuple) or _is_array_of_objects(X):
        return list(X) if any(map(_is_image, X)) else None
    if len(getattr(X, "shape", ())) < 3:
        return None
    images = np.asarray(X)
    if images.ndim == 3 and images.shape[2] in (3, 4):
        raise ValueError(
            f"X of shape {images.shape} looks like a single image in colour, expected several: "
            "pass a list, [image]."
        )
    if not len(images):
        raise ValueError(f"Found array with 0 sample(s) (shape={images.shape}).")
    first = as_array(images[0])
    return images.astype(first.dtype) if images.dtype.kind == "O" else images


def _is_array_of_objects(X: Any) -> bool:
    return getattr(X, "dtype", None) == np.dtype(object) and len(X.shape) == 1


def _is_image(image: Any) -> bool:
    if isinstance(image, list | tuple):  # nested lists: rows of rows
        return len(image) > 0 and isinstance(image[0], list | tuple)
    return is_picture(image) or len(getattr(image, "shape", ())) > 1


def as_array(image: Any) -> Array:
    """Return an image, also one of Pillow, as an array (height, width) or with channels."""
    array = _read_picture(image) if is_picture(image) else np.asarray(image)
    if array.ndim not in (2, 3) or (array.ndim == 3 and not 1 <= array.shape[2] <= 4):
        raise ValueError(
            f"Found an image of shape {array.shape}; expected (height, width), or 1 to 4 channels "
            "behind: grey, grey and alpha, RGB, or RGBA."
        )
    if not array.size:
        raise ValueError(f"Found an image of shape {array.shape}, without a pixel.")
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (OverflowError, TypeError, ValueError) as error:
            raise ValueError(f"Found an image of objects that are not numbers: {error}") from error
    if array.dtype.kind not in "buif":
        raise ValueError(
            f"Found an image of dtype {array.dtype}; expected bool, integers or floats."
        )
    return array


def _read_picture(image: Any) -> Array:
    from PIL import ImageOps

    if image.mode.startswith("I"):  # 16 bits, by the names of several versions of Pillow
        array = np.asarray(image)
        if array.min() < 0 or array.max() > 65535:
            raise ValueError(f"Found an image of 32 bits (mode {image.mode!r}); expected 8 or 16.")
        return array.astype(np.uint16)
    image = ImageOps.exif_transpose(image)  # a photo, the way its camera was held
    if image.mode not in ("1", "L", "F"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        image = image.reduce(_shrinkage(image.height, image.width))  # before it takes much memory
    return np.asarray(image)


def stack_images(images: Any) -> Iterator[Array]:
    """Yield neighbours of one shape and dtype together: (n_images, height, width, n_channels)."""
    if isinstance(images, np.ndarray):
        size = max(1, STACK_SIZE // prod(images.shape[1:]))
        stacks: Any = (images[start : start + size] for start in range(0, len(images), size))
    else:
        groups = groupby(map(as_array, images), lambda image: (image.shape, image.dtype))
        stacks = (
            np.stack(some)
            for (shape, _), group in groups
            for some in _batched(group, max(1, STACK_SIZE // prod(shape)))
        )
    for stack in stacks:
        yield stack if stack.ndim == 4 else stack[..., None]


def _batched(images: Iterator[Array], size: int) -> Iterator[list[Array]]:
    while some := list(islice(images, size)):  # TODO(python>=3.12): itertools.batched
        yield some


@np.errstate(under="ignore")
def to_levels(stack: Array, max_value: float | None) -> Array:
    """Scale pixels to float32 in [0, 1] and refuse what is outside.

    Without `max_value`, full brightness is 1 for bool, 65535 for uint16, 1 for an image of floats
    that has nothing above 1, and 255 for all else.
    """
    low, high = stack.min(axis=(1, 2, 3)), stack.max(axis=(1, 2, 3))
    if stack.dtype.kind == "f" and not (np.isfinite(low) & np.isfinite(high)).all():
        raise ValueError("Input X contains NaN or infinity, but a pixel is a number.")
    full: Any = max_value
    if max_value is None:
        full = {"b": 1, "f": np.where(high <= 1, 1, 255)}.get(stack.dtype.kind, 255)
        full = 65535 if stack.dtype.str[1:] == "u2" else full  # in any byte order
    full = np.broadcast_to(np.asarray(full, dtype=np.float64), low.shape)
    bad = (low < 0) | (high > full)
    if bad.any():
        at = int(bad.argmax())
        start = "Negative values in data: X" if low[at] < 0 else "X"
        hint = "set max_value to the value of full brightness"
        if high[at] > MOST:
            hint = "scale such values first, float32 cannot hold them"
        raise ValueError(
            f"{start} has an image with values from {low[at]:g} to {high[at]:g}, but pixels must "
            f"lie in [0, {full[at]:g}]; {hint}."
        )
    scale = np.reciprocal(full).astype(np.float32)
    return np.multiply(stack, scale[:, None, None, None], dtype=np.float32, casting="unsafe")


def lay_on_paper(levels: Array, invert: bool | str) -> Array:
    """Return images without alpha: what is drawn on nothing is its alpha, bright on dark."""
    if levels.shape[3] not in (2, 4):
        return levels
    colours, alpha = levels[..., :-1], levels[..., -1:]
    laid = colours.copy()
    for at in np.flatnonzero(alpha.min(axis=(1, 2, 3)) < 1):
        seen = alpha[at, ..., 0] > 0.5
        visible = colours[at][seen]
        if seen.mean() > MOSTLY and np.ptp(visible, axis=0).max() > CONTRAST:
            paper = np.median(visible, axis=0)  # a cut-out of paper
            laid[at] = paper + (colours[at] - paper) * alpha[at]
        else:
            laid[at] = 1 - alpha[at] if invert is True else alpha[at]
    return laid


def shrink(levels: Array) -> Array:
    """Average squares of pixels, so that no side is longer than `MAX_SIDE`."""
    n, height, width, n_colours = levels.shape
    factor = _shrinkage(height, width)
    if factor == 1:
        return levels
    down, right = min(factor, height), min(factor, width)
    rows, columns = height // down, width // right
    squares = levels[:, : rows * down, : columns * right].reshape(
        n, rows, down, columns, right, n_colours
    )
    return squares.mean(axis=(2, 4))


def _shrinkage(height: int, width: int) -> int:
    return -(-max(height, width) // MAX_SIDE)
