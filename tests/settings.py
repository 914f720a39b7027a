"""What users may have set in other libraries, and what must not change any result."""

import warnings
from contextlib import ExitStack, contextmanager

import numpy as np
import pandas as pd
import pytest
import sklearn


@contextmanager
def warnings_as_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


SETTINGS = {
    "transform_output=pandas": lambda: sklearn.config_context(transform_output="pandas"),
    "transform_output=polars": lambda: sklearn.config_context(transform_output="polars"),
    "assume_finite": lambda: sklearn.config_context(assume_finite=True),
    "skip_parameter_validation": lambda: sklearn.config_context(skip_parameter_validation=True),
    "enable_metadata_routing": lambda: sklearn.config_context(enable_metadata_routing=True),
    "array_api_dispatch": lambda: sklearn.config_context(array_api_dispatch=True),
    "seterr": lambda: np.errstate(all="raise"),
    "printoptions": lambda: np.printoptions(precision=1, threshold=3),
    "infer_string": lambda: pd.option_context("future.infer_string", True),
    "copy_on_write": lambda: pd.option_context("mode.copy_on_write", True),
    "string_storage": lambda: pd.option_context("mode.string_storage", "python"),
    "warnings": warnings_as_errors,
}


@contextmanager
def use(name):
    """Apply a setting in the block, or skip the test if it is not available."""
    if name.endswith("polars"):
        pytest.importorskip("polars")
    with ExitStack() as stack:
        try:
            stack.enter_context(SETTINGS[name]())
        except (ImportError, RuntimeError) as error:  # SciPy has to be told before it is imported
            pytest.skip(str(error))
        yield


def each_setting(test):
    """Run a test with each setting."""
    # pandas 3 warns that it has no other behaviour
    ignore = pytest.mark.filterwarnings("ignore:.*(infer_string|[Cc]opy.on.[Ww]rite)")
    return ignore(pytest.mark.parametrize("name", SETTINGS)(test))
