"""One finding after the other, on curves that are known."""

import json
from contextlib import nullcontext
from copy import deepcopy

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate, learning_curve
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skmnist import SimpleNNClassifier
from skmnist.diagnosis import diagnose_fit
from skmnist.diagnosis._fit import CHECKS
from skmnist.text import get_catalogue, get_languages


class Network:
    """Stands for a fitted network with such a history."""

    def __init__(self, *, stop="epochs", best=None, n_classes=10, train=0.95, held_out=0.94, **h):
        n_epochs = max(map(len, h.values()))
        self.history_ = {"accuracy": [0.95] * n_epochs, "val_accuracy": [0.94] * n_epochs, **h}
        self.n_iter_, self.stop_reason_ = n_epochs, stop
        self.best_epoch_ = n_epochs if best is None else best
        self.train_accuracy_, self.validation_accuracy_ = train, held_out
        self.classes_ = np.arange(n_classes)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def further(source, **rows):
    """Return the codes of what is found beside the verdict."""
    return [finding.code for finding in diagnose_fit(source, **rows).further_findings]


FALLING = [1.0, 0.8, 0.6, 0.5, 0.4, 0.3]
FLAT = [0.3] * 6


# --- still improving, stopped too early


@pytest.mark.parametrize(
    ("curves", "improving"),
    [
        ({"val_loss": FALLING}, True),
        ({"val_loss": FLAT}, False),
        ({"val_loss": FALLING[::-1]}, False),
        ({"val_loss": [1.0, 0.6, 0.40, 0.39, 0.38, 0.38]}, False),
        ({"val_loss": FLAT, "val_accuracy": [0.5, 0.6, 0.7, 0.8, 0.85, 0.9]}, True),
        ({"val_loss": [1.0, 0.8]}, True),
        ({"val_accuracy": [0.5, 0.6]}, True),
        ({"val_loss": [1.0]}, False),
    ],
    ids=[
        *("falling", "flat", "rising", "levelled off", "accuracy", "two epochs"),
        *("accuracy of two", "one epoch"),
    ],
)
def test_still_improving_at_the_last_epoch_allowed(curves, improving):
    assert further(Network(**curves)) == ["still_improving"] * improving


@pytest.mark.parametrize(
    ("stop", "best", "found"),
    [
        ("patience", 5, ["stopped_too_early"]),
        ("patience", 2, ["stopped_too_early"]),
        ("patience", 1, []),  # five epochs without improvement are no impatience
        ("interrupted", 6, ["stopped_too_early"]),
        ("callback", 6, ["stopped_too_early"]),
        ("epochs", 6, ["still_improving"]),
    ],
)
def test_what_ended_the_training_tells_which_of_the_two(stop, best, found):
    assert further(Network(val_loss=FALLING, stop=stop, best=best)) == found


def test_nothing_was_stopped_too_early_that_had_levelled_off():
    assert further(Network(val_loss=FLAT, stop="patience", best=5)) == []


def test_a_history_without_its_estimator_may_still_improve():
    history = {"accuracy": [0.9] * 6, "val_accuracy": [0.9] * 6, "val_loss": FALLING}
    assert further(history) == ["still_improving"]


# --- unstable


@pytest.mark.parametrize(
    ("loss", "unstable"),
    [
        (FALLING, False),
        ([1.0, 0.5, 0.7, 0.4, 0.6, 0.3], True),
        ([1.0, 0.5, 0.7, 0.4, 0.3, 0.2], False),  # one jump
        ([1.0, 0.5, 0.54, 0.5, 0.54, 0.5], False),  # small ones
        ([50.0, 9.0, 5.0, 1.0, 0.9, 0.8], False),  # it only fell
        ([50.0, 9.0, 9.3, 5.0, 5.2, 1.0], False),  # by less than a twentieth
        ([50.0, 9.0, 9.9, 5.0, 5.9, 1.0], True),
        ([1.0, 0.5, float("nan")], True),
    ],
    ids=[
        "calm",
        "jumps",
        "one jump",
        "small jumps",
        "began high",
        "high and small jumps",
        "high and large jumps",
        "nan",
    ],
)
def test_unstable(loss, unstable):
    assert ("unstable" in further(Network(loss=loss, val_loss=[0.3] * len(loss)))) == unstable


