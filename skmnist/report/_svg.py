"""Turn what a Display draws into SVG that belongs to the page.

matplotlib writes a file of its own: ids that would repeat in a page with several pictures,
styles that the page's Content-Security-Policy refuses, black ink that a dark page swallows, and
a date. What is left here are elements with plain attributes, and ink in the page's own colour.
"""

import io
import re
import threading
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from skmnist.text import make_printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS, PIXELS = 72, 96  # to the inch, in a figure and on a page
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
    """Let `draw` draw on new axes of so many inches, and return the picture for the page.

    Parameters
    ----------
    draw : callable
        Is given the axes.
    width, height : float
        In inches; a page shows 96 pixels to the inch, or less where it is narrow.
    prefix : str
        What every id in the picture begins with.
    alt : str
        What the picture shows, for those who do not see it.
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
