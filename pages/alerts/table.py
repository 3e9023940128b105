"""Incidents, rules, channels and messages as tables. Titles, groups and errors may quote logs: cells only."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from alerting.programme import delivery_p95
from alerting.rules import labels_of
from alerting.words import seen_shown
from core.text import age, moment, number
from pages.alerts import view
from pages.alerts.words import lasted, length, standing_of
from pages.shared.rows import ROW_HEIGHT, clicked, height
from pages.shared.text import t

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alerting.archive import Archive, Delivery, Episode, RuleState, Story
    from alerting.rules import Rule
    from core.text import Language
    from pages.shared.frame import Frame

_TEXT = st.column_config.TextColumn
_RIGHT = partial(st.column_config.TextColumn, alignment="right")
MOST_SHOWN, MOST_MESSAGES = 12, 50


def incidents_table(shown: Sequence[Story], frame: Frame) -> None:
    """What is over, the newest first; a click on one tells its story."""
    language, zone = frame.language, frame.settings.zone
    rows = pl.DataFrame(
        {
            "since": moment(one.since, zone, language),
            "severity": t(f"alerts_severity_{one.severity}", language),
            "title": one.message.title,
            "lasted": lasted(one, frame),
            "messages": number(sum(each.state == "sent" for each in one.deliveries), language),
            "known": standing_of(one, frame),
        }
        for one in shown
    )
    picked = clicked(
        rows,
        {
            "since": _TEXT(t("alerts_since", language), width=130),
            "severity": _TEXT(t("alerts_severity", language), width=100),
            "title": _TEXT(t("alerts_what", language), width=420),
            "lasted": _RIGHT(t("alerts_lasted", language), width=90),
            "messages": _RIGHT(t("alerts_messages", language), width=90),
            "known": _TEXT(t("alerts_known", language), width=220),
        },
        key="alerts.history",
        alt=t("alerts_history", language),
        pixels=height(min(len(shown), MOST_SHOWN)),
    )
    if picked is not None:
        view.show_incident(shown[picked].id)
        st.rerun()


def rules_table(known: Mapping[str, Rule], states: Sequence[RuleState], frame: Frame) -> None:
    """Every rule in force with its state and why."""
    language = frame.language
    by_key = {state.key: state for state in states}
    rules = list(known.values())
    rows = pl.DataFrame(
        {
            "rule": rule.name,
            "condition": str(rule.condition),
            "severity": t(f"alerts_severity_{rule.severity}", language),
            "state": t(f"alerts_state_{state.state}", language) if (state := by_key.get(rule.name)) else "–",
            "seen": _seen(state, language),
            "since": age(frame.now - state.since, language) if state and state.since else "",
        }
        for rule in rules
    )
    st.dataframe(
        rows,
        hide_index=True,
        row_height=ROW_HEIGHT,
        height=height(min(len(rules), MOST_SHOWN)),
        key="alerts-rules",
        column_config={
            "rule": _TEXT(t("alerts_rule", language), width=170),
            "condition": _TEXT(t("alerts_condition", language), width=230),
            "severity": _TEXT(t("alerts_severity", language), width=100),
            "state": _TEXT(t("alerts_state", language), width=110),
            "seen": _TEXT(t("alerts_seen", language), width=330),
            "since": _RIGHT(t("alerts_for", language), width=80),
        },
        alt=t("alerts_rules", language),
    )


def groups_firing(states: Sequence[RuleState]) -> list[RuleState]:
    """The groups of rules that are not quiet."""
    return [state for state in states if labels_of(state.key)[1] and state.state != "ok"]


def channels_table(found: Archive, frame: Frame) -> None:
    """What became of the messages, channel by channel."""
    language = frame.language
    channels = dict.fromkeys([*frame.settings.channels, *(one.channel for one in found.deliveries)])
    rows = []
    for name in channels:
        mine = [one for one in found.deliveries if one.channel == name]
        waits = delivery_p95(mine)
        waiting = [one for one in mine if one.state in ("queued", "sending", "failed")]
        lost = [one for one in mine if one.state == "dead"]
        errors = [one.error for one in (*lost, *waiting) if one.error]
        rows.append(
            {
                "channel": name,
                "sent": number(sum(one.state == "sent" for one in mine), language),
                "first": number(sum(one.state == "sent" and one.attempts == 1 for one in mine), language),
                "p95": length(waits.value, language) if waits else "–",
                "waiting": number(len(waiting), language),
                "lost": number(len(lost), language),
                "held": number(sum(one.state == "capped" for one in mine), language),
                "error": errors[-1] if errors else "",
            }
        )
    names = ("sent", "first", "p95", "waiting", "lost", "held")
    st.dataframe(
        pl.DataFrame(rows),
        hide_index=True,
        key="alerts-channels",
        column_config={
            "channel": _TEXT(t("alerts_channel", language), width=160),
            **{
                name: _RIGHT(t(f"alerts_col_{name}", language), help=t(f"alerts_col_help_{name}", language), width=105)
                for name in names
            },
            "error": _TEXT(t("alerts_error", language), width=300),
        },
        alt=t("alerts_channels", language),
    )


def episodes_table(shown: Sequence[Episode], frame: Frame) -> None:
    """Which rules fired, from when to when, and how bad it got."""
    language, zone = frame.language, frame.settings.zone
    st.dataframe(
        pl.DataFrame(
            {
                "rule": one.rule,
                "severity": t(f"alerts_severity_{one.severity}", language),
                "fired": moment(one.fired_at, zone, language, seconds_too=True),
                "ended": moment(one.ended_at, zone, language, seconds_too=True) if one.ended_at else "–",
                "why": t(f"alerts_end_{one.end_reason}", language) if one.end_reason else "",
                "worst": one.worst,
            }
            for one in shown
        ),
        hide_index=True,
        key="alerts-episodes",
        column_config={
            "rule": _TEXT(t("alerts_rule", language), width=220),
            "severity": _TEXT(t("alerts_severity", language), width=100),
            "fired": _TEXT(t("alerts_fired", language), width=150),
            "ended": _TEXT(t("alerts_ended", language), width=150),
            "why": _TEXT(t("alerts_why_ended", language), width=170),
            "worst": _RIGHT(t("alerts_worst", language), width=100),
        },
        alt=t("alerts_episodes", language),
    )


def messages_table(shown: Sequence[Delivery], frame: Frame) -> None:
    """Every message about it, to whom, and what became of it."""
    language, zone = frame.language, frame.settings.zone
    st.dataframe(
        pl.DataFrame(
            {
                "at": moment(one.decided_at, zone, language, seconds_too=True),
                "event": t(f"alerts_event_{one.event}", language),
                "how": t(f"alerts_how_{one.delivery}", language),
                "channel": one.channel,
                "state": t(f"alerts_sent_{one.state}", language),
                "took": _took(one, language),
                "attempts": number(one.attempts, language),
                "error": one.error,
            }
            for one in shown[:MOST_MESSAGES]
        ),
        hide_index=True,
        key="alerts-messages",
        column_config={
            "at": _TEXT(t("alerts_decided", language), width=150),
            "event": _TEXT(t("alerts_event", language), width=120),
            "how": _TEXT(t("alerts_how", language), width=130),
            "channel": _TEXT(t("alerts_channel", language), width=130),
            "state": _TEXT(t("alerts_outcome", language), width=140),
            "took": _RIGHT(t("alerts_took", language), width=90),
            "attempts": _RIGHT(t("alerts_attempts", language), width=90),
            "error": _TEXT(t("alerts_error", language), width=260),
        },
        alt=t("alerts_messages", language),
    )


def facts_table(one: Story, key: str, language: Language) -> None:
    """The evidence of its message, name by name."""
    st.dataframe(
        pl.DataFrame({"name": fact.name, "value": fact.value} for fact in one.message.facts),
        hide_index=True,
        key=f"alerts-facts-{key}",
        column_config={
            "name": _TEXT(t("alerts_fact", language), width=170),
            "value": _TEXT(t("alerts_value", language), width=520),
        },
        alt=t("alerts_evidence", language),
    )


def _seen(state: RuleState | None, language: Language) -> str:
    """What it saw last: the value with its limit, or why there is none."""
    if state is None:
        return t("alerts_not_yet", language)
    shown = state.shown or seen_shown(state.observed, language)
    few = t("alerts_seen_low_traffic", language)
    return f"{shown} ({few})" if state.observed == "low_traffic" else shown


def _took(one: Delivery, language: Language) -> str:
    if one.accepted_at is None:
        return "–"
    return length((one.accepted_at - one.decided_at).total_seconds() * 1000, language)
