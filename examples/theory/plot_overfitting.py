"""
Overfitting and its remedies
============================

A network with many weights that is trained on only a few images can memorize every image. It then
makes no mistakes on the images that it has seen, but has not become any better at reading new ones.
"""

# %%
# One deep network, four settings
# -------------------------------
# We use only 1,500 images so that overfitting appears quickly. The network is trained four times:
# without a remedy; with ``dropout``, which switches off neurons at random; with ``l2``, which
# penalizes large weights; and with ``patience``, which stops training when the validation loss no
# longer improves. The best weights are then kept.

import matplotlib.pyplot as plt

from skmnist import DeepNNClassifier, PixelNormalizer, load_mnist

mnist = load_mnist(n_train=1500, n_test=100, random_state=0)
X = PixelNormalizer().fit_transform(mnist.X_train)
options = {"epochs": 30, "patience": None, "random_state": 0, "validation_fraction": 0.3}
networks = {
    "no remedy": DeepNNClassifier(**options),
    "dropout=0.5": DeepNNClassifier(**options, dropout=0.5),
    "l2=0.001": DeepNNClassifier(**options, l2=0.001),
    "patience=5": DeepNNClassifier(**{**options, "patience": 5, "monitor": "val_loss"}),
}

figure, axes = plt.subplots(2, 2, figsize=(9, 5.6), sharex=True, sharey=True, layout="constrained")
for ax, (name, network) in zip(axes.flat, networks.items(), strict=True):
    history = network.fit(X, mnist.y_train).history_
    epochs = range(1, network.n_iter_ + 1)
    ax.plot(epochs, history["loss"], color="#0072B2", label="training")
    ax.plot(epochs, history["val_loss"], "--", color="#D55E00", label="validation")
    if network.patience:
        kept = network.kept_epoch_
        ax.plot(kept, history["val_loss"][kept - 1], "D", color="black", label="kept")
        ax.legend(frameon=False)
    ax.set(title=name, ylim=(0, 1.2))
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
axes[0, 0].legend(frameon=False)
axes[0, 0].set_ylabel("loss")
axes[1, 0].set(ylabel="loss", xlabel="epoch")
axes[1, 1].set(xlabel="epoch")
plt.show()

# %%
# Where the dashed line turns upwards, the network becomes too certain of wrong answers: its
# accuracy on new images may stay the same, but its probabilities are no longer trustworthy.
# :func:`~skmnist.diagnosis.diagnose_fit` detects this in the history and explains it in words.

from skmnist import diagnose_fit

print(diagnose_fit(networks["no remedy"]))
