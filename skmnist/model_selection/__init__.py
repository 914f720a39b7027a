"""Choosing: by cross-validation, and among what a search has tried."""

from skmnist.model_selection._refit import best_without_overfitting
from skmnist.model_selection._validation import CrossValidation, cross_validate

__all__ = ["CrossValidation", "best_without_overfitting", "cross_validate"]
