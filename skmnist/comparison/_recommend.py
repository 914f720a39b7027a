"""The rule that turns a table of figures into a recommendation."""

from collections.abc import Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from skmnist.comparison._cautions import Caution, caution_ranking
from skmnist.comparison._recommendation import Recommendation, reaches
from skmnist.comparison._significance import ALPHA, PairedTest, compare_accuracies

# The source calls a difference of 0.63 percentage points "very similar".
MARGIN = 0.01
# What counts as cheap, the first one that is known of every candidate.
COSTS = ("n_parameters", "size", "predict_time", "fit_time")


def recommend(
    table: pd.DataFrame,
    *,
    n_test: int | None = None,
    margin: float = MARGIN,
    alpha: float = ALPHA,
    digits: bool = False,
    tests: Sequence[PairedTest] | None = None,
    folds: Sequence[PairedTest] | None = None,
    cautions: Sequence[Caution] = (),
) -> Recommendation:
    """Recommend one of the models in a table of figures.

    The margin decides which, the evidence how sure that is. Models whose test accuracy is less
    than `margin` below the best are similar; of these the cheapest is recommended: the one with
    the fewest parameters where all tell them, else the smallest on disk, the one that predicts
    fastest, or the one trained fastest. Where no cost is known of all, accuracy decides.

    The verdict is about the recommended model and the one it is weighed against. Where a
    difference is real (its p-value, adjusted for all pairs, is below `alpha`) the more accurate
    one is either recommended ("clearly_better") or real but not worth its cost ("not_worth_it").
    Where it is not shown to be real, "no_difference" says that the interval rules out one of
    `margin` or more, and "cannot_tell" that it does not.

    Parameters
    ----------
    table : DataFrame
        A row per model, indexed by name; column `test_accuracy` in [0, 1], and where known
        `n_parameters`, `size` (in bytes), `predict_time` and `fit_time` (in s) and `n_epochs`.
        Where all have 0 epochs, none is recommended.
    n_test : int, default=None
        Number of test images behind the accuracies, the same ones for all; with it errors are
        counted, and there is a verdict.
    margin : float, default=0.01
        Accuracies closer than this count as similar. The source calls 0.63 percentage points
        "very similar".
    alpha : float, default=0.05
        Probability with which a difference between equal models may be called real.
    digits : bool, default=False
        Whether the classes are the ten digits: then the reason also says how many postal codes
        would be misread.
    tests : sequence of PairedTest, default=None
        The test of each pair of models, as :func:`~skmnist.comparison.compare_models` makes
        them. None bounds them by what `n_test` and the accuracies allow.
    folds : sequence of PairedTest, default=None
        Tests on the scores of folds, told beside.
    cautions : sequence of Caution, default=()
        What else to know; that the test images both ranked and measured is added.

    Returns
    -------
    recommendation : Recommendation

    Raises
    ------
    ValueError
        The table is empty or lacks `test_accuracy`, an accuracy is no share, names repeat, or
        `margin`, `alpha` or `n_test` is out of range.

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
    The accuracy is very similar (difference 0.63 percentage points; less than 1 counts as
    similar). NN is usually the better choice: fewer parameters (101,770 instead of 567,434),
    faster to train (78.4 s instead of 118.0 s), easier to explain.
    The difference is real but small: it lies between 0.23 and 1.04 percentage points (95%
    interval).
    DNN made 26% fewer errors than NN (181 instead of 244 on 10,000 test images).
    Out of 1,000 five-digit postal codes, NN would misread about 116 and DNN about 87 (if errors
    on single digits are independent).
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
    # a missing value beside makes counts floats
    kinds = {"n_parameters": int, "size": int, "predict_time": float, "fit_time": float}
    costs = {c: tuple(map(kinds[c], pair[c])) for c in COSTS if c in pair and pair[c].notna().all()}
    found = Recommendation(model, rule, other=other, cost=cost, costs=costs, **shared)
    if tests is None:
        tests = [] if n_test is None else compare_accuracies(found.accuracies, n_test, alpha=alpha)
    return _weigh(found, tests, folds or ())


def _choose(
    table: pd.DataFrame, accuracy: "pd.Series[float]", margin: float
) -> tuple[str, str, str | None]:
    """Return the model that the margin and the costs choose, by which rule and cost."""
    best = str(accuracy.idxmax())
    lead = accuracy[best] - accuracy
    similar = table[~reaches(lead, margin) | np.isclose(lead, 0)]
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
        others = table.index != best  # `drop` would make an array of the name, of any text
        cheaper, ahead = table[cost][others], lead[others].all()
        if cheaper.notna().all() and (table[cost][best] < cheaper).all() and ahead:
            rule = "best_and_cheapest"
        elif len(similar) > 1:
            rule = "cheapest_of_similar" if ahead else "equal"
    return model, rule, cost


def _weigh(
    found: Recommendation, tests: Sequence[PairedTest], folds: Sequence[PairedTest]
) -> Recommendation:
    """Add what the tests say of the two models that are weighed."""
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
    """Return the table with the names of the models as text, if all is as it should be."""
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"table is a {type(table).__name__}, but must be a DataFrame with a row per model."
        )
    if "test_accuracy" not in table or not len(table):
        raise ValueError(
            f"table has {len(table)} rows and the columns {list(table.columns)}, but needs a row "
            "per model and a column 'test_accuracy'."
        )
    table = table.set_axis(pd.Index([str(name) for name in table.index], dtype=object))
    if not table.index.is_unique:
        raise ValueError(f"table has models of one name: {table.index.tolist()}; rename one.")
    accuracy = pd.to_numeric(table["test_accuracy"], errors="coerce").astype(float)
    if not accuracy.between(0, 1).all():
        raise ValueError(
            f"test_accuracy={table['test_accuracy'].tolist()} must be shares from 0 to 1; divide "
            "percentages by 100."
        )
    check_shares(margin, alpha)
    is_count = isinstance(n_test, (int, np.integer)) and not isinstance(n_test, bool)
    if n_test is not None and not (is_count and n_test >= 1):
        raise ValueError(f"n_test={n_test!r} must be an int >= 1, or None if it is not known.")
    return table


def check_shares(margin: float, alpha: float) -> None:
    """Raise if `margin` or `alpha` is out of range."""
    if not isinstance(margin, Real) or not 0 <= margin <= 1:
        raise ValueError(f"margin={margin!r} must be a share from 0 to 1, such as 0.01.")
    if not isinstance(alpha, Real) or not 0 < alpha < 1:
        raise ValueError(f"alpha={alpha!r} must lie between 0 and 1, such as 0.05.")
