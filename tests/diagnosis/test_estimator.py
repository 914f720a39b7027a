import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from skmnist.diagnosis._estimator import take_images, take_rows

KINDS = [np.asarray, pd.DataFrame, csr_matrix, lambda X: [list(row) for row in X]]


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_every_kind(kind):
    rows = take_rows(kind(np.arange(6).reshape(3, 2)), [2, 0])
    rows = rows.toarray() if hasattr(rows, "toarray") else np.asarray(rows)
    assert rows.tolist() == [[4, 5], [0, 1]]


@pytest.mark.parametrize("kind", KINDS)
def test_images_of_every_kind(kind):
    images = take_images(kind(np.arange(12).reshape(3, 4)), [2, 0], None)
    assert images.tolist() == [[[8, 9], [10, 11]], [[0, 1], [2, 3]]]


@pytest.mark.parametrize("X", [np.zeros(3), np.zeros((1, 2, 2, 1))])
def test_what_is_no_image(X):
    with pytest.raises(ValueError, match=r"must have shape \(n, height, width\) for images or \(n"):
        take_images(X, [0], None)
