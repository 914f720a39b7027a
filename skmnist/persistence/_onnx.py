"""Export networks to ONNX, for programs without Python.

The graph has a few nodes per layer, which are written with onnx's own helpers. skl2onnx would
need a converter for each class of this package, and tf2onnx does not support Keras 3.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

import skmnist
from skmnist import __version__
from skmnist.neural_network import DeepNNClassifier, SimpleNNClassifier
from skmnist.neural_network._forward import LEAKY_SLOPE

if TYPE_CHECKING:
    from onnx import ModelProto

Array = np.ndarray[Any, Any]

OPSET = 20  # of 2023, the first with Gelu
IR_VERSION = 9  # of the same release; onnx's default is its newest, which old runtimes reject

# operators and their attributes by Keras's name for the activation; silu consists of two operators
OPERATORS: dict[str, tuple[str, dict[str, Any]]] = {
    "elu": ("Elu", {}),
    "gelu": ("Gelu", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": LEAKY_SLOPE}),
    "relu": ("Relu", {}),
    "selu": ("Selu", {}),
    "sigmoid": ("Sigmoid", {}),
    "softplus": ("Softplus", {}),
    "tanh": ("Tanh", {}),
}


def to_onnx(model: Any) -> "ModelProto":
    """Convert a fitted network, with the normalization before it, to ONNX.

    The input of the graph is `X`, float32 of shape (n, `n_features_in_`): one image per row, with
    the pixels that the model expects. The outputs are named as in skl2onnx: `label`, of shape (n,)
    and in the type of the classes, and `probabilities`, float32 of shape (n, n_classes). The
    probabilities differ from `predict_proba` by less than 1e-5. The graph does not check its input.

    Parameters
    ----------
    model : SimpleNNClassifier, DeepNNClassifier or Pipeline
        Fitted network, or a Pipeline of PixelNormalizers and a network.

    Returns
    -------
    proto : onnx.ModelProto
        The model, checked by onnx. To save it, write ``proto.SerializeToString()`` to a file.

    Raises
    ------
    ImportError
        onnx is not installed: ``pip install 'skmnist[onnx]'``.
    ValueError
        The model has other steps, or classes that are neither all numbers nor all text.
    sklearn.exceptions.NotFittedError
        The model is not fitted.

    See Also
    --------
    save_model : Save a model for Python, without loss.

    Examples
    --------
    >>> from onnx.reference import ReferenceEvaluator
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.pipeline import make_pipeline
    >>> from skmnist import PixelNormalizer, SimpleNNClassifier
    >>> from skmnist.persistence import to_onnx
    >>> X, y = load_digits(return_X_y=True)
    >>> model = make_pipeline(PixelNormalizer(16), SimpleNNClassifier(16, epochs=3, random_state=0))
    >>> model = model.fit(X, y)
    >>> session = ReferenceEvaluator(to_onnx(model))
    >>> label, proba = session.run(None, {"X": X.astype("float32")})
    >>> bool(abs(proba - model.predict_proba(X)).max() < 1e-5)
    True

    The preparation of scans cannot be converted:

    >>> from skmnist import DigitCropper
    >>> to_onnx(make_pipeline(DigitCropper(), model))
    Traceback (most recent call last):
    ValueError: model has the step DigitCropper, but to_onnx supports only a SimpleNNClassifier or
    DeepNNClassifier, and PixelNormalizers before it. Apply other steps before the ONNX model; for a
    DigitReader, pass its `estimator_`.
    """
    *normalizers, network = steps = _list_steps(model) or [model]
    kinds: list[Any] = [skmnist.PixelNormalizer] * len(normalizers)
    kinds.append(SimpleNNClassifier | DeepNNClassifier)
    for step, kind in zip(steps, kinds, strict=True):
        if not isinstance(step, kind):
            raise ValueError(
                f"model has the step {type(step).__name__}, but to_onnx supports only a "
                "SimpleNNClassifier or DeepNNClassifier, and PixelNormalizers before it. Apply "
                "other steps before the ONNX model; for a DigitReader, pass its `estimator_`."
            )
    check_is_fitted(network, "coefs_")
    try:
        import onnx
        from onnx import TensorProto, helper
        from onnx.numpy_helper import from_array
    except ImportError as error:
        raise ImportError("to_onnx needs onnx: pip install 'skmnist[onnx]'") from error

    nodes: list[Any] = []
    constants: list[Any] = []

    def keep(values: Any) -> str:
        constants.append(from_array(values, f"constant_{len(constants)}"))
        return str(constants[-1].name)

    def add(operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        output = output or f"{operator.lower()}_{len(nodes)}"
        nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    rows = "X"
    for step in normalizers:
        rows = add("Div", rows, keep(np.array(step.max_value, np.float32)))
    for at, layer in enumerate(zip(network.coefs_, network.intercepts_, strict=True)):
        if at and network.activation_ == "silu":
            rows = add("Mul", rows, add("Sigmoid", rows))
        elif at:
            operator, attributes = OPERATORS[network.activation_]
            rows = add(operator, rows, **attributes)
        rows = add("Gemm", rows, *(keep(np.asarray(part, np.float32)) for part in layer))
    add("Softmax", rows, output="probabilities", axis=1)
    best = add("ArgMax", "probabilities", axis=1, keepdims=0)
    classes = from_array(_find_plain(network.classes_), "classes")
    add("Gather", "classes", best, output="label")

    shapes = {
        "X": (TensorProto.FLOAT, ["n", network.n_features_in_]),
        "label": (classes.data_type, ["n"]),
        "probabilities": (TensorProto.FLOAT, ["n", len(network.classes_)]),
    }
    source, *results = (helper.make_tensor_value_info(k, *shape) for k, shape in shapes.items())
    proto = helper.make_model(
        helper.make_graph(nodes, "skmnist", [source], results, [*constants, classes]),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="skmnist",
        producer_version=__version__,
    )
    onnx.checker.check_model(proto, full_check=True)
    return proto


def _list_steps(model: Any) -> list[Any]:
    """Return the estimators in a Pipeline, including those in nested Pipelines."""
    if not isinstance(model, Pipeline):
        return [] if model in (None, "passthrough") else [model]
    return [inner for _, step in model.steps for inner in _list_steps(step)]


def _find_plain(classes: Array) -> Array:
    """Return classes in a dtype that ONNX supports."""
    if classes.dtype.kind == "U" or all(isinstance(label, str) for label in classes.tolist()):
        return classes.astype(object)
    if classes.dtype.kind in "iu":
        return classes.astype(np.int64)
    if classes.dtype.kind in "bf":
        return classes
    raise ValueError(f"the classes {classes.tolist()} must be all numbers or all text for ONNX.")
