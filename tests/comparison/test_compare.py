import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skmnist.comparison import compare_models
from tests.comparison.fakes import Fails, Lucky

pytestmark = pytest.mark.usefixtures("few_rounds")


@pytest.mark.parametrize("model", [KNeighborsClassifier(3), DummyClassifier()])
def test_test_accuracy_is_that_of_the_given_test_set(digits, model):
    X, y = digits
    comparison = compare_models([model], X[:150], y[:150], X_test=X[150:], y_test=y[150:])
    expected = model.fit(X[:150], y[:150]).score(X[150:], y[150:])
    assert comparison.table["test_accuracy"].item() == pytest.approx(expected)


@pytest.mark.slow
def test_seventh_is_held_out_stratified(comparison):
    supports = comparison.results["linear"].errors.report["support"]
    assert supports.to_dict() == {0: 10, 1: 10, 2: 10}


def test_held_out_rows_are_not_trained_on(digits):
    X, y = digits
    labels = np.random.default_rng(0).integers(0, 3, len(y))  # nothing to learn but by heart
    table = compare_models([KNeighborsClassifier(1)], X, labels, random_state=0).table
    assert table["test_accuracy"].item() < 0.7


@pytest.mark.parametrize("cv", [3, KFold(3), [(np.arange(200), np.arange(200, 257))] * 3])
def test_folds_of_every_kind(known, cv):
    comparison = compare_models({"a": Lucky(0.1), "b": Lucky(0.4)}, *known, cv=cv, random_state=0)
    assert len(comparison.fold_scores) == 3


@pytest.mark.parametrize("n_repeats", [0, -1, 1.5, True, "2"])
def test_bad_n_repeats(digits, n_repeats):
    with pytest.raises(ValueError, match=r"n_repeats=.* must be an int >= 1"):
        compare_models([Fails()], *digits, n_repeats=n_repeats)


@pytest.mark.parametrize("n_jobs", [0, 1.5])
def test_bad_n_jobs(digits, n_jobs):
    with pytest.raises(ValueError, match=r"n_jobs=.* must be an int other than 0.*-1 uses"):
        compare_models([Fails()], *digits, n_jobs=n_jobs)


@pytest.mark.parametrize("cv", [0, 1, [(np.arange(10), np.arange(10, 20))]])
def test_bad_cv_is_refused_before_anything_is_fitted(digits, cv):
    with pytest.raises(ValueError, match=r"two or more|at least one"):
        compare_models([Fails()], *digits, cv=cv)


def test_fitted_estimators_are_in_the_results(comparison, digits):
    linear = comparison.results["linear"].estimator
    assert linear.predict(digits[0][:1]).shape == (1,)


def test_data_are_left_as_they_are(digits):
    X, y = (array.copy() for array in digits)
    compare_models([LogisticRegression()], X[:150], y[:150], X_test=X[150:], y_test=y[150:])
    np.testing.assert_array_equal(X, digits[0])
    np.testing.assert_array_equal(y, digits[1])


def test_text_labels(digits):
    X, y = digits
    names = np.array(["zero", "one", "two"])[y]
    models = [LogisticRegression(), KNeighborsClassifier(), DummyClassifier()]
    comparison = compare_models(models, X, names, random_state=0)
    report = comparison.results["LogisticRegression"].errors.report
    assert report.index.tolist() == ["one", "two", "zero"]


def test_data_frames(digits):
    X, y = digits
    index = range(1000, 1210)
    frame, labels = pd.DataFrame(X, index).add_prefix("pixel"), pd.Series(y, index)
    comparison = compare_models([LogisticRegression()], frame, labels, random_state=0)
    fitted = comparison.results["LogisticRegression"].estimator
    assert fitted.feature_names_in_[-1] == "pixel63"


def test_list_is_named_by_class(digits):
    models = [LogisticRegression(), make_pipeline(MinMaxScaler(), DummyClassifier())]
    table = compare_models(models, *digits).table
    assert table.index.tolist() == ["LogisticRegression", "DummyClassifier"]


def test_pairs_bring_their_names(digits):
    pairs = [("weak", LogisticRegression(C=1e-3)), ("strong", LogisticRegression())]
    assert compare_models(pairs, *digits).table.index.tolist() == ["weak", "strong"]


class WrongOrder(BaseEstimator, ClassifierMixin):
    pass


@pytest.mark.parametrize(
    ("models", "match"),
    [
        ([], r"estimators is empty; pass at least one classifier"),
        (
            [Fails(), make_pipeline(Fails())],
            r"duplicate names: \['Fails'\]; pass a dict that maps unique names to",
        ),
        ({"good": Fails(), "": Fails()}, r"names \['good', ''\]; names must not be blank"),
        ([(" ", Fails())], r"names must not be blank"),
        ([WrongOrder()], r"instance \(ClassifierMixin must come before BaseEstimator\)"),
        (
            {"good": Fails(), "bad": LinearRegression()},
            r"estimators\['bad'\]=LinearRegression\(\) must be a scikit-learn classifier instance",
        ),
        (
            {"good": Fails(), "bad": LogisticRegression},
            r"estimators\['bad'\]=<class .*LogisticRegression'> must be .* instance",
        ),
        ([MinMaxScaler()], r"MinMaxScaler\(\) must be a scikit-learn classifier"),
        ([BaseEstimator()], r"BaseEstimator\(\) must be a scikit-learn classifier"),
    ],
    ids=[
        "none",
        "repeated",
        "empty",
        "blank",
        "order",
        "regressor",
        "class",
        "transformer",
        "no predictor",
    ],
)
def test_bad_estimators_are_refused_before_any_is_fitted(digits, models, match):
    with pytest.raises(ValueError, match=match):
        compare_models(models, *digits)


@pytest.mark.parametrize(("given", "absent"), [("X_test", "y_test"), ("y_test", "X_test")])
def test_half_a_test_set(digits, given, absent):
    part = dict(zip(["X_test", "y_test"], digits, strict=True))
    with pytest.raises(ValueError, match=f"{given} was given without {absent}; pass both or neit"):
        compare_models([Fails()], *digits, **{given: part[given]})


@pytest.mark.parametrize("alpha", [0, 1, 5])
def test_bad_alpha_is_refused_before_anything_is_fitted(digits, alpha):
    with pytest.raises(ValueError, match=rf"alpha={alpha} must be in \(0, 1\)"):
        compare_models([Fails()], *digits, alpha=alpha)


def test_bad_margin_is_refused_before_anything_is_fitted(digits):
    with pytest.raises(ValueError, match=r"margin=1\.5 must be in \[0, 1\], such as 0\.01"):
        compare_models([Fails()], *digits, margin=1.5)


def test_numbers_as_names(digits):
    models = {1: LogisticRegression(), 2: DummyClassifier()}
    assert len(compare_models(models, *digits).table) == 2


@pytest.mark.parametrize("model", ["LogisticRegression", None])
def test_what_is_no_estimator(digits, model):
    with pytest.raises(ValueError, match="must be a scikit-learn classifier instance"):
        compare_models({"a": model}, *digits)
