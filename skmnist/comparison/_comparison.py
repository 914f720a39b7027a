"""The result of `compare_models`, and its Markdown."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from skmnist._files import write_whole
from skmnist.comparison._cautions import Caution, caution_near_chance, depends_on_seed
from skmnist.comparison._elsewhere import compare_elsewhere
from skmnist.comparison._page import (
    describe_page,
    describe_recommendation,
    make_figure_tables,
    rank_models,
)
from skmnist.comparison._recommendation import Recommendation, recommend
from skmnist.comparison._result import COLUMNS, ModelResult, label_column, write_figure
from skmnist.comparison._significance import compare_folds, compare_predictions
from skmnist.comparison._work import measure_work
from skmnist.diagnosis import ConfusionPair, WorkLeft
from skmnist.diagnosis._errors import are_digits
from skmnist.report._page import check_target, make_page, make_parts, make_snippet
from skmnist.text import Catalogue, get_catalogue, make_printable

Array = np.ndarray[Any, Any]
N_ROWS = 5  # row numbers listed for each confusion in Markdown


class ModelComparison:
    """Results of one or more trained models, and a recommendation.

    Returned by :func:`compare_models`. A notebook shows the recommendation and the table.

    Parameters
    ----------
    results : sequence of ModelResult
        Results of the models; with several starts, those of the first.
    X_test, y_test : array-like, default=None
        Test set, for the images in the report.
    margin : float, default=0.01
        Accuracies that differ by less than this count as similar.
    alpha : float, default=0.05
        Significance level: probability of finding a difference between equally good models.
    starts : DataFrame, default=None
        One row per model and start; see the attribute.
    correct : dict of str to ndarray of bool, shape (n_starts, n_test), default=None
        For each model and start, whether each test image was classified correctly. None derives
        it from `results`.
    fold_scores : DataFrame, default=None
        Test accuracy, with one row per fold and one column per model.
    fold_test_share : float, default=0.0
        Number of test rows divided by the number of training rows in a fold.
    cautions : sequence of Caution, default=()
        Cautions to show with the recommendation.
    allowed_error : float, default=0.001
        Maximum share of wrong predictions among the accepted images, for `work_left`.

    Attributes
    ----------
    results : dict of str to ModelResult
        Estimator, errors and diagnosis of each model, in the order in which they were passed.
    table : DataFrame
        One row per model, indexed by name: `test_accuracy`, `elsewhere_accuracy` (on the first
        further data set), `f1_macro`, `log_loss` (float), `work_left` (float, share of the images
        that a person must check), `diagnosis` (str), `gap` (float), `n_parameters` (Int64),
        `fit_time` (float, in s), `n_epochs` (Int64), `predict_time` and `predict_time_p95` (float,
        median and 95th percentile of the time for one image, in s), and `size` (Int64, bytes of the
        pickled model).
        Unknown values are missing. With several starts, `test_accuracy`, `elsewhere_accuracy` and
        `f1_macro` are means, `fit_time` is the median (without short starts), and all other columns
        are from the first start.
    recommendation : Recommendation
        The recommended model and the reasons.
    best_model_ : str or None
        Name of the recommended model; None if no model is recommended.
    best_estimator_ : fitted estimator or None
        The recommended model, fitted; None if no model is recommended.
    tests : list of PairedTest
        Test of the difference between each pair of models on the test set, with interval and
        p-value. Empty if there is only one model, or if the models had different test sets.
    folds : list of PairedTest
        Test of the difference between each pair of models on the folds; empty without folds or
        with only one model.
    work_left : dict of str to list of WorkLeft
        For each model with probabilities, the share of images that a person must check so that at
        most `allowed_error` of the rest are wrong, and, for digits, also the share of five-digit
        codes; see :func:`~skmnist.diagnosis.measure_work_left`. With several starts, the first is
        used.
    starts : DataFrame or None
        One row per model and start: `model`, `start`, `test_accuracy`, `fit_time`, `f1_macro`,
        `n_epochs` (Int64), and `short` (bool, whether it was trained for fewer epochs than in the
        first start because of `short_repeats`). None with only one start.
    fold_scores : DataFrame or None
        Test accuracy, with one row per fold and one column per model. None without folds.
    X_test, y_test : array-like or None
        Test set. Row numbers in `predictions`, `proba` and `errors` refer to it.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmnist import compare_models
    >>> X, y = load_digits(return_X_y=True)
    >>> comparison = compare_models(
    ...     {"bayes": GaussianNB(), "tree": DecisionTreeClassifier(max_depth=3)},
    ...     X, y, random_state=0,
    ... )
    >>> comparison.best_model_, comparison.best_estimator_
    ('bayes', GaussianNB())
    >>> comparison.rank("log_loss")["rank"].to_dict()
    {'tree': 1, 'bayes': 2}
    """

    def __init__(
        self,
        results: Sequence[ModelResult],
        *,
        X_test: Any = None,
        y_test: Any = None,
        margin: float = 0.01,
        alpha: float = 0.05,
        starts: pd.DataFrame | None = None,
        correct: dict[str, Array] | None = None,
        fold_scores: pd.DataFrame | None = None,
        fold_test_share: float = 0.0,
        cautions: Sequence[Caution] = (),
        allowed_error: float = 0.001,
    ) -> None:
        self.results = {result.name: result for result in results}
        self.X_test, self.y_test = X_test, y_test
        self.starts, self.fold_scores = starts, fold_scores
        digits = all(are_digits(result.errors.report.index) for result in results)
        self._allowed_error = allowed_error
        self.work_left = measure_work(results, allowed_error, digits=digits)
        self.table = _make_table(results, self.work_left)
        if starts is not None:
            by_model = starts.groupby("model")
            self.table["test_accuracy"] = by_model["test_accuracy"].mean()
            self.table["f1_macro"] = by_model["f1_macro"].mean()
            full = starts[~starts["short"]] if "short" in starts else starts
            self.table["fit_time"] = full.groupby("model")["fit_time"].median()
        same = _have_same_test_set(results)
        if not same:
            cautions = [*cautions, Caution("different_test_sets")]
        seeded = any(map(_depends_on_luck, results))
        if starts is None and len(results) > 1 and seeded:
            cautions = [*cautions, Caution("one_start", "note")]
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
            digits=digits,
            tests=self.tests,
            folds=self.folds,
            cautions=cautions,
            work_left=self.work_left if same else None,
        )
        self.recommendation = self._look_elsewhere(replace(self.recommendation, seeded=seeded))
        self.best_model_ = self.recommendation.model
        self.best_estimator_: Any = None
        if self.best_model_ is not None:
            self.best_estimator_ = self.results[self.best_model_].estimator

    def __repr__(self) -> str:
        return f"{self.table.to_string()}\n\n{self.recommendation}"

    def _look_elsewhere(self, found: Recommendation) -> Recommendation:
        """Add the results of the compared models on further data sets."""
        if found.model is None:
            return found
        results = {name: result.elsewhere for name, result in self.results.items()}
        pair = (found.most_accurate, found.less_accurate)
        chance = 1 / len(next(iter(self.results.values())).errors.report)  # accuracy of guessing
        tests = compare_elsewhere(results, found.accuracies, pair, chance=chance)
        cautions = caution_near_chance(tests, results, chance)
        return replace(found, elsewhere=tests, cautions=(*cautions, *found.cautions))

    def to_dict(self) -> dict[str, Any]:
        """Return the results as plain Python values, for JSON.

        The estimators, the test set, the predictions and the probabilities are left out.

        Returns
        -------
        results : dict
        """
        return {
            "models": [
                {
                    **result.to_dict(),
                    "work_left": [w.to_dict() for w in self.work_left.get(name, ())],
                }
                for name, result in self.results.items()
            ],
            "tests": [test.to_dict() for test in self.tests],
            "folds": [test.to_dict() for test in self.folds],
            "starts": None if self.starts is None else _list_starts(self.starts),
            "fold_scores": None if self.fold_scores is None else self.fold_scores.to_dict("list"),
            "recommendation": self.recommendation.to_dict(),
        }

    def rank(self, by: str = "test_accuracy") -> pd.DataFrame:
        """Return the table sorted by one of its columns, the best model first.

        Parameters
        ----------
        by : str, default="test_accuracy"
            Column of `table`. Higher is better for `test_accuracy`, `elsewhere_accuracy` and
            `f1_macro`; lower is better for all other columns.

        Returns
        -------
        ranked : DataFrame
            The table with an additional column `rank`, counted from 1. Ties have the same rank;
            models with a missing value come last, without a rank.

        Raises
        ------
        ValueError
            If `by` is not a numeric column of `table`.
        """
        if by not in COLUMNS or by == "diagnosis":
            known = [column for column in COLUMNS if column != "diagnosis"]
            raise ValueError(f"by={by!r} must be one of {known}.")
        ascending = COLUMNS[by].best == "low"
        ranks = self.table[by].rank(method="min", ascending=ascending).astype("Int64")
        return self.table.assign(rank=ranks).sort_values("rank", kind="stable")

    def format_table(
        self, columns: Sequence[str] | None = None, *, language: str = "en"
    ) -> pd.DataFrame:
        """Return the table with labels and numbers formatted as text.

        Parameters
        ----------
        columns : sequence of str, default=None
            Columns of `table`; None means all columns that are known for at least one model.
        language : {"en", "de"}, default="en"
            Language of labels and numbers.

        Returns
        -------
        formatted : DataFrame of str
            One row per model; unknown values are "-".
        """
        say = get_catalogue(language)
        if columns is None:
            columns = [column for column in COLUMNS if self.table[column].notna().any()]
        # object columns: pandas' Arrow strings reject some text
        cells = [
            [write_figure(column, value, say) for value in self.table[column]] for column in columns
        ]
        labels = [label_column(column, say, short=True) for column in columns]
        return pd.DataFrame(
            {label: pd.Series(c, dtype=object) for label, c in zip(labels, cells, strict=True)}
        ).set_axis(self.table.index)

    def to_markdown(self, language: str = "en") -> str:
        """Return the recommendation, the table and each model's analysis as Markdown.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
            Language of the text.

        Returns
        -------
        text : str
        """
        say = get_catalogue(language)
        found = self.recommendation
        title = "cli.recommendation_title" if found.model else "cli.no_recommendation_title"
        blocks = [
            f"# {_escape(say(title, model=found.model))}",
            f"**{_escape(found.headline(language))}**",
            _list_items(found.reasons(language)),
            *(f"> {_escape(note)}" for note in found.notes(language)),
            f"## {_escape(say('cli.comparison_title'))}",
            _write_table(self.format_table(language=language), say),
            _escape(say("cli.comparison_note")),
        ]
        for result in self.results.values():
            blocks += _analyze_in_markdown(result, say)
        return "\n\n".join(blocks) + "\n"

    def to_html(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        language: str = "en",
        overwrite: bool = False,
        data: str | None = None,
        command: str | None = None,
        model_path: str | os.PathLike[str] | None = None,
        max_error: float | None = None,
        training_data: tuple[Any, Any] | None = None,
        interrupted: bool = False,
    ) -> str | None:
        """Return a self-contained HTML report, or write it to a file.

        The report does not load other files or access the network. It starts with the
        recommendation and ends with the information needed to repeat the run. Names, labels and
        parameters are escaped, and there are no scripts. The file is written atomically.

        Parameters
        ----------
        path : path-like, default=None
            File to write; None returns the page.
        language : {"en", "de"}, default="en"
            Language of the page.
        overwrite : bool, default=False
            Whether to replace an existing file.
        data : str, default=None
            Name of the data set, shown in the report.
        command : str, default=None
            Command that repeats the run, shown in the report.
        model_path : path-like, default=None
            File in which the recommended model is saved. The page shows it in a command that reads
            images with this model; None shows how to save the model.
        max_error : float, default=None
            Error rate to which the saved model is calibrated, shown if it differs from
            `allowed_error`.
        training_data : tuple of X and y, default=None
            Training rows and labels, which a comparison does not store; the page shows their
            checksum.
        interrupted : bool, default=False
            Whether the run ended before all models were trained; if so, no model is recommended.

        Returns
        -------
        page : str or None
            None if `path` is given.

        Raises
        ------
        ValueError
            If `language` is unknown.
        FileExistsError
            If the file exists and `overwrite` is False.
        OSError
            If the file cannot be written.
        """
        if path is not None:
            check_target(Path(path), overwrite=overwrite)
        say = get_catalogue(language)
        page = make_page(
            self._describe(say, interrupted=interrupted),
            say,
            data=data,
            command=command,
            model_path=None if model_path is None else os.fspath(model_path),
            rates=(self._allowed_error, max_error),
            training_data=training_data,
            test_data=(self.X_test, self.y_test),
        )
        if path is None:
            return page
        write_whole(Path(path), page)
        return None

    def to_html_parts(self, language: str = "en") -> dict[str, str]:
        """Return parts of the report as HTML, for a page that uses the style sheet of the report.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
            Language of the parts.

        Returns
        -------
        parts : dict of str to str
            "recommendation", "table", "robustness" (empty if unknown), "analysis" and
            "evaluation". Headings start at the second level.

        Raises
        ------
        ValueError
            If `language` is unknown.
        """
        say = get_catalogue(language)
        return make_parts(self._describe(say), say)

    def _repr_html_(self, language: str = "en") -> str:
        """Show the recommendation and the table in a notebook."""
        say = get_catalogue(language)
        lead = describe_recommendation(self.recommendation, say)
        results, table = rank_models(list(self.results.values()), self.table)
        several_starts = self.starts is not None
        tables = make_figure_tables(
            results, table, say, work_left=self.work_left, several_starts=several_starts
        )
        return make_snippet(lead, tables, say)

    def _describe(self, say: Catalogue, *, interrupted: bool = False) -> dict[str, Any]:
        return describe_page(
            list(self.results.values()),
            self.table,
            self.recommendation,
            say,
            X_test=self.X_test,
            y_test=self.y_test,
            work_left=self.work_left,
            several_starts=self.starts is not None,
            interrupted=interrupted,
        )


def _have_same_test_set(results: Sequence[ModelResult]) -> bool:
    labels: list[Any] = [result.errors.y_true for result in results]
    return all(each is not None and np.array_equal(each, labels[0]) for each in labels)


def _list_starts(starts: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return the rows as dicts, with None for missing values."""
    plain = starts.astype(object)
    return plain.where(plain.notna(), None).to_dict("records")


