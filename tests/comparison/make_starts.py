"""Train 30 starts of both networks on all of MNIST, and keep which test images each reads.

`test_starts.py` draws from these pools. The file in the repository was made by

    python -m tests.comparison.make_starts

which takes about an hour. A start that is shortened to fewer epochs ends with the best weights so
far. So the pools have the weights' hits whenever an epoch was better than all before it, from the
last one of the shortest starts on.
"""

import os

if __name__ == "__main__":  # for the same bits everywhere; to import the pools changes nothing
    os.environ |= {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1"}

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skmnist import DeepNNClassifier, SimpleNNClassifier, load_mnist
from skmnist.comparison._runs import MIN_UPDATES

PATH = Path(__file__).with_name("starts.npz")
N_SEEDS, N_TRAIN, BATCH_SIZE = 30, 54_000, 128
FEWEST = -(-MIN_UPDATES // -(-N_TRAIN // BATCH_SIZE))  # epochs of a shortened start
NETWORKS = {"simple": SimpleNNClassifier, "deep": DeepNNClassifier}


@dataclass
class Start:
    """A network that was trained in full.

    Attributes
    ----------
    n_epochs : int
    epochs : ndarray of int
        Epochs that were better than all before them, from 1; the weights of the last one are kept.
    hits : ndarray of bool, shape (n, n_test)
        Which test images the weights of these epochs read.
    """

    n_epochs: int
    epochs: np.ndarray
    hits: np.ndarray

    def after(self, n_epochs):
        """Return the hits of the best weights after a number of epochs."""
        return self.hits[self.epochs.searchsorted(n_epochs, side="right") - 1]


def train(network, X, y, X_test, y_test):
    """Train a network, and return the start."""
    from keras.callbacks import Callback

    kept = []

    class KeepBest(Callback):
        def on_epoch_end(self, epoch, logs):
            quality = logs["val_accuracy"], -logs["val_loss"]
            if not kept or quality > kept[-1][0]:
                kept.append((quality, epoch + 1, self.model.get_weights()))

    network.set_params(callbacks=[KeepBest()]).fit(X, y)
    assert kept[-1][1] == network.kept_epoch_
    epochs = np.array([epoch for _, epoch, _ in kept])
    hits = np.array([predict(weights, X_test) == y_test for *_, weights in kept])
    assert (hits[-1] == (network.predict(X_test) == y_test)).all()
    return Start(network.n_iter_, epochs, hits)


def predict(weights, X):
    for at in range(0, len(weights), 2):
        X = (X if at == 0 else np.maximum(X, 0)) @ weights[at] + weights[at + 1]
    return X.argmax(axis=1)


def write(pools):
    """Write the pools. Images in order of difficulty compress best."""
    order = np.argsort(-sum(start.hits[-1] for pool in pools.values() for start in pool))
    packed = {}
    for name, pool in pools.items():
        rows = [start.epochs.searchsorted(FEWEST, side="right") - 1 for start in pool]
        parts = [start.hits[row:, order] for start, row in zip(pool, rows, strict=True)]
        packed |= {
            f"{name}_hits": np.packbits(np.concatenate(parts).T, axis=1),
            f"{name}_epochs": np.concatenate(
                [start.epochs[row:] for start, row in zip(pool, rows, strict=True)]
            ),
            f"{name}_sizes": np.array([len(part) for part in parts]),
            f"{name}_n_epochs": np.array([start.n_epochs for start in pool]),
        }
    np.savez_compressed(PATH, **packed)


def read():
    """Return the pools: lists of 30 starts by network."""
    pools = {}
    with np.load(PATH) as packed:
        for name in NETWORKS:
            sizes = packed[f"{name}_sizes"]
            hits = np.unpackbits(packed[f"{name}_hits"], axis=1, count=sizes.sum()).T.astype(bool)
            ends = sizes.cumsum()[:-1]
            parts = (
                packed[f"{name}_n_epochs"].tolist(),
                np.split(packed[f"{name}_epochs"], ends),
                np.split(hits, ends),
            )
            pools[name] = [Start(*start) for start in zip(*parts, strict=True)]
    return pools


def main():
    mnist = load_mnist()
    X, X_test = (
        images.reshape(len(images), -1) / np.float32(255)
        for images in (mnist.X_train, mnist.X_test)
    )
    write(
        {
            name: [
                train(network(random_state=seed), X, mnist.y_train, X_test, mnist.y_test)
                for seed in range(N_SEEDS)
            ]
            for name, network in NETWORKS.items()
        }
    )


if __name__ == "__main__":
    main()
