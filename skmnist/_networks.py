"""What the command line and the app share: the two networks they train, and their data."""

import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from skmnist.comparison import ModelResult
    from skmnist.text import Catalogue

NETWORKS = {"NN": "SimpleNNClassifier", "DNN": "DeepNNClassifier"}
MODELS = {"simple": "NN", "deep": "DNN"}  # by the names of the search spaces


def make_network(name: str, max_value: float, **settings: Any) -> "Pipeline":
    """Return a network with the step that scales its pixels."""
    from sklearn.pipeline import Pipeline

    import skmnist

    network = getattr(skmnist, NETWORKS[name])(**settings)
    return Pipeline(
        [("normalize", skmnist.PixelNormalizer(max_value=max_value)), ("network", network)]
    )


def limit_training(digits: Any, train_size: int, seed: int) -> None:
    """Keep `train_size` training images, drawn from all classes in proportion, in their order."""
    import numpy as np
    from sklearn.utils import resample

    y = digits.y_train
    if train_size < len(y):
        rows = resample(
            np.arange(len(y)), replace=False, n_samples=train_size, stratify=y, random_state=seed
        )
        rows.sort()
        digits.X_train, digits.y_train = digits.X_train[rows], y[rows]


def write_command(
    data: str, train_size: int | None, how: dict[str, Any], settings: dict[str, Any]
) -> str:
    """Return the command that repeats a run, defaults included; `how` is how data are read."""
    options = {"data": data, **how, "train_size": train_size, **settings}
    options["seed"] = options.pop("random_state")
    words = ["skmnist", "compare"]
    for name, value in options.items():
        if value is None or value is False:
            continue
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            words.append("x".join(map(str, value)) if isinstance(value, tuple) else str(value))
    return shlex.join(words)


def tell_training(result: "ModelResult", say: "Catalogue") -> str:
    """Describe how a network was trained and which weights were kept."""
    network = result.estimator[-1]
    if not result.n_epochs:
        return say("cli.untrained", name=result.name)
    return say(
        "cli.trained",
        name=result.name,
        n_epochs=result.n_epochs,
        seconds=result.fit_time,
        kept=network.kept_epoch_,
        reason=say(f"cli.reason_{network.stop_reason_}", patience=network.patience),
    )
