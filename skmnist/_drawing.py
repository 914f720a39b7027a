"""Helpers shared by all Displays: colours, labels, number formats, axes.

matplotlib is imported only when something is drawn.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from skmnist.text import Catalogue, make_printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# The colours of the colour-blind-safe palette of Okabe and Ito (2008) that have a contrast of at
# least 3:1 on both a white and a dark page.
BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"
MAX_LABEL = 16  # maximum length of a class label or model name on an axis


def as_label(value: Any, max_length: int = MAX_LABEL) -> str:
    r"""Return a class or model name as plain text for matplotlib, shortened if it is long.

    Examples
    --------
    >>> from skmnist._drawing import as_label
    >>> print(as_label("$x$ and something long"))
    \$x\$ and …ng long
    """
    text = " ".join(make_printable(str(value)).split())
    if len(text) > max_length:
        head = max_length // 2  # keep the end, where numbered names differ
        text = f"{text[:head]}…{text[head + 1 - max_length :]}"
    return text.replace("$", r"\$")  # two dollar signs would delimit a formula


def get_axes(ax: "Axes | None", size: tuple[float, float]) -> tuple["Figure", "Axes"]:
    """Return the given axes and their figure, or create new ones; `size` is in inches."""
    if ax is not None:
        return ax.figure, ax  # type: ignore[return-value] # a SubFigure has everything used here
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")


def strip_frame(ax: "Axes") -> None:
    """Remove the top and right spines and draw a faint grid in the background."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(visible=True, alpha=0.25, linewidth=0.6)
    ax.set_axisbelow(True)


def format_axis(axis: "Axis", say: Catalogue, template: str = "") -> None:
    """Format the tick labels of an axis for a language, as percentages by default."""
    from matplotlib.ticker import FuncFormatter

    def percent(value: float, _: Any) -> str:
        return say.format(f"{{:.{_decimals(axis.get_majorticklocs())}%}}", value)

    def number(value: float, _: Any) -> str:
        return say.format(template, value)

    axis.set_major_formatter(FuncFormatter(number if template else percent))


def _decimals(ticks: Any) -> int:
    """Return the number of decimals needed to distinguish the ticks as percentages."""
    steps = 100 * np.diff(ticks)
    return next((n for n in range(4) if np.allclose(steps, np.round(steps, n), atol=1e-9)), 4)
