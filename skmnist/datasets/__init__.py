"""Where digits come from: the bundled MNIST and your own files."""

from skmnist.datasets._local import load_digit_archive
from skmnist.datasets._mnist import load_mnist
from skmnist.datasets._readers import DatasetError

__all__ = ["DatasetError", "load_digit_archive", "load_mnist"]
