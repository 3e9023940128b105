"""The answer as rows, and the tables that can be asked. What stands in them is log text: cells only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from core.asked import VIEWS
from pages.shared import address
from pages.shared.rows import ROW_HEIGHT, clicked, height
from pages.shared.text import t

if TYPE_CHECKING:
    from streamlit.navigation.page import Page

    from core.text import Language
    from pages.shared.frame import Frame

MOST_HIGH = 15
"""Rows seen at once; the others are scrolled to."""


def answer_table(rows: pl.DataFrame, frame: Frame, one: Page) -> None:
    """The rows; a click on one that names its request opens that."""
    pixels = height(min(max(rows.height, 1), MOST_HIGH))
    place = clicked(local(rows), {}, key="ask-rows", alt=t("ask", frame.language), pixels=pixels)
    if place is not None and "request_id" in rows.columns and (request := rows["request_id"][place]):
        address.go(one, st.query_params.to_dict() | {"id": str(request)})


def local(rows: pl.DataFrame) -> pl.DataFrame:
    """Times as they stand on the reader's clock, written so that text sorts them, too."""
    return rows.with_columns(
        pl.col(name).dt.strftime("%Y-%m-%d %H:%M:%S")
        for name, kind in rows.schema.items()
        if isinstance(kind, pl.Datetime)
    )


def tables(language: Language) -> None:
    """The columns of one table at a time."""
    view = st.pills(t("ask_tables", language), list(VIEWS), default="requests", required=True, key="ask-view")
    st.caption(t(f"ask_view_{view}", language))
    st.dataframe(
        pl.DataFrame(
            {
                t("ask_col_column", language): name,
                t("ask_col_type", language): kind,
                t("ask_col_meaning", language): t(f"ask_column_{name}", language),
            }
            for name, kind in VIEWS[view or "requests"].items()
        ),
        hide_index=True,
        height=300,
        row_height=ROW_HEIGHT,
        key="ask-columns",
        alt=t("ask_tables", language),
    )
