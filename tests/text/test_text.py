import ast
import locale
import re
from functools import cache
from pathlib import Path
from string import Formatter

import numpy as np
import pytest
from jinja2 import Environment, nodes

import skmnist
from skmnist.text import get_catalogue, get_languages, guess_language

OTHERS = [language for language in get_languages() if language != "en"]


def placeholders(phrase):
    """Return the names in a phrase; a word's plural may need one of them once more."""
    fields = [(name, spec) for _, name, spec, _ in Formatter().parse(phrase) if name is not None]
    return {name for name, _ in fields}.union(*(placeholders(spec) for _, spec in fields))


# --- the catalogues


def test_english_comes_first():
    assert get_languages()[0] == "en"


@pytest.mark.parametrize("language", OTHERS)
def test_same_keys_in_every_language(language):
    assert get_catalogue(language).phrases.keys() == get_catalogue("en").phrases.keys()


@pytest.mark.parametrize("language", OTHERS)
def test_same_placeholders_in_every_language(language):
    phrases, english = get_catalogue(language).phrases, get_catalogue("en").phrases
    other = {key for key in english if placeholders(phrases[key]) != placeholders(english[key])}
    assert other == set()


@pytest.mark.parametrize("language", get_languages())
def test_no_phrase_is_empty(language):
    phrases = get_catalogue(language).phrases
    assert [key for key, phrase in phrases.items() if not phrase.strip()] == []


def test_english_has_no_blank_before_a_percent_sign():
    phrases = get_catalogue("en").phrases
    assert [key for key, phrase in phrases.items() if re.search(r"\s%", phrase)] == []


@cache
def parse_sources():
    sources = Path(skmnist.__file__).parent.rglob("*.py")
    return [ast.parse(path.read_text(encoding="utf-8")) for path in sources]


def find_whole_strings():
    """Return the strings in the package's source, of f-strings the parts between the gaps."""
    found = [node for tree in parse_sources() for node in ast.walk(tree)]
    strings = {node.value for node in found if isinstance(getattr(node, "value", None), str)}
    return strings | find_strings_in_templates()


def find_strings_in_templates():
    templates = Path(skmnist.__file__).parent.rglob("*.jinja")
    trees = [Environment().parse(path.read_text(encoding="utf-8")) for path in templates]
    values = {constant.value for tree in trees for constant in tree.find_all(nodes.Const)}
    return {value for value in values if isinstance(value, str)}


def test_every_phrase_asked_for_by_a_whole_key_is_there():
    sections = "|".join(sorted({key.split(".")[0] for key in get_catalogue("en").phrases}))
    asked = {
        w for w in find_whole_strings() if re.fullmatch(rf"({sections})(\.[a-z0-9_]*[a-z0-9])+", w)
    }
    assert len(asked) > 20
    assert asked - get_catalogue("en").phrases.keys() == set()


@pytest.mark.parametrize("language", ["xx", "", "EN", "../en"])
def test_unknown_language(language):
    with pytest.raises(ValueError, match=rf"language='{language}' must be one of 'en'"):
        get_catalogue(language)


# --- numbers


