"""Groups as rows. Names are log text and stand in table cells only."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from core.text import number, percent, seconds
from pages.agents.charts import name_of
from pages.agents.view import rows_of
from pages.shared import address
from pages.shared.rows import clicked, height, narrowing
from pages.shared.text import t
from pages.why.words import points

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamlit.navigation.page import Page

    from pages.shared.frame import Frame

ROWS = 25


def ranking_table(groups: pl.DataFrame, by: str, frame: Frame, requests: Page) -> None:
    """The groups; a click on an agent shows it by itself, on any other the timeouts of it."""
    first = groups.head(ROWS)
    picked = _table(first, ranking_shape(first, by, frame), by, f"agents.by-{by}", frame)
    if picked is not None:
        address.go(requests, rows_of(st.query_params.to_dict(), by, picked))


def top_table(top: pl.DataFrame, frame: Frame) -> None:
    """The agents with most timeouts of 24 hours; a click on one shows it by itself."""
    _table(top, top_shape(top, frame), "agent", "agents.top", frame)


def ranking_shape(groups: pl.DataFrame, by: str, frame: Frame) -> pl.DataFrame:
    """The rows as they are read: rates with their change and range, times with their unit."""
    language = frame.language
    return pl.DataFrame(
        {
            "name": name_of(row["group"], language),
            **({"owner": owner(row["group"], frame.settings.owners)} if by == "agent" else {}),
            "timeouts": number(row["timeouts"], language),
            "rate": percent(row["timeout_rate"], language),
            "change": points(row["change"], language),
            "range": f"{percent(row['low'], language)} – {percent(row['high'], language)}",
            "p95": seconds(row["p95"], language, at_least=bool(row["p95_at_least"])),
            "near": percent(row["near_rate"], language),
            "n": number(row["requests"], language),
        }
        for row in groups.iter_rows(named=True)
    )


def top_shape(top: pl.DataFrame, frame: Frame) -> pl.DataFrame:
    """The team's own query: agent, timeouts, rate, P95."""
    language = frame.language
    return pl.DataFrame(
        {
            "name": name_of(row["group"], language),
            "timeouts": number(row["timeouts"], language),
            "rate": percent(row["timeout_rate"], language),
            "p95": seconds(row["p95"], language, at_least=bool(row["p95_at_least"])),
            "n": number(row["requests"], language),
        }
        for row in top.iter_rows(named=True)
    )


def owner(agent: str | None, owners: Mapping[str, str]) -> str:
    """Who acts for an agent, as the settings say."""
    return owners.get(agent or "", "–")


def _table(groups: pl.DataFrame, shown: pl.DataFrame, by: str, key: str, frame: Frame) -> str | None:
    """The group that was clicked, where it is no agent: of an agent the page is then."""
    language = frame.language
    names: list[str | None] = groups["group"].to_list()
    right = partial(st.column_config.TextColumn, alignment="right")
    columns = {
        "name": st.column_config.TextColumn(t(by, language), width=150),
        "owner": st.column_config.TextColumn(t("col_owner", language), help=t("col_owner_help", language)),
        "timeouts": right(t("col_timeouts", language)),
        "rate": right(t("col_rate", language)),
        "change": right(t("why_change", language), help=t(f"agents_change_help_{frame.choice.compare}", language)),
        "range": right(t("col_range", language), help=t("col_range_help", language)),
        "p95": right("P95"),
        "near": right(t("why_of_near", language), help=t("agents_near_help", language)),
        "n": right(t("col_n", language)),
    }
    config = {name: columns[name] for name in shown.columns}
    alt, pixels = t("agents_ranking", language), height(shown.height)
    if by == "agent":
        narrowing(shown, names, config, key=key, alt=alt, pixels=pixels)
        return None
    place = clicked(shown, config, key=key, alt=alt, pixels=pixels)
    return None if place is None else names[place]
