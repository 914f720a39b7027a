import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from skmnist.comparison import PairedTest, recommend
from skmnist.comparison._significance import compare_accuracies


def make_table(test_accuracy, **columns):
    """Make a table of models A, B, C, ..."""
    index = list("ABCDE"[: len(test_accuracy)])
    return pd.DataFrame({"test_accuracy": test_accuracy, **columns}, index=index)


@pytest.fixture
def source():
    """Return the source deck's own table."""
    return pd.DataFrame(
        {
            "test_accuracy": [0.9756, 0.9819],
            "diagnosis": ["overfitting", "optimal"],
            "gap": [0.0226, 0.0171],
            "n_parameters": [101770, 567434],
            "fit_time": [78.4109, 117.9508],
            "n_epochs": [37, 25],
        },
        index=["NN", "DNN"],
    )


# --- the source's recommendation


def test_source_recommends_the_simple_network(source):
    assert recommend(source, n_test=10000).model == "NN"


def test_source_recommends_it_whatever_the_order(source):
    assert recommend(source[::-1], n_test=10000).model == "NN"


@pytest.mark.parametrize(
    "words",
    [
        "The accuracy is very similar (difference 0.63 percentage points",
        "fewer parameters (101,770 instead of 567,434)",
        "trains faster (78.4 s instead of 118.0 s)",
        "easier to explain",
        "The difference is real, but small: from 0.23 to 1.04 percentage points (95% interval).",
        "DNN made 26% fewer errors than NN (181 instead of 244 of 10,000 test images)",
        "Only the accuracies are known here, so this is reckoned for the worst case",
        "If every error counts and size does not matter, take DNN.",
    ],
)
def test_reason_of_the_source_in_english(source, words):
    assert words in recommend(source, n_test=10000).reason()


@pytest.mark.parametrize(
    "words",
    [
        "Die Genauigkeit ist sehr ähnlich (Unterschied 0,63 Prozentpunkte",
        "weniger Parameter (101.770 statt 567.434)",
        "schneller trainiert (78,4 s statt 118,0 s)",
        "leichter zu erklären",
        "Der Unterschied ist echt, aber klein: zwischen 0,23 und 1,04 Prozentpunkten",
        "DNN hat 26\u00a0% weniger Fehler gemacht als NN (181 statt 244 bei 10.000 Testbildern)",
        "gerechnet ist daher mit dem ungünstigsten Fall",
        "Wenn jeder Fehler zählt und die Größe keine Rolle spielt, nehmen Sie DNN.",
    ],
)
def test_reason_of_the_source_in_german(source, words):
    assert words in recommend(source, n_test=10000).reason("de")


def test_errors_are_never_counted_without_test_images():
    assert "instead of" not in recommend(make_table([0.4, 0.6])).reason()


def test_errors_are_not_counted_without_the_number_of_test_images(source):
    reason = recommend(source).reason()
    assert "DNN made 26% fewer errors than NN." in reason


def test_str_is_the_model_the_reason_and_what_to_know(source):
    recommendation = recommend(source)
    (note,) = recommendation.notes()
    assert str(recommendation) == f"NN. {recommendation.reason()} {note}"


def test_str_of_no_model_is_the_reason():
    recommendation = recommend(make_table([0.1, 0.1], n_epochs=[0, 0]))
    assert str(recommendation).startswith("None of the models has been trained")


def test_table_is_left_as_it_is(source):
    before = source.copy()
    recommend(source)
    pd.testing.assert_frame_equal(source, before)


# --- the rules


