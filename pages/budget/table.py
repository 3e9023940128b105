"""Burn rates by window, and who spent the budget. Names are log text and stand in table cells only."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st

from core.text import age, moment, number, percent
from metrics.budget_ledger import first
from pages.shared import address, filters
from pages.shared.rows import clicked, height
from pages.shared.text import t

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamlit.navigation.page import Page

    from core.slo import Objective
    from core.text import Language
    from metrics.budget_ledger import Ledger
    from metrics.burn import BurnPair
    from pages.shared.frame import Frame

TOP = 10
HOUR = timedelta(hours=1)
BREAKDOWNS = {
    "agents": "agent_id", "hours": "hour", "operations": "operation", "error_codes": "error_code",
    "incidents": "agent_id",
}  # fmt: skip
"""What the spend is told apart by, by its name in the URL: the column that names a row."""
_OVER = "\N{BLACK UP-POINTING TRIANGLE} "


def pairs_table(pairs: Sequence[BurnPair], key: str, language: Language) -> None:
    """The burn rates of each pair of windows beside the factor both must exceed."""
    right = partial(st.column_config.TextColumn, alignment="right")
    st.dataframe(
        pairs_shape(pairs, language),
        hide_index=True,
        key=key,
        column_config={
            "window": st.column_config.TextColumn(t("budget_col_window", language)),
            "factor": right(t("budget_col_factor", language), help=t("budget_factor_help", language)),
            "long": right(t("budget_col_long", language), help=t("budget_burn_help", language)),
            "short": right(t("budget_col_short", language), help=t("budget_burn_help", language)),
            "state": st.column_config.TextColumn(t("budget_col_state", language)),
        },
        alt=t("budget_burn", language),
    )


def pairs_shape(pairs: Sequence[BurnPair], language: Language) -> pl.DataFrame:
    """The pairs as they are read; a triangle marks a rate above its factor."""

    def times(rate: float | None, factor: float | None = None) -> str:
        over = rate is not None and factor is not None and rate > factor
        return "–" if rate is None else f"{_OVER if over else ''}{number(rate, language, 1)}×"

    return pl.DataFrame(
        {
            "window": f"{age(pair.window.long, language)} / {age(pair.window.short, language)}",
            "factor": times(pair.factor),
            "long": times(pair.long, pair.factor),
            "short": times(pair.short, pair.factor),
            "state": t(f"budget_pair_{pair.state}", language),
        }
        for pair in pairs
    )


def ledger_table(ledger: Ledger, by: str, objective: Objective, frame: Frame, requests: Page) -> None:
    """The first rows of a breakdown and the rest as one; a click on one opens its requests."""
    language = frame.language
    text, right = st.column_config.TextColumn, partial(st.column_config.TextColumn, alignment="right")
    rows = list(first(getattr(ledger, by), TOP))
    place = clicked(
        ledger_shape(rows, by, frame),
        {
            "name": text(t(f"budget_of_{by}", language), width=220),
            "when": text(t("col_when", language)) if by == "incidents" else None,
            "spent": right(t(f"budget_spent_{objective.by}", language)),
            "of_budget": right(t("budget_of_budget", language), help=t("budget_of_budget_help", language)),
            "of_spend": st.column_config.ProgressColumn(
                t("budget_of_spend", language), format="percent", min_value=0, max_value=1
            ),
        },
        key=f"budget-ledger-{by}",
        alt=t("budget_who", language),
        pixels=height(len(rows)),
    )
    if place is not None and (wanted := rows_params(rows[place], by, objective, frame)):
        address.go(requests, wanted)


def ledger_shape(rows: Sequence[dict[str, Any]], by: str, frame: Frame) -> pl.DataFrame:
    """The rows as they are read."""
    language, zone = frame.language, frame.settings.zone
    return pl.DataFrame(
        {
            "name": _name(row, by, frame),
            "when": moment(row["start"], zone, language) if row.get("start") else "",
            "spent": number(row["spent"], language, 1 if row["spent"] % 1 else 0),
            "of_budget": percent(row["of_budget"], language),
            "of_spend": row["of_spend"],
        }
        for row in rows
    )


def rows_params(row: dict[str, Any], by: str, objective: Objective, frame: Frame) -> dict[str, str] | None:
    """The address of the requests of a row, within the period; None where no filter can say it."""
    named = BREAKDOWNS[by]
    if row["others"] or row[named] is None:
        return None
    start, end = objective.starts(frame.now), None
    if by == "hours":
        start, end = row["hour"], row["hour"] + HOUR
    elif by == "incidents":
        start, end = row["start"], row["end"]
    choice, more = frame.choice.between(start, end), {"view": "bad"}
    if named in ("agent_id", "operation"):
        choice = choice.of("agent" if named == "agent_id" else "operation", row[named])
    elif named == "error_code":
        more["q"] = row[named]
    return filters.query_of(choice, st.query_params.to_dict(), **more)


def _name(row: dict[str, Any], by: str, frame: Frame) -> str:
    language = frame.language
    if row["others"]:
        return t("budget_others", language, count=number(row["others"], language))
    value = row[BREAKDOWNS[by]]
    if by == "hours":
        return moment(value, frame.settings.zone, language)
    if by == "incidents" and row["start"] is None:
        return t("budget_no_incident", language)
    if by == "incidents":
        name = t("unnamed", language) if value is None else str(value)
        return f"{name} · {age(row['end'] - row['start'], language)}"
    return t(f"budget_unnamed_{by}", language) if value is None else str(value)
