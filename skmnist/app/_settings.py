"""What a person can set, as the address of the page holds it."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

OPTIMIZERS = ("adam", "adamw", "nadam", "rmsprop", "sgd")
MAX_EPOCHS = 100
MAX_BATCH_SIZE = 10_000
MAX_PATIENCE = 100
MAX_SEED = 2**32 - 1
UPLOAD = re.compile("upload(-[0-9a-f]{16})?")  # with the first bytes of the file's SHA-256


@dataclass(frozen=True)
class Settings:
    """The data and the hyperparameters; two tabs with the same ones see the same training.

    Attributes
    ----------
    data : str
        "mnist", "cloud", "upload" (no file yet), or "upload-" and a checksum.
    invert : bool
        Whether light and dark are swapped, in an uploaded file.
    train_size : int
        Training images; 0 takes all.
    epochs, batch_size, optimizer, learning_rate, patience, dropout, l2, seed
        As the networks have them.
    """

    data: str = "mnist"
    invert: bool = False
    train_size: int = 0
    epochs: int = 100
    batch_size: int = 128
    optimizer: str = "adam"
    learning_rate: float = 0.001
    patience: int = 15
    dropout: float = 0.0
    l2: float = 0.0
    seed: int = 0

    @property
    def is_upload(self) -> bool:
        """Whether the digits are from a file of one's own."""
        return self.data.startswith("upload")

    def of_network(self) -> dict[str, Any]:
        """Return the hyperparameters by the names that the networks have for them."""
        values = {name: getattr(self, name) for name in HYPERPARAMETERS}
        return values | {"random_state": self.seed}

    def to_query(self) -> dict[str, str]:
        """Return what differs from the defaults, for the address."""
        values = {f.name: (getattr(self, f.name), f.default) for f in fields(self)}
        return {
            name: str(int(value) if isinstance(value, bool) else value)
            for name, (value, default) in values.items()
            if value != default
        }


HYPERPARAMETERS = (
    "epochs",
    "batch_size",
    "optimizer",
    "learning_rate",
    "patience",
    "dropout",
    "l2",
)
RULES: dict[str, Callable[[Any], bool]] = {
    "data": lambda text: text in ("mnist", "cloud") or bool(UPLOAD.fullmatch(text)),
    "train_size": lambda n: n >= 0,
    "epochs": lambda n: 0 <= n <= MAX_EPOCHS,
    "batch_size": lambda n: 1 <= n <= MAX_BATCH_SIZE,
    "optimizer": lambda name: name in OPTIMIZERS,
    "learning_rate": lambda x: 0 < x <= 1,
    "patience": lambda n: 1 <= n <= MAX_PATIENCE,
    "dropout": lambda x: 0 <= x < 1,
    "l2": lambda x: 0 <= x <= 1,
    "seed": lambda n: 0 <= n <= MAX_SEED,
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
    if (isinstance(value, float) and not math.isfinite(value)) or not RULES[name](value):
        raise ValueError(text)
    return value