@pytest.mark.parametrize(
    ("accuracy", "n_parameters", "model", "rule"),
    [
        ([0.9], [1], "A", "only_one"),
        ([0.97, 0.98], [10, 20], "B", "clearly_better"),
        ([0.97, 0.98], [20, 10], "B", "best_and_cheapest"),
        ([0.975, 0.98], [10, 20], "A", "similar"),
        ([0.975, 0.98], [20, 10], "B", "best_and_cheapest"),
        ([0.975, 0.98], [10, None], "B", "only_known"),
        ([0.97, 0.98], [10, None], "B", "clearly_better"),
        ([0.98, 0.98], [20, 10], "B", "similar"),
        ([0.975, 0.98], [10, 10], "B", "cheapest_of_similar"),
        ([0.98, 0.98], [10, 10], "A", "equal"),
        ([1.0, 1.0], [20, 10], "B", "similar"),
        ([0.972, 0.975, 0.98], [10, 20, 30], "A", "similar"),
        ([0.5, 0.975, 0.98], [10, 20, 30], "B", "similar"),
        ([0.5, 0.97, 0.98], [10, 20, 30], "C", "clearly_better"),
        ([0.5, 0.6, 0.98], [30, 20, 10], "C", "best_and_cheapest"),
    ],
)
def test_rule(accuracy, n_parameters, model, rule):
    recommendation = recommend(make_table(accuracy, n_parameters=n_parameters))
    assert (recommendation.model, recommendation.rule) == (model, rule)


@pytest.mark.parametrize("accuracy", [[0.97, 0.98], [0.93, 0.94]])
def test_difference_of_just_the_margin_is_not_similar(accuracy):
    # 0.98 - 0.97 is 0.010000000000000009, 0.94 - 0.93 is 0.009999999999999898
    assert recommend(make_table(accuracy, n_parameters=[10, 20])).rule == "clearly_better"


def test_difference_just_under_the_margin_is_similar():
    table = make_table([0.9701, 0.98], n_parameters=[10, 20])
    assert recommend(table).rule == "similar"


@pytest.mark.parametrize(("margin", "model"), [(0.005, "B"), (0.0, "B"), (0.02, "A")])
def test_margin_can_be_set(margin, model):
    table = make_table([0.97, 0.98], n_parameters=[10, 20])
    assert recommend(table, margin=margin).model == model


def test_fit_time_decides_where_a_number_of_parameters_is_missing():
    table = make_table([0.975, 0.98], n_parameters=[None, 10], fit_time=[1.0, 2.0])
    recommendation = recommend(table)
    assert (recommendation.model, recommendation.cost) == ("A", "fit_time")


def test_fit_time_decides_where_there_is_no_such_column():
    assert recommend(make_table([0.975, 0.98], fit_time=[1.0, 2.0])).model == "A"


def test_number_of_parameters_decides_before_fit_time():
    table = make_table([0.975, 0.98], n_parameters=[10, 20], fit_time=[2.0, 1.0])
    assert recommend(table).model == "A"


def test_slower_training_is_no_advantage():
    table = make_table([0.975, 0.98], n_parameters=[10, 20], fit_time=[2.0, 1.0])
    assert "trains faster" not in recommend(table).reason()


def test_unknown_number_of_parameters_is_no_advantage():
    table = make_table([0.975, 0.98], n_parameters=[None, 10], fit_time=[1.0, 2.0])
    reason = recommend(table).reason()
    assert "parameters" not in reason
    assert "easier to explain" not in reason


def test_missing_integers_of_pandas_are_missing():
    table = make_table([0.975, 0.98], n_parameters=pd.array([None, 10], dtype="Int64"))
    assert recommend(table).rule == "only_known"


def test_chosen_model_is_weighed_against_the_most_accurate():
    table = make_table([0.972, 0.98, 0.975], n_parameters=[10, 30, 20])
    recommendation = recommend(table)
    assert recommendation.other == recommendation.most_accurate == "B"
    assert recommendation.accuracy_difference == pytest.approx(0.008)


