"""The command line, as its user sees it."""

import inspect
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from functools import partial

import numpy as np
import pytest

import skmnist
from skmnist.cli import OPTIMIZERS, main

QUICK = ["compare", "--train-size", "300", "--epochs", "2"]


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Write the first rows of MNIST as an archive of one's own."""
    data = skmnist.load_mnist(n_train=300, n_test=100, random_state=0)
    path = tmp_path_factory.mktemp("data") / "Meine Ziffern.npz"
    np.savez(
        path, x_train=data.X_train, y_train=data.y_train, x_test=data.X_test, y_test=data.y_test
    )
    return path


def test_the_main_job_ends_in_a_recommendation(capsys):
    assert main(QUICK) == 0
    out, err = capsys.readouterr()
    for part in (
        "Training data: (300, 28, 28)",
        "Test data:     (10000, 28, 28)",
        "NN: trained in ",
        "epochs: 2; kept",
        "Analysis: DNN",
        "Weakest classes by F1",
        "Most frequent confusions",
        "DNN: confusion matrix",
        "101,770",
        "567,434",
        "Recommendation: ",
        "Take ",
        "The same test images ranked the two",
    ):
        assert part in out
    assert out.count("Precision: how often") == 1
    assert err.splitlines()[0].startswith("Loading tensorflow")
    assert [line.split(" |")[0] for line in err.splitlines()[1:]] == [
        "NN 1/2",
        "NN 2/2",
        "DNN 1/2",
        "DNN 2/2",
    ]
    assert max(map(len, (out + err).splitlines())) <= 80


def test_german_is_german_with_german_numbers(capsys):
    assert main([*QUICK, "--lang", "de"]) == 0
    out, err = capsys.readouterr()
    for part in ("Trainingsdaten: (300, 28, 28)", "Empfehlung: ", "101.770", "Häufigste"):
        assert part in out
    assert "Rest ~" in err
    for english in ("training", "Recommendation", "accuracy"):
        assert english not in out.replace("Training:", "")
    assert max(map(len, (out + err).splitlines())) <= 80


