import dataclasses

import numpy as np
import pytest

from skmnist.neural_network._training import Network, Optimizer, Plan, Watch

ROWS = np.arange(250, dtype=np.int32)
PLAN = Plan(
    network=Network(64, (8,), 10, "relu", "float32", with_dropout=False, with_l2=False),
    optimizer=Optimizer("adam", momentum=0.0, weight_decay=None),
    epochs=10,
    batch_size=100,
    learning_rate=0.1,
    schedule="constant",
    dropout=0.0,
    l2=0.0,
    shuffle=True,
    patience=2,
    monitor="val_loss",
    train_rows=ROWS,
    validation_rows=ROWS[:0],
    train_weight=None,
    validation_weight=None,
    validation_data=None,
    initial_weights=[],
    optimizer_state=None,
    rng=np.random.default_rng(0),
)


@pytest.mark.parametrize(
    ("schedule", "first", "middle", "last"),
    [
        ("constant", 0.1, 0.1, 0.1),
        ("linear", 0.1, 0.05, 0.1 / 30),
        ("cosine", 0.1, 0.05, 0.05 * (1 + np.cos(np.pi * 29 / 30))),
        ("exponential", 0.1, 0.01, 0.1 * 0.01 ** (29 / 30)),
    ],
)
def test_a_schedule_falls_from_update_to_update(schedule, first, middle, last):
    plan = dataclasses.replace(PLAN, schedule=schedule)
    rates = np.concatenate([plan.learning_rates(epoch) for epoch in range(10)])
    assert len(rates) == 30  # three updates for 250 rows, in each of ten epochs
    np.testing.assert_allclose(rates[[0, 15, 29]], [first, middle, last], rtol=1e-5)


def run(plan, values, name="val_loss"):
    watch = Watch(plan)
    watch.start()
    for epoch, value in enumerate(values, start=1):
        logs = {"loss": 1.0, "val_loss": 1.0, name: value}
        if watch.end_epoch(logs, lambda epoch=epoch: [np.array(epoch)], finite=True):
            break
    return watch


def test_the_best_epoch_is_the_first_of_equals():
    watch = run(PLAN, [3.0, 2.0, 2.0, 2.0, 1.0])
    assert (watch.best_epoch, watch.n_epochs, watch.stop_reason) == (2, 4, "patience")
    assert watch.weights == [np.array(2)]


def test_an_accuracy_is_better_when_it_is_higher():
    plan = dataclasses.replace(PLAN, monitor="val_accuracy")
    assert run(plan, [0.1, 0.3, 0.2, 0.2, 0.9], "val_accuracy").best_epoch == 2


@pytest.mark.parametrize(
    ("monitor", "best"), [("val_accuracy", 3), ("val_loss", 4), ("accuracy", 2), ("loss", 1)]
)
def test_of_epochs_with_the_same_accuracy_the_lower_loss_is_the_better(monitor, best):
    epochs = [
        {"val_accuracy": 0.9, "val_loss": 0.5, "accuracy": 0.7, "loss": 0.1},
        {"val_accuracy": 0.9, "val_loss": 0.4, "accuracy": 0.8, "loss": 0.2},
        {"val_accuracy": 0.9, "val_loss": 0.3, "accuracy": 0.8, "loss": 0.3},
        {"val_accuracy": 0.8, "val_loss": 0.1, "accuracy": 0.7, "loss": 0.1},
    ]
    watch = Watch(dataclasses.replace(PLAN, monitor=monitor, patience=None))
    watch.start()
    for logs in epochs:
        watch.end_epoch(logs, lambda: [], finite=True)
    assert watch.best_epoch == best


def test_without_patience_the_last_weights_are_kept_and_the_best_epoch_noted():
    watch = run(dataclasses.replace(PLAN, patience=None), [3.0, 1.0, 2.0])
    assert (watch.best_epoch, watch.kept_epoch, watch.weights) == (2, 3, [np.array(3)])
