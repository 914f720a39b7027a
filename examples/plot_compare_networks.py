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

import matplotlib.pyplot as plt

from skmnist.datasets import DatasetDisplay, load_mnist

mnist = load_mnist(n_train=10_000, n_test=5_000, random_state=0)
print(mnist.X_train.shape, mnist.X_train.dtype, mnist.X_train.min(), mnist.X_train.max())
DatasetDisplay.from_dataset(mnist).plot()
plt.show()

# %%
# Two pipelines
# -------------
# Pixels go from 0 to 255. Such large inputs make the gradient unstable, so a
# ``PixelNormalizer`` scales them to [0, 1] first. Because it is a step of the pipeline, nobody
# can forget it when predicting.

from sklearn.pipeline import Pipeline

from skmnist import DeepNNClassifier, PixelNormalizer, SimpleNNClassifier

networks = {
    name: Pipeline([("normalize", PixelNormalizer()), ("network", network)])
    for name, network in {
        "NN": SimpleNNClassifier(epochs=30, random_state=0),
        "DNN": DeepNNClassifier(epochs=30, random_state=0),
    }.items()
}

# %%
# Train, diagnose, evaluate, compare
# ----------------------------------
# One call does all of it. The test images are read when training is over, once by each network.

from skmnist import compare_models

comparison = compare_models(
    networks, mnist.X_train, mnist.y_train, X_test=mnist.X_test, y_test=mnist.y_test
)
columns = ["test_accuracy", "diagnosis", "gap", "n_parameters", "fit_time", "n_epochs"]
print(comparison.table[columns].round(4).to_string())

# %%
# How they learned
# ----------------
# Each network keeps its history. Where the validation curve turns away from the training curve,
# the network has begun to learn its images by heart.

from skmnist.diagnosis import EpochCurveDisplay

figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), sharey=True, layout="constrained")
for ax, (name, result) in zip(axes, comparison.results.items(), strict=True):
    EpochCurveDisplay.from_estimator(result.estimator, name=name, ax=ax)
plt.show()

# %%
# Digit by digit
# --------------
# Precision says how often a prediction of this digit is right, recall how many of its images were
# found; F1 is a compromise of both, and support the number of test images.

for name, result in comparison.results.items():
    print(name)
    print(result.errors.report.round(4).to_string(), "\n")

# %%
# What they confuse
# -----------------
# The right answers are out of the scale, so that the confusions can be told apart. Below them the
# mistakes of which each network was most sure.

from skmnist.diagnosis import ConfusionDisplay, MisclassifiedDisplay

figure, axes = plt.subplots(2, 2, figsize=(10, 10), layout="constrained")
for (above, below), (name, result) in zip(axes.T, comparison.results.items(), strict=True):
    ConfusionDisplay(result.errors.confusion).plot(above)
    above.set_title(name)
    MisclassifiedDisplay.from_estimator(result.estimator, mnist.X_test, mnist.y_test, ax=below)
plt.show()

# %%
# What it means
# -------------
# The figures are explained in plain words: whether a network overfits, what it is good at, what
# not, and what to try.

from textwrap import fill

for name, result in comparison.results.items():
    print(fill(f"{name}: {result.diagnosis}", 90))
    advice = result.advice()
    for sentence in advice.strengths + advice.weaknesses + advice.improvements:
        print(fill(sentence, 90, initial_indent="- ", subsequent_indent="  "))
    print()

# %%
# Which one to take
# -----------------
# And how sure that is, and why:

recommendation = comparison.recommendation
print(recommendation.headline())
for reason in recommendation.reasons():
    print(fill(reason, 90, initial_indent="- ", subsequent_indent="  "))

# %%
# The same in German:

print(recommendation.headline("de"))
for reason in recommendation.reasons("de"):
    print(fill(reason, 90, initial_indent="- ", subsequent_indent="  "))

# %%
# What the accuracy costs, in parameters to be stored and multiplied. The bars are the 95% intervals
# of each network by itself.

from skmnist.comparison import AccuracyCostDisplay

AccuracyCostDisplay.from_comparison(comparison)
plt.show()

# %%
# With more images both networks become better and more alike, so the verdict can be another one
# on all of MNIST: leave out ``n_train`` and ``n_test`` to see. ``comparison.to_html("out.html")``
# writes all of this as one page for everybody.
