"""
Cross-entropy: the cost of a wrong answer
=========================================

Training minimizes a loss. Cross-entropy depends only on the probability that the network assigned
to the *correct* digit.
"""

# %%
# Confident mistakes cost the most
# --------------------------------

import matplotlib.pyplot as plt
import numpy as np

probability = np.linspace(0.005, 1, 400)

figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
ax.plot(probability, -np.log(probability), color="#0072B2")
for given, remark in ((0.95, "sure and right"), (0.5, "in doubt"), (0.02, "sure and wrong")):
    ax.plot(given, -np.log(given), "o", color="#D55E00")
    side = "right" if given > 0.9 else "left"
    ax.annotate(
        f"{remark}: {-np.log(given):.2f}",
        (given, -np.log(given)),
        xytext=(8, 22) if side == "right" else (9, 9),
        textcoords="offset points",
        ha=side,
    )
ax.set(xlabel="probability of the correct digit", ylabel="loss", ylim=(0, 5))
ax.grid(alpha=0.25)
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Before and after training
# -------------------------
# An untrained network assigns a probability of about 0.1 to each digit, which costs
# :math:`-\log 0.1 = 2.3`. Training moves the probability to the correct digit.

from sklearn.pipeline import make_pipeline

from skmnist import PixelNormalizer, SimpleNNClassifier, load_mnist

mnist = load_mnist(n_train=3000, n_test=100, random_state=0)
image, label = mnist.X_test[:1], mnist.y_test[0]

figure, axes = plt.subplots(
    1, 3, figsize=(9, 2.8), width_ratios=(1, 1.6, 1.6), layout="constrained"
)
axes[0].imshow(image[0], cmap="gray_r")
axes[0].set(title=f"a {label}", xticks=[], yticks=[])
for ax, epochs in zip(axes[1:], (0, 10), strict=True):
    network = SimpleNNClassifier(epochs=epochs, random_state=0)
    model = make_pipeline(PixelNormalizer(), network).fit(mnist.X_train, mnist.y_train)
    shares = model.predict_proba(image)[0]
    ax.bar(range(10), shares, color=["#D55E00" if k == label else "#0072B2" for k in range(10)])
    ax.set(title=f"{epochs} epochs: loss {-np.log(shares[label]):.2f}", ylim=(0, 1))
    ax.set(xticks=range(10), xlabel="digit")
    ax.spines[["top", "right"]].set_visible(False)
axes[1].set_ylabel("probability")
plt.show()