@pytest.mark.parametrize(
    ("template", "value", "english", "german"),
    [
        ("{:.4f}", 0.0226, "0.0226", "0,0226"),
        ("{:,}", 101770, "101,770", "101.770"),
        ("{:,.1f}", 12345.67, "12,345.7", "12.345,7"),
        ("{:.2%}", 0.9756, "97.56%", "97,56\u00a0%"),
        ("{:g}", 0.02, "0.02", "0,02"),
        ("{:g}", 1, "1", "1"),
        ("{:.1f}", np.float64(78.41), "78.4", "78,4"),
        ("{:,}", np.int64(10000), "10,000", "10.000"),
        ("{}", 1.5, "1.5", "1,5"),
        ("{:.2f}", -0.001, "0.00", "0,00"),
        ("{:.1%}", np.float64(-0.0001), "0.0%", "0,0\u00a0%"),
        ("{:g}", -0.0, "0", "0"),
        ("{:.2f}", -0.006, "-0.01", "-0,01"),
        ("{:bytes}", 999, "999 B", "999 B"),
        ("{:bytes}", 1000, "1 kB", "1 kB"),
        ("{:bytes}", 411_837, "412 kB", "412 kB"),
        ("{:bytes}", 999_499, "999 kB", "999 kB"),
        ("{:bytes}", 999_500, "1 MB", "1 MB"),
        ("{:bytes}", np.int64(2_271_000), "2.27 MB", "2,27 MB"),
        ("{:bytes}", 45_300_000_000, "45.3 GB", "45,3 GB"),
    ],
)
def test_numbers_follow_the_language(template, value, english, german):
    assert get_catalogue("en").format(template, value) == english
    assert get_catalogue("de").format(template, value) == german


@pytest.mark.parametrize(
    ("n", "english", "german"),
    [(0, "0 times", "0-mal"), (1, "once", "einmal"), (1200, "1,200 times", "1.200-mal")],
)
def test_one_has_a_word_of_its_own(n, english, german):
    figures = {"pair": "", "share": 0.1, "rows": "7"}
    assert get_catalogue("en")("comparison.pair", count=n, **figures).startswith(f": {english}, ")
    assert get_catalogue("de")("comparison.pair", count=n, **figures).startswith(f": {german}, ")


COUNTED = r"\b1 (\w+ )?(times|epochs|images|classes|values|Epochen|\w*[Bb]ilder|Klassen|Werte)\b"


NEVER_ONE = {
    "diagnosis.finding.unstable",  # two jumps or more
    "data.picture_first_classes",
    "data.note.split",  # of two images or more
    "recommendation.caution.unseen_classes",  # of two images or more, others being seen
    "data.note.resized",
    "app.data.limits",
    "app.networks.deeper",
    "data.error.bomb",  # a hundred times
    "data.error.not_pixels",  # a name stands before "values"
    "page.samples_some",  # 12
    *("advice.accuracy", "comparison.pair", "cli.best"),  # shares, told in per cent
    *("diagnosis.finding.over_regularised", "diagnosis.finding.underfitting_compared"),
}


class One(int):
    """Stands for the number 1, however it is to be written."""

    def __format__(self, spec):
        return "1"


@pytest.mark.parametrize("language", get_languages())
def test_no_phrase_speaks_of_one_in_the_plural(language):
    say = get_catalogue(language)
    told = {
        key: phrase
        for key in say.phrases
        if (phrase := say(key, **dict.fromkeys(placeholders(say.phrases[key]), One(1))))
        and re.search(COUNTED, phrase)
    }
    assert told.keys() <= NEVER_ONE


def test_text_is_left_as_it_is():
    assert get_catalogue("de").format("{}, {}", "v1.0.npz", "50%") == "v1.0.npz, 50%"


def test_phrase_is_filled():
    say = get_catalogue("de")
    assert say("diagnosis.sentence.last_epoch", last_gap=0.06) == (
        "In der letzten Epoche betrug der Gap 0,0600."
    )


def test_braces_in_a_value_are_left_alone():
    phrase = get_catalogue("en")("recommendation.if_errors_count", best="{x}")
    assert phrase.endswith("choose {x}.")


# --- the environment's language


@pytest.fixture
def environment(monkeypatch):
    """Return a setter of the variables of the locale, of which none is set."""

    def set_variables(**variables):
        for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_variables


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "de_AT"}, "de"),
        ({"LANG": "de"}, "de"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "xx_XX.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "POSIX"}, "en"),
        ({"LC_ALL": "de_DE.UTF-8", "LANG": "en_US.UTF-8"}, "de"),
        ({"LC_ALL": "C", "LANG": "de_DE.UTF-8"}, "en"),
        ({"LC_ALL": "", "LANG": "de_DE.UTF-8"}, "de"),
        ({"LC_MESSAGES": "de_DE.UTF-8", "LANG": "en_US.UTF-8"}, "de"),
    ],
)
def test_language_of_the_environment(environment, variables, language):
    environment(**variables)
    assert guess_language() == language


