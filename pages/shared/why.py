"""What every answer to "why" has in common: the verdict as a badge, and requests to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import streamlit as st

from pages.shared.text import code, plain, t

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamlit.navigation.page import Page

    from core.text import Language
    from metrics.verdict import Outcome
    from metrics.why_answer import Why

BADGES: dict[Outcome, tuple[str, Literal["red", "green", "gray"]]] = {
    "worse": ("trending_up", "red"),
    "better": ("trending_down", "green"),
    "no_evidence": ("trending_flat", "gray"),
    "too_few": ("hourglass_empty", "gray"),
}


def outcome_of(found: Why) -> Outcome:
    """The verdict on the measure spoken of; without a past there is too little to compare."""
    return found.answer.verdict.outcome if found.baseline else "too_few"


def verdict_badge(found: Why, language: Language) -> None:
    """Worse, better, no clear change, or too little to compare."""
    outcome = outcome_of(found)
    icon, colour = BADGES[outcome]
    st.badge(plain(t(f"verdict_{outcome}", language)), icon=f":material/{icon}:", color=colour)


def examples(ids: Sequence[str], one: Page, language: Language, key: str = "examples") -> None:
    """Requests to look at, each with a link to the page `one` about it; ids are log text."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=key):
        st.caption(plain(t("why_examples", language)), width="content")
        for name in ids:
            st.page_link(one, label=code(name), query_params=st.query_params.to_dict() | {"id": name})
