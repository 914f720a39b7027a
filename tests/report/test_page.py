import base64
import hashlib
import re
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import html5lib
import numpy as np
import pytest

import skmnist.text
from skmnist import load_mnist
from skmnist.comparison import ModelComparison, _page
from skmnist.comparison._result import make_result
from skmnist.report import _pictures, explain_terms
from skmnist.text import get_catalogue, get_languages, make_printable
from tests.report.samples import Learned, compare, elements, get_text, parse

HOSTILE = [
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</title><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "<!-- ",
    "-->",
    "]]>",
    "&lt;b&gt; &amp; &#60;",
    "{{ 7 * 7 }}{% raw %}",
    "${7*7} $x^$ \\frac{",
    "javascript:alert(1)",
    "url(https://example.org/x.png)",
    "\x00\x1b[2J\x7f",
    "\u202egnitset",
    "\ud800",
    "=cmd|'/c calc'!A1",
    "[/red][bold]",
    "<a href=//example.org>" + "x" * 3000,
    "数字 🙂 é \u0301",
]
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


def find_names(page):
    """Return the names of elements and, with them, of their attributes."""
    found = elements(page)
    return {(tag, name) for tag, e in found for name in [None, *e.attrib]}


@pytest.fixture(scope="module")
def english(comparison):
    return comparison.to_html()


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=[pytest.mark.slow] * (name != "en")) for name in get_languages()
    ],
)
def page(request, comparison, english):
    return english if request.param == "en" else comparison.to_html(language=request.param)


# --- what it says


def test_begins_with_the_recommendation(comparison, english):
    names = [(tag, e.get("id")) for tag, e in elements(english)]
    text = get_text(english)
    model = comparison.recommendation.model
    assert names.index(("h1", None)) < names.index(("table", None))
    assert names.index(("section", "table")) < names.index(("h2", "appendix"))
    assert text.index(f"Recommendation: {model}") < text.index(
        comparison.recommendation.reasons()[0]
    )


def test_models_are_ranked_and_the_recommended_one_is_marked_everywhere(comparison, english):
    text = get_text(english)
    ranked = list(comparison.rank().index)
    model = comparison.recommendation.model
    marked = f"{ranked.index(model) + 1}. {model} recommended"
    # in the table, the list of models, twice on changed images, and above its details
    assert text.count(marked) == text.count(f"{ranked.index(model) + 1}. {model}") == 5
    (other,) = set(ranked) - {model}
    assert text.count(f"{ranked.index(other) + 1}. {other}") == 5
    assert f"{ranked.index(other) + 1}. {other} recommended" not in text


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "de"])
def test_parts_say_what_the_page_says(comparison, language):
    page = " ".join(html5lib.parse(comparison.to_html(language=language)).itertext())
    parts = comparison.to_html_parts(language=language)
    assert set(parts) == {"recommendation", "table", "robustness", "analysis", "evaluation"}
    title = get_catalogue(language)("cli.report_title", name="", accuracy=0)[:8]
    for html in [*parts.values(), *explain_terms(language).values()]:
        lines = [t.strip() for t in html5lib.parse(html).itertext() if t.strip()]
        assert lines
        assert [line for line in lines if line not in page and title not in line] == []


def test_shows_the_models_on_changed_images_side_by_side(page):
    (section,) = (e for tag, e in elements(page) if e.get("id") == "robustness")
    text = " ".join(" ".join(section.itertext()).split())
    assert "NN" in text
    assert "DNN" in text
    tags = [each.tag.rpartition("}")[2] for each in section.iter()]
    assert tags.count("svg") == 1
    assert tags.count("tr") == 1 + 1 + 23  # head, unchanged, and each change
    assert any(e.get("href") == "#robustness" for _, e in elements(page))


@pytest.mark.slow
def test_headings_of_a_part_leave_the_first_level_to_its_page(comparison):
    assert not any("<h1" in html for html in comparison.to_html_parts().values())


def test_page_declares_its_language(page):
    (language,) = (e.get("lang") for tag, e in elements(page) if tag == "html")
    assert get_catalogue(language)("page.repeat") in page


