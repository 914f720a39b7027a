"""Descriptions of forms."""

import json

import numpy as np
import pytest

from skmnist.reading import Form, FormError, FormField, find_places

FIELD = {"name": "code", "box": [0.1, 0.2, 0.6, 0.8], "digits": 3}


def make_page():
    """Return a page of 200 x 100 with three strokes."""
    page = np.full((100, 200), 255, dtype=np.uint8)
    for left in (40, 60, 80):
        page[35:65, left : left + 4] = 0
    return page


def test_fields_are_read_where_the_form_says():
    form = Form.from_dict({"fields": [FIELD, {"name": "amount", "box": [0.7, 0.2, 0.9, 0.8]}]})
    code, amount = find_places(make_page(), form=form)
    assert [place.box[0] for place in code] == [40, 60, 80]
    assert {place.field for place in code} == {"code"}
    # an empty field is one blank place
    assert [(place.field, place.is_blank, place.box) for place in amount] == [
        ("amount", True, (140, 20, 180, 80))
    ]


def test_boxes_in_pixels_follow_the_resolution():
    form = Form.from_dict(
        {"size": [400, 200], "fields": [{"name": "a", "box": [40, 40, 240, 160]}]}
    )
    assert form.find_boxes((100, 200)) == [(20, 20, 120, 80)]
    assert form.find_boxes((200, 400, 3)) == [(40, 40, 240, 160)]


def test_each_page_has_its_fields():
    form = Form.from_dict({"fields": [FIELD, {**FIELD, "name": "other", "page": 2}]})
    assert form.n_pages == 2
    assert [one.name for one in form.on_page(2).fields] == ["other"]
    (places,) = find_places(make_page(), form=form.on_page(2))
    assert places[0].field == "other"


def test_a_page_without_fields_is_a_form_without_pages():
    assert Form.from_dict({"fields": [FIELD]}).on_page(2).n_pages == 0


def test_a_form_that_does_not_fit_the_page_is_refused():
    form = Form.from_dict(
        {"size": [400, 200], "fields": [{"name": "a", "box": [40, 40, 240, 160]}]}
    )
    with pytest.raises(FormError, match=r"page has 200 x 200 pixels.*400 x 200; scan whole pages"):
        find_places(np.full((200, 200), 255, np.uint8), form=form)
    with pytest.raises(FormError, match=r"field 'a' has 5 x 4 pixels.*higher resolution"):
        form.find_boxes((4, 8))


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        ("luhn", "79927398713", "79927398710"),  # the example of the standard
        ("ean", "9783161484100", "9783161484101"),  # ISBN of the manual
        ("mod10", "210000000003139471430009017", "210000000003139471430009018"),  # Swiss QR bill
        ("mod97", "3214282912345698765432161182", "3214282912345698765432161183"),  # GB82 WEST
    ],
)
def test_check_digits(check, right, wrong):
    field = FormField("number", (0, 0, 1, 1), check=check)
    assert field.accepts(right)
    assert not field.accepts(wrong)
    assert not field.accepts(right[:-1] + "?")


def test_values_and_number_of_digits():
    field = Form.from_dict({"fields": [{**FIELD, "values": ["012", "345"]}]}).fields[0]
    assert field.accepts("012")
    assert not field.accepts("013")
    assert not FormField("a", (0, 0, 1, 1), digits=3).accepts("12")


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ([], "is a list, but must be an object"),
        ({"fields": []}, '"fields" must be a list of 1 to'),
        ({"fields": [FIELD], "sizes": [1, 2]}, "unknown key 'sizes'; did you mean 'size'"),
        ({"fields": [FIELD], "size": [0, 5]}, r"size=\[0, 5\] must be width and height"),
        ({"fields": ["code"]}, "field 1 is 'code', but must be an object"),
        (
            {"fields": [{"box": [0, 0, 1, 1]}]},
            "field 1: name=None must be text and must not be empty",
        ),
        ({"fields": [FIELD, FIELD]}, "field 'code' appears more than once"),
        (
            {"fields": [{**FIELD, "box": [0, 0, 1]}]},
            r"'code': box=\[0, 0, 1\] must be four numbers",
        ),
        ({"fields": [{**FIELD, "box": [0.5, 0, 0.2, 1]}]}, "0 <= left < right"),
        ({"fields": [{**FIELD, "box": [5, 5, 20, 20]}]}, "in pixels, so the size of the page"),
        (
            {"fields": [{**FIELD, "box": [5, 5, 20, 20]}], "size": [10, 10]},
            "beyond the page of 10 x 10",
        ),
        ({"fields": [{**FIELD, "page": 0}]}, "page=0 must be a whole number, 1 or more"),
        ({"fields": [{**FIELD, "digits": "5"}]}, "digits='5' must be a whole number from 1 to"),
        ({"fields": [{**FIELD, "check": "sum"}]}, "check='sum' must be one of ean, luhn"),
        ({"fields": [{**FIELD, "ignore_marks": 1}]}, "ignore_marks=1 must be true or false"),
        ({"fields": [{**FIELD, "values": [123]}]}, "numbers would lose their leading zeros"),
        ({"fields": [{**FIELD, "values": ["12"]}]}, "has '12' with 2 digits, but digits=3"),
    ],
)
def test_mistakes_in_a_description_are_named(described, message):
    with pytest.raises(FormError, match=message):
        Form.from_dict(described)


def test_a_file_is_loaded_and_its_name_is_in_the_message(tmp_path):
    path = tmp_path / "form.json"
    path.write_text(json.dumps({"name": "A 7", "fields": [FIELD]}))
    assert Form.load(path).fields[0].digits == 3
    path.write_text("{")
    with pytest.raises(FormError, match=r"form\.json: is not valid JSON"):
        Form.load(path)
    path.write_text('{"name": "für"}', encoding="latin-1")
    with pytest.raises(FormError, match=r"form\.json: is not in UTF-8; save it as UTF-8$"):
        Form.load(path)
    path.write_text('{"fields": 3}')
    with pytest.raises(FormError, match=r'form\.json: "fields" must be'):
        Form.load(path)
    with pytest.raises(FormError, match=r"none\.json: cannot be read"):
        Form.load(tmp_path / "none.json")
