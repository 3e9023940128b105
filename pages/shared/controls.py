"""Controls that show what the URL says and report what a reader chose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Name = TypeVar("Name", bound=str)


def show(key: str, value: object) -> None:
    """Make a control show what the URL says; only when it differs, so that a live refresh touches nothing."""
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value


def switch(
    label: str,
    words: Mapping[Name, str],
    value: Name | None,
    change: Callable[[Name], Any],
    *,
    key: str,
    label_shown: bool = False,
) -> None:
    """Options side by side, by name and in words, one of them chosen; `change` is called with the name of another.

    A browser that missed the value (the run that brought it was overtaken by the next) reports none at all: that is no
    choice of the reader's, and the value is shown again.
    """
    show(key, value)

    def chosen() -> None:
        if st.session_state[key] is not None:
            change(st.session_state[key])

    st.segmented_control(
        label,
        list(words),
        required=value is not None,
        format_func=words.__getitem__,
        key=key,
        on_change=chosen,
        label_visibility="visible" if label_shown else "collapsed",
    )
