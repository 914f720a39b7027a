"""Recognize file formats by name and first bytes.

The names of unsupported formats are keys of messages that also explain how to convert them.
"""

import codecs
import re

# First bytes of files, which also identify renamed ones.
BEGINNINGS = {
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!": "rar",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"MATLAB 5.0 MAT-file": "matlab",
    b"MATLAB 7.3 MAT-file": "matlab",
    b"\x89HDF": "hdf5",
    b"PAR1": "parquet",
    b"ARROW1": "feather_or_arrow",
    b"SQLite format 3": "sqlite",
    b"%PDF": "pdf",
    b"GIF8": "gif",
    b"RIFF": "riff",
    b"\xd0\xcf\x11\xe0": "office",
    b"\x80\x02": "pickle",
    b"\x80\x03": "pickle",
    b"\x80\x04": "pickle",
    b"\x80\x05": "pickle",
}
# First bytes of files that users take for images, and of what Git or a server left in their place.
NO_IMAGES = {
    b"GIF8": "gif",
    b"%PDF": "pdf",
    b"PK\x03\x04": "zip",
    b"\xd0\xcf\x11\xe0": "office",
    b"version https://git-lfs": "git_lfs",
}
# Brands of the container format that MP4 also uses
HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")
# File extensions of unsupported data formats; ".gz" may follow.
DATA = {
    ".mat": "matlab",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".joblib": "pickle",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".parquet": "parquet",
    ".feather": "feather",
    ".arrow": "arrow",
    ".arff": "arff",
    ".json": "json",
    ".jsonl": "json",
    ".pt": "torch",
    ".pth": "torch",
    ".tfrecord": "tfrecord",
    ".sqlite": "sqlite",
    ".xls": "spreadsheet",
    ".xlsx": "spreadsheet",
    ".ods": "spreadsheet",
}
# File extensions of unsupported image formats: Pillow lacks them, or a small file may need a lot of
# memory before the size of the image is known.
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

# Files made by operating systems and NAS devices, in addition to names that begin with a dot.
LEFTOVER_FOLDERS = {
    *("__macosx", "$recycle.bin", "system volume information"),
    *("@eadir", "#recycle", "@recycle", "#snapshot", "lost+found", "thumbnails"),
}
LEFTOVER_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}


def kind_of(name: str) -> str | None:
    """Return the kind that a file's name suggests, as in `Member.kind`."""
    name = name.lower()
    if IDX_NAME.search(name):
        return "idx"
    bare = name.removesuffix(".gz")
    for kind, endings in KINDS.items():
        if (bare if kind == "table" else name).endswith(endings):
            return kind
    if recognize_name(name):
        return "foreign"
    return "packed" if name.endswith(PACKED) else None


def is_leftover(path: str) -> bool:
    """Return whether a file was made by an operating system or NAS."""
    parts = path.lower().split("/")
    return (
        any(part.startswith((".", "~$")) or part in LEFTOVER_FOLDERS for part in parts)
        or parts[-1] in LEFTOVER_FILES
    )


def is_image(path: str) -> bool:
    """Return whether a leftover is an image."""
    name = path.rpartition("/")[2]  # one that starts with "._" is that of macOS metadata
    return not name.startswith("._") and kind_of(name) in ("image", "foreign image")


def recognize(head: bytes) -> str | None:
    """Return the name of the unsupported format that the first bytes indicate, or None."""
    if head[4:8] == b"ftyp":
        return "heic"
    return next((name for start, name in BEGINNINGS.items() if head.startswith(start)), None)


def recognize_no_image(head: bytes) -> str | None:
    """Return what a file is, by its first bytes, if it is not a supported image; otherwise None."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp" and head[8:12] in HEIF:
        return "heic"
    for start, name in NO_IMAGES.items():
        if head.startswith(start):
            return name
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html")):
        return "web_page"
    try:  # the last character may be cut off
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return None
    return "text" if all(c.isprintable() or c.isspace() for c in text) else None


def recognize_name(name: str) -> str | None:
    """Return the name of the unsupported data format that a file extension indicates, or None."""
    bare = name.lower().removesuffix(".gz")
    _, dot, ending = bare.rpartition(".")
    return DATA.get(dot + ending)
