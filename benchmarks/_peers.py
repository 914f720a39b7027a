"""The classifiers to benchmark, with the same network, batch size and optimizer.

Every peer but "floor" trains relu layers and a softmax layer with Adam (1e-3) in batches of 128 and
float32, and evaluates the validation rows once per epoch: those passed to `fit` for "given", a
tenth of X for "held out", and none for None. The end of each epoch is recorded in `ENDS`.

skorch is optimized as far as possible: an iterator that slices tensors instead of its DataLoader,
fused Adam, a training step and an epoch without skorch's bookkeeping, and denormal numbers (from
Adam's vanishing moments) flushed to zero. Together, these changes halve the time of an epoch;
`torch.compile` made it longer.
"""

import sys
import time
import warnings
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

sys.path.insert(0, str(Path(__file__).parents[1]))  # import skmnist from this repository

SIZES = {"simple": (128,), "deep": (512, 256, 128)}
NAMES = {
    "skmnist": "skmnist",
    "scikeras": "scikeras KerasClassifier",
    "keras": "keras.Model.fit",
    "mlp": "scikit-learn MLPClassifier",
    "skorch": "skorch (PyTorch)",
    "floor": "matrix products alone (BLAS)",
}
BATCH = 128
VALIDATION_BATCH = 1024  # if it can be chosen; Keras's default is BATCH
LEARNING_RATE = 1e-3
HELD_OUT = 0.1  # share of X, if no validation rows are given

ENDS: list[float] = []  # end times of the epochs of the current fit


def note_end(*_args, **_kwargs):
    ENDS.append(time.perf_counter())


@cache
def load_mnist():
    """Return X, y, X_test, y_test, with one image per row in float32, in [0, 1]."""
    from skmnist import PixelNormalizer
    from skmnist import load_mnist as load

    X, X_test, y, y_test = load(return_X_y=True)
    normalizer = PixelNormalizer().fit(X)
    return normalizer.transform(X), y, normalizer.transform(X_test), y_test


def take(n, n_test=0):
    """Return n training images, repeating MNIST if necessary, and n_test test images."""
    X, y, X_test, y_test = load_mnist()
    rows = np.arange(n) % len(y)
    return X[rows], y[rows], X_test[:n_test].copy(), y_test[:n_test]


def build_keras(sizes):
    import keras

    layers = [keras.layers.Dense(units, "relu") for units in sizes]
    return keras.Sequential(
        [keras.layers.Input((784,)), *layers, keras.layers.Dense(10, "softmax")]
    )


class Scikeras:
    """`KerasClassifier`, as in its documentation."""

    def load(self):
        import scikeras.wrappers  # noqa: F401 - imports tensorflow, which is not timed

    def make(self, sizes, epochs, validation="held out"):
        from scikeras.wrappers import KerasClassifier

        return KerasClassifier(
            model=build_keras,
            sizes=tuple(sizes),
            loss="sparse_categorical_crossentropy",
            optimizer="adam",
            optimizer__learning_rate=LEARNING_RATE,
            metrics=["accuracy"],
            batch_size=BATCH,
            epochs=epochs,
            fit__validation_split=HELD_OUT if validation == "held out" else 0.0,
            callbacks=keras_clock(),
            verbose=0,
            random_state=0,
        )

    def fit(self, model, X, y, X_val=None, y_val=None):
        validation = {} if X_val is None else {"validation_data": (X_val, y_val)}
        return model.fit(X, y, **validation)


class Skmnist(Scikeras):
    """The classifiers of this package."""

    def load(self):
        from skmnist.neural_network._tensorflow import load_training

        load_training()  # as the first fit does, so that compiled programs can be kept

    def make(self, sizes, epochs, validation="held out", **options):
        from skmnist import DeepNNClassifier, SimpleNNClassifier

        options = {
            "epochs": epochs,
            "batch_size": BATCH,
            "learning_rate": LEARNING_RATE,
            "patience": None,
            "callbacks": note_end,
            "validation_fraction": HELD_OUT if validation == "held out" else None,
            "random_state": 0,
            **options,
        }
        if len(sizes) == 1:
            return SimpleNNClassifier(sizes[0], **options)
        return DeepNNClassifier(sizes, **options)

    def fit(self, model, X, y, X_val=None, y_val=None, **fit_params):
        return model.fit(X, y, X_val=X_val, y_val=y_val, **fit_params)


class Keras(Scikeras):
    """`keras.Model.fit` with its defaults."""

    def make(self, sizes, epochs, validation="held out"):
        import keras

        model = build_keras(sizes)
        optimizer = keras.optimizers.Adam(LEARNING_RATE)
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
        self.options = {
            "epochs": epochs,
            "batch_size": BATCH,
            "callbacks": [keras_clock()],
            "validation_split": HELD_OUT if validation == "held out" else 0.0,
            "verbose": 0,
        }
        return model

    def fit(self, model, X, y, X_val=None, y_val=None):
        validation = None if X_val is None else (X_val, y_val)
        model.fit(X, y, validation_data=validation, **self.options)
        return model


def keras_clock():
    import keras

    return keras.callbacks.LambdaCallback(on_epoch_end=note_end)


class ClockedMLP(MLPClassifier):
    """Record the end of an epoch when the score is updated, as `MLPClassifier` has no callbacks."""

    def _update_no_improvement_count(self, *args, **kwargs):
        super()._update_no_improvement_count(*args, **kwargs)
        note_end()


