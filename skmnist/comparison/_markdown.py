"""A comparison as Markdown, for a report, an issue or a notebook."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pandas as pd

from skmnist.diagnosis import ConfusionPair
from skmnist.text import Catalogue, get_catalogue, make_printable

if TYPE_CHECKING:
    from skmnist.comparison._comparison import ModelComparison

FORMATS = {
    "test_accuracy": "{:.4f}",
    "gap": "{:.4f}",
    "fit_time": "{:.1f}",
    "predict_time": "{:.2f}",
    "predict_time_p95": "{:.2f}",
    "size": "{:bytes}",
}
N_ROWS = 5  # of the test set, told of each confusion
SCALES = {"predict_time": 1e3, "predict_time_p95": 1e3}  # to ms


def make_markdown(comparison: "ModelComparison", language: str) -> str:
    """Write the recommendation, the table and each model's analysis."""
    say = get_catalogue(language)
    recommendation = comparison.recommendation
    title = "cli.recommendation_title" if recommendation.model else "cli.no_recommendation_title"
    blocks = [
        f"# {_text(say(title, model=recommendation.model))}",
        f"**{_text(recommendation.headline(language))}**",
        _items(recommendation.reasons(language)),
        *(f"> {_text(note)}" for note in recommendation.notes(language)),
        f"## {_text(say('cli.comparison_title'))}",
        _table(comparison.table, say),
        _text(say("cli.comparison_note")),
    ]
    for result in comparison.results.values():
        blocks.append(f"## {_text(say('cli.analysis_title', name=result.name))}")
        if result.diagnosis is not None:
            label = say(f"diagnosis.{result.diagnosis.label}")
            fit = _text(say("cli.diagnosis", label=label))
            blocks.append(f"**{fit}** {_text(result.diagnosis.summary(language))}")
        for kind, sentences in asdict(result.advice(language)).items():
            if sentences:
                blocks.append(f"### {_text(say(f'cli.{kind}'))}")
                blocks.append(_items(sentences))
        blocks += _pairs(result.errors.pairs(), say)
    return "\n\n".join(blocks) + "\n"


def _pairs(pairs: Sequence[ConfusionPair], say: Catalogue) -> list[str]:
    if not pairs:
        return []
    items = []
    for pair in pairs:
        rows = ", ".join(map(str, pair.rows[:N_ROWS]))
        figures = {"pair": f"{pair.true}→{pair.predicted}", "count": pair.count, "rows": rows}
        advice = pair.advice(say.language)
        items.append(" ".join([say("comparison.pair", share=pair.share, **figures), *advice]))
    return [f"### {_text(say('comparison.pairs_title'))}", _items(items)]


def _table(table: pd.DataFrame, say: Catalogue) -> str:
    shown = [str(column) for column in table if table[column].notna().any()]
    heads = [say("cli.column_model"), *(say(f"cli.column_{column}") for column in shown)]
    rows = [heads, ["---", *("---:" for _ in shown)]]
    for name, row in table.iterrows():
        rows.append([_text(str(name)), *(_cell(c, row[c], say) for c in shown)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(column: str, value: Any, say: Catalogue) -> str:
    if pd.isna(value):
        return "-"
    if column == "diagnosis":
        return _text(say(f"diagnosis.{value}"))
    return say.format(FORMATS.get(column, "{:,}"), value * SCALES.get(column, 1))


def _items(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {_text(sentence)}" for sentence in sentences)


def _text(text: str) -> str:
    """Let nothing in a text, a class's name say, be taken for Markdown or HTML."""
    text = " ".join(make_printable(text).split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_{}\[\]#|>~$])", r"\\\1", text)
