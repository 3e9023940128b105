"""Who comes near the limit. Names are log text and stand in table cells only."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from core.text import number, percent
from pages.shared import address, filters
from pages.shared.rows import clicked
from pages.shared.text import t

if TYPE_CHECKING:
    from streamlit.navigation.page import Page

    from core.text import Language

ROWS = 8


def near_table(agents: pl.DataFrame, requests: Page, language: Language) -> None:
    """The agents with most requests near the limit; a click on one opens these. `agents` is of `near_by_group`."""
    shown = agents.head(ROWS)
    right = partial(st.column_config.TextColumn, alignment="right")
    place = clicked(
        near_shape(shown, language),
        {
            "agent": st.column_config.TextColumn(t("agent", language), width=130),
            "near": right(t("latency_zone_near", language)),
            "critical": right(t("latency_zone_critical", language)),
            "rate": right(t("col_rate", language)),
            "range": right(t("col_range", language), help=t("col_range_help", language)),
            "n": right(t("col_n", language)),
        },
        key="latency-near-agents",
        alt=t("latency_near_agents", language),
    )
    if place is not None and (name := shown["group"][place]) is not None:
        params = st.query_params.to_dict()
        address.go(requests, filters.query_of(filters.read(params)[0].of_agent(name), params, view="near"))


def near_shape(agents: pl.DataFrame, language: Language) -> pl.DataFrame:
    """The rows as they are read."""
    return pl.DataFrame(
        {
            "agent": t("unnamed", language) if row["group"] is None else row["group"],
            "near": number(row["near"], language),
            "critical": number(row["critical"], language),
            "rate": percent(row["near_rate"], language),
            "range": f"{percent(row['low'], language)} – {percent(row['high'], language)}",
            "n": number(row["n"], language),
        }
        for row in agents.iter_rows(named=True)
    )
