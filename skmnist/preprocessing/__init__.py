"""Prepare images of digits for a neural network."""

from skmnist.preprocessing._cropper import DigitCropper
from skmnist.preprocessing._normalizer import PixelNormalizer

__all__ = ["DigitCropper", "PixelNormalizer"]
