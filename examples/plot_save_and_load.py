"""
Saving, loading, and predicting without tensorflow
==================================================

tensorflow is large and takes seconds to import, and loading a pickle can run arbitrary code. A
program that only predicts needs neither tensorflow nor pickle: ``save_model`` writes names, numbers
and arrays, from which ``load_model`` rebuilds a network that predicts with NumPy alone.
"""

# %%
# A trained network
# -----------------

from sklearn.pipeline import Pipeline

from skmnist import PixelNormalizer, SimpleNNClassifier, load_mnist

mnist = load_mnist(n_train=5000, n_test=2000, random_state=0)
model = Pipeline(
    [
        ("normalize", PixelNormalizer()),
        ("network", SimpleNNClassifier(epochs=20, random_state=0)),
    ]
).fit(mnist.X_train, mnist.y_train)

# %%
# Saving it
# ---------
# We save the whole Pipeline, so that you cannot forget to scale the pixels.

import tempfile
from pathlib import Path

import numpy as np

from skmnist import save_model

folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "digits.skmnist"
images = Path(folder.name) / "images.npy"
save_model(model, path)
np.save(images, mnist.X_test[:12])
print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")

# %%
# Loading it in another program
# -----------------------------
# This program receives two files: the saved model, and an array of twelve test images. At the end,
# it reports whether tensorflow, keras and scikeras were imported.

import subprocess
import sys

program = """
import sys, time

start = time.perf_counter()
import numpy as np
from skmnist import load_model

model = load_model(sys.argv[1])
labels = model.predict(np.load(sys.argv[2]))
print("read:", *labels)
print(f"after {time.perf_counter() - start:.1f} s, imports included")
for name in ("tensorflow", "keras", "scikeras"):
    print(f"{name} imported:", name in sys.modules)
"""
finished = subprocess.run(
    [sys.executable, "-c", program, path, images], capture_output=True, text=True, check=True
)
print(finished.stdout)

# %%
# The same images with their true labels:

import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 12, figsize=(9, 1.1), layout="constrained")
for ax, image, label in zip(axes, mnist.X_test, mnist.y_test, strict=False):
    ax.imshow(image, cmap="gray_r")
    ax.set_title(label)
    ax.axis("off")
plt.show()

# %%
# Identical predictions
# ---------------------

from skmnist import load_model

loaded = load_model(path)
same = np.array_equal(loaded.predict_proba(mnist.X_test), model.predict_proba(mnist.X_test))
print("the same probabilities, bit for bit:", same)

# %%
# An invalid file
# ---------------
# For an invalid file, ``load_model`` raises an error that states the problem. ``load_model`` never
# runs code from a file.

from skmnist.persistence import ModelFileError

path.write_text("<html>404 not found</html>")
try:
    load_model(path)
except ModelFileError as error:
    print(str(error).replace(folder.name, "..."))
folder.cleanup()
