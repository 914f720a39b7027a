"""Figures for a page: SVG from matplotlib, learning curves during training, and images.

matplotlib's SVG is not suitable for inlining: ids repeat if a page has several figures, the page's
Content-Security-Policy blocks its styles, black is invisible on a dark page, and the SVG contains a
date. `draw_svg` converts it to plain attributes and to the page's text colour.

matplotlib needs 0.2 seconds for a figure, which would slow down training in the same process. So
`sketch_curve`, which is used during training, writes SVG itself, a thousand times faster.
"""

import base64
import io
import re
import threading
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import floor, log10
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from markupsafe import Markup

from skmnist._drawing import BLUE, VERMILION
from skmnist.diagnosis import EpochCurveDisplay
from skmnist.text import Catalogue, make_printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = np.ndarray[Any, Any]

PIXELS = 96  # per inch
WIDTH, HEIGHT = 3.4, 2.3  # inches of a chart, so that it fits on a phone
IMAGE_PIXELS = 64  # longer side of an image
INK = "#000000"
LOOK = {
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.6,
    "legend.fontsize": 8,
    "svg.fonttype": "none",  # text instead of paths, in the page's font
    "svg.hashsalt": "skmnist",  # reproducible ids
    "text.usetex": False,
    "savefig.dpi": 200,  # of rasterized elements
}
# the CSS shorthand `font` is not an SVG attribute
FONT = re.compile(r"font:\s*(?P<weight>\w+\s+)??(?P<size>[\d.]+px)[^;]*")
NO_ATTRIBUTES = {"font-family", "mix-blend-mode"}

_lock = threading.Lock()  # all threads share matplotlib's settings


def draw_svg(
    draw: Callable[["Axes"], Any], *, width: float, height: float, prefix: str, alt: str
) -> Markup:
    """Draw a figure with matplotlib and return it as SVG for a page.

    Parameters
    ----------
    draw : callable
        Called with new axes to draw on.
    width, height : float
        Size in inches, at 96 pixels per inch, or fewer on a narrow page.
    prefix : str
        Prefix of all ids in the figure; must be unique on a page.
    alt : str
        Text alternative for screen readers.

    Returns
    -------
    svg : markupsafe.Markup

    Examples
    --------
    >>> from skmnist.report import draw_svg
    >>> svg = draw_svg(lambda ax: ax.plot([1, 2]), width=3, height=2, prefix="a-", alt="A line")
    >>> 'aria-label="A line"' in svg
    True
    """
    import matplotlib.style
    from matplotlib.figure import Figure

    with _lock, matplotlib.style.context(["default", LOOK]), warnings.catch_warnings():
        # browsers draw the text with their own fonts
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure.add_subplot())
        file = io.BytesIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    root = ET.fromstring(file.getvalue())
    for parent in list(root.iter()):
        for child in list(parent):
            if _name(child.tag) in {"metadata", "style"}:
                parent.remove(child)
    for element in root.iter():
        _clean(element, prefix)
    _drop_unused_ids(root)
    root.attrib |= {
        "width": str(round(width * PIXELS)),
        "height": str(round(height * PIXELS)),
        "fill": "currentColor",
        "stroke-linejoin": "round",
        "role": "img",
        "aria-label": make_printable(alt),
    }
    root.attrib.pop("version", None)
    return Markup(ET.tostring(root, encoding="unicode"))


def _clean(element: ET.Element, prefix: str) -> None:
    element.tag = _name(element.tag)
    attributes = {_name(name): value for name, value in element.attrib.items()}
    element.attrib.clear()
    style = FONT.sub(r"font-weight: \g<weight>; font-size: \g<size>", attributes.pop("style", ""))
    for declaration in style.split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if value and name not in NO_ATTRIBUTES:
            attributes[name] = value
    # drop whitespace between elements
    element.text, element.tail = ((t or "").strip() or None for t in (element.text, element.tail))
    for name, value in attributes.items():
        if value == INK:
            value = "currentColor"
        if name == "id":
            value = prefix + value
        elif name == "href" and value.startswith("#"):
            value = f"#{prefix}{value[1:]}"
        element.set(name, value.replace("url(#", f"url(#{prefix}"))