def _depends_on_luck(result: ModelResult) -> bool:
    """Return whether the training of a model depends on a random seed."""
    return result.n_epochs != 0 and depends_on_seed(result.estimator)


def _make_table(
    results: Sequence[ModelResult], work_left: Mapping[str, Sequence[WorkLeft]]
) -> pd.DataFrame:
    diagnoses = [result.diagnosis for result in results]
    shares = [work_left[r.name][0].share if r.name in work_left else None for r in results]
    return pd.DataFrame(
        {
            "test_accuracy": [r.errors.accuracy for r in results],
            "elsewhere_accuracy": np.array(
                [r.elsewhere[0].accuracy if r.elsewhere else None for r in results], dtype=float
            ),
            "f1_macro": [r.errors.f1_macro for r in results],
            "log_loss": np.array([r.log_loss for r in results], dtype=float),
            "work_left": np.array(shares, dtype=float),
            "diagnosis": [None if d is None else d.label for d in diagnoses],
            "gap": np.array([None if d is None else d.gap for d in diagnoses], dtype=float),
            "n_parameters": pd.array([r.n_parameters for r in results], dtype="Int64"),
            "fit_time": [r.fit_time for r in results],
            "n_epochs": pd.array([r.n_epochs for r in results], dtype="Int64"),
            "predict_time": np.array([r.predict_time for r in results], dtype=float),
            "predict_time_p95": np.array([r.predict_time_p95 for r in results], dtype=float),
            "size": pd.array([r.size for r in results], dtype="Int64"),
        },
        index=pd.Index([r.name for r in results], dtype=object),  # Arrow rejects some names
    )


