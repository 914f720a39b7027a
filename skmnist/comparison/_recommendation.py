"""Recommend a model from a table of figures, and explain why."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from numbers import Real
from typing import Any, Literal

import numpy as np
import pandas as pd

from skmnist._html import make_html
from skmnist.comparison._cautions import Caution, caution_ranking
from skmnist.comparison._elsewhere import ElsewhereTest
from skmnist.comparison._result import COLUMNS
from skmnist.comparison._significance import ROUNDING, PairedTest, compare_accuracies
from skmnist.comparison._work import CODE_LENGTH, PairedWork, get_headline_values, pair_work
from skmnist.diagnosis import WorkLeft
from skmnist.text import Catalogue, get_catalogue, get_languages

# Times vary between runs, so smaller differences are not mentioned. Prediction times are only
# mentioned if one of the two models predicts fewer than 100 images per second.
MIN_TIME_RATIO = 1.25
MIN_PREDICT_TIME = 0.01
N_CODES = 1000
MAX_DECIMAL = 100  # a mean number of errors below this is given with a decimal

Verdict = Literal["clearly_better", "not_worth_it", "no_difference", "cannot_tell"]


@dataclass(frozen=True)
class Recommendation:
    """A recommended model and the reasons.

    Returned by :func:`recommend`. The parameters are attributes as well.

    Parameters
    ----------
    model : str or None
        The recommended model; None if no model was trained.
    rule : {"only_one", "best_and_cheapest", "cheapest_of_similar", "equal", "clearly_better", \
            "ahead", "only_known", "similar", "untrained"}
        Why the model was selected:

        - "only_one": it is the only model.
        - "best_and_cheapest": it is the most accurate and the cheapest.
        - "cheapest_of_similar": it is the most accurate, and no similarly accurate model is
          cheaper.
        - "equal": as above, but another model is equally accurate.
        - "clearly_better": its lead is at least `margin`.
        - "ahead": its lead is at least `margin`, but may be due to chance.
        - "only_known": no cost is known for all similar models, so accuracy decides.
        - "similar": it is the cheapest of the similarly accurate models, but not the most accurate.
        - "untrained": no model was trained.
    most_accurate : str
        The model with the highest test accuracy.
    other : str or None
        The model that `model` is compared with: the most accurate one, or the second most accurate
        if `model` is the most accurate. None if there is only one, or if `model` is None.
    accuracies : dict of str to float
        Test accuracy of every model.
    cost : {"n_parameters", "size", "predict_time", "fit_time"} or None
        The cost that was compared; None if no cost is known for all similar models, or if no two
        models were compared.
    costs : dict of str to tuple
        The values of `model` and `other`, in this order, for each cost that is known for both.
    margin : float
        Accuracies that differ by less than this count as similar.
    n_test : int or None
        Number of test images; None if unknown.
    verdict : {"clearly_better", "not_worth_it", "no_difference", "cannot_tell"}, default=None
        Result of the comparison with `other`:

        - "clearly_better": the difference is significant, and the more accurate model is
          recommended.
        - "not_worth_it": the difference is significant, but smaller than `margin`, and the less
          accurate model is cheaper.
        - "no_difference": the difference is not significant, and a difference of `margin` or more
          is ruled out.
        - "cannot_tell": the difference is not significant, but a difference of `margin` or more is
          possible.

        None if there is no test of the two models, that is, if there is only one model, none was
        trained, their test sets differ, or `n_test` is unknown.
    evidence : PairedTest, default=None
        Test of the difference between `model` and `other`, with the more accurate one first; None
        if `verdict` is None.
    folds : PairedTest, default=None
        Test of the same difference on the scores of folds; None without folds.
    alpha : float, default=0.05
        Significance level: probability of finding a difference between equally good models.
    digits : bool, default=False
        Whether the classes are the ten digits; if so, the reasons mention postal codes.
    cautions : tuple of Caution, default=()
        Reasons why the figures may be biased or incomplete.
    elsewhere : tuple of ElsewhereTest, default=()
        Comparisons of the models on further data sets. If the model that is most accurate on the
        test set trails on one of these data sets, the reasons mention this first.
    work : PairedWork, default=None
        Comparison of the manual work that `model` and `other` require; None if unknown.
    seeded : bool, default=True
        Whether the training of at least one model depends on a random seed. If not, further starts
        add no information.

    Examples
    --------
    >>> import pandas as pd
    >>> from skmnist import recommend
    >>> accuracies = pd.DataFrame({"test_accuracy": [0.95, 0.98]}, index=["NN", "DNN"])
    >>> recommendation = recommend(accuracies, n_test=10000)
    >>> recommendation.model, recommendation.verdict
    ('DNN', 'clearly_better')
    >>> print(recommendation.headline())
    Choose DNN: as trained here, it is clearly better than NN.
    """

    model: str | None
    rule: str
    most_accurate: str
    other: str | None
    accuracies: dict[str, float]
    cost: str | None
    costs: dict[str, tuple[float, ...]]
    margin: float
    n_test: int | None
    verdict: Verdict | None = None
    evidence: PairedTest | None = None
    folds: PairedTest | None = None
    alpha: float = 0.05
    digits: bool = False
    cautions: tuple[Caution, ...] = ()
    elsewhere: tuple[ElsewhereTest, ...] = ()
    work: PairedWork | None = None
    seeded: bool = True

    @property
    def accuracy_difference(self) -> float:
        """Absolute difference between the test accuracies of `model` and `other`.

        0 if one of them is None.
        """
        if self.model is None or self.other is None:
            return 0.0
        return abs(self.accuracies[self.model] - self.accuracies[self.other])

    @property
    def less_accurate(self) -> str | None:
        """The less accurate of `model` and `other`; None if one of them is None."""
        if self.model is None or self.other is None:
            return None
        return self.other if self.model == self.most_accurate else self.model

    @property
    def fewer_errors(self) -> float:
        """Share of the errors that the more accurate of `model` and `other` avoids.

        0 if one of them is None.
        """
        if self.model is None or self.other is None:
            return 0.0
        low, high = sorted(1 - self.accuracies[name] for name in (self.model, self.other))
        return (high - low) / high if high else 0.0

    @property
    def may_be_chance(self) -> bool:
        """Whether the models differ, but possibly only by chance."""
        return self.accuracy_difference > 0 and self.verdict in ("no_difference", "cannot_tell")

    @property
    def misread_codes(self) -> dict[str, float]:
        """Expected number of misread codes among 1,000 five-digit codes, by model.

        Only `most_accurate` and `less_accurate` are included. A code is misread if any of its
        digits is; errors are assumed to be independent.
        """
        names = [name for name in (self.most_accurate, self.less_accurate) if name is not None]
        return {n: N_CODES * (1 - self.accuracies[n] ** CODE_LENGTH) for n in names}

    def headline(self, language: str = "en") -> str:
        """Return the recommendation in one or two sentences.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
            Language of the text.
        """
        say = get_catalogue(language)
        found = [self._say(say, f"recommendation.headline.{key}") for key in self._headlines()]
        return " ".join(found)

    def reasons(self, language: str = "en") -> list[str]:
        """Return the reasons, the most important first.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
            Language of the text.
        """
        say = get_catalogue(language)
        found = [self._say(say, f"recommendation.{phrase}") for phrase in self._phrases()]
        if self.work is not None:
            images, *codes = self.work.sentences(language)
            if self._several_starts and not self.work.images[0].too_few:
                images = f"{images} {say('recommendation.work.first_start')}"
            end = len(found) - len(self._final_phrases())
            found[end:end] = codes
            found.insert(1 if self._work_phrase() else end, images)
        first = [test.sentence(language) for test in self.elsewhere if test.reverses]
        last = [test.sentence(language) for test in self.elsewhere if not test.reverses]
        return [*first, *found, *last]

    def reason(self, language: str = "en") -> str:
        """Return the reasons as one string.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
            Language of the text.
        """
        return " ".join(self.reasons(language))

    def notes(self, language: str = "en") -> list[str]:
        """Return the cautions as sentences.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
            Language of the text.
        """
        return [caution.sentence(language) for caution in self.cautions]

    def _phrases(self) -> list[str]:
        # similar times are not an advantage
        bare = self.rule == "similar" and not self._advantages(get_catalogue("en"))
        phrases = ["similar_bare" if bare else self.rule]
        if self.verdict is not None:
            phrases.append(f"evidence.{self._evidence_phrase()}")
        if self._several_starts:
            phrases.append("evidence.starts")
        if self.folds is not None and self.verdict is not None:
            phrases.append(f"evidence.{self._folds_phrase(self.folds)}")
        if self.less_accurate is not None and self.accuracy_difference > 0:
            # with few images, rounded accuracies may give equal counts
            counted = self._n_errors(self.most_accurate) < self._n_errors(self.less_accurate)
            if round(self.fewer_errors, 2):  # the number of decimals in the sentence
                phrases.append("fewer_errors_counted" if counted else "fewer_errors")
            if self.digits and not self.may_be_chance:
                phrases.append("postal_codes")
        return [*phrases, *self._final_phrases()]

    def _final_phrases(self) -> list[str]:
        phrases = []
        may_be_worth_it = self.verdict in (None, "not_worth_it") and self.rule == "similar"
        if may_be_worth_it and self.accuracy_difference > 0:
            phrases.append("if_errors_count")
        if self.verdict is not None and self.evidence and self.evidence.method == "bound":
            phrases.append("evidence.bound")
        return phrases

    def _headlines(self) -> list[str]:
        key = self.verdict or ("take" if self.model and self.other else self.rule)
        if self.evidence is not None and self.verdict in ("clearly_better", "not_worth_it"):
            low, high = self.evidence.interval
            better = self.verdict == "clearly_better"
            if better and not reaches(high, self.margin):
                key = f"{key}_small"
            elif not reaches(low, self.margin) if better else reaches(high, self.margin):
                key = f"{key}_maybe"
        if self._lacks_starts:
            key = "cannot_tell_starts"
        tells = self.verdict in ("clearly_better", "not_worth_it", "no_difference")
        if tells and self.seeded and self.evidence is not None and self.evidence.n_runs == 1:
            key = f"{key}_once"
        folds = self.folds and self.verdict and self._folds_phrase(self.folds)
        return [self._work_phrase() or key, *([folds] if folds and folds != "folds_too" else [])]

    def _work_phrase(self) -> str | None:
        """Return the key of the headline about different amounts of manual work, or None."""
        similar = not reaches(self.accuracy_difference, self.margin)
        if self.work is None or not self.work.differs or not similar:
            return None
        if self.work.ratio > 1:
            return "work_cheaper" if self.rule == "similar" else "work_more"
        return None if self.verdict == "clearly_better" else "work_less"

    @property
    def _several_starts(self) -> bool:
        return self.evidence is not None and self.evidence.method == "starts"

    @property
    def _lacks_starts(self) -> bool:
        """Whether the verdict is `cannot_tell` only because there are too few starts."""
        from scipy.stats import norm

        test = self.evidence
        if self.verdict != "cannot_tell" or test is None or test.image_error is None:
            return False
        half = float(norm.ppf(1 - self.alpha / 2)) * test.image_error
        return test.difference > half or test.difference + half < self.margin

    def _evidence_phrase(self) -> str:
        if self._lacks_starts:
            return "cannot_tell_starts"
        if self.accuracy_difference < ROUNDING:
            return "equal"
        if self.verdict in ("no_difference", "cannot_tell"):
            return str(self.verdict)
        return "real" if reaches(self.accuracy_difference, self.margin) else "real_but_small"

    def _folds_phrase(self, folds: PairedTest) -> str:
        shown = folds.p_adjusted < self.alpha
        if self.verdict in ("no_difference", "cannot_tell"):
            return "folds_show" if shown else "folds_too"
        return "folds_too" if shown and folds.difference > 0 else "folds_not"

    def _say(self, say: Catalogue, key: str) -> str:
        values: dict[str, Any] = {
            "model": self.model,
            "other": self.other,
            "best": self.most_accurate,
            "less_accurate": self.less_accurate,
            "accuracy": self.accuracies[self.model or self.most_accurate],
            "delta": 100 * self.accuracy_difference,
            "margin": 100 * self.margin,
            "advantages": ", ".join(self._advantages(say)),
            "n_test": self.n_test,
            "share": self.fewer_errors,
            "confidence": round(100 * (1 - self.alpha), 6),
        }
        if self.cost is not None:
            values["cost"] = say(f"recommendation.cost_{self.cost}")
            values["cheaper"] = say(f"recommendation.cheaper_{self.cost}")
        if self.evidence is not None:
            low, high = self.evidence.interval
            values |= {"low": 100 * low, "high": 100 * high, "n_runs": self.evidence.n_runs}
            values["at_most"] = 100 * max(abs(low), abs(high))
            below = round(100 * low, 2) < 0  # the number of decimals in the sentence
            values["minus"] = self._say_minus(say) if below else ""
            values["spread"] = 100 * (self.evidence.spread or 0)
        if self.folds is not None:
            low, high = self.folds.interval
            values |= {"fold_low": 100 * low, "fold_high": 100 * high}
            values |= {"n_folds": self.folds.n_runs, "fold_delta": 100 * self.folds.difference}
        if self.less_accurate is not None:
            values["best_errors"] = self._write_errors(self.most_accurate, say)
            values["less_errors"] = self._write_errors(self.less_accurate, say)
            codes = self.misread_codes
            values["n_codes"] = N_CODES
            values["best_codes"] = codes[self.most_accurate]
            values["less_codes"] = codes[self.less_accurate]
        if self.work is not None:
            values |= get_headline_values(self.work, say)
        return say(key, **values)

    def _say_minus(self, say: Catalogue) -> str:
        return say("recommendation.evidence.minus", less_accurate=self.less_accurate)

    def _write_errors(self, name: str, say: Catalogue) -> str:
        """Return the number of errors, with a decimal if it is a small mean over starts."""
        mean = (1 - self.accuracies[name]) * (self.n_test or 0)
        small = mean < MAX_DECIMAL and self._several_starts
        return say.format("{:,.1f}" if small else "{:,.0f}", mean)

    def _n_errors(self, name: str) -> int:
        return round((1 - self.accuracies[name]) * (self.n_test or 0))

    def _advantages(self, say: Catalogue) -> list[str]:
        advantages = []
        for cost, (own, other) in self.costs.items():
            if cost == "size" and self.cost == "n_parameters":
                continue  # redundant
            timed = cost.endswith("time")
            if own >= other or (timed and own * MIN_TIME_RATIO > other):
                continue
            if cost == "predict_time" and other <= MIN_PREDICT_TIME:
                continue
            if cost == "size" and len({say.format("{:bytes}", size) for size in (own, other)}) < 2:
                continue  # equal after rounding
            scale = COLUMNS[cost].scale
            values = {"own": own * scale, "other": other * scale}
            advantages.append(say(f"recommendation.advantage_{cost}", **values))
        if self.cost == "n_parameters":
            advantages.append(say("recommendation.advantage_explain"))
        return advantages

    def _repr_html_(self) -> str:
        """Show the recommendation in a notebook."""
        say = get_catalogue("en")
        title = say("page.title", model=self.model) if self.model else say("page.title_none")
        return make_html(title, self.headline(), self.reasons(), self.notes())

    def __str__(self) -> str:
        # with only one model, the headline is also the reason
        return "\n".join(dict.fromkeys([self.headline(), *self.reasons(), *self.notes()]))

    def to_dict(self) -> dict[str, Any]:
        """Return all values and the reasons in each language, for JSON."""
        by_language = {language: self.reason(language) for language in get_languages()}
        return {
            **asdict(replace(self, work=None)),  # which has large arrays
            "evidence": self.evidence and self.evidence.to_dict(),
            "folds": self.folds and self.folds.to_dict(),
            "elsewhere": [test.to_dict() for test in self.elsewhere],
            "work": self.work and self.work.to_dict(),
            "cautions": [
                {**c.to_dict(), "sentence": {each: c.sentence(each) for each in get_languages()}}
                for c in self.cautions
            ],
            "headline": {language: self.headline(language) for language in get_languages()},
            "reason": by_language,
            "accuracy_difference": self.accuracy_difference,
            "fewer_errors": self.fewer_errors,
            "may_be_chance": self.may_be_chance,
            "misread_codes": self.misread_codes if self.digits else None,
        }


def reaches(difference: Any, margin: float) -> Any:
    """Return whether differences are at least `margin`, allowing for rounding errors."""
    # 0.98 - 0.97 is 0.010000000000000009
    return (difference >= margin) | np.isclose(difference, margin, rtol=0, atol=1e-12)


# The first of these that is known for all candidates is the cost.
COSTS = ("n_parameters", "size", "predict_time", "fit_time")


def recommend(
    table: pd.DataFrame,
    *,
    n_test: int | None = None,
    margin: float = 0.01,
    alpha: float = 0.05,
    digits: bool = False,
    tests: Sequence[PairedTest] | None = None,
    folds: Sequence[PairedTest] | None = None,
    cautions: Sequence[Caution] = (),
    work_left: Mapping[str, Sequence[WorkLeft]] | None = None,
) -> Recommendation:
    """Recommend one of the models in a table of figures.

    Models whose test accuracy is less than `margin` below the best count as similar, and the
    cheapest of them is recommended: the one with the fewest parameters or, if parameter counts are
    not available for all, the smallest on disk, the fastest to predict, or the fastest to train. If
    no cost is available for all similar models, the most accurate one is recommended.

    The verdict compares the recommended model with the most accurate of the others. If the
    difference is significant (its p-value, adjusted for all pairs, is below `alpha`), the more
    accurate model is either recommended ("clearly_better") or not worth its cost ("not_worth_it").
    Otherwise, "no_difference" means that the interval rules out a difference of `margin` or more,
    and "cannot_tell" means that it does not.

    If the amounts of manual work that two similarly accurate models require differ by a factor of
    at least 1.5, and not by chance, the headline names the advantage of each model.

    Parameters
    ----------
    table : DataFrame
        One row per model, indexed by name, with the column `test_accuracy` in [0, 1] and, if
        known, `n_parameters`, `size` (in bytes), `predict_time` and `fit_time` (in s) and
        `n_epochs`. If all models have 0 epochs, no model is recommended.
    n_test : int, default=None
        Number of test images, the same for all models. Required for a verdict unless `tests` is
        given.
    margin : float, default=0.01
        Accuracies that differ by less than this count as similar. The slide deck that this project
        started from calls accuracies that differ by 0.63 percentage points "very similar".
    alpha : float, default=0.05
        Significance level: probability of finding a difference between equally good models.
    digits : bool, default=False
        Whether the classes are the ten digits; if so, the reasons mention how many postal codes
        would be misread.
    tests : sequence of PairedTest, default=None
        Tests of all pairs of models, as in ``compare_models(...).tests``. None assumes the worst
        case that is consistent with `n_test` and the accuracies.
    folds : sequence of PairedTest, default=None
        Tests on the scores of folds, mentioned in the reasons.
    cautions : sequence of Caution, default=()
        Cautions to add to the one about ranking and measuring models on the same images.
    work_left : mapping of str to sequence of WorkLeft, default=None
        For each model, the share of images that a person must check and, for digits, the share of
        five-digit codes, all measured on the same test images.

    Returns
    -------
    recommendation : Recommendation

    Raises
    ------
    ValueError
        If the table is empty or lacks `test_accuracy`, an accuracy is not in [0, 1], names are
        not unique, or `margin`, `alpha` or `n_test` is out of range.
    TypeError
        If `table` is not a DataFrame.

    Examples
    --------
    >>> import pandas as pd
    >>> from skmnist import recommend
    >>> table = pd.DataFrame(
    ...     {
    ...         "test_accuracy": [0.9756, 0.9819],
    ...         "n_parameters": [101770, 567434],
    ...         "fit_time": [78.4109, 117.9508],
    ...     },
    ...     index=["NN", "DNN"],
    ... )
    >>> recommendation = recommend(table, n_test=10000, digits=True)
    >>> recommendation.model, recommendation.verdict
    ('NN', 'not_worth_it')
    >>> for reason in recommendation.reasons():
    ...     print(reason)
    The accuracies are very similar (difference 0.63 percentage points; less than 1 counts as
    similar). NN is usually the better choice: fewer parameters (101,770 instead of 567,434),
    faster to train (78.4 s instead of 118.0 s), easier to explain.
    The difference is real but small: it lies between 0.23 and 1.04 percentage points (95%
    interval).
    DNN made 26% fewer errors than NN (181 instead of 244 on 10,000 test images).
    For example, out of 1,000 five-digit postal codes, NN would misread about 116 and DNN about 87
    (assuming that errors on individual digits are independent).
    If every error matters and cost does not, choose DNN.
    Only the accuracies are known here, so these figures assume the worst case: that the two
    models never misread the same image.
    """
    table = _check(table, n_test, margin, alpha)
    accuracy = table["test_accuracy"].astype(float)
    best = str(accuracy.idxmax())
    shared: dict[str, Any] = {
        "most_accurate": best,
        "accuracies": {str(name): float(value) for name, value in accuracy.items()},
        "margin": margin,
        "n_test": None if n_test is None else int(n_test),
        "alpha": alpha,
        "digits": digits,
        "cautions": (*cautions, *caution_ranking(len(table))),
    }
    if "n_epochs" in table and (table["n_epochs"] == 0).fillna(False).all():
        return Recommendation(None, "untrained", other=None, cost=None, costs={}, **shared)
    if len(table) == 1:
        return Recommendation(best, "only_one", other=None, cost=None, costs={}, **shared)
    model, rule, cost = _choose(table, accuracy, margin)
    other = best if model != best else str(accuracy[accuracy.index != best].idxmax())
    names = list(table.index)
    pair = table.iloc[[names.index(model), names.index(other)]]
    # integer columns with missing values are float
    kinds = {"n_parameters": int, "size": int, "predict_time": float, "fit_time": float}
    costs = {c: tuple(map(kinds[c], pair[c])) for c in COSTS if c in pair and pair[c].notna().all()}
    # the pair that is shown was selected from all pairs (Bonferroni)
    n_pairs = len(table) * (len(table) - 1) // 2
    shared["work"] = pair_work(work_left or {}, model, other, alpha=alpha / n_pairs)
    found = Recommendation(model, rule, other=other, cost=cost, costs=costs, **shared)
    if tests is None:
        tests = [] if n_test is None else compare_accuracies(found.accuracies, n_test, alpha=alpha)
    return _weigh(found, tests, folds or ())


def _choose(
    table: pd.DataFrame, accuracy: "pd.Series[float]", margin: float
) -> tuple[str, str, str | None]:
    """Return the selected model, and the rule and cost by which it was selected."""
    best = str(accuracy.idxmax())
    lead = accuracy[best] - accuracy
    similar = table[~reaches(lead, margin) | np.isclose(lead, 0)]
    cost = next((c for c in COSTS if c in table and similar[c].notna().all()), None)
    model, rule = best, "clearly_better"
    if cost is None:
        rule = "only_known" if len(similar) > 1 else rule
    elif len(similar) > 1:
        # break ties in cost by accuracy
        order = similar.sort_values([cost, "test_accuracy"], ascending=[True, False])
        model = str(order.index[0])
        rule = "similar"
    if cost is not None and model == best:
        others = table.index != best  # `drop` fails for some names
        cheaper, ahead = table[cost][others], lead[others].all()
        if cheaper.notna().all() and (table[cost][best] < cheaper).all() and ahead:
            rule = "best_and_cheapest"
        elif len(similar) > 1:
            rule = "cheapest_of_similar" if ahead else "equal"
    return model, rule, cost


def _weigh(
    found: Recommendation, tests: Sequence[PairedTest], folds: Sequence[PairedTest]
) -> Recommendation:
    """Add the verdict and the tests of the two models."""
    test = _find_test(tests, found)
    found = replace(found, evidence=test, folds=_find_test(folds, found))
    if test is None:
        return found
    if test.p_adjusted < found.alpha and test.difference > 0:
        better = found.model == found.most_accurate
        return replace(found, verdict="clearly_better" if better else "not_worth_it")
    within = max(map(abs, test.interval)) < found.margin
    rule = "ahead" if found.rule == "clearly_better" else found.rule
    return replace(found, rule=rule, verdict="no_difference" if within else "cannot_tell")


def _find_test(tests: Sequence[PairedTest], found: Recommendation) -> PairedTest | None:
    pair = {found.most_accurate, found.less_accurate}
    of_pair = [test for test in tests if {test.first, test.second} == pair]
    return of_pair[0].seen_from(found.most_accurate) if of_pair else None


def _check(table: Any, n_test: Any, margin: float, alpha: float) -> pd.DataFrame:
    """Return the table with the names of the models as text, or raise if it is invalid."""
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"table has the type {type(table).__name__}, but must be a DataFrame with one row per "
            "model."
        )
    if "test_accuracy" not in table or not len(table):
        raise ValueError(
            f"table has {len(table)} rows and the columns {list(table.columns)}, but needs one row "
            "per model and a column 'test_accuracy'."
        )
    table = table.set_axis(pd.Index([str(name) for name in table.index], dtype=object))
    if not table.index.is_unique:
        raise ValueError(f"table has duplicate names: {table.index.tolist()}; rename one.")
    accuracy = pd.to_numeric(table["test_accuracy"], errors="coerce").astype(float)
    if not accuracy.between(0, 1).all():
        raise ValueError(
            f"test_accuracy={table['test_accuracy'].tolist()} must be in [0, 1]; divide "
            "percentages by 100."
        )
    check_shares(margin, alpha)
    is_count = isinstance(n_test, (int, np.integer)) and not isinstance(n_test, bool)
    if n_test is not None and not (is_count and n_test >= 1):
        raise ValueError(f"n_test={n_test!r} must be an int >= 1, or None if it is unknown.")
    return table


def check_shares(margin: float, alpha: float) -> None:
    """Raise if `margin` or `alpha` is out of range."""
    if not isinstance(margin, Real) or not 0 <= margin <= 1:
        raise ValueError(f"margin={margin!r} must be in [0, 1], such as 0.01.")
    if not isinstance(alpha, Real) or not 0 < alpha < 1:
        raise ValueError(f"alpha={alpha!r} must be in (0, 1), such as 0.05.")
