"""Fields of forms, laid together from scans of single digits by one writer."""

import numpy as np
from scipy import ndimage

from skmnist.datasets import load_mnist

KINDS = ("boxes", "apart", "comb", "trays", "bare", "ruled", "touching", "coloured")


def cut_out(scan):
    """Return the ink of a scan in [0, 1], without the paper around it; grey or colour."""
    levels = np.asarray(scan, dtype=np.float32) / 255
    levels = levels[..., None] if levels.ndim == 2 else levels[..., :3]
    dark = 1 - levels
    strokes = dark.max(axis=2) > 0.25 * dark.max()
    labels, _ = ndimage.label(strokes, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel())[1:]
    strokes = np.isin(labels, 1 + np.flatnonzero(sizes > 0.05 * sizes.max()))
    rows, columns = np.flatnonzero(strokes.any(1)), np.flatnonzero(strokes.any(0))
    near = ndimage.binary_dilation(strokes, iterations=2)
    dark = dark * near[..., None]
    return dark[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def as_scan(mnist, scale=3):
    """Return an image of MNIST as dark ink on white paper, enlarged."""
    return 255 - ndimage.zoom(np.asarray(mnist, dtype=np.float32), scale, order=1).astype(np.uint8)


def load_scans():
    """Return one digit of MNIST of each class, as if scanned."""
    mnist = load_mnist(n_train=200, random_state=0)
    images, y = np.asarray(mnist.X_train).reshape(-1, 28, 28), np.asarray(mnist.y_train)
    return [as_scan(images[np.flatnonzero(y.astype(int) == digit)[1]]) for digit in range(10)]


def _lay(page, ink, top, left):
    height, width = ink.shape[:2]
    page[top : top + height, left : left + width] = np.maximum(
        page[top : top + height, left : left + width], ink
    )


def _closest(before, after):
    """Return how far `after` can move left until its ink touches that of `before`."""
    rows = min(len(before), len(after))
    a, b = (ink[-rows:].max(axis=2) > 0.3 for ink in (before, after))
    right = np.where(a.any(1), a.shape[1] - a[:, ::-1].argmax(1), -1000)
    left = np.where(b.any(1), b.argmax(1), 1000)
    return int((a.shape[1] - right + left).min())


def draw_sign(sign, pen, tall, rng):
    """Return the ink of a sign in [0, 1], and how far its lower end is above the baseline.

    Points are 1 to 2.5 times as wide as the strokes of the digits, lines as wide as these.
    """
    dot, line = rng.uniform(1, 2.5) * pen, rng.uniform(0.9, 1.2) * pen
    width, height, foot, strokes = dot, dot, rng.uniform(-0.1, 0.05) * tall, []
    if sign == ".":
        strokes = [(0, 0, 0, 0, dot)]
    elif sign in ",'":
        long, slim = rng.uniform(1.2, 2.5) * pen, 0.7 * dot
        strokes = [(0, 0, 0, 0, dot), (0, 0, -0.4 * long, long, slim)]
        foot = 0.8 * tall if sign == "'" else -rng.uniform(0.5, 1) * long
    elif sign == "-":
        strokes = [(0, 0, rng.uniform(0.25, 0.5) * tall, rng.uniform(-0.04, 0.04) * tall, line)]
        foot = rng.uniform(0.3, 0.55) * tall
    elif sign == ":":
        apart = max(2 * dot, rng.uniform(0.35, 0.5) * tall)
        strokes = [(0, 0, 0, 0, dot), (0, apart, 0, apart, dot)]
    elif sign == "/":
        strokes = [(rng.uniform(0.3, 0.45) * tall, 0, 0, rng.uniform(1, 1.2) * tall, line)]
    ends = np.array([end for *ends, wide in strokes for end in (ends[:2], ends[2:])])
    reach = max(wide for *_, wide in strokes) / 2 + 1
    corner = ends.min(axis=0) - reach
    width, height = np.ceil(ends.max(axis=0) + reach - corner).astype(int)
    fine = 4
    y, x = (np.indices((height * fine, width * fine)) + 0.5) / fine
    ink = np.zeros(y.shape)
    for x0, y0, x1, y1, wide in strokes:
        along, down = x1 - x0, y1 - y0
        t = ((x + corner[0] - x0) * along + (y + corner[1] - y0) * down) / max(
            along**2 + down**2, 1e-9
        )
        t = t.clip(0, 1)
        away = np.hypot(x + corner[0] - x0 - t * along, y + corner[1] - y0 - t * down)
        ink = np.maximum(ink, away <= wide / 2)
    ink = ink.reshape(height, fine, width, fine).mean(axis=(1, 3))
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return ink.astype(np.float32), round(foot)


def find_pen(ink):
    """Return how wide the strokes of a digit are, and their colour."""
    strokes = ink.max(axis=2) > 0.4 * ink.max()
    rim = strokes & ~ndimage.binary_erosion(strokes)
    colour = np.median(ink[ink.max(axis=2) > 0.7 * ink.max()], axis=0)
    return max(1.5, 2 * strokes.sum() / rim.sum()), colour


def make_field(
    scans,
    kind,
    rng,
    *,
    n_blank=0,
    slant=0.0,
    shading=0.0,
    colour=None,
    noise=0.0,
    signs=None,
    n_specks=0,
):
    """Return a page (height, width, 3), uint8, with the scans in a row of the kind.

    Parameters
    ----------
    scans : list of ndarray
        Dark digits on white.
    kind : str
        One of `KINDS`.
    signs : dict of int to str
        A sign before the digit of this number: one of . , ' - : /
    n_specks : int
        Specks of dust, much smaller than a point.
    n_blank : int
        Empty boxes after the digits.
    slant : float
        Degrees by which the row rises.
    shading : float
        How much darker the paper is on one side.
    """
    inks = [cut_out(scan) for scan in scans]
    inks = [np.repeat(ink, 3, axis=2) if ink.shape[2] == 1 else ink for ink in inks]
    tall = int(np.median([len(ink) for ink in inks]))
    n = len(inks) + n_blank
    boxed = kind in ("boxes", "apart", "comb", "trays", "coloured")
    side = round(max(1.45 * tall, 1.15 * max(ink.shape[1] for ink in inks)))
    wide = round(side * rng.uniform(0.85, 1.05)) if boxed else 0
    wide = max(wide, round(1.1 * max(ink.shape[1] for ink in inks)))
    apart = round(rng.uniform(0.1, 0.4) * side) if kind in ("apart", "trays") else 0
    margin = round(rng.uniform(0.15, 0.6) * tall)
    height = max(side, max(len(ink) for ink in inks) + 4) + 2 * margin
    width = 2 * margin + (
        n * (wide + apart) if boxed else sum(ink.shape[1] for ink in inks) + n * tall
    )
    signs = signs or {}
    pen, ink_colour = np.median([find_pen(ink)[0] for ink in inks]), find_pen(inks[0])[1]
    drawn = {at: draw_sign(sign, pen, tall, rng) for at, sign in signs.items()}
    low = round(0.35 * tall) if signs else 0  # room for what reaches below the baseline
    margin, height, width = margin + low, height + 2 * low, width + 2 * low
    width += 0 if boxed else 2 * len(signs) * tall
    page = np.zeros((height, width, 3), dtype=np.float32)
    guide = {
        None: np.array([1, 1, 1]) * rng.uniform(0.5, 0.95),
        "red": np.array([0.1, 0.55, 0.5]),
        "green": np.array([0.5, 0.15, 0.45]),
    }["red" if kind == "coloured" and colour is None else colour]
    thick = int(rng.integers(1, 4))
    top, bottom = margin, height - margin
    x = margin
    lefts, previous = [], None
    for number, ink in enumerate(inks):
        if boxed:
            left = x + (wide - ink.shape[1]) // 2
            left += int(rng.uniform(-0.4, 0.4) * (wide - ink.shape[1] - 2 * thick - 2))
            y = top + (bottom - top - len(ink)) // 2
            y += int(rng.uniform(-0.3, 0.3) * max(0, bottom - top - len(ink) - 2 * thick - 2))
            x += wide + apart
        else:
            if previous is None:
                left = x
            elif kind == "touching" and rng.random() < 0.5:
                left = x - _closest(previous, ink) - int(rng.integers(1, 4))
            else:
                left = x + max(3, int(rng.uniform(0.08, 0.5) * tall))
            y = bottom - len(ink) - int(rng.uniform(0, 0.15) * tall)
            if kind == "touching":
                y = bottom - len(ink)
            y = max(0, y)
            if number in drawn:
                sign, foot = drawn[number]
                gap = max(2, int(rng.uniform(0.06, 0.25) * tall))
                at = left if previous is None else x + gap
                _lay(page, sign[..., None] * ink_colour, bottom - foot - len(sign), at)
                left = at + sign.shape[1] + max(2, int(rng.uniform(0.06, 0.25) * tall))
            x = left + ink.shape[1]
        _lay(page, ink, y, left)
        lefts.append((left, y, left + ink.shape[1], y + len(ink)))
        previous = ink
    if not boxed:
        page = page[:, : x + margin]
    lines = np.zeros(page.shape[:2], dtype=bool)
    if kind in ("boxes", "coloured"):
        lines[top : top + thick, margin : margin + n * wide + thick] = True
        lines[bottom - thick : bottom, margin : margin + n * wide + thick] = True
        for at in range(n + 1):
            lines[top:bottom, margin + at * wide : margin + at * wide + thick] = True
    elif kind == "apart":
        for at in range(n):
            left = margin + at * (wide + apart)
            lines[top:bottom, left : left + wide] = True
            lines[top + thick : bottom - thick, left + thick : left + wide - thick] = False
    elif kind == "trays":
        for at in range(n):
            left = margin + at * (wide + apart)
            lines[bottom - side // 2 : bottom, left : left + wide] = True
            lines[: bottom - thick, left + thick : left + wide - thick] = False
    elif kind == "comb":
        lines[bottom - thick : bottom, margin : margin + n * wide + thick] = True
        tooth = round(rng.uniform(0.2, 0.6) * side)
        for at in range(n + 1):
            left = margin + at * wide
            lines[bottom - tooth : bottom, left : left + thick] = True
    elif kind == "ruled":
        at = bottom - int(rng.uniform(0, 0.1) * tall) - thick
        lines[at : at + thick, margin // 2 : page.shape[1] - margin // 2] = True
    page = np.maximum(page, lines[..., None] * guide.astype(np.float32))
    if boxed:
        for number, (sign, foot) in drawn.items():  # near the line between two boxes
            middle = margin + number * (wide + apart) - apart // 2
            at = middle - sign.shape[1] // 2 + int(rng.uniform(-0.1, 0.1) * wide)
            base = lefts[min(number, n - n_blank - 1)][3]
            _lay(page, sign[..., None] * ink_colour, base - foot - len(sign), max(0, at))
    for _ in range(n_specks):
        y, x = (int(rng.integers(1, side - 1)) for side in page.shape[:2])
        page[y, x : x + int(rng.integers(1, 3))] += rng.uniform(0.3, 0.9)
        page = page.clip(0, 1)
    if slant:
        page = ndimage.rotate(page, slant, reshape=True, order=1)
    levels = 1 - page
    if shading:
        levels = levels * np.linspace(1 - shading, 1, levels.shape[1])[None, :, None]
    levels = levels * 0.97 + noise * rng.standard_normal(levels.shape)
    return (255 * levels).clip(0, 255).astype(np.uint8)
