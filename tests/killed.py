"""Run as a script: train in two workers until something ends it."""

import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier

from skmnist._workers import end_with_parent
from skmnist.comparison import compare_models
from skmnist.model_selection import cross_validate


class Endless(ClassifierMixin, BaseEstimator):
    """Notes its process, and trains for ever; as a network does, it watches over its parent."""

    def __init__(self, folder):
        self.folder = folder

    def fit(self, X, y):
        end_with_parent()
        (Path(self.folder) / str(os.getpid())).touch()
        time.sleep(600)


class Quick(DummyClassifier):
    """Notes its process, and is fitted at once."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def fit(self, X, y):
        (Path(self.folder) / str(os.getpid())).touch()
        return super().fit(X, y)


if __name__ == "__main__":
    _, task, folder = sys.argv
    X, y = np.zeros((20_000, 50)), np.arange(20_000) % 2
    X[:, 0] = np.arange(20_000)
    if task == "compare":
        compare_models({"a": Endless(folder), "b": Endless(folder)}, X, y, n_jobs=2)
    elif task == "interrupt":
        warnings.simplefilter("ignore")
        models = {"endless": Endless(folder), "quick": Quick(folder)}
        sys.stdout.write(str(list(compare_models(models, X, y, n_jobs=2).results)))
    else:
        cross_validate(Endless(folder), X, y, cv=2, n_jobs=2)
