"""Pictures for a page: what matplotlib draws, curves that are still growing, and images.

The SVG that matplotlib writes is a file of its own: its ids would repeat on a page with several
pictures, its styles are refused by the page's Content-Security-Policy, its black ink vanishes on
a dark page, and it has a date. `draw_svg` leaves elements with plain attributes, and ink in the
page's own colour.

A picture by matplotlib takes a fifth of a second of a core, which a training in the same process
needs for itself. While a network trains, `sketch_curve` writes a few lines of SVG instead, in a
thousandth of the time.
"""

import base64
import io
import re
import threading
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from dataclasses import dataclass
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

PIXELS = 96  # to the inch, on a page
WIDTH, HEIGHT = 3.4, 2.3  # inches of a chart: what a phone shows without shrinking the text
IMAGE_PIXELS = 64  # the longer side of a digit on a page
INK = "#000000"
LOOK = {
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.6,
    "legend.fontsize": 8,
    "svg.fonttype": "none",  # text that can be selected, in the page's own font
    "svg.hashsalt": "skmnist",  # the same picture gives the same ids
    "text.usetex": False,
    "savefig.dpi": 200,  # of what is painted cell by cell
}
# `font` stands for a size and a family, and is no attribute; blending is not needed
FONT = re.compile(r"font:\s*(?P<weight>\w+\s+)??(?P<size>[\d.]+px)[^;]*")
NO_ATTRIBUTES = {"font-family", "mix-blend-mode"}

_lock = threading.Lock()  # matplotlib's settings are those of the process, of all threads


def draw_svg(
    draw: Callable[["Axes"], Any], *, width: float, height: float, prefix: str, alt: str
) -> Markup:
    """Draw with matplotlib, and return the picture as SVG for a page.

    Parameters
    ----------
    draw : callable
        Called with new axes to draw on.
    width, height : float
        Size in inches. A page shows 96 pixels to the inch, fewer if it is narrow.
    prefix : str
        Prefix of every id in the picture; use another one for each picture of a page.
    alt : str
        Description of the picture, for people who cannot see it.

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
        # the reader's browser draws the text, with fonts that matplotlib need not have
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
    # line breaks and indents between the elements
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
    """Drop the namespace: in a page, HTML knows what is SVG."""
    return tag.rpartition("}")[2]


# As large as the picture that takes its place when the training has ended.
SKETCH_WIDTH, SKETCH_HEIGHT = round(WIDTH * PIXELS), round(HEIGHT * PIXELS)
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 8, 38  # margins
TICKS = {"accuracy": "{:.1%}", "loss": "{:.2f}"}
LINES = (("training", "", BLUE, "none"), ("validation", "val_", VERMILION, "6 3"))


def sketch_curve(frame: pd.DataFrame, metric: str, say: Catalogue, *, alt: str) -> Markup:
    """Draw the learning curve of a network that is still training.

    Parameters
    ----------
    frame : DataFrame
        A row per epoch, at least one, with the column `metric` and, if known, "val_" + `metric`.
    metric : {"accuracy", "loss"}
        Column to draw.
    say : Catalogue
        Phrases and number signs of the language.
    alt : str
        Description of the picture, for people who cannot see it.

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
    if high - low < 1e-9:
        low, high = low - 0.05, high + 0.05
    parts = [_draw_axes(low, high, len(frame), metric, say)]
    for at, (name, prefix, colour, dash) in enumerate(lines):
        points = " ".join(
            f"{_x(i, len(frame)):.1f},{_y(value, low, high):.1f}"
            for i, value in enumerate(frame[prefix + metric])
            if np.isfinite(value)
        )
        look = Markup('stroke="{}" stroke-width="2" stroke-dasharray="{}" fill="none"')
        look = look.format(colour, dash)
        # where there is room: accuracy rises, and loss falls
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


def _draw_axes(low: float, high: float, n: int, metric: str, say: Catalogue) -> Markup:
    bottom, right = SKETCH_HEIGHT - BOTTOM, SKETCH_WIDTH - RIGHT
    axes = Markup(
        '<path d="M{0} {1}V{2}H{3}" fill="none" stroke="currentColor"/>'
        '<text x="{4}" y="{5}" text-anchor="middle">{6}</text>'
    ).format(LEFT, TOP, bottom, right, (LEFT + right) / 2, SKETCH_HEIGHT - 6, say("plot.epoch"))
    for value in np.linspace(low, high, 4):
        axes += Markup(
            '<path d="M{0} {1:.1f}h-4M{0} {1:.1f}H{2}" stroke="currentColor" opacity="0.25"/>'
            '<text x="{3}" y="{4:.1f}" text-anchor="end">{5}</text>'
        ).format(
            LEFT,
            _y(value, low, high),
            right,
            LEFT - 7,
            _y(value, low, high) + 4,
            say.format(TICKS[metric], value),
        )
    for epoch in sorted({1, (n + 1) // 2, n}):
        axes += Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
            _x(epoch - 1, n), bottom + 15, epoch
        )
    return axes


def _x(at: int, n: int) -> float:
    return LEFT + 8 + (SKETCH_WIDTH - LEFT - RIGHT - 16) * at / max(1, n - 1)


def _y(value: float, low: float, high: float) -> float:
    return TOP + 6 + (SKETCH_HEIGHT - TOP - BOTTOM - 12) * (high - value) / (high - low)


@dataclass(frozen=True)
class Image:
    """A digit on a page: a PNG as a data URI, its size, and the text beside it.

    Create it by :meth:`from_array`.

    Parameters
    ----------
    uri : str
        The picture, as a ``data:`` URI.
    width, height : int
        Size on the page, in pixels.
    alt : str
        Description of the picture, for people who cannot see it.
    caption, note : str, default=""
        Text below the picture.

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
        """Turn values of any range into ink on white paper.

        Parameters
        ----------
        image : array-like of shape (height, width)
            The highest value becomes full ink. Values that are not finite become paper.
        alt, caption, note : str
            As for the class.

        Returns
        -------
        image : Image
        """
        from PIL import Image as Pillow

        values = np.nan_to_num(np.asarray(image, dtype=float), posinf=0, neginf=0)
        low, high = min(0.0, float(values.min())), float(values.max())
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
        The label of each.
    say : Catalogue
        Phrases of the language.

    Returns
    -------
    images : list of Image
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
        A row per epoch, indexed from 1, with the column `metric` and, if known,
        "val_" + `metric`.
    metric : {"accuracy", "loss"}
        Column to draw.
    say : Catalogue
        Phrases and number signs of the language.
    prefix : str
        Prefix of every id in the picture; use another one for each picture of a page.
    kept_epoch : int, default=None
        Epoch to mark: the one whose weights were kept.
    limits : tuple of float, default=None
        Ends of the vertical axis, so that several curves can share one scale.

    Returns
    -------
    svg : markupsafe.Markup
    caption : str
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
    """Describe a learning curve in words, for people who cannot see it.

    Parameters
    ----------
    name : str
        Name of the model.
    frame : DataFrame
        A row per epoch, with the column `metric` and, if known, "val_" + `metric`.
    metric : {"accuracy", "loss"}
        Column to describe.
    say : Catalogue
        Phrases and number signs of the language.

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
