"""Plot misclassified images and the weights of the first layer."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skmnist._drawing import as_label, get_axes
from skmnist.diagnosis._errors import analyze_errors
from skmnist.diagnosis._estimator import as_images, find_image_shape, get_core, take_images
from skmnist.text import Catalogue, get_catalogue

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]

N_COLUMNS = 5


def draw_tiles(
    ax: "Axes | None", images: Array, captions: Sequence[str] = (), **look: Any
) -> tuple["Figure", "Axes"]:
    """Plot images in a grid with captions below."""
    n_columns = max(1, min(N_COLUMNS, len(images)))
    n_rows = max(1, ceil(len(images) / n_columns))
    height, width = images.shape[1:] if len(images) else (1, 1)
    # leave space for captions of two lines
    step_x, step_y = 1.12 * width, height + (0.5 if captions else 0.12) * width
    figure, ax = get_axes(ax, (5, 0.4 + 5 * n_rows * step_y / (n_columns * step_x)))
    for at, image in enumerate(images):
        row, column = divmod(at, n_columns)
        left, top = column * step_x, row * step_y
        ax.imshow(
            image,
            extent=(left, left + width, top + height, top),
            interpolation="nearest",
            **look,
        )
        if captions:
            ax.text(
                left + width / 2,
                top + height + 0.04 * width,
                captions[at],
                ha="center",
                va="top",
                fontsize="small",
            )
    ax.set(
        xlim=(-0.06 * width, n_columns * step_x - 0.06 * width),
        ylim=(n_rows * step_y, -0.04 * height),
        aspect="equal",
    )
    ax.set_axis_off()
    return figure, ax


ALMOST_SURE = 0.9995  # higher values would be rounded up to 100%


class MisclassifiedDisplay:
    """Plot misclassified images.

    If the confidence is known, the most confident mistakes come first.

    Use :meth:`from_estimator` or :meth:`from_predictions` to create the display.

    Parameters
    ----------
    frame : DataFrame
        One row per image: `row` (row number in `X`), `true`, `predicted`, `confidence`
        (probability of the predicted class, missing if unknown).
    images : ndarray of shape (n_shown, height, width)
        The images to show.
    n_errors : int
        Total number of misclassified images.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist.diagnosis import MisclassifiedDisplay
    >>> display = MisclassifiedDisplay.from_predictions(
    ...     np.eye(4).reshape(4, 2, 2), [0, 1, 1, 0], [0, 1, 0, 1], confidence=[0.9, 0.8, 0.6, 0.7]
    ... )
    >>> display.frame
       row  true  predicted  confidence
    0    3     0          1         0.7
    1    2     1          0         0.6

    Rows of images that are not square require their shape:

    >>> MisclassifiedDisplay.from_predictions(np.eye(2), [0, 1], [1, 1])
    Traceback (most recent call last):
    ValueError: X has 2 columns, which is not a square number; pass image_shape=(height, width).
    """

    ax_: "Axes"
    figure_: "Figure"

    def __init__(self, frame: pd.DataFrame, images: Array, *, n_errors: int) -> None:
        self.frame = frame
        self.images = images
        self.n_errors = n_errors

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        n_images: int = 20,
        image_shape: tuple[int, int] | None = None,
        language: str = "en",
        ax: "Axes | None" = None,
    ) -> Self:
        """Plot the images that a fitted classifier misclassifies.

        Parameters
        ----------
        estimator : fitted classifier
            Classifier to evaluate. If it has no `predict_proba`, no confidence is shown.
        X : array-like of shape (n_samples, height, width) or (n_samples, n_pixels)
            Held-out images.
        y : array-like of shape (n_samples,)
            True labels of `X`.
        n_images : int, default=20
            Maximum number of images.
        image_shape : (height, width), default=None
            Image shape if `X` has rows of pixels; None uses the shape stored in a fitted step, or
            assumes square images.
        language : {"en", "de"}, default="en"
            Language of the labels.
        ax : matplotlib Axes, default=None
            Axes to plot on; None creates a new figure.

        Returns
        -------
        display : MisclassifiedDisplay
            The display, with the plot in `ax_`.

        Raises
        ------
        ValueError
            If the image shape is unknown, or `n_images` is not positive.
        """
        labels = getattr(estimator, "classes_", None)
        proba = estimator.predict_proba(X) if hasattr(estimator, "predict_proba") else None
        errors = analyze_errors(y, estimator.predict(X), labels=labels, proba=proba)
        return cls.from_predictions(
            X,
            y,
            errors.y_pred,
            confidence=errors.confidence,
            n_images=n_images,
            image_shape=image_shape or find_image_shape(estimator),
            language=language,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        X: Any,
        y_true: Any,
        y_pred: Any,
        *,
        confidence: Any = None,
        rows: Any = None,
        n_images: int = 20,
        image_shape: tuple[int, int] | None = None,
        language: str = "en",
        ax: "Axes | None" = None,
    ) -> Self:
        """Plot misclassified images.

        Parameters
        ----------
        X : array-like of shape (n_samples, height, width) or (n_samples, n_pixels)
            The images.
        y_true, y_pred : array-like of shape (n_samples,)
            True and predicted labels.
        confidence : array-like of shape (n_samples,), default=None
            Probability of the predicted class; None keeps the order of the rows.
        rows : array-like of int, default=None
            Misclassified rows to show, in this order, for example the index of
            `ErrorAnalysis.suspects`, which lists the images whose label may be wrong. None means
            all misclassified rows. At most `n_images` are shown.
        n_images, image_shape, language, ax
            As for :meth:`from_estimator`.

        Returns
        -------
        display : MisclassifiedDisplay
            The display, with the plot in `ax_`.

        Raises
        ------
        ValueError
            If lengths differ, the image shape is unknown, or `n_images` is not positive.
        KeyError
            If `rows` has a row that is not misclassified.
        """
        if n_images < 1:
            raise ValueError(f"n_images={n_images!r} must be an int >= 1.")
        check_consistent_length(X, y_true, y_pred, confidence)
        errors = analyze_errors(y_true, y_pred)
        if confidence is not None:
            errors = replace(errors, confidence=np.asarray(confidence, dtype=float))
        mistakes = errors.mistakes if rows is None else errors.mistakes.loc[np.asarray(rows)]
        mistakes = mistakes.head(n_images).reset_index()
        frame = mistakes.reindex(columns=["row", "true", "predicted", "confidence"])
        images = take_images(X, frame["row"].to_numpy(), image_shape)
        return cls(frame, images, n_errors=errors.n_errors).plot(ax, language=language)

    def plot(self, ax: "Axes | None" = None, *, language: str = "en") -> Self:
        """Plot the display.

        Parameters
        ----------
        ax, language
            As for :meth:`from_estimator`.

        Returns
        -------
        display : MisclassifiedDisplay
            The display itself.
        """
        say = get_catalogue(language)
        captions = []
        for _, true, predicted, confidence in self.frame.itertuples(index=False):
            pair = f"{as_label(true, 7)} → {as_label(predicted, 7)}"
            known = not np.isnan(confidence)
            captions.append(f"{pair}\n{format_confidence(say, confidence)}" if known else pair)
        self.figure_, self.ax_ = draw_tiles(ax, self.images, captions, cmap="gray_r")
        title = "misread" if len(self.frame) else "no_errors"
        self.ax_.set_title(
            say(f"plot.{title}", shown=len(self.frame), n_errors=self.n_errors), fontsize="medium"
        )
        return self


def format_confidence(say: Catalogue, confidence: float) -> str:
    """Format a probability without rounding it up to 100%."""
    if confidence >= ALMOST_SURE:
        return say("plot.almost_sure", value=0.999)
    return say.format("{:.1%}", confidence)


class FirstLayerDisplay:
    """Plot the weights of the first hidden layer as images.

    Each image shows the weights of one neuron, or of one class for a linear classifier. Positive
    weights are light, and negative ones are dark. The weights of a trained network show strokes and
    arcs; those of an untrained one show noise.

    Use :meth:`from_estimator` to create the display.

    Parameters
    ----------
    frame : DataFrame
        One row per image: `neuron` (the number of the neuron or class, from 0) and `norm` (of its
        weights).
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
        """Plot the first layer of a fitted classifier.

        Parameters
        ----------
        estimator : fitted estimator
            An estimator with `coefs_`, such as this package's classifiers and scikit-learn's
            networks, or `coef_`, such as linear classifiers. A Pipeline that ends in such an
            estimator, or a fitted search, is accepted as well.
        n_images : int, default=20
            Maximum number of neurons; those with the largest weights are shown.
        image_shape : (height, width), default=None
            Shape of the input images; None uses the shape stored in a fitted step, or assumes
            square images.
        language : {"en", "de"}, default="en"
            Language of the labels.
        ax : matplotlib Axes, default=None
            Axes to plot on; None creates a new figure.

        Returns
        -------
        display : FirstLayerDisplay
            The display, with the plot in `ax_`.

        Raises
        ------
        ValueError
            If the estimator has no such weights, the image shape is unknown, or `n_images` is not
            positive.
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
                f"{type(core).__name__} has no weights of a first layer (coefs_ or coef_)."
            )
        norms = np.linalg.norm(weights, axis=1)
        shown = np.argsort(-norms, kind="stable")[:n_images]
        frame = pd.DataFrame({"neuron": shown, "norm": norms[shown]})
        images = as_images(weights[shown], image_shape or find_image_shape(estimator))
        return cls(frame, images).plot(ax, language=language)

    def plot(self, ax: "Axes | None" = None, *, language: str = "en") -> Self:
        """Plot the display.

        Parameters
        ----------
        ax, language
            As for :meth:`from_estimator`.

        Returns
        -------
        display : FirstLayerDisplay
            The display itself.
        """
        say = get_catalogue(language)
        largest = float(np.abs(self.images).max()) or 1.0
        self.figure_, self.ax_ = draw_tiles(
            ax, self.images, cmap="cividis", vmin=-largest, vmax=largest
        )
        self.ax_.set_title(say("plot.first_layer"), fontsize="medium")
        return self
