"""The option `calibrate`: probabilities fitted to the validation rows."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss

from skmnist import SimpleNNClassifier, load_model, save_model
from skmnist.diagnosis import analyze_errors
from skmnist.neural_network._forward import fit_temperature


@pytest.fixture(scope="module")
def pair(digits):
    """A network of few rows, thus overconfident, without and with temperature scaling."""
    X, y = digits
    rows = {"X": X[:100], "y": y[:100], "X_val": X[100:700], "y_val": y[100:700]}
    options = {"epochs": 60, "learning_rate": 0.01, "patience": None, "random_state": 0}
    networks = [SimpleNNClassifier(calibrate=on, **options).fit(**rows) for on in (False, True)]
    return networks, (X[700:], y[700:])


@pytest.mark.slow
def test_probabilities_fit_better_and_predictions_stay(pair):
    (plain, scaled), (X, y) = pair
    np.testing.assert_array_equal(plain.predict(X), scaled.predict(X))
    assert plain.temperature_ == 1
    assert scaled.temperature_ > 1.3
    assert log_loss(y, scaled.predict_proba(X)) < log_loss(y, plain.predict_proba(X))
    ece = [
        analyze_errors(y, m.predict(X), labels=m.classes_, proba=m.predict_proba(X)).calibration.ece
        for m in (plain, scaled)
    ]
    assert ece[1] < ece[0] / 2


def test_figures_are_those_of_the_scaled_network(pair):
    (plain, scaled), _ = pair
    assert scaled.validation_accuracy_ == plain.validation_accuracy_
    assert scaled.train_accuracy_ == plain.train_accuracy_
    assert scaled.validation_loss_ < plain.validation_loss_
    z = np.log(plain.predict_proba(np.eye(64))) / scaled.temperature_
    np.testing.assert_allclose(scaled.predict_proba(np.eye(64)), softmax(z, axis=1), atol=1e-5)


def test_a_model_file_keeps_it(pair, tmp_path):
    (_, scaled), (X, _) = pair
    save_model(scaled, tmp_path / "a.skmnist")
    loaded = load_model(tmp_path / "a.skmnist")
    assert (loaded.calibrate, loaded.temperature_) == (True, scaled.temperature_)
    np.testing.assert_array_equal(loaded.predict_proba(X), scaled.predict_proba(X))


def test_without_validation_rows_it_is_refused(digits):
    X, y = digits
    with pytest.raises(ValueError, match=r"calibrate=True needs validation rows.*=0\.1 or X_val"):
        SimpleNNClassifier(calibrate=True, validation_fraction=None).fit(X[:50], y[:50])


def test_temperature_of_known_logits_is_found():
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=2, size=(20_000, 5))
    y = (softmax(logits, axis=1).cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)
    assert fit_temperature(softmax(3 * logits, axis=1), y) == pytest.approx(3, rel=0.05)
    assert fit_temperature(softmax(logits / 2, axis=1), y) == pytest.approx(0.5, rel=0.05)


def test_without_errors_there_is_nothing_to_scale():
    proba = np.array([[0.6, 0.4], [0.3, 0.7]])
    assert fit_temperature(proba, np.array([0, 1])) == 1
