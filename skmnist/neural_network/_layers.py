"""The sizes of a network's layers, before it is trained."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skmnist.neural_network._base import NNClassifier


def layer_sizes(network: "NNClassifier", n_features: int, n_classes: int) -> tuple[int, ...]:
    """Return how many units each layer has, from what comes in to what goes out."""
    return (n_features, *network._hidden_layer_sizes(), n_classes)
