"""OptunaSearchCV: a scikit-learn search, pruned by epoch."""

import logging
import pickle

import numpy as np
import optuna
import pandas as pd
import pytest
import scipy.stats
from learners import EPOCHS, Learner, make_rows
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, make_classification
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmnist import OptunaSearchCV, PixelNormalizer, SimpleNNClassifier

X, Y = make_rows()
QUALITIES = {"quality": [0.5, 0.6, 0.7, 0.8, 0.9]}


def search(space=None, estimator=None, **options):
    options = {"n_trials": 6, "cv": 2, "random_state": 0, **options}
    return OptunaSearchCV(
        Learner() if estimator is None else estimator, space or QUALITIES, **options
    )


def on_a_rare_branch(trial):
    name = "qualty" if trial.suggest_categorical("branch", range(5)) == 4 else "quality"
    return {name: 0.5}


class Silent(Learner):
    """Tells no epochs."""

    epoch_events = False


class Given(optuna.samplers.RandomSampler):
    """Draws what it is given, one value a trial."""

    def __init__(self, values):
        super().__init__()
        self.values = values

    def sample_independent(self, study, trial, param_name, param_distribution):
        return self.values[trial.number]


@pytest.fixture(autouse=True)
def forget_epochs():
    EPOCHS.clear()


def checked(estimator, space):
    """Return an instance as scikit-learn checks its own searches."""
    return OptunaSearchCV(estimator, space, n_trials=2, cv=2, random_state=0, error_score="raise")


# of infinite labels, in scikit-learn's own look at their type
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
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


def test_same_seed_same_search():
    one, other = (search().fit(X, Y).cv_results_["params"] for _ in range(2))
    assert one == other
    assert search(random_state=1).fit(X, Y).cv_results_["params"] != one


def test_conditional_space_masks_what_a_trial_does_not_have():
    def space(trial):
        kind = trial.suggest_categorical("kind", ["short", "long"])
        params = {"quality": trial.suggest_float("quality", 0.5, 0.9)}
        if kind == "long":
            params["epochs"] = trial.suggest_int("epochs", 11, 12)
        return params

    found = search(space, n_trials=8, pruner=None).fit(X, Y)
    column = found.cv_results_["param_epochs"]
    has = ["epochs" in params for params in found.cv_results_["params"]]
    assert 0 < sum(has) < 8
    assert (~np.ma.getmaskarray(column)).tolist() == has
    assert "param_kind" not in found.cv_results_


def test_a_list_of_tuples_and_scipys_distributions():
    space = {
        "C": scipy.stats.loguniform(0.01, 10),
        "tol": scipy.stats.expon(scale=1e-3),
        "max_iter": scipy.stats.randint(50, 60),
        "verbose": scipy.stats.binom(3, 0.5),
        "class_weight": [None, "balanced", {0: 1, 1: 2}],
    }
    rows, labels = make_classification(60, random_state=0)
    found = search(space, LogisticRegression(), n_trials=8).fit(rows, labels)
    for params in found.cv_results_["params"]:
        assert 0.01 <= params["C"] <= 10
        assert 50 <= params["max_iter"] < 60
        assert type(params["verbose"]) is int
        assert params["class_weight"] in [None, "balanced", {0: 1, 1: 2}]


@pytest.mark.parametrize(
    ("space", "told"),
    [
        ({"qualty": [0.5]}, "Did you mean 'quality'"),
        ({"quality": []}, "is empty"),
        ({"quality": "abc"}, "must be a distribution"),
        ({"quality": 0.5}, "must be a distribution"),
        ({}, "at least one"),
        (lambda trial: None, "must return a dict"),
        (lambda trial: {"nothing": 1}, "names 'nothing'"),
        (on_a_rare_branch, "names 'qualty'.*Did you mean 'quality'"),
    ],
)
def test_wrong_spaces_are_refused_before_the_first_fit(space, told):
    with pytest.raises(ValueError, match=told):
        OptunaSearchCV(Learner(), space).fit(X, Y)
    assert not EPOCHS


