"""Recognize file formats by name and first bytes, and say how to convert unsupported ones."""

import re

PICKLE = "a pickle, which is never loaded; save its arrays with numpy.savez"
MATLAB = "a MATLAB file; load it with scipy.io.loadmat and save its arrays with numpy.savez"
HDF5 = "an HDF5 file; save its arrays with numpy.savez"
EXCEL = "a spreadsheet; save its table as CSV"
JSON = "JSON; save its images as PNG or its pixels as CSV"
TORCH = "a PyTorch file; save its arrays with numpy.savez"
TABLE = "save its table as CSV"
IMAGE = "save images as PNG, in one folder per class"

# First bytes of files, which also identify renamed ones.
BEGINNINGS = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; unpack it and pass the folder",
    b"Rar!": "a RAR archive; unpack it and pass the folder",
    b"BZh": "compressed with bzip2; unpack it first",
    b"\xfd7zXZ": "compressed with xz; unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; unpack it first",
    b"MATLAB 5.0 MAT-file": MATLAB,
    b"MATLAB 7.3 MAT-file": MATLAB,
    b"\x89HDF": HDF5,
    b"PAR1": f"a Parquet file; {TABLE}",
    b"ARROW1": f"a Feather or Arrow file; {TABLE}",
    b"SQLite format 3": f"an SQLite database; {TABLE}",
    b"%PDF": "a PDF document",
    b"GIF8": f"a GIF image; {IMAGE}",
    b"RIFF": f"a WebP image, a video or an audio file; {IMAGE}",
    b"\xd0\xcf\x11\xe0": "an Excel or Word document; save it as CSV",
    b"\x80\x02": PICKLE,
    b"\x80\x03": PICKLE,
    b"\x80\x04": PICKLE,
    b"\x80\x05": PICKLE,
}
# File extensions of unsupported data formats; ".gz" may follow.
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
    ".tfrecord": "a TFRecord file; save its arrays with numpy.savez",
    ".sqlite": f"an SQLite database; {TABLE}",
    ".xls": EXCEL,
    ".xlsx": EXCEL,
    ".ods": EXCEL,
}
# File extensions of unsupported image formats: Pillow lacks them, or a small file may take much
# memory before its size is known.
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
    """Return the kind of a file by its name, as in `Member.kind`."""
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
    name = path.rpartition("/")[2]  # with "._" it is metadata of macOS
    return not name.startswith("._") and kind_of(name) in ("image", "foreign image")


def recognize(head: bytes) -> str | None:
    """Return an unsupported format and a remedy by the first bytes of a file, or None."""
    if head[4:8] == b"ftyp":
        return f"a HEIC or AVIF image, or a video; {IMAGE}"
    return next((name for start, name in BEGINNINGS.items() if head.startswith(start)), None)


def recognize_name(name: str) -> str | None:
    """Return an unsupported data format and a remedy by the file extension, or None."""
    bare = name.lower().removesuffix(".gz")
    _, dot, ending = bare.rpartition(".")
    return DATA.get(dot + ending)