# --- Markdown


def _analyze_in_markdown(result: ModelResult, say: Catalogue) -> list[str]:
    language = say.language
    blocks = [f"## {_escape(say('cli.analysis_title', name=result.name))}"]
    if result.diagnosis is not None:
        label = say(f"diagnosis.{result.diagnosis.label}")
        fit = _escape(say("cli.diagnosis", label=label))
        blocks.append(f"**{fit}** {_escape(result.diagnosis.summary(language))}")
    if result.robustness is not None:
        blocks.append(_escape(result.robustness.summary(language)))
    for kind, sentences in asdict(result.advice(language)).items():
        if sentences:
            blocks += [f"### {_escape(say(f'cli.{kind}'))}", _list_items(sentences)]
    pairs = [_describe_pair(pair, say) for pair in result.errors.pairs()]
    if pairs:
        blocks += [f"### {_escape(say('comparison.pairs_title'))}", _list_items(pairs)]
    return blocks


def _describe_pair(pair: ConfusionPair, say: Catalogue) -> str:
    rows = ", ".join(map(str, pair.rows[:N_ROWS]))
    figures = {"pair": f"{pair.true}→{pair.predicted}", "count": pair.count, "rows": rows}
    sentence = say("comparison.pair", share=pair.share, **figures)
    return " ".join([sentence, *pair.advice(say.language)])


def _write_table(formatted: pd.DataFrame, say: Catalogue) -> str:
    head = [say("column.model"), *formatted]
    rows = [head, ["---", *("---:" for _ in formatted)]]
    for name, *cells in formatted.itertuples(name=None):
        rows.append([_escape(str(name)), *map(_escape, cells)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _list_items(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {_escape(sentence)}" for sentence in sentences)


def _escape(text: str) -> str:
    """Escape Markdown and HTML."""
    text = " ".join(make_printable(text).split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_{}\[\]#|>~$])", r"\\\1", text)
