import pytest

from skmnist import _progress
from skmnist._progress import ByteBar, EpochLog, spinner
from skmnist.neural_network import EpochEvent


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


def test_without_validation_there_are_no_validation_figures(capsys):
    with EpochLog("NN") as log:
        log(event(1))
    assert capsys.readouterr().err == "NN 1/100 | acc=0.9998 | loss=0.0055 | ETA 132s\n"


def test_a_spinner_is_one_line_where_there_is_no_terminal(capsys):
    with spinner("Loading ..."):
        pass
    assert capsys.readouterr().err == "Loading ...\n"


@pytest.mark.skipif("not hasattr(__import__('os'), 'openpty')", reason="needs a pseudo-terminal")
def test_a_terminal_gets_a_bar_with_the_same_figures(tmp_path):
    import os
    import subprocess
    import sys

    script = (
        "from skmnist._progress import EpochLog\n"
        "from types import SimpleNamespace as Event\n"
        "logs = {'loss': 0.0055, 'accuracy': 0.9998, 'val_loss': 0.0884, 'val_accuracy': 0.9772}\n"
        "with EpochLog('NN') as log:\n"
        "    log(Event(epoch=37, epochs=100, logs=logs, eta=131.8))\n"
    )
    ours, theirs = os.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    subprocess.run(
        [sys.executable, "-c", script], stderr=theirs, check=True, env=environment, timeout=60
    )
    shown = os.read(ours, 10_000).decode()
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
    with ByteBar("Reading x", shown=False) as bar:
        bar(1, 10)
    assert capsys.readouterr().err == ""


@pytest.mark.skipif("not hasattr(__import__('os'), 'openpty')", reason="needs a pseudo-terminal")
def test_a_terminal_gets_a_bar_while_bytes_are_read():
    import os
    import subprocess
    import sys

    script = (
        "from skmnist import _progress\n"
        "_progress.BAR_DELAY = 0.0\n"
        "with _progress.ByteBar('Reading [/red]') as bar:\n"
        "    bar(40, 80)\n"
        "    bar._bar.refresh()\n"
    )
    ours, theirs = os.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    subprocess.run(
        [sys.executable, "-c", script], stderr=theirs, check=True, env=environment, timeout=60
    )
    shown = os.read(ours, 10_000).decode()
    assert "Reading [/red]" in shown
    assert "50%" in shown
