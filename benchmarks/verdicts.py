"""Count the labels that the diagnosis gives to one recipe over random starts.

Usage: ``python benchmarks/verdicts.py [--seeds 30] [--rows 60000] [--file FILE]``

Trains ``SimpleNNClassifier`` with its defaults once for each seed, and prints the label of each
fit. ``tests/diagnosis/starts.csv`` was written with ``--file``, for all 60,000 rows.
"""

import argparse
from collections import Counter

import pandas as pd

from skmnist import PixelNormalizer, SimpleNNClassifier, load_mnist
from skmnist.diagnosis import diagnose_fit

COLUMNS = ["train_accuracy", "validation_accuracy", "n_train", "n_validation", "val_loss_trend_up"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--file")
    arguments = parser.parse_args()
    data = load_mnist(n_train=arguments.rows, n_test=10, random_state=0)
    X = PixelNormalizer().fit_transform(data.X_train)
    rows, labels = [], Counter()
    for seed in range(arguments.seeds):
        diagnosis = diagnose_fit(SimpleNNClassifier(random_state=seed).fit(X, data.y_train))
        labels[diagnosis.label] += 1
        rows.append([seed, *(getattr(diagnosis, column) for column in COLUMNS)])
        print(*rows[-1], diagnosis.label, sep="\t", flush=True)
    print(dict(labels))
    if arguments.file:
        pd.DataFrame(rows, columns=["seed", *COLUMNS]).to_csv(arguments.file, index=False)


if __name__ == "__main__":
    main()
