"""The step that reads scans and photos."""

import copy
import importlib.util
from collections import Counter
from typing import Any

import pandas as pd
import streamlit as st
from markupsafe import Markup

from skmnist.app._panel import as_list, as_paragraphs, as_table, as_text
from skmnist.app._reader import choose_reader, from_upload, load_bundled
from skmnist.app._scans import (
    CORRECTED,
    Scan,
    correct,
    draw_page,
    list_pages,
    list_unsure,
    make_scans,
    read_scan,
)
from skmnist.app._view import View, keep, recall
from skmnist.reading import DigitReader, FileReading, Form, join_fields, make_review
from skmnist.text import use_language

MAX_SCAN = 50  # MB of a file
MAX_SCANS = 100  # files, so that one visitor does not occupy the server for long
MAX_FORM = 16  # MB
MAX_ROWS = 200  # of the table on the page
MAX_DIGITS = 100  # of a field, as in a form
ENDINGS = ["png", "jpg", "jpeg", "bmp", "tif", "tiff"]
BROAD = 900  # pixels; a wider page would be too small to read on a phone, so it scrolls sideways
COLUMNS = ("file", "page", "field", "text", "outcome", "probability")
SIGNS = {"digit": "4", "unsure": "4?", "not_digit": "×", "blank": "⋯"}


def show_reading(view: View) -> None:
    """Let the user upload scans, read them, and let the user correct the unsure fields."""
    say = view.say
    network, get_reader = choose_reader(view)
    n_digits, form, about = _take_options(view)
    scans = _take_scans(view)
    if not scans:
        st.info(say("app.read.empty"))
        return
    reader = get_reader()
    if reader is None:
        return
    reader = copy.copy(reader)  # the original is shared by all visitors
    if n_digits is not None:
        reader.n_digits = n_digits
    run = f"{network} {n_digits} {about}"
    readings = _read_all(view, run, reader, scans, form)
    _show_problems(view, readings)
    _show_results(view, run, reader, scans, readings)


# --- input


def _take_options(view: View) -> tuple[int | None, Form | None, str]:
    """Return the number of digits, the form, and an identifier of the form."""
    say = view.say
    with st.expander(say("app.read.options")):
        st.session_state["n_digits"] = recall("n_digits", None)
        n_digits = st.number_input(
            say("app.read.n_digits"),
            min_value=1,
            max_value=MAX_DIGITS,
            step=1,
            value=None,
            key="n_digits",
            help=say("cli.digits_help"),
            on_change=lambda: keep("n_digits"),
        )
        st.file_uploader(
            say("app.read.form"),
            type=["json"],
            key="form",
            max_upload_size=MAX_FORM,
            help=say("cli.form_help"),
            on_change=_load_form,
        )
        loaded: dict[str, Any] = st.session_state.get("own_form", {})
        if "form" in loaded:
            st.caption(say("app.read.loaded", file=as_text(loaded["name"])))
    if "problem" in loaded:  # visible even when the options are folded
        st.error(say("app.read.bad_form", problem=as_text(loaded["problem"][say.language])))
    return n_digits, loaded.get("form"), str(loaded.get("key"))


def _load_form() -> None:
    file = st.session_state["form"]
    if file is None:  # removed
        st.session_state.pop("own_form", None)
        return
    form, problem = from_upload(file, Form.load)
    result = {"form": form} if problem is None else {"problem": problem}
    st.session_state["own_form"] = {"key": file.file_id, "name": file.name} | result


def _take_scans(view: View) -> list[Scan]:
    """Return up to `MAX_SCANS` uploaded files, even after a visit to another step."""
    say = view.say
    has_pdf = importlib.util.find_spec("pypdfium2") is not None
    st.file_uploader(
        say("app.read.files"),
        type=[*ENDINGS, "pdf"] if has_pdf else ENDINGS,
        accept_multiple_files=True,
        key="files",
        max_upload_size=MAX_SCAN,
        on_change=lambda: st.session_state.update(scans=make_scans(st.session_state["files"])),
    )
    pdf = "" if has_pdf else say("app.read.no_pdf", command="pip install 'skmnist[pdf]'")
    st.caption(f"{say('app.read.limits', megabytes=MAX_SCAN, n=MAX_SCANS)} {as_text(pdf)}")
    scans: list[Scan] = st.session_state.get("scans", [])
    if len(scans) > MAX_SCANS:
        st.warning(say("app.read.too_many", n=len(scans), limit=MAX_SCANS))
    return scans[:MAX_SCANS]


