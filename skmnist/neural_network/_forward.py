"""Prediction with NumPy from the learned weights, without tensorflow."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import erf, expit, logsumexp

Array = np.ndarray[Any, Any]

# Blocks limit the memory for activations, which would be gigabytes for a million rows. Smaller
# blocks are not faster on an idle machine, and are four times slower on a busy one, since each
# matrix product has to wait for all BLAS threads.
BLOCK_ROWS = 16_384

SELU_ALPHA = 1.6732632423543772  # Klambauer et al., Self-normalizing neural networks, 2017
SELU_SCALE = 1.0507009873554805
LEAKY_SLOPE = 0.2  # Keras's default for leaky_relu


def _relu(z: Array) -> Array:
    return np.maximum(z, 0, out=z)


def _elu(z: Array) -> Array:
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def _selu(z: Array) -> Array:
    return z.dtype.type(SELU_SCALE) * np.where(
        z > 0, z, z.dtype.type(SELU_ALPHA) * np.expm1(np.minimum(z, 0))
    )


def _gelu(z: Array) -> Array:
    return z * (1 + erf(z / z.dtype.type(np.sqrt(2)))) / 2


def _leaky_relu(z: Array) -> Array:
    return np.where(z > 0, z, z.dtype.type(LEAKY_SLOPE) * z)


def _softplus(z: Array) -> Array:
    return np.logaddexp(z, z.dtype.type(0))


# Named as in Keras. The functions may overwrite their argument.
ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "elu": _elu,
    "gelu": _gelu,
    "leaky_relu": _leaky_relu,
    "relu": _relu,
    "selu": _selu,
    "sigmoid": expit,
    "silu": lambda z: z * expit(z),
    "softplus": _softplus,
    "tanh": np.tanh,
}


def predict_proba(
    X: Array, coefs: Sequence[Array], intercepts: Sequence[Array], activation: str
) -> Array:
    """Return the probability of each class.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Rows of any numeric dtype. They are converted to the dtype of `coefs`.
    coefs, intercepts : sequences of ndarray
        Weights (n_in, n_out) and biases (n_out,) of each layer, float32 or float64.
    activation : str
        Activation of the hidden layers, a key of `ACTIVATIONS`. The last layer is a softmax.

    Returns
    -------
    proba : ndarray of shape (n_samples, n_classes), in the dtype of `coefs`
    """
    proba = np.empty((len(X), len(intercepts[-1])), dtype=coefs[0].dtype)
    hidden = ACTIVATIONS[activation]
    for start in range(0, len(X), BLOCK_ROWS):
        # C order, so that the results do not depend on the memory layout of X
        rows = np.ascontiguousarray(X[start : start + BLOCK_ROWS], dtype=coefs[0].dtype)
        for coef, intercept in zip(coefs[:-1], intercepts[:-1], strict=True):
            rows = hidden(_affine(rows, coef, intercept))
        proba[start : start + BLOCK_ROWS] = _softmax(_affine(rows, coefs[-1], intercepts[-1]))
    return proba


def _affine(rows: Array, coef: Array, intercept: Array) -> Array:
    z: Array = rows @ coef
    z += intercept
    return z


def _softmax(z: Array) -> Array:
    z -= z.max(axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=1, keepdims=True)
    return z


def cross_entropy(proba: Array, y: Array) -> Array:
    """Return the negative log-probability of the true class of each row.

    Probabilities are clipped at the smallest normal number of their dtype, so that the loss is
    finite.
    """
    chosen = proba[np.arange(len(y)), y]
    loss: Array = -np.log(np.maximum(chosen, np.finfo(proba.dtype).tiny))
    return loss


# The minimum temperature is the reciprocal of this. A network that needs a temperature outside this
# range has learned nothing.
MAX_TEMPERATURE = 20.0


def fit_temperature(proba: Array, y: Array) -> float:
    """Return the temperature with the lowest cross-entropy; 1.0 if no row is misclassified.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        Probabilities of held-out rows, at a temperature of 1.
    y : ndarray of int, shape (n_samples,)
        Columns of the true classes.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger: On calibration of modern neural networks. ICML
    2017.
    """
    if (proba.argmax(axis=1) == y).all():
        return 1.0  # without errors, the loss falls to 0 as the temperature does
    logits = np.log(np.maximum(proba, np.finfo(proba.dtype).tiny)).astype(float)
    limit = np.log(MAX_TEMPERATURE)

    def loss(log_temperature: float) -> float:
        z = logits * np.exp(-log_temperature)
        return float((logsumexp(z, axis=1) - z[np.arange(len(y)), y]).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-limit, limit), method="bounded").x))
