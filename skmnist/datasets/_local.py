"""Load digits from your own files, or by name."""

import os
import warnings
from collections.abc import Callable, Sequence
from math import isqrt
from numbers import Integral, Real
from os import PathLike
from typing import Any, BinaryIO

import numpy as np
from sklearn.utils import Bunch

from skmnist._progress import report_bytes
from skmnist.datasets._archive import open_contents
from skmnist.datasets._arrays import read_array, read_idx
from skmnist.datasets._bunch import (
    FULL_INK,
    Note,
    as_labels,
    check_images,
    check_labels,
    check_values,
    find_full_ink,
    make_bunch,
    make_labels,
)
from skmnist.datasets._bundled import load_mnist
from skmnist.datasets._cloud import fetch_mnist
from skmnist.datasets._columns import is_square
from skmnist.datasets._extract import extract
from skmnist.datasets._finder import find_digits
from skmnist.datasets._images import read_image, read_images
from skmnist.datasets._layout import Layout, Part, Role, name_part
from skmnist.datasets._members import DatasetError, shorten
from skmnist.datasets._tables import read_tables
from skmnist.text import Phrase, get_catalogue

Array = np.ndarray[Any, Any]
Shape = tuple[int, int] | None


def load_digit_archive(
    path: str | PathLike[str],
    extract_dir: str | PathLike[str] | None = None,
    *,
    test_size: float | None = 1 / 7,
    random_state: Any = None,
    label: str | None = None,
    image_shape: tuple[int, int] | None = None,
    invert: bool = False,
    return_X_y: bool = False,
    progress: bool | Callable[[int, int], Any] = False,
) -> Any:
    r"""Load images and labels from a ZIP, a folder or a file, and detect their layout.

    The training and test parts are found at any depth, by words such as "train", "test" or
    "t10k" in the names of files and folders. The following formats are supported:

    - tables (``.csv``, ``.tsv``, also with ``.gz``): a label and integers from 0 to 255 in each
      row, with or without a header, separated by commas, semicolons or tabs;
    - the IDX files of MNIST, optionally gzipped;
    - NumPy arrays: ``.npz`` archives, or ``.npy`` files of images and of labels;
    - one folder per class with PNG, JPEG, BMP or TIFF images, which are converted to grey levels;
    - such images in any folders, with a table of their names and labels.

    System files (``__MACOSX``, ``.DS_Store``, ``Thumbs.db``, thumbnails) are ignored. Images in
    unsupported formats, such as GIF or WebP, are counted in `notes`. Nothing is written to disk
    unless `extract_dir` is given. Damaged and malicious files are rejected. Other archives (tar,
    7z) are not opened, nor are archives inside an archive or folder, except ``.npz``.

    Parameters
    ----------
    path : path
        A ZIP or ``.npz`` archive, a folder, or a single table.
    extract_dir : path, default=None
        Folder into which the files that were read are also unpacked. None unpacks nothing.
    test_size : float or int, default=1/7
        Fraction or number of images to hold out for testing, stratified by class, if there is only
        one part. With None, an error is raised instead.
    random_state : int, RandomState instance or None, default=None
        Controls which images are held out. Pass an int for reproducible results.
    label : {"first", "last"} or str, default=None
        Position or name of a table's label column. For images in nested folders, "first" uses
        the outer folders as classes and "last" the inner ones. With None, the column or folders
        are detected, and an error is raised if they are ambiguous.
    image_shape : tuple of int, default=None
        Height and width. Rows of pixels are reshaped to it; image files are resized to it, keeping
        their proportions. If None, rows must be square images, and image files keep their size or,
        if their sizes differ, are resized to 28 x 28, and a note is added.
    invert : bool, default=False
        Whether to invert the images, from dark ink on light paper to light ink on a dark
        background, as in MNIST. An error is raised if the training and test parts have different
        ranges.
    return_X_y : bool, default=False
        Return ``X_train, X_test, y_train, y_test`` instead of a Bunch.
    progress : bool or callable, default=False
        True shows a progress bar on standard error if reading takes longer than two seconds. A
        callable is called as ``progress(bytes_done, bytes_in_total)`` instead.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With `X_train, y_train, X_test, y_test, target_names, max_value, DESCR` as returned by
        :func:`~skmnist.datasets.load_mnist`; `DESCR` lists the files and shapes. Labels are
        int64 if all of them are plain integers; a label such as "07" makes all of them str.
        `notes` is a list of remarks on the files and their conversion, each with a method
        ``sentence(language)``.

    Raises
    ------
    DatasetError
        If the file is missing, damaged, malicious, or contains no digits. The message names the
        file and, where known, the place of the error and what was expected.
    ValueError
        If a parameter is invalid.

    Warns
    -----
    UserWarning
        If images of different sizes were resized although `image_shape` is None.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skmnist.datasets import load_digit_archive
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "train.csv"
    >>> header = "label,pixel0,pixel1,pixel2,pixel3\n"
    >>> _ = path.write_text(header + "7,0,0,9,255\n1,8,9,0,0\n" * 4)
    >>> digits = load_digit_archive(path, test_size=2, random_state=0)
    >>> digits.X_train.shape, digits.y_test.tolist()
    ((6, 2, 2), [7, 1])

    An invalid cell raises an error that names it:

    >>> _ = path.write_text(header + "7,0,0,9,300\n")
    >>> load_digit_archive(path)
    Traceback (most recent call last):
    skmnist.datasets.DatasetError: ...train.csv, line 2, column 5 ('pixel3'): '300' is not a
    pixel; expected an integer from 0 to 255
    >>> folder.cleanup()
    """
    _check_parameters(test_size, label, image_shape)
    name = os.fsdecode(path)
    if extract_dir is not None and os.path.isdir(path):
        raise ValueError(
            f"extract_dir={os.fsdecode(extract_dir)!r} requires an archive, but {name} is a "
            "folder; omit extract_dir."
        )
    with (
        report_bytes(progress, get_catalogue()("cli.reading", file=shorten(name))) as callback,
        open_contents(path, progress=callback) as contents,
    ):
        layout = find_digits(contents, label=label)
        used = [member for part in layout.parts.values() for member in part.files]
        contents.budget.begin(sum(member.size for member in used))
        arrays, notes = _read(layout, label, image_shape)
        read = {role: layout.parts[role] for role in arrays}
        notes = [*_note_places(read, name, extract_dir), *layout.notes, *notes]
        if invert:
            _invert(arrays, name, from_files=layout.kind == "image")
            notes.append(Note("inverted"))
        if extract_dir is None:  # a list of many small files takes more memory than their images
            contents.members.clear()
            del layout, read, used
        whole, split_notes = _split(arrays, name, test_size, random_state)
        data = make_bunch(whole, name=name, descr="", notes=[*notes, *split_notes])
        if extract_dir is not None:  # only after all files proved valid
            contents.budget.begin(contents.budget.total)
            extract(used, extract_dir)
    say = get_catalogue("en")
    shapes = [
        say(f"data.{part}_shape", X=data[f"X_{part}"].shape, y=data[f"y_{part}"].shape)
        for part in ("train", "test")
    ]
    data.DESCR = "\n".join([f"Digits from {name}", *map(str, data.notes), *shapes])
    resized = [note for note in data.notes if note.key == "resized"]
    if resized and image_shape is None:
        warnings.warn(
            f"{resized[0]}. Pass image_shape=(28, 28), or another shape, to choose the size.",
            UserWarning,
            stacklevel=2,
        )
    if return_X_y:
        return data.X_train, data.X_test, data.y_train, data.y_test
    return data


