"""Functions for networks and training data, shared by the command line and the app."""

import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from skmnist.comparison import ModelComparison, ModelResult
    from skmnist.reading import DigitReader
    from skmnist.text import Catalogue

NETWORKS = {"NN": "SimpleNNClassifier", "DNN": "DeepNNClassifier"}
MODELS = {"simple": "NN", "deep": "DNN"}  # name in recipes and search spaces -> name of the network
RECIPES = ("slides", "fast", "robust", "record")  # the first one is the default
N_STARTS = 3  # two starts find few of the differences that matter (docs/comparison.rst)


def make_network(
    name: str, max_value: float, recipe: str = "slides", **settings: Any
) -> "Pipeline":
    """Return a Pipeline that normalizes pixels and applies a network.

    `settings` override hyperparameters of the recipe.
    """
    from sklearn.pipeline import Pipeline

    import skmnist

    kind = next(kind for kind, network in MODELS.items() if network == name)
    settings = skmnist.get_recipe(recipe, kind) | settings
    network = getattr(skmnist, NETWORKS[name])(**settings)
    return Pipeline(
        [("normalize", skmnist.PixelNormalizer(max_value=max_value)), ("network", network)]
    )


def make_reader(
    comparison: "ModelComparison",
    digits: Any,
    data: str,
    command: str,
    *,
    max_error: float | None = None,
) -> "DigitReader":
    """Return the recommended network as a reader, calibrated with the test images.

    If no network is recommended, the most accurate one is used. The validation images are not
    suitable for calibration, because the weights were chosen by their accuracy on these images.
    If `max_error` is None, the reader uses its default.

    Raises
    ------
    ValueError
        If the network does not take square images of single characters that are light on dark.
    """
    import warnings

    from sklearn.frozen import FrozenEstimator

    from skmnist import __version__
    from skmnist.reading import DigitReader

    height, width = digits.X_train.shape[1:]
    if height != width:
        raise ValueError(
            f"The training images have {height} x {width} pixels, but only networks for square "
            "images can read scans."
        )
    if _is_dark_on_light(digits):
        raise ValueError(
            "The training images are dark on light; train with inverted images, as in MNIST."
        )
    chosen = comparison.recommendation.model or comparison.recommendation.most_accurate
    result = comparison.results[chosen]
    alphabet = "".join(map(str, result.estimator.classes_.tolist()))
    reader = DigitReader(FrozenEstimator(result.estimator), alphabet=alphabet)
    if max_error is not None:
        reader.set_params(max_error=max_error)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the results contain the warnings in the user's language
        reader.fit(digits.X_train, digits.y_train).calibrate(digits.X_test, digits.y_test)
    elsewhere: dict[str, Any] = {}
    for found in result.elsewhere:
        # the saved network is that of the first start; `found.accuracy` is the mean of all starts
        accuracy = found.accuracy if found.correct is None else found.correct[0].mean()
        elsewhere |= {"elsewhere": found.data, "elsewhere_accuracy": float(accuracy)}
    reader.notes_ = {
        "data": data,
        "network": chosen,
        "n_train": len(digits.y_train),
        "n_test": len(digits.y_test),
        "test_accuracy": float(result.errors.accuracy),
        **elsewhere,
        "calibrated_on": "the test images, which also decided between the networks",
        "command": command,
        "skmnist": __version__,
    }
    return reader


def limit_training(digits: Any, train_size: int, seed: int) -> None:
    """Reduce the training images to a stratified sample of `train_size`, in the original order."""
    import numpy as np
    from sklearn.utils import resample

    y = digits.y_train
    if train_size < len(y):
        rows = resample(
            np.arange(len(y)), replace=False, n_samples=train_size, stratify=y, random_state=seed
        )
        rows.sort()
        digits.X_train, digits.y_train = digits.X_train[rows], y[rows]


def find_swiss_digits(digits: Any) -> dict[str, tuple[Any, ...]]:
    """Return the digits of Swiss writers, for the parameter `elsewhere` of `compare_models`.

    They are scaled like the training images, and inverted if the training images are dark on light.
    The result is empty if the training images are not 28 x 28 images of the ten digits.
    """
    import numpy as np

    from skmnist.datasets import load_swiss_digits

    same_size = digits.X_train.shape[1:] == (28, 28)
    if not same_size or np.unique(digits.y_train).tolist() != list(range(10)):
        return {}
    swiss = load_swiss_digits()
    images = 255 - swiss.images if _is_dark_on_light(digits) else swiss.images
    X = scale_images(images, 255, digits.max_value)
    return {"swiss_digits": (X, swiss.target, swiss.groups)}


def _is_dark_on_light(digits: Any) -> bool:
    return bool(digits.X_train.mean() > digits.max_value / 2)


def scale_images(X: Any, max_value: float, wanted: float) -> Any:
    """Scale images so that the value of full ink is `wanted` instead of `max_value`."""
    import numpy as np

    return X if max_value == wanted else X.astype(np.float32) * np.float32(wanted / max_value)


def write_command(
    data: str, train_size: int | None, how: dict[str, Any], settings: dict[str, Any]
) -> str:
    """Return the command that repeats a run; `how` contains the options for reading the data."""
    options = {"data": data, **how, "train_size": train_size, **settings}
    options["seed"] = options.pop("random_state")
    words = ["skmnist", "compare"]
    for name, value in options.items():
        if value is None or value is False or (name == "recipe" and value == RECIPES[0]):
            continue
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            words.append("x".join(map(str, value)) if isinstance(value, tuple) else str(value))
    return shlex.join(words)


def describe_training(result: "ModelResult", say: "Catalogue") -> str:
    """Return a sentence on how a network was trained and which weights were kept."""
    network = result.estimator[-1]
    if not result.n_epochs:
        return say("cli.untrained", name=result.name)
    return say(
        "cli.trained",
        name=result.name,
        n_epochs=result.n_epochs,
        seconds=result.fit_time,
        kept=network.kept_epoch_,
        reason=_say_reason(network, say),
    )


def _say_reason(network: Any, say: "Catalogue") -> str:
    """Return why training ended, or why these weights were kept if it ended with the last epoch."""
    reason = network.stop_reason_
    if reason == "epochs" and network.patience is None:
        reason = "last"
    elif reason == "epochs" and not network.n_validation_:
        reason = "without_validation"
    values = {"n_epochs": network.n_iter_, "epochs": network.epochs}
    return say(f"cli.reason_{reason}", patience=network.patience, **values)
