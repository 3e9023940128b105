"""Tables whose rows lead somewhere. What stands in their cells is log text: cells only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import filters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

ROW_HEIGHT = 35
_OPENED = "rows.opened"


def height(rows: int) -> int:
    """Pixels of a table that shows so many rows at once."""
    return ROW_HEIGHT * (rows + 1) + 3


def clicked(
    shown: pl.DataFrame, columns: Mapping[str, Any], *, key: str, alt: str, pixels: int | None = None
) -> int | None:
    """Draw the table; the place of the row that was just clicked."""
    return _place(_table(shown, columns, key=key, alt=alt, pixels=pixels, on_select="rerun"))


def narrowing(
    shown: pl.DataFrame,
    agents: Sequence[str | None],
    columns: Mapping[str, Any],
    *,
    key: str,
    alt: str,
    pixels: int | None = None,
) -> None:
    """Draw the table; a click on a row makes the page one about its agent.

    Every opening makes the next table a new one, so that coming back finds no cell still selected.
    """
    key = f"{key}-{st.session_state.get(_OPENED, 0)}"

    def narrow() -> None:
        place = _place(st.session_state[key])
        if place is not None and (agent := agents[place]) is not None:
            st.session_state[_OPENED] = st.session_state.get(_OPENED, 0) + 1
            choice, _ = filters.read(st.query_params.to_dict())
            filters.write(choice.of_agent(agent))

    _table(shown, columns, key=key, alt=alt, pixels=pixels, on_select=narrow)


def _place(state: Any) -> int | None:
    cells = state["selection"]["cells"]
    return int(cells[0][0]) if cells else None


def _table(
    shown: pl.DataFrame, columns: Mapping[str, Any], *, key: str, alt: str, pixels: int | None, on_select: Any
) -> Any:
    return st.dataframe(
        shown.to_arrow(),  # a frame of Polars would go by way of pandas, at ten times the cost
        hide_index=True,
        height=pixels or "auto",
        row_height=ROW_HEIGHT,
        key=key,
        on_select=on_select,
        selection_mode="single-cell",
        column_config=dict(columns),
        alt=alt,
    )
