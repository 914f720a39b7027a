"""MNIST's digits on papers of many kinds."""

import numpy as np
from PIL import Image


def scale(image, factor):
    side = round(len(image) * factor)
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))


def paste(image, height, width, rng):
    """Put it anywhere on a larger paper."""
    paper = np.zeros((max(height, len(image)), max(width, len(image))), dtype=np.uint8)
    top = rng.integers(len(paper) - len(image) + 1)
    left = rng.integers(paper.shape[1] - len(image) + 1)
    paper[top : top + len(image), left : left + len(image)] = image
    return paper


def shift(image, rng):
    """Move the digit within its 28 x 28 pixels, as far as there is room."""
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    down = rng.integers(-rows[0], len(image) - rows[-1])
    right = rng.integers(-columns[0], image.shape[1] - columns[-1])
    return np.roll(image, (down, right), axis=(0, 1))


def colour(image, rng, contrast=0.4):
    """Draw it in one colour on another, either of them the brighter one."""
    paper = ink = np.zeros(3)
    while np.abs(paper - ink).max() < 255 * contrast:
        paper, ink = rng.uniform(0, 255, (2, 3))
    return np.rint(paper + (ink - paper) * (image[..., None] / 255)).astype(np.uint8)


def write(image, rng, darkness):
    """Write it on light grey paper, larger than MNIST's, with a pen of this darkness."""
    large = paste(scale(image, rng.uniform(1, 4)), *rng.integers(120, 201, 2), rng)
    return np.rint(242 - 255 * darkness * (large / 255)).astype(np.uint8)


def shade(image, rng, depth):
    """Let light fall off from one side to the other."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    angle = rng.uniform(0, 2 * np.pi)
    along = y / len(image) * np.sin(angle) + x / image.shape[1] * np.cos(angle)
    along = (along - along.min()) / np.ptp(along)
    return np.rint(image * (1 - depth * along)).astype(np.uint8)


def add_noise(image, rng, deviation):
    noisy = image + rng.normal(0, 255 * deviation, image.shape)
    return np.rint(noisy.clip(0, 255)).astype(np.uint8)


def paste_all(image, rng, low, high):
    """Scale, paste on larger paper, invert and colour."""
    large = paste(scale(image, rng.uniform(low, high)), *rng.integers(120, 201, 2), rng)
    return colour(large, rng)


# At most one percentage point of accuracy is lost on each of these
PROMISED = {
    "untouched": lambda image, rng: image,
    "shifted": shift,
    "inverted": lambda image, rng: 255 - image,
    "scaled 0.5 to 0.75": lambda image, rng: scale(image, rng.uniform(0.5, 0.75)),
    "scaled 0.75 to 1": lambda image, rng: scale(image, rng.uniform(0.75, 1)),
    "scaled 1 to 4": lambda image, rng: scale(image, rng.uniform(1, 4)),
    "pasted on paper of 60 to 200": lambda image, rng: paste(image, *rng.integers(60, 201, 2), rng),
    "coloured": colour,
    "all, scaled 0.5 to 1": lambda image, rng: paste_all(image, rng, 0.5, 1),
    "all, scaled 1 to 4": lambda image, rng: paste_all(image, rng, 1, 4),
}
# Harder ones, without that promise
HARD = {
    "scaled 4 to 10": lambda image, rng: scale(image, rng.uniform(4, 10)),
    "scaled 0.35 to 0.5": lambda image, rng: scale(image, rng.uniform(0.35, 0.5)),
    "faint pen": lambda image, rng: write(image, rng, 0.2),
    "light falls off by 40%": lambda image, rng: shade(write(image, rng, 0.8), rng, 0.4),
    "faint pen, light falls off by 30%": lambda image, rng: shade(write(image, rng, 0.3), rng, 0.3),
    "noise of 5%": lambda image, rng: add_noise(write(image, rng, 0.8), rng, 0.05),
    "noise of 10%": lambda image, rng: add_noise(write(image, rng, 0.8), rng, 0.1),
    "28 x 28, noise of 10%": lambda image, rng: add_noise(image, rng, 0.1),
    "grey pen, light falls off by 30%, noise of 3%": lambda image, rng: add_noise(
        shade(write(image, rng, 0.45), rng, 0.3), rng, 0.03
    ),
}
