import json

import pandas as pd
import pytest

from skmnist.comparison import recommend


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
        "DNN makes 26% fewer errors than NN (181 instead of 244 of 10,000 test images)",
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
        "DNN macht 26\u00a0% weniger Fehler als NN (181 statt 244 bei 10.000 Testbildern)",
        "Wenn jeder Fehler zählt und die Größe keine Rolle spielt, nehmen Sie DNN.",
    ],
)
def test_reason_of_the_source_in_german(source, words):
    assert words in recommend(source, n_test=10000).reason("de")


def test_errors_are_not_counted_without_the_number_of_test_images(source):
    reason = recommend(source).reason()
    assert "DNN makes 26% fewer errors than NN." in reason


def test_str_begins_with_the_model(source):
    assert str(recommend(source)).startswith("NN. The accuracy is very similar")


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
    ("n_test", "chance"), [(10000, False), (4200, False), (4000, True), (100, True), (None, False)]
)
def test_may_be_chance(source, n_test, chance):
    # 1.96 standard errors of the source's difference are 0.0063 at 4,023 images
    recommendation = recommend(source, n_test=n_test)
    assert recommendation.may_be_chance is chance
    assert ("can be chance" in recommendation.reason()) is chance


def test_single_model_is_no_chance():
    assert not recommend(make_table([0.9]), n_test=10).may_be_chance


# --- bad tables


@pytest.mark.parametrize(
    ("table", "match"),
    [
        (make_table([]), r"table has 0 rows .* a row per model"),
        (pd.DataFrame({"accuracy": [0.9]}), r"columns \['accuracy'\].* column 'test_accuracy'"),
        (make_table([97.56, 98.19]), r"97\.56.* shares from 0 to 1; divide percentages by 100"),
        (make_table([0.9, -0.1]), r"-0\.1.* shares from 0 to 1"),
        (make_table([0.9, None]), r"nan.* shares from 0 to 1"),
        (pd.concat([make_table([0.9])] * 2), r"models of one name: \['A', 'A'\]; rename one"),
    ],
    ids=["empty", "no column", "percent", "negative", "missing", "repeated"],
)
def test_bad_table(table, match):
    with pytest.raises(ValueError, match=match):
        recommend(table)


@pytest.mark.parametrize("margin", [-0.01, 1.5, float("nan")])
def test_bad_margin(source, margin):
    with pytest.raises(ValueError, match=rf"margin={margin} must be a share .* such as 0\.01"):
        recommend(source, margin=margin)


@pytest.mark.parametrize("n_test", [0, -1])
def test_bad_n_test(source, n_test):
    with pytest.raises(ValueError, match=rf"n_test={n_test} must be an int >= 1, or None"):
        recommend(source, n_test=n_test)


def test_unknown_language(source):
    with pytest.raises(ValueError, match=r"language='fr' must be one of 'en', 'de'"):
        recommend(source).reason("fr")


# --- for JSON


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
    assert recommend(make_table([0.1, 0.2], n_epochs=[0, None])).model == "B"
