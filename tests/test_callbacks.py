import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from skmnist import DigitCropper, PixelNormalizer, SimpleNNClassifier

pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks since 1.9")
from sklearn.callback import ProgressBar, ScoringMonitor


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X.astype(np.float32) / 16, y


class Recorder:
    """What scikit-learn's protocol asks of a callback, and a list of what was told."""

    def __init__(self, stop_after=None):
        self.told = []
        self.stop_after = stop_after

    def setup(self, estimator, context):
        self.told.append("setup")

    def teardown(self, estimator, context):
        self.told.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.told.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator, metadata):
        self.told.append(f"end {context.task_name} {context.task_id}")
        self.last = X, y, fitted_estimator, metadata
        return context.task_name == "epoch" and context.task_id == self.stop_after


def test_a_callback_is_told_of_the_fit_and_of_each_epoch(digits):
    recorder = Recorder()
    model = SimpleNNClassifier(16, epochs=2).set_callbacks(recorder).fit(*digits)
    epochs = ["begin epoch 0", "end epoch 0", "begin epoch 1", "end epoch 1"]
    assert recorder.told == ["setup", "begin fit 0", *epochs, "end fit 0", "teardown"]
    X, y, fitted, metadata = recorder.last
    np.testing.assert_array_equal(y, digits[1])
    assert fitted.score(X, y) == model.score(*digits)
    assert fitted.n_iter_ == 2
    assert fitted.fit_time_ > 0
    assert metadata is None


@pytest.mark.parametrize("transformer", [DigitCropper(), PixelNormalizer(1)])
def test_a_callback_is_told_of_a_transformer_s_fit(digits, transformer):
    recorder = Recorder()
    clone(transformer).set_callbacks(recorder).fit(*digits)
    assert recorder.told == ["setup", "begin fit 0", "end fit 0", "teardown"]


def test_a_callback_can_stop(digits):
    model = SimpleNNClassifier(16, epochs=9).set_callbacks(Recorder(stop_after=1)).fit(*digits)
    assert (model.n_iter_, model.stop_reason_) == (2, "callback")


def test_a_fit_that_fails_still_ends_for_the_callback(digits):
    recorder = Recorder()
    model = SimpleNNClassifier(
        16, optimizer="sgd", learning_rate=1e30, random_state=0
    ).set_callbacks(recorder)
    with pytest.raises(ValueError, match="nothing was learned"):
        model.fit(*digits)
    assert recorder.told[-1] == "teardown"
    assert not hasattr(model, "coefs_")
    assert not hasattr(model, "_callback_fit_ctx")


def test_the_monitor_scores_each_epoch_as_it_was(digits):
    monitor = ScoringMonitor(scoring="accuracy")
    model = SimpleNNClassifier(16, epochs=3, patience=None, random_state=0)
    model.set_callbacks(monitor).fit(*digits)
    log = monitor.get_logs().data_as_pandas
    scores = log.loc[log.task_name == "epoch", "accuracy"].tolist()
    expected = [
        SimpleNNClassifier(16, epochs=n, patience=None, random_state=0).fit(*digits).score(*digits)
        for n in (1, 2, 3)
    ]
    assert scores == expected


def test_the_monitor_takes_weights_along(digits):
    monitor = ScoringMonitor(scoring=["accuracy"])
    weight = np.where(digits[1] == 3, 1.0, 0.5)
    SimpleNNClassifier(16, epochs=1).set_callbacks(monitor).fit(*digits, sample_weight=weight)
    assert len(monitor.get_logs().data) == 2


@pytest.mark.slow
def test_the_bar_shows_the_epochs_also_within_a_search(digits, capsys):
    SimpleNNClassifier(16, epochs=2).set_callbacks(ProgressBar()).fit(*digits)
    assert "SimpleNNClassifier - fit" in capsys.readouterr().out
    pipeline = Pipeline([("pixels", PixelNormalizer(1)), ("nn", SimpleNNClassifier(16, epochs=1))])
    search = GridSearchCV(pipeline, {"nn__l2": [0.0, 0.1]}, cv=2)
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(*digits)
    assert "SimpleNNClassifier - fit" in capsys.readouterr().out


@pytest.mark.slow
def test_partial_fit_and_no_epochs_take_part(digits):
    recorder = Recorder()
    model = SimpleNNClassifier(4, epochs=0).set_callbacks(recorder).fit(*digits)
    assert recorder.told == ["setup", "begin fit 0", "end fit 0", "teardown"]
    recorder.told.clear()
    model.partial_fit(*digits)
    assert recorder.told[2:4] == ["begin epoch 0", "end epoch 0"]
