"""Scans that a visitor uploads, and the network that reads them."""

import csv
import io
import json
import tempfile

import numpy as np
import pytest
import streamlit as st
from PIL import Image

from skmnist import load_model, save_model
from skmnist.app import _after, _reader, _training
from skmnist.app._scans import make_scans
from skmnist.app._settings import Settings
from skmnist.app._store import load
from skmnist.reading import DigitReader, Form, join_fields, load_reader, read_files
from tests.app.pages import VISITOR, click, html_of, run, told
from tests.reading.fields import as_scan, make_field

SEED = 0


def encode(page):
    content = io.BytesIO()
    Image.fromarray(page).save(content, "png")
    return content.getvalue()


@pytest.fixture(scope="module")
def rows(small):
    """Return two scans of rows of boxes; the middle of the second was scribbled over."""
    rng = np.random.default_rng(SEED)
    scans = [as_scan(image) for image in small.X_train]
    digits = [int(np.flatnonzero(small.y_train == label)[3]) for label in (1, 2, 3)]
    clear, scribbled = (make_field([scans[at] for at in digits], "boxes", rng) for _ in range(2))
    middle = scribbled.shape[1] // 2
    scribbled[40:-40:4, middle - 20 : middle + 20] = 0
    return {"a.png": encode(clear), "b.png": encode(scribbled)}


@pytest.fixture
def saved(monkeypatch):
    """Return what the page offers for download, by key."""
    found = {}

    def offer(_, data, *, key, **how):
        found[key] = data() if callable(data) else data
        return False

    monkeypatch.setattr(st, "download_button", offer)
    return found


def upload(page, key, *files):
    """Upload files, given as name and content."""
    page.file_uploader(key=key).set_value([(name, content, "") for name, content in files])
    return run(page)


def table_of(html):
    body = html.split('<table class="read">')[1]
    cells = body.split("<tbody>")[1].split("</tbody>")[0]
    return [
        [cell.split("</td>")[0] for cell in row.split("<td>")[1:]]
        for row in cells.split("<tr>")[1:]
    ]


def test_scans_are_read_with_boxes_and_signs_and_a_bad_file_stops_nothing(open_page, rows, saved):
    page = open_page(step="read")
    assert told(page)[0].startswith("Upload a scan or a photo")
    blank = encode(np.full((60, 60), 250, np.uint8))
    files = [("bad.png", b"x"), *rows.items(), ("blank.png", blank)]
    html = html_of(upload(page, "files", *files))
    bad, nothing = html.split('<ul class="caution">')[1].split("</ul>")[0].split("</li>")[:2]
    assert "bad.png: is not a readable image" in bad
    assert "Save it as PNG" in bad
    assert "blank.png: no digits were found" in nothing
    first, second, third = table_of(html)
    assert first[:4] == ["a.png", "1", "123", "read"]
    assert second[:4] == ["b.png", "1", "1?3", "? unsure"]
    assert third == ["blank.png", "", "", "blank", "-"]
    # the page with something to check comes first; its places have boxes, signs and a legend
    assert page.selectbox(key="seen").value == ("b.png", 1)
    assert len(page.text_input) == 1
    assert html.count("<rect ") == 3
    assert ">1</text>" in html
    assert 'class="mark digit"' in html
    assert ("?</text>" in html) or ("×</text>" in html)
    assert any("Fields: 1 read, 1 unsure, 1 blank" in text.value for text in page.markdown)
    assert "with a confidence of 95%" in html
    page.selectbox(key="seen").set_value(("a.png", 1))
    assert not run(page).text_input
    assert len(click(page, "next_page").text_input) == 1


def test_the_csv_file_is_that_of_the_command_line(open_page, rows, saved, tmp_path):
    from skmnist.cli import main

    upload(open_page(step="read"), "files", *rows.items())
    for name, content in rows.items():
        (tmp_path / name).write_bytes(content)
    out = tmp_path / "out.csv"
    assert main(["read", *(str(tmp_path / name) for name in rows), "--csv", str(out)]) == 0
    expected = out.read_text(encoding="utf-8").replace(f"{tmp_path}/", "")
    assert saved["csv"].decode() == expected
    assert b"<html" in saved["review"]


def confirm(page, text):
    page.text_input[0].set_value(text)
    next(button for button in page.button if button.label in ("Confirm", "Bestätigen")).click()
    return run(page)


