"""Layouts that people have: every image is read, named in a note and counted, or asked about."""

import numpy as np
import pytest

from skmnist.datasets import DatasetError, load_digit_archive
from tests.datasets.build import (
    DIGITS,
    idx_files,
    load,
    same,
    sentences,
    to_csv,
    to_idx,
    to_image,
    to_npz,
    write_folder,
    write_zip,
)

IMAGES = (".png", ".jpg", ".gif", ".webp", ".heic")
# the notes that count images; of these, what is not read
NOT_READ = {
    *("unused", "unused_many", "validation_unused", "validation_unused_many", "unlabelled"),
    *("unlisted", "stray_images", "leftovers", "foreign_images"),
}


def picture(at):
    """Return an image that can be told from the others: its first pixel is its number."""
    return to_image(np.full((4, 4), at, np.uint8) * np.eye(4, dtype=np.uint8))


def pictures(paths):
    return {path: picture(at) for at, path in enumerate(paths)}


def classes(root="", n=4, *, names=range(3), ending="png"):
    """Return the images of some classes, in folders."""
    return pictures([f"{root}{name}/{at}.{ending}" for name in names for at in range(n)])


def listing(names, labels, *, header="file,label", row="{name},{label}"):
    lines = [row.format(name=name, label=label) for name, label in zip(names, labels, strict=True)]
    return "\n".join([header, *lines] if header else lines).encode() + b"\n"


def listed(n=12, *, name="img_{}.png", folder="images/", table="labels.csv", **options):
    """Return images in one folder, and the table with their names and labels."""
    files = pictures([f"{folder}img_{at}.png" for at in range(n)])
    names = [name.format(at) for at in range(n)]
    return files | {table: listing(names, [at % 3 for at in range(n)], **options)}


GIF = b"GIF89a" + bytes(20)
ZOO = {  # files, images that are read, keys of notes on others
    "folders": (classes(), 12, set()),
    "other formats": (
        classes() | {"0/a.gif": GIF, "1/b.webp": b"RIFF", "2/c.HEIC": b"\0", "0/d.jp2": b"\0"},
        12,
        {"foreign_images"},
    ),
    "all of a class in another format": (
        classes() | {f"3/{at}.webp": b"RIFF" for at in range(4)},
        12,
        {"foreign_images"},
    ),
    "Synology": (
        classes() | {f"0/@eaDir/{at}.png/SYNOPHOTO_THUMB_M.jpg": picture(1) for at in range(4)},
        12,
        {"leftovers"},
    ),
    "thumbnails of several systems": (
        classes()
        | {"0/.thumbnails/1.png": b"x", "thumbnails/a.png": b"x", "1/.hidden.png": b"x"}
        | {"__MACOSX/0/0.png": b"x", ".@__thumb/s100.jpg": b"x"},
        12,
        {"leftovers"},
    ),
    "training, test and validation": (
        classes("train/") | classes("test/") | classes("val/"),
        24,
        {"validation_unused_many"},
    ),
    "loose images": (classes() | pictures(["a.png", "b.png"]), 12, {"stray_images"}),
    "loose images beside a validation part": (
        classes("train/") | classes("test/") | classes("val/") | pictures(["a.png", "b.png"]),
        24,
        {"validation_unused_many", "stray_images"},
    ),
    "unlabelled test images": (
        classes("train/") | pictures([f"test/{at}.png" for at in range(5)]),
        12,
        {"unlabelled"},
    ),
    "images of no part beside train and test": (
        classes("train/") | classes("test/") | classes("more/"),
        24,
        {"unused_many"},
    ),
    "images beside arrays": ({"digits.npz": to_npz(DIGITS)} | classes(), 0, {"unused_many"}),
    "writers in classes": (
        pictures([f"{c}/{w}/{at}.png" for c in range(3) for w in ("ann", "bo") for at in (1, 2)]),
        12,
        set(),
    ),
    "listed": (listed(), 12, set()),
    "listed but for some": (
        listed() | pictures(["images/x.png", "other/y.png"]) | {"images/z.gif": GIF},
        12,
        {"unlisted", "foreign_images"},
    ),
    "listed, test images unlabelled": (
        listed(folder="train/", table="train.csv")
        | pictures([f"test/img_{at}.png" for at in range(3)])
        | {"sample_submission.csv": b"file,label\nimg_0.png,0\nimg_1.png,0\nimg_2.png,0\n"},
        12,
        {"unlisted", "unused"},
    ),
}


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("write", [write_folder, write_zip])
def test_images_read_and_images_in_notes_are_all_images(name, write, tmp_path):
    files, n_read, keys = ZOO[name]
    data = load_digit_archive(write(tmp_path / "digits", files), random_state=0)
    present = sum(path.lower().endswith((*IMAGES, ".jp2")) for path in files)
    notes = [note for note in data.notes if note.key in NOT_READ]
    assert {note.key for note in notes} == keys
    of_images = [note for note in notes if not note.values["path"].endswith((".csv", ".npz"))]
    assert n_read + sum(note.values["n"] for note in of_images) == present
    if n_read:
        assert len(data.X_train) + len(data.X_test) == n_read
    for language in ("en", "de"):
        assert all(sentences(data, language))


