"""Read digits from images, with a guaranteed error rate."""

from skmnist.reading._risk import Selection, count_needed_rows, select_threshold

__all__ = ["Selection", "count_needed_rows", "select_threshold"]
