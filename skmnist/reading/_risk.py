"""Choose the confidence above which predictions have a guaranteed error rate."""

import math
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from scipy.special import bdtr, betainc, betaincinv
from sklearn.utils import check_consistent_length, column_or_1d

Array = np.ndarray[Any, Any]

# Share of the failure probability for the first of two sequences of tests. The second one is needed
# only if half of the rows cannot be accepted, so it gets only the rest.
FIRST_SHARE = 0.9
MAX_ROWS = 2**31 - 1  # limit of `bdtr`, which returns NaN for more rows


@dataclass(frozen=True)
class Selection:
    """Threshold for accepting predictions, and the guarantee for accepted ones.

    Returned by :func:`select_threshold`. The parameters are attributes as well.

    Parameters
    ----------
    threshold : float
        Predictions with a confidence above this value are accepted; -inf accepts all. Without a
        guarantee, it is the highest confidence of a wrong prediction in the calibration rows, or
        -inf if none is wrong.
    guaranteed : bool
        Whether it is guaranteed, with probability `confidence`, that at most `max_error` of the
        accepted predictions are wrong.
    bound : float
        Upper confidence bound for the share of errors among the accepted predictions. 1 if there
        is no guarantee.
    n_accepted, n_errors, n_rows : int
        Numbers of accepted calibration rows, of errors among them, and of all calibration rows.
    n_needed : int
        Smallest number of accepted rows that can support the guarantee, if none of them is wrong.
    max_error, confidence : float
        The arguments of `select_threshold`.

    Examples
    --------
    >>> from skmnist.reading import select_threshold
    >>> selection = select_threshold([0.7, 0.8, 0.9], [False, True, True])
    >>> selection.guaranteed, selection.threshold, selection.n_accepted
    (False, 0.7, 2)
    """

    threshold: float
    guaranteed: bool
    bound: float
    n_accepted: int
    n_errors: int
    n_rows: int
    n_needed: int
    max_error: float
    confidence: float


def count_needed_rows(max_error: float, confidence: float, n_errors: int = 0) -> int:
    """Return the smallest number of accepted rows that supports an error rate of `max_error`.

    Parameters
    ----------
    max_error : float
        Maximum share of errors among accepted predictions, between 0 and 1.
    confidence : float
        Confidence of the guarantee, between 0 and 1.
    n_errors : int, default=0
        Number of errors among the accepted rows.

    Returns
    -------
    n_rows : int
        Smallest number of rows, including the errors.

    Raises
    ------
    ValueError
        An argument is out of range.

    Examples
    --------
    >>> from skmnist.reading import count_needed_rows
    >>> count_needed_rows(0.005, 0.95)
    598
    >>> count_needed_rows(0.005, 0.95, n_errors=1)
    947
    """
    _check_shares(max_error, confidence)
    if not isinstance(n_errors, Integral) or isinstance(n_errors, bool) or n_errors < 0:
        raise ValueError(f"n_errors={n_errors!r} must be an int >= 0.")
    return _count_rows(max_error, 1 - confidence, int(n_errors))


def _check_shares(max_error: float, confidence: float) -> None:
    for name, value in (("max_error", max_error), ("confidence", confidence)):
        if not 0 < value < 1:
            raise ValueError(f"{name}={value!r} must be between 0 and 1, such as 0.005 or 0.95.")


def _count_rows(max_error: float, level: float, n_errors: int = 0) -> int:
    """Count the rows needed for a failure probability of `level`."""
    low, high = n_errors, n_errors + 1
    while _cumulate(n_errors, high, max_error) > level:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if _cumulate(n_errors, middle, max_error) > level:
            low = middle
        else:
            high = middle
    return high


def _cumulate(n_errors: int, n_rows: int, max_error: float) -> float:
    """Return the probability of at most `n_errors` errors among the rows."""
    if n_rows <= MAX_ROWS:
        return float(bdtr(n_errors, n_rows, max_error))
    return 1 - float(betainc(n_errors + 1, n_rows - n_errors, max_error))


