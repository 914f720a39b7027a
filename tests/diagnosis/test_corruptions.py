"""Each corruption on an image made by hand: what moves, by how much, and that nothing else does."""

import numpy as np
import pytest
from scipy.ndimage import center_of_mass

from skmnist.diagnosis import corrupt_images
from skmnist.diagnosis._corruptions import CORRUPTIONS

N = 40
ALL = [(name, by) for name, known in CORRUPTIONS.items() for by in known.strengths]


def make_bars(dtype=np.uint8, *, height=10, width=4):
    """Return images of an upright bar in the middle of 28 x 28 pixels."""
    images = np.zeros((N, 28, 28), dtype)
    top, left = (28 - height) // 2, (28 - width) // 2
    images[:, top : top + height, left : left + width] = 255
    return images


def find_middles(images):
    return np.array([center_of_mass(image) for image in images.astype(float)])


@pytest.mark.parametrize("by", [1, 2, 3])
def test_a_shift_moves_the_ink_by_as_many_pixels(by):
    images = make_bars(float)
    moved = find_middles(corrupt_images(images, "shift", by, random_state=0)) - find_middles(images)
    assert np.hypot(*moved.T) == pytest.approx(by, abs=1e-5)
    directions = np.round(np.rad2deg(np.arctan2(*moved.T))).astype(int) % 360
    assert set(directions) == set(range(0, 360, 45))


def test_a_shift_along_an_axis_copies_the_pixels():
    images = make_bars()
    shifted = corrupt_images(images, "shift", 2, random_state=0)
    expected = [np.roll(images[0], step, axis) for step in (-2, 2) for axis in (0, 1)]
    assert sum(any(np.array_equal(a, b) for b in expected) for a in shifted) > N / 4


def test_what_comes_in_is_background():
    ramp = np.full((N, 10, 10), 30, dtype=np.uint8)
    ramp[:, 3:6, 3:6] = 200
    shifted = corrupt_images(ramp, "shift", 3, random_state=0)
    assert shifted.min() == 30


@pytest.mark.parametrize("angle", [5, 20, 90])
def test_a_rotation_turns_to_both_sides_around_the_middle(angle):
    images = make_bars(height=15, width=2)
    images[:, 7:10] = 0  # keep the lower part, whose direction can be told
    before, after = (
        np.rad2deg(np.arctan2(*(find_middles(each) - 13.5).T))
        for each in (images, corrupt_images(images, "rotation", angle, random_state=0))
    )
    turned = np.abs((after - before + 180) % 360 - 180)
    assert turned == pytest.approx(angle, abs=0.5)
    assert len(set(np.sign((after - before + 180) % 360 - 180))) == 2


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.2, 2])
def test_a_zoom_changes_both_sides_by_the_factor(factor):
    images = make_bars(height=8, width=8)
    zoomed = corrupt_images(images, "zoom", factor)[0].astype(float) / 255
    assert zoomed.sum() == pytest.approx(64 * factor**2, rel=0.06)
    assert find_middles(zoomed[None]) == pytest.approx(np.array([[13.5, 13.5]]), abs=0.01)


@pytest.mark.parametrize("by", [1, 2, 3])
def test_strokes_become_thinner_and_thicker_by_as_many_pixels(by):
    images = make_bars()
    for name, width in (("thinning", max(0, 4 - by)), ("thickening", 4 + by)):
        rows = corrupt_images(images, name, by, random_state=0)[:, 14] > 0
        assert set(rows.sum(axis=1)) == {width}


def test_an_odd_change_of_width_moves_to_no_side_in_particular():
    thin = corrupt_images(make_bars(), "thinning", 1, random_state=0)
    middles = find_middles(thin)
    assert set(np.abs(middles - 13.5).ravel()) == {0.5}
    assert np.abs(middles.mean(axis=0) - 13.5).max() < 0.25


def test_a_blur_spreads_the_ink_and_keeps_its_amount():
    images = make_bars(float)
    blurred = corrupt_images(images, "blur", 1.0)
    assert blurred.sum() == pytest.approx(images.sum(), rel=1e-4)
    assert blurred.max() < 255
    row = corrupt_images(np.eye(1, 81, 40).reshape(1, 9, 9), "blur", 1.0)[0, 4]
    assert row[4] / row[5] == pytest.approx(np.exp(0.5), rel=1e-3)


def test_noise_has_the_deviation_of_that_share():
    images = np.full((N, 28, 28), 0.5)
    images[0, 0, 0] = 1.0  # the range
    noisy = corrupt_images(images, "noise", 0.1, random_state=0)
    assert (noisy - images).std() == pytest.approx(0.1, rel=0.03)
    assert np.unique(noisy[:, 5, 5]).size == N


