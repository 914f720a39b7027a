"""The two networks that the command line and the app train, from settings to a comparison."""

import shlex
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from skmnist.comparison import ModelComparison, ModelResult
    from skmnist.neural_network import EpochEvent
    from skmnist.text import Catalogue

NETWORKS = {"NN": "SimpleNNClassifier", "DNN": "DeepNNClassifier"}  # by the source's names
MODELS = {"simple": "NN", "deep": "DNN"}  # by those of the search spaces
OPTIMIZERS = ("adam", "adamw", "nadam", "rmsprop", "sgd")
FULL_INK = (1.0, 16.0, 255.0, 65535.0)  # scaled, scikit-learn's digits, 8-bit and 16-bit images


def find_max_value(digits: Any) -> float:
    """Guess the value of full ink; who shows the data says which it is."""
    highest = float(max(digits.X_train.max(), digits.X_test.max()))
    return next((value for value in FULL_INK if highest <= value), highest)


def make_network(name: str, max_value: float, **settings: Any) -> "Pipeline":
    """Make a network that normalises its images itself."""
    from sklearn.pipeline import Pipeline

    from skmnist import neural_network
    from skmnist.preprocessing import PixelNormalizer

    network = getattr(neural_network, NETWORKS[name])
    return Pipeline(
        [("normalize", PixelNormalizer(max_value=max_value)), ("network", network(**settings))]
    )


def train_network(
    name: str,
    digits: Any,
    max_value: float,
    settings: dict[str, Any],
    listener: "Callable[[EpochEvent], Any]",
) -> "ModelResult":
    """Train one of the networks, and look at what became of it.

    Parameters
    ----------
    name : {"NN", "DNN"}
    digits : Bunch
        As a loader returns it.
    max_value : float
        The value of full ink.
    settings : dict
        Parameters of the network.
    listener : callable
        Is told of each epoch, and stops training by returning True.

    Returns
    -------
    result : ModelResult

    Raises
    ------
    ValueError
        The network cannot be trained on these images, or with these settings.
    """
    from skmnist.comparison._result import make_result
    from skmnist.comparison._runs import fit_timed

    network = make_network(name, max_value, **settings, callbacks=[listener])
    with warnings.catch_warnings():
        # what they say is in stop_reason_, and is told in the reader's language
        warnings.simplefilter("ignore")
        fit_time = fit_timed(network, digits.X_train, digits.y_train)
        network[-1].set_params(callbacks=None)  # the listener is no part of the model
        return make_result(
            name,
            network,
            fit_time,
            digits.X_test,
            digits.y_test,
            digits.X_train,
            digits.y_train,
        )


def compare_results(results: "Sequence[ModelResult]", digits: Any) -> "ModelComparison":
    """Put trained networks side by side, and recommend one."""
    from skmnist.comparison import ModelComparison
    from skmnist.comparison._cautions import caution_data
    from skmnist.comparison._result import measure_costs

    return ModelComparison(
        measure_costs(results, digits.X_test),
        X_test=digits.X_test,
        y_test=digits.y_test,
        cautions=caution_data(digits.X_train, digits.X_test, digits.y_train, digits.y_test),
    )


def write_command(
    data: str, train_size: int | None, settings: dict[str, Any], *, invert: bool
) -> str:
    """Write out the command that repeats a run, with all defaults."""
    options = {"data": data, "train_size": train_size, **settings}
    options["seed"] = options.pop("random_state")
    words = ["skmnist", "compare"]
    for name, value in options.items():
        if value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join([*words, "--invert"] if invert else words)


def tell_training(result: "ModelResult", say: "Catalogue") -> str:
    """Say how a network was trained, and which of its weights were kept."""
    network = result.estimator[-1]
    if not result.n_epochs:
        return say("cli.untrained", name=result.name)
    return say(
        "cli.trained",
        name=result.name,
        n_epochs=result.n_epochs,
        seconds=result.fit_time,
        kept=network.kept_epoch_,
        reason=say(f"cli.reason_{network.stop_reason_}", patience=network.patience),
    )