def test_most_accurate_model_is_weighed_against_the_second():
    table = make_table([0.5, 0.98, 0.9], n_parameters=[10, 30, 20])
    assert recommend(table).other == "C"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (make_table([0.9]), "only one model to choose from"),
        (
            make_table([0.9, 0.98], n_parameters=[10, 20]),
            "B is clearly more accurate (98.00%): 8.00 percentage points ahead of A",
        ),
        (
            make_table([0.9, 0.98], n_parameters=[20, 10]),
            "B is the most accurate (98.00%) and at the same time the smallest one",
        ),
        (
            make_table([0.9, 0.98], fit_time=[20, 10]),
            "B is the most accurate (98.00%) and at the same time the fastest one to train",
        ),
        (make_table([0.975, 0.98]), "What the models cost is not known for all"),
    ],
    ids=["only_one", "clearly_better", "smallest", "fastest", "only_known"],
)
def test_reason_of_each_rule(table, words):
    assert words in recommend(table).reason()


# --- errors and chance


def test_fewer_errors_is_a_share_of_the_errors(source):
    assert recommend(source).fewer_errors == pytest.approx(63 / 244)


def test_perfect_model_makes_all_errors_fewer():
    assert recommend(make_table([0.9, 1.0])).fewer_errors == 1.0


@pytest.mark.parametrize("accuracy", [[1.0, 1.0], [0.9, 0.9], [0.9]])
def test_no_model_makes_fewer_errors(accuracy):
    recommendation = recommend(make_table(accuracy), n_test=100)
    assert recommendation.fewer_errors == 0
    assert "fewer errors" not in recommendation.reason()


@pytest.mark.parametrize(
    ("n_test", "chance"), [(10000, False), (4500, False), (4000, True), (100, True), (None, False)]
)
def test_may_be_chance(source, n_test, chance):
    # in the worst case 0.63 points on 4,000 images are 98 against 73 that only one reads: p = 0.066
    recommendation = recommend(source, n_test=n_test)
    assert recommendation.may_be_chance is chance
    assert ("can be chance" in recommendation.reason()) is chance


# --- the verdict


VERDICTS = {
    "clearly_better": "it is clearly better than A",
    "not_worth_it": "B is really better, but not by enough to be worth it",
    "no_difference": "no difference in accuracy is shown",
    "cannot_tell": "with so few test images it cannot be told which is better",
}


@pytest.mark.parametrize(
    ("accuracy", "n_test", "model", "verdict"),
    [
        ([0.95, 0.98], 10_000, "B", "clearly_better"),
        ([0.975, 0.98], 10_000, "A", "not_worth_it"),
        ([0.979, 0.98], 10_000, "A", "no_difference"),
        ([0.975, 0.98], 200, "A", "cannot_tell"),
        ([0.90, 0.94], 50, "B", "cannot_tell"),
        ([0.98, 0.98], 10_000, "A", "no_difference"),
        ([0.98, 0.98], 100, "A", "cannot_tell"),
        ([0.975, 0.98], None, "A", None),
    ],
)
def test_verdict(accuracy, n_test, model, verdict):
    recommendation = recommend(make_table(accuracy, n_parameters=[10, 20]), n_test=n_test)
    assert (recommendation.model, recommendation.verdict) == (model, verdict)
    expected = VERDICTS.get(verdict, "")
    assert recommendation.headline().startswith(f"Take {model}")
    assert expected in recommendation.headline()


def test_better_and_cheaper_is_clearly_better_by_however_little():
    recommendation = recommend(make_table([0.975, 0.98], n_parameters=[20, 10]), n_test=10_000)
    assert (recommendation.model, recommendation.verdict) == ("B", "clearly_better")
    assert "real, but small" in recommendation.reason()


def test_who_cares_for_every_error_is_told_only_where_the_better_one_is_not_taken(source):
    words = "If every error counts"
    better = make_table([0.95, 0.98], n_parameters=[10, 20])
    unsure = make_table([0.975, 0.98], n_parameters=[10, 20])
    alike = make_table([0.98, 0.98], n_parameters=[20, 10])
    assert words in recommend(source, n_test=10_000).reason()
    assert words in recommend(source).reason()
    assert words not in recommend(better, n_test=10_000).reason()
    assert words not in recommend(unsure, n_test=200).reason()
    assert words not in recommend(alike).reason()


