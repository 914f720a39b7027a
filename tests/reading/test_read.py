"""From pages and files to fields."""

import csv
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from skmnist.reading import Form, find_files, join_fields, load_reader, make_review, read_files
from skmnist.text import use_language
from tests.chromium import open_browser


@pytest.fixture(scope="module")
def page(digits):
    """Return a page with a row of three digits, an empty box, and the digits."""
    X, y = digits
    rows = [1501, 1502, 1503]
    page = np.full((60, 240), 255, np.uint8)
    for at in range(4):
        left = 20 + 50 * at
        page[9:51, left : left + 2] = page[9:51, left + 40 : left + 42] = 120
        page[9:11, left : left + 42] = page[49:51, left : left + 42] = 120
        if at < 3:
            image = np.asarray(Image.fromarray(X[rows[at]]).resize((28, 28)))
            page[16:44, left + 7 : left + 35] = np.minimum(page[16:44, left + 7 : left + 35], image)
    return page, "".join(y[rows].astype(str))


def test_a_row_of_boxes_is_read_in_order(reader, page):
    places = reader.read([page[0]])
    assert places["place"].tolist() == [0, 1, 2, 3]
    assert "".join(places["text"]) == page[1]
    assert places["outcome"].tolist()[3] == "blank"
    assert set(places["field"]) == {0}
    left, _, right, _ = places["box"][1]
    assert 65 <= left < 75 < 105 < right <= 115
    assert reader.read([]).columns.tolist() == places.columns.tolist()


@pytest.mark.parametrize("valid", [True, False])
def test_a_form_names_the_fields_and_knows_what_is_valid(reader, page, valid):
    image, text = page
    described = {"name": "code", "box": [0, 0, 0.78, 1], "digits": 3}
    described["values"] = [text] if valid else ["999" if text != "999" else "000"]
    form = Form.from_dict({"fields": [described]})
    places = reader.read([image], form=form)
    assert set(places["field"]) == {"code"}
    plain = reader.read([image[:, :187]])["outcome"].tolist()
    assert plain == ["digit"] * 3  # else the example shows nothing
    assert places["outcome"].tolist() == ["digit" if valid else "unsure"] * 3
    if not valid:
        assert set(places["reason"]) == {"The digits are not a valid number for this field."}


