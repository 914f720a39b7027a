"""Places on fields that are laid together from MNIST's digits, three times as large."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from skmnist.datasets import load_mnist
from skmnist.reading import Form, find_places, load_reader
from tests.reading.fields import cut_out, load_scans, make_field


@pytest.fixture(scope="module")
def digits():
    return load_scans()


def lay(digits, text, kind, *, seed=0, **options):
    return make_field([digits[int(d)] for d in text], kind, np.random.default_rng(seed), **options)


def outline(fields):
    """Return one letter a place: b for blank, d for a digit."""
    return ["".join("b" if place.is_blank else "d" for place in field) for field in fields]


@pytest.mark.parametrize("slant", [0.0, 4.0, -4.0])
@pytest.mark.parametrize("kind", ["boxes", "apart", "comb", "trays", "coloured"])
def test_boxes_are_places_also_empty_ones(digits, kind, slant):
    page = lay(digits, "20381", kind, n_blank=2, slant=slant, shading=0.3, noise=0.01)
    assert outline(find_places(page)) == ["dddddbb"]


@pytest.mark.parametrize("slant", [0.0, 4.0])
@pytest.mark.parametrize("kind", ["bare", "ruled"])
def test_digits_without_boxes_are_found_by_their_strokes(digits, kind, slant):
    page = lay(digits, "20381", kind, slant=slant, shading=0.3, noise=0.01)
    (field,) = find_places(page)
    assert outline([field]) == ["ddddd"]
    lefts = [place.box[0] for place in field]
    assert lefts == sorted(lefts)


def overlap(image, other):
    """Return intersection over union of two strokes, both cropped to their ink."""
    cropped = []
    for one in (image, other):
        ink = np.asarray(one) < 128
        rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
        cropped.append(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    shape = np.minimum(cropped[0].shape, cropped[1].shape)
    a, b = (one[: shape[0], : shape[1]] for one in cropped)
    return (a & b).sum() / (a | b).sum()


@pytest.mark.parametrize("kind", ["boxes", "comb", "coloured", "ruled"])
def test_images_are_the_digits_without_guides(digits, kind):
    page = lay(digits, "203817", kind)
    (field,) = find_places(page)
    for place, digit in zip(field, "203817", strict=True):
        assert overlap(place.image, digits[int(digit)]) > 0.65


def test_boxes_are_in_pixels_of_the_page():
    page = np.full((60, 120), 255, dtype=np.uint8)
    page[10:50, 20:26] = page[10:50, 60:66] = 0
    (field,) = find_places(page)
    assert [place.box for place in field] == [(20, 10, 26, 50), (60, 10, 66, 50)]


def test_large_pages_are_reduced_but_boxes_are_not():
    page = np.full((2400, 3200), 255, dtype=np.uint8)
    page[1000:1200, 500:530] = page[1000:1200, 800:830] = 0
    (field,) = find_places(page)
    boxes = np.array([place.box for place in field])
    assert np.abs(boxes - [[500, 1000, 530, 1200], [800, 1000, 830, 1200]]).max() <= 4


def test_several_rows_are_several_fields(digits):
    rows = [lay(digits, text, "bare") for text in ("2038", "17")]
    width = max(row.shape[1] for row in rows)
    rows = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), mode="edge") for row in rows]
    fields = find_places(np.concatenate(rows))
    assert outline(fields) == ["dddd", "dd"]
    assert [[place.row for place in field] for field in fields] == [[0] * 4, [1] * 2]


def test_bright_ink_on_dark_paper_is_read(digits):
    page = 255 - lay(digits, "203", "bare")
    (field,) = find_places(page)
    assert len(field) == 3
    assert field[0].image.mean() > 128  # dark ink on white, as always


@pytest.mark.parametrize("level", [0, 90, 255])
def test_paper_without_ink_has_no_places(level):
    assert find_places(np.full((80, 300), level, dtype=np.uint8)) == []


def test_shading_and_noise_are_no_ink():
    rng = np.random.default_rng(0)
    paper = np.linspace(120, 240, 400)[None] + rng.normal(0, 4, (100, 400))
    assert find_places(paper.clip(0, 255).astype(np.uint8)) == []


def test_a_cell_with_pieces_of_its_grid_is_one_place(digits):
    cell = np.full((120, 120), 230, dtype=np.uint8)
    cell[:4] = cell[:, -5:] = 60
    assert outline(find_places(cell, n_digits=1)) == ["b"]
    cell[20:104, 20:104] = np.minimum(cell[20:104, 20:104], digits[5])
    assert outline(find_places(cell, n_digits=1)) == ["d"]


def test_a_slanted_line_of_the_grid_is_no_part_of_a_digit(digits):
    cell = np.full((120, 120), 230, dtype=np.uint8)
    cell[20:104, 4:88] = np.minimum(cell[20:104, 4:88], digits[5])
    clean = find_places(cell, n_digits=1)[0][0].image
    y = np.arange(120)
    for thick in range(2):
        cell[y, 94 + thick + y // 12] = 60
    ((place,),) = find_places(cell, n_digits=1)
    assert (place.image[:, 90:] == 255).all()
    assert np.abs(place.image.astype(int) - clean).mean() < 2


def test_a_long_stroke_of_a_digit_in_two_strokes_is_kept():
    cell = np.full((120, 120), 230, dtype=np.uint8)
    cell[10:60, 30:36] = cell[54:60, 30:70] = 60  # a 4 whose stem crosses the whole cell
    cell[:, 74:78] = 60
    ((place,),) = find_places(cell, n_digits=1)
    assert (place.image[:, 74:78] < 128).all(axis=1).mean() > 0.9


def test_touching_digits_are_parted_where_the_network_is_surest(digits):
    """The network that stands in knows ones: tall and narrow."""
    page = np.full((70, 110), 255, dtype=np.uint8)
    page[15:55, 20:26] = page[15:55, 50:56] = page[15:55, 84:90] = 0
    page[30:33, 20:56] = 0  # joins the first two

    def score(images):
        slim = [np.ptp(np.nonzero(image < 128)[1]) < image.shape[0] / 2 for image in images]
        return np.where(np.array(slim)[:, None], [[0.99, 0.01]], [[0.5, 0.5]])

    (field,) = find_places(page, score=score, n_digits=3)
    assert len(field) == 3
    assert max(place.parted for place in field) <= 1
    (field,) = find_places(page, n_digits=2)
    assert len(field) == 2


def count_loops(image):
    """Return the number of large areas that ink encloses."""
    labels, _ = ndimage.label(np.pad(image, 1, constant_values=255) > 128)
    return int((np.bincount(labels.ravel())[2:] > 200).sum())


def test_a_stroke_that_joins_digits_is_no_ruled_line():
    page = Image.new("L", (320, 110), 255)
    draw = ImageDraw.Draw(page)
    for x in (75, 120, 165, 210):
        draw.ellipse((x, 30, x + 38, 74), outline=0, width=5)
    draw.line((90, 32, 232, 32), 0, 5)
    draw.line((30, 20, 30, 90), 0, 5)
    draw.line((290, 20, 290, 90), 0, 5)

    def score(images):
        return np.where(
            [[count_loops(image) == 1] for image in images], [[0.99, 0.01]], [[0.5, 0.5]]
        )

    (field,) = find_places(np.asarray(page), score=score)
    assert sum(count_loops(place.image) for place in field) == 4


@pytest.mark.parametrize("gap", [6, 10])
def test_the_halves_of_a_broken_zero_are_one_digit(gap):
    page = Image.new("L", (300, 110), 255)
    draw = ImageDraw.Draw(page)
    for x in (40, 220):
        draw.line((x, 25, x, 84), 0, 6)
    draw.ellipse((120, 25, 160, 85), outline=0, width=6)
    draw.rectangle((140 - gap // 2, 0, 139 + gap // 2, 110), fill=255)
    places = load_reader().read_page(np.asarray(page))
    assert "".join(places["text"]) == "101"


def test_a_square_zero_among_digits_is_no_box(digits):
    page = np.full((110, 330), 255, dtype=np.uint8)
    for left, top in ((30, 28), (90, 20), (150, 34), (270, 24)):
        page[top : top + 60, left : left + 6] = 0
    page[27:83, 205:240] = 0
    page[32:78, 210:235] = 255
    assert outline(find_places(page)) == ["ddddd"]


def test_division_is_certain_where_nothing_touches(digits):
    (field,) = find_places(lay(digits, "181", "boxes"))
    assert [place.parted for place in field] == [1.0] * 3


@pytest.mark.parametrize(
    ("page", "options", "message"),
    [
        (np.zeros((2, 3, 4, 5), np.uint8), {}, r"shape \(2, 3, 4, 5\).*one image at a time"),
        (np.zeros((20, 30, 4), np.uint8), {}, r"shape \(20, 30, 4\), but must be"),
        (np.zeros((20, 30)), {}, "dtype float64, but must be uint8"),
        (np.zeros((0, 30), np.uint8), {}, "no pixels"),
        (np.zeros((20, 30), np.uint8), {"n_digits": 0}, "n_digits=0 must be an int >= 1, or None"),
    ],
)
def test_what_is_no_page_is_refused(page, options, message):
    with pytest.raises(ValueError, match=message):
        find_places(page, **options)


def test_a_box_that_a_digit_hides_is_found_by_those_beside_it():
    page = np.full((110, 440), 255, dtype=np.uint8)
    for left in range(20, 420, 100):
        page[30:90, [left, left + 70]] = page[90, left : left + 71] = 0
    for step in range(90):  # a stroke through a corner, which reaches beyond the box
        page[10 + step, 205 + step : 210 + step] = 0
    (field,) = find_places(page)
    assert outline([field]) == ["bbdb"]


def test_feet_of_digits_are_not_combs():
    data = load_mnist()
    rows = np.flatnonzero(np.isin(data.y_test, [2, 3, 4, 7]))[:14]
    page = 255 - np.hstack([np.pad(image, 6) for image in data.X_test[rows]])
    (field,) = find_places(page)
    assert len(field) == 14


def fill_boxes(digits, text, *, tall, up=0.0, apart=0, wide=66, side=80):
    """Return boxes, and digits of this height that begin `up` pixels above their boxes."""
    page = np.full((200, 80 + len(text) * (wide + apart)), 255, dtype=np.uint8)
    top = 60
    for at, digit in enumerate(text):
        left = 40 + at * (wide + apart)
        page[top : top + side + 1, [left, left + 1, left + wide, left + wide + 1]] = 90
        page[[top, top + 1, top + side, top + side - 1], left : left + wide + 2] = 90
        ink = cut_out(digits[int(digit)]).max(axis=2)
        width = min(round(tall * ink.shape[1] / len(ink)), wide - 8)
        ink = np.asarray(Image.fromarray((255 * ink).astype(np.uint8)).resize((width, tall)))
        x, y = left + (wide - width) // 2, round(top - up)
        where = (slice(y, y + tall), slice(x, x + width))
        page[where] = np.minimum(page[where], 255 - ink)
    return page


@pytest.mark.parametrize("apart", [0, 10])
@pytest.mark.parametrize("up", [-4, 14])
def test_tall_digits_that_cross_their_boxes_are_kept(digits, up, apart):
    page = fill_boxes(digits, "20638", tall=74, up=up, apart=apart)
    (field,) = find_places(page)
    assert outline([field]) == ["ddddd"]
    assert all(place.box[1] <= max(60 - up, 64) + 3 for place in field)  # the tops are there
    assert all(place.image.shape[0] >= 70 for place in field)


def test_a_row_of_boxes_on_a_slant_is_straightened_by_its_lines(digits):
    page = fill_boxes(digits, "20638", tall=74, up=14)
    turned = ndimage.rotate(page, 0.9, reshape=False, order=1, cval=255)
    assert outline(find_places(turned)) == ["ddddd"]


def test_the_bar_of_a_digit_does_not_divide_its_box():
    page = np.full((110, 200), 255, dtype=np.uint8)
    for left in (20, 80, 140):
        page[20:81, [left, left + 1, left + 38, left + 39]] = 80
        page[[20, 21, 79, 80], left : left + 40] = 80
        page[48:53, left + 2 : left + 37] = 0  # from wall to wall, as in a wide 4
        page[30:72, left + 24 : left + 29] = 0
    assert outline(find_places(page)) == ["ddd"]


def test_gaps_between_boxes_that_digits_connect_are_no_places(digits):
    page = fill_boxes(digits, "20638", tall=60, up=-8, apart=12)
    page[90:95, 50:360] = 0  # a stroke through all of them
    (field,) = find_places(page)
    assert len([place for place in field if not place.is_marked]) == 5


@pytest.mark.parametrize(
    ("top", "left", "tall", "counts"),
    [(4, 60, 44, True), (150, 200, 44, True), (20, 60, 20, False), (60, 2, 80, False)],
    ids=["above", "below", "small print", "at the edge"],
)
def test_writing_beside_boxes_is_not_ignored(digits, top, left, tall, counts):
    page = fill_boxes(digits, "20638", tall=60, up=-8)
    page[top : top + tall, left - 2 : left + 5] = 0
    (field,) = find_places(page)
    assert len(field) == (6 if counts else 5)
    assert min(place.parted for place in field) == (0 if counts else 1)


@pytest.mark.parametrize(("top", "counts"), [(66, False), (4, True)])
def test_print_between_groups_of_boxes_is_ignored_but_not_above_them(digits, top, counts):
    page = fill_boxes(digits, "20638", tall=60, up=-8, apart=24)
    page[top : top + 50, 40 + 66 + 12 : 40 + 66 + 15] = 0
    (field,) = find_places(page)
    assert len(field) == (6 if counts else 5)
    assert min(place.parted for place in field) == (0 if counts else 1)


def test_a_digit_that_the_edge_of_a_field_may_cut_is_uncertain(digits):
    page = lay(digits, "20381", "bare")
    height, width = page.shape[:2]
    (whole,) = find_places(page)
    cut = whole[-1].box[2] - 6
    for right, is_cut in ((width, False), (cut, True)):
        form = Form.from_dict(
            {"size": [width, height], "fields": [{"name": "a", "box": [0, 0, right, height]}]}
        )
        (field,) = find_places(page, form=form)
        assert [place.parted == 0 for place in field] == [False] * 4 + [is_cut]


def test_a_streak_beside_digits_is_uncertain(digits):
    page = lay(digits, "20381", "bare")
    page[:, 4:6] = 60
    (field,) = find_places(page)
    assert field[0].parted <= 0.5
    assert all(place.parted == 1 for place in field[1:])


def test_many_specks_are_not_a_blank_field():
    rng = np.random.default_rng(0)
    page = np.full((100, 300), 255, dtype=np.uint8)
    form = Form.from_dict({"fields": [{"name": "a", "box": [0, 0, 1, 1]}]})
    assert outline(find_places(page, form=form)) == ["b"]
    for y, x in zip(rng.integers(20, 80, 30), rng.integers(5, 290, 30), strict=True):
        page[y : y + 2, x : x + 3] = 0  # a pencil that a black-and-white scan has broken up
    ((place,),) = find_places(page, form=form)
    assert (place.is_blank, place.parted, place.field) == (False, 0.0, "a")
    assert 0.002 < place.ink < 0.02


def lay_three_rows(digits):
    """Return a page with three rows of digits without boxes, and room for shapes on the right."""
    page = np.full((560, 900), 245, dtype=np.uint8)
    for at, text in enumerate(["20381", "74656", "93025"]):
        row = lay(digits, text, "bare", seed=at)[..., 0]
        page[20 + 180 * at :, 20:][: row.shape[0], : row.shape[1]] = row
    return page


SHAPES = {
    "box to tick": [(760, 40, 800, 80)],
    "two boxes to tick": [(760, 40, 800, 80), (760, 240, 800, 280)],
    "empty boxes": [(600 + 46 * at, 460, 646 + 46 * at, 520) for at in range(6)],
    "large frame": [(600, 40, 860, 420)],
    "frame around the page": [(5, 5, 894, 554)],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_without_boxes_are_found_on_pages_with_boxes(digits, shape):
    page = lay_three_rows(digits)
    alone = [field for field in find_places(page) if len(field) == 5]
    assert outline(alone) == ["ddddd"] * 3
    image = Image.fromarray(page)
    for box in SHAPES[shape]:
        ImageDraw.Draw(image).rectangle(box, outline=60, width=3)
    rows = [field for field in find_places(np.asarray(image)) if outline([field]) == ["ddddd"]]
    assert len(rows) == 3
    for one, other in zip(alone, rows, strict=True):
        for place, same in zip(one, other, strict=True):
            assert np.abs(np.subtract(place.box, same.box)).max() <= 2
    if shape != "frame around the page":  # the boxes may be the only fields
        assert {place.parted for field in rows for place in field} == {0.0}


PICTURES = {
    "logo": [((620, 60, 880, 160), (30, 60, 120))],
    "note": [((560, 100, 860, 420), (255, 240, 120))],
    "photo": [
        (
            (600 + 10 * x, 30 + 10 * y, 609 + 10 * x, 39 + 10 * y),
            (60 + 9 * ((3 * x + 7 * y) % 17),) * 3,
        )
        for x in range(24)
        for y in range(40)
    ],
    "data matrix": [
        ((620 + 10 * x, 60 + 10 * y, 629 + 10 * x, 69 + 10 * y), (0, 0, 0))
        for x in range(24)
        for y in range(24)
        if 0 in (x, y) or (5 * x * x + 3 * y * y + x * y) % 7 < 4
    ],
    "bar code": [((600 + 5 * x, 40, 601 + 5 * x + x % 2, 240), (0, 0, 0)) for x in range(50)],
}


@pytest.mark.parametrize("picture", PICTURES)
def test_rows_are_found_beside_pictures(digits, picture):
    page = lay_three_rows(digits)
    alone = find_places(page)
    image = Image.fromarray(page).convert("RGB")
    for box, colour in PICTURES[picture]:
        ImageDraw.Draw(image).rectangle(box, fill=colour)
    rows = [field for field in find_places(np.asarray(image)) if field[-1].box[2] < 550]
    assert outline(rows) == outline(alone) == ["ddddd"] * 3
    for one, other in zip(alone, rows, strict=True):
        for place, same in zip(one, other, strict=True):
            assert np.abs(np.subtract(place.box, same.box)).max() <= 4


@pytest.mark.parametrize("level", [170, 200, 225])
def test_a_dithered_fax_is_read_like_a_grey_scan(digits, level):
    page = lay_three_rows(digits)
    grey = (page.astype(int) * level // 245).astype(np.uint8)
    dithered = np.asarray(Image.fromarray(grey).convert("1").convert("L"))
    rows, expected = find_places(dithered), find_places(page)
    assert outline(rows) == outline(expected) == ["ddddd"] * 3
    for one, other in zip(rows, expected, strict=True):
        for place, same in zip(one, other, strict=True):
            assert np.abs(np.subtract(place.box, same.box)).max() <= 6


def test_small_print_on_a_page_with_boxes_is_not_a_field(digits):
    page = np.full((600, 900), 245, dtype=np.uint8)
    boxes = lay(digits, "20381", "boxes")[..., 0]
    page[420:, 50:][: boxes.shape[0], : boxes.shape[1]] = boxes
    expected = outline(find_places(page))
    image = Image.fromarray(page)
    ImageDraw.Draw(image).text((50, 40), "Number", fill=60, font_size=28)
    assert outline(find_places(np.asarray(image))) == expected == ["ddddd"]
    ImageDraw.Draw(image).text((50, 100), "TEXT AND MORE", fill=60, font_size=80)
    with_text = np.asarray(image)
    assert len(find_places(with_text)) == 2
    assert outline(find_places(with_text, score=load_reader()._score)) == expected


@pytest.mark.parametrize("paper", [0, 30, 60])
def test_a_few_light_digits_on_a_large_dark_page_are_found(digits, paper):
    page = np.full((1100, 1600), 245, dtype=np.uint8)
    row = lay(digits, "20381", "bare")[..., 0]
    page[500:, 600:][: row.shape[0], : row.shape[1]] = row
    dark = (paper + (255 - page.astype(int)) * (245 - paper) // 255).astype(np.uint8)
    assert outline(find_places(dark)) == outline(find_places(page)) == ["ddddd"]


def test_marks_without_digits_are_no_row_of_digits():
    page = np.full((160, 400), 255, dtype=np.uint8)
    page[61:79, 168:179] = page[55:60, 29:32] = 0
    fields = find_places(page)
    assert outline(fields) == ["d"]
    assert fields[0][0].box == (168, 61, 179, 79)