def test_contrast_is_the_distance_from_the_mean():
    images = make_bars(float)
    changed = corrupt_images(images, "contrast", 0.5)
    assert changed.mean() == pytest.approx(images.mean(), rel=1e-4)
    assert np.ptp(changed) == pytest.approx(127.5, rel=1e-4)


@pytest.mark.parametrize("dark_ink", [False, True])
def test_brightness_greys_the_ground(dark_ink):
    images = 255 - make_bars() if dark_ink else make_bars()
    changed = corrupt_images(images, "brightness", 0.2).astype(int) - images
    assert set(np.unique(changed)) == ({-51, 0} if dark_ink else {0, 51})


@pytest.mark.parametrize(("name", "by"), ALL)
def test_dark_ink_is_changed_as_light_ink_is(name, by):
    light = corrupt_images(make_bars(), name, by, random_state=0)
    dark = corrupt_images(255 - make_bars(), name, by, random_state=0)
    np.testing.assert_allclose(255 - dark.astype(int), light, atol=1)


@pytest.mark.parametrize(("name", "by"), ALL)
def test_nothing_leaves_the_range(name, by):
    rng = np.random.default_rng(0)
    for dtype, high in (
        (np.uint8, 255),
        (np.int64, 16),
        (np.float32, 1),
        (np.float64, 1e6),
        (bool, 1),
    ):
        images = (high * rng.random((5, 12, 9))).round().astype(dtype)
        images[0, 0, 0] = high
        before = images.copy()
        changed = corrupt_images(images, name, by, random_state=0)
        assert (changed.shape, changed.dtype) == (images.shape, images.dtype)
        assert 0 <= changed.min() <= changed.max() <= high
        np.testing.assert_array_equal(images, before)


def test_uint8_is_from_0_to_255_and_others_are_up_to_their_maximum():
    for dtype, high in ((np.uint8, 255), (np.int64, 100), (float, 100)):
        pale = (make_bars(float) * 100 / 255).astype(dtype)
        assert corrupt_images(pale, "brightness", 0.1)[0, 0, 0] == round(high * 0.1)


def test_rows_are_images_too():
    images = make_bars()
    changed = corrupt_images(images.reshape(N, -1), "rotation", 10, random_state=3)
    expected = corrupt_images(images, "rotation", 10, random_state=3)
    np.testing.assert_array_equal(changed.reshape(images.shape), expected)
    wide = corrupt_images(images.reshape(N, -1), "shift", 1, image_shape=(14, 56))
    assert wide.shape == (N, 784)


def test_a_seed_gives_the_same_images_again():
    draw = [corrupt_images(make_bars(), "noise", 0.1, random_state=seed) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(draw[0], draw[1])
    assert (draw[0] != draw[2]).any()


@pytest.mark.parametrize(
    ("name", "by", "match"),
    [
        ("rotate", 5, "^corruption='rotate' is unknown; did you mean 'rotation'"),
        ("?", 5, r"^corruption='\?' is unknown; pass one of \['shift', 'rotation'"),
        (["shift"], 5, r"^corruption=\['shift'\] is unknown; did you mean 'shift'"),
        ("shift", -1, r"^strength=-1 must be a number from 0 to 100 \(px\) for 'shift'\.$"),
        ("shift", [1, 2], r"^strength=\[1, 2\] must be a number"),
        ("zoom", 0, "from 0.1 to 10"),
        ("thinning", 0.5, "strength=0.5 must be an int from .* for 'thinning'"),
        ("noise", float("nan"), "strength=nan"),
        ("noise", "much", "strength='much'"),
        ("noise", True, "strength=True"),
    ],
)
def test_what_is_no_corruption(name, by, match):
    with pytest.raises(ValueError, match=match):
        corrupt_images(make_bars(), name, by)


@pytest.mark.parametrize(
    ("X", "match"),
    [
        (np.ones((3, 785)), "785 columns, which is not a square number; pass image_shape"),
        (np.ones((3, 28, 28, 3)), r"but must have shape \(n, height, width\) for images"),
        (np.zeros((3, 64)), "X is constant: all pixels are 0"),
        (np.full((3, 64), 7, np.uint8), "X is constant: all pixels are 7"),
        (np.eye(64) * np.nan, "NaN or infinite"),
        (np.diag(np.full(64, np.inf)), "NaN or infinite"),
        (
            np.eye(64) - 0.5,
            "from -0.5 to 0.5, .*must not be negative. Pass .* Pipeline that scales",
        ),
        (np.zeros((0, 64)), "at least one image"),
        (np.full((3, 64), "a"), "dtype <U1; expected bool, integers or floats"),
    ],
)
def test_what_is_no_image(X, match):
    with pytest.raises(ValueError, match=match):
        corrupt_images(X, "shift", 1)
