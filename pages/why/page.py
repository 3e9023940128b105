"""Why: whether it is getting worse, what made the difference, where the time went, and the requests that show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from core.text import moment, number
from metrics.why import MEASURES
from metrics.why_sentence import change, listed, past, reason
from pages.shared import data
from pages.shared.controls import show, switch
from pages.shared.draw import draw
from pages.shared.figures import figures
from pages.shared.frame import nothing_yet
from pages.shared.selected import nothing_selected
from pages.shared.text import code, markdown, plain, t
from pages.shared.why import examples, verdict_badge
from pages.why import charts
from pages.why import view as views
from pages.why.reading import taken_apart, time_went
from pages.why.table import parts_table
from pages.why.words import figures_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamlit.navigation.page import Page

    from metrics.why_answer import Why
    from pages.shared.frame import Frame
    from pages.why.reading import Taken


def render(frame: Frame, pages: Mapping[str, Page]) -> None:
    """Draw the page, or say why there is nothing to draw."""
    if nothing_yet(frame) or nothing_selected(frame):
        return
    language, view = frame.language, views.read(st.query_params.to_dict())
    found = views.about(data.why(frame), view)
    _head(found, frame, pages)
    figures(figures_of(found, past(found, language), language), "why", language)
    _causes(found, frame, pages)
    if (taken := taken_apart(found, view)) is not None:
        _parts(found, taken, frame, pages)
    _time(frame, pages)
    _compared(found, frame, pages)


def _head(found: Why, frame: Frame, pages: Mapping[str, Page]) -> None:
    """The verdict and the change as a heading, what made it as a sentence, and the failing requests."""
    language, moved = frame.language, found.answer
    with st.container(horizontal=True, vertical_alignment="center", key="why.head"):
        verdict_badge(found, language)
        switch(
            t("why_measure", language),
            {name: t(f"why_of_{name}", language) for name in MEASURES},
            moved.measure,
            lambda name: views.write(measure=name),
            key="why.measure",
        )
    st.header(plain("".join(part.text for part in change(found, moved, language)).strip()), anchor=False)
    if said := reason(moved, language):
        st.markdown(markdown(said))
    st.page_link(
        pages["requests"],
        label=plain(t(f"why_rows_{moved.measure}", language)),
        icon=":material/list:",
        query_params=views.rows_of(st.query_params.to_dict(), moved.measure, {}),
    )


def _causes(found: Why, frame: Frame, pages: Mapping[str, Page]) -> None:
    """Each cause with requests to look at."""
    moved, language = found.answer, frame.language
    if not moved.raised:
        return
    with st.container(border=True, key="why.causes", gap="small"):
        st.markdown(f"**{plain(t('why_causes', language))}**")
        for place, (cause, ids) in enumerate(zip(moved.raised, moved.examples, strict=True)):
            with st.container(horizontal=True, vertical_alignment="center", key=f"why.cause-{place}"):
                st.markdown(markdown(listed(cause, language)), width="content")
                if ids:
                    examples(ids, pages["request"], language, f"why.examples-{place}")


def _parts(found: Why, taken: Taken, frame: Frame, pages: Mapping[str, Page]) -> None:
    language, moved = frame.language, found.answer
    with st.container(border=True, key="why.parts"):
        with st.container(horizontal=True, vertical_alignment="center", key="why.partsbar"):
            st.markdown(f"**{plain(t('why_bridge', language))}**", help=plain(t("why_bridge_help", language)))
            show("why.along", taken.dimension)
            st.selectbox(
                t("why_along", language),
                taken.logged,
                format_func=lambda name: t(f"along_{name}", language),
                key="why.along",
                label_visibility="collapsed",
                width=220,
                on_change=lambda: views.write(along=st.session_state["why.along"]),
            )
        draw(
            charts.bridge(frame.look),
            charts.BRIDGE_HEIGHT,
            "why.bridge",
            t("why_bridge", language),
            rows=charts.bridge_rows(taken.steps, language),
        )
    if taken.ledger.parts:
        parts_table(taken.ledger, moved.measure, pages["requests"], language)
    if taken.silent:
        names = ", ".join(t(f"along_{name}", language) for name in taken.silent)
        st.caption(plain(t("why_silent", language, names=names)))


def _time(frame: Frame, pages: Mapping[str, Page]) -> None:
    """Where the time of cut and of slow requests went, beside what is usual."""
    language, found = frame.language, time_went(frame)
    st.subheader(plain(t("why_time", language)), anchor=False, help=plain(t("why_time_help", language)))
    groups = [name for name in ("cut", "slow") if found[f"{name}_steps"]]
    if not groups:
        none = found["cut"]["requests"] or found["slow"]["requests"]
        st.markdown(plain(t("why_untraced" if none else "why_no_slow", language)))
        return
    for column, name in zip(st.columns(len(groups), border=True), groups, strict=True):
        with column:
            _group(name, found, frame, pages)


def _group(name: str, found: Mapping[str, Any], frame: Frame, pages: Mapping[str, Page]) -> None:
    language, steps = frame.language, found[f"{name}_steps"]
    counts = {key: number(found[name][key], language) for key in ("requests", "traced")}
    st.markdown(f"**{plain(t(f'why_time_{name}', language, **counts))}**")
    rows = charts.time_rows(steps, language)
    draw(charts.time_chart(frame.look), charts.TIME_HEIGHT, f"why.time-{name}", t("why_time", language), rows=rows)
    if opened := charts.most_open(steps):
        said = t("why_open", language, n=number(opened["open_at_cut"], language), all=counts["traced"])
        st.markdown(" ".join((code(charts.step_name(opened, language)), plain(said))))
    if ids := charts.shown_by(steps):
        examples(ids, pages["request"], language, f"why.time-examples-{name}")


def _compared(found: Why, frame: Frame, pages: Mapping[str, Page]) -> None:
    """The periods it was compared with, each with its requests."""
    language, zone = frame.language, frame.settings.zone
    if found.baseline is None or found.span is None:
        return
    left_out = found.answer.verdict.left_out
    with st.expander(t("why_compared", language, past=past(found, language)), key="why.compared"):
        for place, window in enumerate((found.span, *found.baseline.spans)):
            ends = {"start": moment(window.start, zone, language), "end": moment(window.end, zone, language)}
            said = "why_window_now" if not place else "why_window_left" if place in left_out else "why_window"
            st.page_link(
                pages["requests"],
                label=plain(t(said, language, **ends)),
                query_params=views.window_of(st.query_params.to_dict(), found.answer.measure, window),
            )
