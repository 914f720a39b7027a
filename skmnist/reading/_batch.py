"""Read many files, and join the places that were read in them into fields."""

import os
import pickle
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from importlib.resources import as_file
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import numpy as np
import pandas as pd
from joblib import effective_n_jobs
from joblib.externals.loky.process_executor import TerminatedWorkerError

from skmnist._files import find_bundled_reader
from skmnist._workers import iterate_tasks
from skmnist.datasets._layout import quote
from skmnist.persistence import ModelFileError, load_model
from skmnist.reading._forms import Form, FormError
from skmnist.reading._pages import open_pages
from skmnist.reading._reader import DigitReader
from skmnist.text import get_catalogue, translate_error, use_language

Array = np.ndarray[Any, Any]

ENDINGS = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".tif", ".tiff", ".pdf")
FIELD_COLUMNS = ("file", "page", "field", "text", "outcome", "probability", "reason")
MARGIN = 6  # pixels of the page shown around a field in its picture


@dataclass(frozen=True)
class FileReading:
    """Result of reading one file.

    Returned by :func:`read_files`. The parameters are attributes as well.

    Parameters
    ----------
    file : str
        Path of the file.
    places : DataFrame
        As returned by :meth:`DigitReader.read`, but `image` is the number of the page, from 0. If
        the file has a problem, the table contains only the places that were read before it.
    pictures : dict of (int, object) to ndarray
        Image of each field. A key is the number of the page, from 0, and the name or number of the
        field, as in `places`.
    problem : str or None
        Why the file, or the rest of it, could not be read, in the language of
        :func:`~skmnist.text.use_language`. None if the whole file was read.
    n_pages : int, default=1
        Number of pages that were opened; 0 if the file could not be opened at all.
    blank_pages : sequence of int, default=()
        Numbers of the pages on which no digits were found, from 0.

    Examples
    --------
    >>> import pandas as pd
    >>> from skmnist.reading import FileReading, join_fields
    >>> places = pd.DataFrame({"image": 0, "field": 0, "text": ["8", "", "1"],
    ...     "outcome": ["digit", "blank", "unsure"], "probability": [0.999, None, 0.71],
    ...     "reason": ["Sure.", "No ink.", "Not sure."]})
    >>> join_fields([FileReading("scan.png", places)])[["text", "reason"]].values.tolist()
    [['8 ?', 'Not sure.']]
    """

    file: str
    places: pd.DataFrame
    pictures: dict[tuple[int, Any], Array] = field(default_factory=dict)
    problem: str | None = None
    n_pages: int = 1
    blank_pages: Sequence[int] = ()


def load_reader(path: str | os.PathLike[str] | None = None) -> DigitReader:
    """Load a reader from a file, or load the reader that is bundled with the package.

    Parameters
    ----------
    path : str or path-like, default=None
        File written by `skmnist compare --save`, or by :func:`~skmnist.persistence.save_model` with
        a :class:`DigitReader`. None loads the bundled reader.

    Returns
    -------
    reader : DigitReader
        A calibrated reader.

    Raises
    ------
    ModelFileError
        The file does not contain a valid model, or the model is not a calibrated reader.
    OSError
        The file cannot be read.

    Warns
    -----
    UserWarning
        The file was written with other versions of skmnist, scikit-learn or NumPy.
    """
    if path is None:
        with as_file(find_bundled_reader()) as bundled:
            return load_reader(bundled)
    reader = load_model(path)
    if not isinstance(reader, DigitReader) or not hasattr(reader, "calibration_"):
        raise ModelFileError("no_reader", where=os.fsdecode(path), kind=type(reader).__name__)
    return reader


def find_files(
    paths: Iterable[str | os.PathLike[str]], *, endings: tuple[str, ...] | None = None
) -> list[Path]:
    """List the given files, and the images and documents in the given folders.

    Parameters
    ----------
    paths : iterable of path
        Files, which are returned whether they exist or not, and folders, which are searched with
        their subfolders. When a folder is searched, hidden files and folders in it are left out.
    endings : tuple of str, default=None
        Endings of the files to list in folders, in lower case. None lists the types that
        :func:`read_files` reads.

    Returns
    -------
    files : list of Path
        Each file once, even if several paths lead to it; the files in a folder are sorted by name.
    """
    found: dict[str, Path] = {}
    for path in map(Path, paths):
        for file in _walk(path, endings or ENDINGS) if path.is_dir() else [path]:
            found.setdefault(os.path.realpath(file), file)
    return list(found.values())


