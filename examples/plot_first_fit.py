"""
A first network
===============

Whoever knows scikit-learn knows how to use this package: a network is a classifier, and stands in
a Pipeline like any other. This example trains the smaller of the two networks on a part of MNIST,
and asks it to read images that it has never seen.
"""

# %%
# The digits
# ----------
# MNIST travels inside the package, so nothing is downloaded. ``n_train=`` takes a part in which
# every digit is as frequent as in the whole; without it you get all 60,000.

from skmnist import load_mnist

mnist = load_mnist(n_train=5000, n_test=2000, random_state=0)
print("training:", mnist.X_train.shape, mnist.X_train.dtype, "test:", mnist.X_test.shape)

# %%
# The network
# -----------
# Pixels go from 0 to 255. Such large inputs make the gradient unstable, so ``PixelNormalizer``
# scales them to [0, 1] first. Because it is a step of the Pipeline, nobody can forget it when
# predicting.

from sklearn.pipeline import Pipeline

from skmnist import PixelNormalizer, SimpleNNClassifier

model = Pipeline(
    [
        ("normalize", PixelNormalizer()),
        ("network", SimpleNNClassifier(epochs=30, random_state=0)),
    ]
)
model.fit(mnist.X_train, mnist.y_train)
network = model["network"]
print(f"{network.n_parameters_:,} parameters, {network.n_iter_} epochs")
print(f"Of the test images it reads {model.score(mnist.X_test, mnist.y_test):.1%} correctly.")

# %%
# How it learned
# --------------
# A tenth of the training images was held out to validate on. The diamond marks the epoch that read
# them best; its weights were kept. Training stops by itself where ``patience`` epochs in a row
# bring nothing better.

import matplotlib.pyplot as plt

from skmnist.diagnosis import EpochCurveDisplay

EpochCurveDisplay.from_estimator(model, name="The simple network")
plt.show()

# %%
# What it sees in an image
# ------------------------
# ``predict_proba`` says how sure it is. Here the test image of which it is least sure, beside what
# it takes it for.

import numpy as np

probabilities = model.predict_proba(mnist.X_test)
row = int(np.argmin(probabilities.max(axis=1)))

figure, (image, bars) = plt.subplots(
    1, 2, figsize=(7, 2.8), width_ratios=[1, 2], layout="constrained"
)
image.imshow(mnist.X_test[row], cmap="gray_r")
image.set_title(f"it is a {mnist.y_test[row]}")
image.axis("off")
bars.bar(model.classes_, probabilities[row])
bars.set(xticks=model.classes_, xlabel="digit", ylabel="probability", ylim=(0, 1))
bars.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Does it overfit?
# ----------------
# The package says in plain words what the figures mean.
# :doc:`plot_diagnosis` reads such a verdict line by line.

from textwrap import fill

from skmnist import diagnose_fit

print(fill(str(diagnose_fit(model)), 90))