@pytest.mark.parametrize(
    ("found", "language"), [(("de_CH", "UTF-8"), "de"), ((None, None), "en")], ids=["de", "none"]
)
def test_language_of_the_locale_without_variables(environment, monkeypatch, found, language):
    environment()
    monkeypatch.setattr(locale, "getlocale", lambda: found)
    assert guess_language() == language


class Words(ast.NodeVisitor):
    """What the package's source can make a key of: whole strings and names, and f-strings."""

    def __init__(self):
        self.whole, self.patterns = set(), set()
        for tree in parse_sources():
            self.visit(tree)
        self.whole |= find_strings_in_templates()

    def visit_Constant(self, node):
        if isinstance(node.value, str):
            self.whole.add(node.value)

    def visit_JoinedStr(self, node):
        parts = [p.value if isinstance(p, ast.Constant) else None for p in node.values]
        if None in parts and any(parts):
            pattern = "".join("(.+)" if part is None else re.escape(part) for part in parts)
            self.patterns.add(re.compile(pattern))
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)

    def visit_arg(self, node):
        self.whole.add(node.arg)
        self.generic_visit(node)

    def visit_AnnAssign(self, node):
        self.whole.add(getattr(node.target, "id", ""))
        self.generic_visit(node)

    def can_make(self, key):
        """Whether `key` stands there, or an f-string does whose gaps can be filled likewise."""
        if key in self.whole:
            return True
        matches = filter(None, (pattern.fullmatch(key) for pattern in self.patterns))
        return any(all(map(self.can_make, match.groups())) for match in matches)


def test_every_phrase_is_used():
    words = Words()
    unused = [key for key in get_catalogue("en").phrases if not words.can_make(key)]
    assert unused == []


# --- errors

SECTIONS = {
    "DatasetError": "data.error",
    "ListingError": "data.error",
    "FormError": "reading.form_error",
    "ModelFileError": "model_file.error",
    "expect": "model_file.error",
}


def find_raised():
    """Yield the keys and values of the errors in the source, where both stand there."""
    for tree in parse_sources():
        for node in ast.walk(tree):
            name = node.func.id if isinstance(getattr(node, "func", None), ast.Name) else ""
            values = {keyword.arg for keyword in getattr(node, "keywords", ())}
            if name not in SECTIONS or None in values:
                continue
            key = node.args[name == "expect"]
            for one in [key.body, key.orelse] if isinstance(key, ast.IfExp) else [key]:
                if isinstance(one, ast.Constant):
                    yield f"{SECTIONS[name]}.{one.value}", values


def test_every_error_is_raised_with_the_values_of_its_message():
    raised = list(find_raised())
    assert len(raised) > 180
    phrases = get_catalogue("en").phrases
    assert [(key, got) for key, got in raised if not placeholders(phrases[key]) <= got] == []


ENGLISH = r"\b(the|of|is|has|not|and|or|must|cannot|expected|pass|with|without|than)\b"


def test_no_german_error_is_english():
    english, german = get_catalogue("en").phrases, get_catalogue("de").phrases
    keys = [key for key in german if key.startswith(tuple(SECTIONS.values()))]
    wordless = {
        *("data.error.names", "data.error.download.reason"),
        *("model_file.error.in_file", "reading.form_error.in_file"),
    }
    assert {key for key in keys if english[key] == german[key]} == wordless
    words = {key: re.sub(r"\{[^}]*\}", "", german[key]) for key in keys}
    assert [key for key in keys if re.search(ENGLISH, words[key])] == []
