import io
import pickle

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmnist import (
    DigitCropper,
    PixelNormalizer,
    SimpleNNClassifier,
    load_mnist,
    load_model,
    save_model,
)
from skmnist.persistence._document import _learned
from skmnist.preprocessing._images import to_levels
from tests.preprocessing.papers import HARD, PROMISED, add_noise, shade

MAX_LOSS = 0.01  # one percentage point of accuracy


@pytest.fixture(scope="module")
def mnist():
    return load_mnist(n_train=5000, n_test=500, random_state=0)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def draw(height=60, width=90, *, paper=230, ink=40):
    """Draw an upright stroke, 40 x 8 pixels, at the left edge."""
    drawing = np.full((height, width), paper, dtype=np.uint8)
    drawing[10:50, 5:13] = ink
    return drawing


def crop(image, **parameters):
    return DigitCropper(**parameters).transform([image])[0].reshape(28, 28)


# The checks use rows of 2, 3, 5 or 10 pixels, which are not squares; shape=(1, -1) makes any row
# an image of one line. Random values may make a blank one.
@pytest.mark.filterwarnings("ignore:.*images have no ink")
@parametrize_with_checks([DigitCropper(shape=(1, -1))])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# Results


def test_mnist_comes_back_as_it_was(mnist):
    cropped = DigitCropper().fit_transform(mnist.X_test).reshape(-1, 28, 28)
    difference = np.abs(cropped.astype(int) - mnist.X_test).max(axis=(1, 2))
    assert (difference == 0).mean() > 0.9
    assert (difference < 64).mean() > 0.98


def test_twice_is_as_good_as_once(mnist):
    once = DigitCropper().transform(mnist.X_test)
    twice = DigitCropper().transform(once)
    assert (once == twice).all(axis=1).mean() > 0.95


@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (0, 255), (230, 40), (100, 140), (180, 140)])
def test_the_ink_is_bright_on_black_in_a_box_of_20_about_the_centre(paper, ink):
    digit = crop(draw(paper=paper, ink=ink))
    rows, columns = np.nonzero(digit > 127)
    assert digit.max() == 255
    assert np.ptp(rows) + 1 == 20
    assert np.ptp(columns) + 1 == 4
    weights = digit / digit.sum()
    grid = np.arange(28)
    assert weights.sum(axis=1) @ grid == pytest.approx(14, abs=0.5)
    assert weights.sum(axis=0) @ grid == pytest.approx(14, abs=0.5)


def test_other_sizes():
    digit = DigitCropper(size=16, box=12).transform([draw()]).reshape(16, 16)
    assert np.ptp(np.nonzero(digit > 127)[0]) + 1 == 12
    full = DigitCropper(size=20, box=20).transform([draw()]).reshape(20, 20)
    assert full.any(axis=1).all()


def test_all_of_a_digit_is_kept_where_its_mass_is_at_one_end():
    drawing = np.zeros((100, 100), dtype=np.uint8)
    drawing[10:90, 50:52] = 255
    drawing[80:90, 20:80] = 255
    full = DigitCropper(size=20).transform([drawing]).reshape(20, 20)
    assert full.any(axis=1).all()
    assert np.ptp(np.nonzero(crop(drawing) > 64)[0]) + 1 == 20


@pytest.mark.parametrize(
    ("paper", "ink"), [((255, 255, 255), (255, 255, 0)), ((200, 60, 60), (60, 104, 200))]
)
def test_colours_of_equal_brightness_are_separated(paper, ink):
    drawing = np.empty((60, 90, 3), dtype=np.uint8)
    drawing[...] = paper
    drawing[10:50, 5:13] = ink
    np.testing.assert_allclose(crop(drawing), crop(draw()), atol=1)


@pytest.mark.parametrize(("invert", "rows"), [(True, 10), (False, 20)])
def test_invert_says_which_of_two_is_the_ink(invert, rows):
    drawing = np.full((60, 60), 128, dtype=np.uint8)
    drawing[10:20, 10:30] = 0
    drawing[30:50, 40:50] = 255
    digit = crop(drawing, invert=invert)
    assert np.ptp(np.nonzero(digit > 127)[0]) + 1 == rows


