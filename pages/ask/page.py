"""Questions in SQL: some to begin with, one's own, and the answer as rows, as a chart and to take along."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.asked import MOST_CHARACTERS, MOST_ROWS, QuestionRefused
from core.text import moment, number, seconds
from pages.ask import asking, charts
from pages.ask.queries import KINDS, SHOWN, queries, read
from pages.ask.table import answer_table, tables
from pages.shared import address, theme
from pages.shared.controls import show, switch
from pages.shared.draw import draw
from pages.shared.export import as_csv, as_parquet
from pages.shared.frame import nothing_yet
from pages.shared.text import plain, t

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamlit.navigation.page import Page

    from core.asked import Answered
    from pages.ask.asking import Reply
    from pages.ask.queries import View
    from pages.shared.frame import Frame

SQL = "ask.sql"


def render(frame: Frame, pages: Mapping[str, Page]) -> None:
    """Draw the page."""
    language = frame.language
    if nothing_yet(frame):
        return
    view = read(st.query_params.to_dict())
    st.header(plain(t("ask", language)), anchor=False)
    rules = {"seconds": f"{asking.WITHIN.total_seconds():g}", "rows": number(MOST_ROWS, language)}
    st.markdown(plain(t("ask_about", language, **rules)))
    question, known = st.columns([3, 2], gap="medium")
    with question:
        _question(view, frame)
    with known:
        tables(language)
    with st.spinner(t("ask_running", language)):
        reply = asking.reply(view.query.sql, frame)
    if reply is None:
        st.info(plain(t("ask_wait", language)), icon=":material/play_circle:")
    elif isinstance(reply.found, QuestionRefused):
        _refused(reply.found, frame)
    else:
        _answer(reply.found, reply, view, frame, pages)


def _question(view: View, frame: Frame) -> None:
    language = frame.language
    begin = f"ask.begin.{language}"  # the browser knows choices by their words, and would send those of before
    show(begin, view.query.name or None)
    st.selectbox(
        t("ask_begin", language),
        list(queries()),
        index=None,
        format_func=lambda name: t(f"ask_query_{name}", language),
        placeholder=t("ask_own", language),
        key=begin,
        on_change=_begin,
        args=(begin,),
    )
    show(SQL, view.query.sql)
    with st.form("ask", border=False):
        st.text_area(t("ask_sql", language), key=SQL, height=215, max_chars=MOST_CHARACTERS)
        st.form_submit_button(
            t("ask_run", language), type="primary", icon=":material/play_arrow:", key="ask.run", on_click=_run
        )


def _begin(key: str) -> None:
    if name := st.session_state[key]:
        _ask(queries()[name].sql)


def _run() -> None:
    _ask(st.session_state[SQL].strip())


def _ask(sql: str) -> None:
    address.change({"sql": sql or None, "x": None, "y": None, "kind": None})
    asking.run(sql)


def _refused(refused: QuestionRefused, frame: Frame) -> None:
    language = frame.language
    with st.container(border=True, key="ask-refused"):
        st.subheader(plain(t("ask_refused", language)), icon=":material/block:", anchor=False)
        st.markdown(plain(t(f"ask_no_{refused.reason}", language)))
        if refused.what:
            st.code(refused.what, language=None, wrap_lines=True)


def _answer(found: Answered, reply: Reply, view: View, frame: Frame, pages: Mapping[str, Page]) -> None:
    language, rows = frame.language, found.frame
    count = number(rows.height, language)
    said = {
        "count": count,
        "took": seconds(found.milliseconds, language),
        "when": moment(reply.when, frame.settings.zone, language, seconds_too=True),
    }
    key = "ask_rows_cut" if found.cut else "ask_rows_one" if rows.height == 1 else "ask_rows"
    st.subheader(plain(t(key, language, **said)), anchor=False)
    if not rows.height:
        st.markdown(plain(t("ask_rows_none", language)))
        return
    with st.container(horizontal=True, vertical_alignment="center", key="ask-found"):
        words = {name: t(f"ask_shown_{name}", language) for name in SHOWN}
        switch(
            t("ask_shown", language),
            words,
            view.shown,
            lambda name: address.change({"show": name}),
            key="ask.shown",
        )
        for name, made, mime in (
            ("csv", as_csv, "text/csv"),
            ("parquet", as_parquet, "application/vnd.apache.parquet"),
        ):
            st.download_button(
                t(f"ask_{name}", language, count=count),
                lambda made=made: made(rows),  # type: ignore[misc]
                file_name=f"burnline-answer.{name}",
                mime=mime,
                icon=":material/download:",
                type="tertiary",
                key=f"ask.{name}",
                on_click="ignore",
            )
    if view.shown == "table":
        answer_table(rows, frame, pages["request"])
        if "request_id" in rows.columns:
            st.caption(plain(t("ask_open", language)))
    else:
        _chart(found, view, frame)


def _chart(found: Answered, view: View, frame: Frame) -> None:
    language, rows = frame.language, found.frame
    heights = charts.numbers(rows)
    if not heights:
        st.markdown(plain(t("ask_no_numbers", language)))
        return
    x, y = charts.fitting(view.chart, rows)
    with st.container(border=True, key="ask-chart"):
        with st.container(horizontal=True, key="ask-axes"):
            _pick("x", x, rows.columns, frame)
            _pick("y", y, heights, frame)
            _pick("kind", view.chart.kind, KINDS, frame)
        shown = charts.drawn(rows, x, y, view.chart.kind)
        spec = charts.chart(view.chart.kind, charts.scale(shown), frame.look)
        draw(spec, theme.CHART_HEIGHT, "ask-drawn", t("ask_shown_chart", language), rows=shown)
        if rows.height > shown.height:
            st.caption(plain(t("ask_drawn_first", language, count=number(shown.height, language))))


def _pick(name: str, value: str, among: tuple[str, ...] | list[str], frame: Frame) -> None:
    language, key = frame.language, f"ask.{name}.{frame.language}"
    show(key, value)
    st.selectbox(
        t(f"ask_{name}", language),
        among,
        format_func=(lambda one: t(f"ask_kind_{one}", language)) if name == "kind" else str,
        key=key,
        on_change=_chosen,
        args=(name, key),
    )


def _chosen(name: str, key: str) -> None:
    """The address follows a control; one that a browser sends empty, before it was drawn in full, says nothing."""
    if value := st.session_state[key]:
        address.change({name: value})
