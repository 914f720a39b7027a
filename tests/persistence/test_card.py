"""Notes are saved with a model, and are untrusted when they are loaded."""

import numpy as np
import pytest

from skmnist import PixelNormalizer, load_model, save_model
from skmnist.persistence import ModelFileError, load_card
from tests.persistence.test_load import change


def test_notes_of_every_kind_come_back_beside_the_model(pipeline, digits, tmp_path):
    notes = {
        "trained_on": "8 x 8 images\nof 43 people \x1b[31m",
        "test_accuracy": np.float64(0.9),
        "n_test": np.int64(360),
        "checked": True,
        "loss": float("nan"),
    }
    file = tmp_path / "model.skmnist"
    save_model(pipeline, file, notes=notes)
    card = load_card(file)
    np.testing.assert_equal(card.notes, notes)
    assert type(card.notes["n_test"]) is int
    assert card.n_bytes == file.stat().st_size
    assert card.versions["numpy"] == np.__version__
    np.testing.assert_array_equal(
        card.model.predict_proba(digits[0]), load_model(file).predict_proba(digits[0])
    )


def test_a_model_without_notes_has_none(file):
    assert load_card(file).notes == {}


@pytest.mark.parametrize("notes", [{"a": None}, {"a": [1]}, {"a": {"b": 1}}, {1: "a"}, "MNIST"])
def test_notes_that_are_not_plain_raise_with_an_example(tmp_path, notes):
    model = PixelNormalizer(1).fit(np.eye(4))
    with pytest.raises(ModelFileError, match=r"notes.*'trained_on': 'MNIST'"):
        save_model(model, tmp_path / "model", notes=notes)
    assert not list(tmp_path.iterdir())


HOSTILE = {
    "nothing": None,
    "text": "licence",
    "a dict": {"licence": "CC0"},
    "a list in it": [["licence", ["CC0"]]],
    "a number as key": [[1, "CC0"]],
    "three parts": [["licence", "CC0", "?"]],
    "too many": [[str(n), 1] for n in range(5000)],
    "an array": [["licence", {"array": "model.nn.classes_"}]],
}


@pytest.mark.parametrize("notes", HOSTILE.values(), ids=HOSTILE)
def test_hostile_notes_are_rejected(file, notes):
    @change(file)
    def _(document, tensors):
        document["notes"] = notes

    for load in (load_card, load_model):
        with pytest.raises(ModelFileError, match=r"model\.skmnist: .{10,}"):
            load(file)


def test_changed_notes_are_noticed(pipeline, tmp_path):
    file = tmp_path / "model.skmnist"
    save_model(pipeline, file, notes={"test_accuracy": 0.81})
    file.write_bytes(file.read_bytes().replace(b"0.81", b"0.99"))
    with pytest.raises(ModelFileError, match="damaged"):
        load_card(file)
