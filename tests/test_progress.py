import pytest

from skmnist._progress import EpochLog, spinner
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
