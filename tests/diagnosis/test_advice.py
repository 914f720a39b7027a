import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier

from skmnist.diagnosis import FitDiagnosis, advise, analyze_errors, diagnose_fit
from skmnist.diagnosis._findings import DeadUnits, StoppedTooEarly

LABELS = ["overfitting", "borderline", "optimal", "underfitting", "unclear"]
READ_AS_WELL = {"en": "almost as well as its training", "de": "fast so gut wie seine Trainings"}
TOO_SURE = {"en": "too sure of itself", "de": "zu sicher"}


@pytest.fixture
def errors():
    """Nines taken for fours twenty times, fours for nines ten times."""
    y_true = [9] * 5 + [4] * 5 + [1] * 5
    return analyze_errors(y_true * 10, [*[9, 9, 9, 4, 4, 4, 4, 4, 4, 9], *[1] * 5] * 10)


@pytest.fixture(params=LABELS)
def label(request):
    return request.param


@pytest.fixture(params=["en", "de"])
def language(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["losses close", "val loss far above"])
def diagnosis(request, label):
    return FitDiagnosis(
        label,
        gap={"overfitting": 0.05}.get(label, 0.01),
        val_loss_far_above=request.param,
        train_accuracy={"underfitting": 0.5}.get(label, 0.97),
        train_loss=0.1,
        validation_loss=0.5,
    )


@pytest.mark.parametrize("finding", ["overfitting", "underfitting"])
def test_fit_is_called_a_weakness_just_where_the_label_says_so(
    errors, diagnosis, language, finding
):
    weaknesses = advise(errors, diagnosis, language=language).weaknesses
    found = any(sentence.lower().startswith(finding) for sentence in weaknesses)
    assert found == (diagnosis.label == finding)


@pytest.mark.parametrize("finding", ["overfitting", "underfitting"])
def test_no_word_of_a_fit_that_the_label_denies(errors, diagnosis, language, finding):
    advice = advise(errors, diagnosis, language=language)
    said = " ".join(advice.strengths + advice.weaknesses + advice.improvements).lower()
    borders = {"borderline"} if finding == "overfitting" else set()
    assert finding not in said or diagnosis.label in {finding, *borders}


def test_fit_is_praised_just_where_it_is_optimal(errors, diagnosis, language):
    strengths = " ".join(advise(errors, diagnosis, language=language).strengths)
    assert (READ_AS_WELL[language] in strengths) == (diagnosis.label == "optimal")


def test_underfitting_is_never_told_to_regularise(errors, diagnosis, language):
    improvements = " ".join(advise(errors, diagnosis, language=language).improvements)
    assert diagnosis.label != "underfitting" or "Dropout" not in improvements.title()


def test_longer_training_is_advised_just_for_underfitting(errors, diagnosis, language):
    improvements = " ".join(advise(errors, diagnosis, language=language).improvements)
    longer = {"en": "train longer", "de": "länger trainieren"}[language]
    assert (longer in improvements) == (diagnosis.label == "underfitting")


def test_losses_far_apart_are_a_weakness_of_what_has_learned(errors, diagnosis, language):
    weaknesses = " ".join(advise(errors, diagnosis, language=language).weaknesses)
    expected = diagnosis.val_loss_far_above and diagnosis.label != "underfitting"
    assert (TOO_SURE[language] in weaknesses) == expected


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("accuracy", [0.9, 0.95])
def test_too_few_images_to_tell_are_a_weakness_with_a_way_out(errors, language, accuracy):
    diagnosis = diagnose_fit(
        train_accuracy=0.95, validation_accuracy=accuracy, n_train=900, n_validation=20
    )
    found, bare = advise(errors, diagnosis, language=language), advise(errors, language=language)
    assert found.strengths == bare.strengths
    too_few, hold_out = {
        "en": ("too few held-out images", "Hold out more"),
        "de": ("zu wenige Bilder zurückgehalten", "Halten Sie mehr Bilder zurück"),
    }[language]
    (weakness,) = set(found.weaknesses) - set(bare.weaknesses)
    (improvement,) = set(found.improvements) - set(bare.improvements)
    assert too_few in weakness
    assert improvement.startswith(hold_out)


JUMPING = {
    "accuracy": [0.5] * 6,
    "val_accuracy": [0.5] * 6,
    "loss": [0.9, 1.4, 0.8, 1.5, 0.9, 1.6],
    "val_loss": [1.0] * 6,
}