def load_dataset(
    source: str | PathLike[str] = "mnist",
    *,
    random_state: Any = None,
    progress: bool | Callable[[int, int], Any] = False,
    **options: Any,
) -> Bunch:
    """Load digits by name or path: the bundled MNIST, the download, or your own files.

    Use this function in programs that take the data set as an argument.

    Parameters
    ----------
    source : {"mnist", "cloud"} or path, default="mnist"
        "mnist" calls :func:`~skmnist.datasets.load_mnist`, "cloud" calls
        :func:`~skmnist.datasets.fetch_mnist`, and anything else is passed to
        :func:`~skmnist.datasets.load_digit_archive`. For a file named "mnist", pass ``"./mnist"``.
    random_state : int, RandomState instance or None, default=None
        Controls which images are held out for testing if your own files have no test part.
    progress : bool or callable, default=False
        True shows a progress bar on standard error. A callable is called as
        ``progress(bytes_done, bytes_in_total)`` instead.
    **options : dict
        Further parameters of :func:`~skmnist.datasets.load_digit_archive`, such as `label` or
        `invert`. Only valid for your own files.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        See :func:`~skmnist.datasets.load_mnist`.

    Raises
    ------
    DatasetError
        If the digits cannot be loaded.
    ValueError
        If a parameter is invalid, or an option was passed with "mnist" or "cloud".

    Examples
    --------
    >>> from skmnist.datasets import load_dataset
    >>> load_dataset("mnist").X_train.shape
    (60000, 28, 28)
    """
    if source not in ("mnist", "cloud"):
        return load_digit_archive(source, random_state=random_state, progress=progress, **options)
    if options:
        raise ValueError(
            f"source={source!r} does not accept {', '.join(options)}; these options are only "
            "valid for your own files."
        )
    return load_mnist() if source == "mnist" else fetch_mnist(progress=progress)


