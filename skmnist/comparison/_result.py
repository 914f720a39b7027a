"""One trained model and what was found out about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from skmnist._estimator import warn_caller
from skmnist.comparison._costs import measure_size, time_predictions
from skmnist.diagnosis import (
    Advice,
    ErrorAnalysis,
    FitDiagnosis,
    advise,
    analyze_errors,
    diagnose_fit,
)
from skmnist.diagnosis._estimator import get_core, take_rows
from skmnist.diagnosis._figures import read_history

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
        By the validation rows that the model held out itself, else by training rows and the test
        set. None where neither is at hand.
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
        val_accuracy` those that the model kept of every epoch. None without any.
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
    name: str,
    estimator: Any,
    fit_time: float,
    X_test: Any,
    y_test: Any,
    X: Any = None,
    y: Any = None,
) -> ModelResult:
    """Look at a fitted model; `X` and `y` are the rows it was fitted on, where they are at hand."""
    core = get_core(estimator)
    classes = getattr(estimator, "classes_", None)
    predictions = np.ravel(estimator.predict(X_test))
    proba = _attempt(name, "probabilities", _predict_proba, estimator, X_test, classes)
    rows = labels = None
    if X is not None:
        # as many as it is tested on: for a fit diagnosis enough, and no model predicts for ever
        at = np.unique(np.linspace(0, len(y) - 1, min(len(y), len(y_test))).astype(int))
        rows, labels = take_rows(X, at), take_rows(y, at)
    return ModelResult(
        name=name,
        estimator=estimator,
        errors=analyze_errors(
            y_test, predictions, labels=classes, proba=None if classes is None else proba
        ),
        diagnosis=_attempt(
            name, "diagnosis", _diagnose, estimator, core, rows, labels, X_test, y_test
        ),
        n_parameters=_attempt(name, "number of parameters", _n_parameters, core),
        n_epochs=_n_epochs(core),
        fit_time=fit_time,
        predictions=predictions,
        proba=proba,
        classes=classes,
        history=_attempt(name, "history", lambda: _frame_epochs(read_history(core))),
    )


def _attempt(name: str, figure: str, measure: Callable[..., Any], *args: Any) -> Any:
    """Measure what a comparison can do without; None, and a warning, where that fails."""
    try:
        return measure(*args)
    except Exception as error:  # a classifier of any origin; its training must not be lost
        warn_caller(f"{name}: the {figure} cannot be measured ({type(error).__name__}: {error}).")
        return None


def measure_costs(results: Sequence[ModelResult], X_test: Any) -> list[ModelResult]:
    """Add each model's size and prediction time, measured in turns."""
    times = time_predictions([result.estimator for result in results], X_test)
    return [
        replace(
            result,
            predict_time=median,
            predict_time_p95=percentile,
            size=_attempt(result.name, "size", measure_size, result.estimator),
        )
        for result, (median, percentile) in zip(results, times, strict=True)
    ]


def _predict_proba(estimator: Any, X: Any, classes: Any) -> Array | None:
    if not hasattr(estimator, "predict_proba"):
        return None
    proba = np.asarray(estimator.predict_proba(X), dtype=np.float32)
    if classes is not None and proba.shape[1:] != (len(classes),):
        raise ValueError(f"shape {proba.shape} for {len(classes)} classes")
    return proba


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


def _frame_epochs(history: dict[str, Array]) -> pd.DataFrame | None:
    """Put a history into a frame, but for figures that were not taken at each epoch."""
    if not history:
        return None
    n_epochs = max(map(len, history.values()))
    each = {name: values for name, values in history.items() if len(values) == n_epochs}
    return pd.DataFrame(each, index=pd.RangeIndex(1, n_epochs + 1, name="epoch"))


def _diagnose(
    estimator: Any, core: Any, X: Any, y: Any, X_test: Any, y_test: Any
) -> FitDiagnosis | None:
    """Diagnose by what the model kept, else by its training rows and the test set."""
    kept = [getattr(core, f"{part}_accuracy_", None) for part in ("train", "validation")]
    if None not in kept:
        return diagnose_fit(estimator, X=X, y=y)
    if X is None:
        return None
    return diagnose_fit(estimator, X=X, y=y, X_val=X_test, y_val=y_test, held_out="test")


def _plain_columns(frame: pd.DataFrame) -> dict[str, list[float | None]]:
    """Make plain numbers; JSON has no word for one that is not finite."""
    return {
        str(name): [float(value) if np.isfinite(value) else None for value in column]
        for name, column in frame.items()
    }