def test_unstable_says_what_happened():
    jumps = diagnose_fit(Network(loss=[1.0, 0.5, 0.7, 0.4, 0.6, 0.3], val_loss=FLAT))
    assert "in 2 of 6 epochs, the loss jumped up" in jumps.sentence()
    broken = diagnose_fit(Network(loss=[1.0, 0.5, float("nan")], val_loss=FLAT[:3]))
    assert "the loss became infinite or was no longer a number" in broken.sentence()


def test_a_loss_that_became_infinite_is_unstable():
    assert "unstable" in further(Network(loss=FALLING, val_loss=FLAT, stop="nonfinite"))


# --- dead units


def kill_units(network, share):
    """Copy a network and give part of its first layer's units a bias that nothing outweighs."""
    network = deepcopy(network)
    network.intercepts_[0][: int(share * len(network.intercepts_[0]))] = -1e6
    return network


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(SimpleNNClassifier(epochs=1, random_state=0), marks=pytest.mark.slow),
        MLPClassifier((40,), max_iter=10, tol=1e9, n_iter_no_change=1, random_state=0),
    ],
    ids=lambda network: type(network).__name__,
)
def relu_network(request, digits):
    return clone(request.param).fit(*digits)


@pytest.mark.parametrize(("share", "dead"), [(0.1, False), (0.5, True)])
def test_dead_units_of_any_relu_network(digits, relu_network, share, dead):
    X, y = digits
    network = kill_units(relu_network, share)
    found = diagnose_fit(network, X=X, y=y, X_val=X, y_val=y).findings
    (finding,) = [f for f in found if f.code == "dead_units"] or [None]
    assert (finding is not None) == dead
    if dead:
        assert finding.evidence["layer"] == 1
        assert finding.evidence["share"] == pytest.approx(0.5, abs=0.05)


@pytest.mark.slow
def test_other_activations_do_not_die(digits):
    X, y = digits
    network = MLPClassifier(
        (20,), activation="tanh", max_iter=10, tol=1e9, n_iter_no_change=1, random_state=0
    )
    network = kill_units(network.fit(X, y), 1.0)
    assert further(network, X=X, y=y, X_val=X, y_val=y) == ["never_predicted"]


# --- any classifier


@pytest.mark.parametrize(
    "model",
    [
        SVC(gamma=10.0),  # keeps an n_iter_ per pair of classes
        RandomForestClassifier(20, random_state=0),
        pytest.param(make_pipeline(MinMaxScaler(), LogisticRegression()), marks=pytest.mark.slow),
    ],
)
def test_a_classifier_without_history_is_judged_by_its_scores(digits, model):
    X, y = digits
    model.fit(X[:900], y[:900])
    diagnosis = diagnose_fit(model, X=X[:900], y=y[:900], X_val=X[900:], y_val=y[900:])
    assert diagnosis.gap == pytest.approx(
        model.score(X[:900], y[:900]) - model.score(X[900:], y[900:])
    )
    assert (diagnosis.n_train, diagnosis.n_validation) == (900, 897)
    assert diagnosis.label == "overfitting"


def test_scores_that_are_given_go_before_what_can_be_measured(digits):
    model = DecisionTreeClassifier().fit(*digits)
    rows = dict(zip(("X", "y", "X_val", "y_val"), digits * 2, strict=True))
    assert diagnose_fit(model, **rows, train_accuracy=0.5).train_accuracy == 0.5


@pytest.mark.parametrize(("held_out", "word"), [("validation", "validation"), ("test", "test")])
def test_held_out_images_are_called_by_their_name(digits, held_out, word):
    X, y = digits
    model = LogisticRegression(max_iter=1000).fit(X[:500], y[:500])
    diagnosis = diagnose_fit(
        model, X=X[:500], y=y[:500], X_val=X[500:], y_val=y[500:], held_out=held_out
    )
    assert f"Training and {word} accuracy drift apart" in diagnosis.sentence()
    assert f"of the {word} images" in diagnosis.sentence()


@pytest.mark.parametrize(
    ("max_iter", "found"), [(3, ["never_predicted", "still_improving"]), (400, [])]
)
def test_scikit_learns_network_tells_by_its_loss_curve(digits, max_iter, found):
    X, y = digits
    network = MLPClassifier((20,), max_iter=max_iter, learning_rate_init=0.01, random_state=0)
    with pytest.warns(match="Maximum iterations") if found else nullcontext():
        network.fit(X[:900], y[:900])
    assert further(network, X=X[:900], y=y[:900], X_val=X[900:], y_val=y[900:]) == found


