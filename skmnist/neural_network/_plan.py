"""Turn a network's parameters and the checked rows into the plan of a run."""

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
from skmnist.neural_network._split import stratified_rows
from skmnist.neural_network._training import Network, Optimizer, Plan

Array = np.ndarray[Any, Any]

# What validation_fraction="auto" holds out, and from how many rows on. Of 500 rows of load_digits a
# tenth is a worse judge than none; of 900 it is as good (benchmarks/early_stopping.py).
AUTO_FRACTION = 0.1
MIN_ROWS_TO_HOLD_OUT = 1000


@dataclass(frozen=True)
class Resume:
    """What `partial_fit` goes on with, beside the weights."""

    optimizer: Optimizer  # whose state it is
    state: list[Array] | None
    rng: np.random.Generator


def plan_fit(estimator: Any, data: TrainingData) -> Plan:
    """Plan a `fit`, from new weights or, with `warm_start`, from those learned before."""
    goes_on = estimator.warm_start and hasattr(estimator, "coefs_")
    if goes_on and not np.array_equal(data.classes, estimator.classes_):
        raise ValueError(
            f"warm_start=True goes on with the classes {estimator.classes_.tolist()}, but y has "
            f"{data.classes.tolist()}; pass warm_start=False to start anew."
        )
    rng = check_random_state(estimator.random_state)
    train_rows, validation_rows = _hold_out(estimator.validation_fraction, data, rng)
    return _make_plan(
        estimator,
        data,
        train_rows,
        validation_rows,
        initial_weights=_learned_weights(estimator, data, "warm_start=True")
        if goes_on
        else _initial_weights(estimator, data, rng),
        train_weight=_relative(_row_weights(estimator, data, train_rows), train_rows),
        rng=np.random.default_rng(rng.randint(2**31)),
    )


def plan_pass(estimator: Any, data: TrainingData, resume: Resume | None) -> Plan:
    """Plan a `partial_fit`: one pass over all rows, whose weights are taken as they are."""
    rng = check_random_state(estimator.random_state)
    weights = (
        _learned_weights(estimator, data, "partial_fit")
        if hasattr(estimator, "coefs_")
        else _initial_weights(estimator, data, rng)
    )
    if resume is None:  # the first call, or the optimizer's state stayed behind in a pickle
        run_rng = np.random.default_rng(rng.randint(2**31))
    else:
        run_rng = copy.deepcopy(resume.rng)  # a pass that fails has not happened
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
    # plain numbers: NumPy's, as a search draws them, are refused or taken amiss by Keras
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
    train, validation = stratified_rows(data.y[usable], float(fraction), rng)
    return usable[train], usable[validation]


# --- what the run starts from


def _layer_sizes(estimator: Any, data: TrainingData) -> tuple[int, ...]:
    """Return the number of units of each layer, from the input to the output."""
    return (data.X.shape[1], *estimator._hidden_layer_sizes(), len(data.classes))


def _learned_weights(estimator: Any, data: TrainingData, what: str) -> list[Array]:
    sizes = _layer_sizes(estimator, data)
    learned = (len(estimator.coefs_[0]), *map(len, estimator.intercepts_))
    if sizes != learned:
        raise ValueError(
            f"{what} goes on with layers of {learned} units, but X, y and the parameters ask "
            f"for {sizes}; to start anew call fit with warm_start=False."
        )
    return [array.astype(data.dtype) for array in estimator._weights()]


def _initial_weights(estimator: Any, data: TrainingData, rng: np.random.RandomState) -> list[Array]:
    weights = []
    for n_in, n_out in pairwise(_layer_sizes(estimator, data)):
        # Glorot & Bengio, 2010: Keras's default for a Dense layer
        limit = np.sqrt(6 / (n_in + n_out))
        weights.append(rng.uniform(-limit, limit, (n_in, n_out)).astype(data.dtype))
        weights.append(np.zeros(n_out, data.dtype))
    return weights


# --- what each row counts


def _row_weights(estimator: Any, data: TrainingData, train_rows: Array) -> Array | None:
    """Multiply the rows' own weights by those of their classes."""
    if estimator.class_weight is None:
        return data.weight
    by_class = _class_weights(estimator.class_weight, data, train_rows)
    weight: Array = by_class[data.y] * (1 if data.weight is None else data.weight)
    if not weight[train_rows].any():
        raise ValueError(
            f"class_weight={estimator.class_weight!r} leaves no row with a weight above 0; give "
            "one class a positive weight."
        )
    return weight


def _class_weights(class_weight: Any, data: TrainingData, train_rows: Array) -> Array:
    """Return a weight for each class, also for those that a part of the rows lacks."""
    if isinstance(class_weight, dict):
        for label, weight in class_weight.items():
            if not (isinstance(weight, Real) and 0 <= float(weight) < float("inf")):
                raise ValueError(
                    f"class_weight has {weight!r} for class {label!r}, but a weight must be a "
                    "number >= 0."
                )
        # scikit-learn's compute_class_weight takes the label "3" for the number
        labels = data.classes.tolist()
        unknown = [label for label in class_weight if label not in labels]
        if unknown and not set(labels) <= set(class_weight):
            raise ValueError(
                f"class_weight has weights for {unknown}, but the classes are {labels}."
            )
        return np.array([float(class_weight.get(label, 1)) for label in labels])
    # over the training rows: a balanced weight is about what is trained on
    present, codes = np.unique(data.y[train_rows], return_inverse=True)
    weights = np.zeros(len(data.classes))
    weights[present] = compute_class_weight(class_weight, classes=np.unique(codes), y=codes)
    return weights


def _relative(weight: Array | None, rows: Array) -> Array | None:
    """Divide weights by their mean over some rows, however small or large they are."""
    if weight is None or not len(rows):
        return None
    with np.errstate(over="ignore"):  # TODO(numpy>=2): it warned of the smallest, and was right
        used = weight[rows] / weight[rows].max()
    relative = np.zeros(len(weight))
    relative[rows] = used / used.mean()
    return relative


def _check_range(weight: Array | None, rows: Array, dtype: str) -> None:
    """Refuse weights that become infinite or nothing once they are computed with."""
    if weight is None:
        return
    given = weight[rows]
    with np.errstate(over="ignore", under="ignore"):
        computed = given.astype(dtype)
    if not (np.isfinite(computed) & ((computed > 0) | (given == 0))).all():
        raise ValueError(
            f"sample_weight goes from {weight.min():g} to {weight.max():g}, beyond what "
            f"{dtype} holds; partial_fit takes weights as they are: bring them near 1."
        )
