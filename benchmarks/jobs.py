"""Do two processes help? Folds and candidates with ``n_jobs=1`` against ``n_jobs=2``.

Usage: ``python benchmarks/jobs.py [--rows 20000] [--epochs 10] [--rounds 3]``

Six fits each of ``cross_validate`` and ``GridSearchCV``, on MNIST, after a warm-up in which all
processes import tensorflow and compile. In turns; ratios are taken within a round.
"""

import argparse
import statistics
import time

import numpy as np
from joblib import cpu_count
from sklearn.model_selection import GridSearchCV

from skmnist import DeepNNClassifier, PixelNormalizer, SimpleNNClassifier, load_mnist
from skmnist.model_selection import cross_validate


def run_folds(network, X, y, n_jobs):
    return cross_validate(network, X, y, cv=6, n_jobs=n_jobs)["test_score"]


def run_grid(network, X, y, n_jobs):
    grid = {"dropout": [0.1, 0.3]}
    search = GridSearchCV(network, grid, cv=3, n_jobs=n_jobs, refit=False).fit(X, y)
    return search.cv_results_["mean_test_score"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--deep", action="store_true", help="DeepNNClassifier instead")
    options = parser.parse_args()
    make = DeepNNClassifier if options.deep else SimpleNNClassifier
    mnist = load_mnist(n_train=options.rows, n_test=10, random_state=0)
    X = PixelNormalizer().fit_transform(mnist.X_train)
    network = make(epochs=options.epochs, patience=None, random_state=0)
    print(f"{make.__name__}, {options.rows:,} rows, {options.epochs} epochs, {cpu_count()} cores")
    for run in (run_folds, run_grid):
        for n_jobs in (1, 2):
            run(make(epochs=1, random_state=0), X, mnist.y_train, n_jobs)
        ratios = []
        for _ in range(options.rounds):
            seconds, scores = [], []
            for n_jobs in (1, 2):
                started = time.perf_counter()
                scores.append(run(network, X, mnist.y_train, n_jobs))
                seconds.append(time.perf_counter() - started)
            ratios.append(seconds[0] / seconds[1])
            far = np.abs(scores[0] - scores[1]).max()
            print(
                f"{run.__name__:10} n_jobs=1 {seconds[0]:6.2f} s  n_jobs=2 {seconds[1]:6.2f} s  "
                f"ratio {ratios[-1]:.2f}  scores differ by {far:.4f}"
            )
        print(f"{run.__name__:10} median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
