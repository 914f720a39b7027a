"""What README and docs promise, run."""

import ast
import importlib
import inspect
import io
import pkgutil
import re
import runpy
import textwrap
import tomllib
from pathlib import Path

import numpy as np
import pytest
from numpydoc.validate import Validator, get_doc_object, validate
from sklearn.datasets import load_digits

import skmnist
from skmnist import SimpleNNClassifier, load_mnist

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted((ROOT / "docs").glob("*.rst"))


@pytest.mark.slow
@pytest.mark.parametrize("block", re.findall(r"^```python\n(.*?)^```", README, re.M | re.S))
def test_python_in_the_readme_runs(block, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {})
    assert capsys.readouterr().out


def indented_blocks(text, start):
    """Yield what stands under each line that `start` matches, and the paragraph it ends."""
    for match in re.finditer(rf"^{start}\n\n((?:(?: {{4}}.*)?\n)+)", text, re.M):
        before = text[: match.start(1)].strip()
        yield textwrap.dedent(match[1]), before.rpartition("\n\n")[2]


def is_python(block):
    try:
        tree = ast.parse(block)
    except SyntaxError:
        return False
    sketch = "(...)" in block
    return not sketch and any(isinstance(node, ast.Call | ast.Import) for node in ast.walk(tree))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_on_a_page_is_run_or_says_why_not(page):
    """Doctests are run as such, and marked blocks by the test below."""
    text = page.read_text(encoding="utf-8")
    for block, introduction in indented_blocks(text, r"(?!\.\.).*::"):
        assert not is_python(block) or "no test runs this block" in " ".join(introduction.split())
    marked = re.findall(r"\.\. (?:code|code-block|sourcecode):: py", text)
    assert len(marked) == len(list(indented_blocks(text, MARK))), "mark it in a way that is found"


MARK = r"\.\. code-block:: python"
MARKED = [
    pytest.param(block, id=page.stem)
    for page in PAGES
    for block, _ in indented_blocks(page.read_text(encoding="utf-8"), MARK)
]


@pytest.mark.parametrize("block", MARKED)
def test_marked_python_on_a_page_runs(block, monkeypatch):
    if "sklearn.callback" in block:
        pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")
    monkeypatch.setattr("skmnist.datasets._cloud.get_file", answer_with_few_digits)
    X, y = load_digits(return_X_y=True)
    exec(compile(block, "a page", "exec"), {"X": X, "y": y, "SimpleNNClassifier": few_epochs})


def few_epochs():
    return SimpleNNClassifier(32, epochs=2)


def answer_with_few_digits(data_home, urls, **options):
    """Be the mirror that a page names."""
    assert urls == ["https://mirror.example.org/mnist.npz"]
    digits = load_mnist(n_train=20, n_test=20, random_state=0)
    content = io.BytesIO()
    np.savez(
        content,
        x_train=digits.X_train,
        y_train=digits.y_train,
        x_test=digits.X_test,
        y_test=digits.y_test,
    )
    return content.getvalue()


def find_public():
    """Return the full names of all that is public, each where it lives."""
    rooms = {room.name for room in pkgutil.iter_modules(skmnist.__path__)}
    return {
        f"skmnist.{room}.{name}"
        for room in rooms - {"cli"}
        if not room.startswith("_")
        for name in importlib.import_module(f"skmnist.{room}").__all__
    }


def test_the_api_pages_have_every_public_name_and_no_other():
    named = set()
    page = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
    for room, entries in re.findall(
        r"^\.\. currentmodule:: (\S+)\n\n\.\. autosummary::\n(?:   :.*\n)+\n((?:   \w+\n)+)",
        page,
        re.M,
    ):
        named |= {f"{room}.{name}" for name in entries.split()}
    assert named == find_public()
    for name in skmnist.__all__:
        assert f"``{name}``" in page or f"``skmnist.{name}``" in page


