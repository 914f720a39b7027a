"""Several trained models side by side, and what is known of their differences."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from skmnist.comparison._cautions import Caution
from skmnist.comparison._recommend import MARGIN, recommend
from skmnist.comparison._result import ModelResult
from skmnist.comparison._significance import ALPHA, compare_folds, compare_predictions
from skmnist.diagnosis._errors import are_digits

Array = np.ndarray[Any, Any]


class ModelComparison:
    """Several trained models side by side.

    Attributes
    ----------
    results : dict of str to ModelResult
        Each model's estimator, errors and diagnosis, in the order they were given; with several
        starts those of the first.
    table : DataFrame
        A row per model, indexed by name: `test_accuracy` (float), `diagnosis` (str),
        `gap` (float), `n_parameters` (Int64), `fit_time` (float, s), `n_epochs` (Int64),
        `predict_time` and `predict_time_p95` (float, s for one image, median and 95th
        percentile), `size` (Int64, bytes on disk, pickled). What a model cannot tell is missing.
        With several starts `test_accuracy` is their mean and `fit_time` their median.
    recommendation : Recommendation
        The model to take, and why.
    tests : list of PairedTest
        The difference of each pair of models on the test set, with interval and p-value. Empty
        where they were not measured on the same one.
    folds : list of PairedTest
        The same by the scores on the folds; empty without any.
    starts : DataFrame or None
        A row per model and start: `model`, `start`, `test_accuracy`, `fit_time`. None with one.
    fold_scores : DataFrame or None
        A row per fold, a column per model: accuracy on the rows left out. None without folds.
    X_test, y_test : array-likes or None
        The test set: the same object where it is an array or a data frame, otherwise converted.
        Row numbers of `predictions`, `proba` and `errors` are rows of it. None where it was not
        handed in.
    """

    def __init__(
        self,
        results: Sequence[ModelResult],
        *,
        X_test: Any = None,
        y_test: Any = None,
        margin: float = MARGIN,
        alpha: float = ALPHA,
        starts: pd.DataFrame | None = None,
        correct: dict[str, Array] | None = None,
        fold_scores: pd.DataFrame | None = None,
        fold_test_share: float = 0.0,
        cautions: Sequence[Caution] = (),
    ) -> None:
        self.results = {result.name: result for result in results}
        self.X_test, self.y_test = X_test, y_test
        self.starts, self.fold_scores = starts, fold_scores
        self.table = _make_table(results)
        if starts is not None:
            by_model = starts.groupby("model")
            self.table["test_accuracy"] = by_model["test_accuracy"].mean()
            self.table["fit_time"] = by_model["fit_time"].median()
        same = _measured_alike(results)
        if not same:
            cautions = [*cautions, Caution("different_test_sets")]
        if correct is None:
            correct = {r.name: r.errors.correct[np.newaxis] for r in results if same}
        self.tests = compare_predictions(correct, alpha=alpha)
        self.folds = []
        if fold_scores is not None:
            scores = {str(name): fold_scores[name].to_numpy() for name in fold_scores}
            self.folds = compare_folds(scores, fold_test_share, alpha=alpha)
        self.recommendation = recommend(
            self.table,
            n_test=results[0].errors.n_test if same else None,
            margin=margin,
            alpha=alpha,
            digits=all(are_digits(result.errors.report.index) for result in results),
            tests=self.tests,
            folds=self.folds,
            cautions=cautions,
        )

    def __repr__(self) -> str:
        return f"{self.table.to_string()}\n\nRecommendation: {self.recommendation}"

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain Python values, for JSON."""
        return {
            "models": [result.to_dict() for result in self.results.values()],
            "tests": [test.to_dict() for test in self.tests],
            "folds": [test.to_dict() for test in self.folds],
            "starts": None if self.starts is None else self.starts.to_dict("records"),
            "fold_scores": None if self.fold_scores is None else self.fold_scores.to_dict("list"),
            "recommendation": self.recommendation.to_dict(),
        }

    def to_markdown(self, language: str = "en") -> str:
        """Return the recommendation, the table and each model's analysis as Markdown.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
        """
        from skmnist.comparison._markdown import make_markdown

        return make_markdown(self, language)

    def to_html(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        language: str = "en",
        overwrite: bool = False,
    ) -> str | None:
        """Return all of it as one HTML page for everybody, or write it to a file.

        The page needs no other file and no network. It begins with the recommendation, and ends
        with what it takes to repeat the run.

        Parameters
        ----------
        path : path-like, default=None
            The file; None returns the page.
        language : {"en", "de"}, default="en"
        overwrite : bool, default=False
            Whether a file that is there already is replaced.

        Returns
        -------
        page : str or None
            None where it was written.

        Raises
        ------
        FileExistsError
            The file is there, and `overwrite` is False.
        OSError
            The file cannot be written there.
        """
        from skmnist.report import make_page, write_page  # the way up, see docs/architecture.rst

        if path is None:
            return make_page(self, language=language)
        write_page(self, path, language=language, overwrite=overwrite)
        return None

    def _repr_html_(self) -> str:
        """Show recommendation and table in a notebook."""
        from skmnist.report import make_snippet

        return make_snippet(self)


def _measured_alike(results: Sequence[ModelResult]) -> bool:
    labels: list[Any] = [result.errors.y_true for result in results]
    return all(each is not None and np.array_equal(each, labels[0]) for each in labels)


def _make_table(results: Sequence[ModelResult]) -> pd.DataFrame:
    diagnoses = [result.diagnosis for result in results]
    return pd.DataFrame(
        {
            "test_accuracy": [r.errors.accuracy for r in results],
            "diagnosis": [None if d is None else d.label for d in diagnoses],
            "gap": np.array([None if d is None else d.gap for d in diagnoses], dtype=float),
            "n_parameters": pd.array([r.n_parameters for r in results], dtype="Int64"),
            "fit_time": [r.fit_time for r in results],
            "n_epochs": pd.array([r.n_epochs for r in results], dtype="Int64"),
            "predict_time": np.array([r.predict_time for r in results], dtype=float),
            "predict_time_p95": np.array([r.predict_time_p95 for r in results], dtype=float),
            "size": pd.array([r.size for r in results], dtype="Int64"),
        },
        index=pd.Index([r.name for r in results], dtype=object),  # names may be any text
    )
