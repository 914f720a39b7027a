"""Create the plan of a training run from the parameters and the validated data."""

import copy
from dataclasses import dataclass, replace
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state, compute_class_weight

from skmnist.neural_network._augment import (
    find_shape,
    get_augmenter,
    get_deformation,
    get_strengths,
)
from skmnist.neural_network._data import TrainingData
from skmnist.neural_network._training import Network, Optimizer, Plan

Array = np.ndarray[Any, Any]

# For validation_fraction="auto". On 500 rows of load_digits, networks selected on a tenth of the
# rows were worse than networks without validation; on 900 rows, they were as good
# (benchmarks/early_stopping.py).
AUTO_FRACTION = 0.1
MIN_ROWS_TO_HOLD_OUT = 1000


@dataclass(frozen=True)
class Resume:
    """State that `partial_fit` keeps between calls, in addition to the weights."""

    optimizer: Optimizer  # to which `state` belongs
    state: list[Array] | None
    rng: np.random.Generator


def plan_fit(estimator: Any, data: TrainingData) -> Plan:
    """Plan a `fit`, from new weights or, with `warm_start`, from the learned ones."""
    continues = estimator.warm_start and hasattr(estimator, "coefs_")
    if continues and not np.array_equal(data.classes, estimator.classes_):
        raise ValueError(
            f"warm_start=True requires the classes of the previous fit, "
            f"{estimator.classes_.tolist()}, but y has {data.classes.tolist()}; pass "
            "warm_start=False to train new weights."
        )
    rng = check_random_state(estimator.random_state)
    train_rows, validation_rows = _hold_out(estimator.validation_fraction, data, rng)
    return _make_plan(
        estimator,
        data,
        train_rows,
        validation_rows,
        initial_weights=_learned_weights(estimator, data, "warm_start=True")
        if continues
        else _initial_weights(estimator, data, rng),
        train_weight=_relative(_row_weights(estimator, data, train_rows), train_rows),
        rng=np.random.default_rng(rng.randint(2**31)),
    )


def plan_pass(estimator: Any, data: TrainingData, resume: Resume | None) -> Plan:
    """Plan a `partial_fit`: one pass over all rows, without normalizing their weights."""
    rng = check_random_state(estimator.random_state)
    weights = (
        _learned_weights(estimator, data, "partial_fit")
        if hasattr(estimator, "coefs_")
        else _initial_weights(estimator, data, rng)
    )
    if resume is None:  # the first call, or the first one after copying or unpickling
        run_rng = np.random.default_rng(rng.randint(2**31))
    else:
        run_rng = copy.deepcopy(resume.rng)  # a copy, so that a failed pass does not change it
    rows = data.rows_with_weight()
    train_weight = _row_weights(estimator, data, rows)
    _check_range(train_weight, rows, data.dtype)
    plan = _make_plan(
        estimator,
        data,
        rows,
        rows[:0],
        initial_weights=weights,
        train_weight=train_weight,
        rng=run_rng,
    )
    if resume is not None and resume.optimizer == plan.optimizer:
        plan = replace(plan, optimizer_state=resume.state)
    return replace(plan, epochs=1, schedule="constant", patience=None, monitor="loss")


def _make_plan(
    estimator: Any,
    data: TrainingData,
    train_rows: Array,
    validation_rows: Array,
    *,
    initial_weights: list[Array],
    train_weight: Array | None,
    rng: np.random.Generator,
) -> Plan:
    monitor = estimator.monitor
    if not len(validation_rows) and monitor.startswith("val_"):
        monitor = "loss"
    augmenter = get_augmenter(estimator.augmentation)
    # Python numbers: Keras rejects or misinterprets some NumPy scalars, which searches can draw
    return Plan(
        network=Network(
            n_features=data.X.shape[1],
            hidden_layer_sizes=tuple(estimator._hidden_layer_sizes()),
            n_classes=len(data.classes),
            activation=estimator.activation,
            dtype=data.dtype,
            with_dropout=estimator.dropout > 0,
            with_l2=estimator.l2 > 0,
            deformation=augmenter
            and get_deformation(augmenter, find_shape(augmenter, data.X, data.image_shape)),
        ),
        optimizer=Optimizer(
            estimator.optimizer,
            momentum=float(estimator.momentum) if estimator.optimizer == "sgd" else 0.0,
            weight_decay=None if estimator.weight_decay is None else float(estimator.weight_decay),
            ema_momentum=None if estimator.ema_momentum is None else float(estimator.ema_momentum),
        ),
        epochs=int(estimator.epochs),
        batch_size=int(estimator.batch_size),
        learning_rate=float(estimator.learning_rate),
        schedule=estimator.learning_rate_schedule or "constant",
        dropout=float(estimator.dropout),
        l2=float(estimator.l2),
        shuffle=bool(estimator.shuffle),
        patience=None if estimator.patience is None else int(estimator.patience),
        monitor=monitor,
        train_rows=train_rows,
        validation_rows=validation_rows,
        train_weight=train_weight,
        validation_weight=_relative(data.validation_weight(), validation_rows),
        validation_data=data.validation_data,
        initial_weights=initial_weights,
        optimizer_state=None,
        rng=rng,
        deformation_strengths=augmenter and get_strengths(augmenter, data.dtype),
    )


def _hold_out(
    fraction: float | str | None, data: TrainingData, rng: np.random.RandomState
) -> tuple[Array, Array]:
    """Return the rows to train on and those to validate on."""
    usable = data.rows_with_weight()
    if data.n_validation:
        return usable, np.arange(data.n_rows, data.n_rows + data.n_validation, dtype=np.int32)
    if fraction == "auto":
        fraction = AUTO_FRACTION if len(usable) >= MIN_ROWS_TO_HOLD_OUT else None
    if fraction is None:
        return usable, usable[:0]
    train, validation = _stratified_rows(data.y[usable], float(fraction), rng)
    return usable[train], usable[validation]


