"""The script that compares speeds, as far as it can be held to something without measuring."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "speed.py"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="benchmarks are no part of the wheel")


def run(*arguments):
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
    )


def section(**peers):
    records = [
        {"figure": "epoch", "peer": peer, "network": "simple", "round": round, "value": value}
        for peer, values in peers.items()
        for round, value in enumerate(values)
    ]
    machine = {"threads": 1, "cores": 1, "processor": "p", "busy_before": 2.5}
    machine |= {"versions": {"numpy": "2"}}
    told = {"date": "2026-01-01", "quick": False, "rounds": 3, "seconds": 1}
    return {**told, "machine": machine, "records": records}


def test_ratios_are_taken_within_a_round_and_judged(tmp_path):
    # the machine was half as fast in the second round: that is no difference between the peers
    epoch = section(skmnist=[1, 2, 1], scikeras=[5, 10, 4], skorch=[1.5, 3.4, 1.6])
    (tmp_path / "speed.json").write_text(json.dumps({"sections": {"epoch": epoch}}))
    done = run("--only", "none", "--rst", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    table = (tmp_path / "speed.md").read_text()
    assert "scikeras KerasClassifier | >= 4.5 x | 5.00 x | 4.00 - 5.00 | met |" in table
    assert "skorch (PyTorch) | >= 1.8 x | 1.60 x | 1.50 - 1.70 | missed |" in table
    assert "THE MACHINE HAD OTHER WORK (2.5 cores busy): epoch: 2026-01-01" in table
    assert "MLPClassifier" not in table  # nothing is told of what was not measured
    assert (tmp_path / "speed.rst").read_text().count(".. list-table::") == 2
    assert (tmp_path / "speed.png").stat().st_size > 1000
    assert json.loads((tmp_path / "speed.json").read_text())["sections"] == {"epoch": epoch}


def test_an_unknown_section_is_refused_with_those_there_are(tmp_path):
    done = run("--only", "epochs", "--out", tmp_path)
    assert done.returncode == 2
    assert "no such section: epochs; there are epoch, cold" in done.stderr
