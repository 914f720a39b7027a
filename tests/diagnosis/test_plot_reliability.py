import matplotlib.pyplot as plt
import numpy as np
import pytest

from skmnist.diagnosis import ReliabilityDisplay
from tests.drawn import check_axes

CONFIDENCE = np.repeat([0.55, 0.95], [100, 300])
CORRECT = np.concatenate([np.arange(100) < 75, np.arange(300) < 270])


def test_a_point_for_each_bin_with_its_interval():
    display = ReliabilityDisplay.from_predictions(CORRECT, CONFIDENCE, name="NN")
    points = display.ax_.collections[1]
    np.testing.assert_allclose(points.get_offsets(), [[0.55, 0.75], [0.95, 0.9]])
    assert points.get_sizes()[0] < points.get_sizes()[1]
    assert display.ax_.get_title() == "NN\nexpected calibration error 0.087"
    assert display.plot(language="de").ax_.get_title() == "NN\nerwarteter Kalibrierungsfehler 0,087"
    plt.close("all")


def test_estimator_is_measured(digits, linear):
    display = ReliabilityDisplay.from_estimator(linear, *digits)
    assert display.calibration.accuracy == linear.score(*digits)
    assert display.ax_.get_title().startswith("LogisticRegression\n")
    plt.close("all")


def test_axes_given_are_drawn_on():
    check_axes(lambda ax: ReliabilityDisplay.from_predictions(CORRECT, CONFIDENCE, ax=ax))


def test_inconsistent_lengths():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ReliabilityDisplay.from_predictions([True], [0.9, 0.8])
