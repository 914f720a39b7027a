"""A comparison as an HTML page, and as a snippet for notebooks."""

import base64
import hashlib
import os
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from skmnist import __version__
from skmnist._files import write_whole
from skmnist.comparison import ModelComparison
from skmnist.report import _run
from skmnist.report._describe import (
    TERMS,
    describe_comparison,
    describe_recommendation,
    explain,
    tabulate,
)
from skmnist.report._pictures import draw_curves
from skmnist.text import Catalogue, get_catalogue, make_printable

if TYPE_CHECKING:
    from jinja2 import Environment


def make_page(
    comparison: ModelComparison,
    *,
    language: str = "en",
    data: str | None = None,
    command: str | None = None,
    training_data: tuple[Any, Any] | None = None,
    interrupted: bool = False,
) -> str:
    """Return a comparison as one HTML page that needs no other file and no network.

    What comes from data (names, labels, parameters) is text, whatever it holds: it is escaped,
    control characters are shown as such, and the page's Content-Security-Policy allows no
    script and no request.

    Parameters
    ----------
    comparison : ModelComparison
        What the page tells.
    language : {"en", "de"}, default="en"
    data : str, default=None
        What the data are called.
    command : str, default=None
        The command line that gives this comparison, for those who want to repeat it.
    training_data : tuple of X and y, default=None
        The training rows and labels, which a comparison does not keep; the page has their
        checksum.
    interrupted : bool, default=False
        Whether the run ended before all models were finished; then none is recommended.

    Returns
    -------
    page : str

    Raises
    ------
    ValueError
        There is no such language.
    """
    say = get_catalogue(language)
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
        curves=draw_curves(comparison, say),
        checksums=_make_checksums(
            say, training=training_data, test=(comparison.X_test, comparison.y_test)
        ),
        written=say("page.written", date=date.today().isoformat(), version=__version__),
        **describe_comparison(comparison, say, interrupted=interrupted),
    )


def make_parts(comparison: ModelComparison, *, language: str = "en") -> dict[str, str]:
    """Return the parts of the page as HTML to be put into another one that has the same style.

    Parameters
    ----------
    comparison : ModelComparison
        What the page tells.
    language : {"en", "de"}, default="en"

    Returns
    -------
    parts : dict of str to str
        "analysis" and "evaluation" of each model, "table" (the figures side by side),
        "recommendation". Headings begin at the second level.

    Raises
    ------
    ValueError
        There is no such language.
    """
    say = get_catalogue(language)
    told = describe_comparison(comparison, say)

    def render(part: str, **more: Any) -> str:
        return _render(part, say=say, top=2, opened=True, **told, **more)

    parts = {"recommendation": render("lead"), "table": render("table")}
    titles = {
        "analysis": [result.name for result in comparison.results.values()],
        "evaluation": [
            say("cli.report_title", name=result.name, accuracy=result.errors.accuracy)
            for result in comparison.results.values()
        ],
    }
    for part, headings in titles.items():
        parts[part] = "".join(
            Markup("<article><h2>{}</h2>{}</article>").format(
                make_printable(heading), Markup(render(part, model=model))
            )
            for heading, model in zip(headings, told["models"], strict=True)
        )
    return parts


def explain_terms(language: str = "en") -> dict[str, str]:
    """Return what the page explains, as HTML: the theory in short, and what the figures mean.

    Parameters
    ----------
    language : {"en", "de"}, default="en"

    Returns
    -------
    explained : dict of str to str
        "theory" and "meaning".
    """
    say = get_catalogue(language)
    macros: Any = _environment().get_template("macros.html.jinja").make_module({"say": say})
    return {section: macros.explain(explain(section, say)) for section in TERMS}


def make_snippet(comparison: ModelComparison, *, language: str = "en") -> str:
    """Return the recommendation and the table as HTML that a notebook shows in its own look."""
    say = get_catalogue(language)
    return _render(
        "snippet",
        say=say,
        recommendation=describe_recommendation(comparison, say),
        table=tabulate(comparison, say),
    )


def write_page(
    comparison: ModelComparison,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    **options: Any,
) -> None:
    """Write the page of a comparison to a file, whole or not at all.

    Parameters
    ----------
    comparison : ModelComparison
        What the page tells.
    path : path-like
        The file.
    overwrite : bool, default=False
        Whether a file that is there already is replaced.
    **options
        As for :func:`make_page`.

    Raises
    ------
    FileExistsError
        The file is there, and `overwrite` is False.
    OSError
        The file cannot be written there.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"path='{path}' is a folder; name a file in it, such as out.html.")
    if path.is_file() and not overwrite:
        raise FileExistsError(f"path='{path}' exists already; pass overwrite=True to replace it.")
    if not path.resolve().parent.is_dir():
        raise FileNotFoundError(
            f"path='{path}' lies in a folder that does not exist; create '{path.parent}' first."
        )
    if not os.access(path.resolve().parent, os.W_OK):
        raise PermissionError(
            f"path='{path}' lies in a folder that you may not write to; choose another one."
        )
    write_whole(path, make_page(comparison, **options))


def _make_checksums(say: Catalogue, **parts: tuple[Any, Any] | None) -> dict[str, str]:
    """Return the checksum of each part of the data that is known."""
    return {
        say(f"page.checksum_{name}"): _run.make_checksum(*part)
        for name, part in parts.items()
        # a sparse matrix has no one order of its bytes
        if part is not None
        and not any(array is None or hasattr(array, "toarray") for array in part)
    }


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
