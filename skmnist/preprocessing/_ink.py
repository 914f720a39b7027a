"""Ink told from paper, in a stack of images of one size at once."""

from typing import Any

import numpy as np
from scipy import ndimage

Array = np.ndarray[Any, Any]

# Chosen on training images of MNIST, pasted on papers of many kinds.
EVEN_PAPER = 0.02  # of the range: a border that varies less is one level all over
GRID = 48  # points a side on which uneven paper is measured
ABSOLUTE_FITS = 4  # of the surface, which a digit at the border hardly bends
TRIMMED_FITS = 2  # then without what is no paper
PAPER_WIDTH = 2.5  # standard deviations: what is farther from the paper's surface is none
NOISE_WIDTH = 2.0  # standard deviations of noise that are taken off everywhere
QUARTILE = 0.3186  # a quarter of normal noise is smaller than so many standard deviations
FULL = 0.99  # of the range: such ink is as bright as it has to be
STROKE = 0.25  # of the ink's level: where a stroke begins. MNIST's digits fill their boxes so


def find_ink(
    levels: Array, *, invert: bool | str, min_contrast: float, min_part: float
) -> tuple[Array, Array]:
    """Tell ink from paper, and leave specks out.

    Parameters
    ----------
    levels : ndarray of shape (n_images, height, width, n_colours), float32
        In [0, 1].
    invert : bool or "auto"
        True where ink is darker than its paper, False where it is brighter.
    min_contrast : float
        By how much of the range ink differs from its paper at least.
    min_part : float
        Parts with less than this share of the largest part's ink are left out.

    Returns
    -------
    ink : ndarray of shape (n_images, height, width), float32
        0 on paper, 1 for full ink.
    strokes : ndarray of shape (n_images, height, width), bool
        Where the digit is; nowhere in an image without ink.
    """
    ink = _project(levels - _find_paper(levels), invert)
    flat = np.abs(ink).reshape(len(ink), -1)
    noise = (np.quantile(flat, 0.25, axis=1) / QUARTILE).astype(np.float32)[:, None, None]
    ink = np.maximum(ink - NOISE_WIDTH * noise, 0)
    peak = ink.max(axis=(1, 2), keepdims=True)
    smooth = ndimage.uniform_filter(ink, (1, 2, 2)).max(axis=(1, 2), keepdims=True)
    level = np.minimum(peak, 2 * smooth)  # a line one pixel wide is ink, one odd pixel is not
    blank = level < np.maximum(min_contrast, NOISE_WIDTH * noise)
    strokes = _drop_specks(ink, (ink > STROKE * level) & ~blank, min_part)
    ink[~_widen(strokes)] = 0
    full = np.maximum(smooth, peak - 3 * noise)
    full[(full >= FULL) | (full == 0)] = 1
    return np.minimum(ink / full, 1), strokes


def _find_paper(levels: Array) -> Array:
    """Return the colour of the paper, one for each image or, where it is uneven, each pixel."""
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
    """Fit a quadratic surface to what is most of an image, beginning near a level of paper."""
    n, height, width, n_colours = levels.shape
    step = -(-max(height, width) // GRID)
    rows, columns = np.arange(0, height, step), np.arange(0, width, step)
    points = levels[:, rows][:, :, columns].reshape(n, -1, n_colours)
    basis = _make_basis(rows / height, columns / width)
    products = (basis[:, :, None] * basis[:, None]).reshape(len(basis), -1)
    ridge = 1e-4 * np.eye(6, dtype=np.float32)
    distances = np.abs(points - paper.reshape(n, 1, n_colours)).max(axis=2)
    for fit in range(ABSOLUTE_FITS + TRIMMED_FITS):
        if fit < ABSOLUTE_FITS:  # so weighted, squares add up to the sum of the distances
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
    """Return the six terms of a quadratic at each point of a grid."""
    y, x = (a.ravel() for a in np.meshgrid(2 * y - 1, 2 * x - 1, indexing="ij"))
    return np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=1).astype(np.float32)


def _project(difference: Array, invert: bool | str) -> Array:
    """Return how far each pixel lies from the paper in the direction of the ink's colour."""
    allowed = difference
    if invert != "auto":
        allowed = np.minimum(difference, 0) if invert else np.maximum(difference, 0)
    weights = np.einsum("nhwc,nhwc->nhw", allowed, allowed)
    direction = np.einsum("nhwc,nhw->nc", allowed, weights)  # what differs most decides
    length = np.sqrt((direction**2).sum(axis=1, keepdims=True))
    direction = np.divide(direction, length, out=np.zeros_like(direction), where=length > 0)
    direction *= np.abs(direction).max(axis=1, keepdims=True)  # to count the channel with most
    return np.einsum("nhwc,nc->nhw", difference, direction)


def _widen(strokes: Array) -> Array:
    reach = 2 + max(strokes.shape[1:]) // 56  # as wide as the faint edge of a stroke may be
    width = 2 * reach + 1
    return ndimage.maximum_filter(strokes, (1, width, width))


def _drop_specks(ink: Array, strokes: Array, min_part: float) -> Array:
    touching = np.zeros((3, 3, 3), dtype=bool)
    touching[1] = True  # within an image, never from one to the next
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
