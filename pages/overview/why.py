"""Is it getting worse, and why: a verdict, one sentence, and the requests to look at. Names are log text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import streamlit as st

from metrics.sentence import Part
from metrics.why_sentence import listed, why_sentence
from pages.shared.text import code, markdown, plain, t

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
MOST = 2
"""Further causes beside the first."""


def why_block(found: Why, one: Page, language: Language) -> None:
    """One bordered block: what moved most, what made the difference, and what else did; `one` opens an example."""
    moved = found.answer
    outcome = moved.verdict.outcome if found.baseline else "too_few"
    icon, colour = BADGES[outcome]
    with st.container(border=True, key="why", gap="xsmall"):
        st.badge(plain(t(f"verdict_{outcome}", language)), icon=f":material/{icon}:", color=colour)
        if outcome == "no_evidence" and not moved.causes:
            st.markdown(plain(t("why_nothing_to_name", language)))
            return
        st.markdown(markdown(why_sentence(found, language)))
        if moved.raised and moved.examples[0]:
            _examples(moved.examples[0], one, language)
        if others := list(further(found, language)):
            st.caption(" · ".join([plain(t("why_also", language)), *(markdown(other) for other in others)]))


def _examples(ids: Sequence[str], one: Page, language: Language) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="examples"):
        st.caption(plain(t("why_examples", language)), width="content")
        for name in ids:
            st.page_link(one, label=code(name), query_params=st.query_params.to_dict() | {"id": name})


def further(found: Why, language: Language) -> Iterator[tuple[Part, ...]]:
    """The other causes of what moved most, and the first of every other measure that rose."""
    moved = found.answer
    items = [(moved, cause) for cause in moved.causes[1:]]
    items += [(other, other.raised[0]) for other in found.moved.values() if other is not moved and other.raised]
    for other, cause in items[:MOST]:
        measure = t(f"moved_{other.measure}", language)
        yield (Part(f"{measure}: "), *listed(cause, language))
