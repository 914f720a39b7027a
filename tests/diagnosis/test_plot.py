from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skmnist import PixelNormalizer
from skmnist.diagnosis import (
    ConfusionDisplay,
    EpochCurveDisplay,
    FirstLayerDisplay,
    MisclassifiedDisplay,
)

HISTORY = {
    "accuracy": [0.8, 0.9, 0.95],
    "val_accuracy": [0.8, 0.88, 0.87],
    "loss": [0.9, 0.5, 0.1],
    "val_loss": [0.8, 0.6, 0.7],
}
# each would be a formula, a broken one, an escape, or a label that legends leave out
HOSTILE = ["$x^$", r"$\frac{", "a$b", r"\$", "_hidden", "<script>", "\x1b[2J", "", "x" * 300]


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:300], y[:300]


@pytest.fixture(scope="module")
def linear(digits):
    return LogisticRegression(C=1e-4).fit(*digits)


def texts(display):
    """Return all that is written in a picture, as it is drawn."""
    display.figure_.canvas.draw()
    found = [text.get_text() for text in display.figure_.findobj(plt.Text)]
    return [text.replace(r"\$", "$") for text in found if text]


# --- curves


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
    assert "kept: epoch 2 (88.0%)" in texts(EpochCurveDisplay.from_history(HISTORY))


def test_curves_speak_german_with_german_numbers():
    found = texts(EpochCurveDisplay.from_history(HISTORY, language="de"))
    assert {"Genauigkeit", "Validierung", "behalten: Epoche 2 (88,0\u00a0%)"} <= set(found)
    assert any(text.endswith("\u00a0%") and "." not in text for text in found)


def test_curves_can_be_told_apart_without_colour():
    training, validation = EpochCurveDisplay.from_history(HISTORY).lines_
    assert training.get_linestyle() != validation.get_linestyle()


def test_one_epoch_is_a_point():
    display = EpochCurveDisplay.from_history({"accuracy": [0.5]})
    assert display.lines_[0].get_marker() == "o"
    assert display.best_epoch is None


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
    with pytest.raises(ValueError, match="LogisticRegression keeps no history of its epochs"):
        EpochCurveDisplay.from_estimator(linear)


@pytest.mark.parametrize(
    "history", [{}, {"accuracy": []}, {"accuracy": [1.0], "val_accuracy": [1.0, 1.0]}, {"f1": [1]}]
)
def test_what_is_no_history(history):
    with pytest.raises(ValueError, match="a curve needs one epoch or more of 'accuracy'"):
        EpochCurveDisplay.from_history(history)


def test_metric_that_is_not_known():
    with pytest.raises(ValueError, match=r"metric='loss' must be one of \['accuracy'\]"):
        EpochCurveDisplay.from_history({"accuracy": [0.5]}, metric="loss")


# --- confusion


def test_right_answers_are_out_of_the_scale():
    display = ConfusionDisplay.from_predictions([0] * 99 + [1] * 3, [0] * 98 + [1] + [0, 0, 1])
    assert display.image_.get_clim() == (0, 2)
    assert display.image_.get_array().mask.diagonal().all()
    assert {"98", "1", "2"} <= set(texts(display))


def test_confusion_from_estimator_is_of_its_predictions(linear, digits):
    display = ConfusionDisplay.from_estimator(linear, *digits)
    assert np.trace(display.frame) == round(linear.score(*digits) * 300)


@pytest.mark.parametrize("n_classes", [2, 40, 150])
def test_any_number_of_classes(n_classes):
    y = [f"class number {at}" for at in range(n_classes)]
    display = ConfusionDisplay.from_predictions(y, y[::-1])
    display.figure_.canvas.draw()
    labels = display.ax_.get_yticklabels()
    boxes = [label.get_window_extent() for label in labels]
    assert 1 <= len(labels) <= 30
    assert not any(a.overlaps(b) for a, b in pairwise(boxes))


@pytest.mark.parametrize("name", HOSTILE)
def test_confusion_draws_labels_as_they_stand(name):
    found = texts(ConfusionDisplay.from_predictions([name, "b"], ["b", name]))
    start = name[:8].replace("\x1b", r"\x1b")
    assert [text for text in found if text.startswith(start)]


# --- misread images


