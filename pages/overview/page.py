"""The Overview: the answer as a sentence, six tiles, where latency falls, how it moves, and who acts first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.text import moment, number
from metrics.sentence import sentence
from pages.overview import charts
from pages.overview.links import rows_of_cell
from pages.overview.missing import missing_words
from pages.overview.strip import strip
from pages.overview.table import agents_table
from pages.overview.why import why_block
from pages.shared import address, data, empty, theme
from pages.shared.draw import draw, draw_to_pick
from pages.shared.frame import nothing_yet
from pages.shared.text import markdown, plain, t
from pages.shared.trend import trend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamlit.navigation.page import Page

    from pages.shared.frame import Frame


def render(frame: Frame, pages: Mapping[str, Page]) -> None:
    """Draw the page, or say why there is nothing to draw."""
    language, settings = frame.language, frame.settings
    if nothing_yet(frame):
        return
    view = data.overview(frame)
    summary = view.summary
    if summary.unfiltered:
        empty.nothing_matches(frame.choice, number(summary.unfiltered, language), language)
        return
    if summary.span is None:
        newest = frame.freshness.newest
        empty.nothing_in_range(frame.choice, moment(newest, settings.zone, language) if newest else "–", language)
        return
    _sentence(frame, view)
    strip(view, frame)
    causes = st.container(key="why-place")
    _charts(frame, view, pages["requests"])
    st.subheader(t("act_first", language), anchor=False)
    agents_table(view.agents, settings.owners, language)
    with causes:  # read last: over many requests it takes the longest
        why_block(data.why(frame), pages, language)


def _sentence(frame: Frame, view: data.Overview) -> None:
    """The answer as a heading; why, and until when, as one paragraph. What comes from a log is a code span."""
    said = sentence(view.summary, frame.language, frame.settings.zone)
    st.header(plain(said.headline), anchor=False)
    st.markdown(" ".join(text for text in (markdown(said.reason), plain(said.budget)) if text))
    if missing := missing_words(view.coverage, view.losses, frame.settings.zone, frame.language):
        st.caption(f":material/report: {plain(missing)}")


def _charts(frame: Frame, view: data.Overview, requests: Page) -> None:
    language, limits = frame.language, frame.settings.limit_values
    look = frame.look
    left, right = st.columns(2, border=True)
    with left:
        st.markdown(f"**{plain(t('heatmap', language))}**", help=plain(t("heatmap_help", language)))
        spec = charts.heatmap(look, data.HEATMAP[1], limits.limit_ms)
        title = t("heatmap", language)
        cell = draw_to_pick(spec, theme.CHART_HEIGHT, "heatmap", title, rows=view.heat, pick=charts.PICKED)
        if cell:
            address.go(requests, rows_of_cell(frame.choice, cell, st.query_params.to_dict()))
    with right:
        st.markdown(f"**{plain(t('trend', language))}**", help=plain(t("trend_help", language)))
        spec = trend(look, data.TREND[1], limits)
        draw(spec, theme.CHART_HEIGHT, "trend", t("trend", language), rows=view.trend, deploys=view.deploys)
