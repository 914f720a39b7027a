"""`skmnist tune`, as its user sees it."""

import json
import re

import numpy as np
import pytest

import skmnist
from skmnist.cli import _tune, main
from skmnist.model_selection._storage import open_storage
from skmnist.persistence import load_card
from tests.terminal import interrupt, needs_a_terminal, needs_signals, show_on_a_terminal

QUICK = ["tune", "--train-size", "300", "--n-trials", "3", "--epochs", "2", "--folds", "2"]


def options_for(data, *more):
    return ["tune", "--data", str(data), "--n-trials", "2", "--epochs", "1", "--folds", "2", *more]


@pytest.mark.slow
def test_a_search_ends_with_a_network_that_was_tested_once_and_saved(tmp_path, capsys):
    path, document = tmp_path / "digits.skmnist", tmp_path / "out.json"
    assert main([*QUICK, "--save", str(path), "--json", str(document)]) == 0
    out, err = capsys.readouterr()
    words = " ".join(out.split())
    for part in (
        "Training data: (300, 28, 28)",
        "Trials: 3, each on 2 folds of the training images with up to 2 epochs.",
        "Best hyperparameters",
        "Step size of the updates",
        "Which hyperparameters mattered",
        "Finished trials: ",
        "Folds: 2. Fit: ",
        "The fold with the median gap: ",
        "NN with the best hyperparameters",
        "Training images: 300; held out to monitor the fit: 0.",
        "The search has not seen the 10,000 test images.",
        "Analysis: NN",
        "NN: test accuracy ",
        "Next step: ",
    ):
        assert part in words, part
    assert re.search(r"Trials: \d finished, \d stopped early, 0 failed", words)
    assert f'skmnist.load_model("{path}")' in out.replace("\n", "")
    notes = load_card(path).notes
    assert (notes["network"], notes["n_trials"], notes["n_test"]) == ("NN", 3, 10_000)
    assert f"NN: test accuracy {100 * notes['test_accuracy']:.2f}" in words
    assert len(re.findall(r"^[123]/3 \| trial [012]: ", err, re.M)) == 3
    assert max(map(len, (out + err).replace(str(path), "").splitlines())) <= 80

    model = skmnist.load_model(path)
    X_test, y_test = skmnist.load_mnist().X_test, skmnist.load_mnist().y_test
    accuracy = (model.predict(X_test) == y_test).mean()
    assert f"NN: test accuracy {accuracy:.2%}" in out
    found = json.loads(document.read_text(encoding="utf-8"))
    assert found["schema"] == "skmnist.tune/1"
    assert found["model"]["errors"]["accuracy"] == pytest.approx(accuracy)
    assert [trial["state"] for trial in found["trials"]].count("COMPLETE") >= 1
    assert set(found["best_params"]) == set(found["trials"][0]["params"])
    best = found["trials"][0]
    assert best["score"] == pytest.approx(found["best_score"])
    assert model[-1].get_params()["dropout"] == pytest.approx(found["best_params"]["dropout"])


@pytest.mark.slow
def test_the_search_never_sees_the_test_images(small, tmp_path, capsys):
    arrays = dict(np.load(small))
    arrays["y_test"] = arrays["y_test"][::-1]  # what a search would learn from them is nonsense
    other = tmp_path / "other.npz"
    np.savez(other, **arrays)
    found = []
    for path in (small, other):
        document = tmp_path / f"{path.stem}.json"
        assert main(options_for(path, "--json", str(document))) == 0
        found.append(json.loads(document.read_text(encoding="utf-8")))
    capsys.readouterr()
    for part in ("best_params", "best_score", "refit_epochs", "trials", "folds"):
        assert found[0][part] == found[1][part]
    accuracies = [each["model"]["errors"]["accuracy"] for each in found]
    assert accuracies[0] != accuracies[1]


@pytest.mark.slow
def test_german_is_german_for_the_deep_network(small, capsys):
    assert main(options_for(small, "--model", "deep", "--lang", "de")) == 0
    out, err = capsys.readouterr()
    words = " ".join(out.split())
    for part in (
        "Suche: DNN",
        "Beste Hyperparameter",
        "Neuronen der verborgenen Schichten",
        "Fit des besten Netzes",
        "DNN mit den besten Hyperparametern",
        "Um es zu speichern, ergänzen Sie --save digits.skmnist.",
        "Nächster Schritt: ",
    ):
        assert part in words, part
    assert re.search(r"^1/2 \| Versuch 0: 0,\d{4} \| bester ", err, re.M)
    for english in ("trial", "Best hyperparameters", "images", "finished"):
        assert english not in out


@pytest.mark.slow
def test_the_same_command_goes_on_where_a_storage_is(small, tmp_path, capsys):
    storage = tmp_path / "search.db"
    options = options_for(small, "--storage", str(storage))
    assert main(options) == 0
    capsys.readouterr()
    options[options.index("--n-trials") + 1] = "3"
    assert main(options) == 0
    out, err = capsys.readouterr()
    assert [line.split(" |")[0] for line in err.splitlines() if "| trial" in line] == ["3/3"]
    words = " ".join(out.split())
    assert "the network has learned too little. If the labels and images are fine, let it" in words
    assert "learn longer with --epochs 2." in words


