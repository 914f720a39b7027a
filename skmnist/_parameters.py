"""Table of the hyperparameters, with the default, range and search space of each.

The classifiers use it for validation, and their signatures and docstrings are tested against it. It
also defines the options of the command line, the fields of the app and the predefined search
spaces. Explanations are in ``text/*.toml``, as ``cli.<name>_help``.
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
        Range of a numeric hyperparameter. If only `high` is None, there is no upper limit. Both are
        None if the values are not numbers.
    closed : {"left", "neither"}
        "left" if the range includes `low`. It never includes `high`.
    choices : tuple of str
        Valid strings.
    optional : bool
        Whether None is allowed.
    offered : float or None
        Highest value in the app; None if the app has no number field for the hyperparameter.
    search : tuple of (low, high), list or None
        Search space: a range, or a list of values. None if no predefined search space contains the
        hyperparameter.
    log : bool
        Whether the search space is a range on a logarithmic scale.
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
        """Whether the values are integers."""
        return isinstance(self.default, int)

    def allows(self, value: float) -> bool:
        """Return whether a number is in range. NaN and infinity are never in range."""
        above = value >= self.low if self.closed == "left" else value > self.low  # type: ignore[operator]
        return above and value < (float("inf") if self.high is None else self.high)


# Search spaces have few layer sizes, because a separate program is compiled for each one.
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
        1e-3, low=0, closed="neither", offered=1.0, search=(3e-4, 5e-3), log=True
    ),
    "momentum": Parameter(0.9, low=0, high=1),
    "weight_decay": Parameter(None, low=0, optional=True),
    "learning_rate_schedule": Parameter(
        None,
        choices=("constant", "cosine", "exponential", "linear"),
        optional=True,
        search=["constant", "cosine"],
    ),
    "ema_momentum": Parameter(None, low=0, high=1, optional=True),
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
# options of the command line and fields of the app, in this order
TRAINING = ("epochs", "batch_size", "optimizer", "learning_rate", "patience", "dropout", "l2")
