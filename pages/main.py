"""The router: every visit runs through here, so that no page is reached without its frame."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import StoreUnusable
from core.services import services
from core.settings import Settings
from pages.access import door
from pages.shared import address, empty, frame
from pages.shared.text import t
from pages.ways import SECTIONS, UNLISTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamlit.navigation.page import Page

    from core.access import Visitor
    from pages.shared.frame import Frame
    from pages.ways import Way

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
    visitor = door.visitor_now(engine.settings)
    language = frame.language_now(engine.settings)
    if not door.admitted(visitor, language):
        return
    page = frame.open_frame(engine)
    pages: dict[str, Page] = {}
    for way in (*(way for ways in SECTIONS.values() for way in ways), *UNLISTED):
        pages[way.name] = st.Page(
            partial(draw if visitor.may(way.needs) else refuse, way, page, pages),
            title=t(way.name, language),
            icon=f":material/{way.icon}:" if way.icon else None,
            url_path=way.name,
            default=not pages,
        )
    found = st.navigation(list(pages.values()), position="hidden")
    address.at(found.url_path)
    bare = any(way.bare and found.url_path == way.name for ways in SECTIONS.values() for way in ways)
    if not bare:
        around(page, pages, visitor)
    with frame.drawing(page):
        try:
            if not bare:
                frame.header(page)
            found.run()
        except Exception as error:
            now = services()
            if isinstance(error, StoreUnusable) and (now is None or now.reader is not page.reader):
                st.rerun()  # the sample ended while this was drawn: the store in its place is there already
            log.exception("A page could not be drawn.")
            empty.broken(language)


def around(page: Frame, pages: Mapping[str, Page], visitor: Visitor) -> None:
    """Beside the page: the ways that are for this visitor, and as whom they are here."""
    listed = {
        t(name, page.language): [pages[way.name] for way in ways if visitor.may(way.needs)]
        for name, ways in SECTIONS.items()
    }
    frame.sidebar({title: ways for title, ways in listed.items() if ways}, page)
    door.who(visitor, page.language)


def draw(way: Way, page: Frame, pages: Mapping[str, Page]) -> None:
    """The page of this way; whether it is for this visitor is asked again where it is drawn."""
    if door.visitor_now(page.settings).may(way.needs):
        way.render(page, pages)
    else:
        refuse(way, page, pages)


def refuse(way: Way, page: Frame, _: Mapping[str, Page]) -> None:
    """What stands at the address of a page that is not for this visitor; a link may well lead there."""
    door.not_yours(way.needs, page.settings, page.language)


main()
