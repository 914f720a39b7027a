"""The eight sections of figures: who measures what, in which order.

A section yields records ``{"figure", "peer", "network", "round", "value"}``. Within a round each
peer has its turn, in an order that changes from round to round.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from _worker import HERE, Worker, environment

Records = Iterator[dict[str, Any]]

NETWORKS = ("simple", "deep")
QUIET = 0.2  # more cores busy before a section say that the machine has other work


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    rounds: int
    threads: int
    rows: int = 60_000
    test_rows: int = 10_000
    epochs: int = 4  # the first one is left out
    cv_epochs: int = 10
    small_epochs: int = 100
    repetitions: int = 2000  # of a prediction of one row
    scaling: tuple[int, ...] = (60_000, 120_000, 240_000, 420_000, 600_000)

    @classmethod
    def quick(cls, rounds: int, threads: int) -> "Size":
        """Return what shows that the script runs, and nothing else."""
        return cls(
            rounds=rounds,
            threads=threads,
            rows=6_000,
            test_rows=1_000,
            epochs=3,
            cv_epochs=2,
            small_epochs=5,
            repetitions=50,
            scaling=(3_000, 6_000, 12_000),
        )


def record(figure: str, peer: str, network: str, round: int, value: float) -> dict[str, Any]:
    return {
        "figure": figure,
        "peer": peer,
        "network": network,
        "round": round,
        "value": value,
    }


def turns(peers: list[Any], round: int) -> list[Any]:
    """Let every second round run backwards, and each pair of rounds begin with another peer."""
    at = round // 2 % len(peers)
    order = peers[at:] + peers[:at]
    return order[::-1] if round % 2 else order


def measure_epoch(size: Size) -> Records:
    """Epochs after the first: 60,000 rows trained, 10,000 evaluated."""
    peers = ["skmnist", "scikeras", "keras", "mlp", "skorch", "floor"]
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(peer, size.threads)) for peer in peers]
        for network in NETWORKS:
            for round in range(size.rounds):
                for worker in turns(workers, round):
                    told = worker.do(
                        "fit",
                        network=network,
                        rows=size.rows,
                        test_rows=size.test_rows,
                        epochs=size.epochs,
                        # not of MLPClassifier: which of its rows it validates on, it decides itself
                        measure_accuracy=round == 0 and worker.peer not in ("mlp", "floor"),
                    )
                    yield record("epoch", worker.peer, network, round, median(told["epochs"]))
                    if "accuracy" in told:
                        yield record("accuracy", worker.peer, network, round, told["accuracy"])


# What `import sklearn` alone loads, and what any estimator of its kind needs besides.
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

LOAD_AND_PREDICT = """
import sys
import numpy, joblib
X = numpy.load(sys.argv[2])
labels = joblib.load(sys.argv[1]).predict(X)
assert labels.shape == (len(X),)
print(int('tensorflow' in sys.modules))
"""


def measure_cold(size: Size) -> Records:
    """New processes: imports, and loading a fitted Pipeline to predict. Files are cached."""
    with tempfile.TemporaryDirectory() as folder:
        runs = {name: ["import", _timed(code)] for name, code in IMPORTS.items()}
        images = str(Path(folder) / "images.npy")
        _save_images(images, n=1000)
        for peer in ("skmnist", "scikeras", "mlp"):
            path = str(Path(folder) / f"{peer}.joblib")
            with Worker(peer, size.threads) as worker:
                worker.do("save_pipeline", path=path, rows=2000)
            runs[f"load {peer}"] = ["load and predict", LOAD_AND_PREDICT, path, images]
        for _, *run in runs.values():  # once for the bytecode and the file cache
            _run(run, size, folder)
        for round in range(size.rounds):
            for name in turns(list(runs), round):
                figure, *run = runs[name]
                wall, printed = _run(run, size, folder)
                peer = name.removeprefix("load ")
                if figure == "import":
                    yield record("import", peer, "", round, float(printed))
                    yield record("process", peer, "", round, wall)
                else:
                    yield record("load and predict", peer, "simple", round, wall)
                    yield record("imports tensorflow", peer, "simple", round, float(printed))


def _timed(code: str) -> str:
    return (
        f"import time\nstarted = time.perf_counter()\n{code}\nprint(time.perf_counter() - started)"
    )


def _save_images(path: str, n: int) -> None:
    import numpy as np

    from skmnist import load_mnist

    np.save(path, load_mnist().X_test[:n])


def _run(run: list[str], size: Size, folder: str) -> tuple[float, str]:
    env = environment(size.threads)
    env["PYTHONPATH"] += f":{HERE}"  # the saved peers are defined there
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", *run], env=env, cwd=folder, capture_output=True, text=True
    )
    wall = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"a new process failed:\n{run[0]}\n{done.stderr[-4000:]}")
    return wall, done.stdout.split()[-1]


def measure_predict(size: Size) -> Records:
    """`predict_proba` of one row and of many."""
    peers = ["skmnist", "mlp", "scikeras", "skorch"]
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(peer, size.threads)) for peer in peers]
        for network in NETWORKS:
            for round in range(size.rounds):
                for rows, repetitions in ((1, size.repetitions), (size.test_rows, 20)):
                    for worker in turns(workers, round):
                        slow = worker.peer == "scikeras"  # 45 ms a call
                        told = worker.do(
                            "predict",
                            network=network,
                            rows=rows,
                            repetitions=max(5, repetitions // (20 if slow else 1)),
                        )
                        figure = "predict 1" if rows == 1 else "predict many"
                        yield record(figure, worker.peer, network, round, told["seconds"])


def measure_fit(size: Size) -> Records:
    """What a fit costs beyond its epochs: the first of a process, and further ones."""
    # no goal compares these; a deep fit of the others takes minutes
    peers = {"simple": ["skmnist", "scikeras", "mlp", "skorch"], "deep": ["skmnist", "skorch"]}
    # folds of a cross-validation differ by a row or some; a tenth held out moves with them
    fewer = (size.rows - 1, size.rows - 10, int(size.rows * 0.99))
    for network in NETWORKS:
        for round in range(size.rounds):
            for peer in turns(peers[network], round):
                with Worker(peer, size.threads) as worker:
                    task = {"network": network, "test_rows": None, "epochs": size.epochs}
                    first = worker.do("fit", rows=size.rows, **task)["beyond"]
                    same = [worker.do("fit", rows=size.rows, **task)["beyond"] for _ in range(3)]
                    other = [worker.do("fit", rows=rows, **task)["beyond"] for rows in fewer]
                yield record("first fit", peer, network, round, first)
                yield record("further fit", peer, network, round, median(same))
                yield record("further fit, other rows", peer, network, round, median(other))


def measure_cv(size: Size) -> Records:
    """A 5-fold cross-validation of the simple network, in a new process with tensorflow loaded."""
    peers = ["skmnist", "scikeras", "mlp"]
    for round in range(size.rounds):
        for peer in turns(peers, round):
            with Worker(peer, size.threads) as worker:
                told = worker.do("cross_validate", rows=size.rows, epochs=size.cv_epochs)
            yield record("cv", peer, "simple", round, told["seconds"])
            yield record("cv accuracy", peer, "simple", round, told["accuracy"])


OPTIONS = ("plain", "dropout", "l2", "sample_weight", "validation")


def measure_options(size: Size) -> Records:
    """What dropout, l2, sample weights and validation on 10,000 rows add to an epoch."""
    with Worker("skmnist", size.threads) as worker:
        for network in NETWORKS:
            for round in range(-1, size.rounds):  # one to compile and to forget
                for option in turns(list(OPTIONS), round):
                    told = worker.do(
                        "fit",
                        network=network,
                        rows=size.rows,
                        test_rows=size.test_rows if option == "validation" else 0,
                        epochs=size.epochs,
                        option=option,
                    )
                    if round >= 0:
                        yield record(option, "skmnist", network, round, median(told["epochs"]))


def measure_memory(size: Size) -> Records:
    """The peak of resident memory in a fit, and epochs from 60,000 to 600,000 rows."""
    peers = ["skmnist", "scikeras", "mlp", "skorch"]
    for network in NETWORKS:
        for round in range(size.rounds):
            for peer in turns(peers, round):
                with Worker(peer, size.threads) as worker:
                    told = worker.do("memory", network=network, rows=size.rows)
                for which, value in told.items():
                    yield record(f"memory, {which}", peer, network, round, value)
    with Worker("skmnist", size.threads) as worker:
        for network in NETWORKS:
            for round in range(size.rounds):
                for rows in turns(list(size.scaling), round):
                    told = worker.do("fit", network=network, rows=rows, test_rows=None, epochs=2)
                    seconds = median(told["epochs"])
                    yield record(f"scaling {rows}", "skmnist", network, round, seconds)


def measure_small(size: Size) -> Records:
    """Whole fits on small data against scikit-learn: the first of a process, and further ones."""
    peers = ["skmnist", "mlp"]
    for network in NETWORKS:
        for round in range(size.rounds):
            for data in ("digits", "iris"):
                for peer in turns(peers, round):
                    with Worker(peer, size.threads) as worker:
                        task = {"network": network, "data": data, "epochs": size.small_epochs}
                        first = worker.do("fit_small", **task)
                        more = [worker.do("fit_small", **task) for _ in range(5)]
                    yield record(f"{data}, first fit", peer, network, round, first["whole"])
                    beyond = first["beyond"]
                    yield record(f"{data}, first fit beyond epochs", peer, network, round, beyond)
                    further = median(told["whole"] for told in more)
                    yield record(f"{data}, further fit", peer, network, round, further)
                    epoch = median(median(told["epochs"]) for told in more)
                    yield record(f"{data}, epoch", peer, network, round, epoch)


SECTIONS = {
    "epoch": measure_epoch,
    "cold": measure_cold,
    "predict": measure_predict,
    "fit": measure_fit,
    "cv": measure_cv,
    "options": measure_options,
    "memory": measure_memory,
    "small": measure_small,
}