def test_it_is_english_and_in_one_line_where_nothing_else_is_asked_for(source):
    recommendation = recommend(source, n_test=10_000)
    assert recommendation.reasons() == recommendation.reasons("en")
    assert recommendation.reason() == " ".join(recommendation.reasons())


def test_only_what_is_reckoned_from_accuracies_alone_says_so():
    table = make_table([0.975, 0.98], n_parameters=[1, 2])
    words = "Only the accuracies are known here"
    measured = recommend(table, n_test=1000, tests=[make_test("mcnemar", 0.005, 0.001)])
    assert words in recommend(table, n_test=1000).reason()
    assert words not in measured.reason()


def test_verdict_in_german(source):
    assert recommend(source, n_test=10_000).headline("de") == (
        "Nehmen Sie NN: DNN ist wirklich besser, aber nicht so viel, dass es sich lohnt."
    )


@pytest.mark.parametrize(
    ("alpha", "verdict", "confidence"),
    [(0.05, "not_worth_it", "95%"), (0.001, "no_difference", "99.9%")],
)
def test_alpha_can_be_set(source, alpha, verdict, confidence):
    # the interval at 99.9 % still ends below a margin of 2 points
    recommendation = recommend(source, n_test=10_000, alpha=alpha, margin=0.02)
    assert recommendation.verdict == verdict
    assert f"({confidence} interval)" in recommendation.reason()


def test_more_models_need_more_evidence(source):
    three = pd.concat([source, source.iloc[[0]].set_axis(["C"])])
    assert recommend(source, n_test=5500).verdict == "not_worth_it"
    assert recommend(three, n_test=5500).verdict == "cannot_tell"


def test_verdict_is_about_the_two_that_are_weighed():
    table = make_table([0.5, 0.975, 0.98], n_parameters=[5, 10, 20])
    recommendation = recommend(table, n_test=10_000)
    assert (recommendation.model, recommendation.evidence.first) == ("B", "C")
    assert (recommendation.evidence.second, recommendation.less_accurate) == ("B", "B")


@pytest.mark.parametrize(
    ("accuracy", "epochs", "rule", "headline"),
    [
        ([0.9], [1], "only_one", "There is only one model to choose from."),
        ([0.1, 0.1], [0, 0], "untrained", "There is nothing to recommend yet."),
    ],
)
def test_nothing_to_weigh_has_no_verdict(accuracy, epochs, rule, headline):
    recommendation = recommend(make_table(accuracy, n_epochs=epochs), n_test=100)
    assert (recommendation.rule, recommendation.verdict) == (rule, None)
    assert recommendation.headline() == headline


@pytest.mark.parametrize(
    ("accuracy", "words"),
    [
        ([0.95, 0.98], "The difference is real: from"),
        ([0.97, 0.98], "The difference is real: from"),  # just the margin is not small
        ([0.93, 0.94], "The difference is real: from"),  # nor is it by rounding
        ([0.9701, 0.98], "The difference is real, but small: from"),
    ],
)
def test_a_real_difference_is_called_small_below_the_margin(accuracy, words):
    table = make_table(accuracy, n_parameters=[20, 10])
    assert words in recommend(table, n_test=20_000).reason()


@pytest.mark.parametrize(
    ("p", "interval", "verdict"),
    [
        (0.049, (-0.02, 0.02), "not_worth_it"),
        (0.05, (-0.02, 0.02), "cannot_tell"),  # a real one is below alpha
        (0.5, (-0.01, 0.01), "cannot_tell"),  # a difference of the margin is not ruled out
        (0.5, (-0.0099, 0.0099), "no_difference"),
    ],
)
def test_verdict_at_its_bounds(p, interval, verdict):
    test = PairedTest("B", "A", "mcnemar", 0.005, interval, p, p, n_test=1000)
    recommendation = recommend(
        make_table([0.975, 0.98], n_parameters=[1, 2]), n_test=1000, tests=[test]
    )
    assert (recommendation.rule, recommendation.verdict) == ("similar", verdict)


