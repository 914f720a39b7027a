"""What the figures mean: does a network overfit, what does it confuse, what to do about it."""

from skmnist.diagnosis._advice import Advice, advise
from skmnist.diagnosis._errors import ErrorAnalysis, analyze_errors
from skmnist.diagnosis._fit import FitDiagnosis, diagnose_fit
from skmnist.diagnosis._plot import (
    ConfusionDisplay,
    EpochCurveDisplay,
    FirstLayerDisplay,
    MisclassifiedDisplay,
)
from skmnist.diagnosis._scorers import neg_fit_gap, penalized_accuracy

__all__ = [
    "Advice",
    "ConfusionDisplay",
    "EpochCurveDisplay",
    "ErrorAnalysis",
    "FirstLayerDisplay",
    "FitDiagnosis",
    "MisclassifiedDisplay",
    "advise",
    "analyze_errors",
    "diagnose_fit",
    "neg_fit_gap",
    "penalized_accuracy",
]
