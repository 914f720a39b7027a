"""The evaluation of one trained model, and the format of its figures."""

import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss

from skmnist._estimator import warn_caller
from skmnist._html import make_html
from skmnist.comparison._elsewhere import ElsewhereResult
from skmnist.diagnosis import (
    Advice,
    ErrorAnalysis,
    FitDiagnosis,
    Robustness,
    advise,
    analyze_errors,
    diagnose_fit,
    measure_robustness,
)
from skmnist.diagnosis._corruptions import CORRUPTIONS, find_highest
from skmnist.diagnosis._estimator import get_core, guess_image_shape, take_images, take_rows
from skmnist.diagnosis._figures import read_history
from skmnist.text import Catalogue, get_catalogue

N_PIXELS = 28 * 28  # of the images for which the recipe "robust" was measured

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Column:
    """Format of a figure in reports, plots, Markdown and the terminal.

    Labels are in the catalogues, under "column". Figures are multiplied by `scale` to convert them
    to `unit`; `best` says whether high or low figures are better.
    """

    format: str = "{:,}"
    scale: float = 1
    unit: str = ""
    best: Literal["high", "low"] = "low"


# The columns of a comparison's table, in order
COLUMNS = {
    "test_accuracy": Column("{:.2%}", best="high"),
    "elsewhere_accuracy": Column("{:.2%}", best="high"),
    "f1_macro": Column("{:.4f}", best="high"),
    "log_loss": Column("{:.4f}"),
    "work_left": Column("{:.1%}"),
    "diagnosis": Column(),
    "gap": Column("{:.4f}"),
    "n_parameters": Column(),
    "fit_time": Column("{:,.1f}", unit="s"),
    "n_epochs": Column(),
    "predict_time": Column("{:,.2f}", scale=1e3, unit="ms"),
    "predict_time_p95": Column("{:,.2f}", scale=1e3, unit="ms"),
    "size": Column("{:bytes}"),
}


def label_column(column: str, say: Catalogue, *, short: bool = False) -> str:
    """Return the label of a column with its unit."""
    label, unit = say(f"column.{'short.' if short else ''}{column}"), COLUMNS[column].unit
    return f"{label} ({unit})" if unit else label


def write_figure(
    column: str, value: Any, say: Catalogue, *, unit: bool = False, missing: str = "-"
) -> str:
    """Format a figure, with or without its unit."""
    if pd.isna(value):
        return missing
    if column == "diagnosis":
        return say(f"diagnosis.{value}")
    form = COLUMNS[column]
    text = say.format(form.format, form.scale * value)
    return f"{text} {form.unit}" if unit and form.unit else text


SIZES = {"B": 1e0, "kB": 1e3, "MB": 1e6, "GB": 1e9}


def choose_size_unit(sizes: Sequence[float]) -> str:
    """Return the largest unit in which the smallest of the sizes in bytes is at least 1."""
    smallest = min(sizes)
    return max((unit for unit in SIZES if SIZES[unit] <= max(1, smallest)), key=SIZES.__getitem__)


def write_column(
    column: str, values: Sequence[Any], say: Catalogue, *, missing: str = "-"
) -> tuple[str, list[str]]:
    """Format the figures of several models, and return their common unit and the texts."""
    if column != "size":
        texts = [write_figure(column, value, say, missing=missing) for value in values]
        return COLUMNS[column].unit, texts
    known = [float(value) for value in values if not pd.isna(value)]
    unit = choose_size_unit(known or [1])
    sizes = [size / SIZES[unit] for size in known]
    decimals = 0 if unit == "B" or min(sizes, default=0) >= 100 else 1
    texts = [
        missing if pd.isna(value) else say.format(f"{{:,.{decimals}f}}", value / SIZES[unit])
        for value in values
    ]
    return unit, texts


