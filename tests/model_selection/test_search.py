"""OptunaSearchCV as a scikit-learn search."""

import inspect
import logging
import pickle
import re

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, make_classification
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmnist import OptunaSearchCV, PixelNormalizer, SimpleNNClassifier
from tests.model_selection.learners import EPOCHS, Learner, make_rows, search

X, Y = make_rows()


def checked(estimator, space):
    """Return a search as scikit-learn configures its own for the checks."""
    return OptunaSearchCV(estimator, space, n_trials=2, cv=2, random_state=0, error_score="raise")


# from scikit-learn's check of infinite labels
ignore_infinite = pytest.mark.filterwarnings(
    "ignore:invalid value encountered in cast:RuntimeWarning"
)


@pytest.mark.slow
@ignore_infinite
@parametrize_with_checks(
    [
        checked(LogisticRegression(), {"C": [0.1, 1.0]}),
        checked(Ridge(), {"alpha": [0.1, 1.0]}),
        checked(
            make_pipeline(StandardScaler(), LogisticRegression()),
            {"logisticregression__C": FloatDistribution(0.1, 1.0, log=True)},
        ),
    ],
    # scikit-learn expects the same of its own searches
    expected_failed_checks=lambda search: (
        {"check_supervised_y_2d": "the warning is of each fold"} if is_regressor(search) else {}
    ),
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def test_results_have_scikit_learns_keys():
    found = search(return_train_score=True).fit(X, Y)
    keys = set(found.cv_results_)
    for kind in ("test", "train"):
        assert {f"split0_{kind}_score", f"split1_{kind}_score"} <= keys
        assert {f"mean_{kind}_score", f"std_{kind}_score"} <= keys
    assert {"mean_fit_time", "std_score_time", "params", "param_quality", "rank_test_score"} <= keys
    assert len(found.cv_results_["params"]) == found.n_trials_ == 6
    assert found.best_params_ == found.cv_results_["params"][found.best_index_]
    assert found.best_score_ == found.cv_results_["mean_test_score"][found.best_index_]
    assert found.best_score_ == pytest.approx(found.best_params_["quality"])
    assert found.cv_results_["rank_test_score"][found.best_index_] == 1
    assert found.score(X, Y) == pytest.approx(found.best_params_["quality"])


@pytest.mark.slow
def test_the_results_of_a_grid_are_those_of_grid_search():
    rows, labels = make_classification(60, random_state=0)
    grid = {"C": [1e-3, 1.0], "fit_intercept": [True, False]}
    scoring = {"acc": "accuracy", "loss": "neg_log_loss"}
    options = {"cv": 2, "scoring": scoring, "refit": "loss", "return_train_score": True}
    theirs = GridSearchCV(LogisticRegression(), grid, **options).fit(rows, labels)
    sampler = optuna.samplers.GridSampler(grid, seed=0)
    ours = OptunaSearchCV(LogisticRegression(), grid, pruner=None, sampler=sampler, **options)
    ours.fit(rows, labels)
    order = [ours.cv_results_["params"].index(params) for params in theirs.cv_results_["params"]]
    assert set(ours.cv_results_) - set(theirs.cv_results_) == {"trial_number", "trial_state"}
    for key, values in theirs.cv_results_.items():
        if "time" not in key and key != "params":
            np.testing.assert_allclose(ours.cv_results_[key][order].astype(float), values)
            assert ours.cv_results_[key].dtype == values.dtype
    assert ours.best_params_ == theirs.best_params_


def test_documented_parameters_and_attributes_are_the_real_ones():
    documented = inspect.getdoc(OptunaSearchCV)
    parameters, attributes = (
        set(re.findall(r"(\w+)", " ".join(re.findall(r"^(\w[\w, ]*) : ", part, re.MULTILINE))))
        for part in documented.split("Raises\n")[0].split("Attributes\n")
    )
    assert parameters == set(inspect.signature(OptunaSearchCV).parameters)
    found = search().fit(X, Y)
    learned = {name for name in vars(found) if name.endswith("_")} | {"classes_", "n_features_in_"}
    assert learned == attributes - {"feature_names_in_"}


def test_same_seed_same_search():
    one, other = (search().fit(X, Y).cv_results_["params"] for _ in range(2))
    assert one == other
    assert search(random_state=1).fit(X, Y).cv_results_["params"] != one


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"n_trials": 0}, "n_trials"),
        ({"timeout": 0}, "timeout"),
        ({"pruner": "medium"}, "pruner='medium' must be one of 'best_median', 'median'"),
        (
            {"scoring": {"a": "accuracy", "b": "f1"}},
            "refit must be set to a scorer key.*True was",
        ),
        ({"scoring": []}, "Empty list was given"),
        ({"scoring": ["accuracy", "accuracy"]}, "Duplicate elements were found"),
        (
            {"scoring": [make_scorer(f1_score)]},
            "dict of score name mapped to the scorer",
        ),
        ({"study_callbacks": [5]}, "5 is not callable"),
        ({"storage": 3}, "storage=3 must be a path"),
    ],
)
def test_invalid_options_raise(option, told):
    with pytest.raises((ValueError, TypeError), match=told):
        search(**option).fit(X, Y)
    assert not EPOCHS


