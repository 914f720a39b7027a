"""`skmnist show`: what a saved network is, also if its file was made to deceive."""

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline, make_pipeline

from skmnist import DigitCropper, DigitReader, PixelNormalizer, SimpleNNClassifier, save_model
from skmnist.cli import main
from skmnist.cli._show import _translate
from skmnist.persistence._model_file import FORMAT, digest_content
from skmnist.reading import load_reader
from skmnist.text import get_catalogue, get_languages


@pytest.fixture
def show(capsys):
    """Return a function that returns the status and the words of `skmnist show`."""

    def show(*arguments):
        status = main(["show", *map(str, arguments)])
        out, err = capsys.readouterr()
        assert all(line == "" or len(line) <= 80 for line in out.splitlines())
        return status, " ".join((out + err).split())

    return show


@pytest.fixture(scope="module")
def pipeline():
    X, y = load_digits(return_X_y=True)
    network = SimpleNNClassifier(16, epochs=2, learning_rate=0.01, random_state=0, verbose=1)
    return make_pipeline(PixelNormalizer(16), network).fit(X.reshape(-1, 8, 8), y)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.skmnist"


def test_the_bundled_reader_is_shown_without_a_file(show):
    status, text = show()
    assert status == 0
    reader = load_reader()
    network = reader.estimator_[-1]
    for sentence in reader.promise().sentences():
        assert sentence in text
    for fact in (
        "DeepNNClassifier(augmentation='digits', batch_size=256,",
        "784 - 512 - 256 - 128 - 10 (input, hidden layers, output)",
        "567,434",
        "2.54 MB",
        "10: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9",
        reader.notes_["trained_on"],
        f"{network.n_train_:,}, all of them for training",
        f"{network.n_iter_}; the weights of epoch {network.kept_epoch_} were kept",
        f"training accuracy {network.train_accuracy_:.2%} of 10,000 images",
        f"MNIST test accuracy {reader.notes_['mnist_test_accuracy']:.2%}",
        f"wrong among accepted {reader.notes_['error_among_accepted']:.2%}",
        "Weights under CC BY-SA 3.0",
        "saved with skmnist",
        "unlike those used for calibration: the error rate does not hold for them",
    ):
        assert fact in text
    assert "verbose" not in text
    assert "Nobody has checked" not in text


def test_german_has_no_english_rest(show):
    status, text = show("--lang", "de")
    assert status == 0
    for key in ("name", "trained_on", "calibrated_on", "reported_on", "limits", "licence"):
        english = load_reader().notes_[key]
        # the catalogues have to follow a new reader
        assert english == get_catalogue("en").phrases[f"card.known.{key}"]
        assert english not in text
        assert get_catalogue("de").phrases[f"card.known.{key}"] in text
    accuracy = f"{load_reader().estimator_[-1].train_accuracy_:.2%}".replace(".", ",")
    assert f"Trainingsgenauigkeit {accuracy[:-1]} % von 10.000 Bildern" in text


@pytest.mark.slow
def test_a_pipeline_says_what_it_cannot_do(show, pipeline, file):
    save_model(pipeline, file)
    status, text = show(file)
    assert status == 0
    for fact in (
        "PixelNormalizer(max_value=16)",
        "SimpleNNClassifier(epochs=2, hidden_units=16, learning_rate=0.01, random_state=0)",
        "64 - 16 - 10 (input",
        "8 x 8 pixels, from 0 to 16 (full ink)",
        "1,617 for training, 180 for monitoring (validation)",
        "The file does not say which data it was trained on.",
        "The file contains no result on test images",
        "It is not a reader",
        "one of its 10 answers even for a letter",
        "Scans and photos",
    ):
        assert fact in text
    assert "Nobody has checked" not in text


def test_notes_are_shown_where_they_belong(show, pipeline, file):
    notes = {
        "name": "Eights",
        "trained_on": "43 people",
        "test_accuracy": 0.925,
        "limits": "Not for cheques.",
        "licence": "CC0 1.0",
        "colour of the paper": "white",
        "pages": 1234,
    }
    save_model(pipeline, file, notes=notes)
    _, text = show(file)
    order = (
        "Eights",
        "What it is",
        "data 43 people",
        "test accuracy 92.50%",
        "Its limits",
        "Not for cheques.",
        "licence CC0 1.0",
        "Further notes",
        "colour of the paper white",
        "pages 1,234",
        "Nobody has checked them.",
    )
    places = [text.index(fact) for fact in order]
    assert places == sorted(places)
    assert "does not say" not in text.replace("does not say when", "")


def test_preparation_alone_and_an_untrained_network(show, file):
    X, y = load_digits(return_X_y=True)
    save_model(PixelNormalizer(16).fit(X), file, notes={"data": "UCI"})
    status, text = show(file)
    assert status == 0
    assert "only prepares images" in text
    assert "Further notes data UCI" in text
    save_model(Pipeline([("nothing", None)]), file)
    assert show(file)[0] == 0
    assert "Its limits" not in text
    untrained = SimpleNNClassifier(4, epochs=0, random_state=0).fit(X[:, :63] / 16, y)
    save_model(untrained, file)
    status, text = show(file)
    assert status == 0
    assert "none; the network is untrained" in text
    assert "Anything: it has not been trained." in text
    assert "63 values per image" in text


