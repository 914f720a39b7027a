"""The steps before training: data, theory, normalization, networks and settings."""

from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import streamlit as st
from markupsafe import Markup

import skmnist
from skmnist._networks import MODELS, NETWORKS, RECIPES
from skmnist._parameters import PARAMETERS, TRAINING
from skmnist.app import _store, _training
from skmnist.app._panel import as_digit, as_list, as_paragraphs, as_table, as_text
from skmnist.app._server import MAX_UPLOAD
from skmnist.app._settings import CHOICES, MAX_LABEL, RANGES
from skmnist.app._store import Data
from skmnist.app._view import View, change, follow, go_to, remember
from skmnist.datasets import DatasetDisplay
from skmnist.preprocessing import PixelNormalizer
from skmnist.report import draw_svg, explain_terms, show_samples
from skmnist.text import Catalogue

SOURCES = ("mnist", "cloud", "upload")
WIDTH = 4.4  # inches
N_EXAMPLES = 8  # images per class
SHOWN_PIXELS = 8  # rows and columns of the pixel table, so that it fits on a phone
STEP_SIZES = {  # of the number fields
    "batch_size": 32,
    "learning_rate": 0.0005,
    "patience": 1,
    "dropout": 0.05,
    "l2": 0.0001,
    "starts": 1,
    "seed": 1,
}


# --- data


def show_data(view: View) -> None:
    """Offer a choice of data sets, and describe the chosen one."""
    say, settings = view.say, view.settings
    st.session_state["source"] = "upload" if settings.is_upload else settings.data
    st.radio(
        say("app.data.source"),
        SOURCES,
        key="source",
        format_func=lambda source: say(f"app.data.{source}"),
        on_change=lambda: change(data=st.session_state["source"], label="", invert=False),
    )
    if settings.is_upload:
        _offer_upload(view)
    data = view.find_data()
    if data is not None:
        _offer_size(view, data)
        _describe(view, data)


def _offer_upload(view: View) -> None:
    say = view.say
    st.caption(say("app.data.limits", megabytes=MAX_UPLOAD))
    st.file_uploader(
        say("app.data.file"),
        key="file",
        on_change=_take_upload,
        max_upload_size=MAX_UPLOAD,
    )
    problem = st.session_state.pop("upload_error", None)
    if problem is not None:
        st.error(say("app.data.unkept", problem=as_text(problem)))
    st.session_state["label"] = view.settings.label
    st.text_input(
        say("app.data.label"),
        key="label",
        max_chars=MAX_LABEL,
        help=say("cli.label_help"),
        on_change=lambda: follow("label"),
    )
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
            st.session_state["upload_error"] = error.strerror or str(error)
        else:
            change(data=data, label="", train_size=0)


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


def _describe(view: View, data: Data) -> None:
    say, language, digits = view.say, view.language, data.digits
    lines = [data.description.summary(language)]
    lines += [note.sentence(language) for note in digits.notes]
    html = Markup("<h2>{}</h2>").format(say("app.data.extent")) + as_paragraphs(lines)
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


# --- theory, normalization, networks


def show_theory(view: View) -> None:
    """Explain the terms that the app uses."""
    view.show_html(explain_terms(view.language)["theory"])


def show_normalisation(view: View) -> None:
    """Show an image before and after normalization."""
    say, data = view.say, view.find_data()
    if data is None:
        return
    max_value = data.digits.max_value
    view.show_html(as_paragraphs([say("app.normalisation.why", max_value=max_value)]), "why")
    image, label = data.digits.X_train[0], data.digits.y_train[0]
    normalizer = PixelNormalizer(max_value=max_value).fit(image[None])
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
    """Show the layers of both networks and their numbers of parameters."""
    say, data = view.say, view.find_data()
    if data is None:
        return
    height, width = data.digits.X_train.shape[1:]
    html, totals = Markup(""), []
    for name in NETWORKS:
        layers = _list_layers(name, height * width, data.n_classes)
        totals.append(sum(layer[-1] for layer in layers))
        layers.append((say("app.networks.all"), "", "", totals[-1]))
        rows = [[say.format("{:,}", c) if isinstance(c, int) else c for c in row] for row in layers]
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


