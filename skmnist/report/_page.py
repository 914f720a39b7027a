"""A comparison as an HTML page, and as a snippet for notebooks."""

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from skmnist import __version__
from skmnist._files import write_whole
from skmnist.comparison import ModelComparison, ModelResult
from skmnist.diagnosis._estimator import get_core
from skmnist.diagnosis._intervals import wilson_interval
from skmnist.diagnosis._rows import find_image_shape, take_images
from skmnist.report import _pictures, _run
from skmnist.text import Catalogue, get_catalogue, make_printable

if TYPE_CHECKING:
    from jinja2 import Environment

MAX_SIDE_BY_SIDE = 4  # models; more of them become rows instead of columns
MIN_SIDE = 8  # a row of fewer than 8 x 8 numbers is hardly a picture
N_REASONS = 3
N_PAIRS, N_OF_PAIR = 3, 4  # most frequent confusions, and images of each
N_SUREST = 12  # mistakes that a model was most sure of
MEANINGS = (
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
)
THEORY = (
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
)


@dataclass(frozen=True)
class Table:
    """Cells of text; the first of each row, and the whole first row, are headings."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


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
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            say=say,
            style=style,
            style_hash=f"sha256-{digest}",
            top=1,
            opened=False,
            data=data,
            command=command,
            checksums=_make_checksums(
                say, training=training_data, test=(comparison.X_test, comparison.y_test)
            ),
            written=say(
                "page.written",
                date=date.today().isoformat(),
                version=__version__,
            ),
            **_describe(comparison, say, interrupted=interrupted),
        )
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
    told = _describe(comparison, say, interrupted=False)

    def render(part: str, **more: Any) -> str:
        template = _environment().get_template(f"{part}.html.jinja")
        return template.render(say=say, top=2, opened=True, **told, **more)

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
    return {
        section: macros.explain([_explain(section, name, say) for name in names])
        for section, names in (("theory", THEORY), ("meaning", MEANINGS))
    }


def make_snippet(comparison: ModelComparison, *, language: str = "en") -> str:
    """Return the recommendation and the table as HTML that a notebook shows in its own look."""
    say = get_catalogue(language)
    return (
        _environment()
        .get_template("snippet.html.jinja")
        .render(
            say=say,
            recommendation=_describe_recommendation(comparison, say),
            table=_tabulate(comparison, say),
        )
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


def _describe(comparison: ModelComparison, say: Catalogue, *, interrupted: bool) -> dict[str, Any]:
    results = list(comparison.results.values())
    image_shape = _find_image_shape(comparison)
    return {
        "recommendation": _describe_recommendation(comparison, say, interrupted=interrupted),
        "n_models": len(results),
        "n_test": results[0].errors.n_test,
        "compared": _describe_data(comparison, image_shape, say),
        "networks": _list_networks(results, say),
        "samples": _show_samples(comparison, image_shape, say),
        "table": _tabulate(comparison, say),
        "costs": _pictures.draw_costs(comparison, say),
        "curves": _pictures.draw_curves(comparison, say),
        "models": [
            _describe_model(result, at, comparison, image_shape, say)
            for at, result in enumerate(results)
        ],
        "meanings": [_explain("meaning", name, say) for name in MEANINGS],
        "theory": [_explain("theory", name, say) for name in THEORY] if _learned(results) else [],
        "versions": _run.get_versions(),
        "machine": _run.get_machine(),
    }


def _describe_recommendation(
    comparison: ModelComparison, say: Catalogue, *, interrupted: bool = False
) -> dict[str, Any]:
    if interrupted:  # there may have been a better one to come
        lead = say("page.interrupted")
        return {
            "model": None,
            "title": say("page.title_none"),
            "lead": lead,
            "reasons": [],
            "more": [],
        }
    recommendation = comparison.recommendation
    model = recommendation.model
    language = say.language
    reasons = recommendation.reasons(language)
    return {
        "model": model,
        "title": say("page.title", model=model) if model else say("page.title_none"),
        "lead": recommendation.headline(language),
        "reasons": reasons[:N_REASONS],
        "more": [*reasons[N_REASONS:], *recommendation.notes(language)],
    }


def _describe_data(
    comparison: ModelComparison, image_shape: tuple[int, int] | None, say: Catalogue
) -> list[str]:
    result = next(iter(comparison.results.values()))
    report = result.errors.report
    support = report["support"][report["support"] > 0]
    numbers = {"n_test": result.errors.n_test, "n_classes": len(report)}
    if image_shape is None:
        sentences = [say("page.compared_rows", **numbers)]
    else:
        size = f"{image_shape[0]} × {image_shape[1]}"
        sentences = [say("page.compared_images", size=size, **numbers)]
    sentences.append(say("page.compared_support", low=support.min(), high=support.max()))
    trained = {
        (getattr(core, "n_train_", None), getattr(core, "n_validation_", None))
        for core in (get_core(r.estimator) for r in comparison.results.values())
    }
    n_train, n_validation = trained.pop()
    if not trained and n_train and n_validation:  # the same for all
        sentences.append(say("page.compared_training", n_train=n_train, n_validation=n_validation))
    return sentences


def _list_networks(results: Sequence[ModelResult], say: Catalogue) -> list[tuple[str, str]]:
    networks = []
    for result in results:
        core = get_core(result.estimator)
        kind = type(core).__name__
        weights = getattr(core, "coefs_", [])
        if len(weights):
            sizes = [len(weights[0]), *(np.shape(layer)[1] for layer in weights)]
            layers = " → ".join(say.format("{:,}", size) for size in sizes)
            kind = say("page.layers", kind=kind, layers=layers)
        networks.append((result.name, kind))
    return networks


def _tabulate(comparison: ModelComparison, say: Catalogue) -> Table:
    """Put all figures into one table, models beside each other where few."""
    frame = comparison.table
    n_test = next(iter(comparison.results.values())).errors.n_test
    unknown = say("page.unknown")

    def cells(column: str, form: Any) -> list[str]:
        return [unknown if pd.isna(value) else form(value) for value in frame[column]]

    def phrase(key: str, scale: float = 1) -> Any:
        return lambda value: say(f"page.{key}", value=scale * value)

    ranges = [wilson_interval(p, n_test) for p in frame["test_accuracy"]]
    # with several starts the accuracy is their mean, and the images are those of the first
    one_start = comparison.starts is None
    misread = [r.errors.n_errors if one_start else pd.NA for r in comparison.results.values()]
    columns = {
        "test_accuracy": cells("test_accuracy", lambda x: say.format("{:.2%}", x)),
        "interval": [say("page.range", low=100 * low, high=high) for low, high in ranges],
        "errors": [unknown if pd.isna(n) else say.format("{:,}", n) for n in misread],
        "diagnosis": cells("diagnosis", lambda label: say(f"diagnosis.{label}")),
        "gap": cells("gap", lambda x: say.format("{:.4f}", x)),
        "n_parameters": cells("n_parameters", lambda n: say.format("{:,}", n)),
        "fit_time": cells("fit_time", phrase("seconds")),
        "n_epochs": cells("n_epochs", lambda n: say.format("{:,}", n)),
        "predict_time": cells("predict_time", phrase("milliseconds", 1000)),
        "predict_time_p95": cells("predict_time_p95", phrase("milliseconds", 1000)),
        "size": cells("size", phrase("kilobytes", 1e-3)),
    }
    known = {name: column for name, column in columns.items() if set(column) != {unknown}}
    names = list(map(str, frame.index))
    rows = [[say(f"page.row_{name}"), *column] for name, column in known.items()]
    head = [say("page.model"), *names]
    if len(names) > MAX_SIDE_BY_SIDE:
        head, *rows = map(list, zip(head, *rows, strict=True))
    return Table(head, rows)


def _describe_model(
    result: ModelResult,
    at: int,
    comparison: ModelComparison,
    image_shape: tuple[int, int] | None,
    say: Catalogue,
) -> dict[str, Any]:
    diagnosis, language = result.diagnosis, say.language
    advice = result.advice(language)
    told = {kind: getattr(advice, kind) for kind in ("strengths", "weaknesses", "improvements")}
    fit = diagnosis and say("page.fit", label=say(f"diagnosis.{diagnosis.label}"))
    summary = diagnosis.summary(language) if diagnosis else ""
    said = [summary, *advice.weaknesses]
    further = [s for s in (diagnosis.sentences(language) if diagnosis else []) if s not in said]
    return {
        "id": f"model-{at}",
        "name": result.name,
        "fit": fit,
        "summary": summary,
        "further": [sentence for sentence in further if sentence not in summary],
        "advice": told,
        "confusion": _pictures.draw_confusion(result, f"confusion-{at}-", say),
        "mistakes": _show_mistakes(result, comparison.X_test, image_shape, say),
        "classes": _tabulate_classes(result, say),
        "parameters": _run.get_parameters(result.estimator),
    }


def _show_mistakes(
    result: ModelResult, X_test: Any, image_shape: tuple[int, int] | None, say: Catalogue
) -> dict[str, Any] | None:
    """Show what is misread most often, and the mistakes that the model was most sure of."""
    errors = result.errors
    if image_shape is None or errors.y_true is None:
        return None

    def show(rows: Any, **options: Any) -> list[Any]:
        return _pictures.show_mistakes(result, X_test, rows, image_shape, say, **options)

    surest = show(errors.mistakes.index[:N_SUREST].to_numpy())
    note = "mistakes_none"
    if surest:
        note = "mistakes_first" if errors.confidence is None else "mistakes_surest"
    return {
        "surest": surest,
        "note": say(
            f"page.{note}", n_errors=errors.n_errors, n_test=errors.n_test, shown=len(surest)
        ),
        "pairs": [
            (
                say("page.pair", true=str(p.true), predicted=str(p.predicted), n=p.count),
                " ".join(p.advice(say.language)),
                show(p.rows[:N_OF_PAIR], captions=False),
            )
            for p in errors.pairs(N_PAIRS)
        ],
    }


def _tabulate_classes(result: ModelResult, say: Catalogue) -> Table:
    rows = []
    intervals = result.errors.intervals.to_numpy()
    for (label, row), (low, high) in zip(result.errors.report.iterrows(), intervals, strict=True):
        shares = [say.format("{:.3f}", row[column]) for column in ("precision", "recall", "f1")]
        interval = say.format("{:.3f}–{:.3f}", low, high) if row["support"] else "–"
        rows.append([str(label), *shares, interval, say.format("{:,}", int(row["support"]))])
    head = [say(f"cli.column_{column}") for column in ("digit", "precision", "recall", "f1")]
    head += [say("page.recall_interval"), say("cli.column_support")]
    return Table(head, rows)


def _find_image_shape(comparison: ModelComparison) -> tuple[int, int] | None:
    """Return the shape of a test image, None where the test set holds none."""
    X = comparison.X_test
    if X is None or comparison.y_test is None:
        return None
    shape = X.shape if hasattr(X, "shape") else np.shape(X)
    if len(shape) == 3:
        return int(shape[1]), int(shape[2])
    if len(shape) != 2:
        return None
    for result in comparison.results.values():
        learned = find_image_shape(result.estimator)
        if learned is not None and learned[0] * learned[1] == shape[1]:
            return learned
    side = isqrt(shape[1])
    return (side, side) if side >= MIN_SIDE and side * side == shape[1] else None


def _show_samples(
    comparison: ModelComparison, image_shape: tuple[int, int] | None, say: Catalogue
) -> list[Any]:
    if image_shape is None:
        return []
    labels, rows = np.unique(np.asarray(comparison.y_test), return_index=True)
    labels, rows = labels[: _pictures.N_SAMPLES], rows[: _pictures.N_SAMPLES]
    images = take_images(comparison.X_test, rows, image_shape)
    return _pictures.show_samples(images, labels.tolist(), say)


def _learned(results: Sequence[ModelResult]) -> bool:
    return any(hasattr(get_core(result.estimator), "coefs_") for result in results)


def _make_checksums(say: Catalogue, **parts: tuple[Any, Any] | None) -> dict[str, str]:
    """Return the checksum of each part of the data that is known."""
    return {
        say(f"page.checksum_{name}"): _run.make_checksum(*part)
        for name, part in parts.items()
        # a sparse matrix has no one order of its bytes
        if part is not None
        and not any(array is None or hasattr(array, "toarray") for array in part)
    }


def _explain(section: str, name: str, say: Catalogue) -> tuple[str, str]:
    return say(f"page.{section}.{name}.term"), say(f"page.{section}.{name}.text")


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
