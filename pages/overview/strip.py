"""The six tiles side by side, each with its line over the chosen time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.overview import charts
from pages.overview.tiles import Tile, tiles
from pages.shared import theme
from pages.shared.draw import draw

if TYPE_CHECKING:
    from pages.shared.data import Overview
    from pages.shared.frame import Frame


def strip(view: Overview, frame: Frame) -> None:
    """Draw the tiles of `view`."""
    with st.container(key="tiles"):
        grid = st.grid(6, min_column_width=140, gap="small", key="tilegrid")
        for tile in tiles(view, frame.objective, frame.settings.limit_values.limit_ms, frame.language):
            with grid.container(border=True, height="stretch", gap="xsmall", key=f"tile-{tile.line.field}"):
                _tile(tile, view, frame)


def _tile(tile: Tile, view: Overview, frame: Frame) -> None:
    st.metric(
        tile.label,
        tile.value,
        tile.delta or None,
        delta_color=tile.better,
        help=tile.help,
        delta_description=tile.note or None,
    )
    spec = charts.sparkline(frame.look, tile.line)
    draw(spec, theme.SPARK_HEIGHT, f"spark-{tile.line.field}", tile.label, rows=view.spark)
