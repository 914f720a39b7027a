"""
Deformed training images
========================

A network that has seen every digit in one position only reads shifted digits badly. Deforming the
training images at random in every epoch helps, and costs little, because it happens inside the
compiled epoch.
"""

# %%
# What is done to an image
# ------------------------
#
# The first column has the original images. An :class:`~skmnist.neural_network.ImageAugmenter`
# expects light strokes on a dark background with values in [0, 1], which a
# :class:`~skmnist.preprocessing.PixelNormalizer` returns.

import numpy as np
import pandas as pd

from skmnist import ImageAugmenter, PixelNormalizer, SimpleNNClassifier, load_mnist
from skmnist.neural_network import AugmentationDisplay

mnist = load_mnist(n_train=3000, n_test=2000, random_state=0)
normalizer = PixelNormalizer().fit(mnist.X_train)
X_train, X_test = normalizer.transform(mnist.X_train), normalizer.transform(mnist.X_test)

augmenter = ImageAugmenter(
    rotation=12, scale=0.12, shear=0.12, shift=0.07, elastic=0.03, stroke=0.5, random_state=0
)
display = AugmentationDisplay.from_estimator(augmenter, X_train[:5])

# %%
# Training with and without it
# ----------------------------
#
# These strengths are the preset ``augmentation="digits"``. Networks that are trained on deformed
# images need more epochs, a falling learning rate, and no early stopping.

options = {
    "epochs": 40,
    "learning_rate": 3e-3,
    "learning_rate_schedule": "cosine",
    "patience": None,
    "random_state": 0,
}
plain = SimpleNNClassifier(**options).fit(X_train, mnist.y_train)
augmented = SimpleNNClassifier(**options, augmentation="digits").fit(X_train, mnist.y_train)


# %%
# Accuracy on shifted test images
# -------------------------------


def shift(images, pixels):
    """Move images to the right."""
    return np.pad(images, ((0, 0), (0, 0), (pixels, 0)))[:, :, :28]


rows = {}
for pixels in (0, 1, 2, 3):
    X_shifted = normalizer.transform(shift(mnist.X_test, pixels))
    rows[f"{pixels} pixels to the right"] = {
        "plain": plain.score(X_shifted, mnist.y_test),
        "augmented": augmented.score(X_shifted, mnist.y_test),
    }
print(pd.DataFrame(rows).T.round(3))