def test_the_locale_decides_where_nothing_is_said(capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert main(["compare", "--help"]) == 0
    assert "Schrittweite der Aktualisierungen" in capsys.readouterr().out


def test_own_data_and_json(small, tmp_path, capsys):
    out = tmp_path / "out.json"
    options = ["--data", str(small), "--epochs", "1", "--json", str(out), "--seed", "3"]
    assert main(["compare", *options]) == 0
    assert str(small) in capsys.readouterr().out.replace("\n", "")
    document = json.loads(out.read_text(encoding="utf-8"))
    assert document["schema"] == "skmnist.compare/1"
    assert document["settings"]["random_state"] == 3
    assert [model["name"] for model in document["models"]] == ["NN", "DNN"]
    assert document["models"][0]["errors"]["n_test"] == 100
    assert document["recommendation"]["model"] in {"NN", "DNN"}
    assert set(document["recommendation"]["reason"]) == {"en", "de"}
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_no_epochs_mean_no_training_and_no_tensorflow(small, capsys):
    assert main(["compare", "--data", str(small), "--epochs", "0"]) == 0
    out, err = capsys.readouterr()
    assert "NN: not trained (0 epochs)." in out
    assert "it guesses" in out
    assert "No recommendation" in out
    assert err == ""


def test_class_names_are_text_and_never_markup(tmp_path, capsys):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (60, 4, 4), dtype=np.uint8)
    y = np.array(["[/red]", "[bold]x", "{y}"] * 20)
    np.savez(tmp_path / "a.npz", x_train=X, y_train=y, x_test=X, y_test=y)
    assert main(["compare", "--data", str(tmp_path / "a.npz"), "--epochs", "1"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("[/red]", "[bold]x", "{y}"))
    assert "60 of the 60 test images (100.0%) also occur among the training" in " ".join(
        out.split()
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("--epochs -1", "Error: --epochs -1: must be a whole number, 0 or more"),
        ("--train-size 0", "Error: --train-size 0: must be a whole number, 1 or more"),
        ("--json .", "Error: --json .: is a folder, expected a file"),
        ("--epochs many", "Error: --epochs many: must be a whole number, 0 or more"),
        ("--batch-size 0", "Error: --batch-size 0: must be a whole number, 1 or more"),
        ("--dropout 1.5", "Error: --dropout 1.5: must be a number from 0 to below 1"),
        ("--l2 -1", "Error: --l2 -1: must be a number, 0 or more"),
        ("--l2 nan", "Error: --l2 nan: must be a number, 0 or more"),
        ("--learning-rate 0", "Error: --learning-rate 0: must be a number above 0"),
        ("--patience 0", "Error: --patience 0: must be a whole number, 1 or more"),
        ("--seed -1", "Error: --seed -1: must be a whole number from 0 to 4294967295"),
        (
            "--optimizer adamm",
            "Error: --optimizer adamm: must be one of adam, adamw, nadam, rmsprop, sgd; "
            "did you mean adam?",
        ),
        ("--lang fr", "Error: --lang fr: must be one of en, de"),
        (
            "--data nix.npz",
            "Error: --data nix.npz: there is no such file (expected: mnist, cloud, or a file or "
            "folder with digits)",
        ),
        (
            "--data mnits",
            "Error: --data mnits: there is no such file (expected: mnist, cloud, or a file or "
            "folder with digits); did you mean mnist?",
        ),
        (
            "--train-size 5",
            "Error: --train-size 5: must be a whole number from 20 (two images per class) to 60000 "
            "(all of them)",
        ),
        (
            "--json /no/such/folder/x.json",
            "Error: --json /no/such/folder/x.json: cannot be written: No such file or directory",
        ),
        (
            "--lang de --epochs -1",
            "Fehler: --epochs -1: muss eine ganze Zahl ab 0 sein",
        ),
    ],
)
def test_wrong_usage_is_told_in_one_line(arguments, line, capsys):
    assert main(["compare", *arguments.split()]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", line + "\n")


def test_a_misspelt_option_is_told_with_the_right_one(capsys):
    assert main(["compare", "--epoch", "3"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(r"--epoch\b.*--epochs\b", line)


def test_an_existing_file_is_not_overwritten_unless_forced(small, tmp_path, capsys):
    out = tmp_path / "out.json"
    out.write_text("precious")
    options = ["compare", "--data", str(small), "--epochs", "0", "--json", str(out)]
    assert main(options) == 2
    assert "exists already; add --force" in capsys.readouterr().err
    assert out.read_text() == "precious"
    assert main([*options, "--force"]) == 0
    assert json.loads(out.read_text())["models"]


def test_an_exploding_network_is_told_in_one_line(small, capsys):
    options = ["--optimizer", "sgd", "--learning-rate", "1e30", "--epochs", "3"]
    assert main(["compare", "--data", str(small), *options]) == 1
    assert "not finite in epoch 1" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["compare", "-h"]])
def test_help(arguments, capsys):
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "Usage: skmnist" in out
    assert max(map(len, out.splitlines())) <= 80


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"skmnist {skmnist.__version__}\n"


def test_defaults_and_choices_are_those_of_the_estimators(capsys):
    from skmnist.neural_network import _base

    assert _base.OPTIMIZERS == OPTIMIZERS
    main(["compare", "--help"])
    out = " ".join(capsys.readouterr().out.replace("│", " ").split())
    parameters = inspect.signature(skmnist.SimpleNNClassifier).parameters
    for name in ("epochs", "batch_size", "learning_rate", "patience", "dropout", "l2", "optimizer"):
        after = out.split(f"--{name.replace('_', '-')} ")[1]
        assert after.split("[default: ")[1].split("]")[0] == str(parameters[name].default)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_on_a_terminal_a_spinner_and_bars_turn(small):
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "skmnist", "compare", "--data", str(small), "--epochs", "2"]
    environment = {**os.environ, "LC_ALL": "C", "TERM": "xterm"}
    written = b""
    with subprocess.Popen(
        command, stderr=theirs, stdout=subprocess.DEVNULL, env=environment
    ) as process:
        os.close(theirs)
        with suppress(OSError):  # what Linux says where nobody is left to write
            while part := os.read(ours, 4096):  # more it does not give at once
                written += part
    assert process.returncode == 0
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written.decode())
    assert "Loading tensorflow" in shown
    assert "DNN 2/2 ━━━" in shown
    assert "oneDNN" not in shown


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_ctrl_c_shows_what_was_finished(small, tmp_path):
    """Interrupt in the second network: the first one's evaluation is on the screen."""
    command = [
        sys.executable,
        "-m",
        "skmnist",
        "compare",
        "--data",
        str(small),
        "--epochs",
        "100000",
    ]
    command += ["--patience", "20"]
    environment = {**os.environ, "LC_ALL": "C"}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        # a shell's background jobs, as CI may run us, ignore Ctrl-C
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as process:
        for line in process.stderr:
            if line.startswith("DNN 3/"):
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "NN: test accuracy" in out
    assert "(interrupted)" in out
    assert "Recommendation" not in out
    assert err.splitlines()[-1] == "Interrupted. What was finished is shown above."
    assert "Traceback" not in err


