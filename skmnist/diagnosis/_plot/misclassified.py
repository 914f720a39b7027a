"""The images that a classifier misread."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_consistent_length

from skmnist._drawing import as_label
from skmnist.diagnosis._errors import analyze_errors
from skmnist.diagnosis._plot.tiles import draw_tiles
from skmnist.diagnosis._rows import find_image_shape, take_images
from skmnist.text import Catalogue, get_catalogue

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]

ALMOST_SURE = 0.9995  # would be rounded up to 100 %


class MisclassifiedDisplay:
    """Show the images that a classifier misread, its most confident mistakes first.

    Create it by :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    frame : DataFrame
        A row per image shown: `row` (its number in `X`), `true`, `predicted`, `confidence` (the
        probability of the predicted class; missing where it is not known).
    images : ndarray of shape (n_shown, height, width)
        The images that are shown.
    n_errors : int
        How many were misread altogether.

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

    Columns that make no square need the shape of an image:

    >>> MisclassifiedDisplay.from_predictions(np.eye(2), [0, 1], [1, 1])
    Traceback (most recent call last):
    ValueError: X has 2 columns, which make no square image; pass image_shape=(height, width).
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
        """Let a fitted classifier predict, and show what it misread.

        Parameters
        ----------
        estimator : fitted classifier
            Where it has no `predict_proba`, no confidence is shown.
        X : array-like of shape (n_samples, height, width) or (n_samples, n_pixels)
            Images that were not trained on.
        y : array-like of shape (n_samples,)
            Their labels.
        n_images : int, default=20
            How many are shown at most.
        image_shape : (height, width), default=None
            What the columns of `X` make; None takes what the estimator learned, or a square.
        language : {"en", "de"}, default="en"
        ax : Axes, default=None
            Where it is drawn; None makes a figure.

        Returns
        -------
        display : MisclassifiedDisplay

        Raises
        ------
        ValueError
            The shape of an image is not known, or `n_images` is no number above 0.
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
        n_images: int = 20,
        image_shape: tuple[int, int] | None = None,
        language: str = "en",
        ax: "Axes | None" = None,
    ) -> Self:
        """Show what predictions misread.

        Parameters
        ----------
        X : array-like of shape (n_samples, height, width) or (n_samples, n_pixels)
            The images.
        y_true, y_pred : array-like of shape (n_samples,)
            True and predicted labels.
        confidence : array-like of shape (n_samples,), default=None
            Probability of the predicted class; None keeps the order of the rows.
        n_images, image_shape, language, ax
            As for :meth:`from_estimator`.

        Returns
        -------
        display : MisclassifiedDisplay

        Raises
        ------
        ValueError
            Lengths differ, the shape of an image is not known, or `n_images` is no number
            above 0.
        """
        if n_images < 1:
            raise ValueError(f"n_images={n_images!r} must be an int >= 1.")
        check_consistent_length(X, y_true, y_pred, confidence)
        errors = analyze_errors(y_true, y_pred)
        if confidence is not None:
            errors = replace(errors, confidence=np.asarray(confidence, dtype=float))
        mistakes = errors.mistakes.head(n_images).reset_index()
        frame = mistakes.reindex(columns=["row", "true", "predicted", "confidence"])
        images = take_images(X, frame["row"].to_numpy(), image_shape)
        return cls(frame, images, n_errors=errors.n_errors).plot(ax, language=language)

    def plot(self, ax: "Axes | None" = None, *, language: str = "en") -> Self:
        """Draw it.

        Parameters
        ----------
        ax, language
            As for :meth:`from_estimator`.

        Returns
        -------
        display : MisclassifiedDisplay
            Itself.
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
    """Write a probability without rounding it up to certainty."""
    if confidence >= ALMOST_SURE:
        return say("plot.almost_sure", value=0.999)
    return say.format("{:.1%}", confidence)