def _read_all(
    view: View, run: str, reader: DigitReader, scans: list[Scan], form: Form | None
) -> list[FileReading]:
    """Return the readings of all scans; scans that were already read in this way are not reread."""
    known: dict[Any, FileReading] = st.session_state.get("readings", {})
    keys = [(scan.key, scan.name, run, view.language) for scan in scans]
    readings = {key: known[key] for key in keys if key in known}
    st.session_state["readings"] = readings  # now, because a click interrupts this run of the page
    place = st.empty()
    with use_language(view.language):
        for at, (key, scan) in enumerate(zip(keys, scans, strict=True)):
            if key not in readings:
                name = as_text(scan.name)
                place.progress(at / len(scans), view.say("app.read.reading", file=name))
                readings[key] = read_scan(scan, reader, form)
    place.empty()
    return [readings[key] for key in keys]


# --- results


def _show_problems(view: View, readings: list[FileReading]) -> None:
    say, lines = view.say, []
    for reading in readings:
        if reading.problem is not None:
            problem = reading.problem.removeprefix(f"{reading.file}: ").removesuffix(".")
            line = say("app.read.bad", file=reading.file, problem=problem)
            if reading.n_pages == 0:  # the file is the problem rather than the form
                line += " " + say("app.read.save_as")
            lines.append(line)
        elif not len(reading.places):
            lines.append(say("app.read.nothing", file=reading.file))
    if lines:
        html = Markup("<h2>{}</h2>").format(say("app.read.problems"))
        view.show_html(html + as_list(lines, style="caution"), "problems")


def _show_results(
    view: View, run: str, reader: DigitReader, scans: list[Scan], readings: list[FileReading]
) -> None:
    say = view.say
    corrections = st.session_state.setdefault("corrections", {}).setdefault(run, {})
    with use_language(view.language):
        fields = correct(join_fields(readings), corrections)
    pages = list_pages(readings)
    if not pages:
        return
    counts = Counter(fields["outcome"])
    st.subheader(say("app.read.result"), anchor=False)
    st.write(_count(view, counts))
    may_change = (
        reader.alphabet == load_bundled().alphabet and st.session_state["source"] != "bundled"
    )
    if may_change and counts["unsure"] > len(fields) / 2:
        st.info(say("app.read.try_bundled"))
    left = Counter(
        (row.file, row.page) for row in fields[fields["outcome"] == "unsure"].itertuples()
    )
    page = recall("seen", next((one for one in pages if left[one]), pages[0]), among=pages)
    if len(pages) > 1:
        st.session_state["seen"] = page
        page = st.selectbox(
            say("app.read.page"),
            pages,
            format_func=lambda one: say("app.read.on_page", file=one[0], page=one[1], n=left[one]),
            key="seen",
            on_change=lambda: keep("seen"),
        )
    st.session_state["kept seen"] = page  # even when nothing is left to check on it
    at = next(at for at, reading in enumerate(readings) if reading.file == page[0])
    _show_page(view, run, scans[at], readings[at], page[1])
    _show_cards(view, run, reader, readings[at], page[1], corrections)
    following = next((one for one in pages if left[one] and one != page), None)
    if following is not None:
        st.button(
            say("app.read.next_page"),
            key="next_page",
            on_click=lambda: st.session_state.update({"kept seen": following}),
        )
    _show_table(view, fields)
    _offer_files(view, fields, readings, counts)
    _show_promise(view, reader, readings)


def _count(view: View, counts: Counter[str]) -> str:
    say = view.say
    n = {f"n_{name}": counts[name] for name in ("read", "unsure", "blank", "failed")}
    text = say("cli.read_counts", **n)
    if counts[CORRECTED]:
        text += " " + say("app.read.n_corrected", n=counts[CORRECTED])
    return text


def _show_page(view: View, run: str, scan: Scan, reading: FileReading, page: int) -> None:
    say, key = view.say, (run, scan.key, scan.name, page, view.language)
    drawn = st.session_state.get("drawn")
    if drawn is None or drawn[0] != key:
        drawn = (key, *draw_page(scan, reading, page, view.language))
        st.session_state["drawn"] = drawn
    places = reading.places[reading.places["image"] == page - 1]
    found = set(places["outcome"])
    style = "broad" if drawn[2] > BROAD else ""
    legend = Markup("").join(
        Markup('<li><span class="mark {}">{}</span> {}</li>').format(
            outcome, sign, say(f"reading.outcome.{outcome}")
        )
        for outcome, sign in SIGNS.items()
        if outcome in found
    )
    html = Markup('<div class="scroll page {}" tabindex="0" role="region" aria-label="{}">{}</div>')
    html = html.format(style, say("app.scroll", name=scan.name), drawn[1])
    view.show_html(html + Markup('<ul class="legend">{}</ul>').format(legend), "page")