def test_what_is_reckoned_from_accuracies_has_the_confidence_that_is_asked_for(source):
    accuracies = source["test_accuracy"].to_dict()
    (expected,) = compare_accuracies(accuracies, 10_000, alpha=0.2)
    found = recommend(source, n_test=10_000, alpha=0.2).evidence
    assert found.interval == expected.seen_from("DNN").interval


def test_figures_of_the_reason_are_percentage_points(source):
    test = PairedTest("B", "A", "mcnemar", 0.5, (0.4, 0.6), 0.001, 0.001, n_test=10)
    table = make_table([0.4, 0.9], n_parameters=[1, 2])
    assert "from 40.00 to 60.00 percentage" in recommend(table, n_test=10, tests=[test]).reason()
    chance = dataclasses.replace(test, interval=(-0.2, 0.6), p_adjusted=0.5)
    reason = recommend(table, n_test=10, margin=0.7, tests=[chance]).reason()
    assert "is at most 60.00 percentage points" in reason
    assert "under 70 counts as similar" in reason
    folds = [dataclasses.replace(test, method="folds", n_runs=5, spread=0.5)]
    assert "50.00 percentage points, from 40.00 to 60.00" in (
        recommend(table, n_test=10, tests=[test], folds=folds).reason()
    )
    starts = [dataclasses.replace(test, method="starts", n_runs=5, spread=0.5)]
    assert "about 50.00 percentage" in recommend(table, n_test=10, tests=starts).reason()


# --- the field of use


def test_postal_codes_of_the_source(source):
    recommendation = recommend(source, n_test=10_000, digits=True)
    assert recommendation.misread_codes == pytest.approx({"NN": 116.2, "DNN": 87.3}, abs=0.05)
    assert "five-digit postal codes NN would misread about 116, DNN about 87" in (
        recommendation.reason()
    )
    assert "fünfstelligen Postleitzahlen würde NN etwa 116 falsch lesen, DNN etwa 87" in (
        recommendation.reason("de")
    )


@pytest.mark.parametrize(("digits", "n_test"), [(False, 10_000), (True, 100)])
def test_no_postal_codes_of_what_is_no_digit_or_may_be_chance(source, digits, n_test):
    assert "postal" not in recommend(source, n_test=n_test, digits=digits).reason()
    assert "postal" not in recommend(source, n_test=n_test).reason()


# --- folds


def make_test(method, difference, half, p=None):
    if p is None:
        p = 0.001 if abs(difference) > half else 0.5
    interval = (difference - half, difference + half)
    return PairedTest("B", "A", method, difference, interval, p, p, n_test=1000, n_runs=5)


@pytest.mark.parametrize(
    ("test", "folds", "words"),
    [
        ((0.005, 0.001), (0.006, 0.002), "5 parts of the data says the same: 0.60"),
        ((0.005, 0.001), (0.006, 0.008), "5 parts of the data does not confirm this"),
        ((0.005, 0.001), (-0.006, 0.002), "5 parts of the data does not confirm this: -0.60"),
        ((0.005, 0.006), (0.001, 0.008), "5 parts of the data says the same: 0.10"),
        ((0.005, 0.006), (0.005, 0.003), "5 parts of the data does show a difference"),
        ((0.005, 0.001), (0.005, 0.005, 0.05), "5 parts of the data does not confirm this"),
        ((0.001, 0.002), (0.001, 0.008), "5 parts of the data says the same: 0.10"),
        ((0.001, 0.002), (0.005, 0.003), "5 parts of the data does show a difference"),
    ],
)
def test_what_folds_say_is_told_beside_the_verdict(test, folds, words):
    table = make_table([0.975, 0.98], n_parameters=[1, 2])
    recommendation = recommend(
        table,
        n_test=1000,
        tests=[make_test("mcnemar", *test)],
        folds=[make_test("folds", *folds)],
    )
    verdicts = {0.001: "not_worth_it", 0.002: "no_difference", 0.006: "cannot_tell"}
    assert recommendation.verdict == verdicts[test[1]]
    assert words in recommendation.reason()


