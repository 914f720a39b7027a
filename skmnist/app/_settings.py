"""The settings of the app, which are part of the address of the page."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from skmnist._networks import N_STARTS, RECIPES
from skmnist._parameters import PARAMETERS, TRAINING

MAX_STARTS = 10  # limits the load on the server
TINY = float(np.finfo(np.float32).tiny)  # smaller values are 0 in float32


def _offer(name: str) -> tuple[float, float]:
    """Return the lowest and highest value that the app offers for a hyperparameter."""
    parameter = PARAMETERS[name]
    assert parameter.low is not None
    assert parameter.offered is not None
    kind = int if parameter.is_whole else float
    low = TINY if parameter.closed == "neither" else kind(parameter.low)
    return low, kind(parameter.offered)


# Ranges of the fields and of the values in the address, both ends included
RANGES: dict[str, tuple[float, float]] = {
    "train_size": (0, math.inf),
    **{name: _offer(name) for name in TRAINING if not PARAMETERS[name].choices},
    "starts": (1, MAX_STARTS),
    "seed": (0, 2**32 - 1),
}
CHOICES = {"recipe": RECIPES, "optimizer": PARAMETERS["optimizer"].choices}
MAX_LABEL = 200  # characters of a column name
UPLOAD = re.compile("upload(-[0-9a-f]{16})?")  # the digits are the start of the SHA-256


@dataclass(frozen=True)
class Settings:
    """Data and hyperparameters; a visitor's tabs with equal settings share one training run.

    Attributes
    ----------
    data : str
        "mnist", "cloud", "upload" (no file yet), or "upload-" and a checksum.
    label : str
        Column of the labels in an uploaded file; empty to detect it.
    invert : bool
        Whether to swap light and dark in an uploaded file.
    train_size : int
        Number of training images; 0 uses all.
    recipe : str
        Name of a recipe for both networks. The settings from `epochs` to `l2` apply to "slides"
        only.
    epochs, batch_size, optimizer, learning_rate, patience, dropout, l2, seed
        Parameters of both networks.
    starts : int
        Number of times that each network is trained.
    """

    data: str = "mnist"
    label: str = ""
    invert: bool = False
    train_size: int = 0
    recipe: str = RECIPES[0]
    epochs: int = PARAMETERS["epochs"].default
    batch_size: int = PARAMETERS["batch_size"].default
    optimizer: str = PARAMETERS["optimizer"].default
    learning_rate: float = PARAMETERS["learning_rate"].default
    patience: int = PARAMETERS["patience"].default
    dropout: float = PARAMETERS["dropout"].default
    l2: float = PARAMETERS["l2"].default
    starts: int = N_STARTS
    seed: int = 0

    @property
    def is_upload(self) -> bool:
        """Whether the data set is an uploaded file."""
        return self.data.startswith("upload")

    def of_network(self) -> dict[str, Any]:
        """Return the recipe and the hyperparameters that replace those of the recipe."""
        names = TRAINING if self.recipe == RECIPES[0] else ()
        values = {name: getattr(self, name) for name in ("recipe", *names)}
        return values | {"random_state": self.seed}

    def to_query(self) -> dict[str, str]:
        """Return the values that differ from the defaults, for the address."""
        values = {f.name: (getattr(self, f.name), f.default) for f in fields(self)}
        return {
            name: str(int(value) if isinstance(value, bool) else value)
            for name, (value, default) in values.items()
            if value != default
        }


def read_settings(query: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """Read the settings from an address. Missing and invalid values become the default.

    Returns
    -------
    settings : Settings
    refused : list of str
        Names of the settings with invalid values.
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
    if name in CHOICES:
        return value in CHOICES[name]
    low, high = RANGES[name]
    return bool(low <= value <= high)  # NaN is never in range
