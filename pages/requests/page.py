"""Requests one by one: saved views, a search, and the way to the whole of each. The rows stand still while you read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.text import moment, number
from pages.requests import view as views
from pages.requests.table import requests_table
from pages.shared import data
from pages.shared.controls import show, switch
from pages.shared.export import as_csv
from pages.shared.frame import nothing_yet
from pages.shared.text import band_words, plain, t

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamlit.navigation.page import Page

    from pages.requests.view import View
    from pages.shared.frame import Frame


def render(frame: Frame, pages: Mapping[str, Page]) -> None:
    """Draw the page."""
    language = frame.language
    if nothing_yet(frame):
        return
    view = views.read(st.query_params.to_dict())
    st.header(plain(t("requests", language)), anchor=False)
    _controls(view, frame)
    rows = view.rows(frame.settings.limit_values.limit_ms)
    pinned = data.pin((frame.choice, rows, frame.demo), frame.pinned)
    listing = data.listing(frame, pinned, rows, view.page)
    _found(listing, view, pinned, frame)
    if not listing.rows.height:
        st.markdown(plain(t("no_rows", language)))
        return
    requests_table(listing.rows, frame, pages["request"])
    _pager(listing, view, frame)


def _controls(view: View, frame: Frame) -> None:
    language = frame.language
    with st.container(horizontal=True, vertical_alignment="center", key="viewbar"):
        switch(
            t("view", language),
            {name: t(f"view_{name}", language) for name in views.VIEWS},
            None if view.band else view.name,
            lambda name: views.write(replace(view, name=name, page=1, band="")),
            key="view",
        )
        show("q", view.text)
        st.text_input(
            t("search", language),
            key="q",
            placeholder=t("search_hint", language),
            label_visibility="collapsed",
            icon=":material/search:",
            max_chars=300,
            on_change=lambda: views.write(replace(view, text=st.session_state["q"].strip(), page=1)),
        )


def _found(listing: data.Listing, view: View, pinned: data.Pinned, frame: Frame) -> None:
    """How many rows, as of when, and how to see newer ones or take them along."""
    language = frame.language
    rows = view.rows(frame.settings.limit_values.limit_ms)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="found"):
        if view.band:
            st.button(
                plain(t("band", language, band=band_words(view.band))),
                key="band",
                icon=":material/close:",
                on_click=lambda: views.write(replace(view, page=1, band="")),
            )
        st.markdown(
            plain(
                t(
                    "rows_found_one" if listing.total == 1 else "rows_found",
                    language,
                    count=number(listing.total, language),
                    when=moment(pinned.now, frame.settings.zone, language),
                )
            ),
            width="content",
        )
        if pinned.key.version != frame.key.version:
            st.button(t("newer_rows", language), key="newer", icon=":material/refresh:", on_click=data.unpin)
        if listing.total:
            st.download_button(
                t("download", language, count=number(min(listing.total, data.MOST_EXPORTED), language)),
                lambda: as_csv(data.export(pinned, frame.choice, rows, frame.reader, frame.settings)),
                file_name="burnline-requests.csv",
                mime="text/csv",
                icon=":material/download:",
                type="tertiary",
                on_click="ignore",
            )


def _pager(listing: data.Listing, view: View, frame: Frame) -> None:
    if listing.pages == 1:
        return
    show("page", min(view.page, listing.pages))
    with st.container(horizontal=True, horizontal_alignment="center", key="pager"):
        st.pagination(
            listing.pages,
            key="page",
            on_change=lambda: views.write(replace(view, page=st.session_state["page"])),
        )
    if listing.cut:
        st.caption(plain(t("rows_cut", frame.language, count=number(listing.cut, frame.language))))
