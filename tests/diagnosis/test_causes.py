"""Tests of the causes of weak models, on data whose true cause is known."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from skmnist import SimpleNNClassifier
from skmnist.diagnosis import advise, analyze_errors, diagnose_fit
from skmnist.diagnosis._causes import CAUSES
from tests.diagnosis.cases import CASES, make_flipped, make_imbalanced, make_linear, train_case

WRONG_ADVICE = ("train longer", "use a larger network", "raise the learning rate")
TRUTH = {
    # name: label or None, what must be found, what must not
    "20 % label noise": (None, {"label_noise"}),
    "40 % label noise": (None, {"label_noise"}),
    "shuffled labels": (None, {"no_signal"}),
    "linear, overlap of 15 %": (None, {"data_limit"}),
    "linear, overlap of 40 %": (None, {"data_limit"}),
    "linear, 15 % flipped": (None, {"data_limit"}),
    "linear, 40 % flipped": (None, {"data_limit"}),
    "95 to 5, nothing to learn": ("underfitting", {"no_signal", "never_predicted"}),
    "dropout 0.95": (None, {"over_regularised"}),
    "1,000 rows, 60 epochs": ("overfitting", set()),
    "learning rate 1e-6": ("underfitting", {"still_improving"}),
    "learning rate 0.1": (None, {"unstable"}),
    "clean and linear": (None, set()),
}
BENIGN = {"still_improving", "stopped_too_early", "dead_units"}  # may be true as well


def improve(model, diagnosis, rows):
    errors = analyze_errors(rows["y_val"], model.predict(rows["X_val"]))
    return " ".join(advise(errors, diagnosis).improvements)


def check_case(name, seed):
    network, rows = train_case(name, seed)
    diagnosis = diagnose_fit(network, **rows)
    label, expected = TRUTH[name]
    codes = {finding.code for finding in diagnosis.further_findings}
    assert codes - BENIGN == expected - BENIGN, name
    assert expected <= codes
    assert label is None or diagnosis.label == label
    said = improve(network, diagnosis, rows)
    causes = {cause.code for cause in CAUSES} & codes
    if causes or name == "learning rate 0.1":
        assert not any(words in said for words in WRONG_ADVICE)
    if name == "learning rate 1e-6":
        assert "raise the learning rate" in said
    if name == "dropout 0.95":
        assert "lower dropout" in said
        assert "try dropout" not in said
    if name == "clean and linear":
        assert diagnosis.label in ("optimal", "borderline")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", CASES)
def test_what_limits_a_network_is_told_apart(name, seed):
    check_case(name, seed)


def measure(make, model, *args):
    X, y = make(np.random.default_rng(0), *args)
    rows = {"X": X[:1000], "y": y[:1000], "X_val": X[1000:2000], "y_val": y[1000:2000]}
    return model.fit(rows["X"], rows["y"]), rows


@pytest.mark.parametrize(
    ("make", "args", "code"),
    [
        (make_linear, (0.15,), "data_limit"),
        (make_flipped, (0.15,), "data_limit"),
        (make_imbalanced, (), "no_signal"),
    ],
)
def test_more_training_is_not_advised_where_the_data_do_not_allow_more(make, args, code):
    model, rows = measure(make, LogisticRegression(), *args)
    diagnosis = diagnose_fit(model, **rows)
    found = [finding for finding in diagnosis.findings if isinstance(finding, CAUSES)]
    assert [finding.code for finding in found] == [code]
    assert found[0].sentence() in diagnosis.summary()
    assert "A more powerful model" in improve(model, diagnosis, rows)
    assert not any(words in improve(model, diagnosis, rows) for words in WRONG_ADVICE)


def make_rings(rng, share):
    """Make three classes that no plane separates, and change a share of their labels."""
    X = rng.normal(size=(2000, 2))
    y = np.digitize(np.hypot(*X.T), [0.9, 1.5])
    wrong = rng.random(len(y)) < share
    return X, np.where(wrong, (y + rng.integers(1, 3, len(y))) % 3, y)


def make_shuffled_blobs(rng):
    y = np.arange(2000) % 5
    return rng.normal(size=(2000, 5)) + 3 * np.eye(5)[y], rng.permutation(y)


@pytest.mark.parametrize(("share", "found"), [(0.3, ["label_noise"]), (0.0, [])])
def test_wrong_labels_are_contradicted_even_where_a_forest_is_sure(share, found):
    model, rows = measure(make_rings, RandomForestClassifier(30, random_state=0), share)
    diagnosis = diagnose_fit(model, **rows)
    causes = [finding for finding in diagnosis.findings if isinstance(finding, CAUSES)]
    assert [finding.code for finding in causes] == found
    if found:
        assert causes[0].evidence["sure_error"] == pytest.approx(share, abs=0.08)


def test_a_model_that_is_too_simple_is_told_what_others_reach():
    model, rows = measure(make_rings, LogisticRegression(), 0.0)
    diagnosis = diagnose_fit(model, **rows)
    assert diagnosis.label == "underfitting"
    assert diagnosis.findings[0].evidence["forest"] > 0.9
    assert "a forest of decision trees 9" in diagnosis.summary()
    assert "ein Wald aus Entscheidungsbäumen 9" in diagnosis.summary("de")


def test_simple_models_are_fitted_only_where_they_are_needed(monkeypatch):
    monkeypatch.setattr("skmnist.diagnosis._fit.measure_references", lambda *_: 1 / 0)
    model, rows = measure(make_linear, LogisticRegression(C=100))
    assert diagnose_fit(model, **rows).label in ("optimal", "borderline")


def test_a_class_that_is_never_predicted_is_named():
    X = np.linspace(0, 1, 200)[:, None]
    y = np.repeat([0, 1, 2], [100, 90, 10])
    model = LogisticRegression().fit(X, np.minimum(y, 1))
    diagnosis = diagnose_fit(model, X=X, y=y, X_val=X, y_val=y)
    (finding,) = [found for found in diagnosis.findings if found.code == "never_predicted"]
    assert finding.evidence == {"classes": [2]}
    assert "set class_weight to balanced" in finding.remedy()
    said = advise(analyze_errors(y, model.predict(X)), diagnosis)
    assert sum("never reads an image as 2" in sentence for sentence in said.weaknesses) == 1
    assert finding.remedy() in said.improvements


def fall(val_accuracy, *, n_validation=2000, last=0.85):
    history = {
        "accuracy": np.linspace(0.6, last, 20),
        "loss": np.linspace(1, 0.5, 20),
        "val_accuracy": val_accuracy,
        "val_loss": np.linspace(1.3, 1.6, 20),
    }
    diagnosis = diagnose_fit(history, n_train=9 * n_validation, n_validation=n_validation)
    return "label_noise" in {finding.code for finding in diagnosis.findings}


@pytest.mark.parametrize(
    ("figures", "found"),
    [
        ({"val_accuracy": np.linspace(0.72, 0.65, 20)}, True),
        ({"val_accuracy": np.linspace(0.72, 0.65, 20), "n_validation": 100}, False),  # by chance
        ({"val_accuracy": np.linspace(0.65, 0.72, 20)}, False),
        ({"val_accuracy": np.linspace(0.72, 0.65, 20), "last": 0.99}, False),  # learned by heart
    ],
)
def test_validation_accuracy_falls_as_wrong_labels_are_learned(figures, found):
    assert fall(**figures) == found


@pytest.mark.parametrize(
    ("val_accuracy", "best"),
    [
        ([0.392, 0.692, 0.8], 2),  # the last epochs reach further back than those of the best
        ([0.2, 0.5, 0.75, 0.8], 2),
        ([0.3, 0.45, 0.8, 0.82, 0.5], 3),  # one bad epoch at the end
        ([0.5, 0.2, 0.9, 0.6, 0.65], 2),
    ],
)
def test_accuracy_does_not_fall_in_epochs_that_are_not_after_the_best(val_accuracy, best):
    n = len(val_accuracy)
    history = {
        "accuracy": np.linspace(0.3, 0.9, n),
        "loss": np.linspace(1, 0.5, n),
        "val_accuracy": val_accuracy,
        "val_loss": 1 + np.abs(np.arange(n) - best),
    }
    diagnosis = diagnose_fit(history, n_train=9000, n_validation=1000)
    assert "label_noise" not in {finding.code for finding in diagnosis.findings}


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(y))
    return X[rows] / 16, y[rows]


@pytest.fixture(scope="module")
def short(digits):
    """Return a network that was trained for three epochs."""
    X, y = digits
    return SimpleNNClassifier(epochs=3, random_state=0).fit(X[:1200], y[:1200])


@pytest.mark.slow
def test_clean_labels_are_not_suspected_after_three_epochs(short):
    assert short.history_["val_accuracy"][0] < short.history_["val_accuracy"][-1]
    assert not [found for found in diagnose_fit(short).findings if isinstance(found, CAUSES)]


# --- findings of one diagnosis do not contradict each other


def find(diagnosis):
    return {finding.code: finding for finding in diagnosis.findings}


CAUSE_FIRST = "Deal with the cause first; the rest depends on it."
AGAINST = ("Regularize", "Simplify", "Allow more epochs", "powerful model", "rare classes")


def test_of_too_little_and_too_much_only_the_larger_is_found():
    few = {"train_accuracy": 0.389, "validation_accuracy": 0.338, "n_train": 1080}
    found = find(diagnose_fit(**few, n_validation=1000))
    assert "overfitting" not in found
    assert "train longer" in found["underfitting"].remedy()
    found = find(diagnose_fit(train_accuracy=0.8, validation_accuracy=0.4))
    assert found.keys() == {"overfitting"}


@pytest.mark.parametrize(
    ("make", "model"),
    [
        (make_shuffled_blobs, RandomForestClassifier(30, max_depth=4, random_state=0)),
        (make_imbalanced, LogisticRegression()),
    ],
)
def test_nothing_is_advised_against_labels_that_have_nothing_to_do_with_the_images(make, model):
    model, rows = measure(make, clone(model))
    diagnosis = diagnose_fit(model, **rows)
    found = find(diagnosis)
    assert diagnosis.label == "underfitting"
    cause = found.pop("no_signal")
    assert cause.remedy().startswith("Check that images and labels are in the same order.")
    remedies = {finding.remedy() for finding in found.values()}
    assert CAUSE_FIRST in remedies
    assert not any(words in each for words in AGAINST for each in remedies)
    said = advise(analyze_errors(rows["y_val"], model.predict(rows["X_val"])), diagnosis)
    assert cause.remedy() in said.improvements
    others = set(said.improvements) - {cause.remedy()}
    assert not any(words in each for words in AGAINST for each in others)


def test_the_limit_of_the_data_is_not_known_while_the_model_improves():
    model, rows = measure(make_linear, LogisticRegression(), 0.15)
    for val_loss, found in (([0.9, 0.7, 0.5, 0.4], False), ([0.4] * 4, True)):
        model.history_, model.stop_reason_ = {"loss": val_loss, "val_loss": val_loss}, "epochs"
        codes = find(diagnose_fit(model, **rows))
        assert ("data_limit" in codes, "still_improving" in codes) == (found, not found)


@pytest.mark.parametrize(("n", "told"), [(100, False), (30, True)])
def test_only_rare_classes_are_to_count_more(n, told):
    X = np.linspace(0, 1, 200 + n)[:, None]
    y = np.repeat([0, 1, 2], [100, 100, n])
    model = LogisticRegression().fit(X, np.minimum(y, 1))
    remedy = find(diagnose_fit(model, X=X, y=y, X_val=X, y_val=y))["never_predicted"].remedy()
    assert ("class_weight" in remedy) == told
    assert ("These classes are not rare." in remedy) != told


@pytest.mark.slow
@pytest.mark.parametrize("change", [lambda X, y: (16 - X, y), lambda X, y: (X, (y + 1) % 10)])
def test_held_out_rows_that_are_read_worse_than_by_guessing_differ(digits, change):
    X, y = digits
    model = LogisticRegression(max_iter=300).fit(X[:900], y[:900])
    X_val, y_val = change(X[900:], y[900:])
    found = find(diagnose_fit(model, X=X[:900], y=y[:900], X_val=X_val, y_val=y_val))
    assert "no_signal" not in found
    assert "prepared like the training images" in found["held_out_differs"].remedy()
    assert found["overfitting"].remedy() == CAUSE_FIRST


@pytest.mark.slow
def test_held_out_labels_in_another_order_are_no_lack_of_signal(digits):
    X, y = digits
    model = LogisticRegression(max_iter=300).fit(X[:900], y[:900])
    shuffled = np.random.default_rng(0).permutation(y[900:])
    found = find(diagnose_fit(model, X=X[:900], y=y[:900], X_val=X[900:], y_val=shuffled))
    assert found.keys() >= {"held_out_differs"}
    assert "no_signal" not in found


@pytest.mark.slow
def test_wrong_labels_of_the_training_rows_alone_are_found(digits):
    X, y = digits
    rng = np.random.default_rng(0)
    wrong = np.where(rng.random(1200) < 0.2, (y[:1200] + rng.integers(1, 10, 1200)) % 10, y[:1200])
    model = LogisticRegression(C=0.02, max_iter=300).fit(X[:1200], wrong)
    rows = {"X": X[:1200], "y": wrong, "X_val": X[1200:], "y_val": y[1200:]}
    diagnosis = diagnose_fit(model, **rows)
    assert diagnosis.gap_interval[1] < -0.02
    assert diagnosis.label != "unclear"
    found = find(diagnosis)
    assert {cause.code for cause in CAUSES} & found.keys() == {"training_differs"}
    assert "Check the labels of the training images" in improve(model, diagnosis, rows)
    clean = LogisticRegression(C=0.02, max_iter=300).fit(X[:1200], y[:1200])
    assert "training_differs" not in find(diagnose_fit(clean, **{**rows, "y": y[:1200]}))


def make_parity(rng, n_signs, n=2000):
    """Make clean classes that depend on the product of some signs."""
    X = rng.normal(size=(n, 8))
    return X, (np.prod(np.sign(X[:, :n_signs]), axis=1) > 0) * 1


CLAIMS = ("labels seem to", "will not help", "hilft hier nicht", "are probably wrong:")


@pytest.mark.parametrize(
    "n_signs",
    [pytest.param(3, marks=pytest.mark.slow), 4, pytest.param(7, marks=pytest.mark.slow)],
)
def test_clean_labels_of_a_shape_that_nothing_finds_are_not_called_wrong(n_signs):
    model, rows = measure(make_parity, RandomForestClassifier(30, max_depth=6), n_signs)
    causes = [found for found in diagnose_fit(model, **rows).findings if isinstance(found, CAUSES)]
    assert causes or n_signs == 3
    for cause in causes:
        for language, words in (("en", " finds"), ("de", " findet")):
            said = cause.sentence(language) + cause.remedy(language)
            assert words in said
            assert not any(claim in said for claim in CLAIMS)
        assert "A more powerful model" in cause.remedy()
        assert "network" not in cause.remedy()  # a forest has none


@pytest.mark.slow
def test_a_forest_is_compared_on_the_same_rows():
    """The lead is within the errors of two independent samples, but not of paired ones."""
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(2000, 2))
    side = (X[:, 0] > 0.5) * 1
    y = np.where(rng.random(2000) < 0.2, 1 - side, side)
    best = LogisticRegression().fit(X[:1000], y[:1000])
    right = X[1000:, 0][best.predict(X[1000:]) == y[1000:]]

    class Misses:
        """Stands for a model that is wrong in more rows than a linear one."""

        train_accuracy_, n_train_, classes_ = 0.8, 1000, np.array([0, 1])

        def __init__(self, n):
            self.n = n

        def predict(self, X):
            return best.predict(X) ^ np.isin(X[:, 0], right[: self.n])

    rows = {"X": X[:1000], "y": y[:1000], "X_val": X[1000:], "y_val": y[1000:]}
    assert "data_limit" in find(diagnose_fit(Misses(8), **rows))
    found = find(diagnose_fit(Misses(32), **rows))
    assert "data_limit" not in found
    assert found["underfitting"].evidence["linear"] - (
        diagnose_fit(Misses(32), **rows).validation_accuracy
    ) == pytest.approx(0.032, abs=0.006)


class Answers:
    """Stands for a model that answers so on held-out rows."""

    train_accuracy_, n_train_ = 0.95, 3000
    classes_ = np.array([0, 1])

    def __init__(self, predicted):
        self.predicted = predicted

    def predict(self, X):
        return self.predicted


@pytest.mark.parametrize(
    ("n_rare", "n_won", "n_lost", "as_good"),
    [
        (50, 10, 20, True),  # worse: 94% against 95%
        (50, 20, 17, True),  # better, but by chance
        (50, 40, 5, False),
        (400, 10, 12, False),  # 60 to 40: no class is that frequent
    ],
)
def test_a_model_is_compared_with_always_answering_the_most_frequent_class(
    n_rare, n_won, n_lost, as_good
):
    y = np.repeat([0, 1], [1000 - n_rare, n_rare])
    predicted = np.zeros(1000, dtype=int)
    predicted[:n_lost], predicted[1000 - n_won :] = 1, 1
    diagnosis = diagnose_fit(Answers(predicted), X_val=np.zeros((1000, 1)), y_val=y)
    found = find(diagnosis)
    assert ("as_good_as_majority" in found) == as_good
    if as_good:
        assert found["as_good_as_majority"].evidence == {
            "label": 0,
            "share": pytest.approx(0.95),
            "accuracy": pytest.approx(0.95 + (n_won - n_lost) / 1000),
        }
        assert "Always answering 0, the most frequent class, would be just as good" in (
            diagnosis.summary()
        )
        assert not any("leave it as it is" in finding.remedy() for finding in found.values())
        said = advise(analyze_errors(y, predicted), diagnosis)
        assert not any("correctly" in sentence for sentence in said.strengths)


class Network:
    """Stands for a network that was trained with dropout."""

    kept_epoch_, n_iter_ = 5, 5
    validation_accuracy_, n_validation_ = 0.9, 6000

    def __init__(self, train, running, dropout):
        self.train_accuracy_, self.dropout = train, dropout
        self.history_ = {"accuracy": [running] * 5, "val_accuracy": [0.9] * 5}

    def get_params(self, deep=True):
        return {"dropout": self.dropout, "epochs": 5}


@pytest.mark.parametrize(
    ("train", "running", "dropout", "found"),
    [(0.91, 0.5, 0.9, True), (0.91, 0.85, 0.5, False), (0.91, 0.5, 0.0, False)],
)
def test_dropout_that_hides_what_was_learned_is_too_much(train, running, dropout, found):
    diagnosis = diagnose_fit(Network(train, running, dropout))
    findings = [each for each in diagnosis.findings if each.code == "over_regularised"]
    assert bool(findings) == found
    if found:
        assert findings[0].remedy() == "Regularize less: lower dropout."
        assert findings[0].remedy("de") == (
            "Regularisieren Sie schwächer. Sie können den Dropout senken."
        )


# --- the rows that are given


def test_held_out_rows_replace_the_validation_rows_of_a_network():
    X, y = make_linear(np.random.default_rng(0))
    network = LogisticRegression().fit(X[:1000], y[:1000])
    network.train_accuracy_, network.validation_accuracy_ = 0.99, 0.98
    network.n_train_, network.n_validation_ = 1000, 100
    kept = diagnose_fit(network)
    assert (kept.validation_accuracy, kept.n_validation) == (0.98, 100)
    measured = diagnose_fit(network, X_val=X[1000:1400], y_val=1 - y[1000:1400])
    assert (measured.n_validation, measured.train_accuracy) == (400, 0.99)
    assert measured.validation_accuracy < 0.1
    assert measured.validation_loss > 2
    assert measured.label == "overfitting"