@pytest.fixture
def catalogues(tmp_path, monkeypatch):
    """Return a folder with copies of the catalogues, which are read instead of the real ones."""
    for language in get_languages():
        text = (files("skmnist.text") / f"{language}.toml").read_text(encoding="utf-8")
        (tmp_path / f"{language}.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(skmnist.text, "files", lambda name: tmp_path)
    get_languages.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    get_languages.cache_clear()
    skmnist.text._read_catalogue.cache_clear()


def test_a_further_language_is_one_more_file(comparison, catalogues, no_charts):
    english = (catalogues / "en.toml").read_text(encoding="utf-8")
    french = english.replace('errors = "test', 'errors = "Mal lues: test')
    (catalogues / "fr.toml").write_text(french, encoding="utf-8")
    page = comparison.to_html(language="fr")
    assert '<html lang="fr">' in page
    assert "Mal lues: " in page


def test_language_that_is_not_there(comparison):
    with pytest.raises(ValueError, match="language='xx' must be one of 'en'"):
        comparison.to_html(language="xx")


def test_repeating_needs_parameters_versions_and_data(comparison, no_charts):
    training = np.zeros((2, 3), "uint8"), np.array([1, 2])
    page = comparison.to_html(training_data=training)
    assert hashlib.sha256(bytes(6) + training[1].astype("<i8").tobytes()).hexdigest() in page
    digest = hashlib.sha256(comparison.X_test.astype("<f8").tobytes())
    digest.update("\n".join(comparison.y_test).encode())
    text = get_text(page)
    assert digest.hexdigest() in text
    assert f"scikit-learn {pytest.importorskip('sklearn').__version__}" in text
    assert "learned__note 'plain'" in text


# --- how it is built


def test_page_is_valid_html5(page):
    assert parse(page) is not None


def test_headings_are_in_order(page):
    levels = [HEADINGS.index(tag) + 1 for tag, _ in elements(page) if tag in HEADINGS]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_ids_are_unique_and_links_lead_somewhere(page):
    found = [e for _, e in elements(page)]
    ids = [e.get("id") for e in found if e.get("id")]
    links = [value for e in found for name, value in e.items() if name.endswith("href")]
    links += [
        f"#{at}" for e in found for v in e.attrib.values() for at in re.findall(r"url\(#(.*?)\)", v)
    ]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if not link.startswith("data:image/png;")} <= set(ids)


def test_every_picture_has_a_size_and_says_what_it_shows(page):
    pictures = [(tag, e) for tag, e in elements(page) if tag in ("img", "svg")]
    assert len(pictures) > 20
    for tag, picture in pictures:
        assert int(picture.get("width")) > 0
        assert int(picture.get("height")) > 0
        assert (picture.get("alt") if tag == "img" else picture.get("aria-label")).strip()


def test_nothing_comes_from_outside(page):
    for tag, element in elements(page):
        assert tag not in ("script", "link", "iframe", "object", "embed", "base", "form")
        for name, value in element.items():
            name = name.rpartition("}")[2]
            assert name != "style"
            assert not name.startswith("on")
            if name in ("src", "href"):
                assert value.startswith(("data:image/png;base64,", "#"))
    assert "@import" not in page
    assert "url(http" not in page


def test_policy_allows_this_style_and_nothing_else(page):
    (policy,) = (e.get("content") for tag, e in elements(page) if e.get("http-equiv"))
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        "img-src data:",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def luminance(color):
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mix(one, other, share):
    """Return what is seen of a colour that covers `share` of another."""
    parts = [[int(color[at : at + 2], 16) for at in (1, 3, 5)] for color in (one, other)]
    return "#" + "".join(
        f"{round(share * a + (1 - share) * b):02x}" for a, b in zip(*parts, strict=True)
    )


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_contrast_is_enough_for_weak_eyes(theme):
    from skmnist._drawing import BLUE, VERMILION
    from skmnist.diagnosis._plot_confusion import MAX_OPACITY, RIGHT_OPACITY

    style = (files("skmnist.report") / "report.css").read_text(encoding="utf-8")
    colors = dict(
        re.findall(r"--(\w+): (#\w{6})", re.findall(r":root \{.*?\}", style, re.S)[theme])
    )
    for paper in ("paper", "card"):
        for ink in ("ink", "soft", "accent"):
            assert contrast(colors[ink], colors[paper]) >= 4.5, (ink, paper)
    assert min(contrast(line, colors["paper"]) for line in (BLUE, VERMILION)) >= 3
    darkest = mix(BLUE, colors["paper"], MAX_OPACITY)
    assert contrast(colors["ink"], darkest) >= 4.5
    right = mix(colors["ink"], colors["paper"], RIGHT_OPACITY)
    assert contrast(colors["ink"], right) >= 4.5
    assert contrast(right, colors["paper"]) >= (3 if theme else 2)


def test_right_answers_have_the_colour_of_the_text(page):
    from skmnist.diagnosis._plot_confusion import RIGHT_OPACITY

    # without a colour of its own, a path has that of the picture
    right = [e for _, e in elements(page) if e.get("fill-opacity") == str(RIGHT_OPACITY)]
    assert len(right) == 2
    assert {e.get("fill") for e in right} == {None}
    pictures = [e for tag, e in elements(page) if tag == "svg"]
    assert {e.get("fill") for e in pictures} == {"currentColor"}


# --- what comes from data is text


def check_nothing_got_through(page, harmless):
    """Whether there are the elements and attributes of a harmless page, and no other."""
    page.encode("utf-8")  # as it is written
    assert find_names(page) <= find_names(harmless)


