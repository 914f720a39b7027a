"""Describe a data set, and warn of problems before training on it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skmnist.datasets._bunch import MAX_PIXEL, Note, find_full_ink
from skmnist.datasets._layout import list_names
from skmnist.datasets._members import shorten
from skmnist.text import get_catalogue

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]

# The KEEL repository (Alcala-Fdez et al. 2011) calls a data set highly imbalanced above this ratio.
MAX_IMBALANCE = 9
# Images count as dark on light if at least this share of them has a light border. Of images of
# noise, half do.
MIN_SHARE = 0.75


@dataclass(frozen=True)
class DatasetDescription:
    """Size and problems of a data set, as returned by :func:`describe_dataset`.

    The parameters are also attributes.

    Parameters
    ----------
    counts : DataFrame
        Number of images per class: one row per class, columns "train" and "test", int64.
    image_shape : tuple of int
        Height and width.
    dtype : str
        Dtype of the training pixels.
    pixel_range : tuple of float
        Minimum and maximum of all pixels.
    n_duplicates : int
        Number of test images that are also training images.
    n_contradictions : int
        Number of training images that are copies of an earlier one with a different label.
    n_constant_pixels : int
        Number of pixels that are constant over all training images.
    warnings : tuple
        Problems of the data, the most serious first, each with a method ``sentence(language)``.

    Examples
    --------
    >>> from skmnist.datasets import describe_dataset, load_mnist
    >>> description = describe_dataset(load_mnist(n_train=100, n_test=50, random_state=0))
    >>> description.image_shape, description.dtype, description.counts["test"].sum()
    ((28, 28), 'uint8', np.int64(50))
    """

    counts: "pd.DataFrame"
    image_shape: tuple[int, int]
    dtype: str
    pixel_range: tuple[float, float]
    n_duplicates: int
    n_contradictions: int
    n_constant_pixels: int
    warnings: tuple[Note, ...]

    def sentences(self, language: str = "en") -> list[str]:
        """Return the problems as sentences, the most serious first.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
        """
        return [note.sentence(language) for note in self.warnings]

    def summary(self, language: str = "en") -> str:
        """Return the size and format of the data set as a sentence.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
        """
        return get_catalogue(language)(
            "data.summary",
            n_train=int(self.counts["train"].sum()),
            n_test=int(self.counts["test"].sum()),
            n_classes=len(self.counts),
            height=self.image_shape[0],
            width=self.image_shape[1],
            dtype=self.dtype,
            low=self.pixel_range[0],
            high=self.pixel_range[1],
        )

    def __str__(self) -> str:
        return "\n".join(
            [self.summary(), "", self.counts.to_string(), *([""] if self.warnings else [])]
            + [f"- {sentence}" for sentence in self.sentences()]
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all values as plain Python objects, for JSON; warnings are given as their keys."""
        return {
            "counts": self.counts.rename(index=str).to_dict("index"),
            "image_shape": list(self.image_shape),
            "dtype": self.dtype,
            "pixel_range": list(self.pixel_range),
            "n_duplicates": self.n_duplicates,
            "n_contradictions": self.n_contradictions,
            "n_constant_pixels": self.n_constant_pixels,
            "warnings": [note.key for note in self.warnings],
        }


def describe_dataset(data: Mapping[str, Any]) -> DatasetDescription:
    """Count the images of each class, and find problems that could invalidate a comparison.

    The problems reported are images that are in both parts, training images with two labels,
    classes that are rare in the training part or missing from one part, training images sorted by
    class, constant pixels, inverted colours, and parts with different pixel ranges. The data are
    not changed. In general, wrong labels cannot be detected.

    Parameters
    ----------
    data : Bunch or dict
        With `X_train, y_train, X_test, y_test`, as returned by the loaders of this package.

    Returns
    -------
    description : DatasetDescription
        The counts, and the problems that were found.

    Raises
    ------
    ValueError
        If an array is missing, images and labels do not match, or pixels are not numbers that
        float32 can represent.

    Examples
    --------
    >>> from skmnist.datasets import describe_dataset, load_mnist
    >>> description = describe_dataset(load_mnist())
    >>> description.summary().partition(" pixels")[0]
    '60,000 training and 10,000 test images of 28 x 28'
    >>> description.counts.loc[7].to_dict()
    {'train': 6265, 'test': 1028}

    All four arrays are required:

    >>> describe_dataset({"X_train": [], "y_train": []})
    Traceback (most recent call last):
    ValueError: data has no 'X_test'; expected X_train, y_train, X_test and y_test...
    """
    X_train, y_train, X_test, y_test = check_data(data)
    full = max(find_full_ink(X_train), find_full_ink(X_test))
    n_duplicates, n_contradictions = _count_repeats(X_train, y_train, X_test)
    n_constant = int((X_train.min(axis=0) == X_train.max(axis=0)).sum())
    counts = count_classes(y_train, y_test)
    notes = [
        *_check_repeats(n_duplicates, n_contradictions, len(y_test)),
        *_check_classes(counts),
        *_check_order(y_train),
        *_check_colours(X_train, X_test, full),
    ]
    if n_constant:
        values = {"n": n_constant, "n_pixels": int(np.prod(X_train.shape[1:]))}
        notes.append(Note("constant_pixels", values))
    return DatasetDescription(
        counts=counts,
        image_shape=(int(X_train.shape[1]), int(X_train.shape[2])),
        dtype=str(X_train.dtype),
        pixel_range=(
            float(min(X_train.min(), X_test.min())),
            float(max(X_train.max(), X_test.max())),
        ),
        n_duplicates=n_duplicates,
        n_contradictions=n_contradictions,
        n_constant_pixels=n_constant,
        warnings=tuple(notes),
    )


