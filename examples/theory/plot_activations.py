"""
A neuron and its activation
===========================

A neuron adds up its inputs, each with a weight, and a bias: :math:`z = w \\cdot x + b`. What it
hands on is :math:`a = f(z)`, and the function :math:`f` is what lets several layers do more than
one.
"""

# %%
# Three functions
# ---------------
# Below each function is its slope: training multiplies by it, layer after layer. Where a sigmoid
# is nearly flat, hardly anything comes through.

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
# The last layer has one neuron per digit. Softmax turns their ten values into ten shares that add
# up to 1: the same values with a greater distance give a surer answer.

values = np.array([0.2, -1.0, 0.5, 2.0, -0.5, 1.0, -1.5, 0.0, 1.5, 0.3])

figure, axes = plt.subplots(1, 2, figsize=(9, 2.9), sharey=True, layout="constrained")
for ax, factor in zip(axes, (1, 3), strict=True):
    shares = np.exp(factor * values) / np.exp(factor * values).sum()
    ax.bar(range(10), shares, color="#0072B2")
    ax.set(title=f"softmax({'3 · ' if factor > 1 else ''}z)", xlabel="digit", xticks=range(10))
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("probability")
plt.show()