def test_escape_sequences_in_labels_are_text(tmp_path, capsys):
    X = np.random.default_rng(0).integers(0, 256, (60, 4, 4), dtype=np.uint8)
    y = np.array(["\x1b[2Ja", "b\nc", "d"] * 20)
    np.savez(tmp_path / "a.npz", x_train=X, y_train=y, x_test=X, y_test=y)
    assert main(["compare", "--data", str(tmp_path / "a.npz"), "--epochs", "0"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\\x1b[2Ja" in out


@pytest.mark.slow
def test_a_screen_that_cannot_show_an_arrow_gets_something_else(small):
    command = [sys.executable, "-m", "skmnist", "compare", "--data", str(small), "--epochs", "1"]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "LC_ALL": "C"}
    done = subprocess.run(command, capture_output=True, env=environment, timeout=300)
    assert done.returncode == 0
    assert b"Recommendation" in done.stdout


@pytest.mark.parametrize(
    ("highest", "max_value"), [(16, 16), (200, 255), (4095, 65535), (70000, 70000)]
)
def test_the_value_of_full_ink_is_told(tmp_path, capsys, highest, max_value):
    X = np.random.default_rng(0).integers(0, highest, (40, 4, 4), endpoint=True)
    X.flat[0] = highest
    y = np.arange(40) % 2
    np.savez(tmp_path / "a.npz", x_train=X, y_train=y, x_test=X, y_test=y)
    assert main(["compare", "--data", str(tmp_path / "a.npz"), "--epochs", "0"]) == 0
    assert f"Pixels are divided by {max_value}," in capsys.readouterr().out


def test_scaled_pixels_are_left_as_they_are(tmp_path, capsys):
    X, y = np.random.default_rng(0).random((40, 4, 4)), np.arange(40) % 2
    np.savez(tmp_path / "a.npz", x_train=X, y_train=y, x_test=X, y_test=y)
    assert main(["compare", "--data", str(tmp_path / "a.npz"), "--epochs", "0"]) == 0
    assert "Pixels lie between 0 and 1 already." in capsys.readouterr().out


def test_json_goes_through_a_link_and_never_over_the_digits(small, tmp_path, capsys):
    link, target = tmp_path / "link.json", tmp_path / "target.json"
    target.write_text("old")
    link.symlink_to(target)
    options = ["compare", "--data", str(small), "--epochs", "0", "--force", "--json"]
    assert main([*options, str(link)]) == 0
    assert link.is_symlink()
    assert json.loads(target.read_text())["models"]
    before = small.read_bytes()
    assert main([*options, str(small)]) == 2
    assert "is the file with the digits" in capsys.readouterr().err
    assert small.read_bytes() == before


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
def test_json_is_written_into_a_pipe(small, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "skmnist", "compare", "--data", str(small), "--epochs", "0"]
    with subprocess.Popen([*command, "--json", str(pipe)], stdout=subprocess.DEVNULL) as process:
        assert json.loads(pipe.read_text())["models"]
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a full device")
def test_a_full_disk_under_the_output_is_told_in_one_line(small):
    command = [sys.executable, "-m", "skmnist", "compare", "--data", str(small), "--epochs", "0"]
    environment = {**os.environ, "LC_ALL": "C"}
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=300, env=environment
        )
    assert done.returncode == 1
    assert done.stderr == "Error: cannot write: No space left on device\n"


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x_train": np.full((6, 2, 2), np.nan)}, "values from nan to nan, expected finite ones"),
        ({"x_test": -np.ones((6, 2, 2))}, "values from -1 to -1, expected finite ones from 0"),
        ({"y_train": np.zeros(6, int)}, "expected two or more in y_train"),
        ({"y_test": np.arange(6) + 50}, "some of them in y_test"),
    ],
    ids=["NaN", "negative", "one class", "other classes"],
)
def test_digits_that_cannot_be_learned_are_refused_before_anything_is_loaded(
    tmp_path, capsys, arrays, told
):
    good = {"x_train": np.ones((6, 2, 2)), "y_train": np.arange(6) % 2}
    good |= {"x_test": good["x_train"], "y_test": good["y_train"]}
    np.savez(tmp_path / "a.npz", **(good | arrays))
    assert main(["compare", "--data", str(tmp_path / "a.npz")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_a_damaged_bundle_is_told_with_file_and_both_checksums(monkeypatch, tmp_path, capsys):
    from skmnist.datasets import _mnist

    damaged = tmp_path / "mnist.npz"
    damaged.write_bytes(_mnist.BUNDLED.read_bytes()[:-1])
    monkeypatch.setattr(_mnist, "BUNDLED", damaged)
    assert main(["compare"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(damaged) in line
    assert _mnist.BUNDLED_SHA256 in line
    assert len(re.findall(r"[0-9a-f]{64}", line)) == 2


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
@pytest.mark.parametrize(
    "arguments", ["--version", pytest.param("compare --epochs 0", marks=pytest.mark.slow)]
)
def test_a_closed_standard_output_is_no_traceback(arguments):
    done = subprocess.run(
        ["sh", "-c", f"'{sys.executable}' -m skmnist {arguments} >&-"],
        stderr=subprocess.PIPE,
        text=True,
        timeout=300,
    )
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_a_link_into_nowhere_is_told_before_training(small, tmp_path, capsys):
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "no such folder" / "x.json")
    assert main(["compare", "--data", str(small), "--json", str(link)]) == 2
    out, err = capsys.readouterr()
    assert (out, "cannot be written: No such file or directory" in err) == ("", True)


# --- skmnist data, and digits of one's own


@pytest.fixture
def photos(tmp_path):
    """Make folders of dark letters on light paper, of two sizes, without a test part."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for label in ("Ä", "B"):
        for at in range(14):
            side = 20 + 4 * (at % 2)
            image = np.full((side, side), 250, np.uint8)
            image[5:15, 5:15] = rng.integers(0, 100, (10, 10))
            path = tmp_path / "Meine Fotos" / label / f"{at}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
    return tmp_path / "Meine Fotos"


def test_data_shows_the_bundled_digits(capsys):
    assert main(["data"]) == 0
    out, err = capsys.readouterr()
    assert "60,000 training and 10,000 test images of 28 x 28 pixels" in out
    assert re.search(r"1 +6,742 +11.2% +1,135 +11.3%", out)
    assert "67 of 784" in " ".join(out.split())
    assert (max(map(len, out.splitlines())) <= 80, err) == (True, "")


def test_data_shows_what_was_found_and_what_to_know_in_german(photos, capsys):
    assert main(["data", str(photos), "--lang", "de"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for part in (
        "Daten Ordner: ",
        "Auf 28 x 28 gebrachte Bilder, Seitenverhältnisse bleiben: 28",
        "Es gibt nur einen Teil: 4 seiner 28 Bilder wurden zum Testen zurückgehalten",
        "Ä 12 50,0 % 2 50,0 %",
        "Die Bilder sind dunkel auf hell",
    ):
        assert part in out


def test_data_swaps_light_and_dark(photos, capsys):
    assert main(["data", str(photos), "--invert"]) == 0
    out = capsys.readouterr().out
    assert "Light and dark were swapped" in out
    assert "dark on light" not in out


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_data_draws_a_picture(photos, tmp_path, ending, capsys):
    path = tmp_path / f"picture.{ending}"
    assert main(["data", str(photos), "--picture", str(path)]) == 0
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending]
    assert path.read_bytes().startswith(start)
    assert f"Thepictureisin{path}." in "".join(capsys.readouterr().out.split())
    assert main(["data", str(photos), "--picture", str(path)]) == 2
    assert "exists already; add --force" in capsys.readouterr().err
    assert main(["data", str(photos), "--picture", str(path), "--force"]) == 0


def test_data_unpacks_what_it_read(small, tmp_path, capsys):
    import zipfile

    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(small, "deep/digits.npz")
    out = tmp_path / "out"
    assert main(["data", str(archive), "--extract", str(out)]) == 0
    assert (out / "deep" / "digits.npz").read_bytes() == small.read_bytes()
    assert f"{out}/deep/digits.npz" in capsys.readouterr().out.replace("\n", "")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            "data nix.zip",
            "Error: data nix.zip: there is no such file (expected: mnist, cloud, or a file or "
            "folder with digits)",
        ),
        (
            "data cluod --lang de",
            "Fehler: data cluod: there is no such file (erwartet: mnist, cloud oder eine Datei "
            "oder ein Ordner mit Ziffern); meinten Sie cloud?",
        ),
        (
            "data --picture x.gif",
            "Error: --picture x.gif: must end with one of .png, .pdf, .svg",
        ),
        (
            "data --picture /no/such/folder/x.png",
            "Error: --picture /no/such/folder/x.png: cannot be written: No such file or directory",
        ),
        ("data --invert", "Error: --invert: is for digits of your own, not for mnist and cloud"),
        (
            "compare --invert",
            "Error: --invert: is for digits of your own, not for mnist and cloud",
        ),
        (
            "data mnist --extract x",
            "Error: --extract: is for digits of your own, not for mnist and cloud",
        ),
        (
            "data . --extract x",
            "Error: --extract x: is for an archive, and the digits are in a folder already",
        ),
        ("data --seed -1", "Error: --seed -1: must be a whole number from 0 to 4294967295"),
    ],
)
def test_wrong_usage_of_data_is_told_in_one_line(arguments, line, capsys):
    assert main(arguments.split()) == 2
    assert capsys.readouterr() == ("", line + "\n")


def test_a_broken_cell_is_told_with_its_place_in_one_line(tmp_path, capsys):
    path = tmp_path / "train.csv"
    path.write_text("label,pixel0,pixel1,pixel2,pixel3\n1,0,0,0,9\n7,0,0,300,0\n")
    assert main(["compare", "--data", str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "train.csv, line 3, column 4 ('pixel2'): '300' is no pixel" in line.replace(
        str(path), "train.csv"
    )


def test_the_comparison_takes_letters_in_images_of_any_size(photos, capsys):
    assert main(["compare", "--data", str(photos), "--epochs", "1", "--lang", "de"]) == 0
    out = capsys.readouterr().out
    assert "Trainingsdaten: (24, 28, 28)" in out
    assert "Daten Ordner: " in out
    assert re.search(r"Ä +\d", out)


def test_the_comparison_takes_classes_that_are_in_one_part_only(tmp_path, capsys):
    rng = np.random.default_rng(0)
    arrays = {"x_train": rng.integers(0, 256, (60, 5, 7)), "y_train": np.arange(60) % 3}
    arrays |= {"x_test": rng.integers(0, 256, (20, 5, 7)), "y_test": np.arange(20) % 4 + 1}
    np.savez(tmp_path / "a.npz", **arrays)
    assert main(["compare", "--data", str(tmp_path / "a.npz"), "--epochs", "0"]) == 0
    assert "DNN: test accuracy" in capsys.readouterr().out


def test_class_names_in_the_table_of_counts_are_text(tmp_path, capsys):
    X = np.random.default_rng(0).integers(0, 256, (60, 4, 4), dtype=np.uint8)
    y = np.array(["\x1b[2Ja", "[/red]", "{y}"] * 20)
    np.savez(tmp_path / "a.npz", x_train=X, y_train=y, x_test=X, y_test=y)
    assert main(["data", str(tmp_path / "a.npz")]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert all(name in out for name in ("\\x1b[2Ja", "[/red]", "{y}"))
