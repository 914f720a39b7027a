"""
Reading a diagnosis
===================

An accuracy says how good a network is, but not what would make it better. ``diagnose_fit`` looks at
how it learned, and says whether it overfits, underfits or fits well, how sure that is, and what to
do about it. Here four networks of which we know beforehand what is wrong with them.
"""

# %%
# Four networks
# -------------
# The first may look at its images four times only, and takes small steps. The second has few
# images and much time to learn them by heart. The third has more images, and may not rely on all
# of its neurons (``dropout``). The fourth has so few images that nobody can tell.

from sklearn.pipeline import Pipeline

from skmnist import PixelNormalizer, SimpleNNClassifier, load_mnist


def train(n_train, **parameters):
    """Train a simple network on so many images."""
    digits = load_mnist(n_train=n_train, n_test=100, random_state=0)
    network = SimpleNNClassifier(random_state=0, **parameters)
    model = Pipeline([("normalize", PixelNormalizer()), ("network", network)])
    return model.fit(digits.X_train, digits.y_train)


models = {
    "too little time": train(5000, epochs=4, learning_rate=1e-4),
    "by heart": train(5000, epochs=40),
    "more images, dropout": train(30_000, epochs=10, dropout=0.3),
    "few images": train(300, epochs=40, validation_fraction=0.1),
}

# %%
# Their curves
# ------------
# Where the dashed line (images held out) stops following the solid one (images trained on), a
# network begins to learn its images by heart.

import matplotlib.pyplot as plt

from skmnist.diagnosis import EpochCurveDisplay

figure, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
for ax, (name, model) in zip(axes.flat, models.items(), strict=True):
    EpochCurveDisplay.from_estimator(model, name=name, ax=ax)
plt.show()

# %%
# The verdicts
# ------------
# ``label`` is the verdict, ``gap`` the accuracy on training images minus that on images held out.
# The gap is known only as well as so many images can tell: ``gap_interval`` is its 95% interval.

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
# The sentences come with the most important one first; ``sentence("de")`` has them in German.

from textwrap import fill

for name, diagnosis in diagnoses.items():
    print(fill(f"{name}: {diagnosis}", 90), "\n")

# %%
# What to do
# ----------
# Each finding has a code for programs, and a remedy for people where there is one.

for name, diagnosis in diagnoses.items():
    for finding in diagnosis.findings:
        if finding.remedy():
            print(f"{name}, {finding.code}: {finding.remedy()}")

# %%
# Any classifier
# --------------
# A classifier that keeps no accuracies of its own is judged by the images that it was fitted on and
# by others. A decision tree learns all of its images by heart:

from sklearn.tree import DecisionTreeClassifier

digits = load_mnist(n_train=5000, n_test=2000, random_state=0)
X_train, X_test = (X.reshape(len(X), -1) for X in (digits.X_train, digits.X_test))
tree = DecisionTreeClassifier(random_state=0).fit(X_train, digits.y_train)
diagnosis = diagnose_fit(
    tree, X=X_train, y=digits.y_train, X_val=X_test, y_val=digits.y_test, held_out="test"
)
print(fill(str(diagnosis), 90))
