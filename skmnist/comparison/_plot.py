"""Plot accuracy against cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from skmnist._drawing import BLUE, as_label, format_axis, get_axes, strip_frame
from skmnist.comparison._recommendation import COSTS
from skmnist.comparison._result import COLUMNS, label_column
from skmnist.diagnosis._figures import wilson_interval
from skmnist.text import get_catalogue

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MIN_LOG_RATIO = 4  # of the costs; below, a linear scale is easier to read


class AccuracyCostDisplay:
    """Plot the accuracy of models against their cost, with the Pareto front.

    A model is on the front unless another one is at least as accurate and at least as cheap, and
    better in one of the two. Bars are 95 % Wilson intervals of each accuracy. As the models are
    tested on the same images, a difference can be real even if the intervals overlap.

    Use :meth:`from_comparison` or :meth:`from_table` to create the display.

    Parameters
    ----------
    frame : DataFrame
        One row per model, indexed by name: `test_accuracy`, `low` and `high` (its interval,
        missing if the number of test images is unknown), `cost`, `on_front` (bool).
    cost : str
        The column of the table that is plotted as the cost.
    recommended : str, default=None
        The model whose name is printed in bold.

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
        """Plot the models of a comparison.

        Parameters
        ----------
        comparison : ModelComparison
            Comparison to plot; the name of the recommended model is printed in bold.
        cost : {"n_parameters", "size", "predict_time", "fit_time"}, default=None
            Cost on the horizontal axis; None selects the first that is known for all models.
        language : {"en", "de"}, default="en"
            Language of the labels.
        ax : matplotlib Axes, default=None
            Axes to plot on; None creates a new figure.

        Returns
        -------
        display : AccuracyCostDisplay

        Raises
        ------
        ValueError
            If the cost is not known for any model.
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

        Raises
        ------
        ValueError
            If the cost is not known for any model.
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
        """
        from matplotlib.ticker import LogLocator, NullLocator

        say = get_catalogue(language)
        self.figure_, self.ax_ = get_axes(ax, (5, 3.2))
        frame = self.frame.assign(cost=COLUMNS[self.cost].scale * self.frame["cost"])
        costs = frame["cost"]
        wide = bool(costs.min() > 0 and costs.max() > MIN_LOG_RATIO * costs.min())
        if wide:
            self.ax_.set_xscale("log")
            self.ax_.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            self.ax_.xaxis.set_minor_locator(NullLocator())
        middle = np.sqrt(costs.min() * costs.max()) if wide else (costs.min() + costs.max()) / 2
        for at, (name, row) in enumerate(frame.sort_values("cost").iterrows()):
            # names point to the middle, alternately above and below, so that they do not overlap
            side = -1 if row["cost"] > middle else 1
            self._draw_model(str(name), row, offset=(8 * side, -13 if at % 2 else 5))
        front = frame[frame["on_front"]].sort_values("cost")
        self.ax_.plot(
            front["cost"],
            front["test_accuracy"],
            "--",
            color=BLUE,
            linewidth=1,
            drawstyle="steps-post",
            label=say("plot.front"),
            zorder=1,
        )
        self.ax_.margins(x=0.15, y=0.15)
        strip_frame(self.ax_)
        number = "{:,.0f}" if costs.min() > MIN_LOG_RATIO else "{:,g}"
        format_axis(self.ax_.xaxis, say, "{:bytes}" if self.cost == "size" else number)
        format_axis(self.ax_.yaxis, say)
        self.ax_.set(xlabel=label_column(self.cost, say), ylabel=label_column("test_accuracy", say))
        self.ax_.legend(loc="lower right", frameon=False, fontsize="small")
        return self

    def _draw_model(self, name: str, row: Any, offset: tuple[int, int]) -> None:
        x, y = row["cost"], row["test_accuracy"]
        if pd.notna(row["low"]):
            self.ax_.plot([x, x], [row["low"], row["high"]], color="0.5", linewidth=1.2)
        self.ax_.plot(
            [x],
            [y],
            "o",
            markersize=8,
            color=BLUE,
            fillstyle="full" if row["on_front"] else "none",
        )
        self.ax_.annotate(
            as_label(name),
            (x, y),
            xytext=offset,
            textcoords="offset points",
            ha="right" if offset[0] < 0 else "left",
            weight="bold" if name == self.recommended else "normal",
        )


def _find_front(accuracy: Any, cost: Any) -> list[bool]:
    return [
        not any(
            other_a >= a and other_c <= c and (other_a > a or other_c < c)
            for other_a, other_c in zip(accuracy, cost, strict=True)
        )
        for a, c in zip(accuracy, cost, strict=True)
    ]
