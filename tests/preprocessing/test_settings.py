"""Settings of other libraries and memory layouts do not change the result."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.pipeline import make_pipeline

from skmnist import DigitCropper, PixelNormalizer
from tests.settings import each_setting, use

IMAGES = np.zeros((3, 8, 8), np.uint8)
IMAGES[:, 2:6, 3:5] = 200
IMAGES[0, 2, 3] = 255


def prepare():
    """Return what the estimators make of images of several kinds, as arrays."""
    faint = np.where(IMAGES > 0, IMAGES, 1e-42)  # float32 underflows
    normalizer = PixelNormalizer().fit(IMAGES)
    made = [
        normalizer.transform(IMAGES),
        normalizer.inverse_transform(normalizer.transform(IMAGES)),
        PixelNormalizer(max_value=1e30).fit_transform(faint),
        DigitCropper().fit_transform(IMAGES),
        DigitCropper().transform([IMAGES[0], faint[1], IMAGES[2].astype(np.float32) / 255]),
        make_pipeline(DigitCropper(), PixelNormalizer()).fit_transform(IMAGES),
        make_pipeline(DigitCropper(), PixelNormalizer()).fit_transform(
            pd.DataFrame(IMAGES.reshape(3, 64))
        ),
    ]
    return [np.asarray(array) for array in made]


@each_setting
def test_settings_of_others_change_no_pixel(name):
    expected = prepare()
    with use(name):
        found = prepare()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_assume_finite_lets_no_nan_through(value):
    with sklearn.config_context(assume_finite=True):
        normalizer = PixelNormalizer().fit(IMAGES)
        images = np.where(IMAGES > 0, value, 0.0)
        for refused in (normalizer.transform, DigitCropper().transform):
            with pytest.raises(ValueError, match=r"nan|inf|NaN"):
                refused(images)
        with pytest.raises(ValueError, match="NaN or infinity"):
            normalizer.inverse_transform(images.reshape(3, 64))


# --- layouts and containers


def frame(rows, **options):
    return pd.DataFrame(rows).convert_dtypes(**options)


def polars_frame(rows):
    return pytest.importorskip("polars").DataFrame(rows)


def arrow_table(rows):
    arrow = pytest.importorskip("pyarrow")
    return arrow.table({f"pixel{at}": column for at, column in enumerate(rows.T)})


def arrow_frame(rows):
    pytest.importorskip("pyarrow")
    return frame(rows, dtype_backend="pyarrow")


class Holder:
    """Has `__array__` and nothing else."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


def read_only(images):
    images = images.copy()
    images.flags.writeable = False
    return images


ROWS = {"frame": frame, "Arrow frame": arrow_frame, "polars": polars_frame, "Arrow": arrow_table}
LAYOUTS = {
    "Fortran": np.asfortranarray,
    "negative strides": lambda images: images[::-1, ::-1, ::-1][::-1, ::-1, ::-1],
    "strided": lambda images: np.repeat(images, 2, axis=2)[:, :, ::2],
    "read-only": read_only,
    "memoryview": memoryview,
    "lists": lambda images: images.tolist(),
    "list of arrays": list,
    "column of arrays": lambda images: pd.Series(list(images)),
    "__array__": Holder,
    "objects": lambda images: images.astype(object),
    "long double": lambda images: images.astype(np.longdouble),
    "float16": lambda images: images.astype(np.float16),
    **{
        dtype: lambda images, dtype=dtype: images.astype(dtype)
        for dtype in (">i2", ">i4", ">u8", ">f2", ">f4", ">f8", "<i8")
    },
}


@pytest.mark.parametrize("name", [*LAYOUTS, *ROWS])
@pytest.mark.parametrize("estimator", [PixelNormalizer, DigitCropper])
def test_the_layout_of_an_array_changes_no_pixel(estimator, name):
    X = ROWS[name](IMAGES.reshape(3, 64)) if name in ROWS else LAYOUTS[name](IMAGES)
    np.testing.assert_array_equal(
        estimator().fit(X).transform(X), estimator().fit_transform(IMAGES), strict=True
    )


def test_16_bits_are_16_bits_in_any_byte_order():
    deep = IMAGES.astype(np.uint16) * 257
    expected = DigitCropper().transform(deep)
    assert expected.any()
    for images in (deep.astype(">u2"), deep.astype("<u2"), list(deep.astype(">u2"))):
        np.testing.assert_array_equal(DigitCropper().transform(images), expected)


MISSING = IMAGES.astype(object)
MISSING[0, 0, 0] = pd.NA


