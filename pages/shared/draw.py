"""A chart on a page."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import streamlit as st

from pages.shared import axes, theme

if TYPE_CHECKING:
    import polars as pl

FRAMES = 256
"""Kept in the form browsers take."""

_SENT: dict[int, tuple[pl.DataFrame, bytes]] = {}
_CHANGING = threading.Lock()


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
    sets = {axes.ROWS: _sent(rows)} | ({} if deploys is None else {axes.DEPLOYS: _sent(deploys)})
    return spec | {"datasets": sets, "usermeta": theme.CANVAS}


def _sent(frame: pl.DataFrame) -> bytes:
    """The frame as it goes to browsers (an Arrow stream), made once while the same kept frame is drawn again."""
    known = _SENT.get(id(frame))
    if known is not None and known[0] is frame:
        return known[1]
    table, stream = frame.to_arrow(), pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    found: bytes = stream.getvalue().to_pybytes()
    with _CHANGING:
        _SENT[id(frame)] = (frame, found)  # holding the frame, nobody else gets its id
        while len(_SENT) > FRAMES:
            del _SENT[next(iter(_SENT))]
    return found
