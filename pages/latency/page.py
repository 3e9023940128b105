"""Latency: the spread with the cut marked, percentiles over time, agent by agent, near the limit, and the slowest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from core.text import number
from pages.latency import charts
from pages.latency.reading import latencies, slowest
from pages.latency.table import near_table
from pages.latency.words import near_figures, percentile_figures, took
from pages.requests.table import requests_table
from pages.shared import theme
from pages.shared.draw import draw
from pages.shared.figures import figures
from pages.shared.frame import nothing_yet
from pages.shared.selected import nothing_selected
from pages.shared.text import code, plain, t
from pages.shared.trend import trend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamlit.navigation.page import Page

    from pages.latency.reading import Latencies
    from pages.shared.frame import Frame

LINE = '"execution_time_ms": 812.5, "status": "success"'
"""What makes a duration known."""


def render(frame: Frame, pages: Mapping[str, Page]) -> None:
    """Draw the page, or say why there is nothing to draw."""
    if nothing_yet(frame) or nothing_selected(frame):
        return
    found = latencies(frame)
    if found is None:
        st.header(plain(t("latency_unknown", frame.language)), anchor=False)
        st.code(LINE, language="json")
        return
    _headline(found, frame)
    figures(percentile_figures(found, frame.language), "latency", frame.language)
    _spread(found, frame)
    _over_time(found, frame)
    _agents(found, frame, pages["latency"])
    _near(found, frame, pages["requests"])
    _slowest(frame, pages)


def _headline(found: Latencies, frame: Frame) -> None:
    language = frame.language
    said = {name: took(found.percentiles[name], language) for name in ("p50", "p95", "p99")}
    st.header(plain(t("latency_headline", language, **said)), anchor=False)


def _spread(found: Latencies, frame: Frame) -> None:
    title = t("latency_spread", frame.language)
    with st.container(border=True, key="latency-spread"):
        st.markdown(f"**{plain(title)}**", help=plain(t("latency_spread_help", frame.language)))
        spec = charts.spread(frame.look, frame.settings.limit_values)
        draw(spec, theme.CHART_HEIGHT, "latency-spread-chart", title, rows=found.spread)


def _over_time(found: Latencies, frame: Frame) -> None:
    title = t("latency_over_time", frame.language)
    with st.container(border=True, key="latency-over-time"):
        st.markdown(f"**{plain(title)}**", help=plain(t("latency_over_time_help", frame.language)))
        spec = trend(frame.look, found.width, frame.settings.limit_values)
        draw(spec, theme.CHART_HEIGHT, "latency-trend", title, rows=found.over, deploys=found.deploys)


def _agents(found: Latencies, frame: Frame, one: Page) -> None:
    """P95 and P50 of the agents with most timeouts, all on one scale; a name leads to this page of that agent."""
    language = frame.language
    groups = found.each.with_columns(pl.col("p95").max().alias("highest")).partition_by("group", maintain_order=True)
    if not groups:
        return
    st.subheader(t("latency_agents", language), help=plain(t("latency_agents_help", language)), anchor=False)
    spec = charts.one_agent(frame.look, found.width, frame.settings.limit_values)
    with st.container(key="tiles-latency-agents"):
        grid = st.grid(3, min_column_width=140, gap="small", key="tilegrid3-latency-agents")
        for place, rows in enumerate(groups):
            with grid.container(border=True, height="stretch", gap="xsmall", key=f"latency-agent-{place}"):
                name = rows["group"][0]
                st.page_link(one, label=code(name), query_params=st.query_params.to_dict() | {"agent": name})
                title = t("latency_agents", language)
                draw(spec, charts.FACET_HEIGHT, f"latency-agent-chart-{place}", title, rows=rows.drop("group"))


def _near(found: Latencies, frame: Frame, requests: Page) -> None:
    language, limits = frame.language, frame.settings.limit_values
    st.subheader(t("latency_near", language), help=plain(t("latency_near_help", language)), anchor=False)
    figures(near_figures(found, limits, language), "latency-near", language)
    title = t("latency_near_over_time", language)
    left, right = st.columns(2, border=True)
    with left:
        st.markdown(f"**{plain(title)}**")
        spec = charts.near(frame.look, found.width)
        draw(spec, theme.CHART_HEIGHT, "latency-near-chart", title, rows=found.near, deploys=found.deploys)
    with right:
        st.markdown(f"**{plain(t('latency_near_agents', language))}**")
        if found.near_agents.height:
            near_table(found.near_agents, requests, language)
        else:
            st.markdown(plain(t("latency_nobody_near", language)))


def _slowest(frame: Frame, pages: Mapping[str, Page]) -> None:
    language, rows = frame.language, slowest(frame)
    st.subheader(t("latency_slowest", language, count=number(rows.height, language)), anchor=False)
    if not rows.height:
        st.markdown(plain(t("latency_no_success", language)))
        return
    requests_table(rows, frame, pages["request"])
    st.page_link(
        pages["requests"],
        label=t("latency_all_slowest", language),
        icon=":material/arrow_forward:",
        query_params=st.query_params.to_dict() | {"view": "slowest"},
    )
