"""Rows that are paler, larger or smaller than the other ink on a page, or beside print."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from skmnist.reading import Form, find_places, load_reader
from tests.reading.fields import load_scans

PEN = 40


@pytest.fixture(scope="module")
def digits():
    return [scan[10:74, 10:74] for scan in load_scans()]


@pytest.fixture(scope="module")
def score():
    return load_reader()._score


def write(page, digits, text, left, top, *, pen=PEN, size=64):
    """Write digits of `size` pixels in grey level `pen`; return their place as an outline."""
    for at, digit in enumerate(text):
        ink = Image.fromarray(255 - digits[int(digit)]).resize((size, size))
        share = np.asarray(ink) / 255
        where = page[top : top + size, left + at * size * 9 // 8 :][:, :size]
        where[:] = np.minimum(where, where - share * (where - pen))
    return left, top, left + len(text) * size * 9 // 8, top + size


def draw_boxes(page, left, top, n_boxes, size=72):
    for x in range(left, left + n_boxes * size + 1, size):
        page[top : top + size + 3, x : x + 3] = 60
    page[[top, top + 1, top + 2], left : left + n_boxes * size] = 60
    page[[top + size, top + size + 1, top + size + 2], left : left + n_boxes * size] = 60


def put(page, text, left, top, size):
    """Print text in black."""
    image = Image.fromarray(page)
    ImageDraw.Draw(image).text((left, top), text, fill=30, font_size=size)
    page[:] = np.asarray(image)


def find(page, box, score=None, **options):
    """Return the field that covers a box, and whether each of its places needs manual review."""
    found = []
    for field in find_places(page, score=score, **options):
        middles = [(place.box[0] + place.box[2]) / 2 for place in field]
        tops = [place.box[1] for place in field]
        if box[0] < np.median(middles) < box[2] and box[1] - 10 < np.median(tops) < box[3]:
            found.append([place.parted <= 0.5 for place in field if not place.is_blank])
    return found


def paper(height=900, width=1000):
    return np.full((height, width), 245, dtype=np.uint8)


@pytest.mark.parametrize("pen", [150, 170, 200])
@pytest.mark.parametrize("boxes", [False, True])
def test_pale_rows_beside_black_ones_need_review(digits, score, pen, boxes):
    page = paper()
    dark = write(page, digits, "20381", 60, 60)
    pale = write(page, digits, "74656", 60, 300, pen=pen)
    if boxes:
        draw_boxes(page, 600, 60, 4)
        write(page, digits, "18", 604, 64)
    else:
        write(page, digits, "93025", 60, 540)
    assert [len(one) for one in find(page, dark, score)] == [5]
    assert find(page, pale, score) == [[True] * 5]
    if not boxes:
        assert find(page, dark, score) == [[False] * 5]
        tops = [field[0].box[1] for field in find_places(page, score=score)]
        assert tops == sorted(tops)
        rows = [field[0].row for field in find_places(page, score=score)]
        assert rows == [0, 1, 2]


def test_pencil_below_a_black_heading_is_not_lost(digits, score):
    page = paper()
    put(page, "Kundenstamm  Lieferschein  Lager", 60, 40, 40)
    rows = [
        write(page, digits, text, 60, top, pen=150) for text, top in (("2038", 200), ("746", 400))
    ]
    assert [[len(one) for one in find(page, row, score)] for row in rows] == [[4], [3]]


def test_noise_and_ink_from_the_other_side_of_the_paper_are_no_pale_rows(digits, score):
    rng = np.random.default_rng(0)
    page = paper()
    write(page, digits, "20381", 60, 60)
    behind = paper()
    put(behind, "Sehr geehrte Damen und Herren", 60, 500, 44)
    page = np.minimum(page, 245 - (245 - behind[:, ::-1].astype(int)) // 6)
    page = np.clip(page + rng.normal(0, 4, page.shape), 0, 255).astype(np.uint8)
    assert len(find_places(page, score=score)) == 1


def test_a_large_number_beside_small_print_is_not_lost(digits, score):
    page = paper()
    for top in range(40, 160, 16):
        put(page, "Muster GmbH, Postfach 12 34, 30159 Hannover " * 2, 40, top, 12)
    code = write(page, digits, "20381", 400, 600)
    assert [len(one) for one in find(page, code, score)] == [5]
    assert [len(one) for one in find(page, code, score, n_digits=5)] == [5]


def test_a_small_number_below_a_large_heading_is_not_lost(digits, score):
    page = paper()
    put(page, "RECHNUNG", 40, 40, 170)
    row = write(page, digits, "20381", 100, 500, size=48)
    assert [len(one) for one in find(page, row, score)] == [5]


def test_answers_in_a_row_with_print_are_found_on_pages_with_boxes(digits, score):
    page = paper()
    answers = []
    for at, text in enumerate(["115", "875", "652"]):
        put(page, f"{at + 1}.   Betrag (EUR) =", 40, 86 + 200 * at, 34)
        answers.append(write(page, digits, text, 400, 70 + 200 * at))
        put(page, "Punkte:", 630, 86 + 200 * at, 34)
        draw_boxes(page, 780, 66 + 200 * at, 2)
        write(page, digits, "07", 784, 70 + 200 * at)
    assert [find(page, box, score) for box in answers] == [[[True] * 3]] * 3


def test_digits_that_touch_a_short_line_below_them_are_not_lost(digits, score):
    page = paper(width=1400)
    answer = write(page, digits, "892", 100, 100)
    page[155:158, 60:335] = PEN
    draw_boxes(page, 600, 100, 3)
    write(page, digits, "07", 604, 104)
    assert [len(one) for one in find(page, answer, score)] == [3]


def test_a_dash_is_no_line_below_digits(digits):
    page = paper(200, 700)
    page[96:101, 40:72] = PEN
    row = write(page, digits, "300", 100, 60)
    assert [len(field) for field in find_places(page)] == [4]
    assert len(find(page, row)) == 1


@pytest.mark.parametrize("gap", [30, 100])
def test_rows_beside_a_postmark_are_not_lost(digits, score, gap):
    page = paper()
    draw_boxes(page, 60, 700, 4)
    rows = []
    for text, top in (("20381", 60), ("74656", 300)):
        rows.append(write(page, digits, text, 60, top))
        image = Image.fromarray(page)
        x, y = rows[-1][2] + gap + 60, top + 32
        for radius in range(12, 61, 8):
            ImageDraw.Draw(image).ellipse(
                (x - radius, y - radius, x + radius, y + radius), outline=PEN, width=3
            )
        page = np.array(image)
    for row in rows:
        (found,) = find(page, row, score)
        assert len(found) >= 5
        assert all(found)


@pytest.mark.parametrize("beside", [(100, 60), (220, 150)])
def test_a_row_beside_a_photo_on_a_page_with_boxes_is_not_lost(digits, score, beside):
    page = paper()
    draw_boxes(page, 60, 700, 4)
    write(page, digits, "18", 64, 704)
    row = write(page, digits, "20381", 60, 160)
    width, height = beside
    rng = np.random.default_rng(0)
    top = 192 - height // 2
    page[top : top + height, 450 : 450 + width] = rng.integers(0, 120, (height, width))
    assert [len(one) for one in find(page, row, score)] == [5]


def test_two_columns_close_to_each_other_are_no_number(digits):
    page = paper(200, 1000)
    write(page, digits, "203", 60, 60)
    write(page, digits, "74", 400, 60)
    fields = find_places(page)
    assert [len(field) for field in fields] == [5]
    assert {place.parted for field in fields for place in field} == {0.5}
    (number,) = find_places(page, n_digits=5)
    assert min(place.parted for place in number) > 0.95
    form = Form.from_dict({"fields": [{"name": "a", "box": [0, 0, 1, 1]}]})
    (number,) = find_places(page, form=form)  # groups of digits in one field
    assert min(place.parted for place in number) > 0.95


def test_numbers_of_different_sizes_beside_each_other_are_no_number(digits):
    page = paper(200, 1000)
    write(page, digits, "203", 60, 60, size=90)
    write(page, digits, "746", 380, 90, size=40)
    fields = find_places(page)
    assert [len(field) for field in fields] == [6]
    assert {place.parted for field in fields for place in field} == {0.5}


def test_a_large_ring_is_no_certain_zero(digits):
    page = paper(width=1400)
    for at, text in enumerate(["20381", "74656", "93025"]):
        write(page, digits, text, 60, 60 + 240 * at)
    image = Image.fromarray(page)
    ImageDraw.Draw(image).ellipse((900, 240, 1150, 490), outline=PEN, width=6)
    fields = find_places(np.array(image))
    assert sorted(len(field) for field in fields if field[0].parted > 0.9) == [5, 5, 5]


def test_a_pattern_as_long_as_a_page_is_not_scored_in_all_ways(digits):
    image = Image.fromarray(paper(160, 4000))
    for x in range(20, 3900, 25):
        ImageDraw.Draw(image).ellipse((x, 50, x + 30, 100), outline=PEN, width=4)
    scored = []

    def score(images):
        scored.append(len(images))
        return np.full((len(images), 10), 0.1)

    (field,) = find_places(np.array(image), score=score)
    assert len(field) > 60
    assert max(place.parted for place in field) <= 0.5
    assert sum(scored) <= len(field)
