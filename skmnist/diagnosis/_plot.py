"""Pictures of how a network learned, what it confuses, and what it looks for."""

from collections.abc import Mapping, Sequence
from math import ceil, isqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skmnist._drawing import BLUE, VERMILION, as_label, format_axis, get_axes, strip_frame
from skmnist.diagnosis._errors import analyze_errors
from skmnist.diagnosis._estimator import get_core
from skmnist.text import Catalogue, get_catalogue

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]

METRICS = ("accuracy", "loss")
MAX_COUNTED_CLASSES = 20  # more counts cannot be read beside each other
MAX_TICKS = 30
ALMOST_SURE = 0.9995  # would be rounded up to 100 %
FEW_EPOCHS = 5  # a line through fewer points hides how few there are
# Ink stays readable on the darkest cell, on white paper (4.5 to 1) and on a dark page.
MAX_OPACITY = 0.8


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
    ) -> "EpochCurveDisplay":
        """Draw the history that a fitted estimator keeps.

        Parameters
        ----------
        estimator : fitted estimator
            One with a `history_`, as our classifiers have, or a `loss_curve_`, as
            scikit-learn's networks have; alone, as the last step of a Pipeline, or as the best
            of a search.
        metric : {"accuracy", "loss"}, default=None
            What is drawn; None takes accuracy where it is known.
        name : str, default=None
            The title; None takes none.
        language : {"en", "de"}, default="en"
        ax : Axes, default=None
            Where it is drawn; None makes a figure.

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
        history = getattr(core, "history_", None)
        if history is None and getattr(core, "loss_curve_", None) is not None:
            history = {"loss": core.loss_curve_}
            if getattr(core, "validation_scores_", None) is not None:
                history["val_accuracy"] = core.validation_scores_
        if history is None:
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
    ) -> "EpochCurveDisplay":
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
        if isinstance(getattr(history, "history", None), Mapping):  # keras.callbacks.History
            history = history.history
        frame = _make_history_frame(history)
        if best_epoch is None:
            best_epoch = _find_best_epoch(frame)
        display = cls(frame, best_epoch=best_epoch, name=name)
        return display.plot(ax, metric=metric, language=language)

    def plot(
        self, ax: "Axes | None" = None, *, metric: str | None = None, language: str = "en"
    ) -> "EpochCurveDisplay":
        """Draw it.

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
        self.ax_ = get_axes(ax, (5, 3.2))
        self.figure_ = self.ax_.figure  # type: ignore[assignment]
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


class ConfusionDisplay:
    """Draw which classes are taken for which.

    The right answers, many times more than the wrong ones, are taken out of the scale: in
    scikit-learn's ``ConfusionMatrixDisplay`` they make all confusions look alike.

    Create it by :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    frame : DataFrame
        Counts; rows true classes, columns predicted ones. What `analyze_errors` keeps in
        `confusion`.

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
    ) -> "ConfusionDisplay":
        """Let a fitted classifier predict, and draw what it confuses.

        Parameters
        ----------
        estimator : fitted classifier
            Its predictions are drawn.
        X : array-like
            Rows that were not trained on.
        y : array-like of shape (n_samples,)
            Their labels.
        language : {"en", "de"}, default="en"
        ax : Axes, default=None
            Where it is drawn; None makes a figure.

        Returns
        -------
        display : ConfusionDisplay
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
    ) -> "ConfusionDisplay":
        """Draw what predictions confuse.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
            True and predicted labels.
        labels : array-like, default=None
            Classes to show besides those that occur.
        language, ax
            As for :meth:`from_estimator`.

        Returns
        -------
        display : ConfusionDisplay
        """
        display = cls(analyze_errors(y_true, y_pred, labels=labels).confusion)
        return display.plot(ax, language=language)

    def plot(self, ax: "Axes | None" = None, *, language: str = "en") -> "ConfusionDisplay":
        """Draw it.

        Parameters
        ----------
        ax, language
            As for :meth:`from_estimator`.

        Returns
        -------
        display : ConfusionDisplay
            Itself.
        """
        say = get_catalogue(language)
        counts = self.frame.to_numpy()
        n_classes = len(counts)
        self.ax_ = get_axes(ax, (5, 5))
        self.figure_ = self.ax_.figure  # type: ignore[assignment]
        right = np.eye(n_classes, dtype=bool)
        confusions = np.ma.masked_array(counts, right)
        self.ax_.imshow(
            np.where(right, 1.0, np.nan), cmap="Greys", vmin=0, vmax=1, alpha=0.15 * right
        )
        self.image_ = self.ax_.imshow(
            confusions,
            cmap=_make_opacities(BLUE),
            vmin=0.0,
            vmax=float(max(1, confusions.max() if n_classes > 1 else 1)),
            interpolation="nearest",
        )
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
        # a faint line around each cell shows where the empty ones are
        self.ax_.set_xticks(np.arange(1, len(labels)) - 0.5, minor=True)
        self.ax_.set_yticks(np.arange(1, len(labels)) - 0.5, minor=True)
        self.ax_.grid(which="minor", alpha=0.25, linewidth=0.6)
        self.ax_.tick_params(which="minor", length=0)
        self.ax_.set(xlabel=say("plot.predicted"), ylabel=say("plot.true"))


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
    ) -> "MisclassifiedDisplay":
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
    ) -> "MisclassifiedDisplay":
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
        frame, images, n_errors = select_misread(
            X, y_true, y_pred, confidence, n_images=n_images, image_shape=image_shape
        )
        return cls(frame, images, n_errors=n_errors).plot(ax, language=language)

    def plot(self, ax: "Axes | None" = None, *, language: str = "en") -> "MisclassifiedDisplay":
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
        self.ax_ = _draw_tiles(ax, self.images, captions, n_columns=5, cmap="gray_r")
        self.figure_ = self.ax_.figure  # type: ignore[assignment]
        title = "misread" if len(self.frame) else "no_errors"
        self.ax_.set_title(
            say(f"plot.{title}", shown=len(self.frame), n_errors=self.n_errors), fontsize="medium"
        )
        return self


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
    ) -> "FirstLayerDisplay":
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
            weights = np.atleast_2d(core.coef_)
        else:
            raise ValueError(
                f"{type(core).__name__} keeps no weights of a first layer (coefs_ or coef_)."
            )
        norms = np.linalg.norm(weights, axis=1)
        shown = np.argsort(-norms, kind="stable")[:n_images]
        frame = pd.DataFrame({"neuron": shown, "norm": norms[shown]})
        images = _as_images(weights[shown], image_shape or find_image_shape(estimator))
        return cls(frame, images).plot(ax, language=language)

    def plot(self, ax: "Axes | None" = None, *, language: str = "en") -> "FirstLayerDisplay":
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
        self.ax_ = _draw_tiles(
            ax, self.images, None, n_columns=5, cmap="cividis", vmin=-largest, vmax=largest
        )
        self.figure_ = self.ax_.figure  # type: ignore[assignment]
        self.ax_.set_title(say("plot.first_layer"), fontsize="medium")
        return self


