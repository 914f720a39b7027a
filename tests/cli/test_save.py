"""`skmnist compare --save`: the recommended network as a reader."""

import re

import numpy as np
import pytest

from skmnist import load_mnist, load_model, load_swiss_digits
from skmnist.cli import main
from tests.cli.test_compare import interrupt_now


@pytest.mark.slow
def test_the_recommended_network_is_saved_with_its_promise_and_notes(small, tmp_path, capsys):
    file = tmp_path / "digits.skmnist"
    assert main(["compare", "--data", str(small), "--epochs", "2", "--save", str(file)]) == 0
    out = capsys.readouterr().out
    recommended = re.search(r"Recommendation: (D?NN)", out)[1]
    assert "No error rate is guaranteed: 97 digits are too few for calibration." in " ".join(
        out.split()
    )
    assert (
        "Of the 100 test images, the 3 that look least like digits are not counted here"
        in " ".join(out.split())
    )
    assert "This error rate, 0.50%, is the reader's default." in " ".join(out.split())
    assert "skmnist read IMAGE --model" in " ".join(out.split())
    reader = load_model(file)
    hidden = {"NN": 1, "DNN": 3}[recommended]
    assert len(reader.estimator_[-1].coefs_) == hidden + 1
    assert reader.notes_["network"] == recommended
    assert (reader.notes_["n_train"], reader.notes_["n_test"]) == (300, 100)
    assert "the test images" in reader.notes_["calibrated_on"]
    assert reader.notes_["elsewhere"] == "swiss_digits"
    swiss = load_swiss_digits()  # read by the saved network, not by the average of three starts
    assert reader.notes_["elsewhere_accuracy"] == np.mean(
        reader.predict(swiss.data) == swiss.target
    )
    assert main(["show", str(file), "--lang", "de"]) == 0
    card = " ".join(capsys.readouterr().out.split())
    assert "kalibriert mit den Testbildern, nach denen auch das Netz ausgewählt wurde" in card
    assert "andere Daten Ziffern anderer Menschen (14 Schreiber aus der Schweiz)" in card
    assert reader.notes_["command"].startswith("skmnist compare --data")
    assert "--allowed-error" not in reader.notes_["command"]  # would change the reader
    assert len(reader.calibration_["correct"]) == 100
    accuracy = float(np.mean(reader.calibration_["correct"]))
    assert accuracy == reader.notes_["test_accuracy"]
    images = load_mnist(n_train=20, n_test=10).X_train
    assert len(reader.read_digits(255 - images)) == 20


@pytest.mark.slow
def test_the_saved_network_is_calibrated_to_the_error_rate_that_was_given(small, tmp_path, capsys):
    file = tmp_path / "digits.skmnist"
    options = ["--epochs", "0", "--elsewhere", "none", "--save", str(file)]
    assert main(["compare", "--data", str(small), *options, "--allowed-error", "0.2"]) == 0
    reader = load_model(file)
    assert reader.max_error == 0.2
    assert "--allowed-error 0.2" in reader.notes_["command"]
    assert "is the reader's default" not in " ".join(capsys.readouterr().out.split())


def test_an_existing_file_is_kept_and_an_interrupted_run_saves_nothing(
    small, tmp_path, capsys, do_at
):
    file = tmp_path / "digits.skmnist"
    file.write_text("precious")
    options = ["compare", "--data", str(small), "--epochs", "1", "--save", str(file)]
    assert main(options) == 2
    assert "--save" in capsys.readouterr().err
    do_at("end", "NN", interrupt_now)
    assert main([*options, "--force"]) == 130
    assert file.read_text() == "precious"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X[:, :20], "20 x 28 pixels, but only networks for square images"),
        (lambda X: 255 - X, "dark on light; train with inverted images"),
    ],
)
def test_a_network_that_cannot_read_scans_is_not_saved(tmp_path, capsys, change, message):
    data = load_mnist(n_train=100, n_test=50, random_state=0)
    arrays = {name: data[name] for name in ("y_train", "y_test")}
    arrays |= {name: change(data[name]) for name in ("X_train", "X_test")}
    np.savez(tmp_path / "digits.npz", **arrays)
    file = tmp_path / "digits.skmnist"
    source = str(tmp_path / "digits.npz")
    assert main(["compare", "--data", source, "--epochs", "0", "--save", str(file)]) == 1
    assert message in " ".join(capsys.readouterr().err.split())
    assert not file.exists()
