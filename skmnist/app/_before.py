"""The steps before the training: what is learned from, by what, and how."""

from typing import Any
from urllib.parse import urlencode

import streamlit as st
from markupsafe import Markup

from skmnist._networks import NETWORKS, OPTIMIZERS, make_network
from skmnist.app import _store, _training
from skmnist.app._html import as_digit, as_list, as_paragraphs, as_table, as_text
from skmnist.app._server import MAX_UPLOAD
from skmnist.app._settings import HYPERPARAMETERS, RANGES
from skmnist.app._store import Data
from skmnist.app._view import View, change, follow, go_to, remember
from skmnist.datasets import DatasetDisplay
from skmnist.datasets._images import MAX_PIXELS
from skmnist.datasets._members import MAX_RATIO
from skmnist.neural_network._layers import list_layers
from skmnist.preprocessing import PixelNormalizer
from skmnist.report import draw_svg, explain_terms, show_samples
from skmnist.text import Catalogue

SOURCES = ("mnist", "cloud", "upload")
WIDTH = 4.4  # inches of a picture of the data
N_EXAMPLES = 8  # of each class
SHOWN_PIXELS = 8  # rows and columns of numbers, which a phone has room for
SIZES = {  # of a step of the field
    "batch_size": 32,
    "learning_rate": 0.0005,
    "patience": 1,
    "dropout": 0.05,
    "l2": 0.0001,
    "seed": 1,
}


# --- data


def show_data(view: View) -> None:
    """Choose the digits, and see what there is."""
    say, settings = view.say, view.settings
    st.session_state["source"] = "upload" if settings.is_upload else settings.data
    st.radio(
        say("app.data.source"),
        SOURCES,
        key="source",
        format_func=lambda source: say(f"app.data.{source}"),
        on_change=lambda: change(data=st.session_state["source"], invert=False),
    )
    if settings.is_upload:
        _offer_upload(view)
    data = view.find_data()
    if data is not None:
        _offer_size(view, data)
        _show_extent(view, data)


