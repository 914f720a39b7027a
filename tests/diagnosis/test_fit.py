import json
from pathlib import Path
from statistics import NormalDist
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

from skmnist import SimpleNNClassifier, load_mnist
from skmnist.diagnosis import FitDiagnosis, diagnose_fit

RISING = [1.0, 0.5, 0.3, 0.4, 0.5, 0.6]
FALLING = [1.0, 0.8, 0.6, 0.4, 0.3, 0.2]
FLAT = [1.0, 0.5, 0.3, 0.3, 0.3, 0.3]


class FittedNetwork(ClassifierMixin, BaseEstimator):
    """Stands for a fitted network: keeps what ours keep, learns nothing."""

    def __init__(self, **kept):
        history = {"accuracy": [0.9, 0.99], "val_accuracy": [0.9, 0.93]}
        figures = {
            "train_accuracy_": 0.97,
            "validation_accuracy_": 0.96,
            "train_loss_": 0.1,
            "validation_loss_": 0.12,
            "n_train_": 900,
            "n_validation_": 100,
            "n_iter_": 2,
            "history_": {**history, "loss": [0.5, 0.1], "val_loss": [0.5, 0.2]},
        }
        vars(self).update(figures | kept)


def history(**losses):
    return {"accuracy": [0.97] * 6, "val_accuracy": [0.96] * 6, **losses}


# --- the source's verdicts


def test_source_calls_its_simple_network_overfitting():
    diagnosis = diagnose_fit(gap=0.0226, val_loss_trend_up=True, train_loss_trend_down=True)
    assert diagnosis.label == "overfitting"


def test_source_calls_its_deep_network_optimal():
    assert diagnose_fit(gap=0.0171, val_loss_trend_up=False).label == "optimal"


# --- the label


@pytest.mark.parametrize("pair", [(1, 0.98), (0.99, 0.97), (0.95, 0.93), (0.9, 0.88)])
def test_gap_of_just_the_allowance_is_fine(pair):
    # 1 - 0.98 is 0.020000000000000018
    assert diagnose_fit(train_accuracy=pair[0], validation_accuracy=pair[1]).label == "optimal"


def test_gap_just_over_the_allowance_is_overfitting():
    assert diagnose_fit(train_accuracy=1.0, validation_accuracy=0.9799).label == "overfitting"


def test_better_on_validation_images_is_no_overfitting():
    assert diagnose_fit(gap=-0.05).label == "optimal"


def test_allowance_can_be_set():
    assert diagnose_fit(gap=0.03, max_gap=0.05).label == "optimal"


@pytest.mark.parametrize(("accuracy", "label"), [(0.88, "optimal"), (0.8799, "underfitting")])
def test_underfitting_begins_below_a_linear_classifier(accuracy, label):
    diagnosis = diagnose_fit(train_accuracy=accuracy, validation_accuracy=accuracy)
    assert diagnosis.label == label


def test_overfitting_comes_before_underfitting():
    assert diagnose_fit(train_accuracy=0.8, validation_accuracy=0.4).label == "overfitting"


def test_losses_do_not_decide_the_label():
    diagnosis = diagnose_fit(history(loss=FALLING, val_loss=RISING))
    assert (diagnosis.val_loss_far_above, diagnosis.label) == (True, "optimal")


def measured(gap, n, *, train=0.99, **given):
    figures = {"train_accuracy": train, "validation_accuracy": train - gap}
    return diagnose_fit(**figures, n_train=9 * n, n_validation=n, **given)


@pytest.mark.parametrize(
    ("gap", "n", "label"),
    [
        # the intervals reach 0.004 below and 0.0045 above the gap
        (0.0150, 6000, "optimal"),
        (0.0175, 6000, "borderline"),
        (0.0226, 6000, "borderline"),
        (0.0260, 6000, "overfitting"),
        # more than twice the allowance: 0.05 is no edge, however wide the interval
        (0.0500, 150, "overfitting"),
        (0.0300, 1000, "borderline"),
    ],
)
def test_borderline_where_the_interval_contains_the_allowance(gap, n, label):
    assert measured(gap, n).label == label


