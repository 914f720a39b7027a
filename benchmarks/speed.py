"""Compare the speed and memory of the classifiers with other libraries and with goals.

Usage: ``python benchmarks/speed.py [--only epoch,cold] [--rounds 5] [--out DIR] [--quick]``

The peers (``_peers.py``) are scikeras, Keras, scikit-learn's ``MLPClassifier``, skorch, and the
matrix products alone; install them with ``pip install 'skmnist[benchmark]'``. Each runs in its own
process on all of MNIST, with the same network, batch size, optimizer, epochs, threads and
validation rows; only the sections ``small`` and ``accuracy`` differ in this. The order changes from
round to round. Importing tensorflow and torch is only timed in the sections ``cold`` and
``accuracy``. Ratios are computed within a round; the median, minimum and maximum over the rounds
are reported. Times are only meaningful if no other programs run.

Results are written to ``speed.json``, ``speed.rst`` and ``speed.png``. Sections of an earlier run
are kept; ``--only none`` only writes the tables again. With 5 rounds on 2 cores, ``accuracy`` takes
about half an hour, and all other sections together about an hour.
"""

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median

import _accuracy
import _worker
import numpy as np
import pandas as pd
from _peers import NAMES
from _tables import Goal, make_frame, measure, page, parse, rst, turns
from _worker import worker

HERE = Path(__file__).parent
NETWORKS = ("simple", "deep")
PACKAGES = ["tensorflow", "keras", "scikeras", "scikit-learn", "skorch", "torch", "numpy"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options = parse(parser, SECTIONS, HERE / "results", rounds=5)
    if options.only and not importlib.util.find_spec("skorch"):
        sys.exit("skorch and torch are required: pip install 'skmnist[benchmark]'")
    _worker.set_environment(options.threads)
    path = options.out / "speed.json"
    sections = {
        name: (function, size | (QUICK.get(name, {}) if options.quick else {}))
        for name, (function, size) in SECTIONS.items()
    }
    found = measure(sections, goals, options, PACKAGES, path)
    text = page(found, goals())
    if "accuracy" in found:
        text += "\n" + rst(*_accuracy.tabulate(make_frame(found["accuracy"]))) + "\n"
    if "small" in found:
        text += "\n" + "".join(f"- {line}\n" for line in break_even(make_frame(found["small"])))
    path.with_suffix(".rst").write_text(text)
    draw(found, path.with_suffix(".png"))


# Sections are generators of (figure, network, peer, round, value).


def measure_epoch(rounds, rows, test_rows, epochs):
    """Measure an epoch after the first."""
    with ExitStack() as stack:
        workers = [stack.enter_context(worker(peer)) for peer in NAMES]
        for network in NETWORKS:
            for round in range(rounds):
                for do in turns(workers, round):
                    found = do(
                        _worker.fit,
                        network=network,
                        rows=rows,
                        test_rows=test_rows,
                        epochs=epochs,
                        # MLPClassifier chooses its validation rows itself
                        measure_accuracy=round == 0 and do.peer not in ("mlp", "floor"),
                    )
                    yield "epoch", network, do.peer, round, found["epoch"]
                    if "accuracy" in found:
                        yield "accuracy", network, do.peer, round, found["accuracy"]


# "sklearn estimator" has the imports that every estimator needs.
IMPORTS = {
    "python": "pass",
    "numpy": "import numpy",
    "skmnist": "import skmnist",
    "sklearn": "import sklearn",
    "sklearn estimator": (
        "from sklearn.base import BaseEstimator, ClassifierMixin\n"
        "from sklearn.utils.validation import validate_data, check_is_fitted"
    ),
    "MLPClassifier": "from sklearn.neural_network import MLPClassifier",
    "SimpleNNClassifier": "from skmnist import SimpleNNClassifier",
    "scikeras": "from scikeras.wrappers import KerasClassifier",
}
TIMED = "import time\nstart = time.perf_counter()\n{}\nprint(time.perf_counter() - start)"
LOAD_AND_PREDICT = """
import sys
import numpy, joblib
X = numpy.load(sys.argv[2])
labels = joblib.load(sys.argv[1]).predict(X)
assert labels.shape == (len(X),)
print(int('tensorflow' in sys.modules))
"""


def measure_cold(rounds):
    """Measure new processes that import modules, or load a Pipeline to predict.

    Files are in the cache of the operating system.
    """
    from skmnist import load_mnist

    with tempfile.TemporaryDirectory() as folder:
        images = f"{folder}/images.npy"
        np.save(images, load_mnist().X_test[:1000])
        runs = {name: [TIMED.format(code)] for name, code in IMPORTS.items()}
        for peer in ("skmnist", "scikeras", "mlp"):
            path = f"{folder}/{peer}.joblib"
            with worker(peer) as do:
                do(_worker.save_pipeline, path=path, rows=2000)
            runs[f"load {peer}"] = [LOAD_AND_PREDICT, path, images]
        for round in range(-1, rounds):  # the first one fills the caches
            for name in turns(list(runs), round):
                started = time.perf_counter()
                command = [sys.executable, "-c", *runs[name]]
                done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=True)
                wall, value = time.perf_counter() - started, float(done.stdout.split()[-1])
                if round < 0:
                    continue
                if name in IMPORTS:
                    yield "import", "", name, round, value
                    yield "process", "", name, round, wall
                else:
                    peer = name.removeprefix("load ")
                    yield "load and predict", "simple", peer, round, wall
                    yield "imports tensorflow", "simple", peer, round, value
        for round in range(-1, rounds):  # the first one fills the cache of compiled programs
            seconds = time_compare(folder)
            if round >= 0:
                yield "compare", "simple", "skmnist", round, seconds