def _offer_upload(view: View) -> None:
    say = view.say
    limits = {"megabytes": MAX_UPLOAD, "ratio": MAX_RATIO, "pixels": MAX_PIXELS // 10**6}
    st.caption(say("app.data.limits", **limits))
    st.file_uploader(
        say("app.data.file"),
        key="file",
        on_change=_take_upload,
        max_upload_size=MAX_UPLOAD,
    )
    problem = st.session_state.pop("unkept", None)
    if problem is not None:
        st.error(say("app.data.unkept", problem=as_text(problem)))
    st.session_state["invert"] = view.settings.invert
    st.checkbox(
        say("app.data.invert"),
        key="invert",
        help=say("cli.invert_help"),
        on_change=lambda: follow("invert"),
    )


def _take_upload() -> None:
    file = st.session_state["file"]
    if file is not None:
        try:
            data = _store.keep_upload(file.name, file.getvalue())
        except OSError as error:
            st.session_state["unkept"] = error.strerror or str(error)
        else:
            change(data=data, train_size=0)


def _offer_size(view: View, data: Data) -> None:
    say = view.say
    st.session_state["size"] = len(data.digits.y_train)
    st.number_input(
        say("app.data.size"),
        min_value=min(2 * data.n_classes, data.n_all),
        max_value=data.n_all,
        step=1000,
        key="size",
        on_change=lambda: change(train_size=st.session_state["size"] % data.n_all),
    )
    st.caption(say("app.data.size_note", n_all=data.n_all))


def _show_extent(view: View, data: Data) -> None:
    say, language, digits = view.say, view.language, data.digits
    lines = [note.sentence(language) for note in digits.notes]
    for part in ("train", "test"):
        lines.append(say(f"cli.data_{part}", shape=str(digits[f"X_{part}"].shape)))
    html = Markup("<h2>{}</h2>").format(say("app.data.extent")) + as_paragraphs(lines)
    html += as_paragraphs([data.description.summary(language)])
    counts, examples = remember(data, ("pictures", language), lambda: _draw(data, say))
    html += Markup('<figure class="wide">{}</figure>').format(counts)
    if data.description.warnings:
        html += Markup("<h2>{}</h2>").format(say("cli.worth_knowing"))
        html += as_list(data.description.sentences(language), style="caution")
    html += Markup('<figure class="wide">{}</figure>').format(examples)
    view.show_html(html)


def _draw(data: Data, say: Catalogue) -> tuple[Markup, Markup]:
    display = DatasetDisplay.from_dataset(data.digits, n_examples=N_EXAMPLES, language=say.language)
    n_rows = len(display.means)
    counts = draw_svg(
        display.plot_counts,
        width=WIDTH,
        height=2.2,
        prefix="counts-",
        alt=say("app.data.counts_alt"),
    )
    examples = draw_svg(
        display.plot_images,
        width=WIDTH,
        height=0.6 + 0.38 * n_rows,
        prefix="examples-",
        alt=say("app.data.examples_alt"),
    )
    return counts, examples


# --- theory, normalisation, networks


def show_theory(view: View) -> None:
    """Explain the terms."""
    view.show_html(explain_terms(view.language)["theory"])


def show_normalisation(view: View) -> None:
    """Show an image before and after."""
    say, data = view.say, view.find_data()
    if data is None:
        return
    view.show_html(as_paragraphs([say("app.normalisation.why", max_value=data.max_value)]), "why")
    image, label = data.digits.X_train[0], data.digits.y_train[0]
    normalizer = PixelNormalizer(max_value=data.max_value).fit(image[None])
    scaled = normalizer.transform(image[None]).reshape(image.shape)
    rows, columns = (_middle(side) for side in image.shape)
    (shown,) = show_samples(image[None], [label], say)
    caption = say("app.normalisation.image", label=label)
    html = as_digit(shown.uri, alt=shown.alt, caption=caption)
    before = say("app.normalisation.before", dtype=image.dtype)
    for title, values, form in ((before, image, "{:g}"), (None, scaled, "{:.2f}")):
        title = title or say("app.normalisation.after")
        cells = [[say.format(form, value) for value in row] for row in values[rows, columns]]
        html += Markup("<h3>{}</h3>").format(title)
        html += as_table([], cells, name=say("app.scroll", name=title), style="pixels")
    part = {"top": rows.start + 1, "bottom": rows.stop}
    part |= {"left": columns.start + 1, "right": columns.stop}
    html += Markup('<p class="note">{}</p>').format(say("app.normalisation.part", **part))
    view.show_html(html)


def _middle(side: int) -> slice:
    length = min(side, SHOWN_PIXELS)
    return slice((side - length) // 2, (side - length) // 2 + length)


def show_networks(view: View) -> None:
    """Show the layers of both networks, and what each learns."""
    say, data = view.say, view.find_data()
    if data is None:
        return
    height, width = data.digits.X_train.shape[1:]
    html, totals = Markup(""), []
    for name in NETWORKS:
        layers = list_layers(make_network(name, 1.0)[-1], (height, width), data.n_classes)
        totals.append(sum(layer.n_parameters for layer in layers))
        rows = [
            (
                layer.kind,
                say.format("{:,}", layer.n_outputs),
                layer.activation,
                say.format("{:,}", layer.n_parameters),
            )
            for layer in layers
        ]
        rows.append((say("app.networks.all"), "", "", say.format("{:,}", totals[-1])))
        title = say(f"app.networks.{name}")
        head = [say(f"app.networks.{c}") for c in ("layer", "outputs", "function", "parameters")]
        html += Markup("<h2>{}</h2>").format(title)
        html += as_table(head, rows, name=say("app.scroll", name=title), style="layers")
    sizes = {"height": height, "width": width, "n_pixels": height * width}
    html += as_paragraphs(
        [
            say("app.networks.flatten", **sizes),
            say("app.networks.dense"),
            say("app.networks.deeper", ratio=totals[1] / totals[0]),
        ]
    )
    view.show_html(html)


# --- settings


def show_settings(view: View) -> None:
    """Set the hyperparameters, each with what it does, and start."""
    say = view.say
    names = (*HYPERPARAMETERS, "seed")
    for pair in zip(names[::2], names[1::2], strict=True):  # one below the other on a phone
        for column, name in zip(st.columns(2, gap="large"), pair, strict=True):
            with column:
                _offer(view, name)
    st.write(say("app.settings.loss"))
    st.write(say("app.settings.share"))
    st.code(_address(view), language=None, wrap_lines=True)
    data = view.find_data()
    if data is None:
        return
    training, latest = _training.find(view.settings), _training.find_latest()
    if training is not None and (training.running or training.comparison is not None):
        st.button(
            say("app.settings.see"),
            key="see",
            type="primary",
            on_click=go_to,
            args=("training",),
        )
    busy = latest is not None and latest.running
    if busy and training is not latest:
        st.caption(say("app.settings.busy"))
    st.button(
        say("app.settings.start" if training is None else "app.settings.start_again"),
        key="start",
        type="primary" if training is None else "secondary",
        disabled=busy,
        on_click=_start,
        args=(view, data),
    )


def _offer(view: View, name: str) -> None:
    """Show the field of a hyperparameter, and below it what it is."""
    say = view.say
    st.session_state[name] = getattr(view.settings, name)
    options: dict[str, Any] = {"key": name, "on_change": lambda: follow(name)}
    label = say(f"app.settings.{name}")
    if name == "optimizer":
        st.selectbox(label, OPTIMIZERS, **options)
    elif name == "epochs":
        st.slider(label, *RANGES[name], **options)
    else:
        low, high = RANGES[name]
        form = None if isinstance(low, int) else "%.6g"
        st.number_input(label, low, high, step=SIZES[name], format=form, **options)
    st.caption(say(f"cli.{name}_help"))


def _address(view: View) -> str:
    query = {"lang": view.language, "step": "settings", **view.settings.to_query()}
    return f"{st.context.url or ''}?{urlencode(query)}"


def _start(view: View, data: Data) -> None:
    training = _training.start(view.settings, data)
    if training.settings == view.settings:
        go_to("training")
