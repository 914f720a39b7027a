"""A network in ONNX predicts what it predicts here."""

import sys

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline, make_pipeline

from skmnist import DeepNNClassifier, DigitReader, PixelNormalizer, SimpleNNClassifier
from skmnist.neural_network._forward import ACTIVATIONS
from skmnist.persistence import to_onnx
from skmnist.reading import load_reader


def run_reference(proto, X):
    return pytest.importorskip("onnx.reference").ReferenceEvaluator(proto).run(None, {"X": X})


def run_runtime(proto, X):
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (source,) = session.get_inputs()
    assert (source.name, source.type, source.shape) == ("X", "tensor(float)", ["n", X.shape[1]])
    assert [output.name for output in session.get_outputs()] == ["label", "probabilities"]
    return session.run(None, {"X": X})


@pytest.fixture(params=[run_reference, run_runtime])
def run(request):
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    return request.param


def check_same(run, model, X):
    label, proba = run(to_onnx(model), X.astype(np.float32))
    np.testing.assert_allclose(proba, model.predict_proba(X), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(label, model.predict(X))
    return label


def test_a_pipeline_with_its_normalisation(run, pipeline, digits):
    label = check_same(run, pipeline, digits[0])
    assert label.dtype == np.int64


def test_the_bundled_network(run):
    images = np.random.default_rng(0).integers(0, 256, (50, 784))
    check_same(run, load_reader().estimator_, images)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(run, activation, digits):
    X, y = digits[0][:50], digits[1][:50]
    model = DeepNNClassifier((8, 6), activation=activation, epochs=0, random_state=0).fit(X / 16, y)
    check_same(run, model, X / 4)  # values for which the activations differ


@pytest.mark.parametrize(
    "label",
    [
        lambda y: np.array(list("abcdefghij"))[y],
        lambda y: np.array([f"Größe {n}" for n in range(10)], dtype=object)[y],
        lambda y: y > 4,
        lambda y: y * 2.0,
        lambda y: y.astype(np.uint8),
    ],
    ids=["letters", "objects", "booleans", "floats", "uint8"],
)
def test_labels_of_every_kind(run, digits, label):
    X, y = digits[0][:50] / 16, label(digits[1][:50])
    check_same(run, SimpleNNClassifier(4, epochs=0, random_state=0).fit(X, y), X)


def test_steps_left_out_and_pipelines_within_pipelines(run, pipeline, digits):
    model = Pipeline([("none", None), ("pass", "passthrough"), ("inner", pipeline)])
    check_same(run, model, digits[0])


def test_other_models_raise_and_say_what_to_do(pipeline, digits):
    reader = DigitReader(FrozenEstimator(pipeline)).fit(digits[0][:50], digits[1][:50])
    for model, name in (
        (reader, "DigitReader"),
        (PixelNormalizer(16), "PixelNormalizer"),
        (Pipeline([("nothing", None)]), "Pipeline"),
        (make_pipeline(pipeline[-1], pipeline[-1]), "SimpleNNClassifier"),
        (make_pipeline(FrozenEstimator(PixelNormalizer()), pipeline), "FrozenEstimator"),
    ):
        with pytest.raises(ValueError, match=rf"step {name}, .* pass its `estimator_`"):
            to_onnx(model)
    with pytest.raises(NotFittedError):
        to_onnx(SimpleNNClassifier())


def test_mixed_classes_raise(digits):
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    model = SimpleNNClassifier(2, epochs=0).fit(digits[0] / 16, digits[1])
    model.classes_ = np.array([None, *range(1, 10)], dtype=object)
    with pytest.raises(ValueError, match="must be all numbers or all text"):
        to_onnx(model)


def test_without_onnx_the_error_names_the_extra(pipeline, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'skmnist\[onnx\]'"):
        to_onnx(pipeline)
