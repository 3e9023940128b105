"""One request: what became of it, why, and which step had the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.text import moment, number, seconds
from metrics.waterfall import waterfall
from pages.request import charts
from pages.request.facts import Whole, moment_of, whole
from pages.requests.table import status_word
from pages.shared import data
from pages.shared.draw import draw
from pages.shared.text import code, plain, t

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from streamlit.navigation.page import Page

    from pages.shared.frame import Frame


def render(frame: Frame, pages: Mapping[str, Page]) -> None:
    """Draw the page of the id in the URL."""
    language = frame.language
    back = {name: value for name, value in st.query_params.to_dict().items() if name not in {"id", "at"}}
    st.page_link(
        pages["requests"], label=t("back_to_requests", language), icon=":material/arrow_back:", query_params=back
    )
    identity = st.query_params.get("id", "")
    if not identity:
        st.markdown(plain(t("no_id", language)))
        return
    records = data.trace(frame.key, identity, moment_of(st.query_params.get("at")), frame.reader)
    found = whole(records, identity)
    if found is None:
        st.markdown(" ".join((plain(t("unknown_id", language)), code(identity[:300]))))
        return
    _head(found, frame)
    _facts(found, frame)
    _error(found, frame)
    _steps(records, frame)
    _judged(found, frame)


def _head(found: Whole, frame: Frame) -> None:
    language, request = frame.language, found.request
    took = seconds(request["execution_time_ms"], language)
    when = moment(request["timestamp"], frame.settings.zone, language, seconds_too=True)
    said = t("request_head", language, status=status_word(request["status"], language), took=took, when=when)
    st.header(plain(f"{said[:1].upper()}{said[1:]}"), anchor=False)


def _facts(found: Whole, frame: Frame) -> None:
    """What the line says of the request; values are log text and stand in code spans."""
    with st.container(horizontal=True, gap="small", key="facts"):
        for name, value in found.facts:
            st.markdown(f"{plain(t(f'fact_{name}', frame.language))} {code(value)}", width="content")


def _error(found: Whole, frame: Frame) -> None:
    request = found.request
    if not (request["error_code"] or request["error_message"]):
        return
    st.subheader(plain(t("what_failed", frame.language)), anchor=False)
    st.code(" ".join(part for part in (request["error_code"], request["error_message"]) if part), language=None)
    if request["error_stack"]:
        with st.expander(t("stack", frame.language)):
            st.code(request["error_stack"], language=None)


def _steps(records: pl.DataFrame, frame: Frame) -> None:
    language, bars = frame.language, waterfall(records)
    if bars.height <= 1:
        st.markdown(plain(t("no_steps", language)))
        return
    st.subheader(plain(t("steps", language)), anchor=False)
    spec = charts.waterfall(frame.look)
    draw(spec, charts.height(bars.height), "waterfall", t("steps", language), rows=charts.rows(bars, language))


def _judged(found: Whole, frame: Frame) -> None:
    """Scores and feedback that were given to it."""
    if not found.scores and found.feedback is None:
        return
    language = frame.language
    st.subheader(plain(t("judged", language)), anchor=False)
    with st.container(horizontal=True, gap="small", key="judged"):
        for name, value in found.scores:
            st.markdown(f"{code(name)} {plain(number(value, language, 2))}", width="content")
        if found.feedback is not None:
            st.markdown(plain(t("thumb_up" if found.feedback > 0 else "thumb_down", language)), width="content")
