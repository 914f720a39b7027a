"""What a file is, by its name and by how it begins; of formats that are not read, what to do."""

import re

PICKLE = "a pickle, which is never loaded; save its arrays by numpy.savez"
MATLAB = "a MATLAB file; save its arrays by numpy.savez, after scipy.io.loadmat"
HDF5 = "an HDF5 file; save its arrays by numpy.savez"
EXCEL = "a spreadsheet; save its table as CSV"
JSON = "JSON; save its images as PNG or its pixels as CSV"
TORCH = "a file of PyTorch; save its arrays by numpy.savez"
TABLE = "save its table as CSV"
IMAGE = "save images as PNG, in a folder for each class"

# How files begin; a file that was renamed is recognised as well.
BEGINNINGS = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; unpack it and pass the folder",
    b"Rar!": "a RAR archive; unpack it and pass the folder",
    b"BZh": "packed by bzip2; unpack it first",
    b"\xfd7zXZ": "packed by xz; unpack it first",
    b"\x28\xb5\x2f\xfd": "packed by zstd; unpack it first",
    b"MATLAB 5.0 MAT-file": MATLAB,
    b"MATLAB 7.3 MAT-file": MATLAB,
    b"\x89HDF": HDF5,
    b"PAR1": f"a Parquet file; {TABLE}",
    b"ARROW1": f"a Feather or Arrow file; {TABLE}",
    b"SQLite format 3": f"an SQLite database; {TABLE}",
    b"%PDF": "a PDF document",
    b"GIF8": f"a GIF image; {IMAGE}",
    b"RIFF": f"a WebP image, a film or a sound; {IMAGE}",
    b"\xd0\xcf\x11\xe0": "an Excel or Word document; save it as CSV",
    b"\x80\x02": PICKLE,
    b"\x80\x03": PICKLE,
    b"\x80\x04": PICKLE,
    b"\x80\x05": PICKLE,
}
# Endings of data in other formats, without ".gz", which may follow.
DATA = {
    ".mat": MATLAB,
    ".pkl": PICKLE,
    ".pickle": PICKLE,
    ".joblib": PICKLE,
    ".h5": HDF5,
    ".hdf5": HDF5,
    ".parquet": f"a Parquet file; {TABLE}",
    ".feather": f"a Feather file; {TABLE}",
    ".arrow": f"an Arrow file; {TABLE}",
    ".arff": f"an ARFF file; {TABLE}",
    ".json": JSON,
    ".jsonl": JSON,
    ".pt": TORCH,
    ".pth": TORCH,
    ".tfrecord": "a TFRecord file of TensorFlow; save its arrays by numpy.savez",
    ".sqlite": f"an SQLite database; {TABLE}",
    ".xls": EXCEL,
    ".xlsx": EXCEL,
    ".ods": EXCEL,
}
# Endings of images in formats that are not read, because Pillow lacks them, or because a small
# file takes much memory before its size is known.
IMAGES = (
    *(".gif", ".webp", ".heic", ".heif", ".avif", ".jp2", ".j2k", ".jxl", ".svg", ".psd", ".ico"),
    *(".pgm", ".ppm", ".pbm", ".pnm", ".tga", ".eps", ".dng", ".cr2", ".cr3", ".nef", ".arw"),
)

KINDS = {
    "array": (".npy",),
    "table": (".csv", ".tsv"),
    "image": (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".tif", ".tiff"),
    "archive": (".npz",),
    "foreign image": IMAGES,
}
# train-images-idx3-ubyte, train-images.idx3-ubyte
IDX_NAME = re.compile(r"idx[0-9]-[a-z]+(\.gz)?$")
PACKED = (
    *(".zip", ".tar", ".tgz", ".tbz2", ".txz", ".7z", ".rar"),
    *(".gz", ".bz2", ".xz", ".zst", ".lzma", ".z"),
)

# What systems leave behind, Synology's thumbnails among them; so is what begins with a dot.
LEFTOVER_FOLDERS = {
    *("__macosx", "$recycle.bin", "system volume information"),
    *("@eadir", "#recycle", "@recycle", "#snapshot", "lost+found", "thumbnails"),
}
LEFTOVER_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}


def kind_of(name: str) -> str | None:
    """Return the kind of file that a name stands for, as in `Member.kind`."""
    name = name.lower()
    if IDX_NAME.search(name):
        return "idx"
    bare = name.removesuffix(".gz")
    for kind, endings in KINDS.items():
        if (bare if kind == "table" else name).endswith(endings):
            return kind
    if recognise_name(name):
        return "foreign"
    return "packed" if name.endswith(PACKED) else None


def is_leftover(path: str) -> bool:
    """Return whether an operating system or NAS made the file, not a person."""
    parts = path.lower().split("/")
    return (
        any(part.startswith((".", "~$")) or part in LEFTOVER_FOLDERS for part in parts)
        or parts[-1] in LEFTOVER_FILES
    )


def is_image(path: str) -> bool:
    """Return whether a leftover is an image; those with ``._`` before the name are macOS notes."""
    name = path.rpartition("/")[2]
    return not name.startswith("._") and kind_of(name) in ("image", "foreign image")


def recognise(head: bytes) -> str | None:
    """Name a format by the first bytes of a file, and say what to do; None if it is not known."""
    if head[4:8] == b"ftyp":
        return f"a HEIC or AVIF image, or a film; {IMAGE}"
    return next((name for start, name in BEGINNINGS.items() if head.startswith(start)), None)


def recognise_name(name: str) -> str | None:
    """Name a data format by the ending of a file's name, as :func:`recognise` does."""
    bare = name.lower().removesuffix(".gz")
    _, dot, ending = bare.rpartition(".")
    return DATA.get(dot + ending)