def test_scores_of_folds(digits):
    scores = cross_validate(
        RandomForestClassifier(20, random_state=0), *digits, cv=3, return_train_score=True
    )
    diagnosis = diagnose_fit(scores)
    low, high = diagnosis.gap_interval
    assert diagnosis.gap == pytest.approx(np.mean(scores["train_score"] - scores["test_score"]))
    assert low < diagnosis.gap < high
    assert diagnosis.label in {"overfitting", "unclear"}


@pytest.mark.parametrize(
    ("scores", "found"),
    [
        ([[0.5, 0.5], [0.6, 0.6], [0.7, 0.7]], True),
        ([[0.5, 0.5], [0.7, 0.7], [0.705, 0.705]], False),
        ([[0.5, 0.5], [0.6, 0.8], [0.9, 0.75]], False),
    ],
    ids=["rising", "flat", "folds disagree"],
)
def test_a_rising_learning_curve_asks_for_more_rows(scores, found):
    curve = (np.array([100, 200, 400]), np.ones((3, 2)), np.array(scores))
    assert (further(None, learning_curve=curve) == ["more_rows_help"]) == found


@pytest.mark.slow
def test_learning_curve_of_scikit_learn(digits):
    curve = learning_curve(
        LogisticRegression(max_iter=1000),
        *digits,
        cv=3,
        train_sizes=[0.05, 0.1],
        shuffle=True,
        random_state=0,
    )
    diagnosis = diagnose_fit(learning_curve=curve)
    assert diagnosis.gap == pytest.approx(curve[1][-1].mean() - curve[2][-1].mean())
    assert "more_rows_help" in [finding.code for finding in diagnosis.findings]


# --- as objects


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_every_finding_has_a_severity_and_a_sentence_and_a_remedy_in_each_language(check):
    assert check.severity in {"good", "note", "warning", "problem"}
    for language in get_languages():
        phrases = get_catalogue(language).phrases
        assert f"diagnosis.finding.{check.code}" in phrases
        assert (f"diagnosis.remedy.{check.code}" in phrases) == (check.severity != "good")


def test_findings_carry_their_evidence_and_are_json():
    diagnosis = diagnose_fit(Network(val_loss=FALLING, train=1.0, held_out=0.939))
    figures = json.loads(json.dumps(diagnosis.to_dict(), allow_nan=False))
    assert [each["code"] for each in figures["findings"]] == ["overfitting", "still_improving"]
    assert [each["severity"] for each in figures["findings"]] == ["problem", "note"]
    assert figures["findings"][0]["evidence"]["gap"] == pytest.approx(0.061)
    assert diagnosis.findings[1].sentence() == "The model was still improving after 6 epochs."
    assert diagnosis.findings[1].remedy() == "Allow more epochs."
    assert diagnosis.findings[1].remedy("de") == "Lassen Sie mehr Epochen zu."


def evidence(code, source=None, **given):
    """Return the figures that show it."""
    (finding,) = [f for f in diagnose_fit(source, **given).findings if f.code == code]
    return finding.evidence


def test_what_shows_a_verdict_is_told_with_it():
    many = {"train_accuracy": 0.99, "n_train": 9000, "n_validation": 9000}
    gap = evidence("overfitting", validation_accuracy=0.95, **many)
    assert gap == {
        "gap": pytest.approx(0.04),
        "max_gap": 0.02,
        "n_validation": 9000,
        "network": True,
    }
    assert evidence("optimal", validation_accuracy=0.98, **many).keys() == gap.keys()
    few = evidence("too_few_to_tell", validation_accuracy=0.98, **{**many, "n_validation": 50})
    assert few.keys() == {*gap, "low", "high"}
    assert few["low"] < few["gap"] < few["high"]
    assert evidence("underfitting", train_accuracy=0.5, validation_accuracy=0.5) == {
        "train_accuracy": 0.5,
        "min_train_accuracy": 0.88,
        "network": True,
    }


