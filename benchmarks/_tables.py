"""Convert records to tables, and compare ratios with goals.

A record is ``{"figure", "network", "peer", "round", "value"}``. The records of a section become a
table with one column per (figure, network, peer) and one row per round.
"""

import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

HEAD = ["figure", "goal", "median", "spread", ""]
QUIET = 0.2  # maximum number of cores that other programs may keep busy


def make_frame(section: dict[str, Any]) -> pd.DataFrame:
    """Return the values of a section, with one row per round."""
    keys = ["figure", "network", "peer"]
    records = pd.DataFrame(section["records"])
    return records.pivot_table(index="round", columns=keys, values="value")


@dataclass(frozen=True)
class Goal:
    """A limit for a figure; `values` computes one value per round from the table of a section.

    Goals with the same text for different networks share a row of the page.
    """

    section: str
    text: str
    sign: str  # "<=" or ">="
    limit: float
    unit: str  # "x" or "s", "points" of accuracy, or "" for a count
    values: Callable[[pd.DataFrame], pd.Series]
    network: str = ""

    def judge(self, frame: pd.DataFrame) -> list[str] | None:
        """Return a row of the table of goals, or None if the figure was not measured."""
        try:
            values = self.values(frame).dropna()
        except KeyError:
            return None
        digits = {"x": ".2f", "s": ".3g", "points": "+.2f", "": ".0f"}[self.unit]
        median = values.median()
        met = median <= self.limit if self.sign == "<=" else median >= self.limit
        return [
            f"{self.network}: {self.text}".removeprefix(": "),
            f"{self.sign} {self.limit:g} {self.unit}".strip() if self.limit else "0",
            f"{median:{digits}} {self.unit}".strip(),
            f"{values.min():{digits}} - {values.max():{digits}}",
            "met" if met else "missed",
        ]


def judge(goals: Iterator[Goal], sections: dict[str, Any]) -> list[tuple[Goal, list[str]]]:
    """Return the goals that were measured, each with its row of the table."""
    frames = {name: make_frame(section) for name, section in sections.items()}
    judged = [(goal, goal.judge(frames[goal.section])) for goal in goals if goal.section in frames]
    return [(goal, row) for goal, row in judged if row]


def rst(head: list[str], rows: list[list[str]]) -> str:
    def entry(line: list[str]) -> str:
        first, *others = line
        return "\n".join(
            [f"   * - {first}".rstrip(), *(f"     - {cell}".rstrip() for cell in others)]
        )

    return "\n".join([".. list-table::", "   :header-rows: 1", "", *map(entry, [head, *rows])])


def page(sections: dict[str, Any], goals: Iterator[Goal]) -> str:
    """Return the conditions and the goals as reStructuredText; the JSON file has all values."""
    judged = judge(goals, sections)
    n_met = sum(row[-1] == "met" for _, row in judged)
    networks = list(dict.fromkeys(goal.network for goal, _ in judged if goal.network))
    cells: dict[str, dict[str, list[str]]] = {}
    others = []
    for goal, (figure, limit, median, spread, verdict) in judged:
        found = f"{median} ({spread})"
        cell = [limit, found if verdict == "met" else f"**{found}, missed**"]
        if goal.network:
            cells.setdefault(goal.text, {})[goal.network] = cell
        else:
            others.append([figure, *cell])
    rows = [
        [text, *(part for network in networks for part in own.get(network, ["", ""]))]
        for text, own in cells.items()
    ]
    parts = [
        "Goals\n-----",
        *conditions(sections),
        f"{n_met} of {len(judged)} goals were met. Values are medians over the rounds, with "
        "the smallest and largest in parentheses.",
    ]
    if rows:
        head = ["figure", *(part for network in networks for part in ("goal", network))]
        parts.append(rst(head, rows))
    if others:
        parts.append(rst(["figure", "goal", "result"], others))
    return "\n\n".join(parts) + "\n"


