"""A chart on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import axes, theme

if TYPE_CHECKING:
    import polars as pl


def draw(
    spec: axes.Spec, height: int, key: str, alt: str, *, rows: pl.DataFrame, deploys: pl.DataFrame | None = None
) -> None:
    """Rows travel beside the spec: while the spec stays the same, the browser keeps the chart and takes new rows."""
    st.vega_lite_chart(spec=_filled(spec, rows, deploys), height=height, key=key, alt=alt)


def draw_to_pick(spec: axes.Spec, height: int, key: str, alt: str, *, rows: pl.DataFrame, pick: str) -> dict[str, Any]:
    """The same; what was clicked of the spec's selection `pick`, {} while nothing was."""
    event = st.vega_lite_chart(
        spec=_filled(spec, rows, None), height=height, key=key, alt=alt, on_select="rerun", selection_mode=pick
    )
    picked = event["selection"].get(pick) or [{}]
    return dict(picked[0])


def _filled(spec: axes.Spec, rows: pl.DataFrame, deploys: pl.DataFrame | None) -> axes.Spec:
    sets = {axes.ROWS: rows} | ({} if deploys is None else {axes.DEPLOYS: deploys})
    return spec | {"datasets": sets, "usermeta": theme.CANVAS}
