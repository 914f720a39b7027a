"""How fast a search is: against optuna-integration, by pruning, by trials at once.

Usage: ``python benchmarks/search.py [--only peers,jobs] [--rounds 3] [--out DIR] [--quick]``

Measured are, on the first images of MNIST (10,000, for ``jobs`` 20,000), searches of the simple
network on 3 folds:

- ``peers``: 20 trials of 5 epochs, ours as it is, ours without pruning, and optuna-integration's
  ``OptunaSearchCV`` over scikeras' ``KerasClassifier``, which can prune nothing here;
- ``pruning``: 30 trials of 20 epochs, with the median pruner and with ``pruner=None``, each round
  from a seed of its own;
- ``jobs``: 8 trials of 10 epochs, two at once and one after another, after a search that has
  compiled the program in every worker.

All have one space, seed, number of trials and folds, hold out a tenth of each fold's training
images, and train in batches by Adam. Each search runs in a process of its own, importing is not
timed, compiling and the refit are. They take turns in an order that changes from round to round; a
ratio is taken within a round. Scores are the mean accuracy on the folds of the best trial, and the
accuracy of the refit on the 10,000 test images.

Everything lands in ``search.json`` and ``search.md``; sections of an earlier run are kept when
others are measured. ``--only none`` writes the table anew and measures nothing.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import warnings
from datetime import date
from functools import partial
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]  # the skmnist beside this file

NAMES = {
    "ours": "skmnist",
    "unpruned": "skmnist, pruner=None",
    "theirs": "optuna-integration over scikeras",
    "two": "skmnist, n_jobs=2",
}
SECTIONS = {
    "peers": (["ours", "unpruned", "theirs"], {"rows": 10_000, "n_trials": 20, "epochs": 5}),
    "pruning": (["ours", "unpruned"], {"rows": 10_000, "n_trials": 30, "epochs": 20}),
    "jobs": (
        ["unpruned", "two"],
        {"rows": 20_000, "n_trials": 8, "epochs": 10, "warm_up": True},
    ),
}
QUICK = {"n_trials": 4, "epochs": 2, "rows": 1000}
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
FOLDS, BATCH, HELD_OUT = 3, 128, 0.1


def main():
    options = parse()
    from _goals import Figures
    from _sections import record, turns
    from _write import HEAD, markdown

    from skmnist._files import write_whole

    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "search.json"
    result = json.loads(path.read_text()) if path.exists() else {"sections": {}}
    for name in options.only:
        peers, size = SECTIONS[name]
        size = {**size, **(QUICK if options.quick else {})}
        records, machine = [], told_machine()
        for round in range(options.rounds):
            for peer in turns(peers, round):
                for figure, value in run_alone(peer, seed=round, **size).items():
                    records.append(record(figure, peer, "simple", round, value))
                    print(f"  round {round}  {peer:9} {figure:15} {value:.4f}", flush=True)
        result["sections"][name] = {
            "date": date.today().isoformat(),
            "quick": options.quick,
            "rounds": options.rounds,
            "size": size,
            "machine": machine,
            "records": records,
        }
        write_whole(path, json.dumps(result, indent=1) + "\n")
        print(markdown(HEAD, goal_rows(name, Figures(records))), flush=True)
    path.with_suffix(".md").write_text(page(result))


def parse():
    from speed import sections

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    choose = partial(sections, known=SECTIONS)
    parser.add_argument("--only", type=choose, default=list(SECTIONS), metavar="SECTION,...")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    parser.add_argument("--quick", action="store_true", help="small parts, to see that it runs")
    parser.add_argument("--task", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        print(json.dumps(measure(**options.task)))
        sys.exit()
    return options


def told_machine():
    from speed import machine, version

    told = machine(os.cpu_count(), os.getloadavg()[0])
    told["versions"] |= {name: version(name) for name in ("optuna", "optuna-integration")}
    return told


def run_alone(peer, **size):
    """Measure in a new process, which has all cores and no limit of threads."""
    env = {name: value for name, value in os.environ.items() if name not in THREADS}
    env |= {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
    task = json.dumps({"peer": peer, **size})
    done = subprocess.run(
        [sys.executable, __file__, "--task", task], env=env, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"the process of {peer} failed:\n{done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1])


# What is asked of the figures, and how it is told.


def goal_rows(section, f):
    """Return the rows of the goals that were measured."""
    from _goals import Goal, ratio

    def faster(slow, fast):
        return lambda f: ratio(f.of("seconds", slow, "simple"), f.of("seconds", fast, "simple"))

    def worse(other, ours, figure):
        def values(f):
            theirs, mine = f.of(figure, other, "simple"), f.of(figure, ours, "simple")
            return [100 * (theirs[round] - mine[round]) for round in mine]

        return values

    def scores(other, ours):
        return [
            (f"{text} lost against {NAMES[other]}, points", "<=", 0.3, "", worse(other, ours, at))
            for at, text in (("best score", "best score"), ("test accuracy", "test accuracy"))
        ]

    goals = {
        "peers": [
            (f"times faster than {NAMES['theirs']}", ">=", 5, "x", faster("theirs", "ours")),
            ("the same without pruning", ">=", 5, "x", faster("theirs", "unpruned")),
            *scores("theirs", "ours"),
        ],
        "pruning": [
            ("with pruning, times faster than without", ">=", 2, "x", faster("unpruned", "ours")),
            *scores("unpruned", "ours"),
        ],
        "jobs": [("n_jobs=2, times faster than 1", ">=", 1.3, "x", faster("unpruned", "two"))],
    }
    rows = []
    for text, sign, limit, unit, values in goals[section]:
        judged = Goal(section, text, sign, limit, unit, values).judge(f)
        cells = judged.cells()
        if not unit:  # points of accuracy have decimals
            cells[2] = f"{judged.median:+.2f}"
            cells[3] = f"{min(judged.values):+.2f} - {max(judged.values):+.2f}"
        rows.append(cells)
    return rows


def page(result):
    from _goals import Figures
    from _write import HEAD, VALUE_HEAD, conditions, markdown, value_table

    told = result["sections"]
    rows = [row for name in told for row in goal_rows(name, Figures(told[name]["records"]))]
    parts = ["# Searches, side by side", *conditions(told), markdown(HEAD, rows)]
    for name, section in told.items():
        size = ", ".join(f"{key} {value}" for key, value in section["size"].items())
        values = [[*row[:2], NAMES[row[2]], *row[3:]] for row in value_table(section)]
        parts += [f"## {name} ({size})", markdown(VALUE_HEAD, values)]
    return "\n\n".join(parts) + "\n"


# The rest runs in a process of its own.


def measure(peer, seed, rows, n_trials, epochs, warm_up=False):
    """Run a search; return its seconds and scores."""
    import scikeras.wrappers  # noqa: F401 - and with it tensorflow, which is not timed
    from _peers import take

    warnings.simplefilter("ignore")
    X, y, X_test, y_test = take(rows, 10_000)
    make = make_theirs if peer == "theirs" else make_ours
    if warm_up:
        # another seed, so that nothing but the compiled program is known already
        make(peer, seed=seed + 1000, n_trials=4, epochs=1, widths=False).fit(X, y)
    search = make(peer, seed=seed, n_trials=n_trials, epochs=epochs, widths=not warm_up)
    started = time.perf_counter()
    search.fit(X, y)
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "best score": float(search.best_score_),
        "test accuracy": float((search.predict(X_test) == y_test).mean()),
    }


def make_space(learning_rate, *, widths):
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    space = {
        "dropout": FloatDistribution(0.0, 0.5),
        "l2": FloatDistribution(1e-6, 1e-3, log=True),
        learning_rate: FloatDistribution(3e-4, 3e-3, log=True),
    }
    if widths:  # each of which is a program to compile
        space["hidden_units"] = CategoricalDistribution([64, 128, 256, 512])
    return space


def make_folds(seed):
    from sklearn.model_selection import StratifiedKFold

    return StratifiedKFold(FOLDS, shuffle=True, random_state=seed)


def make_ours(peer, *, seed, n_trials, epochs, widths):
    import optuna

    from skmnist import OptunaSearchCV, SimpleNNClassifier

    network = SimpleNNClassifier(
        epochs=epochs, batch_size=BATCH, validation_fraction=HELD_OUT, random_state=seed
    )
    return OptunaSearchCV(
        network,
        make_space("learning_rate", widths=widths),
        n_trials=n_trials,
        cv=make_folds(seed),
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner="best_median" if peer == "ours" else None,
        n_jobs=2 if peer == "two" else None,
        random_state=seed,
    )


def make_theirs(peer, *, seed, n_trials, epochs, widths):
    import optuna
    from optuna_integration import OptunaSearchCV
    from scikeras.wrappers import KerasClassifier

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    network = KerasClassifier(
        model=build_network,
        hidden_units=128,
        dropout=0.0,
        l2=0.0,
        loss="sparse_categorical_crossentropy",
        optimizer="adam",
        optimizer__learning_rate=1e-3,
        metrics=["accuracy"],
        batch_size=BATCH,
        epochs=epochs,
        fit__validation_split=HELD_OUT,
        verbose=0,
        random_state=seed,
    )
    return OptunaSearchCV(
        network,
        make_space("optimizer__learning_rate", widths=widths),
        n_trials=n_trials,
        cv=make_folds(seed),
        study=optuna.create_study(
            direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed)
        ),
    )


def build_network(hidden_units, dropout, l2):
    import keras

    return keras.Sequential(
        [
            keras.layers.Input((784,)),
            keras.layers.Dense(hidden_units, "relu", kernel_regularizer=keras.regularizers.L2(l2)),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(10, "softmax", kernel_regularizer=keras.regularizers.L2(l2)),
        ]
    )


if __name__ == "__main__":
    main()