@pytest.fixture(scope="module")
def harmless():
    """Return a page with all that a page can have."""
    return compare(label="quite a long label {}").to_html(data="d", command="c")


@pytest.mark.slow
def test_twenty_hostile_classes_stay_text(harmless):
    rng = np.random.default_rng(0)
    y = np.array(HOSTILE * 4)
    X, read = rng.random((80, 8, 8)), rng.permutation(y)
    models = {name: Learned(note=name).fit(X.reshape(80, 64), read) for name in HOSTILE[:2]}
    results = [make_result(name, m, 0.1, X.reshape(80, 64), y) for name, m in models.items()]
    bad = ModelComparison(results, X_test=X, y_test=y)
    page = bad.to_html(language="de")
    check_nothing_got_through(page, harmless)
    text = " ".join(parse(page).itertext())
    assert all(text.count(make_printable(label)) >= 4 for label in HOSTILE)


@pytest.mark.slow
def test_hostile_names_parameters_and_files_stay_text(harmless, digits, monkeypatch):
    X, y = digits
    models = {name: Learned(note=name).fit(X[:30], y[:30]) for name in HOSTILE}
    results = [make_result(name, model, 0.1, X[30:60], y[30:60]) for name, model in models.items()]
    bad = ModelComparison(results)
    drawn = []
    for module in (_page, _pictures):
        monkeypatch.setattr(module, "draw_svg", lambda *_, alt, **__: drawn.append(alt) or "")
    page = bad.to_html(data="\n".join(HOSTILE), command="\n".join(reversed(HOSTILE)))
    check_nothing_got_through(page, harmless)
    text = " ".join(parse(page).itertext())
    assert all(text.count(make_printable(name)) >= 9 for name in HOSTILE)
    assert len(drawn) > len(HOSTILE)
    snippet = bad._repr_html_()
    allowed = {"html", "head", "title", "body", "div", "p", "strong", "table", "thead", "tbody"}
    allowed |= {"tr", "th", "td", "small"}
    assert {tag for tag, _ in elements(f"<!DOCTYPE html><title>x</title>{snippet}")} <= allowed


@pytest.mark.slow
@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_strings_in_every_field_at_once(hostile, harmless):
    label = hostile.replace("{", "{{").replace("}", "}}") + " {}"
    page = compare((hostile, hostile + "2"), label, hostile).to_html(data=hostile, command=hostile)
    check_nothing_got_through(page, harmless)


@pytest.mark.slow
def test_page_of_mnist_is_small(tmp_path):
    mnist = load_mnist(n_train=100)
    labels = np.random.default_rng(0).permutation(mnist.y_test)
    X = np.arange(10000).reshape(-1, 1)
    results = [
        make_result(name, Learned().fit(X, labels), 0.1, X, mnist.y_test) for name in ("NN", "DNN")
    ]
    comparison = ModelComparison(results, X_test=mnist.X_test, y_test=mnist.y_test)
    comparison.to_html(tmp_path / "out.html", language="de")
    assert (tmp_path / "out.html").stat().st_size < 2_000_000


# --- a snippet for notebooks


@pytest.mark.parametrize("language", get_languages())
def test_snippet_is_short_and_leaves_colours_to_the_notebook(comparison, language):
    snippet = comparison._repr_html_(language=language)
    assert len(snippet) < 5000
    assert "style" not in snippet
    assert "color" not in snippet
    assert all(name in snippet for name in comparison.results)
    assert comparison.recommendation.headline(language) in snippet


# --- the file


def test_file_is_the_page(comparison, tmp_path, no_charts):
    path = tmp_path / "out.html"
    comparison.to_html(path, language="de")
    assert path.read_text(encoding="utf-8") == comparison.to_html(language="de")
    assert [p.name for p in tmp_path.iterdir()] == ["out.html"]


def test_existing_file_is_kept_unless_told(comparison, tmp_path, no_charts):
    path = tmp_path / "out.html"
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="exists already; pass overwrite=True to replace it"):
        comparison.to_html(path)
    assert path.read_text() == "precious"
    comparison.to_html(path, overwrite=True)
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_failing_write_leaves_the_old_file(comparison, tmp_path, monkeypatch, no_charts):
    path = tmp_path / "out.html"
    path.write_text("precious")

    def fail(self, target):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        comparison.to_html(path, overwrite=True)
    assert path.read_text() == "precious"
    assert [p.name for p in tmp_path.iterdir()] == ["out.html"]


@pytest.mark.parametrize(
    ("path", "match"),
    [
        ("", "is a folder; pass a file"),
        ("no/out.html", "does not exist; create '.*no' first"),
    ],
)
def test_places_that_cannot_be_written(comparison, tmp_path, path, match):
    with pytest.raises(OSError, match=match):
        comparison.to_html(tmp_path / path)
