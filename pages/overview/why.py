"""Is it getting worse, and why: a verdict, one sentence, and the requests to look at. Names are log text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from metrics.sentence import Part
from metrics.why_sentence import listed, why_sentence
from pages.shared.text import markdown, plain, t
from pages.shared.why import examples, outcome_of, verdict_badge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streamlit.navigation.page import Page

    from core.text import Language
    from metrics.why_answer import Why

MOST = 2
"""Further causes beside the first."""


def why_block(found: Why, pages: Mapping[str, Page], language: Language) -> None:
    """One bordered block: what moved most, what made the difference, what else did, and the ways to look closer."""
    moved = found.answer
    with st.container(border=True, key="why", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", key="why.head"):
            verdict_badge(found, language)
            st.page_link(
                pages["why"],
                label=plain(t("why_more", language)),
                icon=":material/arrow_forward:",
                icon_position="right",
                query_params=st.query_params.to_dict(),
                width="content",
            )
        if outcome_of(found) == "no_evidence" and not moved.causes:
            st.markdown(plain(t("why_nothing_to_name", language)))
            return
        st.markdown(markdown(why_sentence(found, language)))
        if moved.raised and moved.examples[0]:
            examples(moved.examples[0], pages["request"], language)
        if others := list(further(found, language)):
            st.caption(" · ".join([plain(t("why_also", language)), *(markdown(other) for other in others)]))


def further(found: Why, language: Language) -> Iterator[tuple[Part, ...]]:
    """The other causes of what moved most, and the first of every other measure that rose."""
    moved = found.answer
    items = [(moved, cause) for cause in moved.causes[1:]]
    items += [(other, other.raised[0]) for other in found.moved.values() if other is not moved and other.raised]
    for other, cause in items[:MOST]:
        measure = t(f"moved_{other.measure}", language)
        yield (Part(f"{measure}: "), *listed(cause, language))
