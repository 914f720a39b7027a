"""
Your own images, in a ZIP
=========================

Suppose you have received a ZIP of scanned digits, with one folder per digit. ``load_digit_archive``
finds the training and test parts automatically. Before training, ``describe_dataset`` reports
problems that could invalidate a comparison.
"""

# %%
# Creating a ZIP
# --------------
# For this example, we create a ZIP from MNIST that looks like a typical archive of scans: dark ink
# on light paper, PNG files such as ``train/7/0012.png``, spaces in the names, and a file left by
# macOS. It also contains a typical error: some training images are in the test part too.

import io
import tempfile
import zipfile
from pathlib import Path

from PIL import Image

from skmnist import load_mnist

mnist = load_mnist(n_train=3000, n_test=1000, random_state=0)
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "our digits.zip"


def add(archive, part, number, pixels, label):
    """Add an image to the ZIP."""
    png = io.BytesIO()
    Image.fromarray(255 - pixels).save(png, "PNG")
    archive.writestr(f"our digits/{part}/{label}/{number:04}.png", png.getvalue())


with zipfile.ZipFile(path, "w") as archive:
    for number, (pixels, label) in enumerate(zip(mnist.X_train, mnist.y_train, strict=True)):
        add(archive, "train", number, pixels, label)
        if number < 30:
            add(archive, "test", 9000 + number, pixels, label)
    for number, (pixels, label) in enumerate(zip(mnist.X_test, mnist.y_test, strict=True)):
        add(archive, "test", number, pixels, label)
    archive.writestr("__MACOSX/our digits/train/7/._0012.png", "no image at all")
print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")

# %%
# Loading it
# ----------
# ``invert=True`` turns the images into light ink on dark paper, as in MNIST. Nothing is unpacked to
# disk, and malicious files are rejected.

from skmnist.datasets import load_digit_archive

digits = load_digit_archive(path, invert=True)
for note in digits.notes:
    print(str(note).replace(folder.name, "..."))

# %%
# The folder names are the labels:

print(digits.X_train.shape, digits.y_train[:5], digits.target_names)

# %%
# Checking it
# -----------

from textwrap import fill

from skmnist.datasets import describe_dataset

description = describe_dataset(digits)
print(fill(description.summary(), 90))
for sentence in description.sentences():
    print(fill(sentence, 90, initial_indent="- ", subsequent_indent="  "))

# %%
# ``describe_dataset`` found the error. We remove the training images from the test part:

import numpy as np

known = {image.tobytes() for image in digits.X_train}
new = np.array([image.tobytes() not in known for image in digits.X_test])
digits.X_test, digits.y_test = digits.X_test[new], digits.y_test[new]
print("removed:", np.count_nonzero(~new), "- remaining:", describe_dataset(digits).n_duplicates)

# %%
# Plotting it
# -----------

import matplotlib.pyplot as plt

from skmnist.datasets import DatasetDisplay

DatasetDisplay.from_dataset(digits).plot()
plt.show()

# %%
# Training a network
# ------------------
# From here on, everything works as with MNIST.

from sklearn.pipeline import Pipeline

from skmnist import PixelNormalizer, SimpleNNClassifier
from skmnist.diagnosis import ConfusionDisplay

model = Pipeline(
    [
        ("normalize", PixelNormalizer()),
        ("network", SimpleNNClassifier(epochs=30, random_state=0)),
    ]
).fit(digits.X_train, digits.y_train)
print(f"accuracy on the test images: {model.score(digits.X_test, digits.y_test):.1%}")
ConfusionDisplay.from_estimator(model, digits.X_test, digits.y_test)
plt.show()

# %%

folder.cleanup()
