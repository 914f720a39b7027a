"""The one exception of this room."""


class DatasetError(ValueError):
    """A file with digits cannot be used; the message names file, place and what was expected.

    Examples
    --------
    >>> from skmnist.datasets import load_digit_archive
    >>> load_digit_archive("nowhere.zip")
    Traceback (most recent call last):
    skmnist.datasets.DatasetError: nowhere.zip: there is no such file
    """


DatasetError.__module__ = "skmnist.datasets"  # where a user finds it
