"""Deformed training images: what is done to an image, and that the compiled epoch does it."""

import pickle

import numpy as np
import pytest
from scipy.ndimage import grey_dilation, grey_erosion
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV

from skmnist import (
    DeepNNClassifier,
    ImageAugmenter,
    PixelNormalizer,
    SimpleNNClassifier,
    load_mnist,
    load_model,
    save_model,
)
from skmnist.neural_network import AugmentationDisplay
from skmnist.neural_network._augment import (
    N_DRAWS,
    PRESETS,
    deform,
    get_deformation,
    get_strengths,
)
from skmnist.reading import load_reader


@pytest.fixture(scope="module")
def digits():
    digits = load_digits()
    return PixelNormalizer(max_value=16).fit_transform(digits.images), digits.target


def image_of(*pixels, shape=(9, 9)):
    image = np.zeros(shape)
    for pixel in pixels:
        image[pixel] = 1
    return image


def deformed(image, draws=(), **strengths):
    """Deform one image by given random numbers, the rest being 0."""
    augmenter = ImageAugmenter(**strengths)
    numbers = np.zeros((1, N_DRAWS))
    numbers[0, : len(draws)] = draws
    row = image.reshape(1, -1)
    kind, strength = get_deformation(augmenter, image.shape), get_strengths(augmenter, np.float64)
    return deform(np, row, numbers, None, strength, kind).reshape(image.shape)


def test_without_strengths_nothing_changes(digits):
    X, _ = digits
    augmenter = ImageAugmenter().fit(X)
    np.testing.assert_allclose(augmenter.transform(X), X, atol=1e-6)


def test_a_quarter_turn_is_a_quarter_turn():
    image = image_of((1, 4), (2, 4), (3, 4), (3, 5))
    turned = deformed(image, [1], rotation=90)
    expected = [np.rot90(image, k) for k in (1, 3)]
    assert any(np.allclose(turned, rotated, atol=1e-6) for rotated in expected)


def test_a_shift_is_a_fraction_of_height_and_width():
    image = image_of((4, 4), shape=(10, 20))
    moved = deformed(image, [0, 0, 0, 0, 1, -1], shift=0.1)
    np.testing.assert_allclose(moved, image_of((3, 6), shape=(10, 20)), atol=1e-9)


def test_scale_changes_the_size_around_the_centre():
    image = np.zeros((21, 21))
    image[8:13, 8:13] = 1
    assert deformed(image, [0, 1, 1], scale=0.5).sum() < 0.5 * image.sum()
    larger = deformed(image, [0, -1, -1], scale=0.5)
    assert larger.sum() > 2 * image.sum()
    assert larger[10, 10] == pytest.approx(1)
    np.testing.assert_allclose(larger, larger[::-1, ::-1], atol=1e-9)


def test_shear_leans_strokes_and_leaves_the_middle_row():
    image = np.zeros((11, 11))
    image[:, 5] = 1
    leaning = deformed(image, [0, 0, 0, 1], shear=0.5)
    centres = (leaning * np.arange(11)).sum(axis=1) / leaning.sum(axis=1)
    np.testing.assert_allclose(np.diff(centres), -0.5, atol=1e-9)
    assert centres[5] == pytest.approx(5)


def test_strokes_are_thickened_and_thinned_by_a_pixel():
    image = np.zeros((9, 9))
    image[2:7, 3:6] = np.linspace(0.5, 1, 5)[:, None]
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)
    thick = deformed(image, [0] * 6 + [1], stroke=1)
    np.testing.assert_allclose(thick, grey_dilation(image, footprint=cross), atol=1e-9)
    thin = deformed(image, [0] * 6 + [-1], stroke=1)
    np.testing.assert_allclose(thin, grey_erosion(image, footprint=cross), atol=1e-9)


