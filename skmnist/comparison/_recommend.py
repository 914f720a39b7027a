"""The rule that turns a table of figures into a recommendation."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from skmnist.text import get_catalogue, get_languages

# What counts as cheap, the first one that is known of every candidate.
COSTS = ("n_parameters", "fit_time")
CONFIDENCE_Z = 1.96  # two-sided 95 %


@dataclass(frozen=True)
class Recommendation:
    """The model to take, and the reason.

    Attributes
    ----------
    model : str or None
        The recommended model; None where none was trained.
    rule : {"only_one", "best_and_cheapest", "cheapest_of_similar", "equal", "clearly_better", \
            "ahead", "only_known", "similar", "untrained"}
        What decided: there is no other; it leads all in accuracy and cost; it is the most
        accurate, and none of those that are similarly accurate is cheaper; the same, but another
        one is as accurate; its lead is at least the
        margin; the same, but the lead may be chance; costs are unknown, so accuracy alone; or it
        is not the most accurate, but the cheapest of those that are similarly accurate. Nothing
        where no model has been trained.
    most_accurate : str
        The model with the highest test accuracy.
    other : str or None
        The model it is weighed against: the most accurate one, or the best of the rest.
    accuracies : dict of str to float
        Test accuracy of every model.
    cost : {"n_parameters", "fit_time"} or None
        What cheapness was judged by.
    costs : dict
        For each cost that is known of both `model` and `other`, the two values.
    margin : float
        Accuracies closer than this count as similar.
    n_test : int or None
        Number of test images.
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

    @property
    def accuracy_difference(self) -> float:
        """Test accuracy of the most accurate model minus that of the recommended or next one."""
        if self.model is None or self.other is None:
            return 0.0
        return abs(self.accuracies[self.model] - self.accuracies[self.other])

    @property
    def fewer_errors(self) -> float:
        """Share of the less accurate model's errors that the more accurate one avoids."""
        if self.model is None or self.other is None:
            return 0.0
        low, high = sorted(1 - self.accuracies[name] for name in (self.model, self.other))
        return (high - low) / high if high else 0.0

    @property
    def may_be_chance(self) -> bool:
        """Whether the two accuracies are closer than their 95 % uncertainty on `n_test` images.

        This takes the two for independent; measured on the same images they mostly err on the
        same ones, so that a difference outside of it is real, and one inside may be.
        """
        if self.model is None or self.other is None or self.n_test is None:
            return False
        shares = (self.accuracies[self.model], self.accuracies[self.other])
        variance = sum(share * (1 - share) / self.n_test for share in shares)
        return 0 < self.accuracy_difference <= CONFIDENCE_Z * float(np.sqrt(variance))

    def reason(self, language: str = "en") -> str:
        """Say why, in plain words.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
        """
        say = get_catalogue(language)
        if self.model is None:
            return say(f"recommendation.{self.rule}")
        values: dict[str, Any] = {
            "model": self.model,
            "other": self.other,
            "best": self.most_accurate,
            "accuracy": self.accuracies[self.model],
            "delta": 100 * self.accuracy_difference,
            "margin": 100 * self.margin,
            "cost": say(f"recommendation.cost_{self.cost}") if self.cost else "",
            "cheaper": say(f"recommendation.cheaper_{self.cost}") if self.cost else "",
            "advantages": ", ".join(self._advantages(language)),
            "n_test": self.n_test,
            "share": self.fewer_errors,
        }
        phrases = [self.rule]
        if self.other is not None and self.accuracy_difference > 0:
            less = self.other if self.model == self.most_accurate else self.model
            values["less_accurate"] = less
            values["best_errors"] = self._n_errors(self.most_accurate)
            values["less_errors"] = self._n_errors(less)
            # rounded accuracies may not tell the counts of so few images apart
            counted = values["best_errors"] < values["less_errors"]
            phrases.append("fewer_errors_counted" if counted else "fewer_errors")
        if self.rule == "similar" and self.accuracy_difference > 0:
            phrases.append("if_errors_count")
        if self.may_be_chance:
            phrases.append("may_be_chance")
        return " ".join(say(f"recommendation.{phrase}", **values) for phrase in phrases)

    def _n_errors(self, name: str) -> int:
        return round((1 - self.accuracies[name]) * (self.n_test or 0))

    def _advantages(self, language: str) -> list[str]:
        say = get_catalogue(language)
        advantages = [
            say(f"recommendation.advantage_{cost}", own=own, other=other)
            for cost, (own, other) in self.costs.items()
            if own < other
        ]
        if self.cost == "n_parameters":
            advantages.append(say("recommendation.advantage_explain"))
        return advantages

    def __str__(self) -> str:
        return f"{self.model}. {self.reason()}" if self.model else self.reason()

    def to_dict(self) -> dict[str, Any]:
        """Return all figures and the reason in each language, for JSON."""
        return {
            **asdict(self),
            "reason": {language: self.reason(language) for language in get_languages()},
            "accuracy_difference": self.accuracy_difference,
            "fewer_errors": self.fewer_errors,
            "may_be_chance": self.may_be_chance,
        }


