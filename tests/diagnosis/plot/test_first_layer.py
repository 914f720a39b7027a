import numpy as np
import pytest
from sklearn.base import clone
from sklearn.neighbors import KNeighborsClassifier

from skmnist.diagnosis import FirstLayerDisplay
from tests.drawn import check_axes


def test_neurons_of_the_largest_weights_come_first(linear):
    display = FirstLayerDisplay.from_estimator(linear, n_images=3)
    norms = np.linalg.norm(linear.coef_, axis=1)
    assert display.frame["neuron"].tolist() == np.argsort(-norms)[:3].tolist()
    np.testing.assert_array_equal(
        display.images[0], linear.coef_[display.frame["neuron"][0]].reshape(8, 8)
    )


def test_sparse_weights_are_drawn_as_others(digits, linear):
    sparse = clone(linear).fit(*digits).sparsify()
    np.testing.assert_array_equal(
        FirstLayerDisplay.from_estimator(sparse).images,
        FirstLayerDisplay.from_estimator(linear).images,
    )


def test_weights_of_no_sign_are_in_the_middle_of_the_scale(linear):
    display = FirstLayerDisplay.from_estimator(linear)
    low, high = display.ax_.images[0].get_clim()
    assert low == -high


def test_no_weights_no_picture(digits):
    with pytest.raises(ValueError, match="KNeighborsClassifier keeps no weights of a first layer"):
        FirstLayerDisplay.from_estimator(KNeighborsClassifier().fit(*digits))


def test_no_neurons_are_refused(linear):
    with pytest.raises(ValueError, match="n_images=0 must be an int >= 1"):
        FirstLayerDisplay.from_estimator(linear, n_images=0)


def test_axes_given_are_drawn_on(linear):
    check_axes(lambda ax: FirstLayerDisplay.from_estimator(linear, ax=ax))
