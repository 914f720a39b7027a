import hashlib
import re

import numpy as np
import pytest

from skmnist import DigitCropper
from skmnist.datasets import DatasetError, load_swiss_digits
from skmnist.datasets._bundled import SWISS, SWISS_SHA256

# images by each writer, counted in the folders of the original
COUNTS = [600, 600, 600, 600, 280, 600, 597, 600, 600, 600, 600, 590, 584, 597]


@pytest.fixture(scope="module")
def swiss():
    return load_swiss_digits()


@pytest.mark.parametrize(
    ("name", "shape", "dtype"),
    [
        ("images", (8048, 28, 28), np.uint8),
        ("data", (8048, 784), np.uint8),
        ("scans", (8048, 40, 40), np.uint8),
        ("target", (8048,), np.int64),
        ("groups", (8048,), np.dtype("U9")),
        ("place", (8048,), np.int64),
    ],
)
def test_shapes_and_dtypes(swiss, name, shape, dtype):
    assert (swiss[name].shape, swiss[name].dtype) == (shape, dtype)


def test_images_per_writer(swiss):
    writers, counts = np.unique(swiss.groups, return_counts=True)
    assert counts.tolist() == COUNTS
    assert [name[:4] for name in writers] == [f"{number:04}" for number in range(1, 15)]


def test_writers_copied_the_same_sheet(swiss):
    """A few digits were miscopied."""
    assert (swiss.place.min(), swiss.place.max()) == (0, 599)
    sheet = [np.bincount(swiss.target[swiss.place == place]).argmax() for place in range(600)]
    assert np.mean(np.array(sheet)[swiss.place] != swiss.target) < 0.01


def test_images_are_prepared_as_in_mnist(swiss):
    """DigitCropper finds the digits of the images where they are."""
    some = swiss.images[::400]
    again = DigitCropper().transform(some).reshape(some.shape)
    assert np.abs(again.astype(int) - some).mean() < 2
    assert swiss.images.max(axis=(1, 2)).min() > 200


def test_scans_are_dark_on_white_and_show_the_same_digits(swiss):
    some = slice(None, None, 400)
    assert (np.median(swiss.scans[some], axis=(1, 2)) == 255).all()
    prepared = DigitCropper().transform(swiss.scans[some]).astype(float)
    alike = [np.corrcoef(a, b)[0, 1] for a, b in zip(prepared, swiss.data[some], strict=True)]
    assert np.median(alike) > 0.9
    other = np.roll(swiss.data[some], 1, axis=0)
    unlike = [np.corrcoef(a, b)[0, 1] for a, b in zip(prepared, other, strict=True)]
    assert (np.array(alike) > unlike).all()


def test_parts_share_no_writer_and_are_all(swiss):
    recipes, reported = (load_swiss_digits(writers=part) for part in ("recipes", "reported"))
    assert recipes.writers == swiss.writers[:4]
    assert reported.writers == swiss.writers[4:]
    np.testing.assert_array_equal(np.vstack([recipes.data, reported.data]), swiss.data)


def test_writers_by_name(swiss):
    part = load_swiss_digits(writers=["0013_CH3M", "0005_CH3M"])
    assert part.writers == ["0005_CH3M", "0013_CH3M"]
    kept = np.isin(swiss.groups, part.writers)
    for name in ("images", "data", "scans", "target", "groups", "place"):
        np.testing.assert_array_equal(part[name], swiss[name][kept])


def test_one_writer(swiss):
    assert set(load_swiss_digits(writers="0001_CH4M").groups) == {"0001_CH4M"}


def test_arrays_alone(swiss):
    X, y = load_swiss_digits(return_X_y=True)
    np.testing.assert_array_equal(X, swiss.images)
    np.testing.assert_array_equal(y, swiss.target)


@pytest.mark.parametrize("writers", ["0015_CH1F", [], ["0001_CH4M", "0001"]])
def test_unknown_writers(writers):
    with pytest.raises(ValueError, match=rf'{re.escape(repr(writers))} .*"reported".* 0014_CH3F'):
        load_swiss_digits(writers=writers)


def test_description_names_licence_and_origin(swiss):
    assert "CC0 1.0" in swiss.DESCR
    assert "anagnostes, commit fd24d4b" in swiss.DESCR
    assert "anagnostes, commit fd24d4b" in (SWISS.parent / "SWISS-LICENSE.txt").read_text()


def test_file_takes_at_most_3_mb():
    assert SWISS.stat().st_size <= 3_000_000


def test_damaged_file_gets_both_checksums(tmp_path, monkeypatch):
    content = bytearray(SWISS.read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / "swiss.npz"
    path.write_bytes(content)
    monkeypatch.setattr("skmnist.datasets._bundled.SWISS", path)
    found = hashlib.sha256(content).hexdigest()
    with pytest.raises(DatasetError, match=f"{re.escape(str(path))}.*{found}.*{SWISS_SHA256}"):
        load_swiss_digits()
