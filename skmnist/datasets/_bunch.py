"""The Bunch that the loaders of data sets return, its notes, and the checks of its arrays."""

import re
from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import Bunch, resample

from skmnist._html import list_entries, make_html
from skmnist.datasets._members import FREE_BYTES, DatasetError, Place, shorten
from skmnist.text import get_catalogue

Array = np.ndarray[Any, Any]

MAX_LABEL = 200  # characters; in an array, every label takes as much memory as the longest one
# More than the 7,356 Chinese characters in CASIA (Liu et al. 2011).
MAX_CLASSES = 10_000
MAX_PIXEL = float(np.finfo(np.float32).max)  # networks compute in float32
FULL_INK = (1, 16, 255, 65535)  # scaled, scikit-learn's load_digits, 8 bits, 16 bits
PLAIN_INTEGER = re.compile("0|-?[1-9][0-9]*")  # "07" is a name, not the number 7


@dataclass(frozen=True)
class Note:
    """A remark on a data set.

    Attributes
    ----------
    key : str
        Key of the text, for example ``"train_folder"``.
    values : dict
        Values to fill in.
    """

    key: str
    values: dict[str, Any] = field(default_factory=dict)

    def sentence(self, language: str = "en") -> str:
        """Return the remark as a sentence.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
        """
        return get_catalogue(language)(f"data.note.{self.key}", **self.values)

    def __str__(self) -> str:
        return self.sentence()


class Digits(Bunch):
    """A Bunch with a compact representation in notebooks."""

    def _repr_html_(self) -> str:
        entries = list_entries(self)
        title = entries.pop("DESCR", "Digits")
        notes = [note.sentence() for note in self.get("notes", ())]
        return make_html(title, entries, notes)


def make_bunch(
    arrays: Mapping[str, Array], *, name: str, descr: str, notes: Iterable[Note] = ()
) -> Bunch:
    """Return the four arrays as a Bunch, or raise if they are inconsistent."""
    parts = {}
    for part in ("train", "test"):
        X, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        check_images(X, name=f"{name}: x_{part}")
        if len(X) != len(y) or len(X) == 0:
            raise DatasetError(
                "part_lengths", where=name, part=part, n_images=len(X), n_labels=len(y)
            )
        check_values(X, name=f"{name}: x_{part}")
        parts[f"X_{part}"] = X
        parts[f"y_{part}"] = y
    if parts["X_train"].shape[1:] != parts["X_test"].shape[1:]:
        raise DatasetError(
            "part_sizes",
            where=name,
            train=parts["X_train"].shape[1:],
            test=parts["X_test"].shape[1:],
        )
    parts["y_train"], parts["y_test"] = as_labels(
        [parts["y_train"], parts["y_test"]], names=[f"{name}: y_train", f"{name}: y_test"]
    )
    classes, tested = np.unique(parts["y_train"]), np.unique(parts["y_test"])
    if len(classes) < 2 or not np.isin(tested, classes).any():
        raise DatasetError(
            "part_classes", where=name, train=_first_few(classes), test=_first_few(tested)
        )
    labels = np.union1d(classes, tested)
    check_n_classes(labels, name=name)
    return Digits(
        **parts,
        target_names=labels.astype(str),
        max_value=max(find_full_ink(parts["X_train"]), find_full_ink(parts["X_test"])),
        DESCR=descr,
        notes=list(notes),
    )


def check_n_classes(labels: Sized, *, name: str) -> None:
    """Raise if there are too many classes."""
    if len(labels) > MAX_CLASSES:
        raise DatasetError("too_many_classes", where=name, n=len(labels), limit=MAX_CLASSES)


def find_full_ink(X: Array) -> float:
    """Return the smallest value of `FULL_INK` that no pixel exceeds, or else the largest pixel."""
    highest = X.max(initial=0)
    highest = float(highest) if X.dtype.kind == "f" else int(highest)  # int64 may exceed 2**53
    return next((ink for ink in FULL_INK if highest <= ink), highest)


def check_images(X: Array, *, name: str) -> None:
    """Raise if an array is not a stack of grey images."""
    if X.ndim != 3 or X.dtype.kind not in "uif" or not all(X.shape[1:]):
        raise DatasetError("not_images", where=name, shape=X.shape, dtype=str(X.dtype))