def test_a_network_that_jumped_is_told_to_lower_the_learning_rate_not_to_raise_it(errors):
    improvements = " ".join(advise(errors, diagnose_fit(JUMPING)).improvements)
    assert "Lower the learning rate" in improvements
    assert "raise the learning rate" not in improvements


def test_nor_is_one_with_dead_units(errors):
    dead = DeadUnits({"share": 0.5, "layer": 1})
    improvements = [
        advise(errors, FitDiagnosis(label, gap=0.0, findings=(dead,))).improvements
        for label in ("underfitting", "overfitting")
    ]
    assert [part[0].split(",")[0] for part in improvements] == [
        "Lower the learning rate so that fewer neurons die.",
        "Regularize the model: try dropout",
    ]


def test_overfitting_that_stopped_early_is_not_told_to_be_more_patient(errors):
    stopped = StoppedTooEarly({"n_epochs": 5})
    for label, told in (("overfitting", False), ("optimal", True)):
        diagnosis = FitDiagnosis(label, gap=0.0, findings=(stopped,))
        assert ("Raise the patience" in " ".join(advise(errors, diagnosis).improvements)) == told


def test_overfitting_that_still_improved_is_not_told_to_train_on(errors):
    history = {
        "accuracy": [0.5, 0.7, 0.9, 0.99],
        "val_accuracy": [0.5, 0.6, 0.7, 0.8],
    }
    diagnosis = diagnose_fit(history)
    assert [finding.code for finding in diagnosis.further_findings] == ["still_improving"]
    assert not any("epochs" in sentence for sentence in advise(errors, diagnosis).improvements)


def test_no_model_but_a_network_is_told_of_dropout(errors):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 5))
    y = np.digitize(X.sum(axis=1), [-1, 1])
    forest = RandomForestClassifier(5, random_state=0).fit(X[:200], y[:200])
    diagnosis = diagnose_fit(forest, X=X[:200], y=y[:200], X_val=X[200:], y_val=y[200:])
    improvements = " ".join(advise(errors, diagnosis).improvements)
    assert diagnosis.label == "overfitting"
    assert "a larger min_samples_leaf, a smaller max_depth, or more training images" in improvements
    assert "dropout" not in improvements.lower()


# --- how sure it is


def make_sure(confidence, n_right=900, n_wrong=100):
    """Make a model that gives its predictions such a probability, right or wrong."""
    y_pred = np.arange(n_right + n_wrong) % 2
    y_true = np.where(np.arange(len(y_pred)) < n_right, y_pred, 1 - y_pred)
    proba = np.where(y_pred[:, np.newaxis] == [0, 1], confidence, 1 - confidence)
    return analyze_errors(y_true, y_pred, labels=[0, 1], proba=proba)


@pytest.mark.parametrize(
    ("confidence", "words", "kind"),
    [
        (
            0.99,
            "Too sure of itself: on average it is 99.0% sure, but it is right in only 90.0%",
            "weaknesses",
        ),
        (
            0.6,
            "Too cautious: on average it is only 60.0% sure, but it is right in 90.0%",
            "weaknesses",
        ),
        (0.905, "On average it is 90.5% sure, and it is right in 90.0%", "strengths"),
    ],
)
def test_confidence_is_weighed_against_accuracy(confidence, words, kind):
    sentences = getattr(advise(make_sure(confidence)), kind)
    assert any(sentence.startswith(words) for sentence in sentences)


@pytest.mark.parametrize("confidence", [0.6, 0.905])
def test_losses_do_not_call_too_sure_what_the_probabilities_do_not(confidence):
    diagnosis = FitDiagnosis(
        "optimal", gap=0.01, val_loss_far_above=True, train_loss=0.1, validation_loss=0.5
    )
    assert "too sure" not in " ".join(advise(make_sure(confidence), diagnosis).weaknesses)


def test_too_sure_is_said_once():
    diagnosis = FitDiagnosis(
        "optimal", gap=0.01, val_loss_far_above=True, train_loss=0.1, validation_loss=0.5
    )
    said = " ".join(advise(make_sure(0.99), diagnosis).weaknesses)
    assert said.lower().count("too sure") == 1


LESS_SURE = "makes its probabilities more trustworthy"


@pytest.mark.parametrize(
    ("confidence", "label", "val_loss_far_above", "told"),
    [
        (0.99, "optimal", False, True),
        (0.99, "overfitting", False, False),  # regularising, which is advised, is the same remedy
        (0.905, "optimal", True, False),
        (None, "optimal", True, True),
        (None, "overfitting", True, False),
        (None, "optimal", False, False),
    ],
)
def test_what_makes_it_less_sure_is_told_once_and_where_it_is_too_sure(
    confidence, label, val_loss_far_above, told
):
    errors = make_sure(confidence) if confidence else analyze_errors([0, 1, 1], [0, 1, 0])
    diagnosis = FitDiagnosis(label, gap=0.01, val_loss_far_above=val_loss_far_above)
    assert (LESS_SURE in " ".join(advise(errors, diagnosis).improvements)) == told


