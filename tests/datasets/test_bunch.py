"""Labels as every loader hands them over."""

import numpy as np
import pytest

from skmnist.datasets import DatasetError
from tests.datasets.build import (
    DIGITS,
    load,
    tables,
)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["0", "10", "-3"], np.array([0, 10, -3])),
        (["07", "8", "9"], np.array(["07", "8", "9"])),
        (["1.0", "2", "3"], np.array(["1.0", "2", "3"])),
        (["NA", "nan", ""], None),
        (["NA", "nan", "None"], np.array(["NA", "nan", "None"])),
        (["T-shirt/top", "Ä", "日本"], np.array(["T-shirt/top", "Ä", "日本"])),
        (["9223372036854775808", "1", "2"], np.array(["9223372036854775808", "1", "2"])),
        (["+1", "2", "3"], np.array(["+1", "2", "3"])),
    ],
    ids=["integers", "07", "1.0", "empty", "NA", "names", "too large", "plus"],
)
def test_labels_become_integers_only_if_all_of_them_are_plain(labels, expected, tmp_path):
    files = tables(
        DIGITS
        | {
            "y_train": np.array(labels)[DIGITS["y_train"]],
            "y_test": np.array(labels)[DIGITS["y_test"]],
        }
    )
    if expected is None:
        with pytest.raises(DatasetError, match="is empty; expected a label"):
            load(tmp_path, files)
        return
    data = load(tmp_path, files)
    assert data.y_train.dtype.kind == expected.dtype.kind
    assert data.y_train[:3].tolist() == expected.tolist()
    assert data.target_names.tolist() == np.unique(expected).astype(str).tolist()


def test_labels_are_text_in_both_parts_where_they_are_in_one(tmp_path):
    data = load(tmp_path, tables(DIGITS | {"y_test": np.array(["0", "1", "x"] * 2)}))
    assert data.y_train.tolist()[:3] == ["0", "1", "2"]
    assert data.y_test.tolist()[:3] == ["0", "1", "x"]
