"""Plot a confusion matrix."""

from math import ceil
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from skmnist._drawing import BLUE, as_label, get_axes
from skmnist.diagnosis._errors import analyze_errors
from skmnist.text import Catalogue, get_catalogue

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_COUNTED_CLASSES = 20  # with more, counts would overlap
MAX_TICKS = 30
# Text on the darkest cell has a contrast of at least 4.5 to 1, on a white and on a dark page.
MAX_OPACITY = 0.8
# The diagonal has a contrast of 3 to 1 on a dark page, and the text on it one of 4.5 to 1.
RIGHT_OPACITY = 0.38


class ConfusionDisplay:
    """Plot a confusion matrix with a colour scale for errors only.

    In scikit-learn's ``ConfusionMatrixDisplay``, the counts on the diagonal are so much larger
    that all errors get nearly the same colour. Here, the diagonal is excluded from the scale.

    Use :meth:`from_estimator` or :meth:`from_predictions` to create the display.

    Parameters
    ----------
    frame : DataFrame
        Counts, with true classes in rows and predicted classes in columns, such as the attribute
        `confusion` of :class:`ErrorAnalysis`.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    image_ : AxesImage
        The confusions; masked on the diagonal.

    Examples
    --------
    >>> from skmnist.diagnosis import ConfusionDisplay
    >>> display = ConfusionDisplay.from_predictions([9, 9, 9, 4], [9, 4, 4, 4])
    >>> display.image_.get_clim()
    (0.0, 2.0)
    """

    ax_: "Axes"
    figure_: "Figure"
    image_: Any

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        language: str = "en",
        ax: "Axes | None" = None,
    ) -> Self:
        """Plot the confusion matrix of a fitted classifier.

        Parameters
        ----------
        estimator : fitted classifier
            Classifier to evaluate.
        X : array-like
            Held-out rows.
        y : array-like of shape (n_samples,)
            True labels of `X`.
        language : {"en", "de"}, default="en"
            Language of the labels.
        ax : matplotlib Axes, default=None
            Axes to plot on; None creates a new figure.

        Returns
        -------
        display : ConfusionDisplay
            The display, with the plot in `ax_`.
        """
        return cls.from_predictions(
            y,
            estimator.predict(X),
            labels=getattr(estimator, "classes_", None),
            language=language,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_pred: Any,
        *,
        labels: Any = None,
        language: str = "en",
        ax: "Axes | None" = None,
    ) -> Self:
        """Plot the confusion matrix of predictions.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
            True and predicted labels.
        labels : array-like, default=None
            Classes to include even if they do not occur.
        language, ax
            As for :meth:`from_estimator`.

        Returns
        -------
        display : ConfusionDisplay
            The display, with the plot in `ax_`.
        """
        display = cls(analyze_errors(y_true, y_pred, labels=labels).confusion)
        return display.plot(ax, language=language)

    def plot(self, ax: "Axes | None" = None, *, language: str = "en") -> Self:
        """Plot the display.

        Parameters
        ----------
        ax, language
            As for :meth:`from_estimator`.

        Returns
        -------
        display : ConfusionDisplay
            The display itself.
        """
        from matplotlib import rcParams
        from matplotlib.colors import LinearSegmentedColormap, to_rgba

        say = get_catalogue(language)
        counts = self.frame.to_numpy()
        n_classes = len(counts)
        self.figure_, self.ax_ = get_axes(ax, (5, 5))
        right = np.eye(n_classes, dtype=bool)
        confusions = np.ma.masked_array(counts, right)
        shades = [to_rgba(BLUE, 0), to_rgba(BLUE, MAX_OPACITY)]
        self.image_ = self.ax_.imshow(
            confusions,
            cmap=LinearSegmentedColormap.from_list("confusions", shades),
            vmin=0.0,
            vmax=float(counts[~right].max(initial=1)),
            interpolation="nearest",
        )
        # fill the diagonal
        edges = np.arange(n_classes + 1) - 0.5
        ink = to_rgba(rcParams["text.color"], RIGHT_OPACITY)
        self.ax_.fill_between(edges, edges, edges + 1, step="post", facecolor=ink, edgecolor="none")
        self.ax_.set(xlim=(-0.5, n_classes - 0.5), ylim=(n_classes - 0.5, -0.5))
        if n_classes <= MAX_COUNTED_CLASSES:
            for at, count in np.ndenumerate(counts):
                if count:
                    text = say.format("{:,}", count)
                    row, column = at
                    self.ax_.text(column, row, text, ha="center", va="center", fontsize="small")
        self._label_axes(say)
        return self

    def _label_axes(self, say: Catalogue) -> None:
        labels = [as_label(label) for label in self.frame.index]
        ticks = range(0, len(labels), ceil(len(labels) / MAX_TICKS))
        shown = [labels[at] for at in ticks]
        upright = max(map(len, shown)) > 3
        size = "small" if len(shown) <= MAX_COUNTED_CLASSES else "x-small"
        self.ax_.set_xticks(ticks, shown, rotation=90 if upright else 0, fontsize=size)
        self.ax_.set_yticks(ticks, shown, fontsize=size)
        self.ax_.tick_params(length=0)
        self.ax_.spines[:].set_visible(False)
        # faint lines around the cells
        self.ax_.set_xticks(np.arange(1, len(labels)) - 0.5, minor=True)
        self.ax_.set_yticks(np.arange(1, len(labels)) - 0.5, minor=True)
        self.ax_.grid(which="minor", alpha=0.25, linewidth=0.6)
        self.ax_.tick_params(which="minor", length=0)
        self.ax_.set(xlabel=say("plot.predicted"), ylabel=say("plot.true"))
