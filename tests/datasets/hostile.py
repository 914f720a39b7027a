"""Files that are broken or made to do harm, each made by a small function.

``python tests/datasets/hostile.py`` prints what each of them is answered with.
"""

import gzip
import json
import os
import pickle
import socket
import stat
import struct
import sys
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from tests.datasets.build import (
    DIGITS,
    idx_files,
    image_files,
    make_digits,
    tables,
    to_csv,
    to_idx,
    to_image,
    to_npy,
    to_npz,
    to_png,
    write_folder,
    write_zip,
)

CASES = {}  # name: (function that writes it into a folder and returns its path, what is told)


def case(match, *variants):
    """Register a case; with `variants`, one for each."""

    def register(function):
        name = function.__name__.replace("_", " ")
        if not variants:
            CASES[name] = (function, match)
        for variant in variants:
            told = match.format(*variant[1:])
            CASES[f"{name}: {variant[0]}"] = (lambda f, v=variant: function(f, v[1]), told)
        return function

    return register


def packed(folder, files, name="Meine Ziffern.zip"):
    return write_zip(folder / name, files)


# --- what is no archive at all


@case("there is no such file")
def missing_file(folder):
    return folder / "nowhere.zip"


@case("is empty")
def empty_file(folder):
    return _raw(folder, b"")


@case("is a web page, not data")
def web_page_in_place_of_a_download(folder):
    return _raw(folder, b"<!DOCTYPE html><html><title>404 Not Found</title></html>")


@case("is binary; expected text")
def random_bytes(folder):
    return _raw(folder, np.random.default_rng(0).bytes(5000))


@case("is a tar archive; unpack it")
def tar_archive(folder):
    with tarfile.open(folder / "a.tar", "w") as archive:
        archive.add(__file__, "train.csv")
    return folder / "a.tar"


@case(
    "is {1}",
    ("7z", b"7z\xbc\xaf\x27\x1c" + bytes(50), "a 7z archive"),
    ("RAR", b"Rar!\x1a\x07" + bytes(50), "a RAR archive"),
    ("HDF5", b"\x89HDF\r\n\x1a\n" + bytes(50), "an HDF5 file"),
    ("Parquet", b"PAR1" + bytes(50), "a Parquet file"),
    ("PDF", b"%PDF-1.7" + bytes(50), "a PDF document"),
    ("GIF", b"GIF89a" + bytes(50), "a GIF image; save images as PNG"),
    ("WebP", b"RIFF\x10\0\0\0WEBP" + bytes(50), "a WebP image"),
    ("old Excel", b"\xd0\xcf\x11\xe0" + bytes(50), "an Excel or Word document"),
)
def foreign_format(folder, content):
    return _raw(folder, content)


@case("is a single image; pass a folder")
def single_image(folder):
    return _raw(folder, to_image(DIGITS["x_train"][0]))


@case("is a pickle, which is never loaded")
def pickle_file(folder):
    return _raw(folder, pickle.dumps([1, 2, 3]))


@case("is a pickle, which is never loaded; save its arrays with numpy.savez")
def packed_pickle(folder):
    path = folder / "mnist.pkl.gz"
    path.write_bytes(gzip.compress(pickle.dumps(np.zeros(1000))))
    return path


@case("is an Excel workbook; save its table as CSV")
def excel_workbook(folder):
    return packed(folder, {"xl/workbook.xml": b"<x/>", "[Content_Types].xml": b"<x/>"}, "a.xlsx")


@case("is a pipe or device")
def named_pipe(folder):
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


@case("is a pipe or device")
def device(folder):
    return Path(os.devnull)


@case("cannot be read")
def name_with_nul(folder):
    return f"{folder}/a\0b.zip"


@case("cannot be read|no such file")
def name_that_is_too_long(folder):
    return folder / ("a" * 5000)


# --- archives


def _raw(folder, content, name="Meine Ziffern.zip"):
    path = folder / name
    path.write_bytes(content)
    return path


def _edited(folder, edit, files=None):
    """Write a valid ZIP and let `edit` change its bytes."""
    path = packed(folder, files or tables(DIGITS))
    content = bytearray(path.read_bytes())
    path.write_bytes(edit(content) or content)
    return path


def _entries(content, signature):
    """Return where the records with a signature begin."""
    places, at = [], content.find(signature)
    while at >= 0:
        places.append(at)
        at = content.find(signature, at + 4)
    return places


LOCAL, CENTRAL, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"


