"""Which defaults stop training well: `monitor`, `patience`, and the rows held out?

Each network is trained for many epochs, once per seed, and the weights of each epoch are evaluated
on further rows that are neither trained nor validated on: the other rows of load_digits, or 10,000
of MNIST's training images. From these curves follows where any rule would have stopped, and what
the weights that it keeps reach. MNIST's test part is not used.

Usage: ``python benchmarks/early_stopping.py small|mnist [--seeds 20] [--epochs 100] [--json FILE]``
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

from skmnist import DeepNNClassifier, SimpleNNClassifier, load_mnist
from skmnist.neural_network._forward import predict_proba

PATIENCES = (5, 10, 15, 20, 30)
RULES = {  # greater is better
    "val_loss": lambda loss, accuracy: -loss,
    "val_accuracy alone": lambda loss, accuracy: accuracy,
    "val_accuracy, then val_loss": lambda loss, accuracy: (accuracy, -loss),
}


class FurtherRows(keras.callbacks.Callback):
    """Notes the accuracy of each epoch's weights on further rows."""

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


def curves(make, rows, further, seed, epochs, validation_fraction):
    watch = FurtherRows(*further)
    model = make(
        epochs=epochs,
        patience=None,
        callbacks=[watch],
        random_state=seed,
        validation_fraction=validation_fraction,
    ).fit(*rows)
    history = {name: values.tolist() for name, values in model.history_.items()}
    return {**history, "further": watch.accuracies}


def judge(curve):
    """Say what each rule would have kept."""
    if "val_loss" not in curve:
        yield "nothing held out", 15, curve["further"], *stop([-loss for loss in curve["loss"]], 15)
        return
    for name, rule in RULES.items():
        values = list(map(rule, curve["val_loss"], curve["val_accuracy"]))
        for patience in PATIENCES:
            yield name, patience, curve["further"], *stop(values, patience)


def parts(which, seed):
    """Yield (name, network, rows, further rows)."""
    rng = np.random.default_rng(seed)
    if which == "small":
        X, y = load_digits(return_X_y=True)
        X, order = (X / 16).astype(np.float32), rng.permutation(len(y))
        further = order[898:]
        for n in (100, 300, 500, 898):
            rows = order[:n]
            yield (
                f"load_digits {n}",
                SimpleNNClassifier,
                (X[rows], y[rows]),
                (X[further], y[further]),
            )
        return
    mnist = load_mnist()
    X = (mnist.X_train.reshape(60_000, -1) / 255).astype(np.float32)
    order = rng.permutation(60_000)
    rows, further = order[:50_000], order[50_000:]
    for make in (SimpleNNClassifier, DeepNNClassifier):
        yield (
            "MNIST 50,000",
            make,
            (X[rows], mnist.y_train[rows]),
            (X[further], mnist.y_train[further]),
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("which", choices=["small", "mnist"])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows, all_curves = [], {}
    for seed in range(options.seeds):
        for name, make, training, further in parts(options.which, seed):
            for fraction in (0.1, None) if options.which == "small" else (0.1,):
                curve = curves(make, training, further, seed, options.epochs, fraction)
                all_curves[f"{name} {make.__name__} {fraction} {seed}"] = curve
                for rule, patience, accuracies, kept, trained in judge(curve):
                    rows.append(
                        {
                            "rows": name,
                            "network": make.__name__,
                            "rule": rule,
                            "patience": patience,
                            "accuracy %": 100 * accuracies[kept - 1],
                            "kept": kept,
                            "trained": trained,
                        }
                    )
    groups = pd.DataFrame(rows).groupby(["rows", "network", "rule", "patience"], sort=False)
    table = groups.agg(
        accuracy=("accuracy %", "mean"),
        spread=("accuracy %", "std"),
        kept=("kept", "mean"),
        trained=("trained", "mean"),
    )
    print(table.round({"accuracy": 2, "spread": 2, "kept": 0, "trained": 0}).to_string())
    if options.json:
        options.json.write_text(json.dumps(all_curves))


if __name__ == "__main__":
    main()
