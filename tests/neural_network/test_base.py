"""Training and what is known afterwards: patience, callbacks, interrupts, losses that explode."""

import gc
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from skmnist import PixelNormalizer, SimpleNNClassifier
from skmnist.model_selection import cross_validate
from skmnist.neural_network import EpochEvent, _base, _program


def test_no_epochs_mean_untrained(digits):
    model = SimpleNNClassifier(16, epochs=0, random_state=0).fit(*digits)
    assert (model.n_iter_, model.best_epoch_, model.loss_curve_) == (0, 0, [])
    assert model.score(*digits) < 0.4
    np.testing.assert_allclose(model.predict_proba(digits[0]).sum(axis=1), 1)


def test_patience_stops_and_keeps_the_best_weights(digits):
    model = SimpleNNClassifier(16, learning_rate=0.02, patience=3, random_state=0).fit(*digits)
    accuracies = model.history_["val_accuracy"]
    assert model.stop_reason_ == "patience"
    assert model.n_iter_ == len(accuracies) == model.best_epoch_ + 3
    assert model.best_epoch_ == model.kept_epoch_ == accuracies.argmax() + 1
    # the figure measured afterwards is that of the best epoch, not of the last
    assert model.validation_accuracy_ == pytest.approx(accuracies.max())
    assert model.best_validation_score_ == accuracies.max()


def test_without_patience_all_epochs_are_trained_and_the_last_weights_kept(digits):
    model = SimpleNNClassifier(16, epochs=30, learning_rate=0.02, patience=None, random_state=0)
    model.fit(*digits)
    assert (model.stop_reason_, model.n_iter_, model.kept_epoch_) == ("epochs", 30, 30)
    assert model.validation_accuracy_ == pytest.approx(model.history_["val_accuracy"][-1])


@pytest.mark.slow
def test_without_validation_patience_watches_the_training_loss(digits):
    model = SimpleNNClassifier(
        epochs=60, learning_rate=0.3, patience=2, validation_fraction=None, random_state=0
    ).fit(*digits)
    assert set(model.history_) == {"loss", "accuracy"}
    assert model.best_epoch_ == model.history_["loss"].argmin() + 1
    assert model.stop_reason_ == "patience"
    assert model.validation_accuracy_ is None


def test_the_kept_training_accuracy_is_that_of_the_rows_trained_on(digits):
    X, y = digits
    model = SimpleNNClassifier(16, epochs=5, validation_fraction=None, random_state=0).fit(X, y)
    assert model.train_accuracy_ == model.score(X, y)
    assert (model.n_train_, model.n_validation_) == (len(y), 0)


def test_many_training_rows_are_measured_by_a_sample_spread_over_all(digits, monkeypatch):
    X, y = digits
    order = np.argsort(y, kind="stable")  # a sample from one end would hold one class
    monkeypatch.setattr(_base, "MAX_MEASURED_ROWS", 500)
    model = SimpleNNClassifier(16, epochs=10, validation_fraction=None, random_state=0)
    model.fit(X[order], y[order])
    assert (model.n_train_, model.n_train_measured_) == (1797, 500)
    assert model.train_accuracy_ == pytest.approx(model.score(X, y), abs=0.03)


@pytest.mark.slow
def test_fewer_rows_than_a_batch(digits):
    X, y = digits
    model = SimpleNNClassifier(16, epochs=60, learning_rate=0.02, patience=None, random_state=0)
    assert model.fit(X[:40], y[:40]).score(X[:40], y[:40]) > 0.8
    assert model.n_train_ + model.n_validation_ == 40


def test_a_parameter_changed_after_fit_does_not_change_predictions(digits):
    model = SimpleNNClassifier(16, epochs=1, random_state=0).fit(*digits)
    before = model.predict_proba(digits[0])
    np.testing.assert_array_equal(
        model.set_params(activation="tanh", hidden_units=3).predict_proba(digits[0]), before
    )


def test_a_function_is_told_of_each_epoch_and_can_stop(digits):
    events = []

    def watch(event):
        events.append(event)
        return event.epoch == 3

    model = SimpleNNClassifier(16, epochs=10, callbacks=watch).fit(*digits)
    assert [event.epoch for event in events] == [1, 2, 3]
    assert events[0].epochs == 10
    assert set(events[0].logs) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert events[0].eta == pytest.approx(events[0].seconds * 9)
    assert (model.stop_reason_, model.n_iter_) == ("callback", 3)


