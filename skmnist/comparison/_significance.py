"""Statistical tests and confidence intervals for the difference between two models.

SciPy lacks McNemar's test, Tango's interval and Holm's adjustment. statsmodels has the first and
the last, but is a large dependency for two functions; the unit tests compare results with it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np

from skmnist._html import make_html

Array = np.ndarray[Any, Any]
ROUNDING = 1e-12  # tolerance for rounding errors in means

Method = Literal["mcnemar", "bound", "starts", "folds"]


@dataclass(frozen=True)
class PairedTest:
    """Test of the difference in accuracy between two models.

    The parameters are attributes as well.

    Parameters
    ----------
    first, second : str
        The two models.
    method : {"mcnemar", "bound", "starts", "folds"}
        Kind of test:

        - "mcnemar": McNemar's exact test on the same test images.
        - "bound": the largest p-value and the widest interval that two accuracies allow.
        - "starts": a test over images and starts, if each model was trained more than once.
        - "folds": the corrected resampled t-test, on folds.
    difference : float
        Accuracy of `first` minus accuracy of `second`.
    interval : tuple of float
        Interval of the difference, with confidence 1 - alpha. If `p_adjusted` is not below alpha,
        the interval is widened to include 0, so that it does not contradict the test.
    p_value : float
        Probability of a difference at least this large between equally good models.
    p_adjusted : float
        `p_value` after Holm's adjustment for all tested pairs.
    n_test : int, default=None
        Number of test images; None for folds.
    only_first, only_second : int, default=None
        Number of images that only `first`, or only `second`, classifies correctly; None if unknown.
    n_runs : int, default=1
        Number of starts or folds.
    spread : float, default=None
        Standard deviation of the difference over starts or folds; None with one start.
    image_error : float, default=None
        Standard error that the difference would have with very many starts; None without several
        starts.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmnist import compare_models
    >>> X, y = load_digits(return_X_y=True)
    >>> models = {"bayes": GaussianNB(), "tree": DecisionTreeClassifier(max_depth=2)}
    >>> (test,) = compare_models(models, X, y, random_state=0).tests
    >>> test.method, test.n_test, test.p_adjusted < 0.05
    ('mcnemar', 257, True)
    """

    first: str
    second: str
    method: Method
    difference: float
    interval: tuple[float, float]
    p_value: float
    p_adjusted: float
    n_test: int | None = None
    only_first: int | None = None
    only_second: int | None = None
    n_runs: int = 1
    spread: float | None = None
    image_error: float | None = None

    def seen_from(self, name: str) -> "PairedTest":
        """Return the same test with the given model first.

        Parameters
        ----------
        name : str
            Name of one of the two models, the value of `first` or of `second`.

        Returns
        -------
        test : PairedTest
            The same test, with the signs of the difference and the interval reversed if the models
            were exchanged.
        """
        if name == self.first:
            return self
        low, high = self.interval
        return replace(
            self,
            first=self.second,
            second=self.first,
            difference=-self.difference,
            interval=(-high, -low),
            only_first=self.only_second,
            only_second=self.only_first,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all values as plain Python types, for JSON."""
        return {**asdict(self), "interval": list(self.interval)}

    def _repr_html_(self) -> str:
        """Show the test in a notebook."""
        low, high = self.interval
        return make_html(
            f"{self.first} - {self.second}",
            {
                "method": self.method,
                "difference": f"{self.difference:+.4f}",
                "interval": f"{low:+.4f} to {high:+.4f}",
                "p_adjusted": f"{self.p_adjusted:.3g}",
                "n_test": "-" if self.n_test is None else f"{self.n_test:,}",
                "n_runs": f"{self.n_runs}",
            },
        )


