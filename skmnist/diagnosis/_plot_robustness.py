"""Plot the accuracy on changed images."""

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from skmnist._drawing import BLUE, GREEN, VERMILION, as_label, format_axis, get_axes, strip_frame
from skmnist.diagnosis._estimator import get_core
from skmnist.diagnosis._robustness import (
    Robustness,
    label_change,
    label_strength,
    measure_robustness,
)
from skmnist.text import Catalogue, get_catalogue, make_printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS, MARKERS = (BLUE, VERMILION, GREEN, "0.5"), "os^DvPX"  # 28 pairs before one repeats
GAP = 0.5  # rows between two kinds of changes
ROW_HEIGHT = 0.19  # inches
LEGEND_WIDTH = 26  # characters


class RobustnessDisplay:
    """Plot the accuracy of one or more classifiers on changed images.

    There is one row per change and strength. Dotted lines show the accuracy on the unchanged
    images. If there is only one classifier, bars show 95% intervals.

    Use :meth:`from_estimator` or :meth:`from_results` to create the display.

    Parameters
    ----------
    frame : DataFrame
        The rows of `Robustness.frame`, with the name of the classifier in an additional column
        `model`. The changes are the same for all classifiers.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    lines_ : list of Line2D
        The markers of each classifier.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skmnist.diagnosis import RobustnessDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> model = LogisticRegression(max_iter=5000).fit(X[:900], y[:900])
    >>> display = RobustnessDisplay.from_estimator(
    ...     model, X[900:], y[900:], corruptions={"rotation": [10, 20]}, random_state=0
    ... )
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['rotation 10°', '20°']
    """

    ax_: "Axes"
    figure_: "Figure"
    lines_: list[Any]

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        corruptions: Any = None,
        max_samples: int | None = 2000,
        image_shape: tuple[int, int] | None = None,
        random_state: Any = None,
        name: str | None = None,
        language: str = "en",
        ax: "Axes | None" = None,
    ) -> Self:
        """Measure the robustness of a fitted classifier and plot it.

        Parameters
        ----------
        estimator, X, y, corruptions, max_samples, image_shape, random_state
            As for :func:`measure_robustness`.
        name : str, default=None
            Name of the classifier; None uses the name of its class (for a Pipeline or a search,
            that of the classifier in it).
        language : {"en", "de"}, default="en"
            Language of the labels.
        ax : matplotlib Axes, default=None
            Axes to plot on; None creates a new figure.

        Returns
        -------
        display : RobustnessDisplay
            The display, with the plot in `ax_`.

        Raises
        ------
        ValueError
            As for :func:`measure_robustness`.
        """
        robustness = measure_robustness(
            estimator,
            X,
            y,
            corruptions=corruptions,
            max_samples=max_samples,
            image_shape=image_shape,
            random_state=random_state,
        )
        name = type(get_core(estimator)).__name__ if name is None else name
        return cls.from_results({name: robustness}, language=language, ax=ax)

    @classmethod
    def from_results(
        cls,
        results: Mapping[str, Robustness],
        *,
        language: str = "en",
        ax: "Axes | None" = None,
    ) -> Self:
        """Plot several classifiers on the same axes.

        Parameters
        ----------
        results : mapping of str to Robustness
            Results of :func:`measure_robustness` by the name of the classifier, all with the same
            `corruptions`.
        language, ax
            As for :meth:`from_estimator`.

        Returns
        -------
        display : RobustnessDisplay
            The display, with the plot in `ax_`.

        Raises
        ------
        ValueError
            If there is no result, or the changes differ.
        """
        frames = [result.frame for result in results.values()]
        changes = [list(zip(f["corruption"], f["strength"], strict=True)) for f in frames]
        if not changes or any(each != changes[0] for each in changes):
            raise ValueError(
                f"results={list(results)} must be one or more results of measure_robustness with "
                "the same corruptions and strengths."
            )
        names = [make_printable(str(name)) for name in results]  # pandas rejects lone surrogates
        frame = pd.concat(frames, keys=names, names=["model"])
        frame = frame.reset_index("model").reset_index(drop=True)
        return cls(frame).plot(ax, language=language)

    def plot(self, ax: "Axes | None" = None, *, language: str = "en") -> Self:
        """Plot the display.

        Parameters
        ----------
        ax, language
            As for :meth:`from_estimator`.

        Returns
        -------
        display : RobustnessDisplay
            The display itself.
        """
        say = get_catalogue(language)
        models = [(str(name), part) for name, part in self.frame.groupby("model", sort=False)]
        changes = models[0][1].iloc[1:]
        kinds = changes["corruption"].to_numpy()
        is_first = np.append(True, kinds[1:] != kinds[:-1])
        y = np.arange(len(kinds)) + GAP * (np.cumsum(is_first) - 1)
        self.figure_, self.ax_ = get_axes(ax, (5, 1 + ROW_HEIGHT * (y[-1] + 1)))
        self.lines_ = []
        for (name, part), color, marker in zip(models, cycle(COLORS), cycle(MARKERS), strict=False):
            self._draw_model(name, part, y, is_first, color, marker, bars=len(models) == 1)
        self.ax_.set_yticks(y, _label_rows(changes, is_first, say), fontsize="small")
        self.ax_.set_ylim(y[-1] + 0.7, -0.7)
        strip_frame(self.ax_)
        self.ax_.tick_params(axis="y", length=0)
        format_axis(self.ax_.xaxis, say)
        self.ax_.set_xlabel(say("plot.accuracy"))
        if len(models) > 1:
            longest = max(len(as_label(name)) for name, _ in models)
            n_columns = max(1, LEGEND_WIDTH // (longest + 5))  # 5: a marker and a gap
            self.ax_.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=n_columns, frameon=False)
        else:
            self.ax_.set_title(as_label(models[0][0], 60))
        return self

    def _draw_model(
        self,
        name: str,
        part: pd.DataFrame,
        y: Any,
        is_first: Any,
        color: str,
        marker: str,
        *,
        bars: bool,
    ) -> None:
        self.ax_.axvline(part["accuracy"].iloc[0], color=color, linewidth=1, linestyle=":")
        changed = part.iloc[1:]
        accuracy = changed["accuracy"].to_numpy()
        if bars:
            self.ax_.hlines(y, changed["low"], changed["high"], color="0.5", linewidth=1.2)
        for rows in np.split(np.arange(len(y)), np.flatnonzero(is_first)[1:]):
            self.ax_.plot(accuracy[rows], y[rows], color=color, linewidth=0.8, alpha=0.5)
        self.lines_ += self.ax_.plot(
            accuracy, y, marker, markersize=4.5, color=color, label=as_label(name)
        )


def _label_rows(changes: pd.DataFrame, is_first: Any, say: Catalogue) -> list[str]:
    """Name each kind of change once, in the row of its first strength."""
    pairs = zip(changes["corruption"], changes["strength"], is_first, strict=True)
    return [(label_change if first else label_strength)(kind, by, say) for kind, by, first in pairs]
