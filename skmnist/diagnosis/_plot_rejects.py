"""Plot the error rate of accepted images against the share of images that a person checks."""

from math import floor, log10
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from skmnist._drawing import BLUE, as_label, format_axis, get_axes, strip_frame
from skmnist.diagnosis._estimator import get_core
from skmnist.diagnosis._rejects import (
    ALPHA,
    check_allowed_error,
    error_reject_curve,
    measure_work_left,
    read_confidence,
)
from skmnist.text import Catalogue, get_catalogue

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure


class ErrorRejectDisplay:
    """Plot the error rate of accepted images against the share of images that a person checks.

    The images with the lowest confidence are rejected and left for a person to check. Towards the
    right of the plot, there is more manual work, and usually a smaller share of the accepted images
    is wrong. Unlike a single accuracy, the curve shows how useful the probabilities of a model are.

    Use :meth:`from_estimator` or :meth:`from_predictions` to create the display.

    Parameters
    ----------
    frame : DataFrame
        One row per threshold: `reject_rate`, `error_rate`, `threshold`, and `low` and `high`, the
        95% interval of the error rate.
    n_test : int
        Number of images.
    allowed_error : float, default=None
        Largest allowed error rate, marked in the plot unless it is None.
    share : float, default=None
        Share of images that a person must check at `allowed_error`, marked in the plot; None if
        unknown.
    name : str, default=None
        Name of the model, for the legend.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    line_ : Line2D
        The curve.
    band_ : PolyCollection
        Its confidence band.

    Notes
    -----
    The band is the exact 95% interval of Clopper and Pearson for the error rate at each threshold.
    It holds for each threshold on its own, not for all of them together.

    References
    ----------
    C. J. Clopper, E. S. Pearson: The use of confidence or fiducial limits illustrated in the case
    of the binomial. Biometrika 26, 1934, 404-413.

    Examples
    --------
    >>> from skmnist.diagnosis import ErrorRejectDisplay
    >>> display = ErrorRejectDisplay.from_predictions(
    ...     [0, 0, 0, 1], [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]]
    ... )
    >>> display.frame.round(2)
       reject_rate  error_rate  threshold   low  high
    0         0.00        0.25        0.6  0.01  0.81
    1         0.25        0.00        0.7  0.00  0.71
    2         0.50        0.00        0.8  0.00  0.84
    3         0.75        0.00        0.9  0.00  0.98
    """

    ax_: "Axes"
    figure_: "Figure"
    line_: Any
    band_: Any

    def __init__(
        self,
        frame: pd.DataFrame,
        *,
        n_test: int,
        allowed_error: float | None = None,
        share: float | None = None,
        name: str | None = None,
    ) -> None:
        self.frame = frame
        self.n_test = n_test
        self.allowed_error = allowed_error
        self.share = share
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        allowed_error: float | None = None,
        name: str | None = None,
        language: str = "en",
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Plot the curve of a fitted classifier.

        Parameters
        ----------
        estimator : fitted classifier
            Classifier with `predict_proba`.
        X : array-like
            Held-out rows.
        y : array-like of shape (n_samples,)
            True labels of `X`.
        allowed_error : float, default=None
            Largest allowed error rate of the accepted images, such as 0.001, marked in the plot
            unless it is None.
        name : str, default=None
            Name for the legend; None uses the name of the estimator's class (for a Pipeline or a
            search, that of the classifier in it).
        language : {"en", "de"}, default="en"
            Language of the labels.
        ax : matplotlib Axes, default=None
            Axes to plot on; None creates a new figure.
        **kwargs
            Keyword arguments of matplotlib's `plot` for the curve, such as `color` or `linestyle`
            to distinguish several models on the same axes.

        Returns
        -------
        display : ErrorRejectDisplay
            The display, with the plot in `ax_`.

        Raises
        ------
        ValueError
            If the classifier has no `predict_proba`, or for the reasons given in
            :meth:`from_predictions`.
        """
        kind = type(get_core(estimator)).__name__
        if not hasattr(estimator, "predict_proba"):
            raise ValueError(
                f"{kind} has no predict_proba, so its confidence is unknown; wrap it in "
                "CalibratedClassifierCV, for example."
            )
        return cls.from_predictions(
            y,
            estimator.predict_proba(X),
            labels=estimator.classes_,
            allowed_error=allowed_error,
            name=kind if name is None else name,
            language=language,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_proba: Any,
        *,
        labels: Any = None,
        allowed_error: float | None = None,
        name: str | None = None,
        language: str = "en",
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Plot the curve from predicted probabilities.

        Parameters
        ----------
        y_true, y_proba, labels : array-like
            As for :func:`error_reject_curve`.
        allowed_error, name, language, ax, **kwargs
            As for :meth:`from_estimator`, but if `name` is None, the curve has no legend entry.

        Returns
        -------
        display : ErrorRejectDisplay
            The display, with the plot in `ax_`.

        Raises
        ------
        ValueError
            As for :func:`error_reject_curve`, or if `allowed_error` is out of range.
        """
        confidence, wrong = read_confidence(y_true, y_proba, labels)
        reject_rate, error_rate, thresholds = error_reject_curve(y_true, y_proba, labels=labels)
        low, high = _clopper_pearson(reject_rate, error_rate, len(wrong))
        frame = pd.DataFrame(
            {
                "reject_rate": reject_rate,
                "error_rate": error_rate,
                "threshold": thresholds,
                "low": low,
                "high": high,
            }
        )
        share = None
        if allowed_error is not None:
            check_allowed_error(allowed_error)
            share = measure_work_left(confidence, ~wrong, allowed_error=allowed_error).share
        display = cls(frame, n_test=len(wrong), allowed_error=allowed_error, share=share, name=name)
        return display.plot(ax, language=language, **kwargs)

    def plot(self, ax: "Axes | None" = None, *, language: str = "en", **kwargs: Any) -> Self:
        """Plot the display.

        Parameters
        ----------
        ax, language, **kwargs
            As for :meth:`from_estimator`.

        Returns
        -------
        display : ErrorRejectDisplay
            The display itself.
        """
        say = get_catalogue(language)
        self.figure_, self.ax_ = get_axes(ax, (5, 3.2))
        style = {"color": BLUE, **kwargs}
        if self.name is not None:
            style = {"label": as_label(self.name, 30), **style}
        rejected = self.frame["reject_rate"]
        (self.line_,) = self.ax_.plot(rejected, self.frame["error_rate"], **style)
        color = self.line_.get_color()
        self.band_ = self.ax_.fill_between(
            rejected, self.frame["low"], self.frame["high"], color=color, alpha=0.2, linewidth=0
        )
        # rates span several powers of ten; a rate of 0 is below the bottom of the plot
        self.ax_.set_yscale("log", nonpositive="clip")
        self.ax_.set(xlim=(0, 1), ylim=(0.5 / self.n_test, 1))
        self._mark_allowed(say, color)
        strip_frame(self.ax_)
        format_axis(self.ax_.xaxis, say)
        _format_rates(self.ax_.yaxis, say)
        self.ax_.set(xlabel=say("plot.work.rejected"), ylabel=say("plot.work.wrong"))
        if self.name is not None or self.share is not None:
            self.ax_.legend(loc="best", framealpha=0.5, edgecolor="none", facecolor="none")
        return self

    def _mark_allowed(self, say: Catalogue, color: Any) -> None:
        if self.allowed_error is None:
            return
        self.ax_.axhline(self.allowed_error, color="0.5", linewidth=1, linestyle=":")
        if self.share is not None:
            label = say("plot.work.share", share=self.share)
            self.ax_.plot([self.share], [self.allowed_error], "D", color=color, label=label)


def _format_rates(axis: "Axis", say: Catalogue) -> None:
    """Label powers of ten as percentages with as many decimals as they need."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    def label(value: float, _: Any) -> str:
        return say.format(f"{{:.{max(0, -floor(log10(value)) - 2)}%}}", value)

    axis.set_major_formatter(FuncFormatter(label))
    axis.set_minor_formatter(NullFormatter())


def _clopper_pearson(reject_rate: Any, error_rate: Any, n: int) -> tuple[Any, Any]:
    """Return the exact 95% interval of the error rate at each threshold."""
    from scipy.stats import beta

    accepted = np.rint((1 - reject_rate) * n)
    errors = np.rint(error_rate * accepted)
    with np.errstate(invalid="ignore"):  # undefined without errors, or without correct rows
        low = beta.ppf(ALPHA / 2, errors, accepted - errors + 1)
        high = beta.ppf(1 - ALPHA / 2, errors + 1, accepted - errors)
    return np.where(errors == 0, 0.0, low), np.where(errors == accepted, 1.0, high)
