"""The pictures of a page: what Displays draw, and images from the test set."""

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from skmnist.comparison import AccuracyCostDisplay, ModelComparison, ModelResult
from skmnist.comparison._recommend import COSTS
from skmnist.diagnosis import ConfusionDisplay, EpochCurveDisplay
from skmnist.diagnosis._estimator import get_core, take_images
from skmnist.diagnosis._plot_images import format_confidence
from skmnist.report._svg import draw_svg
from skmnist.text import Catalogue

Array = np.ndarray[Any, Any]

WIDTH = 3.4  # inches: what a phone shows without shrinking the text
N_SAMPLES = 12  # classes of which an image is shown
N_PAIRS = 3  # confusions in a description
SHOWN_PIXELS = 64  # the longer side of a test image on the page


@dataclass(frozen=True)
class Image:
    """A test image: a data URI, its size on the page, and what stands beside it."""

    uri: str
    width: int
    height: int
    alt: str
    caption: str
    note: str = ""


def draw_curves(comparison: ModelComparison, say: Catalogue) -> list[tuple[Markup, str]]:
    """Return the learning curves, each with its caption; the same scale for all models."""
    drawn = []
    for metric in ("accuracy", "loss"):
        parts = [metric, f"val_{metric}"]
        learned = [
            (at, result, result.history[[p for p in parts if p in result.history]])
            for at, result in enumerate(comparison.results.values())
            if result.history is not None and metric in result.history
        ]
        if not learned:
            continue
        values = np.concatenate([frame.to_numpy().ravel() for _, _, frame in learned])
        values = values[np.isfinite(values)]
        low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
        room = 0.05 * (high - low) or 0.05
        limits = low - room, high + room
        for at, result, frame in learned:
            kept = getattr(get_core(result.estimator), "kept_epoch_", None)
            drawn.append(
                draw_curve(
                    result.name,
                    frame,
                    metric,
                    say,
                    prefix=f"{metric}-{at}-",
                    kept_epoch=kept,
                    limits=limits,
                )
            )
    return drawn


def draw_curve(
    name: str,
    frame: pd.DataFrame,
    metric: str,
    say: Catalogue,
    *,
    prefix: str,
    kept_epoch: int | None = None,
    limits: tuple[float, float] | None = None,
) -> tuple[Markup, str]:
    """Return one learning curve with its caption; `frame` has a row per epoch."""
    display = EpochCurveDisplay(frame, best_epoch=kept_epoch)

    def draw(ax: Any) -> None:
        display.plot(ax, metric=metric, language=say.language)
        if limits is not None:
            ax.set_ylim(*limits)

    alt = describe_curve(name, frame, metric, say)
    svg = draw_svg(draw, width=WIDTH, height=2.3, prefix=prefix, alt=alt)
    return svg, say(f"page.curve_caption_{metric}", name=name)


def draw_confusion(result: ModelResult, prefix: str, say: Catalogue) -> Markup:
    """Return the confusion matrix of a model."""
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


def draw_costs(comparison: ModelComparison, say: Catalogue) -> tuple[Markup, str] | None:
    """Return accuracy against cost with its caption, where two or more models tell their cost."""
    table = comparison.table
    known = [cost for cost in COSTS if table[cost].notna().all()]
    if len(table) < 2 or not known:
        return None
    cost = known[0]
    name = say(f"plot.cost_{cost}")
    models = ", ".join(
        say(
            "page.cost_alt_model",
            name=model,
            accuracy=row["test_accuracy"],
            cost=_format_cost(cost, row[cost], say),
        )
        for model, row in table.iterrows()
    )
    svg = draw_svg(
        lambda ax: AccuracyCostDisplay.from_comparison(
            comparison, cost=cost, language=say.language, ax=ax
        ),
        width=WIDTH,
        height=2.3,
        prefix="cost-",
        alt=say("page.cost_alt", cost=name, models=models),
    )
    return svg, say("page.cost_caption", cost=name)


def _format_cost(cost: str, value: float, say: Catalogue) -> str:
    if cost == "n_parameters":
        return say.format("{:,}", int(value))
    if cost == "size":
        return say.format("{:bytes}", value)
    if cost == "predict_time":
        return say("page.milliseconds", value=1000 * value)
    return say("page.seconds", value=value)


def show_mistakes(
    result: ModelResult,
    X_test: Any,
    rows: Any,
    image_shape: Any,
    say: Catalogue,
    *,
    captions: bool = True,
) -> list[Image]:
    """Return test images that a model misread, with what it saw and how sure it was."""
    errors = result.errors
    shown = []
    for row, image in zip(rows, take_images(X_test, rows, image_shape), strict=True):
        true, read = errors.y_true[row], errors.y_pred[row]  # type: ignore[index]
        sure = "" if errors.confidence is None else format_confidence(say, errors.confidence[row])
        alt = say("page.misread_alt", row=f"{row}", label=true)
        shown.append(_make_image(image, alt, f"{true} → {read}" if captions else "", sure))
    return shown


def show_samples(images: Array, labels: Iterable[Any], say: Catalogue) -> list[Image]:
    """Return one image of each class."""
    return [
        _make_image(image, say("page.sample_alt", label=label), str(label))
        for image, label in zip(images, labels, strict=True)
    ]


def describe_curve(name: str, frame: Any, metric: str, say: Catalogue) -> str:
    """Say what a learning curve shows."""
    values = {"name": name, "n_epochs": len(frame)}
    values |= {"first": frame[metric].iloc[0], "last": frame[metric].iloc[-1]}
    if f"val_{metric}" not in frame:
        return say("page.curve_alt_training", **values)
    validation = frame[f"val_{metric}"]
    values |= {"val_first": validation.iloc[0], "val_last": validation.iloc[-1]}
    return say(f"page.curve_alt_{metric}", **values)


def _make_image(image: Array, alt: str, caption: str, note: str = "") -> Image:
    """Turn values, whatever their range, into ink on white paper."""
    from PIL import Image as Pillow

    values = np.nan_to_num(np.asarray(image, dtype=float), posinf=0, neginf=0)
    low, high = min(0.0, float(values.min())), float(values.max())
    ink = (values - low) / (high - low) if high > low else np.zeros(values.shape)
    file = io.BytesIO()
    Pillow.fromarray((255 * (1 - ink)).round().astype(np.uint8)).save(file, "png", optimize=True)
    zoom = SHOWN_PIXELS / max(values.shape)
    height, width = (max(1, round(zoom * side)) for side in values.shape)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return Image(f"data:image/png;base64,{data}", width, height, alt, caption, note)
