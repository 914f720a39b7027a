"""The accuracy of trained models on further data sets, such as digits by other writers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from skmnist._estimator import warn_caller
from skmnist.comparison._inputs import (
    check_labels,
    check_learned,
    check_rows,
    check_test_rows,
)
from skmnist.diagnosis._figures import wilson_interval
from skmnist.text import Catalogue, get_catalogue

Array = np.ndarray[Any, Any]
CONFIDENCE = 0.95
N_RESAMPLES = 4000
SEED = 0  # fixed, so that the same data give the same interval
MIN_UNITS = 6  # writers or images; fewer are not enough to generalize from
NEAR_CHANCE = 0.1  # of the way from chance accuracy to an accuracy of 1


@dataclass(frozen=True, eq=False)
class OtherData:
    """A validated further data set; `groups` are numbered from 0."""

    name: str
    X: Any
    y: Array
    groups: Array | None


@dataclass(frozen=True, eq=False)
class ElsewhereResult:
    """Accuracy of a trained model on a further data set.

    Stored in ``comparison.results[name].elsewhere``. The parameters are attributes as well.

    Parameters
    ----------
    data : str
        Name of the data set.
    accuracy : float
        Share of the images that are classified correctly; the mean over the starts.
    interval : tuple of float
        95% interval of the accuracy, for other writers like these if there are groups, otherwise
        for other images.
    n_images : int
        Number of images.
    n_groups : int or None
        Number of groups, for example writers; None if the images are not grouped.
    correct : ndarray of bool, shape (n_starts, n_images), default=None
        Whether each image was classified correctly.
    groups : ndarray of int, shape (n_images,), default=None
        The group of each image, counted from 0.

    Notes
    -----
    Images by the same writer resemble each other, so 8,048 images by 14 writers contain little more
    information about a 15th writer than 14 independent values. The interval is therefore computed
    by a bootstrap over groups, and over the starts if there are several (4,000 resamples with a
    fixed seed). With few groups, percentile intervals are too narrow. They are therefore expanded
    as for a t-distribution, and are never narrower than they would be without groups. If all images
    are classified correctly, or all wrongly, or if there are fewer than 6 groups or images, the
    interval is Wilson's, with the number of groups (or of images, if they are not grouped) as the
    sample size.

    References
    ----------
    A. C. Davison, D. V. Hinkley: Bootstrap Methods and their Application. Cambridge University
    Press 1997, section 3.8 (hierarchical data).

    A. B. Owen: The pigeonhole bootstrap. Annals of Applied Statistics 1, 2007, 386-411.

    T. C. Hesterberg: What teachers should know about the bootstrap. The American Statistician 69,
    2015, 371-386 (expanded percentiles).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skmnist import compare_models
    >>> X, y = load_digits(return_X_y=True)
    >>> other = (X[1200:], y[1200:], [row // 100 for row in range(597)])  # of six writers
    >>> comparison = compare_models(
    ...     {"bayes": GaussianNB()}, X[:1200], y[:1200], elsewhere={"later": other}, random_state=0
    ... )
    >>> (result,) = comparison.results["bayes"].elsewhere
    >>> result.data, result.n_images, result.n_groups
    ('later', 597, 6)
    >>> low, high = result.interval
    >>> low < result.accuracy < high
    True
    """

    data: str
    accuracy: float
    interval: tuple[float, float]
    n_images: int
    n_groups: int | None
    correct: Array | None = field(default=None, repr=False)
    groups: Array | None = field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain Python values, for JSON."""
        return {
            "data": self.data,
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "n_images": self.n_images,
            "n_groups": self.n_groups,
        }


@dataclass(frozen=True)
class ElsewhereTest:
    """Comparison of two models on a further data set, or the accuracy of the only model.

    Stored in ``comparison.recommendation.elsewhere``. The parameters are attributes as well.

    Parameters
    ----------
    data : str
        Name of the data set.
    first : str
        The model with the highest accuracy on the test set.
    second : str or None
        The other model of the recommendation or, if `first` trails any models on this data set by
        more than chance explains, the one that it trails most. None if there is only one model.
    accuracies : dict of str to float
        Accuracy of each model on this data set.
    intervals : dict of str to tuple of float
        95% interval of each accuracy; see :class:`ElsewhereResult`.
    difference : float
        Accuracy of `first` minus accuracy of `second`; 0 if `second` is None.
    interval : tuple of float
        95% interval of the difference, from the same resamples for both models. With more than two
        models, the intervals hold simultaneously for all comparisons with `first` (Bonferroni).
        With fewer than 6 groups or images, or if the difference hardly varies between the
        resamples, the interval spans all differences that the intervals of the two accuracies
        allow. (0, 0) if `second` is None.
    n_images : int
        Number of images.
    n_groups : int or None
        Number of groups; None if the images are not grouped.
    leads : bool
        Whether `first` has a higher accuracy on the test set than `second`; False if `second` is
        None.
    near_chance : bool, default=False
        Whether no model does much better here than guessing, although one does on the test set.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skmnist import compare_models
    >>> X, y = load_digits(return_X_y=True)
    >>> other = (X[1200:], y[1200:], [row // 100 for row in range(597)])  # of six writers
    >>> comparison = compare_models(
    ...     {"bayes": GaussianNB(), "never": DummyClassifier()}, X[:1200], y[:1200],
    ...     elsewhere={"later": other}, random_state=0,
    ... )
    >>> (test,) = comparison.recommendation.elsewhere
    >>> test.first, test.interval[0] > 0.5, test.reverses
    ('bayes', True, False)
    """

    data: str
    first: str
    second: str | None
    accuracies: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    difference: float
    interval: tuple[float, float]
    n_images: int
    n_groups: int | None
    leads: bool
    near_chance: bool = False

    @property
    def too_few(self) -> bool:
        """Whether there are too few groups or images to determine which model is better."""
        return (self.n_groups or self.n_images) < MIN_UNITS

    @property
    def reverses(self) -> bool:
        """Whether the model that leads on the test set trails here, with an interval below 0.

        False if `too_few` or `near_chance` is True.
        """
        tells = not self.too_few and not self.near_chance
        return tells and self.leads and self.interval[1] < 0

    def sentence(self, language: str = "en") -> str:
        """Describe the accuracies and, if there are two models, the difference between them.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
            Language of the text.
        """
        say = get_catalogue(language)
        values: dict[str, Any] = {
            "data": name_data(self.data, say),
            "unit": name_unit(self, say),
            "first": self.first,
            "first_accuracy": self._write(self.first, say),
        }
        if self.second is None:
            return say("elsewhere.one", **values)
        ahead, behind = self.first, self.second
        low, high = self.interval
        if self.difference < 0:
            ahead, behind, low, high = behind, ahead, -high, -low
        chance = low <= 0 <= high
        key = "reverses" if self.reverses else "may_be_chance" if chance else "differs"
        if self.too_few:
            key = f"too_few_{'images' if self.n_groups is None else 'writers'}"
        values |= {
            "n_units": self.n_groups or self.n_images,
            "n_needed": MIN_UNITS,
            "second": self.second,
            "second_accuracy": self._write(self.second, say),
            "ahead": ahead,
            "behind": behind,
            "delta": 100 * abs(self.difference),
            "low": 100 * low,
            "high": 100 * high,
        }
        return say(f"elsewhere.{key}", **values)

    def _write(self, model: str, say: Catalogue) -> str:
        return write_accuracy(self.accuracies[model], self.intervals[model], say)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures and `reverses` as plain Python types, for JSON."""
        return {
            "data": self.data,
            "first": self.first,
            "second": self.second,
            "accuracies": self.accuracies,
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "difference": self.difference,
            "interval": list(self.interval),
            "n_images": self.n_images,
            "n_groups": self.n_groups,
            "reverses": self.reverses,
        }


# --- words


def name_data(data: str, say: Catalogue) -> str:
    """Return the name of a data set, translated if it is part of the package."""
    key = f"elsewhere.data.{data}"
    return say(key) if key in say.phrases else data


def name_unit(found: "ElsewhereResult | ElsewhereTest", say: Catalogue) -> str:
    """Return words that say whether the interval is by writer or by image."""
    return say(f"elsewhere.by_{'image' if found.n_groups is None else 'writer'}")


def write_accuracy(accuracy: float, interval: tuple[float, float], say: Catalogue) -> str:
    """Format an accuracy with its interval."""
    low, high = interval
    return say("elsewhere.accuracy", accuracy=accuracy, low=100 * low, high=100 * high)


# --- checks before training


def check_elsewhere(elsewhere: Any, X: Any, y: Array) -> list[OtherData]:
    """Return the further data sets, with rows in the shape of the training rows, or raise."""
    if elsewhere is None:
        return []
    if not isinstance(elsewhere, Mapping):
        raise ValueError(
            f"elsewhere={type(elsewhere).__name__} must be a dict that maps names to "
            "(X, y) or (X, y, groups)."
        )
    return [_check_data(name, data, X, y) for name, data in elsewhere.items()]


def _check_data(name: Any, data: Any, X: Any, y: Array) -> OtherData:
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"elsewhere has the name {name!r}; names must be text and not blank.")
    where = f"elsewhere[{name!r}]"
    if not isinstance(data, Sequence) or isinstance(data, str) or len(data) not in (2, 3):
        raise ValueError(f"{where} must be a tuple of (X, y) or (X, y, groups).")
    rows, labels, groups = (*data, None)[:3]
    rows = check_test_rows(X, check_rows(rows, f"{where}: X"), name=f"{where}: X")
    labels = check_labels(labels, f"{where}: y", rows)
    check_learned(y, labels, name=f"{where}: y")
    if len(labels) < 2:
        raise ValueError(f"{where} has one image; pass at least two.")
    return OtherData(name, rows, labels, _check_groups(groups, labels, f"{where}: groups"))


def _check_groups(groups: Any, y: Array, name: str) -> Array | None:
    if groups is None:
        return None
    names = check_labels(groups, name, y)
    found, numbers = np.unique(names, return_inverse=True)
    if len(found) < 2:
        raise ValueError(
            f"{name} has one value, {found.tolist()[0]!r}; pass at least two groups, or None for "
            "an interval by image."
        )
    return numbers


# --- measuring


def predict_elsewhere(estimator: Any, others: Iterable[OtherData]) -> dict[str, Any]:
    """Return the predictions for each data set, or the exception that was raised."""
    found: dict[str, Any] = {}
    for other in others:
        try:
            found[other.name] = np.ravel(estimator.predict(other.X))
        except Exception as error:  # an error must not discard the trained model
            found[other.name] = error
    return found


def measure_elsewhere(
    model: str, predictions: Sequence[Mapping[str, Any]], others: Iterable[OtherData]
) -> tuple[ElsewhereResult, ...]:
    """Return the accuracy on each data set.

    `predictions` has one mapping per start. A data set whose predictions raised an exception is
    left out, with a warning.
    """
    results = []
    for other in others:
        found = [each[other.name] for each in predictions]
        errors = [each for each in found if isinstance(each, Exception)]
        if errors:
            warn_caller(
                f"{model}: the accuracy on elsewhere[{other.name!r}] cannot be measured "
                f"({type(errors[0]).__name__}: {errors[0]})."
            )
            continue
        correct = np.array([each == other.y for each in found])
        n_groups = None if other.groups is None else int(other.groups.max()) + 1
        results.append(
            ElsewhereResult(
                data=other.name,
                accuracy=float(correct.mean()),
                interval=_find_interval(correct, other.groups, n_groups),
                n_images=correct.shape[1],
                n_groups=n_groups,
                correct=correct,
                groups=other.groups,
            )
        )
    return tuple(results)


def _find_interval(
    correct: Array, groups: Array | None, n_groups: int | None
) -> tuple[float, float]:
    """Return the interval of an accuracy; `correct` has a row for each start."""
    mean, n_units = float(correct.mean()), n_groups or correct.shape[1]
    if n_units < MIN_UNITS or mean in (0, 1):  # for 0 and 1, all resamples are equal
        return wilson_interval(mean, n_units)
    return _widest(
        _expand(resample([correct], by)[0], n, CONFIDENCE)
        for by, n in _list_units(groups, n_units, correct.shape[1])
    )


def compare_elsewhere(
    found: Mapping[str, Sequence[ElsewhereResult]],
    test_accuracies: Mapping[str, float],
    pair: tuple[str, str | None],
    *,
    chance: float = 0.0,
) -> tuple[ElsewhereTest, ...]:
    """Compare the first model of a pair with the second on each data set.

    If the first model trails any models, with intervals below 0, it is compared with the one that
    it trails most. If the second is None, only the accuracy of the first is given. `found` has the
    results of each model, and `chance` is the accuracy of guessing.
    """
    first, second = pair
    tests = []
    for mine in found[first]:
        theirs = {
            name: result
            for name, results in found.items()
            for result in results
            if name != first and result.data == mine.data
        }
        highest = max([mine.accuracy, *(result.accuracy for result in theirs.values())])
        limit = chance + NEAR_CHANCE * (1 - chance)
        near = highest <= limit and max(test_accuracies.values()) >= (1 + chance) / 2
        pairs = [
            replace(
                _compare(mine, result, first, name, test_accuracies, n_pairs=len(theirs)),
                near_chance=near,
            )
            for name, result in theirs.items()
        ]
        trailing = [test for test in pairs if test.reverses]
        if trailing:
            tests.append(min(trailing, key=lambda test: test.difference))
        else:
            tests += [test for test in pairs if test.second == second]
        if second is None:
            tests.append(
                ElsewhereTest(
                    mine.data,
                    first,
                    None,
                    {first: mine.accuracy},
                    {first: mine.interval},
                    0.0,
                    (0.0, 0.0),
                    mine.n_images,
                    mine.n_groups,
                    leads=False,
                    near_chance=near,
                )
            )
    return tuple(sorted(tests, key=lambda test: not test.reverses))


def _compare(
    mine: ElsewhereResult,
    other: ElsewhereResult,
    first: str,
    second: str,
    test_accuracies: Mapping[str, float],
    *,
    n_pairs: int,
) -> ElsewhereTest:
    n_units = mine.n_groups or mine.n_images
    confidence = 1 - (1 - CONFIDENCE) / n_pairs
    (low, high), (other_low, other_high) = mine.interval, other.interval
    farthest = low - other_high, high - other_low
    intervals = []
    if n_units >= MIN_UNITS:
        for by, n in _list_units(mine.groups, n_units, mine.n_images):
            a, b = resample([mine.correct, other.correct], by)
            intervals.append(_expand(a - b, n, confidence))
    interval = _widest(intervals) if intervals else farthest
    return ElsewhereTest(
        data=mine.data,
        first=first,
        second=second,
        accuracies={first: mine.accuracy, second: other.accuracy},
        intervals={first: mine.interval, second: other.interval},
        difference=mine.accuracy - other.accuracy,
        interval=interval if interval[0] < interval[1] else farthest,
        n_images=mine.n_images,
        n_groups=mine.n_groups,
        leads=test_accuracies[first] > test_accuracies[second],
    )


# --- bootstrap


def resample(models: Sequence[Any], groups: Array | None) -> list[Array]:
    """Return the accuracy of each model in each resample of the groups and the model's starts.

    Parameters
    ----------
    models : sequence of ndarray of bool, shape (n_starts, n_images)
        For each model, whether each image was classified correctly.
    groups : ndarray of int, shape (n_images,), or None
        Group of each image; None resamples images.

    Returns
    -------
    accuracies : list of ndarray of shape (4000,)
        One per model. The groups of a resample are the same for all models.
    """
    hits = np.vstack(models).astype(float)
    sizes = np.ones(hits.shape[1])
    if groups is not None:
        hits = np.array([np.bincount(groups, weights=row) for row in hits])
        sizes = np.bincount(groups).astype(float)
    # groups with the same size and hits are drawn together, so that thousands of images reduce to a
    # few kinds
    kinds, counts = np.unique(np.vstack([sizes, hits]), axis=1, return_counts=True)
    rng = np.random.default_rng(SEED)
    drawn = rng.multinomial(len(sizes), counts / len(sizes), size=N_RESAMPLES)
    shares = (drawn @ kinds[1:].T) / (drawn @ kinds[0])[:, None]
    accuracies, start = [], 0
    for model in models:
        n_starts = len(model)
        weights = rng.multinomial(n_starts, [1 / n_starts] * n_starts, size=N_RESAMPLES) / n_starts
        accuracies.append((shares[:, start : start + n_starts] * weights).sum(axis=1))
        start += n_starts
    return accuracies


def _list_units(
    groups: Array | None, n_groups: int, n_images: int
) -> list[tuple[Array | None, int]]:
    """Return the kinds of units to resample (images and, if given, groups) with their counts."""
    images: tuple[Array | None, int] = (None, n_images)
    return [images] if groups is None else [images, (groups, n_groups)]


def _widest(intervals: Iterable[tuple[float, float]]) -> tuple[float, float]:
    lows, highs = zip(*intervals, strict=True)
    return min(lows), max(highs)


def _expand(resampled: Array, n_units: int, confidence: float) -> tuple[float, float]:
    """Return the percentile interval, expanded for few groups (Hesterberg 2015)."""
    from scipy.stats import norm, t

    half = t.ppf(0.5 + confidence / 2, n_units - 1) * np.sqrt(n_units / (n_units - 1))
    tail = float(norm.sf(half))
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return float(low), float(high)
