"""Load the digits that are part of the package: MNIST, and digits of Swiss writers."""

import hashlib
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from skmnist.datasets._bunch import Digits, make_bunch, take_part
from skmnist.datasets._members import DatasetError
from skmnist.text import Phrase

MNIST = Path(__file__).parent / "data" / "mnist.npz"
MNIST_SHA256 = "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64"
SWISS = MNIST.with_name("swiss.npz")
SWISS_SHA256 = "5f280dbefa1be5e016a039d93b127d9c260d96278cb89c9471fb3e3ec551800d"
N_RECIPES = 4  # the first Swiss writers, on whose digits recipes were chosen

MNIST_DESCR = """\
The MNIST database of handwritten digits
----------------------------------------
:Number of images: 60,000 for training, 10,000 for testing
:Image size: 28 x 28 pixels, grey levels from 0 (paper) to 255 (ink)
:Classes: the digits 0 to 9
:Licence: Creative Commons Attribution-Share Alike 3.0;
    copyright Yann LeCun and Corinna Cortes,
    derived from NIST Special Databases 1 and 3

Digits written by employees of the United States Census Bureau and by high school students,
scaled to fit 20 x 20 pixels and centred by mass in 28 x 28. No writer of the test images wrote
a training image.

References
----------
Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document
recognition. Proceedings of the IEEE 86 (11), 1998, 2278-2324.
"""

SWISS_DESCR = """\
Digits of 14 Swiss writers
--------------------------
:Number of images: 8,048; up to 600 by each of 14 writers
:Image size: 28 x 28 pixels, grey levels from 0 (paper) to 255 (ink), prepared as in MNIST;
    the scans have 40 x 40 pixels, from 0 (ink) to 255 (paper)
:Classes: the digits 0 to 9
:Licence: CC0 1.0 (public domain); the collection "numbers" in the public repository
    BSI-Business-Systems-Integration-AG/anagnostes, commit fd24d4b

Digits that people in Switzerland wrote with their own pens, all copying the same sheet of 600
digits. The digits were scanned one by one in colour, grey or black and white. A European 1 has a
long upstroke, and networks that were trained on MNIST mistake it for a 7.
"""


