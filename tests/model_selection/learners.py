"""Fast classifiers that learn nothing, to test the search itself."""

import os
import time
from types import SimpleNamespace

import numpy as np
import optuna
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from skmnist import OptunaSearchCV

QUALITIES = {"quality": [0.5, 0.6, 0.7, 0.8, 0.9]}
EPOCHS = []  # (quality, epoch) of every epoch in this process


class Learner(ClassifierMixin, BaseEstimator):
    """Predict a share of the labels correctly, and report epochs as a network does."""

    epoch_events = True

    def __init__(self, quality=0.5, epochs=10, patience=5, callbacks=None, fault=None, pause=0.0):
        self.quality = quality
        self.epochs = epochs
        self.patience = patience
        self.callbacks = callbacks
        self.fault = fault
        self.pause = pause

    def fit(self, X, y):
        if self.fault == "exception":
            raise ValueError("no luck today")
        if self.fault == "kill":
            os.kill(os.getpid(), 9)
        self.classes_ = np.unique(y)
        self.rows_ = np.asarray(X)[:, 0]
        self.history_ = {"accuracy": [], "val_accuracy": []}
        for epoch in range(1, self.epochs + 1):
            time.sleep(self.pause)
            EPOCHS.append((self.quality, epoch))
            # the best epoch is the third
            value = self.quality * (1 - 0.1 * abs(epoch - 3) / self.epochs)
            self.history_["accuracy"].append(1.0)
            self.history_["val_accuracy"].append(value)
            event = SimpleNamespace(
                epoch=epoch,
                epochs=self.epochs,
                logs={"accuracy": 1.0, "val_accuracy": value},
            )
            for callback in self.callbacks or ():
                callback(event)
        self.n_iter_ = len(self.history_["accuracy"])
        self.loss_curve_ = [0.0] * self.n_iter_
        self.best_epoch_ = min(3, self.epochs)
        self.train_accuracy_ = 1.0
        self.n_train_measured_ = len(X)
        return self

    def predict(self, X):
        check_is_fitted(self)
        # of every 100 rows, the first ones are known; row i has label i % 2
        row = np.asarray(X)[:, 0].astype(int)
        label = row % 2
        known = row % 100 < 100 * self.quality
        return np.where(known, label, 1 - label)


def make_rows(n=200):
    rows = np.arange(n)
    return np.column_stack([rows, rows % 7]).astype(float), rows % 2


def search(space=None, estimator=None, **options):
    options = {"n_trials": 6, "cv": 2, "random_state": 0, **options}
    return OptunaSearchCV(
        Learner() if estimator is None else estimator, space or QUALITIES, **options
    )


class Given(optuna.samplers.RandomSampler):
    """Draw the given values, one per trial."""

    def __init__(self, values):
        super().__init__()
        self.values = values

    def sample_independent(self, study, trial, param_name, param_distribution):
        return self.values[trial.number]
