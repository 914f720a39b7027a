"""The command line as a whole: help, language, and how what goes wrong is told."""

import os
import re
import subprocess
import sys

import pytest

import skmnist
from skmnist.cli import _main, main


def test_the_locale_decides_where_nothing_is_said(capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert main(["compare", "--help"]) == 0
    assert "Schrittweite der Aktualisierungen" in capsys.readouterr().out


def test_a_misspelt_option_is_told_with_the_right_one(capsys):
    assert main(["compare", "--epoch", "3"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(r"--epoch\b.*--epochs\b", line)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["compare", "-h"]])
def test_help(arguments, capsys):
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "Usage: skmnist" in out
    assert max(map(len, out.splitlines())) <= 80


def test_an_error_of_the_system_without_a_number_is_told_by_its_words(monkeypatch, capsys):
    def fail(say):
        raise OSError("the disk is gone")

    monkeypatch.setattr(_main, "make_app", fail)
    assert main(["data"]) == 1
    assert capsys.readouterr().err == "Error: cannot write: the disk is gone\n"


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"skmnist {skmnist.__version__}\n"


@pytest.mark.slow
def test_a_screen_that_cannot_show_an_arrow_gets_something_else(small):
    command = [sys.executable, "-m", "skmnist", "compare", "--data", str(small), "--epochs", "1"]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "LC_ALL": "C"}
    done = subprocess.run(command, capture_output=True, env=environment, timeout=300)
    assert done.returncode == 0
    assert b"Recommendation" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a full device")
def test_a_full_disk_under_the_output_is_told_in_one_line(small):
    command = [sys.executable, "-m", "skmnist", "compare", "--data", str(small), "--epochs", "0"]
    environment = {**os.environ, "LC_ALL": "C"}
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=300, env=environment
        )
    assert done.returncode == 1
    assert done.stderr == "Error: cannot write: No space left on device\n"


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
@pytest.mark.parametrize(
    "arguments", ["--version", pytest.param("compare --epochs 0", marks=pytest.mark.slow)]
)
def test_a_closed_standard_output_is_no_traceback(arguments):
    done = subprocess.run(
        ["sh", "-c", f"'{sys.executable}' -m skmnist {arguments} >&-"],
        stderr=subprocess.PIPE,
        text=True,
        timeout=300,
    )
    assert "Traceback" not in done.stderr