def test_equal_values_of_other_types_are_told_apart():
    space = {"quality": [1, 1.0], "epochs": [3]}
    found = search(space, n_trials=6, pruner=None).fit(X, Y)
    drawn = [trial.params["quality"] for trial in found.study_.trials]
    assert set(drawn) == {"1", "1.0"}
    assert [repr(params["quality"]) for params in found.cv_results_["params"]] == drawn


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (scipy.stats.rv_discrete(values=([5, 6], [0.5, 0.5])), int),
        (scipy.stats.rv_histogram(np.histogram([4.0, 5.0, 5.5])), float),
        (pd.Series([5, 6]), int),
        ([10**30, 5], int),
    ],
)
def test_whatever_randomized_search_draws_from_can_be_drawn_from(values, kind):
    found = search({"patience": values}, n_trials=3).fit(X, Y)
    assert {type(params["patience"]) for params in found.cv_results_["params"]} == {kind}


def test_a_step_is_chosen_together_with_its_own_parameters():
    rows, labels = make_classification(60, random_state=0)
    pipeline = Pipeline([("scale", StandardScaler()), ("model", LogisticRegression())])
    space = {"model": [SVC(), DecisionTreeClassifier()], "model__max_depth": [1, 2]}
    with pytest.warns(UserWarning, match="Invalid parameter 'max_depth'"):
        found = search(space, pipeline, n_trials=8, pruner=None).fit(rows, labels)
    assert set(found.cv_results_["trial_state"]) == {"COMPLETE", "FAIL"}
    assert isinstance(found.best_estimator_["model"], DecisionTreeClassifier)

    def either(trial):
        if trial.suggest_categorical("model", ["tree", "machine"]) == "tree":
            return {"model": DecisionTreeClassifier(), "model__max_depth": 1}
        return {"model": SVC(), "model__gamma": trial.suggest_float("gamma", 0.1, 1)}

    found = search(either, pipeline, n_trials=8, pruner=None).fit(rows, labels)
    kinds = {type(params["model"]) for params in found.cv_results_["params"]}
    assert kinds == {SVC, DecisionTreeClassifier}
    with pytest.raises(ValueError, match="Did you mean 'model__max_depth'"):
        search({**space, "model__max_dept": [1]}, pipeline).fit(rows, labels)


def test_a_step_that_is_chosen_is_pruned_by_epoch_and_reports_once():
    n_callbacks = []

    class Counted(Learner):
        def fit(self, X, y):
            n_callbacks.append(len(self.callbacks or []))
            return super().fit(X, y)

    pipeline = Pipeline([("scale", "passthrough"), ("learn", "passthrough")])
    qualities = [0.9, 0.9, 0.1]
    space = {"learn": [Counted()], "learn__quality": [0.1, 0.9]}

    class Drawn(Given):
        def sample_independent(self, study, trial, param_name, param_distribution):
            if param_name == "learn":
                return param_distribution.choices[0]
            return super().sample_independent(study, trial, param_name, param_distribution)

    found = search(
        space, pipeline, n_trials=3, sampler=Drawn(qualities), scoring="accuracy", refit=False
    ).fit(X, Y)
    assert found.cv_results_["trial_state"].tolist() == ["COMPLETE", "COMPLETE", "PRUNED"]
    assert [epoch for quality, epoch in EPOCHS if quality == 0.1] == [1, 2, 3, 4]
    assert set(n_callbacks) == {1}


def test_what_a_function_returned_is_what_is_reported():
    def space(trial):
        return {"quality": 0.5 if trial.number < 2 else 0.8, "epochs": len(trial.study.trials) + 3}

    found = search(space, n_trials=4, pruner=None).fit(X, Y)
    told = [(params["quality"], params["epochs"]) for params in found.cv_results_["params"]]
    assert told == [(0.5, 4), (0.5, 5), (0.8, 6), (0.8, 7)]
    assert found.cv_results_["mean_test_score"].tolist() == [0.5, 0.5, 0.8, 0.8]


