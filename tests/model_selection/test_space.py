"""Ready search spaces: every value in them is one that the network takes."""

import optuna
import pytest

from skmnist import DeepNNClassifier, SimpleNNClassifier
from skmnist.model_selection import get_search_space
from skmnist.model_selection._space import Space

NETWORKS = {"simple": SimpleNNClassifier(), "deep": DeepNNClassifier()}


@pytest.mark.parametrize("name", NETWORKS)
def test_ready_spaces_have_regularization_in_the_middle(name):
    space = get_search_space(name)
    assert {"dropout", "l2", "learning_rate", "batch_size"} <= set(space)
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


def test_a_misspelt_name():
    with pytest.raises(ValueError, match="Did you mean 'simple'"):
        get_search_space("simpel")


def test_what_was_drawn_can_be_read_again():
    space = Space(get_search_space("deep"), DeepNNClassifier())
    trial = optuna.create_study().ask()
    params = space.suggest(trial)
    assert isinstance(params["hidden_layer_sizes"], tuple)
    assert space.suggest(optuna.trial.FixedTrial(trial.params)) == params
