"""Load the MNIST that is bundled with the package."""

from io import BytesIO
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from skmnist.datasets._bunch import make_bunch, take_part
from skmnist.datasets._bundled import DATA, read_bundled

BUNDLED = DATA / "mnist.npz"
BUNDLED_SHA256 = "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64"

DESCR = """\
The MNIST database of handwritten digits
----------------------------------------
:Number of images: 60,000 for training, 10,000 for testing
:Image size: 28 x 28 grey levels, 0 (paper) to 255 (ink)
:Classes: the digits 0 to 9
:Licence: Creative Commons Attribution-Share Alike 3.0;
    copyright Yann LeCun and Corinna Cortes,
    derived from NIST Special Databases 1 and 3

Digits written by employees of the United States Census Bureau and by high school students,
scaled into 20 x 20 pixels and centred by mass in 28 x 28. No writer of the test images wrote
a training image.

References
----------
Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document
recognition. Proceedings of the IEEE 86 (11), 1998, 2278-2324.
"""


def load_mnist(
    *,
    n_train: int | None = None,
    n_test: int | None = None,
    random_state: Any = None,
    return_X_y: bool = False,
) -> Any:
    """Load the full MNIST, bundled with the package.

    No download is needed. The pixels are integers from 0 to 255; put a
    :class:`~skmnist.preprocessing.PixelNormalizer` before a neural network.

    Parameters
    ----------
    n_train, n_test : int, default=None
        Number of training and test images, sampled stratified by digit; at least 10 each. None
        returns all 60,000 and 10,000.
    random_state : int, RandomState instance or None, default=None
        Controls which images are sampled if `n_train` or `n_test` is given. Pass an int for
        reproducible results.
    return_X_y : bool, default=False
        Return ``X_train, X_test, y_train, y_test`` instead of a Bunch, in the order of
        :func:`sklearn.model_selection.train_test_split`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With `X_train` (n_train, 28, 28) uint8, `y_train` (n_train,) int64, `X_test`
        (n_test, 28, 28) uint8, `y_test` (n_test,) int64, `target_names` (10,) str,
        `max_value` 255 (full ink, for :class:`~skmnist.preprocessing.PixelNormalizer`), `DESCR`
        str, and an empty list `notes`.

    Raises
    ------
    DatasetError
        If the bundled file is damaged. The message contains both checksums.
    ValueError
        If `n_train` or `n_test` is out of range.

    Examples
    --------
    >>> from skmnist.datasets import load_mnist
    >>> mnist = load_mnist(n_train=1000, n_test=500, random_state=0)
    >>> mnist.X_train.shape, mnist.X_test.shape
    ((1000, 28, 28), (500, 28, 28))

    Each part needs an image of every digit:

    >>> load_mnist(n_train=5)
    Traceback (most recent call last):
    ValueError: n_train=5 must be an int from 10 (one image per class) to 60000 (all images)...
    """
    return make_mnist(
        read_bundled(BUNDLED, BUNDLED_SHA256, name="the bundled MNIST"),
        n_train=n_train,
        n_test=n_test,
        random_state=random_state,
        return_X_y=return_X_y,
    )


def make_mnist(
    content: bytes,
    *,
    n_train: int | None = None,
    n_test: int | None = None,
    random_state: Any = None,
    return_X_y: bool = False,
) -> Any:
    """Return the Bunch for the content of ``mnist.npz``, whose checksum was verified."""
    with np.load(BytesIO(content)) as arrays:
        bunch = make_bunch(arrays, name="MNIST", descr=DESCR)
    random_state = check_random_state(random_state)
    for part, n in (("train", n_train), ("test", n_test)):
        bunch[f"X_{part}"], bunch[f"y_{part}"] = take_part(
            bunch[f"X_{part}"],
            bunch[f"y_{part}"],
            n,
            parameter=f"n_{part}",
            random_state=random_state,
        )
    if return_X_y:
        return bunch.X_train, bunch.X_test, bunch.y_train, bunch.y_test
    return bunch
