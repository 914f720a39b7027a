"""Recipes: named sets of hyperparameters for both networks."""

from difflib import get_close_matches
from typing import Any

_ARCHITECTURE: dict[str, dict[str, Any]] = {
    "simple": {"hidden_units": 128},
    "deep": {"hidden_layer_sizes": (512, 256, 128)},
}
_TO_THE_END = {"learning_rate_schedule": "cosine", "patience": None}
_DEFORMED = {**_TO_THE_END, "batch_size": 256, "augmentation": "digits"}
_RECORD = {
    **_DEFORMED,
    "optimizer": "adamw",
    "weight_decay": 0.05,
    "learning_rate": 2e-3,
    "ema_momentum": 0.998,
    "epochs": 120,
    "dropout": 0.1,
    "validation_fraction": None,
}

# Chosen on validation rows of the MNIST training set and on the Swiss writers 0001 to 0004, not on
# test images or the other writers. benchmarks/recipes.py has the results.
RECIPES: dict[str, dict[str, dict[str, Any]]] = {
    "slides": {
        network: {
            **architecture,
            "optimizer": "adam",
            "learning_rate": 1e-3,
            "epochs": 100,
            "batch_size": 128,
            "patience": 15,
        }
        for network, architecture in _ARCHITECTURE.items()
    },
    "fast": {
        "simple": {**_ARCHITECTURE["simple"], **_TO_THE_END, "learning_rate": 4e-3, "epochs": 10},
        "deep": {**_ARCHITECTURE["deep"], **_TO_THE_END, "learning_rate": 2e-3, "epochs": 10},
    },
    "robust": {
        "simple": {**_ARCHITECTURE["simple"], **_DEFORMED, "learning_rate": 4e-3, "epochs": 60},
        "deep": {
            **_ARCHITECTURE["deep"],
            **_DEFORMED,
            "optimizer": "adamw",
            "weight_decay": 0.05,
            "learning_rate": 2e-3,
            "ema_momentum": 0.995,
            "epochs": 60,
        },
    },
    "record": {
        "simple": {**_RECORD, "hidden_units": 2048},
        "deep": {**_RECORD, "hidden_layer_sizes": (1024, 1024, 512)},
    },
}


def get_recipe(name: str, network: str) -> dict[str, Any]:
    """Return tested hyperparameters for digits, as parameters of a classifier.

    ========  =====================================================================================
    "slides"  The defaults of the classifiers: early stopping on validation rows.
    "fast"    10 epochs with a decreasing learning rate: as accurate as "slides", in about a fifth
              of the time.
    "robust"  Deformed training images: more accurate, and much less sensitive to shifts, other
              pens and other writers. Training takes about as long as with "slides".
    "record"  Larger networks, deformed images, many epochs and a running average of the weights:
              the most accurate, and many times slower.
    ========  =====================================================================================

    "record" trains on all rows, without validation. "robust" and "record" require images with
    values in [0, 1], light on dark.

    Parameters
    ----------
    name : {"slides", "fast", "robust", "record"}
    network : {"simple", "deep"}
        "simple" for `SimpleNNClassifier`, "deep" for `DeepNNClassifier`.

    Returns
    -------
    parameters : dict of str to object
        A new dict that you can change. Parameters that are not included keep their defaults.

    Raises
    ------
    ValueError
        If there is no recipe with that name, or no such network.

    Examples
    --------
    >>> from skmnist import DeepNNClassifier, get_recipe
    >>> network = DeepNNClassifier(**get_recipe("robust", "deep"), random_state=0)
    >>> network.augmentation
    'digits'
    >>> get_recipe("robst", "deep")
    Traceback (most recent call last):
    ValueError: name='robst' is not a recipe. Did you mean 'robust'?
    """
    recipes = _look_up(RECIPES, "name", name, "a recipe")
    return dict(_look_up(recipes, "network", network, "a network"))


def _look_up(table: dict[str, Any], parameter: str, value: str, kind: str) -> Any:
    if value in table:
        return table[value]
    close = get_close_matches(str(value), table, n=1)
    way_out = f"Did you mean {close[0]!r}?" if close else f"Choose from {', '.join(table)}."
    raise ValueError(f"{parameter}={value!r} is not {kind}. {way_out}")
