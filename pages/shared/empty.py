"""States in which there is no page to show: each says what is, why, and what to do next."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import streamlit as st

from core.places import Places
from pages.shared import filters
from pages.shared.text import plain, t

if TYPE_CHECKING:
    from core.text import Language
    from pages.shared.filters import Choice

HELPER = """import burnline

burnline.configure(directory={directory}, service="api")
app.add_middleware(burnline.asgi.RequestLog)  # FastAPI, Starlette
"""
"""What a service adds to be seen; a test runs it."""


def starting(language: Language) -> None:
    """The engine is not up yet."""
    _say("hourglass_top", t("starting", language), t("starting_more", language))


def preparing_sample(language: Language) -> None:
    """The sample is being written; the first rows arrive within seconds."""
    _say("science", t("preparing", language), t("preparing_more", language))


def no_data(language: Language) -> None:
    """Nothing was ever read: where to put files, and the lines that write them."""
    with _say("inbox", t("no_data", language), t("no_data_more", language)):
        own_logs(language)


def own_logs(language: Language, *, sample: bool = False) -> None:
    """How to see one's own logs: drop files into the inbox, or let a service write them."""
    inbox = str(Places.find().inbox.resolve())
    st.markdown(plain(t("own_drop_sample" if sample else "own_drop", language)))
    st.code(inbox, language=None)
    st.markdown(plain(t("own_helper", language)))
    st.code(HELPER.format(directory=json.dumps(inbox)), language="python")


def nothing_matches(choice: Choice, unfiltered: str, language: Language) -> None:
    """The filters let nothing through, though there is something."""
    names = ", ".join(t(name, language).lower() for name in choice.filters)
    key = "filtered_one" if len(choice.filters) == 1 else "filtered_many"
    with _say("filter_alt_off", t(key, language, total=unfiltered, names=names), t("filtered_more", language)):
        for name, value in choice.filters.items():
            st.text(f"{t(name, language)}: {value}")
        st.button(
            t("show_all", language),
            key="empty.clear",
            type="primary",
            on_click=filters.write,
            args=(choice.without_filters(),),
        )


def nothing_in_range(choice: Choice, newest: str, language: Language) -> None:
    """There are requests, but none so recent."""
    title = (
        t("quiet_between", language)
        if choice.custom
        else t("quiet", language, range=t(f"range_{choice.range}", language))
    )
    with _say("nights_stay", title, t("quiet_more", language, newest=newest)):
        st.button(
            t("show_last", language),
            key="empty.last",
            type="primary",
            on_click=filters.write,
            args=(choice.over_last(),),
        )


def broken(language: Language) -> None:
    """A fault of ours: nothing of it is shown here, all of it is in the terminal."""
    with _say("build", t("broken", language), t("broken_more", language)):
        st.button(t("broken_again", language), key="broken.again", type="primary")


def _say(icon: str, title: str, more: str) -> st.delta_generator.DeltaGenerator:
    box = st.container(border=True, key="empty")
    box.subheader(plain(title), icon=f":material/{icon}:", anchor=False)
    box.markdown(plain(more))
    return box