def _list_layers(name: str, n_pixels: int, n_classes: int) -> list[tuple[str, Any, str, int]]:
    """Return the kind, outputs, activation and number of parameters of each layer."""
    network = getattr(skmnist, NETWORKS[name])()
    hidden = getattr(network, "hidden_layer_sizes", None) or [network.hidden_units]
    layers: list[tuple[str, Any, str, int]] = [("Flatten", n_pixels, "", 0)]
    for n_in, n_out in pairwise([n_pixels, *hidden]):
        layers.append(("Dense", n_out, network.activation, (n_in + 1) * n_out))
    return [*layers, ("Dense", n_classes, "softmax", (hidden[-1] + 1) * n_classes)]


# --- settings


def show_settings(view: View) -> None:
    """Let the user set the hyperparameters and start training."""
    say = view.say
    _show_field(view, "recipe")
    own = view.settings.recipe == RECIPES[0]  # the other recipes are fixed
    names = (*TRAINING, "starts", "seed") if own else ("starts", "seed")
    for at in range(0, len(names), 2):  # a phone shows one column
        for column, name in zip(st.columns(2, gap="large"), names[at : at + 2], strict=False):
            with column:
                _show_field(view, name)
    if not own:
        view.show_html(_describe_recipe(view.settings.recipe, say))
    st.write(say("app.settings.loss"))
    st.write(say("app.settings.share"))
    st.code(_address(view), language=None, wrap_lines=True)
    data = view.find_data()
    if data is None:
        return
    training = _training.find(view.visitor, view.settings)
    latest = _training.find_latest(view.visitor)
    if training is not None and (training.running or training.comparison is not None):
        st.button(
            say("app.settings.see"),
            key="see",
            type="primary",
            on_click=go_to,
            args=("training",),
        )
    busy, line = latest is not None and latest.running, _training.find_line()
    full = not busy and len(line) > _training.count_places()
    if busy and training is not latest:
        st.caption(say("app.settings.busy"))
    elif full:
        st.warning(say("app.queue.full", n=len(line)))
        st.button(say("app.try_again"), key="again")  # any button redraws the page
    elif line and not busy:
        st.caption(say("app.queue.now", n=len(line)))
    st.button(
        say("app.settings.start" if training is None else "app.settings.start_again"),
        key="start",
        type="primary" if training is None else "secondary",
        disabled=busy or full,
        on_click=_start,
        args=(view, data),
    )


def _show_field(view: View, name: str) -> None:
    """Show the field of a hyperparameter and its explanation."""
    say = view.say
    st.session_state[name] = getattr(view.settings, name)
    options: dict[str, Any] = {"key": name, "on_change": lambda: follow(name)}
    label = say(f"app.settings.{name}")
    if name == "recipe":
        # only "slides" has fields for its hyperparameters
        options["on_change"] = lambda: change(
            recipe=st.session_state["recipe"],
            **{field: PARAMETERS[field].default for field in TRAINING},
        )
        st.radio(label, RECIPES, format_func=lambda key: say(f"app.settings.{key}"), **options)
    elif name == "optimizer":
        st.selectbox(label, CHOICES[name], **options)
    elif name == "epochs":
        st.slider(label, *RANGES[name], **options)
    else:
        low, high = RANGES[name]
        form = None if isinstance(low, int) else "%.6g"
        st.number_input(label, low, high, step=STEP_SIZES[name], format=form, **options)
    if name != "recipe":  # its choices explain themselves
        st.caption(say(f"cli.{name}_help"))


def _describe_recipe(recipe: str, say: Catalogue) -> Markup:
    """Return a table of the hyperparameters of both networks."""
    columns = [skmnist.get_recipe(recipe, kind) for kind in MODELS]
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [
        [name, *("" if name not in column else str(column[name]) for column in columns)]
        for name in names
    ]
    head = [say("app.settings.parameter"), *NETWORKS]
    return as_table(head, rows, name=say("app.scroll", name=recipe), style="layers")


def _address(view: View) -> str:
    query = {"lang": view.language, "step": "settings", **view.settings.to_query()}
    return f"{st.context.url or ''}?{urlencode(query)}"


def _start(view: View, data: Data) -> None:
    try:
        training = _training.start(view.visitor, view.settings, data)
    except _training.QueueFullError:  # other visitors were faster; the page reports this
        return
    if training.settings == view.settings:
        go_to("training")