@pytest.mark.parametrize(
    ("train", "rises", "label"),
    [(1.0, True, "borderline"), (1.0, False, "optimal"), (0.999, True, "optimal")],
)
@pytest.mark.parametrize("n", [None, 6000])
def test_learned_by_heart_while_the_validation_loss_rises_is_never_optimal(train, rises, label, n):
    figures = {"train_accuracy": train, "validation_accuracy": train - 0.01}
    diagnosis = diagnose_fit(**figures, n_train=n, n_validation=n, val_loss_trend_up=rises)
    assert diagnosis.label == label
    assert ("by heart" in diagnosis.summary()) == diagnosis.by_heart == (label == "borderline")


def test_validation_loss_of_the_history_counts_as_well():
    flat = {"accuracy": [1.0] * 6, "val_accuracy": [0.99] * 6, "loss": FALLING}
    assert diagnose_fit({**flat, "val_loss": RISING}).label == "borderline"
    assert diagnose_fit({**flat, "val_loss": FLAT}).label == "optimal"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "the gap (0.0175) lies between 0.0136 and 0.0220"),
        ("de", "liegt der wahre Gap (gemessen: 0,0175) zwischen 0,0136 und 0,0220"),
    ],
)
def test_borderline_gives_the_interval_once(language, words):
    said = measured(0.0175, 6000).sentence(language)
    assert words in said
    assert said.count(words[-6:]) == 1


def test_thirty_starts_of_one_recipe_have_the_same_label():
    # written by benchmarks/verdicts.py: SimpleNNClassifier with its defaults on the full MNIST
    starts = pd.read_csv(Path(__file__).parent / "starts.csv").drop(columns="seed")
    figures = starts.to_dict("records")
    labels = [diagnose_fit(**each).label for each in figures]
    assert len(labels) == 30
    assert labels.count("borderline") >= 28
    known = ("train_accuracy", "validation_accuracy")
    sharp = [diagnose_fit(**{name: each[name] for name in known}).label for each in figures]
    assert 10 <= sharp.count("overfitting") <= 20  # at 0.02 sharp, luck decides


@pytest.mark.slow
def test_ten_starts_on_a_part_of_mnist_have_the_same_label():
    X, _, y, _ = load_mnist(n_train=5000, n_test=10, random_state=0, return_X_y=True)
    X = X.reshape(len(X), -1).astype(np.float32) / 255
    labels = [
        diagnose_fit(SimpleNNClassifier(random_state=seed).fit(X, y)).label for seed in range(10)
    ]
    assert max(map(labels.count, labels)) >= 9


# --- the interval


def newcombe(errors):
    """Compute the interval anew, from the closed formula of Wilson's."""
    (k1, n1), (k2, n2) = errors
    z = NormalDist().inv_cdf(0.975)

    def wilson(k, n):
        middle = (k + z**2 / 2) / (n + z**2)
        half = z / (n + z**2) * (k * (n - k) / n + z**2 / 4) ** 0.5
        return k / n, middle - half, middle + half

    (p1, low1, high1), (p2, low2, high2) = wilson(k1, n1), wilson(k2, n2)
    below = ((p1 - low1) ** 2 + (high2 - p2) ** 2) ** 0.5
    above = ((high1 - p1) ** 2 + (p2 - low2) ** 2) ** 0.5
    return p1 - p2 - below, p1 - p2 + above


@pytest.mark.parametrize(
    "counts",
    [
        ((53990, 54000), (5864, 6000)),
        ((54000, 54000), (6000, 6000)),
        ((900, 900), (80, 100)),
        ((0, 20), (0, 10)),
        ((3, 7), (5, 6)),
    ],
)
def test_interval_is_newcombes(counts):
    (k1, n1), (k2, n2) = counts
    diagnosis = diagnose_fit(
        train_accuracy=k1 / n1, validation_accuracy=k2 / n2, n_train=n1, n_validation=n2
    )
    assert diagnosis.gap_interval == pytest.approx(newcombe(counts), abs=1e-9)


def test_interval_is_as_published():
    # Newcombe 1998, table II, contrast (a): 56/70 and 48/80
    diagnosis = diagnose_fit(
        train_accuracy=0.8, validation_accuracy=0.6, n_train=70, n_validation=80
    )
    assert diagnosis.gap_interval == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_no_interval_without_numbers_of_images():
    diagnosis = diagnose_fit(train_accuracy=0.97, validation_accuracy=0.96, n_train=900)
    assert diagnosis.gap_interval is None


