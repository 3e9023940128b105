"""The page's address as a visitor changes it. The URL is the truth, but it travels: a change is ours until it is back.

The browser sends its address with every run it asks for. Asked for before it knew of a change (a live refresh at the
moment of a click), a run brings the address of before; without care it would undo the click.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamlit.navigation.page import Page

    Params = Mapping[str, str]

_KEPT, _LEFT, _PAGE = "address", "address.left", "address.page"
_OLD = 8
"""Addresses remembered as older than ours; more clicks than that are not under way at once."""


@dataclass(frozen=True, slots=True)
class Ours:
    """An address we gave the browser, those it replaced, and whether a run has begun since."""

    params: Params
    older: tuple[Params, ...]
    run: bool = False


def change(values: Mapping[str, str | None]) -> None:
    """Set these parameters, or take away those that are None; others stay."""
    before = st.query_params.to_dict()
    after = {name: value for name, value in {**before, **values}.items() if value is not None}
    if after == before:
        return
    kept: Ours | None = st.session_state.get(_KEPT)
    older = (*(kept.older if kept else ()), before)[-_OLD:]
    st.query_params.from_dict(after)
    st.session_state[_KEPT] = Ours(after, tuple(params for params in older if params != after))


def settle() -> None:
    """At the start of every run: an address the browser sent before it knew ours gives way to ours."""
    kept: Ours | None = st.session_state.get(_KEPT)
    if kept is None:
        return
    found = st.query_params.to_dict()
    if found in kept.older:
        st.query_params.from_dict(kept.params)
    elif found == kept.params and not kept.run:
        st.session_state[_KEPT] = Ours(kept.params, kept.older, run=True)  # ours as we set it, or as it came back
    else:
        del st.session_state[_KEPT]


def go(page: Page, params: Params) -> NoReturn:
    """Open another page with these parameters.

    Streamlit first puts them under the page that is left, which the browser's way back then leads to: see `at`.
    """
    left: dict[tuple[str, frozenset[tuple[str, str]]], Params] = dict(st.session_state.get(_LEFT, {}))
    left[st.session_state.get(_PAGE, ""), frozenset(params.items())] = st.query_params.to_dict()
    st.session_state[_LEFT] = dict(list(left.items())[-_OLD:])
    st.switch_page(page, query_params=params)


def at(page: str) -> None:
    """Note which page is drawn. Come back to with the parameters it was left for, it gets its own again, once."""
    st.session_state[_PAGE] = page
    left = st.session_state.get(_LEFT, {})
    own = left.pop((page, frozenset(st.query_params.to_dict().items())), None)
    if own is not None:
        st.query_params.from_dict(own)
        st.rerun()
