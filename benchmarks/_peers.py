"""The classifiers that are measured side by side: the same network, batches and optimizer for all.

Every peer trains relu layers with a softmax on top, by Adam at 1e-3 in batches of 128 and float32,
and evaluates the validation rows once per epoch. `make` is told where these come from: "given" ones
go to `fit`, "held out" ones are a tenth of X, None is no validation. The end of each epoch is noted
in `ENDS`.

What was tried for skorch, seconds per epoch after the first, one run each, so that differences of
some per cent decide nothing. On random images and labels, quiet machine, simple / deep network:
its DataLoader 1.02 / not tried; an iterator that slices tensors 0.79 / 3.10; with fused Adam 0.70
/ 2.78; rows of an epoch permuted at once 0.78 / 2.80; a training step that calls nothing but
module, loss and optimizer 0.67 / 2.67; an epoch that adds up the loss in place of a history
record per batch 0.71 / 2.76; `torch.compile` 0.85 / 3.27. The first epoch took half of that. On
MNIST with denormal numbers flushed to zero from the start, on a machine that was not quiet: fused
Adam 0.42 / 1.25, the lean step 0.39 / disturbed, the lean epoch, which stands here, 0.37 / 1.21.
That it is the flushing that helps (Adam's vanishing moments become denormal) is likely, but was
not measured by itself: the runs on MNIST without it were too disturbed to count.
"""

import time
import warnings
from functools import cache
from itertools import pairwise

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

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
VALIDATION_BATCH = 1024  # where a peer lets one choose; Keras's own default is BATCH
LEARNING_RATE = 1e-3
HELD_OUT = 0.1  # of X, where no rows are given to validate on

ENDS: list[float] = []  # when each epoch of the running fit ended


def note_end(*_args, **_kwargs):
    ENDS.append(time.perf_counter())


@cache
def load_mnist():
    """Return X, y, X_test, y_test: float32 in [0, 1], one image a row."""
    from skmnist import PixelNormalizer
    from skmnist import load_mnist as load

    X, X_test, y, y_test = load(return_X_y=True)
    normalizer = PixelNormalizer().fit(X)
    return normalizer.transform(X), y, normalizer.transform(X_test), y_test


def take(n, n_test=0):
    """Return the first n training images, MNIST repeated where it ends, and n_test test images."""
    X, y, X_test, y_test = load_mnist()
    rows = np.arange(n) % len(y)
    return X[rows], y[rows], X_test[:n_test].copy(), y_test[:n_test]


class Skmnist:
    """Ours."""

    def load(self):
        import scikeras.wrappers  # noqa: F401 - and with it tensorflow, which is not timed

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


def build_keras(sizes, n_features=784, n_classes=10):
    import keras

    layers = [keras.layers.Dense(units, "relu") for units in sizes]
    return keras.Sequential(
        [
            keras.layers.Input((n_features,)),
            *layers,
            keras.layers.Dense(n_classes, "softmax"),
        ]
    )


class Scikeras:
    """`KerasClassifier`, as its documentation has it."""

    def load(self):
        import scikeras.wrappers  # noqa: F401

    def make(self, sizes, epochs, validation="held out", callbacks=True):
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
            callbacks=keras_clock() if callbacks else None,
            verbose=0,
            random_state=0,
        )

    def fit(self, model, X, y, X_val=None, y_val=None):
        validation = {} if X_val is None else {"validation_data": (X_val, y_val)}
        return model.fit(X, y, **validation)


class Keras:
    """`keras.Model.fit` by itself, with its defaults."""

    def load(self):
        import keras  # noqa: F401

    def make(self, sizes, epochs, validation="held out"):
        import keras

        model = build_keras(sizes)
        model.compile(
            optimizer=keras.optimizers.Adam(LEARNING_RATE),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        options = {
            "epochs": epochs,
            "batch_size": BATCH,
            "callbacks": [keras_clock()],
            "verbose": 0,
        }
        if validation == "held out":
            options["validation_split"] = HELD_OUT
        return _KerasFit(model, options)

    def fit(self, model, X, y, X_val=None, y_val=None):
        return model.fit(X, y, None if X_val is None else (X_val, y_val))


class _KerasFit:
    def __init__(self, model, options):
        self.model, self.options = model, options

    def fit(self, X, y, validation):
        self.model.fit(X, y, validation_data=validation, **self.options)
        return self

    def predict_proba(self, X):
        return self.model.predict(X, verbose=0)

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)