def test_elastic_displaces_by_the_standard_deviation_that_it_names():
    rng = np.random.default_rng(0)
    # the value of a pixel says where it is: how far off it comes from is the displacement
    ramp = np.tile(np.linspace(0, 1, 41), (41, 1))
    augmenter = ImageAugmenter(elastic=0.03)
    draws = rng.uniform(-1, 1, (500, N_DRAWS))
    rows = np.repeat(ramp.reshape(1, -1), 500, axis=0)
    kind, strengths = get_deformation(augmenter, (41, 41)), get_strengths(augmenter, np.float64)
    moved = deform(np, rows, draws, None, strengths, kind).reshape(-1, 41, 41) - ramp
    inner = 40 * moved[:, 10:-10, 10:-10]
    assert inner.std(axis=0).mean() == pytest.approx(0.03 * 41, rel=0.05)
    # smooth: neighbours move together
    assert np.abs(np.diff(inner, axis=1)).mean() < 0.25 * np.abs(inner).mean()


def test_noise_stays_within_its_level_and_the_range():
    image = np.full((5, 5), 0.5)
    augmenter = ImageAugmenter(noise=0.2, random_state=0).fit(image[None])
    noisy = augmenter.transform(np.repeat(image[None], 200, axis=0))
    assert np.abs(noisy - 0.5).max() <= 0.2 + 1e-9
    assert np.abs(noisy - 0.5).max() > 0.19
    bright = ImageAugmenter(noise=1, random_state=0).fit_transform(np.ones((3, 5, 5)))
    assert bright.max() <= 1
    assert bright.min() >= 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(8, 8), (5, 12)])
def test_tensorflow_deforms_as_numpy_does(dtype, shape):
    import tensorflow as tf
    import tensorflow.experimental.numpy as tnp

    rng = np.random.default_rng(0)
    rows = rng.uniform(0, 1, (30, shape[0] * shape[1])).astype(dtype)
    draws = rng.uniform(-1, 1, (30, N_DRAWS)).astype(dtype)
    noise = rng.uniform(-1, 1, rows.shape).astype(dtype)
    augmenter = ImageAugmenter(
        rotation=20, scale=0.2, shear=0.2, shift=0.1, elastic=0.03, stroke=0.5, noise=0.1
    )
    strengths, kind = get_strengths(augmenter, dtype), get_deformation(augmenter, shape)
    ours = deform(np, rows, draws, noise, strengths, kind)
    assert ours.dtype == dtype
    theirs = deform(tnp, *map(tf.constant, (rows, draws, noise, strengths)), kind)
    assert theirs.dtype == dtype
    np.testing.assert_allclose(ours, theirs, atol=2e-5 if dtype == "float32" else 1e-12)


@pytest.mark.slow
def test_each_image_of_each_epoch_is_deformed_anew(digits):
    X, y = digits[0][:300], digits[1][:300]
    still = {"learning_rate": 1e-12, "epochs": 3, "patience": None, "random_state": 0}
    plain = SimpleNNClassifier(16, **still).fit(X, y)
    np.testing.assert_allclose(plain.history_["loss"], plain.history_["loss"][0], rtol=1e-5)
    augmented = SimpleNNClassifier(16, augmentation="digits", **still).fit(X, y)
    losses = augmented.history_["loss"]
    assert len(set(losses.round(5))) == 3


@pytest.mark.slow
def test_figures_measured_after_training_are_of_undeformed_images(digits):
    X, y = digits
    model = SimpleNNClassifier(
        16,
        learning_rate=1e-12,
        epochs=2,
        patience=None,
        augmentation="digits",
        random_state=0,
    ).fit(X[:200], y[:200], X_val=X[200:300], y_val=y[200:300])
    proba = model.predict_proba(X[200:300])
    np.testing.assert_allclose(model.history_["val_loss"], log_loss(y[200:300], proba), rtol=1e-5)
    assert model.train_accuracy_ == model.score(X[:200], y[:200])


