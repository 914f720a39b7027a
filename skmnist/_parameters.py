"""The hyperparameters of the networks: range, default and search space of each, in one table.

The classifiers validate by it, and their signatures and docstrings are tested against it. The
command line, the app and the ready search spaces are made from it. The sentence that explains a
parameter is ``cli.<name>_help`` in ``text/*.toml``.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """One hyperparameter.

    Attributes
    ----------
    default : object
    low, high : float or None
        The range of a number; None is unbounded.
    closed : {"left", "neither"}
        Whether `low` is allowed; `high` never is.
    choices : tuple of str
        The values of a parameter that is not a number.
    optional : bool
        Whether None is allowed.
    offered : float or None
        The highest value in the app, where anybody may start a training.
    search : tuple of (low, high) or list
        Where a search looks: a range or a few values.
    log : bool
        Whether a search draws from the range on a logarithmic scale.
    """

    default: Any
    low: float | None = None
    high: float | None = None
    closed: str = "left"
    choices: tuple[str, ...] = ()
    optional: bool = False
    offered: float | None = None
    search: tuple[float, float] | list[Any] | None = None
    log: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the values are whole numbers."""
        return isinstance(self.default, int)

    def allows(self, value: float) -> bool:
        """Return whether a number is in range; NaN and infinity never are."""
        above = value >= self.low if self.closed == "left" else value > self.low  # type: ignore[operator]
        return above and value < (float("inf") if self.high is None else self.high)


# Widths are searched in short lists, since each width is another program to compile.
PARAMETERS = {
    "hidden_units": Parameter(128, low=1, search=[64, 128, 256, 512]),
    "hidden_layer_sizes": Parameter(
        (512, 256, 128), search=[(256, 128), (512, 256), (512, 256, 128), (512, 512, 256)]
    ),
    "activation": Parameter(
        "relu",
        choices=(
            "elu",
            "gelu",
            "leaky_relu",
            "relu",
            "selu",
            "sigmoid",
            "silu",
            "softplus",
            "tanh",
        ),
    ),
    "optimizer": Parameter("adam", choices=("adam", "adamw", "nadam", "rmsprop", "sgd")),
    "learning_rate": Parameter(
        1e-3, low=0, closed="neither", offered=1.0, search=(3e-4, 3e-3), log=True
    ),
    "momentum": Parameter(0.9, low=0, high=1),
    "weight_decay": Parameter(None, low=0, optional=True),
    "learning_rate_schedule": Parameter(
        None, choices=("constant", "cosine", "exponential", "linear"), optional=True
    ),
    "epochs": Parameter(100, low=0, offered=100),
    "batch_size": Parameter(128, low=1, offered=10_000, search=[64, 128, 256]),
    "patience": Parameter(15, low=1, optional=True, offered=100),
    "monitor": Parameter("val_accuracy", choices=("accuracy", "loss", "val_accuracy", "val_loss")),
    "validation_fraction": Parameter(
        "auto", low=0, high=1, closed="neither", choices=("auto",), optional=True
    ),
    "dropout": Parameter(0.0, low=0, high=1, offered=0.99, search=(0.0, 0.5)),
    "l2": Parameter(0.0, low=0, offered=1.0, search=(1e-6, 1e-3), log=True),
}
# what the command line and the app let a person set, in this order
TRAINING = ("epochs", "batch_size", "optimizer", "learning_rate", "patience", "dropout", "l2")
