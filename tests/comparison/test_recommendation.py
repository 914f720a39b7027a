"""What a recommendation says: its reasons, figures and words."""

import dataclasses
import json

import pandas as pd
import pytest

from skmnist.comparison import PairedTest, recommend
from tests.comparison.fakes import make_table, make_test

# --- the source's recommendation


@pytest.mark.parametrize(
    "words",
    [
        "The accuracies are very similar (difference 0.63 percentage points",
        "fewer parameters (101,770 instead of 567,434)",
        "faster to train (78.4 s instead of 118.0 s)",
        "easier to explain",
        "The difference is real but small: it lies between 0.23 and 1.04 percentage points",
        "DNN made 26% fewer errors than NN (181 instead of 244 on 10,000 test images)",
        "Only the accuracies are known here, so these figures assume the worst case",
        "If every error matters and cost does not, choose DNN.",
    ],
)
def test_reason_of_the_source_in_english(source, words):
    assert words in recommend(source, n_test=10000).reason()


@pytest.mark.parametrize(
    "words",
    [
        "Die Genauigkeiten sind sehr ähnlich (Unterschied 0,63 Prozentpunkte",
        "weniger Parameter (101.770 statt 567.434)",
        "schneller trainiert (78,4 s statt 118,0 s)",
        "leichter zu erklären",
        "Der Unterschied ist echt, aber klein: Er liegt zwischen 0,23 und 1,04 Prozentpunkten",
        "DNN hat 26\u00a0% weniger Fehler gemacht als NN (181 statt 244 bei 10.000 Testbildern)",
        "Gerechnet wird daher mit dem ungünstigsten Fall",
        "Wenn jeder Fehler zählt und die Kosten keine Rolle spielen, nehmen Sie DNN.",
    ],
)
def test_reason_of_the_source_in_german(source, words):
    assert words in recommend(source, n_test=10000).reason("de")


def test_errors_are_never_counted_without_test_images():
    assert "instead of" not in recommend(make_table([0.4, 0.6])).reason()


def test_errors_are_not_counted_without_the_number_of_test_images(source):
    reason = recommend(source).reason()
    assert "DNN made 26% fewer errors than NN." in reason


def test_str_has_one_sentence_per_line_and_begins_with_the_headline(source):
    recommendation = recommend(source)
    lines = [recommendation.headline(), *recommendation.reasons(), *recommendation.notes()]
    assert str(recommendation).splitlines() == lines
    assert lines[0] == "Choose NN."


def test_str_of_no_model_and_of_a_single_one():
    recommendation = recommend(make_table([0.1, 0.1], n_epochs=[0, 0]))
    assert str(recommendation).startswith("There is nothing to recommend yet.\nNone of the models")
    assert str(recommend(make_table([0.9]))) == "There is only one model to choose from."


# --- the reason of each rule


def test_slower_training_is_no_advantage():
    table = make_table([0.975, 0.98], n_parameters=[10, 20], fit_time=[2.0, 1.0])
    assert "faster to train" not in recommend(table).reason()


def test_unknown_number_of_parameters_is_no_advantage():
    table = make_table([0.975, 0.98], n_parameters=[None, 10], fit_time=[1.0, 2.0])
    reason = recommend(table).reason()
    assert "parameters" not in reason
    assert "easier to explain" not in reason


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (make_table([0.9]), "only one model to choose from"),
        (
            make_table([0.9, 0.98], n_parameters=[10, 20]),
            "B is more accurate (98.00%): it is 8.00 percentage points ahead of A",
        ),
        (
            make_table([0.9, 0.98], n_parameters=[20, 10]),
            "B is both the most accurate model (98.00%) and the smallest",
        ),
        (
            make_table([0.9, 0.98], fit_time=[20, 10]),
            "B is both the most accurate model (98.00%) and the fastest to train",
        ),
        (make_table([0.975, 0.98]), "The cost is not known for every model"),
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
    assert ("may be chance" in recommendation.reason()) is chance


# --- the verdict


def test_who_cares_for_every_error_is_told_only_where_the_better_one_is_not_taken(source):
    words = "If every error matters"
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
        "Nehmen Sie NN: So wie hier trainiert, ist DNN zwar wirklich genauer, aber vielleicht "
        "nicht so viel, dass sich die Mehrkosten lohnen."
    )


@pytest.mark.parametrize(
    ("accuracy", "words"),
    [
        ([0.95, 0.98], "The difference is real: "),
        ([0.97, 0.98], "The difference is real: "),  # just the margin is not small
        ([0.93, 0.94], "The difference is real: "),  # nor is it by rounding
        ([0.9701, 0.98], "The difference is real but small: "),
    ],
)
def test_a_real_difference_is_called_small_below_the_margin(accuracy, words):
    table = make_table(accuracy, n_parameters=[20, 10])
    assert words in recommend(table, n_test=20_000).reason()


