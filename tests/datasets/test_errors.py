"""Errors of the loaders: English as text, and the same in German, from a key and values."""

import copy
import gzip
import pickle
import re

import numpy as np
import pytest
from sklearn.utils.parallel import Parallel, delayed

from skmnist.datasets import DatasetError, load_digit_archive, load_image
from skmnist.datasets._listing import ListingError
from skmnist.text import Phrase, TranslatedError, translate_error
from tests.datasets.build import make_digits, to_csv, write_zip

PIXELS = np.arange(2 * 16, dtype=np.uint8).reshape(2, 4, 4)
TABLE = to_csv(PIXELS, [0, 1])
IDX = bytes.fromhex("00000803") + np.array([2, 4, 4], ">u4").tobytes() + PIXELS[:1].tobytes()
PHOTO = b"\xff\xd8\xff" + bytes(50)


def fail(path, load=load_digit_archive, **options):
    with pytest.raises(DatasetError) as raised:
        load(path, **options)
    return raised.value


@pytest.mark.parametrize(
    ("name", "content", "english", "german"),
    [
        ("a.zip", None, "there is no such file", "Die Datei gibt es nicht"),
        ("a.csv", b"", "is empty", "ist leer"),
        (
            "a.csv",
            TABLE.replace("31", "300").encode(),
            ", line 3, column 17 ('pixel15'): '300' is not a pixel; expected an integer from 0 to "
            "255",
            ", Zeile 3, Spalte 17 ('pixel15'): '300' ist kein Pixel; erwartet wird eine ganze Zahl "
            "von 0 bis 255",
        ),
        (
            "a.csv",
            TABLE.encode() + b"1,2\n",
            ", line 4: has 2 fields; expected 17 as in line 1",
            ", Zeile 4: hat 2 Felder, erwartet werden 17 wie in Zeile 1",
        ),
        (
            "a.csv",
            TABLE.encode() + b"\xff\n",
            ", line 4, byte 1: is not UTF-8; save the table in this encoding",
            ", Zeile 4, Byte 1: ist nicht in UTF-8; speichern Sie die Tabelle in dieser Kodierung",
        ),
        (
            "a.csv",
            b'"7,0,0,0,0\n',
            ", line 1: cannot be parsed (a quote is not closed); expected fields separated by ','",
            ", Zeile 1: kann nicht zerlegt werden (ein Anführungszeichen wird nicht geschlossen); "
            "erwartet werden Felder, getrennt durch ','",
        ),
        (
            "a.npz",
            b"\x80\x04",
            "is a pickle, which is never loaded; save its arrays with numpy.savez",
            "ist eine Pickle-Datei, die nie geladen wird; speichern Sie ihre Arrays mit "
            "numpy.savez",
        ),
        (
            "a.zip",
            b"PK\3\4cut",
            "is truncated; the list of members at the end of the ZIP archive is missing. Download "
            "or copy it again.",
            "ZIP-Archivs fehlt. Laden oder kopieren Sie die Datei noch einmal.",
        ),
        (
            "a.zip",
            {f"{n}.txt": b"" for n in range(1201)},
            "no digits found among '0.txt', '1.txt', '10.txt', '100.txt', '1000.txt' and 1,196 "
            "more; expected CSV",
            " '0.txt', '1.txt', '10.txt', '100.txt', '1000.txt' und "
            "1.196 weitere; erwartet werden Dateien",
        ),
        (
            "a.zip",
            {"train-images-idx3-ubyte": IDX, "train-labels-idx1-ubyte": b"\0\0\x08\1\0\0\0\2\0\1"},
            "train-images-idx3-ubyte: is truncated; it ends after 16 of the 32 bytes of images of "
            "shape (2, 4, 4)",
            "train-images-idx3-ubyte: ist unvollständig und endet nach 16 statt 32 Bytes; "
            "erwartet: Bilder der Form (2, 4, 4)",
        ),
        (
            "a.zip",
            {"train/a.csv": TABLE.encode(), "train/b/c.csv": TABLE.encode() + b"1" + b",0" * 16},
            "cannot determine which table to read as the train part: 'train/a.csv', "
            "'train/b/c.csv'; expected one",
            "Es ist nicht klar, welche Tabelle zu lesen ist (Teil: Training): 'train/a.csv', "
            "'train/b/c.csv'; erwartet wird",
        ),
        (
            "a.zip",
            {"old/1/a.png": b"", "new/1/a.png": b"", "new/2/b.png": b""},
            "which folder to read: 'new' (2 images), 'old' (1 image); expected one",
            "welcher Ordner zu lesen ist: 'new' (2 Bilder), 'old' (1 Bild); erwartet wird",
        ),
        (
            "a.zip",
            {"1/a.png": b"", "2/b.png": b""},
            "1/a.png: is empty",
            "1/a.png: ist leer",
        ),
        (
            "a.csv.gz",
            gzip.compress(TABLE.encode() * 9, mtime=0)[:-20],
            "is damaged or truncated (Compressed file ended before",
            "ist beschädigt oder unvollständig (Compressed file ended before",
        ),
    ],
    ids=str,
)
def test_a_broken_file_is_told_in_both_languages(name, content, english, german, tmp_path):
    path = tmp_path / name
    if isinstance(content, dict):
        write_zip(path, content)
    elif content is not None:
        path.write_bytes(content)
    error = fail(path)
    assert english in str(error)
    assert german in error.sentence("de")
    assert error.sentence() == str(error) == error.args[0]
    assert str(path) in error.sentence("de")
    numbers = [re.sub("[.,](?=[0-9]{3})", "", text) for text in (str(error), error.sentence("de"))]
    assert len({tuple(sorted(re.findall(r"[0-9]+", text))) for text in numbers}) == 1


