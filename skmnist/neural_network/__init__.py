"""The classifiers: Keras networks that stand wherever a scikit-learn estimator can."""

from skmnist.neural_network._classifiers import DeepNNClassifier, SimpleNNClassifier
from skmnist.neural_network._training import EpochEvent

__all__ = ["DeepNNClassifier", "EpochEvent", "SimpleNNClassifier"]
