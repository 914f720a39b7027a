"""The table of hyperparameters, and all that must agree with it."""

import inspect
import re

import pytest

from skmnist import DeepNNClassifier, SimpleNNClassifier
from skmnist._parameters import PARAMETERS, TRAINING
from skmnist.app._settings import RANGES, Settings
from skmnist.neural_network import _engine, _forward, _training
from skmnist.text import get_catalogue, get_languages

CASES = [
    (network, name)
    for network in (SimpleNNClassifier, DeepNNClassifier)
    for name in inspect.signature(network).parameters
    if name in PARAMETERS
]


@pytest.mark.parametrize(("network", "name"), CASES)
def test_signature_and_docstring_say_what_the_table_says(network, name):
    parameter = PARAMETERS[name]
    assert inspect.signature(network).parameters[name].default == parameter.default
    entry = inspect.getdoc(network).split(f"\n{name} : ")[1]
    entry = re.split(r"\n(?=\w)", entry)[0].replace("`", "")
    assert all(f'"{choice}"' in entry for choice in parameter.choices)
    if parameter.high is not None:
        bracket = "[" if parameter.closed == "left" else "("
        assert f"in {bracket}{parameter.low}, {parameter.high})" in entry
    elif parameter.is_whole:
        assert entry.startswith("int")


def test_the_table_has_all_hyperparameters_of_both_networks_and_no_other():
    known = {*SimpleNNClassifier().get_params(), *DeepNNClassifier().get_params()}
    beside = {
        "augmentation",
        "calibrate",
        "callbacks",
        "class_weight",
        "random_state",
        "shuffle",
        "verbose",
        "warm_start",
    }
    assert set(PARAMETERS) == known - beside


def test_the_choices_are_those_that_can_be_computed():
    assert set(PARAMETERS["activation"].choices) == set(_forward.ACTIVATIONS)
    assert set(PARAMETERS["learning_rate_schedule"].choices) == set(_training.SCHEDULES)
    pytest.importorskip("tensorflow")
    assert set(PARAMETERS["optimizer"].choices) == set(_engine.OPTIMIZERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_defaults_and_searched_values_are_in_range(name):
    parameter = PARAMETERS[name]
    values = [parameter.default, *(parameter.search or ())]
    for value in values:
        if isinstance(value, int | float):
            assert parameter.allows(value)
        elif isinstance(value, str):
            assert value in parameter.choices


@pytest.mark.parametrize(("name", "value"), [("dropout", 1), ("learning_rate", 0), ("epochs", -1)])
def test_values_out_of_range_are_refused(name, value):
    assert not PARAMETERS[name].allows(value)
    assert not PARAMETERS[name].allows(float("nan"))
    assert not PARAMETERS[name].allows(float("inf"))


@pytest.mark.parametrize("name", TRAINING)
def test_what_the_app_offers_is_in_range_and_explained(name):
    parameter = PARAMETERS[name]
    assert all(parameter.allows(end) for end in RANGES.get(name, ()))
    assert getattr(Settings(), name) == parameter.default
    for language in get_languages():
        assert get_catalogue(language)(f"cli.{name}_help")


def test_the_docstring_of_the_search_spaces_has_their_ranges():
    space = pytest.importorskip("skmnist.model_selection._space")
    text = inspect.getdoc(space.get_search_space)
    numbers = {float(number) for number in re.findall(r"\d[\d.]*(?:e-?\d+)?", text)}
    for name in {*space.get_search_space("simple"), *space.get_search_space("deep")}:
        for value in PARAMETERS[name].search:
            assert str(value) in text or float(value) in numbers, name