@case("is truncated; the list of members at the end")
def truncated_archive(folder):
    return _edited(folder, lambda content: content[: len(content) // 2])


@case("is truncated; the list of members at the end")
def archive_without_its_last_byte_but_20(folder):
    return _edited(folder, lambda content: content[:-20])


@case("is truncated; the list of members at the end")
def archive_of_four_bytes(folder):
    return _raw(folder, b"PK\3\4")


@case("contains no files")
def archive_with_nothing(folder):
    return packed(folder, {})


@case("mnist_train.csv: is damaged or truncated")
def wrong_crc(folder):
    def edit(content):
        for at in (_entries(content, LOCAL)[0] + 14, _entries(content, CENTRAL)[0] + 16):
            content[at] ^= 1

    return _edited(folder, edit)


@case("mnist_train.csv: is damaged or truncated")
def damaged_packed_bytes(folder):
    def edit(content):
        content[70:90] = bytes(20)

    return _edited(folder, edit)


@case("mnist_train.csv: is encrypted; unpack the archive with its password")
def encrypted(folder):
    def edit(content):
        for at in (_entries(content, LOCAL)[0] + 6, _entries(content, CENTRAL)[0] + 8):
            content[at] |= 1

    return _edited(folder, edit)


@case(
    "mnist_train.csv: uses compression method {0}",
    ("bzip2", 12, 12),
    ("lzma", 14, 14),
    ("99", 99, 99),
)
def other_method(folder, method):
    def edit(content):
        for at in (_entries(content, LOCAL)[0] + 8, _entries(content, CENTRAL)[0] + 10):
            content[at] = method

    return _edited(folder, edit)


@case("mnist_train.csv.*(damaged or truncated|expected)")
def member_that_says_it_is_shorter(folder):
    def edit(content):
        struct.pack_into("<L", content, _entries(content, CENTRAL)[0] + 24, 50)

    return _edited(folder, edit)


@case("x_train.npy: is truncated")
def member_that_says_it_is_longer(folder):
    array = to_npy(np.zeros((1 << 16, 16), np.uint8))[:-1000]

    def edit(content):
        struct.pack_into("<L", content, _entries(content, CENTRAL)[0] + 24, 1 << 30)

    files = {"x_train.npy": array, "y_train.npy": to_npy(np.zeros(1 << 16, int))}
    return _edited(folder, edit, files)


@case("the members 'mnist_train.csv' and 'mnist_test.csv' overlap")
def overlapping_members(folder):
    def edit(content):
        first, second = _entries(content, CENTRAL)
        content[second + 42 : second + 46] = content[first + 42 : first + 46]

    return _edited(folder, edit)


@case("member 'mnist_test.csv' overlaps the list of members")
def member_that_runs_into_the_directory(folder):
    def edit(content):
        struct.pack_into("<L", content, _entries(content, CENTRAL)[1] + 20, 1 << 20)

    return _edited(folder, edit)


@case("mnist_train.csv: is damaged")
def member_without_its_header(folder):
    def edit(content):
        content[0:4] = b"XXXX"
        return b"PK\3\4" + bytes(26) + content  # it still begins like an archive

    return _edited(folder, edit)


@case("contains more than 300,000 members")
def directory_that_says_it_is_huge(folder):
    def edit(content):
        struct.pack_into("<L", content, _entries(content, END)[0] + 12, 1 << 30)

    return _edited(folder, edit)


@case("no digits found among .* and 99,995 more")
def hundred_thousand_empty_members(folder):
    return _raw(folder, _empty_members(100_000))


@case("contains more than 300,000 members")
def too_many_members(folder):
    return _raw(folder, _empty_members(300_001))


def _empty_members(n, named=b"%06d"):
    """Make a ZIP with many members, faster than zipfile does."""
    bodies, directory = [], []
    for number in range(n):
        name = named % number
        entry = struct.pack("<4s5H3L2H", LOCAL, 20, 0, 0, 0, 33, 0, 0, 0, len(name), 0) + name
        at = number * len(entry)
        bodies.append(entry)
        record = (CENTRAL, 20, 20, 0, 0, 0, 33, 0, 0, 0, len(name), 0, 0, 0, 0, 0, at)
        directory.append(struct.pack("<4s6H3L5H2L", *record) + name)
    listed = b"".join(directory)
    count = min(n, 65535)
    end = (END, 0, 0, count, count, len(listed), n * len(entry), 0)
    return b"".join(bodies) + listed + struct.pack("<4s4H2LH", *end)


@case("unpack to more than 100 times")
def bomb(folder):
    # a true header, and pixels of 256 MiB that pack into 256 KiB
    n = 1 << 28
    head = to_npy(np.zeros((0, 64, 64), np.uint8))
    head = head.replace(b"(0, 64, 64), }", b"(65536, 64, 64), }")[:-4] + b"\n"
    head = head[:8] + struct.pack("<H", len(head) - 10) + head[10:]
    path = folder / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("x_train.npy", "w") as member:
            member.write(head)
            for _ in range(n >> 20):
                member.write(bytes(1 << 20))
        archive.writestr("y_train.npy", to_npy(np.zeros(65536, int)))
    return path


@case("train.csv.gz: .* unpack to more than 100 times")
def bomb_in_gzip_in_a_zip(folder):
    rows = (b"7" + b",0" * 784 + b"\n") * 1000
    packer = zlib.compressobj(9, wbits=31)
    content = b"".join([*(packer.compress(rows) for _ in range(100)), packer.flush()])
    return packed(folder, {"train.csv.gz": content})


def _packed_zeros(folder, name):
    return packed(folder, {name: bytes(1 << 28)}, "bomb.zip")


@case("a.npz: .* unpack to more than 100 times")
def bomb_named_npz(folder):
    return _packed_zeros(folder, "a.npz")


@case("0/1.png: .* unpack to more than 100 times")
def bomb_named_png(folder):
    path = _packed_zeros(folder, "0/1.png")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("1/1.png", to_image(DIGITS["x_train"][0]))
    return path


def _many_rows(rows):
    packer = zlib.compressobj(9, wbits=31)
    head = b"label,pixel0\n" + b"".join(side * 199 + b",0\n" for side in (b"a", b"b"))
    pieces = [packer.compress(head), *(packer.compress(b"a,0\nb,0\n" * 5000) for _ in range(rows))]
    return b"".join([*pieces, packer.flush()])


@case("train.csv.gz: .* unpack to more than 100 times")
def bomb_of_short_rows_and_two_long_labels(folder):
    """An array of text takes four bytes for each letter of the longest, in every row."""
    return packed(folder, {"train.csv.gz": _many_rows(400)})


@case("the labels take .* bytes, because each takes as much as the longest, 'a{199}'")
def labels_bomb_in_a_plain_table(folder):
    head = b"label,pixel0\n" + b"".join(side * 199 + b",0\n" for side in (b"a", b"b"))
    return _raw(folder, head + b"a,0\nb,0\n" * 50_000, "train.csv")


@case("contains 8,388,608 images|x_train.npy: .* unpack to more than 100 times")
def bomb_of_images_of_one_pixel(folder):
    arrays = {
        "x_train": np.zeros((1 << 23, 1, 1), np.uint8),
        "y_train": np.zeros(1 << 23, np.uint8),
    }
    return _raw(folder, to_npz(arrays), "digits.npz")


@case("40 images of 4000 x 4000 pixels take 640,000,000 bytes.*pass image_shape=.28, 28.")
def bomb_of_white_images(folder):
    white = to_image(np.full((4000, 4000), 255, np.uint8))
    return packed(folder, {f"{at % 2}/{at}.png": white for at in range(40)})


@case("a.npz: contains more than 1,000 members")
def npz_of_too_many_members(folder):
    return packed(folder, {"a.npz": _empty_members(1001), "b.npz": _empty_members(1001)})


@case("has 10,002 different labels, more than the maximum of 10,000")
def too_many_classes(folder):
    rows = "".join(f"n{at},0\n" * 2 for at in range(10_002))
    return _raw(folder, f"label,pixel0\n{rows}".encode(), "train.csv")


@case("line 1: has 1,100,000 fields, more than the maximum of 1,048,592")
def too_many_columns(folder):
    return _table(folder, lambda text: "1," * 1_099_999 + "1\n")


@case(
    "is nested in 1,10. folders, more than the maximum of 100",
    *((name, name) for name in ("zip", "npz")),
)
def members_nested_deeper_than_python_recurses(folder, kind):
    files = {"d/" * 1100 + "1/train.npy": b""}
    return packed(folder, files, f"digits.{kind}")


@case("is nested in 101 folders, more than the maximum of 100; pass an inner folder")
def folders_nested_deeply(folder):
    (folder / ("d/" * 150)).mkdir(parents=True)
    return folder


@case("contains another archive, 'deeper.zip'")
def archive_in_an_archive(folder):
    inner = packed(folder, tables(DIGITS)).read_bytes()
    for _ in range(3):
        inner = packed(folder, {"deeper.zip": inner}).read_bytes()
    return folder / "Meine Ziffern.zip"


@case("contains no files")
def archive_in_an_npz(folder):
    inner = packed(folder, {"a.npz": to_npz(DIGITS)}).read_bytes()
    return packed(folder, {"outer.npz": inner})


def _named(folder, name, mode=0):
    """Write a ZIP with one member of an evil name or kind beside good ones."""
    path = folder / "Meine Ziffern.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for good, content in tables(DIGITS).items():
            archive.writestr(good, content)
        info = zipfile.ZipInfo("x" * len(name))
        info.external_attr = mode << 16
        archive.writestr(info, b"/etc/passwd")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"x" * len(name), name))
    return path