@pytest.mark.parametrize("invert", ["auto", True])
def test_yellow_on_white_with_invert(invert):
    drawing = np.full((60, 90, 3), 255, dtype=np.uint8)
    drawing[10:50, 5:13] = [255, 255, 200]
    np.testing.assert_allclose(crop(drawing, invert=invert), crop(draw()).astype(int), atol=4)


def test_specks_do_not_count():
    drawing = draw()
    drawing[55:57, 80:82] = 40
    np.testing.assert_array_equal(crop(drawing), crop(draw()))
    assert (crop(drawing, min_part=0) != crop(draw())).any()


def test_a_part_of_its_own_belongs_to_the_digit():
    drawing = draw()
    drawing[10:18, 20:35] = 40  # the bar of a 5, not touching
    assert np.ptp(np.nonzero(crop(drawing) > 127)[1]) > 10


def test_uneven_light_and_noise_leave_the_digit(rng):
    photo = add_noise(shade(draw(200, 200, ink=90), rng, 0.4), rng, 0.03)
    digit = crop(photo)
    rows, columns = np.nonzero(digit > 127)
    assert np.ptp(rows) + 1 in (19, 20)
    assert np.ptp(columns) + 1 in (3, 4, 5)
    assert (digit[:, :10] < 32).all()
    assert (digit[:, 19:] < 32).all()


def test_a_stroke_along_the_edge_of_the_paper_is_found():
    drawing = np.zeros((28, 28), dtype=np.uint8)
    drawing[4:24, :3] = 255  # a tenth of the border and more
    np.testing.assert_array_equal(np.nonzero(crop(drawing))[0], np.repeat(np.arange(4, 24), 3))


# Input


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a / 255,
        lambda a: a.astype(np.float32),
        lambda a: a.astype(np.int64),
        lambda a: a.astype(np.uint16) * 257,
        lambda a: np.stack([a] * 3, axis=-1),
        lambda a: np.stack([a, np.full_like(a, 255)], axis=-1),
        lambda a: Image.fromarray(a),
        lambda a: Image.fromarray(a).convert("RGBA"),
        lambda a: Image.fromarray(a).convert("P"),
        lambda a: Image.fromarray(a).convert("CMYK"),
        lambda a: Image.fromarray(a).convert("F"),
        lambda a: Image.fromarray(a.astype(np.uint16) * 257),
        lambda a: Image.fromarray(a).convert("I").point(lambda v: v * 257),
        lambda a: a.tolist(),
    ],
)
def test_an_image_may_come_in_many_forms(change):
    np.testing.assert_allclose(crop(change(draw())), crop(draw()).astype(int), atol=2)


def test_bool_and_1_bit():
    drawing = draw(paper=255, ink=0) > 127
    for image in (drawing, Image.fromarray(drawing)):
        np.testing.assert_array_equal(crop(image), crop(draw(paper=255, ink=0)))


def test_images_rows_and_lists_give_the_same(mnist):
    images = mnist.X_test[:20]
    expected = DigitCropper().transform(images)
    assert expected.shape == (20, 784)
    assert expected.dtype == np.uint8
    for X in (
        images.reshape(20, 784),
        list(images),
        tuple(images),
        images[..., None],
        images.tolist(),
    ):
        np.testing.assert_array_equal(DigitCropper().fit_transform(X), expected)
    objects = np.empty(20, dtype=object)
    objects[:] = list(images)
    np.testing.assert_array_equal(DigitCropper().transform(objects), expected)


def test_rows_that_are_no_squares_need_a_shape():
    row = draw().reshape(1, -1)
    for shape in ((60, 90), [60, -1], (-1, 90), (60, 90, 1)):
        digit = DigitCropper(shape=shape).fit_transform(row)
        np.testing.assert_array_equal(digit, DigitCropper().transform([draw()]))
    with pytest.raises(
        ValueError, match=r"rows of 5400 pixels.*do not form a square: set shape=\(height"
    ):
        DigitCropper().fit(row)