def test_an_unsure_field_is_corrected_by_hand(open_page, rows, saved):
    page = upload(open_page(step="read"), "files", *rows.items())
    assert page.text_input[0].label == "Digits of field 1"
    assert len(page.text_input[0].value) == 3
    confirm(page, "1o3")
    assert told(page) == ["Only these characters are allowed: 0123456789, a space, and “?”."]
    assert table_of(html_of(page))[1][2:4] == ["1?3", "? unsure"]
    confirm(page, "1234")  # once, it may be a slip
    assert told(page)[0].startswith("This field has 3 places, but you entered 4 characters.")
    assert table_of(html_of(page))[1][2:4] == ["1?3", "? unsure"]
    confirm(page, "1234")
    assert table_of(html_of(page))[1][2:4] == ["1234", "corrected"]
    confirm(page, "1?3")  # looked at, and still open
    assert table_of(html_of(page))[1][2:4] == ["1?3", "? unsure"]
    confirm(page, "123")
    assert told(page) == []
    assert table_of(html_of(page))[1][2:4] == ["123", "corrected"]
    assert page.selectbox(key="seen").value == ("b.png", 1)  # it does not jump
    records = list(csv.DictReader(io.StringIO(saved["csv"].decode())))
    assert [(r["text"], r["outcome"]) for r in records] == [("123", "read"), ("123", "corrected")]
    # in another language, and after a visit to another step
    page.query_params["lang"] = "de"
    assert table_of(html_of(run(page)))[1][2:4] == ["123", "korrigiert"]
    page.query_params["step"] = "theory"
    run(page)
    page.query_params["step"] = "read"
    assert table_of(html_of(run(page)))[1][2:4] == ["123", "korrigiert"]


def test_a_form_names_the_fields_and_a_bad_one_is_told(open_page, rows, saved):
    page = upload(open_page(step="read"), "files", ("a.png", rows["a.png"]))
    upload(page, "form", ("f.json", b'{"fields": [{"name": "code"}]}'))
    (message,) = told(page)
    assert message.startswith("This form cannot be used")
    assert "f.json: field 'code': box=None must be four numbers" in message.replace("\\", "")
    page.query_params["lang"] = "de"
    (message,) = told(run(page))
    assert "f.json: Feld 'code': box=None muss aus vier Zahlen" in message.replace("\\", "")
    page.query_params["lang"] = "en"
    described = {"fields": [{"name": "code", "box": [0, 0, 1, 1], "values": ["999"]}]}
    upload(page, "form", ("f.json", json.dumps(described).encode()))
    assert table_of(html_of(page))[0][1:4] == ["code", "???", "? unsure"]
    assert "not a valid number for this field" in " ".join(c.value for c in page.caption)
    described["size"] = [100, 1000]
    upload(page, "form", ("f.json", json.dumps(described).encode()))
    problem = html_of(page).split('<ul class="caution">')[1].split("</ul>")[0]
    assert "measure the fields on such a page. The other files" in problem
    assert "Save it as PNG" not in problem


def test_the_number_of_digits_changes_the_promise_of_this_visitor_only(open_page, rows, saved):
    page = upload(open_page(step="read"), "files", ("a.png", rows["a.png"]))
    page.number_input(key="n_digits").set_value(5)
    assert "No error rate is guaranteed" in html_of(run(page))
    assert _reader.load_bundled().n_digits is None


def test_more_files_than_allowed_are_told(open_page, rows, saved, monkeypatch):
    from skmnist.app import _read

    monkeypatch.setattr(_read, "MAX_SCANS", 1)
    page = upload(open_page(step="read"), "files", *rows.items())
    assert told(page) == ["2 files are too many at once; the first 1 are read."]
    assert len(table_of(html_of(page))) == 1


def test_two_files_of_one_name_are_told_apart():
    class File(io.BytesIO):
        name = "scan.png"
        file_id = "x"

    names = [scan.name for scan in make_scans([File(b"a"), File(b"b"), File(b"c")])]
    assert names == ["scan.png", "scan (2).png", "scan (3).png"]


# --- which network


