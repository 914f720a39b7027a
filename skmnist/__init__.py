"""Classify handwritten digits with scikit-learn estimators.

Public names are resolved on first use, so that ``import skmnist`` loads neither scikit-learn
nor tensorflow.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "DeepNNClassifier": "neural_network",
    "DigitCropper": "preprocessing",
    "DigitReader": "reading",
    "ImageAugmenter": "neural_network",
    "ModelComparison": "comparison",
    "OptunaSearchCV": "model_selection",
    "PixelNormalizer": "preprocessing",
    "SimpleNNClassifier": "neural_network",
    "compare_models": "comparison",
    "diagnose_fit": "diagnosis",
    "get_recipe": "neural_network",
    "load_mnist": "datasets",
    "load_model": "persistence",
    "load_swiss_digits": "datasets",
    "recommend": "comparison",
    "save_model": "persistence",
}
_SUBPACKAGES = (
    "app",
    "comparison",
    "datasets",
    "diagnosis",
    "model_selection",
    "neural_network",
    "persistence",
    "preprocessing",
    "reading",
    "report",
    "text",
)

__all__ = sorted(("__version__", *_HOME))


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"skmnist.{_HOME[name]}"), name)
    if name in _SUBPACKAGES:
        return importlib.import_module(f"skmnist.{name}")
    raise AttributeError(f"module 'skmnist' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *_SUBPACKAGES})
