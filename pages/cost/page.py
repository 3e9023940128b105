"""Cost: what was spent, what of it bought nothing, on whom and on what, and what a month comes to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from core.text import moment, money, number, percent, seconds
from pages.cost import charts
from pages.cost.prices import prices_yaml
from pages.cost.reading import GROUPS, costs, of_month
from pages.cost.table import at_least, groups_table
from pages.cost.tiles import month_figures, saved_figures, spend_figures, token_figures, waste_figures
from pages.shared import address, theme
from pages.shared.controls import switch
from pages.shared.draw import draw
from pages.shared.figures import figures
from pages.shared.frame import nothing_yet
from pages.shared.selected import nothing_selected
from pages.shared.text import plain, t

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamlit.navigation.page import Page

    from pages.cost.reading import Costs
    from pages.shared.frame import Frame

DAY = timedelta(days=1)
LINE = '"model": "gpt-4o-mini", "tokens_used": {"input": 1200, "output": 300}, "cost_usd": 0.0004, "billed": true'
"""What makes the cost of a request or call known: its cost, or model and tokens with a price in the settings."""


def render(frame: Frame, pages: Mapping[str, Page]) -> None:
    """Draw the page, or say why there is nothing to draw."""
    if nothing_yet(frame) or nothing_selected(frame):
        return
    found = costs(frame)
    if found is None:
        return
    _headline(found, frame)
    if found.spend.total is None:
        _unknown(found, frame)
        _tokens(found, frame)
        return
    figures(spend_figures(found, frame.language), "spend", frame.language)
    _where_it_went(found, frame, pages)
    _over_time(found, frame)
    _groups(found, frame, pages)
    _fallback(found, frame, pages)
    _tokens(found, frame)
    _unknown(found, frame)


def _headline(found: Costs, frame: Frame) -> None:
    language, spend = frame.language, found.spend
    if spend.spent is None or spend.wasted is None:
        st.header(plain(t("cost_headline_none", language)), anchor=False)
    else:
        said = {
            "spent": at_least(spend.spent, spend.unknown, language),
            "wasted": money(spend.wasted, language),
            "share": percent(found.wasted_share, language),
        }
        key = "cost_headline" if spend.wasted else "cost_headline_all_good"
        st.header(plain(t(key, language, **said)), anchor=False)
    count, total = number(found.read, language), number(found.total, language)
    since = moment(found.span.start, frame.settings.zone, language)
    key = "cost_about" if found.read == found.total else "cost_about_newest"
    st.markdown(plain(t(key, language, count=count, total=total, since=since)))


def _where_it_went(found: Costs, frame: Frame, pages: Mapping[str, Page]) -> None:
    language = frame.language
    with st.container(border=True, key="cost-parts"):
        st.markdown(f"**{plain(t('cost_parts', language))}**", help=plain(t("cost_parts_help", language)))
        draw(charts.parts_bar(frame.look), theme.BAR_HEIGHT, "cost-bar", t("cost_parts", language), rows=found.parts)
        st.markdown(plain(t("cost_sum", language, **_sums(found, frame))))
        with st.container(horizontal=True, gap="small", key="cost-waste-links"):
            for view in ("timeouts", "failed"):
                st.page_link(
                    pages["requests"],
                    label=t(f"cost_to_{view}", language),
                    icon=":material/arrow_forward:",
                    query_params=st.query_params.to_dict() | {"view": view},
                )
    figures(waste_figures(found.spend, language), "waste", language)


def _sums(found: Costs, frame: Frame) -> dict[str, str]:
    names = ("billed_ok", "wasted", "unbilled", "total")
    return {name: money(getattr(found.spend, name), frame.language) for name in names}


def _over_time(found: Costs, frame: Frame) -> None:
    """The chosen range by slots; the last 30 days by day, and what they come to."""
    language, look = frame.language, frame.look
    left, right = st.columns(2, border=True)
    with left:
        st.markdown(f"**{plain(t('cost_over_time', language))}**", help=plain(t("cost_over_time_help", language)))
        spec = charts.over_time(look, found.width)
        draw(spec, theme.CHART_HEIGHT, "cost-over-time", t("cost_over_time", language), rows=found.over)
    month, days = of_month(frame)
    with right:
        st.markdown(f"**{plain(t('cost_days', language))}**", help=plain(t("cost_days_help", language)))
        spec = charts.over_time(look, DAY)
        draw(spec, theme.CHART_HEIGHT, "cost-by-day", t("cost_days", language), rows=days)
    st.subheader(t("cost_month", language), anchor=False)
    figures(month_figures(month, frame.settings, language), "month", language)
    if month.unread:
        st.caption(plain(t("cost_month_unread", language, days=number(month.unread, language))))


def _groups(found: Costs, frame: Frame, pages: Mapping[str, Page]) -> None:
    language = frame.language
    by = st.query_params.get("by", "")
    by = by if by in GROUPS else next(iter(GROUPS))
    st.subheader(t("cost_groups", language), anchor=False)
    words = {name: t(f"cost_by_{name}", language) for name in GROUPS}
    switch(t("cost_groups", language), words, by, lambda name: address.change({"by": name}), key="cost.by")
    groups = found.groups[by]
    if groups["group"].null_count() == groups.height:
        st.markdown(plain(t(f"cost_none_by_{by}", language)))
        return
    groups_table(groups, by, found.spend.spent, pages["requests"], language)


def _fallback(found: Costs, frame: Frame, pages: Mapping[str, Page]) -> None:
    language, card = frame.language, found.fallback
    st.subheader(t("cost_fallback_score", language), anchor=False)
    if not card.bad:
        st.markdown(plain(t("cost_fallback_zero", language)))
        return
    counts = {name: number(getattr(card, name), language) for name in ("bad", "saved", "felt")}
    st.markdown(plain(t("cost_fallback_some", language, **counts)))
    figures(saved_figures(found, language), "saved", language)
    why = {name: count for name, count in card.felt_by.items() if count}
    listed = ", ".join(t(f"cost_felt_{name}", language, count=number(count, language)) for name, count in why.items())
    if listed:
        st.caption(plain(t("cost_felt", language, list=listed)))
    if (slow := card.fallback_ms["p95"]) is not None:
        st.caption(plain(t("cost_fallback_took", language, p95=seconds(slow, language))))
    st.page_link(
        pages["requests"],
        label=t("cost_to_timeouts", language),
        icon=":material/arrow_forward:",
        query_params=st.query_params.to_dict() | {"view": "timeouts"},
    )


def _tokens(found: Costs, frame: Frame) -> None:
    language = frame.language
    st.subheader(t("cost_tokens", language), anchor=False)
    if found.tokens.input is None and found.tokens.output is None:
        st.markdown(plain(t("cost_tokens_none", language)))
        return
    figures(token_figures(found.tokens, language), "tokens", language)


def _unknown(found: Costs, frame: Frame) -> None:
    """What is not known, and what to write where so that it will be."""
    language = frame.language
    if not found.unpriced.height:
        if found.spend.total is None:
            st.markdown(plain(t("cost_unknown_nothing", language)))
            st.code(LINE, language="json")
        return
    st.subheader(t("cost_unknown", language), anchor=False)
    st.markdown(plain(t("cost_unknown_some", language, count=number(found.spend.unknown, language))))
    priceable, silent = found.unpriced.filter("priceable"), found.unpriced.filter(~pl.col("priceable"))
    if priceable.height:
        count = number(float(priceable["charges"].sum()), language)
        st.markdown(plain(t("cost_unknown_price", language, count=count)))
        st.code(
            prices_yaml(priceable["model"], found.span.start.astimezone(frame.settings.zone).date()), language="yaml"
        )
    if silent.height:
        count = number(float(silent["charges"].sum()), language)
        st.markdown(plain(t("cost_unknown_log", language, count=count)))
        st.code(LINE, language="json")