def _drop_unused_ids(root: ET.Element) -> None:
    used = re.compile(r"url\(#(.+?)\)|^#(.+)$")
    values = [value for element in root.iter() for value in element.attrib.values()]
    referred = {found[1] or found[2] for value in values if (found := used.search(value))}
    for element in root.iter():
        if element.get("id", "") not in referred:
            element.attrib.pop("id", None)


def _name(tag: str) -> str:
    """Drop the namespace, which HTML does not need."""
    return tag.rpartition("}")[2]


# same size as the figure that replaces it after training
SKETCH_WIDTH, SKETCH_HEIGHT = round(WIDTH * PIXELS), round(HEIGHT * PIXELS)
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 8, 38  # margins
STEPS = [1, 2, 5, 10]  # between ticks, times a power of ten
SMALLEST_RANGE = 0.002  # of an axis
ROUNDING = 1e-9
LINES = (("training", "", BLUE, "none"), ("validation", "val_", VERMILION, "6 3"))


def sketch_curve(frame: pd.DataFrame, metric: str, say: Catalogue, *, alt: str) -> Markup:
    """Draw the learning curve of a network during training.

    Parameters
    ----------
    frame : DataFrame
        One row per epoch (at least one), with the column given by `metric` and, if known, the
        column with the same name and the prefix ``val_``.
    metric : {"accuracy", "loss"}
        Column to plot.
    say : Catalogue
        Texts and number formats of the language.
    alt : str
        Text alternative for screen readers.

    Returns
    -------
    svg : markupsafe.Markup

    Examples
    --------
    >>> import pandas as pd
    >>> from skmnist.report import sketch_curve
    >>> from skmnist.text import get_catalogue
    >>> frame = pd.DataFrame({"loss": [0.9, 0.5]}, index=[1, 2])
    >>> sketch_curve(frame, "loss", get_catalogue("en"), alt="Loss of NN").startswith("<svg")
    True
    """
    lines = [line for line in LINES if line[1] + metric in frame]
    values = np.concatenate([frame[prefix + metric] for _, prefix, _, _ in lines])
    values = values[np.isfinite(values)]
    low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
    ticks, form = _find_ticks(low, high, metric)
    low, high = ticks[0], ticks[-1]
    parts = [_draw_axes(ticks, form, len(frame), say)]
    for at, (name, prefix, colour, dash) in enumerate(lines):
        points = " ".join(
            f"{_x(i, len(frame)):.1f},{_y(value, low, high):.1f}"
            for i, value in enumerate(frame[prefix + metric])
            if np.isfinite(value)
        )
        if " " not in points:
            points = f"{points} {points}"  # one point is drawn as a dot
        look = Markup(
            'stroke="{}" stroke-width="2" stroke-dasharray="{}" stroke-linecap="round" fill="none"'
        )
        look = look.format(colour, dash)
        # legend below a curve that rises (accuracy), above one that falls (loss)
        y = SKETCH_HEIGHT - BOTTOM - 32 + 16 * at if metric == "accuracy" else TOP + 10 + 16 * at
        parts.append(
            Markup(
                '<polyline points="{}" {}/><path d="M{} {}h26" {}/><text x="{}" y="{}">{}</text>'
            ).format(points, look, 200, y, look, 232, y + 4, say(f"plot.{name}"))
        )
    return Markup(
        '<svg viewBox="0 0 {} {}" width="{}" height="{}" fill="currentColor" font-size="11" '
        'role="img" aria-label="{}">{}</svg>'
    ).format(SKETCH_WIDTH, SKETCH_HEIGHT, SKETCH_WIDTH, SKETCH_HEIGHT, alt, Markup("").join(parts))


