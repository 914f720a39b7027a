"""Trials are pruned by epoch if the estimator reports epochs, otherwise by fold."""

import numpy as np
import optuna
import pytest
from sklearn.base import BaseEstimator
from sklearn.datasets import load_digits, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from skmnist import PixelNormalizer
from tests.model_selection.learners import EPOCHS, Given, Learner, make_rows, search

X, Y = make_rows()


class Silent(Learner):
    """Reports no epochs."""

    epoch_events = False


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


def test_median_is_the_pruner_of_optuna():
    # the median of all six is 0.65, that of the best four 0.75
    qualities = [0.5, 0.5, 0.6, 0.7, 0.8, 0.9, 0.7, 0.6]
    space = {"quality": sorted(set(qualities))}
    sampler = Given(qualities)
    found = search(space, n_trials=8, sampler=sampler, pruner="median").fit(X, Y)
    assert found.cv_results_["trial_state"].tolist() == ["COMPLETE"] * 7 + ["PRUNED"]
    assert isinstance(found.study_.pruner, optuna.pruners.MedianPruner)


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
    assert seen  # the user's callback is called as well
    assert found.best_estimator_[-1].callbacks == [seen.append]


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


@pytest.mark.slow
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


def test_a_score_that_fails_costs_its_own_column_alone():
    def fails(estimator, X, y):
        raise ValueError("no such luck")

    scoring = {"good": "accuracy", "bad": fails}
    with pytest.warns(UserWarning, match="'bad' failed.* set to nan: ValueError: no such luck"):
        found = search(scoring=scoring, refit="good").fit(X, Y)
    assert np.isnan(found.cv_results_["mean_test_bad"]).all()
    assert found.best_score_ == pytest.approx(0.9)
    assert found.best_diagnoses_[0].held_out == "validation"
    with pytest.raises(ValueError, match=r"First error: ValueError: no such luck"):
        search(scoring=scoring, refit="bad").fit(X, Y)


def test_an_infinite_score_is_a_failure():
    def infinite(estimator, X, y):
        return float("inf") if estimator.quality > 0.6 else 0.5

    with pytest.warns(UserWarning, match="not a finite number"):
        found = search(scoring=infinite, n_trials=10).fit(X, Y)
    assert found.best_score_ == 0.5
    assert "FAIL" in found.cv_results_["trial_state"]
