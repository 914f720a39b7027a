"""Which model to take, and why."""

from skmnist.comparison._compare import ModelComparison, compare_models
from skmnist.comparison._plot import AccuracyCostDisplay
from skmnist.comparison._recommend import Recommendation, recommend
from skmnist.comparison._result import ModelResult

__all__ = [
    "AccuracyCostDisplay",
    "ModelComparison",
    "ModelResult",
    "Recommendation",
    "compare_models",
    "recommend",
]
