"""Values as HTML or Markdown; what comes from data stays text in both."""

import re
from collections.abc import Iterable
from typing import Any

from markupsafe import Markup

from skmnist.text import make_printable


def as_text(text: str) -> str:
    r"""Escape what Streamlit would take for Markdown; file names may hold anything.

    Examples
    --------
    >>> from skmnist.app._html import as_text
    >>> print(as_text("a*b*.zip :red[x]"))
    a\*b\*.zip \:red\[x\]
    """
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~$:])", r"\\\1", make_printable(text))


def as_list(sentences: Iterable[str], *, style: str = "") -> Markup:
    """Make an HTML list of sentences."""
    items = Markup("").join(Markup("<li>{}</li>").format(make_printable(s)) for s in sentences)
    return Markup('<ul class="{}">{}</ul>').format(style, items)


def as_paragraphs(sentences: Iterable[str]) -> Markup:
    """Make an HTML paragraph of each sentence."""
    return Markup("").join(Markup("<p>{}</p>").format(make_printable(s)) for s in sentences)


def as_digit(uri: str, *, alt: str, caption: str) -> Markup:
    """Make an HTML figure of an image that a network reads."""
    return Markup(
        '<figure class="digit"><img src="{}" alt="{}"><figcaption>{}</figcaption></figure>'
    ).format(uri, alt, caption)


def as_table(
    head: Iterable[str], rows: Iterable[Iterable[Any]], *, name: str, style: str = ""
) -> Markup:
    """Make an HTML table that scrolls sideways where it is too wide; `name` is for the ear."""

    def cells(form: str, values: Iterable[Any]) -> Markup:
        return Markup("").join(Markup(form).format(make_printable(str(v))) for v in values)

    heads = cells('<th scope="col">{}</th>', head)
    body = Markup("").join(Markup("<tr>{}</tr>").format(cells("<td>{}</td>", row)) for row in rows)
    return Markup(
        '<div class="scroll" tabindex="0" role="region" aria-label="{}"><table class="{}">{}'
        "<tbody>{}</tbody></table></div>"
    ).format(name, style, heads and Markup("<thead><tr>{}</tr></thead>").format(heads), body)
