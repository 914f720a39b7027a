"""The rule: which model is recommended, and with which verdict."""

import numpy as np
import pandas as pd
import pytest

from skmnist.comparison import PairedTest, recommend
from skmnist.comparison._significance import compare_accuracies
from tests.comparison.fakes import make_table

# --- the source's recommendation


def test_source_recommends_the_simple_network(source):
    assert recommend(source, n_test=10000).model == "NN"


def test_source_recommends_it_whatever_the_order(source):
    assert recommend(source[::-1], n_test=10000).model == "NN"


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


# --- the verdict


VERDICTS = {
    "clearly_better": "it is clearly better than A",
    "not_worth_it": "as trained here, B really is more accurate, but",
    "no_difference": "no real difference in accuracy was found",
    "cannot_tell": "there are too few test images to tell which is better",
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
    assert recommendation.headline().startswith(f"Choose {model}")
    assert expected in recommendation.headline()


def test_better_and_cheaper_is_clearly_better_by_however_little():
    recommendation = recommend(make_table([0.975, 0.98], n_parameters=[20, 10]), n_test=10_000)
    assert (recommendation.model, recommendation.verdict) == ("B", "clearly_better")
    assert "real but small" in recommendation.reason()


@pytest.mark.parametrize(
    ("alpha", "verdict", "confidence"),
    [(0.05, "not_worth_it", "95%"), (0.001, "no_difference", "99.9%")],
)
def test_alpha_can_be_set(source, alpha, verdict, confidence):
    # the interval at 99.9% still ends below a margin of 2 points
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
        ({"size": [4e5, 2e6], "fit_time": [3.0, 2.0]}, "size", "smaller on disk (400 kB instead"),
        (
            {"predict_time": [0.002, 0.05], "fit_time": [3.0, 2.0]},
            "predict_time",
            "faster at reading (2.0 ms instead of 50.0 ms per image)",
        ),
    ],
)
def test_costs_where_parameters_are_not_known(columns, cost, words):
    recommendation = recommend(make_table([0.975, 0.98], **columns))
    assert (recommendation.model, recommendation.cost) == ("A", cost)
    assert words in recommendation.reason()


# --- bad tables


@pytest.mark.parametrize(
    ("table", "match"),
    [
        (make_table([]), r"table has 0 rows .* one row per model"),
        (pd.DataFrame({"accuracy": [0.9]}), r"columns \['accuracy'\].* column 'test_accuracy'"),
        (make_table([97.56, 98.19]), r"97\.56.* must be in \[0, 1\]; divide percentages by 100"),
        (make_table([0.9, 1.01]), r"1\.01.* must be in \[0, 1\]"),
        (make_table([0.9, -0.1]), r"-0\.1.* must be in \[0, 1\]"),
        (make_table([0.9, None]), r"nan.* must be in \[0, 1\]"),
        (make_table([0.9, pd.NA]), r"<NA>.* must be in \[0, 1\]"),
        (make_table([0.9, "good"]), r"'good'.* must be in \[0, 1\]"),
        (pd.concat([make_table([0.9])] * 2), r"duplicate names: \['A', 'A'\]; rename one"),
        (make_table([0.9, 0.8]).set_axis([1, "1"]), r"duplicate names: \['1', '1'\]"),
    ],
    ids=[
        "empty",
        "no column",
        "percent",
        "above 1",
        "negative",
        "missing",
        "missing in pandas",
        "text",
        "repeated",
        "one as text",
    ],
)
def test_bad_table(table, match):
    with pytest.raises(ValueError, match=match):
        recommend(table)


@pytest.mark.parametrize("margin", [-0.01, 1.5, float("nan"), None])
def test_bad_margin(source, margin):
    with pytest.raises(ValueError, match=rf"margin={margin} must be in .* such as 0\.01"):
        recommend(source, margin=margin)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, float("nan"), None])
def test_bad_alpha(source, alpha):
    with pytest.raises(ValueError, match=rf"alpha={alpha} must be in \(0, 1\), such as 0\.05"):
        recommend(source, alpha=alpha)


def test_no_table():
    with pytest.raises(
        TypeError, match=r"table has the type list, but must be a DataFrame with one row per"
    ):
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


# --- names, numbers of epochs


def test_models_may_be_numbered():  # the source's own table has the index 0, 1
    table = pd.DataFrame({"test_accuracy": [0.9756, 0.9819], "n_parameters": [1, 2]})
    assert recommend(table).model == "0"


def test_untrained_models_are_not_recommended():
    recommendation = recommend(make_table([0.1, 0.2], n_epochs=[0, 0]), n_test=100)
    assert recommendation.model is None
    assert "none of the models has been trained" in recommendation.reason().lower()
    for epochs in ([0, None], pd.array([0, None], dtype="Int64")):
        assert recommend(make_table([0.1, 0.2], n_epochs=epochs)).model == "B"
