"""Measure how many images a person must check so that few of the others are wrong."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil, log1p
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_array, check_consistent_length, column_or_1d

from skmnist._html import make_html
from skmnist.diagnosis._calibration import check_confidence, check_probabilities

Array = np.ndarray[Any, Any]

ALPHA = 0.05  # intervals have a confidence of 95%
N_RESAMPLES = 1000


def error_reject_curve(
    y_true: Any,
    y_proba: Any,
    *,
    labels: Any = None,
    sample_weight: Any = None,
    drop_intermediate: bool = False,
) -> tuple[Array, Array, Array]:
    """Compute the error rate of the accepted rows for each share of rejected rows.

    A row is accepted if its highest probability is at least the threshold; otherwise it is
    rejected, and a person must check it.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_proba : array-like of shape (n_samples, n_classes)
        Predicted probabilities, as returned by `predict_proba`.
    labels : array-like of shape (n_classes,), default=None
        Labels of the columns of `y_proba`. None means the sorted labels that occur in `y_true`.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows. None gives all rows the same weight.
    drop_intermediate : bool, default=False
        Whether to drop thresholds between two others with the same number of errors, as
        :func:`sklearn.metrics.det_curve` does. The number of errors is constant between those
        two, but the error rate between them is not a straight line.

    Returns
    -------
    reject_rate : ndarray of float, shape (n_thresholds,)
        Share of the rows that are rejected, in increasing order from 0.
    error_rate : ndarray of float, shape (n_thresholds,)
        Share of the accepted rows that are wrong.
    thresholds : ndarray of float, shape (n_thresholds,)
        Increasing thresholds. At the last one, only the rows with the highest probability are
        accepted; rejecting all rows is left out, as it has no error rate.

    Raises
    ------
    ValueError
        If the arrays are empty or inconsistent, `y_true` has labels without a column, `y_proba`
        has values outside [0, 1] or rows that do not sum to 1, or weights are negative or all 0.

    References
    ----------
    C. K. Chow: On optimum recognition error and reject tradeoff. IEEE Transactions on Information
    Theory 16, 1970, 41-46.

    Examples
    --------
    >>> from skmnist.diagnosis import error_reject_curve
    >>> proba = [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]]
    >>> error_reject_curve([0, 0, 0, 1], proba)
    (array([0.  , 0.25, 0.5 , 0.75]), array([0.25, 0.  , 0.  , 0.  ]), array([0.6, 0.7, 0.8, 0.9]))

    Each column needs a label:

    >>> error_reject_curve([0, 0, 0, 0], proba)
    Traceback (most recent call last):
    ValueError: y_proba has 2 columns, but there is 1 label in y_true; pass the labels of the
    columns as labels=, such as estimator.classes_.
    """
    confidence, wrong = read_confidence(y_true, y_proba, labels)
    weights = np.ones(len(wrong))
    if sample_weight is not None:
        weights = check_array(sample_weight, ensure_2d=False, dtype=float)
        check_consistent_length(weights, wrong)
        if not (weights >= 0).all() or not weights.any():
            raise ValueError("sample_weight must not be negative, nor 0 for all rows.")
    order, ends = _sort(confidence)
    accepted = np.cumsum(weights[order])[ends]
    errors = np.cumsum((weights * wrong)[order])[ends]
    known = accepted > 0  # the most confident rows may have a weight of 0
    accepted, errors, thresholds = accepted[known], errors[known], confidence[order][ends][known]
    if drop_intermediate:
        steps = np.diff(errors) != 0
        kept = np.r_[True, steps] | np.r_[steps, True]
        accepted, errors, thresholds = accepted[kept], errors[kept], thresholds[kept]
    reject_rate = np.maximum(0, 1 - accepted / accepted[-1])
    return reject_rate[::-1], (errors / accepted)[::-1], thresholds[::-1]


@dataclass(frozen=True, eq=False)
class WorkLeft:
    """Share of images, or of codes of several images, that a person must check.

    A code is a sequence of images that are used together, such as the digits of a postal code.
    Returned by :func:`measure_work_left`. The parameters are attributes as well.

    Parameters
    ----------
    allowed_error : float
        Largest share of the accepted images or codes that may be wrong.
    code_length : int
        Number of images in a code; 1 for individual images.
    share : float or None
        Share of the images or codes that a person must check. None if no threshold is supported,
        because there are fewer than `n_needed` images, or because too many of the accepted ones are
        wrong at every threshold that accepts at least `n_needed`.
    interval : tuple of float or None
        95% confidence interval of `share`, by bootstrap; None if there are fewer than `n_needed`
        images. If there are enough images but `share` is None, the upper end is 1, because only a
        lower bound is known.
    threshold : float or None
        Images with a lower confidence are rejected: a person must check them. None if `share` is
        None.
    error_rate : float or None
        Measured share of the accepted images or codes that are wrong; None if `share` is None.
    n_test : int
        Number of images on which the share was measured.
    n_needed : int
        Smallest number of accepted images that can support `allowed_error`, if none of them is
        wrong.
    resampled : ndarray of shape (1000,) or None
        The share in each bootstrap sample, 1 if the sample supports no threshold; None if `share`
        is None. The samples depend only on the number of images, so the samples of two models on
        the same images are paired.

    Examples
    --------
    >>> from skmnist.diagnosis import measure_work_left
    >>> measure_work_left([0.9] * 90 + [0.6] * 10, [True] * 95 + [False] * 5).too_few
    True
    """

    allowed_error: float
    code_length: int
    share: float | None
    interval: tuple[float, float] | None
    threshold: float | None
    error_rate: float | None
    n_test: int
    n_needed: int
    resampled: Array | None = field(default=None, repr=False)

    @property
    def too_few(self) -> bool:
        """Whether there are fewer than `n_needed` images.

        In that case, no threshold is supported, even for a model without errors.
        """
        return self.n_test < self.n_needed

    def compare(self, other: "WorkLeft", *, alpha: float = 0.05) -> tuple[float, float, float]:
        """Compare the work with that of another model on the same images.

        Parameters
        ----------
        other : WorkLeft
            The manual work with another model, measured on the same images in the same order.
        alpha : float, default=0.05
            Probability that the interval does not contain the true ratio.

        Returns
        -------
        ratio, low, high : float
            `share` divided by that of the other model, and the ends of the confidence interval of
            this ratio, by paired bootstrap. All three are NaN if the share of either model is
            None. The ratio is 1 if both shares are 0, and infinite if only that of the other model
            is 0.
        """
        if self.share is None or other.share is None:
            return np.nan, np.nan, np.nan
        ratios = _divide(self.resampled, other.resampled)
        # the default, "linear", would interpolate between infinities
        low, high = np.quantile(ratios, [alpha / 2, 1 - alpha / 2], method="nearest")
        return float(_divide(self.share, other.share)), float(low), float(high)

    def _repr_html_(self) -> str:
        """Show the figures in a notebook."""
        shown = "-" if self.share is None else f"{self.share:.1%}"
        figures = {"allowed_error": f"{self.allowed_error:g}", "code_length": f"{self.code_length}"}
        return make_html("Manual review", shown, figures)

    def to_dict(self) -> dict[str, Any]:
        """Return all values except `resampled` as plain Python types, for JSON."""
        return {
            "allowed_error": self.allowed_error,
            "code_length": self.code_length,
            "share": self.share,
            "interval": None if self.interval is None else list(self.interval),
            "threshold": self.threshold,
            "error_rate": self.error_rate,
            "n_test": self.n_test,
            "n_needed": self.n_needed,
        }


def measure_work_left(
    confidence: Any, correct: Any, *, allowed_error: float = 0.001, code_length: int = 1
) -> WorkLeft:
    """Measure the share of images that a person must check so that few of the rest are wrong.

    Images are rejected, starting with the lowest confidence, until at most `allowed_error` of the
    others are wrong. A code of several images is accepted if all of its images are accepted.
    Confidences and errors of the images in a code are assumed to be independent, as if the images
    were drawn at random. The images in a real code are by the same writer, so some writers cause
    more work and others less.

    Parameters
    ----------
    confidence : array-like of shape (n_samples,)
        Probability of each predicted class.
    correct : array-like of bool, shape (n_samples,)
        Whether each prediction is correct.
    allowed_error : float, default=0.001
        Largest share of the accepted images or codes that may be wrong, in (0, 1).
    code_length : int, default=1
        Number of images in a code, such as 5 for postal codes.

    Returns
    -------
    work : WorkLeft
        The share, its interval and the threshold. The share is None if no threshold is supported.

    Raises
    ------
    ValueError
        If the arrays are empty or differ in length, `confidence` is not in [0, 1], `correct` has
        values other than True and False, or a parameter is out of range.

    Notes
    -----
    A threshold is considered only if it accepts enough images: even without errors among them, the
    one-sided 95% interval of the error rate must not exceed the allowed one. The number of images
    needed is about 3 divided by the allowed error rate ("rule of three"). The same images are used
    to determine the threshold and to measure the share, so check the threshold on new images before
    you rely on it.

    The interval is a percentile bootstrap interval from 1,000 samples of the images. In simulations
    with 5,000 and 10,000 images, it contained the true share in 92 to 95% of cases.

    References
    ----------
    J. A. Hanley, A. Lippman-Hand: If nothing goes wrong, is everything all right? Interpreting
    zero numerators. JAMA 249, 1983, 1743-1745.

    B. Efron, R. J. Tibshirani: An Introduction to the Bootstrap. 1993, chapter 13.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist.diagnosis import measure_work_left
    >>> confidence = np.linspace(0.5, 1, 1000)
    >>> correct = confidence > 0.6
    >>> work = measure_work_left(confidence, correct, allowed_error=0.01)
    >>> round(work.share, 3), round(work.threshold, 3), work.n_needed
    (0.192, 0.596, 299)
    >>> codes = measure_work_left(confidence, correct, allowed_error=0.05, code_length=5)
    >>> round(codes.share, 2)
    0.66
    """
    confidence, correct = check_confidence(confidence, correct)
    if not len(confidence):
        raise ValueError("confidence is empty; pass at least one value.")
    if not isinstance(code_length, Integral) or isinstance(code_length, bool) or code_length < 1:
        raise ValueError(f"code_length={code_length!r} must be an int >= 1.")
    check_allowed_error(allowed_error)
    # of a single image; a code is right if all of its images are
    allowed = -np.expm1(np.log1p(-allowed_error) / code_length)
    n_test = len(correct)
    n_needed = ceil(np.log(ALPHA) / log1p(-allowed))
    known: dict[str, Any] = {
        "allowed_error": float(allowed_error),
        "code_length": int(code_length),
        "n_test": n_test,
        "n_needed": n_needed,
    }
    if n_test < n_needed:
        return WorkLeft(share=None, interval=None, threshold=None, error_rate=None, **known)
    order, ends = _sort(confidence)
    wrong = ~correct[order]

    def find(counts: Array) -> tuple[float, int, float]:
        accepted, errors = np.cumsum(counts)[ends], np.cumsum(counts * wrong)[ends]
        supported = (errors <= allowed * accepted + 1e-9) & (accepted >= n_needed)
        if not supported.any():
            return 1.0, -1, np.nan
        at = int(np.flatnonzero(supported)[-1])
        return (n_test - accepted[at]) / n_test, at, errors[at] / accepted[at]

    share, at, error_rate = find(np.ones(n_test, dtype=int))
    if at < 0:
        interval = (float(_of_codes(1 - n_needed / n_test, code_length)), 1.0)
        return WorkLeft(share=None, interval=interval, threshold=None, error_rate=None, **known)
    rng = np.random.default_rng(0)
    counts = (
        np.bincount(rng.integers(n_test, size=n_test), minlength=n_test)[order]
        for _ in range(N_RESAMPLES)
    )
    resampled = _of_codes(np.array([find(each)[0] for each in counts]), code_length)
    low, high = np.quantile(resampled, [ALPHA / 2, 1 - ALPHA / 2])
    return WorkLeft(
        share=float(_of_codes(share, code_length)),
        interval=(float(low), float(high)),
        threshold=float(confidence[order][ends][at]),
        error_rate=float(_of_codes(error_rate, code_length)),
        resampled=resampled,
        **known,
    )


def check_allowed_error(allowed_error: float) -> None:
    """Raise if `allowed_error` is out of range."""
    if not isinstance(allowed_error, Real) or not 0 < allowed_error < 1:
        raise ValueError(f"allowed_error={allowed_error!r} must be in (0, 1), such as 0.001.")


def read_confidence(y_true: Any, y_proba: Any, labels: Iterable[Any] | None) -> tuple[Array, Array]:
    """Return the highest probability of each row, and whether the prediction is wrong."""
    y_proba = check_array(y_proba, dtype=[np.float64, np.float32], input_name="y_proba")
    check_probabilities(y_proba, "y_proba")
    y_true = column_or_1d(y_true)
    check_consistent_length(y_true, y_proba)
    columns = np.unique(y_true) if labels is None else np.asarray(labels)
    if columns.shape != y_proba.shape[1:]:
        source, n = ("y_true" if labels is None else "labels"), columns.size
        raise ValueError(
            f"y_proba has {y_proba.shape[1]} columns, but there {'is' if n == 1 else 'are'} {n} "
            f"label{'' if n == 1 else 's'} in {source}; pass the labels of the columns as labels=, "
            "such as estimator.classes_."
        )
    unknown = ~np.isin(y_true, columns)
    if unknown.any():
        label = y_true[unknown].tolist()[0]
        raise ValueError(
            f"y_true has the label {label!r}, but y_proba has no column for it; drop these rows, "
            "or add a column of zeros."
        )
    return y_proba.max(axis=1), columns[y_proba.argmax(axis=1)] != y_true


def _sort(confidence: Array) -> tuple[Array, Array]:
    """Return the order of decreasing confidence, and the end of each group of ties in it."""
    order = np.argsort(-confidence, kind="stable")
    ends = np.flatnonzero(np.r_[np.diff(confidence[order]) != 0, True])
    return order, ends


def _of_codes(share: Any, code_length: int) -> Any:
    """Return the share of codes with at least one such image."""
    return share if code_length == 1 else 1 - (1 - share) ** code_length  # avoids rounding for 1


def _divide(first: Any, second: Any) -> Array:
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    ratio = np.where(first > 0, np.inf, 1.0)  # if the other is 0
    return np.divide(first, second, out=ratio, where=second > 0)