def select_threshold(
    confidences: Any, correct: Any, max_error: float = 0.005, confidence: float = 0.95
) -> Selection:
    """Find the lowest threshold above which predictions have a guaranteed error rate.

    The guarantee: if the rows are drawn independently from one distribution, then with probability
    `confidence` over these rows, at most `max_error` of the accepted predictions for new rows from
    the same distribution are wrong. Rows from only a few writers are not an independent sample of
    other people's handwriting.

    The rows are sorted by decreasing confidence. For increasing k, the exact binomial distribution
    is used to test the hypothesis that the error rate of the first k rows exceeds `max_error`,
    until the hypothesis cannot be rejected. Tests in a fixed order need no correction for their
    number. If there are enough rows, this sequence of tests starts at about half of them, because a
    single error among the first few rows would end a sequence that starts there; a second sequence
    starts with the fewest rows that can pass, and gets a tenth of the failure probability. With
    fewer rows, there is only one sequence, and it starts with the fewest rows that can pass. On
    simulated classifiers, this procedure accepts more predictions than the binary search of Geifman
    and El-Yaniv, which divides the failure probability by its number of steps.

    Parameters
    ----------
    confidences : array-like of shape (n_rows,)
        Confidence of each prediction, such as its probability; higher is more certain.
    correct : array-like of shape (n_rows,)
        Whether each prediction is correct.
    max_error : float, default=0.005
        Maximum share of errors among accepted predictions, between 0 and 1.
    confidence : float, default=0.95
        Probability that the guarantee holds, between 0 and 1.

    Returns
    -------
    selection : Selection
        The threshold, and whether the guarantee holds for it.

    Raises
    ------
    ValueError
        An argument is out of range, the arrays differ in length, or `confidences` contains NaN.

    References
    ----------
    Y. Geifman, R. El-Yaniv: Selective classification for deep neural networks. NeurIPS 2017.

    A. Angelopoulos, S. Bates, E. Candes, M. Jordan, L. Lei: Learn then test: calibrating
    predictive algorithms to achieve risk control. Annals of Applied Statistics 19 (2025).

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist.reading import select_threshold
    >>> confidences = np.linspace(0, 1, 1000, endpoint=False)
    >>> correct = confidences > 0.1
    >>> selection = select_threshold(confidences, correct)
    >>> selection.guaranteed, selection.n_accepted, selection.n_errors
    (True, 899, 0)

    Without enough rows, nothing is guaranteed:

    >>> selection = select_threshold(confidences[:300], correct[:300])
    >>> selection.guaranteed, selection.n_needed
    (False, 598)
    """
    _check_shares(max_error, confidence)
    confidences = column_or_1d(confidences).astype(np.float64)
    correct = column_or_1d(correct).astype(bool)
    check_consistent_length(confidences, correct)
    if np.isnan(confidences).any():
        raise ValueError("confidences contains NaN; leave out rows without a prediction.")
    order = np.argsort(-confidences, kind="stable")
    ranked, errors = confidences[order], np.cumsum(~correct[order])
    n_rows, n_needed = len(ranked), _count_rows(max_error, 1 - confidence)
    # rows with the same confidence are accepted together
    ends = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], n_rows > 0)) + 1
    n_accepted = 0
    for start, level in _plan_sequences(n_rows, max_error, 1 - confidence):
        tested = ends[ends >= start]
        failed = bdtr(errors[tested - 1], tested, max_error) > level
        n_passed = int(failed.argmax()) if failed.any() else len(tested)
        if n_passed:
            n_accepted = int(tested[n_passed - 1])
            break
    guaranteed = n_accepted > 0
    if not guaranteed:
        n_accepted = int((ranked > ranked[~correct[order]].max(initial=-math.inf)).sum())
    n_errors = int(errors[n_accepted - 1]) if n_accepted else 0
    return Selection(
        threshold=float(ranked[n_accepted]) if n_accepted < n_rows else -math.inf,
        guaranteed=guaranteed,
        bound=_bound_error(n_errors, n_accepted, level) if guaranteed else 1.0,
        n_accepted=n_accepted,
        n_errors=n_errors,
        n_rows=n_rows,
        n_needed=n_needed,
        max_error=max_error,
        confidence=confidence,
    )


def _bound_error(n_errors: int, n_rows: int, level: float) -> float:
    """Return the upper Clopper-Pearson limit for the share of errors."""
    if n_errors >= n_rows:
        return 1.0
    return float(betaincinv(n_errors + 1, n_rows - n_errors, 1 - level))


def _plan_sequences(n_rows: int, max_error: float, level: float) -> list[tuple[int, float]]:
    """Return the first rank and failure probability of each sequence; labels do not affect them."""
    starts = [_count_rows(max_error, level)]
    if n_rows < 2 * starts[0]:
        return [(starts[0], level)]
    first = FIRST_SHARE * level
    start, n_errors = _count_rows(max_error, first), 0
    # ranks just large enough to allow one more error have the best chance of passing
    while (following := _count_rows(max_error, first, n_errors + 1)) <= n_rows / 2:
        start, n_errors = following, n_errors + 1
    rest = level - first
    return [(start, first), (_count_rows(max_error, rest), rest)]