def test_a_function_may_turn_a_combination_down():
    def space(trial):
        quality = trial.suggest_categorical("quality", [0.5, 0.9])
        if quality == 0.5:
            raise optuna.TrialPruned
        return {"quality": quality}

    found = search(space, n_trials=6, pruner=None).fit(X, Y)
    states = found.cv_results_["trial_state"]
    assert set(states) == {"COMPLETE", "PRUNED"}
    assert {quality for quality, _ in EPOCHS} == {0.9}


def test_a_range_that_the_estimator_refuses_is_refused_before_the_first_fit():
    pipeline = Pipeline([("scale", PixelNormalizer()), ("network", SimpleNNClassifier())])
    with pytest.raises(ValueError, match=r"network__dropout=1\.5.*'dropout' parameter"):
        OptunaSearchCV(pipeline, {"network__dropout": FloatDistribution(0, 1.5)}).fit(X, Y)
    with pytest.raises(ValueError, match="network__hidden_units=0"):
        OptunaSearchCV(pipeline, {"network__hidden_units": [16, 0]}).fit(X, Y)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"n_trials": 0}, "n_trials"),
        ({"timeout": 0}, "timeout"),
        ({"pruner": "medium"}, "pruner='medium' must be one of 'median'"),
        ({"scoring": {"a": "accuracy", "b": "f1"}}, "refit=True must name one"),
        ({"scoring": []}, "scoring"),
        ({"scoring": ["accuracy", "accuracy"]}, "must name different scores"),
        ({"scoring": [make_scorer(f1_score)]}, "pass scorers as a dict"),
        ({"study_callbacks": [5]}, "5 cannot be called"),
        ({"storage": 3}, "storage=3 must be a path"),
    ],
)
def test_wrong_options_are_refused(option, told):
    with pytest.raises((ValueError, TypeError), match=told):
        search(**option).fit(X, Y)
    assert not EPOCHS


def test_a_hopeless_trial_stops_within_its_first_epochs_of_the_first_fold():
    found = search({"quality": [0.9, 0.1]}, n_trials=7, sampler=Given([0.9] * 5 + [0.1, 0.9]))
    found.fit(X, Y)
    assert found.cv_results_["trial_state"].tolist() == ["COMPLETE"] * 5 + ["PRUNED", "COMPLETE"]
    hopeless = [epoch for quality, epoch in EPOCHS if quality == 0.1]
    assert hopeless == [1, 2, 3, 4]
    assert np.isnan(found.cv_results_["mean_test_score"][5])
    assert np.isnan(found.cv_results_["mean_fit_time"][5])
    assert found.cv_results_["rank_test_score"][5] == 7


def test_the_bar_is_the_median_of_the_best_four_so_far():
    qualities = [0.5, 0.5, 0.6, 0.7, 0.8, 0.9, 0.7, 0.8]
    found = search({"quality": sorted(set(qualities))}, n_trials=8, sampler=Given(qualities))
    states = found.fit(X, Y).cv_results_["trial_state"].tolist()
    assert states == ["COMPLETE"] * 6 + ["PRUNED", "COMPLETE"]


def test_without_epochs_the_default_gives_up_after_the_first_fold():
    qualities = [0.9, 0.9, 0.5, 0.9]
    space = {"quality": [0.5, 0.9]}
    found = search(space, Silent(), n_trials=4, cv=3, sampler=Given(qualities)).fit(X, Y)
    assert found.cv_results_["trial_state"].tolist()[2] == "PRUNED"
    assert len([1 for quality, epoch in EPOCHS if (quality, epoch) == (0.5, 1)]) == 1


