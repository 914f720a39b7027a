"""Load and describe digits: the bundled data sets, a download, or your own files."""

from skmnist.datasets._bundled import load_mnist, load_swiss_digits
from skmnist.datasets._cloud import fetch_mnist
from skmnist.datasets._describe import DatasetDescription, describe_dataset
from skmnist.datasets._display import DatasetDisplay
from skmnist.datasets._local import load_dataset, load_digit_archive, load_image
from skmnist.datasets._members import DatasetError

__all__ = [
    "DatasetDescription",
    "DatasetDisplay",
    "DatasetError",
    "describe_dataset",
    "fetch_mnist",
    "load_dataset",
    "load_digit_archive",
    "load_image",
    "load_mnist",
    "load_swiss_digits",
]
