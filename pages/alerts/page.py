"""Alerts: what is open, what was, how alerting itself does, and what a rule would have done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import streamlit as st

from core.text import moment
from pages.alerts import acts, charts, view
from pages.alerts.reading import LOOKED_BACK, archive, figures_of, rules, trial
from pages.alerts.table import (
    channels_table,
    episodes_table,
    facts_table,
    groups_firing,
    incidents_table,
    messages_table,
    rules_table,
)
from pages.alerts.words import (
    below_figures,
    headline,
    lab_notes,
    lab_sentence,
    lab_tiles,
    lasted,
    late_note,
    nearest,
    slug,
    standing_of,
    tiles,
)
from pages.shared import theme
from pages.shared.controls import show
from pages.shared.draw import draw, draw_to_pick
from pages.shared.figures import figures
from pages.shared.frame import nothing_yet
from pages.shared.text import code, plain, t

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamlit.navigation.page import Page

    from alerting.archive import Archive, Story
    from pages.alerts.reading import Trial
    from pages.shared.frame import Frame

BADGES: Mapping[str, Literal["red", "orange", "gray"]] = {"critical": "red", "warning": "orange", "info": "gray"}


def render(frame: Frame, pages: Mapping[str, Page]) -> None:
    """Draw the page: all incidents, or the one the URL names."""
    if nothing_yet(frame):
        return
    asked, found = view.read(st.query_params.to_dict()), archive(frame)
    one = next((each for each in found.incidents if each.id == asked.incident), None)
    if asked.incident:
        _story(one, frame, pages) if one else _unknown(asked.incident, frame)
        return
    st.header(plain(headline(found, frame)), anchor=False)
    if note := late_note(found, frame):
        st.markdown(f":material/warning: {plain(note)}")
    acts.answer()
    _open(found, frame)
    _programme(found, frame)
    _history(found, frame)
    _rules(found, frame)
    _lab(trial(frame, asked), frame)
    _channels(found, frame)


def _open(found: Archive, frame: Frame) -> None:
    """What goes on, with its evidence and what can be done about it."""
    for number, one in enumerate(each for each in found.incidents if each.open):
        with st.container(border=True, key=f"alerts-open-{number}"):
            _title(one, frame)
            st.text(one.message.sentence)
            if one.message.action:
                st.text(one.message.action)
            facts_table(one, str(number), frame.language)
            acts.about(one, frame, str(number))
            st.button(
                t("alerts_story", frame.language),
                icon=":material/arrow_forward:",
                type="tertiary",
                key=f"alerts.story-{number}",
                on_click=view.show_incident,
                args=(one.id,),
            )


def _title(one: Story, frame: Frame) -> None:
    language = frame.language
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"alerts-title-{one.id}"):
        st.badge(plain(t(f"alerts_severity_{one.severity}", language)), color=BADGES[one.severity])
        at = moment(one.since, frame.settings.zone, language)
        st.markdown(plain(t("alerts_since_for", language, at=at, age=lasted(one, frame))), width="content")
        if known := standing_of(one, frame):
            st.text(known, width="content")
    st.subheader(code(one.message.title), anchor=False)


def _programme(found: Archive, frame: Frame) -> None:
    """How alerting itself does."""
    programme = figures_of(frame, found)
    st.subheader(t("alerts_programme", frame.language), anchor=False)
    figures(tiles(programme, frame.language), "alerts", frame.language)
    st.caption(plain(below_figures(programme, frame.language)))


def _history(found: Archive, frame: Frame) -> None:
    """What there was, over time and in rows."""
    language = frame.language
    st.subheader(t("alerts_history", language), anchor=False)
    if not found.incidents:
        st.markdown(plain(t("alerts_history_none", language)))
        return
    with st.container(border=True, key="alerts-timeline-box"):
        label = t("alerts_timeline", language)
        st.markdown(f"**{plain(label)}**", help=plain(t("alerts_timeline_help", language)))
        rows = charts.history_rows(found, frame, LOOKED_BACK)
        picked = draw_to_pick(
            charts.history(frame.look), charts.pixels(found), "alerts-timeline", label, rows=rows, pick=charts.PICK
        )
        if name := picked.get("id"):
            view.show_incident(str(name))
            st.rerun()
    over = [one for one in found.incidents if not one.open]
    if over:
        incidents_table(over, frame)


def _rules(found: Archive, frame: Frame) -> None:
    """Every rule with what it sees, and the silences."""
    language, known = frame.language, rules(frame)
    st.subheader(t("alerts_rules", language), anchor=False)
    if not known:
        st.markdown(plain(t("alerts_rules_none", language)))
    else:
        rules_table(known, found.rules, frame)
    for state in groups_firing(found.rules):
        st.markdown(f"{code(state.key)} {plain(t(f'alerts_state_{state.state}', language))} {code(state.shown)}")
    active = [one for one in found.silences if one.ends_at > frame.now]
    for one in active:
        with st.container(horizontal=True, vertical_alignment="center", key=f"alerts-silence-{one.id}"):
            st.markdown(f":material/notifications_off: {acts.silence_words(one, frame)}", width="content")
            acts.end(one, frame)
    if known:
        acts.new_silence(known, frame)


def _lab(found: Trial | None, frame: Frame) -> None:
    """What the chosen rule would have done at the chosen limit."""
    language, known = frame.language, rules(frame)
    st.subheader(t("alerts_lab", language), anchor=False)
    if found is None:
        st.markdown(plain(t("alerts_lab_none", language)))
        return
    with st.container(border=True, key="alerts-lab"):
        show("alerts.rule", found.rule.name)
        st.selectbox(
            t("alerts_rule", language),
            list(known),
            key="alerts.rule",
            on_change=lambda: view.try_rule(st.session_state["alerts.rule"]),
        )
        st.code(str(found.found.rule.condition), language=None)
        if found.limits:
            show("alerts.limit", found.limit or nearest(found))
            st.select_slider(
                t("alerts_limit", language),
                found.limits,
                key="alerts.limit",
                on_change=lambda: view.try_limit(st.session_state["alerts.limit"]),
            )
        st.markdown(f"**{plain(lab_sentence(found.found, frame))}**")
        if found.found.missing:
            st.text(found.found.missing)
            return
        figures(lab_tiles(found.found, language), "lab", language)
        if found.suggestion:
            label = t("alerts_ladder", language)
            st.markdown(f"**{plain(label)}**", help=plain(t("alerts_ladder_help", language)))
            draw(charts.ladder(frame.look), theme.CHART_HEIGHT, "alerts-ladder", label, rows=charts.ladder_rows(found))
        for note in lab_notes(found.found, found.suggestion, language):
            st.caption(plain(note))


def _channels(found: Archive, frame: Frame) -> None:
    language = frame.language
    st.subheader(t("alerts_channels", language), anchor=False)
    st.caption(plain(t("alerts_channels_help", language)))
    channels_table(found, frame)


def _story(one: Story, frame: Frame, pages: Mapping[str, Page]) -> None:
    """One incident from its first sign to its end."""
    language = frame.language
    _back(frame)
    acts.answer()
    _title(one, frame)
    st.text(one.message.sentence)
    for line in filter(None, (one.message.note, one.message.action, one.message.runbook, one.message.owner)):
        st.text(line)
    acts.about(one, frame, "story")
    st.page_link(
        pages["why"],
        label=t("alerts_to_why", language),
        icon=":material/arrow_forward:",
        query_params=view.around(one, rules(frame), frame.now, st.query_params.to_dict()),
    )
    if one.message.facts:
        st.subheader(t("alerts_evidence", language), anchor=False)
        facts_table(one, "story", language)
    for section in one.message.sections:
        st.text(section.title)
        for line in section.lines:
            st.text(line)
    st.subheader(t("alerts_episodes", language), anchor=False)
    episodes_table(one.episodes, frame)
    st.subheader(t("alerts_messages", language), anchor=False)
    if one.deliveries:
        messages_table(one.deliveries, frame)
    else:
        st.markdown(plain(t("alerts_messages_none", language)))
    st.subheader(t("alerts_deeds", language), anchor=False)
    if not one.deeds:
        st.markdown(plain(t("alerts_deeds_none", language)))
    for deed in one.deeds:
        at = moment(deed.at, frame.settings.zone, language)
        st.text(" · ".join(filter(None, (at, deed.who, t(f"alerts_deed_{slug(deed.action)}", language), deed.detail))))


def _unknown(name: str, frame: Frame) -> None:
    """An incident that is not kept, or older than what is shown."""
    _back(frame)
    st.header(plain(t("alerts_no_such", frame.language)), anchor=False)
    st.text(name)


def _back(frame: Frame) -> None:
    st.button(
        t("alerts_back", frame.language),
        icon=":material/arrow_back:",
        type="tertiary",
        key="alerts.back",
        on_click=view.show_all,
    )
