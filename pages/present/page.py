"""The weekly meeting on one screen: large type, five slides that go on by themselves, and one file to send."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import streamlit as st

from pages.cost import charts as cost
from pages.present import report
from pages.present.slides import about, read, slides
from pages.present.view import View, share_over
from pages.present.view import read as read_view
from pages.shared import address, data, theme
from pages.shared.draw import draw
from pages.shared.frame import nothing_yet, pulse
from pages.shared.selected import nothing_selected
from pages.shared.text import code, markdown, plain, t
from pages.shared.trend import trend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamlit.navigation.page import Page

    from core.text import Language
    from pages.present.slides import Actor, Shown, Slide
    from pages.shared.frame import Frame


def render(frame: Frame, pages: Mapping[str, Page]) -> None:
    """Draw the slide the address names, or say why there is none."""
    if nothing_yet(frame) or nothing_selected(frame):
        return
    shown = read(frame)
    made = slides(shown, frame, frame.language)
    view = read_view(st.query_params.to_dict(), [slide.name for slide in made])
    with st.container(key="slide"):
        _slide(made[view.place], frame)
        _chart(view.name, shown, frame)
    _bar(view, frame, pages["overview"], lambda: report.html(shown, frame))


def _slide(slide: Slide, frame: Frame) -> None:
    language = frame.language
    st.caption(" · ".join(said for said in (plain(slide.title), markdown(about(frame, language)).strip()) if said))
    st.header(plain(slide.headline), anchor=False)
    if slide.text:
        st.markdown(markdown(slide.text))
    if slide.note:
        st.caption(f":material/report: {plain(slide.note)}")
    for place, actor in enumerate(slide.actors):
        with st.container(horizontal=True, vertical_alignment="center", key=f"actor-{place}"):
            st.markdown(_named(actor, language))
    if slide.facts:
        with st.container(key=f"tiles-{slide.name}"):
            grid = st.grid(len(slide.facts), min_column_width=150, key=f"tilegrid{len(slide.facts)}-{slide.name}")
            for fact in slide.facts:
                with grid.container(border=True, height="stretch", gap="xsmall", key=f"fact-{slide.name}-{fact.name}"):
                    st.metric(fact.label, fact.value)
                    st.caption(plain(fact.note) if fact.note else "")


def _chart(name: str, shown: Shown, frame: Frame) -> None:
    """Where a picture says more: how latency moves, and what the money bought."""
    language = frame.language
    if name == "answer":
        spec, view = trend(frame.look, data.TREND[1], frame.settings.limit_values), shown.overview
        draw(spec, theme.CHART_HEIGHT, "present-trend", t("trend", language), rows=view.trend, deploys=view.deploys)
    elif name == "cost" and shown.costs is not None and shown.costs.spend.total is not None:
        bar = cost.parts_bar(frame.look)
        draw(bar, theme.BAR_HEIGHT, "present-cost", t("cost_parts", language), rows=shown.costs.parts)


def _named(actor: Actor, language: Language) -> str:
    """Who, how many, what share of their own, who acts."""
    name = code(actor.agent) if actor.agent is not None else plain(t("unnamed", language))
    words = [name, *(f"{plain(fact.label)} **{plain(fact.value)}**" for fact in (actor.timeouts, actor.rate))]
    if actor.owner:
        words.append(plain(t("present_owner", language, owner=actor.owner)))
    return " · ".join(words)


def _bar(view: View, frame: Frame, back: Page, made: report.Made) -> None:
    """Below: how long it stands, the way through, the age of the data, the file, and the way out."""
    language = frame.language
    with st.container(key="present-clock", height=12, border=False):
        if not view.paused:
            _clock(view)
    with st.container(horizontal=True, vertical_alignment="center", key="present-bar"):
        _turn("previous", "arrow_back", "left", view.to(-1), language)
        name, icon = ("play", "play_arrow") if view.paused else ("pause", "pause")
        _turn(name, icon, "P", view.turned(), language)
        _turn("next", "arrow_forward", "right", view.to(1), language)
        place = t("present_place", language, place=view.ordinal, count=len(view.names))
        st.caption(plain(place), width="content")
        with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", key="leave"):
            pulse(frame.services, language)
            st.download_button(
                t("present_file", language),
                made,
                file_name="burnline.html",
                mime="text/html",
                icon=":material/download:",
                type="tertiary",
                on_click="ignore",
            )
            others = {k: v for k, v in st.query_params.to_dict().items() if k not in ("slide", "paused")}
            st.page_link(back, query_params=others, width="content")


def _turn(name: str, icon: str, shortcut: str, to: Mapping[str, str | None], language: Language) -> None:
    st.button(
        "",
        key=f"present.{name}",
        icon=f":material/{icon}:",
        help=t(f"present_{name}", language),
        shortcut=shortcut,
        on_click=address.change,
        args=(to,),
    )


@st.fragment(run_every="1s", key="present.clock")
def _clock(view: View) -> None:
    """Once a second: how much of this slide's time is over; then the next."""
    address.settle()
    now, kept = time.monotonic(), st.session_state.get("present")
    if kept is None or kept[0] != view.name:
        kept = (view.name, now)
        st.session_state["present"] = kept
    over = share_over(kept[1], now)
    st.progress(min(over, 1.0), width="stretch")
    if over >= 1:
        address.change(view.to(1))
        st.rerun()