def load_image(file: str | PathLike[str] | BinaryIO) -> Array:
    """Load an image file as grey levels.

    To make photographed digits look like those of MNIST, use
    :class:`~skmnist.preprocessing.DigitCropper`.

    Parameters
    ----------
    file : path or binary file
        PNG, JPEG, BMP or TIFF; the image is rotated according to its EXIF orientation.

    Returns
    -------
    image : ndarray of shape (height, width), uint8 or uint16

    Raises
    ------
    DatasetError
        If the file is missing, damaged, too large, or in an unsupported format.
    """
    if hasattr(file, "read"):
        return read_image(file.read(), str(getattr(file, "name", "image")))
    name = os.fsdecode(file)
    try:
        with open(file, "rb") as opened:
            return read_image(opened.read(), name)
    except OSError as error:
        raise DatasetError("unreadable", where=name, reason=error.strerror) from error


def _check_parameters(test_size: Any, label: Any, image_shape: Any) -> None:
    if test_size is not None:
        is_int = isinstance(test_size, Integral) and not isinstance(test_size, bool)
        is_float = isinstance(test_size, Real) and not isinstance(test_size, Integral)
        if not ((is_int and test_size >= 1) or (is_float and 0 < test_size < 1)):
            raise ValueError(
                f"test_size={test_size!r} must be a float in (0, 1), an int >= 1, or None to raise "
                "instead of splitting."
            )
    if label is not None and not isinstance(label, str):
        raise ValueError(
            f"label={label!r} must be 'first', 'last', the name of a column, or None to detect it."
        )
    if image_shape is not None and not (
        isinstance(image_shape, Sequence)
        and len(image_shape) == 2
        and all(isinstance(n, Integral) and 0 < int(n) <= 4096 for n in image_shape)
    ):
        raise ValueError(
            f"image_shape={image_shape!r} must be (height, width), ints from 1 to 4096, or None."
        )


def _read(
    layout: Layout, label: str | None, image_shape: Shape
) -> tuple[dict[Role, tuple[Array, Array]], list[Note]]:
    """Read the images and labels of each part."""
    parts = layout.parts
    if image_shape is not None:
        image_shape = (int(image_shape[0]), int(image_shape[1]))
    files = {role: part.images for role, part in parts.items()}
    if layout.kind == "table":
        texts, notes = read_tables(files, label=label, image_shape=image_shape)
    elif layout.kind == "image":
        images, notes = read_images(files, image_shape=image_shape)
        texts = {role: (images[role], list(part.labels)) for role, part in parts.items()}
    else:
        return {role: _read_pair(layout.kind, p, image_shape) for role, p in parts.items()}, []
    return {
        role: (X, make_labels(labels, X, name=files[role][0].source))
        for role, (X, labels) in texts.items()
    }, notes