# --- images and a table of their labels


def check_listed(data):
    """See that each image has the label that the table gives it."""
    numbers = np.concatenate([data.X_train[:, 0, 0], data.X_test[:, 0, 0]])
    labels = np.concatenate([data.y_train, data.y_test])
    assert sorted(numbers.tolist()) == list(range(12))
    np.testing.assert_array_equal(labels, numbers % 3)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"header": None},
        {"header": "label,file", "row": "{label},{name}"},
        {"header": None, "row": "{label},{name}"},
        {"name": "img_{}"},
        {"name": "images/img_{}.png"},
        {"name": "./images/img_{}.PNG"},
        {"name": "C:\\scans\\images\\img_{}.png"},
        {"header": "file;label", "row": "{name};{label}"},
        {"header": "id,file,label,writer", "row": "1,{name},{label},ann"},
        {"header": "name,what", "row": '"{name}", {label}'},
        {"table": "labels.tsv", "header": "file\tlabel", "row": "{name}\t{label}"},
        {"table": "images/labels.csv"},
        {"folder": ""},
        {"folder": "a/images_1/"},
    ],
)
def test_a_table_gives_the_labels_to_images_of_one_folder(options, tmp_path):
    data = load(tmp_path, listed(**options), random_state=0)
    check_listed(data)
    assert any("The labels are in column" in note for note in sentences(data))


def test_numbers_are_names_where_they_are_the_names_of_images(tmp_path):
    files = pictures([f"train/{at}.png" for at in range(12)])
    files["trainLabels.csv"] = listing(range(12), [at % 3 for at in range(12)], header="id,label")
    check_listed(load(tmp_path, files, random_state=0))


def test_images_in_several_folders_are_found_by_their_names(tmp_path):
    files = pictures([f"images_{at % 2}/{at}.png" for at in range(12)])
    files["labels.csv"] = listing([f"{at}.png" for at in range(12)], [at % 3 for at in range(12)])
    check_listed(load(tmp_path, files, random_state=0))


@pytest.mark.parametrize("tables", [("train.csv", "test.csv"), ("train/y.csv", "test/y.csv")])
def test_each_part_may_have_its_table(tables, tmp_path):
    files = pictures([f"{part}/{at}.png" for part in ("train", "test") for at in range(6)])
    for number, table in enumerate(tables):
        labels = [(at + 6 * number) % 3 for at in range(6)]
        files[table] = listing([f"{at}.png" for at in range(6)], labels)
    data = load(tmp_path, files)
    assert data.X_train[:, 0, 0].tolist() == list(range(6))
    assert data.X_test[:, 0, 0].tolist() == list(range(6, 12))
    check_listed(data)


def test_one_table_may_name_the_images_of_both_parts(tmp_path):
    paths = [f"{part}/{at}.png" for part in ("train", "test") for at in range(6)]
    files = pictures(paths) | {"labels.csv": listing(paths, [at % 3 for at in range(12)])}
    data = load(tmp_path, files)
    assert (len(data.X_train), len(data.X_test)) == (6, 6)
    check_listed(data)


