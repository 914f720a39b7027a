"""The classifiers as parts of scikit-learn's own tools: one test each, on small data."""

import numpy as np
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFE, SequentialFeatureSelector
from sklearn.inspection import PartialDependenceDisplay, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GroupKFold,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from skmnist import PixelNormalizer, SimpleNNClassifier

# Every number of rows has a program of its own, and compiling costs a second: few kinds of it.
MODEL = SimpleNNClassifier(16, learning_rate=0.02, epochs=8, batch_size=32, random_state=0)


@pytest.fixture(scope="module")
def data():
    X, y = load_digits(return_X_y=True)
    return X[:300].astype(np.float32) / 16, y[:300]


@pytest.fixture(scope="module")
def binary(data):
    X, y = data
    return X, np.where(y == 3, "three", "other")


@pytest.mark.slow
def test_cross_validation_with_several_scores_and_groups(data):
    scores = cross_validate(
        MODEL,
        *data,
        groups=np.arange(300) // 3,
        cv=GroupKFold(3),
        scoring=["accuracy", "roc_auc_ovr", "neg_log_loss"],
        return_train_score=True,
        return_estimator=True,
    )
    assert scores["test_accuracy"].min() > 0.6
    assert scores["test_roc_auc_ovr"].min() > 0.9
    assert scores["estimator"][0].n_iter_ == 8


def test_cross_val_predict(data):
    proba = cross_val_predict(MODEL, *data, cv=3, method="predict_proba")
    assert proba.shape == (300, 10)
    assert (proba.argmax(axis=1) == data[1]).mean() > 0.7


@pytest.mark.slow
@pytest.mark.parametrize("final", [LogisticRegression(max_iter=500), MODEL], ids=["linear", "ours"])
def test_stacking(data, final):
    stack = StackingClassifier([("nn", MODEL), ("lr", LogisticRegression())], final, cv=2)
    assert stack.fit(*data).score(*data) > 0.8


@pytest.mark.slow
def test_soft_and_hard_voting(data):
    for voting in ("soft", "hard"):
        vote = VotingClassifier([("a", MODEL), ("b", LogisticRegression())], voting=voting)
        assert vote.fit(*data).score(*data) > 0.9


@pytest.mark.slow
def test_bagging_in_two_processes(data):
    bagging = BaggingClassifier(MODEL, n_estimators=2, n_jobs=2, random_state=0)
    assert bagging.fit(*data).score(*data) > 0.7


@pytest.mark.slow
def test_boosting_weighs_the_rows(data):
    boost = AdaBoostClassifier(MODEL, n_estimators=2, random_state=0)
    assert boost.fit(*data).score(*data) > 0.7


@pytest.mark.parametrize("method", ["sigmoid", pytest.param("isotonic", marks=pytest.mark.slow)])
def test_calibration(data, method):
    calibrated = CalibratedClassifierCV(MODEL, method=method, cv=2).fit(*data)
    assert calibrated.score(*data) > 0.6


@pytest.mark.slow
def test_threshold_tuning(binary):
    tuned = TunedThresholdClassifierCV(MODEL, scoring="balanced_accuracy", cv=2).fit(*binary)
    assert tuned.score(*binary) > 0.8
    always = FixedThresholdClassifier(MODEL, threshold=0.0, pos_label="three").fit(*binary)
    assert set(always.predict(binary[0])) == {"three"}


@pytest.mark.slow
def test_halving_search_by_rows_and_by_epochs(data):
    grid = {"learning_rate": [1e-4, 0.02]}
    search = HalvingGridSearchCV(MODEL, grid, cv=2, min_resources=150, factor=2).fit(*data)
    assert search.best_params_ == {"learning_rate": 0.02}
    search = HalvingGridSearchCV(
        MODEL, grid, cv=2, resource="epochs", min_resources=3, max_resources=6, factor=2
    ).fit(*data)
    assert search.best_estimator_.learning_rate == 0.02


@pytest.mark.slow
def test_randomized_search_in_two_processes(data):
    space = {"learning_rate": [1e-4, 0.02], "dropout": [0.0, 0.1]}
    search = RandomizedSearchCV(MODEL, space, n_iter=2, cv=2, n_jobs=2, random_state=0)
    assert np.isfinite(search.fit(*data).cv_results_["mean_test_score"]).all()


