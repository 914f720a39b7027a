"""Measure the speed of searches: against optuna-integration, with pruning, and in parallel.

Usage: ``python benchmarks/search.py [--only peers,jobs] [--rounds 3] [--out DIR] [--quick]``

In each round of a section, all searches use the same space, seed, number of trials and 3 folds.
They hold out a tenth of each fold's training images, and train the simple network on the first
images of MNIST with Adam:

- ``peers``: this package's ``OptunaSearchCV`` with and without pruning, and that of
  optuna-integration with scikeras's ``KerasClassifier``, which does not support pruning;
- ``pruning``: longer trials with the default pruner and with ``pruner=None``, with another seed in
  each round;
- ``jobs``: two parallel trials compared with sequential trials, after a search that has compiled
  the program in every worker.

Each search runs in its own process with all cores; compiling and the refit are timed, importing is
not. The order changes from round to round, and ratios are computed within a round. Scores are the
mean accuracy on the folds of the best trial, and the accuracy of the refit on the 10,000 test
images.

Results are written to ``search.json`` and ``search.rst``. Sections of an earlier run are kept;
``--only none`` only writes the tables again.
"""

import argparse
import os
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from _peers import BATCH, HELD_OUT, take
from _tables import Goal, measure, page, parse, turns

NAMES = {
    "ours": "skmnist",
    "unpruned": "skmnist, pruner=None",
    "theirs": "optuna-integration over scikeras",
    "two": "skmnist, n_jobs=2",
}
PACKAGES = ["tensorflow", "keras", "scikeras", "scikit-learn", "optuna", "optuna-integration"]
QUICK = {"n_trials": 4, "epochs": 2, "rows": 1000}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options = parse(parser, SECTIONS, Path(__file__).parent / "results", rounds=3)
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
    sections = {
        name: (partial(measure_searches, peers), size | (QUICK if options.quick else {}))
        for name, (peers, size) in SECTIONS.items()
    }
    found = measure(sections, goals, options, PACKAGES, options.out / "search.json")
    (options.out / "search.rst").write_text(page(found, goals()))


def measure_searches(peers, rounds, **size):
    for round in range(rounds):
        for peer in turns(peers, round):
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                found = pool.submit(run, peer, seed=round, **size).result()
            for figure, value in found.items():
                yield figure, "simple", peer, round, value


SECTIONS = {
    "peers": (["ours", "unpruned", "theirs"], {"rows": 10_000, "n_trials": 20, "epochs": 5}),
    "pruning": (["ours", "unpruned"], {"rows": 10_000, "n_trials": 30, "epochs": 20}),
    "jobs": (["unpruned", "two"], {"rows": 20_000, "n_trials": 8, "epochs": 10, "warm_up": True}),
}


def goals():
    def faster(slow, fast):
        return lambda f: f["seconds", "simple", slow] / f["seconds", "simple", fast]

    for section, text, limit, slow, fast in (
        ("peers", f"times faster than {NAMES['theirs']}", 5, "theirs", "ours"),
        ("peers", "the same without pruning", 5, "theirs", "unpruned"),
        ("pruning", "with pruning, times faster than without", 2, "unpruned", "ours"),
        ("jobs", "n_jobs=2, times faster than 1", 1.3, "unpruned", "two"),
    ):
        yield Goal(section, text, ">=", limit, "x", faster(slow, fast))

    def lost(figure, other):
        return lambda f: 100 * (f[figure, "simple", other] - f[figure, "simple", "ours"])

    for section, other in (("peers", "theirs"), ("pruning", "unpruned")):
        for figure in ("best score", "test accuracy"):
            text = f"{figure} lost against {NAMES[other]}"
            yield Goal(section, text, "<=", 0.3, "points", lost(figure, other))


# The rest of the module runs in a separate process.


def run(peer, seed, rows, n_trials, epochs, warm_up=False):
    """Run a search; return its time in seconds and its scores."""
    import scikeras.wrappers  # noqa: F401 - imports tensorflow, which is not timed

    warnings.simplefilter("ignore")
    X, y, X_test, y_test = take(rows, 10_000)
    make = make_theirs if peer == "theirs" else partial(make_ours, peer)
    if warm_up:  # compile the program, with another seed
        make(seed=seed + 1000, n_trials=4, epochs=1, widths=False).fit(X, y)
    search = make(seed=seed, n_trials=n_trials, epochs=epochs, widths=not warm_up)
    started = time.perf_counter()
    search.fit(X, y)
    return {
        "seconds": time.perf_counter() - started,
        "best score": float(search.best_score_),
        "test accuracy": float((search.predict(X_test) == y_test).mean()),
    }


def make_space(learning_rate, widths):
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    space = {
        "dropout": FloatDistribution(0.0, 0.5),
        "l2": FloatDistribution(1e-6, 1e-3, log=True),
        learning_rate: FloatDistribution(3e-4, 3e-3, log=True),
    }
    if widths:  # each requires compiling another program
        space["hidden_units"] = CategoricalDistribution([64, 128, 256, 512])
    return space


def make_folds(seed):
    from sklearn.model_selection import StratifiedKFold

    return StratifiedKFold(3, shuffle=True, random_state=seed)


def make_ours(peer, seed, n_trials, epochs, widths):
    import optuna

    from skmnist import OptunaSearchCV, SimpleNNClassifier

    network = SimpleNNClassifier(
        epochs=epochs, batch_size=BATCH, validation_fraction=HELD_OUT, random_state=seed
    )
    return OptunaSearchCV(
        network,
        make_space("learning_rate", widths),
        n_trials=n_trials,
        cv=make_folds(seed),
        sampler=optuna.samplers.TPESampler(seed=seed),
        n_jobs=2 if peer == "two" else None,
        random_state=seed,
        **({} if peer == "ours" else {"pruner": None}),
    )


def make_theirs(seed, n_trials, epochs, widths):
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
    sampler = optuna.samplers.TPESampler(seed=seed)
    return OptunaSearchCV(
        network,
        make_space("optimizer__learning_rate", widths),
        n_trials=n_trials,
        cv=make_folds(seed),
        study=optuna.create_study(direction="maximize", sampler=sampler),
    )


def build_network(hidden_units, dropout, l2):
    import keras

    penalty = partial(keras.regularizers.L2, l2)
    return keras.Sequential(
        [
            keras.layers.Input((784,)),
            keras.layers.Dense(hidden_units, "relu", kernel_regularizer=penalty()),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(10, "softmax", kernel_regularizer=penalty()),
        ]
    )


if __name__ == "__main__":
    main()
