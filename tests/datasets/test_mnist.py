import hashlib
import re
import socket

import numpy as np
import pytest

from skmnist.datasets import DatasetError, load_mnist
from skmnist.datasets._bundled import MNIST, MNIST_SHA256

# images per digit, as the MNIST files have them; those for testing are the deck's "support"
TRAIN_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.fixture(scope="module")
def mnist():
    return load_mnist()


@pytest.mark.parametrize(
    ("name", "shape", "dtype"),
    [
        ("X_train", (60000, 28, 28), np.uint8),
        ("y_train", (60000,), np.int64),
        ("X_test", (10000, 28, 28), np.uint8),
        ("y_test", (10000,), np.int64),
    ],
)
def test_shapes_and_dtypes(mnist, name, shape, dtype):
    assert (mnist[name].shape, mnist[name].dtype) == (shape, dtype)


@pytest.mark.parametrize(("name", "counts"), [("y_train", TRAIN_COUNTS), ("y_test", TEST_COUNTS)])
def test_images_per_digit(mnist, name, counts):
    assert np.bincount(mnist[name]).tolist() == counts


def test_pixels_have_the_known_mean_and_spread(mnist):
    # chunks, so that no copy of all pixels is made
    counts = sum(np.bincount(chunk.ravel(), minlength=256) for chunk in np.split(mnist.X_train, 20))
    values = np.arange(256) / 255
    mean = np.average(values, weights=counts)
    std = np.sqrt(np.average((values - mean) ** 2, weights=counts))
    assert (round(mean, 4), round(std, 4)) == (0.1307, 0.3081)


def test_target_names_are_the_digits(mnist):
    assert mnist.target_names.tolist() == list("0123456789")


def test_description_names_the_licence(mnist):
    assert "Creative Commons Attribution-Share Alike 3.0" in mnist.DESCR


@pytest.mark.slow
def test_arrays_come_in_the_order_of_train_test_split(mnist):
    X_train, X_test, y_train, y_test = load_mnist(return_X_y=True)
    np.testing.assert_array_equal(X_train, mnist.X_train)
    np.testing.assert_array_equal(X_test, mnist.X_test)
    np.testing.assert_array_equal(y_train, mnist.y_train)
    np.testing.assert_array_equal(y_test, mnist.y_test)


def test_part_is_stratified():
    part = load_mnist(n_train=1000, n_test=500, random_state=0)
    np.testing.assert_allclose(np.bincount(part.y_train), np.array(TRAIN_COUNTS) / 60, atol=1)
    np.testing.assert_allclose(np.bincount(part.y_test), np.array(TEST_COUNTS) / 20, atol=1)


def test_part_has_exactly_as_many_images_as_asked_for():
    part = load_mnist(n_train=10, n_test=9999, random_state=0)
    assert (part.X_train.shape, part.X_test.shape) == ((10, 28, 28), (9999, 28, 28))


def test_images_of_a_part_keep_their_labels(mnist):
    labels = {
        image.tobytes(): label for image, label in zip(mnist.X_test, mnist.y_test, strict=True)
    }
    part = load_mnist(n_test=200, random_state=0)
    assert [labels[image.tobytes()] for image in part.X_test] == part.y_test.tolist()


@pytest.mark.slow
def test_part_has_no_image_twice():
    part = load_mnist(n_test=5000, random_state=0)
    assert len(np.unique(part.X_test.reshape(5000, -1), axis=0)) == 5000


def test_part_of_the_training_images_leaves_the_test_images(mnist):
    np.testing.assert_array_equal(load_mnist(n_train=10).X_test, mnist.X_test)


@pytest.mark.slow
def test_same_seed_takes_the_same_part():
    first, second = (load_mnist(n_train=50, random_state=3).X_train for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.slow
def test_other_seed_takes_another_part():
    first, second = (load_mnist(n_train=50, random_state=seed).X_train for seed in (0, 1))
    assert not np.array_equal(first, second)


def test_changed_arrays_do_not_come_back():
    load_mnist().X_test[:] = 0
    assert load_mnist().X_test.any()


@pytest.mark.parametrize("n_train", [9, 0, -1, 60001, 10.5, True, "100"])
def test_bad_n_train(n_train):
    with pytest.raises(ValueError, match=rf"n_train={n_train!r} .* from 10 .* to 60000 .* None"):
        load_mnist(n_train=n_train)


def test_bad_n_test_is_called_so():
    with pytest.raises(ValueError, match=r"n_test=10001 .* to 10000 .* None"):
        load_mnist(n_test=10001)


def test_needs_no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("load_mnist opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    load_mnist(n_train=10)


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """Put a copy of the bundled file with one changed byte in its place."""
    content = bytearray(MNIST.read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / "mnist.npz"
    path.write_bytes(content)
    monkeypatch.setattr("skmnist.datasets._bundled.MNIST", path)
    return path


def test_damaged_file_is_named(broken):
    with pytest.raises(DatasetError, match=rf"{re.escape(str(broken))}.*[Rr]einstall skmnist"):
        load_mnist()


def test_damaged_file_gets_both_checksums(broken):
    found = hashlib.sha256(broken.read_bytes()).hexdigest()
    with pytest.raises(DatasetError, match=f"{found}.*{MNIST_SHA256}"):
        load_mnist()


def test_missing_bundled_file(tmp_path, monkeypatch):
    monkeypatch.setattr("skmnist.datasets._bundled.MNIST", tmp_path / "gone.npz")
    with pytest.raises(DatasetError, match=r"gone\.npz.*reinstall skmnist"):
        load_mnist()
