"""The router: every visit runs through here, so that no page is reached without its frame."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

import streamlit as st

from core.errors import StoreUnusable
from core.services import services
from core.settings import Settings
from pages.overview.page import render as overview
from pages.request.page import render as request
from pages.requests.page import render as requests
from pages.shared import empty, frame
from pages.shared.text import t

log = logging.getLogger("burnline")


def main() -> None:
    """Draw the page the URL asks for."""
    icon = Path(__file__).with_name("shared") / "icon.svg"
    st.set_page_config(
        page_title="Burnline", page_icon=str(icon), layout="wide", initial_sidebar_state=frame.SIDEBAR_WIDTH
    )
    st.html(frame.CSS)
    engine = services()
    if engine is None:
        language = frame.language_now(Settings())
        empty.starting(language)
        frame.wait_for_engine()
        return
    page = frame.open_frame(engine)
    language = page.language
    one = st.Page(lambda: request(page, many), title=t("request", language), url_path="request")
    many = st.Page(
        partial(requests, page, one), title=t("requests", language), icon=":material/list:", url_path="requests"
    )
    sections = {
        t("answer", language): [
            st.Page(
                partial(overview, page, one),
                title=t("overview", language),
                icon=":material/home:",
                url_path="overview",
                default=True,
            )
        ],
        t("find", language): [many],
    }
    found = st.navigation([*(entry for entries in sections.values() for entry in entries), one], position="hidden")
    frame.sidebar(sections, language)
    with frame.drawing(page):
        try:
            frame.header(page)
            found.run()
        except Exception as error:
            now = services()
            if isinstance(error, StoreUnusable) and (now is None or now.reader is not page.reader):
                st.rerun()  # the sample ended while this was drawn: the store in its place is there already
            log.exception("A page could not be drawn.")
            empty.broken(language)


main()
