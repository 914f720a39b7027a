"""Images whose label may be wrong."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from skmnist.diagnosis import MisclassifiedDisplay, analyze_errors

N = 1000


def make_model(sure=0.95, n_wrong=50):
    """A model that is right in 95 of 100 cases, and so sure of every image."""
    y_pred = np.arange(N) % 2
    y = np.where(np.arange(N) < n_wrong, 1 - y_pred, y_pred)
    p = np.full(N, sure)
    return y, y_pred, np.column_stack([np.where(y_pred == 0, p, 1 - p), np.where(y_pred, p, 1 - p)])


def analyze(y, y_pred, proba):
    return analyze_errors(y, y_pred, labels=[0, 1], proba=proba)


def test_contradicted_labels_are_suspected_the_clearest_first():
    y, y_pred, proba = make_model()
    # usual probability of the labels: 0.95 * 0.95 + 0.05 * 0.05 = 0.905
    for row, p in ((3, 0.9), (4, 0.97), (5, 0.91)):
        proba[row] = np.where(np.arange(2) == y_pred[row], p, 1 - p)
    suspects = analyze(y, y_pred, proba).suspects
    assert suspects.index[0] == 4
    assert suspects.index[-1] == 5
    assert 3 not in suspects.index  # less sure than usual
    assert len(suspects) == 49
    assert suspects.columns.tolist() == ["true", "predicted", "confidence"]
    assert (suspects["true"] != suspects["predicted"]).all()


@pytest.mark.parametrize(("sure", "n"), [(0.95, 50), (0.965, 50), (0.98, 0), (0.9, 0)])
def test_only_probabilities_that_can_be_believed_cast_suspicion(sure, n):
    errors = analyze(*make_model(sure))
    assert errors.calibration.believable == (n > 0)
    assert len(errors.suspects) == n
    assert errors.to_dict()["suspects"] == errors.suspects.index.tolist()


def test_without_probabilities_nothing_is_suspected():
    y, y_pred, _ = make_model()
    assert len(analyze_errors(y, y_pred).suspects) == 0


def test_a_class_without_labels_in_the_test_set_is_never_suspected():
    y, y_pred, proba = make_model()
    errors = analyze_errors(
        np.where(y == 1, 2, y), y_pred, labels=[0, 1], proba=proba
    )  # no row is labelled 1, and the model does not know 2
    assert not (errors.suspects["predicted"] == 1).any()


def test_display_shows_the_given_rows_in_their_order():
    y, y_pred, proba = make_model()
    X = np.random.default_rng(0).random((N, 8, 8))
    display = MisclassifiedDisplay.from_predictions(
        X, y, y_pred, confidence=proba.max(axis=1), rows=[7, 2, 40]
    )
    assert display.frame["row"].tolist() == [7, 2, 40]
    np.testing.assert_array_equal(display.images, X[[7, 2, 40]])
    plt.close("all")
