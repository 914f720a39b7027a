"""What may be given to train on and to predict, and what is refused."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from skmnist import SimpleNNClassifier


@pytest.mark.parametrize(
    ("convert", "dtype"),
    [
        (lambda X: X, "float64"),
        (lambda X: X.astype(np.float32), "float32"),
        (lambda X: (X * 16).astype(np.uint8), "float32"),
        (lambda X: np.asfortranarray(X), "float64"),
        (lambda X: X.reshape(-1, 8, 8), "float64"),
        (lambda X: pd.DataFrame(X).rename(columns=str), "float64"),
        (lambda X: pl.DataFrame(X.astype(np.float32)), "float32"),
        (lambda X: X.tolist(), "float64"),
    ],
    ids=["float64", "float32", "uint8", "fortran", "images", "pandas", "polars", "lists"],
)
def test_input_of_every_kind(digits, convert, dtype):
    X, y = convert(digits[0]), digits[1]
    if isinstance(X, np.ndarray):
        X.flags.writeable = False
    model = SimpleNNClassifier(16, epochs=5, learning_rate=0.01, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.7
    assert model.coefs_[0].dtype == model.predict_proba(X).dtype == dtype
    assert model.n_features_in_ == 64


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_a_frame_gives_names_that_later_frames_are_held_to(digits, library):
    X, y = digits
    names = [f"pixel{n}" for n in range(64)]
    frame = library.DataFrame(dict(zip(names, X.T, strict=True)))
    model = SimpleNNClassifier(16, epochs=1).fit(frame, library.Series(y))
    assert model.feature_names_in_.tolist() == names
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[names[::-1]])


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array, sparse.coo_array])
def test_sparse_rows_are_refused_in_words(digits, kind):
    X, y = digits
    with pytest.raises(TypeError, match=r"Sparse data was passed for X.*toarray\(\)"):
        SimpleNNClassifier(16, epochs=1).fit(kind(X), y)
    with pytest.raises(TypeError, match=r"Sparse data was passed for X.*toarray\(\)"):
        SimpleNNClassifier(16, epochs=0).fit(X, y).predict(kind(X))


def test_labels_may_be_text_or_gaps(digits):
    X, y = digits
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "7", "8", "9"])
    model = SimpleNNClassifier(16, epochs=10, learning_rate=0.01, random_state=0).fit(X, names[y])
    assert model.score(X, names[y]) > 0.8
    gaps = SimpleNNClassifier(16, epochs=10, learning_rate=0.01, random_state=0).fit(X, y * 100 - 7)
    assert gaps.classes_.tolist() == [n * 100 - 7 for n in range(10)]
    assert gaps.score(X, y * 100 - 7) > 0.8


@pytest.mark.parametrize(
    "convert",
    [
        lambda X: X.astype(">f8"),
        np.asfortranarray,
        lambda X: X[::-1].copy()[::-1],
        lambda X: X[:, ::-1].copy()[:, ::-1],
        lambda X: np.repeat(X, 2, axis=0)[::2],
        lambda X: np.ma.masked_array(X, X > 2),
        lambda X: X.astype(object),
        lambda X: memoryview(X),
        lambda X: pd.DataFrame(X).convert_dtypes(dtype_backend="pyarrow"),
        lambda X: pl.DataFrame(X),
        lambda X: pa.table([pa.array(column) for column in X.T], names=list(map(str, range(64)))),
    ],
    ids=[
        "big-endian",
        "Fortran",
        "reversed",
        "reversed columns",
        "strided",
        "masked",
        "objects",
        "memoryview",
        "Arrow in pandas",
        "polars",
        "Arrow table",
    ],
)
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
def test_the_same_rows_in_any_layout_give_the_same_bits(digits, convert):
    X, y = digits
    model = SimpleNNClassifier(16, epochs=1, random_state=0).fit(X, y)
    other = SimpleNNClassifier(16, epochs=1, random_state=0).fit(convert(X), y.astype(">i4"))
    assert other.classes_.dtype.isnative
    np.testing.assert_array_equal(other.coefs_[0], model.coefs_[0])
    np.testing.assert_array_equal(model.predict_proba(convert(X)), model.predict_proba(X))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda X, y: (np.full_like(X, np.nan), y), "contains NaN"),
        (lambda X, y: (X, y[:-1]), "inconsistent numbers of samples"),
        (lambda X, y: (X, np.zeros(len(y))), "y has one class, 0.0, in all 1797 rows"),
        (lambda X, y: (X, y + 0.5), "Unknown label type"),
        (lambda X, y: (X[:, None, None], y), "dim 4"),
        (lambda X, y: (X.astype(complex), y), "Complex data not supported"),
        (lambda X, y: ((X * 100).astype("datetime64[s]"), y), "dtype datetime64.* expected bool"),
    ],
    ids=["NaN", "lengths", "one class", "continuous", "4-D", "complex", "dates"],
)
def test_rows_that_cannot_be_learned_are_refused(digits, change, match):
    with pytest.raises(ValueError, match=match):
        SimpleNNClassifier(16, epochs=1).fit(*change(*digits))


@pytest.mark.slow
def test_of_one_row_per_class_none_can_be_held_out(digits):
    X = digits[0][:3]
    with pytest.raises(
        ValueError, match=r"validation_fraction=0.1 needs a class with at least two"
    ):
        SimpleNNClassifier(16, epochs=1, validation_fraction=0.1).fit(X, [1, 2, 3])
    assert SimpleNNClassifier(16, epochs=1).fit(X, [1, 2, 3]).n_validation_ == 0


def test_a_tenth_is_held_out_of_1000_rows_and_none_of_fewer(digits):
    X, y = digits
    held_out = [
        SimpleNNClassifier(16, epochs=0).fit(X[:n], y[:n]).n_validation_ for n in (999, 1000)
    ]
    assert held_out == [0, 100]


def test_one_image_or_colours_are_refused_with_the_way_out(digits):
    X, y = digits
    model = SimpleNNClassifier(16, epochs=0).fit(X.reshape(-1, 8, 8), y)
    with pytest.raises(ValueError, match=r"like a single image.*X\[np.newaxis\]"):
        model.predict(X[0].reshape(8, 8))
    with pytest.raises(ValueError, match=r"192 features.*seem to be colours"):
        model.predict(np.repeat(X, 3, axis=1))


@pytest.mark.slow
def test_rows_too_large_for_the_precision_are_refused(digits):
    X, y = digits[0].astype(np.float32), digits[1]
    model = SimpleNNClassifier(16, epochs=2, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=r"X has values up to 1e\+300, too large for float32"):
        model.predict(X.astype(float) * 1e300)
    with pytest.raises(ValueError, match="A loss or a weight was not finite in epoch 1"):
        model.fit(X, y, X_val=X * np.float32(3e38), y_val=y)


def test_images_of_another_shape_are_refused(digits):
    X, y = digits[0].reshape(-1, 8, 8), digits[1]
    model = SimpleNNClassifier(16, epochs=1).fit(X, y)
    with pytest.raises(ValueError, match=r"images of shape \(4, 16\).*fitted on.*\(8, 8\)"):
        model.predict(X.reshape(-1, 4, 16))


@pytest.mark.parametrize(
    ("weight", "match"),
    [
        (lambda n: np.zeros(n), "sample_weight is zero for all rows|at least one non-zero"),
        (lambda n: -np.ones(n), "Negative values in data passed to `sample_weight`"),
        (lambda n: np.ones(n - 1), "sample_weight.shape"),
    ],
    ids=["zero", "negative", "length"],
)
def test_weights_that_make_no_sense_are_refused(digits, weight, match):
    with pytest.raises(ValueError, match=match):
        SimpleNNClassifier(16, epochs=1).fit(*digits, sample_weight=weight(len(digits[1])))


@pytest.mark.parametrize(
    ("validation", "match"),
    [
        ({"X_val": np.ones((3, 64))}, "X_val was given without y_val"),
        ({"y_val": [1, 2, 3]}, "y_val was given without X_val"),
        ({"X_val": np.ones((3, 64)), "y_val": [1, 2]}, r"y_val has shape \(2,\); expected \(3,\)"),
        ({"X_val": np.ones((3, 63)), "y_val": [1, 2, 3]}, "X_val: X has 63 features"),
        ({"X_val": np.full((1, 64), np.nan), "y_val": [1]}, "X_val: Input X contains NaN"),
        ({"sample_weight_val": [1]}, "sample_weight_val was given without X_val"),
        (
            {"X_val": np.ones((2, 64)), "y_val": [1, 2], "sample_weight_val": [1]},
            "sample_weight_val.shape",
        ),
        (
            {"X_val": np.ones((2, 64)), "y_val": [1, 2], "sample_weight_val": [0, 0]},
            "sample_weight_val is zero for all rows|at least one non-zero",
        ),
        ({"X_val": np.ones((2, 64)), "y_val": [1, 77]}, r"labels that are not in y: \[77\]"),
        ({"X_val": np.ones((1, 64)), "y_val": ["1"]}, r"labels that are not in y: \['1'\]"),
    ],
    ids=[
        "no y",
        "no X",
        "length",
        "features",
        "NaN",
        "weights alone",
        "weights' length",
        "no weight",
        "unseen label",
        "text for numbers",
    ],
)
def test_validation_rows_that_do_not_fit_are_refused(digits, validation, match):
    with pytest.raises(ValueError, match=match):
        SimpleNNClassifier(16, epochs=1).fit(*digits, **validation)