@case(
    "leads outside the archive",
    ("up", b"../../../evil.csv"),
    ("up in the middle", b"train/../../evil.csv"),
    ("up with backslashes", b"..\\..\\evil.csv"),
    ("only dots", b".."),
)
def path_traversal(folder, name):
    return _named(folder, name)


@case(
    "has an absolute path",
    ("POSIX", b"/tmp/skmnist-evil.csv"),
    ("Windows", b"C:\\Windows\\evil.csv"),
    ("share", b"\\\\server\\evil.csv"),
)
def absolute_path(folder, name):
    return _named(folder, name)


@case("has a NUL character in its name")
def nul_in_a_name(folder):
    return _named(folder, b"train.csv\0.txt")


@case("has two members named 'mnist_train.csv'")
def name_that_is_there_twice(folder):
    return _named(folder, b"mnist_train.csv")


@case(
    "is {1}",
    ("symbolic link", stat.S_IFLNK | 0o777, "a link"),
    ("device", stat.S_IFCHR | 0o666, "a device"),
    ("pipe", stat.S_IFIFO | 0o666, "a device, pipe"),
    ("socket", stat.S_IFSOCK | 0o666, "a device, pipe or socket"),
)
def member_that_is_no_file(folder, mode):
    return _named(folder, b"evil-entry.csv", mode)


@case("is not a readable ZIP archive")
def name_that_is_no_utf8(folder):
    def edit(content):
        at = _entries(content, CENTRAL)[0]
        content[at + 9] |= 8  # it says that its name is UTF-8
        content[at + 46] = 0xFF

    return _edited(folder, edit)


@case("contains no files")
def nothing_but_leftovers(folder):
    names = ("__MACOSX/._train.csv", ".DS_Store", "a/Thumbs.db", "a/desktop.ini", ".x/train.csv")
    return packed(folder, dict.fromkeys(names, b"x"))


@case("no digits found among 'README.txt'")
def archive_without_digits(folder):
    return packed(folder, {"README.txt": b"nothing here"})


# --- folders


