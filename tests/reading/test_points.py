"""Points, commas and other small marks beside digits are reported."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from skmnist.datasets import load_mnist, load_swiss_digits
from skmnist.reading import FileReading, Form, find_places, join_fields, load_reader
from skmnist.text import use_language
from tests.reading.fields import KINDS, as_scan, make_field

SIGNS = ".,'-:"


@pytest.fixture(scope="module")
def scans():
    """Return one image of each digit."""
    mnist = load_mnist(n_train=200, random_state=0)
    images, y = np.asarray(mnist.X_train).reshape(-1, 28, 28), np.asarray(mnist.y_train)
    return [as_scan(images[np.flatnonzero(y.astype(int) == digit)[1]]) for digit in range(10)]


@pytest.fixture(scope="module")
def bundled():
    return load_reader()


def lay(scans, text, kind, *, seed=0, **options):
    return make_field([scans[int(d)] for d in text], kind, np.random.default_rng(seed), **options)


def outline(fields):
    """Return one letter a place: b is blank, d a digit, m a mark, and M a digit with one."""
    letters = {(True, True): "m", (False, True): "M", (True, False): "b", (False, False): "d"}
    return ["".join(letters[place.is_blank, place.is_marked] for place in one) for one in fields]


@pytest.mark.parametrize(
    "sign", [pytest.param(sign, marks=[pytest.mark.slow] * (sign in "':-")) for sign in SIGNS]
)
def test_a_sign_between_digits_is_a_place_of_its_own(scans, sign):
    found = Counter()
    for seed in range(6):
        page = lay(scans, "1350", "bare", signs={2: sign}, seed=seed, shading=0.2, noise=0.01)
        for n_digits in (None, 4):
            found[tuple(outline(find_places(page, n_digits=n_digits)))] += 1
    # a minus that nearly touches a digit is taken for a part of it
    assert found["ddmdd",] >= (8 if sign == "-" else 12), found


@pytest.mark.parametrize("sign", ".,")
def test_a_sign_on_a_ruled_line_is_told(scans, sign):
    page = lay(scans, "1350", "ruled", signs={2: sign})
    assert outline(find_places(page)) == ["ddmdd"]


def test_a_comma_on_a_tooth_of_a_comb_is_told(scans):
    assert outline(find_places(lay(scans, "1350", "comb", signs={2: ","}))) == ["dMdd"]


@pytest.mark.parametrize("kind", ["boxes", "apart", "comb", "trays", "coloured"])
def test_boxes_stay_places_beside_a_sign(scans, kind):
    n_told = 0
    for seed in range(6):  # in some, the point touches a digit through the line
        (field,) = outline(find_places(lay(scans, "1110", kind, signs={2: "."}, seed=seed)))
        assert sum(letter in "dM" for letter in field) == 4
        n_told += bool(set(field) & {*"mM"})
    assert n_told >= 4


def test_a_point_alone_in_a_box_is_not_blank(scans):
    page = lay(scans, "135", "boxes", n_blank=1)
    (field,) = find_places(page)
    left, _, right, bottom = field[3].box
    page[bottom - 20 : bottom - 12, (left + right) // 2 : (left + right) // 2 + 8] = 0
    assert outline(find_places(page)) == ["dddm"]


@pytest.mark.parametrize("kind", KINDS)
def test_dust_and_what_lines_have_left_are_no_signs(scans, kind):
    for seed in range(3):
        page = lay(scans, "1350", kind, seed=seed, n_specks=20, noise=0.01)
        assert not set("".join(outline(find_places(page)))) & {*"mM"}


def test_an_amount_is_left_to_a_person(bundled, scans):
    amount, plain = lay(scans, "1350", "bare", signs={2: ","}), lay(scans, "1350", "bare")
    places = bundled.read_page(amount)
    assert places["outcome"].tolist()[2] == "not_digit"
    assert places["text"].tolist()[2] == ""
    assert places["reason"][2] == (
        "There is a mark here, such as a point, a comma, a minus or a slash."
    )
    fields = join_fields([FileReading("a.png", places, {}, None)])
    assert fields["outcome"].tolist() == ["unsure"]
    assert fields["text"][0][2] == "?"
    without = bundled.read_page(plain)
    assert "".join(without["text"]) == "1350"
    assert without["outcome"].tolist() == places["outcome"].drop(2).tolist()
    with use_language("de"):
        assert "etwa ein Punkt" in bundled.read_page(amount)["reason"][2]


def test_marks_can_be_ignored(bundled, scans):
    described = {"name": "amount", "box": [0, 0, 1, 1], "ignore_marks": True}
    form = Form.from_dict({"fields": [described]})
    for kind in ("bare", "comb"):
        places = bundled.read_page(lay(scans, "1350", kind, signs={2: ","}), form=form)
        assert "".join(places["text"]) == "1350"
        assert places["place"].tolist() == [0, 1, 2, 3]
        assert (places["outcome"] == "digit").all()
    page = lay(scans, "1135", "boxes")
    for at, expected in ((1, "ddd"), (0, "mmdd")):  # before the digits, it may be a minus
        left, top, right, bottom = find_places(page)[0][at].box
        page[top + 4 : bottom - 4, left + 4 : right - 4] = 255
        page[bottom - 20 : bottom - 12, (left + right) // 2 : (left + right) // 2 + 8] = 0
        assert outline(find_places(page, form=form)) == [expected]


@pytest.mark.parametrize("kind", ["bare", "ruled"])
def test_slashes_are_no_ones(bundled, scans, kind):
    date = lay(scans, "250378", kind, signs={2: "/", 4: "/"})
    places = bundled.read_page(date)
    assert len(places) == 8
    assert (places["outcome"][[2, 5]] != "digit").all()
    described = {"name": "date", "box": [0, 0, 1, 1], "digits": 6}
    (field,) = outline(find_places(date, form=Form.from_dict({"fields": [described]})))
    assert field == "ddmddmdd"
    described["ignore_marks"] = True
    places = bundled.read_page(date, form=Form.from_dict({"fields": [described]}))
    assert "".join(places["text"]) == "250378"


@pytest.mark.parametrize(("text", "places"), [("250378", (2, 4)), ("192026", (1, 2))])
def test_slashes_that_make_up_the_number_of_digits_are_no_ones(bundled, scans, text, places):
    date = lay(scans, text, "bare", signs=dict.fromkeys(places, "/"))
    for ignored in (False, True):
        field = {"name": "date", "box": [0, 0, 1, 1], "digits": 8, "ignore_marks": ignored}
        places = bundled.read_page(date, form=Form.from_dict({"fields": [field]}))
        assert (places["outcome"] != "digit").any()


def test_a_single_one_too_many_is_not_left_out_as_a_slash(bundled, scans):
    page = lay(scans, "35053", "bare", signs={2: "/"})  # as a leaning 1
    field = {"name": "code", "box": [0, 0, 1, 1], "digits": 5, "ignore_marks": True}
    places = bundled.read_page(page, form=Form.from_dict({"fields": [field]}))
    assert not (places["outcome"] == "digit").all()


def test_ones_are_no_slashes(bundled, scans):
    plain = lay(scans, "31053", "bare")
    assert "".join(bundled.read_page(plain)["text"]) == "31053"
    for digits in (None, 5):
        described = {"name": "code", "box": [0, 0, 1, 1], "digits": digits, "ignore_marks": True}
        form = Form.from_dict({"fields": [described]})
        assert (bundled.read_page(plain, form=form)["outcome"] == "digit").all()


@pytest.mark.parametrize("kind", ["bare", "ruled"])
def test_a_large_comma_is_no_digit(bundled, scans, kind):
    page = lay(scans, "1350", kind)
    right = [place.box[2] for place in find_places(page)[0]]
    top, bottom = (find_places(page)[0][2].box[at] for at in (1, 3))
    start = bottom - (bottom - top) // 4
    for row in range(start, start + (bottom - top) * 6 // 10):  # lower than a digit, hanging
        at = right[1] + 6 - (row - start) // 5
        page[row, at : at + 5] = 0
    for form in (None, Form.from_dict({"fields": [{"name": "amount", "box": [0, 0, 1, 1]}]})):
        places = bundled.read_page(page, form=form)
        assert len(places) == 5
        assert not (places["outcome"] == "digit").any()


def test_rows_of_other_sizes_are_no_commas(scans):
    large = lay(scans, "1350", "bare")
    height, width = (side // 2 for side in large.shape[:2])
    page = np.full((600, 500, 3), 255, dtype=np.uint8)
    page[: 2 * height, : 2 * width] = large[: 2 * height, : 2 * width]
    page[300 : 300 + height, 40 : 40 + width] = Image.fromarray(large).resize((width, height))
    fields = find_places(page)
    assert outline(fields) == ["dddd", "dddd"]
    assert min(place.parted for field in fields for place in field) > 0.9


def test_a_sign_in_a_box_makes_its_digit_unsure(bundled, scans):
    page = lay(scans, "1350", "boxes")
    _, _, right, bottom = find_places(page)[0][1].box
    page[bottom - 18 : bottom - 9, right - 12 : right - 3] = 0
    places = bundled.read_page(page)
    assert places["outcome"][1] == "unsure"
    assert places["reason"][1] == (
        "There is a small mark beside the digit, such as a point or a comma."
    )


def test_a_form_with_a_number_of_digits_loses_nothing(bundled, scans):
    page = lay(scans, "1350", "bare", signs={2: "."})
    form = Form.from_dict({"fields": [{"name": "sum", "box": [0, 0, 1, 1], "digits": 4}]})
    places = bundled.read_page(page, form=form)
    assert places["outcome"].tolist().count("not_digit") == 1
    assert "".join(places["text"]) == "1350"


def measure(n=12):
    """Count fields by the writers that figures are about, by kind and sign; "" is none.

    `told` fields have a mark, `lost` ones were accepted without one.
    """
    swiss, reader, counts = load_swiss_digits(), load_reader(), {}
    for kind in KINDS:
        for sign in ["", *SIGNS]:
            rng = np.random.default_rng(7)
            count = counts[kind, sign] = Counter()
            for at in range(n):
                rows = np.flatnonzero(swiss.groups == swiss.writers[11 + at % 3])
                digits = [
                    np.asarray(Image.fromarray(swiss.scans[row]).resize((80, 80)))
                    for row in rng.choice(rows, 5)
                ]
                where = 0 if sign == "-" else int(rng.integers(1, 5))
                page = make_field(
                    digits,
                    kind,
                    rng,
                    signs={where: sign} if sign else None,
                    n_specks=int(rng.integers(12)),
                    shading=rng.uniform(0, 0.3),
                    noise=rng.choice([0, 0.01, 0.02]),
                    slant=float(rng.choice([0, 0, 2, -2])),
                )
                places = reader.read_page(page)
                told = places["reason"].str.contains("There is a").any()
                accepted = places["outcome"].isin(["digit", "blank"]).all()
                count.update(n=1, told=bool(told), lost=bool(accepted))
    return counts


@pytest.mark.slow
def test_signs_of_writers_are_told():
    counts = measure()
    print(pd.DataFrame(counts).T.to_string())  # noqa: T201  the figures of docs/reading.rst
    free = [count for (kind, sign), count in counts.items() if kind == "bare" and sign]
    signs = [count for (_, sign), count in counts.items() if sign]
    clean = [count for (_, sign), count in counts.items() if not sign]
    assert sum(count["lost"] for count in free) <= 0.03 * sum(count["n"] for count in free)
    assert sum(count["lost"] for count in signs) <= 0.15 * sum(count["n"] for count in signs)
    assert sum(count["told"] for count in clean) <= 0.05 * sum(count["n"] for count in clean)


def measure_dates(n=60):
    """Count dates with two slashes, and six digits without, by the writers of the figures.

    `accepted` is without a form; `right` and `wrong` are accepted with a form that has the number
    of digits and ignores marks.
    """
    swiss, reader, counts = load_swiss_digits(), load_reader(), {}
    described = {"name": "date", "box": [0, 0, 1, 1], "digits": 6, "ignore_marks": True}
    form = Form.from_dict({"fields": [described]})
    for kind in ("bare", "ruled"):
        for signs in ({2: "/", 4: "/"}, None):
            rng = np.random.default_rng(11)
            count = counts[kind, bool(signs)] = Counter()
            for at in range(n):
                rows = np.flatnonzero(swiss.groups == swiss.writers[11 + at % 3])
                rows = rng.choice(rows, 6)
                digits = [
                    np.asarray(Image.fromarray(swiss.scans[r]).resize((80, 80))) for r in rows
                ]
                page = make_field(digits, kind, rng, signs=signs, shading=0.1, noise=0.01)
                free = reader.read_page(page)
                known = reader.read_page(page, form=form)
                accepted = (known["outcome"] == "digit").all()
                right = "".join(known["text"]) == "".join(map(str, swiss.target[rows]))
                count["accepted"] += bool((free["outcome"] == "digit").all())
                count["right"] += bool(accepted and right)
                count["wrong"] += bool(accepted and not right)
    return counts


@pytest.mark.slow
def test_dates_are_never_read_as_longer_numbers():
    counts = measure_dates()
    print(pd.DataFrame(counts).T.to_string())  # noqa: T201  the figures of docs/reading.rst
    for (_, has_slashes), count in counts.items():
        assert count["accepted"] == 0 or not has_slashes
        assert count["right"] >= 20
