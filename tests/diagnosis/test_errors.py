import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix

from skmnist.diagnosis import analyze_errors
from skmnist.diagnosis._errors import ALIKE


@pytest.fixture(params=[np.arange(10), np.array(list("abcdefghij"))], ids=["int", "str"])
def labels(request):
    """Random true and predicted labels, two thirds of them right."""
    rng = np.random.default_rng(0)
    y_true = rng.choice(request.param, 500)
    y_pred = np.where(rng.random(500) < 0.67, y_true, rng.choice(request.param, 500))
    return y_true, y_pred


def test_accuracy_is_scikit_learns(labels):
    assert analyze_errors(*labels).accuracy == pytest.approx(accuracy_score(*labels))


def test_report_is_scikit_learns(labels):
    expected = classification_report(*labels, output_dict=True)
    report = analyze_errors(*labels).report.rename(columns={"f1": "f1-score"})
    for label, row in report.iterrows():
        assert row.to_dict() == pytest.approx(expected[str(label)])


def test_confusion_is_scikit_learns(labels):
    np.testing.assert_array_equal(analyze_errors(*labels).confusion, confusion_matrix(*labels))


def test_confusion_has_true_classes_in_rows():
    confusion = analyze_errors(["cat", "cat", "dog"], ["dog", "dog", "dog"]).confusion
    assert confusion.loc["cat", "dog"] == 2
    assert (confusion.index.name, confusion.columns.name) == ("true", "predicted")


def test_numbers_of_images_and_errors(labels):
    analysis = analyze_errors(*labels)
    assert (analysis.n_test, analysis.n_errors) == (500, np.sum(labels[0] != labels[1]))


def test_weakest_classes_come_first():
    analysis = analyze_errors([1, 1, 2, 2, 3, 3], [1, 1, 2, 3, 2, 2])
    assert analysis.weakest(2) == [(3, 0.0), (2, pytest.approx(0.4))]


def test_strongest_classes_come_first():
    analysis = analyze_errors([1, 1, 2, 2, 3, 3], [1, 1, 2, 3, 2, 2])
    assert analysis.strongest(2) == [(1, 1.0), (2, pytest.approx(0.4))]


@pytest.mark.parametrize("method", ["weakest", "strongest"])
def test_equally_good_classes_keep_their_order(method):
    analysis = analyze_errors([3, 1, 2], [3, 1, 2])
    assert [label for label, _ in getattr(analysis, method)()] == [1, 2, 3]


@pytest.mark.parametrize("method", ["weakest", "strongest"])
def test_so_do_many_of_them(method):
    classes = list(range(40))
    found = getattr(analyze_errors(classes, classes), method)(40)
    assert found == [(label, 1.0) for label in classes]


def test_classes_that_a_model_knows_are_listed_as_well():
    analysis = analyze_errors([0, 2], [0, 2], labels=[0, 1, 2])
    assert analysis.report["support"].to_dict() == {0: 1, 1: 0, 2: 1}
    assert analysis.report.loc[1].tolist() == [0, 0, 0, 0]
    assert analysis.confusion.to_numpy().tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]


def test_confusions_are_ordered_by_count():
    analysis = analyze_errors([4, 9, 9, 9, 7, 7, 2], [9, 4, 4, 4, 2, 2, 2])
    assert analysis.confusions() == [(9, 4, 3), (7, 2, 2), (4, 9, 1)]


def test_equally_frequent_confusions_are_ordered_by_class():
    analysis = analyze_errors([9, 4, 2, 2], [4, 9, 7, 0])
    assert analysis.confusions(4) == [(2, 0, 1), (2, 7, 1), (4, 9, 1), (9, 4, 1)]


def test_so_are_many_of_them():
    y_true, y_pred = np.divmod(np.arange(400), 20)
    wrong = [(i, j, 1) for i in range(20) for j in range(20) if i != j]
    assert analyze_errors(y_true, y_pred).confusions(400) == wrong


def test_confusions_leave_out_what_did_not_happen():
    assert analyze_errors([0, 0, 1], [0, 1, 1]).confusions() == [(0, 1, 1)]


def test_no_errors_no_confusions():
    assert analyze_errors([0, 1], [0, 1]).confusions() == []


def test_confusions_do_not_change_the_matrix():
    analysis = analyze_errors([0, 0, 1], [0, 1, 1])
    analysis.confusions()
    assert np.diag(analysis.confusion).tolist() == [1, 1]


def test_classes_without_a_test_image_have_no_support():
    assert analyze_errors([0, 0, 1], [0, 5, 1]).report["support"].to_dict() == {0: 2, 1: 1, 5: 0}


def test_classes_without_a_test_image_are_not_called_weak():
    assert [label for label, _ in analyze_errors([0, 0, 1], [0, 5, 1]).weakest()] == [0, 1]


def test_confusions_with_a_class_without_a_test_image_are_told():
    assert analyze_errors([0, 0, 1], [0, 5, 1]).confusions() == [(0, 5, 1)]


def test_classes_never_predicted_have_no_f1_and_no_warning():
    assert analyze_errors([0, 1], [0, 0]).weakest(1) == [(1, 0.0)]


