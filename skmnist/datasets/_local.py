"""Digits from a file of your own."""

from os import PathLike, fspath

from sklearn.utils import Bunch

from skmnist.datasets._bunch import make_bunch
from skmnist.datasets._readers import read_npz


def load_digit_archive(path: str | PathLike[str]) -> Bunch:
    """Load training and test images from a NumPy archive in the layout of Keras.

    Other formats (ZIP with CSV or images, IDX) are not read yet.

    Parameters
    ----------
    path : path
        An ``.npz`` file with the arrays ``x_train, y_train, x_test, y_test``: images of shape
        (n_images, height, width), one integer or text label each. Object arrays are refused,
        never unpickled.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With `X_train, y_train, X_test, y_test, target_names, DESCR` as
        :func:`~skmnist.datasets.load_mnist` returns them; labels are int64, or str where they
        are text.

    Raises
    ------
    DatasetError
        The file is missing, damaged, or not of this layout.
    """
    name = fspath(path)
    return make_bunch(read_npz(path, name=name), name=name, descr=f"Digits from {name}")
