"""Recipes: named hyperparameters."""

import inspect

import pytest

import skmnist
from skmnist import DeepNNClassifier, PixelNormalizer, SimpleNNClassifier, get_recipe, load_mnist
from skmnist._networks import MODELS, NETWORKS, RECIPES, make_network, write_command

CLASSES = {"simple": SimpleNNClassifier, "deep": DeepNNClassifier}


@pytest.fixture(scope="module")
def mnist():
    mnist = load_mnist(n_train=300, n_test=100, random_state=0)
    return PixelNormalizer().fit_transform(mnist.X_train), mnist.y_train


@pytest.mark.parametrize("network", CLASSES)
@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("epochs", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_recipe_is_all_that_a_classifier_needs(mnist, name, network, epochs):
    recipe = get_recipe(name, network)
    small = {"simple": {"hidden_units": 8}, "deep": {"hidden_layer_sizes": (8, 8)}}[network]
    model = CLASSES[network](**recipe, random_state=0).set_params(epochs=epochs, **small)
    assert model.fit(*mnist).n_iter_ == epochs
    assert f'"{name}"' in inspect.getdoc(get_recipe)


@pytest.mark.parametrize("network", CLASSES)
def test_the_recipe_of_the_slides_is_the_default(network):
    model = CLASSES[network]()
    assert model.get_params() | get_recipe("slides", network) == model.get_params()


def test_a_recipe_may_be_changed():
    get_recipe("robust", "deep")["epochs"] = 1
    assert get_recipe("robust", "deep")["epochs"] > 1


@pytest.mark.parametrize(
    ("name", "network", "told"),
    [
        ("robst", "deep", "name='robst' is not a recipe. Did you mean 'robust'"),
        ("x", "deep", "Choose from slides, fast, robust, record"),
        ("robust", "NN", "network='NN' is not a network. Choose from simple, deep"),
        (None, "deep", "name=None is not a recipe"),
    ],
)
def test_unknown_names(name, network, told):
    with pytest.raises(ValueError, match=told):
        get_recipe(name, network)


@pytest.mark.parametrize("kind", MODELS)
def test_settings_replace_those_of_the_recipe(kind):
    network = make_network(MODELS[kind], 255, "robust", epochs=3, random_state=1)[-1]
    assert type(network).__name__ == NETWORKS[MODELS[kind]]
    expected = get_recipe("robust", kind) | {"epochs": 3, "random_state": 1}
    assert {name: network.get_params()[name] for name in expected} == expected


def test_the_command_names_the_recipe():
    settings = {"recipe": "robust", "epochs": 3, "random_state": 1}
    assert write_command("mnist", None, {}, settings).endswith(
        "--recipe robust --epochs 3 --seed 1"
    )
    assert "recipe" not in write_command("mnist", None, {}, settings | {"recipe": "slides"})


def test_it_is_public():
    assert skmnist.get_recipe is get_recipe
