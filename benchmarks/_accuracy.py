"""Measure the seconds of training until an accuracy is reached (section ``accuracy``).

Everything trains on 50,000 of MNIST's training images. The other 10,000 decide which attempt of a
peer is the first to reach an accuracy. The table also gives the accuracy of that attempt on the
test images. There are two kinds of attempts:

- With a learning rate that falls to 0, the number of epochs is part of the attempt, so each attempt
  is a separate training run. Keras and skorch get the learning rates and epochs of this package.
- With the defaults of a peer, a single training run covers all numbers of epochs. After each epoch,
  the clock is stopped while the accuracies are measured.

Only this package deforms images.
"""

import time
import warnings

import numpy as np
from _peers import SIZES, Skmnist, Skorch, build_keras, load_mnist

NAMES = {
    "skmnist": "skmnist",
    "skorch, our schedule": "skorch, our schedule",
    "keras, our schedule": "Keras, our schedule",
    "keras": "Keras",
    "scikeras": "scikeras",
    "mlp": "MLPClassifier",
    "boosting": "HistGradientBoosting",
    "svc": "SVC",
    "neighbors": "k-NN",
}
MEASURED = ("seconds", "validation", "test")
FAST = ("skmnist", "skorch, our schedule")
# the libraries to import, if not scikit-learn's
LOADED = {
    "skmnist": "skmnist",
    "skorch, our schedule": "skorch",
    "keras, our schedule": "keras",
    "keras": "keras",
    "scikeras": "scikeras",
}
ACCURACIES = (0.975, 0.98, 0.984, 0.99, 0.992)
N_VALIDATION = 10_000
RATES = {"simple": 5e-3, "deep": 4e-3}
EPOCHS = {"simple": (6, 10, 15, 20), "deep": (2, 3, 4, 6, 10, 15)}
DEFORMED = {"simple": (30, 60), "deep": (12, 16, 20, 25, 35, 60)}
CONSTANT = {"simple": 15, "deep": 8}  # epochs with a peer's own defaults


