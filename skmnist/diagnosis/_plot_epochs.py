"""Plot metrics by epoch."""

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
FEW_EPOCHS = 5  # with so few, mark each epoch


class EpochCurveDisplay:
    """Plot training and validation metrics by epoch, and mark the best epoch.

    scikit-learn's ``LearningCurveDisplay`` shows whether more data would help; this display shows
    when training should have stopped. Where the curves diverge, the network starts to overfit.

    Use :meth:`from_estimator` or :meth:`from_history` to create the display.

    Parameters
    ----------
    frame : DataFrame
        One row per epoch, indexed from 1, with whichever of the columns `accuracy`,
        `val_accuracy`, `loss` and `val_loss` are known.
    best_epoch : int, default=None
        Epoch to mark; None marks no epoch.
    name : str, default=None
        Title of the plot.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    lines_ : list of Line2D
        The training curve and the validation curve, as far as they are known.

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
        """Plot the history of a fitted estimator.

        The epoch whose weights were kept is marked. If the estimator does not store it, the best
        epoch is marked, as in :meth:`from_history`.

        Parameters
        ----------
        estimator : fitted estimator
            An estimator with a `history_`, such as this package's classifiers, or a `loss_curve_`,
            such as scikit-learn's networks. A Pipeline that ends in such an estimator, or a fitted
            search, is accepted as well.
        metric : {"accuracy", "loss"}, default=None
            Metric to plot; None means accuracy if the training accuracy is known, otherwise loss if
            the training loss is known, otherwise the first metric with validation values.
        name : str, default=None
            Title of the plot, if any.
        language : {"en", "de"}, default="en"
            Language of the labels.
        ax : matplotlib Axes, default=None
            Axes to plot on; None creates a new figure.

        Returns
        -------
        display : EpochCurveDisplay
            The display, with the plot in `ax_`.

        Raises
        ------
        ValueError
            If the estimator has no history, or its history lacks the metric.
        """
        core = get_core(estimator)
        if hasattr(core, "get_params"):
            check_is_fitted(core)
        history = read_history(core)
        if not history and not hasattr(core, "history_"):
            raise ValueError(
                f"{type(core).__name__} has neither history_ nor loss_curve_, so there is no curve "
                "to plot."
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
        """Plot a history.

        Parameters
        ----------
        history : mapping of str to array-like, DataFrame or keras History
            One or more of `accuracy`, `val_accuracy`, `loss` and `val_loss`, with the same number
            of epochs.
        best_epoch : int, default=None
            Epoch to mark, counted from 1. None marks the epoch with the highest `val_accuracy` or,
            if that is unknown, with the lowest `val_loss`. If neither is known, no epoch is marked.
        metric, name, language, ax
            As for :meth:`from_estimator`.

        Returns
        -------
        display : EpochCurveDisplay
            The display, with the plot in `ax_`.

        Raises
        ------
        ValueError
            If the history is empty or lacks the metric, or if the numbers of epochs differ.
        """
        frame = _make_history_frame(as_frame_columns(history))
        if best_epoch is None:
            best_epoch = _find_best_epoch(frame)
        display = cls(frame, best_epoch=best_epoch, name=name)
        return display.plot(ax, metric=metric, language=language)

    def plot(
        self, ax: "Axes | None" = None, *, metric: str | None = None, language: str = "en"
    ) -> Self:
        """Plot the display.

        Parameters
        ----------
        ax, metric, language
            As for :meth:`from_estimator`.

        Returns
        -------
        display : EpochCurveDisplay
            The display itself.
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
                f"metric={metric!r} must be one of {known}, the metrics in the history."
            )
        return metric

    def _mark_best(self, say: Catalogue, metric: str) -> None:
        if self.best_epoch is None or self.best_epoch not in self.frame.index:
            return
        column = f"val_{metric}" if f"val_{metric}" in self.frame else metric
        value = float(self.frame[column].loc[self.best_epoch])
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
            f"history has {sorted(history)}, but a curve needs at least one epoch of 'accuracy', "
            "'val_accuracy', 'loss' or 'val_loss', and the same number of epochs in each."
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
