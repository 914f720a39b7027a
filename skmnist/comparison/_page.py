"""The content of the HTML report of a comparison, as plain values for `skmnist.report`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from skmnist.comparison._elsewhere import name_data, name_unit, write_accuracy
from skmnist.comparison._facts import capitalize, describe_facts, list_warnings
from skmnist.comparison._plot import MAX_NAMED, AccuracyCostDisplay
from skmnist.comparison._recommendation import COSTS, Recommendation
from skmnist.comparison._result import (
    COLUMNS,
    ModelResult,
    write_column,
    write_figure,
)
from skmnist.diagnosis import ConfusionDisplay, RobustnessDisplay, WorkLeft
from skmnist.diagnosis._estimator import get_core, guess_image_shape, take_images
from skmnist.diagnosis._figures import wilson_interval
from skmnist.diagnosis._plot_images import format_confidence
from skmnist.diagnosis._robustness import label_change
from skmnist.report import Image, draw_curve, draw_svg, show_samples
from skmnist.report._page import Table
from skmnist.report._pictures import HEIGHT, WIDTH
from skmnist.text import Catalogue

Results = Sequence[ModelResult]
Shape = tuple[int, int]
Work = Mapping[str, Sequence[WorkLeft]]

MAX_SIDE_BY_SIDE = 2  # models in columns; more do not fit on a phone, so they become rows
# With models as rows, the columns are shown in groups, so that each table fits on the page: the
# first group is always visible, and the other two are folded.
OVERVIEW = ("test_accuracy", "errors", "work_left", "diagnosis")
COST_COLUMNS = ("n_parameters", "fit_time", "predict_time", "predict_time_p95", "size")
MAX_VALUE = 120  # characters of a parameter's value
N_REASONS = 3
N_SAMPLES = 12  # classes with an example image
N_PAIRS, N_OF_PAIR = 3, 4  # most frequent confusions, and images of each
N_SUREST = 12  # most confident mistakes
LEGEND_ROW = 0.16  # inches
MAX_DRAWN = 6  # models in the plot for changed images; more markers are hard to tell apart


def describe_page(
    results: Results,
    table: pd.DataFrame,
    recommendation: Recommendation,
    say: Catalogue,
    *,
    X_test: Any = None,
    y_test: Any = None,
    work_left: Work | None = None,
    several_starts: bool = False,
    interrupted: bool = False,
) -> dict[str, Any]:
    """Return the values for the templates of a page; the most accurate model comes first."""
    results, table = rank_models(results, table)
    estimators = [result.estimator for result in results]
    shape = None if y_test is None else guess_image_shape(X_test, estimators)
    recommended = None if interrupted else recommendation.model
    tables = make_figure_tables(
        results, table, say, work_left=work_left, several_starts=several_starts
    )
    return {
        "recommendation": describe_recommendation(
            recommendation, say, results=results, work_left=work_left, interrupted=interrupted
        ),
        "ranks": {result.name: rank for rank, result in enumerate(results, start=1)},
        "named": _name_networks(results, recommended, say),
        "n_models": len(results),
        "n_test": recommendation.n_test,  # None if the models had different test sets
        "compared": _describe_data(results, recommendation.n_test, shape, say),
        "first_start": several_starts,
        "networks": [(result.name, _name_kind(result, say)) for result in results],
        "has_networks": any(hasattr(get_core(result.estimator), "coefs_") for result in results),
        "samples_caption": _caption_samples(y_test, say),
        "samples": [] if shape is None else _show_samples(X_test, y_test, shape, say),
        "table": tables[0],
        "further_tables": tables[1:],
        "costs": _draw_costs(results, table, recommended, say),
        "curves": _draw_curves(results, recommended, say),
        "robustness": _describe_robustness(results, recommended, say),
        "models": [
            _describe_model(result, at, X_test, shape, say) for at, result in enumerate(results)
        ],
    }


def rank_models(results: Results, table: pd.DataFrame) -> tuple[Results, pd.DataFrame]:
    """Return the results and the table with the most accurate model first."""
    order = np.argsort(-table["test_accuracy"].to_numpy(dtype=float), kind="stable")
    return [results[at] for at in order], table.iloc[order]


def describe_recommendation(
    recommendation: Recommendation,
    say: Catalogue,
    *,
    results: Results = (),
    work_left: Work | None = None,
    interrupted: bool = False,
) -> dict[str, Any]:
    """Return the recommendation as title, lead, facts and sentences.

    After an interrupted run, nothing is recommended, because a better model may be missing.
    """
    if interrupted:
        return {
            "model": None,
            "title": say("page.title_none"),
            "lead": say("page.interrupted"),
            "facts": [],
            "warnings": [],
            "reasons": [],
            "more": [],
        }
    model, language = recommendation.model, say.language
    reasons = recommendation.reasons(language)
    found = next((result for result in results if result.name == model), None)
    cautions = recommendation.cautions
    warnings = [caution.sentence(language) for caution in cautions if caution.severity == "warning"]
    notes = [caution.sentence(language) for caution in cautions if caution.severity != "warning"]
    facts = []
    if found is not None:
        work = (work_left or {}).get(found.name, ())
        facts = describe_facts(found, recommendation, work, say)
        warnings = [*list_warnings(found, say), *warnings]
    return {
        "model": model,
        "title": say("page.title", model=model) if model else say("page.title_none"),
        "lead": recommendation.headline(language),
        "facts": facts,
        "warnings": warnings,
        "reasons": reasons[:N_REASONS],
        "more": [*reasons[N_REASONS:], *notes],
    }


def make_figure_tables(
    results: Results,
    table: pd.DataFrame,
    say: Catalogue,
    *,
    work_left: Work | None = None,
    several_starts: bool = False,
) -> list[Table]:
    """Return tables of the known figures.

    Up to two models are shown side by side in one table. For more models, there is one table per
    group of columns.
    """
    rows = _write_figures(
        results, table, say, work_left=work_left or {}, several_starts=several_starts
    )
    names = list(map(str, table.index))
    model = capitalize(say("column.model"))
    if len(names) <= MAX_SIDE_BY_SIDE:
        unknown = say("page.unknown")
        body = [
            [label, *(cell if cell == unknown else f"{cell} {unit}".strip() for cell in cells)]
            for label, unit, cells in rows.values()
        ]
        return [Table([model, *names], body, models="columns")]
    label, unit, cells = rows["test_accuracy"]
    _, _, intervals = rows.pop("interval")
    both = [f"{cell} ({interval})" for cell, interval in zip(cells, intervals, strict=True)]
    rows["test_accuracy"] = (label, unit, both)
    groups = [
        [name for name in rows if name in OVERVIEW],
        [name for name in rows if name not in OVERVIEW and name not in COST_COLUMNS],
        [name for name in rows if name in COST_COLUMNS],
    ]
    tables = []
    for group in groups:
        columns = [rows[name] for name in group]
        head = [f"{label} ({unit})" if unit else label for label, unit, _ in columns]
        body = [[name, *(cells[at] for _, _, cells in columns)] for at, name in enumerate(names)]
        tables.append(Table([model, *head], body, models="rows"))
    return tables


def _write_figures(
    results: Results,
    table: pd.DataFrame,
    say: Catalogue,
    *,
    work_left: Work,
    several_starts: bool,
) -> dict[str, tuple[str, str, list[str]]]:
    """Return the label, the unit and the cells of each figure that at least one model has."""
    unknown = say("page.unknown")
    ranges = [
        wilson_interval(p, result.errors.n_test)
        for p, result in zip(table["test_accuracy"], results, strict=True)
    ]
    figures = {
        column: write_column(column, list(table[column]), say, missing=unknown)
        for column in COLUMNS
    }
    _, shares = figures["work_left"]
    for at, result in enumerate(results):
        work = work_left.get(result.name)
        if work and work[0].share is None and work[0].interval is not None:
            shares[at] = say("page.above", low=work[0].interval[0])
    # with several starts, the accuracy is the mean, but the errors are from the first start
    n_errors = [say.format("{:,}", result.errors.n_errors) for result in results]
    intervals = [say("page.range", low=100 * low, high=high) for low, high in ranges]
    cells = {
        "test_accuracy": figures.pop("test_accuracy"),
        "interval": ("", intervals),
        "errors": ("", [unknown] * len(results) if several_starts else n_errors),
        **figures,
    }
    del cells["elsewhere_accuracy"]  # shown with its interval
    rows: dict[str, tuple[str, str, list[str]]] = {}
    for name, (unit, own) in cells.items():
        if name == "f1_macro":
            rows |= {label: (label, "", each) for label, *each in _tabulate_elsewhere(results, say)}
        if set(own) != {unknown}:
            rows[name] = (capitalize(say(f"column.{name}")), unit, own)
    return rows


def _tabulate_elsewhere(results: Results, say: Catalogue) -> list[list[str]]:
    """Return a row for each further data set: its name, and the accuracies with intervals."""
    found = [{other.data: other for other in result.elsewhere} for result in results]
    rows = []
    for data, first in {name: other for each in found for name, other in each.items()}.items():
        cells = [
            write_accuracy(each[data].accuracy, each[data].interval, say)
            if data in each
            else say("page.unknown")
            for each in found
        ]
        label = say("elsewhere.row", data=name_data(data, say), unit=name_unit(first, say))
        rows.append([capitalize(label), *cells])
    return rows


def _describe_data(
    results: Results, n_test: int | None, shape: Shape | None, say: Catalogue
) -> list[str]:
    errors = results[0].errors
    support = errors.report["support"][errors.report["support"] > 0]
    numbers = {"n_test": errors.n_test, "n_classes": len(errors.report)}
    sentences = []
    if n_test is not None:  # all models have the same test set
        if shape is None:
            sentences.append(say("page.compared_rows", **numbers))
        else:
            size = f"{shape[0]} × {shape[1]}"
            sentences.append(say("page.compared_images", size=size, **numbers))
        sentences.append(say("page.compared_support", low=support.min(), high=support.max()))
    cores = [get_core(result.estimator) for result in results]
    trained = {(getattr(c, "n_train_", None), getattr(c, "n_validation_", None)) for c in cores}
    n_train, n_validation = trained.pop()
    if not trained and n_train and n_validation:  # equal for all models
        sentences.append(say("page.compared_training", n_train=n_train, n_validation=n_validation))
    return sentences


def _name_networks(results: Results, recommended: str | None, say: Catalogue) -> str:
    """Say how many hidden layers the networks have.

    With more than two models, only the recommended one is named. The text is empty if there are no
    networks to name.
    """
    named = []
    for result in results:
        weights = getattr(get_core(result.estimator), "coefs_", [])
        if len(weights) and (len(results) <= MAX_SIDE_BY_SIDE or result.name == recommended):
            named.append(say("page.named", name=result.name, n_layers=len(weights) - 1))
    return f"{'; '.join(named)}." if named else ""


def _name_kind(result: ModelResult, say: Catalogue) -> str:
    """Return the class of a model, and the layer sizes of a network."""
    core = get_core(result.estimator)
    kind, weights = type(core).__name__, getattr(core, "coefs_", [])
    if not len(weights):
        return kind
    sizes = [len(weights[0]), *(np.shape(layer)[1] for layer in weights)]
    layers = " → ".join(say.format("{:,}", size) for size in sizes)
    return say("page.layers", kind=kind, layers=layers)


def _describe_model(
    result: ModelResult, at: int, X_test: Any, shape: Shape | None, say: Catalogue
) -> dict[str, Any]:
    diagnosis, language, errors = result.diagnosis, say.language, result.errors
    advice = result.advice(language)
    fit = diagnosis and say("page.fit", label=say(f"diagnosis.{diagnosis.label}"))
    summary = diagnosis.summary(language) if diagnosis else ""
    shown = [summary, *advice.weaknesses]
    further = [s for s in (diagnosis.sentences(language) if diagnosis else []) if s not in shown]
    return {
        "id": f"model-{at}",
        "name": result.name,
        "title": say("cli.report_title", name=result.name, accuracy=errors.accuracy),
        "fit": fit,
        "summary": summary,
        "further": [sentence for sentence in further if sentence not in summary],
        "advice": asdict(advice),
        "confusion": _draw_confusion(result, f"confusion-{at}-", say),
        "mistakes": None if shape is None else _show_mistakes(result, X_test, shape, say),
        "classes": _tabulate_classes(result, say),
        "parameters": _list_parameters(result.estimator),
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


def _list_parameters(estimator: Any) -> dict[str, str]:
    """Return the parameters of an estimator and of its steps, as text of limited length."""
    found = {}
    for name, value in sorted(estimator.get_params(deep=True).items()):
        # instead of a step, list its parameters
        if not hasattr(value, "get_params") and name not in {"steps", "memory", "transform_input"}:
            text = repr(value)
            found[name] = text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1]}…"
    return found


# --- images of the test set


def _show_samples(X_test: Any, y_test: Any, shape: Shape, say: Catalogue) -> list[Image]:
    """Return the first image of each class, for at most `N_SAMPLES` classes."""
    labels, rows = np.unique(np.asarray(y_test), return_index=True)
    images = take_images(X_test, rows[:N_SAMPLES], shape)
    return show_samples(images, labels[:N_SAMPLES].tolist(), say)


def _caption_samples(y_test: Any, say: Catalogue) -> str:
    if y_test is None or len(np.unique(np.asarray(y_test))) <= N_SAMPLES:
        return say("page.samples")
    return say("page.samples_some", n=N_SAMPLES)


def _show_mistakes(
    result: ModelResult, X_test: Any, shape: Shape, say: Catalogue
) -> dict[str, Any] | None:
    """Return suspect images, the most confident mistakes and the most frequent confusions.

    If the confidence is unknown, the first mistakes are returned instead of the most confident
    ones. None if the labels are unknown.
    """
    errors = result.errors
    y_true, y_pred = errors.y_true, errors.y_pred
    if y_true is None or y_pred is None:
        return None

    def show(rows: Any, *, captions: bool = True) -> list[Image]:
        shown = []
        for row, image in zip(rows, take_images(X_test, rows, shape), strict=True):
            alt = say("page.misread_alt", row=f"{row}", label=y_true[row])
            caption = f"{y_true[row]} → {y_pred[row]}" if captions else ""
            known = errors.confidence is not None
            note = format_confidence(say, errors.confidence[row]) if known else ""  # type: ignore[index]
            shown.append(Image.from_array(image, alt=alt, caption=caption, note=note))
        return shown

    surest = show(errors.mistakes.index[:N_SUREST].to_numpy())
    note = "mistakes_none"
    if surest:
        note = "mistakes_first" if errors.confidence is None else "mistakes_surest"
    suspects = show(errors.suspects.index[:N_SUREST].to_numpy())
    return {
        "suspects": suspects,
        "suspects_note": say(
            "page.suspects_note", n=len(errors.suspects), n_test=errors.n_test, shown=len(suspects)
        ),
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


# --- charts


def _draw_curves(
    results: Results, recommended: str | None, say: Catalogue
) -> list[tuple[Markup, str]]:
    """Return learning curves with captions; each metric has the same scale for all models."""
    drawn = []
    for metric in ("accuracy", "loss"):
        parts = [metric, f"val_{metric}"]
        learned = [
            (at, result, result.history[[p for p in parts if p in result.history]])
            for at, result in enumerate(results)
            if result.history is not None and metric in result.history
        ]
        if not learned:
            continue
        values = np.concatenate([frame.to_numpy().ravel() for _, _, frame in learned])
        values = values[np.isfinite(values)]
        low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
        margin = 0.05 * (high - low) or 0.05
        drawn += [
            draw_curve(
                say("page.layout.recommended", name=result.name)
                if result.name == recommended
                else result.name,
                frame,
                metric,
                say,
                prefix=f"{metric}-{at}-",
                kept_epoch=getattr(get_core(result.estimator), "kept_epoch_", None),
                limits=(low - margin, high + margin),
            )
            for at, result, frame in learned
        ]
    return drawn


def _draw_confusion(result: ModelResult, prefix: str, say: Catalogue) -> Markup:
    errors = result.errors
    pairs = ", ".join(f"{true} → {read} ({n}x)" for true, read, n in errors.confusions(N_PAIRS))
    return draw_svg(
        lambda ax: ConfusionDisplay(errors.confusion).plot(ax, language=say.language),
        width=WIDTH,
        height=WIDTH,
        prefix=prefix,
        alt=say(
            "page.confusion_alt" if pairs else "page.confusion_alt_none",
            name=result.name,
            n_errors=errors.n_errors,
            n_test=errors.n_test,
            pairs=pairs,
        ),
    )


def _draw_costs(
    results: Results, table: pd.DataFrame, recommended: str | None, say: Catalogue
) -> tuple[Markup, str] | None:
    """Return the plot of accuracy against cost and its caption.

    None if there is only one model, or if no cost is known for all models.
    """
    cost = next((cost for cost in COSTS if table[cost].notna().all()), None)
    if len(table) < 2 or cost is None:
        return None
    name = say(f"column.{cost}")
    models = ", ".join(
        say(
            "page.cost_alt_model",
            name=model,
            accuracy=row["test_accuracy"],
            cost=write_figure(cost, row[cost], say, unit=True),
        )
        for model, row in table.iterrows()
    )
    svg = draw_svg(
        lambda ax: AccuracyCostDisplay.from_table(
            table,
            n_test=[result.errors.n_test for result in results],
            cost=cost,
            recommended=recommended,
            language=say.language,
            ax=ax,
        ),
        width=WIDTH,
        height=HEIGHT + (LEGEND_ROW * len(table) if len(table) > MAX_NAMED else 0),
        prefix="cost-",
        alt=say("page.cost_alt", cost=name, models=models),
    )
    caption = say("page.cost_caption", cost=name)
    if len(table) > MAX_NAMED:
        caption = f"{caption} {say('page.layout.cost_legend')}"
    return svg, caption


def _describe_robustness(
    results: Results, recommended: str | None, say: Catalogue
) -> dict[str, Any] | None:
    """Return the accuracy on changed images, or None if it is unknown for all models."""
    known = {r.name: r.robustness for r in results if r.robustness is not None}
    if not known:
        return None
    frames = [robustness.frame for robustness in known.values()]
    labels = [
        capitalize(label_change(corruption, strength, say))
        for corruption, strength in zip(frames[0]["corruption"], frames[0]["strength"], strict=True)
    ]
    cells = [[say.format("{:.1%}", each) for each in frame["accuracy"]] for frame in frames]
    ranks = {result.name: rank for rank, result in enumerate(results, start=1)}
    # several names are too long for columns and for a legend
    by_rank = len(known) > MAX_SIDE_BY_SIDE
    names = {name: f"{ranks[name]}." if by_rank else name for name in known}
    head = [capitalize(say("robustness.of_images")), *names.values()]
    rows = [list(row) for row in zip(labels, *cells, strict=True)]
    sentences = [(name, each.sentences(say.language)) for name, each in known.items()]
    missing = [result.name for result in results if result.name not in known]
    notes = [say("page.robustness_note", n=int(frames[0]["n"].iloc[0]))]
    if missing:
        notes.append(say("page.robustness_missing", models=", ".join(missing)))
    # the recommended model and the most accurate ones
    first = sorted(known, key=lambda name: (name != recommended, ranks[name]))[:MAX_DRAWN]
    shown = {names[name]: each for name, each in known.items() if name in first}
    drawn = say("page.layout.cost_legend") if by_rank else ""
    if len(shown) < len(known):
        drawn = f"{drawn} {say('page.layout.robustness_drawn', n=MAX_DRAWN)}"
    return {
        "note": " ".join(notes),
        "models": sentences,
        "drawn": drawn,
        "table": Table(head, rows, models="" if by_rank else "columns"),
        "figure": draw_svg(
            lambda ax: RobustnessDisplay.from_results(shown, language=say.language, ax=ax),
            width=WIDTH,
            height=2 * HEIGHT + LEGEND_ROW * len(shown),
            prefix="robustness-",
            alt=" ".join(f"{name}: {said[0]}" for name, said in sentences),
        ),
    }
