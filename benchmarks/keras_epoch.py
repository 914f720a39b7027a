"""Compare the compiled epoch of this package with Keras's own compiled steps.

`keras.Model.fit` with `jit_compile=True`, and with `steps_per_execution` set to 32 or to the steps
of an epoch, takes turns with `fit` of this package. Both train and validate the same network on the
same rows. The result is the median time of an epoch, excluding the first one.

Usage: ``python benchmarks/keras_epoch.py [--rounds 5] [--epochs 4] [--rows 50000]``
"""

import argparse
import os
from statistics import median
from time import perf_counter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

from skmnist import DeepNNClassifier, PixelNormalizer, SimpleNNClassifier, load_mnist

BATCH_SIZE = 128


class Clock(keras.callbacks.Callback):
    """Record the end of each epoch."""

    def on_train_begin(self, logs=None):
        self.ends = []

    def on_epoch_end(self, epoch, logs=None):
        self.ends.append(perf_counter())

    @property
    def seconds(self):
        return [after - before for before, after in zip(self.ends, self.ends[1:], strict=False)]


def train_ours(model, train, validation, epochs):
    clock = Clock()
    model.set_params(epochs=epochs, batch_size=BATCH_SIZE, patience=None, callbacks=[clock])
    model.fit(*train, X_val=validation[0], y_val=validation[1])
    return clock.seconds


def train_keras(model, train, validation, epochs, steps):
    layers = [keras.layers.Dense(units, "relu") for units in model._hidden_layer_sizes()]
    network = keras.Sequential([*layers, keras.layers.Dense(10, "softmax")])
    network.compile(
        "adam",
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=True,
        steps_per_execution=steps,
    )
    clock = Clock()
    # a smaller last batch would be compiled again in each epoch
    rows = len(train[0]) // BATCH_SIZE * BATCH_SIZE
    network.fit(
        train[0][:rows],
        train[1][:rows],
        batch_size=BATCH_SIZE,
        epochs=epochs,
        validation_data=validation,
        validation_batch_size=1000,
        callbacks=[clock],
        verbose=0,
    )
    return clock.seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rows", type=int, default=50_000)
    given = parser.parse_args()
    mnist = load_mnist()
    X = PixelNormalizer().fit_transform(mnist.X_train)
    train = X[: given.rows], mnist.y_train[: given.rows]
    validation = X[50_000:], mnist.y_train[50_000:]
    for make in (SimpleNNClassifier, DeepNNClassifier):
        ways = {
            "skmnist": lambda make=make: train_ours(make(), train, validation, given.epochs),
            "Keras, 32 steps": lambda make=make: train_keras(
                make(), train, validation, given.epochs, 32
            ),
            "Keras, an epoch": lambda make=make: train_keras(
                make(), train, validation, given.epochs, len(train[0]) // BATCH_SIZE
            ),
        }
        seconds = {way: [] for way in ways}
        for _ in range(given.rounds):
            for way, run in ways.items():
                seconds[way].append(median(run()))
        ours = median(seconds["skmnist"])
        for way, times in seconds.items():
            print(f"{make.__name__:20} {way:18} {median(times):6.3f} s {median(times) / ours:5.2f}")


if __name__ == "__main__":
    main()
