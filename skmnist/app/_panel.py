"""Elements that Streamlit lacks: HTML in the style of the report, and a drawing board."""

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import streamlit as st
from markupsafe import Markup

from skmnist.text import Catalogue, make_printable

Array = np.ndarray[Any, Any]
FRAMEWORK = {  # Streamlit's own texts, exactly as it writes them; {} stands for a number
    "upload": "Upload",
    "add_files": "Add files",
    "drop_file": "Drag and drop a file here",
    "drop_files": "Drag and drop files here",
    "megabytes": "{}MB per file",
    "file_kilobytes": "{}KB",
    "file_megabytes": "{}MB",
    "uploading": "Uploading...",
    "not_allowed": "File type not allowed.",
    "take": "Take Photo",
    "discard": "Clear photo",
    "camera": "This app would like to use your camera.",
    "allow": "Learn how to allow access.",
    "apply": "Press Enter to apply",
    "submit": "Press Enter to submit form",
    "running": "Running...",
    "stop": "Stop",
    "stopping": "Stopping...",
    "connecting": "Connecting",
    "print": "Print",
    "record": "Record screen",
    "stop_recording": "Stop recording",
    "light": "Light",
    "dark": "Dark",
}
BOARD_SIDE = 280  # pixels, ten times MNIST's


def as_text(text: str) -> str:
    r"""Escape Markdown, so that Streamlit shows file names and messages unchanged.

    Examples
    --------
    >>> from skmnist.app._panel import as_text
    >>> print(as_text("a*b*.zip :red[x]"))
    a\*b\*.zip \:red\[x\]
    """
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~$:])", r"\\\1", make_printable(text))


def as_list(sentences: Iterable[str], *, style: str = "") -> Markup:
    """Return an HTML list of sentences."""
    items = Markup("").join(Markup("<li>{}</li>").format(make_printable(s)) for s in sentences)
    return Markup('<ul class="{}">{}</ul>').format(style, items)


def as_paragraphs(sentences: Iterable[str]) -> Markup:
    """Return one HTML paragraph per sentence."""
    return Markup("").join(Markup("<p>{}</p>").format(make_printable(s)) for s in sentences)


def as_digit(uri: str, *, alt: str, caption: str) -> Markup:
    """Return an HTML figure with the image of a digit."""
    return Markup(
        '<figure class="digit"><img src="{}" alt="{}"><figcaption>{}</figcaption></figure>'
    ).format(uri, alt, caption)


def as_table(
    head: Iterable[str], rows: Iterable[Iterable[Any]], *, name: str, style: str = ""
) -> Markup:
    """Return an HTML table that scrolls sideways; screen readers read out its `name`."""

    def cells(form: str, values: Iterable[Any]) -> Markup:
        return Markup("").join(Markup(form).format(make_printable(str(v))) for v in values)

    heads = cells('<th scope="col">{}</th>', head)
    body = Markup("").join(Markup("<tr>{}</tr>").format(cells("<td>{}</td>", row)) for row in rows)
    return Markup(
        '<div class="scroll" tabindex="0" role="region" aria-label="{}"><table class="{}">{}'
        "<tbody>{}</tbody></table></div>"
    ).format(name, style, heads and Markup("<thead><tr>{}</tr></thead>").format(heads), body)


def show_html(html: str, key: str, *, language: str) -> None:
    """Show HTML in the style of the report; text from data must be escaped."""
    panel = st.components.v2.component(
        "skmnist_panel",
        html='<div class="panel"></div>',
        css=_read("report", "report.css") + _read("app", "panel.css"),
        js=_read("app", "panel.js"),
    )
    panel(key=key, data={"html": str(html), "language": language})


def tend_page(say: Catalogue, step: str) -> None:
    """Set the style and language of the page, and scroll to the top of a new step.

    Streamlit's own texts, such as those on its buttons, are replaced with the phrases under
    "framework" in the catalogue.
    """
    st.html(f"<style>{_read('app', 'look.css')}</style>")
    component = st.components.v2.component("skmnist_page", js=_read("app", "tend.js"))
    words = [[own, say(f"framework.{name}", n="{}")] for name, own in FRAMEWORK.items()]
    component(key="page", data={"language": say.language, "step": step, "words": words})


def show_board(say: Catalogue, on_change: Callable[[], None]) -> Array | None:
    """Show a drawing board and return the drawing.

    Parameters
    ----------
    say : Catalogue
    on_change : callable
        Called after each change of the drawing.

    Returns
    -------
    ink : ndarray of shape (280, 280), uint8, or None
        255 means ink. None if the board is empty.
    """
    board = st.components.v2.component(
        "skmnist_board",
        html=_read("app", "board.html"),
        css=_read("app", "board.css"),
        js=_read("app", "board.js"),
    )
    texts = {name: say(f"app.draw.{name}") for name in ("board", "board_help", "clear")}
    drawn = board(
        key="board",
        data=texts | {"language": say.language},
        on_drawing_change=on_change,
    )
    return read_board(drawn.drawing)


def read_board(drawing: Any) -> Array | None:
    """Decode the data that the browser sent; return None if it is invalid or blank."""
    n_bytes = BOARD_SIDE**2
    if not isinstance(drawing, str) or len(drawing) > 4 * (n_bytes // 3 + 1):
        return None
    try:
        ink = np.frombuffer(base64.b64decode(drawing, validate=True), np.uint8)
    except (binascii.Error, ValueError):
        return None
    return ink.reshape(BOARD_SIDE, BOARD_SIDE) if ink.size == n_bytes and ink.any() else None


@cache
def _read(subpackage: str, name: str) -> str:
    return (files("skmnist") / subpackage / name).read_text(encoding="utf-8")
