"""Display of images beside deformed copies."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import clone

from skmnist._drawing import get_axes
from skmnist._validation import check_numbers, flatten_images
from skmnist.neural_network._augment import ImageAugmenter

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

Array = np.ndarray[Any, Any]


class AugmentationDisplay:
    """Show what an :class:`~skmnist.neural_network.ImageAugmenter` does to images.

    Create it with `from_estimator`. Each row shows an image, followed by deformed copies.

    Parameters
    ----------
    images : ndarray of shape (n_images, 1 + n_copies, height, width)
        Each image and its deformed copies, with values in [0, 1].

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the plot.
    figure_ : matplotlib.figure.Figure
        Figure of the plot.
    image_ : matplotlib.image.AxesImage
        The images, side by side.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skmnist.neural_network import AugmentationDisplay, ImageAugmenter
    >>> augmenter = ImageAugmenter(rotation=15, random_state=0)
    >>> display = AugmentationDisplay.from_estimator(augmenter, load_digits().images[:3] / 16)
    >>> display.images.shape
    (3, 8, 8, 8)
    """

    def __init__(self, images: Array) -> None:
        self.images = images

    @classmethod
    def from_estimator(
        cls, estimator: ImageAugmenter, X: Any, *, n_copies: int = 7, ax: "Axes | None" = None
    ) -> Self:
        """Deform images and draw them.

        Parameters
        ----------
        estimator : ImageAugmenter
            It does not have to be fitted.
        X : array-like of shape (n_images, n_features) or (n_images, height, width)
            Images with values in [0, 1], one for each row of the plot.
        n_copies : int, default=7
            Number of deformed copies of each image.
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None creates a figure.

        Returns
        -------
        display : AugmentationDisplay
            The display, with the plot in `ax_`.
        """
        augmenter = clone(estimator).fit(X)
        rows, _ = flatten_images(X)
        rows = check_numbers(augmenter, rows, reset=False)
        copies = augmenter.transform(np.repeat(rows, n_copies, axis=0))
        images = np.concatenate([rows[:, None], copies.reshape(len(rows), n_copies, -1)], axis=1)
        return cls(images.reshape(len(rows), 1 + n_copies, *augmenter.image_shape_)).plot(ax=ax)

    def plot(self, *, ax: "Axes | None" = None) -> Self:
        """Draw the images.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None creates a figure.

        Returns
        -------
        display : AugmentationDisplay
            The display itself.
        """
        n_images, _, height, _ = self.images.shape
        framed = np.pad(self.images, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=0.5)
        mosaic = framed.swapaxes(1, 2).reshape(n_images * (height + 2), -1)
        size = (7.0, 7.0 * mosaic.shape[0] / mosaic.shape[1])
        self.figure_: Figure
        self.ax_: Axes
        self.figure_, self.ax_ = get_axes(ax, size)
        self.image_: AxesImage = self.ax_.imshow(
            mosaic, cmap="gray", vmin=0, vmax=1, interpolation="nearest"
        )
        self.ax_.set_axis_off()
        return self
