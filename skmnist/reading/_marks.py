"""A picture of a page on which the places are marked."""

import base64
import io
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from PIL import Image

from skmnist.text import get_catalogue, make_printable

Array = np.ndarray[Any, Any]

MAX_SIDE = 1600  # pixels of the longer side, so that a page takes a few hundred kB
QUALITY = 80  # of the JPEG image
MIN_LABEL = 1 / 90  # minimum size of a label, as a share of the width
# Colours that colour-blind people can distinguish (Okabe and Ito), made darker for thin lines on
# white paper; the width and the dashes of the line; and the symbol after the digit
STYLES = {
    "digit": ("#005b96", 1.0, "", ""),
    "unsure": ("#b84a00", 2.5, "", "?"),
    "not_digit": ("#8a2d6b", 2.5, "6 3", "×"),
    "blank": ("#5f6770", 1.0, "2 3", ""),
}


def mark_places(page: Array, places: pd.DataFrame, *, language: str | None = None) -> Markup:
    """Draw a page with a box around each place, labelled with the digit that was read.

    Outcomes differ in colour, line style and symbol: "?" after a digit means that it was not
    accepted, and "×" without a digit means that the place contains something else. The boxes of
    blank places are dotted.

    Parameters
    ----------
    page : ndarray of shape (height, width) or (height, width, 3), uint8
        The page, as from :func:`open_pages`.
    places : DataFrame
        The places of this page, as from :meth:`DigitReader.read`.
    language : {"en", "de"} or None, default=None
        Language of the descriptions; None uses that of :func:`~skmnist.text.use_language`.

    Returns
    -------
    svg : markupsafe.Markup
        An SVG element for HTML pages and notebooks, with the image in it.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skmnist.reading import mark_places
    >>> places = pd.DataFrame({"text": ["4"], "outcome": ["unsure"], "box": [(20, 10, 50, 40)],
    ...     "field": [0], "reason": ["The probability is too low."]})
    >>> svg = mark_places(np.full((60, 80), 255, dtype=np.uint8), places)
    >>> "4?</text>" in svg
    True
    """
    say = get_catalogue(language)
    image = Image.fromarray(page)
    scale = min(1.0, MAX_SIDE / max(image.size))
    if scale < 1:
        image = image.resize((round(image.width * scale), round(image.height * scale)))
    boxes = np.array(places["box"].tolist(), dtype=float).reshape(-1, 4) * scale
    line = max(1.0, image.width / 700)
    marks = [
        _mark(place, box, _size_label(boxes, image.width), line, say)
        for place, box in zip(places.to_dict("records"), boxes, strict=True)
    ]
    counts = places["outcome"].value_counts()
    listed = ", ".join(f"{say(f'reading.outcome.{o}')}: {counts[o]}" for o in STYLES if o in counts)
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" role="img" '
        'aria-label="{label}"><image href="{uri}" width="{w}" height="{h}"/>{marks}</svg>'
    ).format(
        w=image.width,
        h=image.height,
        label=say("reading.marks.page", places=listed or say("reading.marks.nothing")),
        uri=_encode(image),
        marks=Markup("").join(marks),
    )


def _size_label(boxes: Array, width: int) -> float:
    heights = boxes[:, 3] - boxes[:, 1]
    return max(float(np.median(heights)) * 0.55, width * MIN_LABEL)


def _mark(place: dict[Any, Any], box: Array, size: float, line: float, say: Any) -> Markup:
    """Return the box of a place, with its label above or, at the top of the page, below the box."""
    colour, wide, dashes, sign = STYLES[place["outcome"]]
    left, top, right, bottom = (round(float(side), 1) for side in box)
    read = {"blank": "", "not_digit": ""}.get(place["outcome"], place["text"])
    at = top - size * 0.25 if top > size else bottom + size * 0.9
    outcome = say(f"reading.outcome.{place['outcome']}")
    about = f"{read} ({outcome}). {place['reason']}".strip()
    label = Markup(
        '<text x="{}" y="{}" font-size="{}" font-weight="700" font-family="system-ui, sans-serif" '
        'text-anchor="middle" fill="{}" stroke="#ffffff" stroke-width="{}" '
        'paint-order="stroke">{}</text>'
    ).format(
        (left + right) / 2, round(at, 1), round(size, 1), colour, round(size / 5, 1), read + sign
    )
    return Markup(
        '<g><title>{}</title><rect x="{}" y="{}" width="{}" height="{}" fill="none" '
        'pointer-events="all" stroke="{}" stroke-width="{}"{}/>{}</g>'
    ).format(
        make_printable(about),
        left,
        top,
        round(right - left, 1),
        round(bottom - top, 1),
        colour,
        round(line * wide, 1),
        Markup(' stroke-dasharray="{}"').format(dashes) if dashes else "",
        label if read + sign else "",
    )


def _encode(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
