"""A row of numbers: each with its name, what it is measured against, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import streamlit as st

from pages.shared.text import plain, t

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.text import Language
    from metrics.scorecard import Status

BADGES: dict[Status, tuple[str, Literal["green", "orange", "red", "gray"]]] = {
    "ok": ("check_circle", "green"),
    "warning": ("warning", "orange"),
    "breached": ("error", "red"),
    "unknown": ("help", "gray"),
}
_IN_A_ROW = 6


@dataclass(frozen=True, slots=True)
class Figure:
    """One number as it is read: `help` (what it is, its formula) stands behind the question mark, the rest below it.

    `status` is how it stands beside its target, None without one; `note` and `more` are small print.
    """

    name: str
    label: str
    value: str
    note: str = ""
    help: str = ""
    status: Status | None = None
    more: tuple[str, ...] = ()


def figures(shown: Sequence[Figure], key: str, language: Language) -> None:
    """The numbers side by side, two in a row on a phone."""
    count = len(shown)
    columns = count if count <= _IN_A_ROW else 4 if count % 4 == 0 else 5
    with st.container(key=f"tiles-{key}"):
        grid = st.grid(columns, min_column_width=140, gap="small", key=f"tilegrid{columns}-{key}")
        for figure in shown:
            with grid.container(border=True, height="stretch", gap="xsmall", key=f"figure-{key}-{figure.name}"):
                _draw(figure, language)


def _draw(figure: Figure, language: Language) -> None:
    st.metric(figure.label, figure.value, help=plain(figure.help) if figure.help else None)
    if figure.status:
        icon, colour = BADGES[figure.status]
        st.badge(plain(t(f"standing_{figure.status}", language)), icon=f":material/{icon}:", color=colour)
    for note in filter(None, (figure.note, *figure.more)):
        st.caption(plain(note))
