"""What all pictures share: colours, text that is no markup, signs of the language, axes.

matplotlib is imported where something is drawn, not before.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from skmnist.text import Catalogue, make_printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Of the eight colours of Okabe and Ito (2008), which the colour-blind can tell apart, those that
# have a contrast of 3 to 1 and more on white as well as on a dark page.
BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"
MAX_LABEL = 16  # characters of a class label or a model's name beside an axis


def as_label(value: Any, max_length: int = MAX_LABEL) -> str:
    r"""Turn a class or a name into text that matplotlib draws as it stands, shortened.

    Examples
    --------
    >>> from skmnist._drawing import as_label
    >>> print(as_label("$x$ and something long"))
    \$x\$ and …ng long
    """
    text = " ".join(make_printable(str(value)).split())
    if len(text) > max_length:
        head = max_length // 2  # the end counts as well: it is where numbered names differ
        text = f"{text[:head]}…{text[head + 1 - max_length :]}"
    return text.replace("$", r"\$")  # two of them would begin and end a formula


def get_axes(ax: "Axes | None", size: tuple[float, float]) -> tuple["Figure", "Axes"]:
    """Return where to draw: the axes given, or new ones in a figure of `size` inches."""
    if ax is not None:
        return ax.figure, ax  # type: ignore[return-value] # a SubFigure has all that is used here
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")


def strip_frame(ax: "Axes") -> None:
    """Leave the two spines that carry numbers, and a faint grid behind all."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(visible=True, alpha=0.25, linewidth=0.6)
    ax.set_axisbelow(True)


def format_axis(axis: "Axis", say: Catalogue, template: str = "") -> None:
    """Write an axis' numbers with the signs of the language; shares in per cent by default."""
    from matplotlib.ticker import FuncFormatter

    def percent(value: float, _: Any) -> str:
        return say.format(f"{{:.{_decimals(axis.get_majorticklocs())}%}}", value)

    def number(value: float, _: Any) -> str:
        return say.format(template, value)

    axis.set_major_formatter(FuncFormatter(number if template else percent))


def _decimals(ticks: Any) -> int:
    """Return how many decimals of a per cent the ticks need to be told apart."""
    steps = 100 * np.diff(ticks)
    return next((n for n in range(4) if np.allclose(steps, np.round(steps, n), atol=1e-9)), 4)