def test_what_shows_anything_else_is_told_with_it():
    jumps = {"loss": [1.0, 0.5, 0.7, 0.4, 0.6, 0.3], "val_loss": FLAT}
    assert evidence("unstable", Network(**jumps)) == {"n_jumps": 2, "n_epochs": 6}
    assert evidence("still_improving", Network(val_loss=FALLING)) == {"n_epochs": 6}
    stopped = Network(val_loss=FALLING, stop="callback")
    assert evidence("stopped_too_early", stopped) == {"n_epochs": 6}
    curve = (
        np.array([100, 200, 400]),
        np.ones((3, 2)),
        np.array([[0.5] * 2, [0.6] * 2, [0.7] * 2]),
    )
    rows = evidence("more_rows_help", learning_curve=curve)
    assert rows == {
        "rise": pytest.approx(0.1),
        "rise_points": pytest.approx(10),
        "n_train": 400,
    }


@pytest.mark.parametrize(("n_dead", "found"), [(1, False), (2, True)])
def test_a_quarter_of_a_layer_may_be_dead_and_no_more(n_dead, found):
    network = Network(val_loss=FLAT)
    network.activation_ = "relu"
    network.coefs_ = [np.ones((2, 4)), np.ones((4, 4)), np.ones((4, 10))]
    network.intercepts_ = [np.zeros(4), np.r_[[-1e6] * n_dead, [0.0] * (4 - n_dead)], np.zeros(10)]
    assert ("dead_units" in further(network, X=np.ones((3, 2)))) is found
    if found:
        assert evidence("dead_units", network, X=np.ones((3, 2))) == {"share": 0.5, "layer": 2}


def test_a_rise_that_folds_do_not_share_does_not_count():
    curve = (np.array([100, 200]), np.ones((2, 2)), np.array([[0.5, 0.7], [0.7, 0.7]]))
    assert further(None, learning_curve=curve) == []


def test_a_loss_that_never_was_a_number_is_unstable_and_nothing_else():
    assert further(Network(loss=[float("nan")] * 3, val_loss=[0.3] * 3)) == ["unstable"]


@pytest.mark.parametrize(
    ("curves", "found"),
    [
        ({"loss": FALLING}, ["still_improving"]),  # nothing was held out: what there is decides
        ({"loss": [1.0, 0.8]}, ["still_improving"]),
        ({"loss": FLAT}, []),
        ({"loss": FALLING, "val_loss": FLAT}, []),
        ({"loss": FALLING, "val_accuracy": [0.94] * 6}, []),
    ],
)
def test_the_training_loss_tells_where_nothing_was_held_out(curves, found):
    network = Network(**curves)
    if curves.keys() == {"loss"}:
        del network.history_["val_accuracy"]
    assert further(network) == found


def test_there_is_nothing_to_do_about_a_good_fit():
    (optimal,) = diagnose_fit(Network(val_loss=FLAT)).findings
    assert (optimal.code, optimal.remedy()) == ("optimal", "")


def test_further_findings_are_told_after_the_verdict():
    diagnosis = diagnose_fit(Network(val_loss=FALLING))
    assert diagnosis.sentences()[-1] == "The model was still improving after 6 epochs."
    assert "epochs" not in diagnosis.summary()


def test_defaults_of_our_networks_are_neither_unstable_nor_dead(digits):
    network = SimpleNNClassifier(epochs=30, random_state=0).fit(*digits)
    assert not {"unstable", "dead_units"} & set(further(network, X=digits[0]))


def test_a_learning_rate_that_is_far_too_large_is_found(digits):
    network = SimpleNNClassifier(epochs=15, learning_rate=0.5, random_state=0).fit(*digits)
    assert "dead_units" in further(network, X=digits[0])


def test_what_was_stopped_by_hand_is_not_told_to_be_more_patient():
    for stop, told in (("interrupted", "Let the training run to"), ("patience", "Raise the pati")):
        (found,) = diagnose_fit(Network(val_loss=FALLING, stop=stop, best=6)).further_findings
        assert found.remedy().startswith(told)


def test_too_few_images_have_a_way_out_for_any_model():
    few = {"train_accuracy": 0.95, "validation_accuracy": 0.95, "n_train": 900, "n_validation": 20}
    (found,) = diagnose_fit(DecisionTreeClassifier(), **few).findings
    assert (found.code, found.remedy()) == (
        "too_few_to_tell",
        "Hold out more images, or use cross-validation.",
    )
