"""A learning curve while it grows: a few lines of SVG, in a thousandth of matplotlib's time.

A picture by matplotlib takes a fifth of a second of a core, and a training in the same process
needs both the core and the interpreter.
"""

import numpy as np
import pandas as pd
from markupsafe import Markup

from skmnist._drawing import BLUE, VERMILION
from skmnist.text import Catalogue

WIDTH, HEIGHT = 326, 221  # as large as the picture that comes in its place at the end
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 8, 38
TICKS = {"accuracy": "{:.1%}", "loss": "{:.2f}"}
LINES = (("training", "", BLUE, "none"), ("validation", "val_", VERMILION, "6 3"))


def sketch_curve(frame: pd.DataFrame, metric: str, say: Catalogue, *, alt: str) -> Markup:
    """Draw how a network learns, as far as it has come.

    Parameters
    ----------
    frame : DataFrame
        A row per epoch, one or more, with the columns `metric` and perhaps "val_" + `metric`.
    metric : {"accuracy", "loss"}
    say : Catalogue
    alt : str
        What the picture shows, for those who do not see it.
    """
    lines = [line for line in LINES if line[1] + metric in frame]
    values = np.concatenate([frame[prefix + metric] for _, prefix, _, _ in lines])
    values = values[np.isfinite(values)]
    low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
    if high - low < 1e-9:
        low, high = low - 0.05, high + 0.05
    parts = [_draw_axes(low, high, len(frame), metric, say)]
    for at, (name, prefix, colour, dash) in enumerate(lines):
        points = " ".join(
            f"{_x(i, len(frame)):.1f},{_y(value, low, high):.1f}"
            for i, value in enumerate(frame[prefix + metric])
            if np.isfinite(value)
        )
        look = Markup('stroke="{}" stroke-width="2" stroke-dasharray="{}" fill="none"')
        look = look.format(colour, dash)
        # where there is room: accuracy rises, and loss falls
        y = HEIGHT - BOTTOM - 32 + 16 * at if metric == "accuracy" else TOP + 10 + 16 * at
        parts.append(
            Markup(
                '<polyline points="{}" {}/><path d="M{} {}h26" {}/><text x="{}" y="{}">{}</text>'
            ).format(points, look, 200, y, look, 232, y + 4, say(f"plot.{name}"))
        )
    return Markup(
        '<svg viewBox="0 0 {} {}" width="{}" height="{}" fill="currentColor" font-size="11" '
        'role="img" aria-label="{}">{}</svg>'
    ).format(WIDTH, HEIGHT, WIDTH, HEIGHT, alt, Markup("").join(parts))


def _draw_axes(low: float, high: float, n: int, metric: str, say: Catalogue) -> Markup:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    axes = Markup(
        '<path d="M{0} {1}V{2}H{3}" fill="none" stroke="currentColor"/>'
        '<text x="{4}" y="{5}" text-anchor="middle">{6}</text>'
    ).format(LEFT, TOP, bottom, right, (LEFT + right) / 2, HEIGHT - 6, say("plot.epoch"))
    for value in np.linspace(low, high, 4):
        axes += Markup(
            '<path d="M{0} {1:.1f}h-4M{0} {1:.1f}H{2}" stroke="currentColor" opacity="0.25"/>'
            '<text x="{3}" y="{4:.1f}" text-anchor="end">{5}</text>'
        ).format(
            LEFT,
            _y(value, low, high),
            right,
            LEFT - 7,
            _y(value, low, high) + 4,
            say.format(TICKS[metric], value),
        )
    for epoch in sorted({1, (n + 1) // 2, n}):
        axes += Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
            _x(epoch - 1, n), bottom + 15, epoch
        )
    return axes


def _x(at: int, n: int) -> float:
    return LEFT + 8 + (WIDTH - LEFT - RIGHT - 16) * at / max(1, n - 1)


def _y(value: float, low: float, high: float) -> float:
    return TOP + 6 + (HEIGHT - TOP - BOTTOM - 12) * (high - value) / (high - low)
