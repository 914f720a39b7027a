"""The tables and the figure: from records to what is read."""

from pathlib import Path
from typing import Any

import numpy as np
from _goals import Figures, breaks_even, goals, scaling_rows
from _peers import NAMES
from _sections import NETWORKS, QUIET

HEAD = ["figure", "goal", "median", "spread", ""]

Table = list[list[str]]


def goal_table(sections: dict[str, Any], only: list[str] | None = None) -> Table:
    """Return the rows of all goals that were measured."""
    judged = [
        goal.judge(Figures(sections[goal.section]["records"]))
        for goal in goals()
        if goal.section in sections and (only is None or goal.section in only)
    ]
    return [found.cells() for found in judged if found]


def value_table(section: dict[str, Any]) -> Table:
    """Return median and spread of everything that a section measured, as measured."""
    f = Figures(section["records"])
    rows = []
    for figure, network, peer in f.names("figure", "network", "peer"):
        values = list(f.of(figure, peer, network).values())
        rows.append(
            [
                figure,
                network,
                NAMES.get(peer, peer),
                f"{np.median(values):.4g}",
                f"{min(values):.4g} - {max(values):.4g}",
            ]
        )
    return sorted(rows, key=lambda row: row[:2])


VALUE_HEAD = ["figure", "network", "who", "median", "spread"]


def small_sentences(section: dict[str, Any]) -> list[str]:
    """Say where the compiled epoch pays on small data."""
    f = Figures(section["records"])
    said = []
    for network in NETWORKS:
        for data in ("digits", "iris"):
            if not f.of(f"{data}, epoch", network=network):
                continue
            n = breaks_even(f, network, data)
            if np.isfinite(n):
                told = f"the first fit of a process is ahead after {n:.0f} epochs"
            else:
                told = "an epoch is slower, so the compiled epoch does not pay"
            said.append(f"{data}, {network}: against MLPClassifier {told}.")
    return said


def markdown(head: list[str], rows: Table) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def rst(head: list[str], rows: Table) -> str:
    def entry(line: list[str]) -> str:
        first, *others = line
        return "\n".join([f"   * - {first}", *(f"     - {cell}".rstrip() for cell in others)])

    return "\n".join([".. list-table::", "   :header-rows: 1", "", *map(entry, [head, *rows])])


def page(result: dict[str, Any], kind: str) -> str:
    """Return the whole of it as Markdown ("md") or reStructuredText ("rst")."""
    table = markdown if kind == "md" else rst

    def title(text: str, level: int) -> str:
        return (
            f"{'#' * level} {text}" if kind == "md" else f"{text}\n{'=-~'[level - 1] * len(text)}"
        )

    sections = result["sections"]
    parts = [title("Speed, side by side", 1)] if kind == "md" else []
    parts += [title("Goals", 2), *conditions(sections), table(HEAD, goal_table(sections))]
    parts.append(title("All figures, as measured", 2))
    parts.append("Seconds, or times the bytes of X, or what the name says; median and spread.")
    for name, section in sections.items():
        parts += [title(name, 3), table(VALUE_HEAD, value_table(section))]
        if name == "small":
            parts.append("\n".join(f"- {sentence}" for sentence in small_sentences(section)))
    return "\n\n".join(parts) + "\n"


def conditions(sections: dict[str, Any]) -> list[str]:
    """Say when and where the sections were measured, those together that were so alike."""
    alike: dict[str, list[str]] = {}
    for name, section in sections.items():
        machine = section["machine"]
        versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
        warning = "NO MEASUREMENT, small parts to see that it runs: " if section["quick"] else ""
        if machine["busy_before"] > QUIET:
            warning += f"THE MACHINE HAD OTHER WORK ({machine['busy_before']} cores busy): "
        told = (
            f"{section['date']}, {section['rounds']} rounds, {machine['threads']} threads on "
            f"{machine['cores']} cores of {machine['processor']}; {versions}."
        )
        alike.setdefault(warning + "{}: " + told, []).append(name)
    return [told.format(", ".join(names)) for told, names in alike.items()]


