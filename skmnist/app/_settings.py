"""What a person can set, as the address of the page holds it."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from skmnist._parameters import PARAMETERS, TRAINING

TINY = float(np.finfo(np.float32).tiny)  # what is smaller is 0 to a network


def _offer(name: str) -> tuple[float, float]:
    """Return the lowest and the highest value that the app offers for a hyperparameter."""
    parameter = PARAMETERS[name]
    assert parameter.low is not None  # for the types: each of these is a number
    assert parameter.offered is not None
    kind = int if parameter.is_whole else float
    low = TINY if parameter.closed == "neither" else kind(parameter.low)
    return low, kind(parameter.offered)


# What the fields on the page and the address allow, both ends included.
RANGES: dict[str, tuple[float, float]] = {
    "train_size": (0, math.inf),
    **{name: _offer(name) for name in TRAINING if not PARAMETERS[name].choices},
    "seed": (0, 2**32 - 1),
}
MAX_LABEL = 200  # characters of a column's name
UPLOAD = re.compile("upload(-[0-9a-f]{16})?")  # with the first bytes of the file's SHA-256


@dataclass(frozen=True)
class Settings:
    """The data and the hyperparameters; two tabs with the same ones see the same training.

    Attributes
    ----------
    data : str
        "mnist", "cloud", "upload" (no file yet), or "upload-" and a checksum.
    label : str
        The column that holds the labels, in an uploaded file; empty to find it.
    invert : bool
        Whether light and dark are swapped, in an uploaded file.
    train_size : int
        Training images; 0 takes all.
    epochs, batch_size, optimizer, learning_rate, patience, dropout, l2, seed
        As the networks have them.
    """

    data: str = "mnist"
    label: str = ""
    invert: bool = False
    train_size: int = 0
    epochs: int = PARAMETERS["epochs"].default
    batch_size: int = PARAMETERS["batch_size"].default
    optimizer: str = PARAMETERS["optimizer"].default
    learning_rate: float = PARAMETERS["learning_rate"].default
    patience: int = PARAMETERS["patience"].default
    dropout: float = PARAMETERS["dropout"].default
    l2: float = PARAMETERS["l2"].default
    seed: int = 0

    @property
    def is_upload(self) -> bool:
        """Whether the digits are from a file of one's own."""
        return self.data.startswith("upload")

    def of_network(self) -> dict[str, Any]:
        """Return the hyperparameters by the names that the networks have for them."""
        values = {name: getattr(self, name) for name in TRAINING}
        return values | {"random_state": self.seed}

    def to_query(self) -> dict[str, str]:
        """Return what differs from the defaults, for the address."""
        values = {f.name: (getattr(self, f.name), f.default) for f in fields(self)}
        return {
            name: str(int(value) if isinstance(value, bool) else value)
            for name, (value, default) in values.items()
            if value != default
        }


def read_settings(query: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """Read the settings from an address, which anybody may have written.

    Returns
    -------
    settings : Settings
        With the default wherever the address has no value that is allowed.
    refused : list of str
        The names of those that are not allowed.
    """
    values: dict[str, Any] = {}
    refused = []
    for field in fields(Settings):
        text = query.get(field.name)
        if text is None:
            continue
        try:
            values[field.name] = _parse(field.name, type(field.default), text)
        except ValueError:
            refused.append(field.name)
    return Settings(**values), refused


def _parse(name: str, kind: type, text: str) -> Any:
    if kind is bool:
        if text not in ("0", "1"):
            raise ValueError(text)
        return text == "1"
    value = kind(text)
    if not _is_allowed(name, value):
        raise ValueError(text)
    return value


def _is_allowed(name: str, value: Any) -> bool:
    if name == "data":
        return value in ("mnist", "cloud") or bool(UPLOAD.fullmatch(value))
    if name == "label":
        return len(value) <= MAX_LABEL and value.isprintable()
    if name == "optimizer":
        return value in PARAMETERS["optimizer"].choices
    low, high = RANGES[name]
    return bool(low <= value <= high)  # what is no number is in no range