def test_luck_of_the_start_is_told_where_there_were_several():
    table = make_table([0.975, 0.98], n_parameters=[1, 2])
    several, one = (
        recommend(table, n_test=1000, tests=[dataclasses.replace(test, spread=0.002)])
        for test in (make_test(method, 0.005, 0.001) for method in ("starts", "mcnemar"))
    )
    assert "Each model was trained from 5 different starts" in several.reason()
    assert "vary by about 0.20 percentage points" in several.reason()
    assert "starts" not in one.reason()


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ((0.005, 0.001), "real, but small: from 0.40 to 0.60 percentage points (95% interval)."),
        ((-0.001, 0.002), "can be chance, and is at most 0.30 percentage points (95% interval)."),
        (
            (0.005, 0.006),
            "with 1,000 test images it may be anything from -0.10 to 1.10 percentage points (95% "
            "interval).",
        ),
    ],
)
def test_how_large_the_difference_may_be_is_told(test, words):
    table = make_table([0.975, 0.98], n_parameters=[1, 2])
    assert words in recommend(table, n_test=1000, tests=[make_test("mcnemar", *test)]).reason()


def test_how_large_the_difference_of_folds_may_be_is_told():
    folds = [make_test("folds", 0.006, 0.002)]
    table = make_table([0.95, 0.98])
    assert "says the same: 0.60 percentage points, from 0.40 to 0.80." in (
        recommend(table, n_test=10_000, folds=folds).reason()
    )


def test_folds_without_a_verdict_are_not_told():
    folds = [make_test("folds", 0.006, 0.002)]
    assert "parts of the data" not in recommend(make_table([0.95, 0.98]), folds=folds).reason()


# --- cautions


def test_two_models_were_ranked_on_what_measured_them(source):
    recommendation = recommend(source)
    assert [caution.code for caution in recommendation.cautions] == ["ranked_two"]
    assert recommendation.notes()[0] in str(recommendation)
    assert recommendation.notes()[0] not in recommendation.reason()


def test_more_than_two_are_a_warning():
    (caution,) = recommend(make_table([0.9, 0.8, 0.7])).cautions
    assert (caution.code, caution.severity) == ("ranked_many", "warning")
    assert caution.sentence().startswith("3 models were ranked on the same test images")


def test_one_model_was_not_ranked():
    assert recommend(make_table([0.9])).cautions == ()


# --- other costs


@pytest.mark.parametrize(
    ("columns", "cost", "words"),
    [
        ({"size": [4e5, 2e6], "fit_time": [3.0, 2.0]}, "size", "takes less room (0.40 MB instead"),
        (
            {"predict_time": [0.002, 0.05], "fit_time": [3.0, 2.0]},
            "predict_time",
            "reads faster (2.0 ms instead of 50.0 ms per image)",
        ),
    ],
)
def test_costs_where_parameters_are_not_known(columns, cost, words):
    recommendation = recommend(make_table([0.975, 0.98], **columns))
    assert (recommendation.model, recommendation.cost) == ("A", cost)
    assert words in recommendation.reason()


def test_times_that_are_nearly_alike_are_no_advantage():
    table = make_table([0.975, 0.98], n_parameters=[1, 2], fit_time=[10.0, 11.0])
    assert "trains faster" not in recommend(table).reason()