def _walk(path: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    hidden = (".", "~$")  # office programs write a file "~$..." beside each open document
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(endings) and not name.startswith(hidden):
                yield Path(folder, name)


def read_files(
    paths: Sequence[str | os.PathLike[str] | BinaryIO],
    reader: DigitReader,
    *,
    form: Form | None = None,
    n_jobs: int | None = None,
) -> Iterator[FileReading]:
    """Read files in the given order, and continue after a file that cannot be read.

    Parameters
    ----------
    paths : sequence of path or binary file
        Images and documents: paths, for example from :func:`find_files`, or open file objects.
    reader : DigitReader
        A calibrated reader. This function does not check whether the places look like the digits
        with which the reader was calibrated; to check this, pass the places of all files to
        :meth:`DigitReader.check_shift`.
    form : Form, default=None
        The positions of the fields. Pages on which the form has no fields are skipped. If a
        document ends before the last page with fields, `FileReading.problem` lists the fields that
        are missing. None detects the fields.
    n_jobs : int, default=None
        Number of processes, including this one. More than one pays off for 50 files or more. Open
        file objects cannot be sent to other processes, so they require 1. None uses the value of
        ``joblib.parallel_config``, or 1.

    Yields
    ------
    reading : FileReading
        The places of one file; if the file cannot be read completely, `problem` says why.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        The reader is not calibrated.
    RuntimeError
        A worker process was killed. The readings that were yielded before the error are complete.
    """
    language = get_catalogue().language
    shared: DigitReader | Array = reader
    if effective_n_jobs(n_jobs) > 1:  # as an array, which is sent to the workers only once
        shared = np.frombuffer(pickle.dumps(reader), np.uint8)
    key = uuid4().hex
    tasks = ((at, path, shared, key, form, language) for at, path in enumerate(paths))
    ended: dict[int, FileReading] = {}
    with closing(iterate_tasks(_read_file, tasks, n_jobs=n_jobs, takes_part=True)) as readings:
        for at in range(len(paths)):
            try:
                while at not in ended:
                    number, reading = next(readings)
                    ended[number] = reading
            except TerminatedWorkerError as error:
                raise RuntimeError(
                    f"A worker process was killed after {at} of {len(paths)} files were returned, "
                    "probably because memory ran out. Read the others with a smaller n_jobs, or "
                    "fewer at once."
                ) from error
            yield ended.pop(at)


# The reader that this process unpickled last: unpickling it for each file would take as long as
# reading several places.
_unpickled: dict[str, DigitReader] = {}


def _unpickle(content: Array, key: str) -> DigitReader:
    """Return the reader with this key; unpickle it unless it was the last one to be unpickled."""
    reader = _unpickled.get(key)
    if reader is None:
        reader = pickle.loads(content.data)  # pickled by `read_files`, not read from a file
        _unpickled.clear()
        _unpickled[key] = reader
    return reader


def _read_file(
    at: int, path: Any, shared: DigitReader | Array, key: str, form: Form | None, language: str
) -> tuple[int, FileReading]:
    reader = shared if isinstance(shared, DigitReader) else _unpickle(shared, key)
    frames, pictures, problem = [], {}, None
    n_pages, blank_pages = 0, []
    try:
        with use_language(language):
            for n_pages, page in enumerate(open_pages(path), 1):
                part = None if form is None else form.on_page(n_pages)
                if part is not None and not part.fields:
                    continue
                places = reader.read_page(page, form=part).assign(image=n_pages - 1)
                frames.append(places)
                if not len(places):
                    blank_pages.append(n_pages - 1)
                for name, some in places.groupby("field", sort=False):
                    pictures[n_pages - 1, name] = _cut(page, some["box"])
        if form is not None:
            _check_pages(form, n_pages)
    except (ImportError, MemoryError, OSError, ValueError) as error:
        problem = translate_error(error, language) or type(error).__name__
    file = path if isinstance(path, str | os.PathLike) else str(getattr(path, "name", "image"))
    filled = [frame for frame in frames if len(frame)] or [reader.read_digits([])]
    places = pd.concat(filled, ignore_index=True)
    return at, FileReading(os.fsdecode(file), places, pictures, problem, n_pages, blank_pages)


def _check_pages(form: Form, n_pages: int) -> None:
    """Raise if the form has fields on pages beyond the last one."""
    missing = [one for one in form.fields if one.page > n_pages]
    if missing:
        pages = sorted({one.page for one in missing})
        raise FormError(
            "missing_pages",
            pages=pages,
            n_pages=len(pages),
            names=quote(one.name for one in missing),
            n=len(missing),
        )


def join_fields(readings: Iterable[FileReading]) -> pd.DataFrame:
    """Return a table with a row for each field, and at least one row for each page.

    A page on which no digits were found has one row, whose `field` and `text` are empty. A file
    with a problem has one row for the problem, after the rows of the fields read before it.
    With a form, pages on which the form has no fields are left out.

    Parameters
    ----------
    readings : iterable of FileReading
        Results of :func:`read_files`.

    Returns
    -------
    fields : DataFrame
        - `file`: path of the file;
        - `page`: number of the page, from 1; missing in the row for a problem;
        - `field`: name of the field, or its number on the page, from 1; empty for a problem, or if
          no digits were found on the page;
        - `text`: the digits, with a space for a blank place and "?" for a place that was not
          accepted;
        - `outcome`: "read", "unsure" if a place was not accepted, "blank" if all places are blank
          or no digits were found, or "failed" for a problem;
        - `probability`: the lowest probability in the field; NaN if the field has none, or for a
          problem;
        - `reason`: why places were not accepted, the problem of the file, or, in the language of
          :func:`~skmnist.text.use_language`, that no digits were found; otherwise empty.
    """
    rows: list[tuple[Any, ...]] = []
    nothing = get_catalogue()("reading.reason.nothing")
    for reading in readings:
        own: list[tuple[Any, ...]] = [
            (reading.file, page + 1, "", "", "blank", np.nan, nothing)
            for page in reading.blank_pages
        ]
        # lists, because `groupby` would take several times as long
        columns = (
            reading.places[name].tolist()
            for name in ("image", "field", "text", "outcome", "probability", "reason")
        )
        fields: dict[tuple[int, Any], list[tuple[Any, ...]]] = {}
        for page, name, *place in zip(*columns, strict=True):
            fields.setdefault((page, name), []).append(tuple(place))
        for (page, name), places in fields.items():
            digits, outcomes, probabilities, reasons = zip(*places, strict=True)
            marks = {"digit": None, "blank": " "}
            text = "".join(
                marks.get(outcome, "?") or digit
                for outcome, digit in zip(outcomes, digits, strict=True)
            )
            outcome = "unsure" if "?" in text else "read" if text.strip() else "blank"
            label = name if isinstance(name, str) else int(name) + 1
            lowest = min((p for p in probabilities if not pd.isna(p)), default=np.nan)
            reason = " ".join(find_reasons(outcomes, reasons))
            own.append((reading.file, int(page) + 1, label, text, outcome, lowest, reason))
        rows += sorted(own, key=lambda row: row[1])
        if reading.problem is not None:
            problem = reading.problem.removeprefix(f"{reading.file}: ")
            rows.append((reading.file, None, "", "", "failed", np.nan, problem))
    table = pd.DataFrame(rows, columns=list(FIELD_COLUMNS))
    return table.astype({"page": "Int64", "probability": float})


def find_reasons(outcomes: Iterable[str], reasons: Iterable[str]) -> list[str]:
    """Return why places with these outcomes were not accepted, each reason once."""
    refused = zip(outcomes, reasons, strict=True)
    return list(dict.fromkeys(why for what, why in refused if what not in ("digit", "blank")))


def _cut(page: Array, boxes: pd.Series) -> Array:
    """Return the part of a page that contains these boxes, with a margin."""
    corners = np.array(boxes.tolist())
    left, top = np.maximum(corners[:, :2].min(axis=0) - MARGIN, 0)
    right, bottom = corners[:, 2:].max(axis=0) + MARGIN
    return page[top:bottom, left:right].copy()
