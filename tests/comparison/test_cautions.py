import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, LinearSVC, NuSVC
from sklearn.tree import DecisionTreeClassifier

from skmnist.comparison import compare_models
from skmnist.comparison._cautions import depends_on_seed, find_shared_rows
from tests.comparison.fakes import Lucky

pytestmark = pytest.mark.usefixtures("few_rounds")


def test_test_images_that_were_trained_on_are_told(digits):
    X, y = digits
    X_test, y_test = np.concatenate([X[150:], X[:5]]), np.concatenate([y[150:], y[:5]])
    with pytest.warns(
        UserWarning, match=r"5 of the 65 rows of X_test \(the first is row 60\) also occur"
    ) as w:
        comparison = compare_models(
            [LogisticRegression()], X[:150], y[:150], X_test=X_test, y_test=y_test
        )
    assert w[0].filename == __file__
    (caution,) = comparison.recommendation.cautions
    assert caution.severity == "warning"
    assert "5 of the 65 test images (7.7%) also occur among the training" in caution.sentence()
    assert caution.sentence() in str(comparison.recommendation)


@pytest.mark.parametrize("kind", [np.float32, pd.DataFrame, lambda X: X.tolist()])
def test_shared_rows_are_found_in_every_kind_of_rows(digits, kind):
    X = np.round(digits[0] * 16)
    assert find_shared_rows(X[:100], kind(X[99:101])) == [0]


@pytest.mark.parametrize("X_test", [[["a"]], [["a", 1]], [1, 2], csr_matrix(np.eye(3)), [[1, 2]]])
def test_of_other_rows_nothing_is_said(X_test):
    assert find_shared_rows(np.eye(3), X_test) == []


def test_tuning_on_the_test_set_is_told(digits):
    comparison = compare_models([LogisticRegression()], *digits, tuned_on_test=True)
    assert [c.code for c in comparison.recommendation.cautions] == ["tuned_on_test"]


def test_more_than_two_are_cautioned_of(comparison):
    assert "ranked_many" in [c.code for c in comparison.recommendation.cautions]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (LogisticRegression(), False),
        (LogisticRegression(random_state=0), False),  # lbfgs does not use it
        (LogisticRegression(solver="saga"), True),
        (LinearSVC(dual=False), False),
        (LinearSVC(), True),
        (SVC(), False),
        (RidgeClassifier(solver="sag"), True),
        (DecisionTreeClassifier(), True),
        (GaussianNB(), False),
        (make_pipeline(PCA(5, svd_solver="full"), LogisticRegression()), False),
        (make_pipeline(PCA(5, svd_solver="randomized"), LogisticRegression()), True),
        (VotingClassifier([("a", LogisticRegression()), ("b", GaussianNB())]), False),
        (VotingClassifier([("a", LogisticRegression()), ("b", Lucky())]), True),
        (BaggingClassifier(GaussianNB()), True),
    ],
    ids=str,
)
def test_whether_a_seed_matters(model, expected):
    assert depends_on_seed(model) is expected


@pytest.mark.parametrize(
    "model",
    [
        DummyClassifier(strategy="prior"),
        GaussianProcessClassifier(),
        LinearSVC(dual=False),
        *(LogisticRegression(solver=name) for name in ("lbfgs", "newton-cg", "newton-cholesky")),
        NuSVC(nu=0.1),
        make_pipeline(PCA(5, svd_solver="full"), GaussianNB()),
        RidgeClassifier(),
        SVC(),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_seeds_that_are_called_unused_are(digits, model):
    X, y = digits
    assert not depends_on_seed(model)
    own = [name for name in model.get_params() if name.split("__")[-1] == "random_state"]
    assert own
    scores = []
    for seed in (0, 1):
        model = clone(model).set_params(**dict.fromkeys(own, seed)).fit(X[::3], y[::3])
        score = model.decision_function if hasattr(model, "decision_function") else model.predict
        scores.append(score(X))
    np.testing.assert_array_equal(*scores)


@pytest.mark.parametrize(
    ("models", "n_repeats", "told"),
    [
        ([Lucky(0.1), Lucky(0.2)], 1, True),
        ([Lucky(0.1), Lucky(0.2)], 2, False),
        ([GaussianNB(), KNeighborsClassifier()], 1, False),  # no luck
        ([GaussianNB(), LogisticRegression()], 1, False),  # a seed that is not used
        ([Lucky(0.1)], 1, False),
    ],
)
def test_one_start_is_told_of_models_with_a_seed(known, models, n_repeats, told):
    pairs = [(f"{at}", model) for at, model in enumerate(models)]
    found = compare_models(pairs, *known, n_repeats=n_repeats, random_state=0).recommendation
    assert ("one_start" in [c.code for c in found.cautions]) is told
