"""Valid archives of every kind, made of given arrays; what the tests read, damage, and compare."""

import codecs
import gzip
import io
import os
import struct
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from skmnist.datasets import load_digit_archive

KEYS = ("x_train", "y_train", "x_test", "y_test")


def make_digits(n_train=12, n_test=6, side=4, n_classes=3, seed=0):
    """Return the four arrays of a tiny data set."""
    rng = np.random.default_rng(seed)
    return {
        "x_train": rng.integers(0, 256, (n_train, side, side), dtype=np.uint8),
        "y_train": np.arange(n_train) % n_classes,
        "x_test": rng.integers(0, 256, (n_test, side, side), dtype=np.uint8),
        "y_test": np.arange(n_test) % n_classes,
    }


def make_sound(**changes):
    """Return a sound data set, light on dark, with arrays replaced."""
    digits = make_digits(n_train=60, n_test=30, side=6)
    data = {key.replace("x", "X"): array for key, array in digits.items()}
    for part in ("train", "test"):
        data[f"X_{part}"][:, [0, -1]] = 0  # a dark margin
        data[f"X_{part}"][:, :, [0, -1]] = 0
        data[f"X_{part}"][0, 0, 0] = 255
    return data | changes


def to_csv(X, y, *, header="kaggle", label="first", separator=","):
    """Return a table as text."""
    n_pixels = X[0].size
    rows = X.reshape(len(X), n_pixels)
    stack = [np.asarray(y)[:, None], rows]
    names = {
        "kaggle": ["label", *(f"pixel{i}" for i in range(n_pixels))],
        "openml": ["class", *(f"pixel{i}" for i in range(1, n_pixels + 1))],
        "none": None,
    }[header]
    if label == "last":
        stack.reverse()
        names = names and [*names[1:], names[0]]
    lines = [separator.join(names)] if names else []
    if np.asarray(y).dtype.kind in "iu":
        lines.append(_numbers(np.hstack(stack), separator))
    else:
        lines += [
            separator.join(map(str, row)) for row in np.hstack([s.astype(str) for s in stack])
        ]
    return "\n".join(lines) + "\n"


def _numbers(rows, separator):
    buffer = io.StringIO()
    np.savetxt(buffer, rows, fmt="%d", delimiter=separator)
    return buffer.getvalue().rstrip("\n")


def to_idx(array):
    """Return an IDX file of unsigned bytes."""
    array = np.asarray(array, np.uint8)
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return head + array.tobytes()


def to_npy(array):
    """Return a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def to_npz(arrays):
    """Return an .npz file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def to_image(array, kind="png", **options):
    """Return an image file."""
    buffer = io.BytesIO()
    image = array if isinstance(array, Image.Image) else Image.fromarray(array)
    image.save(buffer, {"jpg": "JPEG", "tif": "TIFF"}.get(kind, kind.upper()), **options)
    return buffer.getvalue()


def to_png(head, pixels, *chunks):
    """Return a PNG of an IHDR and lines of pixels that Pillow would not write."""
    ends = ((b"IHDR", head), *chunks, (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))
        for kind, data in ends
    )


def tables(digits, *, ending="csv", pack=False, folder="", **options):
    files = {}
    for part in ("train", "test"):
        text = to_csv(digits[f"x_{part}"], digits[f"y_{part}"], **options).encode()
        name = f"{folder}mnist_{part}.{ending}"
        files[name + ".gz" * pack] = gzip.compress(text, mtime=0) if pack else text
    return files


def tables_in_folders(digits):
    return {
        f"dataset/lokaler Datensatz/{part}/Ziffern.csv": to_csv(
            digits[f"x_{part}"], digits[f"y_{part}"]
        ).encode()
        for part in ("train", "test")
    }


def idx_files(digits, *, dots=False, pack=False):
    files = {}
    for part, name in (("train", "train"), ("test", "t10k")):
        for key, what, ndim in (("x", "images", 3), ("y", "labels", 1)):
            content = to_idx(digits[f"{key}_{part}"])
            path = f"MNIST/raw/{name}-{what}{'.' if dots else '-'}idx{ndim}-ubyte"
            files[path + ".gz" * pack] = gzip.compress(content, mtime=0) if pack else content
    return files


def image_files(digits, kind="png", **options):
    return {
        f"Müllers Ziffern/{folder}/{label}/{number}.{kind}": to_image(image, kind, **options)
        for part, folder in (("train", "Training"), ("test", "Test"))
        for number, (image, label) in enumerate(
            zip(digits[f"x_{part}"], digits[f"y_{part}"], strict=True)
        )
    }


# each makes {path: content}; images by JPEG lose a little and are looked at elsewhere
EXACT = {
    "CSV as of Kaggle": tables,
    "CSV in folders with a blank": tables_in_folders,
    "CSV as of OpenML, packed": lambda d: tables(d, header="openml", label="last", pack=True),
    "CSV without a header": lambda d: tables(d, header="none", folder="Übung 1/"),
    "CSV with the label last": lambda d: tables(d, header="none", label="last", separator=";"),
    "TSV": lambda d: tables(d, ending="tsv", separator="\t"),
    "IDX": idx_files,
    "IDX with dots, packed": lambda d: idx_files(d, dots=True, pack=True),
    "npz": lambda d: {"deep/mnist.npz": to_npz(d)},
    "npy": lambda d: {f"{key}.npy": to_npy(array) for key, array in d.items()},
    "PNG": image_files,
    "BMP": lambda d: image_files(d, "bmp"),
    "TIFF": lambda d: image_files(d, "tif"),
}
EVERY = EXACT | {"JPEG": lambda d: image_files(d, "jpg")}


def write_zip(path, files, compression=zipfile.ZIP_DEFLATED):
    """Write a ZIP, the same bytes each time."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = compression
            archive.writestr(info, content)
    return path


def write_folder(path, files):
    """Write the files of a folder."""
    for name, content in files.items():
        target = Path(path, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return path


# --- what the tests of several modules need

DIGITS = make_digits()
GREY = np.tile(np.linspace(0, 255, 8).astype(np.uint8), (8, 1))


def sentences(data, language="en"):
    return [note.sentence(language) for note in data.notes]


def same(data, digits):
    return all(np.array_equal(data[key.replace("x", "X")], digits[key]) for key in digits)


def load(tmp_path, files, **options):
    return load_digit_archive(write_folder(tmp_path / "data", files), **options)


def with_image(content, name="1.png"):
    """Return files of an image folder, the first image of class 0 being `content`."""
    good = to_image(GREY)
    files = {f"train/{label}/{at}.png": good for label in (0, 1) for at in (1, 2)}
    files |= {f"test/{label}/1.png": good for label in (0, 1)}
    del files["train/0/1.png"]
    return {f"train/0/{name}": content, **files}


@contextmanager
def nobody():
    """Be a user who may not do everything, where the tests run as one who may."""
    if os.geteuid():
        yield
        return
    codecs.lookup("cp437")  # zipfile's; nobody may not be able to read Python's own files
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def one_part(n=70):
    digits = make_digits(n_train=n, n_classes=7)
    return {"digits.csv": to_csv(digits["x_train"], digits["y_train"]).encode()}