def test_what_a_function_returns_and_changes(digits):
    def stop(event):
        event.logs.clear()  # the next one, and the log on the screen, have their own
        return np.bool_(event.epoch == 2)

    def see(event):
        seen.append(sorted(event.logs))

    seen = []
    model = SimpleNNClassifier(16, epochs=9, callbacks=[stop, see]).fit(*digits)
    assert model.n_iter_ == 2
    assert seen[0] == ["accuracy", "loss", "val_accuracy", "val_loss"]


def test_a_keras_callback_is_called_per_epoch_and_can_stop(digits):
    seen = []

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((epoch, sorted(logs), len(self.model.get_weights())))
            self.model.stop_training = epoch == 1

    model = SimpleNNClassifier(16, epochs=10, callbacks=[Stop()]).fit(*digits)
    assert seen[1] == (1, ["accuracy", "loss", "val_accuracy", "val_loss"], 4)
    assert (model.stop_reason_, model.n_iter_) == ("callback", 2)


def test_something_else_as_a_callback_is_refused(digits):
    for callback in (3, EpochEvent):  # a class is no instance
        with pytest.raises(TypeError, match=r"must be a keras.callbacks.Callback instance"):
            SimpleNNClassifier(16, epochs=1, callbacks=[callback]).fit(*digits)


def interrupt_after(epoch):
    def callback(event):
        if event.epoch == epoch:
            raise KeyboardInterrupt

    return callback


def test_an_interrupted_training_keeps_the_best_weights_so_far(digits):
    model = SimpleNNClassifier(16, epochs=10, callbacks=interrupt_after(3), random_state=0)
    with pytest.warns(UserWarning, match="interrupted after epoch 3; the weights of epoch"):
        model.fit(*digits)
    assert (model.stop_reason_, model.n_iter_) == ("interrupted", 3)
    assert model.train_accuracy_ == pytest.approx(model.history_["accuracy"].max(), abs=0.2)
    # and the next training is not disturbed by it
    assert model.set_params(callbacks=None).fit(*digits).n_iter_ == 10


