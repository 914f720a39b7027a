"""Render plain values as a self-contained HTML page, as parts of one, or as a snippet.

All text is escaped, control characters are made visible, and the Content-Security-Policy of the
page forbids scripts and requests.
"""

import base64
import hashlib
import os
import platform
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from markupsafe import Markup

from skmnist import __version__
from skmnist.text import Catalogue, get_catalogue, make_printable

if TYPE_CHECKING:
    from jinja2 import Environment

KEPT = re.compile(r"\([\d.,]+ \w+ [\d.,]+(?=[);% \xa0])|(?<=\d) (?=%)")  # such as (73.6 to 79.5)
PACKAGES = ("scikit-learn", "scikeras", "tensorflow", "keras", "numpy", "pandas")
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
        "work_left",
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
    """A table of text; `head` and the first cell of each row are headings.

    `models` is the axis of the models, if any, so that their ranks can be shown.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    models: Literal["rows", "columns", ""] = ""


def make_page(
    content: Mapping[str, Any],
    say: Catalogue,
    *,
    data: str | None,
    command: str | None,
    model_path: str | None,
    rates: tuple[float, float | None],
    training_data: tuple[Any, Any] | None,
    test_data: tuple[Any, Any],
) -> str:
    """Return a complete page; `content` has the values for the templates.

    `rates` contains the error rate that the figures refer to and, if known, the error rate of the
    saved model.
    """
    style = _read("report.css")
    recommended = content["recommendation"]["model"] is not None
    saved = _describe_saved(say, command, model_path) if recommended else None
    rate, saved_rate = rates
    if saved and saved_rate not in (None, rate):
        own, other = (Fraction(str(each)) for each in (saved_rate, rate))
        figures = {"n_wrong": own.numerator, "n_accepted": own.denominator}
        figures |= {"n_wrong_above": other.numerator, "n_accepted_above": other.denominator}
        saved = *saved, say("page.facts.saved_rate", **figures)
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
        saved=saved,
        checksums=_make_checksums(say, training=training_data, test=test_data),
        meanings=_explain("meaning", say),
        theory=_explain("theory", say) if content["has_networks"] else [],
        versions=_get_versions(),
        machine=f"{platform.system()} {platform.release()}, {platform.machine()}",
        written=say("page.written", date=date.today().isoformat(), version=__version__),
        **content,
    )


def make_parts(content: Mapping[str, Any], say: Catalogue) -> dict[str, str]:
    """Return parts of the page, with headings starting at the second level."""

    def render(part: str, **more: Any) -> str:
        return _render(part, say=say, top=2, opened=True, saved=None, **content, **more)

    recommendation = render("lead") + render("why")
    parts = {"recommendation": recommendation, "table": render("table"), "robustness": ""}
    if content["robustness"]:
        title = say("page.robustness")
        parts["robustness"] = Markup("<h2>{}</h2>{}").format(title, Markup(render("changed")))
    for part, title in (("analysis", "name"), ("evaluation", "title")):
        parts[part] = "".join(
            Markup("<article><h2>{}</h2>{}</article>").format(
                make_printable(model[title]), Markup(render(part, model=model))
            )
            for model in content["models"]
        )
    return parts


def make_snippet(recommendation: Mapping[str, Any], tables: Sequence[Table], say: Catalogue) -> str:
    """Return a recommendation and tables without a style sheet, for a notebook."""
    return _render("snippet", say=say, recommendation=recommendation, tables=tables)


def explain_terms(language: str = "en") -> dict[str, str]:
    """Return explanations of the metrics and of neural networks as HTML, as in the report.

    Parameters
    ----------
    language : {"en", "de"}, default="en"
        Language of the explanations.

    Returns
    -------
    explained : dict of str to str
        Two HTML fragments with terms and their explanations: "meaning" explains the figures of a
        report, such as accuracy, recall and gap; "theory" explains how networks work and learn,
        such as layers, loss and overfitting.

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
    """Raise if a file cannot be written at `path`, or exists and must not be overwritten."""
    if path.is_dir():
        raise IsADirectoryError(f"path='{path}' is a folder; pass a file, such as report.html.")
    if path.is_file() and not overwrite:
        raise FileExistsError(f"path='{path}' exists already; pass overwrite=True to replace it.")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise FileNotFoundError(
            f"path='{path}' is in a folder that does not exist; create '{path.parent}' first."
        )
    if not os.access(folder, os.W_OK):
        raise PermissionError(
            f"path='{path}' is in a folder that is not writable; choose another one."
        )


def _describe_saved(say: Catalogue, command: str | None, path: str | None) -> tuple[str, ...]:
    """Return where the recommended model is saved, or how to save it, and the next command."""
    if path is not None:
        read = f"skmnist read {say('page.facts.image')} --model {shlex.quote(path)}"
        return say("page.facts.saved_in", file=path), read
    if command is None:
        save = 'skmnist.save_model(comparison.best_estimator_, "digits.skmnist")'
        return say("page.facts.saved_not_python"), save
    more = "" if "--save" in command.split() else " --save digits.skmnist"
    return say("page.facts.saved_not"), f"{command}{more}"


def _explain(section: str, say: Catalogue) -> list[tuple[str, str]]:
    """Return the terms of a section and their explanations."""
    return [
        (say(f"page.{section}.{name}.term"), say(f"page.{section}.{name}.text"))
        for name in TERMS[section]
    ]


def _get_versions() -> dict[str, str]:
    """Return the versions of Python and of the main packages."""
    versions = {"Python": platform.python_version(), "skmnist": __version__}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def _make_checksums(say: Catalogue, **parts: tuple[Any, Any] | None) -> dict[str, str]:
    """Return the checksum of each part of the data that is available as dense arrays."""
    return {
        say(f"page.checksum_{name}"): _make_checksum(*part)
        for name, part in parts.items()
        # sparse matrices with equal values may have different bytes
        if part is not None
        and not any(array is None or hasattr(array, "toarray") for array in part)
    }


def _make_checksum(*arrays: Any) -> str:
    """Return the SHA-256 of arrays, in C order and little-endian, and of text labels."""
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
        autoescape=True,
        finalize=_finish,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _finish(value: Any) -> Any:
    """Make text that is not `Markup` printable, and keep ranges and units on one line."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    text = make_printable(str(value)).replace("-%-", "\u2011%\u2011")
    return KEPT.sub(lambda found: found[0].replace(" ", "\xa0"), text)


def _read(name: str) -> str:
    return (files(__name__.rpartition(".")[0]) / name).read_text(encoding="utf-8")
