"""Compare rules for early stopping: `monitor`, `patience`, and whether rows are held out.

Each network is trained for many epochs, once per seed, and the weights of each epoch are evaluated
on separate rows: the remaining rows of load_digits, or 10,000 of MNIST's training images. These
curves show the epoch in which each rule would have stopped, and the accuracy of the weights that it
keeps. MNIST's test set is not used.

Usage: ``python benchmarks/early_stopping.py small|mnist [--seeds 20] [--epochs 100]``
"""

import argparse
import os

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
    """Record the accuracy on separate rows after each epoch."""

    def __init__(self, X, y):
        super().__init__()
        self.X, self.y, self.accuracies = X, y, []

    def on_epoch_end(self, epoch, logs=None):
        weights = self.model.get_weights()
        proba = predict_proba(self.X, weights[::2], weights[1::2], "relu")
        self.accuracies.append(float((proba.argmax(axis=1) == self.y).mean()))


def stop(values, patience):
    """Return the epoch whose weights are kept and the number of epochs trained."""
    best = 0
    for epoch, value in enumerate(values):
        if value > values[best]:
            best = epoch
        if epoch - best >= patience:
            break
    return best + 1, epoch + 1


def judge(history):
    """Yield the result of each rule."""
    if "val_loss" not in history:
        yield "nothing held out", 15, *stop(-history["loss"], 15)
        return
    for name, rule in RULES.items():
        values = list(map(rule, history["val_loss"], history["val_accuracy"]))
        for patience in PATIENCES:
            yield name, patience, *stop(values, patience)


def parts(which, seed):
    """Yield (name, network, X, y, training rows, separate rows)."""
    rng = np.random.default_rng(seed)
    if which == "small":
        X, y = load_digits(return_X_y=True)
        X, order = (X / 16).astype(np.float32), rng.permutation(len(y))
        for n in (100, 300, 500, 898):
            yield f"load_digits {n}", SimpleNNClassifier, X, y, order[:n], order[898:]
        return
    mnist = load_mnist()
    X = (mnist.X_train.reshape(60_000, -1) / 255).astype(np.float32)
    order = rng.permutation(60_000)
    for make in (SimpleNNClassifier, DeepNNClassifier):
        yield "MNIST 50,000", make, X, mnist.y_train, order[:50_000], order[50_000:]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("which", choices=["small", "mnist"])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=100)
    options = parser.parse_args()
    keys, found = ["rows", "network", "rule", "patience"], []
    for seed in range(options.seeds):
        for name, make, X, y, rows, further in parts(options.which, seed):
            for fraction in (0.1, None) if options.which == "small" else (0.1,):
                watch = FurtherRows(X[further], y[further])
                model = make(
                    epochs=options.epochs,
                    patience=None,
                    callbacks=watch,
                    random_state=seed,
                    validation_fraction=fraction,
                ).fit(X[rows], y[rows])
                for rule, patience, kept, trained in judge(model.history_):
                    accuracy = 100 * watch.accuracies[kept - 1]
                    found.append((name, make.__name__, rule, patience, accuracy, kept, trained))
    groups = pd.DataFrame(found, columns=[*keys, "accuracy %", "kept", "trained"])
    groups = groups.groupby(keys, sort=False)
    table = groups.mean().assign(spread=groups["accuracy %"].std())
    print(table.round({"accuracy %": 2, "spread": 2, "kept": 0, "trained": 0}).to_string())


if __name__ == "__main__":
    main()
