"""Read digits from images, with a guaranteed error rate."""

from skmnist.reading._promise import Promise
from skmnist.reading._reader import DigitReader
from skmnist.reading._risk import Selection, count_needed_rows, select_threshold

__all__ = ["DigitReader", "Promise", "Selection", "count_needed_rows", "select_threshold"]