def split(n_rows):
    """Return training, validation and test images, each with their labels."""
    X, y, X_test, y_test = load_mnist()
    rows = np.random.default_rng(0).permutation(len(y))[:n_rows]
    n = min(N_VALIDATION, n_rows // 6)
    return (X[rows[n:]], y[rows[n:]]), (X[rows[:n]], y[rows[:n]]), (X_test, y_test)


def attempt(peer, seed, n_rows, scale=1.0):
    """Train a peer in every way that applies to it.

    Returns a list of (network, attempt, seconds, validation accuracy, test accuracy). "start" is
    an attempt of one epoch, the first in the process. `scale` shortens all attempts, to test
    the script.
    """
    warnings.simplefilter("ignore")
    parts = split(n_rows)

    def shorten(epochs):
        return sorted({max(2, round(scale * n)) for n in epochs})

    found = []
    for network, sizes in SIZES.items():
        if peer in ("keras", "scikeras", "mlp"):
            n = max(2, round(scale * CONSTANT[network]))
            measured = _train_constant(peer, sizes, n, seed, parts)
            found += [(network, f"{epoch}", *m) for epoch, m in enumerate(measured, start=1)]
            continue
        if peer not in SCHEDULED:
            return [("", "", *_train(_make_sklearn(peer, seed), parts))]
        make = SCHEDULED[peer]
        ways = [("start", 1, {}), *((f"{n}", n, {}) for n in shorten(EPOCHS[network]))]
        if peer == "skmnist":
            ways += [
                (f"{n}, deformed", n, _get_robust(network)) for n in shorten(DEFORMED[network])
            ]
        for name, epochs, options in ways:
            n_steps = epochs * -(-len(parts[0][1]) // options.get("batch_size", 128))
            model = make(sizes, epochs, RATES[network], seed, n_steps, options)
            found.append((network, name, *_train(model, parts)))
    return found


def _train(model, parts):
    train, *others = parts
    started = time.perf_counter()
    model.fit(*train)
    seconds = time.perf_counter() - started
    return seconds, *(_score(model, *other) for other in others)


def _score(model, X, y):
    labels = model.predict(X)
    if labels.ndim == 2:  # a Keras model returns probabilities
        labels = labels.argmax(axis=1)
    return float(np.mean(labels == y))


# --- a falling learning rate


def _get_robust(network):
    from skmnist import get_recipe

    return get_recipe("robust", network)


def _make_ours(sizes, epochs, rate, seed, n_steps, recipe):
    options = {"learning_rate": rate, "learning_rate_schedule": "linear", **recipe}
    options |= {"epochs": epochs, "random_state": seed, "callbacks": None}
    model = Skmnist().make(sizes, epochs, validation=None)
    return model.set_params(**options)


def _make_skorch(sizes, epochs, rate, seed, n_steps, _recipe):
    import torch

    torch.manual_seed(seed)
    model = Skorch().make(sizes, epochs, validation=None)

    class Scheduled(type(model)):
        def initialize_optimizer(self, *args, **kwargs):
            super().initialize_optimizer(*args, **kwargs)
            self.schedule_ = torch.optim.lr_scheduler.LinearLR(
                self.optimizer_, start_factor=1.0, end_factor=0.0, total_iters=n_steps
            )
            return self

        def train_step(self, batch, **fit_params):
            found = super().train_step(batch, **fit_params)
            self.schedule_.step()
            return found

    return Scheduled(**model.get_params(deep=False)).set_params(lr=rate)


def _make_keras(sizes, epochs, rate, seed, n_steps, _recipe):
    import keras

    keras.utils.set_random_seed(seed)
    model = build_keras(sizes)
    schedule = keras.optimizers.schedules.PolynomialDecay(rate, n_steps, end_learning_rate=0.0)
    model.compile(keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy")
    return _Fitted(model, epochs=epochs, batch_size=128)


class _Fitted:
    """A Keras model with the options of its fit."""

    def __init__(self, model, **options):
        self.model, self.options = model, options

    def fit(self, X, y):
        self.model.fit(X, y, verbose=0, **self.options)

    def predict(self, X):
        return self.model.predict(X, batch_size=1024, verbose=0)


SCHEDULED = {
    "skmnist": _make_ours,
    "skorch, our schedule": _make_skorch,
    "keras, our schedule": _make_keras,
}

# --- a peer's own defaults, except for the layers


def _train_constant(peer, sizes, epochs, seed, parts):
    """Return seconds, validation and test accuracy after each epoch."""
    train, *others = parts
    found, waited = [], 0.0

    def measure(predictor):
        nonlocal waited
        now = time.perf_counter()
        found.append((now - started - waited, *(_score(predictor, *other) for other in others)))
        waited += time.perf_counter() - now

    model = {"mlp": _make_mlp}.get(peer, _make_default_keras)(peer, sizes, epochs, seed, measure)
    started = time.perf_counter()
    model.fit(*train)
    return found


def _make_mlp(peer, sizes, epochs, seed, measure):
    from sklearn.neural_network import MLPClassifier

    class Measured(MLPClassifier):
        def _update_no_improvement_count(self, *args, **kwargs):
            super()._update_no_improvement_count(*args, **kwargs)
            measure(self)

    return Measured(sizes, max_iter=epochs, random_state=seed)


def _make_default_keras(peer, sizes, epochs, seed, measure):
    import keras

    class Measure(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            measure(_Fitted(self.model))

    keras.utils.set_random_seed(seed)
    loss = "sparse_categorical_crossentropy"
    if peer == "keras":
        model = build_keras(sizes)
        model.compile("adam", loss, metrics=["accuracy"])
        return _Fitted(model, epochs=epochs, callbacks=[Measure()])
    from scikeras.wrappers import KerasClassifier

    return KerasClassifier(
        model=build_keras,
        sizes=tuple(sizes),
        loss=loss,
        optimizer="adam",
        metrics=["accuracy"],
        epochs=epochs,
        callbacks=[Measure],
        verbose=0,
        random_state=seed,
    )


def _make_sklearn(peer, seed):
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC

    models = {
        "boosting": HistGradientBoostingClassifier(random_state=seed),
        "svc": SVC(),
        "neighbors": KNeighborsClassifier(),
    }
    return models[peer]


# --- results


def find_first(frame, accuracy, peer):
    """Return the network and attempt that first reach an accuracy in validation, or None.

    `frame` has a row for each round, and columns (figure, network, peer), where a figure is
    "seconds", "validation" or "test", a colon, and the attempt.
    """
    means = frame.mean()
    seconds = {
        (network, figure.removeprefix("seconds: ")): value
        for (figure, network, who), value in means.items()
        if who == peer
        and figure.startswith("seconds: ")
        and means[figure.replace("seconds", "validation"), network, peer] >= accuracy
    }
    return min(seconds, key=seconds.get) if seconds else None


def take_seconds(frame, accuracy, peer):
    """Return the seconds of the first attempt that reaches an accuracy, or raise KeyError."""
    found = find_first(frame, accuracy, peer)
    if found is None:
        raise KeyError(peer)
    network, attempt = found
    return frame[f"seconds: {attempt}", network, peer]


def tabulate(frame):
    """Return header and rows: the first attempt per accuracy, and the time of a new process."""
    rows = []
    for peer, name in NAMES.items():
        if ("import", "", peer) not in frame:
            continue
        found = [find_first(frame, accuracy, peer) for accuracy in ACCURACIES]
        added = [_start(frame, peer, *each) for each in found if each]
        row = [_tell(frame, peer, *each) if each else "not reached" for each in found]
        rows.append([name, *row, f"{added[0]:.1f} s" if added else ""])
    return [
        "",
        *(f"{accuracy:.1%}" for accuracy in ACCURACIES),
        "extra time in a new process",
    ], rows


def _tell(frame, peer, network, attempt):
    seconds, test = (
        frame[f"{each}: {attempt}", network, peer].mean() for each in ("seconds", "test")
    )
    what = f"{network}, {attempt}; " if network else ""
    return f"{seconds:.3g} s ({what}test {test:.2%})"


def _start(frame, peer, network, attempt):
    """Return the seconds for importing, plus those of a first fit beyond its epoch."""
    seconds = frame["import", "", peer].mean()
    if ("seconds: start", network, peer) not in frame:
        return seconds  # the first attempt is timed from the start
    epoch = frame[f"seconds: {attempt}", network, peer] / int(attempt.split(",")[0])
    return seconds + (frame["seconds: start", network, peer] - epoch).mean()