@pytest.mark.parametrize(
    "shape", [(60, 91), (60,), (-1, -1), (0, -1), (7, -1), ("a", 2), (6.5, -1), (), (-2, 90)]
)
def test_a_shape_that_does_not_match_raises(shape):
    with pytest.raises(ValueError, match=r"must be \(height, width\) or .*5400"):
        DigitCropper(shape=shape).fit(draw().reshape(1, -1))


def test_sizes_may_differ_among_images_and_from_those_of_fit(mnist):
    cropper = DigitCropper().fit(mnist.X_train[:5])
    assert cropper.n_features_in_ == 784
    images = [draw(), Image.fromarray(draw(100, 70)).convert("RGB"), mnist.X_test[0] / 255]
    assert cropper.transform(images).shape == (3, 784)
    assert not hasattr(cropper.fit(images), "n_features_in_")
    with pytest.raises(ValueError, match=r"783 features.*784 features"):
        cropper.fit(mnist.X_train[:5]).transform(np.ones((2, 783)))


def test_a_photo_is_turned_the_way_its_camera_was_held():
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    Image.fromarray(np.rot90(draw())).save(stream, "PNG", exif=exif)
    np.testing.assert_array_equal(crop(Image.open(stream)), crop(draw()))


def test_a_large_photo_is_read_as_a_small_one():
    large = np.kron(draw(), np.ones((32, 32), dtype=np.uint8))
    expected = crop(draw()).astype(int)
    for image in (large, Image.fromarray(large).convert("RGB")):
        assert np.abs(crop(image) - expected).mean() < 3


@pytest.mark.parametrize("ink", [(0, 0, 0), (255, 255, 255), (128, 128, 128), (255, 255, 0)])
@pytest.mark.parametrize("invert", ["auto", True, False])
def test_on_a_transparent_canvas_the_ink_is_what_was_drawn(ink, invert):
    drawing = np.zeros((60, 90, 4), dtype=np.uint8)
    drawing[10:50, 5:13] = (*ink, 255)
    np.testing.assert_allclose(crop(drawing, invert=invert), crop(draw(paper=0, ink=255)), atol=1)


def test_transparent_pixels_may_hide_any_colour(rng):
    drawing = rng.integers(0, 256, (60, 90, 4), dtype=np.uint8)
    drawing[..., 3] = 0
    drawing[10:50, 5:13] = (0, 0, 0, 255)
    np.testing.assert_allclose(crop(drawing), crop(draw(paper=0, ink=255)), atol=1)


def test_a_cut_out_of_paper_is_paper():
    drawing = np.zeros((80, 110, 4), dtype=np.uint8)
    drawing[10:70, 10:100, :3] = draw()[..., None]
    drawing[10:70, 10:100, 3] = 255
    np.testing.assert_allclose(crop(drawing), crop(draw()), atol=1)


def test_the_input_stays_as_it_is(mnist):
    canvas = np.zeros((1, 60, 90, 4), dtype=np.float32)
    canvas[:, 10:50, 5:13] = 1
    for X in (mnist.X_test[:5], canvas):
        before = X.copy()
        DigitCropper().fit_transform(X)
        np.testing.assert_array_equal(X, before)


# Invalid input