def recommend(
    table: pd.DataFrame, *, n_test: int | None = None, margin: float = 0.01
) -> Recommendation:
    """Recommend one of the models in a table of figures.

    Models whose test accuracy is less than `margin` below the best are similar; of these the
    cheapest is recommended: the one with the fewest parameters where all tell them, else the
    one trained fastest. Where no cost is known of all, accuracy decides.

    Parameters
    ----------
    table : DataFrame
        A row per model, indexed by name; column `test_accuracy` in [0, 1], and where known
        `n_parameters`, `fit_time` (in s) and `n_epochs`. Where all have 0 epochs, none is
        recommended.
    n_test : int, default=None
        Number of test images behind the accuracies; with it errors are counted, and differences
        that can be chance are called so.
    margin : float, default=0.01
        Accuracies closer than this count as similar. One percentage point is what the source
        calls "very similar".

    Returns
    -------
    recommendation : Recommendation

    Raises
    ------
    ValueError
        The table is empty or lacks `test_accuracy`, an accuracy is no share, names repeat, or
        `margin` or `n_test` is out of range.

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
    >>> print(recommend(table, n_test=10000))
    NN. The accuracy is very similar (difference 0.63 percentage points; under 1 counts as
    similar). NN is mostly the better choice: fewer parameters (101,770 instead of 567,434),
    trains faster (78.4 s instead of 118.0 s), easier to explain. DNN makes 26% fewer errors
    than NN (181 instead of 244 of 10,000 test images). If every error counts and size does not
    matter, take DNN.
    """
    _check(table, n_test, margin)
    table = table.set_axis(table.index.map(str), axis="index")
    accuracy = table["test_accuracy"].astype(float)
    best = str(accuracy.idxmax())
    shared: dict[str, Any] = {
        "most_accurate": best,
        "accuracies": {str(name): float(value) for name, value in accuracy.items()},
        "margin": margin,
        "n_test": n_test,
    }
    if "n_epochs" in table and (table["n_epochs"] == 0).fillna(False).all():
        return Recommendation(None, "untrained", other=None, cost=None, costs={}, **shared)
    if len(table) == 1:
        return Recommendation(best, "only_one", other=None, cost=None, costs={}, **shared)
    lead = accuracy[best] - accuracy
    # 0.98 - 0.97 is 0.010000000000000009: a difference of just the margin is not under it
    near = (lead < margin) & ~np.isclose(lead, margin, rtol=0, atol=1e-12)
    similar = table[near | np.isclose(lead, 0, rtol=0, atol=1e-12)]
    cost = next((c for c in COSTS if c in table and similar[c].notna().all()), None)
    model, rule = best, "clearly_better"
    if cost is None:
        rule = "only_known" if len(similar) > 1 else rule
    elif len(similar) > 1:
        # among equally cheap ones the more accurate
        order = similar.sort_values([cost, "test_accuracy"], ascending=[True, False])
        model = str(order.index[0])
        rule = "similar"
    if cost is not None and model == best:
        cheaper = table[cost].drop(best)
        if cheaper.notna().all() and (table[cost][best] < cheaper).all() and lead.drop(best).all():
            rule = "best_and_cheapest"
        elif len(similar) > 1:
            rule = "cheapest_of_similar" if lead.drop(best).all() else "equal"
    other = best if model != best else str(accuracy.drop(best).idxmax())
    pair = table.loc[[model, other]]
    kinds = {"n_parameters": int, "fit_time": float}  # a missing value beside makes counts floats
    costs = {c: tuple(map(kinds[c], pair[c])) for c in COSTS if c in pair and pair[c].notna().all()}
    found = Recommendation(model, rule, other=other, cost=cost, costs=costs, **shared)
    if rule == "clearly_better" and found.may_be_chance:
        return replace(found, rule="ahead")
    return found


def _check(table: Any, n_test: Any, margin: float) -> None:
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"table is a {type(table).__name__}, but must be a DataFrame with a row per model."
        )
    if "test_accuracy" not in table or not len(table):
        raise ValueError(
            f"table has {len(table)} rows and the columns {list(table.columns)}, but needs a row "
            "per model and a column 'test_accuracy'."
        )
    if not table.index.is_unique:
        raise ValueError(f"table has models of one name: {table.index.tolist()}; rename one.")
    accuracy = table["test_accuracy"].astype(float)
    if not accuracy.between(0, 1).all():
        raise ValueError(
            f"test_accuracy={accuracy.tolist()} must be shares from 0 to 1; divide percentages "
            "by 100."
        )
    if not 0 <= margin <= 1:
        raise ValueError(f"margin={margin!r} must be a share from 0 to 1, such as 0.01.")
    is_count = isinstance(n_test, (int, np.integer)) and not isinstance(n_test, bool)
    if n_test is not None and not (is_count and n_test >= 1):
        raise ValueError(f"n_test={n_test!r} must be an int >= 1, or None if it is not known.")