def few(n):
    return diagnose_fit(train_accuracy=0.95, validation_accuracy=0.9, n_train=9 * n, n_validation=n)


def test_gap_within_the_noise_of_few_images_is_neither_overfitting_nor_fine():
    assert (few(10).label, few(10).within_noise) == ("unclear", True)


@pytest.mark.parametrize("n", [33, 66, 198, 1000])
def test_perfect_on_the_training_images_and_6_percent_errors_on_others_is_never_fine(n):
    n_right = round(0.939 * n)
    diagnosis = diagnose_fit(
        train_accuracy=1.0, validation_accuracy=n_right / n, n_train=9 * n, n_validation=n
    )
    assert diagnosis.label == "overfitting"


@pytest.mark.parametrize(("n", "label"), [(100, "unclear"), (500, "unclear"), (6000, "optimal")])
def test_small_gap_of_too_few_images_is_not_called_fine(n, label):
    diagnosis = diagnose_fit(
        train_accuracy=0.95, validation_accuracy=0.94, n_train=9 * n, n_validation=n
    )
    assert (diagnosis.label, diagnosis.within_noise) == (label, False)


@pytest.mark.parametrize(("language", "words"), [("en", "too few"), ("de", "so wenige")])
def test_too_few_images_are_told(language, words):
    diagnosis = diagnose_fit(
        train_accuracy=0.95, validation_accuracy=0.94, n_train=900, n_validation=100
    )
    assert words in diagnosis.sentence(language)


@pytest.mark.parametrize(("n_train", "label"), [(50, "unclear"), (5000, "underfitting")])
def test_underfitting_has_to_be_beyond_chance_too(n_train, label):
    diagnosis = diagnose_fit(
        train_accuracy=0.86, validation_accuracy=0.86, n_train=n_train, n_validation=n_train
    )
    assert diagnosis.label == label


@pytest.mark.parametrize(
    ("train", "validation", "label"),
    [(0.8, 0.4, "overfitting"), (0.6, 0.57, "underfitting"), (0.87, 0.7, "overfitting")],
)
def test_of_both_the_larger_part_of_the_error_is_told(train, validation, label):
    assert diagnose_fit(train_accuracy=train, validation_accuracy=validation).label == label


def test_what_a_linear_model_reaches_can_be_set():
    given = {"train_accuracy": 0.6, "validation_accuracy": 0.6}
    assert diagnose_fit(**given, min_train_accuracy=0.5).label == "optimal"


def test_same_gap_on_many_images_is_overfitting():
    assert (few(1000).label, few(1000).within_noise) == ("overfitting", False)


@pytest.mark.parametrize(
    ("train", "held_out", "n", "label"),
    [
        (0.92, 0.98, 400, "optimal"),  # the interval ends below 0, so overfitting is ruled out
        (0.90, 0.91, 2000, "optimal"),
        (0.92, 0.93, 100, "unclear"),  # the interval contains 0.02
    ],
)
def test_a_gap_is_clear_whose_interval_ends_below_the_allowance(train, held_out, n, label):
    given = {"train_accuracy": train, "validation_accuracy": held_out, "n_train": 400}
    diagnosis = diagnose_fit(**given, n_validation=n)
    assert (diagnosis.gap_interval[1] <= 0.02) == (label == "optimal")
    assert diagnosis.label == label


def test_small_gap_is_not_called_noise():
    assert not diagnose_fit(gap=0.01).within_noise


# --- a history


def test_history_is_judged_by_its_last_epoch():
    diagnosis = diagnose_fit({"accuracy": [0.5, 0.95], "val_accuracy": [0.5, 0.94]})
    assert diagnosis.gap == pytest.approx(0.01)


def test_history_that_drifts_apart_is_overfitting():
    diagnosis = diagnose_fit({"accuracy": [0.9, 0.99], "val_accuracy": [0.9, 0.91]})
    assert diagnosis.label == "overfitting"


@pytest.mark.parametrize(
    ("val_loss", "up"),
    [
        (RISING, True),
        (FLAT, False),
        (FALLING, False),
        ([1.0, 0.5, 0.3, 0.300, 0.301, 0.302], False),
        ([0.3, 0.4], None),
        ([0.3, 0.4, float("nan"), 0.4], None),
    ],
    ids=["rising", "flat", "falling", "under one percent", "two epochs", "nan"],
)
def test_trend_of_the_validation_loss(val_loss, up):
    losses = {"loss": FALLING[: len(val_loss)], "val_loss": val_loss}
    assert diagnose_fit(history(**losses)).val_loss_trend_up is up


