"""
Reading a diagnosis
===================

The accuracy of a network does not tell you how to improve it. ``diagnose_fit`` examines how the
network learned, and reports whether it overfits, underfits or fits well, how certain that is, and
what to do about it. This example diagnoses four networks: three with problems that we know in
advance, and one that should fit well.
"""

# %%
# Four networks
# -------------
# The first network is trained for only four epochs with small steps. The second has no more images
# than the first, but enough time to memorize them. The third has more images and uses ``dropout``.
# The fourth has so few images that the gap between its training and its held-out accuracy is very
# uncertain.

from sklearn.pipeline import Pipeline

from skmnist import PixelNormalizer, SimpleNNClassifier, load_mnist


def train(n_train, **parameters):
    """Train a simple network on `n_train` images."""
    digits = load_mnist(n_train=n_train, n_test=100, random_state=0)
    network = SimpleNNClassifier(random_state=0, **parameters)
    model = Pipeline([("normalize", PixelNormalizer()), ("network", network)])
    return model.fit(digits.X_train, digits.y_train)


models = {
    "too little time": train(5000, epochs=4, learning_rate=1e-4),
    "memorizing": train(5000, epochs=40),
    "more images, dropout": train(30_000, epochs=10, dropout=0.3),
    "few images": train(300, epochs=40, validation_fraction=0.1),
}

# %%
# Learning curves
# ---------------
# Where the dashed line (held-out images) stops following the solid one (training images), the
# network begins to memorize its training images.

import matplotlib.pyplot as plt

from skmnist.diagnosis import EpochCurveDisplay

figure, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
for ax, (name, model) in zip(axes.flat, models.items(), strict=True):
    EpochCurveDisplay.from_estimator(model, name=name, ax=ax)
plt.show()

# %%
# The verdicts
# ------------
# ``label`` is the verdict, and ``gap`` is the accuracy on the training images minus that on the
# held-out images. The fewer held-out images there are, the less certain the gap is;
# ``gap_interval`` is its 95% interval.

import pandas as pd

from skmnist import diagnose_fit

diagnoses = {name: diagnose_fit(model) for name, model in models.items()}
print(
    pd.DataFrame(
        {
            "verdict": diagnosis.label,
            "training": diagnosis.train_accuracy,
            "held out": diagnosis.validation_accuracy,
            "gap": diagnosis.gap,
            "from": diagnosis.gap_interval[0],
            "to": diagnosis.gap_interval[1],
        }
        for diagnosis in diagnoses.values()
    )
    .set_index(pd.Index(diagnoses))
    .round(3)
)

# %%
# In words
# --------
# The most important sentence comes first; ``sentence("de")`` returns the same text in German.

from textwrap import fill

for name, diagnosis in diagnoses.items():
    print(fill(f"{name}: {diagnosis}", 90), "\n")

# %%
# What to do
# ----------
# Each finding has a code, which programs can check, and, where possible, a remedy.

for name, diagnosis in diagnoses.items():
    for finding in diagnosis.findings:
        if finding.remedy():
            print(f"{name}, {finding.code}: {finding.remedy()}")

# %%
# Any classifier
# --------------
# For a classifier that does not store its training and validation accuracy, pass training images
# and held-out images. A decision tree memorizes all of its training images:

from sklearn.tree import DecisionTreeClassifier

digits = load_mnist(n_train=5000, n_test=2000, random_state=0)
X_train, X_test = (X.reshape(len(X), -1) for X in (digits.X_train, digits.X_test))
tree = DecisionTreeClassifier(random_state=0).fit(X_train, digits.y_train)
diagnosis = diagnose_fit(
    tree, X=X_train, y=digits.y_train, X_val=X_test, y_val=digits.y_test, held_out="test"
)
print(fill(str(diagnosis), 90))
