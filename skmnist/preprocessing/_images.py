"""Convert images of any kind to stacks of levels in [0, 1], and separate ink from paper."""

from collections.abc import Iterator
from itertools import groupby, islice
from math import prod
from typing import Any

import numpy as np
from scipy import ndimage

Array = np.ndarray[Any, Any]

# Range of max_value: that of float32 without subnormal numbers, whose reciprocal is infinite.
LEAST, MOST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
MAX_SIDE = 400  # pixels; larger images are reduced first
STACK_SIZE = 2**20  # pixels to process at a time
MOSTLY = 0.5  # share of an image: strokes cover less, a cut-out of paper covers more
CONTRAST = 0.1  # minimum difference between paper and ink, as a share of the range


# Chosen on training images of MNIST, pasted onto many kinds of paper.
EVEN_PAPER = 0.02  # share of the range: a border that varies less counts as one level
GRID = 48  # points per side at which uneven paper is measured
ABSOLUTE_FITS = 4  # fits of the surface by absolute distance, robust to digits at the border
TRIMMED_FITS = 2  # further fits, without pixels that are not paper
PAPER_WIDTH = 2.5  # standard deviations: pixels farther from the surface are not paper
NOISE_WIDTH = 2.0  # standard deviations of noise that are subtracted everywhere
QUARTILE = 0.3186  # lower quartile of the absolute value of standard normal noise
FULL = 0.99  # share of the range: such ink needs no scaling
STROKE = 0.25  # share of full ink where a stroke begins; with 0.25, MNIST's digits fill their boxes


def is_picture(image: Any) -> bool:
    """Return whether this is a Pillow image, without importing Pillow."""
    return hasattr(image, "getbands") and hasattr(image, "convert")


def as_images(X: Any) -> Any:
    """Return an array of images, a list of images if sizes may differ, or None for rows."""
    if is_picture(X):
        raise ValueError("X is a single image, but several are expected: pass a list, [image].")
    if hasattr(X, "__array__") and not hasattr(X, "shape"):
        X = np.asarray(X)
    if isinstance(X, list | tuple) or _is_array_of_objects(X):
        return list(X) if any(map(_is_image, X)) else None
    if len(getattr(X, "shape", ())) < 3:
        return None
    images = np.asarray(X)
    if images.ndim == 3 and images.shape[2] in (3, 4):
        raise ValueError(
            f"X of shape {images.shape} looks like a single image in colour, but several are "
            "expected: pass a list, [image]."
        )
    if not len(images):
        raise ValueError(f"Found array with 0 sample(s) (shape={images.shape}).")
    first = as_array(images[0])
    return images.astype(first.dtype) if images.dtype.kind == "O" else images


def _is_array_of_objects(X: Any) -> bool:
    return getattr(X, "dtype", None) == np.dtype(object) and len(X.shape) == 1


def _is_image(image: Any) -> bool:
    if isinstance(image, list | tuple):  # a nested list
        return len(image) > 0 and isinstance(image[0], list | tuple)
    return is_picture(image) or len(getattr(image, "shape", ())) > 1