@case("contains no files")
def empty_folder(folder):
    return folder


@case("contains no files")
def folder_of_folders_only(folder):
    (folder / "train" / "0").mkdir(parents=True)
    (folder / "test" / "0").mkdir(parents=True)
    return folder


@case("is not UTF-8; rename the file")
def file_name_of_odd_bytes(folder):
    write_folder(folder, tables(DIGITS))
    with open(os.fsencode(folder) + b"/\xff.csv", "wb") as file:
        file.write(b"1,2\n")
    return folder


@case("contains no files")
def folder_with_a_link_to_itself_and_a_pipe(folder):
    (folder / "train").symlink_to(folder, target_is_directory=True)
    (folder / "train.csv").symlink_to(folder / "nowhere.csv")
    os.mkfifo(folder / "test.csv")
    return folder


@case("contains no files")
def socket_and_device_in_a_folder(folder):
    (folder / "train.csv").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        old = os.getcwd()
        os.chdir(folder)  # its path may be too long for a socket
        try:
            server.bind("test.csv")
        finally:
            os.chdir(old)
    return folder


@case("cannot determine which table to read as the train part")
def several_tables(folder):
    return packed(folder, {**tables(DIGITS), "mnist_train_small.csv": b"7,0,0,0,0\n"})


# --- tables


def _table(folder, change, *, header="kaggle"):
    """Write a folder with a good test table, and a training table with one thing changed."""
    files = tables(DIGITS, header=header)
    text = files["mnist_train.csv"].decode()
    changed = change(text)
    files["mnist_train.csv"] = changed if isinstance(changed, bytes) else changed.encode()
    return write_folder(folder, files)


def _with_cell(text, value, row=3, column=5):
    lines = text.split("\n")
    cells = lines[row].split(",")
    cells[column] = value
    lines[row] = ",".join(cells)
    return "\n".join(lines)


@case(
    r"mnist_train.csv, line 4, column 6 \('pixel4'\): {1}; expected an integer from 0 to 255",
    ("missing", "", "is empty"),
    ("text", "ink", "'ink' is not a pixel"),
    ("256", "256", "'256' is not a pixel"),
    ("300, which wraps to 44", "300", "'300' is not a pixel"),
    ("65536", "65536", "'65536' is not a pixel"),
    ("negative", "-1", "'-1' is not a pixel"),
    ("float", "1.7", "'1.7' is not a pixel"),
    ("whole float", "1.0", "'1.0' is not a pixel"),
    ("exponent", "1e2", "'1e2' is not a pixel"),
    ("NaN", "nan", "'nan' is not a pixel"),
    ("NA", "NA", "'NA' is not a pixel"),
    ("infinite", "inf", "'inf' is not a pixel"),
    ("hexadecimal", "0x10", "'0x10' is not a pixel"),
    ("underscore", "1_0", "'1_0' is not a pixel"),
    ("plus", "+5", r"'\+5' is not a pixel"),
    ("Arabic digit", "٣", "'٣' is not a pixel"),
    ("superscript", "²", "'²' is not a pixel"),
    ("a hundred digits", "1" * 100, "'1{100}' is not a pixel"),
    ("formula", "=1+1", r"'=1\+1' is not a pixel"),
)
def cell(folder, value):
    return _table(folder, lambda text: _with_cell(text, value))


@case(
    "train.csv, line 41, column {2}: '{1}' is not a pixel, and it is unclear whether this "
    "column is the label; correct the cell, or pass label='first' or label='last'",
    ("last column", (-1, "256"), "256", 17),
    ("first column", (0, "300"), "300", 1),
    ("empty", (-1, ""), "", 17),
)
def one_odd_cell_at_an_end_of_a_table_without_a_header(folder, odd):
    X = make_digits(n_train=300)["x_train"]
    label = "last" if odd[0] == 0 else "first"
    text = to_csv(X, np.arange(300) % 10, header="none", label=label)
    return _raw(folder, _with_cell(text, odd[1], row=40, column=odd[0]).encode(), "train.csv")


@case("test.csv: seems to have the label in the last column, but the other tables in the first")
def tables_with_the_label_at_different_ends(folder):
    X = np.random.default_rng(0).integers(0, 256, (600, 4, 4), dtype=np.uint8)
    y = np.array(list("abcde"))[np.arange(600) % 5]
    files = {
        "train.csv": to_csv(X[:450], y[:450], header="none").encode(),
        "test.csv": to_csv(X[450:], y[450:], header="none", label="last").encode(),
    }
    return write_folder(folder, files)


@case("line 1, column 6: 'pixel_x' is neither a label nor a pixel")
def pixel_of_another_name_beside_a_label_named_like_a_pixel(folder):
    return _table(folder, lambda text: text.replace("label,", "0,").replace("pixel4", "pixel_x"))


@case("line 4, column 6 .*'0.5' is not a pixel.*Multiply scaled pixels by 255")
def scaled_pixels(folder):
    return _table(folder, lambda text: _with_cell(text, "0.5"))


@case(
    r"line {1}, column 2.*'0.0' is not a pixel.*Multiply scaled pixels by 255",
    ("with a header", "kaggle", 2),
    ("without a header", "none", 1),
)
def scaled_table(folder, header):
    """Every value is divided, and the first pixel of each image is 0.0."""
    X = DIGITS["x_train"] / 255
    X[:, 0, 0] = 0
    y = np.array(list("abc"))[np.arange(12) % 3]
    return _raw(folder, to_csv(X, y, header=header).encode(), "train.csv")