@pytest.mark.parametrize(
    ("X", "match"),
    [
        (draw(), "rows of 90 pixels.*single image must be in a list"),
        (np.zeros((60, 90, 4)), r"\(60, 90, 4\) looks like a single image in colour.*\[image\]"),
        (Image.new("L", (9, 9)), r"X is a single image.*\[image\]"),
        ([np.zeros((9, 9, 5))], r"shape \(9, 9, 5\).*1 to 4 channels"),
        (np.zeros((2, 9, 9, 9, 3)), r"shape \(9, 9, 9, 3\)"),
        ([np.zeros((0, 9))], r"shape \(0, 9\), which has no pixels"),
        (np.zeros((0, 28, 28)), "0 sample"),
        ([], "0 sample|Expected 2D"),
        ([np.full((9, 9), "a")], "dtype <U1"),
        ([np.zeros((9, 9), dtype=complex)], "dtype complex128"),
        ([draw(), np.full((9, 9), np.nan)], "NaN"),
        (np.full((1, 9, 9), np.inf), "infinity"),
        (np.full((1, 81), np.nan), "NaN"),
        ([np.full((9, 9), -1)], r"values from -1 to -1.*\[0, 255\]; set max_value"),
        ([np.full((9, 9), 256)], r"values from 256 to 256.*\[0, 255\]; set max_value"),
        ([Image.new("I", (9, 9), 70000)], "32 bits"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_invalid_images_raise(X, match, method):
    with pytest.raises(ValueError, match=match):
        getattr(DigitCropper(), method)(X)


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"invert": "dark"}, "invert.*dark"),
        ({"size": 0}, "size.*0"),
        ({"box": 2000}, "box.*2000"),
        ({"box": 29}, "box=29 must be at most size=28"),
        ({"max_value": 0}, "max_value.*0"),
        ({"min_contrast": 1}, "min_contrast.*1"),
        ({"min_part": -0.1}, "min_part.*-0.1"),
        ({"shape": 28}, "shape.*28"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_bad_parameters(parameters, match, method):
    with pytest.raises(ValueError, match=match):
        getattr(DigitCropper(**parameters), method)([draw()])


def test_a_blank_image_is_all_zeros_and_warns(rng):
    blank = np.full((60, 90), 230, dtype=np.uint8)
    images = [draw(), blank, add_noise(blank, rng, 0.05), shade(blank, rng, 0.4)]
    images += [np.zeros((60, 90, 4), dtype=np.uint8)]
    with pytest.warns(
        UserWarning, match=r"4 of 5 images have no ink.*\(1, 2, 3, 4\).*min_contrast=0.1"
    ):
        cropped = DigitCropper().transform(images)
    assert cropped.any(axis=1).tolist() == [True, False, False, False, False]


def test_faint_ink_needs_a_lower_contrast():
    faint = draw(paper=230, ink=215)
    with pytest.warns(UserWarning, match="no ink"):
        assert not crop(faint).any()
    np.testing.assert_allclose(crop(faint, min_contrast=0.03), crop(draw()).astype(int), atol=1)


@pytest.mark.parametrize("ink", [60, 195])
def test_a_line_one_pixel_wide_is_no_speck(ink):
    drawing = np.full((60, 60), 230, dtype=np.uint8)
    drawing[10:50, 30] = ink
    digit = crop(drawing)
    assert digit.max() == 255
    assert np.ptp(np.nonzero(digit > 127)[0]) + 1 == 20


def test_12_bits_in_16_need_their_max_value():
    deep = draw().astype(np.uint16) * 4
    with pytest.warns(UserWarning, match="set max_value"):
        crop(deep)
    np.testing.assert_allclose(crop(deep, max_value=1020), crop(draw()).astype(int), atol=1)


# Together with scikit-learn


def test_names_clone_pickle_and_page(mnist):
    cropper = DigitCropper(size=20, box=14).fit(mnist.X_test)
    names = cropper.get_feature_names_out()
    assert (len(names), names[0], names[-1]) == (400, "digitcropper0", "digitcropper399")
    assert clone(cropper).get_params() == cropper.get_params()
    loaded = pickle.loads(pickle.dumps(cropper))
    np.testing.assert_array_equal(loaded.transform(mnist.X_test), cropper.transform(mnist.X_test))
    assert "DigitCropper" in cropper._repr_html_()


def test_set_output_keeps_the_index(mnist):
    frame = pd.DataFrame(mnist.X_test[:3].reshape(3, 784)).add_prefix("pixel")
    frame.index = ["a", "b", "c"]
    cropper = DigitCropper().set_output(transform="pandas")
    cropped = cropper.fit_transform(frame)
    assert cropped.shape == (3, 784)
    assert cropped.index.tolist() == ["a", "b", "c"]
    assert (cropped.dtypes == np.uint8).all()
    assert cropper.feature_names_in_[0] == "pixel0"
    assert not hasattr(cropper.fit([draw()]), "feature_names_in_")


def test_a_list_of_images_can_be_cross_validated(mnist):
    model = make_pipeline(DigitCropper(), PixelNormalizer(), KNeighborsClassifier())
    scores = cross_val_score(model, list(mnist.X_test), mnist.y_test, cv=3)
    assert scores.mean() > 0.7


@pytest.mark.parametrize("seen", ["images", "sizes", "frame", "nothing"])
def test_it_is_saved_without_pickle(mnist, tmp_path, seen):
    frame = pd.DataFrame(mnist.X_test.reshape(-1, 784)).add_prefix("pixel")
    X = {
        "images": mnist.X_test,
        "sizes": [draw(paper=0, ink=200), draw(70, paper=0, ink=200)],
        "frame": frame,
    }.get(seen)
    cropper = DigitCropper(invert=False, shape=(28, -1), max_value=255.0, box=18)
    if X is not None:
        cropper.fit(X)
    save_model(cropper, tmp_path / "cropper")
    loaded = load_model(tmp_path / "cropper")
    assert loaded.get_params() == cropper.get_params()
    assert _learned(loaded).keys() == _learned(cropper).keys()
    X = mnist.X_test if X is None else X
    np.testing.assert_array_equal(loaded.transform(X), cropper.transform(X))


# A network trained on MNIST reads the digits as well as the originals


def measure(model, X, y, change):
    """Return by how much the accuracy is lower than on the untouched images."""
    rng = np.random.default_rng(0)
    cropped = make_pipeline(DigitCropper(), *model)
    return model.score(X, y) - cropped.score([change(image, rng) for image in X], y)


@pytest.fixture(scope="module")
def quick_reader(mnist):
    network = SimpleNNClassifier(64, epochs=8, random_state=0)
    return make_pipeline(PixelNormalizer(), network).fit(mnist.X_train, mnist.y_train)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "untouched",
        "shifted",
        "inverted",
        "all, scaled 1 to 4",
        pytest.param("light falls off by 40%", marks=pytest.mark.slow),
    ],
)
def test_digits_on_other_papers_are_read_quick(quick_reader, mnist, name):
    # with 500 images, one point is five images, and a difference of ten may be chance
    loss = measure(quick_reader, mnist.X_test, mnist.y_test, (PROMISED | HARD)[name])
    assert loss <= 2 * MAX_LOSS


