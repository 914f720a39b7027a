import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmnist.preprocessing import PixelNormalizer


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)


@pytest.mark.filterwarnings("ignore:The largest pixel")  # the checks fit random values under 1
@parametrize_with_checks([PixelNormalizer()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_pixels_are_divided_by_255(images):
    scaled = PixelNormalizer().fit_transform(images)
    np.testing.assert_allclose(scaled, images.reshape(5, 784) / 255.0, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_result_is_float32(images, dtype):
    assert PixelNormalizer().fit_transform(images.astype(dtype)).dtype == np.float32


def test_float_pixels_give_the_same_as_integers(images):
    as_float = PixelNormalizer().fit_transform(images.astype(np.float64))
    np.testing.assert_array_equal(as_float, PixelNormalizer().fit_transform(images))


def test_full_ink_is_exactly_one():
    assert PixelNormalizer().fit_transform([[0, 255]]).tolist() == [[0.0, 1.0]]


def test_max_value_of_16_bit_images():
    assert PixelNormalizer(max_value=65535).fit_transform([[0, 65535]]).tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("shape", [(5, 28, 28), (5, 784)])
def test_784_features_whether_images_or_rows(images, shape):
    assert PixelNormalizer().fit(images.reshape(shape)).n_features_in_ == 784


def test_images_and_rows_may_follow_each_other(images):
    rows = images.reshape(5, 784)
    normalizer = PixelNormalizer().fit(images)
    np.testing.assert_array_equal(normalizer.transform(rows), normalizer.transform(images))


def test_nested_lists_are_images():
    assert PixelNormalizer().fit_transform([[[0, 51], [102, 255]]]).shape == (1, 4)


def test_input_is_left_as_it_is(images):
    before = images.copy()
    normalizer = PixelNormalizer().fit(images)
    normalizer.inverse_transform(normalizer.transform(images))
    np.testing.assert_array_equal(images, before)


def test_float32_rows_are_left_as_they_are():
    rows = np.full((2, 4), 100, dtype=np.float32)
    PixelNormalizer().fit_transform(rows)
    assert (rows == 100).all()


def test_column_names_go_through():
    frame = pd.DataFrame({"pixel1": [0, 255], "pixel2": [51, 102]})
    assert PixelNormalizer().fit(frame).get_feature_names_out().tolist() == ["pixel1", "pixel2"]


def test_columns_without_names_are_numbered(images):
    names = PixelNormalizer().fit(images).get_feature_names_out()
    assert (len(names), names[0], names[-1]) == (784, "x0", "x783")


def test_set_output_pandas():
    frame = pd.DataFrame({"a": [0, 255], "b": [51, 102]}, index=["first", "second"])
    result = PixelNormalizer().set_output(transform="pandas").fit_transform(frame)
    expected = pd.DataFrame({"a": [0, 1], "b": [0.2, 0.4]}, frame.index, dtype="float32")
    pd.testing.assert_frame_equal(result, expected)


def test_every_uint8_pixel_comes_back_bit_for_bit():
    images = np.arange(256, dtype=np.uint8).reshape(4, 8, 8)
    normalizer = PixelNormalizer().fit(images)
    back = normalizer.inverse_transform(normalizer.transform(images))
    np.testing.assert_array_equal(back, images, strict=True)


def test_inverse_of_rows_gives_rows(images):
    rows = images.reshape(5, 784)
    normalizer = PixelNormalizer().fit(rows)
    np.testing.assert_array_equal(
        normalizer.inverse_transform(normalizer.transform(rows)), rows, strict=True
    )


def test_inverse_of_float_pixels_is_not_rounded():
    normalizer = PixelNormalizer().fit([[0.0, 100.5]])
    assert normalizer.inverse_transform([[0.0, 0.1]])[0, 1] == pytest.approx(25.5)


def test_inverse_of_integer_pixels_is_rounded():
    normalizer = PixelNormalizer().fit(np.array([[0, 255]], dtype=np.uint8))
    assert normalizer.inverse_transform([[0.001, 0.999]]).tolist() == [[0, 255]]


def test_inverse_clips_values_out_of_range():
    normalizer = PixelNormalizer().fit(np.array([[0, 255]], dtype=np.uint8))
    assert normalizer.inverse_transform([[-0.5, 1.5]]).tolist() == [[0, 255]]


def test_inverse_of_other_number_of_values(images):
    with pytest.raises(ValueError, match=r"shape \(5, 783\).*rows of 784"):
        PixelNormalizer().fit(images).inverse_transform(np.zeros((5, 783)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_inverse_of_nan_and_infinity_raises(value):
    normalizer = PixelNormalizer().fit(np.array([[0, 255]], dtype=np.uint8))
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        normalizer.inverse_transform([[0.5, value]])


def test_normalised_data_give_a_warning():
    with pytest.warns(UserWarning, match=r"normalized already.*pass max_value=1"):
        PixelNormalizer().fit([[0.0, 0.5, 1.0]])


@pytest.mark.parametrize(
    ("max_value", "row"), [(255, [0, 0, 0]), (255, [0, 1, 2]), (1, [0.0, 0.5, 1.0])]
)
def test_no_warning_without_reason(max_value, row):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PixelNormalizer(max_value=max_value).fit([row])


@pytest.mark.parametrize("value", [-1, 256, 1000])
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_pixels_out_of_range(method, value):
    normalizer = PixelNormalizer().fit([[0, 255]])
    with pytest.raises(ValueError, match=rf"{value}.*\[0, 255\]; set max_value"):
        getattr(normalizer, method)([[100, value]])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pixels_that_are_no_numbers(value):
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        PixelNormalizer().fit([[0.0, value, 255.0]])


def test_other_number_of_pixels(images):
    with pytest.raises(ValueError, match=r"783 features.*784 features"):
        PixelNormalizer().fit(images).transform(np.ones((2, 783)))


def test_transform_before_fit(images):
    with pytest.raises(NotFittedError, match="PixelNormalizer"):
        PixelNormalizer().transform(images)


@pytest.mark.parametrize("max_value", [0, -255, "255"])
def test_bad_max_value(images, max_value):
    with pytest.raises(ValueError, match=rf"max_value.*{max_value}"):
        PixelNormalizer(max_value=max_value).fit(images)


def test_clone_keeps_the_parameter_and_nothing_learned(images):
    cloned = clone(PixelNormalizer(max_value=256).fit(images))
    assert cloned.max_value == 256
    assert not hasattr(cloned, "n_features_in_")


def test_second_fit_forgets_the_first(images):
    normalizer = PixelNormalizer().fit(images).fit(images[:, :14])
    assert normalizer.n_features_in_ == 392


def test_normalised_floats_warn_in_transform_but_an_almost_blank_image_does_not():
    normalizer = PixelNormalizer().fit(np.full((2, 4), 255, dtype=np.uint8))
    with pytest.warns(UserWarning, match="seems to be normalized already"):
        normalizer.transform(np.full((2, 4), 0.5))
    normalizer.transform(np.ones((1, 4), dtype=np.uint8))
