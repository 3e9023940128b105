"""The controls that choose what a page is about: the range, and behind one button everything else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import streamlit as st

from core.selection import FILTERS
from core.text import moment
from core.timespan import local_day
from pages.shared import address, filters
from pages.shared.controls import show, switch
from pages.shared.filters import COMPARES, CUSTOM, RANGES, Choice
from pages.shared.text import code, plain, t

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    import polars as pl

    from core.text import Language

_DAY = timedelta(days=1)


def bar(
    choice: Choice, values: Mapping[str, list[str]], releases: pl.DataFrame, zone: ZoneInfo, language: Language
) -> None:
    """The range switch, and the rest folded; `values` says what a filter can be, `releases` are start and label."""
    names = {name: t(f"range_{name}", language) for name in RANGES}
    if choice.custom:
        names[CUSTOM] = between(choice, zone, language)
    chosen = CUSTOM if choice.custom else choice.range
    switch(t("range", language), names, chosen, _range_chosen, key=_key("range"))
    count = len(choice.filters)
    label = t("filters_on", language, count=count) if count else t("filters", language)
    with st.popover(label, icon=":material/filter_alt:", type="secondary", key="filters", wrap=False):
        for name in FILTERS:
            _filter(name, choice, values, language)
        _days(choice, zone, language)
        if releases.height:
            _release(choice, releases, zone, language)
        words = {name: t(f"compare_{name}", language) for name in COMPARES}
        switch(
            t("compare", language),
            words,
            choice.compare,
            lambda name: _rewrite(compare=name),
            key=_key("compare"),
            label_shown=True,
        )


def between(choice: Choice, zone: ZoneInfo, language: Language) -> str:
    """A time of one's own in words: 24 Nov, 09:00 - 25 Nov, 10:30."""
    ends = [moment(at, zone, language) if at else "…" for at in (choice.start, choice.end)]
    return " – ".join(ends)


def in_force(choice: Choice, language: Language) -> None:
    """What the page is narrowed to, and the way back; values come from logs and stand in code spans."""
    for name, value in choice.filters.items():
        st.markdown(f"{plain(t(name, language))} {code(value)}", width="content")
    if choice.filters:
        st.button(
            t("show_all", language),
            key="filters.clear",
            icon=":material/close:",
            type="tertiary",
            on_click=filters.write,
            args=(choice.without_filters(),),
        )


def share(choice: Choice, now: datetime, language: Language) -> None:
    """The address of this page to send on: as it moves with time, and as it is at this moment."""
    here, params = (st.context.url or "").partition("?")[0], st.query_params.to_dict()
    span = choice.selection(now).span
    with st.popover(t("share", language), icon=":material/link:", type="tertiary", key="share"):
        st.markdown(plain(t("share_moving", language)))
        st.code(_url(here, params), language=None, wrap_lines=True)
        if span is not None:
            still = filters.params_of(choice.between(span.start, span.end))
            st.markdown(plain(t("share_still", language)))
            st.code(_url(here, params | still), language=None, wrap_lines=True)


def _url(here: str, params: Mapping[str, str | None]) -> str:
    said = {name: value for name, value in params.items() if value is not None}
    return f"{here}?{urlencode(said)}" if said else here


def _filter(name: str, choice: Choice, values: Mapping[str, list[str]], language: Language) -> None:
    chosen: str | None = getattr(choice, name)
    known = values[name]
    show(_key(name), chosen)
    st.selectbox(
        t(name, language),
        known if chosen is None or chosen in known else [chosen, *known],
        index=None,
        placeholder=t(f"all_{name}", language),
        key=_key(name),
        accept_new_options=name == "user",
        on_change=lambda: _rewrite(**{name: st.session_state[_key(name)]}),
    )


def _days(choice: Choice, zone: ZoneInfo, language: Language) -> None:
    """Whole local days, the last one included."""
    shown: tuple[date, ...] = ()
    if choice.start and choice.end:
        shown = (choice.start.astimezone(zone).date(), (choice.end - timedelta(microseconds=1)).astimezone(zone).date())
    show(_key("days"), shown)
    st.date_input(
        t("days", language),
        key=_key("days"),
        format="DD/MM/YYYY",
        on_change=_days_chosen,
        args=(zone,),
    )


def _days_chosen(zone: ZoneInfo) -> None:
    days: tuple[date, ...] = st.session_state[_key("days")]
    if len(days) == 2:
        _rewrite(start=local_day(days[0], zone).start, end=local_day(days[1], zone).end)
    elif not days:
        _rewrite(start=None, end=None)


def _release(choice: Choice, releases: pl.DataFrame, zone: ZoneInfo, language: Language) -> None:
    """From one release to the next; labels are log text and plain text in their control."""
    starts = releases["start"].to_list()
    names = [f"{moment(at, zone, language)} · {label}" for at, label in releases.rows()]
    places = list(range(len(starts)))
    chosen = next((place for place in places if starts[place] == choice.start), None)
    show(_key("release"), chosen)

    def picked() -> None:
        place = st.session_state[_key("release")]
        if place is None:
            _rewrite(start=None, end=None)
        else:
            _rewrite(start=starts[place], end=starts[place - 1] if place else None)

    st.selectbox(
        t("release", language),
        places,
        index=None,
        format_func=names.__getitem__,
        placeholder=t("all_release", language),
        key=_key("release"),
        on_change=picked,
    )


def _key(name: str) -> str:
    return f"filter.{name}"


def _range_chosen(chosen: str) -> None:
    if chosen != CUSTOM:
        _rewrite(range=chosen, start=None, end=None)


def _rewrite(**changed: Any) -> None:
    """A control changed: the URL follows it, and everything else the URL says stays."""
    choice, _ = filters.read(st.query_params.to_dict())
    address.change(filters.params_of(replace(choice, **changed)))
