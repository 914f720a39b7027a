"""The language, settings and data of a step, and functions that change the address."""

import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

import streamlit as st

from skmnist.app import _store
from skmnist.app._panel import as_text, show_html
from skmnist.app._server import LANGUAGE, VISITOR
from skmnist.app._settings import Settings, read_settings
from skmnist.app._store import Data
from skmnist.datasets import DatasetError
from skmnist.text import Catalogue, get_catalogue, get_languages, guess_language

STEPS = (
    "try",
    "data",
    "theory",
    "normalisation",
    "networks",
    "settings",
    "training",
    "analysis",
    "evaluation",
    "comparison",
    "recommendation",
    "draw",
    "read",
)
PLACE = ("step", "lang")  # names in the address that are not settings
BAR_SECONDS = 0.2  # between updates of a progress bar


@dataclass(frozen=True)
class View:
    """The content of the address, and the visitor who opened it.

    Attributes
    ----------
    say : Catalogue
    step : str
        One of `STEPS`.
    settings : Settings
    refused : list of str
        Names of settings with invalid values in the address.
    unknown : list of str
        Unknown names in the address; may contain any text.
    visitor : str
        Who opened the page; training runs belong to visitors.
    """

    say: Catalogue
    step: str
    settings: Settings
    refused: list[str]
    unknown: list[str]
    visitor: str

    @property
    def language(self) -> str:
        """The language of the page."""
        return self.say.language

    def show_html(self, html: Any, name: str = "part") -> None:
        """Show HTML in the style of the report."""
        show_html(html, f"{self.step}-{name}", language=self.language)

    def find_data(self) -> Data | None:
        """Return the data set; if there is none, show why and return None."""
        say, cloud = self.say, self.settings.data == "cloud"
        waiting = say("app.data.downloading" if cloud else "app.data.reading")
        try:
            with st.spinner(waiting, show_time=True), show_progress() as update:
                return _store.load(self.settings, update)
        except _store.MissingUploadError:
            key = "app.data.choose" if self.settings.data == "upload" else "app.data.gone"
            st.info(say(key if self.step == "data" else "app.no_data"))
        except DatasetError as error:
            st.error(say("app.data.bad", problem=as_text(error.sentence(self.language))))
            st.button(
                say("app.try_again"), key="again", on_click=_store.forget, args=(self.settings,)
            )
        return None


@contextmanager
def show_progress() -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar; yield the function that updates it."""
    place, shown = st.empty(), time.monotonic()

    def update(done: int, total: int) -> None:
        nonlocal shown
        if time.monotonic() - shown >= BAR_SECONDS:  # may be called once per image
            shown = time.monotonic()
            place.progress(min(done / total, 1.0))

    try:
        yield update
    finally:
        place.empty()


def read_view() -> View:
    """Parse the address of the page."""
    query = st.query_params
    settings, refused = read_settings(query)
    step = query.get("step", STEPS[0])
    say = get_catalogue(_find_language(query.get("lang")))
    known = {*PLACE, *(field.name for field in fields(Settings))}
    unknown = [name for name in query if name not in known]
    step = step if step in STEPS else STEPS[0]
    return View(say, step, settings, refused, unknown, find_visitor())


def find_visitor() -> str:
    """Return a name for the browser, or for this session if the browser accepts no cookies."""
    own = st.context.cookies.get(VISITOR)
    if own is None:
        own = st.session_state.setdefault("visitor", secrets.token_urlsafe(16))
    return str(own)


def _find_language(asked: str | None) -> str:
    """Return the language of the address, the command line, the browser or the system."""
    browser = (st.context.locale or "").partition("-")[0]
    for language in (asked, os.environ.get(LANGUAGE), browser):
        if language in get_languages():
            return language
    return guess_language()


def go_to(step: str) -> None:
    """Open a step."""
    st.query_params["step"] = step


def set_language(language: str) -> None:
    """Switch to another language."""
    st.query_params["lang"] = language


def change(**values: Any) -> None:
    """Change settings in the address."""
    settings, _ = read_settings(st.query_params)
    take_over(replace(settings, **values))


def follow(name: str) -> None:
    """Set a setting to the value of the field with that name."""
    change(**{name: st.session_state[name]})


def take_over(settings: Settings) -> None:
    """Replace the settings in the address."""
    place = {name: st.query_params[name] for name in PLACE if name in st.query_params}
    st.query_params.from_dict(place | settings.to_query())


def keep(name: str) -> None:
    """Keep the value of a field that is not in the address; on other steps, Streamlit drops it."""
    st.session_state[f"kept {name}"] = st.session_state[name]


def recall(name: str, default: Any, *, among: Sequence[Any] | None = None) -> Any:
    """Return the value kept for a field, or `default` if there is none or it is not in `among`."""
    value = st.session_state.get(f"kept {name}", default)
    return value if among is None or value in among else default


def remember(owner: Any, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
    """Return the result of `make`, cached on `owner` for all tabs."""
    kept = vars(owner).setdefault("_remembered", {})
    if key not in kept:
        kept[key] = make()
    return kept[key]