@case("line 2, column 2 .*'0.0' is not a pixel; expected an integer from 0 to 255$")
def table_of_whole_floats(folder):
    y = np.array(list("abc"))[np.arange(12) % 3]
    X = DIGITS["x_train"].astype(float)
    X[:, 0, 0] = 0
    return _raw(folder, to_csv(X, y).encode(), "train.csv")


@case(
    "mnist_train.csv, line 4: has {1} fields; expected 17",
    ("short", -1, 16),
    ("long", 1, 18),
)
def row(folder, more):
    def change(text):
        lines = text.split("\n")
        lines[3] = lines[3] + ",5" if more > 0 else lines[3].rpartition(",")[0]
        return "\n".join(lines)

    return _table(folder, change)


@case("mnist_train.csv, line 2: has 18 fields; expected 17")
def every_row_longer_than_the_header(folder):
    def change(text):
        header, *lines = text.rstrip("\n").split("\n")
        return "\n".join([header, *(line + ",0" for line in lines)]) + "\n"

    return _table(folder, change)


@case(
    "line 1: has {0} fields, {1} of them pixels; expected a label and a square",
    ("783", 784, 783),
    ("785", 786, 785),
)
def number_of_pixels(folder, n_columns):
    rows = [f"{label}," + ",".join(["0"] * (n_columns - 1)) for label in (1, 2)]
    return _raw(folder, "\n".join(rows).encode(), "train.csv")


@case("mnist_train.csv: is UTF-16")
def table_in_utf16(folder):
    return _table(folder, lambda text: text.encode("utf-16"))


@case("mnist_train.csv, line 4, byte 1: is not UTF-8")
def table_in_latin1(folder):
    return _table(folder, lambda text: _with_cell(text, "Ä", column=0).encode("latin1"))


@case("mnist_train.csv: is binary")
def table_with_nul(folder):
    return _table(folder, lambda text: _with_cell(text, "\0"))


@case("line 1: columns 3 and 6 are both named 'pixel1'")
def two_columns_of_one_name(folder):
    return _table(folder, lambda text: text.replace("pixel4,", "pixel1,"))


@case("mnist_train.csv: has a header but no rows")
def header_only(folder):
    return _table(folder, lambda text: text.split("\n")[0] + "\n")


@case("mnist_train.csv, line 1: is empty")
def table_with_nothing(folder):
    return _table(folder, lambda text: "")


@case("mnist_train.csv, line 1: is empty")
def table_of_line_ends(folder):
    return _table(folder, lambda text: "\n\r\n" * 10)


@case("mnist_train.csv, line 3: is empty; expected a row")
def blank_line(folder):
    return _table(folder, lambda text: "\n".join([*text.split("\n")[:2], "", "1"]))


@case("line 1: none of the 16 columns is a label")
def table_without_labels(folder):
    def change(text):
        return "\n".join(line.partition(",")[2] for line in text.rstrip("\n").split("\n"))

    return _table(folder, change)


@case("line 1: 'label' and 'class' may both be the label")
def two_columns_that_may_be_the_label(folder):
    return _table(folder, lambda text: text.replace("pixel3,", "class,"))


@case("line 1, column 5: 'writer' is neither a label nor a pixel")
def column_of_something_else(folder):
    return _table(folder, lambda text: text.replace("pixel3,", "writer,"))


@case("line 1, column 6: 'pixel3' follows 'pixel4'")
def pixels_in_another_order(folder):
    return _table(folder, lambda text: text.replace("pixel3,pixel4,", "pixel4,pixel3,"))


@case("line 4: cannot be parsed")
def quote_that_is_not_closed(folder):
    return _table(folder, lambda text: _with_cell(text, '"5'))


@case(r"line 4, column 1 \('label'\): is empty; expected a label")
def empty_label(folder):
    return _table(folder, lambda text: _with_cell(text, "", column=0))


@case("line 4, column 1 .'label'.: 'x+...x+' has 5,000 characters; expected a label of up to 200")
def label_of_5000_characters(folder):
    return _table(folder, lambda text: _with_cell(text, "x" * 5000, column=0))


@case("line 1: has only one field")
def table_separated_by_blanks(folder):
    return _table(folder, lambda text: text.replace(",", " "))


@case("has no line break within")
def line_that_never_ends(folder):
    return _table(folder, lambda text: "1," * (5 << 20))


@case("line 1: columns 1 and 2 are both named 'a'")
def header_of_a_million_names(folder):
    """To go through all of them for each of them would take days."""
    return _table(folder, lambda text: "a," * 1_000_000 + "a\n1\n")


@case("cannot determine whether the label is the first column .* or the last one")
def label_that_may_be_first_or_last(folder):
    rows = [f"{at % 3},7,8,9,{at % 3}" for at in range(12)]
    return _raw(folder, "\n".join(rows).encode(), "train.csv")


@case(r"mnist_train.csv.gz: is (damaged or )?truncated", ("truncated", -40), ("CRC", 0))
def packed_table(folder, cut):
    files = tables(DIGITS, pack=True)
    content = bytearray(files["mnist_train.csv.gz"])
    if cut:
        content = content[:cut]
    else:
        content[-8] ^= 1
    return packed(folder, {**files, "mnist_train.csv.gz": bytes(content)})


