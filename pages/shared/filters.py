"""Which requests the page is about. The URL is the truth: every view can be sent, restored and edited by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import streamlit as st

from core.selection import FILTERS, Selection
from core.timespan import TimeSpan
from pages.shared.text import code, plain, t

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from core.text import Language

LAST = 1000
DEFAULT_RANGE = "last"
RANGES: dict[str, timedelta | None] = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    DEFAULT_RANGE: None,
}
"""What the range switch offers, by its name in the URL; None is the last 1,000 requests."""

_LONGEST = 300
"""Characters of a filter value taken from a URL; longer ones are nobody's agent."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the reader chose: a range and at most one value for each filter."""

    range: str = DEFAULT_RANGE
    agent: str | None = None
    operation: str | None = None
    model: str | None = None
    environment: str | None = None

    @property
    def filters(self) -> dict[str, str]:
        """The filters in force, by name."""
        return {name: value for name in FILTERS if (value := getattr(self, name)) is not None}

    def selection(self, now: datetime) -> Selection:
        """The requests meant, at `now`."""
        length = RANGES[self.range]
        span = TimeSpan.last(length, now) if length else None
        last = None if length else LAST
        return Selection(span, last, self.agent, self.operation, self.model, self.environment)

    def without_filters(self) -> Choice:
        """The same range for all requests."""
        return Choice(self.range)

    def over_last(self) -> Choice:
        """The last 1,000 of the same requests, however old."""
        return replace(self, range=DEFAULT_RANGE)

    def of_agent(self, name: str) -> Choice:
        """The same question about one agent."""
        return replace(self, agent=name)


def read(params: Mapping[str, str]) -> tuple[Choice, tuple[tuple[str, str], ...]]:
    """The choice a query string makes, and its (name, value) pairs that could not be understood."""
    wanted = {name: params[name] for name in ("range", *FILTERS) if params.get(name, "").strip()}
    bad = tuple((name, value) for name, value in wanted.items() if not _understood(name, value))
    return Choice(**{name: value for name, value in wanted.items() if (name, value) not in bad}), bad


def _understood(name: str, value: str) -> bool:
    if name == "range":
        return value in RANGES
    return len(value) <= _LONGEST and value.isprintable()


def write(choice: Choice) -> None:
    """Put the choice into the URL; what is the default is left out, other parameters stay."""
    wanted = choice.filters | ({} if choice.range == DEFAULT_RANGE else {"range": choice.range})
    for name in ("range", *FILTERS):
        if name in wanted:
            st.query_params[name] = wanted[name]
        else:
            st.query_params.pop(name, None)


def bar(choice: Choice, values: Callable[[str], list[str]], language: Language) -> None:
    """The range switch, and the filters folded behind one button; `values` says what a filter can be."""
    _show("range", choice.range)
    st.segmented_control(
        t("range", language),
        list(RANGES),
        required=True,
        format_func=lambda name: t(f"range_{name}", language),
        key=_key("range"),
        on_change=_chosen,
        label_visibility="collapsed",
    )
    count = len(choice.filters)
    label = t("filters_on", language, count=count) if count else t("filters", language)
    with st.popover(label, icon=":material/filter_alt:", type="secondary", key="filters", wrap=False):
        for name in FILTERS:
            chosen: str | None = getattr(choice, name)
            known = values(name)
            _show(name, chosen)
            st.selectbox(
                t(name, language),
                known if chosen is None or chosen in known else [chosen, *known],
                index=None,
                placeholder=t(f"all_{name}", language),
                key=_key(name),
                on_change=_chosen,
            )


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
            on_click=write,
            args=(choice.without_filters(),),
        )


def _key(name: str) -> str:
    return f"filter.{name}"


def _show(name: str, value: str | None) -> None:
    """Make a control show what the URL says; only when it differs, so that a live refresh touches nothing."""
    if st.session_state.get(_key(name)) != value or _key(name) not in st.session_state:
        st.session_state[_key(name)] = value


def _chosen() -> None:
    """A control changed: the URL follows it."""
    found = {name: st.session_state.get(_key(name)) for name in FILTERS}
    write(Choice(st.session_state.get(_key("range")) or DEFAULT_RANGE, **found))
