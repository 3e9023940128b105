"""A chart on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import axes, theme

if TYPE_CHECKING:
    import polars as pl


def draw(
    spec: axes.Spec, height: int, key: str, alt: str, *, rows: pl.DataFrame, deploys: pl.DataFrame | None = None
) -> None:
    """Rows travel beside the spec: while the spec stays the same, the browser keeps the chart and takes new rows."""
    sets = {axes.ROWS: rows} | ({} if deploys is None else {axes.DEPLOYS: deploys})
    st.vega_lite_chart(spec=spec | {"datasets": sets, "usermeta": theme.CANVAS}, height=height, key=key, alt=alt)
