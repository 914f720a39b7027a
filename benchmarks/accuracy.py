"""What both networks reach on full MNIST with their defaults, over several seeds.

Usage: ``python benchmarks/accuracy.py [--seeds 3] [--json FILE]``

Prints a row per network and seed, and the means. Times are without importing tensorflow and
compiling; they hold for the machine they were taken on.
"""

import argparse
import json
from pathlib import Path

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
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    X, X_test, y, y_test = load_mnist(return_X_y=True)
    tables = []
    for seed in range(options.seeds):
        comparison = compare_models(
            {
                "Simple": make_pipeline(PixelNormalizer(), SimpleNNClassifier(random_state=seed)),
                "Deep": make_pipeline(PixelNormalizer(), DeepNNClassifier(random_state=seed)),
            },
            X,
            y,
            X_test=X_test,
            y_test=y_test,
        )
        found = comparison.recommendation
        tables.append(comparison.table.assign(seed=seed, take=found.model, verdict=found.verdict))
        print(tables[-1].to_string(), flush=True)
        print(found, flush=True)
    table = pd.concat(tables)
    figures = ["test_accuracy", "gap", "fit_time", "n_epochs"]
    print("\nMeans\n" + table.groupby(level=0, sort=False)[figures].mean().round(4).to_string())
    if options.json:
        options.json.write_text(json.dumps(table.reset_index().to_dict("records"), indent=2))


if __name__ == "__main__":
    main()
