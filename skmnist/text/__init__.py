"""Texts of the results, the report, the command line and the app, in several languages.

A catalogue is a TOML file named after its language. To add a language, add a file with the same
keys and placeholders.
"""

import locale
import os
import string
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.resources import files
from numbers import Number
from typing import Any

__all__ = [
    "Catalogue",
    "Phrase",
    "TranslatedError",
    "get_catalogue",
    "get_languages",
    "guess_language",
    "make_printable",
    "translate_error",
    "use_language",
]

_language = ContextVar("language", default="en")


@cache
def get_languages() -> tuple[str, ...]:
    """Return the codes of the available languages, English first."""
    codes = {
        file.name.removesuffix(".toml")
        for file in files(__name__).iterdir()
        if file.name.endswith(".toml")
    }
    return ("en", *sorted(codes - {"en"}))


def guess_language() -> str:
    """Return the language of the locale if it is available, else "en"."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        code = os.environ.get(variable)
        if code:
            break
    else:
        # Windows calls a locale German_Germany
        code = locale.normalize(locale.getlocale()[0] or "")
    code = code.split(".")[0].split("_")[0].lower()
    return code if code in get_languages() else "en"


@contextmanager
def use_language(language: str) -> Iterator[None]:
    """Set the language of texts, such as progress lines, in a ``with`` block.

    Parameters
    ----------
    language : {"en", "de"}

    Yields
    ------
    None
        Nothing; the language applies to the block.

    Raises
    ------
    ValueError
        If the language is not available.

    Examples
    --------
    >>> from skmnist.text import get_catalogue, use_language
    >>> with use_language("de"):
    ...     print(get_catalogue()("cli.eta"))
    Rest ~
    """
    token = _language.set(get_catalogue(language).language)
    try:
        yield
    finally:
        _language.reset(token)


def get_catalogue(language: str | None = None) -> "Catalogue":
    """Return the catalogue of a language.

    Parameters
    ----------
    language : {"en", "de"} or None, default=None
        Code of the language; None uses the language set by :func:`use_language`, or else English.

    Returns
    -------
    catalogue : Catalogue

    Raises
    ------
    ValueError
        If the language is not available.

    Examples
    --------
    >>> from skmnist.text import get_catalogue
    >>> get_catalogue("de").format("{:.2f} von {:,}", 97.56, 10000)
    '97,56 von 10.000'
    >>> get_catalogue("xx")
    Traceback (most recent call last):
    ValueError: language='xx' must be one of 'en', 'de'.
    """
    return _read_catalogue(_language.get() if language is None else language)


@cache
def _read_catalogue(language: str) -> "Catalogue":
    if language not in get_languages():
        known = ", ".join(map(repr, get_languages()))
        raise ValueError(f"language={language!r} must be one of {known}.")
    content = (files(__name__) / f"{language}.toml").read_text(encoding="utf-8")
    return Catalogue(language, tomllib.loads(content))


class Catalogue(string.Formatter):
    """The phrases of one language, with numbers formatted as is usual in that language.

    There are three additional format specifications: ``{n:image|images}`` selects the singular or
    the plural, ``{size:bytes}`` formats a number of bytes with a suitable unit, and ``{names:, }``
    joins a list with the text after the colon. A value that is a :class:`Phrase` or a
    :class:`TranslatedError` is rendered in the language of the catalogue.

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
        """Return the phrase `key` with its placeholders replaced."""
        return self.vformat(self.phrases[key], (), values)

    def format_field(self, value: Any, format_spec: str) -> str:
        """Format numbers and phrases as is usual in the language, and other values as Python does.

        Parameters
        ----------
        value : object
            Value to format.
        format_spec : str
            Format specification, as in Python, or one of the additional ones.

        Returns
        -------
        text : str
        """
        if isinstance(value, Phrase | TranslatedError):
            return value.sentence(self.language)
        if isinstance(value, list) and format_spec:
            return format_spec.join(self.format_field(item, "") for item in value)
        if "|" in format_spec:
            one, other = format_spec.split("|")
            return one if value == 1 else other
        if format_spec == "bytes":
            return _format_bytes(value).translate(self._signs)
        text: str = super().format_field(value, format_spec)
        if not isinstance(value, Number):
            return text
        if text.startswith("-") and not text.strip("-0.,%"):
            text = text[1:]  # no sign for a value that rounds to 0
        return text.translate(self._signs)