def _stratified_rows(y: Array, fraction: float, rng: np.random.RandomState) -> tuple[Array, Array]:
    """Split the rows into training and validation rows, stratified by class.

    Unlike :func:`sklearn.model_selection.train_test_split`, this also works for very few rows: each
    class keeps at least one training row, and at least one row is held out.
    """
    counts = np.bincount(y)
    wanted = counts * fraction
    taken = np.floor(wanted).astype(int)
    # classes with the largest remainders get one more row each, until the total is right
    missing = max(1, round(wanted.sum())) - taken.sum()
    taken[np.argsort(taken - wanted, kind="stable")[: max(0, missing)]] += 1
    taken = np.clip(taken, 0, np.maximum(counts - 1, 0))
    if not taken.any():
        taken[counts.argmax()] = min(1, counts.max() - 1)
    if not taken.any():
        raise ValueError(
            f"validation_fraction={fraction} needs a class with at least two rows, but each of the "
            f"{len(counts)} classes has one. Pass X_val and y_val, or validation_fraction=None."
        )
    shuffled = rng.permutation(len(y))
    by_class = shuffled[np.argsort(y[shuffled], kind="stable")]
    rank = np.arange(len(y)) - np.repeat(np.cumsum(counts) - counts, counts)
    held_out = rank < np.repeat(taken, counts)
    train_rows, validation_rows = np.sort(by_class[~held_out]), np.sort(by_class[held_out])
    return train_rows.astype(np.int32), validation_rows.astype(np.int32)


# --- Initial weights


def _layer_sizes(estimator: Any, data: TrainingData) -> tuple[int, ...]:
    """Return the number of units of each layer, from the input to the output."""
    return (data.X.shape[1], *estimator._hidden_layer_sizes(), len(data.classes))


def _learned_weights(estimator: Any, data: TrainingData, caller: str) -> list[Array]:
    sizes = _layer_sizes(estimator, data)
    learned = (len(estimator.coefs_[0]), *map(len, estimator.intercepts_))
    if sizes != learned:
        raise ValueError(
            f"{caller} continues with layers of {learned} units, but X, y and the parameters "
            f"require {sizes}; to train new weights, call fit with warm_start=False."
        )
    return [array.astype(data.dtype) for array in estimator._weights()]


def _initial_weights(estimator: Any, data: TrainingData, rng: np.random.RandomState) -> list[Array]:
    weights = []
    for n_in, n_out in pairwise(_layer_sizes(estimator, data)):
        # Glorot & Bengio, 2010, Keras's default for Dense layers
        limit = np.sqrt(6 / (n_in + n_out))
        weights.append(rng.uniform(-limit, limit, (n_in, n_out)).astype(data.dtype))
        weights.append(np.zeros(n_out, data.dtype))
    return weights


# --- Row weights


def _row_weights(estimator: Any, data: TrainingData, train_rows: Array) -> Array | None:
    """Multiply the sample weights by the class weights."""
    if estimator.class_weight is None:
        return data.weight
    by_class = _class_weights(estimator.class_weight, data, train_rows)
    weight: Array = by_class[data.y] * (1 if data.weight is None else data.weight)
    if not weight[train_rows].any():
        raise ValueError(
            f"class_weight={estimator.class_weight!r} leaves no row with a weight above 0; give "
            "at least one class a positive weight."
        )
    return weight


def _class_weights(class_weight: Any, data: TrainingData, train_rows: Array) -> Array:
    """Return the weight of each class, including classes that are missing from these rows."""
    if isinstance(class_weight, dict):
        for label, weight in class_weight.items():
            if not (isinstance(weight, Real) and 0 <= float(weight) < float("inf")):
                raise ValueError(
                    f"class_weight has {weight!r} for class {label!r}, but weights must be "
                    "numbers >= 0."
                )
        # not compute_class_weight, which confuses the label "3" with the number 3
        labels = data.classes.tolist()
        unknown = [label for label in class_weight if label not in labels]
        if unknown and not set(labels) <= set(class_weight):
            raise ValueError(
                f"class_weight has weights for {unknown}, but the classes are {labels}."
            )
        return np.array([float(class_weight.get(label, 1)) for label in labels])
    # balance the training rows only
    present, codes = np.unique(data.y[train_rows], return_inverse=True)
    weights = np.zeros(len(data.classes))
    weights[present] = compute_class_weight(class_weight, classes=np.unique(codes), y=codes)
    return weights


def _relative(weight: Array | None, rows: Array) -> Array | None:
    """Divide weights by their mean over some rows, without overflow or underflow."""
    if weight is None or not len(rows):
        return None
    with np.errstate(over="ignore"):  # TODO(numpy>=2): remove; NumPy 1 warns about subnormals
        used = weight[rows] / weight[rows].max()
    relative = np.zeros(len(weight))
    relative[rows] = used / used.mean()
    return relative


def _check_range(weight: Array | None, rows: Array, dtype: str) -> None:
    """Raise if a weight becomes infinite or zero in the dtype of the computation."""
    if weight is None:
        return
    given = weight[rows]
    with np.errstate(over="ignore", under="ignore"):
        computed = given.astype(dtype)
    if not (np.isfinite(computed) & ((computed > 0) | (given == 0))).all():
        raise ValueError(
            f"sample_weight has values from {weight.min():g} to {weight.max():g}, beyond the range "
            f"of {dtype}; partial_fit does not normalize weights, so scale them to about 1."
        )