@pytest.mark.slow
def test_an_interrupt_before_anything_was_learned_goes_through(digits, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(_program.Program, "run", interrupt)
    with pytest.raises(KeyboardInterrupt):
        SimpleNNClassifier(8).fit(*digits)


@pytest.mark.parametrize(
    "loop",
    [
        lambda model, *data: GridSearchCV(model, {"l2": [0.0, 0.1]}, cv=2).fit(*data),
        lambda model, *data: cross_validate(Pipeline([("nn", model)]), *data, cv=2),
        pytest.param(
            lambda model, *data: VotingClassifier([("a", model), ("b", model)]).fit(*data),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["search", "folds", "ensemble"],
)
def test_an_interrupt_in_one_of_many_fits_ends_them_all(digits, loop):
    begun = []

    def press(event):
        begun.append(event.epoch)
        if event.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop(SimpleNNClassifier(16, epochs=3, callbacks=press, random_state=0), *digits)
    assert begun == [1, 2]


def test_an_interrupt_in_the_refit_of_a_search_keeps_the_network(digits):
    first_epochs = []

    def press(event):
        first_epochs.append(event.epoch == 1)
        if sum(first_epochs) == 3 and event.epoch == 2:  # two folds, then the refit
            raise KeyboardInterrupt

    network = SimpleNNClassifier(16, epochs=3, callbacks=press, random_state=0)
    search = GridSearchCV(network, {"l2": [0.0]}, cv=2)
    with pytest.warns(UserWarning, match="interrupted after epoch 2"):
        search.fit(*digits)
    assert search.best_estimator_.stop_reason_ == "interrupted"


def test_a_warning_points_at_the_callers_line(digits):
    model = SimpleNNClassifier(16, epochs=10, callbacks=interrupt_after(3), random_state=0)
    with pytest.warns(UserWarning, match="interrupted") as caught:
        Pipeline([("nn", model)]).fit(*digits)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="normalized already") as caught:
        PixelNormalizer().fit(digits[0])
    assert caught[0].filename == __file__


@pytest.mark.slow
def test_a_loss_that_explodes_at_once_is_an_error_with_the_way_out(digits):
    X, y = digits[0].astype(np.float32), digits[1]
    model = SimpleNNClassifier(16, optimizer="sgd", learning_rate=1e30, random_state=0)
    with pytest.raises(ValueError, match=r"not finite in epoch 1.*lower learning_rate=1e\+30"):
        model.fit(X, y)


@pytest.mark.slow
def test_a_loss_that_explodes_later_keeps_the_last_good_weights(digits):
    X, y = digits[0].astype(np.float32), digits[1]
    explode = keras.callbacks.LearningRateScheduler(
        lambda epoch, rate: 1e30 if epoch == 2 else rate
    )
    model = SimpleNNClassifier(
        16, optimizer="sgd", learning_rate=0.1, patience=None, callbacks=[explode], random_state=0
    )
    with pytest.warns(ConvergenceWarning, match="not finite in epoch 3; the weights of epoch 2"):
        model.fit(X, y)
    assert model.stop_reason_ == "nonfinite"
    assert all(np.isfinite(coef).all() for coef in model.coefs_)
    assert model.score(X, y) > 0.5


def test_weights_that_a_keras_callback_breaks_are_not_kept(digits):
    class Break(keras.callbacks.Callback):
        def __init__(self, at_end):
            super().__init__()
            self.at_end = at_end

        def set(self):
            self.model.set_weights([weight * np.nan for weight in self.model.get_weights()])

        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1 and not self.at_end:
                self.set()

        def on_train_end(self, logs=None):
            if self.at_end:
                self.set()

    for at_end in (False, True):
        model = SimpleNNClassifier(16, epochs=3, patience=None, callbacks=Break(at_end))
        with pytest.warns(ConvergenceWarning, match="not finite"):
            model.fit(*digits)
        assert np.isfinite(model.coefs_[0]).all()
        assert model.stop_reason_ == "nonfinite"


def test_fit_leaves_no_warning_behind(digits):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SimpleNNClassifier(16, epochs=1).fit(*digits)


@pytest.mark.slow
def test_a_fit_that_failed_leaves_the_network_learned_before(digits):
    X, y = digits[0].astype(np.float32), digits[1]
    model = SimpleNNClassifier(16, epochs=1, random_state=0).fit(X, y)
    before = model.predict(X)
    model.set_params(optimizer="sgd", learning_rate=1e30)
    with pytest.raises(ValueError, match="nothing was learned"):
        model.fit(X[:, :10], y + 100)
    assert model.n_features_in_ == 64
    np.testing.assert_array_equal(model.predict(X), before)


def test_a_first_fit_that_failed_leaves_it_unfitted(digits):
    X, y = digits[0].astype(np.float32), digits[1]
    model = SimpleNNClassifier(16, optimizer="sgd", learning_rate=1e30, random_state=0)
    with pytest.raises(ValueError, match="nothing was learned"):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)


def test_predicting_before_fitting_says_so():
    with pytest.raises(NotFittedError, match="SimpleNNClassifier"):
        SimpleNNClassifier().predict([[1.0]])


def test_log_probabilities_are_those_of_the_probabilities(digits):
    model = SimpleNNClassifier(16, epochs=1, random_state=0).fit(*digits)
    np.testing.assert_allclose(
        np.exp(model.predict_log_proba(digits[0])), model.predict_proba(digits[0])
    )


def test_two_threads_predict_with_one_estimator(digits):
    model = SimpleNNClassifier(16, epochs=1, random_state=0).fit(*digits)
    alone = model.predict_proba(digits[0])
    with ThreadPoolExecutor(2) as pool:
        for together in pool.map(model.predict_proba, [digits[0]] * 20):
            np.testing.assert_array_equal(together, alone)


@pytest.mark.slow
def test_two_threads_fit_and_predict_as_one(digits):
    def proba(seed):
        model = SimpleNNClassifier(16, epochs=3, random_state=seed).fit(*digits)
        return model.predict_proba(digits[0])

    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(proba, [0, 1, 2, 0]))
    for seed, result in zip([0, 1, 2, 0], together, strict=True):
        np.testing.assert_array_equal(result, proba(seed))


@pytest.mark.parametrize(
    "train",
    [
        lambda X, y: SimpleNNClassifier(8, epochs=2).fit(X, y),
        lambda X, y: SimpleNNClassifier(8, epochs=2, callbacks=[lambda event: None]).fit(X, y),
        lambda X, y: SimpleNNClassifier(8, epochs=2).fit(X.copy(), y, X_val=X, y_val=y),
        lambda X, y: SimpleNNClassifier(8).partial_fit(X, y, classes=[0, 1]),
    ],
)
def test_data_is_released_as_soon_as_nobody_uses_it(train):
    X, y = np.random.default_rng(0).random((40, 6), dtype=np.float32), np.arange(40) % 2
    data = weakref.ref(X)
    gc.collect()
    gc.disable()  # a cycle of references would keep X
    try:
        train(X, y)
        del X
        assert data() is None
    finally:
        gc.enable()
