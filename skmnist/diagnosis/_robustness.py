"""Measure how much accuracy a classifier loses when images are changed."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_consistent_length, check_random_state

from skmnist._html import make_html
from skmnist.diagnosis._corruptions import (
    CORRUPTIONS,
    check_corruptions,
    corrupt,
    find_highest,
    take_ink,
)
from skmnist.diagnosis._estimator import find_image_shape, take_images
from skmnist.diagnosis._figures import wilson_interval
from skmnist.text import Catalogue, get_catalogue

Array = np.ndarray[Any, Any]

UNCHANGED = "none"
# Changes that the headline reports if they were measured, because they are common in scans.
HEADLINE = (("shift", 2.0), ("rotation", 15.0), ("thinning", 1.0))
MAX_HELD = 1.0  # percentage points; accuracies that differ by less count as similar in comparisons
MIN_OVERCONFIDENCE = 0.05  # below this, the mean confidence is not worth mentioning
PIXELS_AT_ONCE = 2**24  # 64 MB as float32


@dataclass(frozen=True, eq=False)
class Robustness:
    """Accuracy of a classifier on changed images.

    Returned by :func:`measure_robustness`. The parameter is an attribute as well.

    Parameters
    ----------
    frame : DataFrame
        One row per change and strength, the first for the unchanged images ("none"), with the
        columns `corruption`, `strength`, `unit` ("px", "degrees", "factor" or "share" of the range
        of the pixels), `n` (number of images), `accuracy`, `low` and `high` (its 95% interval),
        `loss` (of accuracy, compared with the unchanged images, in percentage points) and
        `confidence` (mean of the highest probability; NaN without `predict_proba`).

    Examples
    --------
    >>> import pandas as pd
    >>> from skmnist.diagnosis import Robustness
    >>> robustness = Robustness(pd.DataFrame({
    ...     "corruption": ["none", "shift"], "strength": [0.0, 2.0], "n": [1000, 1000],
    ...     "accuracy": [0.98, 0.82], "loss": [0.0, 16.0], "confidence": [0.98, 0.91],
    ... }))
    >>> print(robustness.headline())
    Changed images: shifted by 2 pixels 82.0% correct; unchanged 98.0% (of 1,000).
    """

    frame: pd.DataFrame

    @property
    def accuracy(self) -> float:
        """Accuracy on the unchanged images."""
        return float(self.frame["accuracy"].iloc[0])

    def headline(self, language: str = "en") -> str:
        """Report the accuracy under the most common changes in one line.

        If none of these were measured, the line reports up to three other kinds of changes.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
            Language of the text.
        """
        say, changed = get_catalogue(language), self.frame.iloc[1:]
        pairs = zip(changed["corruption"], changed["strength"], strict=True)
        shown = changed[[pair in HEADLINE for pair in pairs]]
        if shown.empty:
            shown = changed.loc[changed.groupby("corruption", sort=False)["loss"].idxmax()]
        changes = [
            say("robustness.change", change=_describe(row, say), accuracy=row["accuracy"])
            for _, row in shown.head(len(HEADLINE)).iterrows()
        ]
        figures = {"accuracy": self.accuracy, "n": int(self.frame["n"].iloc[0])}
        return say("robustness.headline", changes=", ".join(changes), **figures)

    def sentences(self, language: str = "en") -> list[str]:
        """Report the accuracy under the most common changes and under the most harmful one.

        The confidence under the most harmful change is mentioned only if it is too high. If no
        change costs at least one percentage point of accuracy, the second sentence says so instead.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
            Language of the sentences.
        """
        say = get_catalogue(language)
        worst = self.frame.iloc[1 + int(self.frame["loss"].iloc[1:].argmax())]
        found = [self.headline(language)]
        if worst["loss"] < MAX_HELD:
            return [*found, say("robustness.held", n=len(self.frame) - 1)]
        accuracies = {"accuracy": worst["accuracy"], "unchanged": self.frame["accuracy"].iloc[0]}
        found.append(say("robustness.worst", change=_describe(worst, say), **accuracies))
        if worst["confidence"] - worst["accuracy"] >= MIN_OVERCONFIDENCE:  # False for NaN
            found.append(
                say("robustness.sure", confidence=worst["confidence"], accuracy=worst["accuracy"])
            )
        return found

    def summary(self, language: str = "en") -> str:
        """Return the sentences as one text.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
            Language of the text.
        """
        return " ".join(self.sentences(language))

    def _repr_html_(self) -> str:
        """Show the sentences in a notebook."""
        headline, *others = self.sentences()
        return make_html(headline, " ".join(others), {})

    def to_dict(self) -> dict[str, Any]:
        """Return all values as plain Python types, for JSON."""
        rows = self.frame.to_dict(orient="records")
        return {
            "n": int(self.frame["n"].iloc[0]),
            "accuracy": self.accuracy,
            "changes": [
                {str(k): None if pd.isna(v) else v for k, v in row.items() if k != "n"}
                for row in rows[1:]
            ],
        }


def measure_robustness(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    corruptions: Any = None,
    max_samples: int | None = 2000,
    image_shape: tuple[int, int] | None = None,
    random_state: Any = None,
) -> Robustness:
    """Measure the accuracy of a classifier on images that are shifted, rotated, blurred and so on.

    A high accuracy on a test set does not show how well a model reads images that were prepared or
    written a little differently. The estimator is not fitted again, and the images are not scaled:
    pass unscaled images and a Pipeline that scales them.

    Parameters
    ----------
    estimator : fitted classifier
        Any scikit-learn classifier, Pipeline or search.
    X : array-like of shape (n_samples, height, width) or (n_samples, n_pixels)
        Held-out images. Pixels are from 0 to 255 if the dtype is uint8, otherwise from 0 to the
        largest value in `X`. Ink may be light or dark. The dtype is kept.
    y : array-like of shape (n_samples,)
        True labels of `X`.
    corruptions : dict, list of str or None, default=None
        What to measure: a dict of strengths by corruption, or a list of corruptions to measure with
        their default strengths. None measures all corruptions. The default strengths are:

        - "shift": 1, 2, 3 (distance in pixels, in one of eight directions, chosen at random)
        - "rotation": 5, 10, 15, 20 (degrees, in a random direction)
        - "zoom": 0.8, 0.9, 1.1, 1.2 (factor of the size)
        - "thinning": 1 (pixels by which strokes become thinner)
        - "thickening": 1, 2 (pixels by which strokes become thicker)
        - "blur": 0.5, 1 (standard deviation of a Gaussian filter in pixels)
        - "noise": 0.1, 0.2, 0.3 (standard deviation as a share of the range)
        - "contrast": 0.75, 0.5 (factor)
        - "brightness": 0.1, 0.2 (share of the range, towards the ink)

        The defaults follow MNIST-C, and are meant for digits that are 20 pixels high in images of
        28 pixels, as in MNIST. To look at their effect, use :func:`corrupt_images`.
    max_samples : int or None, default=2000
        Maximum number of images to use, stratified by class; None uses all.
    image_shape : (height, width), default=None
        Image shape if `X` has rows of pixels; None uses the shape stored in a fitted step, or
        assumes square images.
    random_state : int, RandomState instance or None, default=None
        Seed for the sample, directions and noise. With the same seed, all models get the same
        images.

    Returns
    -------
    robustness : Robustness

    Raises
    ------
    ValueError
        If a corruption is unknown or its strength out of range, `max_samples` is not positive, the
        image shape is unknown, lengths differ, or `X` has NaN, infinite or negative values or is
        constant.

    References
    ----------
    N. Mu, J. Gilmer: MNIST-C: A robustness benchmark for computer vision. 2019.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skmnist.diagnosis import measure_robustness
    >>> X, y = load_digits(return_X_y=True)
    >>> model = LogisticRegression(max_iter=5000).fit(X[:900], y[:900])
    >>> robustness = measure_robustness(
    ...     model, X[900:], y[900:], corruptions={"shift": [1], "noise": [0.1]}, random_state=0
    ... )
    >>> robustness.frame[["corruption", "strength", "unit", "n"]]
      corruption  strength   unit    n
    0       none       0.0         897
    1      shift       1.0     px  897
    2      noise       0.1  share  897

    Tables are not images:

    >>> measure_robustness(model, X[:, :63], y)
    Traceback (most recent call last):
    ValueError: X has 63 columns, which is not a square number; pass image_shape=(height, width).
    """
    wanted = check_corruptions(corruptions)
    if max_samples is not None and (
        not isinstance(max_samples, Integral) or isinstance(max_samples, bool) or max_samples < 1
    ):
        raise ValueError(f"max_samples={max_samples!r} must be an int >= 1, or None for all.")
    check_consistent_length(X, y)
    labels = np.ravel(np.asarray(y))
    seed = int(check_random_state(random_state).randint(2**31))
    rows = _draw_rows(labels, max_samples, seed)
    images = take_images(X, rows, image_shape or find_image_shape(estimator))
    measured = _measure(estimator, X, images, labels[rows], wanted, seed)
    frame = pd.DataFrame(
        measured, columns=["corruption", "strength", "unit", "n", "accuracy", "confidence"]
    )
    ends = [wilson_interval(p, len(rows)) for p in frame["accuracy"]]
    frame.insert(5, "low", [low for low, _ in ends])
    frame.insert(6, "high", [high for _, high in ends])
    frame.insert(7, "loss", 100 * (frame["accuracy"].iloc[0] - frame["accuracy"]))
    return Robustness(frame)


def label_change(corruption: str, strength: float, say: Catalogue) -> str:
    """Return a short label of a change for plots and tables."""
    kind = say(f"robustness.kind.{corruption}")
    if corruption == UNCHANGED:
        return kind
    return f"{kind} {label_strength(corruption, strength, say)}"


def label_strength(corruption: str, strength: float, say: Catalogue) -> str:
    """Return a strength with its unit."""
    return say(f"robustness.strength.{CORRUPTIONS[corruption].unit}", strength=strength)


def _describe(row: Any, say: Catalogue) -> str:
    return say(f"robustness.{row['corruption']}", strength=row["strength"])


def _draw_rows(labels: Array, n: int | None, seed: int) -> Array:
    """Draw rows, stratified by class."""
    if n is None or n >= len(labels):
        return np.arange(len(labels))
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    return np.sort(by_class[np.linspace(0, len(labels) - 1, n).round().astype(int)])


def _measure(
    estimator: Any,
    X: Any,
    images: Array,
    labels: Array,
    wanted: dict[str, tuple[float, ...]],
    seed: int,
) -> list[tuple[Any, ...]]:
    """Return corruption, strength, unit, n, accuracy and confidence of each change."""
    high = find_highest(images)
    changes = [(name, strength) for name in wanted for strength in wanted[name]]
    layout = np.ndim(X), getattr(X, "columns", None)
    right, sure = np.zeros((2, 1 + len(changes)))
    step = max(1, PIXELS_AT_ONCE // (len(right) * images[0].size))
    for start in range(0, len(images), step):
        part, true = images[start : start + step], labels[start : start + step]
        ink = take_ink(part, high)
        changed = [corrupt(ink, *change, seed + start) for change in changes]
        # all in one call, because many small ones are slow
        rows = _wrap(np.concatenate([part, *changed]), *layout)
        predicted = np.ravel(estimator.predict(rows)).reshape(len(right), -1)
        right += (predicted == true).sum(axis=1)
        if hasattr(estimator, "predict_proba"):
            highest = np.max(estimator.predict_proba(rows), axis=1)
            sure += highest.reshape(len(right), -1).sum(axis=1)
        else:
            sure += np.nan
    n = len(images)
    names = [(UNCHANGED, 0.0, ""), *((*c, CORRUPTIONS[c[0]].unit) for c in changes)]
    figures = zip(names, right / n, sure / n, strict=True)
    return [(*each, n, accuracy, confidence) for each, accuracy, confidence in figures]


def _wrap(images: Array, n_axes: int, columns: Any) -> Any:
    """Return images in the layout of `X`, which has `n_axes` and, if a data frame, `columns`."""
    if n_axes == 3:
        return images
    rows = images.reshape(len(images), -1)
    return rows if columns is None else pd.DataFrame(rows, columns=list(columns))