def test_the_refit_trains_as_long_as_the_folds_found_best():
    found = search().fit(X, Y)
    assert found.refit_epochs_ == 3
    assert found.best_estimator_.epochs == 3
    assert found.best_estimator_.patience is None
    assert found.best_params_ == {"quality": found.best_estimator_.quality}


def test_each_fold_of_the_best_trial_is_diagnosed():
    found = search({"quality": [0.6]}, n_trials=1).fit(X, Y)
    assert [diagnosis.label for diagnosis in found.best_diagnoses_] == ["overfitting"] * 2
    assert found.best_diagnoses_[0].gap == pytest.approx(0.4)


@pytest.mark.slow
def test_several_scores():
    scoring = {"acc": "accuracy", "miss": "neg_log_loss"}
    rows, labels = make_classification(60, random_state=0)
    found = search({"C": [1e-4, 1.0]}, LogisticRegression(), scoring=scoring, refit="miss")
    found.fit(rows, labels)
    assert found.multimetric_
    assert found.best_score_ == np.nanmax(found.cv_results_["mean_test_miss"])
    assert found.score(rows, labels) < 0  # the log loss
    assert found.study_.best_value == found.best_score_


@pytest.mark.slow
def test_refit_by_a_function_and_no_refit():
    def worst(results):
        return int(np.nanargmin(results["mean_test_score"]))

    found = search(refit=worst, pruner=None).fit(X, Y)
    assert found.best_index_ == worst(found.cv_results_)
    assert found.best_estimator_.quality == min(p["quality"] for p in found.cv_results_["params"])
    unfitted = search(refit=False).fit(X, Y)
    assert unfitted.best_params_["quality"] > 0.5
    with pytest.raises((AttributeError, NotFittedError)):
        unfitted.predict(X)
    with pytest.raises(ValueError, match="not completed"):
        search(
            {"quality": [0.5, 0.9]},
            refit=lambda results: int(np.argmax(results["trial_state"] == "PRUNED")),
            pruner=optuna.pruners.ThresholdPruner(lower=0.55),
        ).fit(X, Y)


def test_a_scorer_that_returns_a_dict():
    def both(estimator, X, y):
        return {"one": estimator.score(X, y), "none": -estimator.score(X, y)}

    found = search(scoring=both, refit="none", pruner=None).fit(X, Y)
    assert found.best_params_["quality"] == min(p["quality"] for p in found.cv_results_["params"])


def test_failed_trials_are_rows_and_the_first_error_is_reported():
    space = {"fault": [None, "exception"]}
    with pytest.warns(UserWarning, match="no luck today"):
        found = search(space, n_trials=8).fit(X, Y)
    states = found.cv_results_["trial_state"]
    failed = [params["fault"] == "exception" for params in found.cv_results_["params"]]
    assert (states == "FAIL").tolist() == failed
    assert np.isnan(found.cv_results_["mean_test_score"][failed]).all()
    with pytest.raises(ValueError, match=r"None of the 3 trials.*First error.*no luck today"):
        search({"fault": ["exception"]}, n_trials=3).fit(X, Y)
    with pytest.raises(ValueError, match=r"^no luck today"):
        search(space, n_trials=8, error_score="raise").fit(X, Y)
    with pytest.warns(FitFailedWarning, match=r"(?s)will be set to 0\.0.*no luck today"):
        scored = search(space, n_trials=8, error_score=0.0, pruner=None).fit(X, Y)
    with pytest.raises(ValueError, match=r"(?s)All the 6 fits failed.*no luck today"):
        search({"fault": ["exception"]}, n_trials=3, error_score=0.0, refit=False).fit(X, Y)
    assert set(scored.cv_results_["mean_test_score"]) == {0.0, 0.5}


def test_of_equally_frequent_errors_only_the_first_is_reported():
    class Unlucky(Learner):
        def fit(self, X, y):
            raise ValueError(f"no luck with {self.quality}")

    space = {"quality": FloatDistribution(0.5, 0.9)}
    with pytest.raises(ValueError, match="None of the 6 trials") as caught:
        search(space, Unlucky()).fit(X, Y)
    assert "Most frequent" not in str(caught.value)


def test_a_search_is_a_classifier_so_that_outer_folds_are_stratified():
    assert is_classifier(search())
    assert not is_classifier(search(estimator=KMeans(), space={"n_clusters": [2, 3]}))
    rows, labels = make_classification(60, weights=[0.8], random_state=0)
    order = np.argsort(labels)  # unstratified folds would hold one class alone
    inner = search({"C": [0.1, 1.0]}, LogisticRegression(), n_trials=2)
    assert cross_val_score(inner, rows[order], labels[order], cv=3).min() > 0.5


