"""The network that reads scans: the recommended one, the bundled one, or one from a file."""

import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from skmnist.app import _training
from skmnist.app._panel import as_text
from skmnist.app._store import clean_name
from skmnist.app._training import Training
from skmnist.app._view import View, keep, recall
from skmnist.persistence import ModelFileError, save_model
from skmnist.reading import DigitReader, load_reader
from skmnist.text import get_languages, translate_error

MAX_MODEL = 100  # MB; the largest recipe takes 10
NAME = "digits.skmnist"


@cache
def load_bundled() -> DigitReader:
    """Return the reader of the package, loaded once."""
    return load_reader()


def find_recommended(view: View) -> Training | None:
    """Return the visitor's training run with these settings, or else the latest one.

    Runs that are not finished are skipped. None if neither is finished.
    """
    own = _training.find(view.visitor, view.settings), _training.find_latest(view.visitor)
    return next((training for training in own if training and training.comparison), None)


def choose_reader(view: View) -> tuple[str, Callable[[], DigitReader | None]]:
    """Let the user choose a network; return its identifier, and a function that returns it.

    The function returns None if the network is not available.
    """
    say, training = view.say, find_recommended(view)
    sources = ["recommended"] if training is not None else []
    sources += ["bundled", "own"]
    st.session_state["source"] = recall("source", sources[0], among=sources)
    name = "" if training is None else get_recommended(training)
    source = st.radio(
        say("app.read.network"),
        sources,
        key="source",
        format_func=lambda source: say(f"app.read.{source}", name=name),
        on_change=lambda: keep("source"),
    )
    if source == "recommended" and training is not None:
        return f"{source} {training.number}", lambda: prepare(view, training)
    if source == "bundled":
        return source, load_bundled
    key, reader = _take_model(view)
    return f"{source} {key}", lambda: reader


def get_recommended(training: Training) -> str:
    """Return the name of the recommended network or, if there is none, of the most accurate one."""
    assert training.comparison is not None  # only a finished run has a recommendation
    found = training.comparison.recommendation
    return str(found.model or found.most_accurate)


def prepare(view: View, training: Training) -> DigitReader | None:
    """Return the recommended network as a reader, or None after showing why that is impossible."""
    say = view.say
    try:
        with st.spinner(say("app.read.preparing"), show_time=True):
            return training.make_reader()
    except ValueError as error:
        st.error(say("app.read.unfit", problem=as_text(str(error))))
        return None


def show_saving(view: View, training: Training) -> None:
    """Offer the recommended network as a file."""
    say = view.say
    if not training.has_reader:
        if st.button(say("app.read.prepare"), key="prepare") and prepare(view, training):
            st.rerun()
    else:
        st.download_button(
            say("app.read.save"),
            _encode(training.make_reader()),
            file_name=NAME,
            mime="application/octet-stream",
            key="save",
            on_click="ignore",
        )
    st.caption(say("app.read.save_note", file=NAME))


def _encode(reader: DigitReader) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, NAME)
        save_model(reader, path)
        return path.read_bytes()


def _take_model(view: View) -> tuple[str, DigitReader | None]:
    say = view.say
    st.file_uploader(
        say("app.read.model"),
        type=["skmnist"],
        key="model",
        max_upload_size=MAX_MODEL,
        on_change=_load_model,
    )
    loaded: dict[str, Any] = st.session_state.get("own_model", {})
    if not loaded:
        st.info(say("app.read.no_model"))
    elif "problem" in loaded:
        st.error(say("app.read.bad_model", problem=as_text(loaded["problem"][say.language])))
    else:
        st.caption(say("app.read.loaded", file=as_text(loaded["name"])))
        classes = "".join(map(str, loaded["reader"].classes_.tolist()))
        if not classes.isdigit():
            st.info(say("app.read.alphabet", classes=as_text(classes)))
    return str(loaded.get("key")), loaded.get("reader")


def _load_model() -> None:
    file = st.session_state["model"]
    if file is None:  # removed
        st.session_state.pop("own_model", None)
        return
    loaded = {"key": file.file_id, "name": file.name}
    result, problem = from_upload(file, load_reader)
    st.session_state["own_model"] = loaded | (
        {"reader": result} if problem is None else {"problem": problem}
    )


def from_upload(file: Any, load: Callable[[Path], Any]) -> tuple[Any, dict[str, str] | None]:
    """Load an upload; if that fails, return None and the error message in each language."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about models saved with other versions of packages
        path = Path(folder, clean_name(file.name))
        try:
            path.write_bytes(file.getvalue())
            return load(path), None
        except (ModelFileError, OSError, ValueError) as error:  # a FormError is a ValueError
            told = {code: translate_error(error, code) for code in get_languages()}
            return None, {code: text.replace(f"{folder}/", "") for code, text in told.items()}