def select_misread(
    X: Any,
    y_true: Any,
    y_pred: Any,
    confidence: Any,
    *,
    n_images: int,
    image_shape: tuple[int, int] | None,
) -> tuple[pd.DataFrame, Array, int]:
    """Return what a `MisclassifiedDisplay` holds: frame, images, number of errors."""
    if n_images < 1:
        raise ValueError(f"n_images={n_images!r} must be an int >= 1.")
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    check_consistent_length(X, y_true, y_pred, confidence)
    wrong = np.flatnonzero(y_true != y_pred)
    shown = wrong
    if confidence is not None:
        confidence = np.asarray(confidence, dtype=float)
        shown = wrong[np.argsort(-confidence[wrong], kind="stable")]
    shown = shown[:n_images]
    frame = pd.DataFrame(
        {
            "row": shown,
            "true": y_true[shown],
            "predicted": y_pred[shown],
            "confidence": np.nan if confidence is None else confidence[shown],
        }
    )
    return frame, take_images(X, shown, image_shape), len(wrong)


def take_images(X: Any, rows: Any, image_shape: tuple[int, int] | None) -> Array:
    """Return rows of `X`, an array, a frame, a sparse matrix or a list, as images."""
    if hasattr(X, "iloc"):
        X = X.iloc[rows]
    else:
        X = X[rows] if hasattr(X, "shape") else [X[row] for row in rows]
    return _as_images(X.toarray() if hasattr(X, "toarray") else np.asarray(X), image_shape)


def format_confidence(say: Catalogue, confidence: float) -> str:
    """Write a probability without rounding it up to certainty."""
    if confidence >= ALMOST_SURE:
        return say("plot.almost_sure", value=0.999)
    return say.format("{:.1%}", confidence)


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
    for column, sign in (("val_accuracy", 1), ("val_loss", -1)):
        if column in frame and frame[column].notna().any():
            return 1 + int(np.nanargmax(sign * frame[column].to_numpy()))
    return None


def find_image_shape(estimator: Any) -> tuple[int, int] | None:
    """Return the shape that a step of the estimator has learned, where one has."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    steps = [step for _, step in getattr(estimator, "steps", [("", estimator)])]
    for step in steps:
        shape = getattr(step, "image_shape_", ())
        if len(shape) == 2:
            return tuple(shape)
    return None


def _as_images(X: Array, image_shape: tuple[int, int] | None) -> Array:
    if X.ndim == 3:
        return X
    if X.ndim != 2:
        raise ValueError(
            f"X has shape {X.shape}, expected images (n, height, width) or rows (n, n_pixels)."
        )
    n_pixels = X.shape[1]
    side = isqrt(n_pixels)
    height, width = image_shape or (side, side)
    if height * width != n_pixels:
        if image_shape is not None:
            raise ValueError(f"image_shape={image_shape!r} does not fit X with {n_pixels} columns.")
        raise ValueError(
            f"X has {n_pixels} columns, which make no square image; pass "
            "image_shape=(height, width)."
        )
    return X.reshape(-1, height, width)


def _make_opacities(color: str) -> "Colormap":
    """Make a colormap from nothing to a colour, which is readable on light and dark pages."""
    from matplotlib.colors import ListedColormap, to_rgb

    return ListedColormap([(*to_rgb(color), a) for a in np.linspace(0, MAX_OPACITY, 256)])


def _draw_tiles(
    ax: "Axes | None", images: Array, captions: Sequence[str] | None, n_columns: int, **look: Any
) -> "Axes":
    """Lay images out in rows of `n_columns`, each with its caption below."""
    n_columns = max(1, min(n_columns, len(images)))
    n_rows = max(1, ceil(len(images) / n_columns))
    height, width = images.shape[1:] if len(images) else (1, 1)
    # room for a caption of two lines, whatever the size of the images
    step_x, step_y = 1.12 * width, height + (0.5 if captions else 0.12) * width
    ax = get_axes(ax, (5, 0.4 + 5 * n_rows * step_y / (n_columns * step_x)))
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
    return ax
