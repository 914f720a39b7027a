"""
A neuron and its activation
===========================

A neuron computes the weighted sum of its inputs plus a bias: :math:`z = w \\cdot x + b`. Its output
is :math:`a = f(z)`. Without the function :math:`f`, several layers could compute no more than a
single one.
"""

# %%
# Three functions
# ---------------
# Below each function is its slope, by which training multiplies the gradient in each layer. Where a
# sigmoid is nearly flat, hardly any gradient is left.

import matplotlib.pyplot as plt
import numpy as np

z = np.linspace(-6, 6, 601)
sigmoid = 1 / (1 + np.exp(-z))
functions = {
    "sigmoid": (sigmoid, sigmoid * (1 - sigmoid)),
    "tanh": (np.tanh(z), 1 - np.tanh(z) ** 2),
    "ReLU": (np.maximum(0, z), np.where(z > 0, 1.0, 0.0)),
}

figure, axes = plt.subplots(2, 3, figsize=(9, 4.6), sharex=True, layout="constrained")
for (above, below), (name, (value, slope)) in zip(axes.T, functions.items(), strict=True):
    above.plot(z, value, color="#0072B2")
    above.set(title=name, ylim=(-1.2, 2.2))
    below.plot(z, slope, color="#D55E00", linestyle="--")
    below.set(xlabel="z", ylim=(-0.1, 1.2))
axes[0, 0].set_ylabel("f(z)")
axes[1, 0].set_ylabel("slope f'(z)")
for ax in axes.flat:
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Softmax
# -------
# The last layer has one neuron per digit. Softmax turns their ten values into ten probabilities
# that add up to 1. The larger the differences between the values, the more certain the answer.

values = np.array([0.2, -1.0, 0.5, 2.0, -0.5, 1.0, -1.5, 0.0, 1.5, 0.3])

figure, axes = plt.subplots(1, 2, figsize=(9, 2.9), sharey=True, layout="constrained")
for ax, factor in zip(axes, (1, 3), strict=True):
    shares = np.exp(factor * values) / np.exp(factor * values).sum()
    ax.bar(range(10), shares, color="#0072B2")
    ax.set(title=f"softmax({'3 · ' if factor > 1 else ''}z)", xlabel="digit", xticks=range(10))
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("probability")
plt.show()