def test_weakest_classes_and_confusions_are_named(errors):
    assert advise(errors).weaknesses == [
        "It reads 80.00% of the test images correctly.",  # fewer than a linear model reads
        "Weakest classes by F1: 9 (0.67), 4 (0.73).",
        "Most frequent confusions: 9→4 (20x), 4→9 (10x).",
    ]


def test_all_that_is_said_of_a_model_in_its_order(errors):
    advice = advise(errors, diagnose_fit(gap=0.03))
    assert advice.strengths == []
    assert advice.weaknesses == [
        "It reads 80.00% of the test images correctly.",
        "Overfitting: the model does better on its training images than on new ones.",
        "Weakest classes by F1: 9 (0.67), 4 (0.73).",
        "Most frequent confusions: 9→4 (20x), 4→9 (10x).",
    ]
    assert advice.improvements == [
        "Regularize the model: try dropout, L2, a smaller network, a lower patience, or more "
        "training images.",
        "Add training images of 9, 4, or look more closely at how they are written.",
        "Look at the images of 9→4 first: are the labels right? Are the images cut off or blurred?",
    ]


def test_three_are_named_of_many():
    y_true = np.repeat(np.arange(10), 50)
    y_pred = np.where(np.arange(500) % 50 < y_true, (y_true + 1) % 10, y_true)
    errors = analyze_errors(y_true, y_pred)
    advice = advise(errors)
    classes = [[str(label) for label, _ in part] for part in (errors.strongest(), errors.weakest())]
    assert [sentence.count("(0.") for sentence in advice.strengths] == [0, 3]
    assert [sentence.count("(0.") for sentence in advice.weaknesses] == [3, 0]
    assert all(f"{label} (0." in advice.strengths[1] for label in classes[0])
    assert all(f"{label} (0." in advice.weaknesses[0] for label in classes[1])
    assert advice.weaknesses[1].count("x)") == 3
    assert ", ".join(classes[1]) in advice.improvements[0]


def test_figures_are_written_in_the_language(errors):
    assert "Schwächste Klassen nach F1: 9 (0,67), 4 (0,73)." in (
        advise(errors, language="de").weaknesses
    )


def test_accuracy_and_strongest_class_are_strengths():
    y = [0] * 100 + [1] * 100 + [2] * 100
    strengths = advise(analyze_errors(y, [0] * 85 + [1] * 115 + [2] * 100)).strengths
    assert strengths == [
        "It reads 95.00% of the test images correctly.",
        "Most reliable classes by F1: 2 (1.00).",
    ]


@pytest.mark.parametrize(
    ("n_right", "label", "praised"),
    [
        (88, "optimal", True),  # as a linear model does
        (87, "optimal", False),
        (95, "underfitting", False),  # whose training images say that it has learned too little
        (95, "overfitting", True),
    ],
)
def test_reading_is_a_strength_of_what_reads_as_well_as_a_linear_model(n_right, label, praised):
    errors = analyze_errors([0] * 100, [0] * n_right + [1] * (100 - n_right))
    strengths = advise(errors, FitDiagnosis(label, gap=0.0)).strengths
    assert any("test images correctly" in sentence for sentence in strengths) == praised


def test_no_class_is_called_reliable_and_weak():
    y_true = [0] * 20 + [1] * 20 + [2] * 20 + [3] * 4
    y_pred = [0] * 19 + [1] * 21 + [2] * 20 + [3, 2, 2, 2]
    advice = advise(analyze_errors(y_true, y_pred, labels=[0, 1, 2, 3, 4]))
    assert advice.strengths[1] == "Most reliable classes by F1: 1 (0.98), 0 (0.97)."
    assert advice.weaknesses[0] == "Weakest classes by F1: 3 (0.40), 2 (0.93)."
    y_true = np.arange(1000) % 5
    one_pair = advise(analyze_errors(y_true, np.where(np.arange(1000) < 100, 1, y_true)))
    assert one_pair.strengths[1] == "Most reliable classes by F1: 0 (0.95), 2 (0.95)."
    assert one_pair.weaknesses[0] == "Weakest classes by F1: 1 (0.83)."


