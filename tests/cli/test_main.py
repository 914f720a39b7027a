"""The command line as a whole: help, language, and how what goes wrong is told."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

import skmnist
from skmnist.cli import _main, main
from tests.terminal import needs_signals


def test_the_locale_decides_where_nothing_is_said(capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert main(["compare", "--help"]) == 0
    assert "Schrittweite der Aktualisierungen" in capsys.readouterr().out


def test_a_misspelt_option_is_told_with_the_right_one(capsys):
    assert main(["compare", "--epoch", "3"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(r"--epoch\b.*--epochs\b", line)


@pytest.mark.parametrize(
    ("locale", "words"), [("de_DE.UTF-8", "DATEI|ORDNER"), ("C", "FILE|FOLDER")]
)
def test_the_help_names_values_and_files_in_its_own_language(locale, words, capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", locale)
    assert main(["read", "--help"]) == 0
    told = capsys.readouterr().out
    assert words in told
    assert "--review" in told.partition("--force")[2]
    assert "--report" not in told


@pytest.mark.parametrize("command", ["", "data", "compare", "tune", "read", "show", "app"])
def test_german_help_has_no_english_words_of_the_framework(command, capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert main([*([command] if command else []), "--help"]) == 0
    german = capsys.readouterr().out
    assert "Aufruf: skmnist" in german
    found = re.findall(r"Usage|OPTIONS|COMMAND|ARGS|COLUMN|required|Options|Commands", german)
    assert found == []
    monkeypatch.setenv("LC_ALL", "C")
    main([*([command] if command else []), "--help"])
    assert "erforderlich" not in capsys.readouterr().out


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


def test_on_a_terminal_an_interrupt_is_told_on_a_line_of_its_own(monkeypatch, capsys):
    def interrupt(say):
        raise KeyboardInterrupt

    monkeypatch.setattr(_main, "make_app", interrupt)
    for is_terminal, before in ((False, ""), (True, "\n")):
        monkeypatch.setattr(sys.stderr, "isatty", lambda answer=is_terminal: answer)
        assert main([]) == 130
        told = f"{before}Interrupted before any network was finished.\n"
        assert capsys.readouterr().err == told


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


@pytest.mark.parametrize(
    "variable", ["COLUMNS", pytest.param("TERMINAL_WIDTH", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    "width",
    ["abc", *(pytest.param(width, marks=pytest.mark.slow) for width in ("0", "1", "-5", "9" * 20))],
)
def test_a_width_that_no_screen_has_is_ignored(variable, width, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["--help"]) == 0
    usual = capsys.readouterr().out
    monkeypatch.setenv(variable, width)
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == usual
    monkeypatch.setenv(variable, width)
    assert main(["data"]) == 0
    assert "60,000 training and 10,000 test images" in capsys.readouterr().out


@needs_signals
@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGINT", 130)])
def test_a_signal_ends_a_command_in_order(name, status, monkeypatch, capsys):
    number = getattr(signal, name)
    monkeypatch.setattr(_main, "make_app", lambda say: lambda *_, **__: signal.raise_signal(number))
    before = signal.signal(
        number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL
    )
    try:
        assert main(["data"]) == status
        assert signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)
    finally:
        signal.signal(number, before)
    assert "Traceback" not in capsys.readouterr().err


@needs_signals
def test_a_signal_that_nohup_ignores_stays_ignored(monkeypatch):
    def hang_up(*_, **__):
        signal.raise_signal(signal.SIGHUP)

    monkeypatch.setattr(_main, "make_app", lambda say: hang_up)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert main(["data"]) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.slow
@needs_signals
def test_sigterm_keeps_what_was_finished_and_leaves_nothing_behind(small, tmp_path):
    out, temporary = tmp_path / "out.json", tmp_path / "temporary"
    temporary.mkdir()
    command = ["compare", "--data", str(small), "--epochs", "100000", "--patience", "100000"]
    with subprocess.Popen(
        [sys.executable, "-m", "skmnist", *command, "--json", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LC_ALL": "C", "TMPDIR": str(temporary)},
    ) as process:
        for line in process.stderr:
            if line.startswith("NN 3/"):
                break
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=300)
    assert process.returncode == 143
    assert [model["name"] for model in json.loads(out.read_text())["models"]] == ["NN"]
    assert list(temporary.iterdir()) == []


# What a user may have set for other programs.
SETTINGS = {
    "a backend that is not installed": {"MPLBACKEND": "qtagg"},
    "no backend": {"MPLBACKEND": "nonsense"},
    "LaTeX": {"MATPLOTLIBRC": "{folder}"},
    "warnings": {"PYTHONWARNINGS": "error"},
    "no assertions": {"PYTHONOPTIMIZE": "1"},
    "no home": {"HOME": "/nonexistent", "XDG_CACHE_HOME": "/nonexistent"},
    "no temporary folder": {"TMPDIR": "/nonexistent"},
    "a terminal that can do nothing": {"TERM": "dumb", "NO_COLOR": "1", "LINES": "0"},
}


def draw(small, folder, **variables):
    """Return what `skmnist data` prints, and the picture that it draws."""
    picture = folder / "picture.png"
    command = ["data", str(small), "--picture", str(picture), "--force"]
    done = subprocess.run(
        [sys.executable, "-m", "skmnist", *command],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C", "COLUMNS": "80", **variables},
        timeout=300,
    )
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    return done.stdout.replace(str(folder), ""), picture.read_bytes()


@pytest.fixture(scope="module")
def drawn(small, tmp_path_factory):
    return draw(small, tmp_path_factory.mktemp("drawn"))


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_for_other_programs_change_nothing(small, drawn, tmp_path, setting):
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfont.size: 40\nbackend: TkAgg\n")
    variables = {name: text.format(folder=tmp_path) for name, text in SETTINGS[setting].items()}
    text, picture = draw(small, tmp_path, **variables)
    assert picture == drawn[1]
    assert "".join(text.split()) == "".join(drawn[0].split())  # a path is broken where it is long
