"""
Deformed training images
========================

A network that has seen every digit in only one position often misclassifies shifted digits and
other people's digits. Deforming the training images at random in every epoch helps, and costs
little, because it runs in the same compiled code as the training.
"""

# %%
# How images are deformed
# -----------------------
#
# An :class:`~skmnist.neural_network.ImageAugmenter` has a strength parameter for each kind of
# deformation. In each picture, the first column shows the original images, and the others show
# random deformations. The images must be light on dark with values in [0, 1], as returned by a
# :class:`~skmnist.preprocessing.PixelNormalizer`.

import matplotlib.pyplot as plt
import pandas as pd

from skmnist import (
    ImageAugmenter,
    PixelNormalizer,
    SimpleNNClassifier,
    get_recipe,
    load_mnist,
    load_swiss_digits,
)
from skmnist.neural_network import AugmentationDisplay

mnist = load_mnist(n_train=6000, n_test=2000, random_state=0)
normalizer = PixelNormalizer().fit(mnist.X_train)
X_train, X_test = normalizer.transform(mnist.X_train), normalizer.transform(mnist.X_test)

strengths = {
    "rotation": 12,
    "scale": 0.12,
    "shear": 0.12,
    "shift": 0.07,
    "elastic": 0.02,
    "stroke": 0.5,
    "noise": 0.3,
}
for name, strength in strengths.items():
    augmenter = ImageAugmenter(**{name: strength}, random_state=0)
    display = AugmentationDisplay.from_estimator(augmenter, X_train[:2])
    display.figure_.suptitle(f"{name}={strength}")
plt.show()

# %%
# Together, these seven strengths make up the preset ``augmentation="digits"``.

augmenter = ImageAugmenter(**strengths, random_state=0)
display = AugmentationDisplay.from_estimator(augmenter, X_train[:5])

# %%
# Training with and without deformations
# --------------------------------------
#
# Training on deformed images works best with more epochs, a falling learning rate, and no early
# stopping. The recipe "robust" combines these settings. To save time, we use fewer epochs here.

plain = SimpleNNClassifier(random_state=0).fit(X_train, mnist.y_train)
robust = SimpleNNClassifier(**get_recipe("robust", "simple"), random_state=0)
robust.set_params(epochs=40).fit(X_train, mnist.y_train)

# %%
# Digits of Swiss writers, original and deformed
# ----------------------------------------------
#
# The digits of ten Swiss writers differ from those of MNIST: the 1, for example, has a long
# upstroke. As above, the first column shows the original images.

swiss = load_swiss_digits(writers="reported")
X_swiss = normalizer.transform(swiss.images)
first = [next(i for i in range(len(X_swiss)) if swiss.target[i] == digit) for digit in (1, 4, 7, 9)]
display = AugmentationDisplay.from_estimator(augmenter, X_swiss[first])

# %%
# The table shows the accuracy of both networks on test images of MNIST, on the same images moved
# to the right, and on the Swiss digits. Both networks were trained on only 6,000 images of MNIST.


def move(images, pixels):
    """Move images to the right."""
    moved = images.copy()
    moved[:, :, pixels:] = images[:, :, :-pixels]
    moved[:, :, :pixels] = 0
    return normalizer.transform(moved)


tests = {
    "MNIST": (X_test, mnist.y_test),
    "MNIST, 2 pixels to the right": (move(mnist.X_test, 2), mnist.y_test),
    "Swiss writers": (X_swiss, swiss.target),
}
rows = {
    name: {"plain": plain.score(*test), "robust": robust.score(*test)}
    for name, test in tests.items()
}
print(pd.DataFrame(rows).T.round(3))