def test_figures_of_the_reason_are_percentage_points(source):
    test = PairedTest("B", "A", "mcnemar", 0.5, (0.4, 0.6), 0.001, 0.001, n_test=10)
    table = make_table([0.4, 0.9], n_parameters=[1, 2])
    assert (
        "between 40.00 and 60.00 percentage" in recommend(table, n_test=10, tests=[test]).reason()
    )
    chance = dataclasses.replace(test, interval=(-0.2, 0.6), p_adjusted=0.5)
    reason = recommend(table, n_test=10, margin=0.7, tests=[chance]).reason()
    assert "is at most 60.00 percentage points" in reason
    assert "less than 70 counts as similar" in reason
    folds = [dataclasses.replace(test, method="folds", n_runs=5, spread=0.5)]
    assert "50.00 percentage points, from 40.00 to 60.00" in (
        recommend(table, n_test=10, tests=[test], folds=folds).reason()
    )
    starts = [dataclasses.replace(test, method="starts", n_runs=5, spread=0.5)]
    assert "about 50.00 percentage" in recommend(table, n_test=10, tests=starts).reason()


# --- how sure the headline is


@pytest.mark.parametrize(
    ("accuracy", "test", "words"),
    [
        ((0.95, 0.98), (0.03, 0.01), "it is clearly better than A."),
        (
            (0.968, 0.98),
            (0.012, 0.004),  # may be less than a point
            "it really is more accurate than A, but by how much is uncertain; it may be as little "
            "as 0.80 percentage points.",
        ),
        ((0.975, 0.98), (0.005, 0.002), "B really is more accurate, but not by enough to be"),
        (
            (0.975, 0.98),
            (0.005, 0.0049),
            "B really is more accurate, but not by enough to be worth its cost.",
        ),
        (
            (0.972, 0.98),
            (0.008, 0.004),  # may be more than a point
            "B really is more accurate, but may not be worth its cost.",
        ),
    ],
)
@pytest.mark.parametrize(("method", "once"), [("mcnemar", "as trained here, "), ("starts", "")])
def test_headline_is_as_sure_as_the_interval_and_the_starts(accuracy, test, words, method, once):
    table = make_table(list(accuracy), n_parameters=[10, 20])
    found = dataclasses.replace(make_test(method, *test), n_runs=1 if once else 5)
    headline = recommend(table, n_test=10_000, tests=[found]).headline()
    assert f": {once}{words}" in headline
    assert ("as trained" in headline) is bool(once)


@pytest.mark.parametrize(
    ("difference", "image_error", "lacking"),
    [
        (0.008, 0.002, "starts"),  # with more starts, the lead would be real
        (0.002, 0.003, "starts"),  # with more starts, it would be within the margin
        (0.006, 0.005, "test images"),  # more starts would not be enough
        (0.006, None, "test images"),  # one start
    ],
)
def test_what_is_lacking_is_told(difference, image_error, lacking):
    method = "mcnemar" if image_error is None else "starts"
    test = dataclasses.replace(make_test(method, difference, 0.011), image_error=image_error)
    table = make_table([0.98 - difference, 0.98], n_parameters=[1, 2])
    found = recommend(table, n_test=1000, tests=[test])
    assert found.verdict == "cannot_tell"
    assert f"there are too few {lacking} to tell" in found.headline()
    assert f"More {lacking} would settle it." in found.reason()
    assert ("--starts" in found.reason()) is (lacking == "starts")


def test_the_headline_of_the_better_and_cheaper_one_is_no_surer_than_its_interval():
    table = make_table([0.854, 0.8668], n_parameters=[20, 10])
    found = recommend(table, n_test=10_000)
    assert found.rule == "best_and_cheapest"
    low, high = found.evidence.interval
    assert low < 0.01 < high
    assert f"it may be as little as {100 * low:.2f} percentage points" in found.headline()
    small = recommend(table, n_test=10_000, margin=0.03)
    assert "it really is more accurate than A, if only slightly." in small.headline()
    assert "wenn auch nur wenig" in small.headline("de")


def test_equal_accuracies_are_called_equal():
    table = make_table([0.98, 0.98], n_parameters=[1, 2])
    for n_test in (100, 10_000):
        found = recommend(table, n_test=n_test)
        text = found.reason()
        assert "The two accuracies are equal." in text
        assert f"up to {100 * found.evidence.interval[1]:.2f} percentage points" in text
        assert "may be chance" not in text


