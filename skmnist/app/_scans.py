"""Uploaded scans, the fields that were read in them, and the user's corrections."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from skmnist.reading import DigitReader, FileReading, Form, join_fields, mark_places, open_pages
from skmnist.reading import read_files as read_any

Field = tuple[str, int, Any]  # file, page from 1, name or number of the field
CORRECTED = "corrected"  # outcome, as on the page for corrections


@dataclass(frozen=True)
class Scan:
    """An uploaded file.

    Attributes
    ----------
    key : str
        Differs between uploads.
    name : str
        Name of the file, made unique among the uploaded ones.
    content : bytes
    """

    key: str
    name: str
    content: bytes

    def open(self) -> io.BytesIO:
        """Return the content as a file with a name."""
        file = io.BytesIO(self.content)
        file.name = self.name
        return file


def make_scans(files: Iterable[Any]) -> list[Scan]:
    """Return uploaded files as scans with unique names."""
    scans: list[Scan] = []
    for file in files:
        stem, dot, ending = file.name.rpartition(".")
        name, n = file.name, 1
        while any(scan.name == name for scan in scans):
            n += 1
            name = f"{stem} ({n}){dot}{ending}"
        scans.append(Scan(file.file_id, name, file.getvalue()))
    return scans


def read_scan(scan: Scan, reader: DigitReader, form: Form | None) -> FileReading:
    """Read all pages of a scan."""
    (reading,) = read_any([scan.open()], reader, form=form)
    return reading


def list_pages(readings: Iterable[FileReading]) -> list[tuple[str, int]]:
    """Return the file and the number, from 1, of each page on which something was found."""
    return [
        (reading.file, int(page) + 1)
        for reading in readings
        for page in reading.places["image"].unique()
    ]


def draw_page(scan: Scan, reading: FileReading, page: int, language: str) -> tuple[Markup, int]:
    """Draw a page with its places; return the drawing and its width in pixels."""
    pixels = next(p for at, p in enumerate(open_pages(scan.open()), 1) if at == page)
    places = reading.places[reading.places["image"] == page - 1]
    return mark_places(pixels, places, language=language), pixels.shape[1]


def correct(fields: pd.DataFrame, corrections: Mapping[Field, str]) -> pd.DataFrame:
    """Return the fields with the corrections; a correction with a "?" leaves its field unsure."""
    fields = fields.copy()
    for at, row in zip(fields.index, fields.itertuples(index=False), strict=True):
        text = corrections.get((row.file, row.page, row.field))  # type: ignore[arg-type] # rows are untyped
        if text is not None:
            fields.loc[at, ["text", "outcome"]] = [text, "unsure" if "?" in text else CORRECTED]
    return fields


def list_unsure(reading: FileReading, page: int) -> list[dict[str, Any]]:
    """Return the name, picture, text, suggestion and reasons of each unsure field of a page."""
    fields = join_fields([reading])
    cards = []
    key: Any
    for key, places in reading.places.groupby(["image", "field"], sort=False):
        number, name = key
        label = name if isinstance(name, str) else int(name) + 1
        row = fields[(fields["page"] == number + 1) & (fields["field"] == label)].iloc[0]
        if number + 1 != page or row["outcome"] != "unsure":
            continue
        is_open = ~places["outcome"].isin(["digit", "blank"])
        cards.append(
            {
                "field": (reading.file, page, label),
                "label": label,
                "picture": reading.pictures[key],
                "text": row["text"],
                "suggestion": "".join(
                    "?" if outcome == "not_digit" else digit or " "
                    for outcome, digit in zip(places["outcome"], places["text"], strict=True)
                ),
                "reasons": list(dict.fromkeys(places.loc[is_open, "reason"])),
            }
        )
    return cards