def _show_cards(
    view: View,
    run: str,
    reader: DigitReader,
    reading: FileReading,
    page: int,
    corrections: dict[Any, str],
) -> None:
    """Show the unsure fields of a page, each with its picture and a text field."""
    say, cards = view.say, list_unsure(reading, page)
    if not cards:
        return
    st.subheader(say("app.read.check"), anchor=False)
    st.caption(say("app.read.check_note"))
    allowed = {*reader.alphabet, " ", "?"}
    for at, card in enumerate(cards):
        field = card["field"]
        key = f"fix-{hash((run, field)) & 0xFFFFFFFF:x}-{at}"
        kept = corrections.get(field)
        with st.form(key, border=True):
            label = say("reading.review.label", field=card["label"])
            st.image(card["picture"], alt=say("reading.review.picture", field=card["label"]))
            text = st.text_input(
                label,
                value=card["suggestion"] if kept is None else kept,
                max_chars=MAX_DIGITS,
                key=f"text-{key}",
            )
            if kept is not None and "?" not in kept:
                st.caption(say("app.read.done", text=as_text(kept)))
            else:
                reasons = " ".join(card["reasons"])
                st.caption(as_text(f"{say('reading.review.read', text=card['text'])} {reasons}"))
            problem, refused = "", st.session_state.get("refused")
            if set(text) - allowed:
                problem = say("app.read.not_allowed", characters=as_text(reader.alphabet))
            elif len(text) != len(card["suggestion"]):
                lengths = {"n": len(card["suggestion"]), "n_entered": len(text)}
                problem = say("app.read.other_length", **lengths)
            if st.form_submit_button(say("app.read.confirm")):
                if not problem or (refused == (field, text) and not set(text) - allowed):
                    st.session_state["refused"] = None
                    corrections[field] = text
                    st.rerun()  # to update the counts above and the table below
                refused = st.session_state["refused"] = (field, text)
            if problem and refused == (field, text):
                st.error(problem)


def _show_table(view: View, fields: pd.DataFrame) -> None:
    say = view.say
    shown = fields[fields["outcome"] != "failed"]
    names = [name for name in COLUMNS if name != "page" or (shown["page"] > 1).any()]
    shown = shown.assign(page=shown["page"].astype("string").fillna("-"))
    rows = []
    row: Any
    for row in shown.head(MAX_ROWS).itertuples(index=False):
        outcome = say(
            "app.read.corrected" if row.outcome == CORRECTED else f"reading.field.{row.outcome}"
        )
        lowest = row.probability
        cells = row._asdict() | {
            "outcome": f"? {outcome}" if row.outcome == "unsure" else outcome,
            "probability": "-" if lowest != lowest else say.format("{:.2%}", lowest),
        }
        rows.append([cells[name] for name in names])
    html = Markup("<h2>{}</h2>").format(say("app.read.fields"))
    head = [say(f"cli.column_{name}") for name in names]
    html += as_table(head, rows, name=say("app.scroll", name=say("app.read.fields")), style="read")
    if len(shown) > MAX_ROWS:
        html += as_paragraphs([say("app.read.more", n=len(shown) - MAX_ROWS)])
    html += Markup('<p class="note">{}</p>').format(say("cli.read_note"))
    view.show_html(html, "fields")


def _offer_files(
    view: View, fields: pd.DataFrame, readings: list[FileReading], counts: Counter[str]
) -> None:
    say = view.say
    st.download_button(
        say("app.read.csv"),
        fields.to_csv(index=False, float_format="%.4f").encode(),
        file_name=say("app.read.csv_name"),
        mime="text/csv",
        key="csv",
        on_click="ignore",
        type="primary",
    )
    st.caption(say("app.read.csv_note"))
    if counts["unsure"] and not counts[CORRECTED]:  # that page would lack the corrections
        st.download_button(
            say("app.read.review"),
            lambda: make_review(readings, view.language).encode(),
            file_name=say("app.read.review_name"),
            mime="text/html",
            key="review",
            on_click="ignore",
        )
        st.caption(say("app.read.review_note"))


def _show_promise(view: View, reader: DigitReader, readings: list[FileReading]) -> None:
    lines = reader.promise().sentences(view.language)
    view.show_html(
        Markup("<h2>{}</h2>").format(view.say("app.read.promise")) + as_paragraphs(lines), "promise"
    )
    if reader.check_shift(pd.concat([r.places for r in readings if len(r.places)])):
        st.warning(view.say("reading.promise.void"))
