import json

import numpy as np
import pytest

from skmnist.diagnosis import analyze_errors
from skmnist.diagnosis._pairs import ALIKE

DIGITS = np.arange(10)


def analyze(pairs, confidence=None):
    """Analyze ten digits read rightly, and mistakes (true, predicted, how often)."""
    y_true = [*DIGITS, *(true for true, _, n in pairs for _ in range(n))]
    y_pred = [*DIGITS, *(predicted for _, predicted, n in pairs for _ in range(n))]
    proba = None
    if confidence is not None:
        sure = np.resize(confidence, len(y_true))
        proba = np.full((len(y_true), 10), 0.0)
        proba[np.arange(len(y_true)), y_pred] = sure
    return analyze_errors(y_true, y_pred, labels=DIGITS, proba=proba)


def test_pairs_have_the_rows_of_their_images():
    first, second = analyze([(4, 9, 3), (9, 4, 1)]).pairs()
    assert (first.true, first.predicted, first.count, first.reverse) == (4, 9, 3, 1)
    assert first.rows.tolist() == [10, 11, 12]
    assert second.rows.tolist() == [13]
    assert first.share == pytest.approx(3 / 4)


def test_surest_mistakes_come_first():
    confidence = [0.5] * 10 + [0.6, 0.9, 0.8]
    analysis = analyze([(4, 9, 3)], confidence)
    assert analysis.pairs()[0].rows.tolist() == [11, 12, 10]
    assert analysis.pairs()[0].confidence == pytest.approx(0.8)
    assert analysis.mistakes.index.tolist() == [11, 12, 10]
    assert analysis.mistakes["confidence"].tolist() == pytest.approx([0.9, 0.8, 0.6])


def test_a_pair_is_as_sure_as_its_own_images():
    confidence = [0.5] * 10 + [0.6, 0.9, 0.8]
    pairs = analyze([(4, 9, 1), (4, 7, 1), (2, 9, 1)], confidence).pairs()
    assert [(pair.true, pair.predicted, pair.rows.tolist()) for pair in pairs] == [
        (2, 9, [12]),
        (4, 7, [11]),
        (4, 9, [10]),
    ]
    assert [pair.confidence for pair in pairs] == pytest.approx([0.8, 0.9, 0.6])


def test_mistakes_without_probabilities_are_in_their_order():
    mistakes = analyze([(4, 9, 2), (1, 7, 1)]).mistakes
    assert mistakes.index.tolist() == [10, 11, 12]
    assert mistakes.columns.tolist() == ["true", "predicted"]
    assert mistakes.loc[12].tolist() == [1, 7]


@pytest.mark.parametrize(
    ("there", "back", "one_way"), [(9, 1, True), (9, 5, False), (5, 0, False), (6, 0, True)]
)
def test_one_way_is_twice_as_often_and_beyond_chance(there, back, one_way):
    pair = analyze([(5, 3, there), (3, 5, back)]).pairs(1)[0]
    assert pair.one_way == one_way
    told = "5 is mistaken for 3, but rarely the other way round. More training images of 5"
    assert any(sentence.startswith(told) for sentence in pair.advice()) == one_way


@pytest.mark.parametrize("pair", ALIKE)
@pytest.mark.parametrize("language", ["en", "de"])
def test_digits_that_are_alike_are_described(pair, language):
    a, b = map(int, pair.split("_"))
    there = analyze([(a, b, 1)]).pairs(1)[0].advice(language)
    back = analyze([(b, a, 1)]).pairs(1)[0].advice(language)
    assert there == back
    assert str(a) in there[0]
    assert str(b) in there[0]


def test_letters_are_not_described_as_digits():
    analysis = analyze_errors(["4", "9", "a"], ["9", "9", "a"])
    assert analysis.pairs(1)[0].advice() == [
        "Check whether the images are cut off, blurred or labelled wrongly."
    ]


def test_sure_mistakes_raise_doubt_about_the_labels():
    advice = analyze([(0, 1, 3)], [0.95]).pairs(1)[0].advice()
    assert advice == [
        "The model is sure of most of these mistakes, so check whether the labels are right."
    ]


def test_pairs_are_json():
    figures = json.loads(json.dumps(analyze([(4, 9, 3)], [0.9]).to_dict(), allow_nan=False))
    assert figures["pairs"] == [
        {
            "true": 4,
            "predicted": 9,
            "count": 3,
            "reverse": 0,
            "share": 0.75,
            "rows": [10, 11, 12],
            "confidence": pytest.approx(0.9),
        }
    ]


def test_text_labels_find_their_probabilities():
    proba = [[0.9, 0.1], [0.3, 0.7], [0.8, 0.2]]
    analysis = analyze_errors(
        ["b", "a", "b"], ["b", "b", "b"], labels=np.array(["b", "a"]), proba=proba
    )
    assert analysis.confidence == pytest.approx([0.9, 0.3, 0.8])
    assert analysis.mistakes["confidence"].tolist() == pytest.approx([0.3])


@pytest.mark.parametrize("proba", [[[1.0]] * 2, [0.5, 0.5]])
def test_probabilities_of_another_shape(proba):
    rule = r"proba has shape .* of the 2 labels; pass labels=model\.classes_\."
    with pytest.raises(ValueError, match=rule):
        analyze_errors([0, 1], [0, 1], labels=[0, 1], proba=proba)


def test_probabilities_without_the_labels_of_their_columns():
    with pytest.raises(ValueError, match=r"proba has shape \(2, 2\).* of the 0 labels; pass"):
        analyze_errors([0, 1], [0, 1], proba=[[0.5, 0.5]] * 2)


def test_probabilities_of_another_number_of_images():
    with pytest.raises(ValueError, match=r"inconsistent numbers"):
        analyze_errors([0, 1], [0, 1], labels=[0, 1], proba=[[0.5, 0.5]])


def test_a_prediction_that_is_none_of_the_labels_has_the_probability_of_the_nearest():
    proba = [[0.1, 0.9], [0.8, 0.2]]
    analysis = analyze_errors([1, 2], [3, 0], labels=[1, 2], proba=proba)
    assert analysis.confidence.tolist() == pytest.approx([0.9, 0.8])


def test_recall_has_wilsons_interval():
    from statsmodels.stats.proportion import proportion_confint

    intervals = analyze([(4, 9, 3)]).intervals
    assert intervals.loc[4].tolist() == pytest.approx(proportion_confint(1, 4, method="wilson"))


def test_a_class_without_an_image_has_no_interval():
    analysis = analyze_errors([0, 0], [0, 1])
    assert analysis.intervals.loc[1].isna().all()
    assert analysis.to_dict()["report"]["recall_low"][1] is None


def test_the_more_pairs_were_compared_the_more_it_takes():
    one = analyze([(5, 3, 9), (3, 5, 1)]).pairs(1)[0]
    others = [(4, 9, 6), (9, 4, 6), (7, 2, 6), (2, 7, 6), (0, 6, 1)]
    of_three = analyze([(5, 3, 9), (3, 5, 1), *others]).pairs(1)[0]
    assert (one.n_compared, of_three.n_compared) == (1, 3)
    assert (one.one_way, of_three.one_way) == (True, False)


def test_a_class_that_is_never_predicted_is_not_confused_one_way():
    errors = analyze_errors([1] * 20 + [3] * 30, [3] * 50)
    (pair,) = errors.pairs()
    assert pair.advice() == [
        "Check that there are enough training images of 1 and that they are labelled correctly."
    ]
