"""The curve of errors against rejects, and the work that is left to a person."""

import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from skmnist.diagnosis import _rejects, error_reject_curve, measure_work_left


def make_confidence(n, *, seed=0, difficulty=0.3):
    """Make confidences, and answers that are the more often right the more confident they are."""
    rng = np.random.default_rng(seed)
    confidence = rng.random(n) ** difficulty
    return confidence, rng.random(n) < 1 - (1 - confidence) ** 2


@pytest.fixture(scope="module")
def proba():
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=200)
    scores = rng.normal(size=(200, 3)) + 2 * np.eye(3)[y]
    return y, np.round(np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), 2)


# --- the curve


@pytest.mark.parametrize("drop", [True, False])
def test_curve_is_what_counting_gives_at_each_threshold(proba, drop):
    y, p = proba
    rejected, errors, thresholds = error_reject_curve(y, p, drop_intermediate=drop)
    for reject_rate, error_rate, threshold in zip(rejected, errors, thresholds, strict=True):
        accepted = p.max(axis=1) >= threshold
        assert reject_rate == pytest.approx(1 - accepted.mean())
        assert error_rate == pytest.approx(1 - accuracy_score(y[accepted], p[accepted].argmax(1)))
    assert rejected[0] == 0
    assert (np.diff(rejected) > 0).all()
    assert (np.diff(thresholds) > 0).all()


def test_dropped_thresholds_have_the_errors_of_their_neighbours(proba):
    curves = [error_reject_curve(*proba, drop_intermediate=drop) for drop in (True, False)]
    short, full = ({round(n * 200 * (1 - r)) for r, n, _ in zip(*c, strict=True)} for c in curves)
    assert short == full
    assert len(curves[0][0]) < len(curves[1][0])


def test_the_curve_is_right_for_each_share_of_rejects(proba):
    y, p = proba
    reject_rate, error_rate, _ = error_reject_curve(y, p)
    for threshold in np.unique(p.max(axis=1)):
        accepted = p.max(axis=1) >= threshold
        read_off = np.interp(1 - accepted.mean(), reject_rate, error_rate)
        expected = 1 - accuracy_score(y[accepted], p[accepted].argmax(1))
        assert read_off == pytest.approx(expected, abs=1e-9)


def test_weights_of_two_count_rows_twice(proba):
    y, p = proba
    weights = 1 + np.arange(200) % 2
    expected = error_reject_curve(np.repeat(y, weights), np.repeat(p, weights, axis=0))
    for a, b in zip(error_reject_curve(y, p, sample_weight=weights), expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_labels_name_the_columns():
    errors = error_reject_curve(["b"], [[0.2, 0.8]], labels=["a", "b"])[1]
    assert errors.tolist() == [0]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (([0, 1], [[0.2, 0.3, 0.5]] * 2), "3 columns, but there are 2 labels in y_true; pass"),
        (([0, 2], [[0.5, 0.5]] * 2, [0, 1]), "label 2, but y_proba has no column for it"),
        (([0, 1], [[0.5, 0.5]]), "inconsistent numbers of samples"),
        (([0, 1], [[0.5, np.nan]] * 2), "y_proba contains NaN"),
        (([0, 1], [[1.0, 1.0]] * 2), "y_proba has a row that sums to 2, but each row must sum to"),
        (
            ([0, 1], [[0.5, -0.5]] * 2),
            r"y_proba has the value -0\.5, but must be in \[0, 1\]; pass",
        ),
        (([0, 1], [[3.0, -1.0]] * 2), r"y_proba has the value 3, but must be in \[0, 1\]"),
    ],
)
def test_bad_probabilities(arguments, match):
    y_true, y_proba, *labels = arguments
    with pytest.raises(ValueError, match=match):
        error_reject_curve(y_true, y_proba, labels=labels[0] if labels else None)


@pytest.mark.parametrize("weight", [[-1, 1], [0, 0]])
def test_bad_weights(weight):
    with pytest.raises(ValueError, match="sample_weight must not be negative, nor 0 for all"):
        error_reject_curve([0, 1], np.eye(2), sample_weight=weight)


# --- the work


def test_work_is_the_least_that_keeps_the_rest_right_enough():
    confidence, correct = make_confidence(5000)
    work = measure_work_left(confidence, correct, allowed_error=0.01)
    accepted = confidence >= work.threshold
    assert work.share == pytest.approx(1 - accepted.mean())
    assert work.error_rate == pytest.approx(1 - correct[accepted].mean())
    assert work.error_rate <= 0.01
    lower = confidence[confidence < work.threshold]
    assert all(1 - correct[confidence >= threshold].mean() > 0.01 for threshold in lower)
    assert work.interval[0] < work.share < work.interval[1]