@pytest.mark.parametrize(
    ("columns", "words", "told"),
    [
        ({"fit_time": [1.0, 1.2]}, "trains faster", False),
        ({"fit_time": [1.0, 1.25]}, "trains faster (1.0 s instead of 1.2 s)", True),
        ({"fit_time": [1.0, 1.0]}, "trains faster", False),
        ({"size": [1e6, 2e6]}, "takes less room", False),  # parameters say the same
        ({"predict_time": [0.001, 0.0101]}, "reads faster (1.0 ms instead of 10.1 ms", True),
        ({"predict_time": [0.001, 0.01]}, "reads faster", False),  # a hundred in a second
    ],
)
def test_an_advantage_is_one_that_somebody_notices(columns, words, told):
    table = make_table([0.975, 0.98], n_parameters=[1, 2], **columns)
    reason = recommend(table).reason()
    assert (words in reason) == told
    assert "easier to explain" in reason


@pytest.mark.parametrize(
    "columns",
    [
        {"size": [1e6, 2e6]},  # parameters say the same
        {"predict_time": [0.5, 0.1]},
        {"predict_time": [0.0001, 0.002]},
    ],
)
def test_what_is_no_advantage_hides_no_other(columns):
    table = make_table([0.975, 0.98], n_parameters=[1, 2], **columns, fit_time=[1.0, 2.0])
    told = "fewer parameters (1 instead of 2), trains faster (1.0 s instead of 2.0 s), easier to"
    assert told in recommend(table).reason()


def test_as_many_parameters_are_no_advantage():
    table = make_table([0.975, 0.98], n_parameters=[10, 10])
    assert "(10 instead of 10)" not in recommend(table).reason()


def test_reading_in_a_blink_is_no_advantage():
    table = make_table([0.975, 0.98], n_parameters=[1, 2], predict_time=[0.0001, 0.002])
    assert "reads faster" not in recommend(table).reason()


def test_single_model_is_no_chance():
    assert not recommend(make_table([0.9]), n_test=10).may_be_chance


# --- bad tables


@pytest.mark.parametrize(
    ("table", "match"),
    [
        (make_table([]), r"table has 0 rows .* a row per model"),
        (pd.DataFrame({"accuracy": [0.9]}), r"columns \['accuracy'\].* column 'test_accuracy'"),
        (make_table([97.56, 98.19]), r"97\.56.* shares from 0 to 1; divide percentages by 100"),
        (make_table([0.9, 1.01]), r"1\.01.* shares from 0 to 1"),
        (make_table([0.9, -0.1]), r"-0\.1.* shares from 0 to 1"),
        (make_table([0.9, None]), r"nan.* shares from 0 to 1"),
        (pd.concat([make_table([0.9])] * 2), r"models of one name: \['A', 'A'\]; rename one"),
    ],
    ids=["empty", "no column", "percent", "above 1", "negative", "missing", "repeated"],
)
def test_bad_table(table, match):
    with pytest.raises(ValueError, match=match):
        recommend(table)


@pytest.mark.parametrize("margin", [-0.01, 1.5, float("nan")])
def test_bad_margin(source, margin):
    with pytest.raises(ValueError, match=rf"margin={margin} must be a share .* such as 0\.01"):
        recommend(source, margin=margin)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, float("nan")])
def test_bad_alpha(source, alpha):
    with pytest.raises(ValueError, match=rf"alpha={alpha} must lie between 0 and 1, such as 0\.05"):
        recommend(source, alpha=alpha)


def test_no_table():
    with pytest.raises(TypeError, match=r"table is a list, but must be a DataFrame with a row"):
        recommend([0.9, 0.8])


@pytest.mark.parametrize("share", [0, 1])
def test_every_margin_that_is_a_share_is_allowed(source, share):
    assert recommend(source, margin=share).margin == share
    assert recommend(make_table([0.0, 1.0]), margin=share).most_accurate == "B"


def test_a_number_of_images_may_be_numpys_and_just_one(source):
    assert recommend(source, n_test=np.int64(1)).n_test == 1