def test_pruning_reaches_into_a_pipeline_and_leaves_nothing_behind():
    seen = []
    pipeline = Pipeline([("scale", "passthrough"), ("learn", Learner(callbacks=[seen.append]))])
    pruner = optuna.pruners.ThresholdPruner(lower=0.55)
    found = search({"learn__quality": [0.5, 0.9]}, pipeline, n_trials=6, pruner=pruner).fit(X, Y)
    assert set(found.cv_results_["trial_state"]) == {"COMPLETE", "PRUNED"}
    assert all(epoch == 1 for quality, epoch in EPOCHS if quality == 0.5)
    assert seen  # what was there is called as well
    assert found.best_estimator_[-1].callbacks == [seen.append]


def test_an_estimator_without_epochs_is_pruned_per_fold():
    class Counting(LogisticRegression):
        def fit(self, X, y):
            EPOCHS.append((self.C, 1))
            return super().fit(X, y)

    rows, labels = make_classification(90, random_state=0)
    found = search(
        {"C": [1e-9, 1.0]},
        Counting(class_weight={0: 1, 1: 10}),
        n_trials=6,
        cv=3,
        pruner=optuna.pruners.ThresholdPruner(lower=0.7),
    ).fit(rows, labels)
    states = found.cv_results_["trial_state"]
    hopeless = [params["C"] == 1e-9 for params in found.cv_results_["params"]]
    assert (states == "PRUNED").tolist() == hopeless
    assert len([c for c, _ in EPOCHS if c == 1e-9]) == sum(hopeless)


def build_keras():
    import keras

    return keras.Sequential([keras.layers.Input((64,)), keras.layers.Dense(10, "softmax")])


@pytest.mark.slow
@pytest.mark.skipif(
    hasattr(BaseEstimator, "_get_tags"),
    reason="scikit-learn 1.6 cannot ask a classifier of scikeras 0.13 what it is",
)
def test_a_scikeras_classifier_is_pruned_by_epoch_in_a_pipeline():
    from scikeras.wrappers import KerasClassifier

    rows, labels = load_digits(return_X_y=True)
    epochs = {0.1: [], 1e-9: []}

    class Watched(KerasClassifier):
        def fit(self, X, y, **params):
            try:
                return super().fit(X, y, **params)
            finally:
                epochs[self.optimizer__learning_rate].append(self.current_epoch)

    pipeline = make_pipeline(
        PixelNormalizer(max_value=16),
        Watched(
            model=build_keras,
            loss="sparse_categorical_crossentropy",
            optimizer="adam",
            optimizer__learning_rate=0.1,
            metrics=["accuracy"],
            epochs=5,
            verbose=0,
            random_state=0,
        ),
    )
    found = search(
        {"watched__optimizer__learning_rate": [0.1, 1e-9]},
        pipeline,
        n_trials=3,
        sampler=Given([0.1, 1e-9, 0.1]),
        pruner=optuna.pruners.ThresholdPruner(lower=0.5, n_warmup_steps=1),
    ).fit(rows[:600], labels[:600])
    assert found.cv_results_["trial_state"].tolist() == ["COMPLETE", "PRUNED", "COMPLETE"]
    assert set(epochs[0.1]) == {5}
    assert len(epochs[1e-9]) == 1
    assert epochs[1e-9][0] < 5


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


def test_several_scores():
    scoring = {"acc": "accuracy", "miss": "neg_log_loss"}
    rows, labels = make_classification(60, random_state=0)
    found = search({"C": [1e-4, 1.0]}, LogisticRegression(), scoring=scoring, refit="miss")
    found.fit(rows, labels)
    assert found.multimetric_
    assert found.best_score_ == np.nanmax(found.cv_results_["mean_test_miss"])
    assert found.score(rows, labels) < 0  # the log loss
    assert found.study_.best_value == found.best_score_