def as_array(image: Any) -> Array:
    """Return an array or a Pillow image as an array (height, width[, n_channels])."""
    array = _read_picture(image) if is_picture(image) else np.asarray(image)
    if array.ndim not in (2, 3) or (array.ndim == 3 and not 1 <= array.shape[2] <= 4):
        raise ValueError(
            f"Found an image of shape {array.shape}; expected (height, width), or (height, width, "
            "n_channels) with 1 to 4 channels: grey, grey and alpha, RGB, or RGBA."
        )
    if not array.size:
        raise ValueError(f"Found an image of shape {array.shape}, which has no pixels.")
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

    if image.mode.startswith("I"):  # 16 bits; the name of the mode depends on the version of Pillow
        array = np.asarray(image)
        if array.min() < 0 or array.max() > 65535:
            raise ValueError(f"Found an image of 32 bits (mode {image.mode!r}); expected 8 or 16.")
        return array.astype(np.uint16)
    image = ImageOps.exif_transpose(image)  # rotate a photo the way the camera was held
    if image.mode not in ("1", "L", "F"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        image = image.reduce(_shrinkage(image.height, image.width))  # to save memory
    return np.asarray(image)


def stack_images(images: Any) -> Iterator[Array]:
    """Yield consecutive images of one shape and dtype as (n_images, height, width, n_channels)."""
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
    """Scale pixels to float32 in [0, 1], or raise if they are out of range.

    If `max_value` is None, full brightness is 1 for bool and for floats of at most 1, 65535 for
    uint16, and 255 otherwise.
    """
    low, high = stack.min(axis=(1, 2, 3)), stack.max(axis=(1, 2, 3))
    if stack.dtype.kind == "f" and not (np.isfinite(low) & np.isfinite(high)).all():
        raise ValueError("Input X contains NaN or infinity, but pixels must be finite.")
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
            hint = "scale the values first, because float32 cannot hold them"
        raise ValueError(
            f"{start} has an image with values from {low[at]:g} to {high[at]:g}, but pixels must "
            f"lie in [0, {full[at]:g}]; {hint}."
        )
    scale = np.reciprocal(full).astype(np.float32)
    return np.multiply(stack, scale[:, None, None, None], dtype=np.float32, casting="unsafe")


def lay_on_paper(levels: Array, invert: bool | str) -> Array:
    """Remove any alpha channel; on a transparent canvas, use the alpha of the ink as its level."""
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
    """Average squares of pixels so that no side is longer than `MAX_SIDE`."""
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


def find_ink(
    levels: Array, *, invert: bool | str, min_contrast: float, min_part: float
) -> tuple[Array, Array]:
    """Separate ink from paper and remove specks.

    Parameters
    ----------
    levels : ndarray of shape (n_images, height, width, n_colours), float32
        Levels in [0, 1].
    invert : bool or "auto"
        True if ink is darker than the paper, False if it is brighter, "auto" to detect it.
    min_contrast : float
        Minimum difference between ink and paper, as a share of the range.
    min_part : float
        Parts with less than this share of the ink of the largest part are removed.

    Returns
    -------
    ink : ndarray of shape (n_images, height, width), float32
        0 on paper, 1 for full ink.
    strokes : ndarray of shape (n_images, height, width), bool
        True where the digit is; all False in an image without ink.
    """
    ink = _project(levels - _find_paper(levels), invert)
    flat = np.abs(ink).reshape(len(ink), -1)
    noise = (np.quantile(flat, 0.25, axis=1) / QUARTILE).astype(np.float32)[:, None, None]
    ink = np.maximum(ink - NOISE_WIDTH * noise, 0)
    peak = ink.max(axis=(1, 2), keepdims=True)
    smooth = ndimage.uniform_filter(ink, (1, 2, 2)).max(axis=(1, 2), keepdims=True)
    level = np.minimum(peak, 2 * smooth)  # a line one pixel wide is ink, but a single pixel is not
    blank = level < np.maximum(min_contrast, NOISE_WIDTH * noise)
    strokes = _drop_specks(ink, (ink > STROKE * level) & ~blank, min_part)
    ink[~_widen(strokes)] = 0
    full = np.maximum(smooth, peak - 3 * noise)
    full[(full >= FULL) | (full == 0)] = 1
    return np.minimum(ink / full, 1), strokes


def _find_paper(levels: Array) -> Array:
    """Return the colour of the paper for each image, or for each pixel if it is uneven."""
    edges = [levels[:, 0], levels[:, -1], levels[:, :, 0], levels[:, :, -1]]
    border = np.concatenate(edges, axis=1)
    paper = np.median(border, axis=1)[:, None, None]
    low, high = np.quantile(border, [0.1, 0.9], axis=1)
    uneven = ((high - low) > EVEN_PAPER).any(axis=1)
    if min(levels.shape[1:3]) < 8 or not uneven.any():
        return paper
    surfaces = np.broadcast_to(paper, levels.shape).copy()
    surfaces[uneven] = _fit_surface(levels[uneven], paper[uneven])
    return surfaces


def _fit_surface(levels: Array, paper: Array) -> Array:
    """Fit a quadratic surface to the paper of each image, starting from one colour."""
    n, height, width, n_colours = levels.shape
    step = -(-max(height, width) // GRID)
    rows, columns = np.arange(0, height, step), np.arange(0, width, step)
    points = levels[:, rows][:, :, columns].reshape(n, -1, n_colours)
    basis = _make_basis(rows / height, columns / width)
    products = (basis[:, :, None] * basis[:, None]).reshape(len(basis), -1)
    ridge = 1e-4 * np.eye(6, dtype=np.float32)
    distances = np.abs(points - paper.reshape(n, 1, n_colours)).max(axis=2)
    for fit in range(ABSOLUTE_FITS + TRIMMED_FITS):
        if fit < ABSOLUTE_FITS:  # least squares with these weights minimize the absolute distance
            weights = 1 / np.maximum(distances, EVEN_PAPER)
        else:
            deviation = 1.4826 * np.median(distances, axis=1, keepdims=True)
            near = distances <= np.maximum(PAPER_WIDTH * deviation, EVEN_PAPER)
            weights = near.astype(np.float32)
        left = (weights @ products).reshape(n, 6, 6) + ridge
        surface = np.linalg.solve(left, basis.T @ (weights[..., None] * points))
        distances = np.abs(points - basis @ surface).max(axis=2)
    every = _make_basis(np.arange(height) / height, np.arange(width) / width)
    return (every @ surface).reshape(levels.shape)


def _make_basis(y: Array, x: Array) -> Array:
    """Return the six terms of a quadratic polynomial at each point of a grid."""
    y, x = (a.ravel() for a in np.meshgrid(2 * y - 1, 2 * x - 1, indexing="ij"))
    return np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=1).astype(np.float32)


def _project(difference: Array, invert: bool | str) -> Array:
    """Project the difference from the paper onto the colour of the ink."""
    allowed = difference
    if invert != "auto":
        allowed = np.minimum(difference, 0) if invert else np.maximum(difference, 0)
    weights = np.einsum("nhwc,nhwc->nhw", allowed, allowed)
    direction = np.einsum("nhwc,nhw->nc", allowed, weights)  # dominated by the largest differences
    length = np.sqrt((direction**2).sum(axis=1, keepdims=True))
    direction = np.divide(direction, length, out=np.zeros_like(direction), where=length > 0)
    direction *= np.abs(direction).max(axis=1, keepdims=True)  # to scale by the strongest channel
    return np.einsum("nhwc,nc->nhw", difference, direction)


def _widen(strokes: Array) -> Array:
    reach = 2 + max(strokes.shape[1:]) // 56  # maximum width of the faint edge of a stroke
    for axis in (1, 2):  # shifted arrays take a quarter of the time of a filter
        wide = np.moveaxis(strokes.copy(), axis, 0)
        for step in range(1, reach + 1):
            narrow = np.moveaxis(strokes, axis, 0)
            wide[step:] |= narrow[:-step]
            wide[:-step] |= narrow[step:]
        strokes = np.moveaxis(wide, 0, axis)
    return strokes


def _drop_specks(ink: Array, strokes: Array, min_part: float) -> Array:
    touching = np.zeros((3, 3, 3), dtype=bool)
    touching[1] = True  # parts never extend across images
    parts, n_parts = ndimage.label(strokes, touching)
    if not n_parts:
        return strokes
    mass = np.bincount(parts.ravel(), ink.ravel())
    image_of = np.zeros(n_parts + 1, dtype=np.intp)
    inside = np.nonzero(strokes)
    image_of[parts[inside]] = inside[0]
    mass[0] = 0  # the paper
    largest = np.zeros(len(ink))
    np.maximum.at(largest, image_of, mass)
    keep = mass >= min_part * largest[image_of]
    keep[0] = False
    return keep[parts]
