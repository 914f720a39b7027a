"""Classifiers that stand for others, and are fitted at once; tables and tests made by hand."""

import os
import time
from typing import ClassVar

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier

from skmnist._clock import count_setup
from skmnist.comparison import PairedTest


class FakeNetwork(KNeighborsClassifier):
    """Keeps the figures of a fitted network; `fit` lasts as long as told."""

    def __init__(self, n_neighbors=1, *, n_parameters=100, validation_accuracy=0.9, seconds=0.0):
        super().__init__(n_neighbors)
        self.n_parameters = n_parameters
        self.validation_accuracy = validation_accuracy
        self.seconds = seconds

    def fit(self, X, y):
        with count_setup():
            time.sleep(self.seconds)
        self.n_parameters_ = self.n_parameters
        self.train_accuracy_ = 1.0
        self.validation_accuracy_ = self.validation_accuracy
        self.train_loss_, self.validation_loss_ = 0.0, 0.5
        self.n_train_, self.n_validation_ = 900, 100
        self.n_iter_ = 2
        self.loss_curve_ = [1.0, 0.0]
        self.history_ = {"accuracy": [0.9, 1.0], "val_accuracy": [0.9, 0.9]}
        return super().fit(X, y)


class Fails(LogisticRegression):
    def fit(self, X, y):
        raise AssertionError("was fitted")


def make_mlp(**parameters):
    # tol=100: no epoch is an improvement, so it stops by itself, soon and without a warning
    return MLPClassifier((8,), tol=100, n_iter_no_change=3, **parameters)


class Lucky(ClassifierMixin, BaseEstimator):
    """Knows the labels but for some that its luck decides."""

    def __init__(self, errors=0, random_state=None):
        self.errors = errors
        self.random_state = random_state

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.process_ = os.getpid()
        self.tensorflow_threads_ = os.environ.get("TF_NUM_INTRAOP_THREADS")
        self.n_rows_ = len(y)
        return self

    def predict(self, X):
        y = np.asarray(X)[:, 0].astype(int)
        rng = np.random.default_rng(self.random_state)
        wrong = rng.random(len(y)) < self.errors
        return np.where(wrong, (y + 1) % 3, y)


def make_table(test_accuracy, **columns):
    """Make a table of models A, B, C, ..."""
    index = list("ABCDE"[: len(test_accuracy)])
    return pd.DataFrame({"test_accuracy": test_accuracy, **columns}, index=index)


def make_test(method, difference, half, p=None):
    """Make a test of B against A with an interval of so much to both sides."""
    if p is None:
        p = 0.001 if abs(difference) > half else 0.5
    interval = (difference - half, difference + half)
    return PairedTest("B", "A", method, difference, interval, p, p, n_test=1000, n_runs=5)


class CutShort(Lucky):
    """Keeps what it has learned when Ctrl-C is pressed in its fit, as our networks do."""

    def __init__(self, errors=0, random_state=None, at_fit=1):
        super().__init__(errors, random_state)
        self.at_fit = at_fit

    fits: ClassVar[list] = []

    def fit(self, X, y):
        self.fits.append(self.random_state)
        super().fit(X, y)
        self.stop_reason_ = "interrupted" if len(self.fits) == self.at_fit else "epochs"
        return self

    def predict_proba(self, X):
        return np.eye(3)[self.predict(X)]


class Interrupted(CutShort):
    """Ends with a KeyboardInterrupt, as any other classifier does."""

    def fit(self, X, y):
        super().fit(X, y)
        if self.stop_reason_ == "interrupted":
            raise KeyboardInterrupt
        return self