@pytest.mark.slow
@pytest.mark.parametrize(("saved", "more"), [(False, ""), (True, " --force")])
def test_the_next_step_is_a_command_that_works(saved, more, tmp_path, capsys):
    options = ["tune", "--train-size", "600", "--n-trials", "1", "--epochs", "8", "--folds", "2"]
    options += ["--storage", str(tmp_path / "search.db")]
    if saved:
        options += ["--save", str(tmp_path / "digits.skmnist")]
    assert main(options) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert f"The same command with --n-trials 50{more} continues from here." in words


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("--model deeq", "Error: --model deeq: must be one of simple, deep; did you mean deep?"),
        ("--n-trials 0", "Error: --n-trials 0: must be a whole number, 1 or more"),
        ("--timeout 0", "Error: --timeout 0: must be a number above 0"),
        ("--timeout inf", "Error: --timeout inf: must be a number above 0"),
        ("--folds 1", "Error: --folds 1: must be a whole number, 2 or more"),
        ("--jobs 0", "Error: --jobs 0: must be a whole number, 1 or more"),
        ("--epochs 0", "Error: --epochs 0: must be a whole number, 1 or more"),
        ("--train-size 0", "Error: --train-size 0: must be a whole number, 1 or more"),
        (
            "--train-size 30 --folds 9",
            "Error: --folds 9: must be a whole number from 2 to 3 (the number of "
            "training images of the rarest class)",
        ),
        ("--save .", "Error: --save .: is a folder; a file is expected"),
        (
            "--save /no/such/folder/x.skmnist",
            "Error: --save /no/such/folder/x.skmnist: the folder /no/such/folder does not exist",
        ),
        (
            "--save x.skmnist --json ./x.skmnist",
            "Error: --json x.skmnist: is also the file given with --save; name two different files",
        ),
        (
            "--save x.db --storage ./x.db --force",
            "Error: --save x.db: is also the file given with --storage; name two different files",
        ),
        ("--data nix.npz --lang de", "Fehler: --data nix.npz: Die Datei gibt es nicht (erwartet: "),
        ("--jobs 0 --lang de", "Fehler: --jobs 0: muss eine ganze Zahl ab 1 sein"),
    ],
)
def test_wrong_usage_is_told_in_one_line(arguments, line, capsys):
    assert main(["tune", *arguments.split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(line)
    assert len(err.splitlines()) == 1


def test_a_storage_that_fails_meanwhile_is_a_failed_run_and_no_wrong_usage(
    small, tmp_path, capsys, monkeypatch
):
    path = tmp_path / "study.db"

    def damage(search, X, y):
        search.study_ = None  # the search has begun
        path.write_bytes(b"something else" * 100)
        open_storage(path)

    monkeypatch.setattr(_tune.OptunaSearchCV, "fit", damage)
    assert main(options_for(small, "--storage", str(path))) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"Error: --storage: '{path}' cannot be ")
    assert line.endswith("The file is damaged: restore a copy of it, or pass another storage.")


def test_an_existing_model_is_not_overwritten_unless_forced(small, tmp_path, capsys, monkeypatch):
    path = tmp_path / "digits.skmnist"
    path.write_text("precious")
    asked = []
    monkeypatch.setattr(_tune, "tune_network", lambda *arguments, **_: asked.append(arguments) or 0)
    assert main(options_for(small, "--save", str(path))) == 2
    assert "already exists; add --force" in capsys.readouterr().err
    assert (path.read_text(), asked) == ("precious", [])
    assert main(options_for(small, "--save", str(path), "--force")) == 0
    assert len(asked) == 1


def test_help_tells_the_defaults(capsys):
    assert main(["tune", "--help"]) == 0
    out = capsys.readouterr().out
    assert "[default: 20]" in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.slow
@needs_signals
@pytest.mark.parametrize("stored", [False, True], ids=["in memory", "in a file"])
def test_ctrl_c_shows_the_trials_that_were_finished(small, tmp_path, stored):
    options = ["--data", small, "--folds", "2", "--n-trials", "1000", "--epochs", "3"]
    if stored:
        options += ["--storage", tmp_path / "search.db"]
    status, out, err = interrupt("tune", *options, after="3/1000")
    assert status == 130
    assert re.search(r"Trials: \d+ finished, \d+ stopped early, 0 failed", out)
    assert "test accuracy" not in out
    told = "Interrupted. Everything finished by then is shown above."
    assert err.splitlines()[-1] == told + (" The same command continues from there." * stored)
    assert "Traceback" not in err


@pytest.mark.slow
@needs_a_terminal
def test_on_a_terminal_the_running_trial_is_shown(small):
    options = options_for(small, "--n-trials", "6")
    options[options.index("--epochs") + 1] = "40"
    text = show_on_a_terminal("-m", "skmnist", *options)
    assert re.search(r"Trials \d/6 ━+", text)
    assert re.search(r"trial \d: fold \d/2, epoch \d+/40, 0\.\d{4}", text)