class MLP:
    """`MLPClassifier`; validation rows are added to X, as it can only hold out rows itself."""

    def load(self):
        warnings.simplefilter("ignore", ConvergenceWarning)

    def make(self, sizes, epochs, validation="held out"):
        return ClockedMLP(
            tuple(sizes),
            batch_size=BATCH,
            learning_rate_init=LEARNING_RATE,
            alpha=0,
            max_iter=epochs,
            tol=0,
            n_iter_no_change=epochs + 1,
            early_stopping=validation is not None,
            validation_fraction=HELD_OUT,
            random_state=0,
        )

    def fit(self, model, X, y, X_val=None, y_val=None):
        if X_val is not None:
            model.set_params(validation_fraction=len(X_val) / (len(X) + len(X_val)))
            X, y = np.concatenate([X, X_val]), np.concatenate([y, y_val])
        return model.fit(X, y)


class Skorch:
    """`NeuralNetClassifier`, optimized; see the module docstring."""

    def load(self):
        import torch

        torch.set_flush_denormal(True)  # before torch starts its threads
        import skorch  # noqa: F401

    def make(self, sizes, epochs, validation="held out"):
        import torch
        from skorch.dataset import ValidSplit

        return _lean_net()(
            _torch_layers(sizes),
            criterion=torch.nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            optimizer__fused=True,
            lr=LEARNING_RATE,
            max_epochs=epochs,
            batch_size=BATCH,
            iterator_train=_TensorBatches,
            iterator_train__shuffle=True,
            iterator_valid=_TensorBatches,
            iterator_valid__batch_size=VALIDATION_BATCH,
            train_split=ValidSplit(HELD_OUT, stratified=True) if validation else None,
            callbacks="disable",
            verbose=0,
        )

    def fit(self, model, X, y, X_val=None, y_val=None):
        from skorch.dataset import Dataset
        from skorch.helper import predefined_split

        if X_val is not None:
            model.set_params(train_split=predefined_split(Dataset(X_val, y_val)))
        return model.fit(X, y)


def _torch_layers(sizes):
    from torch import nn

    layers = [(nn.Linear(n_in, n_out), nn.ReLU()) for n_in, n_out in pairwise((784, *sizes))]
    return nn.Sequential(*(part for layer in layers for part in layer), nn.Linear(sizes[-1], 10))


class _TensorBatches:
    """Slice batches from tensors in memory, instead of using a DataLoader."""

    def __init__(self, dataset, batch_size, shuffle=False):
        import torch

        rows = slice(None)
        if hasattr(dataset, "indices"):  # a subset
            dataset, rows = dataset.dataset, torch.as_tensor(dataset.indices)
        y = np.zeros(len(dataset.X), np.int64) if dataset.y is None else dataset.y
        self.X, self.y = torch.as_tensor(dataset.X)[rows], torch.as_tensor(y)[rows]
        self.batch_size, self.shuffle = batch_size, shuffle

    def __iter__(self):
        import torch

        if self.shuffle:
            for rows in torch.randperm(len(self.y)).split(self.batch_size):
                yield self.X.index_select(0, rows), self.y.index_select(0, rows)
        else:
            batches = self.X.split(self.batch_size), self.y.split(self.batch_size)
            yield from zip(*batches, strict=True)


@cache
def _lean_net():
    from skorch import NeuralNetClassifier

    class LeanNet(NeuralNetClassifier):
        def train_step(self, batch, **_fit_params):
            X, y = batch
            self.optimizer_.zero_grad(set_to_none=True)
            loss = self.criterion_(self.module_(X), y)
            loss.backward()
            self.optimizer_.step()
            return {"loss": loss}

        def run_single_epoch(self, iterator, training, prefix, step_fn, **_fit_params):
            if iterator is None:
                return
            self._set_training(training)
            total = sum(step_fn(batch)["loss"].detach() * len(batch[1]) for batch in iterator)
            self.history.record(f"{prefix}_loss", float(total) / len(iterator.y))

        def on_epoch_end(self, *_args, **_kwargs):
            note_end()

    return LeanNet


class Floor:
    """Only the matrix products of training, with NumPy."""

    def load(self):
        pass

    def make(self, sizes, epochs, validation="held out"):
        return sizes, epochs

    def fit(self, model, X, y, X_val=None, y_val=None):
        sizes, epochs = model
        widths = (X.shape[1], *sizes, 10)
        rng = np.random.default_rng(0)
        kernels = [
            rng.normal(0, n_in**-0.5, (n_in, n_out)).astype(np.float32)
            for n_in, n_out in pairwise(widths)
        ]
        gradients = [np.empty_like(kernel) for kernel in kernels]
        forward, backward = (
            [np.empty((VALIDATION_BATCH, width), np.float32) for width in widths] for _ in range(2)
        )

        def predict(rows):
            layers = [rows]
            for kernel, buffer in zip(kernels, forward[1:], strict=True):
                layers.append(np.matmul(layers[-1], kernel, out=buffer[: len(rows)]))
            return layers

        for _ in range(epochs):
            for start in range(0, len(X), BATCH):
                layers = predict(X[start : start + BATCH])
                delta = layers[-1]
                for depth in reversed(range(len(kernels))):
                    np.matmul(layers[depth].T, delta, out=gradients[depth])
                    if depth:  # the gradient of the pixels is not needed
                        out = backward[depth][: len(delta)]
                        delta = np.matmul(delta, kernels[depth].T, out=out)
            for start in range(0, 0 if X_val is None else len(X_val), VALIDATION_BATCH):
                predict(X_val[start : start + VALIDATION_BATCH])
            note_end()
        return self


PEERS = {
    "skmnist": Skmnist,
    "scikeras": Scikeras,
    "keras": Keras,
    "mlp": MLP,
    "skorch": Skorch,
    "floor": Floor,
}
