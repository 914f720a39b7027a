"""Measure the recipes on MNIST, shifted MNIST, Swiss writers and the digits of scikit-learn.

Usage: ``python benchmarks/recipes.py [--recipes slides fast robust] [--seeds 3] [--writers]
[--repeat N]``

Each network is trained on the 60,000 training images of MNIST. The script reports means over the
seeds, in per cent, and the training time without importing and compiling. The Swiss writers are the
ten whose digits were not used to choose the recipes. ``--writers`` also trains on MNIST and Swiss
writers together, and tests each writer once; with ``--repeat 8``, each Swiss training digit is used
eight times, because MNIST has many more.
"""

import argparse

import numpy as np
import pandas as pd
from scipy.ndimage import shift, zoom
from sklearn.datasets import load_digits
from sklearn.model_selection import GroupKFold

from skmnist import (
    DeepNNClassifier,
    DigitCropper,
    SimpleNNClassifier,
    get_recipe,
    load_mnist,
    load_swiss_digits,
)

NETWORKS = {"simple": SimpleNNClassifier, "deep": DeepNNClassifier}
SHIFT = 2  # pixels


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipes", nargs="+", default=["slides", "fast", "robust"])
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--writers", action="store_true")
    parser.add_argument("--repeat", type=int, default=1, help="uses of each Swiss digit")
    arguments = parser.parse_args()
    mnist, swiss = load_mnist(), load_swiss_digits(writers="reported")
    X, y = as_rows(mnist.X_train), mnist.y_train
    tests = {
        "MNIST test": (as_rows(mnist.X_test), mnist.y_test),
        f"shifted by up to {SHIFT} px": (move(mnist.X_test), mnist.y_test),
        "10 Swiss writers": (as_rows(swiss.images), swiss.target),
        "load_digits enlarged": enlarge_digits(),
    }
    rows = []
    for seed in range(arguments.seeds):
        for kind in arguments.networks:
            for recipe in arguments.recipes:
                network = NETWORKS[kind](**get_recipe(recipe, kind), random_state=seed).fit(X, y)
                found = {name: 100 * network.score(*test) for name, test in tests.items()}
                found["lowest writer"] = 100 * min(score_writers(network, swiss))
                row = {"network": kind, "recipe": recipe, **found}
                row |= {"epochs": network.n_iter_, "seconds": network.fit_time_}
                row["seconds per epoch"] = network.fit_time_ / network.n_iter_
                rows.append(row)
                print(seed, *(f"{v:.2f}" if isinstance(v, float) else v for v in row.values()))
    means = pd.DataFrame(rows).groupby(["network", "recipe"], sort=False).mean()
    print("\n" + means.T.to_string(float_format="{:.2f}".format))
    if arguments.writers:
        test_each_writer(X, y, arguments.seeds, arguments.repeat)


def test_each_writer(X, y, n_seeds, n_repeats):
    """Train on MNIST and all Swiss writers except two, and test on these."""
    swiss = load_swiss_digits()
    rows = as_rows(swiss.images)
    scores = []
    for seed in range(n_seeds):
        hits = np.zeros(len(rows), bool)
        for train, test in GroupKFold(7).split(rows, swiss.target, swiss.groups):
            network = DeepNNClassifier(**get_recipe("robust", "deep"), random_state=seed)
            network.fit(
                np.concatenate([X, *[rows[train]] * n_repeats]),
                np.concatenate([y, *[swiss.target[train]] * n_repeats]),
            )
            hits[test] = network.predict(rows[test]) == swiss.target[test]
        scores.append(100 * hits.mean())
        print(f"seed {seed}: trained on MNIST and 12 writers, tested on 2: {scores[-1]:.2f} %")
    print(f"mean: {np.mean(scores):.2f} %")


def as_rows(images):
    return (images.reshape(len(images), -1) / 255).astype(np.float32)


def move(images):
    """Move each image by up to 2 pixels in both directions, at random."""
    offsets = np.random.default_rng(0).integers(-SHIFT, SHIFT + 1, (len(images), 2))
    return as_rows(np.stack([shift(i, o, order=0) for i, o in zip(images, offsets, strict=True)]))


def enlarge_digits():
    """Return scikit-learn's 8 x 8 digits, enlarged by splines and prepared as in MNIST."""
    digits = load_digits()
    large = [np.clip(zoom(image / 16, 8, order=3), 0, 1) for image in digits.images]
    scans = np.pad(large, ((0, 0), (16, 16), (16, 16)))
    return as_rows(DigitCropper(max_value=1).fit_transform(scans)), digits.target


def score_writers(network, swiss):
    rows = as_rows(swiss.images)
    return [
        network.score(rows[swiss.groups == writer], swiss.target[swiss.groups == writer])
        for writer in swiss.writers
    ]


if __name__ == "__main__":
    main()
