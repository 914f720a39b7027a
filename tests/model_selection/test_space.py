"""Search spaces and the default sampler."""

import numpy as np
import optuna
import pandas as pd
import pytest
import scipy.stats
from optuna.distributions import FloatDistribution
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skmnist import DeepNNClassifier, OptunaSearchCV, PixelNormalizer, SimpleNNClassifier
from skmnist.model_selection import get_search_space
from skmnist.model_selection._space import SeededSampler, Space
from tests.model_selection.learners import EPOCHS, Learner, make_rows, search

X, Y = make_rows()
NETWORKS = {"simple": SimpleNNClassifier(), "deep": DeepNNClassifier()}


@pytest.mark.parametrize("name", NETWORKS)
def test_ready_spaces_have_regularization_in_the_middle(name):
    space = get_search_space(name)
    assert {"dropout", "l2", "learning_rate", "learning_rate_schedule", "batch_size"} <= set(space)
    Space(space, NETWORKS[name])
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0))
    for _ in range(5):
        params = Space(space, NETWORKS[name]).suggest(study.ask())
        assert set(params) == set(space)


@pytest.mark.parametrize("name", NETWORKS)
def test_regularization_alone_is_for_both(name):
    Space(get_search_space("regularization"), NETWORKS[name])


def test_prefix_and_a_dict_of_ones_own():
    space = get_search_space("simple", prefix="network__")
    assert "network__dropout" in space
    space.clear()
    assert get_search_space("simple")


@pytest.mark.parametrize("name", NETWORKS)
def test_a_space_for_images_has_deformed_ones(name):
    space = get_search_space(name, prefix="network__", images=True)
    assert space["network__augmentation"] == [None, "digits"]
    assert set(space) - {"network__augmentation"} == set(get_search_space(name, "network__"))


def test_a_misspelt_name():
    with pytest.raises(ValueError, match="Did you mean 'simple'"):
        get_search_space("simpel")


def test_drawn_parameters_can_be_read_again():
    space = Space(get_search_space("deep"), DeepNNClassifier())
    trial = optuna.create_study().ask()
    params = space.suggest(trial)
    assert isinstance(params["hidden_layer_sizes"], tuple)
    assert space.suggest(optuna.trial.FixedTrial(trial.params)) == params


def on_a_rare_branch(trial):
    name = "qualty" if trial.suggest_categorical("branch", range(5)) == 4 else "quality"
    return {name: 0.5}


def test_conditional_space_masks_missing_parameters():
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


@pytest.mark.slow
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
        (lambda trial: {"nothing": 1}, "has the name 'nothing'"),
        (on_a_rare_branch, "has the name 'qualty'.*Did you mean 'quality'"),
    ],
)
def test_invalid_spaces_raise_before_the_first_fit(space, told):
    with pytest.raises(ValueError, match=told):
        OptunaSearchCV(Learner(), space).fit(X, Y)
    assert not EPOCHS


def test_a_range_that_the_estimator_refuses_is_refused_before_the_first_fit():
    pipeline = Pipeline([("scale", PixelNormalizer()), ("network", SimpleNNClassifier())])
    with pytest.raises(ValueError, match=r"network__dropout=1\.5.*'dropout' parameter"):
        OptunaSearchCV(pipeline, {"network__dropout": FloatDistribution(0, 1.5)}).fit(X, Y)
    with pytest.raises(ValueError, match="network__hidden_units=0"):
        OptunaSearchCV(pipeline, {"network__hidden_units": [16, 0]}).fit(X, Y)


def test_equal_values_of_different_types_stay_distinct():
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


def test_parameters_returned_by_a_function_are_reported():
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


def test_a_function_is_tried_in_silence(capfd):
    search(lambda trial: {"quality": 0.5}, n_trials=1).fit(X, Y)
    assert capfd.readouterr() == ("", "")


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


def draw(study, seed):
    study.sampler = SeededSampler(seed)
    trial = study.ask()
    drawn = [trial.suggest_float("a", 0, 1), trial.suggest_float("b", 0, 1)]
    study.tell(trial, drawn[0])
    return drawn


def test_draws_depend_on_the_seed_and_the_number_of_the_trial():
    one, resumed = (optuna.create_study() for _ in range(2))
    drawn = [draw(one, seed=0) for _ in range(4)]
    assert [draw(resumed, seed=0) for _ in range(4)] == drawn
    assert len({value for pair in drawn for value in pair}) == 8
    assert draw(optuna.create_study(), seed=1) != drawn[0]