def _find_ticks(low: float, high: float, metric: str) -> tuple[Array, str]:
    """Return round values that enclose the range, and their format; an accuracy is at most 1."""
    from matplotlib.ticker import MaxNLocator

    if high - low < SMALLEST_RANGE:
        low, high = low - SMALLEST_RANGE / 2, high + SMALLEST_RANGE / 2
    ticks = np.asarray(MaxNLocator(nbins=4, steps=STEPS).tick_values(low, high))
    n_decimals = max(0, -floor(log10(ticks[1] - ticks[0]) + ROUNDING))
    if metric != "accuracy":
        return ticks, f"{{:.{n_decimals}f}}"
    return ticks[ticks < 1 + ROUNDING], f"{{:.{max(0, n_decimals - 2)}%}}"


def _draw_axes(ticks: Array, form: str, n: int, say: Catalogue) -> Markup:
    low, high = ticks[0], ticks[-1]
    bottom, right = SKETCH_HEIGHT - BOTTOM, SKETCH_WIDTH - RIGHT
    axes = Markup(
        '<path d="M{0} {1}V{2}H{3}" fill="none" stroke="currentColor"/>'
        '<text x="{4}" y="{5}" text-anchor="middle">{6}</text>'
    ).format(LEFT, TOP, bottom, right, (LEFT + right) / 2, SKETCH_HEIGHT - 6, say("plot.epoch"))
    for value in ticks:
        axes += Markup(
            '<path d="M{0} {1:.1f}h-4M{0} {1:.1f}H{2}" stroke="currentColor" opacity="0.25"/>'
            '<text x="{3}" y="{4:.1f}" text-anchor="end">{5}</text>'
        ).format(
            LEFT,
            _y(value, low, high),
            right,
            LEFT - 7,
            _y(value, low, high) + 4,
            say.format(form, value),
        )
    for epoch in _find_epochs(n):
        axes += Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
            _x(epoch - 1, n), bottom + 15, epoch
        )
    return axes


def _find_epochs(n: int) -> list[int]:
    """Return round epochs, and the first and last, leaving out those whose labels would touch."""
    from matplotlib.ticker import MaxNLocator

    round_ones = MaxNLocator(nbins=5, steps=STEPS, integer=True).tick_values(1, n)
    apart = n / 10
    inner = [int(epoch) for epoch in round_ones if 1 + apart < epoch < n - apart]
    return sorted({1, *inner, n})


def _x(at: int, n: int) -> float:
    return LEFT + 8 + (SKETCH_WIDTH - LEFT - RIGHT - 16) * at / max(1, n - 1)


def _y(value: float, low: float, high: float) -> float:
    return TOP + 6 + (SKETCH_HEIGHT - TOP - BOTTOM - 12) * (high - value) / (high - low)


@dataclass(frozen=True)
class Image:
    """An image as a PNG in a data URI, with size and captions.

    Use :meth:`from_array` to create one.

    Parameters
    ----------
    uri : str
        The image as a ``data:`` URI.
    width, height : int
        Size on the page, in pixels.
    alt : str
        Text alternative for screen readers.
    caption, note : str, default=""
        Text below the image: a caption, and below it a note in smaller print. Empty text is left
        out.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist.report import Image
    >>> image = Image.from_array(np.eye(8), alt="A diagonal")
    >>> image.uri[:22], image.width, image.height
    ('data:image/png;base64,', 64, 64)
    """

    uri: str
    width: int
    height: int
    alt: str
    caption: str = ""
    note: str = ""

    @classmethod
    def from_array(cls, image: Array, *, alt: str, caption: str = "", note: str = "") -> Self:
        """Create an image with dark ink on white paper from values of any range.

        Parameters
        ----------
        image : array-like of shape (height, width)
            The highest finite value becomes black. 0 becomes white, or the lowest value if that is
            below 0. NaN and infinity become white as well. If no value is above the one that
            becomes white, the whole image is white.
        alt, caption, note : str
            As for the class.

        Returns
        -------
        image : Image
        """
        from PIL import Image as Pillow

        values = np.asarray(image, dtype=float)
        finite = np.isfinite(values)
        low = float(values.min(where=finite, initial=0.0))
        values = np.where(finite, values, low)
        high = float(values.max())
        ink = (values - low) / (high - low) if high > low else np.zeros(values.shape)
        pixels = (255 * (1 - ink)).round().astype(np.uint8)
        file = io.BytesIO()
        Pillow.fromarray(pixels).save(file, "png", optimize=True)
        zoom = IMAGE_PIXELS / max(values.shape)
        height, width = (max(1, round(zoom * side)) for side in values.shape)
        data = base64.b64encode(file.getvalue()).decode("ascii")
        return cls(f"data:image/png;base64,{data}", width, height, alt, caption, note)