def check_data(data: Mapping[str, Any]) -> tuple[Array, Array, Array, Array]:
    """Return the four arrays, or raise ValueError if they are invalid or do not match."""
    arrays = []
    for name in ("X_train", "y_train", "X_test", "y_test"):
        if name not in data:
            raise ValueError(
                f"data has no {name!r}; expected X_train, y_train, X_test and y_test, as "
                "load_mnist returns them."
            )
        arrays.append(np.asarray(data[name]))
    for part, X, y in (("train", arrays[0], arrays[1]), ("test", arrays[2], arrays[3])):
        if X.ndim != 3 or y.ndim != 1 or len(X) != len(y) or not X.size:
            raise ValueError(
                f"X_{part} has shape {X.shape} and y_{part} {y.shape}; expected images of shape "
                "(n_images, height, width), at least one, and the same number of labels."
            )
        high = float(np.abs(X).max()) if X.dtype.kind == "f" else 0
        if X.dtype.kind not in "buif" or not high <= MAX_PIXEL:  # also raises for NaN
            raise ValueError(
                f"X_{part} has dtype {X.dtype}"
                + f" and values up to {high:g}" * (X.dtype.kind == "f")
                + f"; expected numbers up to {MAX_PIXEL:g}, the maximum of float32."
            )
    if arrays[0].shape[1:] != arrays[2].shape[1:]:
        raise ValueError(
            f"X_train has images of shape {arrays[0].shape[1:]} and X_test of shape "
            f"{arrays[2].shape[1:]}; expected one shape."
        )
    return arrays[0], arrays[1], arrays[2], arrays[3]


def count_classes(y_train: Array, y_test: Array) -> "pd.DataFrame":
    """Return the number of images per class, one column per part."""
    import pandas as pd

    classes, codes = np.unique(np.concatenate([y_train, y_test]), return_inverse=True)
    train, test = (
        np.bincount(part, minlength=len(classes)) for part in np.split(codes, [len(y_train)])
    )
    index = pd.Index(classes.tolist(), name="class")
    return pd.DataFrame({"train": train, "test": test}, index=index, dtype=np.int64)


def _digest(image: Array) -> bytes:
    return hashlib.blake2b(image.tobytes(), digest_size=16).digest()


def _count_repeats(X_train: Array, y_train: Array, X_test: Array) -> tuple[int, int]:
    """Count test images that are also training images, and training images with two labels."""
    dtype = np.result_type(X_train, X_test)
    first: dict[bytes, Any] = {}
    contradictions = 0
    for image, label in zip(X_train, y_train.tolist(), strict=True):
        known = first.setdefault(_digest(image.astype(dtype, copy=False)), label)
        contradictions += known != label
    duplicates = sum(_digest(image.astype(dtype, copy=False)) in first for image in X_test)
    return duplicates, contradictions


def _check_repeats(n_duplicates: int, n_contradictions: int, n_test: int) -> list[Note]:
    notes = []
    if n_duplicates:
        values = {"n": n_duplicates, "n_test": n_test, "share": n_duplicates / n_test}
        notes.append(Note("duplicates", values))
    if n_contradictions:
        notes.append(Note("contradictions", {"n": n_contradictions}))
    return notes


def _check_classes(counts: "pd.DataFrame") -> list[Note]:
    notes = []
    for part, key in (("train", "missing_in_train"), ("test", "missing_in_test")):
        missing = counts.index[counts[part] == 0]
        if len(missing):
            notes.append(Note(key, _name_classes(missing)))
    train = counts["train"][counts["train"] > 0]
    single = train.index[train == 1]
    if len(single):
        notes.append(Note("single_images", _name_classes(single)))
    if train.max() > MAX_IMBALANCE * train.min():
        values = {
            "most": shorten(str(train.idxmax())),
            "n_most": int(train.max()),
            "least": shorten(str(train.idxmin())),
            "n_least": int(train.min()),
            "ratio": float(train.max() / train.min()),
        }
        notes.append(Note("imbalance", values))
    return notes


def _name_classes(classes: Any) -> dict[str, Any]:
    names = [shorten(str(label)) for label in classes]
    return {"n": len(names), "classes": list_names(names)}


def _check_order(y: Array) -> list[Note]:
    n_runs = 1 + int((y[1:] != y[:-1]).sum())
    n_classes = len(np.unique(y))
    # one run per class, and enough images to rule out chance
    return [Note("sorted")] if n_runs == n_classes > 1 and len(y) > 2 * n_classes else []


def _check_colours(X_train: Array, X_test: Array, full: float) -> list[Note]:
    train, test = find_full_ink(X_train), find_full_ink(X_test)
    if train != test:
        return [Note("other_range", {"train": train, "test": test})]
    light = [_share_on_light_ground(X, full) for X in (X_train, X_test)]
    if max(light) >= MIN_SHARE and min(light) <= 1 - MIN_SHARE:
        return [Note("mixed_colours")]
    return [Note("light_ground")] if min(light) >= MIN_SHARE else []


def _share_on_light_ground(X: Array, full: float) -> float:
    """Return the share of images whose border is lighter than half of the maximum."""
    border = np.concatenate([X[:, 0], X[:, -1], X[:, :, 0], X[:, :, -1]], axis=1)
    return float((border.mean(axis=1, dtype=np.float64) > full / 2).mean())
