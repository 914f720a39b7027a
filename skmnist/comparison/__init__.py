"""Compare models, and recommend one."""

from skmnist.comparison._cautions import Caution
from skmnist.comparison._compare import compare_models, evaluate_model
from skmnist.comparison._comparison import ModelComparison
from skmnist.comparison._elsewhere import ElsewhereResult, ElsewhereTest
from skmnist.comparison._plot import AccuracyCostDisplay
from skmnist.comparison._recommendation import Recommendation, recommend
from skmnist.comparison._result import ModelResult
from skmnist.comparison._runs import TrainingEvent
from skmnist.comparison._significance import PairedTest
from skmnist.comparison._work import PairedWork

__all__ = [
    "AccuracyCostDisplay",
    "Caution",
    "ElsewhereResult",
    "ElsewhereTest",
    "ModelComparison",
    "ModelResult",
    "PairedTest",
    "PairedWork",
    "Recommendation",
    "TrainingEvent",
    "compare_models",
    "evaluate_model",
    "recommend",
]