def check_values(X: Array, *, name: str) -> None:
    """Raise if pixels are negative, not finite, or too large for float32."""
    if not X.size:
        return
    low, high = float(X.min()), float(X.max())
    if not (low >= 0 and high <= MAX_PIXEL):  # also if one is NaN
        raise DatasetError("not_pixels", where=name, low=low, high=high, limit=MAX_PIXEL)


def as_labels(arrays: Sequence[Array], *, names: Sequence[Place]) -> list[Array]:
    """Convert labels to int64 if all of them are plain integers, otherwise to str."""
    checked = [check_labels(y, name=name) for y, name in zip(arrays, names, strict=True)]
    if all(_are_integers(y) for y in checked):
        return [y.astype(np.int64, copy=False) for y in checked]
    return [y.astype(str, copy=False) for y in checked]


def make_labels(labels: Sequence[str], X: Array, *, name: str) -> Array:
    """Return labels as an array of str; raise if one is too long, or all take too much memory."""
    longest = max(labels, key=len, default="")
    if len(longest) > MAX_LABEL:
        raise DatasetError(
            "longest_label", where=name, label=shorten(longest), n=len(longest), limit=MAX_LABEL
        )
    n_bytes = 4 * len(longest) * len(labels)
    if n_bytes > max(FREE_BYTES, X.nbytes):
        raise DatasetError(
            "labels_too_large",
            where=name,
            n_bytes=n_bytes,
            longest=shorten(longest),
            n_image_bytes=X.nbytes,
        )
    return np.array(labels, dtype=str)


def check_label(text: str, *, where: Place) -> None:
    """Raise if a label is empty or too long."""
    if not text:
        raise DatasetError("empty_label", where=where, limit=MAX_LABEL)
    if len(text) > MAX_LABEL:
        raise DatasetError(
            "long_label", where=where, label=shorten(text), n=len(text), limit=MAX_LABEL
        )


def check_labels(y: Array, *, name: Place) -> Array:
    """Return labels as int64 or str, or raise if they are invalid."""
    if y.ndim != 1 or y.dtype.kind not in "uiUSb":
        raise DatasetError("not_labels", where=name, shape=y.shape, dtype=str(y.dtype))
    if y.dtype.kind in "uib":
        if y.dtype.kind == "u" and y.max(initial=0) > np.iinfo(np.int64).max:
            raise DatasetError("label_not_int64", where=name, label=int(y.max()))
        return y.astype(np.int64, copy=False)
    if y.dtype.itemsize // (4 if y.dtype.kind == "U" else 1) > MAX_LABEL:
        raise DatasetError("wide_labels", where=name, dtype=str(y.dtype), limit=MAX_LABEL)
    try:
        y = y.astype(str, copy=False)
        for label in np.unique(y).tolist():
            label.encode("utf-8")  # lone surrogates cannot be printed
    except (ValueError, SystemError) as error:
        raise DatasetError("invalid_text", where=name, reason=str(error)) from error
    return y


def _are_integers(y: Array) -> bool:
    if y.dtype.kind == "i":
        return True
    limits = np.iinfo(np.int64)
    return all(
        len(label) < 20
        and PLAIN_INTEGER.fullmatch(label)
        and limits.min <= int(label) <= limits.max
        for label in np.unique(y).tolist()
    )


def _first_few(classes: Array) -> list[Any]:
    return [shorten(label) if isinstance(label, str) else label for label in classes[:5].tolist()]


def take_part(
    X: Array, y: Array, n: int | None, *, parameter: str, random_state: Any
) -> tuple[Array, Array]:
    """Sample `n` rows, stratified by `y`, in their original order; None takes all."""
    if n is None or n == len(y):
        return X, y
    n_classes = len(np.unique(y))
    if not isinstance(n, Integral) or isinstance(n, bool) or not n_classes <= n <= len(y):
        raise ValueError(
            f"{parameter}={n!r} must be an int from {n_classes} (one image per class) to {len(y)} "
            "(all images), or None for all."
        )
    rows = resample(
        np.arange(len(y)), replace=False, n_samples=int(n), stratify=y, random_state=random_state
    )
    rows.sort()
    return X[rows], y[rows]
