"""
Hand-drawn digits
=================

A network trained on MNIST reads a digit well only if the digit is prepared as in MNIST: bright on
black, scaled to fit 20 x 20 pixels, with its centre of mass in the middle of a 28 x 28 image.
Nobody draws like that. ``DigitCropper`` finds the ink in a drawing, a scan or a photo, and turns it
into an image in MNIST's format.
"""

# %%
# Three sheets
# ------------
# We simulate three images of different sizes, from an app, a scanner and a camera. The digits are
# drawn on a transparent canvas, on clean paper, and on paper that is partly in shadow.

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

canvas = Image.new("RGBA", (300, 400))  # transparent, like a drawing board
ImageDraw.Draw(canvas).line(
    [(60, 40), (160, 40), (80, 250), (75, 270)], fill=(30, 60, 200, 255), width=18, joint="curve"
)

scan = Image.new("L", (180, 240), color=245)
pen = ImageDraw.Draw(scan)
pen.arc((90, 110, 130, 150), start=0, end=360, fill=40, width=7)
pen.arc((92, 50, 220, 200), start=180, end=250, fill=40, width=7)

paper = Image.new("L", (640, 480), color=210)
pen = ImageDraw.Draw(paper)
pen.line([(420, 100), (350, 260), (480, 260)], fill=70, width=22, joint="curve")
pen.line([(445, 190), (440, 370)], fill=70, width=22)
shade = np.linspace(0.45, 1.0, 640)
noise = np.random.default_rng(0).normal(0, 4, size=(480, 640))
photo = np.array(paper.filter(ImageFilter.GaussianBlur(2))) * shade + noise
photo = photo.clip(0, 255).astype(np.uint8)

sheets = [canvas, scan, photo]

# %%
# The cropped digits
# ------------------

import matplotlib.pyplot as plt

from skmnist import DigitCropper

cropper = DigitCropper()
digits = cropper.transform(sheets).reshape(-1, 28, 28)

figure, axes = plt.subplots(2, 3, figsize=(8, 5.5), layout="constrained")
for (above, below), sheet, digit in zip(axes.T, sheets, digits, strict=True):
    above.imshow(sheet, cmap="gray", vmin=0, vmax=255)
    below.imshow(digit, cmap="gray")
    above.set_xticks([])
    above.set_yticks([])
    below.axis("off")
plt.show()

# %%
# A network that reads them
# -------------------------
# The network is trained on plain MNIST. Afterwards, we put the cropper in front of it.

from sklearn.pipeline import Pipeline, make_pipeline

from skmnist import PixelNormalizer, SimpleNNClassifier, load_mnist

mnist = load_mnist(n_train=10_000, n_test=1000, random_state=0)
network = Pipeline(
    [
        ("normalize", PixelNormalizer()),
        ("network", SimpleNNClassifier(epochs=20, random_state=0)),
    ]
).fit(mnist.X_train, mnist.y_train)

reader = make_pipeline(cropper, network)
for name, probabilities in zip(
    ["drawing", "scan", "photo"], reader.predict_proba(sheets), strict=True
):
    first, second = np.argsort(-probabilities)[:2]
    print(
        f"{name}: {reader.classes_[first]} ({probabilities[first]:.1%}), "
        f"then {reader.classes_[second]} ({probabilities[second]:.1%})"
    )

# %%
# A blank sheet
# -------------
# A sheet without ink becomes an empty image, and a warning lists the indices of up to five such
# sheets.

import warnings
from textwrap import fill

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    blank = cropper.transform([np.full((100, 100), 240, dtype=np.uint8)])
print("ink:", int(blank.sum()))
print(fill(str(caught[0].message), 90))
