"""
SGD, momentum, Adam, and the learning rate
==========================================

An optimizer computes the slope at the current weights and takes a step. A loss that is steep in one
direction and flat in another shows how the optimizers differ.
"""

# %%
# Three optimizers
# ----------------
# Each optimizer takes only a few lines of code. The loss is :math:`L(u, v) = (u^2 + 30 v^2) / 2`, a
# valley with its lowest point at zero.

import matplotlib.pyplot as plt
import numpy as np

STEEPNESS = np.array([1.0, 30.0])
START = np.array([-4.0, 1.0])


def slope(w):
    return STEEPNESS * w


def sgd(rate, momentum=0.0, steps=40):
    w, velocity = START, 0.0
    path = [w]
    for _ in range(steps):
        velocity = momentum * velocity - rate * slope(w)
        w = w + velocity
        path.append(w)
    return np.array(path)


def adam(rate, beta_1=0.9, beta_2=0.999, steps=40):
    w, mean, square = START, 0.0, 0.0
    path = [w]
    for t in range(1, steps + 1):
        mean = beta_1 * mean + (1 - beta_1) * slope(w)
        square = beta_2 * square + (1 - beta_2) * slope(w) ** 2
        corrected = (mean / (1 - beta_1**t)) / (np.sqrt(square / (1 - beta_2**t)) + 1e-7)
        w = w - rate * corrected
        path.append(w)
    return np.array(path)


def draw(ax, path, title):
    u, v = np.meshgrid(np.linspace(-4.6, 1.6, 200), np.linspace(-1.6, 1.6, 200))
    loss = (STEEPNESS[0] * u**2 + STEEPNESS[1] * v**2) / 2
    ax.contourf(u, v, np.sqrt(loss), levels=14, cmap="Blues_r", alpha=0.75)
    ax.plot(*path.T, "o-", color="#D55E00", markersize=3, linewidth=1)
    ax.plot(0, 0, "+", color="black", markersize=10)
    ax.set(title=title, xlim=(-4.6, 1.6), ylim=(-1.6, 1.6), xticks=[], yticks=[])


figure, axes = plt.subplots(1, 3, figsize=(9, 2.7), layout="constrained")
draw(axes[0], sgd(0.02), "SGD, rate 0.02")
draw(axes[1], sgd(0.02, momentum=0.8), "with momentum 0.8")
draw(axes[2], adam(0.3), "Adam, rate 0.3")
plt.show()

# %%
# SGD is slow along the flat direction, because it uses one learning rate for both directions. With
# momentum, SGD gathers speed there. In each direction, Adam divides the step by the typical size of
# the slope, so it moves equally fast in both. This is why it needs less tuning.
#
# The learning rate
# -----------------
# The figure shows SGD with three learning rates. The last one is two per cent above the highest
# rate at which SGD is stable in this valley, so each step ends higher than the one before.

figure, axes = plt.subplots(1, 3, figsize=(9, 2.7), layout="constrained")
for ax, (rate, verdict) in zip(
    axes, ((0.002, "too small"), (0.05, "about right"), (0.068, "too large")), strict=True
):
    path = sgd(rate)
    draw(ax, path[np.abs(path[:, 1]) < 3], f"rate {rate}: {verdict}")
plt.show()