@pytest.mark.slow
def test_learning_and_validation_curves(data):
    sizes, _, scores = learning_curve(MODEL, *data, train_sizes=[0.5, 1.0], cv=2)
    assert sizes.tolist() == [75, 150]
    assert scores[1].mean() > scores[0].mean()
    _, scores = validation_curve(MODEL, *data, param_name="epochs", param_range=[1, 8], cv=2)
    assert scores[1].mean() > scores[0].mean()


@pytest.mark.slow
def test_permutation_importance_and_permutation_test(data):
    X, y = data
    importance = permutation_importance(MODEL.fit(X, y), X, y, n_repeats=1, random_state=0)
    assert importance.importances_mean.max() > 0.01
    assert importance.importances_mean[0] == 0  # the first pixel is blank in all digits
    score, _, p_value = permutation_test_score(MODEL, X, y, cv=2, n_permutations=2, random_state=0)
    assert score > 0.5
    assert p_value == pytest.approx(1 / 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrapped",
    [
        OneVsRestClassifier(MODEL),
        pytest.param(OneVsOneClassifier(MODEL), marks=pytest.mark.slow),
        pytest.param(  # short codes can coincide
            OutputCodeClassifier(MODEL, code_size=4, random_state=0), marks=pytest.mark.slow
        ),
    ],
)
def test_one_against_the_others(data, wrapped):
    X, y = data
    few = y < 3
    assert wrapped.fit(X[few], y[few]).score(X[few], y[few]) > 0.9


@pytest.mark.slow
def test_one_against_the_rest_for_several_labels_at_once(data):
    X, y = data
    Y = np.column_stack([y % 2 == 0, y > 4]).astype(int)
    for model in (OneVsRestClassifier(MODEL), MultiOutputClassifier(MODEL), ClassifierChain(MODEL)):
        assert (model.fit(X, Y).predict(X) == Y).mean() > 0.85


@pytest.mark.slow
def test_self_training(data):
    X, y = data
    some = np.where(np.arange(300) < 200, y, -1)
    model = SelfTrainingClassifier(MODEL, threshold=0.9, max_iter=2).fit(X, some)
    assert model.score(X[200:], y[200:]) > 0.6


@pytest.mark.slow
def test_feature_selection(data):
    X, y = data
    selector = SequentialFeatureSelector(
        MODEL, n_features_to_select=1, cv=2, direction="forward"
    ).fit(X[:, 18:21], y)
    assert selector.get_support().sum() == 1
    importance = lambda model: np.abs(model.coefs_[0]).sum(axis=1)  # noqa: E731
    rfe = RFE(MODEL, n_features_to_select=30, step=34, importance_getter=importance).fit(X, y)
    assert rfe.score(X, y) > 0.7


@pytest.mark.slow
def test_partial_dependence_draws(binary):
    import matplotlib as mpl

    with mpl.rc_context({"backend": "agg"}):
        display = PartialDependenceDisplay.from_estimator(
            MODEL.fit(*binary), binary[0], [20], grid_resolution=3
        )
    assert display.axes_.shape == (1, 1)


@pytest.mark.slow
def test_a_union_of_features_in_a_nested_pipeline_with_a_cache(data, tmp_path):
    union = FeatureUnion([("pixels", PixelNormalizer(1)), ("scaled", StandardScaler())])
    pipeline = Pipeline([("union", union), ("nn", make_pipeline("passthrough", MODEL))])
    assert pipeline.set_params(memory=str(tmp_path)).fit(*data).score(*data) > 0.8


@pytest.mark.slow
def test_validation_rows_go_through_a_pipeline(data):
    X, y = data[0] * 16, data[1]
    with sklearn.config_context(enable_metadata_routing=True):
        model = sklearn.clone(MODEL).set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(PixelNormalizer(16), model, transform_input=["X_val"])
        pipeline.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
        assert pipeline[-1].validation_accuracy_ == pytest.approx(pipeline.score(X[200:], y[200:]))


def test_weights_are_routed(data):
    X, y = data
    weight = (y < 5).astype(float)
    with sklearn.config_context(enable_metadata_routing=True):
        model = sklearn.clone(MODEL).set_fit_request(sample_weight=True)
        model.set_score_request(sample_weight=False)
        scores = cross_validate(
            model, X, y, params={"sample_weight": weight}, cv=2, return_estimator=True
        )
    assert all(part.classes_.max() == 9 for part in scores["estimator"])
    assert all(part.predict(X).max() < 5 for part in scores["estimator"])
