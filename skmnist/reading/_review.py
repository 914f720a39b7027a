"""A page for correcting, by keyboard, the fields that were not accepted."""

import base64
import io
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from skmnist.reading._batch import FIELD_COLUMNS, FileReading, find_reasons, join_fields
from skmnist.text import get_catalogue, use_language

if TYPE_CHECKING:
    from jinja2 import Template

MAX_WIDTH = 900  # pixels of a picture; a field is rarely wider


def make_review(readings: Iterable[FileReading], language: str | None = None) -> str:
    """Return a page that shows the fields to check, with their pictures, and exports a CSV file.

    The page is a single HTML file that needs no other files. It shows the fields whose outcome in
    :func:`join_fields` is "unsure". The CSV file that it exports has all rows of
    :func:`join_fields`, including those of files that could not be read, with the corrections.

    Parameters
    ----------
    readings : iterable of FileReading
        Results of :func:`read_files`.
    language : {"en", "de"} or None, default=None
        Language of the page; None uses the language of :func:`~skmnist.text.use_language`.

    Returns
    -------
    html : str
        The content of the HTML file.
    """
    readings = list(readings)
    say = get_catalogue(language)
    with use_language(say.language):
        fields = join_fields(readings)
    pictures = {
        (reading.file, page + 1, name if isinstance(name, str) else int(name) + 1): (
            picture,
            places,
        )
        for reading in readings
        for (page, name), picture in reading.pictures.items()
        for places in [
            reading.places[(reading.places["image"] == page) & (reading.places["field"] == name)]
        ]
    }
    cards = []
    row: Any
    for at, row in enumerate(fields.itertuples(index=False)):
        if row.outcome != "unsure":
            continue
        picture, places = pictures[row.file, row.page, row.field]
        cards.append(
            {
                "row": at,
                "picture": _encode(picture),
                "file": row.file,
                "page": row.page,
                "field": row.field,
                "text": row.text,
                "suggestion": "".join(
                    "?" if outcome == "not_digit" else digit or " "
                    for outcome, digit in zip(places["outcome"], places["text"], strict=True)
                ),
                "reasons": find_reasons(places["outcome"], places["reason"]),
            }
        )
    # as in the CSV file of `skmnist read`
    rounded = fields["probability"].map("{:.4f}".format, na_action="ignore")
    fields = fields.assign(probability=rounded).astype(object)
    table = fields.where(fields.notna(), "").values.tolist()
    return _load_template().render(
        say=say, cards=cards, table=table, columns=list(FIELD_COLUMNS), language=say.language
    )


@cache
def _load_template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    source = (files(__name__.rpartition(".")[0]) / "review.html.jinja").read_text(encoding="utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined).from_string(source)


def _encode(picture: np.ndarray[Any, Any]) -> str:
    image = Image.fromarray(picture)
    if image.width > MAX_WIDTH:
        image = image.resize((MAX_WIDTH, max(1, image.height * MAX_WIDTH // image.width)))
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
