"""Tables: written in many ways, their label found, a wrong cell named."""

import re

import numpy as np
import pytest

from skmnist.datasets import DatasetError
from tests.datasets.build import (
    DIGITS,
    load,
    make_digits,
    same,
    sentences,
    tables,
    to_csv,
)


def two_tables(change):
    return {name: change(text.decode()).encode() for name, text in tables(DIGITS).items()}


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace(",", ";"),
        lambda text: text.replace(",", "\t"),
        lambda text: text.replace(",", ", "),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace("\n", "\r\n", 3),
        lambda text: text + "\n\r\n\n",
        lambda text: text.rstrip("\n"),
        lambda text: '"' + text.replace(",", '","').replace("\n", '"\n"').rstrip('"'),
        lambda text: text.replace("\n1,", '\n"1",'),
        lambda text: text.replace(",0,", ",000,"),
        lambda text: text.replace("label", "Klasse"),
        lambda text: text.replace("label", "anything"),
        lambda text: re.sub(
            r"pixel(\d+)", lambda m: f"{int(m[1]) // 4 + 1}x{int(m[1]) % 4 + 1}", text
        ),
        lambda text: re.sub(r"pixel(\d+)", r"\1", text),
    ],
    ids=[
        *("BOM", "semicolon", "tab", "blanks", "CRLF", "CR", "mixed line ends", "blank end"),
        *("no end", "quotes", "quoted labels", "zeros", "Klasse", "other name", "1x1", "numbers"),
    ],
)
def test_tables_may_be_written_in_many_ways(change, tmp_path):
    assert same(load(tmp_path, two_tables(change)), DIGITS)


def test_quoted_labels_may_hold_separators_and_quotes(tmp_path):
    header, *lines = to_csv(DIGITS["x_train"], DIGITS["y_train"]).splitlines()
    names = ['"a, b"', '"say ""c"""', "d"]
    lines = [f"{names[at % 3]},{line.partition(',')[2]}" for at, line in enumerate(lines)]
    data = load(tmp_path, {"digits.csv": "\n".join([header, *lines]).encode()}, random_state=0)
    assert data.target_names.tolist() == ["a, b", "d", 'say "c"']


def test_a_column_that_numbers_the_rows_is_left_out_and_told(tmp_path):
    def number(text):
        header, *lines = text.rstrip("\n").split("\n")
        return "\n".join([f",{header}", *(f"{at},{line}" for at, line in enumerate(lines))])

    data = load(tmp_path, two_tables(number))
    assert same(data, DIGITS)
    assert sentences(data)[2] == "Not used: column 1 (''), which only numbers the rows"
    german = "Nicht verwendet: Spalte 1 (''), die nur die Zeilen nummeriert"
    assert sentences(data, "de")[2] == german


@pytest.mark.parametrize("label", ["first", "last"])
def test_it_can_be_said_where_the_label_stands(label, tmp_path):
    rows = [f"{at % 3},7,8,9,{at % 3}" for at in range(12)]  # it could be either
    data = load(tmp_path, {"digits.csv": "\n".join(rows).encode()}, label=label, random_state=0)
    assert data.X_train[0, 0, 0] == (7 if label == "first" else data.y_train[0])


def test_it_can_be_said_what_the_label_is_called(tmp_path):
    text = "a1,a2,a3,a4,writer,sex\n" + "0,1,2,3,anna,f\n0,1,2,3,otto,m\n" * 4
    with pytest.raises(DatasetError, match="'writer' and 'sex' may both be the label"):
        load(tmp_path, {"digits.csv": text.encode()})
    with pytest.raises(DatasetError, match="no column is named 'nowhere'"):
        load(tmp_path, {"digits.csv": text.encode()}, label="nowhere")
    text = text.replace(",sex", "").replace(",f", "").replace(",m", "")
    data = load(tmp_path, {"digits.csv": text.encode()}, label="writer", random_state=0)
    assert data.target_names.tolist() == ["anna", "otto"]


def test_labels_in_rows_sorted_by_class_are_told_from_a_corner_that_varies(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (300, 4, 4), dtype=np.uint8)
    X[:, -1, -1] = rng.random(300) < 0.02  # as the corners of Fashion-MNIST
    y = np.sort(np.arange(300) % 10)
    for side in ("first", "last"):
        text = to_csv(X, y, header="none", label=side)
        data = load(tmp_path / side, {"digits.csv": text.encode()}, test_size=20, random_state=0)
        assert data.target_names.tolist() == list("0123456789")


def test_pixels_of_other_shapes_are_folded_as_asked(tmp_path):
    X = np.arange(12 * 15, dtype=np.uint8).reshape(12, 3, 5)
    text = to_csv(X, DIGITS["y_train"])
    data = load(tmp_path, {"digits.csv": text.encode()}, image_shape=(3, 5), random_state=0)
    assert data.X_train.shape[1:] == (3, 5)
    assert {image.tobytes() for image in data.X_test} <= {image.tobytes() for image in X}


def test_a_table_longer_than_one_block_is_read_whole(tmp_path):
    digits = make_digits(n_train=400, n_test=40, side=28)
    assert same(load(tmp_path, tables(digits)), digits)


def test_a_wrong_cell_far_down_is_named_by_its_line(tmp_path):
    digits = make_digits(n_train=400, n_test=40, side=28)
    files = tables(digits)
    lines = files["mnist_train.csv"].decode().split("\n")
    lines[377] = lines[377].rpartition(",")[0] + ",999"
    files["mnist_train.csv"] = "\n".join(lines).encode()
    with pytest.raises(
        DatasetError, match=r"line 378, column 785 \('pixel783'\): '999' is not a pixel"
    ):
        load(tmp_path, files)


def test_a_column_without_a_name_behind_the_pixels_numbers_no_rows(tmp_path):
    rows = [f"{at % 3},9,8,7,6," for at in range(12)]
    table = "\n".join(["label,p0,p1,p2,p3,", *rows]).encode()
    data = load(tmp_path, {"a.csv": table}, random_state=0)
    assert "Not used: column 6, which has no name" in [str(note) for note in data.notes]
