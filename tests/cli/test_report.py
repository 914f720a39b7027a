"""`skmnist compare --report`, as its user sees it."""

import html5lib
import numpy as np
import pytest
from sklearn.datasets import load_digits

from skmnist.cli import main


@pytest.fixture
def options(tmp_path):
    X, y = load_digits(return_X_y=True)
    X = X.reshape(-1, 8, 8)
    path = tmp_path / "Meine <Ziffern>.npz"
    np.savez(path, x_train=X[:300], y_train=y[:300], x_test=X[300:400], y_test=y[300:400])
    return ["compare", "--data", str(path), "--epochs", "20"]


@pytest.mark.slow
def test_page_is_written_in_the_language_of_the_output(options, tmp_path, capsys):
    out = tmp_path / "out.html"
    assert main([*options, "--report", str(out), "--lang", "de"]) == 0
    page = out.read_text(encoding="utf-8")
    html5lib.HTMLParser(strict=True).parse(page)
    assert '<html lang="de">' in page
    assert "<h1>Empfehlung: " in page
    assert "Meine &lt;Ziffern&gt;.npz" in page
    assert "--epochs 20 --batch-size 128 " in page
    assert "--seed 0" in page
    assert "SHA-256 der Trainingsdaten: <code>" in page
    assert str(out) in "".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("old.html", "already exists; add --force to overwrite it"),
        ("no/out.html", "the folder {folder} does not exist"),
        (".", "is a folder; a file is expected"),
        ("out.json", "is also the file given with --json; name two different files"),
    ],
)
def test_file_that_cannot_be_written_is_told_before_training(
    options, tmp_path, capsys, do_at, name, rule
):
    do_at("begin", "NN", lambda: pytest.fail("trained"))
    (tmp_path / "old.html").write_text("precious")
    path = tmp_path / name
    assert main([*options, "--json", str(tmp_path / "out.json"), "--report", str(path)]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"Error: --report {path}: {rule.format(folder=path.parent)}\n")
    assert (tmp_path / "old.html").read_text() == "precious"


@pytest.mark.slow
def test_force_overwrites(options, tmp_path):
    out = tmp_path / "out.html"
    out.write_text("old")
    options[-1] = "0"
    assert main([*options, "--report", str(out), "--force"]) == 0
    assert "<h1>Model comparison</h1>" in out.read_text(encoding="utf-8")


def test_what_was_finished_is_on_the_page_of_an_interrupted_run(options, tmp_path, do_at):
    def interrupt():
        raise KeyboardInterrupt

    do_at("begin", "DNN", interrupt)
    options[-1] = "0"
    assert main([*options, "--report", str(tmp_path / "out.html")]) == 130
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "The run ended early" in page
    assert "SimpleNNClassifier" in page
    assert "DeepNNClassifier" not in page
