"""Save fitted models without pickle, and load them without running code from the file.

Loading a pickle runs any code that its author has put into it. Instead, `save_model` writes a
`safetensors` file with the arrays and a JSON document from which this package rebuilds the model.
`to_onnx` converts a network for programs without Python.
"""

from skmnist.persistence._document import ModelFileError
from skmnist.persistence._model_file import ModelCard, load_card, load_model, save_model
from skmnist.persistence._onnx import to_onnx

__all__ = ["ModelCard", "ModelFileError", "load_card", "load_model", "save_model", "to_onnx"]
