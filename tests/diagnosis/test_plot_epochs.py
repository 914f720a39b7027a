import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skmnist.diagnosis import EpochCurveDisplay
from tests.drawn import check_axes, find_texts

HISTORY = {
    "accuracy": [0.8, 0.9, 0.95],
    "val_accuracy": [0.8, 0.88, 0.87],
    "loss": [0.9, 0.5, 0.1],
    "val_loss": [0.8, 0.6, 0.7],
}


def test_curves_are_the_history():
    display = EpochCurveDisplay.from_history(HISTORY)
    training, validation = display.lines_
    assert training.get_ydata().tolist() == HISTORY["accuracy"]
    assert validation.get_ydata().tolist() == HISTORY["val_accuracy"]
    assert training.get_xdata().tolist() == [1, 2, 3]


def test_curves_of_the_loss():
    display = EpochCurveDisplay.from_history(HISTORY, metric="loss")
    assert [line.get_ydata().tolist() for line in display.lines_] == [
        HISTORY["loss"],
        HISTORY["val_loss"],
    ]


def test_best_epoch_is_marked_with_its_value():
    assert "kept: epoch 2 (88.0%)" in find_texts(EpochCurveDisplay.from_history(HISTORY))


def test_curves_speak_german_with_german_numbers():
    found = find_texts(EpochCurveDisplay.from_history(HISTORY, language="de"))
    assert {"Genauigkeit", "Validierung", "behalten: Epoche 2 (88,0\u00a0%)"} <= found
    assert any(text.endswith("\u00a0%") and "." not in text for text in found)


def test_curves_can_be_told_apart_without_colour():
    training, validation = EpochCurveDisplay.from_history(HISTORY).lines_
    assert training.get_linestyle() != validation.get_linestyle()


def test_one_epoch_is_a_point():
    display = EpochCurveDisplay.from_history({"accuracy": [0.5]})
    assert display.lines_[0].get_marker() == "o"
    assert display.best_epoch is None


@pytest.mark.parametrize(
    ("history", "best"),
    [
        (HISTORY, 2),
        ({"loss": HISTORY["loss"], "val_loss": HISTORY["val_loss"]}, 2),
        ({"val_accuracy": [np.nan, 0.5, 0.9], "val_loss": [0.1, 0.2, 0.3]}, 3),
        ({"val_accuracy": [np.nan, np.nan], "val_loss": [0.1, np.nan]}, 1),
        ({"val_loss": [np.nan]}, None),
    ],
)
def test_best_epoch_by_what_is_known(history, best):
    assert EpochCurveDisplay.from_history(history).best_epoch == best


def test_epoch_given_is_marked_rather_than_the_best():
    assert EpochCurveDisplay.from_history(HISTORY, best_epoch=3).best_epoch == 3


@pytest.mark.parametrize("wrap", [list, pd.DataFrame, "keras"])
def test_kinds_of_history(wrap):
    if wrap == "keras":
        history = type("History", (), {"history": HISTORY})()
    else:
        history = wrap(HISTORY) if wrap is pd.DataFrame else dict(HISTORY)
    assert EpochCurveDisplay.from_history(history).frame.shape == (3, 4)


def test_scikit_learns_network_has_a_loss_curve(digits):
    model = make_pipeline(MinMaxScaler(), MLPClassifier((8,), tol=100, n_iter_no_change=3))
    search = GridSearchCV(model, {"mlpclassifier__alpha": [0.1]}, cv=2).fit(*digits)
    display = EpochCurveDisplay.from_estimator(search)
    assert display.frame.columns.tolist() == ["loss"]
    assert display.ax_.get_ylabel() == "loss"


def test_our_network_marks_the_epoch_it_kept(digits):
    model = KNeighborsClassifier().fit(*digits)
    model.history_, model.kept_epoch_ = HISTORY, 3
    assert EpochCurveDisplay.from_estimator(model).best_epoch == 3


def test_no_history_no_curve(linear):
    with pytest.raises(ValueError, match="LogisticRegression has neither history_ nor loss_curve_"):
        EpochCurveDisplay.from_estimator(linear)


@pytest.mark.parametrize(
    "history", [{}, {"accuracy": []}, {"accuracy": [1.0], "val_accuracy": [1.0, 1.0]}, {"f1": [1]}]
)
def test_what_is_no_history(history):
    with pytest.raises(ValueError, match="a curve needs at least one epoch of 'accuracy'"):
        EpochCurveDisplay.from_history(history)


def test_metric_that_is_not_known():
    with pytest.raises(ValueError, match=r"metric='loss' must be one of \['accuracy'\]"):
        EpochCurveDisplay.from_history({"accuracy": [0.5]}, metric="loss")


def test_axes_given_are_drawn_on():
    check_axes(lambda ax: EpochCurveDisplay.from_history(HISTORY, ax=ax))