@pytest.fixture(scope="module")
def whole():
    return load_mnist()


@pytest.fixture(scope="module")
def reader(whole):
    network = SimpleNNClassifier(random_state=0)
    return make_pipeline(PixelNormalizer(), network).fit(whole.X_train, whole.y_train)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROMISED)
def test_digits_on_other_papers_are_read_as_well_as_mnist_s_own(reader, whole, name):
    loss = measure(reader, whole.X_test, whole.y_test, PROMISED[name])
    assert loss <= MAX_LOSS


@pytest.mark.slow
@pytest.mark.parametrize("name", HARD)
def test_hard_papers_cost_little(reader, whole, name):
    loss = measure(reader, whole.X_test[::4], whole.y_test[::4], HARD[name])
    assert loss <= 3 * MAX_LOSS


@pytest.mark.slow
def test_a_pipeline_may_learn_with_the_cropper_in_it(whole):
    network = SimpleNNClassifier(random_state=0)
    model = make_pipeline(DigitCropper(), PixelNormalizer(), network)
    model.fit(whole.X_train, whole.y_train)
    assert model.score(whole.X_test, whole.y_test) > 0.97


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16, np.int64, np.float32, np.float64])
def test_levels_take_four_bytes_whatever_the_pixels_are(dtype):
    levels = to_levels(np.ones((2, 3, 3, 1), dtype), max_value=1)
    assert levels.dtype == np.float32
    assert (levels == 1).all()
