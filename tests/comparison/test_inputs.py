"""What can be refused is refused before anything is trained; what can be taken is."""

import json

import numpy as np
import pandas as pd
import pytest
from optuna.distributions import FloatDistribution
from scipy.sparse import coo_matrix, csr_matrix
from sklearn.cluster import KMeans
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import BaggingClassifier, HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, RandomizedSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.tree import DecisionTreeClassifier

from skmnist import PixelNormalizer, SimpleNNClassifier
from skmnist.comparison import compare_models, evaluate_model
from skmnist.comparison._inputs import check_parameters
from skmnist.model_selection import OptunaSearchCV
from tests.comparison.fakes import Fails, Lucky

pytestmark = pytest.mark.usefixtures("few_rounds")

NAMES = np.array(["zero", "one", "two"])


class Tensor:
    """Knows no more of NumPy than that it can become an array."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array

    def __len__(self):
        return len(self.array)


def to_polars(X):
    return pytest.importorskip("polars").DataFrame({f"p{at}": x for at, x in enumerate(X.T)})


def to_arrow(X):
    return pytest.importorskip("pyarrow").table({f"p{at}": x for at, x in enumerate(X.T)})


def tell_all(comparison):
    """Make all that can be made of a comparison, but for the page."""
    json.dumps(comparison.to_dict(), allow_nan=False)
    assert comparison.to_markdown()
    return comparison.results["model"]


@pytest.fixture(scope="module")
def halves(digits):
    X, y = digits
    return X[::2], y[::2], X[1::2], y[1::2]


@pytest.fixture(scope="module")
def by_arrays(halves, few_rounds):
    X, y, X_test, y_test = halves
    models = {"model": DecisionTreeClassifier(random_state=0)}
    return compare_models(models, X, y, X_test=X_test, y_test=y_test).results["model"]


@pytest.mark.parametrize(
    "convert",
    [
        list,
        np.ndarray.tolist,
        lambda X: X.astype(">f4"),
        lambda X: (16 * X).astype(">i2"),
        np.asfortranarray,
        lambda X: X[:, ::-1],
        lambda X: X.astype(object),
        Tensor,
        csr_matrix,
        coo_matrix,
        pd.DataFrame,
        lambda X: pd.DataFrame(X.astype(">f8")),
        lambda X: pd.DataFrame(X).astype("Float64"),
        to_polars,
        to_arrow,
    ],
)
def test_rows_of_every_kind(halves, by_arrays, convert):
    X, y, X_test, y_test = halves
    models = {"model": DecisionTreeClassifier(random_state=0)}
    result = tell_all(compare_models(models, convert(X), y, X_test=convert(X_test), y_test=y_test))
    np.testing.assert_array_equal(result.predictions, by_arrays.predictions)
    assert result.diagnosis == by_arrays.diagnosis
    assert result.proba is not None
    assert None not in (result.size, result.predict_time)


@pytest.mark.slow
@pytest.mark.parametrize("convert", [list, csr_matrix, pd.DataFrame, to_polars, to_arrow])
def test_the_page_shows_images_of_rows_of_every_kind(halves, convert):
    X, y, X_test, y_test = halves
    X_test = X_test + np.random.default_rng(0).normal(size=X_test.shape)  # some are misread
    models = {"model": DecisionTreeClassifier(random_state=0)}
    comparison = compare_models(models, convert(X), y, X_test=convert(X_test), y_test=y_test)
    assert "data:image/png" in comparison.to_html()


def to_series(dtype):
    return lambda y: pd.Series(y).astype(dtype)


def to_polars_series(y):
    return pytest.importorskip("polars").Series(y.tolist())


def to_arrow_array(y):
    return pytest.importorskip("pyarrow").chunked_array([y.tolist()])


@pytest.mark.parametrize("names", [np.arange(3), NAMES], ids=["numbers", "text"])
@pytest.mark.parametrize(
    "convert",
    [
        lambda y: y.astype(y.dtype.newbyteorder(">")),
        lambda y: y.astype(object),
        list,
        np.ndarray.tolist,
        lambda y: y[::-1][::-1],
        lambda y: y[:, np.newaxis],
        Tensor,
        to_series("category"),
        lambda y: pd.Series(y).convert_dtypes(),
        lambda y: pd.DataFrame({"label": y}),
        to_polars_series,
        to_arrow_array,
    ],
)
def test_labels_of_every_kind(digits, convert, names):
    X, y = digits[0], names[digits[1]]
    models = {"model": DecisionTreeClassifier(random_state=0)}
    result = tell_all(compare_models(models, X, convert(y), random_state=0))
    assert result.errors.report.index.tolist() == sorted(names.tolist())
    assert result.errors.accuracy > 0.8


def test_the_page_takes_big_endian_labels(digits):
    models = {"model": DecisionTreeClassifier(random_state=0)}
    comparison = compare_models(models, digits[0], digits[1].astype(">i8"), random_state=0)
    assert "data:image/png" in comparison.to_html()


@pytest.mark.parametrize("dtype", [bool, ">f4", "u1", "boolean"])
def test_numbers_of_every_kind_are_labels(digits, dtype):
    X, y = digits[0], pd.Series(digits[1] > 0).astype(dtype)
    models = {"model": LogisticRegression()}
    result = tell_all(compare_models(models, X, y, cv=2, n_repeats=2, random_state=0))
    assert result.errors.report.index.tolist() == [0, 1]
    assert result.errors.accuracy > 0.9


def test_rows_of_pixels_test_what_was_trained_on_images(digits):
    X, y = digits
    images = X.reshape(-1, 8, 8)
    model = {"model": SimpleNNClassifier(epochs=0, random_state=0)}
    by_rows = compare_models(model, images[40:], y[40:], X_test=X[:40], y_test=y[:40])
    assert by_rows.X_test.shape == (40, 8, 8)


def test_texts_are_rows(known):
    texts = [{0: "a b", 1: "b c", 2: "c a"}[label] for label in known[1]]
    model = make_pipeline(CountVectorizer(token_pattern=r"\w"), LogisticRegression())
    comparison = compare_models({"model": model}, texts, known[1], random_state=0)
    assert comparison.table["test_accuracy"].item() == 1


def refuse(match, X, y, *, models=(), **given):
    with pytest.raises(ValueError, match=match):
        compare_models({"first": Fails(), **dict(models)}, X, y, **given)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (
            lambda y: NAMES[y],
            r"y_test has no label in common with y: 'zero', 'one', 'two' \(text\)",
        ),
        (lambda y: y + 10, r"y_test has no label in common with y: 10, 11, 12 \(numbers\)"),
        (lambda y: y[:-1], r"y_test has shape \(209,\), but must have shape \(210,\), with"),
        (lambda y: np.eye(3)[y], r"y_test has shape \(210, 3\).*with \.argmax\(axis=1\)"),
        (
            lambda y: np.where(y, y, np.nan),
            r"y_test has missing labels in 70 of 210 rows, the first in row 0",
        ),
        (
            lambda y: [None, *y[1:]],
            r"y_test has missing labels in 1 of 210 rows, the first in row 0; drop",
        ),
        (lambda y: ["0", *y[1:]], r"y_test mixes text with other types, such as '0', 1, 2"),
        (lambda y: y + 0.5, r"y_test has values that are not class labels, such as 0\.5, 1\.5"),
        (lambda y: NAMES[y].astype("S"), r"y_test has values that are not class labels"),
        (lambda y: csr_matrix(y), r"y_test has shape \(\)"),
    ],
)
def test_labels_of_the_test_set_that_do_not_fit(digits, change, match):
    X, y = digits
    refuse(match, X, y, X_test=X, y_test=change(y))
    if "no label in common" not in match:
        refuse(match.replace("y_test", "y"), X, change(y), X_test=X, y_test=y)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda X: X[:, :5], r"X_test has rows of shape \(5,\), but X has rows of shape \(64,\)"),
        (lambda X: X[:0], r"y_test has shape"),
        (lambda X: 3, r"X_test=3 must be an array, a data frame, a sparse matrix or a list"),
    ],
)
def test_test_rows_that_do_not_fit(digits, change, match):
    X, y = digits
    refuse(match, X, y, X_test=change(X), y_test=y)


def test_test_images_of_another_shape(digits):
    images = digits[0].reshape(-1, 8, 8)
    match = r"shape \(4, 16\), but X has rows of shape \(8, 8\)"
    refuse(match, images, digits[1], X_test=images.reshape(-1, 4, 16), y_test=digits[1])


def test_test_columns_in_another_order(digits):
    frame = pd.DataFrame(digits[0]).add_prefix("p")
    match = r"columns 'p63', 'p62', .*X has 'p0', 'p1', .*; pass X_test\[X\.columns\]"
    refuse(match, frame, digits[1], X_test=frame[frame.columns[::-1]], y_test=digits[1])


def test_one_class(digits):
    refuse(r"y has one class, 0; pass at least two classes", digits[0], np.zeros(210, dtype=int))


def test_no_test_rows(digits):
    X, y = digits
    refuse(r"y_test is empty; pass at least one row", X, y, X_test=X[:0], y_test=y[:0])


@pytest.mark.parametrize("make", [np.asarray, pd.DataFrame, csr_matrix])
def test_missing_pixels(digits, make):
    X, y = digits[0].copy(), digits[1]
    X[3, 3] = np.nan
    models = {"linear": LogisticRegression()}
    whole, holes = make(digits[0]), make(X)
    refuse(r"^X(_test)? has NaN or infinity, which 'linear'", holes, y, models=models)
    refuse(r"^X_test has NaN", whole, y, X_test=holes, y_test=y, models=models)


def test_missing_pixels_are_for_the_models_that_take_them(digits):
    X, y = digits[0].copy(), digits[1]
    X[::3, 3] = np.nan
    models = {
        "trees": HistGradientBoostingClassifier(max_iter=1),
        "bag": BaggingClassifier(HistGradientBoostingClassifier(max_iter=1), n_estimators=1),
        "filled": make_pipeline("passthrough", SimpleImputer(), LogisticRegression()),
    }
    assert len(compare_models(models, X, y, random_state=0).results) == 3


def test_sparse_rows_for_a_model_that_takes_none(digits):
    match = r"X is sparse, which 'ours' does not support; pass X\.toarray\(\)"
    refuse(match, csr_matrix(digits[0]), digits[1], models={"ours": SimpleNNClassifier()})


@pytest.mark.parametrize(
    ("model", "match"),
    [
        (SimpleNNClassifier(epochs=-1), r"estimators\['bad'\]: The 'epochs' parameter of Simple"),
        (make_pipeline(SimpleImputer(strategy="x"), Lucky()), r"\['bad'\]: The 'strategy'"),
        (BaggingClassifier(LogisticRegression(C=-1)), r"\['bad'\]: The 'C' parameter of Logis"),
    ],
)
def test_bad_parameters(digits, model, match):
    refuse(match, *digits, models={"bad": model})


@pytest.mark.parametrize(
    "model",
    [DecisionTreeClassifier(), make_pipeline(SimpleImputer(), LogisticRegression())],
    ids=["tree", "pipeline"],
)
def test_images_for_a_model_that_takes_rows(digits, model):
    images = digits[0].reshape(-1, 8, 8)
    match = (
        r"X has rows of shape \(8, 8\), which 'rows' does not support; "
        r"pass X\.reshape\(len\(X\), -1\), or put a PixelNormalizer before"
    )
    refuse(match, images, digits[1], models={"rows": model})


def test_images_are_for_the_models_that_take_them(digits):
    models = {
        "normalised": make_pipeline(PixelNormalizer(max_value=1), DecisionTreeClassifier()),
        "constant": DummyClassifier(),
    }
    images = digits[0].reshape(-1, 8, 8)
    assert len(compare_models(models, images, digits[1], random_state=0).results) == 2


@pytest.mark.parametrize(
    ("search", "match"),
    [
        (GridSearchCV(LogisticRegression(), {"c": [1]}), "Invalid parameter 'c' for"),
        (GridSearchCV(LogisticRegression(), {"C": [1, -1]}), "The 'C' parameter"),
        (
            GridSearchCV(
                make_pipeline(LogisticRegression()),
                [{"logisticregression__C": [1]}, {"logisticregression__max_iter": [5, "a"]}],
            ),
            "The 'max_iter' parameter",
        ),
        (GridSearchCV(LogisticRegression(), {"C": []}), "empty|non-empty"),
        (RandomizedSearchCV(LogisticRegression(), {"c": [1]}), "Invalid parameter 'c' for"),
        (RandomizedSearchCV(LogisticRegression(), {"C": [1, -1]}), "The 'C' parameter"),
        (
            make_pipeline(GridSearchCV(SimpleNNClassifier(), {"epoch": [1]})),
            "no parameter 'epoch'. Did you mean 'epochs'",
        ),
    ],
)
def test_bad_parameters_of_a_search(digits, search, match):
    refuse(rf"estimators\['bad'\]: .*({match})", *digits, models={"bad": search})


@pytest.mark.filterwarnings("error")
def test_the_estimators_in_a_grid_stay_as_they_are():
    tree = DecisionTreeClassifier()
    grid = {"model": [tree], "model__max_depth": [1, 2]}
    search = GridSearchCV(Pipeline([("model", Lucky())]), grid, cv=2)
    shuffled = RandomizedSearchCV(LogisticRegression(), {"C": [1, 2]}, n_iter=1, cv=2)
    check_parameters([("grid", search), ("random", shuffled)])
    assert tree.max_depth is None


def test_a_search_of_other_distributions_is_left_to_its_fit():
    search = OptunaSearchCV(LogisticRegression(), {"C": FloatDistribution(0.1, 1)})
    check_parameters([("optuna", search)])


def test_a_class_with_one_row_cannot_be_held_out(digits):
    X, y = digits
    match = r"y has only one row of class 7, so .*; pass at least two rows per class, or X_test"
    refuse(match, X, np.append(y[:-1], 7))


def test_bad_folds_are_told_in_short(digits):
    folds = [(np.arange(100), np.arange(100))]
    with pytest.raises(ValueError, match=r"cv=.*: the number of folds is 1") as caught:
        compare_models({"first": Fails()}, *digits, cv=folds)
    assert len(str(caught.value)) < 400


def test_folds_by_group(digits):
    X, y = digits
    match = r"requires groups.* cv=list\(GroupKFold\(n_splits=3.*\)\.split\(X, y, groups\)\)"
    refuse(match, X, y, cv=GroupKFold(3))


def test_bad_steps(digits):
    model = Pipeline([("classify", Lucky()), ("again", Lucky())])
    with pytest.raises(TypeError, match=r"estimators\['bad'\]: All intermediate steps should"):
        compare_models({"first": Fails(), "bad": model}, *digits)


@pytest.mark.parametrize(
    ("folds", "match"),
    [
        (
            [(range(100), range(100, 200)), (range(100), [500])],
            r"cv has row numbers that are out of range.*500",
        ),
        (
            [(range(100), []), (range(100), [100])],
            r"in fold 0, the number of test rows is 0, and that of classes .* training rows 2; it",
        ),
        (
            [(range(100), [100]), (range(50), [100])],
            r"in fold 1, the number of test rows is 1, and that of classes .* training rows 1; it",
        ),
    ],
)
def test_bad_folds(digits, folds, match):
    y = np.repeat([0, 1, 0, 1], [50, 50, 50, 60])
    refuse(match, digits[0], y, X_test=-digits[0], y_test=y, cv=folds)


def test_masks_are_folds(known):
    X, y = known
    mask = np.arange(300) < 150
    folds = [(mask, ~mask), (~mask, mask)]
    comparison = compare_models(
        {"a": Lucky()}, X, y, X_test=X + np.array([0, 300]), y_test=y, cv=folds
    )
    assert comparison.fold_scores["a"].tolist() == [1, 1]


def test_classes_without_training_rows_are_told(known):
    X, y = known
    comparison = compare_models(
        {"a": Lucky()}, X[:200], y[:200] % 2, X_test=X[200:], y_test=y[200:]
    )
    (caution,) = (c for c in comparison.recommendation.cautions if c.code == "unseen_classes")
    assert caution.figures == {"n_unseen": 34, "n_test": 100, "classes": "2"}
    assert (
        "34 of the 100 test images belong to classes without training images (2)"
        in (comparison.recommendation.notes()[0])
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"estimator": KMeans(2)}, r"^estimator=KMeans\(.*\) must be a scikit-learn classifier"),
        ({"estimator": LogisticRegression}, "^estimator=<class .* must be a scikit-learn cla"),
        ({"y_test": np.arange(19)}, r"^y_test has shape \(19,\), but must have shape \(20,\), wi"),
        ({"X_test": np.empty((0, 4)), "y_test": []}, "^y_test is empty; pass at least one row"),
        ({"X": np.ones((20, 4))}, "^X was given without y; pass both or neither"),
        ({"y": np.ones(20)}, "^y was given without X; pass both or neither"),
        ({"X": np.ones((20, 4)), "y": np.ones(9)}, r"^y has shape \(9,\), but must have shape"),
        ({"X": np.ones((20, 3)), "y": np.ones(20)}, r"^X_test has rows of shape \(4,\), but X"),
    ],
)
def test_invalid_arguments_of_evaluate_model_are_refused(changes, message):
    X, y = np.random.default_rng(0).random((20, 4)), np.arange(20) % 2
    valid = {"estimator": LogisticRegression().fit(X, y), "X_test": X, "y_test": y}
    assert evaluate_model(**valid).name == "LogisticRegression"
    with pytest.raises(ValueError, match=message):
        evaluate_model(**(valid | changes))


def test_evaluate_model_needs_a_fitted_classifier():
    with pytest.raises(NotFittedError, match="not fitted"):
        evaluate_model(LogisticRegression(), np.ones((4, 2)), [0, 1, 0, 1])
