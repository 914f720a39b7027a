"""Save fitted models without pickle, and load them without running anything from the file.

A pickle runs whatever its author put into it. A file of `save_model` is a `safetensors` file: the
arrays, and beside them one JSON document from which our own code rebuilds the model, name by name
and number by number.
"""

from skmnist.persistence._format import ModelFileError
from skmnist.persistence._load import load_model
from skmnist.persistence._save import save_model

__all__ = ["ModelFileError", "load_model", "save_model"]