def test_a_score_that_fails_costs_its_own_column_alone():
    def fails(estimator, X, y):
        raise ValueError("no such luck")

    scoring = {"good": "accuracy", "bad": fails}
    with pytest.warns(UserWarning, match="'bad' failed; it is nan here: ValueError: no such luck"):
        found = search(scoring=scoring, refit="good").fit(X, Y)
    assert np.isnan(found.cv_results_["mean_test_bad"]).all()
    assert found.best_score_ == pytest.approx(0.9)
    assert found.best_diagnoses_[0].held_out == "validation"
    with pytest.raises(ValueError, match=r"first cause: ValueError: no such luck"):
        search(scoring=scoring, refit="bad").fit(X, Y)


def test_epochs_drawn_by_a_function_leave_the_folds_steps_where_they_are():
    def space(trial):
        return {"epochs": trial.suggest_categorical("epochs", [4, 8]), "quality": 0.9}

    found = search(space, n_trials=6, pruner=None).fit(X, Y)
    firsts = set()
    for trial in found.study_.trials:
        steps = sorted(trial.intermediate_values)
        assert len(steps) == 2 * trial.params["epochs"]
        firsts.add(steps[trial.params["epochs"]])
    assert len(firsts) == 1


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


def test_failed_trials_are_rows_and_the_first_cause_is_told():
    space = {"fault": [None, "exception"]}
    with pytest.warns(UserWarning, match="no luck today"):
        found = search(space, n_trials=8).fit(X, Y)
    states = found.cv_results_["trial_state"]
    failed = [params["fault"] == "exception" for params in found.cv_results_["params"]]
    assert (states == "FAIL").tolist() == failed
    assert np.isnan(found.cv_results_["mean_test_score"][failed]).all()
    with pytest.raises(ValueError, match=r"None of the 3 trials.*first cause.*no luck today"):
        search({"fault": ["exception"]}, n_trials=3).fit(X, Y)
    with pytest.raises(ValueError, match=r"^no luck today"):
        search(space, n_trials=8, error_score="raise").fit(X, Y)
    with pytest.warns(FitFailedWarning, match=r"error_score=0\.0.*no luck today"):
        scored = search(space, n_trials=8, error_score=0.0, pruner=None).fit(X, Y)
    with pytest.raises(ValueError, match=r"All 6 fits failed.*no luck today"):
        search({"fault": ["exception"]}, n_trials=3, error_score=0.0, refit=False).fit(X, Y)
    assert set(scored.cv_results_["mean_test_score"]) == {0.0, 0.5}


def test_of_causes_that_are_equally_frequent_the_first_is_told():
    class Unlucky(Learner):
        def fit(self, X, y):
            raise ValueError(f"no luck with {self.quality}")

    space = {"quality": FloatDistribution(0.5, 0.9)}
    with pytest.raises(ValueError, match="None of the 6 trials") as caught:
        search(space, Unlucky()).fit(X, Y)
    assert "most frequent" not in str(caught.value)


def test_an_infinite_score_is_a_failure():
    def infinite(estimator, X, y):
        return float("inf") if estimator.quality > 0.6 else 0.5

    with pytest.warns(UserWarning, match="not a finite number"):
        found = search(scoring=infinite, n_trials=10).fit(X, Y)
    assert found.best_score_ == 0.5
    assert "FAIL" in found.cv_results_["trial_state"]


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


def test_a_function_is_tried_in_silence(capfd):
    search(lambda trial: {"quality": 0.5}, n_trials=1).fit(X, Y)
    assert capfd.readouterr() == ("", "")


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


def test_two_workers_find_what_one_finds():
    options = {"pruner": None, "sampler": optuna.samplers.RandomSampler(0), "n_trials": 5}
    one = search(**options).fit(X, Y)
    two = search(**{**options, "sampler": optuna.samplers.RandomSampler(0)}, n_jobs=2).fit(X, Y)
    assert two.best_params_ == one.best_params_
    assert two.n_trials_ == 5


def test_a_killed_worker_is_named():
    with pytest.raises(RuntimeError, match=r"killed.*trial \d+ \(fold 1, \{'fault': 'kill'\}\)"):
        search({"fault": ["kill"]}, n_trials=2, n_jobs=2).fit(X, Y)


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
