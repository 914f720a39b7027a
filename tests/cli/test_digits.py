"""Digits that a command is asked to read."""

import re

import numpy as np
import pytest

from skmnist.cli import main


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x_train": np.full((6, 2, 2), np.nan)}, "values from nan to nan; expected finite values"),
        ({"x_test": -np.ones((6, 2, 2))}, "values from -1 to -1; expected finite values from 0"),
        ({"y_train": np.zeros(6, int)}, "expected at least two in y_train"),
        ({"y_test": np.arange(6) + 50}, "some of them in y_test"),
    ],
    ids=["NaN", "negative", "one class", "other classes"],
)
def test_digits_that_cannot_be_learned_are_refused_before_anything_is_loaded(
    tmp_path, capsys, arrays, told
):
    good = {"x_train": np.ones((6, 2, 2)), "y_train": np.arange(6) % 2}
    good |= {"x_test": good["x_train"], "y_test": good["y_train"]}
    np.savez(tmp_path / "a.npz", **(good | arrays))
    assert main(["compare", "--data", str(tmp_path / "a.npz")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_a_damaged_bundle_is_told_with_file_and_both_checksums(monkeypatch, tmp_path, capsys):
    from skmnist.datasets import _bundled

    damaged = tmp_path / "mnist.npz"
    damaged.write_bytes(_bundled.MNIST.read_bytes()[:-1])
    monkeypatch.setattr(_bundled, "MNIST", damaged)
    assert main(["compare"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(damaged) in line
    assert _bundled.MNIST_SHA256 in line
    assert len(re.findall(r"[0-9a-f]{64}", line)) == 2


def test_a_broken_cell_is_told_with_its_place_in_one_line(tmp_path, capsys):
    path = tmp_path / "train.csv"
    path.write_text("label,pixel0,pixel1,pixel2,pixel3\n1,0,0,0,9\n7,0,0,300,0\n")
    assert main(["compare", "--data", str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "train.csv, line 3, column 4 ('pixel2'): '300' is not a pixel" in line.replace(
        str(path), "train.csv"
    )
