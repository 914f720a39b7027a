"""What README and docs promise, run."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("block", re.findall(r"^```python\n(.*?)^```", README, re.M | re.S))
def test_python_in_the_readme_runs(block, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {})
    assert capsys.readouterr().out


@pytest.mark.parametrize("heading", ["Quick start", "Tests"])
def test_each_command_is_one_line_that_makes_its_own_environment(heading):
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    (command,) = re.search(r"^```sh\n(.*?)^```", section, re.M | re.S)[1].splitlines()
    assert command.startswith("python3 -m venv .venv && ")


def test_links_in_the_readme_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_the_changelog_knows_this_version_or_calls_it_unreleased():
    import skmnist

    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{skmnist.__version__}]" in changelog or "## [Unreleased]" in changelog
