import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix

from skmnist.diagnosis import analyze_errors


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
        *("confusion_matrix", "pairs", "calibration"),
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
    with pytest.raises(ValueError, match=r"y_true and y_pred are None; .* by analyze_errors"):
        analysis.correct  # noqa: B018
    assert analysis.mistakes.shape == (0, 2)
    assert analysis.mistakes.columns.tolist() == ["true", "predicted"]
    assert analysis.mistakes.index.name == "row"


def test_no_labels():
    with pytest.raises(ValueError, match=r"y_true has no labels; .* needs one or more"):
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


def test_classes_read_equally_well_are_seldom_called_weak():
    found = [make_even(1000, 10, 0.05, seed).classes_differ for seed in range(100)]
    assert sum(found) <= 5


def test_symmetric_confusions_are_seldom_called_one_way():
    analyses = [make_even(2000, 4, 0.1, seed) for seed in range(100)]
    found = [any(pair.one_way for pair in errors.pairs()) for errors in analyses]
    assert sum(found) <= 5


def test_a_class_that_is_never_predicted_is_found():
    analysis = analyze_errors([0, 0, 1, 2], [0, 2, 0, 2], labels=[0, 1, 2, 3])
    assert (analysis.predicted, analysis.never_predicted) == ([0, 2], [1])