@pytest.mark.parametrize(("loss", "down"), [(FALLING, True), (FLAT, False), (RISING, False)])
def test_trend_of_the_training_loss(loss, down):
    assert diagnose_fit(history(loss=loss, val_loss=FLAT)).train_loss_trend_down is down


def test_no_trends_without_losses():
    diagnosis = diagnose_fit(history())
    assert (diagnosis.val_loss_trend_up, diagnosis.train_loss_trend_down) == (None, None)


@pytest.mark.parametrize(("val_loss", "far"), [(0.2, False), (0.21, True)])
def test_validation_loss_far_above_is_more_than_twice(val_loss, far):
    diagnosis = diagnose_fit(history(loss=[0.1], val_loss=[val_loss]))
    assert diagnosis.val_loss_far_above is far


def test_what_is_known_goes_before_the_history():
    diagnosis = diagnose_fit(history(loss=FALLING, val_loss=RISING), val_loss_trend_up=False)
    assert diagnosis.val_loss_trend_up is False


@pytest.mark.parametrize(
    "mapping", [{}, {"accuracy": [0.9], "loss": [0.1]}, {"accuracy": [], "val_accuracy": []}]
)
def test_history_without_validation(mapping):
    with pytest.raises(
        ValueError, match=r"needs at least one epoch of 'accuracy' and 'val_accuracy', and the same"
    ):
        diagnose_fit(mapping)


# --- a fitted estimator


@pytest.mark.parametrize(
    "wrap",
    [
        lambda network: network,
        lambda network: Pipeline([("scale", MinMaxScaler()), ("nn", network)]),
        lambda network: SimpleNamespace(best_estimator_=network),
        lambda network: SimpleNamespace(best_estimator_=Pipeline([("nn", network)])),
    ],
    ids=["alone", "pipeline", "search", "search over a pipeline"],
)
def test_estimator_is_found_in_what_it_is_wrapped_in(wrap):
    assert diagnose_fit(wrap(FittedNetwork())).train_accuracy == 0.97


def test_gap_is_that_of_the_kept_weights():
    assert diagnose_fit(FittedNetwork()).gap == pytest.approx(0.97 - 0.96)


def test_gap_of_the_last_epoch_is_given_beside_it():
    assert diagnose_fit(FittedNetwork()).last_gap == pytest.approx(0.99 - 0.93)


def test_estimator_tells_its_numbers_of_images():
    expected = newcombe([(873, 900), (96, 100)])
    assert diagnose_fit(FittedNetwork()).gap_interval == pytest.approx(expected)


def test_what_an_estimator_keeps_is_all_in_its_diagnosis():
    figures = diagnose_fit(FittedNetwork(), held_out="test", max_gap=0.03).to_dict()
    findings = figures.pop("findings")
    assert [finding["code"] for finding in findings] == ["too_few_to_tell", "still_improving"]
    assert figures == {
        "label": "unclear",
        "gap": pytest.approx(0.01),
        "gap_interval": pytest.approx(newcombe([(873, 900), (96, 100)])),
        "last_gap": pytest.approx(0.06),
        "val_loss_trend_up": None,
        "train_loss_trend_down": None,
        "val_loss_far_above": False,
        "train_accuracy": 0.97,
        "validation_accuracy": 0.96,
        "train_loss": 0.1,
        "validation_loss": 0.12,
        "max_gap": 0.03,
        "n_train": 900,
        "n_validation": 100,
        "held_out": "test",
        "network": True,
    }


def test_untrained_estimator_is_underfitting():
    untrained = {"n_iter_": 0, "history_": {"accuracy": [], "val_accuracy": []}}
    network = FittedNetwork(train_accuracy_=0.1, validation_accuracy_=0.1, **untrained)
    diagnosis = diagnose_fit(network)
    assert (diagnosis.label, diagnosis.last_gap) == ("underfitting", None)


