"""Comparisons to make pages of, and what stands on a page."""

import html5lib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from skmnist import PixelNormalizer, compare_models


class Learned(KNeighborsClassifier):
    """A classifier that is fitted at once and has all that a network keeps."""

    def __init__(self, n_neighbors=1, note="plain"):
        super().__init__(n_neighbors)
        self.note = note

    def fit(self, X, y):
        n_classes = len(np.unique(y))
        self.coefs_ = [np.ones((64, 16)), np.ones((16, n_classes))]
        self.intercepts_ = [np.ones(16), np.ones(n_classes)]
        self.train_accuracy_, self.validation_accuracy_ = 0.99, 0.95
        self.train_loss_, self.validation_loss_ = 0.02, 0.2
        self.n_train_, self.n_validation_ = 900, 100
        self.kept_epoch_, self.n_iter_ = 2, 3
        self.loss_curve_ = [0.9, 0.5, 0.02]
        self.history_ = {
            "accuracy": [0.8, 0.95, 0.99],
            "val_accuracy": [0.85, 0.95, 0.94],
            "loss": [0.9, 0.5, 0.02],
            "val_loss": [0.8, 0.2, 0.25],
        }
        return super().fit(X, y)


def compare(names=("NN", "DNN"), label="{}", note="plain"):
    """Compare a network and a linear model on scikit-learn's digits."""
    X, y = load_digits(return_X_y=True)
    X = X.reshape(-1, 8, 8)
    y = np.array([label.format(digit) for digit in y])
    normalize = PixelNormalizer(max_value=16)
    models = {
        names[0]: make_pipeline(normalize, LogisticRegression(C=1e-3)),
        names[1]: make_pipeline(normalize, Learned(note=note)),
    }
    return compare_models(models, X[:300], y[:300], X_test=X[300:700], y_test=y[300:700])


def parse(page):
    """Parse a page as a strict HTML5 parser does: any fault raises."""
    parser = html5lib.HTMLParser(html5lib.getTreeBuilder("etree"), strict=True)
    return parser.parse(page)


def elements(page):
    return [(e.tag.rpartition("}")[2], e) for e in parse(page).iter() if isinstance(e.tag, str)]


def get_text(page, without=()):
    root = parse(page)
    for parent in list(root.iter()):
        for child in list(parent):
            tag = str(child.tag).rpartition("}")[2]
            if child.get("id") in without or tag in ("style", "footer"):
                parent.remove(child)
    text = " ".join(root.itertext()).replace("\u2011", "-")
    return " ".join(text.split())