def compare_predictions(correct: dict[str, Array], *, alpha: float = 0.05) -> list[PairedTest]:
    """Test each pair of models on the same images.

    Parameters
    ----------
    correct : dict of str to ndarray of bool, shape (n_runs, n_test)
        For each model and start, whether each image was classified correctly.
    alpha : float, default=0.05
        Significance level: probability of finding a difference between equally good models.

    Notes
    -----
    With one start, this is McNemar's exact test with Tango's score interval; it applies only to the
    trained models. With several starts, the hits of each model are modelled as the sum of a random
    effect of the image, a random effect of the start, and a residual (analysis of variance), with
    Satterthwaite's degrees of freedom. Images are the same for both models; starts are nested in
    the models, since each model has its own seeds. The result therefore generalizes to other images
    *and* other starts. A continuity correction of one image (Edwards) makes the test as
    conservative as McNemar's if the models differ on only a few images. If neither model depends on
    its starts, the test is McNemar's.

    References
    ----------
    Q. McNemar: Note on the sampling error of the difference between correlated proportions or
    percentages. Psychometrika 12, 1947, 153-157.

    T. Tango: Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design. Statistics in Medicine 17, 1998, 891-908.

    A. L. Edwards: Note on the "correction for continuity" in testing the significance of the
    difference between correlated proportions. Psychometrika 13, 1948, 185-187.

    D. D. Dorfman, K. S. Berbaum, C. E. Metz: Receiver operating characteristic rating analysis:
    generalization to the population of readers and patients with the jackknife method.
    Investigative Radiology 27, 1992, 723-731: the same model, with readers instead of starts.

    S. L. Hillis: A marginal-mean ANOVA approach for analyzing multireader multicase radiological
    imaging data. Statistics in Medicine 33, 2014, 330-360: readers nested in tests.

    F. E. Satterthwaite: An approximate distribution of estimates of variance components.
    Biometrics Bulletin 2, 1946, 110-114.
    """
    tests = []
    for first, second in combinations(correct, 2):
        a, b = correct[first], correct[second]
        tests.append(
            _mcnemar(first, second, a[0], b[0], alpha)
            if len(a) == 1
            else _over_starts(first, second, a, b, alpha)
        )
    return adjust(tests, alpha)


def compare_accuracies(
    accuracies: dict[str, float], n_test: int, *, alpha: float = 0.05
) -> list[PairedTest]:
    """Return, for each pair, the most conservative test that is consistent with the accuracies.

    For a given difference, McNemar's p-value and the interval grow with the number of images that
    only one of the two models classifies correctly. This number is largest if the models have as
    few errors in common as possible.
    """
    tests = []
    for first, second in combinations(accuracies, 2):
        errors = [round((1 - accuracies[name]) * n_test) for name in (first, second)]
        both = max(0, sum(errors) - n_test)
        only_second, only_first = (n - both for n in errors)
        tests.append(
            PairedTest(
                first=first,
                second=second,
                method="bound",
                difference=accuracies[first] - accuracies[second],
                interval=tango_interval(only_first, only_second, n_test, 1 - alpha),
                p_value=mcnemar_p(only_first, only_second),
                p_adjusted=1.0,
                n_test=n_test,
            )
        )
    return adjust(tests, alpha)


def compare_folds(
    scores: dict[str, Array], test_share: float, *, alpha: float = 0.05
) -> list[PairedTest]:
    """Compare each pair of models by their scores on the same folds.

    Parameters
    ----------
    scores : dict of str to ndarray of shape (n_folds,)
    test_share : float
        Number of test rows divided by the number of training rows: 1 / (k - 1) for k folds.
    alpha : float, default=0.05

    Notes
    -----
    The training sets of the folds overlap, so the scores are not independent, although the ordinary
    t-test assumes that they are. The correction adds `test_share` to the factor 1 / k of the
    variance.

    References
    ----------
    C. Nadeau, Y. Bengio: Inference for the generalization error. Machine Learning 52, 2003,
    239-281.
    """
    from scipy.stats import t

    tests = []
    for first, second in combinations(scores, 2):
        differences = scores[first] - scores[second]
        k, mean = len(differences), float(differences.mean())
        spread = float(differences.std(ddof=1))
        error = spread * float(np.sqrt(1 / k + test_share))
        tests.append(
            PairedTest(
                first=first,
                second=second,
                method="folds",
                difference=mean,
                interval=_around(mean, float(t.ppf(1 - alpha / 2, k - 1)) * error),
                p_value=_t_test(mean, error, k - 1),
                p_adjusted=1.0,
                n_runs=k,
                spread=spread,
            )
        )
    return adjust(tests, alpha)


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Return the two-sided p-value of McNemar's exact test."""
    from scipy.stats import binomtest

    discordant = only_first + only_second
    return float(binomtest(only_first, discordant).pvalue) if discordant else 1.0


