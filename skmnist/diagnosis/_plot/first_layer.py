"""What the neurons of the first hidden layer look for."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from skmnist.diagnosis._estimator import get_core
from skmnist.diagnosis._plot.tiles import draw_tiles
from skmnist.diagnosis._rows import as_images, find_image_shape
from skmnist.text import get_catalogue

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]


class FirstLayerDisplay:
    """Show what the neurons of the first hidden layer look for in an image.

    Each picture is the weights of one neuron: light where ink speaks for what it looks for,
    dark where ink speaks against it. A network that has learned shows strokes and arcs; one that
    has not shows noise. A linear classifier shows one picture per class.

    Create it by :meth:`from_estimator`.

    Parameters
    ----------
    frame : DataFrame
        A row per neuron shown: `neuron` (its number, from 0) and `norm` (of its weights).
    images : ndarray of shape (n_shown, height, width)
        The weights.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skmnist import SimpleNNClassifier
    >>> from skmnist.diagnosis import FirstLayerDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> model = SimpleNNClassifier(epochs=2, random_state=0).fit(X / 16, y)
    >>> FirstLayerDisplay.from_estimator(model, n_images=6).images.shape
    (6, 8, 8)
    """

    ax_: "Axes"
    figure_: "Figure"

    def __init__(self, frame: pd.DataFrame, images: Array) -> None:
        self.frame = frame
        self.images = images

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        n_images: int = 20,
        image_shape: tuple[int, int] | None = None,
        language: str = "en",
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw the first layer of a fitted classifier.

        Parameters
        ----------
        estimator : fitted estimator
            One with `coefs_`, as our classifiers and scikit-learn's networks have, or with
            `coef_`, as linear ones have; alone, as the last step of a Pipeline, or as the best
            of a search.
        n_images : int, default=20
            How many neurons are shown at most, those of the largest weights.
        image_shape : (height, width), default=None
            What the inputs make; None takes what the estimator learned, or a square.
        language : {"en", "de"}, default="en"
        ax : Axes, default=None
            Where it is drawn; None makes a figure.

        Returns
        -------
        display : FirstLayerDisplay

        Raises
        ------
        ValueError
            The estimator has no such weights, the shape of an image is not known, or `n_images`
            is no number above 0.
        """
        if n_images < 1:
            raise ValueError(f"n_images={n_images!r} must be an int >= 1.")
        core = get_core(estimator)
        if hasattr(core, "get_params"):
            check_is_fitted(core)
        if hasattr(core, "coefs_"):
            weights = np.asarray(core.coefs_[0]).T
        elif hasattr(core, "coef_"):
            sparse = hasattr(core.coef_, "toarray")  # after `sparsify`
            weights = np.atleast_2d(core.coef_.toarray() if sparse else core.coef_)
        else:
            raise ValueError(
                f"{type(core).__name__} keeps no weights of a first layer (coefs_ or coef_)."
            )
        norms = np.linalg.norm(weights, axis=1)
        shown = np.argsort(-norms, kind="stable")[:n_images]
        frame = pd.DataFrame({"neuron": shown, "norm": norms[shown]})
        images = as_images(weights[shown], image_shape or find_image_shape(estimator))
        return cls(frame, images).plot(ax, language=language)

    def plot(self, ax: "Axes | None" = None, *, language: str = "en") -> Self:
        """Draw it.

        Parameters
        ----------
        ax, language
            As for :meth:`from_estimator`.

        Returns
        -------
        display : FirstLayerDisplay
            Itself.
        """
        say = get_catalogue(language)
        largest = float(np.abs(self.images).max()) or 1.0
        self.figure_, self.ax_ = draw_tiles(
            ax, self.images, cmap="cividis", vmin=-largest, vmax=largest
        )
        self.ax_.set_title(say("plot.first_layer"), fontsize="medium")
        return self
