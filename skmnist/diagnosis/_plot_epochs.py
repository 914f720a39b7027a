"""How a network learned, epoch by epoch."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from skmnist._drawing import BLUE, VERMILION, as_label, format_axis, get_axes, strip_frame
from skmnist.diagnosis._estimator import get_core
from skmnist.diagnosis._figures import as_frame_columns, read_history
from skmnist.text import Catalogue, get_catalogue

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRICS = ("accuracy", "loss")
FEW_EPOCHS = 5  # a line through fewer points hides how few there are


class EpochCurveDisplay:
    """Draw how a network learned, epoch by epoch, with the epoch whose weights were kept.

    scikit-learn's ``LearningCurveDisplay`` asks how much more data would help; this one asks
    when training should have stopped. Where the validation curve turns away from the training
    curve, the network begins to learn its images by heart.

    Create it by :meth:`from_estimator` or :meth:`from_history`.

    Parameters
    ----------
    frame : DataFrame
        A row per epoch, indexed from 1; of the columns `accuracy`, `val_accuracy`, `loss`,
        `val_loss` those that are known.
    best_epoch : int, default=None
        The epoch to mark; None marks none.
    name : str, default=None
        The title.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    lines_ : list of Line2D
        The curves: training, then validation where it is known.

    Examples
    --------
    >>> from skmnist.diagnosis import EpochCurveDisplay
    >>> display = EpochCurveDisplay.from_history(
    ...     {"accuracy": [0.8, 0.9, 0.95], "val_accuracy": [0.8, 0.88, 0.87]}
    ... )
    >>> display.best_epoch
    2
    >>> display.frame
           accuracy  val_accuracy
    epoch
    1          0.80          0.80
    2          0.90          0.88
    3          0.95          0.87
    """

    ax_: "Axes"
    figure_: "Figure"
    lines_: list[Any]

    def __init__(
        self, frame: pd.DataFrame, *, best_epoch: int | None = None, name: str | None = None
    ) -> None:
        self.frame = frame
        self.best_epoch = best_epoch
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        metric: str | None = None,
        name: str | None = None,
        language: str = "en",
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw the history that a fitted estimator keeps.

        Parameters
        ----------
        estimator : fitted estimator
            One with a `history_`, as our classifiers have, or a `loss_curve_`, as
            scikit-learn's networks have; alone, as the last step of a Pipeline, or as the best
            of a search.
        metric : {"accuracy", "loss"}, default=None
            Metric to draw; None takes accuracy if it is known.
        name : str, default=None
            Title; None means no title.
        language : {"en", "de"}, default="en"
            Language of the labels.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.

        Returns
        -------
        display : EpochCurveDisplay

        Raises
        ------
        ValueError
            The estimator keeps no history, or none of the metric.
        """
        core = get_core(estimator)
        if hasattr(core, "get_params"):
            check_is_fitted(core)
        history = read_history(core)
        if not history and not hasattr(core, "history_"):
            raise ValueError(
                f"{type(core).__name__} keeps no history of its epochs (history_ or loss_curve_), "
                "so there is no curve to draw."
            )
        return cls.from_history(
            history,
            best_epoch=getattr(core, "kept_epoch_", None),
            metric=metric,
            name=name,
            language=language,
            ax=ax,
        )

    @classmethod
    def from_history(
        cls,
        history: Any,
        *,
        best_epoch: int | None = None,
        metric: str | None = None,
        name: str | None = None,
        language: str = "en",
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw a history: what `keras.Model.fit` returns, a mapping, or a frame.

        Parameters
        ----------
        history : mapping of str to array-like, DataFrame or keras History
            `accuracy`, `val_accuracy`, `loss`, `val_loss`, as many epochs in each; those that
            are there.
        best_epoch : int, default=None
            The epoch to mark, counted from 1. None marks the one of the highest `val_accuracy`,
            else of the lowest `val_loss`, else none.
        metric, name, language, ax
            As for :meth:`from_estimator`.

        Returns
        -------
        display : EpochCurveDisplay

        Raises
        ------
        ValueError
            The history has no epoch, or none of the metric.
        """
        frame = _make_history_frame(as_frame_columns(history))
        if best_epoch is None:
            best_epoch = _find_best_epoch(frame)
        display = cls(frame, best_epoch=best_epoch, name=name)
        return display.plot(ax, metric=metric, language=language)

    def plot(
        self, ax: "Axes | None" = None, *, metric: str | None = None, language: str = "en"
    ) -> Self:
        """Draw the display.

        Parameters
        ----------
        ax, metric, language
            As for :meth:`from_estimator`.

        Returns
        -------
        display : EpochCurveDisplay
            Itself.
        """
        from matplotlib.ticker import MaxNLocator

        say = get_catalogue(language)
        metric = self._check_metric(metric)
        self.figure_, self.ax_ = get_axes(ax, (5, 3.2))
        marker = "o" if len(self.frame) <= FEW_EPOCHS else ""
        self.lines_ = []
        styles = {
            metric: (BLUE, "-", "training"),
            f"val_{metric}": (VERMILION, "--", "validation"),
        }
        for column, (color, dashes, part) in styles.items():
            if column in self.frame:
                self.lines_ += self.ax_.plot(
                    self.frame.index,
                    self.frame[column],
                    dashes,
                    marker=marker,
                    color=color,
                    label=say(f"plot.{part}"),
                )
        self._mark_best(say, metric)
        strip_frame(self.ax_)
        format_axis(self.ax_.xaxis, say, "{:.0f}")
        self.ax_.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        format_axis(self.ax_.yaxis, say, "{:g}" if metric == "loss" else "")
        self.ax_.set(xlabel=say("plot.epoch"), ylabel=say(f"plot.{metric}"))
        if self.name is not None:
            self.ax_.set_title(as_label(self.name, 60))
        self.ax_.legend(loc="best", framealpha=0.5, edgecolor="none", facecolor="none")
        return self

    def _check_metric(self, metric: str | None) -> str:
        known = [m for m in METRICS if m in self.frame or f"val_{m}" in self.frame]
        if metric is None:
            return next((m for m in known if m in self.frame), known[0])
        if metric not in known:
            raise ValueError(
                f"metric={metric!r} must be one of {known}, of which the history has epochs."
            )
        return metric

    def _mark_best(self, say: Catalogue, metric: str) -> None:
        if self.best_epoch is None or self.best_epoch not in self.frame.index:
            return
        column = f"val_{metric}" if f"val_{metric}" in self.frame else metric
        value = float(self.frame[column].loc[self.best_epoch])
        self.ax_.axvline(self.best_epoch, color="0.5", linewidth=1, linestyle=":")
        self.ax_.plot(
            [self.best_epoch],
            [value],
            "D",
            color=VERMILION,
            label=say(f"plot.best_{metric}", epoch=self.best_epoch, value=value),
        )


def _make_history_frame(history: Mapping[str, Any]) -> pd.DataFrame:
    columns = {
        name: np.asarray(history[name], dtype=float)
        for metric in METRICS
        for name in (metric, f"val_{metric}")
        if name in history and len(history[name])
    }
    if not columns or len({len(values) for values in columns.values()}) > 1:
        raise ValueError(
            f"history has {sorted(history)}, but a curve needs one epoch or more of 'accuracy', "
            "'val_accuracy', 'loss' or 'val_loss', as many in each that is there."
        )
    frame = pd.DataFrame(columns)
    return frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name="epoch"), axis="index")


def _find_best_epoch(frame: pd.DataFrame) -> int | None:
    known = frame.dropna(axis="columns", how="all")
    best: Any = None
    if "val_accuracy" in known:
        best = known["val_accuracy"].idxmax()
    elif "val_loss" in known:
        best = known["val_loss"].idxmin()
    return best
