"""What is asked of the figures, and what came of it: ratios within a round, then their median."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from _peers import NAMES
from _sections import NETWORKS

Values = dict[int, float]  # a value for each round


class Figures:
    """The records of a section, to look figures up in."""

    def __init__(self, records: list[dict[str, Any]]) -> None:
        self.records = records

    def of(self, figure: str, peer: str = "skmnist", network: str = "") -> Values:
        return {
            r["round"]: r["value"]
            for r in self.records
            if (r["figure"], r["peer"], r["network"]) == (figure, peer, network)
        }

    def names(self, *keys: str) -> list[tuple[str, ...]]:
        """Return what stands under these keys, each combination once, in order of measurement."""
        return list(dict.fromkeys(tuple(r[key] for key in keys) for r in self.records))


def ratio(top: Values, bottom: Values) -> list[float]:
    return [top[round] / bottom[round] for round in sorted(top.keys() & bottom.keys())]


@dataclass(frozen=True)
class Goal:
    """A sentence with a limit; `values` looks up one value per round."""

    section: str
    text: str
    sign: str  # "<=" or ">="
    limit: float
    unit: str  # "x" or "s", or "" for a count
    values: Callable[[Figures], list[float]]

    def judge(self, figures: Figures) -> "Judged | None":
        values = self.values(figures)
        return Judged(self, values) if values else None


@dataclass(frozen=True)
class Judged:
    """A goal, and what was measured."""

    goal: Goal
    values: list[float]

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def met(self) -> bool:
        if self.goal.sign == "<=":
            return self.median <= self.goal.limit
        return self.median >= self.goal.limit

    def cells(self) -> list[str]:
        """Return the row of the table: figure, goal, measured, spread, met or missed."""
        goal = self.goal

        def text(value: float, digits: int) -> str:
            return f"{value:.{digits}f} {goal.unit}".strip()

        digits = 0 if not goal.unit else 3 if goal.unit == "s" else 2
        return [
            goal.text,
            f"{goal.sign} {goal.limit:g} {goal.unit}".strip(),
            text(self.median, digits),
            f"{min(self.values):.{digits}f} - {max(self.values):.{digits}f}",
            "met" if self.met else "missed",
        ]


def goals() -> list[Goal]:
    """Return all goals, in order of weight."""
    return [*_epoch(), *_cold(), *_predict(), *_fit(), *_cv(), *_options(), *_memory(), *_small()]


def _compared(figure: str, top: str, bottom: str, network: str) -> Any:
    return lambda f: ratio(f.of(figure, top, network), f.of(figure, bottom, network))


def _epoch() -> list[Goal]:
    faster = {"scikeras": (4.5, 2.3), "keras": (4.5, 2.3), "skorch": (1.8, 1.3), "mlp": (2, 3)}
    found = []
    for at, network in enumerate(NETWORKS):
        for peer, limits in faster.items():
            text = f"{network}: an epoch, times faster than {NAMES[peer]}"
            values = _compared("epoch", peer, "skmnist", network)
            found.append(Goal("epoch", text, ">=", limits[at], "x", values))
        text = f"{network}: an epoch, times {NAMES['floor']}"
        values = _compared("epoch", "skmnist", "floor", network)
        found.append(Goal("epoch", text, "<=", 1.4, "x", values))
    return found


def _cold() -> list[Goal]:
    def beyond_sklearn(f: Figures) -> list[float]:
        ours, theirs = f.of("import", "SimpleNNClassifier"), f.of("import", "sklearn")
        return [ours[round] - theirs[round] for round in ours.keys() & theirs.keys()]

    return [
        Goal("cold", "import skmnist", "<=", 0.3, "s", lambda f: list(f.of("import").values())),
        Goal(
            "cold",
            "from skmnist import SimpleNNClassifier, beyond import sklearn",
            "<=",
            0.2,
            "s",
            beyond_sklearn,
        ),
        Goal(
            "cold",
            "a new process loads a Pipeline and predicts: share of scikeras's time",
            "<=",
            0.25,
            "x",
            _compared("load and predict", "skmnist", "scikeras", "simple"),
        ),
        Goal(
            "cold",
            "the same: times that tensorflow was imported",
            "<=",
            0,
            "",
            lambda f: list(f.of("imports tensorflow", network="simple").values()),
        ),
    ]


def _predict() -> list[Goal]:
    asked = (("predict 1", "1 row", 1.5), ("predict many", "10,000 rows", 1))
    return [
        Goal(
            "predict",
            f"{network}: predict_proba of {rows}, times {NAMES['mlp']}",
            "<=",
            limit,
            "x",
            _compared(figure, "skmnist", "mlp", network),
        )
        for network in NETWORKS
        for figure, rows, limit in asked
    ]


def _fit() -> list[Goal]:
    limits = {"first fit": 1.5, "further fit": 0.1, "further fit, other rows": 0.1}
    return [
        Goal(
            "fit",
            f"{network}: beyond the epochs of a {figure}",
            "<=",
            limit,
            "s",
            lambda f, figure=figure, network=network: list(f.of(figure, network=network).values()),
        )
        for network in NETWORKS
        for figure, limit in limits.items()
    ]


def _cv() -> list[Goal]:
    return [
        Goal(
            "cv",
            f"simple: 5-fold cross-validation, times faster than {NAMES[peer]}",
            ">=",
            limit,
            "x",
            _compared("cv", peer, "skmnist", "simple"),
        )
        for peer, limit in (("scikeras", 4), ("mlp", 2))
    ]


def _options() -> list[Goal]:
    return [
        Goal(
            "options",
            f"{network}: an epoch with {option.replace('_', ' ')}, times one without",
            "<=",
            1.15,
            "x",
            lambda f, option=option, network=network: ratio(
                f.of(option, network=network), f.of("plain", network=network)
            ),
        )
        for network in NETWORKS
        for option in ("dropout", "l2", "sample_weight", "validation")
    ]


def scaling_rows(f: Figures, network: str) -> list[int]:
    return sorted(
        int(figure.split()[1])
        for figure, found in f.names("figure", "network")
        if figure.startswith("scaling") and found == network
    )


def _linear(network: str) -> Callable[[Figures], list[float]]:
    """Seconds per row at the largest number of rows, times those at the smallest."""

    def values(f: Figures) -> list[float]:
        rows = scaling_rows(f, network)
        if not rows:
            return []
        few, many = (f.of(f"scaling {n}", network=network) for n in (rows[0], rows[-1]))
        return [value * rows[0] / rows[-1] for value in ratio(many, few)]

    return values


def _memory() -> list[Goal]:
    found = []
    for network in NETWORKS:
        for which in ("first", "further"):
            found.append(
                Goal(
                    "memory",
                    f"{network}: peak memory of the {which} fit, times X in float32",
                    "<=",
                    1.2,
                    "x",
                    lambda f, which=which, network=network: list(
                        f.of(f"memory, {which}", network=network).values()
                    ),
                )
            )
        found.append(
            Goal(
                "memory",
                f"{network}: seconds a row with ten times the rows, times those with 60,000",
                "<=",
                1.1,  # ours to choose: "linearly" has no figure
                "x",
                _linear(network),
            )
        )
    return found


def _small() -> list[Goal]:
    return [
        Goal(
            "small",
            f"{network}: a further fit on {data}, times faster than {NAMES['mlp']}",
            ">=",
            1,
            "x",
            _compared(f"{data}, further fit", "mlp", "skmnist", network),
        )
        for network in NETWORKS
        for data in ("digits", "iris")
    ]


def breaks_even(f: Figures, network: str, data: str) -> float:
    """Return after how many epochs the first fit of a process has overtaken MLPClassifier's.

    A fit is taken as what lies beyond its epochs and so many times an epoch. Infinite where our
    epoch is the slower one.
    """

    def middle(figure: str, peer: str) -> float:
        return median(f.of(f"{data}, {figure}", peer, network).values())

    gained = middle("epoch", "mlp") - middle("epoch", "skmnist")
    spent = middle("first fit beyond epochs", "skmnist") - middle("first fit beyond epochs", "mlp")
    return max(0.0, spent / gained) if gained > 0 else float("inf")
