"""What a visitor may do about alerts here. Whether they may is asked again when they do it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from alerting import actions
from core.errors import BurnlineError
from core.text import age, moment
from core.timespan import utc_now
from pages.access import door
from pages.shared.text import code, plain, t

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from pathlib import Path

    from alerting.archive import Story
    from alerting.silences import Silence
    from core.access import Role
    from core.text import Language
    from pages.shared.frame import Frame

NEEDS: Role = "analyst"
LENGTHS = tuple(timedelta(hours=hours) for hours in (1, 4, 24, 72))
"""How long people snooze and silence."""
NOBODY = "dashboard"
"""Who acts where nobody logs in."""
_SAID = "alerts.said"


def may_act(frame: Frame) -> bool:
    """Whether this visitor may change anything."""
    return door.visitor_now(frame.settings).may(NEEDS)


def answer() -> None:
    """What came of the last act, once."""
    if said := st.session_state.pop(_SAID, None):
        done, text = said
        (st.success if done else st.warning)(plain(text), icon=":material/check:" if done else ":material/error:")


def about(one: Story, frame: Frame, key: str) -> None:
    """Acknowledge, snooze, useful, noise: what this visitor may do about an incident."""
    if not may_act(frame):
        return
    language = frame.language
    with st.container(horizontal=True, gap="small", key=f"alerts-acts-{key}"):
        if one.open and one.acked_at is None:
            _button(
                "acknowledge", "done", frame, key, lambda who, now: actions.acknowledge(_state(frame), one.id, who, now)
            )
        if one.open:
            with st.popover(t("alerts_snooze", language), icon=":material/snooze:", key=f"alerts.snooze-{key}"):
                for number, length in enumerate(LENGTHS):
                    st.button(
                        age(length, language),
                        key=f"alerts.snooze-{key}-{number}",
                        type="tertiary",
                        on_click=partial(_act, frame, "snooze", _snoozing(one, length, frame)),
                    )
        for verdict, icon, mark in (
            ("useful", "thumb_up", actions.mark_useful),
            ("noise", "thumb_down", actions.mark_noise),
        ):
            if one.verdict != verdict:
                _button(verdict, icon, frame, key, partial(_mark, mark, one, frame))


def end(silence: Silence, frame: Frame) -> None:
    """End a silence."""
    if may_act(frame):
        _button(
            "end_silence",
            "notifications_active",
            frame,
            str(silence.id),
            lambda who, now: actions.end_silence(_state(frame), silence.id, who, now),
        )


def new_silence(rules: Iterable[str], frame: Frame) -> None:
    """The form of a new silence."""
    language = frame.language
    if not may_act(frame):
        st.caption(plain(t("alerts_may_not", language)))
        return
    with st.popover(t("alerts_silence", language), icon=":material/notifications_off:", key="alerts.silence"):
        st.selectbox(t("alerts_rule", language), list(rules), key="alerts.silence.rule")
        lengths = range(len(LENGTHS))
        st.selectbox(
            t("alerts_for_how_long", language),
            lengths,
            format_func=lambda number: age(LENGTHS[number], language),
            key="alerts.silence.length",
        )
        st.text_input(t("alerts_reason", language), key="alerts.silence.reason", max_chars=200)
        st.button(
            t("alerts_silence_now", language),
            key="alerts.silence.now",
            type="primary",
            on_click=partial(_act, frame, "silence", partial(_silence, frame)),
        )


def silence_words(one: Silence, frame: Frame) -> str:
    """A silence as Markdown: what, until when, why and by whom, the last two as they were typed."""
    language, zone = frame.language, frame.settings.zone
    until = moment(one.ends_at, zone, language)
    key = "alerts_silenced" if one.starts_at <= frame.now else "alerts_to_be_silenced"
    start = moment(one.starts_at, zone, language)
    return f"{code(str(one))} {plain(t(key, language, until=until, start=start))} {code(one.reason)} {code(one.who)}"


def _button(what: str, icon: str, frame: Frame, key: str, act: Callable[[str, datetime], object]) -> None:
    st.button(
        t(f"alerts_do_{what}", frame.language),
        icon=f":material/{icon}:",
        key=f"alerts.{what}-{key}",
        on_click=partial(_act, frame, what, act),
    )


def _act(frame: Frame, what: str, act: Callable[[str, datetime], object]) -> None:
    """Do it as whoever is logged in now, and keep what came of it to be said."""
    language: Language = frame.language
    visitor = door.visitor_now(frame.settings)
    if not visitor.may(NEEDS):
        st.session_state[_SAID] = (False, t("alerts_may_not", language))
        return
    try:
        act(visitor.name or NOBODY, utc_now())
    except BurnlineError as error:
        st.session_state[_SAID] = (False, str(error))
        return
    st.session_state[_SAID] = (True, t(f"alerts_done_{what}", language))


def _snoozing(one: Story, length: timedelta, frame: Frame) -> Callable[[str, datetime], object]:
    return lambda who, now: actions.snooze(_state(frame), one.id, now + length, who, now)


def _mark(mark: Callable[..., object], one: Story, frame: Frame, who: str, now: datetime) -> None:
    mark(_state(frame), one.id, who, now)


def _silence(frame: Frame, who: str, now: datetime) -> None:
    chosen = {name: st.session_state[f"alerts.silence.{name}"] for name in ("rule", "length", "reason")}
    end = now + LENGTHS[chosen["length"]]
    matcher = {"rule": chosen["rule"]}
    actions.silence(_state(frame), matcher, start=now, end=end, reason=chosen["reason"], who=who, now=now)


def _state(frame: Frame) -> Path:
    return frame.services.state
