"""Preparing pixels for a neural network."""

from skmnist.preprocessing._normalizer import PixelNormalizer

__all__ = ["PixelNormalizer"]
