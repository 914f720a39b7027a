"""
A first network
===============

If you know scikit-learn, you know how to use this package: a network is a classifier that you put
into a Pipeline like any other. This example trains the smaller of the two networks on a part of
MNIST and evaluates it on images that it has never seen.
"""

# %%
# The digits
# ----------
# MNIST is part of the package, so nothing is downloaded. ``n_train=`` selects a stratified sample;
# without it you get all 60,000 training images.

from skmnist import load_mnist

mnist = load_mnist(n_train=5000, n_test=2000, random_state=0)
print("training:", mnist.X_train.shape, mnist.X_train.dtype, "test:", mnist.X_test.shape)

# %%
# The network
# -----------
# Pixel values range from 0 to 255. Such large inputs make training unstable, so
# ``PixelNormalizer`` scales them to [0, 1] first. Because it is a step of the Pipeline, you cannot
# forget it when predicting.

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
print(f"accuracy on the test images: {model.score(mnist.X_test, mnist.y_test):.1%}")

# %%
# Training and validation curves
# ------------------------------
# The figure shows the progress of training, epoch by epoch. A tenth of the training images was held
# out for validation. The diamond marks the epoch with the best validation accuracy; the weights
# of this epoch were kept. Training stops after ``patience`` epochs without an improvement.

import matplotlib.pyplot as plt

from skmnist.diagnosis import EpochCurveDisplay

EpochCurveDisplay.from_estimator(model, name="The simple network")
plt.show()

# %%
# Predicted probabilities
# -----------------------
# ``predict_proba`` returns a probability for each digit. This is the test image that the network
# is least certain about:

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
# ``diagnose_fit`` explains the result in words. :doc:`plot_diagnosis` shows how to read such a
# diagnosis.

from textwrap import fill

from skmnist import diagnose_fit

print(fill(str(diagnose_fit(model)), 90))
