"""Show results in the terminal."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from skmnist._networks import describe_training
from skmnist.text import Catalogue, make_printable

if TYPE_CHECKING:  # importing these would delay reading
    from skmnist.comparison import ModelComparison, ModelResult, Recommendation
    from skmnist.datasets import DatasetDescription
    from skmnist.diagnosis import FitDiagnosis

MAX_WIDTH = 100
# as many as fit into 80 columns; the JSON file has all
SHOWN_COLUMNS = (
    "test_accuracy",
    "elsewhere_accuracy",
    "diagnosis",
    "gap",
    "n_parameters",
    "fit_time",
    "n_epochs",
)
WIDE_COLUMNS = ("work_left",)  # shown in addition if they are known and there is space
MIN_WIDE = 95
MAX_COUNT_ROWS = 100
MAX_FIELD_ROWS = 200
MAX_LABEL_WIDTH = 24  # columns for the labels of a card
MAX_LABEL = 60  # characters of a class name in the table of counts
COUNT_COLUMNS = ("train", "train_share", "test", "test_share")
MAX_MATRIX_CLASSES = 12  # limited by the width of a terminal
MAX_TRIAL_ROWS = 15  # limited by the height of a terminal, as rows may wrap
BAR_WIDTH = 20  # characters, for the largest share
STATES = {
    "COMPLETE": "cli.state_complete",
    "PRUNED": "cli.trial_pruned",
    "FAIL": "cli.trial_failed",
}


class _Output(Console):
    """A console that stores the first write error for later, so that training does not fail."""

    problem: OSError | None = None

    def print(self, *objects: Any, **how: Any) -> None:
        """Print, unless an earlier attempt failed."""
        if self.problem is not None:
            return
        try:
            super().print(*objects, **how)
        except OSError as error:
            self.problem = error

    def on_broken_pipe(self) -> None:
        """Raise the error again, instead of exiting as rich does."""
        raise


class Screen:
    """Write results to standard output; text from data is never interpreted as markup."""

    def __init__(self, say: Catalogue) -> None:
        self.say = say
        console = _Output(markup=False, highlight=False, emoji=False)
        console.width = min(console.width, MAX_WIDTH)
        self._console = console
        self._explained = False

    def finish(self) -> None:
        """Raise the first write error, if any, after the work is done.

        Raises
        ------
        OSError
            If the disk was full or a pipe was closed, for example.
        """
        if self._console.problem is not None:
            raise self._console.problem

    def show_title(self, key: str, **values: Any) -> None:
        """Show a heading."""
        self._console.print()
        self._console.print(Rule(_text(self.say(key, **values), style="bold"), align="left"))

    def say_line(self, key: str, **values: Any) -> None:
        """Show a text, wrapped between words."""
        self._console.print(_text(self.say(key, **values)))

    def show_text(self, text: str) -> None:
        """Show a text that is already in the user's language, wrapped between words."""
        self._console.print(_text(text))

    def show_fields(self, fields: Any) -> None:
        """Show the fields that were read."""
        self.show_title("cli.reading_title")
        counts = Counter(fields["outcome"])
        shown = fields[fields["outcome"] != "failed"]
        if not (shown["field"] != "").any():
            self.say_line("reading.reason.nothing")
            return
        names = ["file", "page", "field", "text", "outcome", "probability"]
        if not (shown["page"] > 1).any():
            names.remove("page")
        shown = shown.assign(page=shown["page"].astype("string").fillna("-"))
        table = self._table(*(f"cli.column_{name}" for name in names))
        for column, name in zip(table.columns, names, strict=True):
            column.justify = "right" if name in ("page", "probability") else "left"
            column.overflow = "fold"
            column.no_wrap = name == "text"
        row: Any
        for row in shown.head(MAX_FIELD_ROWS).itertuples(index=False):
            cells: dict[str, Any] = {
                "file": _text(row.file),
                "page": str(row.page),
                "field": _text(str(row.field)),
                "text": _text(row.text, style="bold"),
                "outcome": self.say(f"reading.field.{row.outcome}"),
                "probability": "-"
                if row.probability != row.probability
                else self.say.format("{:.2%}", row.probability),
            }
            table.add_row(*(cells[name] for name in names))
        self._console.print(table)
        if len(shown) > MAX_FIELD_ROWS:
            self.say_line("cli.read_more", n=len(shown) - MAX_FIELD_ROWS)
        if counts["unsure"]:
            self.say_line("cli.read_note")
        known = ("read", "unsure", "blank", "failed")
        self.say_line("cli.read_counts", **{f"n_{name}": counts[name] for name in known})

    def show_card(
        self, title: str, sections: Sequence[tuple[str, Sequence[tuple[str, str]], Sequence[str]]]
    ) -> None:
        """Show sections of labelled facts and sentences, each with a title that may be empty."""
        self._console.print(Rule(_text(title, style="bold"), align="left"))
        for heading, rows, sentences in sections:
            self._console.print()
            if heading:
                self._console.print(_text(heading, style="bold"))
            facts = Table.grid(padding=(0, 1, 0, 0))
            facts.add_column(max_width=MAX_LABEL_WIDTH, overflow="fold")
            facts.add_column(overflow="fold")
            for label, text in rows:
                facts.add_row(_text(label, style="dim"), _text(text))
            if rows:
                self._console.print(facts)
            for sentence in sentences:
                self._console.print(_text(sentence))

    def show_data(self, digits: Any, name: str) -> None:
        """Show the name and sizes of a data set."""
        self.show_title("cli.data_title")
        self.say_line("cli.data_name", name=name)
        self._show_notes(digits)
        self.say_line("cli.data_train", shape=str(digits.X_train.shape))
        self.say_line("cli.data_test", shape=str(digits.X_test.shape))
        scaled = "cli.data_pixels_scaled" if digits.max_value == 1 else "cli.data_pixels"
        self.say_line(scaled, max_value=digits.max_value)

    def show_description(self, digits: Any, name: str, description: "DatasetDescription") -> None:
        """Show the class counts and possible problems of a data set."""
        language = self.say.language
        self.show_title("cli.data_title")
        self.say_line("cli.data_name", name=name)
        self._show_notes(digits)
        self._console.print(_text(description.summary(language)))
        counts = description.counts
        table = self._table("cli.column_digit", *(f"cli.column_{c}" for c in COUNT_COLUMNS))
        totals = counts.sum()
        for label, row in counts.head(MAX_COUNT_ROWS).iterrows():
            cells = []
            for part in ("train", "test"):
                cells.append(self.say.format("{:,}", int(row[part])))
                cells.append(self.say.format("{:.1%}", row[part] / totals[part]))
            shown = _text(str(label).replace("\n", "\\n"))
            shown.truncate(MAX_LABEL, overflow="ellipsis")
            table.add_row(shown, *cells)
        self._console.print(table)
        if len(counts) > MAX_COUNT_ROWS:
            self.say_line("cli.more_classes", n=len(counts) - MAX_COUNT_ROWS)
        if description.warnings:
            self._console.print(Text(self.say("cli.worth_knowing"), style="bold yellow"))
            for sentence in description.sentences(language):
                self._print_item(sentence)

    def _show_notes(self, digits: Any) -> None:
        for note in digits.notes:
            self._console.print(_text(note.sentence(self.say.language)))

    def show_result(self, result: "ModelResult") -> None:
        """Show how a model was trained, the diagnosis of its fit, and its test results."""
        self._console.print(_text(describe_training(result, self.say)))
        self.show_analysis(result)

    def show_analysis(self, result: "ModelResult") -> None:
        """Show the diagnosis of a model's fit and its test results."""
        self.show_title("cli.analysis_title", name=result.name)
        language = self.say.language
        if result.diagnosis is not None:
            label = self.say(f"diagnosis.{result.diagnosis.label}")
            self._console.print(
                Text.assemble((self.say("cli.diagnosis", label=label), "bold"), " ")
                + _text(result.diagnosis.summary(language))
            )
        if result.robustness is not None:
            self._console.print(_text(result.robustness.headline(language)))
        advice = result.advice(language)
        for kind, style in (("strengths", "green"), ("weaknesses", "yellow"), ("improvements", "")):
            sentences = getattr(advice, kind)
            if sentences:
                self._console.print()
                self._console.print(Text(self.say(f"cli.{kind}"), style=f"bold {style}"))
                for sentence in sentences:
                    self._print_item(sentence)
        self._show_report(result)
        self._show_confusion(result)

    def show_best(self, params: Mapping[str, Any], number: int, score: float) -> None:
        """Show the best parameters of a search, with an explanation where there is one."""
        self.show_title("cli.best_title")
        self.say_line("cli.best", number=number, score=score)
        grid = Table.grid(padding=(0, 2))
        for name, value in params.items():
            key = f"cli.{name}_help"
            meaning = self.say(key).split(". ")[0] if key in self.say.phrases else ""
            grid.add_row(_text(name), _text(self._value(value), style="bold"), _text(meaning))
        self._console.print(grid)

    def show_trials(self, trials: Sequence[Any]) -> None:
        """Show the first trials of a search in a table."""
        states = Counter(trial.state for trial in trials)
        counts = {name.lower(): states[name] for name in STATES}
        self.show_title("cli.trials_title", **counts)
        keys = ("trial", "state", "score", "n_epochs", "settings")
        table = self._table(*(f"cli.column_{key}" for key in keys))
        table.columns[1].justify = table.columns[-1].justify = "left"
        for trial in trials[:MAX_TRIAL_ROWS]:
            settings = [f"{name}={self._value(value)}" for name, value in trial.params.items()]
            table.add_row(
                str(trial.number),
                self.say(STATES[trial.state]),
                "-" if trial.score is None else self.say.format("{:.4f}", trial.score),
                self.say.format("{:,}", trial.n_epochs),
                _text(" ".join(settings)),
            )
        self._console.print(table)
        if len(trials) > MAX_TRIAL_ROWS:
            self.say_line("cli.more_trials", n=len(trials) - MAX_TRIAL_ROWS)
        self.say_line("cli.trials_note")
        errors = [trial.error for trial in trials if trial.error]
        if errors:
            self.say_line("cli.first_failure", error=errors[0])

    def show_importances(self, shares: Mapping[str, float], n_complete: int) -> None:
        """Show the importance of each parameter; `shares` is empty if it is unknown."""
        self.show_title("cli.importance_title")
        if not shares:
            self.say_line("cli.importance_unknown", n=n_complete)
            return
        grid = Table.grid(padding=(0, 2))
        largest = max(shares.values())
        for name, share in shares.items():
            bar = "━" * round(BAR_WIDTH * share / largest)
            grid.add_row(_text(name), self.say.format("{:.0%}", share), Text(bar, style="cyan"))
        grid.columns[1].justify = "right"
        self._console.print(grid)
        self.say_line("cli.importance_note", n=n_complete)

    def show_folds(self, diagnoses: "Sequence[FitDiagnosis]") -> None:
        """Show the diagnoses of the best trial's folds."""
        if not diagnoses:
            return
        self.show_title("cli.folds_title")
        counts = Counter(found.label for found in diagnoses)
        labels = [
            self.say("cli.fold_count", label=self.say(f"diagnosis.{label}"), n=n)
            for label, n in counts.most_common()
        ]
        line = self.say("cli.folds", n_folds=len(diagnoses), labels=", ".join(labels))
        self._console.print(_text(line, style="bold"))
        ordered = sorted(diagnoses, key=lambda found: found.gap)
        low, high = ordered[0].gap, ordered[-1].gap
        gap = mean(found.gap for found in ordered)
        self.say_line("cli.folds_gap", mean=gap, low=low, high=high)
        middle = ordered[len(ordered) // 2]
        self.say_line("cli.fold_middle", summary=middle.summary(self.say.language))

    def show_refit(self, result: "ModelResult") -> None:
        """Show the training with the best parameters on all training images."""
        network = result.estimator[-1]
        self.show_title("cli.refit_title", name=result.name)
        self.say_line(
            "cli.refit",
            seconds=result.fit_time,
            n_epochs=result.n_epochs,
            n_train=network.n_train_,
            n_validation=network.n_validation_,
        )
        self.say_line("cli.tested_once", n_test=result.errors.n_test)

    def show_comparison(self, comparison: "ModelComparison") -> None:
        """Show the table of models and the recommendation."""
        self.show_title("cli.comparison_title")
        measured = comparison.table["elsewhere_accuracy"].notna().any()
        left_out = "n_epochs" if measured else "elsewhere_accuracy"  # epochs were shown before
        columns = [column for column in SHOWN_COLUMNS if column != left_out]
        if self._console.width >= MIN_WIDE:
            columns += [name for name in WIDE_COLUMNS if comparison.table[name].notna().any()]
        figures = comparison.format_table(columns, language=self.say.language)
        table = self._table("column.model")
        for label in figures:
            table.add_column(Text(str(label)), justify="right")
        for name, *cells in figures.itertuples(name=None):
            table.add_row(_text(str(name)), *cells)
        self._console.print(table)
        self.say_line("cli.comparison_note")
        if comparison.starts is not None:
            self._show_starts(comparison.starts)
        self._show_recommendation(comparison.recommendation)

    def _show_starts(self, starts: Any) -> None:
        """Show the accuracy of each start; the table contains the means."""
        for name, accuracies in starts.groupby("model", sort=False)["test_accuracy"]:
            written = [self.say.format("{:.2f}", 100 * accuracy) for accuracy in accuracies]
            self.say_line("cli.starts_line", name=str(name), accuracies=", ".join(written))

    def _show_recommendation(self, recommendation: "Recommendation") -> None:
        language = self.say.language
        key = "cli.recommendation_title" if recommendation.model else "cli.no_recommendation_title"
        lines = Table.grid(padding=(0, 1))
        for reason in recommendation.reasons(language):
            lines.add_row("-", _text(reason))
        self._console.print()
        self._console.print(
            Panel(
                Group(_text(recommendation.headline(language), style="bold"), "", lines),
                title=_text(self.say(key, model=recommendation.model), style="bold green"),
                title_align="left",
            )
        )
        for caution in recommendation.cautions:
            style = "yellow" if caution.severity == "warning" else "dim"
            self._console.print(_text(caution.sentence(language), style=style))

    def _show_report(self, result: "ModelResult") -> None:
        self.show_title("cli.report_title", name=result.name, accuracy=result.errors.accuracy)
        report = result.errors.report
        columns = (*report, "recall_interval")
        table = self._table("cli.column_digit", *(f"cli.column_{c}" for c in columns))
        intervals = result.errors.intervals.to_numpy()
        for (label, row), (low, high) in zip(report.iterrows(), intervals, strict=True):
            cells = [self.say.format("{:.4f}", row[c]) for c in ("precision", "recall", "f1")]
            cells.append(self.say.format("{:,}", int(row["support"])))
            cells.append(self.say.format("{:.3f}-{:.3f}", low, high) if row["support"] else "-")
            table.add_row(_text(str(label)), *cells)
        self._console.print(table)
        if not self._explained:
            self.say_line("cli.report_note")
            self._explained = True

    def _show_confusion(self, result: "ModelResult") -> None:
        confusion = result.errors.confusion
        if len(confusion) > MAX_MATRIX_CLASSES:
            return
        self.show_title("cli.confusion_title", name=result.name)
        table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
        for column_label in ("", *map(str, confusion.columns)):
            table.add_column(
                _text(column_label), justify="right", overflow="ellipsis", no_wrap=True
            )
        for at, (label, row) in enumerate(confusion.iterrows()):
            cells = [
                Text(str(count), style="bold" if at == column else "" if count else "dim")
                for column, count in enumerate(row)
            ]
            table.add_row(_text(str(label)), *cells)
        self._console.print(table)

    def _value(self, value: Any) -> str:
        if isinstance(value, float):
            return self.say.format("{:.3g}", value)
        return str(value).strip("()")  # of a tuple of layer sizes

    def _table(self, *keys: str) -> Table:
        table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
        for at, key in enumerate(keys):
            table.add_column(Text(self.say(key)), justify="right" if at else "left")
        return table

    def _print_item(self, sentence: str) -> None:
        grid = Table.grid(padding=(0, 1))
        grid.add_row("-", _text(sentence))
        self._console.print(grid)


def _text(text: str, style: str = "") -> Text:
    return Text(make_printable(text), style=style)
