"""The page: navigation and one step. The server runs this file at each interaction."""

import streamlit as st
from streamlit.runtime.scriptrunner import script_runner

from skmnist import __version__
from skmnist.app import _training
from skmnist.app._after import (
    show_analysis,
    show_comparison,
    show_evaluation,
    show_recommendation,
    show_training,
)
from skmnist.app._before import (
    show_data,
    show_networks,
    show_normalisation,
    show_settings,
    show_theory,
)
from skmnist.app._draw import show_drawing, show_first
from skmnist.app._panel import as_text, tend_page
from skmnist.app._read import show_reading
from skmnist.app._view import STEPS, View, go_to, read_view, set_language, take_over
from skmnist.text import get_catalogue, get_languages

# Streamlit clears the Keras session after each run of the page. All threads share that session, so
# a model that another thread is building would get duplicate layer names and fail. The same
# function closes matplotlib's windows; there are none here.
script_runner._clean_problem_modules = lambda: None

MAX_NAMES = 200  # characters of unknown names in the address

SHOW = {
    "try": show_first,
    "data": show_data,
    "theory": show_theory,
    "normalisation": show_normalisation,
    "networks": show_networks,
    "settings": show_settings,
    "training": show_training,
    "analysis": show_analysis,
    "evaluation": show_evaluation,
    "comparison": show_comparison,
    "recommendation": show_recommendation,
    "draw": show_drawing,
    "read": show_reading,
}


def show_page() -> None:
    """Show the current step and the navigation."""
    view = read_view()
    st.set_page_config(page_title=view.say("app.title"), page_icon="🔢", layout="centered")
    show_sidebar(view)
    at = STEPS.index(view.step)
    st.caption(view.say("app.step", n=at + 1, total=len(STEPS)))
    st.title(view.say(f"app.name.{view.step}"), anchor=False)
    st.write(view.say(f"app.intro.{view.step}"))
    show_hints(view)
    SHOW[view.step](view)
    show_buttons(view, at)
    tend_page(view.say, view.step)


def show_sidebar(view: View) -> None:
    """Show the list of steps and the choice of language."""
    say = view.say
    with st.sidebar:
        st.header(say("app.title"), anchor=False)
        st.session_state["step"] = view.step  # as in the address
        st.radio(
            say("app.steps"),
            STEPS,
            key="step",
            format_func=lambda step: f"{STEPS.index(step) + 1}. {say(f'app.name.{step}')}",
            on_change=lambda: go_to(st.session_state["step"]),
        )
        st.session_state["lang"] = view.language
        st.radio(
            say("app.language"),
            get_languages(),
            key="lang",
            horizontal=True,
            format_func=lambda code: get_catalogue(code)("app.language_name"),
            on_change=lambda: set_language(st.session_state["lang"]),
        )
        st.caption(say("app.footer", version=__version__))


def show_hints(view: View) -> None:
    """Report invalid values and names in the address, and training that the step does not show."""
    if view.refused:
        st.warning(view.say("app.refused", names=", ".join(view.refused)))
    if view.unknown:
        names = ", ".join(view.unknown)
        if len(names) > MAX_NAMES:
            names = f"{names[:MAX_NAMES]}..."
        st.warning(view.say("app.unknown", names=as_text(names)))
    latest = _training.find_latest(view.visitor)
    if latest is None:
        return
    same = latest.settings == view.settings
    before = STEPS.index(view.step) < STEPS.index("training")
    if latest.n_before and (before or not same):
        st.info(view.say("app.queue.before", n=latest.n_before))
    elif latest.current and (before or not same):
        events = latest.events[latest.current]
        st.info(
            view.say(
                "app.training_here" if same else "app.training_elsewhere",
                network=latest.current,
                epoch=events[-1].epoch if events else 0,
                epochs=events[-1].epochs if events else latest.settings.epochs,
            )
        )
    elif not (same or before) and _training.find(view.visitor, view.settings) is None:
        st.info(view.say("app.latest_elsewhere"))
    else:
        return
    st.button(view.say("app.show_it"), key="show_it", on_click=_join, args=(latest,))


def _join(training: _training.Training) -> None:
    take_over(training.settings)
    go_to("training" if training.running else "recommendation")


def show_buttons(view: View, at: int) -> None:
    """Show the buttons to the previous and the next step."""
    st.divider()
    back, forward = st.columns(2)
    if at:
        back.button(
            view.say("app.back"), key="back", on_click=go_to, args=(STEPS[at - 1],), width="stretch"
        )
    if at + 1 < len(STEPS):
        title = view.say(f"app.name.{STEPS[at + 1]}")
        own = _training.find(view.visitor, view.settings)
        # the user has something else to do first on this page
        early = view.step == "settings" or (view.step == "training" and own and own.running)
        forward.button(
            view.say("app.next", title=title),
            key="next",
            on_click=go_to,
            args=(STEPS[at + 1],),
            width="stretch",
            type="secondary" if early else "primary",
        )


if __name__ == "__main__":
    show_page()