def show_samples(images: Array, labels: Iterable[Any], say: Catalogue) -> list[Image]:
    """Return images with their labels as captions.

    Parameters
    ----------
    images : array-like of shape (n_images, height, width)
        The images.
    labels : iterable of length n_images
        Labels of the images.
    say : Catalogue
        Texts in the language of the page, for the text alternatives.

    Returns
    -------
    images : list of Image
        One for each image, with its label as the caption and in the text alternative.
    """
    return [
        Image.from_array(image, alt=say("page.sample_alt", label=label), caption=str(label))
        for image, label in zip(images, labels, strict=True)
    ]


def draw_curve(
    name: str,
    frame: pd.DataFrame,
    metric: str,
    say: Catalogue,
    *,
    prefix: str,
    kept_epoch: int | None = None,
    limits: tuple[float, float] | None = None,
) -> tuple[Markup, str]:
    """Draw a learning curve.

    Parameters
    ----------
    name : str
        Name of the model.
    frame : DataFrame
        One row per epoch, indexed from 1, with the column given by `metric` and, if known, the
        column with the same name and the prefix ``val_``.
    metric : {"accuracy", "loss"}
        Column to plot.
    say : Catalogue
        Texts and number formats of the language.
    prefix : str
        Prefix of all ids in the figure; must be unique on a page.
    kept_epoch : int, default=None
        Epoch to mark as the one whose weights were kept. None marks no epoch.
    limits : tuple of float, default=None
        Limits of the vertical axis, so that several curves can share a scale. None fits the axis
        to the values.

    Returns
    -------
    svg : markupsafe.Markup
        The figure, with the text of :func:`describe_curve` as its text alternative.
    caption : str
        A caption with the name of the model.
    """
    display = EpochCurveDisplay(frame, best_epoch=kept_epoch)

    def draw(ax: Any) -> None:
        display.plot(ax, metric=metric, language=say.language)
        if limits is not None:
            ax.set_ylim(*limits)

    alt = describe_curve(name, frame, metric, say)
    svg = draw_svg(draw, width=WIDTH, height=HEIGHT, prefix=prefix, alt=alt)
    return svg, say(f"page.curve_caption_{metric}", name=name)


def describe_curve(name: str, frame: pd.DataFrame, metric: str, say: Catalogue) -> str:
    """Return the text alternative of a learning curve, for screen readers.

    Parameters
    ----------
    name : str
        Name of the model.
    frame : DataFrame
        One row per epoch (at least one), with the column given by `metric` and, if known, the
        column with the same name and the prefix ``val_``.
    metric : {"accuracy", "loss"}
        Column to describe.
    say : Catalogue
        Texts and number formats of the language.

    Returns
    -------
    description : str

    Examples
    --------
    >>> import pandas as pd
    >>> from skmnist.report import describe_curve
    >>> from skmnist.text import get_catalogue
    >>> frame = pd.DataFrame({"loss": [0.9, 0.5]}, index=[1, 2])
    >>> describe_curve("NN", frame, "loss", get_catalogue("en"))
    'Curve of NN: 2 epochs; from 0.900 to 0.500.'
    """
    values = {"name": name, "n_epochs": len(frame)}
    values |= {"first": frame[metric].iloc[0], "last": frame[metric].iloc[-1]}
    if f"val_{metric}" not in frame:
        return say("page.curve_alt_training", **values)
    validation = frame[f"val_{metric}"]
    values |= {"val_first": validation.iloc[0], "val_last": validation.iloc[-1]}
    return say(f"page.curve_alt_{metric}", **values)
