"""Networks trained on generated data, so that it is known what limits them."""

import functools

import numpy as np

from skmnist import SimpleNNClassifier, load_mnist

N_TRAIN, N_HELD_OUT = 4000, 2000


@functools.cache
def read_mnist():
    data = load_mnist(n_train=2 * (N_TRAIN + N_HELD_OUT), n_test=10, random_state=0)
    return (data.X_train.reshape(len(data.X_train), -1) / 255).astype(np.float32), data.y_train


def make_digits(rng):
    X, y = read_mnist()
    rows = rng.permutation(len(y))[: N_TRAIN + N_HELD_OUT]
    return X[rows], y[rows]


def make_noisy(rng, share):
    X, y = make_digits(rng)
    wrong = rng.random(len(y)) < share
    return X, np.where(wrong, (y + rng.integers(1, 10, len(y))) % 10, y)


def make_shuffled(rng):
    X, y = make_digits(rng)
    return X, rng.permutation(y)


def make_linear(rng, bayes_error=0.0):
    """Make two classes that a plane separates but for noise, so that no rule has fewer errors."""
    X = rng.normal(size=(N_TRAIN + N_HELD_OUT, 10)).astype(np.float32)
    side = X @ rng.normal(size=10)
    return X, (side + np.tan(np.pi * bayes_error) * side.std() * rng.normal(size=len(X)) > 0) * 1


def make_flipped(rng, share):
    X, y = make_linear(rng)
    return X, np.where(rng.random(len(y)) < share, 1 - y, y)


def make_imbalanced(rng):
    X = rng.normal(size=(N_TRAIN + N_HELD_OUT, 10)).astype(np.float32)
    return X, (rng.random(len(X)) < 0.05) * 1


CASES = {
    # name: data, training rows, parameters
    "20 % label noise": (functools.partial(make_noisy, share=0.2), N_TRAIN, {}),
    "40 % label noise": (functools.partial(make_noisy, share=0.4), N_TRAIN, {}),
    "shuffled labels": (make_shuffled, N_TRAIN, {}),
    "linear, overlap of 15 %": (functools.partial(make_linear, bayes_error=0.15), N_TRAIN, {}),
    "linear, overlap of 40 %": (functools.partial(make_linear, bayes_error=0.4), N_TRAIN, {}),
    "linear, 15 % flipped": (functools.partial(make_flipped, share=0.15), N_TRAIN, {}),
    "linear, 40 % flipped": (functools.partial(make_flipped, share=0.4), N_TRAIN, {}),
    "95 to 5, nothing to learn": (make_imbalanced, N_TRAIN, {}),
    "dropout 0.95": (make_digits, N_TRAIN, {"dropout": 0.95}),
    "1,000 rows, 60 epochs": (make_digits, 1000, {"epochs": 60, "patience": None}),
    "learning rate 1e-6": (make_digits, N_TRAIN, {"learning_rate": 1e-6, "epochs": 30}),
    "learning rate 0.1": (make_digits, N_TRAIN, {"learning_rate": 0.1}),
    "clean and linear": (make_linear, N_TRAIN, {}),
}


def train_case(name, seed):
    """Return a trained network, its training rows and held-out rows."""
    make, n_train, parameters = CASES[name]
    X, y = make(np.random.default_rng(seed))
    rows = {"X": X[:n_train], "y": y[:n_train], "X_val": X[N_TRAIN:], "y_val": y[N_TRAIN:]}
    network = SimpleNNClassifier(**parameters, random_state=seed).fit(rows["X"], rows["y"])
    return network, rows