@case(r"training images have \(4, 4\) pixels and test images \(2, 2\)")
def train_and_test_of_other_sizes(folder):
    files = tables(DIGITS)
    small = make_digits(side=2)
    files["mnist_test.csv"] = to_csv(small["x_test"], small["y_test"]).encode()
    return packed(folder, files)


@case("y_train has the classes .* expected at least two")
def one_class_only(folder):
    return packed(folder, tables(DIGITS | {"y_train": np.zeros(12, int)}))


@case("some of them in y_test")
def test_part_of_other_classes(folder):
    return packed(folder, tables(DIGITS | {"y_test": DIGITS["y_test"] + 50}))


@case("number of classes: 2, images of the smallest, '9': 1; holding out")
def class_with_one_image_and_one_part(folder):
    rows = ["1,0,0,0,1"] * 5 + ["9,0,0,0,1"]
    text = "label,pixel0,pixel1,pixel2,pixel3\n" + "\n".join(rows)
    return _raw(folder, text.encode(), "digits.csv")


# --- IDX


def _idx(folder, name, change):
    files = idx_files(DIGITS)
    path = f"MNIST/raw/{name}-ubyte"
    files[path] = bytes(change(bytearray(files[path])))
    return packed(folder, files)


@case("train-images-idx3-ubyte: begins with ff 00 08 03; expected 00 00 08 03")
def idx_of_wrong_magic(folder):
    return _idx(folder, "train-images-idx3", lambda content: b"\xff" + content[1:])


@case("train-images-idx3-ubyte, byte 3: is of type 0x0d .float.; expected 0x08")
def idx_of_floats(folder):
    return _idx(folder, "train-images-idx3", lambda c: c[:2] + b"\x0d" + c[3:])


@case("train-images-idx3-ubyte, byte 4: has 1 dimension; expected 3")
def idx_labels_in_place_of_images(folder):
    return _idx(folder, "train-images-idx3", lambda c: to_idx(DIGITS["y_train"]))


@case("t10k-labels-idx1-ubyte, byte 4: has 3 dimensions; expected 1")
def idx_images_in_place_of_labels(folder):
    return _idx(folder, "t10k-labels-idx1", lambda c: to_idx(DIGITS["x_test"]))


@case("train-images-idx3-ubyte: is truncated; .*68,719,476,736 bytes")
def idx_of_64_gib(folder):
    shape = np.array([1 << 16, 1 << 10, 1 << 10], ">u4").tobytes()
    return _idx(folder, "train-images-idx3", lambda c: c[:4] + shape + c[16:])


@case("train-images-idx3-ubyte: is truncated; expected images of shape .12, 4, 4. \\(192 bytes\\)")
def idx_that_is_too_short(folder):
    return _idx(folder, "train-images-idx3", lambda c: c[:-30])


@case("train-images-idx3-ubyte: continues after the .* bytes of images of shape .12, 4, 4.")
def idx_that_is_too_long(folder):
    return _idx(folder, "train-images-idx3", lambda c: c + b"\0")


@case("train-labels-idx1-ubyte contains 13 labels; expected the same")
def idx_with_more_labels_than_images(folder):
    return _idx(folder, "train-labels-idx1", lambda c: to_idx(np.arange(13) % 3))


@case("shape .0, 4, 4.; no dimension may be 0")
def idx_without_images(folder):
    return _idx(folder, "train-images-idx3", lambda c: to_idx(DIGITS["x_train"][:0]))


@case("is truncated; its list of dimensions is incomplete")
def idx_that_ends_in_its_dimensions(folder):
    return _idx(folder, "train-images-idx3", lambda c: c[:9])


@case("begins with nothing")
def idx_with_nothing(folder):
    return _idx(folder, "train-images-idx3", lambda c: b"")


@case("has no matching file of labels")
def idx_without_labels(folder):
    files = idx_files(DIGITS)
    del files["MNIST/raw/train-labels-idx1-ubyte"]
    return packed(folder, files)


@case("has no matching file of images")
def fifty_thousand_files_of_labels(folder):
    """As above."""
    return _raw(folder, _empty_members(50_000, b"%06d-idx1-ubyte"))


@case("has 2 matching files of images")
def idx_with_two_files_of_images(folder):
    files = idx_files(DIGITS)
    files["other/train-images-idx3-ubyte"] = to_idx(255 - DIGITS["x_train"])
    return packed(folder, files)


# --- arrays


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@case("y_train.npy: contains Python objects, which are never unpickled")
def array_of_objects(folder):
    labels = np.array([Trap(folder / "unpickled")] * 12, dtype=object)
    return _raw(folder, to_npz(DIGITS | {"y_train": labels}), "digits.npz")


@case(
    "has no matching file of {1}",
    ("images", "x_train", "images"),
    ("labels", "y_train", "labels"),
)
def archive_without_an_array(folder, key):
    arrays = {name: array for name, array in DIGITS.items() if name != key}
    return _raw(folder, to_npz(arrays), "digits.npz")


def _npy(folder, change):
    """Write four .npy files, the first with something changed."""
    files = {f"{key}.npy": to_npy(array) for key, array in DIGITS.items()}
    files["x_train.npy"] = bytes(change(files["x_train.npy"]))
    return packed(folder, files)


@case("x_train.npy: is truncated; .*1,099,511,627,776 bytes")
def shape_bomb(folder):
    return _npy(folder, lambda c: _reshaped(c, b"(1048576, 1024, 1024)"))