@pytest.mark.slow
def test_the_seed_gives_the_same_bits_and_another_one_others(digits):
    X, y = digits

    def weights(seed):
        model = SimpleNNClassifier(16, epochs=2, augmentation="digits", random_state=seed)
        return model.fit(X[:300], y[:300]).coefs_[0]

    np.testing.assert_array_equal(weights(0), weights(0))
    assert not np.array_equal(weights(0), weights(1))


def test_passes_of_partial_fit_deform_as_epochs_do(digits):
    X, y = digits
    options = {"augmentation": "digits", "random_state": 0}
    whole = SimpleNNClassifier(
        16, epochs=3, validation_fraction=None, patience=None, **options
    ).fit(X[:300], y[:300])
    passes = SimpleNNClassifier(16, **options)
    for _ in range(3):
        passes.partial_fit(X[:300], y[:300], classes=np.arange(10))
    np.testing.assert_array_equal(whole.coefs_[0], passes.coefs_[0])


@pytest.mark.slow
def test_strengths_share_a_program_and_nest_in_a_search(digits):
    from skmnist.neural_network import _program

    X, y = digits
    model = SimpleNNClassifier(
        16, epochs=1, augmentation=ImageAugmenter(rotation=1), random_state=0
    )
    search = GridSearchCV(model, {"augmentation__rotation": [5, 10, 20]}, cv=3, refit=False)
    clone(model).fit(X[:200], y[:200])
    before = _program.n_compilations
    search.fit(X[:300], y[:300])
    assert _program.n_compilations == before
    assert search.cv_results_["param_augmentation__rotation"].tolist() == [5, 10, 20]


@pytest.mark.slow
def test_float64_and_shapes_that_are_no_squares(digits):
    X, y = digits
    wide = np.pad(X.reshape(-1, 8, 8), ((0, 0), (0, 0), (0, 4))).astype(np.float64)
    model = DeepNNClassifier((8, 8), epochs=2, augmentation="digits", random_state=0)
    model.fit(wide[:300], y[:300])
    assert model.coefs_[0].dtype == np.float64
    rows = wide[:300].reshape(300, -1)
    shaped = ImageAugmenter(rotation=5, image_shape=(8, 12))
    assert SimpleNNClassifier(16, epochs=1, augmentation=shaped).fit(rows, y[:300]).n_iter_ == 1


@pytest.mark.slow
def test_deformed_images_help_on_shifted_ones(digits):
    X, y = digits
    images = X[1200:].reshape(-1, 8, 8)
    shifted = np.zeros_like(images)
    shifted[:, :, 1:] = images[:, :, :-1]
    options = {"epochs": 60, "patience": None, "random_state": 0}
    plain = SimpleNNClassifier(**options).fit(X[:1200], y[:1200])
    augmenter = ImageAugmenter(shift=0.15)
    augmented = SimpleNNClassifier(**options, augmentation=augmenter).fit(X[:1200], y[:1200])
    assert augmented.score(shifted, y[1200:]) > plain.score(shifted, y[1200:]) + 0.2


BAD = [
    (lambda X: X[:, :63], "digits", r"rows of 63 features.*image_shape=\(height, width\)"),
    (lambda X: 16 * X, "digits", r"values from 0 to 16.*PixelNormalizer"),
    (lambda X: X - 0.5, "digits", r"values from -0.5 to 0.5"),
    (lambda X: X, ImageAugmenter(image_shape=(8, 9)), r"\(8, 9\) does not fit"),
    (lambda X: X.reshape(-1, 8, 8), ImageAugmenter(image_shape=(4, 16)), r"\(4, 16\) does not"),
    (lambda X: X, ImageAugmenter(image_shape=(64,)), r"image_shape=\(64,\) must be the height"),
    (lambda X: X, ImageAugmenter(rotation=-1), "rotation.*Got -1"),
    (lambda X: X, "letters", "augmentation.*'digits'.*Got 'letters'"),
]