def test_to_dict_is_json(labels):
    analysis = analyze_errors(*labels)
    figures = json.loads(json.dumps(analysis.to_dict(), allow_nan=False))
    assert figures.keys() == {
        *("accuracy", "accuracy_interval", "n_test", "n_errors", "classes", "report"),
        *("confusion_matrix", "pairs", "suspects", "calibration"),
    }
    assert figures["classes"] == np.unique(labels[0]).tolist()
    assert figures["confusion_matrix"] == confusion_matrix(*labels).tolist()
    for name in ("precision", "recall", "f1", "support"):
        assert figures["report"][name] == analysis.report[name].tolist()
    low, high = figures["accuracy_interval"]
    assert low < figures["accuracy"] < high
    for name in ("low", "high"):
        assert figures["report"][f"recall_{name}"] == analysis.intervals[name].tolist()


@pytest.mark.parametrize("method", ["weakest", "strongest", "confusions", "pairs"])
def test_three_are_named_where_no_number_is_given(labels, method):
    assert len(getattr(analyze_errors(*labels), method)()) == 3


def test_tables_are_labelled(labels):
    analysis = analyze_errors(*labels)
    assert analysis.report.index.name == "class"
    assert analysis.report.columns.tolist() == ["precision", "recall", "f1", "support"]
    assert (analysis.confusion.index.name, analysis.confusion.columns.name) == ("true", "predicted")
    assert analysis.intervals.columns.tolist() == ["low", "high"]
    assert analysis.mistakes.index.name == "row"


def test_text_stays_pythons(labels):
    analysis = analyze_errors(*(np.asarray(part).astype(str) for part in labels))
    assert analysis.report.index.dtype == object
    assert analysis.mistakes.dtypes.tolist() == [object, object]


def test_correct_says_which_images_were_read():
    analysis = analyze_errors([0, 1, 1], [0, 0, 1])
    assert analysis.correct.tolist() == [True, False, True]


@pytest.mark.parametrize("missing", ["y_true", "y_pred"])
def test_figures_without_their_labels_know_no_rows(missing):
    analysis = replace(analyze_errors([0, 1], [0, 0]), **{missing: None})
    with pytest.raises(ValueError, match=r"y_true and y_pred are None; use analyze_errors"):
        analysis.correct  # noqa: B018
    assert analysis.mistakes.shape == (0, 2)
    assert analysis.mistakes.columns.tolist() == ["true", "predicted"]
    assert analysis.mistakes.index.name == "row"


def test_no_labels():
    with pytest.raises(ValueError, match=r"y_true is empty; pass at least one label"):
        analyze_errors([], [])


def test_other_number_of_predictions():
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[3, 2"):
        analyze_errors([0, 1, 2], [0, 1])


def test_numbers_against_text():
    with pytest.raises(ValueError, match=r"Mix of label input types"):
        analyze_errors([0, 1], ["0", "1"])


# --- classes that are worse than chance makes them


@pytest.mark.parametrize(("n_wrong", "differ"), [(0, False), (1, False), (20, True)])
def test_one_error_does_not_make_a_class_weak(n_wrong, differ):
    y = np.arange(2000) % 10
    y_pred = np.where((y == 1) & (np.arange(2000) < 10 * n_wrong), 7, y)
    assert analyze_errors(y, y_pred).classes_differ is differ


def make_even(n_images, n_classes, share, seed):
    """Return an analysis of errors that are equally frequent in all classes and directions."""
    rng = np.random.default_rng(seed)
    y = np.arange(n_images) % n_classes
    wrong = rng.random(n_images) < share
    return analyze_errors(
        y, np.where(wrong, (y + rng.integers(1, n_classes, n_images)), y) % n_classes
    )


@pytest.mark.slow
def test_classes_read_equally_well_are_seldom_called_weak():
    found = [make_even(1000, 10, 0.05, seed).classes_differ for seed in range(100)]
    assert sum(found) <= 5


@pytest.mark.slow
def test_symmetric_confusions_are_seldom_called_one_way():
    analyses = [make_even(2000, 4, 0.1, seed) for seed in range(100)]
    found = [any(pair.one_way for pair in errors.pairs()) for errors in analyses]
    assert sum(found) <= 5


def test_a_class_that_is_never_predicted_is_found():
    analysis = analyze_errors([0, 0, 1, 2], [0, 2, 0, 2], labels=[0, 1, 2, 3])
    assert (analysis.predicted, analysis.never_predicted) == ([0, 2], [1])


DIGITS = np.arange(10)


def analyze(pairs, confidence=None):
    """Analyze ten digits read rightly, and mistakes (true, predicted, how often)."""
    y_true = [*DIGITS, *(true for true, _, n in pairs for _ in range(n))]
    y_pred = [*DIGITS, *(predicted for _, predicted, n in pairs for _ in range(n))]
    proba = None
    if confidence is not None:
        sure = np.resize(confidence, len(y_true))
        proba = np.repeat((1 - sure[:, np.newaxis]) / 9, 10, axis=1)
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
        "Check whether the images are cut off, blurred or mislabelled."
    ]


def test_sure_mistakes_raise_doubt_about_the_labels():
    advice = analyze([(0, 1, 3)], [0.95]).pairs(1)[0].advice()
    assert advice == [
        "In most of these mistakes, the model is sure of its answer, so check whether the labels "
        "are right."
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
