"""Which `monitor` and `patience` should be the defaults? Measured on full MNIST.

Each network is trained once per seed for many epochs, with the default validation part; the
weights of each epoch are evaluated on the validation and on the test part. From these curves one
can read where any patience would have stopped and what it would have kept.

Usage: ``python benchmarks/early_stopping.py [--seeds 5] [--epochs 100] [--json FILE]``

The choice is made by looking at the validation columns; the test columns are for reporting.
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pandas as pd

from skmnist import DeepNNClassifier, PixelNormalizer, SimpleNNClassifier, load_mnist
from skmnist.neural_network._forward import predict_proba

PATIENCES = (5, 10, 15, 20, 30)
MONITORS = ("val_loss", "val_accuracy")


class TestCurve(keras.callbacks.Callback):
    """Notes the test accuracy of each epoch's weights."""

    def __init__(self, X, y):
        super().__init__()
        self.X, self.y, self.accuracies = X, y, []

    def on_epoch_end(self, epoch, logs=None):
        weights = self.model.get_weights()
        proba = predict_proba(self.X, weights[::2], weights[1::2], "relu")
        self.accuracies.append(float((proba.argmax(axis=1) == self.y).mean()))


def stop(values, patience):
    """Return (epoch kept, epochs trained), both from 1, as early stopping would have it."""
    best = 0
    for epoch, value in enumerate(values):
        if value > values[best]:
            best = epoch
        if epoch - best >= patience:
            break
    return best + 1, epoch + 1


def curves(make, seed, epochs, data):
    X, X_test, y, y_test = data
    test = TestCurve(X_test, y_test)
    model = make(epochs=epochs, patience=None, callbacks=[test], random_state=seed).fit(X, y)
    history = {name: values.tolist() for name, values in model.history_.items()}
    return {**history, "test_accuracy": test.accuracies}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    X, X_test, y, y_test = load_mnist(return_X_y=True)
    normalizer = PixelNormalizer().fit(X)
    data = normalizer.transform(X), normalizer.transform(X_test), y, y_test
    rows, all_curves = [], {}
    for make in (SimpleNNClassifier, DeepNNClassifier):
        for seed in range(options.seeds):
            curve = all_curves[f"{make.__name__} {seed}"] = curves(make, seed, options.epochs, data)
            for monitor in MONITORS:
                sign = -1 if monitor == "val_loss" else 1
                for patience in PATIENCES:
                    kept, trained = stop([sign * value for value in curve[monitor]], patience)
                    rows.append(
                        {
                            "network": make.__name__,
                            "monitor": monitor,
                            "patience": patience,
                            "validation %": 100 * curve["val_accuracy"][kept - 1],
                            "test %": 100 * curve["test_accuracy"][kept - 1],
                            "epochs": trained,
                        }
                    )
    table = pd.DataFrame(rows).groupby(["network", "monitor", "patience"], sort=False).mean()
    print(table.round({"validation %": 2, "test %": 2, "epochs": 0}).to_string())
    if options.json:
        options.json.write_text(json.dumps(all_curves))


if __name__ == "__main__":
    main()
