"""
A simple and a deep network, compared
=====================================

Two networks read handwritten digits: a simple one with a single hidden layer, and a deep one
with three. Which one should you take? This example goes the whole way, from raw images to a
recommendation, on a part of MNIST so that it takes less than a minute.
"""

# %%
# The digits
# ----------
# MNIST travels inside the package, so nothing is downloaded. ``n_train=`` takes a part in which
# every digit is as frequent as in the whole.

from skmnist.datasets import load_mnist

mnist = load_mnist(n_train=10_000, n_test=5_000, random_state=0)
print(mnist.X_train.shape, mnist.X_train.dtype, mnist.X_train.min(), mnist.X_train.max())

# %%
# Two pipelines
# -------------
# Pixels go from 0 to 255. Such large inputs make the gradient unstable, so a
# ``PixelNormalizer`` scales them to [0, 1] first. Because it is a step of the pipeline, nobody
# can forget it when predicting.

from sklearn.pipeline import Pipeline

from skmnist import DeepNNClassifier, PixelNormalizer, SimpleNNClassifier

networks = {
    "NN": Pipeline(
        [
            ("normalize", PixelNormalizer()),
            ("network", SimpleNNClassifier(epochs=30, random_state=0)),
        ]
    ),
    "DNN": Pipeline(
        [
            ("normalize", PixelNormalizer()),
            ("network", DeepNNClassifier(epochs=30, random_state=0)),
        ]
    ),
}

# %%
# Train, diagnose, evaluate, compare
# ----------------------------------

from skmnist import compare_models

comparison = compare_models(
    networks, mnist.X_train, mnist.y_train, X_test=mnist.X_test, y_test=mnist.y_test
)
print(comparison.table.to_string())

# %%
# How they learned
# ----------------
# Each network keeps its history. Where the validation curve turns away from the training curve,
# the network has begun to learn its images by heart.

import matplotlib.pyplot as plt

from skmnist.diagnosis import ConfusionDisplay, EpochCurveDisplay, MisclassifiedDisplay

figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), sharey=True, layout="constrained")
for ax, (name, result) in zip(axes, comparison.results.items(), strict=True):
    EpochCurveDisplay.from_estimator(result.estimator, name=name, ax=ax)
plt.show()

# %%
# What they confuse
# -----------------
# The right answers are out of the scale, so that the confusions can be told apart. Beside them
# the mistakes of which the network was most sure.

figure, axes = plt.subplots(1, 2, figsize=(10, 5), layout="constrained")
simple = comparison.results["NN"].estimator
ConfusionDisplay.from_estimator(simple, mnist.X_test, mnist.y_test, ax=axes[0])
MisclassifiedDisplay.from_estimator(simple, mnist.X_test, mnist.y_test, ax=axes[1])
plt.show()

# %%
# What it means
# -------------
# The figures are explained in plain words, in English or in German.

for name, result in comparison.results.items():
    print(f"{name}: {result.diagnosis.label}")
    print(result.diagnosis.sentence())
    print("\n".join(result.advice().weaknesses), "\n")

# %%
# And which one to take, how sure that is, and why:

recommendation = comparison.recommendation
print(recommendation.headline(), recommendation.reason())
print()
print(recommendation.headline("de"), recommendation.reason("de"))
