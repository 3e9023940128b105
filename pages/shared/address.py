"""The page's address as a visitor changes it. The URL is the truth, but it travels: a change is ours until it is back.

The browser sends its address with every run it asks for. Asked for before it knew of a change (a live refresh at the
moment of a click), a run brings the address of before; without care it would undo the click.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Mapping

    Params = Mapping[str, str]

_KEPT = "address"
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