def test_errors_that_are_means_over_starts_have_a_decimal():
    table = make_table([1 - 9 / 1000, 1 - 8.3 / 1000], n_parameters=[1, 2])
    found = recommend(table, n_test=1000, tests=[make_test("starts", 0.0007, 0.002)])
    assert "B made 8% fewer errors than A (8.3 instead of 9.0 on 1,000 test" in found.reason()


def test_the_meaning_of_a_minus_is_told_where_there_is_one():
    table = make_table([0.975, 0.98], n_parameters=[1, 2])
    for half, minus in ((0.011, True), (0.005, False)):
        test = make_test("mcnemar", 0.005, half, p=0.5)
        found = recommend(table, n_test=1000, tests=[test], margin=0.006)
        assert found.verdict == "cannot_tell"
        assert ("; below 0 means that A is more accurate" in found.reason()) is minus


@pytest.mark.parametrize(("n_runs", "once"), [(1, True), (3, False)])
def test_no_difference_between_trained_models_is_not_one_between_recipes(n_runs, once):
    test = dataclasses.replace(make_test("starts", 0.001, 0.002), n_runs=n_runs)
    table = make_table([0.979, 0.98], n_parameters=[1, 2])
    headline = recommend(table, n_test=1000, tests=[test]).headline()
    assert "no real difference in accuracy was found" in headline
    assert ("between these trained models" in headline) is once


@pytest.mark.parametrize(
    ("test", "folds", "words"),
    [
        ((0.005, 0.001), (0.006, 0.008), "Retraining on other parts of the data does not confirm"),
        ((0.001, 0.002), (0.005, 0.003), "Retraining on other parts of the data, however, does"),
        ((0.005, 0.001), (0.006, 0.002), None),
    ],
)
def test_folds_that_disagree_are_in_the_headline(test, folds, words):
    table = make_table([0.975, 0.98], n_parameters=[1, 2])
    tests = {"tests": [make_test("mcnemar", *test)], "folds": [make_test("folds", *folds)]}
    headline = recommend(table, n_test=1000, **tests).headline()
    assert ("Retraining" in headline) is (words is not None)
    assert (words or "") in headline


# --- the field of use


def test_postal_codes_of_the_source(source):
    recommendation = recommend(source, n_test=10_000, digits=True)
    assert recommendation.misread_codes == pytest.approx({"NN": 116.2, "DNN": 87.3}, abs=0.05)
    assert "five-digit postal codes, NN would misread about 116 and DNN about 87" in (
        recommendation.reason()
    )
    assert "würde NN von 1.000 fünfstelligen Postleitzahlen etwa 116 falsch lesen, DNN etwa 87" in (
        recommendation.reason("de")
    )


@pytest.mark.parametrize(("digits", "n_test"), [(False, 10_000), (True, 100)])
def test_no_postal_codes_of_what_is_no_digit_or_may_be_chance(source, digits, n_test):
    assert "postal" not in recommend(source, n_test=n_test, digits=digits).reason()
    assert "postal" not in recommend(source, n_test=n_test).reason()


# --- folds


