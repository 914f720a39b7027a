import os
import re
import zipfile

import numpy as np
import pytest

from skmnist.datasets import DatasetError, load_digit_archive


@pytest.fixture
def write(tmp_path):
    """Return a writer of a small archive, with arrays replaced or, by None, left out."""

    def write(**changes):
        rng = np.random.default_rng(0)
        arrays = {
            "x_train": rng.integers(0, 256, (6, 4, 5), dtype=np.uint8),
            "y_train": np.arange(6, dtype=np.uint8) % 3,
            "x_test": rng.integers(0, 256, (3, 4, 5), dtype=np.uint8),
            "y_test": np.arange(3, dtype=np.uint8),
        }
        arrays |= changes
        path = tmp_path / "digits.npz"
        np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
        return path

    return write


def refused(path, match):
    return pytest.raises(DatasetError, match=rf"{re.escape(str(path))}: .*{match}")


def test_images_are_as_in_the_file(write):
    images = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    np.testing.assert_array_equal(load_digit_archive(write(x_test=images)).X_test, images)


def test_integer_labels_become_int64(write):
    data = load_digit_archive(write())
    assert (data.y_train.dtype, data.y_train.tolist()) == (np.int64, [0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize("dtype", [str, bytes])
def test_text_labels_become_str(write, dtype):
    data = load_digit_archive(
        write(y_train=np.array(list("abcabc"), dtype), y_test=np.array(list("abc"), dtype))
    )
    assert (data.y_train.dtype.kind, data.y_test.tolist()) == ("U", ["a", "b", "c"])


def test_target_names_are_those_of_both_parts(write):
    data = load_digit_archive(write(y_test=np.array([0, 1, 7])))
    assert data.target_names.tolist() == ["0", "1", "2", "7"]


def test_path_may_be_a_str(write):
    assert load_digit_archive(str(write())).X_train.shape == (6, 4, 5)


def test_description_names_the_file(write):
    path = write()
    assert str(path) in load_digit_archive(path).DESCR


@pytest.mark.parametrize("name", ["x_train", "y_train", "x_test", "y_test"])
def test_missing_array(write, name):
    path = write(**{name: None})
    with refused(path, f"no array '{name}'.*expected .*'x_train', 'y_train', 'x_test', 'y_test'"):
        load_digit_archive(path)


def test_missing_file(tmp_path):
    path = tmp_path / "nowhere.npz"
    with refused(path, "no such file"):
        load_digit_archive(path)


def test_folder(tmp_path):
    with refused(tmp_path, r"not a readable \.npz"):
        load_digit_archive(tmp_path)


@pytest.mark.parametrize("content", [b"", b"label,pixel0,pixel1\n7,0,255\n"], ids=["empty", "csv"])
def test_not_a_zip(tmp_path, content):
    path = tmp_path / "digits.npz"
    path.write_bytes(content)
    with refused(path, r"not a readable \.npz"):
        load_digit_archive(path)


def test_changed_byte(write):
    images = np.full((6, 4, 5), 77, np.uint8)
    path = write(x_train=images)
    path.write_bytes(path.read_bytes().replace(images.tobytes(), b"\x78" + images.tobytes()[1:]))
    with refused(path, r"not a readable \.npz"):
        load_digit_archive(path)


def test_object_arrays_are_refused(write):
    path = write(y_train=np.array([0, 1, 2, 0, 1, 2], dtype=object))
    with refused(path, "[Oo]bject"):
        load_digit_archive(path)


def test_object_arrays_are_never_unpickled(write, tmp_path):
    trap = tmp_path / "unpickled"

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(trap),)

    path = write(y_train=np.array([Trap()] * 6, dtype=object))
    with pytest.raises(DatasetError):
        load_digit_archive(path)
    assert not trap.exists()


def test_as_many_labels_as_images(write):
    path = write(y_train=np.zeros(5, np.uint8))
    with pytest.raises(DatasetError, match=r"digits\.npz: x_train has 6 images .* 5 labels"):
        load_digit_archive(path)


def test_no_images(write):
    path = write(x_test=np.zeros((0, 4, 5), np.uint8), y_test=np.zeros(0, np.uint8))
    with refused(path, "x_test has 0 images .* at least one"):
        load_digit_archive(path)


def test_training_and_test_images_of_other_sizes(write):
    path = write(x_test=np.zeros((3, 5, 5), np.uint8))
    with refused(path, r"\(4, 5\) pixels .* \(5, 5\), expected one size"):
        load_digit_archive(path)


@pytest.mark.parametrize("images", [np.zeros((6, 20)), np.full((6, 4, 5), "ink")])
def test_arrays_that_are_no_images(write, images):
    path = write(x_train=images)
    with refused(path, r"x_train has shape .* expected numbers of shape \(n_images, height"):
        load_digit_archive(path)


@pytest.mark.parametrize("labels", [np.eye(6), np.arange(6) / 2], ids=["one-hot", "float"])
def test_arrays_that_are_no_labels(write, labels):
    path = write(y_train=labels)
    with refused(path, "y_train has shape .* expected one integer or text label"):
        load_digit_archive(path)


def test_bare_array(tmp_path):
    path = tmp_path / "digits.npy"
    np.save(path, np.zeros((2, 4, 5)))
    with refused(path, r"one bare array, expected an \.npz"):
        load_digit_archive(path)


def test_truncated(write):
    path = write()
    path.write_bytes(path.read_bytes()[:-200])
    with refused(path, r"not a readable \.npz"):
        load_digit_archive(path)


def test_member_that_is_no_array(tmp_path):
    path = tmp_path / "digits.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("x_train", "y_train", "x_test", "y_test"):
            archive.writestr(f"{name}.npy", "7,0,255")
    with pytest.raises(DatasetError, match=re.escape(str(path))):
        load_digit_archive(path)


def test_text_labels_outside_ascii(write):
    path = write(y_train=np.array([b"\xff"] * 6))
    with pytest.raises(DatasetError, match=re.escape(str(path))):
        load_digit_archive(path)


def test_labels_of_two_kinds(write):
    path = write(y_test=np.array(list("abc")))
    with pytest.raises(DatasetError, match=re.escape(str(path))):
        load_digit_archive(path)