def test_names_without_an_image_are_counted(tmp_path):
    files = listed()
    files["labels.csv"] += b"img_98.png,1\nimg_99.png,2\n"
    data = load(tmp_path, files, random_state=0)
    check_listed(data)
    expected = "Listed in labels.csv, but there is no such image: img_98.png in line 14 (names: 2)"
    assert expected in sentences(data)


def test_most_images_may_be_missing(tmp_path):
    files = pictures([f"images/{at}.png" for at in range(12)])
    names = [f"{at}.png" for at in range(299, -1, -1)]
    files["labels.csv"] = listing(names, [int(name[:-4]) % 3 for name in names])
    data = load(tmp_path, files, random_state=0)
    check_listed(data)
    assert any("299.png in line 2 (names: 288)" in note for note in sentences(data))


def test_what_is_not_used_of_the_table_is_told(tmp_path):
    data = load(tmp_path, listed(header="file,label,split", row="{name},{label},x"), random_state=0)
    assert "Not used: the column 'split' of labels.csv" in sentences(data)


def test_a_label_of_the_table_may_be_named(tmp_path):
    files = listed(header="file,number,sex", row="{name},{label},f")
    with pytest.raises(DatasetError, match=r"'number', 'sex'; pass the name of the right one"):
        load(tmp_path / "a", files)
    check_listed(load(tmp_path / "b", files, label="number", random_state=0))


def test_a_label_must_be_a_column_of_a_table(tmp_path):
    match = r"labels.csv, line 1: no column is named 'digit'; the first .* \['file', 'number'\]"
    with pytest.raises(DatasetError, match=match):
        load(tmp_path / "a", listed(header="file,number"), label="digit")
    match = "labels.csv, line 1: has no header, so label='digit' cannot be found"
    with pytest.raises(DatasetError, match=match):
        load(tmp_path / "b", listed(header=None), label="digit")


def test_tables_without_the_named_label_are_not_used(tmp_path):
    files = listed(header="file,number") | listed(table="writers.csv", header="file,writer")
    data = load(tmp_path, files, label="number", random_state=0)
    check_listed(data)
    assert "Not used: writers.csv" in sentences(data)


def test_the_column_of_names_is_not_a_label(tmp_path):
    match = r"labels.csv, line 1, column 1: label='file' is the .* another column: 'number', 'sex'"
    with pytest.raises(DatasetError, match=match):
        load(tmp_path, listed(header="file,number,sex", row="{name},{label},f"), label="file")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            b"img_0.png,2",
            "line 14: 'img_0.png' has the label '2', but '0' in an earlier",
        ),
        (b"img_0.png,", "labels.csv, line 14, column 2: is empty; expected a label"),
        (b"img_0.png", "labels.csv, line 14: has 1 field; expected 2"),
        (b"same.png,1", "'same.png' may be 'images/a/same.png' or 'images/b/same.png'"),
    ],
)
def test_a_row_that_is_wrong_is_named(line, told, tmp_path):
    files = listed() | pictures(["images/a/same.png", "images/b/same.png"])
    files["labels.csv"] += line + b"\n"
    with pytest.raises(DatasetError, match=told):
        load(tmp_path, files)


def test_tables_that_disagree_are_refused(tmp_path):
    files = listed() | listed(table="old_labels.csv")
    check_listed(load(tmp_path / "a", files, random_state=0))
    files["old_labels.csv"] = files["old_labels.csv"].replace(b"img_3.png,0", b"img_3.png,1")
    with pytest.raises(DatasetError, match=r"img_3.png: has different labels in two tables"):
        load(tmp_path / "b", files)


def test_a_column_named_label_beside_classes_that_are_words_is_heeded(tmp_path):
    files = pictures([f"{name}/{at}.png" for name in ("scan", "phone") for at in range(6)])
    named = listing(list(files), [at % 3 for at in range(12)])
    check_listed(load(tmp_path / "a", files | {"labels.csv": named}, random_state=0))
    written_by = named.replace(b"label", b"writer")
    data = load(tmp_path / "b", files | {"writers.csv": written_by}, random_state=0)
    assert data.target_names.tolist() == ["phone", "scan"]


