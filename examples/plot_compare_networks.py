"""
Comparing a simple and a deep network
=====================================

Two networks read handwritten digits: a simple one with a single hidden layer, and a deep one
with three. Which one should you choose? This example covers all steps from raw images to a
recommendation. It uses a part of MNIST, so it takes less than a minute.
"""

# %%
# The digits
# ----------
# MNIST is part of the package, so nothing is downloaded. ``n_train=`` selects a stratified sample.

import matplotlib.pyplot as plt

from skmnist.datasets import DatasetDisplay, load_mnist

mnist = load_mnist(n_train=10_000, n_test=5_000, random_state=0)
print(mnist.X_train.shape, mnist.X_train.dtype, mnist.X_train.min(), mnist.X_train.max())
DatasetDisplay.from_dataset(mnist).plot()
plt.show()

# %%
# Two pipelines
# -------------
# Pixel values range from 0 to 255. Such large inputs make training unstable, so
# ``PixelNormalizer`` scales them to [0, 1] first. Because it is a step of the pipeline, you cannot
# forget it when predicting.

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
# One call does all of this. The networks see the test images only after training.

from skmnist import compare_models

comparison = compare_models(
    networks, mnist.X_train, mnist.y_train, X_test=mnist.X_test, y_test=mnist.y_test
)
columns = ["test_accuracy", "diagnosis", "gap", "n_parameters", "fit_time", "n_epochs"]
print(comparison.table[columns].round(4).to_string())

# %%
# Learning curves
# ---------------
# Each network keeps its history. Where the validation curve diverges from the training curve, the
# network has begun to memorize its training images.

from skmnist.diagnosis import EpochCurveDisplay

figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), sharey=True, layout="constrained")
for ax, (name, result) in zip(axes, comparison.results.items(), strict=True):
    EpochCurveDisplay.from_estimator(result.estimator, name=name, ax=ax)
plt.show()

# %%
# Metrics for each digit
# ----------------------
# For each digit, precision is the share of the predictions of this digit that are correct, and
# recall is the share of the images of this digit that were recognized. F1 combines both, and
# support is the number of test images of the digit.

for name, result in comparison.results.items():
    print(name)
    print(result.errors.report.round(4).to_string(), "\n")

# %%
# Confusions
# ----------
# The correct predictions do not affect the colour scale, so that frequent confusions stand out from
# rare ones. The lower plots show the mistakes that each network was most certain about.

from skmnist.diagnosis import ConfusionDisplay, MisclassifiedDisplay

figure, axes = plt.subplots(2, 2, figsize=(10, 10), layout="constrained")
for (above, below), (name, result) in zip(axes.T, comparison.results.items(), strict=True):
    ConfusionDisplay(result.errors.confusion).plot(above)
    above.set_title(name)
    MisclassifiedDisplay.from_estimator(result.estimator, mnist.X_test, mnist.y_test, ax=below)
plt.show()

# %%
# Diagnosis and advice
# --------------------
# skmnist explains the results in words: whether a network overfits, its strengths and weaknesses,
# and what to try.

from textwrap import fill

for name, result in comparison.results.items():
    print(fill(f"{name}: {result.diagnosis}", 90))
    advice = result.advice()
    for sentence in advice.strengths + advice.weaknesses + advice.improvements:
        print(fill(sentence, 90, initial_indent="- ", subsequent_indent="  "))
    print()

# %%
# Recommendation
# --------------
# The recommendation says which network to choose and why, and how certain that choice is:

recommendation = comparison.recommendation
print(recommendation.headline())
for reason in recommendation.reasons():
    print(fill(reason, 90, initial_indent="- ", subsequent_indent="  "))

# %%
# In German:

print(recommendation.headline("de"))
for reason in recommendation.reasons("de"):
    print(fill(reason, 90, initial_indent="- ", subsequent_indent="  "))

# %%
# The plot shows the accuracy against the cost. Here, the cost is the number of parameters. The bars
# are 95% intervals, computed for each network separately.

from skmnist.comparison import AccuracyCostDisplay

AccuracyCostDisplay.from_comparison(comparison)
plt.show()

# %%
# With more images, both networks become more accurate and the difference between them shrinks, so
# the verdict on all of MNIST can be different; omit ``n_train`` and ``n_test`` to find out.
# ``comparison.to_html("out.html")`` writes all of this to one HTML page.
