"""
Why pixels are divided by 255
=============================

The initial weights of a network are chosen for inputs of about 1. With pixel values from 0 to 255,
the weighted sums and the gradients of the first layer are hundreds of times as large.
"""

# %%
# We train the same network twice with plain SGD: once on raw pixels, and once on pixels scaled by
# :class:`~skmnist.preprocessing.PixelNormalizer`. Both start from the same weights and see the same
# images in the same order.

import warnings

import matplotlib.pyplot as plt
from sklearn.exceptions import ConvergenceWarning

from skmnist import PixelNormalizer, SimpleNNClassifier, load_mnist

mnist = load_mnist(n_train=3000, n_test=100, random_state=0)
raw = mnist.X_train.reshape(3000, -1)
options = {"optimizer": "sgd", "learning_rate": 0.02, "momentum": 0.0, "patience": None}
network = SimpleNNClassifier(epochs=25, random_state=0, **options)

figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
for X, name, style in (
    (PixelNormalizer().fit_transform(mnist.X_train), "divided by 255", "-"),
    (raw, "as they are", "--"),
):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # expected in this example
        history = network.fit(X, mnist.y_train).history_
    colour = "#0072B2" if style == "-" else "#D55E00"
    epochs = range(1, len(history["loss"]) + 1)
    axes[0].plot(epochs, history["loss"], style, color=colour, label=name)
    axes[1].plot(epochs, history["val_accuracy"], style, color=colour, label=name)
axes[0].set(ylabel="training loss", xlabel="epoch", yscale="log")
axes[1].set(ylabel="validation accuracy", xlabel="epoch", ylim=(0, 1))
for ax in axes:
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
axes[1].legend(title="pixels", frameon=False, loc="center right")
plt.show()
