"""Create ``skmnist/reading/data/digits.skmnist``, the reader that is bundled with the package.

Usage: ``python scripts/make_reader.py [--epochs N] [--seed N] [--no-rough] [FILE]``

Trains on MNIST and eight Swiss writers, and on rough copies of their digits (`_paper.py`),
calibrates on three other writers, and reports on the last three, which are used for nothing else.
The notes of the reader are its card. If they change, also change ``[card.known]`` in the
catalogues, which has them in every language.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from _paper import roughen
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline, make_pipeline

from skmnist import (
    DeepNNClassifier,
    DigitReader,
    PixelNormalizer,
    __version__,
    get_recipe,
    load_mnist,
    load_swiss_digits,
    save_model,
)
from skmnist.reading._guard import make_examples

TARGET = Path(__file__).parents[1] / "skmnist" / "reading" / "data" / "digits.skmnist"
MAX_BYTES = 3_000_000
TRAINED, CALIBRATED = 8, 3  # numbers of writers; the figures are for the others
REPEATED = 8  # uses of each Swiss digit, because MNIST has 13 times as many
EPOCHS = 40
GUARD_ROWS = 20_000  # of MNIST
GUARD_LAYERS, GUARD_EPOCHS = (640, 256), 16


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?", type=Path, default=TARGET)
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="fewer for a trial")
    parser.add_argument("--seed", type=int, default=0, help="another one for a comparison")
    parser.add_argument(
        "--rough",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether the network is trained on rough copies as well; the guard always is",
    )
    arguments = parser.parse_args()

    mnist, swiss = load_mnist(), load_swiss_digits()
    trained = swiss.writers[:TRAINED]
    calibrated = swiss.writers[TRAINED : TRAINED + CALIBRATED]
    reported = swiss.writers[TRAINED + CALIBRATED :]

    def pick(writers: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = np.isin(swiss.groups, writers)
        return swiss.images[rows], swiss.target[rows], swiss.groups[rows]

    images, target, _ = pick(trained)
    network = train_network(
        mnist, images, target, arguments.epochs, arguments.seed, arguments.rough
    )
    reader = DigitReader(FrozenEstimator(network)).fit(images[:100], target[:100])
    guard = train_guard(mnist, images, target, arguments.seed)
    reader.guard_coefs_, reader.guard_intercepts_ = guard.coefs_, guard.intercepts_
    convert_weights(reader, np.float16)  # so that the file is half as large
    convert_weights(reader, np.float32)  # as they are when the file is loaded
    images, target, writers = pick(calibrated)
    reader.calibrate(images, target, groups=writers)

    of_calibration = report(reader, images, target, writers)
    figures = report(reader, *pick(reported))
    mnist_accuracy = float(reader.score(mnist.X_test, mnist.y_test))
    reader.notes_ = {
        "name": "Digits of MNIST and of Swiss writers",
        "network": f'DeepNNClassifier(**get_recipe("robust", "deep")), {arguments.epochs} epochs',
        "trained_on": (
            f"60,000 images of MNIST and the Swiss writers {', '.join(trained)}, {REPEATED} times"
            + (
                ", and rough copies of all of them, as from scanned forms"
                if arguments.rough
                else ""
            )
        ),
        "calibrated_on": f"the Swiss writers {', '.join(calibrated)}",
        "reported_on": (
            f"the Swiss writers {', '.join(reported)}, not used in training and calibration"
        ),
        **figures,
        "mnist_test_accuracy": round(mnist_accuracy, 4),
        "limits": (
            "Handwritten digits on light paper, one per place. The error rate is promised for "
            "writers like the three of the calibration, which are too few for a promise about "
            "others: calibrate with your own. Letters like digits are read as digits."
        ),
        "licence": (
            "Weights under CC BY-SA 3.0, as MNIST (Yann LeCun, Corinna Cortes); the Swiss digits, "
            'collection "numbers" of BSI-Business-Systems-Integration-AG/anagnostes, are CC0 1.0.'
        ),
        "made_by": f"scripts/make_reader.py, skmnist {__version__}",
    }
    arguments.file.parent.mkdir(exist_ok=True)
    convert_weights(reader, np.float16)
    save_model(reader, arguments.file)
    size = arguments.file.stat().st_size
    print(*reader.promise().sentences(), sep="\n")
    print(reader.promise().writers)
    print(f"calibration writers: {of_calibration['accuracy']:.2%} right")
    for key, value in reader.notes_.items():
        print(f"{key}: {value}")
    print(f"{arguments.file}: {size:,} bytes")
    if size > MAX_BYTES:
        raise SystemExit(f"more than {MAX_BYTES:,} bytes")


def train_network(
    mnist: Any, images: np.ndarray, target: np.ndarray, epochs: int, seed: int, rough: bool
) -> Pipeline:
    """Train the network on MNIST and Swiss writers and, if `rough`, also on rough copies."""
    X = np.concatenate([flatten(mnist.X_train), *[flatten(images)] * REPEATED])
    y = np.concatenate([mnist.y_train, *[target] * REPEATED])
    if rough:
        X = np.concatenate([X, roughen(X, np.random.default_rng(seed + 2))])
        y = np.tile(y, 2)
    order = np.random.default_rng(seed).permutation(len(y))
    network = DeepNNClassifier(
        **get_recipe("robust", "deep") | {"epochs": epochs},
        validation_fraction=None,
        random_state=seed,
        verbose=1,
    )
    return make_pipeline(PixelNormalizer(), network).fit(X[order], y[order])


def train_guard(mnist: Any, images: np.ndarray, target: np.ndarray, seed: int) -> DeepNNClassifier:
    """Train the guard; with deformed images, it is better than the one of `DigitReader.fit`."""
    X = flatten(np.concatenate([images, images, mnist.X_train[:GUARD_ROWS]]))
    y = np.concatenate([target, target, mnist.y_train[:GUARD_ROWS]])
    scale = PixelNormalizer().fit_transform
    rows, codes = make_examples(scale(X), y, np.random.default_rng(seed))
    rough = roughen(np.rint(255 * rows).astype(np.uint8), np.random.default_rng(seed + 2))
    rows, codes = np.concatenate([rows, scale(rough)]), np.tile(codes, 2)
    order = np.random.default_rng(seed + 1).permutation(len(codes))
    return DeepNNClassifier(
        **get_recipe("robust", "deep")
        | {"epochs": GUARD_EPOCHS, "hidden_layer_sizes": GUARD_LAYERS},
        validation_fraction=None,
        random_state=seed,
        verbose=1,
    ).fit(rows[order], codes[order])


def flatten(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1)


def convert_weights(reader: DigitReader, dtype: type) -> None:
    """Convert the weights of the network and of the guard in place."""
    network = reader.estimator_[-1]
    for owner, prefix in ((network, ""), (reader, "guard_")):
        for name in (f"{prefix}coefs_", f"{prefix}intercepts_"):
            setattr(owner, name, [array.astype(dtype) for array in getattr(owner, name)])


def report(
    reader: DigitReader, images: np.ndarray, target: np.ndarray, writers: np.ndarray
) -> dict[str, float | int]:
    """Return figures for writers that the network has not seen, and print them by writer."""
    places = reader.read_digits(255 - images)
    right = places["text"].to_numpy() == target.astype(str)
    accepted = (places["outcome"] == "digit").to_numpy()
    for writer in np.unique(writers):
        own = writers == writer
        print(
            f"{writer}: {right[own].mean():.2%} right, {accepted[own].mean():.2%} accepted, "
            f"{(~right & accepted)[own].sum()} errors among {accepted[own].sum()} accepted"
        )
    return {
        "n_reported": len(target),
        "accuracy": round(float(right.mean()), 4),
        "accepted": round(float(accepted.mean()), 4),
        "error_among_accepted": round(float((~right)[accepted].mean()), 5),
    }


if __name__ == "__main__":
    main()
