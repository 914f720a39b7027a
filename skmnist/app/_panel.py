"""What Streamlit has no element for: the report's HTML, a drawing board, the page's language."""

import base64
import binascii
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import streamlit as st

from skmnist.text import Catalogue

Array = np.ndarray[Any, Any]
BOARD_SIDE = 280  # pixels: ten for each of MNIST's


def show_html(html: str, key: str, *, language: str) -> None:
    """Show HTML in the report's look; what comes from data must be escaped in it."""
    panel = st.components.v2.component(
        "skmnist_panel",
        html='<div class="panel"></div>',
        css=_read("report", "report.css") + _read("app", "panel.css"),
        js=_read("app", "panel.js"),
    )
    panel(key=key, data={"html": str(html), "language": language})


def tend_page(language: str, step: str) -> None:
    """Give the page its look and language, and begin each step at its top."""
    st.html(f"<style>{_read('app', 'look.css')}</style>")
    component = st.components.v2.component("skmnist_page", js=_read("app", "tend.js"))
    component(key="page", data={"language": language, "step": step})


def show_board(say: Catalogue, on_change: Callable[[], None]) -> Array | None:
    """Show a board to draw on; return its ink, None as long as nothing was drawn.

    Parameters
    ----------
    say : Catalogue
    on_change : callable
        Is called when something was drawn, or all of it wiped.

    Returns
    -------
    ink : ndarray of shape (280, 280), uint8, or None
        255 where there is ink.
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
    """Return what the browser sent as ink, None where it is none: anybody may send anything."""
    n_bytes = BOARD_SIDE**2
    if not isinstance(drawing, str) or len(drawing) > 4 * (n_bytes // 3 + 1):
        return None
    try:
        ink = np.frombuffer(base64.b64decode(drawing, validate=True), np.uint8)
    except (binascii.Error, ValueError):
        return None
    return ink.reshape(BOARD_SIDE, BOARD_SIDE) if ink.size == n_bytes and ink.any() else None


@cache
def _read(room: str, name: str) -> str:
    return (files("skmnist") / room / name).read_text(encoding="utf-8")
