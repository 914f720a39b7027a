import json
import re
import sys
from types import SimpleNamespace

import pytest

from skmnist import _progress
from skmnist._progress import ByteBar, EpochLog, TrialLog, report_bytes, spinner
from skmnist.neural_network import EpochEvent
from skmnist.text import use_language
from tests.terminal import needs_a_terminal, show_on_a_terminal


def event(epoch, **logs):
    logs = {"loss": 0.00551, "accuracy": 0.99981, **logs}
    return EpochEvent(epoch=epoch, epochs=100, logs=logs, best_epoch=1, seconds=78.4, eta=131.8)


def test_plain_lines_say_what_the_source_shows_in_80_columns(capsys):
    with EpochLog("DNN") as log:
        log(event(37, val_loss=0.0884, val_accuracy=0.9772))
        log(event(100, val_loss=0.0884, val_accuracy=0.9772))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == (
        "DNN 37/100 | acc=0.9998 val_acc=0.9772 | loss=0.0055 val_loss=0.0884 | ETA 132s"
    )
    assert max(map(len, lines)) <= 80


def test_epochs_are_told_in_the_language_that_was_asked_for(capsys):
    with use_language("de"), EpochLog("NN") as log:
        log(event(1))
    assert capsys.readouterr().err.endswith("| Rest ~ 132s\n")


def test_without_validation_there_are_no_validation_figures(capsys):
    with EpochLog("NN") as log:
        log(event(1))
    assert capsys.readouterr().err == "NN 1/100 | acc=0.9998 | loss=0.0055 | ETA 132s\n"


def test_a_spinner_is_one_line_where_there_is_no_terminal(capsys):
    with spinner("Loading ..."):
        pass
    assert capsys.readouterr().err == "Loading ...\n"


@needs_a_terminal
def test_a_terminal_gets_a_bar_with_the_same_figures():
    script = (
        "from skmnist._progress import EpochLog\n"
        "from types import SimpleNamespace as Event\n"
        "logs = {'loss': 0.0055, 'accuracy': 0.9998, 'val_loss': 0.0884, 'val_accuracy': 0.9772}\n"
        "with EpochLog('NN') as log:\n"
        "    log(Event(epoch=37, epochs=100, logs=logs, eta=131.8))\n"
    )
    shown = show_on_a_terminal("-c", script)
    assert "37/100" in shown
    assert "━" in shown
    assert "acc=0.9998 val_acc=0.9772 | loss=0.0055 val_loss=0.0884" in shown
    assert "ETA 132s" in shown


def test_what_takes_longer_than_two_seconds_is_told_in_a_line(capsys, monkeypatch):
    clock = iter([0.0, 0.5, 1.9, 2.1, 3.0])
    monkeypatch.setattr(_progress.time, "monotonic", lambda: next(clock, 9.0))
    with ByteBar("Reading x") as bar:
        bar(1, 10)
        assert capsys.readouterr().err == ""
        for done in (2, 3, 4):
            bar(done, 10)
    assert capsys.readouterr().err == "Reading x ...\n"


def test_nothing_is_shown_unless_asked(capsys, monkeypatch):
    monkeypatch.setattr(_progress, "BAR_DELAY", 0.0)
    with report_bytes(False, "Reading x") as bar:
        bar(1, 10)
    assert capsys.readouterr().err == ""


@needs_a_terminal
def test_a_terminal_gets_a_bar_while_bytes_are_read():
    script = (
        "from skmnist import _progress\n"
        "_progress.BAR_DELAY = 0.0\n"
        "with _progress.ByteBar('Reading [/red]') as bar:\n"
        "    bar(40, 80)\n"
        "    bar._screen.refresh()\n"
    )
    shown = show_on_a_terminal("-c", script)
    assert "Reading [/red]" in shown
    assert "50%" in shown


# --- notebooks


@pytest.fixture
def cell(monkeypatch):
    """Return what a notebook shows below a cell: one entry for each display."""
    shown = []

    def display(data, *, raw, display_id):
        assert (raw, display_id) == (True, True)
        shown.append(data)
        at = len(shown) - 1
        return SimpleNamespace(update=lambda data, raw: shown.__setitem__(at, data))

    notebook = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    return shown


def test_a_notebook_shows_one_bar_that_grows(cell, capsys):
    with EpochLog("NN <1>") as log:
        assert cell[0]["text/plain"].strip() == "NN <1> ..."
        log(event(37))
        log(event(38, val_loss=0.0884, val_accuracy=0.9772))
    (bar,) = cell
    first, second = bar["text/plain"].splitlines()
    assert first.startswith("NN <1> 38/100 ━")
    assert first.endswith("ETA 132s")
    assert second.strip() == "acc=0.9998 val_acc=0.9772 | loss=0.0055 val_loss=0.0884"
    assert bar["text/html"].startswith("<pre")
    assert "NN &lt;1&gt; 38/100" in bar["text/html"]
    assert capsys.readouterr() == ("", "")


def test_a_notebook_shows_the_trials_in_one_bar(cell, tmp_path):
    with TrialLog(20, tmp_path, done=4) as log:
        finish_three(log)
    (bar,) = cell
    assert bar["text/plain"].startswith("Trials 7/20 ━")
    assert "best -" in bar["text/plain"]