def test_a_model_that_reads_nothing_has_no_strengths_and_a_perfect_class_is_not_weak():
    y = [0, 1, 2, 3] * 5
    assert advise(analyze_errors(y, [(label + 1) % 4 for label in y])).strengths == []
    y_pred = [0, 1, 2, 2] * 2 + y[8:]
    errors = analyze_errors(y * 5, y_pred * 5)
    (classes,) = (w for w in advise(errors).weaknesses if "Weakest" in w)
    assert classes == "Weakest classes by F1: 3 (0.75), 2 (0.83)."


def test_most_frequent_confusion_is_to_be_looked_at_first(errors):
    assert any("images of 9→4 first" in sentence for sentence in advise(errors).improvements)


def test_perfect_model_has_no_weakness():
    perfect = advise(analyze_errors([0, 1], [0, 1]), diagnose_fit(gap=0.0))
    assert (perfect.weaknesses, perfect.improvements) == ([], [])


def test_untrained_model_is_told_to_train_and_nothing_else(errors, diagnosis):
    advice = advise(errors, diagnosis, trained=False)
    assert advice.strengths == []
    assert advice.weaknesses == ["The network has not been trained (0 epochs), so it only guesses."]
    assert advice.improvements == ["Train it: set the number of epochs to 1 or more."]


def test_text_labels_are_named():
    advice = advise(analyze_errors(["cat", "cat", "dog"], ["cat", "dog", "dog"]))
    assert "Most frequent confusions: cat→dog (1x)." in advice.weaknesses


def test_unknown_language(errors):
    with pytest.raises(ValueError, match=r"language='xx' must be one of 'en'"):
        advise(errors, language="xx")


# --- what a high accuracy hides


@pytest.mark.parametrize(
    ("y_pred", "told"),
    [
        ([0] * 95 + [0] * 3 + [0] * 2, "It reads every image as 0 "),
        ([0] * 95 + [1] * 3 + [0] * 2, "It never reads an image as 2, although"),
    ],
)
def test_classes_that_are_never_predicted_come_first_whatever_the_accuracy(y_pred, told):
    errors = analyze_errors(np.repeat([0, 1, 2], [95, 3, 2]), y_pred)
    advice = advise(errors, diagnose_fit(train_accuracy=0.97, validation_accuracy=0.97))
    assert advice.strengths == []
    assert advice.weaknesses[0].startswith(told)
    assert advice.improvements[0].startswith("Check that there are enough training images of ")


def test_a_constant_prediction_is_no_optimal_fit():
    X, y = np.zeros((200, 2)), np.repeat([0, 1], [190, 10])
    constant = DummyClassifier().fit(X, y)
    diagnosis = diagnose_fit(constant, X=X, y=y, X_val=X, y_val=y)
    assert (diagnosis.label, diagnosis.only_class) == ("underfitting", 0)
    assert diagnosis.sentences()[0].startswith("The model reads every image as 0;")
    weaknesses = advise(analyze_errors(y, constant.predict(X)), diagnosis).weaknesses
    assert len([sentence for sentence in weaknesses if "every image as 0" in sentence]) == 1


def test_a_few_rows_of_one_class_say_nothing():
    X, y = np.zeros((20, 2)), np.repeat([0, 1], [16, 4])
    diagnosis = diagnose_fit(DummyClassifier().fit(X, y), X=X, y=y, X_val=X[:1], y_val=y[:1])
    assert diagnosis.only_class is None


def test_one_error_makes_no_class_weak():
    y = np.arange(2000) % 10
    advice = advise(analyze_errors(y, np.where(np.arange(2000) == 1, 7, y)))
    assert advice.weaknesses == ["Most frequent confusions: 1→7 (1x)."]
    assert not any("training images of" in sentence for sentence in advice.improvements)


def test_a_class_whose_f1_is_told_as_1_is_not_weak():
    y = np.arange(100_000) % 10
    y_pred = np.where((y == 1) & (np.arange(100_000) < 600), 7, y)
    errors = analyze_errors(y, y_pred)
    assert errors.classes_differ
    assert not any("Weakest" in sentence for sentence in advise(errors).weaknesses)


def test_means_that_few_images_cannot_tell_apart_are_no_strength():
    errors = make_sure(0.93, n_right=8, n_wrong=2)
    assert errors.calibration.sentence() == (
        "There are too few images to judge its probabilities. On average it is 93.0% sure, and it "
        "is right in 80.0% of cases."
    )
    assert not any("sure" in sentence for sentence in advise(errors).strengths)