def test_without_labels():
    rows, _ = make_classification(60, random_state=0)
    estimator = KMeans(random_state=0, n_init=1)
    found = search({"n_clusters": [2, 3, 4]}, estimator, n_trials=4).fit(rows)
    assert found.predict(rows).shape == (60,)


def test_groups_and_weights_are_split_with_the_rows():
    rows, labels = make_classification(60, random_state=0)
    groups = np.arange(60) % 3
    found = search({"C": [0.1, 1.0]}, LogisticRegression(), n_trials=2, cv=GroupKFold(3))
    found.fit(rows, labels, groups=groups, sample_weight=np.ones(60))
    assert found.n_splits_ == 3


def test_callbacks_may_stop_the_study():
    def stop(study, trial):
        if trial.number == 2:
            study.stop()

    assert search(study_callbacks=[stop]).fit(X, Y).n_trials_ == 3
    total = optuna.study.MaxTrialsCallback(2, states=None)
    assert search(study_callbacks=[total]).fit(X, Y).n_trials_ == 2


def test_timeout_begins_no_further_trial():
    slow = Learner(pause=0.02)
    found = search(estimator=slow, n_trials=1000, timeout=0.3, pruner=None).fit(X, Y)
    assert 1 <= found.n_trials_ < 50


def test_a_password_is_not_shown():
    storage = "postgresql://me:s3cret@host/db?password=s3cret"
    for shown in (repr, str, lambda found: found._repr_html_(), lambda f: f._repr_mimebundle_()):
        assert "s3cret" not in str(shown(search(storage=storage)))
        assert "me:***@host" in str(shown(search(storage=storage)))
    assert search(storage=storage).get_params()["storage"] == storage


@pytest.mark.slow
def test_folds_that_are_drawn_anew_would_not_be_found_again(tmp_path):
    folds = StratifiedKFold(2, shuffle=True)
    with pytest.warns(UserWarning, match="pass a random_state to cv"):
        search(storage=tmp_path / "study.db", cv=folds, n_trials=1).fit(X, Y)


def test_optuna_says_nothing_and_its_log_level_stays(caplog, capsys):
    level = optuna.logging.get_verbosity()
    optuna.logging.enable_propagation()
    try:
        with caplog.at_level(logging.INFO):
            search().fit(X, Y)
    finally:
        optuna.logging.disable_propagation()
    assert not [record for record in caplog.records if record.name.startswith("optuna")]
    assert optuna.logging.get_verbosity() == level
    assert capsys.readouterr() == ("", "")


def test_clone_pickle_and_repr():
    found = search().fit(X, Y)
    again = pickle.loads(pickle.dumps(found))
    assert (again.predict(X) == found.predict(X)).all()
    assert again.study_.best_value == found.best_score_
    assert not hasattr(clone(found), "study_")
    assert "OptunaSearchCV" in repr(found)


@pytest.mark.slow
def test_two_workers_give_the_result_of_one():
    options = {"pruner": None, "sampler": optuna.samplers.RandomSampler(0), "n_trials": 5}
    one = search(**options).fit(X, Y)
    two = search(**{**options, "sampler": optuna.samplers.RandomSampler(0)}, n_jobs=2).fit(X, Y)
    assert two.best_params_ == one.best_params_
    assert two.n_trials_ == 5


@pytest.mark.slow
def test_a_killed_worker_is_named():
    with pytest.raises(RuntimeError, match=r"killed.*trial \d+ \(fold 1, \{'fault': 'kill'\}\)"):
        search({"fault": ["kill"]}, n_trials=2, n_jobs=2).fit(X, Y)


@pytest.mark.slow
def test_a_network_in_a_pipeline():
    rows, labels = load_digits(n_class=3, return_X_y=True)
    pipeline = Pipeline(
        [
            ("scale", PixelNormalizer(max_value=16)),
            ("network", SimpleNNClassifier(8, epochs=3, batch_size=32, random_state=0)),
        ]
    )
    space = {
        "network__dropout": FloatDistribution(0.1, 0.5),
        "network__learning_rate": FloatDistribution(1e-3, 1e-1, log=True),
        "network__shuffle": CategoricalDistribution([True, False]),
        "network__momentum": FloatDistribution(0, 0.9, step=0.1),
        "network__patience": IntDistribution(2, 4),
    }
    found = search(space, pipeline, n_trials=3, cv=StratifiedKFold(2)).fit(rows, labels)
    assert found.best_score_ > 0.8
    assert found.best_estimator_["network"].n_iter_ == found.refit_epochs_
    assert all(diagnosis is not None for diagnosis in found.best_diagnoses_)
    assert found.best_estimator_["network"].callbacks is None
