"""Compare both networks on full MNIST with their defaults, over several seeds.

Usage: ``python benchmarks/accuracy.py [--seeds 3]``

Times exclude importing tensorflow and compiling, and depend on the machine.
"""

import argparse

import pandas as pd
from sklearn.pipeline import make_pipeline

from skmnist import (
    DeepNNClassifier,
    PixelNormalizer,
    SimpleNNClassifier,
    compare_models,
    load_mnist,
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    X, X_test, y, y_test = load_mnist(return_X_y=True)
    tables = []
    for seed in range(parser.parse_args().seeds):
        models = {
            "Simple": make_pipeline(PixelNormalizer(), SimpleNNClassifier(random_state=seed)),
            "Deep": make_pipeline(PixelNormalizer(), DeepNNClassifier(random_state=seed)),
        }
        comparison = compare_models(models, X, y, X_test=X_test, y_test=y_test)
        tables.append(comparison.table)
        print(comparison.table.to_string(), comparison.recommendation, sep="\n", flush=True)
    figures = ["test_accuracy", "gap", "fit_time", "n_epochs"]
    means = pd.concat(tables).groupby(level=0, sort=False)[figures].mean()
    print("\nMeans\n" + means.round(4).to_string())


if __name__ == "__main__":
    main()
