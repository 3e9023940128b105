"""Agents: who times out most and whether that grew; the same of operations and models; and one agent by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.text import number, percent
from metrics.sentence import sentence
from pages.agents import charts, reading
from pages.agents import view as views
from pages.agents.table import ROWS, ranking_table, top_table
from pages.agents.words import budget_figures, headline, standing_figures
from pages.overview.strip import strip
from pages.overview.why import why_block
from pages.requests.table import requests_table
from pages.shared import data, theme
from pages.shared.controls import switch
from pages.shared.draw import draw
from pages.shared.figures import figures
from pages.shared.frame import nothing_yet
from pages.shared.selected import nothing_selected
from pages.shared.text import code, markdown, plain, t
from pages.shared.trend import trend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamlit.navigation.page import Page

    from pages.shared.frame import Frame


def render(frame: Frame, pages: Mapping[str, Page]) -> None:
    """Draw the page, or say why there is nothing to draw."""
    if nothing_yet(frame) or nothing_selected(frame):
        return
    if frame.choice.agent is None:
        _everyone(frame, pages)
    else:
        _one(frame.choice.agent, frame, pages)


def _everyone(frame: Frame, pages: Mapping[str, Page]) -> None:
    """All groups beside each other, and the agents of the last 24 hours."""
    by = views.read(st.query_params.to_dict(), frame.choice)
    found = reading.ranked(by, frame)
    st.header(markdown(headline(found.groups, by, frame.language)), anchor=False)
    figures(standing_figures(found.standing, by, frame.objective, frame.language), "agents", frame.language)
    _by(by, frame)
    _ranking(found, by, frame, pages)
    with st.container(border=True, key="agents.day"):
        title = plain(t("agents_day", frame.language))
        st.markdown(f"**{title}**", help=plain(t("agents_day_help", frame.language)))
        top = reading.top_of_the_day(frame)
        if top.height:
            top_table(top, frame)
        else:
            st.markdown(plain(t("agents_day_none", frame.language)))


def _one(agent: str, frame: Frame, pages: Mapping[str, Page]) -> None:
    """One agent: its numbers, why, its budget, its course, its operations, and what failed last."""
    language, settings = frame.language, frame.settings
    view = data.overview(frame)
    with st.container(horizontal=True, vertical_alignment="center", key="agents.back"):
        st.page_link(
            pages["agents"],
            label=plain(t("agents_all", language)),
            icon=":material/arrow_back:",
            query_params=views.everyone(st.query_params.to_dict()),
        )
        whose = settings.owners.get(agent)
        acts = t("agents_owner", language, owner=whose) if whose else t("agents_no_owner", language)
        st.caption(plain(acts), width="content")
    said = sentence(view.summary, language, settings.zone)
    st.header(f"{code(agent)}: {plain(said.headline)}", anchor=False)
    strip(view, frame)
    why_block(data.why(frame), pages, language)
    spent = budget_figures(reading.spent(frame), view.summary.budget, frame.objective, language)
    figures(spent, "agents-budget", language)
    st.markdown(plain(said.budget))
    with st.container(border=True, key="agents.trend"):
        st.markdown(f"**{plain(t('trend', language))}**", help=plain(t("trend_help", language)))
        spec = trend(frame.look, data.TREND[1], settings.limit_values)
        draw(spec, theme.CHART_HEIGHT, "trend", t("trend", language), rows=view.trend, deploys=view.deploys)
    by = views.read(st.query_params.to_dict(), frame.choice)
    _by(by, frame)
    _ranking(reading.ranked(by, frame), by, frame, pages)
    _failing(frame, pages)


def _by(by: str, frame: Frame) -> None:
    language = frame.language
    words = {name: t(f"agents_by_{name}", language) for name in views.offered(frame.choice)}
    switch(t("agents_by", language), words, by, views.write, key="agents.by")


def _ranking(found: reading.Ranked, by: str, frame: Frame, pages: Mapping[str, Page]) -> None:
    language, allowed = frame.language, frame.objective.budget
    rows, title = charts.rates_rows(found.groups, allowed, language), t("agents_rates", language)
    if rows.height > 1:
        with st.container(border=True, key="agents.rates"):
            explained = t("agents_rates_help", language, allowed=percent(allowed, language))
            st.markdown(f"**{plain(title)}**", help=plain(explained))
            draw(charts.rates(frame.look, allowed), charts.HEIGHT, "agents.chart", title, rows=rows)
    ranking_table(found.groups, by, frame, pages["requests"])
    if found.standing.groups > ROWS:
        st.caption(plain(t("agents_more", language, count=number(ROWS, language))))


def _failing(frame: Frame, pages: Mapping[str, Page]) -> None:
    language, rows = frame.language, reading.failing(frame)
    st.subheader(plain(t("agents_failing", language)), anchor=False)
    if not rows.height:
        st.markdown(plain(t("agents_no_failing", language)))
        return
    requests_table(rows, frame, pages["request"])
    with st.container(horizontal=True, key="agents.rows"):
        for name in ("timeouts", "failed"):
            st.page_link(
                pages["requests"],
                label=plain(t(f"agents_rows_{name}", language)),
                icon=":material/list:",
                query_params={**views.without_by(st.query_params.to_dict()), "view": name},
            )
