"""Who acts first: agents by timeouts. Names are log text and stand in table cells only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from core.text import percent, seconds
from pages.shared.rows import narrowing
from pages.shared.text import t

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.text import Language

ROWS = 10


def agents_table(agents: pl.DataFrame, owners: Mapping[str, str], language: Language) -> None:
    """The agents with most timeouts (of `metrics.groups`) and who acts for each; a click narrows the page to one."""
    shown = agents.filter(pl.col("timeouts") > 0).head(ROWS)
    if not shown.height:
        st.markdown(t("nobody_acts", language))
        return
    number = st.column_config.NumberColumn
    right = st.column_config.TextColumn
    narrowing(
        shape(shown, owners, language),
        shown["group"].to_list(),
        {
            "agent": st.column_config.TextColumn(t("agent", language), width=130),
            "owner": st.column_config.TextColumn(t("col_owner", language), help=t("col_owner_help", language)),
            "timeouts": number(t("col_timeouts", language), format="localized"),
            "rate": right(t("col_rate", language), alignment="right"),
            "range": right(t("col_range", language), alignment="right", help=t("col_range_help", language)),
            "n": number(t("col_n", language), format="localized"),
            "p95": right("P95", alignment="right"),
        },
        key="agents",
        alt=t("act_first", language),
    )


def shape(agents: pl.DataFrame, owners: Mapping[str, str], language: Language) -> pl.DataFrame:
    """The rows as they are read: rates with their range, times with their unit."""
    return pl.DataFrame(
        {
            "agent": row["group"] if row["group"] is not None else t("unnamed", language),
            "owner": owners.get(row["group"], "–"),
            "timeouts": row["timeouts"],
            "rate": percent(row["timeout_rate"], language),
            "range": f"{percent(row['low'], language)} – {percent(row['high'], language)}",
            "n": row["n"],
            "p95": seconds(row["p95"], language, at_least=bool(row["p95_at_least"])),
        }
        for row in agents.iter_rows(named=True)
    )
