"""Settings of other libraries change nothing of what is read and described."""

import warnings
from contextlib import ExitStack, contextmanager

import numpy as np
import pandas as pd
import pytest
import sklearn

from skmnist.datasets import describe_dataset, load_digit_archive, load_mnist
from tests.datasets.build import DIGITS, image_files, one_part, to_csv, write_folder


@contextmanager
def warnings_as_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


SETTINGS = {
    "transform_output=pandas": lambda: sklearn.config_context(transform_output="pandas"),
    "transform_output=polars": lambda: sklearn.config_context(transform_output="polars"),
    "assume_finite": lambda: sklearn.config_context(assume_finite=True),
    "array_api_dispatch": lambda: sklearn.config_context(array_api_dispatch=True),
    "seterr": lambda: np.errstate(all="raise"),
    "printoptions": lambda: np.printoptions(precision=1, threshold=3),
    "infer_string": lambda: pd.option_context("future.infer_string", True),
    "copy_on_write": lambda: pd.option_context("mode.copy_on_write", True),
    "string_storage": lambda: pd.option_context("mode.string_storage", "python"),
    "warnings": warnings_as_errors,
}
LETTERS = to_csv(DIGITS["x_train"], np.array(list("abc"))[DIGITS["y_train"]]).encode()


def read(folder):
    found = []
    for name, files in (("a", image_files(DIGITS)), ("b", one_part()), ("c", {"d.csv": LETTERS})):
        data = load_digit_archive(write_folder(folder / name, files), random_state=0, invert=True)
        found += [data[key] for key in ("X_train", "y_train", "X_test", "y_test", "target_names")]
        found += [data.DESCR, *map(str, data.notes), describe_dataset(data).to_dict()]
    mnist = load_mnist(n_train=20, n_test=20, random_state=0)
    return [*found, mnist.X_train, mnist.y_test]


# pandas 3: both are the only way there is
@pytest.mark.filterwarnings("ignore:.*(infer_string|[Cc]opy.on.[Ww]rite)")
@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_others_change_nothing(name, tmp_path):
    if name.endswith("polars"):
        pytest.importorskip("polars")
    expected = read(tmp_path)
    with ExitStack() as stack:
        try:
            stack.enter_context(SETTINGS[name]())
        except (ImportError, RuntimeError) as error:  # SciPy has to be told before it is imported
            pytest.skip(str(error))
        found = read(tmp_path)
    for one, other in zip(found, expected, strict=True):
        if isinstance(other, np.ndarray):
            np.testing.assert_array_equal(one, other, strict=True)
        else:
            assert one == other
