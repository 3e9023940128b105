"""Readings kept for every visitor: made again when the data is another, as often as their cost allows. Bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from pages.shared.paced import Paced

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from pages.shared.data import Key

T = TypeVar("T")

SHARE = 0.05
"""Of a process's time, for repeating one kind of reading."""
ENTRIES = 64
"""Kept of each kind."""


def kept(kind: str, what: Hashable, key: Key, read: Callable[[], T]) -> T:
    """The reading `what` of this kind as of `key`, or a slightly older one while reading again would cost too much.

    The same object goes to every visitor: nobody may change it.
    """
    found: T = _readings(kind).get((what, key.settings, key.demo), (key.version, key.minute), read)
    return found


@st.cache_resource
def _readings(kind: str) -> Paced[Any]:  # noqa: ARG001 - told apart by it
    return Paced(share=SHARE, entries=ENTRIES)
