"""The frame of every page: filters, how old the data is, the objective, what is wrong, and the live refresh."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import streamlit as st

from core.services import services as running
from core.text import age, moment, percent
from core.timespan import utc_now
from metrics.freshness import data_age
from metrics.values import DataAge
from pages.shared import address, data, empty, filterbar, filters
from pages.shared.controls import switch
from pages.shared.kept import BEHIND
from pages.shared.look import Look
from pages.shared.text import choose_language, plain, round_seconds, t

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from streamlit.navigation.page import Page

    from core.selection import Freshness, Reader
    from core.services import Services, WorkerHealth
    from core.settings import Settings
    from core.slo import Objective
    from core.text import Language
    from pages.shared.filters import Choice

CSS = Path(__file__).with_name("page.css")
SIDEBAR_WIDTH = 240
"""Pixels; people can drag it wider."""
BEAT = "1s"


@dataclass(frozen=True, slots=True)
class Frame:
    """What a page needs to draw itself once: one moment, one version of the data, one choice."""

    services: Services
    demo: bool
    reader: Reader
    settings: Settings
    language: Language
    choice: Choice
    now: datetime
    freshness: Freshness
    dark: bool
    key: data.Key
    """Under which everything the page reads is kept."""

    @property
    def pinned(self) -> data.Pinned:
        """This moment, for rows that are to stand still; a row from a clock ahead of ours is one of them."""
        newest = self.freshness.newest or self.now
        return data.Pinned(self.key, self.now, max(self.now, newest + timedelta(microseconds=1)))

    @property
    def age(self) -> DataAge:
        """How old the data is, as the pulse says it."""
        return age_now(self.freshness, self.now, demo=self.demo)

    @property
    def look(self) -> Look:
        """How its charts are drawn."""
        return Look(self.language, self.settings.timezone, self.dark)

    @property
    def objective(self) -> Objective:
        """The objective the page is measured against."""
        return self.settings.objective_values[0]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the page last showed, when (seconds, monotonic), and how long that took."""

    seen: tuple[data.Key, tuple[str, ...]]
    at: float
    took: float


def refresh_due(drawn: Drawn, seen: tuple[data.Key, tuple[str, ...]], at: float, behind: float | None = None) -> bool:
    """Whether to draw again: something changed, and drawing has at most a third of this process's time.

    Also when a reading the page was drawn from was older than the data, and is due since `behind`.
    """
    changed = seen != drawn.seen or (behind is not None and at >= behind)
    return changed and at - drawn.at >= max(0.5, 3 * drawn.took)


def nothing_yet(frame: Frame) -> bool:
    """Whether there are no records at all; then the page is how to get some."""
    if frame.age.state != "empty":
        return False
    empty.preparing_sample(frame.language) if frame.demo else empty.no_data(frame.language)
    return True


def open_frame(services: Services) -> Frame:
    """Read the URL, the settings and the data's age once, for one drawing of a page."""
    address.settle()
    settings, demo, reader = services.settings, services.demo, services.reader
    choice, _ = filters.read(st.query_params.to_dict())
    now, freshness = utc_now(), reader.freshness()
    return Frame(
        services,
        demo,
        reader,
        settings,
        language_now(settings),
        choice,
        now,
        freshness,
        st.context.theme.type == "dark",
        data.key(settings, freshness, now, demo=demo),
    )


def language_now(settings: Settings) -> Language:
    """The language of this drawing."""
    return choose_language(st.query_params.get("lang"), settings, st.context.locale)


def sidebar(sections: Mapping[str, Sequence[Page]], frame: Frame) -> None:
    """The way to every page, the choice taken along; the language, which the URL keeps, too; the address to send on."""
    language = frame.language
    with st.sidebar:
        for title, pages in sections.items():
            st.caption(plain(title))
            for page in pages:
                st.page_link(page, query_params=st.query_params.to_dict(), width="stretch")
        st.space("medium")
        switch(
            t("language", language),
            {"en": "English", "vi": "Tiếng Việt"},
            language,
            lambda name: address.change({"lang": name}),
            key="language",
        )
        filterbar.share(frame.choice, frame.now, language)


