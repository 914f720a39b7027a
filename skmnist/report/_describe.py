"""What the page tells of a comparison, as values that the templates lay out."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isqrt
from typing import Any

import numpy as np
import pandas as pd

from skmnist.comparison import ModelComparison, ModelResult
from skmnist.diagnosis._estimator import find_image_shape, get_core, take_images
from skmnist.diagnosis._figures import wilson_interval
from skmnist.report import _pictures, _run
from skmnist.text import Catalogue

MAX_SIDE_BY_SIDE = 4  # models; more of them become rows instead of columns
MIN_SIDE = 8  # a row of fewer than 8 x 8 numbers is hardly a picture
N_REASONS = 3
N_PAIRS, N_OF_PAIR = 3, 4  # most frequent confusions, and images of each
N_SUREST = 12  # mistakes that a model was most sure of
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
    """Cells of text; the first of each row, and the whole first row, are headings."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def describe_comparison(
    comparison: ModelComparison, say: Catalogue, *, interrupted: bool = False
) -> dict[str, Any]:
    """Return all that is told of a comparison, but for the curves."""
    results = list(comparison.results.values())
    image_shape = _find_image_shape(comparison)
    learned = any(hasattr(get_core(result.estimator), "coefs_") for result in results)
    return {
        "recommendation": describe_recommendation(comparison, say, interrupted=interrupted),
        "n_models": len(results),
        "n_test": comparison.recommendation.n_test,  # None where each model read its own
        "compared": _describe_data(comparison, image_shape, say),
        "networks": _list_networks(results, say),
        "samples": _show_samples(comparison, image_shape, say),
        "table": tabulate(comparison, say),
        "costs": _pictures.draw_costs(comparison, say),
        "models": [
            _describe_model(result, at, comparison, image_shape, say)
            for at, result in enumerate(results)
        ],
        "meanings": explain("meaning", say),
        "theory": explain("theory", say) if learned else [],
        "versions": _run.get_versions(),
        "machine": _run.get_machine(),
    }


def describe_recommendation(
    comparison: ModelComparison, say: Catalogue, *, interrupted: bool = False
) -> dict[str, Any]:
    """Return which model to take, and why."""
    if interrupted:  # there may have been a better one to come
        return {
            "model": None,
            "title": say("page.title_none"),
            "lead": say("page.interrupted"),
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
    sentences = []
    if comparison.recommendation.n_test is not None:  # the same images for all
        if image_shape is None:
            sentences.append(say("page.compared_rows", **numbers))
        else:
            size = f"{image_shape[0]} × {image_shape[1]}"
            sentences.append(say("page.compared_images", size=size, **numbers))
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


def tabulate(comparison: ModelComparison, say: Catalogue) -> Table:
    """Put all figures into one table, models beside each other where few."""
    frame, results = comparison.table, comparison.results.values()
    unknown = say("page.unknown")

    def cells(column: str, form: Any) -> list[str]:
        return [unknown if pd.isna(value) else form(value) for value in frame[column]]

    def phrase(key: str, scale: float = 1) -> Any:
        return lambda value: say(f"page.{key}", value=scale * value)

    ranges = [
        wilson_interval(p, result.errors.n_test)
        for p, result in zip(frame["test_accuracy"], results, strict=True)
    ]
    # with several starts the accuracy is their mean, and the images are those of the first
    misread = [unknown] * len(results)
    if comparison.starts is None:
        misread = [say.format("{:,}", result.errors.n_errors) for result in results]
    columns = {
        "test_accuracy": cells("test_accuracy", lambda x: say.format("{:.2%}", x)),
        "interval": [say("page.range", low=100 * low, high=high) for low, high in ranges],
        "errors": misread,
        "diagnosis": cells("diagnosis", lambda label: say(f"diagnosis.{label}")),
        "gap": cells("gap", lambda x: say.format("{:.4f}", x)),
        "n_parameters": cells("n_parameters", lambda n: say.format("{:,}", n)),
        "fit_time": cells("fit_time", phrase("seconds")),
        "n_epochs": cells("n_epochs", lambda n: say.format("{:,}", n)),
        "predict_time": cells("predict_time", phrase("milliseconds", 1000)),
        "predict_time_p95": cells("predict_time_p95", phrase("milliseconds", 1000)),
        "size": cells("size", lambda n: say.format("{:bytes}", n)),
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
        "advice": asdict(advice),
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


def explain(section: str, say: Catalogue) -> list[tuple[str, str]]:
    """Return the terms of a section of the page, each with what it means."""
    return [
        (say(f"page.{section}.{name}.term"), say(f"page.{section}.{name}.text"))
        for name in TERMS[section]
    ]
