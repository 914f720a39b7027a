"""The trials of a search and the importance of its parameters."""

import pytest
from optuna.distributions import IntDistribution
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from skmnist import SimpleNNClassifier
from skmnist.model_selection import OptunaSearchCV, rate_parameters, summarize_trials


def search(n_trials, **space):
    X, y = load_digits(return_X_y=True)
    found = OptunaSearchCV(
        KNeighborsClassifier(),
        {"n_neighbors": IntDistribution(1, 60), **space},
        n_trials=n_trials,
        cv=2,
        pruner=None,
        error_score=float("nan"),
        random_state=0,
    )
    return found.fit(X[:120], y[:120])


def test_trials_are_listed_best_first():
    found = search(4)
    trials = summarize_trials(found)
    assert sorted(trial.number for trial in trials) == [0, 1, 2, 3]
    scores = [trial.score for trial in trials]
    assert scores == sorted(scores, reverse=True)
    assert trials[0].score == pytest.approx(found.best_score_)
    assert trials[0].params == found.best_params_
    assert {trial.state for trial in trials} == {"COMPLETE"}


def test_folds_without_epochs_are_not_counted_as_epochs():
    assert {trial.n_epochs for trial in summarize_trials(search(2))} == {0}


@pytest.mark.slow
def test_epochs_of_all_folds_are_counted():
    X, y = load_digits(return_X_y=True)
    network = SimpleNNClassifier(8, epochs=2, validation_fraction=None, random_state=0)
    found = OptunaSearchCV(network, {"l2": [0.0]}, n_trials=1, cv=2, refit=False)
    (trial,) = summarize_trials(found.fit(X[:120] / 16, y[:120]))
    assert trial.n_epochs == 4


@pytest.mark.slow
def test_parameters_are_rated_by_their_share():
    shares = rate_parameters(search(12, leaf_size=[10, 30]), seed=0)
    assert list(shares) == ["n_neighbors", "leaf_size"]  # the second only changes the speed
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["n_neighbors"] > 0.9


def test_few_trials_rate_nothing():
    assert rate_parameters(search(3)) == {}
