import numpy as np
import pytest

from skmnist.neural_network._split import stratified_rows


def split(y, fraction=0.1, seed=0):
    return stratified_rows(np.asarray(y), fraction, np.random.RandomState(seed))


def test_holds_out_each_class_in_proportion():
    y = np.repeat([0, 1, 2], [600, 300, 100])
    _, held_out = split(y)
    assert np.bincount(y[held_out]).tolist() == [60, 30, 10]


def test_every_row_is_on_one_side():
    train, held_out = split(np.arange(97) % 5)
    assert sorted([*train, *held_out]) == list(range(97))


def test_every_class_keeps_a_row_to_train_on():
    y = [0] * 20 + [1]
    train, _ = split(y, fraction=0.9)
    assert set(np.asarray(y)[train]) == {0, 1}


def test_a_handful_of_rows_still_gives_one_to_validate_on():
    train, held_out = split([0, 1, 0, 1])
    assert (len(train), len(held_out)) == (3, 1)


def test_same_seed_same_rows():
    y = np.arange(100) % 10
    assert split(y, seed=1)[1].tolist() == split(y, seed=1)[1].tolist()
    assert split(y, seed=1)[1].tolist() != split(y, seed=2)[1].tolist()


def test_classes_of_one_row_each_are_refused_with_the_way_out():
    with pytest.raises(ValueError, match=r"validation_fraction=0.1.*validation_fraction=None"):
        split([0, 1, 2])
