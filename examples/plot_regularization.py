"""
Regularizing the deep network
=============================

A deep network has many weights. If there are few images, it memorizes them: it overfits. Two
parameters counteract overfitting. ``dropout`` switches off some of the neurons in every step, so
that no neuron can rely on another; ``l2`` penalizes large weights. This example tests whether they
reduce the gap between the accuracy on training images and the accuracy on new images, and whether
they improve the latter.
"""

# %%
# One network, four settings
# --------------------------

from sklearn.pipeline import Pipeline

from skmnist import DeepNNClassifier, PixelNormalizer, compare_models, load_mnist

mnist = load_mnist(n_train=4000, n_test=5000, random_state=0)
remedies = {
    "plain": {},
    "dropout": {"dropout": 0.5},
    "l2": {"l2": 1e-3},
    "both": {"dropout": 0.5, "l2": 1e-3},
}
comparison = compare_models(
    {
        name: Pipeline(
            [
                ("normalize", PixelNormalizer()),
                ("network", DeepNNClassifier(epochs=30, random_state=0, **parameters)),
            ]
        )
        for name, parameters in remedies.items()
    },
    mnist.X_train,
    mnist.y_train,
    X_test=mnist.X_test,
    y_test=mnist.y_test,
)
table = comparison.table
print(table[["test_accuracy", "diagnosis", "gap", "n_epochs", "fit_time"]].round(4).to_string())

# %%
# Learning curves
# ---------------
# With dropout, only some of the neurons are active during training, but all of them during
# validation. The dashed line (validation) can therefore lie above the solid one.

import matplotlib.pyplot as plt

from skmnist.diagnosis import EpochCurveDisplay

figure, axes = plt.subplots(2, 2, figsize=(9, 6), sharey=True, layout="constrained")
for ax, (name, result) in zip(axes.flat, comparison.results.items(), strict=True):
    EpochCurveDisplay.from_estimator(result.estimator, name=name, ax=ax)
    ax.set_ylim(0.8, 1.005)
plt.show()

# %%
# Does the gap shrink?
# --------------------
# Each gap is measured on only a few held-out images, so its 95% interval is wide. A gap counts as
# overfitting if its whole interval lies to the right of the dotted line, or if the gap is more than
# twice the value at the dotted line and its interval lies entirely above 0.

gaps = {name: result.diagnosis for name, result in reversed(comparison.results.items())}
figure, ax = plt.subplots(figsize=(7, 2.6), layout="constrained")
for at, diagnosis in enumerate(gaps.values()):
    ax.plot(diagnosis.gap_interval, [at, at], color="#0072b2")
    ax.plot(diagnosis.gap, at, "o", color="#0072b2")
ax.axvline(0, color="0.5")
ax.axvline(diagnosis.max_gap, color="0.5", linestyle=":")
ax.set_yticks(range(len(gaps)), gaps)
ax.set(xlabel="training minus validation accuracy", ylim=(-0.6, len(gaps) - 0.4))
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Does the accuracy improve?
# --------------------------
# All four networks read the same test images, so McNemar's exact test can compare them. The output
# shows the difference between each setting and the plain network, in percentage points of accuracy,
# with its 95% interval. A difference counts as real if its adjusted p-value is below 0.05; the
# p-values are adjusted because several pairs are tested.

for test in comparison.tests:
    if test.first == "plain":
        remedy = test.seen_from(test.second)
        low, high = remedy.interval
        print(
            f"{remedy.first:8} {100 * remedy.difference:+.2f} "
            f"({100 * low:+.2f} to {100 * high:+.2f}), p = {remedy.p_adjusted:.3f}"
        )

# %%
# The recommendation:

from textwrap import fill

print(fill(str(comparison.recommendation), 90))