def keras_clock():
    import keras

    return keras.callbacks.LambdaCallback(on_epoch_end=note_end)


class ClockedMLP(MLPClassifier):
    """scikit-learn's network, which has no callback: notes the end of an epoch where it scores."""

    def _update_no_improvement_count(self, *args, **kwargs):
        super()._update_no_improvement_count(*args, **kwargs)
        note_end()


class MLP:
    """`MLPClassifier`: it can only hold rows out of X itself, so it gets the given ones in X."""

    def load(self):
        warnings.simplefilter("ignore", ConvergenceWarning)  # all epochs are asked for

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
    """`NeuralNetClassifier`, as fast as it was found to go; see the module's docstring."""

    def load(self):
        import torch

        torch.set_flush_denormal(True)  # before torch starts threads, which inherit it
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


def _torch_layers(sizes, n_features=784, n_classes=10):
    import torch

    layers = []
    for units in sizes:
        layers += [torch.nn.Linear(n_features, units), torch.nn.ReLU()]
        n_features = units
    return torch.nn.Sequential(*layers, torch.nn.Linear(n_features, n_classes))


class _TensorBatches:
    """Batches by slicing tensors in memory, in place of a DataLoader."""

    def __init__(self, dataset, batch_size, shuffle=False):
        import torch

        rows = None
        if hasattr(dataset, "indices"):  # a part that was split off
            dataset, rows = dataset.dataset, torch.as_tensor(dataset.indices)
        self.X, self.y = torch.as_tensor(dataset.X), dataset.y
        if self.y is None:  # predicting
            self.y = np.zeros(len(self.X), np.int64)
        self.y = torch.as_tensor(self.y)
        if rows is not None:
            self.X, self.y = self.X[rows], self.y[rows]
        self.batch_size, self.shuffle = batch_size, shuffle

    def __iter__(self):
        import torch

        if self.shuffle:
            for rows in torch.randperm(len(self.y)).split(self.batch_size):
                yield self.X.index_select(0, rows), self.y.index_select(0, rows)
        else:
            yield from zip(
                self.X.split(self.batch_size), self.y.split(self.batch_size), strict=True
            )


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
    """What no training of these networks can do without: its matrix products, through NumPy."""

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
        buffers = {
            which: [np.empty((VALIDATION_BATCH, width), np.float32) for width in widths]
            for which in ("forward", "backward")
        }
        for _ in range(epochs):
            for start in range(0, len(X), BATCH):
                layers = self._forward(X[start : start + BATCH], kernels, buffers["forward"])
                delta = layers[-1]
                for depth in reversed(range(len(kernels))):
                    np.matmul(layers[depth].T, delta, out=gradients[depth])
                    if depth:  # nobody needs the gradient of the pixels
                        out = buffers["backward"][depth][: len(delta)]
                        delta = np.matmul(delta, kernels[depth].T, out=out)
            for start in range(0, 0 if X_val is None else len(X_val), VALIDATION_BATCH):
                rows = X_val[start : start + VALIDATION_BATCH]
                self._forward(rows, kernels, buffers["forward"])
            note_end()
        return self

    def _forward(self, rows, kernels, buffers):
        layers = [rows]
        for kernel, buffer in zip(kernels, buffers[1:], strict=True):
            layers.append(np.matmul(layers[-1], kernel, out=buffer[: len(rows)]))
        return layers


PEERS = {
    "skmnist": Skmnist,
    "scikeras": Scikeras,
    "keras": Keras,
    "mlp": MLP,
    "skorch": Skorch,
    "floor": Floor,
}
