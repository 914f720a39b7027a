"""The classifiers as scikit-learn and their users see them: parameters, checks."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import estimator_checks_generator

from skmnist import DeepNNClassifier, PixelNormalizer, SimpleNNClassifier, load_mnist
from skmnist._parameters import PARAMETERS
from skmnist.neural_network._forward import ACTIVATIONS

# checks of scikit-learn that compile programs of their own; the quick tests in this folder are
# about the same: labels, weights, pickling, the seed, and what is refused
LONG_CHECKS = {
    "check_classifier_data_not_an_array",
    "check_n_features_in",
    "check_supervised_y_2d",
    "check_sample_weights_list",
    "check_methods_sample_order_invariance",
    "check_estimators_fit_returns_self",
    "check_estimators_partial_fit_n_features",
    "check_f_contiguous_array_estimator",
    "check_fit_check_is_fitted",
    "check_fit_score_takes_y",
    "check_sample_weights_not_an_array",
    "check_class_weight_classifiers",
    "check_classifiers_classes",
    "check_classifiers_one_label_sample_weights",
    "check_classifiers_train",
    "check_dont_overwrite_parameters",
    "check_dtype_object",
    "check_estimators_dtypes",
    "check_estimators_nan_inf",
    "check_estimators_overwrite_params",
    "check_estimators_pickle",
    "check_fit2d_1feature",
    "check_fit_idempotent",
    "check_n_features_in_after_fitting",
    "check_pipeline_consistency",
    "check_positive_only_tag_during_fit",
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weights_not_overwritten",
    "check_sample_weights_pandas_series",
    "check_sample_weights_shape",
}


def find_checks():
    """Return the checks of both networks, which share all code but their hidden layers."""
    for network in (SimpleNNClassifier, DeepNNClassifier):
        for estimator, check in estimator_checks_generator(network()):
            name = check.func.__name__
            is_long = name in LONG_CHECKS or "readonly_memmap" in check.keywords
            if network is SimpleNNClassifier or not is_long:
                slow = is_long or network is DeepNNClassifier
                yield pytest.param(
                    estimator,
                    check,
                    id="-".join([network.__name__, name, *map(str, check.keywords)]),
                    marks=[pytest.mark.slow] if slow else [],
                )


@pytest.mark.parametrize(("estimator", "check"), [*find_checks()])
def test_scikit_learn_finds_nothing_unusual(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def mnist():
    return load_mnist(n_train=1000, n_test=500, random_state=0)


@pytest.mark.parametrize(
    ("network", "n_parameters", "layers"),
    [
        (SimpleNNClassifier, 101_770, ["Flatten", "Dense", "Dense"]),
        (DeepNNClassifier, 567_434, ["Flatten", "Dense", "Dense", "Dense", "Dense"]),
    ],
)
def test_networks_are_those_of_the_source(mnist, network, n_parameters, layers):
    model = network(epochs=0).fit(mnist.X_train / 255, mnist.y_train)
    keras_model = model.to_keras()
    assert model.n_parameters_ == keras_model.count_params() == n_parameters
    assert [type(layer).__name__ for layer in keras_model.layers] == layers
    assert keras_model.input_shape == (None, 28, 28)


@pytest.mark.slow
def test_a_pipeline_learns_from_raw_images(mnist):
    pipeline = Pipeline([("normalize", PixelNormalizer()), ("nn", SimpleNNClassifier(epochs=15))])
    assert pipeline.fit(mnist.X_train, mnist.y_train).score(mnist.X_test, mnist.y_test) > 0.8


@pytest.mark.slow
def test_grid_search_and_cross_validation_over_a_pipeline(mnist):
    pipeline = Pipeline(
        [("normalize", PixelNormalizer()), ("nn", SimpleNNClassifier(16, epochs=3, random_state=0))]
    )
    grid = {"nn__learning_rate": [1e-5, 1e-2], "nn__hidden_units": [8, 16]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(mnist.X_train, mnist.y_train)
    assert search.best_params_["nn__learning_rate"] == 1e-2
    assert (cross_val_score(pipeline, mnist.X_train, mnist.y_train, cv=2) > 0.2).all()


EXTRA_CHECKS = [
    estimator_checks.check_param_validation,
    estimator_checks.check_dataframe_column_names_consistency,
    estimator_checks.check_inplace_ensure_writeable,
]


@pytest.mark.slow
@pytest.mark.parametrize("check", EXTRA_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(
    "estimator",
    [
        pytest.param(SimpleNNClassifier(8, epochs=2), id="SimpleNNClassifier"),
        pytest.param(
            DeepNNClassifier((8, 4), epochs=2), id="DeepNNClassifier", marks=pytest.mark.slow
        ),
        pytest.param(PixelNormalizer(), id="PixelNormalizer"),
    ],
)
def test_the_checks_that_scikit_learn_runs_on_its_own_estimators_only(estimator, check):
    check(type(estimator).__name__, clone(estimator))


@pytest.mark.parametrize(
    "make",
    [
        lambda: SimpleNNClassifier(learning_rat=0.1),
        lambda: SimpleNNClassifier().set_params(learning_rat=0.1),
        lambda: Pipeline([("nn", SimpleNNClassifier())]).set_params(nn__learning_rat=0.1),
        lambda: DeepNNClassifier(lerning_rate=0.1),
    ],
    ids=["init", "set_params", "pipeline", "deep"],
)
def test_a_misspelt_parameter_is_answered_with_the_right_name(make):
    match = r"has no parameter 'l\w+'. Did you mean 'learning_rate'\?"
    with pytest.raises((TypeError, ValueError), match=match):
        make()
    with pytest.raises(TypeError, match=r"PixelNormalizer has no parameter 'x'. It has max_value."):
        PixelNormalizer(x=1)


def test_it_is_a_classifier_and_clones_with_all_its_parameters():
    model = DeepNNClassifier((3, 4), dropout=0.5, l2=0.1, class_weight="balanced")
    assert is_classifier(model)
    assert clone(model).get_params() == model.get_params()


def quick_if(quick, names):
    """Mark all names but one as slow: each is a program to compile."""
    return [name if name == quick else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", quick_if("sgd", PARAMETERS["optimizer"].choices))
def test_every_optimizer_learns(digits, optimizer):
    rate = 0.1 if optimizer == "sgd" else 0.005
    model = SimpleNNClassifier(
        32, optimizer=optimizer, learning_rate=rate, epochs=20, random_state=0
    )
    assert model.fit(*digits).score(*digits) > 0.9


@pytest.mark.parametrize("activation", quick_if("gelu", sorted(ACTIVATIONS)))
def test_every_activation_learns_and_predicts_as_keras_does(digits, activation):
    model = SimpleNNClassifier(
        16, activation=activation, learning_rate=0.01, epochs=10, random_state=0
    ).fit(*digits)
    assert model.score(*digits) > 0.8
    expected = model.to_keras()(digits[0]).numpy()
    np.testing.assert_allclose(model.predict_proba(digits[0]), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["cosine", "linear", "exponential"])
def test_a_schedule_changes_what_is_learned_and_still_learns(digits, schedule):
    options = {"epochs": 20, "learning_rate": 0.01, "random_state": 0}
    plain = SimpleNNClassifier(16, **options).fit(*digits)
    scheduled = SimpleNNClassifier(16, learning_rate_schedule=schedule, **options).fit(*digits)
    assert scheduled.score(*digits) > 0.9
    assert not np.array_equal(plain.coefs_[0], scheduled.coefs_[0])


@pytest.mark.slow
def test_l2_makes_weights_smaller(digits):
    plain, penalised = (
        np.abs(SimpleNNClassifier(16, epochs=20, l2=l2, random_state=0).fit(*digits).coefs_[0])
        for l2 in (0, 0.01)
    )
    assert penalised.mean() < 0.7 * plain.mean()


@pytest.mark.parametrize(
    "parameters",
    [
        {"epochs": -1},
        {"batch_size": 0},
        {"dropout": 1.0},
        {"l2": -0.1},
        {"learning_rate": 0},
        {"optimizer": "adamm"},
        {"activation": "rellu"},
        {"patience": 0},
        {"monitor": "f1"},
        {"validation_fraction": 1.0},
        {"learning_rate_schedule": "zigzag"},
        {"hidden_units": 0},
    ],
    ids=lambda parameters: next(iter(parameters)),
)
def test_a_parameter_out_of_range_is_refused_in_fit(digits, parameters):
    model = SimpleNNClassifier(**parameters)
    ((name, value),) = parameters.items()
    with pytest.raises(ValueError, match=rf"The '{name}' parameter of SimpleNNClassifier.*{value}"):
        model.fit(*digits)


@pytest.mark.parametrize("sizes", [(), (3, 0), (2.5,), "ab", {3: 4}, (True,), 7])
def test_hidden_layer_sizes_must_be_counts(digits, sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        DeepNNClassifier(sizes, epochs=1).fit(*digits)


@pytest.mark.slow
def test_a_fitted_network_is_small(mnist):
    model = SimpleNNClassifier(epochs=1, random_state=0)
    pipeline = make_pipeline(PixelNormalizer(), model).fit(mnist.X_train, mnist.y_train)
    assert len(pickle.dumps(pipeline)) < 1.1 * 4 * 101_770


# What packages tell each other's developers, Python shows to nobody.
SHOWING_WARNINGS = ("-W", "default", "-W", "ignore::DeprecationWarning")
SCRIPT = """
from sklearn.datasets import load_digits
from skmnist import SimpleNNClassifier
X, y = load_digits(return_X_y=True)
SimpleNNClassifier(8, epochs=2, verbose={verbose}, random_state=0).fit(X / 16, y)
"""


@pytest.mark.slow
@pytest.mark.parametrize("verbose", [0, 1])
def test_no_line_on_the_screen_is_not_ours(verbose):
    script = SCRIPT.format(verbose=verbose)
    done = subprocess.run(
        [sys.executable, *SHOWING_WARNINGS, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    lines = done.stderr.splitlines()
    assert done.stdout == ""
    assert len(lines) == 3 * verbose
    if verbose:
        assert lines[0] == "Loading tensorflow ..."
        assert lines[2].startswith("SimpleNNClassifier 2/2 | acc=")
