"""How to begin, how each role uses the dashboard, and what its words mean. Here also before there is any data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.text import number
from metrics.first_week import done, first_week
from pages.guide.reading import facts
from pages.guide.words import LINES, ROLES, STEPS, WORDS
from pages.shared import address
from pages.shared.controls import switch
from pages.shared.empty import own_logs
from pages.shared.text import plain, t

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamlit.navigation.page import Page

    from metrics.first_week import Step
    from pages.guide.words import Role
    from pages.shared.frame import Frame


def render(frame: Frame, pages: Mapping[str, Page]) -> None:
    """Draw the page."""
    language = frame.language
    steps = first_week(facts(frame))
    ticked = done(steps)
    key = "guide_headline_done" if ticked == len(steps) else "guide_headline"
    st.header(plain(t(key, language, done=ticked, all=len(steps))), anchor=False)
    if frame.demo:
        st.markdown(plain(t("guide_sample", language)))
    grid = st.grid(2, min_column_width=320, gap="xsmall", key="guide-week")
    for step in steps:
        with grid.container(key=f"guide-step-{step.name}"):
            _step(step, frame)
    _roles(frame, pages)
    _words(frame, pages)


def _step(step: Step, frame: Frame) -> None:
    language = frame.language
    icon = ":material/check_circle:" if step.done else ":material/radio_button_unchecked:"
    title = plain(t(f"guide_step_{step.name}", language))
    if step.done:
        with st.container(border=True, key=f"guide-done-{step.name}"):
            st.markdown(f"{icon} {title}")
        return
    with st.expander(f"{icon} {title}{_so_far(step, frame)}", key=f"guide-open-{step.name}"):
        st.markdown(plain(t(f"guide_do_{step.name}", language)))
        if step.name == "file":
            own_logs(language, sample=frame.demo)
        elif line := LINES.get(step.name):
            st.code(line, language="yaml" if step.name in ("objective", "channel") else "json", wrap_lines=True)


def _so_far(step: Step, frame: Frame) -> str:
    if step.need <= 1:
        return ""
    have, need = number(int(step.have), frame.language), number(step.need, frame.language)
    return plain(f" ({t('guide_so_far', frame.language, have=have, need=need)})")


def _roles(frame: Frame, pages: Mapping[str, Page]) -> None:
    language = frame.language
    st.subheader(plain(t("guide_roles", language)), anchor=False)
    wanted = st.query_params.get("role")
    role: Role = next((one for one in ROLES if one == wanted), ROLES[0])
    words = {name: t(f"guide_role_{name}", language) for name in ROLES}
    switch(t("guide_role", language), words, role, lambda name: address.change({"role": name}), key="guide.role")
    with st.container(border=True, key="guide-steps"):
        for number_of, name in enumerate(STEPS[role], 1):
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"guide-way-{name}"):
                st.markdown(f"**{number_of}** {plain(t(f'guide_{role}_{name}', language))}", width="content")
                _link(name, frame, pages)


def _words(frame: Frame, pages: Mapping[str, Page]) -> None:
    language = frame.language
    st.subheader(plain(t("guide_words", language)), anchor=False)
    grid = st.grid(2, min_column_width=320, gap="small", key="guide-words")
    for name, words in WORDS.items():
        with grid.container(border=True, height="stretch", gap="xsmall", key=f"guide-words-{name}"):
            if not _link(name, frame, pages):
                st.markdown(f"**{plain(t(f'guide_group_{name}', language))}**")
            for word in words:
                st.markdown(
                    f"**{plain(t(f'guide_word_{word}', language))}:** {plain(t(f'guide_means_{word}', language))}"
                )


def _link(name: str, frame: Frame, pages: Mapping[str, Page]) -> bool:
    """The way to a page, the choice taken along; whether there is one."""
    if name not in pages:
        return False
    kept = {key: value for key, value in st.query_params.to_dict().items() if key not in ("role", "sql")}
    st.page_link(pages[name], label=t(f"guide_group_{name}", frame.language), query_params=kept)
    return True
