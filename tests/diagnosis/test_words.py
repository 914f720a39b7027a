"""Every finding and all advice, in each language, for every kind of model."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from skmnist import DeepNNClassifier, PixelNormalizer, SimpleNNClassifier
from skmnist.diagnosis import FitDiagnosis, advise, analyze_errors, diagnose_fit
from skmnist.diagnosis._estimator import get_parameters
from skmnist.diagnosis._figures import FitFigures, LearningCurve, Majority
from skmnist.diagnosis._fit import CHECKS
from skmnist.diagnosis._references import References
from skmnist.text import get_languages

MODELS = {
    "simple": SimpleNNClassifier(),
    "simple, regularised": SimpleNNClassifier(dropout=0.5, patience=None),
    "deep": DeepNNClassifier(l2=0.001),
    "mlp": MLPClassifier(),
    "mlp, lbfgs": MLPClassifier(solver="lbfgs"),
    "mlp, stopping": MLPClassifier(early_stopping=True),
    "forest": RandomForestClassifier(),
    "linear": LogisticRegression(),
    "dummy": DummyClassifier(),
}
NETWORKS = ("simple", "deep", "mlp")
# words that only the one kind of model has a parameter for
NEEDS = {
    r"dropout": "dropout",
    r"\bL2\b": "l2",
    r"patience": ("patience", "n_iter_no_change"),
    r"early stopping|Early Stopping": ("patience", "early_stopping"),
    r"learning rate|Lernrate": ("learning_rate", "learning_rate_init"),
    r"train longer|länger trainieren|more epochs|mehr Epochen": ("epochs", "max_iter"),
    r"(smaller|larger) network|(kleineres|größeres) Netz": ("hidden_units", "hidden_layer_sizes"),
    r"\balpha\b": "alpha",
    r"\bC\b": "C",
    r"max_depth": "max_depth",
    r"min_samples_leaf": "min_samples_leaf",
}
EVERYTHING = {"dropout", "l2", "hidden_units", "patience", "epochs", "learning_rate"}
ENGLISH = r"\b(the|and|of|is|are|with|images?|training|network|loss of|more|larger|smaller)\b"


def wrap(kind, model):
    if kind == "pipeline":
        return make_pipeline(PixelNormalizer(), model)
    if kind == "search":
        # as it is after fitting
        return SimpleNamespace(best_estimator_=make_pipeline(PixelNormalizer(), model))
    if kind == "calibrated":
        return CalibratedClassifierCV(GridSearchCV(make_pipeline(PixelNormalizer(), model), {}))
    return VotingClassifier([("a", model), ("b", DummyClassifier())]) if kind == "voting" else model


def has_epochs(name):
    return name.startswith(NETWORKS) and name != "mlp, lbfgs"


def make_figures(name, parameters):
    """Return figures that show all that such a model can show."""
    jumping = {
        "loss": np.array([1, 0.5, 0.7, 0.4, 0.6, 0.3]),
        "val_loss": np.linspace(1, 0.5, 6),
        "val_accuracy": np.linspace(0.5, 0.9, 6),
    }
    network = name.startswith(NETWORKS)
    shared = {
        "max_gap": 0.02,
        "min_train_accuracy": 0.88,
        "network": network,
        "parameters": parameters,
        "n_classes": 10,
    }
    yield FitFigures(**shared, train_accuracy=0.99, validation_accuracy=0.9, gap=0.09)
    yield FitFigures(**shared, train_accuracy=0.5, validation_accuracy=0.5, gap=-0.0)
    yield FitFigures(**shared, train_accuracy=0.95, gap=0.0, only_class=0)
    yield FitFigures(**shared, train_accuracy=0.95, gap=0.01, gap_interval=(-0.001, 0.4))
    yield FitFigures(**shared, train_accuracy=0.95, gap=0.02, gap_interval=(0.015, 0.025))
    by_heart = {"train_accuracy": 1.0, "gap_interval": (0.005, 0.015), "val_loss_trend_up": True}
    yield FitFigures(**shared, gap=0.01, **by_heart)
    low = {"train_accuracy": 0.6, "validation_accuracy": 0.6, "gap": 0.0}
    for figures in ((0.6, 0.59, 0.1, 0.0), (0.5, 0.59, 0.1, 0.4), (0.6, 0.6, 0.6, 0.4)):
        references = References(*figures[:3], n_checked=900, sure_error=figures[3], n_sure=225)
        yield FitFigures(**shared, **low, references=references)
    yield FitFigures(**shared, **low, references=References(0.9, 0.92, 0.1, 900, 0.0, 225))
    yield FitFigures(**shared, gap=0.0, never_predicted=(3, "x"))
    yield FitFigures(**shared, gap=0.0, never_predicted=(3, "x"), rare=("x",))
    leading = {"train_accuracy": 0.78, "validation_accuracy": 0.95, "gap_interval": (-0.2, -0.14)}
    yield FitFigures(**shared, gap=-0.17, **leading)
    yield FitFigures(**shared, gap=0.0, majority=Majority("x", 0.95, 0.94, 1, 9, 2))
    swapped = {"train_accuracy": 0.97, "validation_accuracy": 0.01, "n_validation": 900}
    yield FitFigures(**shared, gap=0.96, **swapped)
    curve = LearningCurve(np.array([1.0, 2.0]), np.ones((2, 2)), np.array([[0.5] * 2, [0.9] * 2]))
    yield FitFigures(**shared, train_accuracy=0.95, gap=0.01, curve=curve)
    if network:
        yield FitFigures(**shared, train_accuracy=0.95, gap=0.0, dead_shares=(0.1, 0.5))
    if "dropout" in parameters:
        hidden = {"train_accuracy": 0.9, "running_accuracy": 0.5, "kept_epoch": 9, "gap": 0.0}
        yield FitFigures(**{**shared, "parameters": {**parameters, "dropout": 0.9}}, **hidden)
    if has_epochs(name):
        falling = {"loss": [1.0] * 9, "accuracy": np.linspace(0.5, 0.9, 9)}
        falling |= {"val_loss": np.linspace(1, 2, 9), "val_accuracy": np.linspace(0.8, 0.6, 9)}
        yield FitFigures(**shared, gap=0.0, n_validation=900, history=falling)
        for reason in ("epochs", "callback", "interrupted", "nonfinite"):
            yield FitFigures(
                **shared, train_accuracy=0.95, gap=0.01, history=jumping, stop_reason=reason
            )
        yield FitFigures(**shared, gap=0.0, history={"val_loss": np.array([1.0, 0.5])})
        if {"patience", "n_iter_no_change"} & parameters.keys():
            yield FitFigures(**shared, gap=0.0, history=jumping, stop_reason="patience", waited=1)
        yield FitFigures(**shared, gap=0.0, history={"loss": np.array([np.nan])})


def check_words(text, language, parameters):
    assert text.strip() == text != ""
    assert not re.search(r"[{}]|None|\bnan\b|\[\]|\(\)", text), text
    assert not re.search(r"\b(\w+) \1\b(?! \()", re.sub(r"\d", "", text), re.I), text
    assert not re.search(r"\b1 (times|epochs|images|classes|Epochen|Bilder|Klassen)\b", text), text
    assert not re.search(r"-0[.,]0+\b", text), text
    assert not re.search(r": *[.;]|, *[.;]|\.\.(?!1)", text), text
    assert language == "en" or not re.search(ENGLISH, text), text
    for word, names in NEEDS.items():
        names = (names,) if isinstance(names, str) else names
        if re.search(word, text, re.I if word in ("dropout", "patience") else 0):
            assert set(names) & set(parameters), text


@pytest.fixture(scope="module")
def analyses():
    """Return analyses of a good, a bad and a blind model, one error, and one of no error."""
    y = np.arange(400) % 4
    confused = np.where((y == 3) & (np.arange(400) < 80), 2, y)
    one_error = np.where(np.arange(400) == 9, (y + 1) % 4, y)
    found = [
        analyze_errors(y, predicted)
        for predicted in (confused, one_error, y, np.where(y == 3, 2, y), np.zeros(400, int))
    ]
    for sure in (0.99, 0.955, 0.5):
        proba = np.full((400, 4), (1 - sure) / 3)
        proba[np.arange(400), confused] = sure
        found.append(analyze_errors(y, confused, labels=[0, 1, 2, 3], proba=proba))
    return found


@pytest.mark.parametrize("kind", ["pipeline", "search"])
@pytest.mark.parametrize("name", MODELS)
def test_what_a_model_can_change_is_the_same_in_a_pipeline(name, kind):
    assert get_parameters(wrap(kind, MODELS[name])) == get_parameters(MODELS[name])


SLOW = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("calibrated", "voting")]


@pytest.mark.parametrize(
    "language",
    [pytest.param(name, marks=[pytest.mark.slow] * (name != "en")) for name in get_languages()],
)
@pytest.mark.parametrize("kind", ["alone", *SLOW])
@pytest.mark.parametrize("name", MODELS)
def test_words_are_whole_and_of_this_model(name, kind, language, analyses):
    from skmnist.diagnosis._fit import _judge

    parameters = get_parameters(wrap(kind, MODELS[name]))
    assert parameters.keys() >= get_parameters(MODELS[name]).keys()
    shown = set()
    for figures in make_figures(name, parameters):
        diagnosis = _judge(figures, "validation", {})
        for finding in diagnosis.findings:
            shown.add(finding.code)
            check_words(finding.sentence(language), language, parameters)
            remedy = finding.remedy(language)
            assert (remedy == "") == (finding.severity == "good")
            if remedy:
                check_words(remedy, language, parameters)
        for sentence in diagnosis.sentences(language):
            check_words(sentence, language, parameters)
        for errors in analyses:
            advice = advise(errors, diagnosis, language=language)
            for sentence in advice.strengths + advice.weaknesses + advice.improvements:
                check_words(sentence, language, parameters)
    expected = {check.code for check in CHECKS}
    if not has_epochs(name):
        expected -= {"unstable", "stopped_too_early", "still_improving"}
    if not name.startswith(NETWORKS):
        expected -= {"dead_units"}
    if "dropout" not in parameters:
        expected -= {"over_regularised"}
    assert shown == expected


@pytest.mark.parametrize("language", get_languages())
@pytest.mark.parametrize("network", [True, False])
@pytest.mark.parametrize("label", ["overfitting", "borderline", "underfitting"])
def test_a_verdict_without_its_figures_has_words_too(label, network, language, analyses):
    diagnosis = FitDiagnosis(label, gap=0.1, network=network)
    (remedy,) = advise(analyze_errors([0, 1], [0, 1]), diagnosis, language=language).improvements
    check_words(remedy, language, EVERYTHING if network else ())
    for errors in analyses:
        for pair in errors.pairs():
            for sentence in pair.advice(language):
                check_words(sentence, language, ())


def remedies(model, **figures):
    shared = {"max_gap": 0.02, "min_train_accuracy": 0.88, "parameters": get_parameters(model)}
    fit = FitFigures(**{**shared, "network": hasattr(model, "hidden_layer_sizes"), **figures})
    return [found.remedy() for check in CHECKS if (found := check.check(fit)) and found.remedy()]


@pytest.mark.parametrize(
    ("model", "remedy"),
    [
        (
            MLPClassifier(),
            "Regularize the model: try a larger alpha, a smaller network, early stopping, or more "
            "training images.",
        ),
        (LogisticRegression(), "Reduce the overfitting: try a smaller C or more training images."),
        (
            LogisticRegression(penalty=None),
            "Reduce the overfitting: try a simpler model or more training images.",
        ),
        (DummyClassifier(), "Reduce the overfitting: try a simpler model or more training images."),
        (
            CalibratedClassifierCV(SimpleNNClassifier()),
            "Regularize the model: try dropout, L2, a smaller network, a lower patience, or more "
            "training images.",
        ),
    ],
)
def test_overfitting_is_dealt_with_by_what_the_model_has(model, remedy):
    assert remedies(model, gap=0.1) == [remedy]


@pytest.mark.parametrize(
    ("model", "figures", "ways"),
    [
        (
            SimpleNNClassifier(),
            {"network": True},
            "train longer, raise the learning rate, or use a larger network.",
        ),
        (
            SimpleNNClassifier(dropout=0.5),
            {"network": True, "stop_reason": "patience"},  # more epochs would not be used
            "raise the learning rate, use a larger network, or regularize less.",
        ),
        (RandomForestClassifier(), {}, "use a more powerful model."),
        (
            RandomForestClassifier(max_depth=2, min_samples_leaf=5),
            {},
            "use a more powerful model, raise max_depth, or lower min_samples_leaf.",
        ),
    ],
)
def test_underfitting_is_looked_into_before_anything_is_changed(model, figures, ways):
    (remedy,) = remedies(model, train_accuracy=0.5, **figures)
    first = "First check that the labels are right and that a person can read the images. If so, "
    assert remedy == first + ways


def test_a_transformer_has_no_say():
    from sklearn.decomposition import SparsePCA

    assert "alpha" in SparsePCA().get_params()
    inner = make_pipeline(SparsePCA(), DummyClassifier())
    assert "alpha" not in get_parameters(CalibratedClassifierCV(inner))


def test_no_parameters_where_there_is_nothing_to_ask():
    assert get_parameters(SimpleNamespace()) is None


@pytest.mark.parametrize(
    ("model", "remedy"),
    [
        (
            SimpleNNClassifier(patience=1, hidden_units=1),
            "Regularize the model: try dropout, L2, or more training images.",
        ),
        (
            MLPClassifier((1,), early_stopping=True, n_iter_no_change=1),
            "Reduce the overfitting: try a larger alpha or more training images.",
        ),
        (
            RandomForestClassifier(max_depth=1),
            "Reduce the overfitting: try a larger min_samples_leaf or more training images.",
        ),
    ],
)
def test_what_is_smallest_already_is_not_made_smaller(model, remedy):
    assert remedies(model, gap=0.1) == [remedy]


def test_what_is_infinite_is_not_raised():
    (remedy,) = remedies(LogisticRegression(C=np.inf), train_accuracy=0.5)
    assert "raise C" not in remedy


@pytest.mark.parametrize(
    ("language", "told", "never"),
    [
        ("en", "0.3000 higher than on the training images, which is unusual", "close together"),
        ("de", "um 0,3000 höher als auf den Trainingsbildern. Das ist ungew", "nah beieinander"),
    ],
)
def test_much_better_on_new_images_is_told_as_unusual(language, told, never):
    diagnosis = diagnose_fit(gap=-0.3)
    assert told in diagnosis.sentence(language)
    assert never not in diagnosis.sentence(language)
    assert never in diagnose_fit(gap=-0.01).sentence(language)
    (finding,) = diagnosis.findings
    advice = advise(analyze_errors([0, 1] * 50, [0, 1] * 50), diagnosis, language=language)
    assert finding.sentence(language) in advice.weaknesses
    assert any("Dropout" in each or "dropout" in each for each in advice.improvements)


@pytest.mark.parametrize(
    ("gap", "label"), [(0.0200001, "optimal"), (0.02004, "optimal"), (0.02006, "overfitting")]
)
def test_a_gap_is_judged_as_it_is_told(gap, label):
    assert diagnose_fit(gap=gap).label == label