def _reshaped(content, shape):
    head, _, rest = content.partition(b"(12, 4, 4)")
    tail = rest[rest.index(b"\n") + 1 :]
    text = head[10:] + shape + b", }"
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return content[:8] + struct.pack("<H", len(text)) + text + tail


@case("declares an invalid shape")
def shape_of_huge_numbers(folder):
    return _npy(folder, lambda c: _reshaped(c, b"(0, 99999999999999999, 4)"))


@case("declares an invalid shape")
def shape_of_many_dimensions(folder):
    return _npy(folder, lambda c: _reshaped(c, b"(" + b"1, " * 60 + b")"))


@case("has the header .*expected that of a NumPy array")
def header_with_code(folder):
    code = b"{'descr': __import__('os').system('true')}"
    return _npy(folder, lambda c: c.replace(b"{'descr': '|u1', 'fortran_order': False", code))


@case("has the dtype .*expected numbers or text", ("date", b"'<M8[s]'"), ("void", b"'|V8'"))
def array_of_other_type(folder, descr):
    less = b" " * (len(descr) - len(b"'|u1'"))
    return _npy(folder, lambda c: c.replace(b"'|u1'", descr).replace(less + b"\n", b"\n", 1))


@case("declares a header of 65535 bytes")
def header_that_says_it_is_long(folder):
    return _npy(folder, lambda c: c[:8] + b"\xff\xff" + c[10:])


@case("is not a NumPy array; it begins with 37 2c .* instead of 93 4e")
def text_in_place_of_an_array(folder):
    return _npy(folder, lambda c: b"7,0,255,0,0,0,0")


@case("x_train.npy: has version 4.0 of the format of NumPy arrays; expected 1.0, 2.0 or 3.0")
def array_of_a_later_version(folder):
    return _npy(folder, lambda c: c[:6] + b"\x04\0" + c[8:])


@case("x_train.npy: is truncated")
def array_that_is_too_short(folder):
    return _npy(folder, lambda c: c[:-10])


@case("x_train.npy: continues after the .* bytes of an array")
def array_that_is_too_long(folder):
    return _npy(folder, lambda c: c + bytes(10))


@case(
    "{1}",
    (
        "NaN",
        np.full((12, 4, 4), np.nan),
        "x_train.npy has values from nan to nan; expected finite values",
    ),
    (
        "infinite",
        np.full((12, 4, 4), np.inf),
        "x_train.npy has values from inf to inf; expected finite values",
    ),
    (
        "negative",
        -np.ones((12, 4, 4)),
        "x_train.npy has values from -1 to -1; expected finite values from 0",
    ),
    (
        "larger than float32",
        np.full((12, 4, 4), 1e300),
        "x_train.npy has values from .* expected finite values from 0 to 3.40282e.38, the max",
    ),
    ("text", np.full((12, 4, 4), "ink"), "x_train.npy has shape .* expected numbers"),
    ("complex", np.ones((12, 4, 4), complex), "has the dtype"),
    ("colour", np.ones((12, 4, 4, 3), np.uint8), "expected numbers of shape"),
    ("rows that are no square", np.ones((12, 15), np.uint8), "expected numbers of shape"),
    ("none", np.ones((0, 4, 4), np.uint8), "contains 0 images"),
    ("of no pixels", np.ones((12, 0, 4), np.uint8), "expected numbers of shape"),
    ("fewer than labels", np.ones((11, 4, 4), np.uint8), "contains 11 images, but .* 12 labels"),
)
def images_in_an_array(folder, images):
    return _raw(folder, to_npz(DIGITS | {"x_train": images}), "digits.npz")


@case(
    "{1}",
    ("float", np.arange(12) / 2, "expected one integer or text label"),
    ("one-hot", np.eye(12), "expected one integer or text label"),
    ("bytes that are no ASCII", np.array([b"\xff"] * 12), "contains invalid text"),
    ("half a character", np.array(["\ud800"] * 12), "contains invalid text"),
    ("too large", np.full(12, 1 << 63, np.uint64), "expected integers that fit in 64 bits"),
    ("long", np.array(["x" * 5000] * 12), "up to 5,000 characters, more than the maximum of 200"),
)
def labels_in_an_array(folder, labels):
    return _raw(folder, to_npz(DIGITS | {"y_train": labels}), "digits.npz")


@case("training images have .4, 4. pixels and test images .5, 5.")
def arrays_of_two_sizes(folder):
    return _raw(folder, to_npz(DIGITS | {"x_test": np.ones((6, 5, 5), np.uint8)}), "digits.npz")


@case("has no matching file of labels")
def bare_array(folder):
    return _raw(folder, to_npy(DIGITS["x_train"]), "digits.npy")


@case("no digits found among 'notes.txt'")
def npz_of_other_things(folder):
    return packed(folder, {"notes.txt": b"nothing"}, "digits.npz")


# --- images


def _images(folder, content, name="Training/1/3.png"):
    """Write a folder of good images with one that is not."""
    files = {
        path.partition("/")[2]: image for path, image in image_files(make_digits(side=8)).items()
    }
    files["Training/1/3.png"] = files["Training/1/4.png"]
    del files["Training/1/3.png"]
    return write_folder(folder, files | {name: content})


NOISE = np.random.default_rng(1).integers(0, 256, (64, 64), dtype=np.uint8)


