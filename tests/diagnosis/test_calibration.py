import json

import numpy as np
import pytest

from skmnist.diagnosis import (
    ReliabilityDisplay,
    analyze_errors,
    measure_calibration,
    measure_work_left,
)
from skmnist.diagnosis._figures import wilson_interval


def make_right(share, n=200):
    return np.arange(n) < share * n


@pytest.mark.parametrize(
    ("confidence", "share", "verdict"),
    [
        (0.9, 0.9, "trustworthy"),
        (0.99, 0.9, "too_sure"),
        (0.8, 0.9, "too_careful"),
        (0.93, 0.9, "trustworthy"),  # by chance, as there are 200 images
    ],
)
def test_verdict(confidence, share, verdict):
    assert measure_calibration(np.full(200, confidence), make_right(share)).verdict == verdict


def test_off_by_less_than_a_point_is_trustworthy_however_many_images():
    n = 1_000_000
    assert measure_calibration(np.full(n, 0.909), make_right(0.9, n)).verdict == "trustworthy"
    assert measure_calibration(np.full(n, 0.911), make_right(0.9, n)).verdict == "too_sure"
    assert measure_calibration(np.full(n, 0.891), make_right(0.9, n)).verdict == "trustworthy"
    assert measure_calibration(np.full(n, 0.889), make_right(0.9, n)).verdict == "too_careful"


def test_ten_images_are_too_few_to_tell():
    calibration = measure_calibration(np.full(10, 0.93), make_right(0.8, 10))
    assert (calibration.verdict, calibration.ece) == ("unclear", pytest.approx(0.13))
    assert not calibration.believable


def test_means_that_agree_are_not_trustworthy_where_the_bins_do_not():
    confidence = np.repeat([0.6, 0.99], 500)
    correct = np.concatenate([make_right(0.75, 500), make_right(0.84, 500)])
    calibration = measure_calibration(confidence, correct)
    assert calibration.confidence == pytest.approx(calibration.accuracy)
    assert (calibration.verdict, calibration.ece) == ("uneven", pytest.approx(0.15))
    assert "by 15.0 percentage points" in calibration.sentence()
    assert "um 15,0 Prozentpunkte" in calibration.sentence("de")


@pytest.mark.slow
def test_exact_probabilities_are_called_wrong_in_one_of_twenty_test_sets():
    rng = np.random.default_rng(0)
    verdicts = []
    for _ in range(40):
        confidence = 1 - rng.beta(0.3, 4, 1000)
        right = rng.random(1000) < confidence
        verdicts.append(measure_calibration(confidence, right).verdict)
    assert verdicts.count("trustworthy") >= 36


def test_ece_is_the_mean_distance_of_the_bins():
    confidence = np.repeat([0.55, 0.95], [100, 300])
    correct = np.concatenate([make_right(0.75, 100), make_right(0.9, 300)])
    calibration = measure_calibration(confidence, correct)
    assert calibration.ece == pytest.approx((100 * 0.2 + 300 * 0.05) / 400)
    assert calibration.bins["n"].tolist() == [100, 300]
    assert calibration.bins["accuracy"].tolist() == pytest.approx([0.75, 0.9])
    assert calibration.bins["low"].tolist() == pytest.approx([8 / 15, 14 / 15])
    assert calibration.bins["high"].tolist() == pytest.approx([9 / 15, 1])


def test_bins_have_intervals():
    bins = measure_calibration(np.full(200, 0.95), make_right(0.9)).bins
    expected = wilson_interval(0.9, 200)
    assert (bins["accuracy_low"][0], bins["accuracy_high"][0]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("confidence", "low"), [(0.0, 0), (1 / 15, 0), (1.0, 14 / 15), (1 + 2**-23, 14 / 15)]
)
def test_edges_belong_to_one_bin(confidence, low):
    bins = measure_calibration(
        [confidence], [True]
    ).bins  # float32 may add up to a little more than 1
    assert (bins["low"].tolist(), bins["high"].tolist()) == ([low], [pytest.approx(low + 1 / 15)])


