import copy
import pickle

import numpy as np
import pytest
from sklearn.datasets import load_digits

from skmnist import SimpleNNClassifier

OPTIONS = {
    "hidden_units": 16,
    "learning_rate": 0.01,
    "validation_fraction": None,
    "patience": None,
    "random_state": 0,
}


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X.astype(np.float32) / 16, y


def assert_same_network(first, second):
    np.testing.assert_equal(first.coefs_, second.coefs_)
    np.testing.assert_equal(first.intercepts_, second.intercepts_)


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "nadam"])
def test_passes_teach_what_epochs_do_bit_for_bit(digits, optimizer):
    options = {**OPTIONS, "optimizer": optimizer, "dropout": 0.2}
    at_once = SimpleNNClassifier(epochs=4, **options).fit(*digits)
    in_steps = SimpleNNClassifier(**options)
    for _ in range(4):
        in_steps.partial_fit(*digits, classes=range(10))
    assert_same_network(at_once, in_steps)
    # and a fit is gone on with just so
    after_fit = SimpleNNClassifier(epochs=2, **options).fit(*digits)
    assert_same_network(at_once, after_fit.partial_fit(*digits).partial_fit(*digits))


def test_the_counts_and_curves_go_on(digits):
    model = SimpleNNClassifier(epochs=3, patience=2, random_state=0).fit(*digits)
    model.partial_fit(*digits)
    assert model.n_iter_ == model.kept_epoch_ == 4
    assert model.best_epoch_ == np.argmin(model.loss_curve_) + 1
    assert {name: len(values) for name, values in model.history_.items()} == {
        "loss": 4,
        "accuracy": 4,
    }
    assert len(model.loss_curve_) == 4
    assert model.validation_accuracy_ is None
    # fit starts anew
    assert model.fit(*digits).n_iter_ == 3


def test_parts_that_lack_classes_or_have_one_row_teach_too(digits):
    X, y = digits
    model = SimpleNNClassifier(**OPTIONS).partial_fit(X[:1], y[:1], classes=np.arange(10))
    for _ in range(15):
        for half in (y < 5, y >= 5):
            model.partial_fit(X[half], y[half])
    assert model.classes_.tolist() == list(range(10))
    assert model.score(X, y) > 0.3  # it forgets, but not all


def test_a_pickle_keeps_the_weights_and_not_the_optimizer(digits):
    model = SimpleNNClassifier(**OPTIONS).partial_fit(*digits, classes=range(10))
    size = len(pickle.dumps(model))
    assert size < 4 * model.n_parameters_ + 3000
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert_same_network(model, other)
        assert other.partial_fit(*digits).n_iter_ == 2


def test_a_changed_learning_rate_counts_and_a_changed_optimizer_starts_anew(digits):
    model = SimpleNNClassifier(**OPTIONS).partial_fit(*digits, classes=range(10))
    frozen = copy.deepcopy(model.coefs_)
    model.set_params(learning_rate=1e-12).partial_fit(*digits)
    np.testing.assert_allclose(model.coefs_[0], frozen[0], atol=1e-6)
    model.set_params(learning_rate=0.1, optimizer="sgd", momentum=0.5).partial_fit(*digits)
    assert model.loss_curve_[-1] < model.loss_curve_[0]


def test_the_first_call_decides_on_the_precision(digits):
    X, y = digits
    model = SimpleNNClassifier(**OPTIONS).partial_fit(X, y, classes=range(10))
    assert model.partial_fit(X.astype(np.float64), y).coefs_[0].dtype == np.float32


def test_weights_are_taken_as_they_are(digits):
    X, y = digits
    options = {**OPTIONS, "optimizer": "sgd", "momentum": 0.0, "batch_size": 10**6}
    models = [
        SimpleNNClassifier(**{**options, "learning_rate": rate}).partial_fit(
            X, y, classes=range(10), sample_weight=np.full(len(y), weight)
        )
        for rate, weight in [(0.02, 0.5), (0.01, 1.0)]
    ]
    np.testing.assert_allclose(models[0].coefs_[0], models[1].coefs_[0], rtol=1e-5, atol=1e-6)


def test_class_weights_as_a_dict_work_and_balanced_is_refused(digits):
    heavy = SimpleNNClassifier(**{**OPTIONS, "class_weight": {3: 100}})
    for _ in range(3):
        heavy.partial_fit(*digits, classes=range(10))
    assert (heavy.predict(digits[0]) == 3).mean() > 0.3
    with pytest.raises(ValueError, match='class_weight="balanced" needs all labels at once'):
        SimpleNNClassifier(class_weight="balanced").partial_fit(*digits, classes=range(10))


def test_a_class_may_have_no_weight(digits):
    model = SimpleNNClassifier(**{**OPTIONS, "class_weight": {3: 0}})
    for _ in range(20):
        model.partial_fit(*digits, classes=range(10))
    assert 3 not in model.predict(digits[0])
    assert model.score(*digits) > 0.7


def test_what_cannot_be_gone_on_with_is_refused_and_loses_nothing(digits):
    X, y = digits
    with pytest.raises(ValueError, match="classes must be passed in the first call"):
        SimpleNNClassifier().partial_fit(X, y)
    model = SimpleNNClassifier(**OPTIONS).partial_fit(X, y, classes=range(10))
    before = model.predict_proba(X)
    with pytest.raises(ValueError, match=r"classes=\[0, 1\] is not the same as on last call"):
        model.partial_fit(X, y, classes=[0, 1])
    for classes in ([0], [0, np.nan]):
        with pytest.raises(ValueError, match=r"classes=.* must be two labels or more"):
            SimpleNNClassifier().partial_fit(X, y, classes=classes)
    with pytest.raises(ValueError, match=r"labels that are not among the classes: \[77\]"):
        model.partial_fit(X[:1], [77])
    with pytest.raises(ValueError, match="63 features"):
        model.partial_fit(X[:, :63], y)
    with pytest.raises(ValueError, match="partial_fit goes on with layers of"):
        model.set_params(hidden_units=3).partial_fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert model.set_params(hidden_units=16).partial_fit(X, y).n_iter_ == 2


def test_a_pass_that_fails_has_not_happened(digits):
    def fail(event):
        raise RuntimeError("on purpose")

    models = [SimpleNNClassifier(**OPTIONS).partial_fit(*digits, classes=range(10)) for _ in "ab"]
    models[0].set_params(callbacks=fail)
    with pytest.raises(RuntimeError, match="on purpose"):
        models[0].partial_fit(*digits)
    models[0].set_params(callbacks=None)
    assert_same_network(*(model.partial_fit(*digits) for model in models))
