"""`skmnist data`, as its user sees it."""

import re

import numpy as np
import pytest

from skmnist.cli import main


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
        "Datenordner: ",
        "Auf 28 x 28 skalierte Bilder, Seitenverhältnis beibehalten: 28",
        "Es gibt nur einen Teil: Von seinen 28 Bildern wurden 4 zum Testen zurückgehalten",
        "Ä 12 50,0 % 2 50,0 %",
        "Die Bilder sind dunkel auf hell",
    ):
        assert part in out


def test_data_swaps_light_and_dark(photos, capsys):
    assert main(["data", str(photos), "--invert"]) == 0
    out = capsys.readouterr().out
    assert "Light and dark were swapped" in out
    assert "dark on light" not in out


@pytest.mark.parametrize("ending", ["png", "svg", pytest.param("pdf", marks=pytest.mark.slow)])
def test_data_draws_a_picture(photos, tmp_path, ending, capsys):
    path = tmp_path / f"picture.{ending}"
    assert main(["data", str(photos), "--picture", str(path)]) == 0
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending]
    assert path.read_bytes().startswith(start)
    assert f"Thepictureisin{path}." in "".join(capsys.readouterr().out.split())
    assert main(["data", str(photos), "--picture", str(path)]) == 2
    assert "already exists; add --force" in capsys.readouterr().err
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
            "Fehler: data cluod: Die Datei gibt es nicht (erwartet: mnist, cloud, eine Datei "
            "oder ein Ordner mit Ziffern); meinten Sie cloud?",
        ),
        (
            "data --picture x.gif",
            "Error: --picture x.gif: must end in one of .png, .pdf, .svg",
        ),
        (
            "data --picture /no/such/folder/x.png",
            "Error: --picture /no/such/folder/x.png: the folder /no/such/folder does not exist",
        ),
        (
            "data --invert",
            "Error: --invert: applies only to digits of your own, not to mnist and cloud",
        ),
        (
            "compare --invert",
            "Error: --invert: applies only to digits of your own, not to mnist and cloud",
        ),
        (
            "data --image-shape 28x28",
            "Error: --image-shape: applies only to digits of your own, not to mnist and cloud",
        ),
        (
            "data x.csv --image-shape 28",
            "Error: --image-shape 28: must be height x width, such as 28x28, each from 1 to 4,096",
        ),
        (
            "compare --data x.csv --image-shape 0x5 --lang de",
            "Fehler: --image-shape 0x5: muss Höhe x Breite sein, etwa 28x28, beides von 1 bis "
            "4.096",
        ),
        (
            "data mnist --extract x",
            "Error: --extract: applies only to digits of your own, not to mnist and cloud",
        ),
        (
            "data . --extract x",
            "Error: --extract x: applies only to archives, but the digits are already in a folder",
        ),
        ("data --seed -1", "Error: --seed -1: must be a whole number from 0 to 4294967295"),
    ],
)
def test_wrong_usage_of_data_is_told_in_one_line(arguments, line, capsys):
    assert main(arguments.split()) == 2
    assert capsys.readouterr() == ("", line + "\n")


def test_class_names_in_the_table_of_counts_are_text(tmp_path, capsys):
    X = np.random.default_rng(0).integers(0, 256, (60, 4, 4), dtype=np.uint8)
    y = np.array(["\x1b[2Ja", "[/red]", "{y}"] * 20)
    np.savez(tmp_path / "a.npz", x_train=X, y_train=y, x_test=X, y_test=y)
    assert main(["data", str(tmp_path / "a.npz")]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert all(name in out for name in ("\\x1b[2Ja", "[/red]", "{y}"))


def test_what_is_wrong_with_a_file_that_exists_is_all_that_is_told(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text("")
    assert main(["data", str(path)]) == 2
    assert capsys.readouterr().err.rstrip().endswith("is empty")
    assert main(["data", str(tmp_path / "b.csv")]) == 2
    assert "expected: mnist, cloud" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("table", "line"),
    [
        (
            "label,pixel0\n7,300\n",
            "{path}, Zeile 2, Spalte 2 ('pixel0'): '300' ist kein Pixel; erwartet wird eine ganze "
            "Zahl von 0 bis 255",
        ),
        (
            "7,0,0,0\n",
            "{path}, Zeile 1: hat 4 Felder, davon 3 Pixel; erwartet werden ein Label und ein "
            "quadratisches Bild, zum Beispiel mit 784 Pixeln. Für eine andere Form geben Sie "
            "--image-shape HöhexBreite an. Bilder ohne Labels kann man nur von einem "
            "trainierten Modell lesen lassen.",
        ),
        ("", "ist leer"),
    ],
    ids=["cell", "shape", "empty"],
)
@pytest.mark.parametrize("command", ["data", "compare --data"])
def test_what_is_wrong_with_a_file_is_told_in_german(command, table, line, tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text(table)
    assert main([*command.split(), str(path), "--lang", "de"]) == 2
    option = "data" if command == "data" else "--data"
    assert capsys.readouterr().err == f"Fehler: {option} {path}: {line.format(path=path)}\n"


def test_the_column_of_the_labels_may_be_named(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(f"{at % 2},9,8,7,{at % 3}" for at in range(30)))
    assert main(["data", str(path)]) == 2
    assert "pass --label 'first' or --label 'last'" in capsys.readouterr().err
    for side, n_classes in (("first", 2), ("last", 3)):
        assert main(["data", str(path), "--label", side]) == 0
        assert len(re.findall(r"(?m)^ *[0-9] +[0-9]+ ", capsys.readouterr().out)) == n_classes
    assert main(["data", "mnist", "--label", "x"]) == 2
    assert "--label: applies only to digits of your own" in capsys.readouterr().err


@pytest.mark.slow
def test_rows_are_folded_to_the_shape_that_was_asked_for(tmp_path, capsys):
    path = tmp_path / "train.csv"
    header = "label,pixel0,pixel1,pixel2,pixel3,pixel4,pixel5\n"
    path.write_text(header + "1,0,9,8,7,6,5\n2,5,6,7,8,9,0\n" * 20)
    assert main(["data", str(path)]) == 2
    assert "pass --image-shape heightxwidth" in capsys.readouterr().err
    assert main(["data", str(path), "--image-shape", "2x3"]) == 0
    assert "images of 2 x 3 pixels" in " ".join(capsys.readouterr().out.split())
    report = tmp_path / "out.html"
    options = ["--data", str(path), "--image-shape", "2x3", "--label", "label", "--epochs", "0"]
    assert main(["compare", *options, "--report", str(report)]) == 0
    assert "--label label --image-shape 2x3" in report.read_text(encoding="utf-8")
