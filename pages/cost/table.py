"""What costs most: by operation, model, agent, feature or user. Names are log text and stand in table cells only."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from core.selection import FILTERS
from core.text import money, number, percent
from pages.shared import address, filters
from pages.shared.rows import clicked
from pages.shared.text import t

if TYPE_CHECKING:
    from streamlit.navigation.page import Page

    from core.text import Language


def groups_table(groups: pl.DataFrame, by: str, total: float | None, requests: Page, language: Language) -> None:
    """The dearest groups, and the rest as one row; a click on one that is a filter, too, opens its requests."""
    text, right = st.column_config.TextColumn, partial(st.column_config.TextColumn, alignment="right")
    place = clicked(
        shape(groups, total, language),
        {
            "group": text(t(f"cost_by_{by}", language), width=180),
            "spent": right(t("cost_col_spent", language)),
            "share": right(t("cost_col_share", language)),
            "wasted": right(t("cost_col_wasted", language), help=t("cost_help_wasted", language)),
            "per_request": right(t("cost_per_request", language)),
            "requests": right(t("cost_col_requests", language)),
            "unknown": right(t("cost_col_unknown", language), help=t("cost_help_unknown", language)),
        },
        key=f"cost-by-{by}",
        alt=t(f"cost_by_{by}", language),
    )
    if by in FILTERS and place is not None and (name := groups["group"][place]) is not None:
        params = st.query_params.to_dict()
        address.go(requests, filters.query_of(filters.read(params)[0].of(by, name), params))


def shape(groups: pl.DataFrame, total: float | None, language: Language) -> pl.DataFrame:
    """The rows as they are read."""
    return pl.DataFrame(
        {
            "group": name_of(row, language),
            "spent": at_least(row["spent"], row["unknown"], language),
            "share": percent(row["spent"] / total if total and row["spent"] is not None else None, language),
            "wasted": money(row["wasted"], language),
            "per_request": money(row["per_request"], language),
            "requests": number(row["requests"], language),
            "unknown": number(row["unknown"], language) if row["unknown"] else "",
        }
        for row in groups.iter_rows(named=True)
    )


def name_of(row: dict[str, object], language: Language) -> str:
    """The group's name, or what stands for those without one."""
    if row["others"]:
        return t("cost_others", language, count=number(row["others"], language))  # type: ignore[arg-type] # a count
    return t("unnamed", language) if row["group"] is None else str(row["group"])


def at_least(dollars: float | None, unknown: float, language: Language) -> str:
    """Money, marked as a lower bound when some of it is unknown."""
    return f"≥ {money(dollars, language)}" if unknown and dollars is not None else money(dollars, language)
