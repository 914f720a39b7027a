"""A process of its own for a peer, which takes tasks as lines of JSON and answers each with one.

``Worker(peer)`` is the caller's end; run as a program this is the other one. A task is
``{"do": NAME, ...}`` with the arguments of the function NAME below.
"""

import ctypes
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stdout
from itertools import pairwise
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent


class Worker:
    """A running peer. As a context manager it ends with the block."""

    def __init__(self, peer, threads):
        self.peer = peer
        self._log = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115 - closed by __exit__
        self._process = subprocess.Popen(
            [sys.executable, __file__, peer],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=environment(threads),
        )
        self._answer()  # it is ready, everything heavy is imported

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._log.close()

    def do(self, task, **arguments):
        print(json.dumps({"do": task, **arguments}), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._log.seek(0)
            sys.exit(f"the process of {self.peer} ended:\n{self._log.read()[-4000:]}")
        return json.loads(line)


def environment(threads):
    """Return the environment of every measured process: the same number of threads for all."""
    names = (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
    )
    path = os.pathsep.join(filter(None, [str(HERE.parent), os.environ.get("PYTHONPATH")]))
    return {
        **os.environ,
        **dict.fromkeys(names, str(threads)),
        "PYTHONPATH": path,  # the skmnist beside this file
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONWARNINGS": "ignore",
    }


# The rest runs in the worker.


def clocked(peer, model, data, **fit_params):
    """Fit, and return seconds: all of it, each epoch after the first, and what is not epochs.

    The last is what a fit takes besides as many epochs as were asked for: all that lies outside
    the epochs, and what the first takes longer than the middle one of the others.
    """
    from _peers import ENDS

    ENDS.clear()
    started = time.perf_counter()
    peer.fit(model, *data, **fit_params)
    whole = time.perf_counter() - started
    ends = list(ENDS)
    epochs = [after - before for before, after in pairwise(ends)]
    beyond = whole - (ends[-1] - ends[0]) - median(epochs)
    return {"whole": whole, "epochs": epochs, "beyond": beyond}


def fit(peer, *, network, rows, test_rows=0, epochs, option=None, measure_accuracy=False):
    """Fit on training images; validate on `test_rows` images, or with None on a tenth held out."""
    import numpy as np
    from _peers import SIZES, take

    X, y, X_test, y_test = take(rows, test_rows or 0)
    validation = "held out" if test_rows is None else "given" if test_rows else None
    data = (X, y, X_test, y_test) if test_rows else (X, y)
    options, fit_params = {}, {}
    if option == "dropout":
        options["dropout"] = 0.2
    if option == "l2":
        options["l2"] = 1e-4
    if option == "sample_weight":
        fit_params["sample_weight"] = np.random.default_rng(0).uniform(0.5, 1.5, len(y))
    model = peer.make(SIZES[network], epochs, validation, **options)
    result = clocked(peer, model, data, **fit_params)
    if measure_accuracy:
        result["accuracy"] = float((model.predict(X_test) == y_test).mean())
    return result


def fit_small(peer, *, network, data, epochs):
    """Fit on one of scikit-learn's own small data sets."""
    import numpy as np
    from _peers import SIZES
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{data}")(return_X_y=True)
    X = (X / X.max()).astype(np.float32)
    return clocked(peer, peer.make(SIZES[network], epochs), (X, y))


_fitted = {}


def predict(peer, *, network, rows, repetitions):
    """Time `predict_proba` on so many rows; the median."""
    from _peers import SIZES, load_mnist, take

    if network not in _fitted:
        model = peer.make(SIZES[network], 2)
        fitted = peer.fit(model, *take(2000)[:2])
        _fitted[network] = fitted
    model, X = _fitted[network], load_mnist()[2][:rows]
    model.predict_proba(X)
    seconds = []
    for _ in range(repetitions):
        started = time.perf_counter()
        model.predict_proba(X)
        seconds.append(time.perf_counter() - started)
    return {"seconds": median(seconds)}


def cross_validate(peer, *, rows, epochs):
    """Time a 5-fold cross-validation of the simple network."""
    from _peers import SIZES, take
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    X, y = take(rows)[:2]
    model = peer.make(SIZES["simple"], epochs)
    started = time.perf_counter()
    scores = cross_val_score(model, X, y, cv=StratifiedKFold(5), error_score="raise")
    return {"seconds": time.perf_counter() - started, "accuracy": float(scores.mean())}


def memory(peer, *, network, rows, epochs=2):
    """Measure how far two fits raise the resident memory, in bytes of X in float32.

    A fit on few rows comes first, so that the pages of code, the threads' stacks and the like
    are there. Both peaks, and what stays after the first fit, are above what the process held
    just before it, which includes X and y.
    """
    from _peers import SIZES, take

    peer.fit(peer.make(SIZES[network], epochs), *take(1000)[:2])
    X, y = take(rows)[:2]
    before = resident()
    result = {}
    for which in ("first", "further"):
        reset_peak()
        peer.fit(peer.make(SIZES[network], epochs), X, y)
        result[which] = (status("VmHWM") - before) / X.nbytes
        if which == "first":
            result["kept"] = (resident() - before) / X.nbytes
    return result


def resident():
    """Return the resident bytes once the allocator has given back what is free."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return status("VmRSS")


def reset_peak():
    Path("/proc/self/clear_refs").write_text("5")


def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def save_pipeline(peer, *, path, rows, epochs=1):
    """Fit a Pipeline of normalization and the simple network, and pickle it."""
    import joblib
    from _peers import SIZES
    from sklearn.pipeline import make_pipeline

    from skmnist import PixelNormalizer, load_mnist

    model = peer.make(SIZES["simple"], epochs)
    if "callbacks" in model.get_params():  # the clock is no part of what is saved
        model.set_params(callbacks=None)
    mnist = load_mnist(n_train=rows, random_state=0)
    joblib.dump(make_pipeline(PixelNormalizer(), model).fit(mnist.X_train, mnist.y_train), path)
    return {}


TASKS = {
    task.__name__: task for task in (fit, fit_small, predict, cross_validate, memory, save_pipeline)
}


def main():
    with os.fdopen(os.dup(1), "w") as answers, redirect_stdout(sys.stderr):
        os.dup2(2, 1)  # whatever a library prints must not get among the answers
        from _peers import PEERS

        peer = PEERS[sys.argv[1]]()
        peer.load()
        print("{}", file=answers, flush=True)
        for line in sys.stdin:
            task = json.loads(line)
            print(json.dumps(TASKS[task.pop("do")](peer, **task)), file=answers, flush=True)


if __name__ == "__main__":
    main()
