"""Health: the service against its targets, its machines, and whether Burnline itself reads all there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.text import number
from metrics.scorecard import sentence
from pages.health import charts
from pages.health.reading import health, reading
from pages.health.table import files_table, hosts_table, refused_table, workers_table
from pages.health.words import about_machines, file_tiles, load_tiles, own_sentence, service_tiles
from pages.shared import data, theme
from pages.shared.draw import draw
from pages.shared.figures import figures
from pages.shared.frame import nothing_yet
from pages.shared.selected import nothing_selected
from pages.shared.text import code, plain, t

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from streamlit.navigation.page import Page

    from pages.health.reading import Health, Reading
    from pages.shared.axes import Spec
    from pages.shared.frame import Frame

REASONS = 12
"""Reasons of refusal listed."""


def render(frame: Frame, pages: Mapping[str, Page]) -> None:
    """Draw the page, or say why there is nothing to draw; how Burnline itself does is always there."""
    if nothing_yet(frame):
        _own(frame)
        return
    if not nothing_selected(frame):
        found = health(frame)
        _service(found, frame, pages)
        _machines(found, frame)
    _own(frame)


def _service(found: Health, frame: Frame, pages: Mapping[str, Page]) -> None:
    language, look, settings = frame.language, frame.look, frame.settings
    st.header(plain(sentence(tuple(found.standings.values()), language)), anchor=False)
    figures(service_tiles(found, frame), "health", language)
    figures(load_tiles(found, frame), "load", language)
    if found.read != found.total:
        read, total = number(found.read, language), number(found.total, language)
        st.caption(plain(t("health_newest_only", language, count=read, total=total)))
    with st.container(horizontal=True, gap="small", key="health-links"):
        for view in ("failed", "timeouts", "slowest"):
            st.page_link(
                pages["requests"],
                label=t(f"health_to_{view}", language),
                icon=":material/arrow_forward:",
                query_params=st.query_params.to_dict() | {"view": view},
            )
    shown = data.overview(frame)
    if shown.summary.span is None:
        return
    width = data.slots_within(shown.summary.span)[1]
    target = next((each for each in settings.targets if each.metric == "error_rate"), None)
    _pair(
        ("volume", charts.volume(look, width), shown.spark),
        ("latency", charts.latency(look, width, settings.limit_values), shown.spark),
        frame,
    )
    _pair(("errors", charts.errors(look, width, target), shown.spark), None, frame)


def _machines(found: Health, frame: Frame) -> None:
    """CPU, GPU and memory over time; without a record of a machine, the line that makes one."""
    language = frame.language
    st.subheader(t("health_machines", language), anchor=False)
    if not found.hosts:
        st.markdown(plain(t("health_machines_none", language)))
        st.code(HOST_LINE, language="json", wrap_lines=True)
        return
    for name, matter in about_machines(found, language):
        st.markdown(f":material/warning: {code(name)} {plain(matter)}")
    drawn = [(name, charts.machines(frame.look, found.width), rows) for name, rows in found.gauges.items()]
    for pair in zip(drawn[::2], [*drawn[1::2], None], strict=False):
        _pair(pair[0], pair[1], frame)
    hosts_table(found.hosts, frame.settings.zone, language)


HOST_LINE = (
    '{"v":1,"kind":"host","timestamp":"2026-03-02T09:15:00Z",'
    '"extra":{"host":"api-1","cpu_percent":71.5,"gpu_percent":80,"memory_percent":64,"memory_mb":10480}}'
)
"""What a machine writes once a minute to be seen."""


def _own(frame: Frame) -> None:
    """Burnline itself: its workers, what became of the files, and the lines it refused."""
    language, workers = frame.language, frame.services.health()
    files = reading(frame)
    st.subheader(t("health_own", language), anchor=False)
    st.markdown(plain(own_sentence(workers, files, frame)))
    for note in frame.services.notes():
        st.text(note)
    if workers:
        workers_table(workers, frame)
    if files.files.files:
        _files(files, frame)


def _files(found: Reading, frame: Frame) -> None:
    language = frame.language
    st.markdown(f"**{plain(t('health_files', language))}**", help=plain(t("health_files_help", language)))
    figures(file_tiles(found, language), "files", language)
    more = number(max(found.files.files, len(found.first)), language)
    st.caption(plain(t("health_files_first", language, count=number(len(found.first), language), total=more)))
    files_table(found.first, language)
    st.markdown(f"**{plain(t('health_refused', language))}**")
    if not found.reasons:
        st.markdown(plain(t("health_refused_none", language)))
        return
    listed = list(found.reasons.items())[:REASONS]
    st.markdown(" · ".join(f"{code(reason)} {plain(number(count, language))}" for reason, count in listed))
    st.caption(plain(t("health_refused_more", language)))
    refused_table(found.refused, frame)


def _pair(left: tuple[str, Spec, pl.DataFrame], right: tuple[str, Spec, pl.DataFrame] | None, frame: Frame) -> None:
    """Two charts side by side."""
    language = frame.language
    shown = [left] if right is None else [left, right]
    for column, (name, spec, rows) in zip(st.columns(len(shown), border=True), shown, strict=True):
        with column:
            label = t(f"health_{name}", language)
            st.markdown(f"**{plain(label)}**", help=plain(t(f"health_chart_{name}", language)))
            draw(spec, theme.CHART_HEIGHT, f"health-{name}", label, rows=rows)