def test_estimator_without_validation():
    rule = (
        r"^FittedNetwork was fitted without validation rows, so its gap is unknown\. Fit with "
        r"validation_fraction=0\.1 or with X_val and y_val, or pass X_val= and y_val= or "
        r"validation_accuracy=\.$"
    )
    with pytest.raises(ValueError, match=rule):
        diagnose_fit(FittedNetwork(validation_accuracy_=None))


def test_estimator_that_keeps_no_training_accuracy():
    with pytest.raises(
        ValueError,
        match=r"^LogisticRegression does not store training and validation accuracy\. Pass X=, y=, "
        r"X_val= and y_val= to measure them, or train_accuracy= and validation_accuracy=\.$",
    ):
        diagnose_fit(Pipeline([("lr", LogisticRegression())]).fit([[0], [1]], [0, 1]))


def test_an_estimator_that_is_not_fitted_yet():
    with pytest.raises(NotFittedError):
        diagnose_fit(LogisticRegression())


# --- bad figures


@pytest.mark.parametrize("name", ["max_gap", "min_train_accuracy"])
@pytest.mark.parametrize("value", [2.0, -0.01])
def test_a_limit_that_is_no_share(name, value):
    with pytest.raises(ValueError, match=rf"{name}={value} must be in \[0, 1\]; divide"):
        diagnose_fit(gap=0.01, **{name: value})


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_every_share_is_allowed(value):
    diagnosis = diagnose_fit(
        train_accuracy=value, validation_accuracy=value, max_gap=value, min_train_accuracy=value
    )
    assert (diagnosis.gap, diagnosis.label) == (0.0, "optimal")


@pytest.mark.parametrize("gap", [-1.0, 1.0])
def test_every_difference_of_shares_is_allowed(gap):
    assert diagnose_fit(gap=gap).gap == gap


@pytest.mark.parametrize(
    "given", [{"source": {}}, {"train_accuracy": 0.9}, {"validation_accuracy": 0.9}]
)
def test_a_gap_beside_figures_that_tell_it(given):
    with pytest.raises(ValueError, match=r"gap=0\.01 cannot be combined with source="):
        diagnose_fit(gap=0.01, **given)


@pytest.mark.parametrize("given", [{}, {"train_accuracy": 0.9}, {"validation_accuracy": 0.9}])
def test_nothing_to_judge_by(given):
    rule = (
        r"^The gap is unknown\. Pass a fitted classifier, a history, gap=, or both "
        r"train_accuracy= and validation_accuracy=\.$"
    )
    with pytest.raises(ValueError, match=rule):
        diagnose_fit(**given)


@pytest.mark.parametrize(
    ("given", "missing", "alone"),
    [
        ({"y": [0]}, "X", "y"),
        ({"y_val": [0]}, "X_val", "y_val"),
        ({"X_val": [[0]]}, "y_val", "X_val"),
    ],
)
def test_rows_without_labels_and_labels_without_rows(given, missing, alone):
    with pytest.raises(ValueError, match=rf"^{alone} was given without {missing}; pass both\.$"):
        diagnose_fit(FittedNetwork(), **given)


@pytest.mark.parametrize("name", ["n_train", "n_validation"])
def test_numbers_of_images(name):
    given = {"train_accuracy": 1.0, "validation_accuracy": 1.0}
    assert getattr(diagnose_fit(**given, **{name: 1}), name) == 1
    for n in (0, -5):
        with pytest.raises(ValueError, match=rf"^{name}={n} must be an int >= 1, or None"):
            diagnose_fit(**given, **{name: n})


@pytest.mark.parametrize(
    "given",
    [
        {"gap": 0.05, "n_train": 900, "n_validation": 100},
        {"train_accuracy": 0.95, "validation_accuracy": 0.9, "n_train": 900},
        {"train_accuracy": 0.95, "validation_accuracy": 0.9, "n_validation": 100},
    ],
)
def test_no_interval_where_a_number_is_missing(given):
    assert diagnose_fit(**given).gap_interval is None


def test_a_history_may_be_a_frame_or_kerass():
    curves = history(loss=FALLING, val_loss=RISING)
    assert diagnose_fit(pd.DataFrame(curves)) == diagnose_fit(curves)
    assert diagnose_fit(SimpleNamespace(history=curves)) == diagnose_fit(curves)


