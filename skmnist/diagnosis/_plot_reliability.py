"""Plot the accuracy for each confidence (reliability diagram)."""

from typing import TYPE_CHECKING, Any, Self

from skmnist._drawing import BLUE, as_label, format_axis, get_axes, strip_frame
from skmnist.diagnosis._calibration import Calibration, measure_calibration
from skmnist.diagnosis._errors import analyze_errors
from skmnist.diagnosis._estimator import get_core
from skmnist.text import get_catalogue

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class ReliabilityDisplay:
    """Plot how often a classifier is right, by the probability of its prediction.

    If the probabilities can be trusted, the points are on the dotted line; points below it mean
    that the classifier is overconfident. The bars are 95% intervals. The area of a point increases
    with its number of images. scikit-learn's :class:`~sklearn.calibration.CalibrationDisplay` shows
    one class against the others; this display uses the probability of the predicted class of each
    image.

    Use :meth:`from_estimator` or :meth:`from_predictions` to create the display.

    Parameters
    ----------
    calibration : Calibration
        Result of :func:`measure_calibration`.
    name : str, default=None
        Name of the classifier, for the title.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger: On calibration of modern neural networks. ICML
    2017.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skmnist.diagnosis import ReliabilityDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> model = LogisticRegression(max_iter=5000).fit(X[:900], y[:900])
    >>> display = ReliabilityDisplay.from_estimator(model, X[900:], y[900:])
    >>> display.calibration.verdict
    'too_sure'
    """

    ax_: "Axes"
    figure_: "Figure"

    def __init__(self, calibration: Calibration, *, name: str | None = None) -> None:
        self.calibration = calibration
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        name: str | None = None,
        language: str = "en",
        ax: "Axes | None" = None,
    ) -> Self:
        """Measure the calibration of a fitted classifier and plot it.

        Parameters
        ----------
        estimator : fitted classifier
            Classifier with `predict_proba`.
        X : array-like
            Held-out rows.
        y : array-like of shape (n_samples,)
            True labels of `X`.
        name : str, default=None
            Name of the classifier; None uses the name of its class (for a Pipeline or a search,
            that of the classifier in it).
        language : {"en", "de"}, default="en"
            Language of the labels.
        ax : matplotlib Axes, default=None
            Axes to plot on; None creates a new figure.

        Returns
        -------
        display : ReliabilityDisplay
            The display, with the plot in `ax_`.
        """
        errors = analyze_errors(
            y,
            estimator.predict(X),
            labels=estimator.classes_,
            proba=estimator.predict_proba(X),
        )
        name = type(get_core(estimator)).__name__ if name is None else name
        return cls.from_predictions(
            errors.correct, errors.confidence, name=name, language=language, ax=ax
        )

    @classmethod
    def from_predictions(
        cls,
        correct: Any,
        confidence: Any,
        *,
        name: str | None = None,
        language: str = "en",
        ax: "Axes | None" = None,
    ) -> Self:
        """Plot the calibration of given predictions.

        Parameters
        ----------
        correct : array-like of bool, shape (n_samples,)
            Whether each prediction is correct, such as `ErrorAnalysis.correct`.
        confidence : array-like of shape (n_samples,)
            Probability of each predicted class, such as `ErrorAnalysis.confidence`.
        name : str, default=None
            Name of the classifier; None shows no name.
        language, ax
            As for :meth:`from_estimator`.

        Returns
        -------
        display : ReliabilityDisplay
            The display, with the plot in `ax_`.

        Raises
        ------
        ValueError
            If the arrays differ in length or are empty, `confidence` is not in [0, 1], or `correct`
            has values other than True and False.
        """
        return cls(measure_calibration(confidence, correct), name=name).plot(ax, language=language)

    def plot(self, ax: "Axes | None" = None, *, language: str = "en") -> Self:
        """Plot the display.

        Parameters
        ----------
        ax, language
            As for :meth:`from_estimator`.

        Returns
        -------
        display : ReliabilityDisplay
            The display itself.
        """
        say = get_catalogue(language)
        bins = self.calibration.bins
        self.figure_, self.ax_ = get_axes(ax, (4, 4))
        self.ax_.plot([0, 1], [0, 1], ":", color="0.5", linewidth=1)
        self.ax_.vlines(
            bins["confidence"], bins["accuracy_low"], bins["accuracy_high"], color="0.5"
        )
        self.ax_.scatter(
            bins["confidence"],
            bins["accuracy"],
            s=10 + 90 * bins["n"] / bins["n"].max(),
            color=BLUE,
            zorder=2,
        )
        ece = say("plot.ece", ece=self.calibration.ece)
        title = ece if self.name is None else f"{as_label(self.name, 40)}\n{ece}"
        self.ax_.set_title(title, fontsize="medium")
        self.ax_.set(
            xlabel=say("plot.confidence"),
            ylabel=say("plot.accuracy"),
            xlim=(0, 1.03),
            ylim=(0, 1.03),
        )
        format_axis(self.ax_.xaxis, say)
        format_axis(self.ax_.yaxis, say)
        strip_frame(self.ax_)
        return self
