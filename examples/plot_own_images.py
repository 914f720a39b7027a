"""
Your own images, in a ZIP
=========================

Somebody sends a ZIP with scanned digits, a folder for each. ``load_digit_archive`` finds the
training and the test part in it by itself, and ``describe_dataset`` says what would spoil a
comparison before an hour has been spent on training.
"""

# %%
# Such a ZIP
# ----------
# As we have none here, we make one from MNIST's digits, as it might come from a scanner: dark ink
# on light paper, PNG files in ``train/7/0012.png``, blanks in the names, and what macOS leaves
# behind. And with a mishap: some of the training images got into the test part, too.

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
# What is in it
# -------------
# ``invert=True`` makes light ink on dark paper of it, as MNIST has it. Nothing is unpacked, and
# what is made to do harm is refused.

from skmnist.datasets import load_digit_archive

digits = load_digit_archive(path, invert=True)
for note in digits.notes:
    print(str(note).replace(folder.name, "..."))

# %%
# The names of the folders were the labels:

print(digits.X_train.shape, digits.y_train[:5], digits.target_names)

# %%
# Is anything wrong with it?
# --------------------------

from textwrap import fill

from skmnist.datasets import describe_dataset

description = describe_dataset(digits)
print(fill(description.summary(), 90))
for sentence in description.sentences():
    print(fill(sentence, 90, initial_indent="- ", subsequent_indent="  "))

# %%
# So the mishap is found. We take out of the test part what the training part has:

import numpy as np

known = {image.tobytes() for image in digits.X_train}
new = np.array([image.tobytes() not in known for image in digits.X_test])
digits.X_test, digits.y_test = digits.X_test[new], digits.y_test[new]
print("taken out:", np.count_nonzero(~new), "- found now:", describe_dataset(digits).n_duplicates)

# %%
# A picture of it
# ---------------

import matplotlib.pyplot as plt

from skmnist.datasets import DatasetDisplay

DatasetDisplay.from_dataset(digits).plot()
plt.show()

# %%
# A network that reads them
# -------------------------
# From here on it does not matter where the images came from.

from sklearn.pipeline import Pipeline

from skmnist import PixelNormalizer, SimpleNNClassifier
from skmnist.diagnosis import ConfusionDisplay

model = Pipeline(
    [
        ("normalize", PixelNormalizer()),
        ("network", SimpleNNClassifier(epochs=30, random_state=0)),
    ]
).fit(digits.X_train, digits.y_train)
print(f"{model.score(digits.X_test, digits.y_test):.1%} of the test images are read correctly.")
ConfusionDisplay.from_estimator(model, digits.X_test, digits.y_test)
plt.show()

# %%

folder.cleanup()