@pytest.mark.parametrize("folder", ["images/", "train/"])
@pytest.mark.parametrize(
    "header", [",file,label", "id,filename,label", "nr,Datei,label", "a,b,label"]
)
def test_whole_names_of_files_beat_the_numbers_of_rows(header, folder, tmp_path):
    order = [7, 3, 0, 11, 5, 1, 9, 2, 10, 4, 8, 6]
    files = pictures([f"{folder}{at}.png" for at in range(12)])
    lines = [f"{row},{at}.png,{at % 3}" for row, at in enumerate(order)]
    files["labels.csv"] = "\n".join([header, *lines]).encode()
    check_listed(load(tmp_path, files, random_state=0))


def test_of_two_columns_that_may_name_the_images_the_header_tells_which(tmp_path):
    order = [7, 3, 0, 11, 5, 1, 9, 2, 10, 4, 8, 6]
    files = pictures([f"images/{at}.png" for at in range(12)])
    lines = [f"{row},{at},{at % 3}" for row, at in enumerate(order)]
    for number, header in enumerate(("id,image,label", "nr,path,label")):
        files["labels.csv"] = "\n".join([header, *lines]).encode()
        check_listed(load(tmp_path / str(number), files, random_state=0))
    files["labels.csv"] = "\n".join(["id,scan,label", *lines]).encode()
    with pytest.raises(DatasetError, match=r"columns 1 \('id'\) and 2 \('scan'\) both name images"):
        load(tmp_path / "c", files)


