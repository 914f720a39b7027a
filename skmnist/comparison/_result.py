"""One trained model and what was found out about it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from skmnist.comparison._costs import measure_size, time_predictions
from skmnist.diagnosis import (
    Advice,
    ErrorAnalysis,
    FitDiagnosis,
    advise,
    analyze_errors,
    diagnose_fit,
)
from skmnist.diagnosis._estimator import get_core

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class ModelResult:
    """One trained model and what was found out about it.

    Attributes
    ----------
    name : str
    estimator : fitted estimator
    errors : ErrorAnalysis
        On the test set.
    diagnosis : FitDiagnosis or None
        None where the model keeps no training and validation accuracy.
    n_parameters, n_epochs : int or None
        None where the model cannot tell.
    fit_time : float
        Seconds, without importing tensorflow and compiling.
    predictions : ndarray of shape (n_test,) or None
        Predicted classes of the test images.
    proba : ndarray of float32, shape (n_test, n_classes), or None
        Probabilities of the test images, columns in the order of `classes`; None where the model
        has no `predict_proba`.
    classes : ndarray of shape (n_classes,) or None
        The model's classes.
    history : DataFrame or None
        A row per epoch, indexed by `epoch` from 1; of the columns `loss, accuracy, val_loss,
        val_accuracy` those that the model kept. None without any.
    predict_time, predict_time_p95 : float or None
        Seconds for predicting one image, median and 95th percentile; None where not measured.
    size : int or None
        Bytes on disk, pickled; None where not measured or where it cannot be pickled.
    """

    name: str
    estimator: Any
    errors: ErrorAnalysis
    diagnosis: FitDiagnosis | None
    n_parameters: int | None
    n_epochs: int | None
    fit_time: float
    predictions: Array | None = None
    proba: Array | None = None
    classes: Array | None = None
    history: pd.DataFrame | None = None
    predict_time: float | None = None
    predict_time_p95: float | None = None
    size: int | None = None

    def advice(self, language: str = "en") -> Advice:
        """Return strengths, weaknesses and improvements in plain words."""
        return advise(self.errors, self.diagnosis, trained=self.n_epochs != 0, language=language)

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain Python values, for JSON."""
        return {
            "name": self.name,
            "n_parameters": self.n_parameters,
            "n_epochs": self.n_epochs,
            "fit_time": self.fit_time,
            "predict_time": self.predict_time,
            "predict_time_p95": self.predict_time_p95,
            "size": self.size,
            "diagnosis": None if self.diagnosis is None else self.diagnosis.to_dict(),
            "errors": self.errors.to_dict(),
            "history": None if self.history is None else _plain_columns(self.history),
        }


def make_result(
    name: str, estimator: Any, fit_time: float, X_test: Any, y_test: Any
) -> ModelResult:
    """Look at a fitted model."""
    core = get_core(estimator)
    classes = getattr(estimator, "classes_", None)
    predictions = estimator.predict(X_test)
    kept = (getattr(core, f"{part}_accuracy_", None) for part in ("train", "validation"))
    return ModelResult(
        name=name,
        estimator=estimator,
        errors=analyze_errors(y_test, predictions, labels=classes),
        diagnosis=None if None in kept else diagnose_fit(core),
        n_parameters=_n_parameters(core),
        n_epochs=_n_epochs(core),
        fit_time=fit_time,
        predictions=predictions,
        proba=_predict_proba(estimator, X_test),
        classes=classes,
        history=_history(core),
    )


def measure_costs(results: Sequence[ModelResult], X_test: Any) -> list[ModelResult]:
    """Add each model's size and prediction time, measured in turns."""
    times = time_predictions([result.estimator for result in results], X_test)
    return [
        replace(
            result,
            predict_time=median,
            predict_time_p95=percentile,
            size=measure_size(result.estimator),
        )
        for result, (median, percentile) in zip(results, times, strict=True)
    ]


def _predict_proba(estimator: Any, X: Any) -> Array | None:
    if not hasattr(estimator, "predict_proba"):
        return None
    return np.asarray(estimator.predict_proba(X), dtype=np.float32)


def _n_parameters(core: Any) -> int | None:
    if hasattr(core, "n_parameters_"):
        return int(core.n_parameters_)
    if hasattr(core, "coefs_"):  # a multi-layer perceptron's lists
        return sum(np.size(array) for array in [*core.coefs_, *core.intercepts_])
    if hasattr(core, "coef_"):  # a linear model, which has zeros for intercepts it did not fit
        with_intercept = getattr(core, "fit_intercept", True)
        return np.size(core.coef_) + (np.size(core.intercept_) if with_intercept else 0)
    return None


def _n_epochs(core: Any) -> int | None:
    # the solver iterations of a linear model (n_iter_) are no epochs; a loss per epoch tells
    curve = getattr(core, "loss_curve_", None)
    return None if curve is None else len(curve)


def _history(core: Any) -> pd.DataFrame | None:
    history = getattr(core, "history_", None)
    if history is None and getattr(core, "loss_curve_", None) is not None:
        history = {"loss": core.loss_curve_}  # scikit-learn's MLPClassifier
        if getattr(core, "validation_scores_", None) is not None:
            history["val_accuracy"] = core.validation_scores_
    if not history:
        return None
    frame = pd.DataFrame({name: np.asarray(values) for name, values in history.items()})
    return frame.set_index(pd.RangeIndex(1, len(frame) + 1, name="epoch"))


def _plain_columns(frame: pd.DataFrame) -> dict[str, list[float | None]]:
    """Make plain numbers; JSON has no word for one that is not finite."""
    return {
        str(name): [float(value) if np.isfinite(value) else None for value in column]
        for name, column in frame.items()
    }
