"""The error budget: the answer, three numbers for each objective, its course, its burn, who spent it, and what if."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from core.text import number, percent
from metrics.sentence import budget_said
from pages.budget import charts
from pages.budget.reading import courses, spent_by, trial
from pages.budget.table import BREAKDOWNS, ledger_table, pairs_table
from pages.budget.words import named, three, tried
from pages.shared import address, theme
from pages.shared.controls import show, switch
from pages.shared.draw import draw
from pages.shared.figures import figures
from pages.shared.frame import nothing_yet
from pages.shared.selected import nothing_selected
from pages.shared.text import plain, round_seconds, t

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamlit.navigation.page import Page

    from pages.budget.reading import Course
    from pages.shared.frame import Frame


def render(frame: Frame, pages: Mapping[str, Page]) -> None:
    """Draw the page, or say why there is nothing to draw."""
    if nothing_yet(frame) or nothing_selected(frame):
        return
    found = courses(frame)
    st.header(plain(_said(found[0], frame)), anchor=False)
    for place, course in enumerate(found):
        _objective(course, str(place), frame, sentence=place > 0)
    _ledger(found, frame, pages["requests"])
    _what_if(frame)


def _said(course: Course, frame: Frame) -> str:
    return budget_said(course.down.budget, frame.age, frame.now, frame.language, frame.settings.zone)


def _objective(course: Course, place: str, frame: Frame, *, sentence: bool) -> None:
    language = frame.language
    st.subheader(plain(named(course.objective, language)), anchor=False)
    if sentence:
        st.markdown(plain(_said(course, frame)))
    figures(three(course, language), f"budget-{place}", language)
    left, right = st.columns([3, 2], border=True)
    with left:
        st.markdown(f"**{plain(t('budget_course', language))}**", help=plain(t("budget_course_help", language)))
        title = t("budget_course", language)
        draw(charts.burn_down(frame.look), theme.CHART_HEIGHT, f"burn-down-{place}", title, rows=course.rows)
        if course.down.band.is_empty() and course.down.budget.outlook != "spent":
            st.caption(plain(t("budget_no_band", language)))
    with right:
        st.markdown(f"**{plain(t('budget_burn', language))}**", help=plain(t("budget_burn_more", language)))
        if course.down.pairs:
            pairs_table(course.down.pairs, f"budget-pairs-{place}", language)
        fires = any(pair.state == "fires" for pair in course.down.pairs)
        st.caption(plain(t("budget_burn_fires" if fires else "budget_burn_quiet", language)))


def _ledger(found: Sequence[Course], frame: Frame, requests: Page) -> None:
    language = frame.language
    st.subheader(t("budget_who", language), anchor=False)
    names = [course.objective.name for course in found]
    with st.container(horizontal=True, vertical_alignment="center", key="budget-ledgerbar"):
        name = _switch("objective", names, names[0], t("budget_objective", language)) if names[1:] else names[0]
        words = {by: t(f"budget_of_{by}", language) for by in BREAKDOWNS}
        by = _switch("by", list(words), next(iter(words)), t("budget_who", language), words)
    course = found[names.index(name)]
    ledger = spent_by(found, frame)[name]
    if not ledger.spent:
        st.markdown(plain(t("budget_nothing_spent", language)))
        return
    ledger_table(ledger, by, course.objective, frame, requests)
    said = {"spent": number(ledger.spent, language), "unit": t(f"budget_unit_{course.objective.by}", language)}
    st.caption(plain(t("budget_sums", language, **said, share=percent(course.down.budget.consumed, language))))


def _switch(name: str, options: list[str], usual: str, label: str, words: Mapping[str, str] | None = None) -> str:
    """A choice that the URL keeps under `name`."""
    wanted = st.query_params.get(name, "")
    wanted = wanted if wanted in options else usual
    shown = {option: words[option] if words else plain(option) for option in options}
    switch(label, shown, wanted, lambda chosen: address.change({name: chosen}), key=f"budget.{name}")
    return wanted


def _what_if(frame: Frame) -> None:
    language, found = frame.language, trial(frame)
    st.subheader(t("budget_try", language), anchor=False)
    st.markdown(plain(t("budget_try_about", language, limit=round_seconds(found.in_force_ms, language))))
    limits = {f"{limit:g}": limit for limit in found.outcomes}
    wanted = limits.get(st.query_params.get("limit", ""), found.in_force_ms)
    show("budget.limit", wanted)
    st.select_slider(
        t("budget_try_limit", language),
        list(limits.values()),
        format_func=lambda limit: round_seconds(limit, language),
        key="budget.limit",
        on_change=lambda: address.change({"limit": f"{st.session_state['budget.limit']:g}"}),
    )
    outcome = found.outcomes[wanted]
    st.markdown(plain(t("budget_try_is_exact" if outcome.exact else "budget_try_is_bound", language)))
    figures(tried(outcome, language), "budget-try", language)
    with st.container(border=True, key="budget-try-chart"):
        title = t("budget_try_chart", language)
        st.markdown(f"**{plain(title)}**", help=plain(t("budget_try_chart_help", language)))
        chosen = (pl.int_range(pl.len()) == list(found.outcomes).index(wanted)).alias(charts.CHOSEN)
        spec = charts.what_if(frame.look, found.in_force_ms)
        draw(spec, theme.CHART_HEIGHT, "budget-what-if", title, rows=found.rows.with_columns(chosen))
