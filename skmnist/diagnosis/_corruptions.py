"""Change images, at given strengths, in ways that are common when digits are written and scanned.

All changes are applied to the ink: 0 is the background of an image, 1 the other end of the range.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d, grey_dilation, grey_erosion
from scipy.sparse import csr_array
from sklearn.utils import check_random_state

from skmnist.diagnosis._estimator import as_images

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Corruption:
    """A kind of change: its unit, its default strengths, and the range of allowed strengths."""

    unit: str
    strengths: tuple[float, ...]
    low: float
    high: float
    whole: bool = False


CORRUPTIONS = {
    "shift": Corruption("px", (1, 2, 3), 0, 100),
    "rotation": Corruption("degrees", (5, 10, 15, 20), 0, 180),
    "zoom": Corruption("factor", (0.8, 0.9, 1.1, 1.2), 0.1, 10),
    "thinning": Corruption("px", (1,), 0, 100, whole=True),
    "thickening": Corruption("px", (1, 2), 0, 100, whole=True),
    "blur": Corruption("px", (0.5, 1), 0, 100),
    "noise": Corruption("share", (0.1, 0.2, 0.3), 0, 1),
    "contrast": Corruption("factor", (0.75, 0.5), 0, 10),
    "brightness": Corruption("share", (0.1, 0.2), 0, 1),
}
N_DIRECTIONS = 8


@dataclass(frozen=True, eq=False)
class Ink:
    """Images as ink on a background of 0, with the values needed to restore them.

    Parameters
    ----------
    ink : ndarray of float32, shape (n, height, width)
    ground : ndarray of float32, shape (n, 1, 1)
        The background of each image, from 0 to 1.
    high : float
        The highest value of a pixel; the lowest is 0.
    dark : bool
        Whether ink is dark on a light background.
    dtype : dtype
        Dtype of the images.
    """

    ink: Array
    ground: Array
    high: float
    dark: bool
    dtype: Any


def corrupt_images(
    X: Any,
    corruption: str,
    strength: float,
    *,
    image_shape: tuple[int, int] | None = None,
    random_state: Any = None,
) -> Array:
    """Change images by one kind of corruption, for example to look at the effect.

    Parameters
    ----------
    X : array-like of shape (n_samples, height, width) or (n_samples, n_pixels)
        Images. Pixels are from 0 to 255 if the dtype is uint8, otherwise from 0 to the largest
        value in `X`. Ink may be light or dark.
    corruption : str
        One of the following, which also determine the meaning of `strength`:

        - "shift": distance in pixels, in one of eight directions, chosen at random
        - "rotation": degrees, in a random direction
        - "zoom": factor of the size, below or above 1
        - "thinning", "thickening": whole pixels by which strokes become thinner or thicker
        - "blur": standard deviation of a Gaussian filter in pixels
        - "noise": standard deviation of Gaussian noise, as a share of the range
        - "contrast": factor of the distance of each pixel from the mean of its image
        - "brightness": share of the range by which all pixels move from the background towards the
          ink, as if white paper were grey
    strength : float
        Strength of the change, in the unit above.
    image_shape : (height, width), default=None
        Image shape if `X` has rows of pixels; None means square images.
    random_state : int, RandomState instance or None, default=None
        Seed for directions and noise. With the same seed, the direction for an image is the same at
        each strength.

    Returns
    -------
    X_changed : ndarray of the shape and dtype of `X`
        The changed images. Pixels stay within the range described for `X`.

    Raises
    ------
    ValueError
        If the corruption is unknown, the strength is out of range, the image shape is unknown, or
        `X` has NaN, infinite or negative values or is constant.

    References
    ----------
    D. Hendrycks, T. Dietterich: Benchmarking neural network robustness to common corruptions and
    perturbations. ICLR 2019 (contrast, brightness).

    N. Mu, J. Gilmer: MNIST-C: A robustness benchmark for computer vision. 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist.diagnosis import corrupt_images
    >>> image = np.zeros((1, 5, 5), dtype=np.uint8)
    >>> image[0, 1:4, 2] = 255
    >>> corrupt_images(image, "thickening", 2)[0]
    array([[  0, 255, 255, 255,   0],
           [  0, 255, 255, 255,   0],
           [  0, 255, 255, 255,   0],
           [  0, 255, 255, 255,   0],
           [  0, 255, 255, 255,   0]], dtype=uint8)

    >>> corrupt_images(image, "rotate", 10)
    Traceback (most recent call last):
    ValueError: corruption='rotate' is unknown; did you mean 'rotation'?
    """
    if (hint := _suggest(corruption)) is not None:
        raise ValueError(f"corruption={corruption!r} is unknown; {hint}")
    if (rule := _check_strength(strength, CORRUPTIONS[corruption])) is not None:
        raise ValueError(f"strength={strength!r} {rule} for {corruption!r}.")
    X = np.asarray(X)
    images = as_images(X, image_shape)
    high = find_highest(images)
    seed = check_random_state(random_state).randint(2**31)
    return corrupt(take_ink(images, high), corruption, strength, seed).reshape(X.shape)


def check_corruptions(corruptions: Any) -> dict[str, tuple[float, ...]]:
    """Return the strengths by corruption; None, or names alone, select the default strengths."""
    if corruptions is None:
        corruptions = CORRUPTIONS
    elif isinstance(corruptions, str):
        corruptions = [corruptions]
    found = {}
    for name in corruptions:
        if (hint := _suggest(name)) is not None:
            raise ValueError(f"corruptions has {name!r}, which is unknown; {hint}")
        known = CORRUPTIONS[name]
        given = corruptions[name] if isinstance(corruptions, Mapping) else known.strengths
        strengths = (
            known.strengths if isinstance(given, Corruption) else tuple(np.ravel(given).tolist())
        )
        for strength in strengths:
            if (rule := _check_strength(strength, known)) is not None:
                raise ValueError(
                    f"corruptions has {name!r} of strength {strength!r}, which {rule}."
                )
        found[name] = tuple(float(strength) for strength in strengths)
    if not any(found.values()):
        raise ValueError(f"corruptions={corruptions!r} is empty; pass None for all.")
    return found


def _suggest(name: Any) -> str | None:
    """Return what to pass in place of the name of a corruption, or None if it is known."""
    if isinstance(name, str) and name in CORRUPTIONS:
        return None
    close = get_close_matches(str(name), CORRUPTIONS, n=1)
    return f"did you mean {close[0]!r}?" if close else f"pass one of {list(CORRUPTIONS)}."


def _check_strength(strength: Any, known: Corruption) -> str | None:
    """Return the rule that the strength violates, or None if it is valid."""
    number = np.ndim(strength) == 0 and np.asarray(strength).dtype.kind in "iuf"
    if (
        not number
        or not known.low <= strength <= known.high
        or (known.whole and strength != int(strength))
    ):
        kind = "an int" if known.whole else "a number"
        return f"must be {kind} from {known.low:g} to {known.high:g} ({known.unit})"
    return None


def find_highest(images: Array) -> float:
    """Return the highest value that a pixel can have; the lowest is 0.

    Raises
    ------
    ValueError
        If there is no image, the dtype is not numeric, a value is missing, infinite or negative, or
        all values are the same.
    """
    if not images.size:
        raise ValueError(f"X has shape {images.shape}; pass at least one image.")
    if images.dtype.kind not in "buif":
        raise ValueError(
            f"X has dtype {images.dtype}; expected bool, integers or floats, one for each pixel."
        )
    low, high = float(images.min()), float(images.max())
    if not np.isfinite([low, high]).all():
        raise ValueError("X has NaN or infinite values; drop these images or fill the gaps.")
    if low < 0:
        raise ValueError(
            f"X has values from {low:g} to {high:g}, but pixels must not be negative. Pass the "
            "images as they were before scaling, and a Pipeline that scales them."
        )
    if low == high:
        raise ValueError(f"X is constant: all pixels are {low:g}, so there is nothing to change.")
    return 255.0 if images.dtype == np.uint8 else high


def take_ink(images: Array, high: float) -> Ink:
    """Separate images of shape (n, height, width) into ink and background."""
    ink = images.astype(np.float32)
    ink /= np.float32(high)
    border = np.ones(images.shape[1:], dtype=bool)
    border[1:-1, 1:-1] = False
    ground = np.median(ink[:, border], axis=1)[:, None, None]
    dark = bool(np.median(ground) > 0.5)
    if dark:
        ink, ground = 1 - ink, 1 - ground
    return Ink(ink - ground, ground, high, dark, images.dtype)


def corrupt(taken: Ink, name: str, strength: float, seed: int) -> Array:
    """Change the ink and return images, which stay within the range of the pixels."""
    # independent of the strength and of the other corruptions that are measured
    rng = np.random.default_rng([seed, list(CORRUPTIONS).index(name)])
    changed = _change(taken.ink, name, strength, rng) + taken.ground
    changed = changed.clip(0, 1, out=changed)
    if taken.dark:
        changed = 1 - changed
    changed *= np.float32(taken.high)
    if taken.dtype.kind in "biu":
        changed = changed.round(out=changed)
    return changed.astype(taken.dtype)


def _change(ink: Array, name: str, strength: float, rng: np.random.Generator) -> Array:
    """Change images whose background is 0."""
    if name == "shift":
        around = 2 * np.pi * np.arange(N_DIRECTIONS) / N_DIRECTIONS
        shifts = strength * np.stack([np.sin(around), np.cos(around)], axis=1)
        return _each_at_random(ink, shifts, lambda part, by: _move(part, np.eye(2), by), rng)
    if name == "rotation":
        angles = [np.deg2rad(strength), -np.deg2rad(strength)]
        return _each_at_random(ink, angles, lambda part, angle: _move(part, _turn(angle)), rng)
    if name == "zoom":
        return _move(ink, np.eye(2) / strength)
    if name in ("thinning", "thickening"):
        return _change_strokes(
            ink, grey_erosion if name == "thinning" else grey_dilation, int(strength), rng
        )
    if name == "blur":
        along_y, along_x = (
            gaussian_filter1d(np.eye(n, dtype=np.float32), strength, axis=0, mode="constant")
            for n in ink.shape[1:]
        )
        return along_y @ ink @ along_x.T
    if name == "noise":
        return ink + strength * rng.standard_normal(ink.shape, dtype=np.float32)
    if name == "contrast":
        mean = ink.mean(axis=(1, 2), keepdims=True)
        return mean + strength * (ink - mean)
    return ink + strength


def _each_at_random(ink: Array, ways: Any, change: Any, rng: np.random.Generator) -> Array:
    """Change each image in one of several ways, chosen at random and equally often."""
    chosen = rng.permutation(len(ink)) % len(ways)
    changed = np.empty_like(ink)
    for at, way in enumerate(ways):
        changed[chosen == at] = change(ink[chosen == at], way)
    return changed


def _change_strokes(ink: Array, change: Any, by: int, rng: np.random.Generator) -> Array:
    # A box of even width has no middle pixel, so the ink moves by half a pixel, in a random
    # direction.
    middles = [0, -1] if by % 2 else [0]
    ways = [(0, y, x) for y in middles for x in middles]

    def apply(part: Array, origin: Any) -> Array:
        return change(part, size=(1, by + 1, by + 1), origin=origin, mode="constant")

    return _each_at_random(ink, ways, apply, rng)


def _turn(angle: float) -> Array:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _move(ink: Array, matrix: Array, shift: Any = (0, 0)) -> Array:
    """Resample images around their centre, by bilinear interpolation.

    The pixels of all images are weighted sums with the same weights. Multiplying by a sparse matrix
    of these weights is about fifty times as fast as `scipy.ndimage.affine_transform` on each image.
    """
    n, height, width = ink.shape
    centre = np.array([[(height - 1) / 2], [(width - 1) / 2]])
    targets = np.indices((height, width)).reshape(2, -1) - centre
    sources = matrix @ targets + centre - np.reshape(shift, (2, 1))
    sources = sources.round(9)  # so that a shift by whole pixels does not interpolate
    first = np.floor(sources).astype(int)
    weights: list[Array] = []
    rows: list[Array] = []
    columns: list[Array] = []
    for corner in np.indices((2, 2)).reshape(2, -1).T[:, :, None]:
        y, x = first + corner
        weight = np.abs(1 - corner - (sources - first)).prod(axis=0)
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        weights.append(weight[inside])
        rows.append(np.flatnonzero(inside))
        columns.append((y * width + x)[inside])
    size = height * width
    operator = csr_array(
        (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))),
        shape=(size, size),
        dtype=ink.dtype,
    )
    moved: Array = (operator @ ink.reshape(n, size).T).T.reshape(ink.shape)
    return moved
