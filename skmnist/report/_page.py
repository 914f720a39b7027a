"""Lay out plain values as HTML: a page that needs no other file, its parts, and a snippet.

This module knows no models. Text is escaped wherever it comes from, control characters are shown
as such, and the page's Content-Security-Policy allows no script and no request.
"""

import base64
import hashlib
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from skmnist import __version__
from skmnist.text import Catalogue, get_catalogue, make_printable

if TYPE_CHECKING:
    from jinja2 import Environment

PACKAGES = ("scikit-learn", "scikeras", "tensorflow", "keras", "numpy", "pandas")  # beside Python
TERMS = {
    "meaning": (
        "accuracy",
        "interval",
        "precision",
        "recall",
        "f1",
        "support",
        "confusion",
        "gap",
        "parameters",
        "epochs",
        "loss",
        "confidence",
    ),
    "theory": (
        "neuron",
        "layers",
        "relu",
        "sigmoid",
        "softmax",
        "cross_entropy",
        "sgd",
        "adam",
        "normalisation",
        "overfitting",
    ),
}


@dataclass(frozen=True)
class Table:
    """Cells of text; the first row and the first cell of each row are headings."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def make_page(
    content: Mapping[str, Any],
    say: Catalogue,
    *,
    data: str | None,
    command: str | None,
    training_data: tuple[Any, Any] | None,
    test_data: tuple[Any, Any],
) -> str:
    """Return a whole page; `content` has what the templates name."""
    style = _read("report.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _render(
        "report",
        say=say,
        style=style,
        style_hash=f"sha256-{digest}",
        top=1,
        opened=False,
        data=data,
        command=command,
        checksums=_make_checksums(say, training=training_data, test=test_data),
        meanings=_explain("meaning", say),
        theory=_explain("theory", say) if content["has_networks"] else [],
        versions=_get_versions(),
        machine=f"{platform.system()} {platform.release()}, {platform.machine()}",
        written=say("page.written", date=date.today().isoformat(), version=__version__),
        **content,
    )


def make_parts(content: Mapping[str, Any], say: Catalogue) -> dict[str, str]:
    """Return parts of the page, with headings from the second level on."""

    def render(part: str, **more: Any) -> str:
        return _render(part, say=say, top=2, opened=True, **content, **more)

    parts = {"recommendation": render("lead"), "table": render("table")}
    for part, title in (("analysis", "name"), ("evaluation", "title")):
        parts[part] = "".join(
            Markup("<article><h2>{}</h2>{}</article>").format(
                make_printable(model[title]), Markup(render(part, model=model))
            )
            for model in content["models"]
        )
    return parts


def make_snippet(recommendation: Mapping[str, Any], table: Table, say: Catalogue) -> str:
    """Return a recommendation and a table for a notebook, which has a style of its own."""
    return _render("snippet", say=say, recommendation=recommendation, table=table)


def explain_terms(language: str = "en") -> dict[str, str]:
    """Return the explanations on the page as HTML: the theory in short, and the figures.

    Parameters
    ----------
    language : {"en", "de"}, default="en"
        Language of the explanations.

    Returns
    -------
    explained : dict of str to str
        "theory" and "meaning".

    Examples
    --------
    >>> from skmnist.report import explain_terms
    >>> "<dt>Accuracy</dt>" in explain_terms()["meaning"]
    True
    """
    say = get_catalogue(language)
    macros: Any = _environment().get_template("macros.html.jinja").make_module({"say": say})
    return {section: macros.explain(_explain(section, say)) for section in TERMS}


def check_target(path: Path, *, overwrite: bool) -> None:
    """Raise if a file cannot be written at `path`, or must not be."""
    if path.is_dir():
        raise IsADirectoryError(f"path='{path}' is a folder; name a file in it, such as out.html.")
    if path.is_file() and not overwrite:
        raise FileExistsError(f"path='{path}' exists already; pass overwrite=True to replace it.")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise FileNotFoundError(
            f"path='{path}' lies in a folder that does not exist; create '{path.parent}' first."
        )
    if not os.access(folder, os.W_OK):
        raise PermissionError(
            f"path='{path}' lies in a folder that you may not write to; choose another one."
        )


def _explain(section: str, say: Catalogue) -> list[tuple[str, str]]:
    """Return the terms of a section and their explanations."""
    return [
        (say(f"page.{section}.{name}.term"), say(f"page.{section}.{name}.text"))
        for name in TERMS[section]
    ]


def _get_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide the figures."""
    versions = {"Python": platform.python_version(), "skmnist": __version__}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def _make_checksums(say: Catalogue, **parts: tuple[Any, Any] | None) -> dict[str, str]:
    """Return the checksum of each part of the data that is known."""
    return {
        say(f"page.checksum_{name}"): _make_checksum(*part)
        for name, part in parts.items()
        # a sparse matrix has no one order of its bytes
        if part is not None
        and not any(array is None or hasattr(array, "toarray") for array in part)
    }


def _make_checksum(*arrays: Any) -> str:
    """Return the SHA-256 over the arrays' bytes, in C order and little-endian, labels as text."""
    digest = hashlib.sha256()
    for array in map(np.asarray, arrays):
        if array.dtype.kind not in "biuf":
            array = array.astype(str)
            digest.update("\n".join(array.ravel().tolist()).encode("utf-8", "backslashreplace"))
            continue
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _render(name: str, **values: Any) -> str:
    return _environment().get_template(f"{name}.html.jinja").render(**values)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_read),
        autoescape=True,  # for all, whatever a template is called
        finalize=_make_printable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _make_printable(value: Any) -> Any:
    """Keep control characters, halves of surrogate pairs and the like out of the page."""
    if not isinstance(value, str) or hasattr(value, "__html__"):  # our own pictures are safe
        return value
    return make_printable(str(value))


def _read(name: str) -> str:
    return (files(__name__.rpartition(".")[0]) / name).read_text(encoding="utf-8")