@pytest.mark.parametrize("name", ["train_accuracy", "validation_accuracy"])
@pytest.mark.parametrize("value", [97.56, -0.1, float("nan")])
def test_accuracy_that_is_no_share(name, value):
    figures = {"train_accuracy": 0.9, "validation_accuracy": 0.9, name: value}
    with pytest.raises(ValueError, match=rf"{name}={value} must be in \[0, 1\]"):
        diagnose_fit(**figures)


# --- in words


def test_sentence_of_the_source_for_overfitting():
    diagnosis = diagnose_fit(gap=0.0226, val_loss_trend_up=True, train_loss_trend_down=True)
    assert diagnosis.sentence() == (
        "Training and validation accuracy drift apart (gap = 0.0226; up to 0.02 is fine): the "
        "model does better on its training images than on new ones. In addition, the validation "
        "loss rises while the training loss keeps falling."
    )


def test_sentence_of_the_source_for_optimal():
    assert diagnose_fit(gap=0.0171, val_loss_trend_up=False).sentence() == (
        "Training and validation accuracy are close together (gap = 0.0171; up to 0.02 is fine). "
        "The validation loss does not rise."
    )


def test_sentence_in_german_has_german_numbers():
    sentence = diagnose_fit(gap=0.0171, val_loss_trend_up=False).sentence("de")
    assert sentence == (
        "Training und Validierung liegen nah beieinander (Gap = 0,0171; bis 0,02 ist in Ordnung). "
        "Der Validierungs-Loss steigt nicht."
    )


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "neither shown nor ruled out"), ("de", "weder nachgewiesen noch")],
)
def test_noise_is_called_so(language, words):
    assert words in few(10).sentences(language)[0]


@pytest.mark.parametrize(
    ("language", "words"), [("en", "between 0.0524 and 0.3339"), ("de", "0,0524 und 0,3339")]
)
def test_interval_is_told(language, words):
    diagnosis = diagnose_fit(
        train_accuracy=0.8, validation_accuracy=0.6, n_train=70, n_validation=80
    )
    assert words in diagnosis.sentence(language)


@pytest.mark.parametrize(
    ("language", "words"), [("en", "only 50.0% of its own"), ("de", "nur 50,0\u00a0%")]
)
def test_underfitting_tells_the_training_accuracy(language, words):
    diagnosis = diagnose_fit(train_accuracy=0.5, validation_accuracy=0.5)
    assert words in diagnosis.sentences(language)[0]


def test_optimal_has_no_addition_to_a_drift():
    diagnosis = diagnose_fit(gap=0.01, val_loss_trend_up=True, train_loss_trend_down=True)
    assert "In addition" not in diagnosis.sentence()


def test_nothing_is_said_of_unknown_trends():
    assert len(diagnose_fit(gap=0.01).sentences()) == 1


@pytest.mark.parametrize(
    ("loss", "val_loss", "accuracy", "words"),
    [
        (FLAT, RISING, 0.97, "However, the validation loss rises."),
        (FALLING, RISING, 0.97, "However, the validation loss rises while the training loss"),
        (FLAT, RISING, 0.999, "In addition, the validation loss rises."),
        (FALLING, RISING, 0.999, "In addition, the validation loss rises while the training"),
        (FALLING, FLAT, 0.97, "The validation loss does not rise."),
    ],
)
def test_trends_are_told_as_an_objection_or_as_more_of_the_same(loss, val_loss, accuracy, words):
    told = {**history(loss=loss, val_loss=val_loss), "accuracy": [accuracy] * 6}
    assert words in diagnose_fit(told).sentence()


def test_losses_of_what_has_learned_nothing_are_beside_the_point():
    told = {"accuracy": [0.5] * 6, "val_accuracy": [0.5] * 6, "loss": FLAT, "val_loss": RISING}
    sentences = diagnose_fit(told).sentences()
    assert not any("loss" in sentence for sentence in sentences)


def test_losses_far_apart_are_told():
    diagnosis = diagnose_fit(history(loss=[0.0055], val_loss=[0.0884]))
    assert "(0.0884) is far above the training loss (0.0055)" in diagnosis.sentence()


def test_last_epoch_is_told():
    assert "In the last epoch, the gap was 0.0600." in diagnose_fit(FittedNetwork()).sentence()


def test_unknown_language():
    with pytest.raises(ValueError, match=r"language='xx' must be one of 'en'"):
        diagnose_fit(gap=0.01).sentence("xx")


