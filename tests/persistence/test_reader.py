"""A reader and its file."""

import copy

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from skmnist import DigitReader, load_model, save_model
from skmnist.persistence import ModelFileError
from tests.persistence.test_load import change


@pytest.fixture(scope="module")
def reader(digits, pipeline):
    X, y = digits[0].reshape(-1, 8, 8), digits[1]
    reader = DigitReader(FrozenEstimator(pipeline), max_error=0.05).fit(X[:900], y[:900])
    reader.calibrate(X[900:], y[900:], groups=np.where(np.arange(len(y) - 900) % 2, "a", "b"))
    reader.notes_ = {"data": "load_digits", "n": 900}
    return reader


@pytest.mark.slow
def test_a_loaded_reader_reads_and_promises_the_same(reader, digits, tmp_path):
    save_model(reader, tmp_path / "reader.skmnist")
    loaded = load_model(tmp_path / "reader.skmnist")
    images = [255 - 15 * image.reshape(8, 8) for image in digits[0][:50]]
    assert loaded.read_digits(images).equals(reader.read_digits(images))
    assert loaded.promise().sentences() == reader.promise().sentences()
    assert loaded.promise().writers.equals(reader.promise().writers)
    assert loaded.notes_ == reader.notes_
    assert isinstance(loaded.estimator, FrozenEstimator)


@pytest.mark.slow
def test_a_reader_that_is_not_calibrated_can_be_saved(reader, digits, tmp_path):
    reader = DigitReader(reader.estimator).fit(digits[0][:50].reshape(-1, 8, 8), digits[1][:50])
    save_model(reader, tmp_path / "reader.skmnist")
    assert not hasattr(load_model(tmp_path / "reader.skmnist"), "calibration_")


def test_a_reader_of_another_package_s_classifier_cannot_be_saved(digits, tmp_path):
    reader = DigitReader(LogisticRegression()).fit(digits[0][:50], digits[1][:50])
    with pytest.raises(ModelFileError, match="estimator is a LogisticRegression"):
        save_model(reader, tmp_path / "reader.skmnist")


@pytest.mark.slow
def test_weights_of_half_precision_are_loaded_as_float32(reader, tmp_path):
    guard = [array.astype(np.float16) for array in reader.guard_coefs_]
    halved = copy.copy(reader)
    halved.guard_coefs_ = guard
    save_model(halved, tmp_path / "reader.skmnist")
    loaded = load_model(tmp_path / "reader.skmnist").guard_coefs_
    assert {array.dtype for array in loaded} == {np.dtype(np.float32)}
    assert all((a == b).all() for a, b in zip(loaded, guard, strict=True))


HOSTILE = {
    "no estimator": lambda d, t: d["model"].pop("estimator") and None,
    "text for the estimator": lambda d, t: d["model"].update(estimator="x"),
    "an estimator without classes": lambda d, t: d["model"].update(
        estimator=d["model"]["estimator"]["steps"][0][1]
    ),
    "an estimator as a parameter": lambda d, t: d["model"]["parameters"].update(estimator=None),
    "a parameter out of range": lambda d, t: d["model"]["parameters"].update(max_error=2),
    "other classes": lambda d, t: t.update({"model.classes_": np.arange(1, 11)}),
    "a guard of one layer": lambda d, t: d["model"]["attributes"]["guard_coefs_"].pop() and None,
    "a flat guard": lambda d, t: t.update(
        {"model.guard_intercepts_.1": np.zeros((2, 1), np.float32)}
    ),
    "a guard of another size": lambda d, t: t.update(
        {"model.guard_coefs_.1": np.zeros((3, 2), np.float32)}
    ),
    "a short calibration": lambda d, t: t.update({"model.calibration_.correct": np.ones(3, bool)}),
    "numbers for the truth": lambda d, t: t.update({"model.calibration_.correct": np.ones(897)}),
    "a probability of NaN": lambda d, t: t.update(
        {"model.calibration_.strangeness": np.full(897, np.nan)}
    ),
    "notes of lists": lambda d, t: d["model"]["attributes"].update(notes_={"dict": [["a", [1]]]}),
}


@pytest.mark.parametrize("edit", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_rejected(reader, edit, tmp_path):
    file = tmp_path / "reader.skmnist"
    save_model(reader, file)
    change(file)(edit)
    with pytest.raises(ModelFileError):
        load_model(file)
