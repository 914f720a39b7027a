"""
Learning curves and confusions
==============================

Every question about a trained network has a picture: how it learned, whether more images would
help, what it confuses, which mistakes it is sure of, what it looks for in an image. Each is a
Display in scikit-learn's manner: ``from_estimator`` computes and draws, ``plot`` draws again,
``frame`` has the figures behind it.
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
# How it learned
# --------------
# The accuracy on the left, the loss on the right. The loss also counts how sure the network was: it
# can rise again while the accuracy stays, where the mistakes that are left become more confident.

import matplotlib.pyplot as plt

from skmnist.diagnosis import EpochCurveDisplay

figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
for ax, metric in zip(axes, ["accuracy", "loss"], strict=True):
    curve = EpochCurveDisplay.from_estimator(model, metric=metric, ax=ax)
plt.show()

# %%
# The figures behind it, the last epochs:

print(curve.frame.tail(3).round(4))

# %%
# Would more images help?
# -----------------------
# That is the question of scikit-learn's ``LearningCurveDisplay``. The bands are the spread over the
# folds. ``diagnose_fit`` reads the same curve.

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
# What it confuses
# ----------------
# The right answers, on the diagonal, are out of the scale: they would make all confusions look
# alike.

from skmnist.diagnosis import ConfusionDisplay

ConfusionDisplay.from_estimator(model, mnist.X_test, mnist.y_test)
plt.show()

# %%
# The most frequent confusions with advice on each:

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
# Which mistakes it is sure of
# ----------------------------
# Nobody would check these, so they are the first to look at. Some of them are hard to read for
# people, too; and sometimes it is the label that is wrong.

from skmnist.diagnosis import MisclassifiedDisplay

misread = MisclassifiedDisplay.from_estimator(model, mnist.X_test, mnist.y_test)
plt.show()

# %%
# What it looks for
# -----------------
# Each picture is a neuron of the first layer: light where ink speaks for what it looks for, dark
# where ink speaks against. A network that has learned shows strokes and arcs.

from skmnist.diagnosis import FirstLayerDisplay

FirstLayerDisplay.from_estimator(model)
plt.show()

# %%
# In German
# ---------
# Every Display speaks it, decimal commas included.

misread.plot(language="de")
plt.show()
