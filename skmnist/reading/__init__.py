"""Read digits from scans and photos of forms, with a guaranteed error rate."""

from skmnist.reading._batch import FileReading, find_files, join_fields, load_reader, read_files
from skmnist.reading._forms import Form, FormError, FormField
from skmnist.reading._marks import mark_places
from skmnist.reading._pages import open_pages
from skmnist.reading._places import find_places
from skmnist.reading._promise import Promise
from skmnist.reading._reader import DigitReader
from skmnist.reading._review import make_review
from skmnist.reading._risk import Selection, count_needed_rows, select_threshold
from skmnist.reading._sheet import Place

__all__ = [
    "DigitReader",
    "FileReading",
    "Form",
    "FormError",
    "FormField",
    "Place",
    "Promise",
    "Selection",
    "count_needed_rows",
    "find_files",
    "find_places",
    "join_fields",
    "load_reader",
    "make_review",
    "mark_places",
    "open_pages",
    "read_files",
    "select_threshold",
]
