"""
The confusion matrix and its metrics
====================================

Precision, recall and F1 are all computed from one table: the true digits against the predictions of
the network.
"""

# %%
# The confusion matrix
# --------------------
# A network that has learned little makes enough mistakes to show where they appear in the matrix.
# The framed row shows how the nines were read; the framed column shows which digits were read as a
# nine.

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle
from sklearn.pipeline import make_pipeline

from skmnist import PixelNormalizer, SimpleNNClassifier, load_mnist
from skmnist.diagnosis import ConfusionDisplay

mnist = load_mnist(n_train=1000, n_test=5000, random_state=0)
model = make_pipeline(PixelNormalizer(), SimpleNNClassifier(16, epochs=15, random_state=0))
model.fit(mnist.X_train, mnist.y_train)

figure, ax = plt.subplots(figsize=(5.6, 5.2), layout="constrained")
display = ConfusionDisplay.from_estimator(model, mnist.X_test, mnist.y_test, ax=ax)
ax.add_patch(Rectangle((-0.5, 8.5), 10, 1, fill=False, edgecolor="#0072B2", linewidth=2.5))
ax.add_patch(Rectangle((8.5, -0.5), 1, 10, fill=False, edgecolor="#009E73", linewidth=2.5))
plt.show()

# %%
# From the matrix to the metrics
# ------------------------------
# The precision is the share of the images *predicted* as a nine (the green column) that really are
# nines. The recall is the share of the images that *are* nines (the blue row) that were recognized.
# F1 lies between the two, closer to the smaller one.

found = display.frame.to_numpy()
right = found[9, 9]
precision = right / found[:, 9].sum()
recall = right / found[9].sum()
f1 = 2 * precision * recall / (precision + recall)
print(f"precision {precision:.3f}  recall {recall:.3f}  F1 {f1:.3f}  support {found[9].sum()}")

# %%
# scikit-learn computes the same values:

from sklearn.metrics import classification_report

print(classification_report(mnist.y_test, model.predict(mnist.X_test), digits=3))
