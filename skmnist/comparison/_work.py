"""Measure, compare and describe the manual work that models require."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from skmnist.comparison._result import ModelResult
from skmnist.diagnosis import WorkLeft, measure_work_left
from skmnist.text import Catalogue, get_catalogue

# Five-digit postal codes, the use case of the slide deck on which this project is based
CODE_LENGTH = 5
MIN_WORK_RATIO = 1.5  # smaller differences do not change the headline
PER = 1000  # shares are written as "246 of 1,000", as in the texts


@dataclass(frozen=True)
class PairedWork:
    """Comparison of the manual work that two models require.

    The parameters are attributes as well.

    Parameters
    ----------
    first, second : str
        The recommended model and the one that it is compared with.
    images : tuple of WorkLeft
        Share of individual images that a person must check with each of the two models.
    codes : tuple of WorkLeft, default=None
        Share of five-digit codes that a person must check with each of the two models; None if the
        classes are not the ten digits.
    alpha : float, default=0.05
        Probability that `ratio_interval` does not contain the true ratio.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist.comparison import PairedWork
    >>> from skmnist.diagnosis import measure_work_left
    >>> rng = np.random.default_rng(0)
    >>> proba = rng.random((2, 5000))
    >>> images = [measure_work_left(p, p > limit) for p, limit in zip(proba, [0.4, 0.1])]
    >>> work = PairedWork("NN", "DNN", tuple(images))
    >>> round(work.ratio, 1), work.differs
    (4.0, True)
    """

    first: str
    second: str
    images: tuple[WorkLeft, WorkLeft]
    codes: tuple[WorkLeft, WorkLeft] | None = None
    alpha: float = 0.05

    @property
    def ratio(self) -> float:
        """Share of images to check with `first`, divided by the share with `second`.

        NaN if one of the shares is unknown. Infinite if only the share of `second` is 0, and 1 if
        both are 0.
        """
        return self._ratio[0]

    @property
    def ratio_interval(self) -> tuple[float, float]:
        """Interval of the ratio, by paired bootstrap over the test images.

        Both ends are NaN if the ratio is NaN.
        """
        return self._ratio[1:]

    @property
    def differs(self) -> bool:
        """Whether one model requires at least 1.5 times as much work as the other, not by chance.

        False if the ratio is NaN.
        """
        low, high = self.ratio_interval
        ratio = self.ratio
        return (ratio >= MIN_WORK_RATIO and low > 1) or (ratio <= 1 / MIN_WORK_RATIO and high < 1)

    @cached_property
    def _ratio(self) -> tuple[float, float, float]:
        return self.images[0].compare(self.images[1], alpha=self.alpha)

    def sentences(self, language: str = "en") -> list[str]:
        """Describe the shares of individual images and, for digits, of codes in sentences.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
            Language of the text.
        """
        say = get_catalogue(language)
        shares = [work.share for work in self.images if work.share is not None]
        if self.images[0].too_few:
            return [self._say(say, "too_few", self.images)]
        told = [self._say(say, "shares", self.images)]
        if shares:
            told.append(say("recommendation.work.ranges"))
        if len(shares) < 2:
            told.append(say("recommendation.work.no_threshold"))
        found = [" ".join(told)]
        if self.codes is None or len(shares) < 2:
            return found
        if all(work.share is not None for work in self.codes):
            return [*found, self._say(say, "codes", self.codes)]
        # with the thresholds of individual digits
        risks = [*shares, self.images[0].allowed_error]
        names = ("first_codes", "second_codes", "wrong_codes")
        codes = {n: PER * (1 - (1 - p) ** CODE_LENGTH) for n, p in zip(names, risks, strict=True)}
        return [*found, self._say(say, "codes_too_few", self.codes, **codes)]

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain Python types, for JSON; NaN and infinity become None."""
        figures = (self.ratio, *self.ratio_interval)
        ratio, low, high = (each if np.isfinite(each) else None for each in figures)
        return {
            "first": self.first,
            "second": self.second,
            "ratio": ratio,
            "ratio_interval": [low, high],
            "differs": self.differs,
        }

    def _say(self, say: Catalogue, key: str, works: Sequence[WorkLeft], **codes: float) -> str:
        allowed = Fraction(str(works[0].allowed_error))
        return say(
            f"recommendation.work.{key}",
            first=self.first,
            second=self.second,
            first_work=_write_share(works[0], say),
            second_work=_write_share(works[1], say),
            n_wrong=allowed.numerator,
            n_accepted=allowed.denominator,
            n_test=works[0].n_test,
            n_needed=works[0].n_needed,
            things=_name_things(self, say),
            **codes,
        )


def measure_work(
    results: Sequence[ModelResult], allowed_error: float, *, digits: bool
) -> dict[str, list[WorkLeft]]:
    """Measure the manual work for images and codes with each model that has probabilities."""
    lengths = (1, CODE_LENGTH) if digits else (1,)
    return {
        result.name: [
            measure_work_left(
                result.errors.confidence,
                result.errors.correct,
                allowed_error=allowed_error,
                code_length=length,
            )
            for length in lengths
        ]
        for result in results
        if result.errors.confidence is not None and np.isfinite(result.errors.confidence).all()
    }


def pair_work(
    work: Mapping[str, Sequence[WorkLeft]], first: str, second: str, *, alpha: float
) -> PairedWork | None:
    """Pair the work of two models; return None if it is unknown for one of them."""
    if first not in work or second not in work:
        return None
    images, *codes = zip(work[first], work[second], strict=True)
    return PairedWork(first, second, images, codes[0] if codes else None, alpha)


def get_headline_values(work: PairedWork, say: Catalogue) -> dict[str, Any]:
    """Return the values for the placeholders of a headline."""
    first, second = (PER * (each.share or 0.0) for each in work.images)
    return {"first_share": first, "second_share": second, "things": _name_things(work, say)}


def _name_things(work: PairedWork, say: Catalogue) -> str:
    return say(f"recommendation.work.{'images' if work.codes is None else 'digits'}")


def _write_share(work: WorkLeft, say: Catalogue) -> str:
    """Return a share out of 1,000 with its interval, or only its lower limit, or "-" if unknown."""
    if work.interval is None:
        return "-"
    low, high = (PER * end for end in work.interval)
    if work.share is None:
        return say("recommendation.work.above", low=low)
    return say("recommendation.work.share", share=PER * work.share, low=low, high=high)