def load_mnist(
    *,
    n_train: int | None = None,
    n_test: int | None = None,
    random_state: Any = None,
    return_X_y: bool = False,
) -> Any:
    """Load the full MNIST data set, which is bundled with the package.

    No download is needed. The pixels are integers from 0 to 255; put a
    :class:`~skmnist.preprocessing.PixelNormalizer` before a neural network.

    Parameters
    ----------
    n_train, n_test : int, default=None
        Number of training and test images, in a sample stratified by digit; at least 10 each. None
        returns all 60,000 training images or all 10,000 test images.
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
        `max_value` 255 (the value of a fully inked pixel, for
        :class:`~skmnist.preprocessing.PixelNormalizer`), `DESCR` str, and an empty list `notes`.

    Raises
    ------
    DatasetError
        If the bundled file cannot be read or is damaged. In the latter case, the message contains
        the expected checksum and that of the file.
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
        _read(MNIST, MNIST_SHA256, what="mnist"),
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
    """Return the data set made from the content of ``mnist.npz``, whose checksum was verified."""
    with np.load(BytesIO(content)) as arrays:
        bunch = make_bunch(arrays, name="MNIST", descr=MNIST_DESCR)
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


def load_swiss_digits(*, writers: str | Iterable[str] = "all", return_X_y: bool = False) -> Any:
    """Load the 8,048 bundled digits by 14 Swiss writers.

    Use them to measure how well a network trained on MNIST reads other people's digits. The images
    were prepared from the original scans as in MNIST, by
    :class:`~skmnist.preprocessing.DigitCropper`, so such a network can read them without further
    preparation. Split and evaluate them by writer, not by image: digits by one person resemble each
    other.

    Parameters
    ----------
    writers : {"all", "recipes", "reported"} or iterable of str, default="all"
        Writers to load:

        - "all": all 14 writers.
        - "recipes": the first four, 0001 to 0004. Settings of this package were chosen on their
          digits.
        - "reported": the other ten, 0005 to 0014. No setting was chosen on their digits, so the
          benchmarks of this package report results on them.
        - Names select individual writers, for example ``["0001_CH4M", "0002_CH5M"]``.
    return_X_y : bool, default=False
        Return ``images, target`` instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Rows are sorted by writer and place.

        - `images` (n, 28, 28) uint8: bright ink on a background of 0, as in MNIST;
        - `data` (n, 784) uint8: the same images as rows;
        - `target` (n,) int64: the digits;
        - `groups` (n,) str: the writers, for :class:`~sklearn.model_selection.GroupKFold`. In
          ``"0001_CH4M"``, 4 stands for an age of 40 to 49 years, and M for male (F: female);
        - `place` (n,) int64: place on the sheet of 20 x 30 digits, 0 to 599. At any one place,
          nearly all writers wrote the same digit;
        - `scans` (n, 40, 40) uint8: the scans, dark ink on a background of 255, reduced to 32 grey
          levels;
        - `writers`, a list of str; `target_names` (10,) str; `max_value` 255, the value of a fully
          inked pixel in `images`; `DESCR` str; and an empty list `notes`.

    Raises
    ------
    DatasetError
        If the bundled file cannot be read or is damaged. In the latter case, the message contains
        the expected checksum and that of the file.
    ValueError
        If `writers` contains an unknown name, or is empty.

    References
    ----------
    Collection "numbers" in the repository anagnostes of BSI Business Systems Integration AG,
    commit fd24d4b, CC0 1.0. The files of its first 14 writers are included.

    Examples
    --------
    >>> from skmnist.datasets import load_swiss_digits
    >>> swiss = load_swiss_digits(writers="reported")
    >>> swiss.images.shape, swiss.writers[0]
    ((5648, 28, 28), '0005_CH3M')

    Each writer is in one fold only:

    >>> from sklearn.model_selection import GroupKFold
    >>> folds = GroupKFold(5).split(swiss.data, swiss.target, swiss.groups)
    >>> train, test = next(folds)
    >>> set(swiss.groups[train]) & set(swiss.groups[test])
    set()

    >>> load_swiss_digits(writers=["0015_CH1F"])
    Traceback (most recent call last):
    ValueError: writers=['0015_CH1F'] must be "all", "recipes", "reported", or names from
    0001_CH4M, 0002_CH5M, ...
    """
    content = _read(SWISS, SWISS_SHA256, what="swiss")
    with np.load(BytesIO(content)) as arrays:
        rows = dict(arrays)
    names = np.unique(rows["groups"]).tolist()
    chosen = _choose(writers, names)
    if chosen != names:
        keep = np.isin(rows["groups"], chosen)
        rows = {key: values[keep] for key, values in rows.items()}
    if return_X_y:
        return rows["images"], rows["target"]
    return Digits(
        data=rows["images"].reshape(len(rows["images"]), -1),
        **rows,
        writers=chosen,
        target_names=np.arange(10).astype(str),
        max_value=255,
        DESCR=SWISS_DESCR,
        notes=[],
    )


def _choose(writers: str | Iterable[str], names: list[str]) -> list[str]:
    """Return the chosen names, in the order of `names`."""
    parts = {"all": names, "recipes": names[:N_RECIPES], "reported": names[N_RECIPES:]}
    if isinstance(writers, str) and writers in parts:
        return parts[writers]
    wanted = [writers] if isinstance(writers, str) else list(writers)
    if not wanted or not set(wanted) <= set(names):
        raise ValueError(
            f'writers={writers!r} must be "all", "recipes", "reported", or names from '
            f"{', '.join(names)}."
        )
    return [name for name in names if name in wanted]


def _read(path: Path, sha256: str, *, what: str) -> bytes:
    """Return the content of a file, or raise if it is missing or damaged."""
    name = Phrase(f"data.error.bundled.{what}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(
            "bundled_unreadable", where=str(path), name=name, reason=error.strerror
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DatasetError(
            "bundled_damaged", where=str(path), name=name, found=found, expected=sha256
        )
    return content
