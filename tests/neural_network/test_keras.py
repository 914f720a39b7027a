"""Keras callbacks do here what they do in `keras.Model.fit`, and leave nothing behind."""

import copy
import csv
import io
import pickle
import subprocess
import sys
from functools import cache

import cloudpickle
import joblib
import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score

from skmnist import SimpleNNClassifier, compare_models
from skmnist.neural_network import _program

# A history in which each of the four figures has its best epoch elsewhere, from 0: 4, 6, 3, 7.
HISTORY = {
    "loss": [2.0, 1.5, 1.2, 1.1, 0.9, 0.95, 1.0, 0.99, 1.1, 1.2, 1.3, 1.4],
    "accuracy": [0.1, 0.2, 0.3, 0.3, 0.4, 0.5, 0.6, 0.5, 0.5, 0.4, 0.4, 0.4],
    "val_loss": [2.0, 1.0, 0.9, 0.8, 0.85, 0.9, 0.95, 0.9, 0.95, 1.0, 1.0, 1.0],
    "val_accuracy": [0.5, 0.4, 0.5, 0.4, 0.55, 0.5, 0.5, 0.7, 0.6, 0.65, 0.6, 0.6],
}
EPOCHS = [
    dict(zip(HISTORY, figures, strict=True)) for figures in zip(*HISTORY.values(), strict=True)
]


class Record(keras.callbacks.Callback):
    """Notes the learning rate and the first weight of each epoch."""

    def __init__(self):
        super().__init__()
        self.rates, self.weights = [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate.numpy()))


