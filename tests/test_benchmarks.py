"""The scripts that compare speeds, as far as they can be held to something without measuring."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "speed.py"
SEARCH = SCRIPT.with_name("search.py")
PAGES = SCRIPT.with_name("pages.py")

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="benchmarks are no part of the wheel")


def run(*arguments, script=SCRIPT):
    return subprocess.run(
        [sys.executable, str(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
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


@pytest.mark.slow
def test_ratios_are_taken_within_a_round_and_judged(tmp_path):
    # the machine was half as fast in the second round: that is no difference between the peers
    epoch = section(skmnist=[1, 2, 1], scikeras=[5, 10, 4], skorch=[1.5, 3.4, 1.6])
    (tmp_path / "speed.json").write_text(json.dumps({"sections": {"epoch": epoch}}))
    done = run("--only", "none", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "speed.rst").read_text()
    assert page.count(".. list-table::") == 1
    table = page.replace("\n     - ", " | ")
    assert "figure | goal | simple\n" in table
    assert "scikeras KerasClassifier | >= 4.5 x | 5.00 x (4.00 - 5.00)\n" in table
    assert "skorch (PyTorch) | >= 1.8 x | **1.60 x (1.50 - 1.70), missed**\n" in table
    assert "1 of 2 goals were met" in table
    assert "OTHER PROGRAMS WERE RUNNING (2.5 cores busy): epoch: 2026-01-01" in table
    assert "MLPClassifier" not in table  # it was not measured
    assert (tmp_path / "speed.png").stat().st_size > 1000
    assert json.loads((tmp_path / "speed.json").read_text())["sections"] == {"epoch": epoch}


@pytest.mark.slow
def test_searches_are_judged_by_time_and_by_score(tmp_path):
    values = {"ours": (10.0, 0.95, 0.96), "unpruned": (25.0, 0.952, 0.958)}
    records = [
        {"figure": figure, "peer": peer, "network": "simple", "round": round, "value": value}
        for round in range(2)
        for peer, told in values.items()
        for figure, value in zip(("seconds", "best score", "test accuracy"), told, strict=True)
    ]
    pruning = section() | {"records": records, "size": {"n_trials": 30}}
    (tmp_path / "search.json").write_text(json.dumps({"sections": {"pruning": pruning}}))
    done = run("--only", "none", "--out", tmp_path, script=SEARCH)
    assert done.returncode == 0, done.stderr
    table = (tmp_path / "search.rst").read_text().replace("\n     - ", " | ")
    assert "times faster than without | >= 2 x | 2.50 x (2.50 - 2.50)\n" in table
    against = "against skmnist, pruner=None | <= 0.3 points"
    assert f"best score lost {against} | +0.20 points (+0.20 - +0.20)\n" in table
    assert f"test accuracy lost {against} | -0.20 points (-0.20 - -0.20)\n" in table
    done = run("--only", "peer", "--out", tmp_path, script=SEARCH)
    assert done.returncode == 2
    assert "unknown section: peer; choose from peers, pruning, jobs" in done.stderr


@pytest.mark.slow
def test_every_box_of_the_drawn_pages_is_read():
    done = run("--quick", script=PAGES)
    assert done.returncode == 0, done.stderr
    cold, warm, *rates = done.stdout.splitlines()
    assert cold.startswith("one digit, cold")
    assert warm.startswith("one digit, warm")
    assert [line.split("  ")[0].strip() for line in rates] == [
        "pages, one core",
        "pages, two cores",
    ]
    for line in rates:
        assert "2 pages  38 of 38 places" in line
        seconds, rate = (
            float(re.search(rf"([0-9.]+) {unit}", line)[1]) for unit in ("s", "a second")
        )
        assert rate == pytest.approx(38 / seconds, rel=0.1)
