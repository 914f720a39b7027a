"""Where the figures of a fit come from, one source after the other."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import t
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skmnist.diagnosis import diagnose_fit
from skmnist.diagnosis._figures import FitFigures, read_estimator

KEPT = {"train_accuracy_": 0.97, "validation_accuracy_": 0.96}


def make(**attributes):
    """Make what stands for a fitted classifier, with such attributes."""
    return SimpleNamespace(**{**KEPT, **attributes})


# --- trends


@pytest.mark.parametrize(
    ("values", "change"),
    [
        ([9, 9, 9, 1.0, 0.9, 0.8], -0.2 / 0.9),
        ([9, 9, 9, 9, 1.0, 1.1, 1.2, 1.3], 0.3 / 1.15),
        ([1.0, 0.9, 0.8], -0.2 / 0.9),
        ([9, 1.0, 0.9, 0.8], -0.2 / 0.9),  # three epochs at least
        ([9, 0.0, 0.0, 0.0], None),
        ([1.0, 0.9], None),
        ([], None),
    ],
)
def test_a_trend_is_the_change_of_a_line_through_the_second_half(values, change):
    fit = FitFigures(0.02, 0.88, history={"loss": values})
    expected = None if change is None else pytest.approx(change)
    assert fit.trend("loss") == expected
    assert fit.trend("val_loss") is None


# --- rows


@pytest.mark.parametrize(
    ("kept", "n_train"),
    [
        ({"n_train_": 900}, 900),
        ({"n_train_": 900, "n_train_measured_": 500}, 500),  # so many images are behind it
        ({"n_train_": 0}, None),
        ({}, None),
    ],
)
def test_the_images_that_were_measured_are_counted(kept, n_train):
    assert read_estimator(make(**kept))["n_train"] == n_train


def test_what_is_kept_is_not_measured_anew():
    figures = read_estimator(make(), X=[[0]], y=[1])
    assert (figures["train_accuracy"], figures["n_train"]) == (0.97, None)


@pytest.mark.parametrize(
    ("attributes", "network"),
    [
        ({}, False),
        ({"coefs_": []}, True),
        ({"history_": {}}, True),
        ({"loss_curve_": [0.5]}, True),
    ],
)
def test_what_learns_in_epochs_is_a_network(attributes, network):
    assert diagnose_fit(make(**attributes)).network is network


# --- folds


@pytest.mark.parametrize("name", ["score", "accuracy"])
def test_folds_have_the_interval_of_nadeau_and_bengio(name):
    train, test = np.array([0.99, 0.98, 0.97, 0.99]), np.array([0.95, 0.96, 0.93, 0.97])
    diagnosis = diagnose_fit({f"train_{name}": train, f"test_{name}": test})
    gaps = train - test
    error = np.sqrt((1 / 4 + 1 / 3) * gaps.var(ddof=1))
    ends = t.interval(0.95, 3, loc=gaps.mean(), scale=error)
    assert diagnosis.gap_interval == pytest.approx(ends)
    assert (diagnosis.train_accuracy, diagnosis.validation_accuracy) == (
        pytest.approx(train.mean()),
        pytest.approx(test.mean()),
    )


def test_two_folds_have_an_interval():
    diagnosis = diagnose_fit({"train_score": [0.99, 0.97], "test_score": [0.95, 0.94]})
    ends = t.interval(0.95, 1, loc=0.035, scale=0.005 * np.sqrt(2 * (1 / 2 + 1)))
    assert diagnosis.gap_interval == pytest.approx(ends)


def test_one_fold_has_no_interval():
    assert diagnose_fit({"train_score": [0.9], "test_score": [0.85]}).gap_interval is None


# --- a history


@pytest.mark.parametrize(
    ("losses", "known"),
    [
        ({"loss": [0.5, 0.1], "val_loss": [0.5, 0.3]}, (0.1, 0.3)),
        ({"loss": [0.5, 0.1]}, (None, None)),
        ({"val_loss": [0.5, 0.3]}, (None, None)),
    ],
)
def test_losses_are_those_of_the_last_epoch_where_there_are_both(losses, known):
    history = {"accuracy": [0.7, 0.8, 0.9], "val_accuracy": [0.7, 0.8, 0.89], **losses}
    diagnosis = diagnose_fit(history)
    assert (diagnosis.train_loss, diagnosis.validation_loss) == known
    assert (diagnosis.train_accuracy, diagnosis.validation_accuracy) == (0.9, 0.89)


def test_a_learning_curve_gives_the_accuracies_where_nothing_else_does():
    train, test = [[1.0, 1.0], [1.0, 0.9], [0.9, 0.8]], [[0.4, 0.4], [0.5, 0.6], [0.7, 0.8]]
    curve = ([25, 50, 100], train, test)
    alone = diagnose_fit(learning_curve=curve)
    beside = diagnose_fit(make(), learning_curve=curve)
    assert (alone.train_accuracy, alone.validation_accuracy) == pytest.approx((0.85, 0.75))
    assert (beside.train_accuracy, beside.validation_accuracy) == (0.97, 0.96)


@pytest.mark.parametrize("missing", ["train_accuracy_", "validation_accuracy_"])
def test_a_learning_curve_is_not_mixed_with_the_accuracy_of_another_fit(missing):
    curve = ([50, 100], [[1.0, 0.9], [0.9, 0.8]], [[0.5, 0.6], [0.7, 0.8]])
    with pytest.raises(ValueError, match=r"Pass X=, y=|without validation rows"):
        diagnose_fit(make(**{missing: None}), learning_curve=curve)


def test_a_learning_curve_may_come_with_its_times():
    curve = ([50, 100], [[1.0, 0.9], [0.9, 0.8]], [[0.5, 0.6], [0.7, 0.8]])
    times = ([[1.0, 1.0]] * 2, [[0.1, 0.1]] * 2)
    assert diagnose_fit(learning_curve=(*curve, *times)) == diagnose_fit(learning_curve=curve)


@pytest.mark.parametrize(
    "curve",
    [
        5,
        ([50, 100], [[0.9], [0.8]]),
        ([50], [[0.9]], [[0.8]]),
        ([50, 100], [0.9, 0.8], [0.9, 0.8]),
        ([50, 100], [[0.9], [0.8]], [[0.9, 0.9], [0.8, 0.8]]),
        ([50, 100], [[0.9], [0.8]], []),
        ([50, 100, 200], [[0.9], [0.8]], [[0.9], [0.8]]),
        ([50, 100], [[0.9], [0.8]], [["a"], ["b"]]),
        "abc",
    ],
    ids=[
        *("a number", "no test scores", "one size", "no folds", "other folds", "empty scores"),
        *("another size", "scores of text", "text"),
    ],
)
def test_what_is_no_learning_curve(curve):
    rule = (
        r"^learning_curve must be the result of sklearn\.model_selection\.learning_curve: sizes, "
        r"training scores and test scores, with at least two sizes\.$"
    )
    with pytest.raises(ValueError, match=rule):
        diagnose_fit(learning_curve=curve)


# --- why training ended


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"n_iter_": 2, "max_iter": 2}, "epochs"),
        ({"n_iter_": 2, "max_iter": 9}, "converged"),
        ({"n_iter_": 2, "max_iter": 9, "early_stopping": True}, "patience"),
        ({"n_iter_": 2, "max_iter": 9, "stop_reason_": "callback"}, "callback"),
        ({"n_iter_": 2}, None),
    ],
)
def test_why_the_training_ended(attributes, reason):
    figures = read_estimator(make(loss_curve_=[0.5, 0.4], **attributes))
    assert figures["stop_reason"] == reason


@pytest.mark.parametrize(
    ("attributes", "waited"),
    [
        ({"n_iter_": 5, "best_epoch_": 2}, 3),
        ({"n_iter_": 4, "validation_scores_": [0.1, 0.9, 0.8, 0.9]}, 2),
        ({"n_iter_": 4, "best_epoch_": 0}, None),
        ({"n_iter_": np.array([4, 5]), "best_epoch_": 2}, None),  # one for each pair of classes
        ({"best_epoch_": 2}, None),
    ],
)
def test_how_many_epochs_came_after_the_best(attributes, waited):
    figures = read_estimator(make(loss_curve_=[0.5] * 4, **attributes))
    assert figures["waited"] == waited


# --- dead units


def make_network(**attributes):
    """Make a network of which two of four units are dead where the first pixel is 0."""
    return make(
        coefs_=[np.array([[1.0, 1, -1, -1], [0, 0, 0, 0]]), np.ones((4, 2))],
        intercepts_=[np.array([-0.5, -0.5, 0.5, 0.5]), np.zeros(2)],
        **attributes,
    )


@pytest.mark.parametrize(
    ("attributes", "shares"),
    [
        ({"activation_": "relu"}, (0.5,)),
        ({"activation": "relu"}, (0.5,)),  # scikit-learn's has no other
        ({"activation_": "tanh", "activation": "relu"}, ()),
        ({}, ()),
    ],
)
@pytest.mark.parametrize("as_rows", [np.asarray, csr_array, lambda X: X.reshape(3, 1, 2)])
def test_units_that_no_row_makes_active_are_counted(attributes, shares, as_rows):
    figures = read_estimator(make_network(**attributes), X=as_rows(np.zeros((3, 2))))
    assert figures["dead_shares"] == shares


def test_a_unit_is_alive_that_one_row_makes_active():
    X = np.array([[0.0, 0.0], [1.0, 0.0]])
    assert read_estimator(make_network(activation_="relu"), X=X)["dead_shares"] == (0.0,)


class Network(BaseEstimator):
    """Stands for a fitted network as the last step: half of its units need more than 0.5."""

    def __init__(self):
        vars(self).update(vars(make_network(activation_="relu")))


def shift(by):
    return FunctionTransformer(lambda X: X + by)


@pytest.mark.parametrize(
    ("wrapped", "share"),
    [
        (make_pipeline(Network()), 0.5),
        (make_pipeline(shift(-1), shift(2), Network()), 0.5),  # alive and dead change places
        (make_pipeline(shift(0.25), shift(0.25), Network()), 1.0),
        (make_pipeline(shift(0.25), make_pipeline(shift(0.25), Network())), 1.0),
        (SimpleNamespace(best_estimator_=make_pipeline(shift(0.5), Network())), 1.0),
    ],
    ids=["one step", "three", "of which each counts", "a pipeline in it", "a search"],
)
def test_dead_units_are_counted_with_what_the_steps_before_make_of_the_rows(wrapped, share):
    assert read_estimator(wrapped, X=np.zeros((3, 2)))["dead_shares"] == (share,)


def test_rows_may_be_lists():
    assert read_estimator(make_network(activation_="relu"), X=[[0, 0]])["dead_shares"] == (0.5,)
