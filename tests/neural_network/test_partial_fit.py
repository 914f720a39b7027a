import copy
import pickle

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, learning_curve
from sklearn.neural_network import MLPClassifier

from skmnist import SimpleNNClassifier
from skmnist.neural_network import _program
from tests.neural_network.by_keras import EachBatch

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


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("sgd", "nadam")]


@pytest.mark.parametrize("optimizer", ["adam", *SLOW])
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
    model = SimpleNNClassifier(16, epochs=3, patience=2, random_state=0).fit(*digits)
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


@pytest.fixture
def seen(monkeypatch):
    """Spy on the labels that reach the compiled epoch."""
    labels = []
    load = _program.Program.load

    def spy(self, x, y, plan):
        labels.append(np.asarray(y)[plan.train_rows].tolist())
        return load(self, x, y, plan)

    monkeypatch.setattr(_program.Program, "load", spy)
    return lambda: [part for part in labels if part]


@pytest.mark.slow
def test_a_batch_that_lacks_classes_reaches_the_network_with_its_own_labels(digits, seen):
    X, _ = digits
    model = SimpleNNClassifier(**OPTIONS)
    model.partial_fit(X[:3], [2, 2, 1], classes=[0, 1, 2])
    model.partial_fit(X[:1], [2])
    assert seen() == [[2, 2, 1], [2]]


@pytest.mark.slow
def test_text_labels_reach_the_network_by_their_place_among_all(digits, seen):
    X, _ = digits
    model = SimpleNNClassifier(**OPTIONS)
    model.partial_fit(X[:2], ["c", "b"], classes=["a", "b", "c"])
    pickle.loads(pickle.dumps(model)).partial_fit(X[:1], ["c"])
    assert seen() == [[2, 1], [2]]


@pytest.mark.slow
def test_keras_own_loop_gets_the_labels_too(digits):
    X, _ = digits
    model = SimpleNNClassifier(**OPTIONS, epochs=1).partial_fit(X[:2], [1, 2], classes=[0, 1, 2])
    before = model.predict_proba(X[:1])[0, 2]
    model.set_params(callbacks=[EachBatch()])
    with pytest.warns(UserWarning, match="EachBatch must be called for each batch"):
        model.partial_fit(X[:1], [2])
    assert model.predict_proba(X[:1])[0, 2] > before


@pytest.mark.slow
def test_more_of_one_class_makes_it_more_probable(digits):
    X, y = digits
    model = SimpleNNClassifier(epochs=3, random_state=0).fit(X, y)
    sevens = X[y == 7][:5]
    before = model.predict_proba(sevens)[:, 7].mean()
    for _ in range(20):
        model.partial_fit(sevens, [7] * 5)
    assert model.predict_proba(sevens)[:, 7].mean() > max(before, 0.95)


@pytest.mark.slow
def test_blocks_of_ten_rows_teach_what_they_teach_mlpclassifier(digits):
    X, y = digits
    train, test = slice(0, 1200), slice(1200, None)
    options = {"random_state": 0}
    ours = SimpleNNClassifier(100, **options)
    names = np.array([f"digit {label}" for label in range(10)])
    as_text = SimpleNNClassifier(100, class_weight={"digit 3": 1.5}, **options)
    theirs = MLPClassifier(100, **options)
    for _ in range(10):
        for start in range(0, 1200, 10):
            rows = slice(start, start + 10)
            ours.partial_fit(X[rows], y[rows], classes=range(10))
            theirs.partial_fit(X[rows], y[rows], classes=range(10))
            as_text.partial_fit(X[rows], names[y[rows]], classes=names)
        ours = pickle.loads(pickle.dumps(ours))
    expected = theirs.score(X[test], y[test])
    assert ours.score(X[train], y[train]) > 0.97
    assert ours.score(X[test], y[test]) > expected - 0.02
    assert as_text.score(X[test], names[y[test]]) > expected - 0.02


@pytest.mark.slow
def test_incremental_learning_curves_learn(digits):
    X, y = digits
    order = np.argsort(y[:600], kind="stable")  # the first part has two classes
    sizes, train, _ = learning_curve(
        SimpleNNClassifier(32, learning_rate=0.01, batch_size=16, random_state=0),
        X[order],
        y[order],
        cv=StratifiedKFold(2),
        train_sizes=[0.2, 0.6, 1.0],
        exploit_incremental_learning=True,
    )
    assert len(sizes) == 3
    assert train[0].min() > 0.9  # the classes of the first part are told apart


def test_a_pickle_keeps_the_weights_and_not_the_optimizer(digits):
    model = SimpleNNClassifier(**OPTIONS).partial_fit(*digits, classes=range(10))
    size = len(pickle.dumps(model))
    assert size < 4 * model.n_parameters_ + 3000
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert_same_network(model, other)
        assert other.partial_fit(*digits).n_iter_ == 2


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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
        with pytest.raises(ValueError, match=r"classes=.* must be two or more labels"):
            SimpleNNClassifier().partial_fit(X, y, classes=classes)
    with pytest.raises(ValueError, match=r"labels that are not among the classes: \[77\]"):
        model.partial_fit(X[:1], [77])
    with pytest.raises(ValueError, match="63 features"):
        model.partial_fit(X[:, :63], y)
    with pytest.raises(ValueError, match="partial_fit continues with layers of"):
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
