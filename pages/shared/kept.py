"""Readings kept for every visitor: made again when the data is another, as often as their cost allows. Bounded."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from pages.shared.paced import Paced

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from pages.shared.data import Key

T = TypeVar("T")

SHARE = 0.05
"""Of a process's time, for repeating one reading."""
ENTRIES = 64
"""Kept of each kind."""
BEHIND = "kept.behind"
"""In the session: when the first of the page's readings that are older than the data is due (monotonic seconds)."""


def kept(kind: str, what: Hashable, key: Key, read: Callable[[], T], share: float | None = None) -> T:
    """The reading `what` of this kind as of `key`, or a slightly older one while reading again would cost too much.

    The page is then drawn again when it is due. The same object goes to every visitor: nobody may change it.
    """
    readings, name, stamp = _readings(kind, share or SHARE), (what, key.settings, key.demo), (key.version, key.minute)
    found: T = readings.get(name, stamp, read)
    if (due := readings.due(name, stamp)) is not None:
        st.session_state[BEHIND] = min(due, st.session_state.get(BEHIND, due))
    return found


@cache
def _readings(kind: str, share: float) -> Paced[Any]:  # noqa: ARG001 - told apart by it
    return Paced(share=share, entries=ENTRIES)


def forget() -> None:
    """Keep nothing of what was read so far."""
    _readings.cache_clear()
