"""Who visits now; the way in and out; and what stands in place of a page that is not for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.errors import StreamlitAuthError, StreamlitMissingAuthlibError

from core.access import ANYBODY, Visitor, visitor
from core.timespan import utc_now
from pages.shared.text import plain, t

if TYPE_CHECKING:
    from core.access import Role
    from core.settings import Settings
    from core.text import Language


WIDTH = 560
"""Pixels: there is one thing to do here, and it stands in the middle."""


def visitor_now(settings: Settings) -> Visitor:
    """Whoever looks at this page, by the settings of this moment."""
    claims = st.user.to_dict() if settings.access.login else {}  # without log-in Streamlit looks for secrets each time
    return visitor(claims, settings.access, utc_now())


def admitted(visitor: Visitor, language: Language) -> bool:
    """Whether they have a role at all; else the page is the way to get one."""
    if visitor.role:
        return True
    with st.container(horizontal=True, horizontal_alignment="center"):
        box = st.container(border=True, key="door", width=WIDTH)
    if not visitor.name:
        box.subheader(t("access_closed", language), icon=":material/lock:", anchor=False)
        box.markdown(plain(t("access_closed_more", language)))
        if box.button(t("access_log_in", language), key="access.in", type="primary"):
            _log_in(language)
        return False
    box.subheader(t("access_no_role", language), icon=":material/person_off:", anchor=False)
    box.markdown(plain(t("access_no_role_more", language)))
    box.text(t("access_you", language, name=visitor.name))
    _log_out(box, language)
    return False


def not_yours(needs: Role, settings: Settings, language: Language) -> None:
    """In place of a page that needs another role: which, and whom to ask."""
    role = visitor_now(settings).role
    with st.container(border=True, key="door"):
        st.subheader(t("access_not_yours", language), icon=":material/lock_person:", anchor=False)
        has, wants = (t(f"access_role_{one}", language) if one else "–" for one in (role, needs))
        st.markdown(plain(t("access_not_yours_more", language, role=wants, own=has)))
        if settings.access.admins:
            st.text(t("access_ask", language, names=", ".join(settings.access.admins)))


def who(visitor: Visitor, language: Language) -> None:
    """In the sidebar: as whom one is logged in, in which role, and the way out."""
    if visitor is ANYBODY or visitor.role is None:
        return
    with st.sidebar:
        st.space("medium")
        st.text(visitor.name)
        st.caption(plain(t(f"access_role_{visitor.role}", language)))
        _log_out(st.container(), language)


def _log_out(box: st.delta_generator.DeltaGenerator, language: Language) -> None:
    if box.button(t("access_log_out", language), key="access.out", type="tertiary", icon=":material/logout:"):
        st.logout()


def _log_in(language: Language) -> None:
    try:
        st.login()
    except (StreamlitAuthError, StreamlitMissingAuthlibError):
        st.error(plain(t("access_not_set_up", language)), icon=":material/build:")
