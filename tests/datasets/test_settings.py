"""Settings of other libraries change nothing of what is read and described."""

import numpy as np
import pytest

from skmnist.datasets import describe_dataset, load_digit_archive, load_mnist
from tests.datasets.build import DIGITS, image_files, one_part, to_csv, write_folder
from tests.settings import each_setting, use

LETTERS = to_csv(DIGITS["x_train"], np.array(list("abc"))[DIGITS["y_train"]]).encode()


def read(folder):
    found = []
    for name, files in (("a", image_files(DIGITS)), ("b", one_part()), ("c", {"d.csv": LETTERS})):
        data = load_digit_archive(write_folder(folder / name, files), random_state=0, invert=True)
        found += [data[key] for key in ("X_train", "y_train", "X_test", "y_test", "target_names")]
        found += [data.DESCR, *map(str, data.notes), describe_dataset(data).to_dict()]
    mnist = load_mnist(n_train=20, n_test=20, random_state=0)
    return [*found, mnist.X_train, mnist.y_test]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("digits")


@pytest.fixture(scope="module")
def expected(folder):
    return read(folder)


@each_setting
def test_settings_of_others_change_nothing(name, folder, expected):
    with use(name):
        found = read(folder)
    for one, other in zip(found, expected, strict=True):
        if isinstance(other, np.ndarray):
            np.testing.assert_array_equal(one, other, strict=True)
        else:
            assert one == other
