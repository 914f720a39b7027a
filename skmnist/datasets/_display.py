"""Plot the class counts of a data set, and examples of each class."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils import check_random_state

from skmnist._drawing import BLUE, VERMILION, as_label, format_axis
from skmnist.datasets._bunch import find_full_ink
from skmnist.datasets._describe import check_data, count_classes
from skmnist.text import get_catalogue

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]

MAX_CLASSES = 20  # rows of images
MAX_LINE = 80  # characters of the labels below the bars
MAX_TICKS = 60


class DatasetDisplay:
    """Plot of a data set: class counts, and mean images and examples of up to 20 classes.

    Create it with :meth:`from_dataset`.

    Parameters
    ----------
    counts : DataFrame
        Number of images per class, columns "train" and "test".
    means : dict of label to ndarray of shape (height, width)
        Mean training image of each class to show.
    examples : dict of label to ndarray of shape (n_examples, height, width)
        Training images of each class to show.
    full_ink : float
        Upper limit of the grey scale.
    language : {"en", "de"}, default="en"
        Language of titles and labels.

    Attributes
    ----------
    figure_ : matplotlib Figure
    counts_ax_ : matplotlib Axes
        Axes with the class counts.
    images_ax_ : matplotlib Axes
        Axes with one row per class: mean image and examples.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from skmnist.datasets import DatasetDisplay, load_mnist
    >>> mnist = load_mnist(n_train=500, n_test=100, random_state=0)
    >>> display = DatasetDisplay.from_dataset(mnist, n_examples=6)
    >>> display = display.plot(figure=Figure())
    >>> display.figure_.savefig("digits.png")  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        counts: "pd.DataFrame",
        means: dict[Any, Array],
        examples: dict[Any, Array],
        full_ink: float,
        language: str = "en",
    ) -> None:
        self.counts = counts
        self.means = means
        self.examples = examples
        self.full_ink = full_ink
        self.language = language

    @classmethod
    def from_dataset(
        cls,
        data: Mapping[str, Any],
        *,
        n_examples: int = 8,
        random_state: Any = 0,
        language: str = "en",
    ) -> Self:
        """Create the display from a data set; call :meth:`plot` to draw it.

        Parameters
        ----------
        data : Bunch or dict
            With `X_train, y_train, X_test, y_test`.
        n_examples : int, default=8
            Maximum number of examples per class.
        random_state : int, RandomState instance or None, default=0
            Controls which examples are chosen.
        language : {"en", "de"}, default="en"
            Language of titles and labels.

        Returns
        -------
        display : DatasetDisplay
            The display, not drawn yet.

        Raises
        ------
        ValueError
            If `n_examples` is not positive, or for the reasons given in :func:`describe_dataset`.
        """
        if not n_examples >= 1:
            raise ValueError(f"n_examples={n_examples!r} must be an int >= 1.")
        X, y, X_test, y_test = check_data(data)
        rng = check_random_state(random_state)
        means, examples = {}, {}
        for label in np.unique(y)[:MAX_CLASSES].tolist():
            rows = np.flatnonzero(y == label)
            means[label] = X[rows].mean(axis=0, dtype=np.float64)
            drawn = rng.choice(rows, size=min(n_examples, len(rows)), replace=False)
            examples[label] = X[np.sort(drawn)]
        return cls(
            counts=count_classes(y, y_test),
            means=means,
            examples=examples,
            full_ink=max(find_full_ink(X), find_full_ink(X_test)),
            language=language,
        )

    def plot(self, *, figure: "Figure | None" = None) -> Self:
        """Plot the data set.

        Parameters
        ----------
        figure : matplotlib Figure, default=None
            Empty figure to plot on. If None, a new figure is created with pyplot.

        Returns
        -------
        display : DatasetDisplay
            The display itself.
        """
        n_rows = len(self.means)
        size = (8.0, 3.2 + 0.62 * n_rows)
        if figure is None:
            from matplotlib import pyplot

            figure = pyplot.figure(figsize=size, layout="constrained")
        else:
            figure.set_size_inches(*size)
            figure.set_layout_engine("constrained")
        grid = figure.add_gridspec(2, 1, height_ratios=[2.6, 0.62 * n_rows])
        self.figure_ = figure
        self.counts_ax_ = figure.add_subplot(grid[0])
        self.images_ax_ = figure.add_subplot(grid[1])
        self.plot_counts(self.counts_ax_)
        self.plot_images(self.images_ax_)
        return self

    def plot_counts(self, ax: "Axes") -> None:
        """Plot the number of images per class as bars.

        Parameters
        ----------
        ax : matplotlib Axes
            Axes to draw on.
        """
        say = get_catalogue(self.language)
        n_classes = len(self.counts)
        places = np.arange(n_classes)
        # hatched, for readers who cannot tell the colours apart, and for prints in grey
        bars = (("train", BLUE, None, -0.2), ("test", VERMILION, "////", 0.2))
        for part, colour, hatch, shift in bars:
            total = int(self.counts[part].sum())
            name = say(f"data.picture_{part}", n=total)
            style: dict[str, Any] = {
                "color": colour,
                "hatch": hatch,
                "edgecolor": "white",
                "linewidth": 0,
            }
            ax.bar(places + shift, self.counts[part], width=0.4, label=name, **style)
        names = [as_label(label) for label in self.counts.index]
        crowded = n_classes > MAX_CLASSES or sum(map(len, names)) > MAX_LINE
        every = max(1, n_classes // MAX_TICKS)
        ax.set_xticks(places[::every], names[::every], rotation=90 if crowded else 0)
        ax.set_xlim(-0.6, n_classes - 0.4)
        ax.set_ylabel(say("data.picture_images"))
        ax.set_title(say("data.picture_counts"), loc="left", fontweight="bold")
        format_axis(ax.yaxis, say, "{:,.0f}")
        ax.locator_params(axis="y", integer=True, nbins=5)
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_ylim(top=self.counts.to_numpy().max() * 1.25)  # room for the legend
        ax.legend(frameon=False, ncols=2, loc="upper right", borderaxespad=0)

    def plot_images(self, ax: "Axes") -> None:
        """Plot the mean image and examples of each class in `means`.

        Parameters
        ----------
        ax : matplotlib Axes
            Axes to draw on.
        """
        say = get_catalogue(self.language)
        height, width = next(iter(self.means.values())).shape
        gap = max(1, height // 10)  # all images are drawn as one, because many axes are slow
        n_columns = 1 + max(len(images) for images in self.examples.values())
        step, stride = height + gap, width + gap
        page = np.full(
            (len(self.means) * step - gap, (n_columns + 1) * stride - gap), np.nan, np.float32
        )
        for row, label in enumerate(self.means):
            for column, image in enumerate([self.means[label], None, *self.examples[label]]):
                if image is not None:  # leave a column empty after the mean
                    top, left = row * step, column * stride
                    with np.errstate(under="ignore"):
                        page[top : top + height, left : left + width] = image
        ax.imshow(page, cmap="gray", vmin=0, vmax=self.full_ink, interpolation="nearest")
        rows = np.arange(len(self.means)) * step + (height - 1) / 2
        ax.set_yticks(rows, [as_label(label) for label in self.means])
        ax.xaxis.tick_top()
        ax.set_xticks(
            [(width - 1) / 2, 2 * stride - 0.5],
            [say("data.picture_mean"), say("data.picture_examples")],
        )
        mean, examples = ax.get_xticklabels()
        mean.set_horizontalalignment("center")
        examples.set_horizontalalignment("left")
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        title = "data.picture_classes"
        if len(self.counts) > len(self.means):
            title = "data.picture_first_classes"
        ax.set_title(say(title, n=len(self.means)), loc="left", fontweight="bold")