def find_documented():
    """Return all that is public, with the methods and properties that are our own."""
    for full_name in sorted(find_public()):
        yield full_name
        room, _, name = full_name.rpartition(".")
        found = getattr(importlib.import_module(room), name)
        for member in dir(found) if inspect.isclass(found) else ():
            static = inspect.getattr_static(found, member)
            static = getattr(static, "fget", getattr(static, "__func__", static))
            home = getattr(static, "__module__", None) or ""
            if not member.startswith("_") and inspect.isroutine(static) and "skmnist" in home:
                yield f"{full_name}.{member}"


VALIDATION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "numpydoc_validation"
]


@pytest.mark.parametrize("name", list(find_documented()))
def test_docstrings_are_as_numpydoc_has_them(name):
    found = validate(name)
    assert not {c: message for c, message in found["errors"] if c not in VALIDATION["checks"]}


def find_object(full_name):
    _, room, name, *members = full_name.split(".")
    found = getattr(importlib.import_module(f"skmnist.{room}"), name)
    for member in members:
        found = inspect.getattr_static(found, member)
        found = getattr(found, "fget", getattr(found, "__func__", found))
    return found


def is_made(function):
    return function.__code__.co_filename == "<string>"


def find_attributes(cls):
    """Yield the public attributes that the methods of a class itself set."""
    for method in vars(cls).values():
        # what dataclasses make has no source
        if not inspect.isfunction(method) or is_made(inspect.unwrap(method)):
            continue
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(method)))):
            set_here = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
            if set_here and ast.unparse(node.value) == "self" and not node.attr.startswith("_"):
                yield node.attr


CLASSES = [name for name in sorted(find_public()) if inspect.isclass(find_object(name))]


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_documents_its_attributes_and_has_an_example(name):
    docstring = Validator(get_doc_object(find_object(name)))
    attributes = {each for a in docstring.doc["Attributes"] for each in a.name.split(", ")}
    documented = attributes | set(docstring.doc_parameters)
    assert docstring.examples, "needs an example"
    assert set(find_attributes(find_object(name))) <= documented


@pytest.mark.parametrize("name", list(find_documented()))
def test_a_signature_shows_values_instead_of_names_of_constants(name):
    """What a reader sees, also in the documentation, is what stands in the code."""
    found = find_object(name)
    found = inspect.unwrap(found.__init__ if inspect.isclass(found) else found)
    if not inspect.isfunction(found) or is_made(found):
        return  # what dataclasses make shows values
    tree = ast.parse(textwrap.dedent(inspect.getsource(found)))
    defaults = [*tree.body[0].args.defaults, *filter(None, tree.body[0].args.kw_defaults)]
    names = {node.id for each in defaults for node in ast.walk(each) if isinstance(node, ast.Name)}
    assert not {constant for constant in names if constant.isupper()}


def test_the_architecture_lists_every_file_and_no_other():
    page = (ROOT / "docs" / "architecture.rst").read_text(encoding="utf-8")
    files = page.partition("The files\n")[2].partition("Outside the package")[0]
    there = [path.name for path in (ROOT / "skmnist").rglob("*.py") if path.name[:2] != "__"]
    assert sorted(re.findall(r"\w+\.py", files)) == sorted([*there, "__init__.py"])


@pytest.mark.slow
def test_the_picture_of_the_rooms_is_that_of_the_imports():
    drawn = runpy.run_path(str(ROOT / "scripts" / "draw_rooms.py"))["draw"]()
    picture = (ROOT / "docs" / "rooms.svg").read_text(encoding="utf-8")
    assert drawn == picture, "run: python scripts/draw_rooms.py docs/rooms.svg"


@pytest.mark.parametrize("heading", ["Quick start", "Tests"])
def test_each_command_is_one_line_that_makes_its_own_environment(heading):
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    (command,) = re.search(r"^```sh\n(.*?)^```", section, re.M | re.S)[1].splitlines()
    assert command.startswith("python3 -m venv .venv && ")


def test_links_in_the_readme_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_the_changelog_knows_this_version_or_calls_it_unreleased():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{skmnist.__version__}]" in changelog or "## [Unreleased]" in changelog