def header(frame: Frame) -> None:
    """Above every page: the filter bar, the age of the data, the objective; then what is not as it should be."""
    language = frame.language
    with st.container(horizontal=True, vertical_alignment="center", key="bar"):
        known = data.lookup(frame.key, frame.reader)
        filterbar.bar(frame.choice, known, data.releases(frame.key, frame.reader), frame.settings.zone, language)
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right", key="status"):
            with st.container(width="content", key="age"):
                pulse(frame.services, language)
            st.badge(
                plain(objective_text(frame.objective, language)),
                color="gray",
                help=plain(t("objective_help", language)),
            )
    notes = frame.services.notes()
    if frame.choice.filters or frame.demo or notes:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="about"):
            filterbar.in_force(frame.choice, language)
            if frame.demo:
                _sample_note(language)
            if notes:
                _notes(notes, language)
    for name, value in filters.read(st.query_params.to_dict())[1]:
        st.text(t("bad_filter", language, name=name, value=value[:60]))


@contextmanager
def drawing(frame: Frame) -> Iterator[None]:
    """Note what is being drawn and what it took, for the pulse to compare with.

    Noted before anything is drawn: the pulse inside this very run must not find the run before.
    """
    started, before = time.monotonic(), st.session_state.get("drawn")
    seen = (frame.key, tuple(frame.services.notes()))
    st.session_state["drawn"] = Drawn(seen, started, before.took if before else 0.0)
    st.session_state.pop(BEHIND, None)
    yield
    st.session_state["drawn"] = Drawn(seen, started, time.monotonic() - started)


@st.fragment(run_every=BEAT, key="pulse")
def pulse(services: Services, language: Language) -> None:
    """Once a second: how old the data is; and when something changed, draw the page again around its standing parts."""
    address.settle()
    now, settings, demo, fresh = utc_now(), services.settings, services.demo, services.reader.freshness()
    state = status(age_now(fresh, now, demo=demo), services.health(), now, settings, language)
    st.badge(plain(state.text), icon=f":material/{state.icon}:", color=state.color, help=plain(state.help))
    drawn: Drawn | None = st.session_state.get("drawn")
    seen = (data.key(settings, fresh, now, demo=demo), tuple(services.notes()))
    if drawn and refresh_due(drawn, seen, time.monotonic(), st.session_state.get(BEHIND)):
        st.rerun()


def age_now(freshness: Freshness, now: datetime, *, demo: bool) -> DataAge:
    """How old the data is. The sample always ends now: while it does not, it is still being read."""
    found = data_age(freshness, now)
    return DataAge("empty", None, None) if demo and found.state == "stale" else found


@dataclass(frozen=True, slots=True)
class Status:
    """Whether the numbers can be trusted to be about now, in words and a colour."""

    text: str
    icon: str
    color: Literal["green", "orange", "red", "gray"]
    help: str


def status(
    age_of_data: DataAge, workers: Sequence[WorkerHealth], now: datetime, settings: Settings, language: Language
) -> Status:
    """Live, stale or stopped. Stopped wins: then nobody looks for new data."""
    late = [worker for worker in workers if worker.late(now)]
    newest = moment(age_of_data.newest, settings.zone, language) if age_of_data.newest else "–"
    old = age(timedelta(seconds=age_of_data.age_s or 0), language)
    if late:
        names = ", ".join(worker.name for worker in late)
        return Status(
            t("status_stopped", language, age=old),
            "error",
            "red",
            t("status_stopped_help", language, names=names, newest=newest),
        )
    if age_of_data.state == "fresh":
        return Status(
            t("status_live", language, age=old), "sensors", "green", t("status_live_help", language, newest=newest)
        )
    if age_of_data.state == "stale":
        return Status(
            t("status_stale", language, age=old), "schedule", "orange", t("status_stale_help", language, newest=newest)
        )
    return Status(t("status_empty", language), "inbox", "gray", t("status_empty_help", language))


def objective_text(objective: Objective, language: Language) -> str:
    """SLO api 99 % within 8 s."""
    digits = 0 if float(f"{objective.target:.2f}") == objective.target else 1
    return t(
        "objective",
        language,
        name=objective.name,
        target=percent(objective.target, language, digits),
        limit=round_seconds(objective.limit_ms, language),
    )


def _notes(notes: Sequence[str], language: Language) -> None:
    """However many they are, one line: they must not push the answer down."""
    label = t("notes_one" if len(notes) == 1 else "notes_many", language, count=len(notes))
    with st.popover(label, type="tertiary", icon=":material/warning:", key="notes"):
        for note in notes:
            st.text(note)


def _sample_note(language: Language) -> None:
    st.markdown(f":material/science: {plain(t('sample', language))}", width="content")
    with st.popover(t("sample_how", language), type="tertiary", key="sample"):
        empty.own_logs(language, sample=True)


@st.fragment(run_every=BEAT, key="wait")
def wait_for_engine() -> None:
    """Look again every second until the engine is there."""
    if running() is not None:
        st.rerun()