def draw(result: dict[str, Any], path: Path) -> None:
    """Draw epochs, predictions, cross-validation and memory by peer, and the way to many rows."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    sections = {
        name: Figures(section["records"])
        for name, section in result["sections"].items()
        if name in PANELS
    }
    if not sections:
        return
    panels = [(panel, sections[name]) for name in sections for panel in PANELS[name]]
    n_rows = -(-len(panels) // 2)
    figure, axes = plt.subplots(
        n_rows, 2, figsize=(11, 2.4 * n_rows), layout="constrained", squeeze=False
    )
    for ax, (panel, f) in zip(axes.flat, panels, strict=False):
        panel(ax, f)
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _bars(ax: Any, f: Figures, figure: str, network: str, title: str, unit: float = 1.0) -> None:
    """Draw a bar per peer, with a line from the fastest to the slowest round."""
    peers = [who for found, net, who in f.names("figure", "network", "peer")
             if (found, net) == (figure, network)]  # fmt: skip
    if not peers:
        ax.set_axis_off()
        return
    peers.sort(key=list(NAMES).index, reverse=True)
    values = [np.array(list(f.of(figure, who, network).values())) * unit for who in peers]
    middle = np.array([np.median(v) for v in values])
    spread = np.array([[m - v.min(), v.max() - m] for m, v in zip(middle, values, strict=True)]).T
    colors = ["tab:blue" if who == "skmnist" else "lightgrey" for who in peers]
    bars = ax.barh([NAMES[who] for who in peers], middle, xerr=spread, color=colors, ecolor="grey")
    ax.bar_label(bars, fmt="%.3g", padding=4)
    ax.set(title=title, xlim=(0, 1.15 * max(v.max() for v in values)))
    ax.spines[["top", "right"]].set_visible(False)


def _scaling(ax: Any, f: Figures) -> None:
    for network in NETWORKS:
        rows = scaling_rows(f, network)
        if not rows:
            continue
        values = [list(f.of(f"scaling {n}", network=network).values()) for n in rows]
        middle = np.median(values, axis=1)
        thousands = np.array(rows) / 1000
        (line,) = ax.plot(thousands, middle, "o-", label=network)
        straight = middle[0] / rows[0] * np.array(rows)
        ax.plot(thousands, straight, ":", color=line.get_color(), label=f"{network}, if linear")
    ax.set(
        title="An epoch by the number of rows", xlabel="rows, thousands", ylabel="s", xlim=0, ylim=0
    )
    ax.legend()


PANELS = {
    "epoch": [
        lambda ax, f: _bars(ax, f, "epoch", "simple", "An epoch of the simple network, s"),
        lambda ax, f: _bars(ax, f, "epoch", "deep", "An epoch of the deep network, s"),
    ],
    "predict": [
        lambda ax, f: _bars(ax, f, "predict 1", "simple", "predict_proba of 1 row, ms", 1e3),
        lambda ax, f: _bars(ax, f, "predict many", "simple", "... of 10,000 rows, ms", 1e3),
    ],
    "cold": [
        lambda ax, f: _bars(
            ax, f, "load and predict", "simple", "A new process loads and predicts, s"
        ),
    ],
    "fit": [
        lambda ax, f: _bars(ax, f, "further fit", "simple", "A further fit beyond its epochs, s"),
    ],
    "small": [
        lambda ax, f: _bars(
            ax, f, "digits, further fit", "simple", "A further fit on load_digits, s"
        ),
    ],
    "cv": [lambda ax, f: _bars(ax, f, "cv", "simple", "5-fold cross-validation, simple, s")],
    "memory": [
        lambda ax, f: _bars(ax, f, "memory, first", "simple", "Peak memory of a fit, times X"),
        _scaling,
    ],
}
