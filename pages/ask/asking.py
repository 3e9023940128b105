"""A question put to the store, and its answer: it stands still in the tab until somebody runs one again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import streamlit as st

from core.asked import Answered, QuestionRefused
from pages.ask.queries import queries

if TYPE_CHECKING:
    from datetime import datetime

    from pages.shared.frame import Frame

WITHIN = timedelta(seconds=10)
_ANSWER, _WANTED = "ask.answer", "ask.wanted"


@dataclass(frozen=True, slots=True)
class Reply:
    """What was asked of the sample or of real data, when, and what came of it."""

    sql: str
    demo: bool
    when: datetime
    found: Answered | QuestionRefused


def run(sql: str) -> None:
    """Somebody pressed Run: this question is to be answered once, even when it was before."""
    st.session_state[_WANTED] = sql


def reply(sql: str, frame: Frame) -> Reply | None:
    """The answer to the question of the address; None for one that nobody here asked for.

    A link may be anybody's. Its question is shown, and run when the reader says so; the questions offered run at once.
    """
    wanted = st.session_state.pop(_WANTED, None) == sql
    kept: Reply | None = st.session_state.get(_ANSWER)
    if kept and (kept.sql, kept.demo) == (sql, frame.demo) and not wanted:
        return kept
    if not wanted and sql not in {query.sql for query in queries().values()}:
        return None
    made = Reply(sql, frame.demo, frame.now, _ask(sql, frame))
    st.session_state[_ANSWER] = made
    return made


def _ask(sql: str, frame: Frame) -> Answered | QuestionRefused:
    settings = frame.settings
    try:
        return frame.reader.ask(sql, settings.limit_values, settings.zone, within=WITHIN)
    except QuestionRefused as refused:
        return refused
