"""`skmnist read`, as its user sees it."""

import csv
import io
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from sklearn.frozen import FrozenEstimator

from skmnist import DigitReader, PixelNormalizer, SimpleNNClassifier, load_mnist, save_model
from skmnist.cli import main
from tests.cli.test_compare import interrupt_now


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Save a reader that has seen a few digits of MNIST."""
    from sklearn.pipeline import make_pipeline

    data = load_mnist(n_train=600, n_test=300, random_state=0)
    network = make_pipeline(PixelNormalizer(), SimpleNNClassifier(32, epochs=4, random_state=0))
    network.fit(data.X_train, data.y_train)
    reader = DigitReader(FrozenEstimator(network), max_error=0.2).fit(data.X_train, data.y_train)
    reader.calibrate(data.X_test, data.y_test)
    path = tmp_path_factory.mktemp("model") / "digits.skmnist"
    save_model(reader, path)
    return path


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")
    images = load_mnist(n_train=10, n_test=10, random_state=1).X_train
    for at, image in enumerate(images[:3]):
        Image.fromarray(255 - np.pad(image, 6)).save(folder / f"{at}.png")
    return folder


def test_a_folder_is_read_to_a_table_a_csv_file_and_a_review(model, scans, tmp_path, capsys):
    out, review = tmp_path / "out.csv", tmp_path / "review.html"
    options = ["--model", str(model), "--csv", str(out), "--review", str(review)]
    assert main(["read", str(scans), *options]) == 0
    shown = capsys.readouterr().out
    assert "Fields: " in shown
    assert max(map(len, shown.splitlines())) <= 80
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert [row["file"] for row in rows] == [str(scans / f"{at}.png") for at in range(3)]
    assert {row["outcome"] for row in rows} <= {"read", "unsure"}
    assert "<html" in review.read_text(encoding="utf-8")
    assert main(["read", str(scans), *options]) == 2  # the files exist
    assert "--csv" in capsys.readouterr().err
    assert main(["read", str(scans), *options, "--force", "--lang", "de"]) == 0
    assert "Felder: " in capsys.readouterr().out


def test_a_bad_file_stops_nothing(model, scans, tmp_path, capsys):
    (tmp_path / "bad.png").write_text("x")
    assert main(["read", str(tmp_path / "bad.png"), str(scans), "--model", str(model)]) == 1
    shown = capsys.readouterr()
    assert "Files that could not be read: 1." in shown.out
    assert "bad.png: is not a readable image" in shown.err
    main(["read", str(tmp_path / "bad.png"), "--model", str(model), "--lang", "de"])
    shown = capsys.readouterr()
    assert "bad.png: ist kein lesbares Bild in einem" in shown.err
    assert shown.out == ""  # rather than that no digits were found


def test_a_blank_page_has_no_digits(model, tmp_path, capsys):
    Image.new("L", (60, 60), 255).save(tmp_path / "blank.png")
    assert main(["read", str(tmp_path), "--model", str(model)]) == 0
    assert "No digits were found." in capsys.readouterr().out


def test_a_page_without_digits_has_a_row(model, scans, tmp_path, capsys):
    blank, out = Image.new("L", (60, 60), 255), tmp_path / "out.csv"
    shutil.copy(scans / "0.png", tmp_path)
    blank.save(tmp_path / "blank.png")
    blank.save(tmp_path / "pages.tif", save_all=True, append_images=[blank])
    options = ["--model", str(model), "--csv", str(out), "--lang", "de"]
    assert main(["read", str(tmp_path), *options]) == 0
    shown = capsys.readouterr().out
    assert "3 leer" in shown
    assert "NA" not in shown
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    nothing = [row for row in rows if row["reason"] == "Es wurden keine Ziffern gefunden."]
    assert len(rows) == 4
    assert [row["page"] for row in nothing] == ["1", "1", "2"]
    assert {row["outcome"] for row in nothing} == {"blank"}


def test_files_of_other_types_are_counted(model, scans, tmp_path, capsys):
    shutil.copy(scans / "0.png", tmp_path)
    for name in ("Brief.docx", ".hidden.gif", "~$Brief.docx", "notes.txt", "old.csv"):
        (tmp_path / name).write_text("x")
    command = ["read", str(tmp_path), "--model", str(model)]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "1 file of another type was not read: Brief.docx." in shown
    (tmp_path / "photo.WEBP").write_text("x")
    main([*command, "--lang", "de"])
    shown = capsys.readouterr().out
    assert "2 Dateien anderer Typen wurden nicht gelesen, zum Beispiel Brief.docx." in shown
    main(["read", str(scans), "--model", str(model)])
    assert "not read" not in capsys.readouterr().out


def test_a_killed_process_keeps_what_was_read(model, scans, tmp_path, capsys, monkeypatch):
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    from skmnist.reading import _batch

    def call(function, tasks, *, n_jobs, takes_part):
        yield function(*next(tasks))
        raise TerminatedWorkerError

    monkeypatch.setattr(_batch, "iterate_tasks", call)
    out = tmp_path / "out.csv"
    assert main(["read", str(scans), "--model", str(model), "--csv", str(out)]) == 1
    assert len(list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "1 file is complete; read the other 2 again, fewer at a time." in said


def test_a_page_that_is_upside_down_is_told(tmp_path, capsys):
    mnist = load_mnist()
    rows = np.flatnonzero(np.isin(mnist.y_test, [2, 3, 4, 7]))[:12]
    page = 255 - np.hstack([np.pad(image, 6) for image in mnist.X_test[rows]])
    Image.fromarray(page[::-1, ::-1]).save(tmp_path / "turned.png")
    assert main(["read", str(tmp_path), "--lang", "de"]) == 0
    said = capsys.readouterr().err
    assert said.startswith(f"{tmp_path / 'turned.png'}, Seite 1: scheint auf dem Kopf zu stehen.")
    assert "Fehler" not in said


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_form_rather_than_digits_says_how_many_digits_a_field_has(
    model, scans, tmp_path, capsys, language
):
    form = tmp_path / "form.json"
    form.write_text('{"fields": [{"name": "code", "box": [0, 0, 1, 1], "digits": 1}]}')
    command = ["read", str(scans), "--model", str(model), "--lang", language]
    assert main([*command, "--form", str(form), "--digits", "5"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("--digits 5: ")
    assert ("bestimmt das Formular" if language == "de" else "the form itself sets") in line
    main([*command, "--digits", "1"])
    assert not capsys.readouterr().err


def test_ctrl_c_keeps_what_was_read(model, scans, tmp_path, capsys, monkeypatch):
    from skmnist.cli import _read

    def read_one(files, reader, form, n_jobs):
        yield next(iter(real([files[0]], reader, form=form, n_jobs=n_jobs)))
        interrupt_now()

    real = _read.read_files
    monkeypatch.setattr(_read, "read_files", read_one)
    out = tmp_path / "out.csv"
    assert main(["read", str(scans), "--model", str(model), "--csv", str(out)]) == 130
    assert len(list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))) == 1
    assert "The fields read until then are kept." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.png"], "missing.png: there is no such file"),
        (["."], "the folder contains no PNG, JPEG, BMP, TIFF or PDF files"),
        ([".", "--max-error", "5"], "--max-error 5: must be a number between 0 and 1"),
        ([".", "--form", "nothing.json"], "--form: nothing.json: cannot be read"),
        ([".", "--model", "nothing.skmnist"], "--model nothing.skmnist: No such file"),
        ([".", "--form", "bad.json"], '--form: bad.json: "fields" must be a list of 1 to 1,000'),
        (
            [".", "--form", "bad.json", "--lang", "de"],
            '--form: bad.json: "fields" muss eine Liste von 1 bis 1.000 Feldern sein.',
        ),
        ([".", "--csv", "no/such/out.csv"], "such/out.csv: the folder"),
        ([".", "--csv", "no/such/out.csv", "--lang", "de"], "no/such gibt es nicht"),
        (
            [".", "--model", "bad.json", "--lang", "de"],
            "--model: bad.json: keine Datei von save_model. Nennen Sie eine unbeschädigte Datei "
            "aus skmnist compare --save.",
        ),
    ],
)
def test_what_cannot_be_read_is_one_line(model, arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.json").write_text('{"fields": 3}')
    if "--model" not in arguments:
        arguments = [*arguments, "--model", str(model)]
    assert main(["read", *arguments]) in (1, 2)
    err = capsys.readouterr().err
    assert message in err
    assert len(err.splitlines()) == 1


def test_tighter_errors_and_longer_codes_accept_less(model, scans, capsys):
    main(["read", str(scans), "--model", str(model), "--max-error", "0.001", "--digits", "1"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "No error rate is guaranteed" in shown


def test_reading_loads_no_more_than_it_needs(model, scans):
    slow = "tensorflow keras optuna matplotlib scipy.stats._stats_py sklearn.model_selection"
    code = (
        "import sys; from skmnist.cli import main; main(sys.argv[1:]);"
        f"print({{*{slow.split()}}} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "read", str(scans), "--model", str(model)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout.splitlines()[-1] == "set()", done.stdout + done.stderr
