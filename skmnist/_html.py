"""HTML representations for notebooks, without styles."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from skmnist.text import make_printable


def make_html(title: str, *blocks: str | Sequence[str] | Mapping[str, str]) -> str:
    """Return a bold title, followed by paragraphs, lists and tables. Empty blocks are omitted.

    Examples
    --------
    >>> from skmnist._html import make_html
    >>> make_html("Fit", "Gap < 0.02.", ["one", "two"])
    '<div><p><strong>Fit</strong></p><p>Gap &lt; 0.02.</p><ul><li>one</li><li>two</li></ul></div>'
    """
    parts = [f"<p><strong>{_escape(title)}</strong></p>"]
    for block in filter(None, blocks):
        if isinstance(block, str):
            parts.append(f"<p>{_escape(block)}</p>")
        elif isinstance(block, Mapping):
            rows = (
                f'<tr><th scope="row">{_escape(name)}</th><td>{_escape(value)}</td></tr>'
                for name, value in block.items()
            )
            parts.append(f"<table>{''.join(rows)}</table>")
        else:
            items = (f"<li>{_escape(sentence)}</li>" for sentence in block)
            parts.append(f"<ul>{''.join(items)}</ul>")
    return f"<div>{''.join(parts)}</div>"


def list_entries(entries: Mapping[str, Any]) -> dict[str, str]:
    r"""Describe each entry of a Bunch briefly, arrays by shape and dtype.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist._html import list_entries
    >>> list_entries({"X": np.zeros((2, 3)), "DESCR": "Digits\nfrom here", "notes": [1]})
    {'X': '(2, 3) float64', 'DESCR': 'Digits', 'notes': 'list of length 1'}
    """
    return {str(name): _describe(value) for name, value in entries.items()}


def _describe(value: Any) -> str:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{value.shape} {value.dtype}"
    if isinstance(value, str):
        return value.partition("\n")[0]
    if isinstance(value, Sequence | Mapping):
        return f"{type(value).__name__} of length {len(value)}"
    return type(value).__name__


def _escape(text: str) -> str:
    return escape(make_printable(text))
