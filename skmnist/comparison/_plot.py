"""Plot accuracy against cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from skmnist._drawing import BLUE, as_label, format_axis, get_axes, strip_frame
from skmnist.comparison._recommendation import COSTS
from skmnist.comparison._result import COLUMNS, SIZES, choose_size_unit, label_column
from skmnist.diagnosis._figures import wilson_interval
from skmnist.text import get_catalogue

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MIN_LOG_RATIO = 4  # of the costs; below this, a linear scale is easier to read
MAX_NAMED = 3  # models that are labelled by name; more are numbered and listed in a legend
MAX_LEGEND = 40  # characters of a name in the legend
# Possible positions of a label relative to its point: direction and distance in points
DIRECTIONS = ((1, 1), (-1, 1), (1, -1), (-1, -1), (1, 0), (-1, 0), (0, 1), (0, -1))
DISTANCES = (7, 16, 26, 38)


class AccuracyCostDisplay:
    """Plot the accuracy of models against their cost, with the Pareto front.

    A model is on the front unless another one is at least as accurate and at least as cheap, and
    strictly better in at least one. The bars are 95% Wilson intervals of the accuracies. As the
    models are tested on the same images, a difference can be real even if the intervals overlap. Up
    to three models are labelled with their names. If there are more, they are numbered, starting
    with the most accurate one, and listed in a legend.

    Use :meth:`from_comparison` or :meth:`from_table` to create the display.

    Parameters
    ----------
    frame : DataFrame
        One row per model, indexed by name: `test_accuracy`, `low` and `high` (the interval of the
        accuracy, missing if the number of test images is unknown), `cost`, `on_front` (bool).
    cost : str
        The column of the table that is plotted as the cost.
    recommended : str, default=None
        The model whose name is printed in bold; None prints no name in bold.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    >>> import pandas as pd
    >>> from skmnist.comparison import AccuracyCostDisplay
    >>> table = pd.DataFrame(
    ...     {"test_accuracy": [0.9756, 0.9819, 0.97], "n_parameters": [101770, 567434, 10**6]},
    ...     index=["NN", "DNN", "large"],
    ... )
    >>> AccuracyCostDisplay.from_table(table, n_test=10000).frame["on_front"].to_dict()
    {'NN': True, 'DNN': True, 'large': False}
    """

    ax_: "Axes"
    figure_: "Figure"

    def __init__(self, frame: pd.DataFrame, *, cost: str, recommended: str | None = None) -> None:
        self.frame = frame
        self.cost = cost
        self.recommended = recommended

    @classmethod
    def from_comparison(
        cls,
        comparison: Any,
        *,
        cost: str | None = None,
        language: str = "en",
        ax: "Axes | None" = None,
    ) -> Self:
        """Plot the models of a comparison; those whose cost is unknown are left out.

        Parameters
        ----------
        comparison : ModelComparison
            Comparison to plot; the name of the recommended model is printed in bold.
        cost : {"n_parameters", "size", "predict_time", "fit_time"}, default=None
            Cost on the horizontal axis; None selects the first cost that is known for all models,
            or the number of parameters if there is no such cost.
        language : {"en", "de"}, default="en"
            Language of the labels.
        ax : matplotlib Axes, default=None
            Axes to plot on; None creates a new figure.

        Returns
        -------
        display : AccuracyCostDisplay
            The display, with the plot in `ax_`.

        Raises
        ------
        ValueError
            If `cost` is not one of the above, or is not known for any model.
        """
        return cls.from_table(
            comparison.table,
            n_test=[result.errors.n_test for result in comparison.results.values()],
            cost=cost,
            recommended=comparison.recommendation.model,
            language=language,
            ax=ax,
        )

    @classmethod
    def from_table(
        cls,
        table: pd.DataFrame,
        *,
        n_test: int | Sequence[int] | None = None,
        cost: str | None = None,
        recommended: str | None = None,
        language: str = "en",
        ax: "Axes | None" = None,
    ) -> Self:
        """Plot the models of a table.

        Parameters
        ----------
        table : DataFrame
            One row per model, indexed by name, with the columns `test_accuracy` and the cost.
            Models with a missing cost are left out.
        n_test : int or sequence of int, default=None
            Number of test images, for all models or for each; required for the intervals.
        cost : {"n_parameters", "size", "predict_time", "fit_time"}, default=None
            As for :meth:`from_comparison`.
        recommended : str, default=None
            Model whose name is printed in bold.
        language, ax
            As for :meth:`from_comparison`.

        Returns
        -------
        display : AccuracyCostDisplay
            The display, with the plot in `ax_`.

        Raises
        ------
        ValueError
            If `cost` is not one of the above, or is not known for any model.
        """
        if cost is None:
            known = [c for c in COSTS if c in table and table[c].notna().all()]
            cost = known[0] if known else COSTS[0]
        if cost not in COSTS or cost not in table or table[cost].isna().all():
            raise ValueError(
                f"cost={cost!r} must be one of {list(COSTS)} and known for at least one model; the "
                f"table has the columns {list(table.columns)}."
            )
        accuracy = table["test_accuracy"].astype(float)
        counts = n_test if isinstance(n_test, Sequence) else [n_test] * len(table)
        intervals = [
            (np.nan, np.nan) if n is None else wilson_interval(p, n)
            for p, n in zip(accuracy, counts, strict=True)
        ]
        frame = pd.DataFrame(
            {
                "test_accuracy": accuracy,
                "low": [low for low, _ in intervals],
                "high": [high for _, high in intervals],
                "cost": table[cost].astype(float),
            }
        )
        frame.index = pd.Index([str(name) for name in frame.index], dtype=object)
        frame = frame[frame["cost"].notna()]
        frame = frame.assign(on_front=_find_front(frame["test_accuracy"], frame["cost"]))
        display = cls(frame, cost=cost, recommended=recommended)
        return display.plot(ax, language=language)

    def plot(self, ax: "Axes | None" = None, *, language: str = "en") -> Self:
        """Plot the display.

        Parameters
        ----------
        ax, language
            As for :meth:`from_comparison`.

        Returns
        -------
        display : AccuracyCostDisplay
            The display itself.
        """
        say = get_catalogue(language)
        self.figure_, self.ax_ = get_axes(ax, (5, 3.2))
        unit, scale = COLUMNS[self.cost].unit, COLUMNS[self.cost].scale
        if self.cost == "size":
            unit = choose_size_unit(list(self.frame["cost"]))
            scale = 1 / SIZES[unit]
        frame = self.frame.assign(cost=scale * self.frame["cost"])
        # the most accurate model is number 1
        frame = frame.sort_values("test_accuracy", ascending=False, kind="stable")
        points = [self._draw_model(row) for _, row in frame.iterrows()]
        front = frame[frame["on_front"]].sort_values("cost")
        (line,) = self.ax_.plot(
            front["cost"],
            front["test_accuracy"],
            "--",
            color=BLUE,
            linewidth=1,
            drawstyle="steps-post",
            label=say("plot.front"),
            zorder=1,
        )
        self._scale_costs(frame["cost"])
        self.ax_.margins(x=0.15, y=0.15)
        strip_frame(self.ax_)
        number = "{:,.0f}" if frame["cost"].min() > MIN_LOG_RATIO else "{:,g}"
        format_axis(self.ax_.xaxis, say, number)
        format_axis(self.ax_.yaxis, say)
        label = say(f"column.{self.cost}")
        self.ax_.set(
            xlabel=f"{label} ({unit})" if unit else label,
            ylabel=label_column("test_accuracy", say),
        )
        numbered = len(frame) > MAX_NAMED
        self._add_legend(list(map(str, frame.index)), points if numbered else [], line)
        self._label_points(frame, numbered=numbered)
        return self

    def _scale_costs(self, costs: "pd.Series[float]") -> None:
        """Use a logarithmic axis for costs that differ a lot, with few enough ticks to read."""
        from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

        low, high = float(costs.min()), float(costs.max())
        if not (low > 0 and high > MIN_LOG_RATIO * low):
            self.ax_.xaxis.set_major_locator(MaxNLocator(4))
            return
        self.ax_.set_xscale("log")
        ratio = high / low
        subs = (1, 2, 5) if ratio <= 10 else (1, 3) if ratio <= 100 else (1,)
        self.ax_.xaxis.set_major_locator(LogLocator(subs=subs, numticks=5))
        self.ax_.xaxis.set_minor_locator(NullLocator())

    def _draw_model(self, row: Any) -> Any:
        x, y = row["cost"], row["test_accuracy"]
        if pd.notna(row["low"]):
            self.ax_.plot([x, x], [row["low"], row["high"]], color="0.5", linewidth=1.2)
        (point,) = self.ax_.plot(
            [x],
            [y],
            "o",
            markersize=7,
            color=BLUE,
            fillstyle="full" if row["on_front"] else "none",
        )
        return point

    def _add_legend(self, names: list[str], points: list[Any], line: Any) -> None:
        """Put the legend above the axes, where it does not cover any points."""
        labels = [f"{at}  {as_label(name, MAX_LEGEND)}" for at, name in enumerate(names, start=1)]
        legend = self.ax_.legend(
            [*points, line],
            [*labels[: len(points)], line.get_label()],
            loc="lower left",
            bbox_to_anchor=(0, 1),
            frameon=False,
            fontsize="small",
            labelspacing=0.3,
        )
        for name, text in zip(names, legend.get_texts()[: len(points)], strict=False):
            text.set_fontweight("bold" if name == self.recommended else "normal")

    def _label_points(self, frame: pd.DataFrame, *, numbered: bool) -> None:
        """Place each label so that, if possible, it touches no other label, point or edge."""
        from matplotlib.transforms import Bbox

        figure: Any = self.ax_.get_figure(root=True)
        figure.draw_without_rendering()  # a layout engine moves the axes
        pixels = figure.dpi / 72
        edge = self.ax_.get_window_extent()
        spots = self.ax_.transData.transform(frame[["cost", "test_accuracy"]].to_numpy())
        half = 4 * pixels  # of a point
        taken = [Bbox([(x - half, y - half), (x + half, y + half)]) for x, y in spots]
        for end in ("low", "high"):  # bars
            ends = self.ax_.transData.transform(frame[["cost", end]].to_numpy())
            taken += [
                Bbox([a, b]) for a, b in zip(spots, ends, strict=True) if np.isfinite(b).all()
            ]
        for at, (name, row) in enumerate(frame.iterrows()):
            label = self.ax_.annotate(
                str(at + 1) if numbered else as_label(name),
                (row["cost"], row["test_accuracy"]),
                xytext=(0, 0),
                textcoords="offset points",
                ha="center",
                va="center",
                weight="bold" if name == self.recommended else "normal",
                arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": "0.5", "shrinkB": 4},
            )
            label.set_in_layout(False)
            size = label.get_window_extent()
            corner = width, height = size.width / 2 + pixels, size.height / 2
            choices = []
            for distance in DISTANCES:
                for right, up in DIRECTIONS:
                    x = right * (width + 0.7 * distance * pixels)
                    y = up * (height + 0.3 * distance * pixels)
                    middle = spots[at] + (x, y)
                    box = Bbox([np.subtract(middle, corner), np.add(middle, corner)])
                    outside = not (edge.x0 <= box.x0 and box.x1 <= edge.x1)
                    outside |= not (edge.y0 <= box.y0 and box.y1 <= edge.y1)
                    choices.append((box.count_overlaps(taken) + len(taken) * outside, (x, y), box))
            _, offset, box = min(choices, key=lambda choice: choice[0])
            label.set_position((offset[0] / pixels, offset[1] / pixels))
            taken.append(box)


def _find_front(accuracy: Any, cost: Any) -> list[bool]:
    return [
        not any(
            other_a >= a and other_c <= c and (other_a > a or other_c < c)
            for other_a, other_c in zip(accuracy, cost, strict=True)
        )
        for a, c in zip(accuracy, cost, strict=True)
    ]