@dataclass(frozen=True, eq=False)
class ModelResult:
    """Evaluation of one trained model.

    Returned by :func:`evaluate_model`; :func:`compare_models` stores one for each model in
    ``comparison.results``. The parameters are attributes as well.

    Parameters
    ----------
    name : str
        Name of the model.
    estimator : fitted estimator
        The trained model.
    errors : ErrorAnalysis
        Errors on the test set.
    diagnosis : FitDiagnosis or None
        Diagnosis of the fit, based on the model's own validation rows or else on training rows
        and the test set. None if neither is available.
    n_parameters : int or None
        Number of learned parameters; None if unknown.
    n_epochs : int or None
        Number of epochs; None if the model does not train in epochs.
    fit_time : float
        Training time in seconds, excluding the import of tensorflow and compilation; NaN if
        unknown.
    predictions : ndarray of shape (n_test,), default=None
        Predicted classes of the test images.
    proba : ndarray of float32, shape (n_test, n_classes), default=None
        Predicted probabilities of the test images, with columns in the order of `classes`; None if
        the model has no usable `predict_proba`.
    classes : ndarray of shape (n_classes,), default=None
        Classes seen during training; None if the model does not store them.
    history : DataFrame, default=None
        One row per epoch, indexed by `epoch` from 1, with those of the columns `loss`,
        `accuracy`, `val_loss` and `val_accuracy` that are available for every epoch. None if the
        model has no history.
    predict_time, predict_time_p95 : float, default=None
        Median and 95th percentile of the time to predict one image, in seconds; None if not
        measured. The percentile is also None if the models are too slow for 20 measurements.
    size : int, default=None
        Size of the pickled model in bytes; None if not measured or if the model cannot be pickled.
    log_loss : float, default=None
        Log loss on the test set; None without probabilities, or if the test set has classes that
        are missing from the training set.
    robustness : Robustness, default=None
        Accuracy on up to 1,000 test images that are shifted, rotated and so on; None if the test
        set does not consist of images, or if the model is untrained or would take more than 10
        seconds.
    elsewhere : tuple of ElsewhereResult, default=()
        Accuracy on each further data set, with an interval.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skmnist import compare_models
    >>> X, y = load_digits(return_X_y=True)
    >>> result = compare_models({"bayes": GaussianNB()}, X, y, random_state=0).results["bayes"]
    >>> result.proba.shape, result.errors.n_test
    ((257, 10), 257)
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
    log_loss: float | None = None
    robustness: Robustness | None = None
    elsewhere: tuple[ElsewhereResult, ...] = ()

    def advice(self, language: str = "en") -> Advice:
        """Return strengths, weaknesses and suggested improvements as sentences.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
            Language of the sentences.

        Returns
        -------
        advice : Advice
        """
        advice = advise(self.errors, self.diagnosis, trained=self.n_epochs != 0, language=language)
        if self._could_be_robust():
            network = "simple" if hasattr(get_core(self.estimator), "hidden_units") else "deep"
            say = get_catalogue(language)
            advice.improvements.insert(0, say(f"advice.improve_robust_{network}"))
        return advice

    def _could_be_robust(self) -> bool:
        """Return whether this is a network of the package that was trained on undeformed digits."""
        network = get_core(self.estimator)
        return (
            getattr(network, "augmentation", "none of ours") is None
            and bool(self.n_epochs)
            and network.n_features_in_ == N_PIXELS
            and [str(label) for label in network.classes_] == list("0123456789")
        )

    def _repr_html_(self) -> str:
        """Show the figures in a notebook."""
        say = get_catalogue("en")
        figures = {
            label_column(column, say): write_figure(column, getattr(self, column), say)
            for column in ("n_parameters", "n_epochs", "fit_time", "predict_time", "size")
        }
        accuracy = say("cli.report_title", name=self.name, accuracy=self.errors.accuracy)
        return make_html(accuracy, self.diagnosis.summary() if self.diagnosis else "", figures)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain Python values, for JSON.

        The estimator, the predictions and the probabilities are left out.
        """
        return {
            "name": self.name,
            "n_parameters": self.n_parameters,
            "n_epochs": self.n_epochs,
            "stop_reason": getattr(get_core(self.estimator), "stop_reason_", None),
            "fit_time": self.fit_time,
            "predict_time": self.predict_time,
            "predict_time_p95": self.predict_time_p95,
            "size": self.size,
            "f1_macro": self.errors.f1_macro,
            "log_loss": self.log_loss,
            "elsewhere": [found.to_dict() for found in self.elsewhere],
            "diagnosis": None if self.diagnosis is None else self.diagnosis.to_dict(),
            "errors": self.errors.to_dict(),
            "robustness": None if self.robustness is None else self.robustness.to_dict(),
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
    """Evaluate a fitted model; `X` and `y` are the rows that it was fitted on, if available."""
    core = get_core(estimator)
    classes = getattr(estimator, "classes_", None)
    started = time.perf_counter()
    predictions = np.ravel(estimator.predict(X_test))
    seconds = time.perf_counter() - started
    proba = _attempt(name, "probabilities", _predict_proba, estimator, X_test, classes)
    rows = labels = None
    if X is not None:
        # at most as many rows as in the test set, because some models are slow
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
        n_epochs=count_epochs(core),
        fit_time=fit_time,
        predictions=predictions,
        proba=proba,
        classes=classes,
        history=_attempt(name, "history", lambda: _frame_epochs(read_history(core))),
        log_loss=_attempt(name, "log loss", _log_loss, y_test, proba, classes),
        robustness=_attempt(
            name, "robustness", _measure_robustness, estimator, X_test, y_test, seconds
        ),
    )


