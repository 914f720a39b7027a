"""Digits that the user draws or photographs, read by the bundled network or both trained ones."""

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import streamlit as st
from markupsafe import Markup

from skmnist.app._after import find_finished
from skmnist.app._panel import as_digit, as_text, show_board
from skmnist.app._reader import get_recommended, load_bundled
from skmnist.app._store import Data
from skmnist.app._training import Training
from skmnist.app._view import View, go_to
from skmnist.datasets import DatasetError, load_image
from skmnist.preprocessing import DigitCropper
from skmnist.report import show_samples
from skmnist.text import Catalogue, use_language

Array = np.ndarray[Any, Any]

MAX_IMAGE = 20  # MB; photos from phones have 2 to 10
ENDINGS = ["png", "jpg", "jpeg", "bmp", "tif", "tiff"]
MAX_BARS = 3  # most probable classes
MIN_SURE = 0.8  # below this, a calibrated network is wrong more than once in five
BOX = 20 / 28  # share of the side of an image that a digit fills in MNIST (LeCun et al. 1998)


def show_first(view: View) -> None:
    """Let the user draw a digit before anything is trained; the bundled network reads it."""
    _ask(view, lambda digit: _show_outcome(view, digit))
    st.button(view.say("app.try.read"), key="to_read", on_click=go_to, args=("read",))


def show_drawing(view: View) -> None:
    """Let the user draw a digit, and show how both networks classify it."""
    training, say = find_finished(view), view.say
    if training is None:
        return
    height, width = training.data.digits.X_train.shape[1:]
    if height != width:
        st.info(say("app.draw.cannot", height=height, width=width))
        return
    _ask(view, lambda digit: _show_reading(view, training, digit))


def _ask(view: View, show: Callable[[Array], None]) -> None:
    """Show a board, a field for photos and a camera; call `show` with the latest digit, if any."""
    say = view.say
    with st.container(
        key=f"drawing-{view.step}"
    ):  # on a phone, the style puts the result above the board
        left, right = st.columns(2, gap="large")
    with left:
        drawn = show_board(say, on_change=lambda: _note_latest("board"))
    made = {"board": drawn, "photo": _take_photo(view), "camera": _use_camera(view)}
    latest = st.session_state.get("latest")
    digits = [made[name] for name in sorted(made, key=lambda name: name != latest)]
    digit = next((image for image in digits if image is not None), None)
    with right:
        if digit is None:
            st.info(say("app.draw.empty"))
        else:
            show(digit)


def _note_latest(source: str) -> None:
    """Remember which input was used last, because that one is classified."""
    st.session_state["latest"] = source


def _take_photo(view: View) -> Array | None:
    say = view.say
    file = st.file_uploader(
        say("app.draw.file"),
        type=ENDINGS,
        key="photo",
        max_upload_size=MAX_IMAGE,
        on_change=lambda: _note_latest("photo"),
    )
    st.caption(say("app.draw.limits", megabytes=MAX_IMAGE))
    return _load(view, file)


def _use_camera(view: View) -> Array | None:
    """Offer the camera; the browser asks for permission only if the user wants to use it."""
    say = view.say
    if not st.toggle(say("app.draw.camera"), key="wants_camera"):
        return None
    shot = st.camera_input(
        say("app.draw.shot"), key="camera", on_change=lambda: _note_latest("camera")
    )
    return _load(view, shot)


def _load(view: View, file: Any) -> Array | None:
    say = view.say
    if file is None:
        return None
    try:
        file.seek(0)  # an earlier run of the page has read it
        return load_image(file)
    except DatasetError as error:
        st.error(say("app.draw.bad", problem=as_text(error.sentence(say.language))))
        return None


def _show_outcome(view: View, digit: Array) -> None:
    """Show how the bundled network reads a digit."""
    say = view.say
    with use_language(view.language):
        place = load_bundled().read_digits([digit]).iloc[0]
    outcome = place["outcome"]
    title = say(f"app.try.{outcome}", digit=place["text"])
    html = Markup('<p class="outcome">{}</p><p>{}</p>').format(title, place["reason"])
    if outcome != "blank":
        likely = [(place["text"], place["probability"]), *place["alternatives"]][:MAX_BARS]
        html += _list_likely(say, say("app.try.network"), likely)
    view.show_html(html)


def _show_reading(view: View, training: Training, digit: Array) -> None:
    say = view.say
    image = prepare(digit, training.data)
    if image is None:
        st.info(say("app.draw.blank"))
        return
    recommended = get_recommended(training)
    answers, html = {}, Markup('<div class="readings">')
    # the recommended network first
    for name in sorted(training.results, key=lambda name: name != recommended):
        network = training.results[name].estimator
        proba = network.predict_proba(image[None])[0]
        order = np.argsort(-proba, kind="stable")[:MAX_BARS]
        likely = [(str(network.classes_[at]), float(proba[at])) for at in order]
        answers[name] = likely[0]
        key = "app.draw.read_recommended" if name == recommended else "app.draw.read"
        title = say(key, name=name, label=likely[0][0])
        listed = _list_likely(say, name, likely)
        html += Markup("<section><h2>{}</h2>{}</section>").format(title, listed)
    (shown,) = show_samples(image[None], [""], say)
    height, width = image.shape
    seen = say("app.draw.seen", height=height, width=width)
    html += as_digit(shown.uri, alt=say("app.draw.seen_alt"), caption=seen)
    view.show_html(html + Markup("</div>"))
    if all(proba < MIN_SURE for _, proba in answers.values()):
        st.warning(say("app.draw.unsure", share=MIN_SURE))
    elif len({label for label, _ in answers.values()}) > 1:
        st.warning(say("app.draw.disagree"))


def prepare(digit: Array, data: Data) -> Array | None:
    """Convert a drawing or photo to the shape, dtype and range of the training images.

    Parameters
    ----------
    digit : ndarray of shape (height, width), uint8 or uint16
    data : Data
        The training data: square images of any size and range.

    Returns
    -------
    image : ndarray of shape (side, side), or None
        None if `digit` is blank.
    """
    X = data.digits.X_train
    side = X.shape[1]
    cropper = DigitCropper(size=side, box=max(1, round(BOX * side)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the page reports blank images itself
        image = np.asarray(cropper.fit_transform([digit]), dtype=float).reshape(side, side)
    if not image.any():
        return None
    if any(note.key == "light_ground" for note in data.description.warnings):
        image = 255 - image
    image *= data.digits.max_value / 255
    return (image.round() if X.dtype.kind in "ui" else image).astype(X.dtype)


def _list_likely(say: Catalogue, name: str, likely: Iterable[tuple[str, float]]) -> Markup:
    """List the most probable classes and their probabilities, the most probable one first."""
    items = Markup("").join(
        Markup(
            '<li><span class="{}">{}</span>'
            '<progress max="1" value="{}" aria-label="{}"></progress><span>{}</span></li>'
        ).format(
            "" if at else "most",
            label,
            f"{proba:.4f}",
            say("app.draw.bar", name=name, label=label, proba=proba),
            say.format("{:.1%}", proba),
        )
        for at, (label, proba) in enumerate(likely)
    )
    return Markup('<ul class="sure">{}</ul>').format(items)
