"""What stands beside the package: it must not contradict it, nor itself."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

pytestmark = pytest.mark.skipif(
    not (ROOT / "CONTRIBUTING.md").exists(), reason="it is no part of what is installed"
)


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def tools(text):
    """Return the tools that are run, without their options."""
    return set(re.findall(r"-m (ruff [a-z]+|[a-z_]+)", text))


def test_pre_commit_runs_what_ci_runs_and_no_versions_of_its_own():
    (repository,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert repository["repo"] == "local"
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}
    hooks = {tool for hook in repository["hooks"] for tool in tools(hook["entry"])}
    assert hooks == tools(read(".ci/lint"))


@pytest.mark.parametrize("linter", ["codespell", "mypy", "pandas-stubs", "ruff"])
def test_a_new_version_of_a_linter_finds_no_fault_with_what_stands(linter):
    (required,) = [
        requirement
        for requirement in PYPROJECT["project"]["optional-dependencies"]["test"]
        if re.match(rf"{linter}\b", requirement)
    ]
    assert re.fullmatch(rf"{linter}==\d+\.\d+\.\*", required)


def test_the_lowest_versions_are_tried_on_the_oldest_python():
    (oldest,) = re.findall(r"^oldest := (\S+)", read("Makefile"), re.M)
    assert PYPROJECT["project"]["requires-python"] == f">={oldest.removeprefix('python')}"


def test_ci_tries_the_oldest_and_the_newest_python():
    workflow = yaml.safe_load(read(".github/workflows/ci.yml"))
    pythons = workflow["jobs"]["quick"]["strategy"]["matrix"]["python"]
    supported = re.findall(r"Python :: (3\.\d+)", str(PYPROJECT["project"]["classifiers"]))
    assert pythons == [supported[0], supported[-1]]
    assert PYPROJECT["project"]["requires-python"] == f">={supported[0]}"


# Packages that are imported under another name than they are installed by.
INSTALLED_AS = {"PIL": "pillow", "sklearn": "scikit-learn"}


def find_imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


@pytest.mark.slow
def test_every_imported_package_is_declared_and_the_other_way_round():
    imported = {name for path in (ROOT / "skmnist").rglob("*.py") for name in find_imports(path)}
    imported -= {"skmnist", *sys.stdlib_module_names}
    imported -= {"IPython"}  # imported only where a notebook has done so already
    extras = PYPROJECT["project"]["optional-dependencies"]
    required = [*PYPROJECT["project"]["dependencies"]]
    required += [each for name in ("app", "dask", "onnx", "pdf") for each in extras[name]]
    declared = {re.match(r"[\w-]+", requirement)[0] for requirement in required}
    assert {INSTALLED_AS.get(name, name) for name in imported} == declared


def test_every_target_that_is_told_of_is_there():
    there = set(re.findall(r"^([a-z]+):", read("Makefile"), re.M))
    told = {
        target
        for name in ("CONTRIBUTING.md", "RELEASING.md", "docs/development.rst")
        for target in re.findall(r"`make ([a-z]+)`", read(name))
    }
    assert told <= there
    assert {"check", "coverage", "lowest", "mutants"} <= told


def test_every_file_that_is_told_of_is_there():
    for name in ("CONTRIBUTING.md", "RELEASING.md", "SECURITY.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", read(name)):
            assert target.startswith("http") or (ROOT / target).exists(), target
        for path in re.findall(
            r"`((?:skmnist|tests|docs|scripts|benchmarks)/[\w/.]*)`", read(name)
        ):
            assert (ROOT / path).exists(), path


def test_the_citation_has_what_it_needs_and_no_version_of_its_own():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert not {"version", "date-released"} & citation.keys()
    assert citation["title"] == PYPROJECT["project"]["name"]
    assert citation["authors"] == PYPROJECT["project"]["authors"]
    assert " AND ".join(citation["license"]) == PYPROJECT["project"]["license"]


def test_the_changelog_keeps_its_form():
    sections = re.findall(r"^### (.+)$", read("CHANGELOG.md"), re.M)
    assert set(sections) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    releases = re.findall(r"^## (.+)$", read("CHANGELOG.md"), re.M)
    assert releases[0] == "[Unreleased]"
    for release in releases[1:]:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", release)


@pytest.mark.parametrize("path", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")))
def test_forms_for_issues_ask_for_something(path):
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= form.keys()
    names = [field["id"] for field in form["body"]]
    assert len(names) == len(set(names)) > 0