def test_a_bar_for_bytes_goes_when_it_is_full(cell, monkeypatch):
    monkeypatch.setattr(_progress, "BAR_DELAY", 0.0)
    monkeypatch.setattr(_progress, "BAR_PAUSE", 0.0)
    with ByteBar("Reading") as bar:
        bar(20, 80)
        bar(40, 80)
        assert "Reading" in cell[0]["text/plain"]
        assert "50%" in cell[0]["text/plain"]
    assert cell == [{"text/html": "", "text/plain": ""}]


def test_a_spinner_goes_when_the_work_is_done(cell):
    with spinner("Loading ..."):
        assert cell[0]["text/plain"].strip() == "Loading ..."  # beside nothing that stands still
    assert cell == [{"text/html": "", "text/plain": ""}]


def test_ipython_on_a_terminal_is_no_notebook(monkeypatch, capsys):
    shell = SimpleNamespace(get_ipython=lambda: SimpleNamespace())
    monkeypatch.setitem(sys.modules, "IPython", shell)
    with spinner("Loading ..."):
        pass
    assert capsys.readouterr().err == "Loading ...\n"


# --- trials of a search


def finish_three(log):
    log.finished(4, "COMPLETE", 0.93125, 0.93125, 12.34)
    log.finished(5, "PRUNED", 0.5, 0.93125, 1.0)
    log.finished(6, "FAIL", float("nan"), None, 0.26)


@pytest.fixture
def clock(monkeypatch):
    times = iter([0.0])  # made; then ten seconds later
    monkeypatch.setattr(_progress.time, "monotonic", lambda: next(times, 10.0))


def test_each_trial_that_has_ended_is_a_line(tmp_path, capsys, clock):
    with TrialLog(20, tmp_path, done=4) as log:
        finish_three(log)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "5/20 | trial 4: 0.9313 | best 0.9313 | 12.3s | ETA 150s",
        "6/20 | trial 5: stopped early | best 0.9313 | 1.0s | ETA 70s",
        "7/20 | trial 6: failed | best - | 0.3s | ETA 43s",
    ]


def test_trials_are_told_in_the_language_that_was_asked_for(tmp_path, capsys):
    with use_language("de"), TrialLog(20, tmp_path) as log:
        finish_three(log)
    told = capsys.readouterr().err
    assert "1/20 | Versuch 4: 0,9313 | bester 0,9313 | 12,3s | Rest ~ " in told
    assert "vorzeitig beendet" in told
    with TrialLog(20, tmp_path) as log:  # English again
        finish_three(log)
    assert "trial 4" in capsys.readouterr().err


WATCH = """
import sys
from pathlib import Path
from skmnist._progress import TrialLog
with TrialLog(20, Path(sys.argv[1])) as log:
    for number in range(3):
        log.finished(number, "COMPLETE", 0.9, 0.93125, 1.0)
    log._screen.refresh()
print("[end]", file=sys.stderr)
"""


@needs_a_terminal
def test_a_terminal_gets_a_bar_and_a_line_for_each_running_trial(tmp_path):
    def note(name, **told):
        (tmp_path / name).write_text(json.dumps(told))

    epochs = {"fold": 2, "n_folds": 3, "epoch": 4, "epochs": 30}
    note("7.json", **epochs, value=0.93)
    note("11.json", **(epochs | {"fold": 1, "epoch": 0, "epochs": 0}), value=None)
    note("12.json", fold=1)
    note("1.json", **epochs, value=0.5)  # its end has been told already
    note("notes.json", **epochs, value=0.5)
    (tmp_path / "8.json").write_text('{"fold": 2, "n_fo')
    (tmp_path / "9.json").write_text("[3, 4]")
    (tmp_path / "10.json").mkdir()
    shown, after = show_on_a_terminal("-c", WATCH, tmp_path).split("[end]")
    assert "Trials 3/20 ━━━" in shown
    assert "best 0.9313" in shown
    assert re.search(r"ETA \d+s", shown)
    last = shown.rsplit("Trials 3/20", 2)[-2].splitlines()
    assert [line.strip() for line in last[1:] if line.strip()] == [
        "trial 7: fold 2/3, epoch 4/30, 0.9300",
        "trial 11: fold 1/3",
    ]
    # what is left on the screen in the end is the bar alone
    assert "trial" not in shown.rsplit("Trials 3/20", 1)[-1]
    assert after.strip() == ""


@needs_a_terminal
def test_a_folder_that_is_gone_and_many_trials_at_once_do_no_harm(tmp_path):
    assert "Trials 3/20" in show_on_a_terminal("-c", WATCH, tmp_path / "gone")
    for number in range(100, 130):
        told = {"fold": 1, "n_folds": 3, "epoch": 1, "epochs": 9, "value": 0.5}
        (tmp_path / f"{number}.json").write_text(json.dumps(told))
    shown = show_on_a_terminal("-c", WATCH, tmp_path)
    assert "trial 107: " in shown
    assert "trial 108: " not in shown
