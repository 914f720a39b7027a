"""Diagnose the fit, the errors and the robustness of a classifier, and suggest improvements."""

from skmnist.diagnosis._advice import Advice, advise
from skmnist.diagnosis._calibration import Calibration, measure_calibration
from skmnist.diagnosis._corruptions import corrupt_images
from skmnist.diagnosis._errors import ConfusionPair, ErrorAnalysis, analyze_errors
from skmnist.diagnosis._findings import Finding
from skmnist.diagnosis._fit import FitDiagnosis, diagnose_fit
from skmnist.diagnosis._plot_confusion import ConfusionDisplay
from skmnist.diagnosis._plot_epochs import EpochCurveDisplay
from skmnist.diagnosis._plot_images import FirstLayerDisplay, MisclassifiedDisplay
from skmnist.diagnosis._plot_rejects import ErrorRejectDisplay
from skmnist.diagnosis._plot_reliability import ReliabilityDisplay
from skmnist.diagnosis._plot_robustness import RobustnessDisplay
from skmnist.diagnosis._rejects import WorkLeft, error_reject_curve, measure_work_left
from skmnist.diagnosis._robustness import Robustness, measure_robustness
from skmnist.diagnosis._scorers import fit_scores, neg_fit_gap, penalized_accuracy

__all__ = [
    "Advice",
    "Calibration",
    "ConfusionDisplay",
    "ConfusionPair",
    "EpochCurveDisplay",
    "ErrorAnalysis",
    "ErrorRejectDisplay",
    "Finding",
    "FirstLayerDisplay",
    "FitDiagnosis",
    "MisclassifiedDisplay",
    "ReliabilityDisplay",
    "Robustness",
    "RobustnessDisplay",
    "WorkLeft",
    "advise",
    "analyze_errors",
    "corrupt_images",
    "diagnose_fit",
    "error_reject_curve",
    "fit_scores",
    "measure_calibration",
    "measure_robustness",
    "measure_work_left",
    "neg_fit_gap",
    "penalized_accuracy",
]
