"""Compare ways of choosing which digits to accept, with the network of the bundled reader.

Usage: ``pip install '.[benchmark]'``, then ``python benchmarks/selection.py``

Each method is calibrated on the same digits as the reader, except those that do not look like
digits, and is then applied to the digits of the three writers that were used for nothing else.
"""

import warnings

import numpy as np
from crepes import WrapClassifier
from mapie.classification import SplitConformalClassifier
from mapie.risk_control import BinaryClassificationController
from skfb.estimators import RateFallbackClassifierCV, ThresholdFallbackClassifierCV
from sklearn.frozen import FrozenEstimator

from skmnist import load_swiss_digits
from skmnist.reading import load_reader, select_threshold

MAX_ERROR, CONFIDENCE = 0.005, 0.95


def main():
    warnings.filterwarnings("ignore")
    reader, swiss = load_reader(), load_swiss_digits()
    X = swiss.images.reshape(len(swiss.images), -1)
    own = np.flatnonzero(np.isin(swiss.groups, swiss.writers[8:11]))
    calibration = own[reader.read_digits(255 - swiss.images[own])["outcome"] != "not_digit"]
    test = np.isin(swiss.groups, swiss.writers[11:])
    given, X_test = (X[calibration], swiss.target[calibration]), X[test]
    model = FrozenEstimator(reader.estimator_).fit(*given)
    right = model.predict(X_test) == swiss.target[test]
    print(f"{len(calibration)} calibration digits, {len(right)} others, {right.mean():.2%} right")

    def tell(name, accepted):
        accepted = np.asarray(accepted, bool)
        n_wrong = int((accepted & ~right).sum())
        share = n_wrong / max(accepted.sum(), 1)
        print(f"{name:40} {accepted.mean():7.1%} accepted {share:7.2%} ({n_wrong}) wrong")

    top = model.predict_proba(X_test).max(axis=1)
    known = model.predict_proba(given[0])
    is_right = known.argmax(axis=1) == given[1]
    selection = select_threshold(known.max(axis=1), is_right, MAX_ERROR, CONFIDENCE)
    tell("select_threshold", top > selection.threshold)
    outcome = reader.read_digits(255 - swiss.images[test])["outcome"]
    tell("DigitReader", outcome == "digit")

    def is_probably_right(probability):
        return np.column_stack([1 - probability[:, 0], probability[:, 0]])

    controller = BinaryClassificationController(
        is_probably_right, "precision", 1 - MAX_ERROR, confidence_level=CONFIDENCE
    )
    controller.calibrate(known.max(axis=1, keepdims=True), is_right.astype(int))
    found = controller.best_predict_param
    tell("MAPIE, risk control", np.zeros(len(top)) if found is None else top >= found)

    conformal = SplitConformalClassifier(model, confidence_level=1 - MAX_ERROR, prefit=True)
    conformal.conformalize(*given)
    tell("MAPIE, sets of one label", conformal.predict_set(X_test)[1][..., 0].sum(axis=1) == 1)
    wrapped = WrapClassifier(model)
    wrapped.calibrate(*given)
    sets = wrapped.predict_set(X_test, confidence=1 - MAX_ERROR, smoothing=False)
    tell("crepes, sets of one label", [len(labels) == 1 for labels in sets])

    for name, fallback in {
        "scikit-fallback, 5% rejected": RateFallbackClassifierCV(model, fallback_rate=0.05, cv=5),
        "scikit-fallback, best threshold": ThresholdFallbackClassifierCV(
            model, thresholds=np.linspace(0.1, 0.999, 900), cv=5
        ),
    }.items():
        fallback.fit(*given)
        tell(name, top >= fallback.threshold_)


if __name__ == "__main__":
    main()
