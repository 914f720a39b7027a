"""Time epochs with and without deformed images, and the deformation by other libraries.

Usage: ``python benchmarks/augmentation.py [--rounds 5]``

The other libraries deform the 60,000 training images of MNIST in batches of 256, as in an epoch:
Keras's preprocessing layers in a compiled function, and torchvision and kornia if they are
installed. torchvision draws one deformation per batch, the others one per image. Each library
rotates, scales, shears, shifts and bends with the strengths of the preset "digits"; only this
package also changes the strokes and adds noise. For this package, the time is that of an epoch with
deformed images minus that of one without. All are timed in turns; medians are reported.
"""

import argparse
import os
from importlib.util import find_spec
from statistics import median
from time import perf_counter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from skmnist import DeepNNClassifier, PixelNormalizer, SimpleNNClassifier, load_mnist
from skmnist.neural_network._augment import PRESETS

BATCH_SIZE = 256
PRESET = PRESETS["digits"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    mnist = load_mnist()
    X, y = PixelNormalizer().fit_transform(mnist.X_train).reshape(60_000, -1), mnist.y_train
    run = {
        (network.__name__, augmentation): time_epochs(network, augmentation, X, y)
        for network in (SimpleNNClassifier, DeepNNClassifier)
        for augmentation in (None, "digits")
    }
    peers = {"Keras layers": deform_by_keras}
    if find_spec("torchvision"):
        peers["torchvision v2, per batch"] = deform_by_torchvision
    if find_spec("kornia"):
        peers["kornia"] = deform_by_kornia
    run |= {name: time_batches(make(), X) for name, make in peers.items()}
    seconds = {name: [] for name in run}
    for _ in range(rounds):
        for name, once in run.items():
            seconds[name].append(once())
    seconds = {name: median(each) for name, each in seconds.items()}
    for network in ("SimpleNNClassifier", "DeepNNClassifier"):
        plain, deformed = (seconds[network, augmentation] for augmentation in (None, "digits"))
        ours = deformed - plain
        print(
            f"{network}: epoch {plain:.3f} s, with deformed images {deformed:.3f} s "
            f"({deformed / plain:.2f} x), so deforming takes {ours:.3f} s"
        )
        for name in peers:
            print(f"  {name}: {seconds[name]:.3f} s, {seconds[name] / ours:.1f} x as long")


def time_epochs(network, augmentation, X, y):
    ends = []
    model = network(
        epochs=4,
        batch_size=BATCH_SIZE,
        augmentation=augmentation,
        patience=None,
        validation_fraction=None,
        callbacks=lambda event: ends.append(perf_counter()),
        random_state=0,
    )

    def once():
        ends.clear()
        model.fit(X, y)
        return median(np.diff(ends))

    return once


def time_batches(deform, X):
    images = X.reshape(-1, 28, 28)
    deform(images[:BATCH_SIZE])  # compile

    def once():
        start = perf_counter()
        for at in range(0, len(images) - BATCH_SIZE + 1, BATCH_SIZE):
            deform(images[at : at + BATCH_SIZE])
        return perf_counter() - start

    return once


def deform_by_keras():
    import keras
    import tensorflow as tf

    layers = [
        keras.layers.RandomRotation(PRESET["rotation"] / 360, fill_mode="constant"),
        keras.layers.RandomZoom(PRESET["scale"], PRESET["scale"], fill_mode="constant"),
        keras.layers.RandomShear(PRESET["shear"], PRESET["shear"], fill_mode="constant"),
        keras.layers.RandomTranslation(PRESET["shift"], PRESET["shift"], fill_mode="constant"),
        keras.layers.RandomElasticTransform(1.0, PRESET["elastic"], fill_mode="constant"),
    ]

    @tf.function
    def deform(images):
        for layer in layers:
            images = layer(images, training=True)
        return images

    return lambda images: deform(images[..., None]).numpy()


def deform_by_torchvision():
    import torch
    from torchvision.transforms import v2

    transform = v2.Compose(
        [
            v2.RandomAffine(
                PRESET["rotation"],
                translate=(PRESET["shift"],) * 2,
                scale=(1 - PRESET["scale"], 1 + PRESET["scale"]),
                shear=np.rad2deg(PRESET["shear"]),
                interpolation=v2.InterpolationMode.BILINEAR,
            ),
            v2.ElasticTransform(alpha=28.0, sigma=4.0),
        ]
    )
    return lambda images: transform(torch.from_numpy(images[:, None])).numpy()


def deform_by_kornia():
    import kornia
    import torch

    transform = torch.nn.Sequential(
        kornia.augmentation.RandomAffine(
            PRESET["rotation"],
            translate=(PRESET["shift"],) * 2,
            scale=(1 - PRESET["scale"], 1 + PRESET["scale"]),
            shear=float(np.rad2deg(PRESET["shear"])),
            p=1.0,
        ),
        kornia.augmentation.RandomElasticTransform(
            kernel_size=(25, 25), sigma=(4.0, 4.0), alpha=(0.6, 0.6), p=1.0
        ),
    )
    return lambda images: transform(torch.from_numpy(images[:, None])).numpy()


if __name__ == "__main__":
    main()