@pytest.mark.parametrize(
    ("X", "told"),
    [
        (IMAGES.astype("M8[s]"), r"datetime64\[s\]; expected bool, integers or floats"),
        (IMAGES.astype("m8[s]"), r"timedelta64\[s\]; expected bool, integers or floats"),
        (IMAGES.astype(complex), "Complex data|complex128; expected bool"),
        (IMAGES.astype("U3"), "strings|<U3; expected bool"),
        (np.zeros((3, 8, 8), [("a", "u1")]), "'a', 'u1'|strings"),
        (np.zeros((3, 8, 8), "V4"), r"\|V4|strings"),
        ({"image": 1}, "cannot be converted to numbers .*expected an array or data frame"),
        ((image for image in IMAGES), "cannot be converted to numbers"),
        (pd.DataFrame({"a": pd.to_datetime(["2020"] * 3), "b": [1, 2, 3]}), "converted to numbers"),
        ([[1, 2, 3], [1, 2]], r"different shapes, such as \(2,\) and \(3,\); expected one"),
        (
            np.where(IMAGES > 0, 1e300, 0),
            r"1e\+300.*scale the values first, because float32 cannot hold",
        ),
    ],
)
@pytest.mark.parametrize("estimator", [PixelNormalizer, DigitCropper])
def test_input_without_pixels_raises(estimator, X, told):
    with np.errstate(all="raise"), pytest.raises(ValueError, match=told):
        estimator().fit(X)


def test_a_missing_value_among_objects_is_refused():
    with pytest.raises(ValueError, match="objects that are not numbers"):
        DigitCropper().fit(MISSING)
    with pytest.raises(TypeError, match="NAType"):  # required by scikit-learn's checks
        PixelNormalizer().fit(MISSING)


@pytest.mark.parametrize("max_value", [1e-40, 5e-324, 1e300, 0, -1])
@pytest.mark.parametrize("estimator", [PixelNormalizer, DigitCropper])
def test_values_of_full_ink_that_float32_cannot_hold_are_refused(estimator, max_value):
    told = r"'max_value' parameter.* in the range \[1.17.*e-38, 3.4"
    with np.errstate(all="raise"), pytest.raises(ValueError, match=told):
        estimator(max_value=max_value).fit(IMAGES)


@pytest.mark.parametrize("max_value", [1.2e-38, 3e38])
def test_ink_is_found_up_to_the_limits_of_max_value(max_value):
    images = IMAGES / 255 * max_value
    np.testing.assert_allclose(
        DigitCropper(max_value=max_value).transform(images).astype(int),
        DigitCropper().transform(IMAGES),
        atol=1,
    )


# --- common mistakes with shapes


@pytest.mark.parametrize("fitted_on", [(3, 28, 28), (3, 784)])
def test_a_single_image_is_recognised(fitted_on):
    normalizer = PixelNormalizer().fit(np.full(fitted_on, 255))
    with pytest.raises(ValueError, match=r"\(28, 28\), like a single image.* pass X\[np.newaxis\]"):
        normalizer.transform(np.zeros((28, 28)))


def test_colours_are_turned_into_grey_levels_and_not_cut_off():
    normalizer = PixelNormalizer().fit(np.full((3, 28, 28), 255))
    for shape, told in [
        ((3, 28, 28, 3), "Convert colours to grey levels.*mean.* DigitCropper"),
        ((3, 28, 28, 4), "Convert colours to grey levels"),
        ((3, 28, 28, 1), r"Drop a channel axis with X\[..., 0\]"),
        ((28, 28, 3), r"a single image in colour.*grey levels.*X\[np.newaxis\]"),
        ((5, 2352), "2352 features.*expecting 784.*3 for each pixel.*grey levels"),
        ((5, 3136), "4 for each pixel"),
    ]:
        with pytest.raises(ValueError, match=told):
            normalizer.transform(np.zeros(shape))


def test_images_of_different_sizes_raise():
    images = [np.zeros((8, 8)), np.ones((5, 8))]
    with pytest.raises(ValueError, match=r"\(5, 8\) and \(8, 8\).*DigitCropper first"):
        PixelNormalizer().fit(images)
    with pytest.raises(ValueError, match="different shapes"):
        PixelNormalizer().fit(pd.Series(images))


# --- inverse_transform


@pytest.mark.parametrize(
    ("dtype", "max_value", "expected"),
    [
        (np.int8, 255, 127),
        (np.uint8, 300, 255),
        (bool, 1, True),
        (np.float16, 1e38, np.finfo(np.float16).max),
        (np.int64, 1e30, 2**63 - 1024),
        (np.uint64, 1e30, 2**64 - 2048),
    ],
)
def test_inverse_does_not_wrap_around(dtype, max_value, expected):
    normalizer = PixelNormalizer(max_value=max_value).fit(np.array([[0, 2]], dtype))
    assert normalizer.inverse_transform([[1.0, 0.0]]).tolist() == [[expected, 0]]


def test_inverse_refuses_dates():
    normalizer = PixelNormalizer().fit(IMAGES)
    with pytest.raises(ValueError, match=r"datetime64\[s\]; expected values in \[0, 1\]"):
        normalizer.inverse_transform(IMAGES.reshape(3, 64).astype("M8[s]"))


def test_size_may_be_any_integer():
    cropper = DigitCropper(size=np.int8(28)).fit(IMAGES)
    assert cropper.transform(IMAGES).shape == (3, len(cropper.get_feature_names_out()))
