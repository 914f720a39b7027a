"""What the results, the command line and the report say, a catalogue per language.

A catalogue is a TOML file named for its language; a further language is one more file with the
same keys and placeholders.
"""

import locale
import os
import string
import tomllib
from functools import cache
from importlib.resources import files
from numbers import Number
from typing import Any

__all__ = ["Catalogue", "get_catalogue", "get_languages", "guess_language", "make_printable"]


@cache
def get_languages() -> tuple[str, ...]:
    """Return the codes of the languages there is a catalogue for, English first."""
    codes = {
        file.name.removesuffix(".toml")
        for file in files(__name__).iterdir()
        if file.name.endswith(".toml")
    }
    return ("en", *sorted(codes - {"en"}))


def guess_language() -> str:
    """Return the language of the environment's locale where there is a catalogue, else "en"."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        code = os.environ.get(variable)
        if code:
            break
    else:
        # on Windows a locale is called German_Germany
        code = locale.normalize(locale.getlocale()[0] or "")
    code = code.split(".")[0].split("_")[0].lower()
    return code if code in get_languages() else "en"


@cache
def get_catalogue(language: str) -> "Catalogue":
    """Return the catalogue of a language.

    Parameters
    ----------
    language : {"en", "de"}
        Code of the language.

    Returns
    -------
    catalogue : Catalogue

    Raises
    ------
    ValueError
        There is no such language.

    Examples
    --------
    >>> from skmnist.text import get_catalogue
    >>> get_catalogue("de").format("{:.2f} von {:,}", 97.56, 10000)
    '97,56 von 10.000'
    >>> get_catalogue("xx")
    Traceback (most recent call last):
    ValueError: language='xx' must be one of 'en', 'de'.
    """
    if language not in get_languages():
        known = ", ".join(map(repr, get_languages()))
        raise ValueError(f"language={language!r} must be one of {known}.")
    content = (files(__name__) / f"{language}.toml").read_text(encoding="utf-8")
    return Catalogue(language, tomllib.loads(content))


class Catalogue(string.Formatter):
    """The phrases of one language; numbers in them follow the language's signs.

    Two format specifications are added to Python's: ``{n:image|images}`` gives the word for one
    and for any other number, and ``{size:bytes}`` a number of bytes in a unit that suits it.

    Parameters
    ----------
    language : str
        Code of the language.
    entries : dict
        The phrases, in nested tables.

    Attributes
    ----------
    language : str
        Code of the language.
    phrases : dict of str to str
        The phrases by their full keys, such as "plot.epoch".

    Examples
    --------
    >>> from skmnist.text import get_catalogue
    >>> say = get_catalogue("en")
    >>> [say.format("{0:,} {0:image|images}", n) for n in (1, 1000)]
    ['1 image', '1,000 images']
    >>> [say.format("{:bytes}", size) for size in (712, 411_837, 2_271_000)]
    ['712 B', '412 kB', '2.27 MB']
    """

    def __init__(self, language: str, entries: dict[str, Any]) -> None:
        self.language = language
        self.phrases = dict(_flatten(entries))
        signs = {".": "decimal", ",": "thousands", "%": "percent"}
        self._signs = str.maketrans({s: self.phrases[f"number.{n}"] for s, n in signs.items()})

    def __call__(self, key: str, **values: Any) -> str:
        """Return the phrase `key` with its placeholders filled."""
        return self.vformat(self.phrases[key], (), values)

    def format_field(self, value: Any, format_spec: str) -> str:
        """Format a number with the language's signs; other values are formatted as usual.

        Parameters
        ----------
        value : object
            Value to format.
        format_spec : str
            Format specification, as in Python, or one of the two further ones.

        Returns
        -------
        text : str
        """
        if "|" in format_spec:
            one, other = format_spec.split("|")
            return one if value == 1 else other
        if format_spec == "bytes":
            return _format_bytes(value).translate(self._signs)
        text: str = super().format_field(value, format_spec)
        if not isinstance(value, Number):
            return text
        if text.startswith("-") and not text.strip("-0.,%"):
            text = text[1:]  # what rounds to 0 has no sign
        return text.translate(self._signs)


def _format_bytes(size: float) -> str:
    """Return a number of bytes in the largest unit of which there is one, with three digits."""
    units = ["B", "kB", "MB", "GB", "TB"]
    while abs(size) >= 999.5 and len(units) > 1:  # 999.5 has four digits when it is rounded
        size /= 1000
        units.pop(0)
    return f"{size:.3g} {units[0]}"


def make_printable(text: str) -> str:
    r"""Show control characters instead of sending them to a terminal; keep line breaks.

    Class labels and file names can contain anything, such as escape sequences.

    Parameters
    ----------
    text : str
        Text from any source.

    Returns
    -------
    text : str
        The text with control characters written as ``\x1b`` and the like.

    Examples
    --------
    >>> from skmnist.text import make_printable
    >>> make_printable("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return "".join(c if c.isprintable() or c in "\n\xa0" else repr(c)[1:-1] for c in text)


def _flatten(entries: dict[str, Any], prefix: str = "") -> Any:
    for key, value in entries.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