@cache
def make_keras_model():
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(2, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(np.zeros((2, 1)), np.array([0, 1]), verbose=0)  # builds the metrics
    return model


def train_by_keras(callbacks):
    """Call callbacks as Keras does, with the history above; return what was observed."""
    model = make_keras_model()
    model.optimizer.learning_rate = 1e-3
    record = Record()
    called = keras.callbacks.CallbackList([*callbacks, record], model=model, epochs=len(EPOCHS))
    model.stop_training = False
    called.on_train_begin()
    for epoch, logs in enumerate(EPOCHS):
        model.set_weights([np.full((1, 2), epoch), np.zeros(2)])
        called.on_epoch_begin(epoch)
        called.on_epoch_end(epoch, dict(logs))
        if model.stop_training:
            break
    called.on_train_end()
    return epoch + 1, record.rates, model.get_weights()[0].flat[0]


def train_here(callbacks, monkeypatch):
    def run(program, data, plan, rates):
        epoch = next(epochs)
        first = program._variables[0]
        first.assign(np.full(first.shape, epoch))
        program._optimizer.learning_rate.assign(rates[-1])
        return dict(EPOCHS[epoch]), True

    epochs = iter(range(len(EPOCHS)))
    monkeypatch.setattr(_program.Program, "run", run)
    record = Record()
    model = SimpleNNClassifier(
        2, epochs=len(EPOCHS), patience=None, callbacks=[*callbacks, record], random_state=0
    ).fit(np.eye(8), np.arange(8) % 2)
    return model.n_iter_, record.rates, model.coefs_[0].flat[0]


@pytest.mark.parametrize("monitor", HISTORY)
@pytest.mark.parametrize("mode", ["auto", "min", "max"])
@pytest.mark.parametrize(
    "make",
    [
        lambda **options: keras.callbacks.EarlyStopping(**options, patience=2),
        lambda **options: keras.callbacks.EarlyStopping(
            **options, patience=3, min_delta=0.1, restore_best_weights=True, start_from_epoch=1
        ),
        lambda **options: keras.callbacks.ReduceLROnPlateau(**options, patience=2, factor=0.5),
        lambda **options: keras.callbacks.ReduceLROnPlateau(
            **options, patience=1, factor=0.1, cooldown=1, min_lr=1e-5
        ),
    ],
    ids=["stop", "stop_and_restore", "reduce", "reduce_and_cool"],
)
def test_a_history_leads_to_the_epoch_and_the_rates_that_keras_chooses(
    make, monitor, mode, monkeypatch
):
    epochs, rates, kept = train_here([make(monitor=monitor, mode=mode)], monkeypatch)
    expected = train_by_keras([make(monitor=monitor, mode=mode)])
    assert (epochs, kept) == (expected[0], expected[2])
    np.testing.assert_allclose(rates, expected[1], rtol=1e-5)


def test_a_scheduler_sets_the_rate_that_it_sets_in_keras(monkeypatch):
    def halve(epoch, rate):
        return rate / 2 if epoch % 3 == 2 else rate

    scheduler = keras.callbacks.LearningRateScheduler(halve)
    _, rates, _ = train_here([scheduler], monkeypatch)
    np.testing.assert_allclose(rates, train_by_keras([scheduler])[1], rtol=1e-5)


def test_a_csv_logger_writes_what_it_writes_in_keras(tmp_path, monkeypatch):
    files = tmp_path / "here.csv", tmp_path / "keras.csv"
    train_here([keras.callbacks.CSVLogger(str(files[0]))], monkeypatch)
    train_by_keras([keras.callbacks.CSVLogger(str(files[1]))])
    assert files[0].read_text() == files[1].read_text()
    with files[0].open() as lines:
        assert len(list(csv.DictReader(lines))) == len(EPOCHS)


def fit_by_batches(callbacks, digits, **options):
    model = SimpleNNClassifier(8, callbacks=callbacks, random_state=0, **options)
    with pytest.warns(UserWarning, match="must be called for each batch"):
        return model.fit(*digits)


@pytest.mark.slow
@pytest.mark.parametrize("monitor", ["val_accuracy", "val_loss"])
def test_a_checkpoint_holds_the_best_epoch_and_can_be_loaded_without_this_package(
    monitor, digits, tmp_path
):
    file = tmp_path / "best.keras"
    checkpoint = keras.callbacks.ModelCheckpoint(str(file), monitor, save_best_only=True)
    model = fit_by_batches(
        checkpoint, digits, epochs=4, learning_rate=0.01, patience=4, monitor=monitor
    )
    script = (
        "import sys, keras\n"
        f"model = keras.models.load_model({str(file)!r})\n"
        "assert 'skmnist' not in sys.modules\n"
        "print(type(model).__name__, float(model.get_weights()[0][20, 0]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    name, weight = done.stdout.split()
    assert name == "Sequential"
    assert float(weight) == model.coefs_[0][20, 0]


@pytest.mark.slow
def test_terminate_on_nan_stops_at_once(digits):
    rows = digits[0].astype(np.float32), digits[1]
    explode = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 1e30 if epoch else rate)
    callbacks = [explode, keras.callbacks.TerminateOnNaN()]
    with pytest.warns(ConvergenceWarning, match="not finite in epoch 2; the weights of epoch 1"):
        model = fit_by_batches(callbacks, rows, epochs=5, optimizer="sgd", patience=None)
    assert (model.n_iter_, model.stop_reason_) == (2, "nonfinite")


class Mine(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.last = epoch


def make_callbacks(folder):
    return [
        keras.callbacks.EarlyStopping("val_accuracy", patience=2, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("val_loss"),
        keras.callbacks.CSVLogger(str(folder / "log.csv")),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate),
        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None),
    ]


@pytest.mark.slow
def test_callbacks_hold_no_model_afterwards_and_keep_what_they_report(digits, tmp_path):
    callbacks = [*make_callbacks(tmp_path), Mine()]
    names = [set(vars(callback)) for callback in callbacks]
    model = SimpleNNClassifier(8, epochs=9, learning_rate=0.5, callbacks=callbacks, random_state=0)
    model.fit(*digits)
    assert callbacks[0].stopped_epoch == model.n_iter_ - 1 == callbacks[-1].last
    for callback, before in zip(callbacks, names, strict=True):
        assert callback.model is None
        assert not [v for v in vars(callback).values() if isinstance(v, keras.Model | io.IOBase)]
        assert before <= set(vars(callback))
    assert model.callbacks is callbacks
    # after an error as well, and they train again
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model.fit(np.full((4, 64), np.nan), [0, 1, 0, 1])
    assert model.fit(*digits).n_iter_ == callbacks[-1].last + 1


LOAD = """
import pickle, sys
from sklearn.base import clone

with open(sys.argv[1], "rb") as file:
    kept = pickle.load(file)
for model, X, expected in kept:
    assert (model.predict_proba(X) == expected).all()
    assert "callbacks" in str(clone(model).get_params())
assert "tensorflow" not in sys.modules
model, X, _ = kept[0]
assert [type(callback).__name__ for callback in model.callbacks][:2] == [
    "EarlyStopping", "ReduceLROnPlateau"
]
model.fit(X, [row % 3 for row in range(len(X))])
print("trained")
"""


@pytest.mark.slow
def test_what_was_fitted_with_callbacks_is_loaded_without_tensorflow(digits, tmp_path):
    X, y = digits[0][:200], digits[1][:200]
    options = {"epochs": 3, "learning_rate": 0.05, "validation_fraction": 0.2, "random_state": 0}
    bare = SimpleNNClassifier(64, **options).fit(X, y)
    model = SimpleNNClassifier(64, callbacks=make_callbacks(tmp_path), **options).fit(X, y)
    search = GridSearchCV(model, {"batch_size": [32, 64]}, cv=2).fit(X, y)
    comparison = compare_models({"a": model, "b": clone(bare)}, X, y, random_state=0)
    assert len(pickle.dumps(model)) < len(pickle.dumps(bare)) + 4000
    with io.BytesIO() as by_joblib:
        joblib.dump(model, by_joblib)
        by_joblib.seek(0)
        in_joblib = joblib.load(by_joblib)
    kept = [
        pickle.loads(pickle.dumps(model)),
        pickle.loads(cloudpickle.dumps(model)),
        in_joblib,
        copy.deepcopy(model),
        search,
        comparison.results["a"].estimator,
    ]
    file = tmp_path / "kept.pkl"
    file.write_bytes(pickle.dumps([(one, X, one.predict_proba(X)) for one in kept]))
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(file)], capture_output=True, text=True, timeout=120
    )
    assert (done.stdout, done.stderr) == ("trained\n", "")