def test_nothing_is_left_of_a_model_that_is_right_enough():
    work = measure_work_left(np.linspace(0.5, 1, 1000), np.arange(1000) > 4, allowed_error=0.01)
    assert (work.share, work.interval, work.threshold) == (0, (0, 0), 0.5)


@pytest.mark.parametrize(("n", "too_few"), [(2994, True), (2995, False)])
def test_a_claim_needs_three_images_per_allowed_error(n, too_few):
    # with none of 2,995 wrong, the one-sided 95% interval ends at 1 in 1,000
    work = measure_work_left(np.ones(n), np.ones(n, dtype=bool))
    assert work.n_needed == 2995
    assert work.too_few is too_few
    assert (work.share is None, work.interval is None) == (too_few, too_few)


def test_of_a_model_that_is_never_right_enough_only_a_limit_is_known():
    work = measure_work_left(np.linspace(0, 1, 4000), np.arange(4000) % 4 > 0)
    assert (work.share, work.threshold, work.too_few) == (None, None, False)
    assert work.interval == (1 - 2995 / 4000, 1)


def test_codes_are_as_if_digits_were_drawn_at_random():
    confidence, correct = make_confidence(20_000, difficulty=0.1)
    work = measure_work_left(confidence, correct, allowed_error=0.02, code_length=5)
    rng = np.random.default_rng(0)
    codes = np.concatenate([rng.permutation(20_000).reshape(-1, 5) for _ in range(50)])
    accepted = (confidence >= work.threshold)[codes].all(axis=1)
    wrong = ~correct[codes].all(axis=1)
    assert work.share == pytest.approx(1 - accepted.mean(), abs=0.005)
    assert work.error_rate == pytest.approx(wrong[accepted].mean(), abs=0.002)
    assert work.error_rate <= 0.02


@pytest.mark.slow
def test_interval_holds_what_it_promises(monkeypatch):
    """The truth is that of a very large sample; the docstring says 92 to 95%."""
    monkeypatch.setattr(_rejects, "N_RESAMPLES", 300)
    confidence, correct = make_confidence(4_000_000, seed=99)
    truth = measure_truth(confidence, correct, 0.01)
    found = [
        measure_work_left(*make_confidence(2000, seed=seed), allowed_error=0.01).interval
        for seed in range(200)
    ]
    held = np.mean([low <= truth <= high for low, high in found])
    assert 0.9 <= held <= 0.98


def measure_truth(confidence, correct, allowed):
    order = np.argsort(-confidence)
    errors = np.cumsum(~correct[order])
    n = np.flatnonzero(errors <= allowed * np.arange(1, len(errors) + 1))[-1] + 1
    return 1 - n / len(errors)


# --- two models on the same images


def test_copies_do_not_differ():
    work = measure_work_left(*make_confidence(3000), allowed_error=0.01)
    assert work.compare(work) == (1, 1, 1)


def test_ratio_of_paired_models_is_narrower_than_of_others():
    confidence, correct = make_confidence(5000)
    worse = np.maximum(0, confidence - 0.2 * (np.arange(5000) % 5 == 0))
    a, b, other = (
        measure_work_left(*each, allowed_error=0.01)
        for each in ((worse, correct), (confidence, correct), make_confidence(5000, seed=1))
    )
    ratio, low, high = a.compare(b)
    assert low < ratio < high
    assert ratio == a.share / b.share
    _, far_low, far_high = a.compare(other)
    assert high / low < far_high / far_low


def test_ratio_to_a_model_that_leaves_nothing_is_infinite():
    right = np.ones(1000, dtype=bool)
    nothing = measure_work_left(np.linspace(0, 1, 1000), right, allowed_error=0.01)
    something = measure_work_left(
        np.linspace(0, 1, 1000), np.arange(1000) > 100, allowed_error=0.01
    )
    assert something.compare(nothing)[0] == np.inf
    assert nothing.compare(something) == (0, 0, 0)
    assert nothing.compare(nothing)[0] == 1


def test_ratio_to_the_unknown_is_unknown():
    few = measure_work_left([0.9], [True])
    assert np.isnan(few.compare(few)).all()


def test_figures_are_json():
    for n in (10, 4000):
        figures = measure_work_left(*make_confidence(n), allowed_error=0.05).to_dict()
        assert json.loads(json.dumps(figures, allow_nan=False))["n_test"] == n


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"allowed_error": 0}, r"allowed_error=0 must be in \(0, 1\), such as 0\.001"),
        ({"allowed_error": 1.0}, r"allowed_error=1\.0 must be in \(0, 1\)"),
        ({"allowed_error": "1"}, r"allowed_error='1' must be in \(0, 1\)"),
        ({"code_length": 0}, "code_length=0 must be an int >= 1"),
    ],
)
def test_bad_parameters(parameters, match):
    with pytest.raises(ValueError, match=match):
        measure_work_left([0.9], [True], **parameters)