@pytest.mark.parametrize(
    ("test", "folds", "words"),
    [
        ((0.005, 0.001), (0.006, 0.002), "leads to the same conclusion: a difference of 0.60"),
        ((0.005, 0.001), (0.006, 0.008), "on 5 different parts of the data does not confirm this"),
        ((0.005, 0.001), (-0.006, 0.002), "does not confirm this: a difference of -0.60"),
        ((0.005, 0.006), (0.001, 0.008), "leads to the same conclusion: a difference of 0.10"),
        ((0.005, 0.006), (0.005, 0.003), "does show a difference"),
        (
            (0.005, 0.001),
            (0.005, 0.005, 0.05),
            "on 5 different parts of the data does not confirm this",
        ),
        ((0.001, 0.002), (0.001, 0.008), "leads to the same conclusion: a difference of 0.10"),
        ((0.001, 0.002), (0.005, 0.003), "does show a difference"),
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
    assert "from 5 different random starts" in several.reason()
    assert "varies by about 0.20 percentage points" in several.reason()
    assert "starts" not in one.reason()


@pytest.mark.parametrize(
    ("test", "words"),
    [
        (
            (0.005, 0.001),
            "real but small: it lies between 0.40 and 0.60 percentage points (95% interval).",
        ),
        (
            (-0.001, 0.002),
            "may be chance, and it is at most 0.30 percentage points (95% interval).",
        ),
        (
            (0.005, 0.006),
            "with 1,000 test images, it could be anything from -0.10 to 1.10 percentage points "
            "(95% interval; below 0 means that A is more accurate).",
        ),
    ],
)
def test_how_large_the_difference_may_be_is_told(test, words):
    table = make_table([0.975, 0.98], n_parameters=[1, 2])
    assert words in recommend(table, n_test=1000, tests=[make_test("mcnemar", *test)]).reason()


def test_how_large_the_difference_of_folds_may_be_is_told():
    folds = [make_test("folds", 0.006, 0.002)]
    table = make_table([0.95, 0.98])
    assert "the same conclusion: a difference of 0.60 percentage points, from 0.40 to 0.80." in (
        recommend(table, n_test=10_000, folds=folds).reason()
    )


def test_folds_without_a_verdict_are_not_told():
    folds = [make_test("folds", 0.006, 0.002)]
    assert "parts of the data" not in recommend(make_table([0.95, 0.98]), folds=folds).reason()


# --- advantages


def test_times_that_are_nearly_alike_are_no_advantage():
    table = make_table([0.975, 0.98], n_parameters=[1, 2], fit_time=[10.0, 11.0])
    assert "faster to train" not in recommend(table).reason()


@pytest.mark.parametrize(
    ("columns", "words", "told"),
    [
        ({"fit_time": [1.0, 1.2]}, "faster to train", False),
        ({"fit_time": [1.0, 1.25]}, "faster to train (1.0 s instead of 1.2 s)", True),
        ({"fit_time": [1.0, 1.0]}, "faster to train", False),
        ({"size": [1e6, 2e6]}, "smaller on disk", False),  # parameters say the same
        ({"predict_time": [0.001, 0.0101]}, "faster at reading (1.0 ms instead of 10.1 ms", True),
        ({"predict_time": [0.001, 0.01]}, "faster at reading", False),  # a hundred in a second
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
    told = "fewer parameters (1 instead of 2), faster to train (1.0 s instead of 2.0 s), easier to"
    assert told in recommend(table).reason()


def test_as_many_parameters_are_no_advantage():
    table = make_table([0.975, 0.98], n_parameters=[10, 10])
    assert "(10 instead of 10)" not in recommend(table).reason()


def test_reading_in_a_blink_is_no_advantage():
    table = make_table([0.975, 0.98], n_parameters=[1, 2], predict_time=[0.0001, 0.002])
    assert "faster at reading" not in recommend(table).reason()


def test_single_model_is_no_chance():
    assert not recommend(make_table([0.9]), n_test=10).may_be_chance


# --- languages


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


def test_cheapest_is_said_only_of_the_cheapest():
    table = make_table([0.5, 0.975, 0.98], n_parameters=[10, 200, 100])
    recommendation = recommend(table)
    assert recommendation.rule == "cheapest_of_similar"
    assert "no model of similar accuracy is smaller" in recommendation.reason()


def test_numbers_of_parameters_are_written_as_integers_beside_a_missing_one():
    table = make_table([0.5, 0.975, 0.98], n_parameters=[None, 100, 200])
    assert "(100 instead of 200)" in recommend(table).reason()


def test_equal_accuracies_are_no_clear_lead():
    table = make_table([0.98, 0.98], n_parameters=[20, 10])
    assert "is more accurate" not in recommend(table, margin=0).reason()


def test_a_lead_that_may_be_chance_is_not_called_clear():
    recommendation = recommend(make_table([0.90, 0.94], n_parameters=[1, 2]), n_test=50)
    assert (recommendation.model, recommendation.rule) == ("B", "ahead")
    assert "clearly" not in recommendation.reason()
    assert "may be chance" in recommendation.reason()


@pytest.mark.parametrize(
    ("costs", "words"),
    [
        ({"fit_time": [10.0, 10.1]}, "A is faster to train, but only slightly; either will do."),
        ({"size": [411_800, 411_900]}, "A is smaller, but only slightly; either will do."),
        (
            {"size": [4_000, 411_900]},
            "A is usually the better choice: smaller on disk (4 kB instead",
        ),
    ],
)
def test_the_better_choice_never_comes_without_a_reason(costs, words):
    table = pd.DataFrame({"test_accuracy": [0.97, 0.972], **costs}, index=["A", "B"])
    assert words in recommend(table, n_test=2000).reasons()[0]


def test_fewer_errors_by_less_than_one_in_a_hundred_are_not_told():
    reasons = recommend(make_table([0.5, 0.5005]), n_test=2000).reasons()
    assert not any("fewer errors" in reason for reason in reasons)


def test_equally_accurate_models_are_not_called_the_most_accurate():
    table = pd.DataFrame({"test_accuracy": [0.97, 0.97], "size": [4, 5]}, index=["A", "B"])
    assert recommend(table).reasons()[0].startswith("A and B are equally accurate (97.00%)")