class Nest(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.inner = keras.callbacks.EarlyStopping()
        self.inner.set_model(self.model)
        self.seen = {"layers": self.model.layers, "optimizer": self.model.optimizer}
        self.variables = self.model.trainable_variables


@pytest.mark.slow
def test_what_a_callback_keeps_of_the_model_is_not_pickled(digits):
    options = {"epochs": 1, "random_state": 0}
    bare, model = (
        SimpleNNClassifier(64, callbacks=callbacks, **options).fit(*digits)
        for callbacks in (None, Nest())
    )
    assert len(pickle.dumps(model)) < len(pickle.dumps(bare)) + 4000
    again = pickle.loads(pickle.dumps(model))
    assert again.callbacks[0].inner.model is None
    assert again.fit(*digits).n_iter_ == 1


@pytest.mark.slow
def test_callbacks_go_through_worker_processes(digits, tmp_path):
    model = SimpleNNClassifier(
        8,
        epochs=2,
        validation_fraction=0.1,
        callbacks=make_callbacks(tmp_path),
        random_state=0,
    )
    expected = cross_val_score(model, *digits, cv=2)
    np.testing.assert_array_equal(cross_val_score(model, *digits, cv=2, n_jobs=2), expected)


def test_a_callback_that_cannot_be_pickled_is_named_with_the_way_out(digits):
    class Stuck(keras.callbacks.Callback):
        def __reduce__(self):
            raise TypeError("it holds a socket")

    model = SimpleNNClassifier(8, epochs=1, callbacks=Stuck(), random_state=0).fit(*digits)
    with pytest.raises(pickle.PicklingError, match=r"callbacks=\[Stuck\].*it holds a socket.*None"):
        pickle.dumps(model)
    assert pickle.loads(pickle.dumps(model.set_params(callbacks=None))).n_iter_ == 1


@pytest.mark.slow
def test_keras_own_loop_trains_in_float64_with_a_penalty():
    X, y = np.eye(8), np.arange(8) % 2
    network = SimpleNNClassifier(2, epochs=1, l2=0.1, callbacks=keras.callbacks.TerminateOnNaN())
    with pytest.warns(UserWarning, match="TerminateOnNaN must be called for each batch"):
        network.fit(X, y)
    assert network.coefs_[0].dtype == np.float64