@pytest.mark.parametrize("n_test", [0, -1, True, 2.5])
def test_bad_n_test(source, n_test):
    with pytest.raises(ValueError, match=rf"n_test={n_test} must be an int >= 1, or None"):
        recommend(source, n_test=n_test)


def test_unknown_language(source):
    with pytest.raises(ValueError, match=r"language='xx' must be one of 'en'"):
        recommend(source).reason("xx")


# --- for JSON


@pytest.mark.parametrize("digits", [False, True])
def test_to_dict_has_all_that_a_reader_sees(source, digits):
    recommendation = recommend(source, n_test=10_000, digits=digits)
    test = recommendation.evidence
    folds = [make_test("folds", 0.005, 0.01)]
    folded = recommend(make_table([0.9, 0.91]), n_test=100, folds=folds)
    figures = recommendation.to_dict()
    assert figures.keys() == {field.name for field in dataclasses.fields(recommendation)} | {
        "headline",
        "reason",
        "accuracy_difference",
        "fewer_errors",
        "may_be_chance",
        "misread_codes",
    }
    assert figures["evidence"] == {**dataclasses.asdict(test), "interval": list(test.interval)}
    assert folded.to_dict()["folds"]["interval"] == [-0.005, 0.015]
    assert figures["headline"]["de"] == recommendation.headline("de")
    (caution,) = figures["cautions"]
    assert caution["sentence"]["de"] == recommendation.notes("de")[0]
    assert figures["misread_codes"] == (recommendation.misread_codes if digits else None)


@pytest.mark.parametrize("n_parameters", [[10, 20], [None, 20]])
def test_to_dict_is_json(n_parameters):
    table = make_table([0.975, 0.98], n_parameters=n_parameters, fit_time=[1.0, 2.0])
    figures = recommend(table, n_test=100).to_dict()
    assert json.loads(json.dumps(figures, allow_nan=False))["model"] == "A"


def test_to_dict_has_the_reason_in_each_language(source):
    recommendation = recommend(source)
    assert recommendation.to_dict()["reason"] == {
        "en": recommendation.reason("en"),
        "de": recommendation.reason("de"),
    }


def test_models_may_be_numbered():  # the source's own table has the index 0, 1
    table = pd.DataFrame({"test_accuracy": [0.9756, 0.9819], "n_parameters": [1, 2]})
    assert recommend(table).model == "0"


def test_cheapest_is_said_only_of_the_cheapest():
    table = make_table([0.5, 0.975, 0.98], n_parameters=[10, 200, 100])
    recommendation = recommend(table)
    assert recommendation.rule == "cheapest_of_similar"
    assert "none of the similarly accurate ones is smaller" in recommendation.reason()


def test_numbers_of_parameters_are_written_as_integers_beside_a_missing_one():
    table = make_table([0.5, 0.975, 0.98], n_parameters=[None, 100, 200])
    assert "(100 instead of 200)" in recommend(table).reason()


def test_equal_accuracies_are_no_clear_lead():
    table = make_table([0.98, 0.98], n_parameters=[20, 10])
    assert "clearly more accurate" not in recommend(table, margin=0).reason()


def test_a_lead_that_may_be_chance_is_not_called_clear():
    recommendation = recommend(make_table([0.90, 0.94], n_parameters=[1, 2]), n_test=50)
    assert (recommendation.model, recommendation.rule) == ("B", "ahead")
    assert "clearly" not in recommendation.reason()
    assert "can be chance" in recommendation.reason()


def test_untrained_models_are_not_recommended():
    recommendation = recommend(make_table([0.1, 0.2], n_epochs=[0, 0]), n_test=100)
    assert recommendation.model is None
    assert "none of the models has been trained" in recommendation.reason().lower()
    for epochs in ([0, None], pd.array([0, None], dtype="Int64")):
        assert recommend(make_table([0.1, 0.2], n_epochs=epochs)).model == "B"