@pytest.mark.parametrize("sheets", ["123", "ab"])
@pytest.mark.parametrize(
    ("header", "name"), [("file,label", "labels.csv"), ("file,value", "labels.csv")]
)
def test_folders_do_not_win_over_a_table_with_other_labels(header, name, sheets, tmp_path):
    paths = [f"{sheets[at % len(sheets)]}/{at}.png" for at in range(12)]
    files = pictures(paths) | {name: listing(paths, [at // 4 for at in range(12)], header=header)}
    with pytest.raises(
        DatasetError, match=r"labels.csv: gives '.*png' the label '.', but its fold"
    ):
        load(tmp_path / "a", files)
    column = header.partition(",")[2]
    data = load(tmp_path / "b", files, label=column, random_state=0)
    numbers = np.concatenate([data.X_train[:, 0, 0], data.X_test[:, 0, 0]])
    labels = np.concatenate([data.y_train, data.y_test])
    np.testing.assert_array_equal(labels, numbers // 4)
    data = load(tmp_path / "c", files, label="last", random_state=0)
    assert data.target_names.tolist() == list(sheets)


@pytest.mark.parametrize("folder", ["{}", "0{}", "digit_{}", "Sample0{}"])
def test_folders_and_a_table_that_agree_are_read(folder, tmp_path):
    paths = [f"{folder.format(at % 3)}/{at}.png" for at in range(12)]
    files = pictures(paths) | {"labels.csv": listing(paths, [at % 3 for at in range(12)])}
    data = load(tmp_path, files, random_state=0)
    assert data.target_names.tolist() == [folder.format(at) for at in range(3)]


# --- folders


WRITERS = ["ann", "bo", "writer3"]


def test_notes_name_many_folders_and_archives_without_words_of_a_language(tmp_path):
    writers = [f"writer {at}" for at in range(7)]
    files = pictures([f"{c}/{w}/{a}.png" for c in range(2) for w in writers for a in (1, 2)])
    files |= {f"more{at}.zip": b"PK\x03\x04" for at in range(6)}
    data = load(tmp_path, files, random_state=0)
    notes = {note.key: note.values for note in data.notes}
    assert notes["outer_classes"]["folders"].endswith("'writer 3', 'writer 4', ... (7)")
    assert notes["packed"]["paths"].endswith("more4.zip', ... (6)")


@pytest.mark.parametrize("writers", [WRITERS, ["w01", "w02"], ["0012", "0013"], ["11", "12", "13"]])
@pytest.mark.parametrize("root", ["", "photos/", "train/"])
def test_writers_inside_of_classes_are_no_classes(writers, root, tmp_path):
    inner = pictures([f"{root}{c}/{w}/{a}.png" for c in range(3) for w in writers for a in (1, 2)])
    data = load(tmp_path / "inner", inner, random_state=0)
    assert data.target_names.tolist() == ["0", "1", "2"]
    assert any("outer folders are the classes: '0', '1', '2'" in n for n in sentences(data))
    outer = pictures([f"{root}{w}/{c}/{a}.png" for c in range(3) for w in writers for a in (1, 2)])
    data = load(tmp_path / "outer", outer, random_state=0)
    assert data.target_names.tolist() == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("outer", "inner"), [("01", "23"), (["fruit", "metal"], ["a1x", "b2x"]), ("AB", "01")]
)
def test_which_folders_are_the_classes_is_asked_where_it_cannot_be_seen(outer, inner, tmp_path):
    files = pictures([f"{a}/{b}/{at}.png" for a in outer for b in inner for at in range(3)])
    with pytest.raises(DatasetError, match=r"label='first' for the outer or label='last'"):
        load(tmp_path / "a", files)
    for label, names in (("first", outer), ("last", inner)):
        data = load(tmp_path / label, files, label=label, random_state=0)
        assert data.target_names.tolist() == list(names)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("trainingSet/trainingSet/", "trainingSample/trainingSample/"),
        ("train/", "backup/train/"),
        ("train/", "train/sample/"),
        ("digits/", "digits_small/"),
        ("full/", "full copy/"),
    ],
)
def test_an_excerpt_beside_the_whole_is_asked_about(one, other, tmp_path):
    files = classes(one) | classes(other, 2)
    with pytest.raises(
        DatasetError, match=r"cannot determine which folder .*\([0-9]+ images\).*Pass one"
    ):
        load(tmp_path, files)


def test_a_table_of_something_else_does_not_hide_what_is_wrong_with_the_images(tmp_path):
    files = classes("train/") | classes("backup/train/") | {"writers.csv": b"name,age\nann,7\n"}
    with pytest.raises(DatasetError, match="cannot determine which folder"):
        load(tmp_path / "a", files)
    table = to_csv(DIGITS["x_train"], DIGITS["y_train"]).encode()
    data = load(tmp_path / "b", files | {"writers.csv": table}, random_state=0)
    assert data.X_train.shape == (9, 4, 4)


def test_numbered_parts_and_writers_are_read_together(tmp_path):
    for number, roots in enumerate([("train1/", "train2/"), ("ann/", "bo/"), ("ann/x/", "bob/y/")]):
        data = load(tmp_path / str(number), classes(roots[0]) | classes(roots[1]), random_state=0)
        assert len(data.X_train) + len(data.X_test) == 24


def test_many_empty_folders_are_counted(tmp_path):
    folder = write_folder(tmp_path / "a", classes())
    for at in range(3, 20):
        (folder / str(at)).mkdir()
    notes = sentences(load_digit_archive(folder, random_state=0))
    assert sum("without images: " in note for note in notes) == 6
    assert "Further folders without images: 12" in notes


def test_images_without_any_label_are_told_what_they_are_for(tmp_path):
    with pytest.raises(DatasetError, match=r"a table with file names.* only be used for pred"):
        load(tmp_path / "a", pictures([f"test/{at}.png" for at in range(5)]))
    table = to_csv(DIGITS["x_test"], DIGITS["y_test"]).splitlines()
    for number, lines in enumerate((table, table[1:])):
        bare = "\n".join(line.partition(",")[2] for line in lines)
        with pytest.raises(DatasetError, match="only be used for prediction"):
            load(tmp_path / str(number), {"test.csv": bare.encode()})


# --- the same file twice


@pytest.mark.parametrize("pack", [False, True])
def test_equal_files_are_one_file(pack, tmp_path):
    files = idx_files(DIGITS)
    for path, content in idx_files(DIGITS, dots=True, pack=pack).items():
        name = path.rpartition("/")[2]
        files[f"{name.replace('.idx', '-idx')}/{name}"] = content
    data = load(tmp_path, files)
    assert same(data, DIGITS)
    assert any("have the same content" in n and "(files: 4)" in n for n in sentences(data))


def test_equal_tables_and_arrays_are_one_file(tmp_path):
    table = to_csv(DIGITS["x_train"], DIGITS["y_train"]).encode()
    data = load(tmp_path / "a", {"a.csv": table, "copy/b.csv": table}, random_state=0)
    assert "Not used because another file has the same content: copy/b.csv" in sentences(data)
    arrays = to_npz(DIGITS)
    assert same(load(tmp_path / "b", {"mnist.npz": arrays, "a/mnist.npz": arrays}), DIGITS)


# --- formats that are not read


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("digits.mat", b"MATLAB 5.0 MAT-file, Platform", "a MATLAB file.*scipy.io.loadmat"),
        ("mnist.pkl.gz", b"\x1f\x8b", "a pickle, which is never loaded"),
        ("mnist.pkl", b"(lp0", "a pickle, which is never loaded"),
        ("train.parquet", b"PAR1", "a Parquet file; save its table as CSV"),
        ("train.h5", b"\x89HDF", "an HDF5 file; save its arrays with numpy.savez"),
        ("train.json", b"[]", "JSON; save its images as PNG"),
        ("digits.xlsx", b"x", "a spreadsheet; save its table as CSV"),
        ("mnist.arff", b"@relation x\n", "an ARFF file; save its table as CSV"),
        ("data.pt", b"x", "a PyTorch file"),
    ],
)
def test_foreign_formats_are_named_with_the_way_out(name, content, told, tmp_path):
    folder = write_folder(tmp_path / "a", {name: content, "README.txt": b"x"})
    for path in (folder, folder / name, write_zip(tmp_path / "a.zip", {f"x/{name}": content})):
        with pytest.raises(DatasetError, match=rf"{name}: is {told}"):
            load_digit_archive(path)
    data = load_digit_archive(write_folder(tmp_path / "b", classes() | {name: content}))
    assert f"Not used: {name}" in sentences(data)