@pytest.fixture(scope="module")
def folder(page, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")
    (folder / "sub").mkdir()
    Image.fromarray(page[0]).save(folder / "b.png")
    exchanged = page[0].copy()
    exchanged[12:48, 73:109] = np.roll(exchanged[12:48, 73:109], 18, axis=0)
    Image.fromarray(exchanged).save(folder / "sub" / "=a.PNG")
    (folder / "a.png").write_text("not an image")
    (folder / ".hidden.png").write_text("x")
    (folder / "notes.txt").write_text("x")
    return folder


def test_folders_are_searched_for_images_and_documents(folder):
    assert find_files([folder]) == [folder / "a.png", folder / "b.png", folder / "sub" / "=a.PNG"]
    assert find_files([folder / "notes.txt", folder / "notes.txt"]) == [folder / "notes.txt"]
    assert find_files([folder], endings=(".txt",)) == [folder / "notes.txt"]


@pytest.mark.parametrize(
    ("ending", "kind"), [(".jpe", "JPEG"), (".jfif", "JPEG"), (".dib", "BMP"), (".TIFF", "TIFF")]
)
def test_images_with_rare_endings_are_read(page, tmp_path, reader, ending, kind):
    Image.fromarray(page[0]).save(tmp_path / f"a{ending}", format=kind)
    (reading,) = read_files(find_files([tmp_path]), reader)
    assert reading.problem is None
    assert len(reading.places) > 0


def test_a_file_that_several_paths_lead_to_is_read_once(folder):
    files = find_files([folder / "b.png", folder / "sub" / ".." / "sub", folder / "sub" / ".."])
    assert files == [
        folder / "b.png",
        folder / "sub" / ".." / "sub" / "=a.PNG",
        folder / "sub" / ".." / "a.png",
    ]


@pytest.fixture(scope="module")
def readings(reader, folder):
    return list(read_files(find_files([folder]), reader))


def test_fields_are_joined_and_a_bad_file_stops_nothing(readings, page, folder):
    fields = join_fields(readings)
    columns = ["file", "page", "field", "text", "outcome", "probability", "reason"]
    assert fields.columns.tolist() == columns
    failed, read, unsure = fields.to_dict("records")
    assert (failed["outcome"], failed["text"]) == ("failed", "")
    assert "not a readable image" in readings[0].problem
    assert (read["outcome"], read["text"], read["field"]) == ("read", page[1] + " ", 1)
    assert read["probability"] == readings[1].places["probability"].min()
    assert (unsure["outcome"], unsure["text"]) == ("unsure", f"{page[1][0]}?{page[1][2]} ")
    assert failed["reason"].startswith("is not a readable image in one of the formats")
    assert read["reason"] == ""
    assert unsure["reason"] in set(readings[2].places["reason"])


def test_a_page_without_digits_has_a_row(reader, page, tmp_path):
    written = Image.fromarray(page[0])
    blank = Image.new(written.mode, (60, 60), "white")
    files = [tmp_path / "one.png", tmp_path / "three.tif"]
    blank.save(files[0])
    blank.save(files[1], save_all=True, append_images=[written, blank])
    readings = list(read_files(files, reader))
    assert [reading.n_pages for reading in readings] == [1, 3]
    assert [reading.blank_pages for reading in readings] == [[0], [0, 2]]
    fields = join_fields(readings)
    assert fields["file"].tolist() == [str(files[0]), *[str(files[1])] * 3]
    assert fields["page"].tolist() == [1, 1, 2, 3]
    assert fields["text"].tolist() == ["", "", page[1] + " ", ""]
    for row in fields.drop(2).to_dict("records"):
        assert (row["field"], row["outcome"]) == ("", "blank")
        assert np.isnan(row["probability"])
        assert row["reason"] == "No digits were found."
    html = make_review(readings, "de")
    assert "<section data-row=" not in html
    table = json.loads(re.search(r"const table = (.*);\n", html)[1])
    assert [row[1] for row in table] == [1, 1, 2, 3]
    assert table[3][-1] == "Es wurden keine Ziffern gefunden."


def test_fields_on_a_missing_page_are_named(reader, page, tmp_path):
    path, form = tmp_path / "one.png", {"fields": [{"name": "code", "box": [0, 0, 1, 1]}]}
    Image.fromarray(page[0]).save(path)
    for name, number in {"sum": 2, "date": 3}.items():
        form["fields"].append({"name": name, "page": number, "box": [0, 0, 1, 1]})
    (reading,) = read_files([path], reader, form=Form.from_dict(form))
    assert set(reading.places["field"]) == {"code"}
    assert reading.problem == "pages 2, 3 are missing, so the fields 'sum', 'date' were not read"
    del form["fields"][2]
    with use_language("de"):
        (reading,) = read_files([path], reader, form=Form.from_dict(form))
    assert reading.problem == "Seite 2 fehlt, deshalb wurde das Feld 'sum' nicht gelesen"
    assert join_fields([reading])["outcome"].tolist() == ["read", "failed"]


@pytest.mark.slow
def test_worker_processes_read_the_same_in_the_same_order(reader, folder):
    files = [*find_files([folder]), folder / "missing.png"] * 3
    with use_language("de"):
        alone, together = (list(read_files(files, reader, n_jobs=n_jobs)) for n_jobs in (1, 2))
    assert [reading.file for reading in together] == [str(file) for file in files]
    assert [reading.problem for reading in together] == [reading.problem for reading in alone]
    for one, other in zip(alone, together, strict=True):
        pd.testing.assert_frame_equal(one.places, other.places)
        assert one.pictures.keys() == other.pictures.keys()
    reasons = set(pd.concat([reading.places for reading in together])["reason"])
    assert any("sicher genug" in reason for reason in reasons)


def test_the_review_shows_what_is_unsure_and_nothing_else(readings, page):
    html = make_review(readings, "de")
    assert html.count("<section data-row=") == 1
    assert '<html lang="de">' in html
    assert f'value="{page[1][0]}' in html
    table = json.loads(re.search(r"const table = (.*);\n", html)[1])
    written = join_fields(readings).to_csv(index=False, float_format="%.4f")
    assert [[str(cell) for cell in row] for row in table] == list(csv.reader(io.StringIO(written)))[
        1:
    ]
    assert not re.search(r'(?:src|href)="(?!data:)', html)
    picture = re.search(r'src="(data:image/png;base64,[^"]*)"', html)[1]
    assert len(picture) > 200
    nothing = make_review([readings[1]], "en")
    assert "No field is uncertain; there is nothing to check" in nothing


class ReviewPage:
    """The page for corrections in a browser, with one field."""

    def __init__(self, browser):
        self.browser = browser
        self.field = browser.find_element("css selector", "section input")
        self.n_places = len(self.field.get_attribute("value"))

    def type(self, *keys):
        from selenium.webdriver.common.keys import Keys

        self.field.send_keys(Keys.CONTROL, "a")
        self.field.send_keys(*keys)

    def export(self):
        self.browser.find_element("id", "export").click()
        return self.browser.find_element("id", "unchecked").text

    @property
    def told(self):
        return self.browser.find_element("css selector", "section output").text

    @property
    def corrected(self):
        """Return the text, or None where it is not corrected."""
        row = "table[document.querySelector('section').dataset.row]"
        _, _, _, text, outcome, *_ = self.browser.execute_script(f"return {row}")
        return text if outcome == "corrected" else None


@pytest.fixture
def review(readings, tmp_path):
    (tmp_path / "review.html").write_text(make_review(readings, "en"), encoding="utf-8")
    browser = open_browser(tmp_path / "profile")
    try:
        folder = {"behavior": "allow", "downloadPath": str(tmp_path)}
        browser.execute_cdp_cmd("Browser.setDownloadBehavior", folder)
        browser.get(f"file://{tmp_path}/review.html")
        yield ReviewPage(browser)
    finally:
        browser.quit()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "told"), [("7", "{} places, but 1 entered."), ("12?4", "“?” is not a digit.")]
)
def test_an_odd_correction_is_confirmed_twice(review, text, told):
    review.type(text, "\n")
    assert review.told.startswith(told.format(review.n_places))
    assert review.corrected is None
    review.field.send_keys("\n")
    assert review.corrected == text
    assert review.told == ""


