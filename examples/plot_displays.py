"""
Learning curves and confusions
==============================

This example plots the learning curves of a network, its confusions, its most confident mistakes,
its accuracy on changed images, and the weights of its first layer. It also shows whether more
images would help. Most of the plots are Display objects, as in scikit-learn: ``from_estimator``
computes the data and plots the result, ``plot`` draws the plot again, and ``frame`` contains the
data.
"""

# %%
# A network
# ---------

from sklearn.pipeline import Pipeline

from skmnist import PixelNormalizer, SimpleNNClassifier, load_mnist

mnist = load_mnist(n_train=8000, n_test=5000, random_state=0)
model = Pipeline(
    [
        ("normalize", PixelNormalizer()),
        ("network", SimpleNNClassifier(epochs=30, random_state=0)),
    ]
).fit(mnist.X_train, mnist.y_train)

# %%
# Learning curves
# ---------------
# The accuracy is on the left, the loss on the right. The loss also depends on how certain the
# network is: it can rise while the accuracy stays the same, if the network becomes more confident
# in its remaining mistakes.

import matplotlib.pyplot as plt

from skmnist.diagnosis import EpochCurveDisplay

figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
for ax, metric in zip(axes, ["accuracy", "loss"], strict=True):
    curve = EpochCurveDisplay.from_estimator(model, metric=metric, ax=ax)
plt.show()

# %%
# The data of the last epochs:

print(curve.frame.tail(3).round(4))

# %%
# Would more images help?
# -----------------------
# scikit-learn's ``LearningCurveDisplay`` answers this question. The bands show the spread over the
# folds. ``diagnose_fit`` interprets the same curve.

from textwrap import fill

import numpy as np
from sklearn.model_selection import LearningCurveDisplay, learning_curve

from skmnist import diagnose_fit

sizes, train_scores, test_scores = learning_curve(
    model, mnist.X_train, mnist.y_train, cv=3, train_sizes=np.geomspace(0.125, 1, 4)
)
figure, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
LearningCurveDisplay(
    train_sizes=sizes, train_scores=train_scores, test_scores=test_scores, score_name="accuracy"
).plot(ax, score_type="both")
ax.set_xscale("log")
ax.set_xticks(sizes, sizes)
ax.minorticks_off()
plt.show()

for finding in diagnose_fit(learning_curve=(sizes, train_scores, test_scores)).findings:
    print(fill(f"{finding.sentence()} {finding.remedy()}", 90))

# %%
# Confusions
# ----------
# The correct predictions on the diagonal do not affect the colour scale, so that frequent
# confusions stand out from rare ones.

from skmnist.diagnosis import ConfusionDisplay

ConfusionDisplay.from_estimator(model, mnist.X_test, mnist.y_test)
plt.show()

# %%
# The most frequent confusions, with advice on each:

from skmnist.diagnosis import analyze_errors

errors = analyze_errors(
    mnist.y_test,
    model.predict(mnist.X_test),
    labels=model.classes_,
    proba=model.predict_proba(mnist.X_test),
)
for pair in errors.pairs(3):
    print(f"{pair.true} read as {pair.predicted}: {pair.count} times")
    for sentence in pair.advice():
        print(fill(sentence, 90, initial_indent="  - ", subsequent_indent="    "))

# %%
# The most confident mistakes
# ---------------------------
# Look at these mistakes first: the network is very sure of them, so nobody would double-check them.
# Some of the images are hard for people to read, too, and sometimes the label is wrong.

from skmnist.diagnosis import MisclassifiedDisplay

misread = MisclassifiedDisplay.from_estimator(model, mnist.X_test, mnist.y_test)
plt.show()

# %%
# Accuracy on changed images
# --------------------------
# The test images are as clean as the training images, but images from other sources may not be. The
# figure shows some digits after changes that a person would hardly notice:

from skmnist.diagnosis import RobustnessDisplay, corrupt_images, measure_robustness

shown = {"shift": 2, "rotation": 15, "zoom": 0.8, "thinning": 1, "noise": 0.2, "brightness": 0.2}
figure, axes = plt.subplots(1 + len(shown), 1, figsize=(6, 5), layout="constrained")
sample = mnist.X_test[:12]
rows = {"unchanged": sample} | {
    f"{name} {strength}": corrupt_images(sample, name, strength, random_state=0)
    for name, strength in shown.items()
}
for ax, (label, images) in zip(axes, rows.items(), strict=True):
    ax.imshow(np.hstack(images), cmap="gray", vmin=0, vmax=255)
    ax.set_title(label, fontsize="small", loc="left", pad=2)
    ax.set_axis_off()
plt.show()

# %%
# The network loses accuracy under most of these changes. The dotted line is the accuracy on the
# unchanged images, and the bars are 95% intervals.

robustness = measure_robustness(model, mnist.X_test, mnist.y_test, random_state=0)
RobustnessDisplay.from_results({"NN": robustness})
plt.show()

for sentence in robustness.sentences():
    print(fill(sentence, 90))

# %%
# Weights of the first layer
# --------------------------
# Each image shows the weights of one neuron. Ink on the light pixels activates it; ink on the dark
# pixels inhibits it. The weights of a trained network show strokes and arcs.

from skmnist.diagnosis import FirstLayerDisplay

FirstLayerDisplay.from_estimator(model)
plt.show()

# %%
# In German
# ---------
# With ``language="de"``, the labels of Displays are in German, and numbers have decimal commas.

misread.plot(language="de")
plt.show()
