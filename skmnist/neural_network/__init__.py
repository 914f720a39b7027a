"""Neural networks as scikit-learn classifiers, trained by Keras, and image augmentation."""

from skmnist.neural_network._augment import ImageAugmenter
from skmnist.neural_network._classifiers import DeepNNClassifier, SimpleNNClassifier
from skmnist.neural_network._display import AugmentationDisplay
from skmnist.neural_network._recipes import get_recipe
from skmnist.neural_network._training import EpochEvent

__all__ = [
    "AugmentationDisplay",
    "DeepNNClassifier",
    "EpochEvent",
    "ImageAugmenter",
    "SimpleNNClassifier",
    "get_recipe",
]
