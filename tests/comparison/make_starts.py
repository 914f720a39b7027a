"""Train 30 starts of both networks on a part of MNIST, and keep which test images each reads.

`test_starts.py` draws from these pools. The file in the repository was made by

    python -m tests.comparison.make_starts

which takes about ten minutes. For each seed there is a start that was trained in full, and one that
was shortened as in ``compare_models(short_repeats=True)``.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1"}  # the same bits everywhere

import sys
from pathlib import Path

import numpy as np
from sklearn.base import clone

from skmnist import DeepNNClassifier, SimpleNNClassifier, load_mnist
from skmnist.comparison._runs import shorten_training

PATH = Path(__file__).with_name("starts.npz")
N_TRAIN, N_SEEDS = 6000, 30
FIRST_SHORT_SEED = 1000


def main() -> None:
    part, mnist = load_mnist(n_train=N_TRAIN, random_state=0), load_mnist()
    X, y = part.X_train.reshape(N_TRAIN, -1) / np.float32(255), part.y_train
    X_test = mnist.X_test.reshape(len(mnist.y_test), -1) / np.float32(255)
    hits = {}
    for name, network in (("simple", SimpleNNClassifier()), ("deep", DeepNNClassifier())):
        pools = hits[f"{name}_full"], hits[f"{name}_short"] = [], []
        for seed in range(N_SEEDS):
            full = clone(network).set_params(random_state=seed).fit(X, y)
            short = clone(network).set_params(random_state=FIRST_SHORT_SEED + seed)
            shorten_training(short, full)
            short.fit(X, y)
            for pool, model in zip(pools, (full, short), strict=True):
                pool.append(model.predict(X_test) == mnist.y_test)
            print(name, seed, [f"{pool[-1].mean():.4f}" for pool in pools], file=sys.stderr)
    write(hits)


def write(hits: dict) -> None:
    """Write the hits as packed bits. Images in order of difficulty compress to a third less."""
    order = np.argsort(-np.concatenate(list(hits.values())).sum(axis=0), kind="stable")
    packed = {name: np.packbits(np.array(pool)[:, order].T, axis=1) for name, pool in hits.items()}
    np.savez_compressed(PATH, **packed)


if __name__ == "__main__":
    main()