def test_a_photo_of_a_telephone_is_named(tmp_path):
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(50))
    with pytest.raises(DatasetError, match="is a HEIC or AVIF image"):
        load_digit_archive(tmp_path / "a.heic")


def test_idx_files_that_differ_are_no_twins(tmp_path):
    files = idx_files(DIGITS) | {"b/train-images-idx3-ubyte": to_idx(DIGITS["x_train"][::-1])}
    with pytest.raises(DatasetError, match="has 2 matching files of images"):
        load(tmp_path, files)


PACKED = ["test.zip", "more.tar", "more.tar.gz", "b.tgz", "b.7z", "b.rar", "a.csv.xz"]
PACKED += ["a.csv.bz2", "a.csv.zip", "a.npz.gz", "a.PNG.gz", "a.npy.zst"]


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("write", [write_folder, write_zip])
def test_packed_files_beside_data_are_named(name, write, tmp_path):
    beside = classes("train/") | classes("test/") | {name: b"PK"}
    arrays = {"digits.npz": to_npz(DIGITS), name: b"PK"}
    for number, files in enumerate((beside, arrays)):
        notes = sentences(load_digit_archive(write(tmp_path / f"{number}.zip", files)))
        assert any(
            note.startswith("Not used") and f": {name!r} (files: 1)" in note for note in notes
        )


ODD = ["7/a", "7/0.png~", "7/0.bak", "7/b.apng", "7/b.pcx", "7/b.tmp", "7/b.pdf", "7/b.png "]


@pytest.mark.parametrize("root", ["", "digits/", "train/"])
def test_files_in_class_folders_with_odd_endings_are_counted(root, tmp_path):
    files = classes(root, names=[6, 7]) | {f"{root}{name}": picture(1) for name in ODD}
    files |= {f"{root}5/c": picture(1), f"{root}7/.DS_Store": b"x", f"{root}7/Thumbs.db": b"x"}
    files[".hidden"] = files["README"] = b"x"
    data = load_digit_archive(write_zip(tmp_path / "a.zip", files), random_state=0)
    (note,) = [note for note in data.notes if note.key == "no_images"]
    assert note.values["n"] == len(ODD) + 1
    assert f"are not named like image files: {root}5/c (files: 9)" in note.sentence()
    assert "dem Namen nach keine Bilder" in note.sentence("de")
