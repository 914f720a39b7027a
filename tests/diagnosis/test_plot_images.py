import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from skmnist import PixelNormalizer
from skmnist.diagnosis import FirstLayerDisplay, MisclassifiedDisplay
from tests.drawn import check_axes, find_texts


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
    assert {"a → b\n> 99,9\u00a0%", "b → a\n50,0\u00a0%"} <= find_texts(display)


def test_without_probabilities_the_rows_keep_their_order():
    display = MisclassifiedDisplay.from_predictions(np.zeros((3, 2, 3)), [1, 1, 1], [0, 1, 0])
    assert display.frame["row"].tolist() == [0, 2]
    assert "1 → 0" in find_texts(display)


def test_no_mistake():
    display = MisclassifiedDisplay.from_predictions(np.zeros((2, 2, 2)), [0, 1], [0, 1])
    assert len(display.frame) == len(display.ax_.images) == 0
    assert "No image was misread." in find_texts(display)


def test_shape_of_an_image_comes_from_the_normalizer(digits):
    X, y = digits
    model = make_pipeline(PixelNormalizer(max_value=16), LogisticRegression(C=1e-3))
    model.fit(X.reshape(-1, 4, 16), y)
    assert MisclassifiedDisplay.from_estimator(model, X, y).images.shape[1:] == (4, 16)


def test_shape_that_does_not_fit():
    with pytest.raises(ValueError, match=r"image_shape=\(2, 2\) does not fit X with 6 columns"):
        MisclassifiedDisplay.from_predictions(np.zeros((1, 6)), [0], [1], image_shape=(2, 2))


def test_no_images_are_refused(linear, digits):
    with pytest.raises(ValueError, match="n_images=0 must be an int >= 1"):
        MisclassifiedDisplay.from_estimator(linear, *digits, n_images=0)


def test_lengths_that_differ():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        MisclassifiedDisplay.from_predictions(np.zeros((1, 4)), [0, 1], [1, 1])


def test_misread_images_are_drawn_on_axes_given(linear, digits):
    check_axes(lambda ax: MisclassifiedDisplay.from_estimator(linear, *digits, ax=ax))


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
    with pytest.raises(ValueError, match="KNeighborsClassifier has no weights of a first layer"):
        FirstLayerDisplay.from_estimator(KNeighborsClassifier().fit(*digits))


def test_no_neurons_are_refused(linear):
    with pytest.raises(ValueError, match="n_images=0 must be an int >= 1"):
        FirstLayerDisplay.from_estimator(linear, n_images=0)


def test_weights_are_drawn_on_axes_given(linear):
    check_axes(lambda ax: FirstLayerDisplay.from_estimator(linear, ax=ax))
