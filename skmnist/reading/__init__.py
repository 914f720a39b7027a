"""Read digits from scans and photos of forms, with a guaranteed error rate."""

from skmnist.reading._places import Place, find_places
from skmnist.reading._promise import Promise
from skmnist.reading._reader import DigitReader
from skmnist.reading._risk import Selection, count_needed_rows, select_threshold

__all__ = [
    "DigitReader",
    "Place",
    "Promise",
    "Selection",
    "count_needed_rows",
    "find_places",
    "select_threshold",
]
