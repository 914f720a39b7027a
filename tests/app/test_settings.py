"""What an address may hold."""

import pytest

from skmnist._networks import NETWORKS, make_network
from skmnist._parameters import TRAINING
from skmnist.app._settings import Settings, read_settings

OTHERS = {
    "data": "upload-0123456789abcdef",
    "label": "Ziffer",
    "invert": True,
    "train_size": 500,
    "epochs": 3,
    "batch_size": 32,
    "optimizer": "sgd",
    "learning_rate": 0.05,
    "patience": 4,
    "dropout": 0.2,
    "l2": 0.0001,
    "starts": 2,
    "seed": 7,
}


def test_defaults_leave_the_address_empty():
    assert Settings().to_query() == {}
    assert read_settings({}) == (Settings(), [])


def test_settings_survive_the_address():
    others = OTHERS | {"recipe": "fast"}
    settings = Settings(**others)
    assert settings.to_query().keys() == others.keys()
    assert read_settings(settings.to_query()) == (settings, [])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("data", "/etc/passwd"),
        ("data", "upload-../../x"),
        ("label", "x" * 201),
        ("label", "\x1b[2J"),
        ("invert", "yes"),
        ("train_size", "-1"),
        ("recipe", "best"),
        ("epochs", "101"),
        ("epochs", "-1"),
        ("epochs", "1e3"),
        ("batch_size", "0"),
        ("optimizer", "adagrad"),
        ("learning_rate", "0"),
        ("learning_rate", "nan"),
        ("learning_rate", "inf"),
        ("learning_rate", "1e-40"),  # 0 to a network
        ("patience", "0"),
        ("dropout", "1"),
        ("dropout", "0.995"),
        ("l2", "-0.1"),
        ("starts", "0"),
        ("starts", "11"),
        ("seed", "4294967296"),
        ("seed", "9" * 5000),
    ],
)
def test_what_is_not_allowed_becomes_the_default_and_is_named(name, text):
    assert read_settings({name: text, "lang": "de"}) == (Settings(), [name])


def test_the_networks_take_all_hyperparameters():
    values = Settings(**OTHERS).of_network()
    assert {name: values[name] for name in TRAINING} == {name: OTHERS[name] for name in TRAINING}
    for name in NETWORKS:
        network = make_network(name, 255, **values)[-1]
        assert network.random_state == 7
        assert network.dropout == OTHERS["dropout"]
        defaults = {k: v for k, v in Settings().of_network().items() if k in TRAINING}
        assert type(network)().get_params() | defaults == type(network)().get_params()


def test_a_recipe_replaces_the_other_hyperparameters():
    settings, refused = read_settings({"recipe": "robust", "epochs": "3", "seed": "7"})
    assert not refused
    assert settings.of_network() == {"recipe": "robust", "random_state": 7}