def test_str_begins_with_the_label():
    assert str(diagnose_fit(gap=0.03)).startswith(
        "overfitting: Training and validation accuracy drift"
    )


def test_summary_is_the_verdict_with_its_figures_and_the_losses():
    history = {"accuracy": [0.99] * 4, "val_accuracy": [0.99] * 4, "val_loss": [0.3] * 4}
    diagnosis = diagnose_fit(history)
    verdict, accuracies, losses = diagnosis.sentences()
    assert diagnosis.summary() == f"{verdict} {accuracies} {losses}"
    assert "99.00%" in accuracies
    assert losses == "The validation loss does not rise."


JUDGED, LOSSES = "With this number of images", "is far above the training loss"
ACCURACIES = "of its training images and 90.00% of the validation images correctly"


@pytest.mark.parametrize(
    ("label", "train_accuracy", "begins", "told"),
    [
        (
            "optimal",
            0.95,
            "Training and validation accuracy are close",
            {ACCURACIES, JUDGED, LOSSES},
        ),
        ("unclear", 0.95, "There are too few validation images", {ACCURACIES, LOSSES}),
        ("underfitting", 0.5, "The model gets only 50.0% of its own", {ACCURACIES, JUDGED}),
        ("underfitting", None, "The model does not even read its own training images", {JUDGED}),
    ],
)
def test_what_is_told_of_each_verdict(label, train_accuracy, begins, told):
    diagnosis = FitDiagnosis(
        label,
        gap=0.01,
        gap_interval=(0.001, 0.1),
        val_loss_far_above=True,
        train_accuracy=train_accuracy,
        validation_accuracy=0.9,
        train_loss=0.1,
        validation_loss=0.5,
    )
    sentence = diagnosis.sentence()
    assert sentence.startswith(begins)
    assert {words for words in (ACCURACIES, JUDGED, LOSSES) if words in sentence} == told


def test_to_dict_is_json():
    figures = json.loads(json.dumps(diagnose_fit(FittedNetwork()).to_dict(), allow_nan=False))
    assert (figures["label"], figures["train_accuracy"]) == ("unclear", 0.97)


@pytest.mark.parametrize(
    "mapping",
    [
        {"accuracy": [0.9], "val_accuracy": []},
        {"accuracy": [0.9], "val_accuracy": [0.9, 0.8]},
    ],
)
def test_history_of_unequal_lengths(mapping):
    with pytest.raises(ValueError, match="epoch"):
        diagnose_fit(mapping)


@pytest.mark.parametrize("gap", [float("nan"), 2.26, -1.01, "0.1"])
def test_gap_that_is_no_difference_of_shares(gap):
    with pytest.raises(ValueError, match=rf"gap={gap!r} must be in \[-1, 1\]; divide"):
        diagnose_fit(gap=gap)


def test_to_dict_of_numpy_figures_is_json():
    figures = diagnose_fit(train_accuracy=np.float32(0.9), validation_accuracy=np.float32(0.9))
    json.dumps(figures.to_dict())


def test_what_an_estimator_does_not_keep_can_be_handed_in():
    diagnosis = diagnose_fit(
        LogisticRegression(), train_accuracy=0.95, validation_accuracy=0.9, n_train=900
    )
    assert diagnosis.label == "overfitting"


def test_an_estimator_that_keeps_nothing_but_its_accuracies():
    core = SimpleNamespace(train_accuracy_=0.95, validation_accuracy_=0.94)
    assert diagnose_fit(core).gap == pytest.approx(0.01)


@pytest.mark.parametrize(("kept_epoch", "last_gap", "told"), [(1, 0.3, True), (2, 0.05, False)])
def test_the_gap_at_the_last_epoch_is_given_beside_and_told_where_it_is_another(
    kept_epoch, last_gap, told
):
    core = SimpleNamespace(
        train_accuracy_=0.95,
        validation_accuracy_=0.90,
        history_={"accuracy": [0.9, 1.0], "val_accuracy": [0.9, 0.7]},
        n_iter_=2,
        kept_epoch_=kept_epoch,
    )
    diagnosis = diagnose_fit(core)
    assert diagnosis.last_gap == pytest.approx(last_gap)
    assert ("In the last epoch" in diagnosis.sentence()) is told