def time_compare(folder):
    """Return the seconds from starting ``skmnist compare`` to the start of the first epoch.

    The command writes a line after each epoch. The time from the first to the second line is
    subtracted from the time until the first line.
    """
    started = time.perf_counter()
    command = [sys.executable, "-m", "skmnist", "compare"]
    environment = os.environ | {"SKMNIST_PROGRAM_CACHE": f"{folder}/programs"}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        ends = []
        for line in process.stderr:
            if re.match(rb"NN \d+/", line):
                ends.append(time.perf_counter() - started)
            if len(ends) == 2:
                break
        process.kill()
    return 2 * ends[0] - ends[1]


def measure_predict(rounds, rows, repetitions):
    """Measure `predict_proba` of one row and of many."""
    with ExitStack() as stack:
        workers = [stack.enter_context(worker(p)) for p in ("skmnist", "mlp", "scikeras", "skorch")]
        for network in NETWORKS:
            for round in range(rounds):
                for figure, n, times in (("predict 1", 1, repetitions), ("predict many", rows, 20)):
                    for do in turns(workers, round):
                        # a call of scikeras takes 45 ms
                        times_ = max(5, times // (20 if do.peer == "scikeras" else 1))
                        task = {"network": network, "rows": n, "repetitions": times_}
                        yield figure, network, do.peer, round, do(_worker.predict, **task)


def measure_fit(rounds, rows, epochs):
    """Measure the time beyond the epochs of the first fit in a process and of further ones."""
    # a deep fit of the others takes minutes, and no goal refers to it
    peers = {"simple": ["skmnist", "scikeras", "mlp", "skorch"], "deep": ["skmnist", "skorch"]}
    # in cross-validation, too, the number of rows varies slightly
    numbers = [rows] * 4 + [rows - 1, rows - 10, int(rows * 0.99)]
    for network in NETWORKS:
        task = {"network": network, "test_rows": None, "epochs": epochs}
        with tempfile.TemporaryDirectory() as cache:
            for round in range(-1, rounds):  # the first one fills the cache
                with worker("skmnist", cache=cache) as do:
                    beyond = do(_worker.fit, rows=rows, **task)["beyond"]
                if round >= 0:
                    yield "first fit, cached program", network, "skmnist", round, beyond
        for round in range(rounds):
            for peer in turns(peers[network], round):
                with worker(peer) as do:
                    beyond = [do(_worker.fit, rows=n, **task)["beyond"] for n in numbers]
                yield "first fit", network, peer, round, beyond[0]
                yield "further fit", network, peer, round, median(beyond[1:4])
                yield "further fit, other rows", network, peer, round, median(beyond[4:])


def measure_cv(rounds, rows, epochs):
    """Measure 5-fold cross-validation of the simple network in new processes."""
    for round in range(rounds):
        for peer in turns(["skmnist", "scikeras", "mlp"], round):
            with worker(peer) as do:
                found = do(_worker.cross_validate, rows=rows, epochs=epochs)
            for figure, value in found.items():
                yield figure, "simple", peer, round, value


OPTIONS = ("plain", "dropout", "l2", "sample_weight", "validation")
OTHERS = ("inked_pixels",)  # no goal refers to them


def measure_options(rounds, rows, test_rows, epochs):
    """Measure an epoch with dropout, l2, sample weights, validation, and fewer pixels."""
    with worker("skmnist") as do:
        for network in NETWORKS:
            for round in range(-1, rounds):  # the first one compiles
                for option in turns([*OPTIONS, *OTHERS], round):
                    n_test = test_rows if option == "validation" else 0
                    task = {"network": network, "rows": rows, "epochs": epochs}
                    found = do(_worker.fit, test_rows=n_test, option=option, **task)
                    if round >= 0:
                        yield option, network, "skmnist", round, found["epoch"]


def measure_memory(rounds, rows):
    """Measure the peak memory of a fit."""
    for network in NETWORKS:
        for round in range(rounds):
            for peer in turns(["skmnist", "scikeras", "mlp", "skorch"], round):
                with worker(peer) as do:
                    found = do(_worker.memory, network=network, rows=rows)
                for figure, value in found.items():
                    yield figure, network, peer, round, value


def measure_scaling(rounds, scaling):
    """Measure epochs of up to 600,000 rows."""
    with worker("skmnist") as do:
        for network in NETWORKS:
            for round in range(rounds):
                for n in turns(list(scaling), round):
                    found = do(_worker.fit, network=network, rows=n, test_rows=None, epochs=2)
                    yield f"scaling {n}", network, "skmnist", round, found["epoch"]


def measure_small(rounds, epochs):
    """Measure the first fit in a process and further ones on load_digits and iris."""
    for network in NETWORKS:
        for round in range(rounds):
            for data in ("digits", "iris"):
                for peer in turns(["skmnist", "mlp"], round):
                    task = {"network": network, "data": data, "epochs": epochs}
                    with worker(peer) as do:
                        first, *more = [do(_worker.fit_small, **task) for _ in range(6)]
                    further = {key: median(fit[key] for fit in more) for key in first}
                    for figure, value in {
                        "first fit": first["whole"],
                        "first fit beyond epochs": first["beyond"],
                        "further fit": further["whole"],
                        "epoch": further["epoch"],
                    }.items():
                        yield f"{data}, {figure}", network, peer, round, value


def measure_accuracy(rounds, rows, scale):
    """Measure the time to reach each accuracy, and to start a new process."""
    for round in range(rounds):
        for peer in turns(list(_accuracy.NAMES), round):
            if round and peer not in _accuracy.FAST:
                continue  # the others take minutes
            started = time.perf_counter()
            with worker(_accuracy.LOADED.get(peer, "mlp")) as do:
                yield "import", "", peer, round, time.perf_counter() - started
                task = {"peer": peer, "seed": round, "n_rows": rows, "scale": scale}
                for network, attempt, *values in do(_worker.reach, **task):
                    for figure, value in zip(_accuracy.MEASURED, values, strict=True):
                        yield f"{figure}: {attempt}", network, peer, round, value


# The first epoch is not measured.
MNIST = {"rows": 60_000, "test_rows": 10_000, "epochs": 4}
SCALING = (60_000, 120_000, 240_000, 420_000, 600_000)
SECTIONS = {
    "epoch": (measure_epoch, MNIST),
    "cold": (measure_cold, {}),
    "predict": (measure_predict, {"rows": 10_000, "repetitions": 2000}),
    "fit": (measure_fit, {"rows": 60_000, "epochs": 4}),
    "cv": (measure_cv, {"rows": 60_000, "epochs": 10}),
    "options": (measure_options, MNIST),
    "memory": (measure_memory, {"rows": 60_000}),
    "scaling": (measure_scaling, {"scaling": SCALING}),
    "small": (measure_small, {"epochs": 100}),
    "accuracy": (measure_accuracy, {"rows": 60_000, "scale": 1.0}),
}
QUICK = {
    "epoch": {"rows": 6_000, "test_rows": 1_000, "epochs": 3},
    "predict": {"rows": 1_000, "repetitions": 50},
    "fit": {"rows": 6_000, "epochs": 3},
    "cv": {"rows": 6_000, "epochs": 2},
    "options": {"rows": 6_000, "test_rows": 1_000, "epochs": 3},
    "memory": {"rows": 6_000},
    "scaling": {"scaling": (3_000, 6_000, 12_000)},
    "small": {"epochs": 5},
    "accuracy": {"rows": 3_000, "scale": 0.1},
}


def goals():
    """Yield all goals."""

    def ratio(top, bottom):
        return lambda f: f[top] / f[bottom]

    def value(*column):
        return lambda f: f[column]

    def linear(network):
        """Divide the time per row for the largest number of rows by that for the smallest."""

        def values(f):
            rows = scaling_rows(f, network)
            few, many = (f[f"scaling {n}", network, "skmnist"] / n for n in (rows[0], rows[-1]))
            return many / few

        return values

    faster = {"simple": (4.5, 4.5, 1.8, 2), "deep": (2.3, 2.3, 1.3, 3)}
    for net in NETWORKS:
        ours = ("epoch", net, "skmnist")
        for peer, limit in zip(("scikeras", "keras", "skorch", "mlp"), faster[net], strict=True):
            text = f"epoch, speedup over {NAMES[peer]}"
            yield Goal("epoch", text, ">=", limit, "x", ratio(("epoch", net, peer), ours), net)
        text = f"epoch, time relative to {NAMES['floor']}"
        yield Goal("epoch", text, "<=", 1.4, "x", ratio(ours, ("epoch", net, "floor")), net)
    yield Goal("cold", "import skmnist", "<=", 0.3, "s", value("import", "", "skmnist"))
    text = "import of SimpleNNClassifier, in addition to that of sklearn"
    ours, theirs = ("import", "", "SimpleNNClassifier"), ("import", "", "sklearn")
    yield Goal("cold", text, "<=", 0.2, "s", lambda f: f[ours] - f[theirs])
    text = "new process that loads a Pipeline and predicts: time relative to scikeras"
    columns = [("load and predict", "simple", peer) for peer in ("skmnist", "scikeras")]
    yield Goal("cold", text, "<=", 0.25, "x", ratio(*columns))
    text = "the same: imports of tensorflow"
    yield Goal("cold", text, "<=", 0, "", value("imports tensorflow", "simple", "skmnist"))
    text = "skmnist compare: time from pressing Enter to the first epoch, cached program"
    yield Goal("cold", text, "<=", 4, "s", value("compare", "simple", "skmnist"))
    for net in NETWORKS:
        for figure, rows, limit in (
            ("predict 1", "1 row", 1.5),
            ("predict many", "10,000 rows", 1),
        ):
            text = f"predict_proba of {rows}, time relative to {NAMES['mlp']}"
            columns = [(figure, net, peer) for peer in ("skmnist", "mlp")]
            yield Goal("predict", text, "<=", limit, "x", ratio(*columns), net)
    further = {"simple": 0.1, "deep": 0.12}
    for net in NETWORKS:
        limits = {"first fit": 1.5, "first fit, cached program": {"simple": 0.8, "deep": 1.0}[net]}
        limits |= dict.fromkeys(("further fit", "further fit, other rows"), further[net])
        for figure, limit in limits.items():
            text = f"time beyond the epochs, {figure}"
            yield Goal("fit", text, "<=", limit, "s", value(figure, net, "skmnist"), net)
    for peer, limit in (("scikeras", 4), ("mlp", 2)):
        text = f"5-fold cross-validation, speedup over {NAMES[peer]}"
        columns = [("cv", "simple", who) for who in (peer, "skmnist")]
        yield Goal("cv", text, ">=", limit, "x", ratio(*columns), "simple")
    for net in NETWORKS:
        for option in OPTIONS[1:]:
            text = f"epoch with {option.replace('_', ' ')}, time relative to one without"
            columns = [(figure, net, "skmnist") for figure in (option, "plain")]
            yield Goal("options", text, "<=", 1.15, "x", ratio(*columns), net)
    for net in NETWORKS:
        for which in ("first", "further"):
            text = f"peak memory of a {which} fit, relative to X in float32"
            values = value(f"memory, {which}", net, "skmnist")
            yield Goal("memory", text, "<=", 1.2, "x", values, net)
        text = "time per row with 600,000 rows, relative to 60,000 rows"
        yield Goal("scaling", text, "<=", 1.1, "x", linear(net), net)
    for net in NETWORKS:
        for data in ("digits", "iris"):
            text = f"further fit on {data}, speedup over {NAMES['mlp']}"
            columns = [(f"{data}, further fit", net, peer) for peer in ("mlp", "skmnist")]
            yield Goal("small", text, ">=", 1, "x", ratio(*columns), net)
    yield from goals_of_accuracy()


def goals_of_accuracy():
    """Yield the goals of training to an accuracy."""

    def ahead(accuracy, peer):
        def values(f):
            ours, theirs = (_accuracy.take_seconds(f, accuracy, who) for who in ("skmnist", peer))
            return theirs / ours

        return values

    for accuracy, limit in ((0.98, 3), (0.99, 25)):
        text = f"training to {accuracy:.1%}"
        seconds = partial(_accuracy.take_seconds, accuracy=accuracy, peer="skmnist")
        yield Goal("accuracy", text, "<=", limit, "s", seconds)
    for peer, name in _accuracy.NAMES.items():
        if peer in ("skmnist", "keras, our schedule"):
            continue  # no goal
        limit = 1.3 if peer.startswith("skorch") else 5
        for accuracy in _accuracy.ACCURACIES:
            text = f"training to {accuracy:.1%}, speedup over {name}"
            yield Goal("accuracy", text, ">=", limit, "x", ahead(accuracy, peer))


def scaling_rows(f, network):
    names = {figure for figure, net, _ in f.columns if net == network}
    return sorted(int(name.split()[1]) for name in names if name.startswith("scaling"))


def break_even(f):
    """Yield from how many epochs on the first fit is faster than that of MLPClassifier."""
    for network in NETWORKS:
        for data in ("digits", "iris"):
            epoch, beyond = (
                f[f"{data}, {figure}", network].median()
                for figure in ("epoch", "first fit beyond epochs")
            )
            gained = epoch["mlp"] - epoch["skmnist"]
            n = max(0.0, (beyond["skmnist"] - beyond["mlp"]) / gained)
            found = f"faster with {n:,.0f} or more epochs" if gained > 0 else "never faster"
            yield f"{data}, {network}: the first fit of a process is {found}."


PANELS = [  # section, figure, network, title, unit
    ("epoch", "epoch", "simple", "An epoch of the simple network, s", 1),
    ("epoch", "epoch", "deep", "An epoch of the deep network, s", 1),
    ("cold", "load and predict", "simple", "A new process loads and predicts, s", 1),
    ("predict", "predict 1", "simple", "predict_proba of 1 row, ms", 1e3),
    ("predict", "predict many", "simple", "predict_proba of 10,000 rows, ms", 1e3),
    ("fit", "further fit", "simple", "A further fit beyond its epochs, s", 1),
    ("cv", "cv", "simple", "5-fold cross-validation, simple, s", 1),
    ("memory", "memory, first", "simple", "Peak memory of a fit, times X", 1),
    ("scaling", "scaling", "simple", "An epoch of the simple network by rows, s", 1),
    ("small", "digits, further fit", "simple", "A further fit on load_digits, s", 1),
]


def draw(sections, path):
    """Plot a bar for each peer, with error bars from the fastest to the slowest round."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    frames = {name: make_frame(section) for name, section in sections.items()}
    panels = [
        (frames[section], *panel)
        for section, *panel in PANELS
        if section in frames and panel[1] in frames[section].columns.get_level_values("network")
    ]
    if not panels:
        return
    n_rows = -(-len(panels) // 2)
    figure, axes = plt.subplots(
        n_rows, 2, figsize=(11, 2.4 * n_rows), layout="constrained", squeeze=False
    )
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    for ax, (f, name, network, title, unit) in zip(axes.flat, panels, strict=False):
        if name == "scaling":
            rows = scaling_rows(f, network)
            values = pd.DataFrame({n: f[f"scaling {n}", network, "skmnist"] for n in rows})
            linear = values[rows[0]].median() / rows[0] * np.array(rows)
            thousands = np.array(rows) / 1000
            ax.plot(thousands, values.median(), "o-", color="tab:blue", label="measured")
            ax.plot(thousands, linear, ":k", label="linear")
            ax.set(title=title, xlabel="rows, thousands", xlim=0, ylim=0)
            ax.legend()
            continue
        values = f[name, network] * unit
        values = values[[peer for peer in reversed(NAMES) if peer in values]]
        middle = values.median()
        bars = ax.barh(
            [NAMES[peer] for peer in values],
            middle,
            xerr=[middle - values.min(), values.max() - middle],
            color=["tab:blue" if peer == "skmnist" else "lightgrey" for peer in values],
            ecolor="grey",
        )
        ax.bar_label(bars, fmt="%.3g", padding=4)
        ax.set(title=title, xlim=(0, 1.15 * values.max().max()))
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main()
