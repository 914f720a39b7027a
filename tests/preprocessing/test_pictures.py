import numpy as np
import pytest

from skmnist.preprocessing._pictures import to_levels


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16, np.int64, np.float32, np.float64])
def test_levels_take_four_bytes_whatever_the_pixels_are(dtype):
    levels = to_levels(np.ones((2, 3, 3, 1), dtype), max_value=1)
    assert levels.dtype == np.float32
    assert (levels == 1).all()