@pytest.mark.slow
def test_a_reader_without_calibration_and_one_without_a_promise(show, file):
    images = np.pad(load_digits().images * 15, ((0, 0), (4, 4), (4, 4)))  # paper around them
    y = load_digits().target
    network = SimpleNNClassifier(16, epochs=2, random_state=0)
    model = make_pipeline(DigitCropper(size=8, box=6), PixelNormalizer(), network)
    model.fit(images[:300], y[:300])
    reader = DigitReader(FrozenEstimator(model), max_error=0.02).fit(images[:300], y[:300])
    save_model(reader, file)
    status, text = show(file)
    assert status == 0
    assert "DigitReader(max_error=0.02) DigitCropper(box=6, size=8)" in text
    assert "each digit is scaled to 8 x 8 pixels" in text
    assert "It is not calibrated" in text
    reader.calibrate(images[300:350], y[300:350])
    save_model(reader, file)
    _, text = show(file)
    assert "No error rate is guaranteed: " in text
    assert "Use without a complete manual check" in text


def test_many_and_long_classes_are_cut(show, file):
    X, y = np.eye(64)[np.arange(128) // 2], [f"{n // 2:02}{'x' * 5000}" for n in range(128)]
    save_model(SimpleNNClassifier(2, epochs=0).fit(X, y), file)
    _, text = show(file)
    assert "64: 00xxx" in text
    assert "and 38 more" in text
    assert len(text) < 4000


def rewrite(file, edit):
    """Let `edit` change the document of a file, and correct its checksum."""
    with safe_open(file, framework="numpy") as opened:
        document = json.loads(opened.metadata()[FORMAT])
    tensors = load_file(file)
    edit(document)
    del document["sha256"]
    document["sha256"] = digest_content(document, tensors)
    save_file(tensors, file, {FORMAT: json.dumps(document)})


def test_hostile_notes_are_shown_harmlessly(show, pipeline, file):
    notes = {
        "name": "\x1b[2J[bold]Safe[/bold]\nHow reliable it is",
        "trained_on": "x" * 500_000,
        "test_accuracy": int("9" * 4000),
        "accuracy": float("nan"),
        "limits": 0,
        "licence": "\u202eCC0",
        "k" * 10_000: "\ud800",
        **{f"note {n}": n for n in range(1000)},
    }
    save_model(pipeline, file, notes=notes)
    status, text = show(file)
    assert status == 0
    assert text.startswith(r"\x1b[2J[bold]Safe[/bold] How reliable it is ─")
    assert r"licence \u202eCC0" in text
    assert "and 961 more" in text
    assert len(text) < 10_000
    assert "\x1b" not in text


@pytest.mark.parametrize(
    "changes",
    [
        {"n_iter_": int("9" * 4000), "kept_epoch_": int("9" * 4000)},
        {"train_accuracy_": int("9" * 4000), "validation_accuracy_": {"float": "nan"}},
        {"n_train_": int("9" * 4000)},
    ],
)
def test_figures_that_cannot_be_true_do_no_harm(show, pipeline, file, changes):
    save_model(pipeline, file)
    rewrite(file, lambda d: d["model"]["steps"][1][1]["attributes"].update(changes))
    status, text = show(file)
    assert status == 0
    assert len(text) < 8000


def test_a_promise_that_cannot_be_computed_is_an_error(show, file, capsys):
    X, y = load_digits(return_X_y=True)
    model = SimpleNNClassifier(2, epochs=0).fit(X / 16, y)
    reader = DigitReader(FrozenEstimator(model)).fit(X[:20] / 16, y[:20]).calibrate(X / 16, y)
    save_model(reader, file)
    rewrite(file, lambda d: d["model"]["parameters"].update(n_digits=int("9" * 4000)))
    status, text = show(file)
    assert status == 1
    assert text.startswith(f"Error: {file}: ")
    assert "Name an undamaged file" in text


def test_errors_are_one_line_that_says_what_to_do(tmp_path, show):
    page = tmp_path / "page.html"
    page.write_text("<html>")
    for name, problem in (
        (
            page,
            "not a file written by save_model. Name an undamaged file written by skmnist compare",
        ),
        (tmp_path / "missing", "there is no such file"),
        (tmp_path, "is a folder; name the file of a saved network"),
    ):
        status, text = show(name)
        assert status == 1
        assert text.startswith("Error: ")
        assert problem in text
    status, text = show(page, "--lang", "de")
    assert text.startswith(f"Fehler: {page}: keine Datei von save_model. Nennen Sie eine unbesch")
    assert main(["show", "a", "b"]) == 2


def test_other_versions_are_shown(show, pipeline, file):
    save_model(pipeline, file)
    rewrite(file, lambda d: d["versions"].update({"scikit-learn": "0.1"}))
    _, text = show(file)
    assert "scikit-learn 0.1 (here " in text


def test_the_name_of_bundled_data_is_in_the_language_of_the_reader():
    german = get_catalogue("de")("data.bundled")
    for language in get_languages():
        say = get_catalogue(language)
        assert _translate(german, say) == say("data.bundled")
    assert _translate("my data", get_catalogue("de")) == "my data"