def tango_interval(
    only_first: int, only_second: int, n: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Return Tango's score interval of a paired difference of proportions.

    Its ends are the roots of ``(b - c - n d)^2 = z^2 n (2 q + d - d^2)``, where q is the maximum
    likelihood estimate of the proportion of `only_second` given the difference d.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    b, c = only_first, only_second
    z = norm.ppf(0.5 + confidence / 2)

    def excess(d: float) -> float:
        # q solves 2 n q^2 + B q + C = 0, the equation of the restricted maximum likelihood
        linear = -b - c + (2 * n - b + c) * d
        q = (np.sqrt(max(0.0, linear**2 + 8 * n * c * d * (1 - d))) - linear) / (4 * n)
        variance = n * max(0.0, 2 * q + d * (1 - d))
        return float((b - c - n * d) ** 2 - z**2 * variance)

    difference = (b - c) / n
    offset = 1e-9  # if b or c is 0, the difference itself is a root, but not an end
    low = brentq(excess, -1, difference - offset) if excess(-1) > 0 else -1.0
    high = brentq(excess, difference + offset, 1) if excess(1) > 0 else 1.0
    return float(low), float(high)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for multiple tests (Holm-Bonferroni).

    References
    ----------
    S. Holm: A simple sequentially rejective multiple test procedure. Scandinavian Journal of
    Statistics 6, 1979, 65-70.
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.maximum.accumulate(np.asarray(p_values, float)[order] * factors)
    return [float(p) for p in np.minimum(adjusted, 1)]


def adjust(tests: Sequence[PairedTest], alpha: float = 0.05) -> list[PairedTest]:
    """Adjust p-values for the number of tests, and widen intervals that contradict them.

    The interval of a difference that is not significant may exclude 0, because it is computed by
    another method and for one pair at a time. It is then widened to include 0.
    """
    adjusted = holm([test.p_value for test in tests])
    found = []
    for test, p in zip(tests, adjusted, strict=True):
        low, high = test.interval
        if p >= alpha:
            low, high = min(low, 0.0), max(high, 0.0)
        found.append(replace(test, p_adjusted=p, interval=(low, high)))
    return found


def _mcnemar(first: str, second: str, a: Array, b: Array, alpha: float) -> PairedTest:
    only_first, only_second = int((a & ~b).sum()), int((b & ~a).sum())
    return PairedTest(
        first=first,
        second=second,
        method="mcnemar",
        difference=(only_first - only_second) / len(a),
        interval=tango_interval(only_first, only_second, len(a), 1 - alpha),
        p_value=mcnemar_p(only_first, only_second),
        p_adjusted=1.0,
        n_test=len(a),
        only_first=only_first,
        only_second=only_second,
    )


def _over_starts(first: str, second: str, a: Array, b: Array, alpha: float) -> PairedTest:
    from scipy.stats import norm, t

    n_runs, n = a.shape
    if (a == a[0]).all() and (b == b[0]).all():  # neither model depends on the start
        exact = _mcnemar(first, second, a[0], b[0], alpha)
        low, high = exact.interval
        return replace(
            exact,
            method="starts",
            only_first=None,
            only_second=None,
            n_runs=n_runs,
            spread=0.0,
            image_error=(high - low) / 2 / float(norm.ppf(1 - alpha / 2)),
        )
    mean = float(a.mean() - b.mean())
    by_image = a.mean(axis=0) - b.mean(axis=0)
    # mean squares and their degrees of freedom
    image = n_runs * float(((by_image - mean) ** 2).sum()) / max(1, n - 1), n - 1
    runs, rests = [], []
    for hits in (a, b):
        by_run = hits.mean(axis=1)
        rest = hits - by_run[:, None] - hits.mean(axis=0) + hits.mean()
        free = (n - 1) * (n_runs - 1)
        runs.append((n * float(by_run.var(ddof=1)), n_runs - 1))
        rests.append((float((rest**2).sum()) / max(1, free), free))
    run, rest_ = (sum(square for square, _ in each) for each in (runs, rests))
    # at least the variance of images alone, of starts alone and of the rest alone
    variance = max(image[0] + run - rest_, image[0], run, rest_)
    parts = sum(square**2 / free for square, free in (image, *runs, *rests) if free)
    free = variance**2 / parts  # some starts differ, so neither is 0
    error = float(np.sqrt(variance / (n * n_runs)))
    step = 1 / n  # continuity correction, as in McNemar's test
    half = float(t.ppf(1 - alpha / 2, free)) * error + step
    return PairedTest(
        first=first,
        second=second,
        method="starts",
        difference=mean,
        interval=_around(mean, half),
        p_value=_t_test(max(0.0, abs(mean) - step), error, free),
        p_adjusted=1.0,
        n_test=n,
        n_runs=n_runs,
        spread=float(np.sqrt(run / n)),
        image_error=float(np.sqrt(max(0.0, image[0] - rest_) / (n * n_runs))),
    )


def _t_test(mean: float, error: float, free: float) -> float:
    from scipy.stats import t

    if error < ROUNDING:  # all runs are equal
        return float(abs(mean) < ROUNDING)
    return float(2 * t.sf(abs(mean) / error, free))


def _around(mean: float, half: float) -> tuple[float, float]:
    return max(-1.0, mean - half), min(1.0, mean + half)
