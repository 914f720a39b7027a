"""The steps from training to recommendation."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st
from markupsafe import Markup

from skmnist._networks import NETWORKS, describe_training
from skmnist.app import _training
from skmnist.app._panel import as_paragraphs, as_text
from skmnist.app._reader import show_saving
from skmnist.app._training import Training
from skmnist.app._view import View, go_to, remember
from skmnist.report import describe_curve, draw_curve, explain_terms, sketch_curve
from skmnist.text import Catalogue

REFRESH = 1.0  # seconds between updates while training runs
METRICS = ("accuracy", "loss")
NAMES = {"mnist": "data.bundled", "cloud": "data.cloud"}
FIGURES = ("accuracy", "val_accuracy", "loss", "val_loss")


# --- training


def show_training(view: View) -> None:
    """Show the progress of both networks, or how their training ended."""
    training = _training.find(view.visitor, view.settings)
    if training is None:
        _offer_settings(view)
    elif training.running:
        _watch(view, training)
    else:
        _show_networks(view, training)
        _show_end(view, training)


@st.fragment(run_every=REFRESH)
def _watch(view: View, training: Training) -> None:
    say, n_before = view.say, training.n_before
    if n_before:
        st.info(say("app.queue.before", n=n_before))
        st.button(say("app.queue.leave"), key="leave", on_click=training.leave)
        return
    if not training.running:
        st.rerun()  # rerun the whole page, not only this fragment
    _show_networks(view, training)
    name = training.current
    if name is None and training.n_done < training.n_trainings:
        _show_starts(view, training)
    elif name is None:
        st.write(say("app.training.comparing"))
    elif training.is_stopping(name):
        st.write(say("app.training.stopping", name=name))
    else:
        st.button(
            say("app.training.stop", name=name),
            key="stop",
            on_click=training.stop,
            args=(name,),
            help=say("app.training.stop_note"),
        )


def _show_starts(view: View, training: Training) -> None:
    """Show the progress of further starts, and a button that ends them."""
    say = view.say
    st.write(say("app.training.starts", n=training.n_done + 1, n_all=training.n_trainings))
    if training.is_ending_starts:
        st.write(say("app.training.ending_starts"))
        return
    st.button(
        say("app.training.end_starts"),
        key="end_starts",
        on_click=training.end_starts,
        help=say("app.training.end_starts_note"),
    )


def _show_end(view: View, training: Training) -> None:
    say = view.say
    if training.error:
        st.error(say("app.failed", problem=as_text(training.error)))
        return
    if not view.settings.epochs:
        st.info(say("app.training.untrained"))
        return
    seconds = sum(result.fit_time for result in training.results.values())
    if training.comparison is not None and training.comparison.starts is not None:
        seconds = float(training.comparison.starts["fit_time"].sum())
    st.success(say("app.training.done", seconds=seconds))


def _show_networks(view: View, training: Training) -> None:
    for name in NETWORKS:
        view.show_html(_describe_network(view, training, name), name)


def _describe_network(view: View, training: Training, name: str) -> Markup:
    say, events = view.say, training.events[name]
    finished = name in training.results
    html = Markup('<section class="network"><h2>{}</h2>').format(name)
    if training.running and events and not finished:
        html += Markup('<progress max="{}" value="{}" aria-label="{}"></progress>').format(
            events[-1].epochs, events[-1].epoch, name
        )
    html += as_paragraphs(_describe_progress(view, training, name))
    if events:
        html += as_paragraphs([say("app.training.last_epoch")] if finished else [])
        html += _list_figures(events[-1].logs, say)
    curves: list[tuple[Markup, str]] = []
    if finished and not training.running:
        key = ("curves", name, say.language)
        curves = remember(training, key, lambda: _draw_curves(training, name, say))
    elif events:
        curves = _sketch_curves(training.history(name), name, say)
    figures = Markup("").join(
        Markup("<figure>{}<figcaption>{}</figcaption></figure>").format(*curve) for curve in curves
    )
    return html + Markup('<div class="figures">{}</div></section>').format(figures)


def _describe_progress(view: View, training: Training, name: str) -> list[str]:
    """Return the progress of a network, or how its training ended; nothing if training failed."""
    say, events = view.say, training.events[name]
    if name in training.results:
        return [describe_training(training.results[name], say)]
    if not training.running:
        return []
    if not events:
        return [say("app.training.loading" if name == training.current else "app.training.waiting")]
    running = say("app.training.running", epoch=events[-1].epoch, epochs=events[-1].epochs)
    return [f"{running}, {say('app.training.eta', seconds=events[-1].eta)}"]


def _list_figures(logs: Mapping[str, float], say: Catalogue) -> Markup:
    """List the metrics of an epoch."""
    items = Markup("").join(
        Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(
            say(f"app.training.{name}"), say.format("{:.4f}", logs[name])
        )
        for name in FIGURES
        if name in logs
    )
    return Markup('<dl class="epoch">{}</dl>').format(items)


def _sketch_curves(history: pd.DataFrame, name: str, say: Catalogue) -> list[tuple[Markup, str]]:
    """Draw the curves of a network during training."""
    curves = []
    for metric in METRICS:
        alt = describe_curve(name, history, metric, say)
        caption = say(f"page.curve_caption_{metric}", name=name)
        curves.append((sketch_curve(history, metric, say, alt=alt), caption))
    return curves


def _draw_curves(training: Training, name: str, say: Catalogue) -> list[tuple[Markup, str]]:
    """Draw the curves of a trained network."""
    history = training.history(name)
    if not len(history):
        return []
    kept = training.results[name].estimator[-1].kept_epoch_
    return [
        draw_curve(name, history, metric, say, prefix=f"{name}-{metric}-", kept_epoch=kept)
        for metric in METRICS
    ]


# --- results


def show_analysis(view: View) -> None:
    """Show strengths, weaknesses and suggested improvements of both networks."""
    training = find_finished(view)
    if training is not None:
        view.show_html(_get_part(view, training, "analysis"))


def show_evaluation(view: View) -> None:
    """Show the errors of both networks, and explain the metrics."""
    training = find_finished(view)
    if training is not None:
        html = _get_part(view, training, "evaluation")
        html += Markup("<h2>{}</h2>").format(view.say("page.meaning_title"))
        view.show_html(html + Markup(explain_terms(view.language)["meaning"]))


def show_comparison(view: View) -> None:
    """Show the metrics of both networks side by side."""
    training = find_finished(view)
    if training is not None:
        html = _get_part(view, training, "table")
        robustness = _get_part(view, training, "robustness")
        note = Markup('<p class="note">{}</p>').format(view.say("cli.comparison_note"))
        view.show_html(html + note + robustness)


def show_recommendation(view: View) -> None:
    """Show the recommended network, and offer the report for download."""
    training, say = find_finished(view), view.say
    if training is None:
        return
    part = _get_part(view, training, "recommendation")
    view.show_html(Markup('<div class="card">{}</div>').format(part))
    with st.spinner(say("app.report.making")):
        page = remember(training, ("report", view.language), lambda: _make_report(training, say))
    st.download_button(
        say("app.report.download"),
        page,
        file_name=f"skmnist-{view.language}.html",
        mime="text/html",
        key="report",
        on_click="ignore",
        type="primary",
    )
    st.caption(say("app.report.note"))
    show_saving(view, training)


def find_finished(view: View) -> Training | None:
    """Return the finished training run with these settings, or show what to do and return None."""
    say, training = view.say, _training.find(view.visitor, view.settings)
    if training is None:
        _offer_settings(view)
    elif training.running:
        _wait(view, training)
        st.button(say("app.to_training"), key="watch", on_click=go_to, args=("training",))
    elif training.comparison is None:
        st.error(say("app.failed", problem=as_text(training.error)))
    else:
        return training
    return None


@st.fragment(run_every=REFRESH)
def _wait(view: View, training: Training) -> None:
    """Show that a training run is in progress; when it has ended, show the step."""
    if not training.running:
        st.rerun()
    say, n_before = view.say, training.n_before
    st.info(say("app.queue.before", n=n_before) if n_before else say("app.still_training"))


def _offer_settings(view: View) -> None:
    st.info(view.say("app.no_training"))
    label = view.say("app.to_settings")
    st.button(label, key="to_settings", on_click=go_to, args=("settings",))


def _get_part(view: View, training: Training, name: str) -> Markup:
    def make() -> dict[str, str]:
        assert training.comparison is not None  # checked by `find_finished`
        return training.comparison.to_html_parts(view.language)

    return Markup(remember(training, ("parts", view.language), make)[name])


def _make_report(training: Training, say: Catalogue) -> bytes:
    data = training.data
    assert training.comparison is not None  # checked by `find_finished`
    page = training.comparison.to_html(
        language=say.language,
        data=data.name or say(NAMES[training.settings.data]),
        command=training.write_command(data.name or training.settings.data),
        training_data=(data.digits.X_train, data.digits.y_train),
    )
    assert page is not None  # returned if no path is given
    return page.encode()