def _read_pair(kind: str, part: Part, image_shape: Shape) -> tuple[Array, Array]:
    """Read a file of images and the file of their labels."""
    (images,), (labels,) = part.images, part.label_files
    if kind == "idx":
        X, y = read_idx(images, 3), read_idx(labels, 1)
    else:
        X, y = read_array(images), read_array(labels)
        X = _fold(X, image_shape)
        if y.ndim == 2 and y.shape[1] == 1:  # a column vector
            y = y[:, 0]
    check_images(X, name=images.where)
    check_values(X, name=images.where)
    if image_shape is not None and X.shape[1:] != image_shape:
        raise DatasetError(
            "other_shape", where=images.where, shape=X.shape[1:], image_shape=image_shape
        )
    if y.ndim == 1 and len(X) != len(y):
        raise DatasetError(
            "n_labels", where=images.where, n=len(X), labels=labels.where, n_labels=len(y)
        )
    images.budget.spend_rows(len(X), images.where)
    if y.dtype.kind == "S":  # str takes four bytes per character
        labels.budget.spend(4 * y.nbytes, labels.where)
    return X, check_labels(y, name=labels.where)


def _fold(X: Array, image_shape: Shape) -> Array:
    """Reshape rows of pixels, and images with one channel, to 2D images."""
    if X.ndim == 4 and X.shape[3] == 1:
        return X[..., 0]
    if X.ndim == 2 and image_shape is not None and X.shape[1] == image_shape[0] * image_shape[1]:
        return X.reshape(-1, *image_shape)
    if X.ndim == 2 and is_square(X.shape[1]):
        side = isqrt(X.shape[1])
        return X.reshape(-1, side, side)
    return X


def _invert(arrays: dict[Role, tuple[Array, Array]], name: str, *, from_files: bool) -> None:
    """Invert the pixels of all parts in place."""
    images = [X for X, _ in arrays.values()]
    inks = sorted(find_full_ink(X) for X in images)
    if from_files:  # white is the dtype's maximum, even if no image uses it
        inks = [np.iinfo(images[0].dtype).max]
    if inks[0] != inks[-1] and inks[0] <= FULL_INK[-1]:
        raise DatasetError("ranges_differ", where=name, low=inks[0], high=inks[-1])
    for X in images:
        is_float = X.dtype.kind == "f"
        if inks[-1] > (float(np.finfo(X.dtype).max) if is_float else np.iinfo(X.dtype).max):
            raise DatasetError("not_invertible", where=name, dtype=str(X.dtype), ink=inks[-1])
        np.subtract(np.asarray(inks[-1], X.dtype), X, out=X)


def _split(
    arrays: dict[Role, tuple[Array, Array]],
    name: str,
    test_size: float | None,
    random_state: Any,
) -> tuple[dict[str, Array], list[Note]]:
    """Hold out a test part if there is only one part."""
    if len(arrays) > 1:
        (X, y), (X_test, y_test) = arrays["train"], arrays["test"]
        return {"x_train": X, "y_train": y, "x_test": X_test, "y_test": y_test}, []
    ((role, (X, y)),) = arrays.items()
    if test_size is None:
        raise DatasetError("one_part", where=name, part=name_part(role))
    (y,) = as_labels([y], names=[Phrase("data.error.the_labels", {"where": name})])
    classes, counts = np.unique(y, return_counts=True)
    if len(classes) < 2 or counts.min() < 2:
        if not len(classes):
            raise DatasetError("no_classes", where=name)
        raise DatasetError(
            "too_few_images",
            where=name,
            n_classes=len(classes),
            least=shorten(str(classes[counts.argmin()])),
            n=int(counts.min()),
        )
    n_test = test_size if isinstance(test_size, Integral) else round(test_size * len(y))
    # at least one image per class in either part
    n_test = int(min(max(n_test, len(classes)), len(y) - len(classes)))
    from sklearn.model_selection import train_test_split  # a slow import, not always needed

    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=n_test, stratify=y, random_state=random_state
    )
    seed = "None" if random_state is None else str(random_state)
    note = Note("split", {"n_test": n_test, "n": len(y), "seed": shorten(seed)})
    return {"x_train": X_train, "y_train": y_train, "x_test": X_test, "y_test": y_test}, [note]


def _note_places(
    parts: dict[Role, Part], name: str, extract_dir: str | PathLike[str] | None
) -> list[Note]:
    """Return a note on the location of each part."""
    notes = []
    base = os.fsdecode(extract_dir) if extract_dir is not None else name
    is_file = extract_dir is None and not os.path.isdir(name)
    for role, part in parts.items():
        path = os.path.join(base, *shorten(part.place).split("/")) if part.place else base
        kind = "folder" if part.is_folder and (part.place or not is_file) else "file"
        notes.append(Note(f"{role or 'whole'}_{kind}", {"path": path}))
    return notes
