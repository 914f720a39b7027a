"""The tasks to measure. Each peer runs in its own process, with the same number of threads."""

import ctypes
import gc
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from statistics import median

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


def set_environment(threads: int) -> None:
    """Set the environment that all measured processes inherit."""
    # without bytecode, which installed packages have, each import would compile the module again
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    here = Path(__file__).parent
    os.environ.update(
        dict.fromkeys(THREADS, str(threads)),
        PYTHONPATH=os.pathsep.join([str(here.parent), str(here)]),
        TF_CPP_MIN_LOG_LEVEL="3",
        PYTHONWARNINGS="ignore",
    )


@contextmanager
def worker(peer: str, cache: str = "off") -> Iterator:
    """Start a process for a peer; yield a function that runs a task in it.

    `cache` is the folder for compiled programs of this package; by default the cache is off.
    """
    os.environ["SKMNIST_PROGRAM_CACHE"] = cache
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:

        def do(task, **arguments):
            return pool.submit(task, peer, **arguments).result()

        do(start)
        do.peer = peer
        yield do


# The rest of the module runs in the worker process.


@cache
def start(name):
    """Import the libraries of a peer, and return the peer."""
    from _peers import PEERS

    peer = PEERS[name]()
    peer.load()
    return peer


def clocked(name, model, data, **fit_params):
    """Fit a model, and return the seconds of the fit, of an epoch, and beyond the epochs.

    The time of an epoch is the median over all but the first. The time beyond the epochs is the
    time of the fit minus the median times the number of epochs, so it includes the additional
    time of the first epoch.
    """
    from _peers import ENDS

    ENDS.clear()
    started = time.perf_counter()
    start(name).fit(model, *data, **fit_params)
    whole = time.perf_counter() - started
    epochs = [after - before for before, after in pairwise(ENDS)]
    return {
        "whole": whole,
        "epoch": median(epochs),
        "beyond": whole - (ENDS[-1] - ENDS[0]) - median(epochs),
    }


def fit(name, *, network, rows, test_rows=0, epochs, option=None, measure_accuracy=False):
    """Fit on training images; validate on `test_rows` images (0: none; None: a held-out tenth)."""
    import numpy as np
    from _peers import SIZES, take

    X, y, X_test, y_test = take(rows, test_rows or 0)
    validation = "held out" if test_rows is None else "given" if test_rows else None
    if option == "inked_pixels":  # without the pixels that are 0 in all images
        inked = X.any(axis=0)
        X, X_test = X[:, inked], X_test[:, inked]
    data = (X, y, X_test, y_test) if test_rows else (X, y)
    options = {"dropout": {"dropout": 0.2}, "l2": {"l2": 1e-4}}.get(option, {})
    fit_params = {}
    if option == "sample_weight":
        fit_params["sample_weight"] = np.random.default_rng(0).uniform(0.5, 1.5, len(y))
    model = start(name).make(SIZES[network], epochs, validation, **options)
    result = clocked(name, model, data, **fit_params)
    if measure_accuracy:
        labels = model.predict(X_test)
        if labels.ndim == 2:  # a Keras model returns probabilities
            labels = labels.argmax(axis=1)
        result["accuracy"] = float((labels == y_test).mean())
    return result


def reach(name, *, peer, **arguments):
    """Train to several accuracies; see `_accuracy.attempt`."""
    from _accuracy import attempt

    return attempt(peer, **arguments)


def fit_small(name, *, network, data, epochs):
    """Fit on a small data set from scikit-learn."""
    import numpy as np
    from _peers import SIZES
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{data}")(return_X_y=True)
    X = (X / X.max()).astype(np.float32)
    return clocked(name, start(name).make(SIZES[network], epochs), (X, y))


@cache
def fit_once(name, network):
    from _peers import SIZES, take

    return start(name).fit(start(name).make(SIZES[network], 2), *take(2000)[:2])


def predict(name, *, network, rows, repetitions):
    """Return the median time of `predict_proba` in seconds."""
    from _peers import load_mnist

    model, X = fit_once(name, network), load_mnist()[2][:rows]
    model.predict_proba(X)
    seconds = []
    for _ in range(repetitions):
        started = time.perf_counter()
        model.predict_proba(X)
        seconds.append(time.perf_counter() - started)
    return median(seconds)


def cross_validate(name, *, rows, epochs):
    """Time a 5-fold cross-validation of the simple network."""
    from _peers import SIZES, take
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    X, y = take(rows)[:2]
    model = start(name).make(SIZES["simple"], epochs)
    started = time.perf_counter()
    scores = cross_val_score(model, X, y, cv=StratifiedKFold(5), error_score="raise")
    return {"cv": time.perf_counter() - started, "cv accuracy": float(scores.mean())}


def memory(name, *, network, rows, epochs=2):
    """Measure how much two fits increase the resident memory, in multiples of X in float32.

    A fit on few rows comes first, to load code, thread stacks and so on. Both peaks and the memory
    after the first fit are relative to the memory before, which includes X and y.
    """
    from _peers import SIZES, take

    make = partial(start(name).make, SIZES[network], epochs)
    start(name).fit(make(), *take(1000)[:2])
    X, y = take(rows)[:2]
    before = resident()
    result = {}
    for which in ("first", "further"):
        Path("/proc/self/clear_refs").write_text("5")  # reset the peak
        start(name).fit(make(), X, y)
        result[f"memory, {which}"] = (status("VmHWM") - before) / X.nbytes
        if which == "first":
            result["memory, kept"] = (resident() - before) / X.nbytes
    return result


def resident():
    """Return the resident memory in bytes, after releasing free memory."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return status("VmRSS")


def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def save_pipeline(name, *, path, rows, epochs=1):
    """Fit a Pipeline of normalization and the simple network, and pickle it."""
    import joblib
    from _peers import SIZES
    from sklearn.pipeline import make_pipeline

    from skmnist import PixelNormalizer, load_mnist

    model = start(name).make(SIZES["simple"], epochs)
    if "callbacks" in model.get_params():  # do not save the clock
        model.set_params(callbacks=None)
    mnist = load_mnist(n_train=rows, random_state=0)
    joblib.dump(make_pipeline(PixelNormalizer(), model).fit(mnist.X_train, mnist.y_train), path)
