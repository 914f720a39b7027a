"""Train 30 starts of both networks on a part of MNIST, and keep which test images each reads.

`test_starts.py` draws from these pools. The file in the repository was made by

    python -m tests.comparison.make_starts

which takes about ten minutes. For each seed there is a start that was trained in full, one that
was trained as a further start after it, as in ``compare_models(short_repeats=True)``, and the same
one shortened to the epochs that the first found best, as on large training sets.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1"}  # the same bits everywhere

from pathlib import Path

import numpy as np
from sklearn.base import clone

from skmnist import DeepNNClassifier, SimpleNNClassifier, load_mnist
from skmnist.comparison._runs import shorten_training

PATH = Path(__file__).with_name("starts.npz")
N_TRAIN, N_SEEDS = 6000, 30
FIRST_FURTHER_SEED = 1000
KINDS = ("full", "further", "short")


def main() -> None:
    part, mnist = load_mnist(n_train=N_TRAIN, random_state=0), load_mnist()
    X, y = part.X_train.reshape(N_TRAIN, -1) / np.float32(255), part.y_train
    X_test = mnist.X_test.reshape(len(mnist.y_test), -1) / np.float32(255)
    hits = {}
    for name, network in (("simple", SimpleNNClassifier()), ("deep", DeepNNClassifier())):
        pools = {kind: hits.setdefault(f"{name}_{kind}", []) for kind in KINDS}
        for seed in range(N_SEEDS):
            full = clone(network).set_params(random_state=seed).fit(X, y)
            further = clone(network).set_params(random_state=FIRST_FURTHER_SEED + seed)
            shorten_training(further, full)
            short = clone(further).set_params(epochs=full.kept_epoch_)
            models = (full, further.fit(X, y), short.fit(X, y))
            for pool, model in zip(pools.values(), models, strict=True):
                pool.append(model.predict(X_test) == mnist.y_test)
    write(hits)


def write(hits: dict) -> None:
    """Write the hits as packed bits. Images in order of difficulty compress to a third less."""
    order = np.argsort(-np.concatenate(list(hits.values())).sum(axis=0), kind="stable")
    packed = {name: np.packbits(np.array(pool)[:, order].T, axis=1) for name, pool in hits.items()}
    np.savez_compressed(PATH, **packed)


if __name__ == "__main__":
    main()
