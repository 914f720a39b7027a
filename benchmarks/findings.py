"""Print the findings for networks with known problems.

Usage: ``python benchmarks/findings.py [--rows 1000 3000 10000]``

Trains both networks in settings with known problems, and prints the findings and the figures to
which the thresholds in ``skmnist/diagnosis/_findings.py`` apply.
"""

import argparse
import warnings

import numpy as np
import pandas as pd

from skmnist import DeepNNClassifier, PixelNormalizer, SimpleNNClassifier, load_mnist
from skmnist.diagnosis import diagnose_fit
from skmnist.diagnosis._figures import FitFigures, _dead_shares
from skmnist.diagnosis._findings import MIN_JUMP

SETTINGS = {
    "defaults": {},
    "few epochs": {"epochs": 3},
    "slow": {"epochs": 30, "learning_rate": 1e-5},
    "low patience": {"patience": 1},
    "dropout": {"epochs": 40, "dropout": 0.5},
    "rate x 10": {"learning_rate": 0.01},
    "rate x 50": {"learning_rate": 0.05},
    "rate x 300": {"learning_rate": 0.3},
    "sgd": {"epochs": 30, "optimizer": "sgd", "learning_rate": 0.01},
    "sgd, rate x 100": {"epochs": 30, "optimizer": "sgd", "learning_rate": 1.0},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 3000, 10_000])
    rows = []
    for n_train in parser.parse_args().rows:
        data = load_mnist(n_train=n_train, n_test=2000, random_state=0)
        X = PixelNormalizer().fit_transform(data.X_train)
        for kind in (SimpleNNClassifier, DeepNNClassifier):
            for name, parameters in SETTINGS.items():
                try:
                    with warnings.catch_warnings(action="ignore"):
                        network = kind(random_state=0, **parameters).fit(X, data.y_train)
                except ValueError:  # training failed in the first epoch
                    continue
                rows.append((n_train, kind.__name__, name, *describe(network, X)))
                print(*rows[-1], sep="\t", flush=True)
    columns = ["rows", "network", "setting", "findings", "jumps", "fall", "rise", "dead"]
    print("\n" + pd.DataFrame(rows, columns=columns).round(3).to_string(index=False))


def describe(network, X):
    """Return the findings and the figures on which they are based."""
    fit = FitFigures(max_gap=0.02, min_train_accuracy=0.88, history=network.history_)
    loss = network.history_["loss"]
    return (
        ", ".join(finding.code for finding in diagnose_fit(network, X=X).further_findings) or "-",
        int((np.diff(loss) > MIN_JUMP * np.maximum(1, loss[:-1])).sum()),
        fit.trend("val_loss", 2),
        fit.trend("val_accuracy", 2),
        max(_dead_shares(network, network, X)),
    )


if __name__ == "__main__":
    main()
