"""Describe the guarantee of a calibrated reader, and its errors for each writer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from skmnist.reading._risk import Selection
from skmnist.text import Catalogue, get_catalogue

MIN_WRITERS = 20  # with n writers, a new one is worse than all of them with a chance of 1 in n + 1
MIN_READ = 20  # places; with fewer, no difference from the calibration digits can be shown
# significance level of each of two tests; strict, because places by one writer resemble each other
SHIFT_LEVEL = 1e-4


@dataclass(frozen=True)
class Promise:
    r"""Guarantee about the digits that a reader accepts.

    Returned by :meth:`DigitReader.promise`. The parameters are attributes as well.

    Parameters
    ----------
    selection : Selection
        The threshold, and the figures behind it.
    n_digits : int or None
        Length of the codes for which `max_error` is guaranteed; None if it is guaranteed for
        individual digits.
    max_error : float
        Maximum share of errors among accepted digits, or among accepted codes of `n_digits` digits.
    writers : DataFrame or None
        For each writer of the calibration rows: `n_rows`, `n_accepted`, `n_errors` and `error`, the
        share of errors among the accepted rows, NaN if none was accepted. None if
        :meth:`DigitReader.calibrate` was called without groups.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist.reading import Promise, select_threshold
    >>> selection = select_threshold(np.linspace(0.5, 1, 700), np.ones(700))
    >>> print(*Promise(selection, None, 0.005, None).sentences(), sep="\n")
    At most 0.50% of the accepted digits are wrong, with a confidence of 95%, if they are like
    the 700 digits used for calibration. Of those, 700 were accepted, and 0 of these were wrong.
    """

    selection: Selection
    n_digits: int | None
    max_error: float
    writers: pd.DataFrame | None

    def sentences(self, language: str | None = None) -> list[str]:
        """Return the guarantee and its limits as sentences.

        Parameters
        ----------
        language : {"en", "de"} or None, default=None
            Language of the text; None uses the language of :func:`~skmnist.text.use_language`.

        Returns
        -------
        sentences : list of str
        """
        say, found = get_catalogue(language), self.selection
        values = {**vars(found), "max_error": self.max_error, "n_digits": self.n_digits}
        if found.guaranteed:
            key = "guaranteed" if self.n_digits is None else "guaranteed_code"
        else:
            key = "too_few" if found.n_rows < found.n_needed else "too_many_errors"
        sentences = [say(f"reading.promise.{key}", **values)]
        # without a guarantee, the threshold is above all errors, so no accepted row is wrong
        if found.guaranteed and self.writers is not None:
            sentences += self._describe_writers(say)
        return sentences

    def _describe_writers(self, say: Catalogue) -> list[str]:
        assert self.writers is not None
        errors = self.writers["error"].dropna()
        sentences = []
        if len(errors):
            values = {"low": errors.min(), "high": errors.max(), "n": len(self.writers)}
            sentences.append(say("reading.promise.writers", **values))
        if len(self.writers) < MIN_WRITERS:
            few = say("reading.promise.few_writers", n=len(self.writers), needed=MIN_WRITERS)
            sentences.append(few)
        return sentences


def tell_writers(calibration: pd.DataFrame, accepted: Any) -> pd.DataFrame:
    """Return the number of rows, accepted rows and errors, and the error rate, of each writer."""
    rows = calibration.assign(accepted=accepted, error=accepted & ~calibration["correct"])
    table = rows.groupby("writer", sort=True).agg(
        n_rows=("correct", "size"), n_accepted=("accepted", "sum"), n_errors=("error", "sum")
    )
    table["error"] = table["n_errors"] / table["n_accepted"].where(table["n_accepted"] > 0)
    return table


def looks_unlike(read: pd.DataFrame, calibration: Mapping[str, Any]) -> bool:
    """Return whether places differ from the calibration rows by more than chance.

    Parameters
    ----------
    read : DataFrame
        Places that are not blank, with `probability` and `strangeness`.
    calibration : DataFrame or dict
        The same columns for the calibration rows.

    Returns
    -------
    is_unlike : bool
        Whether at least one of two Kolmogorov-Smirnov tests finds a difference: lower
        probabilities, or images less like digits. False for fewer than 20 places.
    """
    if len(read) < MIN_READ:
        return False
    from scipy.stats import ks_2samp  # takes half a second, and is not needed for a single digit

    return any(
        # exact p-values fail for a few hundred places, with a warning
        ks_2samp(read[column], calibration[column], alternative=side, method="asymp").pvalue
        < SHIFT_LEVEL
        for column, side in (("probability", "greater"), ("strangeness", "less"))
    )
