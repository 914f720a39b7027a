"""What a network will consist of, before it is trained."""

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skmnist.neural_network._base import NNClassifier


@dataclass(frozen=True)
class Layer:
    """One layer: what Keras calls it, its outputs, its function, and what it learns."""

    kind: str  # "Flatten" or "Dense"
    n_outputs: int
    activation: str
    n_parameters: int


def layer_sizes(network: "NNClassifier", n_features: int, n_classes: int) -> tuple[int, ...]:
    """Return how many units each layer has, from what comes in to what goes out."""
    return (n_features, *network._hidden_layer_sizes(), n_classes)


def list_layers(
    network: "NNClassifier", image_shape: tuple[int, ...], n_classes: int
) -> list[Layer]:
    """List the layers that a network would have for such images; it need not be fitted.

    Examples
    --------
    >>> from skmnist.neural_network import DeepNNClassifier
    >>> from skmnist.neural_network._layers import list_layers
    >>> layers = list_layers(DeepNNClassifier(), (28, 28), 10)
    >>> [layer.n_parameters for layer in layers]
    [0, 401920, 131328, 32896, 1290]
    """
    sizes = layer_sizes(network, prod(image_shape), n_classes)
    activations = [network.activation] * (len(sizes) - 2) + ["softmax"]
    layers = [Layer("Flatten", sizes[0], "", 0)]
    for (n_in, n_out), activation in zip(pairwise(sizes), activations, strict=True):
        layers.append(Layer("Dense", n_out, activation, (n_in + 1) * n_out))
    return layers