def conditions(sections: dict[str, Any]) -> list[str]:
    """Describe when and where the sections were measured."""
    alike: dict[str, list[str]] = {}
    for name, section in sections.items():
        machine = section["machine"]
        versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
        warning = "QUICK RUN, FIGURES ARE MEANINGLESS: " if section["quick"] else ""
        if machine["busy_before"] > QUIET:
            warning += f"OTHER PROGRAMS WERE RUNNING ({machine['busy_before']} cores busy): "
        text = (
            f"{section['date']}, {section['rounds']} rounds, {machine['threads']} threads on "
            f"{machine['cores']} cores of {machine['processor']}; {versions}."
        )
        alike.setdefault(warning + "{}: " + text, []).append(name)
    return [text.format(", ".join(names)) for text, names in alike.items()]


def turns(peers: list[Any], round: int) -> list[Any]:
    """Return the peers in the order of a round: rotated every two rounds, reversed in odd ones."""
    at = round // 2 % len(peers)
    order = peers[at:] + peers[:at]
    return order[::-1] if round % 2 else order


def measure(sections, goals, options, packages, path) -> dict[str, Any]:
    """Measure the sections in `options.only`, and update the file at `path`.

    `sections` maps names to (function, size); the function yields (figure, network, peer, round,
    value).
    """
    from skmnist._files import write_whole

    path.parent.mkdir(parents=True, exist_ok=True)
    result = json.loads(path.read_text()) if path.exists() else {"sections": {}}
    for name in options.only:
        function, size = sections[name]
        busy = busy_cores()
        if busy > QUIET:
            print(f"other programs keep {busy:.1f} cores busy: do not use these figures")
        started, records = time.perf_counter(), []
        for values in function(options.rounds, **size):
            keys = ("figure", "network", "peer", "round", "value")
            records.append(dict(zip(keys, values, strict=True)))
            print("  {:26} {:7} {:12} round {}  {:.4g}".format(*values), flush=True)
        result["sections"][name] = {
            "date": date.today().isoformat(),
            "quick": options.quick,
            "rounds": options.rounds,
            "seconds": round(time.perf_counter() - started),
            "size": size,
            "machine": machine(options.threads, busy, packages),
            "records": records,
        }
        known = [name for name in sections if name in result["sections"]]
        result["sections"] = {name: result["sections"][name] for name in known}
        # written after each section, so that Ctrl-C loses only the current one
        write_whole(path, json.dumps(result, indent=1) + "\n")
        rows = [row for _, row in judge(goals(), {name: result["sections"][name]})]
        print(pd.DataFrame(rows, columns=HEAD).to_string(index=False), flush=True)
    return result["sections"]


def machine(threads: int, busy: float, packages: list[str]) -> dict[str, Any]:
    import skmnist

    versions = {name: importlib.metadata.version(name) for name in packages}
    return {
        "cores": os.cpu_count(),
        "threads": threads,
        "busy_before": round(busy, 2),
        "processor": processor(),
        "versions": {
            "python": platform.python_version(), "skmnist": skmnist.__version__, **versions
        },
    }  # fmt: skip


def busy_cores(seconds: float = 1.0) -> float:
    """Return the number of cores that other programs keep busy; 0 if unknown."""

    def read() -> int:
        with open("/proc/stat") as file:
            user, nice, system, _idle, _waiting, *rest = map(int, file.readline().split()[1:9])
        return user + nice + system + sum(rest)

    try:
        before = read()
        time.sleep(seconds)
        return (read() - before) / os.sysconf("SC_CLK_TCK") / seconds
    except OSError:
        return 0.0


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    found = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)
    }
    wide = " with AVX-512" if "avx512f" in found.get("flags", "").split() else ""
    return found.get("model name", platform.machine()) + wide


def parse(parser, sections, folder: Path, rounds: int):
    """Parse the options that all scripts share."""

    def choose(text: str) -> list[str]:
        names = [] if text == "none" else text.split(",")
        if unknown := sorted(set(names) - set(sections)):
            known = ", ".join(sections)
            parser.error(f"unknown section: {', '.join(unknown)}; choose from {known}, or none")
        return [name for name in sections if name in names]

    parser.add_argument("--only", type=choose, default=list(sections), metavar="SECTION,...")
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, default=folder)
    parser.add_argument("--quick", action="store_true", help="small sizes, to test the script")
    options = parser.parse_args()
    if options.rounds < 1 or options.threads < 1:
        parser.error("--rounds and --threads must be at least 1")
    return options