def test_an_analysis_knows_its_calibration():
    y = [0] * 90 + [1] * 10
    proba = np.tile([0.99, 0.01], (100, 1))
    analysis = analyze_errors(y, [0] * 100, labels=[0, 1], proba=proba)
    assert analysis.calibration.verdict == "too_sure"
    figures = json.loads(json.dumps(analysis.to_dict(), allow_nan=False))["calibration"]
    assert figures.pop("bins")["n"] == [100]
    assert figures == {
        "verdict": "too_sure",
        "confidence": pytest.approx(0.99),
        "accuracy": 0.9,
        "ece": pytest.approx(0.09),
        "ece_by_chance": pytest.approx(0.02, abs=0.005),
    }


def test_no_probabilities_no_calibration():
    assert analyze_errors([0, 1], [0, 1]).calibration is None


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Too sure"), ("de", "Es ist sich zu sicher")]
)
def test_sentence(language, words):
    calibration = measure_calibration(np.full(200, 0.99), make_right(0.9))
    assert calibration.sentence(language).startswith(words)
    assert calibration.sentence() == calibration.sentence("en")


@pytest.mark.parametrize(
    ("confidence", "correct", "match"),
    [
        ([], [], "confidence is empty; pass at least one value"),
        ([0.5], [True, False], "inconsistent numbers of samples"),
    ],
)
def test_what_cannot_be_calibrated(confidence, correct, match):
    with pytest.raises(ValueError, match=match):
        measure_calibration(confidence, correct)


# --- what is no probability


BAD = [
    (np.nan, r"nan, but must be in \[0, 1\]; pass "),
    (np.inf, r"inf, but must be in \[0, 1\]"),
    (1.8, r"1\.8, but must be in \[0, 1\]"),
    (-0.4, r"-0\.4, but must be in \[0, 1\]"),
]


@pytest.mark.parametrize(("value", "match"), BAD)
@pytest.mark.parametrize(
    "use",
    [
        measure_calibration,
        measure_work_left,
        lambda confidence, correct: ReliabilityDisplay.from_predictions(correct, confidence),
    ],
    ids=["calibration", "work", "display"],
)
def test_what_is_no_probability_of_a_prediction_is_refused(use, value, match):
    with pytest.raises(ValueError, match=f"^confidence has the value {match}"):
        use([0.9, value, 0.8], [True, False, True])
    with pytest.raises(ValueError, match=r"pass y_proba\.max\(axis=1\), not scores"):
        use([0.9, value, 0.8], [True, False, True])
    with pytest.raises(
        ValueError, match=r"^correct has the value 0\.9, but must be True or False;"
    ):
        use([1, 0, 1], [0.9, 0.7, 0.8])  # swapped
    with pytest.raises(
        ValueError, match=r"^confidence has shape \(2, 2\), but must have one value"
    ):
        use(np.eye(2), [0, 1])


@pytest.mark.parametrize(("value", "match"), BAD)
def test_what_is_no_probability_of_a_class_is_refused(value, match):
    proba = np.full((4, 2), 0.5)
    proba[2, 1] = value
    with pytest.raises(ValueError, match=f"^proba has the value {match}"):
        analyze_errors([0, 1, 0, 1], [0, 0, 0, 1], labels=[0, 1], proba=proba)
    with pytest.raises(ValueError, match=r"pass the output of predict_proba, not scores"):
        analyze_errors([0, 1, 0, 1], [0, 0, 0, 1], labels=[0, 1], proba=proba)
    with pytest.raises(
        ValueError, match=r"^proba has a row that sums to 0\.4, but each row must sum"
    ):
        analyze_errors([0, 1], [0, 0], labels=[0, 1], proba=np.full((2, 2), 0.2))


def test_rounded_probabilities_are_probabilities():
    proba = np.round(np.full((3, 3), 1 / 3), 2)
    assert analyze_errors([0, 1, 2], [0, 1, 2], labels=[0, 1, 2], proba=proba).calibration
    assert measure_calibration(np.float16([1, 1]), [1, 1]).accuracy == 1