def _attempt(name: str, figure: str, measure: Callable[..., Any], *args: Any) -> Any:
    """Measure an optional figure; if that fails, warn and return None."""
    try:
        return measure(*args)
    except Exception as error:  # an error must not discard the trained model
        warn_caller(f"{name}: the {figure} cannot be measured ({type(error).__name__}: {error}).")
        return None


def measure_costs(results: Sequence[ModelResult], X_test: Any) -> list[ModelResult]:
    """Add the size and the prediction time of each model."""
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


def _log_loss(y_test: Any, proba: Array | None, classes: Any) -> float | None:
    if proba is None or classes is None or not np.isin(y_test, classes).all():
        return None
    return float(log_loss(y_test, proba, labels=classes))


N_CHANGED = 1000  # images; enough to tell 86% from 89%
MAX_SECONDS_CHANGED = 10.0  # expected; nearest neighbours and support vectors may take minutes


def _measure_robustness(
    estimator: Any, X_test: Any, y_test: Any, seconds: float
) -> Robustness | None:
    """Measure the accuracy on changed images; `seconds` is the time to predict the test set."""
    shape = guess_image_shape(X_test, [estimator])
    n_changes = sum(len(corruption.strengths) for corruption in CORRUPTIONS.values())
    share = min(1, N_CHANGED / len(y_test))
    n_times = n_changes * (2 if hasattr(estimator, "predict_proba") else 1)
    untrained = count_epochs(get_core(estimator)) == 0
    if shape is None or untrained or share * n_times * seconds > MAX_SECONDS_CHANGED:
        return None
    try:
        find_highest(take_images(X_test, np.arange(len(y_test)), shape))
    except ValueError:  # a table, or images after scaling
        return None
    return measure_robustness(
        estimator, X_test, y_test, max_samples=N_CHANGED, image_shape=shape, random_state=0
    )


def _n_parameters(core: Any) -> int | None:
    if hasattr(core, "n_parameters_"):
        return int(core.n_parameters_)
    if hasattr(core, "coefs_"):  # multi-layer perceptrons
        return sum(np.size(array) for array in [*core.coefs_, *core.intercepts_])
    if hasattr(core, "coef_"):  # linear models; without fit_intercept, intercept_ is 0
        with_intercept = getattr(core, "fit_intercept", True)
        return np.size(core.coef_) + (np.size(core.intercept_) if with_intercept else 0)
    return None