def test_most_confident_mistakes_come_first(linear, digits):
    X, y = digits
    display = MisclassifiedDisplay.from_estimator(linear, X, y, n_images=5)
    rows = display.frame["row"]
    assert display.frame["confidence"].is_monotonic_decreasing
    assert (linear.predict(X[rows]) == display.frame["predicted"]).all()
    assert (y[rows] == display.frame["true"]).all()
    assert (display.frame["true"] != display.frame["predicted"]).all()
    np.testing.assert_array_equal(display.images, X[rows].reshape(-1, 8, 8))
    assert display.n_errors == (linear.predict(X) != y).sum()


def test_caption_never_rounds_up_to_certainty():
    display = MisclassifiedDisplay.from_predictions(
        np.eye(4)[:2], ["a", "b"], ["b", "a"], confidence=[0.99999, 0.5], language="de"
    )
    assert {"a → b\n> 99,9\u00a0%", "b → a\n50,0\u00a0%"} <= set(texts(display))


def test_without_probabilities_the_rows_keep_their_order():
    display = MisclassifiedDisplay.from_predictions(np.zeros((3, 2, 3)), [1, 1, 1], [0, 1, 0])
    assert display.frame["row"].tolist() == [0, 2]
    assert "1 → 0" in texts(display)


def test_no_mistake():
    display = MisclassifiedDisplay.from_predictions(np.zeros((2, 2, 2)), [0, 1], [0, 1])
    assert len(display.frame) == len(display.ax_.images) == 0
    assert "None was misread." in texts(display)


def test_shape_of_an_image_comes_from_the_normalizer(digits):
    X, y = digits
    model = make_pipeline(PixelNormalizer(max_value=16), LogisticRegression(C=1e-3))
    model.fit(X.reshape(-1, 4, 16), y)
    assert MisclassifiedDisplay.from_estimator(model, X, y).images.shape[1:] == (4, 16)


def test_shape_that_does_not_fit():
    with pytest.raises(ValueError, match=r"image_shape=\(2, 2\) does not fit X with 6 columns"):
        MisclassifiedDisplay.from_predictions(np.zeros((1, 6)), [0], [1], image_shape=(2, 2))


@pytest.mark.parametrize("display", [MisclassifiedDisplay, FirstLayerDisplay])
def test_no_images_are_refused(display, linear, digits):
    arguments = (linear, *digits) if display is MisclassifiedDisplay else (linear,)
    with pytest.raises(ValueError, match="n_images=0 must be an int >= 1"):
        display.from_estimator(*arguments, n_images=0)


def test_lengths_that_differ():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        MisclassifiedDisplay.from_predictions(np.zeros((1, 4)), [0, 1], [1, 1])


# --- weights


def test_neurons_of_the_largest_weights_come_first(linear):
    display = FirstLayerDisplay.from_estimator(linear, n_images=3)
    norms = np.linalg.norm(linear.coef_, axis=1)
    assert display.frame["neuron"].tolist() == np.argsort(-norms)[:3].tolist()
    np.testing.assert_array_equal(
        display.images[0], linear.coef_[display.frame["neuron"][0]].reshape(8, 8)
    )


def test_weights_of_no_sign_are_in_the_middle_of_the_scale(linear):
    display = FirstLayerDisplay.from_estimator(linear)
    low, high = display.ax_.images[0].get_clim()
    assert low == -high


def test_no_weights_no_picture(digits):
    with pytest.raises(ValueError, match="KNeighborsClassifier keeps no weights of a first layer"):
        FirstLayerDisplay.from_estimator(KNeighborsClassifier().fit(*digits))


# --- all of them


@pytest.mark.parametrize(
    "draw",
    [
        lambda model, X, y, ax: EpochCurveDisplay.from_history(HISTORY, ax=ax),
        lambda model, X, y, ax: ConfusionDisplay.from_estimator(model, X, y, ax=ax),
        lambda model, X, y, ax: MisclassifiedDisplay.from_estimator(model, X, y, ax=ax),
        lambda model, X, y, ax: FirstLayerDisplay.from_estimator(model, ax=ax),
    ],
    ids=["epochs", "confusion", "misread", "weights"],
)
def test_axes_given_are_drawn_on(draw, linear, digits):
    figure, ax = plt.subplots()
    display = draw(linear, *digits, ax)
    assert (display.ax_, display.figure_) == (ax, figure)
    assert plt.get_fignums() == [figure.number]
    again = display.plot(language="de")
    assert again is display
    assert display.ax_ is not ax
