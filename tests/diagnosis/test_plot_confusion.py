from itertools import pairwise

import numpy as np
import pytest

from skmnist.diagnosis import ConfusionDisplay
from tests.drawn import check_axes, find_texts

# each would be a formula, a broken one, an escape, or a label that legends leave out
HOSTILE = ["$x^$", r"$\frac{", "a$b", r"\$", "_hidden", "<script>", "\x1b[2J", "", "x" * 300]


def test_right_answers_are_out_of_the_scale():
    display = ConfusionDisplay.from_predictions([0] * 99 + [1] * 3, [0] * 98 + [1] + [0, 0, 1])
    assert display.image_.get_clim() == (0, 2)
    assert display.image_.get_array().mask.diagonal().all()
    assert {"98", "1", "2"} <= find_texts(display)


def test_confusion_from_estimator_is_of_its_predictions(linear, digits):
    display = ConfusionDisplay.from_estimator(linear, *digits)
    assert np.trace(display.frame) == round(linear.score(*digits) * 300)


@pytest.mark.parametrize("n_classes", [2, 40, pytest.param(150, marks=pytest.mark.slow)])
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
    found = find_texts(ConfusionDisplay.from_predictions([name, "b"], ["b", name]))
    start = name[:8].replace("\x1b", r"\x1b")
    assert [text for text in found if text.startswith(start)]


def test_axes_given_are_drawn_on(linear, digits):
    check_axes(lambda ax: ConfusionDisplay.from_estimator(linear, *digits, ax=ax))