def count_epochs(core: Any) -> int | None:
    """Return the number of epochs; None if the model does not train in epochs."""
    # n_iter_ may count the iterations of a solver; loss_curve_ has one loss per epoch
    curve = getattr(core, "loss_curve_", None)
    return None if curve is None else len(curve)


def _frame_epochs(history: dict[str, Array]) -> pd.DataFrame | None:
    """Convert a history to a data frame; return None if it is empty.

    Columns that are missing for some epochs are left out.
    """
    if not history:
        return None
    n_epochs = max(map(len, history.values()))
    each = {name: values for name, values in history.items() if len(values) == n_epochs}
    return pd.DataFrame(each, index=pd.RangeIndex(1, n_epochs + 1, name="epoch"))


def _diagnose(
    estimator: Any, core: Any, X: Any, y: Any, X_test: Any, y_test: Any
) -> FitDiagnosis | None:
    """Diagnose the fit from the model's training and validation accuracy, or from the given rows.

    None if neither is available.
    """
    kept = [getattr(core, f"{part}_accuracy_", None) for part in ("train", "validation")]
    if None not in kept:
        return diagnose_fit(estimator, X=X, y=y)
    if X is None:
        return None
    return diagnose_fit(estimator, X=X, y=y, X_val=X_test, y_val=y_test, held_out="test")


def _plain_columns(frame: pd.DataFrame) -> dict[str, list[float | None]]:
    """Return columns as lists, with None for NaN and infinity, which JSON lacks."""
    return {
        str(name): [float(value) if np.isfinite(value) else None for value in column]
        for name, column in frame.items()
    }


# --- costs

N_ROUNDS = 100
MIN_ROUNDS = 20  # for a 95th percentile
MAX_SECONDS = 1.0  # after this, stop at MIN_ROUNDS; after ten times as long, stop at once
N_WARM_UP = 3


class _Counter:
    """A file object that only counts bytes."""

    def __init__(self) -> None:
        self.n_bytes = 0

    def write(self, data: Any) -> int:
        n_bytes = memoryview(data).nbytes
        self.n_bytes += n_bytes
        return n_bytes


def measure_size(estimator: Any) -> int | None:
    """Return the size of the pickled estimator in bytes; None if it cannot be pickled."""
    counter = _Counter()
    try:
        pickle.Pickler(counter, protocol=5).dump(estimator)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None
    return counter.n_bytes


def time_predictions(estimators: Sequence[Any], X: Any) -> list[tuple[float | None, float | None]]:
    """Return the median and 95th percentile of the time to predict one row, in seconds.

    Estimators are measured in turn, in an order that is reversed after every round, so that other
    load on the machine affects all of them equally. If they are slow, there are fewer rounds; with
    fewer than 20, the percentile is None. Both are None if an estimator cannot predict one row.
    """
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    order = [at for at in range(len(estimators)) if _warm_up(estimators[at], X, n_rows)]
    seconds: list[list[float]] = [[] for _ in estimators]
    started = time.perf_counter()
    for n_done in range(N_ROUNDS):
        row = take_rows(X, [n_done % n_rows])
        for at in order:
            seconds[at].append(_time(estimators[at], row))
        order.reverse()
        elapsed = time.perf_counter() - started
        if elapsed > (MAX_SECONDS if n_done + 1 >= MIN_ROUNDS else 10 * MAX_SECONDS):
            break
    return [
        (
            float(np.median(values)) if values else None,
            float(np.quantile(values, 0.95)) if len(values) >= MIN_ROUNDS else None,
        )
        for values in seconds
    ]


def _warm_up(estimator: Any, X: Any, n_rows: int) -> bool:
    try:
        for row in range(min(N_WARM_UP, n_rows)):
            _time(estimator, take_rows(X, [row]))
    except Exception:  # not an error: predicting many rows at once has worked
        return False
    return True


def _time(estimator: Any, X: Any) -> float:
    started = time.perf_counter()
    estimator.predict(X)
    return time.perf_counter() - started
