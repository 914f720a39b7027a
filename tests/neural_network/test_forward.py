import numpy as np
import pytest

from skmnist.neural_network import _forward
from skmnist.neural_network._forward import ACTIVATIONS, cross_entropy, predict_proba


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activation_is_the_one_keras_has_by_that_name(name, dtype):
    import keras

    z = np.linspace(-6, 6, 101).astype(dtype)
    expected = keras.ops.convert_to_numpy(keras.activations.get(name)(keras.ops.array(z)))
    got = ACTIVATIONS[name](z.copy())
    assert got.dtype == dtype
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


@pytest.fixture
def network():
    rng = np.random.default_rng(0)
    coefs = [rng.normal(size=(4, 3)), rng.normal(size=(3, 2))]
    return coefs, [rng.normal(size=3), rng.normal(size=2)]


def test_rows_do_not_depend_on_the_block_they_are_computed_in(network, monkeypatch):
    monkeypatch.setattr(_forward, "BLOCK_ROWS", 1000)
    X = np.random.default_rng(1).normal(size=(2500, 4))
    whole = predict_proba(X, *network, "relu")
    one_by_one = np.concatenate(
        [predict_proba(X[i : i + 1], *network, "relu") for i in range(2500)]
    )
    np.testing.assert_allclose(whole, one_by_one, rtol=1e-12)


def test_rows_are_probabilities_even_for_huge_inputs(network):
    proba = predict_proba(np.full((3, 4), 1e6), *network, "relu")
    assert np.isfinite(proba).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1)


def test_input_is_left_as_it_was(network):
    X = np.random.default_rng(1).normal(size=(5, 4))
    before = X.copy()
    predict_proba(X, *network, "relu")
    np.testing.assert_array_equal(X, before)


def test_a_sure_mistake_costs_much_but_not_infinitely_much():
    loss = cross_entropy(np.array([[1.0, 0.0]], dtype=np.float32), np.array([1]))
    assert 80 < loss[0] < 100
