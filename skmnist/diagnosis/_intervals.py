"""Intervals for shares: how far a figure measured on so many images can be trusted."""

import numpy as np

CONFIDENCE = 0.95


def wilson_interval(p: float, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % score interval of a share measured on n images.

    References
    ----------
    E. B. Wilson: Probable inference, the law of succession, and statistical inference. Journal of
    the American Statistical Association 22, 1927, 209-212.
    """
    from scipy.stats import binomtest

    interval = binomtest(round(p * n), n).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def difference_interval(p1: float, n1: int, p2: float, n2: int) -> tuple[float, float]:
    """Return Newcombe's 95 % interval of p1 - p2, two shares of different images.

    Built from Wilson's intervals, it does not shrink to nothing where a share is 1.

    References
    ----------
    R. G. Newcombe: Interval estimation for the difference between independent proportions.
    Statistics in Medicine 17, 1998, 873-890, method 10.
    """
    low1, high1 = wilson_interval(p1, n1)
    low2, high2 = wilson_interval(p2, n2)
    difference = p1 - p2
    return (
        difference - float(np.hypot(p1 - low1, high2 - p2)),
        difference + float(np.hypot(high1 - p1, p2 - low2)),
    )