def test_a_network_from_a_file_goes_through_the_safe_loader(open_page, rows, saved, tmp_path):
    page = open_page(step="read")
    page.radio(key="source").set_value("own")
    assert told(run(page))[0].startswith("Choose a file that was saved here")
    upload(page, "model", ("evil.skmnist", b"\x80\x04cos\nsystem\n."))
    message = told(page)[-1]
    assert message.startswith("This network cannot be used. ")
    assert tempfile.gettempdir() not in message.replace("\\", "")
    assert "evil.skmnist" in message
    save_model(load_reader(), tmp_path / "own.skmnist")
    upload(page, "model", ("own.skmnist", (tmp_path / "own.skmnist").read_bytes()))
    html = html_of(upload(page, "files", ("a.png", rows["a.png"])))
    assert table_of(html)[0][2:4] == ["123", "read"]
    assert any("Loaded: own.skmnist" in text.value for text in page.caption)


@pytest.fixture(scope="module")
def finished():
    """Return a finished training, once for all tests."""
    return {}


@pytest.fixture
def trained(server, finished, monkeypatch):
    """Let the server have networks that were not trained, one of them recommended."""
    made = []

    def make(comparison, digits, data, command):
        made.append((data, command))
        return load_reader()

    monkeypatch.setattr(_training, "make_reader", make)
    monkeypatch.setattr(_after, "_make_report", lambda *_: b"")  # takes seconds
    settings = Settings(epochs=0)
    if not finished:
        training = _training.start(VISITOR, settings, load(settings))
        training.join(60)
        assert training.error == ""
        finished[VISITOR, settings] = training
    _training._trainings.update(finished)
    finished[VISITOR, settings]._reader = None
    return made


@pytest.mark.slow
def test_the_recommended_network_reads_first_and_can_be_saved(
    open_page, trained, rows, saved, tmp_path
):
    page = open_page(step="recommendation", epochs=0)
    assert "save" not in saved
    click(page, "prepare")
    (tmp_path / "x.skmnist").write_bytes(saved["save"])
    assert isinstance(load_model(tmp_path / "x.skmnist"), DigitReader)
    page = open_page(step="read")  # other settings: still that of this visitor
    assert page.radio(key="source").value == "recommended"
    assert table_of(html_of(upload(page, "files", ("a.png", rows["a.png"]))))[0][3] == "read"
    ((data, command),) = trained  # prepared once
    assert data == "mnist"
    assert command == "skmnist compare --data mnist --epochs 0 --batch-size 128 " + command[57:]


@pytest.mark.parametrize("source", [pytest.param("bundled", marks=pytest.mark.slow), "recommended"])
def test_where_most_is_unsure_another_network_than_the_bundled_one_is_not_the_last_word(
    source, open_page, trained, rows
):
    page = open_page(step="read", epochs=0)
    page.radio(key="source").set_value(source)
    upload(run(page), "files", ("a.png", rows["a.png"]))
    assert not any("may be more certain" in info.value for info in page.info)  # all is read
    described = {"fields": [{"name": "code", "box": [0, 0, 1, 1], "values": ["999"]}]}
    upload(page, "form", ("f.json", json.dumps(described).encode()))
    assert table_of(html_of(page))[0][2:4] == ["???", "? unsure"]
    hinted = any("may be more certain" in info.value for info in page.info)
    assert hinted == (source == "recommended")


def test_a_network_that_cannot_read_images_says_so(open_page, trained, rows, monkeypatch):
    def refuse(*_):
        raise ValueError("alphabet='ab' lacks 'c'.")

    monkeypatch.setattr(_training, "make_reader", refuse)
    page = upload(open_page(step="read", epochs=0), "files", ("a.png", rows["a.png"]))
    (message,) = told(page)
    assert message.startswith("The recommended network cannot read scans. alphabet='ab' lacks 'c'.")
    page.radio(key="source").set_value("bundled")
    assert table_of(html_of(run(page)))[0][3] == "read"


def test_files_in_memory_are_read_like_files_on_disk(rows):
    file = io.BytesIO(rows["a.png"])
    file.name = "a.png"
    reader = _reader.load_bundled()
    fields = join_fields(read_files([file, io.BytesIO(b"x")], reader))
    assert fields[["file", "text"]].to_numpy().tolist() == [["a.png", "123"], ["image", ""]]
    form = Form.from_dict({"fields": [{"name": "code", "box": [0, 0, 1, 1]}]})
    assert join_fields(read_files([file], reader, form=form))["outcome"].tolist() == ["failed"]