def test_arrays_that_do_not_fit_are_told_in_both_languages(tmp_path):
    digits = make_digits()
    np.savez(tmp_path / "a.npz", **digits | {"y_test": digits["y_test"][:-1]})
    error = fail(tmp_path / "a.npz")
    assert "x_test.npy: contains 6 images, but" in str(error)
    assert "x_test.npy: enthält 6 Bilder, aber" in error.sentence("de")
    assert "5 Labels; erwartet werden gleich viele" in error.sentence("de")


def test_a_data_set_without_a_test_part_is_told_in_both_languages(tmp_path):
    (tmp_path / "a.csv").write_text(TABLE)
    error = fail(tmp_path / "a.csv", test_size=None)
    assert "has only one part (unnamed); expected train and test" in str(error)
    assert "hat nur einen Teil (ohne Namen), erwartet werden Training und Test" in (
        error.sentence("de")
    )


def test_a_photo_is_told_in_both_languages(tmp_path):
    (tmp_path / "a.jpg").write_bytes(PHOTO)
    error = fail(tmp_path / "a.jpg", load_image)
    assert "it begins with ff d8 ff 00" in str(error)
    assert "beginnt mit ff d8 ff 00, erwartet" in error.sentence("de")


def test_a_program_finds_what_is_wrong_without_taking_a_sentence_apart(tmp_path):
    (tmp_path / "a.csv").write_text(TABLE.replace("31", "300"))
    error = fail(tmp_path / "a.csv")
    assert (error.key, error.values["cell"]) == ("bad_pixel", "300")
    assert error.values["where"].values["line"] == 3
    assert isinstance(error, ValueError)


def unpickle(error):
    return pickle.loads(pickle.dumps(error))


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, unpickle])
def test_a_copy_says_the_same(duplicate):
    place = Phrase("data.error.at_line", {"where": "a.csv", "line": 3})
    error = ListingError("n_fields", where=place, n=1, expected=2)
    error.add_note("while reading")
    copied = duplicate(error)
    assert type(copied) is ListingError
    assert str(copied) == "a.csv, line 3: has 1 field; expected 2"
    assert copied.sentence("de") == "a.csv, Zeile 3: hat 1 Feld, erwartet werden 2"
    assert copied.__notes__ == ["while reading"]


@pytest.mark.slow
def test_a_worker_process_hands_the_error_over(tmp_path):
    with pytest.raises(DatasetError) as raised:
        Parallel(n_jobs=2)(delayed(load_digit_archive)(tmp_path / name) for name in "ab")
    assert raised.value.sentence("de").endswith("Die Datei gibt es nicht")


def test_an_error_within_an_error_is_said_in_the_same_language():
    inner = DatasetError("missing", where="b")
    error = DatasetError("cache_damaged", where="a", error=inner)
    assert str(error) == "a: is damaged. b: there is no such file"
    assert error.sentence("de") == "a: ist beschädigt. b: Die Datei gibt es nicht"


def test_other_errors_are_told_as_they_are():
    assert translate_error(OSError(2, "No such file"), "de") == "[Errno 2] No such file"


def test_a_key_without_a_phrase_is_a_mistake():
    with pytest.raises(KeyError, match="no_such_key"):
        DatasetError("no_such_key")
    with pytest.raises(KeyError, match="where"):
        DatasetError("empty")


def test_the_base_has_no_texts_of_its_own():
    with pytest.raises(NotImplementedError):
        TranslatedError("missing")
