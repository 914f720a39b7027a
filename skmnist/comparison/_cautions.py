"""Reasons why the figures of a comparison may be biased or incomplete."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from skmnist.comparison._elsewhere import ElsewhereResult, ElsewhereTest, OtherData, name_data
from skmnist.text import get_catalogue

Code = Literal[
    "ranked_two",
    "ranked_many",
    "one_start",
    "short_starts",
    "short_starts_differ",
    "tuned_on_test",
    "test_rows_in_training",
    "elsewhere_rows_known",
    "elsewhere_near_chance",
    "different_test_sets",
    "unseen_classes",
    "interrupted_models",
    "interrupted_starts",
    "interrupted_folds",
]

MAX_CLASSES = 5  # listed in a sentence


@dataclass(frozen=True)
class Caution:
    """A reason why the figures of a comparison are less certain than they look.

    The parameters are attributes as well.

    Parameters
    ----------
    code : {"ranked_two", "ranked_many", "one_start", "short_starts", "short_starts_differ", \
            "tuned_on_test", "test_rows_in_training", "elsewhere_rows_known", \
            "elsewhere_near_chance", "different_test_sets", "unseen_classes", \
            "interrupted_models", "interrupted_starts", "interrupted_folds"}
        Type of the caution:

        - "ranked_two", "ranked_many": the test images were used both to rank and to measure the
          models (two, or more than two).
        - "one_start": models with a random seed were trained from only one start.
        - "short_starts": further starts were trained for fewer epochs than the first.
        - "short_starts_differ": as above, and for one model, the mean accuracy of these starts
          differs from the accuracy of its first start by at least the margin.
        - "tuned_on_test": the test images were used for tuning.
        - "test_rows_in_training": some test images also occur among the training images.
        - "elsewhere_rows_known": images of a further data set also occur among the training or
          test images.
        - "elsewhere_near_chance": on a further data set, no model does much better than guessing,
          although one does on the test set.
        - "different_test_sets": the models do not share one test set, or its labels are unknown.
        - "unseen_classes": some test images belong to classes without training images.
        - "interrupted_models", "interrupted_starts", "interrupted_folds": unfinished models,
          starts or folds are left out.
    severity : {"note", "warning"}, default="warning"
        How serious the caution is.
    figures : dict, default={}
        Values for the placeholders of the sentence.

    Examples
    --------
    >>> from skmnist.comparison import Caution
    >>> print(Caution("ranked_two", "note").sentence())
    The same test images were used to rank the two models and to measure their accuracy, so the
    better figure is slightly optimistic.
    """

    code: Code
    severity: Literal["note", "warning"] = "warning"
    figures: Mapping[str, Any] = field(default_factory=dict)

    def sentence(self, language: str = "en") -> str:
        """Return the caution as a sentence.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
            Language of the text.
        """
        say, figures = get_catalogue(language), dict(self.figures)
        if "data" in figures:
            figures["data"] = name_data(figures["data"], say)
        return say(f"recommendation.caution.{self.code}", **figures)

    def to_dict(self) -> dict[str, Any]:
        """Return code, severity and figures, for JSON."""
        return {"code": self.code, "severity": self.severity, "figures": dict(self.figures)}


def caution_ranking(n_models: int) -> list[Caution]:
    """Return the caution about ranking and measuring models on the same images.

    The list is empty if there is only one model.
    """
    if n_models < 2:
        return []
    if n_models == 2:
        return [Caution("ranked_two", "note")]
    return [Caution("ranked_many", figures={"n_models": n_models})]


def caution_data(
    X_train: Any, X_test: Any, y_train: Any, y_test: Any, *, tuned_on_test: bool = False
) -> list[Caution]:
    """Return cautions about the training and test rows."""
    cautions = [Caution("tuned_on_test")] if tuned_on_test else []
    shared = find_shared_rows(X_train, X_test)
    if shared:
        figures = {
            "n_shared": len(shared),
            "n_test": len(X_test),
            "first": shared[0],
            "share": len(shared) / len(X_test),
        }
        cautions.append(Caution("test_rows_in_training", figures=figures))
    unseen = ~np.isin(y_test, np.unique(y_train))
    if unseen.any():
        classes = list(map(str, np.unique(np.asarray(y_test)[unseen]).tolist()))
        listed = ", ".join(classes[:MAX_CLASSES]) + (", …" if len(classes) > MAX_CLASSES else "")
        counts = {"n_unseen": int(unseen.sum()), "n_test": len(y_test)}
        cautions.append(Caution("unseen_classes", figures={**counts, "classes": listed}))
    return cautions


def caution_elsewhere(others: Iterable[OtherData], X_train: Any, X_test: Any) -> list[Caution]:
    """Return cautions about further data sets that contain training or test rows."""
    cautions = []
    for other in others:
        in_train, in_test = (set(find_shared_rows(X, other.X)) for X in (X_train, X_test))
        known = in_train | in_test
        if known:
            figures = {
                "data": other.name,
                "n_known": len(known),
                "n_images": len(other.y),
                "share": len(known) / len(other.y),
                "n_train": len(in_train),
                "n_test": len(in_test - in_train),
            }
            cautions.append(Caution("elsewhere_rows_known", figures=figures))
    return cautions


def caution_near_chance(
    tests: Iterable[ElsewhereTest], found: Mapping[str, Sequence[ElsewhereResult]], chance: float
) -> list[Caution]:
    """Return cautions about further data sets on which no model does much better than guessing."""
    return [
        Caution(
            "elsewhere_near_chance",
            figures={
                "data": test.data,
                "accuracy": max(
                    result.accuracy
                    for results in found.values()
                    for result in results
                    if result.data == test.data
                ),
                "chance": chance,
            },
        )
        for test in tests
        if test.near_chance
    ]


def caution_interrupt(
    models: Collection[str], *, starts: tuple[int, int], folds: tuple[int, int]
) -> list[Caution]:
    """Return cautions about an interruption; `starts` and `folds` are counts (used, planned)."""
    cautions = []
    if models:
        cautions.append(Caution("interrupted_models", figures={"models": ", ".join(models)}))
    for part, (n_used, n_planned) in (("starts", starts), ("folds", folds)):
        if n_used < n_planned:
            figures = {"n_used": n_used, "n_planned": n_planned}
            cautions.append(Caution(f"interrupted_{part}", figures=figures))  # type: ignore[arg-type]
    return cautions


_UNSET = (False, "deprecated")  # TODO(sklearn>=1.11): only False
# scikit-learn's estimators that have a random_state, but do not use it if the given parameter has
# one of these values
UNUSED_SEEDS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "DummyClassifier": ("strategy", ("prior", "most_frequent", "constant")),
    "GaussianProcessClassifier": ("n_restarts_optimizer", (0,)),
    "LinearSVC": ("dual", (False,)),
    "LogisticRegression": ("solver", ("lbfgs", "newton-cg", "newton-cholesky")),
    "NuSVC": ("probability", _UNSET),
    "PCA": ("svd_solver", ("full", "covariance_eigh")),
    "RidgeClassifier": ("solver", ("auto", "svd", "cholesky", "lsqr", "sparse_cg", "lbfgs")),
    "SVC": ("probability", _UNSET),
}


def depends_on_seed(estimator: Any) -> bool:
    """Return whether the training of an estimator, or of one inside it, may use a random seed."""
    return any(map(_uses_seed, [estimator, *estimator.get_params(deep=True).values()]))


def _uses_seed(part: Any) -> bool:
    if isinstance(part, type) or not hasattr(part, "get_params"):
        return False
    own, kind = part.get_params(deep=False), type(part)
    if "random_state" not in own:
        return False
    known = kind.__module__.startswith("sklearn.") and kind.__name__ in UNUSED_SEEDS
    name, values = UNUSED_SEEDS[kind.__name__] if known else ("random_state", ())
    return own.get(name) not in values


def caution_short_starts(starts: pd.DataFrame, margin: float) -> list[Caution]:
    """Return cautions about starts that were trained for fewer epochs than the first.

    Parameters
    ----------
    starts : DataFrame
        As in `ModelComparison`.
    margin : float
        Accuracies that differ by less than this count as similar.
    """
    short = starts[starts["short"]]
    if not len(short):
        return []
    first = starts[starts["start"] == 0].set_index("model")
    epochs = short.groupby("model", sort=False)["n_epochs"].max()
    of_first = first["n_epochs"].to_dict()
    listed = ", ".join(f"{name}: {n}/{of_first[name]}" for name, n in epochs.items())
    found = [Caution("short_starts", "note", {"epochs": listed})]
    accuracy = first["test_accuracy"]
    shifts = short.groupby("model", sort=False)["test_accuracy"].mean() - accuracy
    # a shift as large as the margin could change the verdict; on MNIST, shifts are about 0.2
    # percentage points
    for name, shift in shifts[shifts.abs() >= margin].items():
        before = float(accuracy.to_dict()[name])
        figures = {"model": str(name), "accuracy": before + float(shift), "first": before}
        found.append(Caution("short_starts_differ", figures=figures))
    return found


def find_shared_rows(X_train: Any, X_test: Any) -> list[int]:
    """Return the row numbers of test rows that also occur among the training rows.

    Only numeric arrays, data frames and lists are compared. For other types, and for rows of
    different shapes, the list is empty.
    """
    arrays = [_as_rows(X) for X in (X_train, X_test)]
    if arrays[0] is None or arrays[1] is None:
        return []
    kind = np.result_type(*arrays)
    train, test = (np.ascontiguousarray(rows, dtype=kind) for rows in arrays)
    if train.shape[1:] != test.shape[1:]:
        return []
    seen = {hash(row.tobytes()) for row in train}  # 64 bits, so collisions are negligible
    return [at for at, row in enumerate(test) if hash(row.tobytes()) in seen]


def _as_rows(X: Any) -> np.ndarray[Any, Any] | None:
    if hasattr(X, "toarray"):  # a sparse matrix may be too large to make dense
        return None
    if hasattr(X, "to_numpy") or isinstance(X, Sequence):
        try:
            X = np.asarray(X)
        except ValueError:
            return None
    if not isinstance(X, np.ndarray) or X.dtype.kind not in "buif" or X.ndim < 2:
        return None
    return X