@dataclass(frozen=True)
class Phrase:
    """A phrase and the values to fill in, to be rendered later in any language.

    The parameters are attributes as well.

    Parameters
    ----------
    key : str
        Full key of the phrase, such as "data.error.at_line".
    values : dict, default={}
        Values to fill in: text, numbers, lists of them, or other phrases.

    Examples
    --------
    >>> from skmnist.text import Phrase
    >>> place = Phrase("data.error.at_line", {"where": "a.csv", "line": 3})
    >>> str(place), place.sentence("de")
    ('a.csv, line 3', 'a.csv, Zeile 3')
    """

    key: str
    values: dict[str, Any] = field(default_factory=dict)

    def sentence(self, language: str = "en") -> str:
        """Return the phrase with its values filled in.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
        """
        return get_catalogue(language)(self.key, **self.values)

    def __str__(self) -> str:
        return self.sentence()


class TranslatedError(ValueError):
    """Base class of errors with a message in every language; ``str(error)`` is in English.

    These errors are ValueErrors. The base class itself has no messages.

    Parameters
    ----------
    key : str
        Key of the message.
    **values : object
        Values to fill in: text, numbers, lists of them, phrases, or other errors.

    Attributes
    ----------
    key : str
        Key of the message.
    values : dict
        Values to fill in.

    Examples
    --------
    >>> from skmnist.datasets import DatasetError
    >>> from skmnist.text import TranslatedError
    >>> issubclass(DatasetError, TranslatedError)
    True
    """

    def __init__(self, key: str, /, **values: Any) -> None:
        self.key = key
        self.values = values
        super().__init__(self.sentence())

    def sentence(self, language: str = "en") -> str:
        """Return the message in the given language.

        Parameters
        ----------
        language : {"en", "de"}, default="en"
        """
        raise NotImplementedError

    def __reduce__(self) -> tuple[Any, ...]:  # by default, only `args` would be pickled
        return partial(type(self), self.key, **self.values), (), self.__dict__


def translate_error(error: Exception, language: str) -> str:
    """Return the message of an error in a language, or the original if there is no translation.

    Parameters
    ----------
    error : Exception
        Any error, whether it is a :class:`TranslatedError` or not.
    language : {"en", "de"}
        Code of the language.

    Returns
    -------
    message : str

    Examples
    --------
    >>> from skmnist.datasets import DatasetError
    >>> from skmnist.text import translate_error
    >>> translate_error(DatasetError("empty", where="a.csv"), "de")
    'a.csv: ist leer'
    >>> translate_error(ValueError("no such thing"), "de")
    'no such thing'
    """
    return error.sentence(language) if isinstance(error, TranslatedError) else str(error)


def _format_bytes(size: float) -> str:
    """Format a number of bytes with three significant digits and a suitable unit."""
    units = ["B", "kB", "MB", "GB", "TB"]
    while abs(size) >= 999.5 and len(units) > 1:  # 999.5 is rounded to four digits
        size /= 1000
        units.pop(0)
    return f"{size:.3g} {units[0]}"


def make_printable(text: str) -> str:
    r"""Replace unprintable characters, except line breaks and no-break spaces, with escapes.

    Class labels and file names from untrusted data may contain escape sequences for terminals.

    Parameters
    ----------
    text : str
        Text from any source.

    Returns
    -------
    text : str
        The text, with unprintable characters written as escapes such as ``\x1b``.

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