@pytest.mark.parametrize(("change", "augmentation", "told"), BAD)
def test_bad_input_is_refused_before_the_first_epoch(digits, change, augmentation, told):
    X, y = digits
    seen = []
    model = SimpleNNClassifier(16, epochs=1, augmentation=augmentation, callbacks=seen.append)
    with pytest.raises(ValueError, match=f"(?s){told}"):
        model.fit(change(X), y)
    assert not seen


@pytest.mark.parametrize("parameter", [{"augmentation": "digits"}, {"ema_momentum": 0.9}])
def test_a_callback_that_hooks_batches_is_refused(digits, parameter):
    import keras

    class Batches(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            pass

    model = SimpleNNClassifier(16, epochs=1, callbacks=Batches(), **parameter)
    with pytest.raises(ValueError, match=rf"Batches.*{next(iter(parameter))}=None"):
        model.fit(*digits)


@pytest.mark.slow
def test_an_augmented_network_can_be_pickled_and_saved(digits, tmp_path):
    X, y = digits[0][:300], digits[1][:300]
    augmenter = ImageAugmenter(rotation=5, image_shape=(8, 8), random_state=3)
    model = SimpleNNClassifier(16, epochs=1, augmentation=augmenter, random_state=0).fit(X, y)
    save_model(model, tmp_path / "model.skmnist")
    for again in (pickle.loads(pickle.dumps(model)), load_model(tmp_path / "model.skmnist")):
        np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
        assert again.augmentation.get_params() == augmenter.get_params()


def test_transform_keeps_shape_and_seed(digits):
    X, _ = digits
    images = X.reshape(-1, 8, 8)
    augmenter = ImageAugmenter(rotation=20, random_state=3).fit(images)
    assert augmenter.transform(images).shape == images.shape
    assert augmenter.transform(X).shape == X.shape
    np.testing.assert_array_equal(augmenter.transform(X[:5]), augmenter.transform(X[:5]))
    with pytest.raises(ValueError, match="shape"):
        augmenter.transform(np.zeros((2, 9, 9)))


def test_the_display_shows_the_original_first(digits):
    X, _ = digits
    display = AugmentationDisplay.from_estimator(ImageAugmenter(rotation=20), X[:3], n_copies=4)
    assert display.images.shape == (3, 5, 8, 8)
    np.testing.assert_allclose(display.images[:, 0].reshape(3, -1), X[:3])
    assert not np.allclose(display.images[:, 1], display.images[:, 0])
    assert display.image_.get_array().shape == (3 * 10, 5 * 10)


@pytest.mark.slow
def test_the_preset_turns_no_digit_into_another():
    """Let the bundled reader judge deformed images, since it was trained on such images.

    It decides by the mean of several views of each image, as it is less accurate than a person: an
    image that it cannot read is not yet another digit.
    """
    mnist = load_mnist()
    X, y = PixelNormalizer().fit_transform(mnist.X_train), mnist.y_train
    judge = load_reader().estimator_
    mild = {"rotation": 8, "scale": 0.06, "shear": 0.08, "shift": 0.05}
    views = [ImageAugmenter(**mild, random_state=seed) for seed in range(16)]

    def judged_as_another(images, labels):
        proba = np.mean([judge.predict_proba(v.fit_transform(images) * 255) for v in views], axis=0)
        return (proba.argmax(axis=1) != labels) & (proba.max(axis=1) > 0.8)

    images, labels = X[:5000], y[:5000]
    clear = ~judged_as_another(images, labels)
    assert clear.mean() > 0.998
    deformed = ImageAugmenter(**PRESETS["digits"], random_state=0).fit_transform(images)
    assert judged_as_another(deformed[clear], labels[clear]).mean() < 0.005
    # the judge is able to see it: a 6 turned by half a turn is a 9
    turned = judged_as_another(images[:, ::-1][labels == 6], labels[labels == 6])
    assert turned.mean() > 0.5
