"""
Letters, or any other labels
============================

skmnist is not limited to digits. In this example, its classifiers learn the letters A to J, and are
tested on typefaces that they were not trained on.
"""

# %%
# An alphabet
# -----------
# matplotlib includes many typefaces. We draw each letter many times in eleven of them, slightly
# rotated and shifted. Two of these typefaces are used only for testing, because letters in a
# typeface from the training images would be too easy to recognize.

from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
LETTERS = list("ABCDEFGHIJ")
TRAIN = ["DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "cmr10", "cmss10",
         "cmtt10", "STIXGeneral", "STIXGeneralBol"]  # fmt: skip
TEST = ["DejaVuSerif", "STIXGeneralItalic"]


def draw(letter, typeface, rng):
    """Draw a letter, white on black, slightly rotated and shifted."""
    font = ImageFont.truetype(FONTS / f"{typeface}.ttf", size=int(rng.integers(18, 24)))
    image = Image.new("L", (28, 28))
    at = 14 + rng.uniform(-2, 2, size=2)
    ImageDraw.Draw(image).text(tuple(at), letter, fill=255, font=font, anchor="mm")
    return np.array(image.rotate(rng.uniform(-15, 15), Image.Resampling.BILINEAR))


def make_letters(typefaces, n_each, rng):
    """Make images and labels, with each letter `n_each` times in each typeface."""
    names = [(letter, face) for letter in LETTERS for face in typefaces for _ in range(n_each)]
    images = np.stack([draw(letter, face, rng) for letter, face in names])
    return images, np.array([letter for letter, _ in names])


rng = np.random.default_rng(0)
X_train, y_train = make_letters(TRAIN, 40, rng)
X_test, y_test = make_letters(TEST, 100, rng)
print(X_train.shape, X_test.shape, y_train.dtype)

# %%
# The data set
# ------------
# ``DatasetDisplay`` and ``describe_dataset`` accept a dict with these four arrays.

import matplotlib.pyplot as plt

from skmnist.datasets import DatasetDisplay

letters = {"X_train": X_train, "y_train": y_train, "X_test": X_test, "y_test": y_test}
DatasetDisplay.from_dataset(letters).plot()
plt.show()

# %%
# Three classifiers
# -----------------
# We compare two networks with a linear model as a baseline.

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from skmnist import DeepNNClassifier, PixelNormalizer, SimpleNNClassifier, compare_models

models = {
    "linear": LogisticRegression(max_iter=1000),
    "simple": SimpleNNClassifier(epochs=30, random_state=0),
    "deep": DeepNNClassifier(epochs=30, random_state=0),
}
comparison = compare_models(
    {
        name: Pipeline([("normalize", PixelNormalizer()), ("model", model)])
        for name, model in models.items()
    },
    X_train,
    y_train,
    X_test=X_test,
    y_test=y_test,
)
print(comparison.table[["test_accuracy", "diagnosis", "gap", "n_parameters"]].round(4).to_string())

# %%
# The recommendation:

from textwrap import fill

print(fill(str(comparison.recommendation), 90))

# %%
# Confusions
# ----------

from skmnist.diagnosis import ConfusionDisplay, MisclassifiedDisplay

result = comparison.results[comparison.recommendation.model]
figure, axes = plt.subplots(1, 2, figsize=(10, 5), layout="constrained")
ConfusionDisplay(result.errors.confusion).plot(axes[0])
MisclassifiedDisplay.from_estimator(result.estimator, X_test, y_test, ax=axes[1])
plt.show()

# %%
print("\n".join(fill(sentence, 90) for sentence in result.advice().weaknesses))

# %%
# Fashion-MNIST, Kuzushiji-MNIST and others
# -----------------------------------------
# Data in the form of arrays can be used as above. Keras can download Fashion-MNIST, for example:
#
# .. code-block:: python
#
#     import keras
#
#     (X_train, y_train), (X_test, y_test) = keras.datasets.fashion_mnist.load_data()
#     names = np.array(["T-shirt", "trouser", "pullover", "dress", "coat",
#                       "sandal", "shirt", "sneaker", "bag", "boot"])
#     y_train, y_test = names[y_train], names[y_test]
#
# ``load_digit_archive`` reads the four IDX files in which Fashion-MNIST, Kuzushiji-MNIST and EMNIST
# are published, from a folder or a ZIP. It also reads image files with one folder per class
# (:doc:`plot_own_images`).