@pytest.mark.slow
def test_a_correction_counts_when_the_field_is_left(review):
    assert review.n_places == 4
    review.type("12 4")
    assert review.corrected is None
    for _ in range(2):  # the second time, the same text is typed over
        assert review.export() == ""  # the click leaves the field
        assert review.corrected == "12 4"
        review.type("12 4")


@pytest.mark.slow
def test_an_odd_correction_does_not_count_when_the_field_is_left(review):
    review.type("12x4")
    for _ in range(2):  # leaving is no answer to the question
        assert review.export() == "Fields exported unchecked: 1."
        assert review.told.startswith("“x” is not a digit.")
        review.type("12x4")
    review.field.send_keys("\n")
    assert review.corrected == "12x4"
    assert review.export() == ""


def test_the_review_escapes_names(readings):
    from dataclasses import replace

    hostile = replace(readings[2], file="</script><img src=x>")
    html = make_review([hostile])
    assert "<img src=x>" not in html
    assert html.count("</script>") == 1


def test_a_model_that_is_no_reader_cannot_be_loaded(tmp_path):
    from skmnist import PixelNormalizer, save_model

    save_model(PixelNormalizer().fit(255 * np.eye(4)), tmp_path / "model.skmnist")
    with pytest.raises(ValueError, match="contains a PixelNormalizer without calibration; create"):
        load_reader(tmp_path / "model.skmnist")


def test_a_fields_table_survives_a_csv_file(readings):
    text = join_fields(readings).to_csv(index=False)
    rows = list(csv.DictReader(io.StringIO(text)))
    for column in ("text", "reason"):
        assert [row[column] for row in rows] == join_fields(readings)[column].tolist()
