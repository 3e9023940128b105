"""A row of numbers: each with its name, what it is measured against, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Figure:
    """One number as it is read; `note` stands below it, `help` (what it is, its formula) behind the question mark."""

    name: str
    label: str
    value: str
    note: str = ""
    help: str = ""


def figures(shown: Sequence[Figure], key: str) -> None:
    """The numbers side by side, two in a row on a phone."""
    with st.container(key=f"tiles-{key}"):
        grid = st.grid(len(shown), min_column_width=140, gap="small", key=f"tilegrid{min(len(shown), 6)}-{key}")
        for figure in shown:
            with grid.container(border=True, height="stretch", gap="xsmall", key=f"figure-{key}-{figure.name}"):
                st.metric(figure.label, figure.value, help=plain(figure.help) if figure.help else None)
                if figure.note:
                    st.caption(plain(figure.note))