@case(
    "Training/1/3.png: is (damaged or truncated|not a readable image in .*; it begins with)",
    ("PNG", to_image(NOISE)[:1000]),
    ("JPEG", to_image(NOISE, "jpg")[:500]),
    ("BMP", to_image(NOISE, "bmp")[:500]),
    ("TIFF", to_image(NOISE, "tif")[:1500]),
    ("PNG after its header", to_image(NOISE)[:33]),
    ("PNG in its header", to_image(NOISE)[:20]),
)
def truncated_image(folder, content):
    return _images(folder, content)


@case("Training/1/3.png: is empty")
def empty_image(folder):
    return _images(folder, b"")


@case("Training/1/3.png: is not a readable image in .*, but a web page; it was probably saved")
def web_page_in_place_of_an_image(folder):
    return _images(folder, b"<html>404</html>")


@case(
    "Training/1/3.png: is not a readable image in one of the formats PNG, JPEG, BMP, TIFF; "
    "it begins with 52 49 46 46$"
)
def video_with_another_ending(folder):
    return _images(folder, b"RIFF\x10\0\0\0AVI LIST")


@case(
    "Training/1/3.png: is not a readable image in one of the formats PNG, JPEG, .*, but {1}$",
    ("webp", b"RIFF\x10\0\0\0WEBPVP8 ", "a WebP image; save it as PNG"),
    ("heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1", "a HEIC or AVIF image; save it as PNG"),
    ("gif", to_image(NOISE, "gif"), "a GIF image; save it as PNG"),
    ("pdf", b"%PDF-1.7\n%\xe2\xe3", "a PDF document; save its pages as PNG"),
    ("docx", b"PK\x03\x04\x14\0\x06\0", "a ZIP archive or an Office document; unpack it, .*"),
    ("doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document; save its pages as PNG"),
    (
        "pointer",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        "a pointer of Git LFS; get the image with 'git lfs pull'",
    ),
    ("text", b"hi\n", "text; pass the image itself, saved as PNG"),
    ("accents", b"." * 511 + "é".encode(), "text; pass the image itself, saved as PNG"),
)
def something_else_that_is_well_known(folder, content):
    return _images(folder, content)


@case("Training/1/3.png: is damaged or truncated")
def png_of_wrong_crc(folder):
    content = bytearray(to_image(NOISE))
    content[content.index(b"IDAT") + 5] ^= 255
    return _images(folder, bytes(content))


def _png(width, height, *chunks):
    """Make a PNG that promises much and holds nothing."""
    return to_png(struct.pack(">LLBBBBB", width, height, 8, 0, 0, 0, 0), b"\0", *chunks)


@case(
    "Training/1/3.png: has .*pixels, (more than )?the maximum",
    ("64 megapixels", _png(8000, 8000)),
    ("400 megapixels", _png(20000, 20000)),
    ("4 gigapixels", _png(1 << 16, 1 << 16)),
    (
        "bitmap",
        b"BM" + struct.pack("<LLLLllHHLLllLL", 54, 0, 54, 40, 30000, 30000, 1, 24, *[0] * 6),
    ),
)
def decompression_bomb(folder, content):
    return _images(folder, content)


@case("Training/1/3.png: is (damaged or truncated|not a readable image in .*; it begins with)")
def png_with_a_text_bomb(folder):
    text = b"Comment\0\0" + zlib.compress(bytes(1 << 26))
    return _images(folder, _png(8, 8, (b"zTXt", text)))


def _frames(kind):
    frames = [Image.fromarray(NOISE), Image.fromarray(255 - NOISE)]
    return to_image(frames[0], kind, save_all=True, append_images=frames[1:])


@case("Training/1/3.png: contains several", ("PNG", _frames("png")), ("TIFF", _frames("tif")))
def animated_image(folder, content):
    return _images(folder, content)


@case(
    "Training/1/3.png: has 32 bits per pixel; expected 8 or 16",
    ("floats", to_image(NOISE.astype(np.float32), "tif")),
    ("ints", to_image(NOISE.astype(np.int32), "tif")),
)
def deep_image(folder, content):
    return _images(folder, content)


@case("Training/1/3.png: has 16 bits per pixel, but others have 8")
def images_of_two_depths(folder):
    return _images(folder, to_image(NOISE[:8, :8].astype(np.uint16) * 257))


@case("is not in a class folder")
def images_without_class_folders(folder):
    files = {f"{part}/{at}.png": to_image(NOISE) for part in ("train", "test") for at in range(3)}
    return write_folder(folder, files)


@case("contains images in an unsupported format, '0/a.gif', '1/b.webp'; save them as PNG")
def images_of_other_formats(folder):
    return write_folder(folder, {"0/a.gif": to_image(NOISE, "gif"), "1/b.webp": b"RIFF"})


@case("number of classes: 1, .* requires at least two classes with two images each")
def images_of_one_class(folder):
    return write_folder(folder, {f"0/{at}.png": to_image(NOISE) for at in range(4)})


def main():
    """Print the corpus and what each file is answered with."""
    from skmnist.datasets import load_digit_archive

    for name, (make, _) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            path = make(Path(folder))
            try:
                load_digit_archive(path)
                told = "LOADED"
            except Exception as error:
                told = f"{type(error).__name__}: {error}".replace(folder, "")
        sys.stdout.write(f"{name}\n    {json.dumps(told, ensure_ascii=False)}\n")
    sys.stdout.write(f"{len(CASES)} cases\n")


if __name__ == "__main__":
    main()
