"""A page of requests as a table. What stands in it is log text: cells only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from core.text import moment, seconds
from pages.shared import address
from pages.shared.rows import clicked, height
from pages.shared.text import t

if TYPE_CHECKING:
    from streamlit.navigation.page import Page

    from core.text import Language
    from pages.shared.frame import Frame


def requests_table(rows: pl.DataFrame, frame: Frame, one: Page) -> None:
    """The rows; a click on one opens it."""
    language = frame.language
    text = st.column_config.TextColumn
    place = clicked(
        shape(rows, frame),
        {
            "when": text(t("col_when", language), width=150),
            "status": text(t("col_status", language), width=90),
            "took": text(t("col_took", language), width=80, alignment="right"),
            "agent": text(t("agent", language), width=120),
            "operation": text(t("operation", language), width=140),
            "model": text(t("model", language), width=110),
            "error": text(t("col_error", language), width=220),
            "request": text(t("col_request", language), width=160),
        },
        key="rows",
        alt=t("requests", language),
        pixels=height(rows.height),
    )
    if place is not None:
        address.go(one, one_params(rows.row(place, named=True), st.query_params.to_dict()))


def shape(rows: pl.DataFrame, frame: Frame) -> pl.DataFrame:
    """The columns people read, in their words."""
    language = frame.language
    return pl.DataFrame(
        {
            "when": moment(row["timestamp"], frame.settings.zone, language, seconds_too=True),
            "status": status_word(row["status"], language),
            "took": seconds(row["execution_time_ms"], language, at_least=row["status"] == "timeout"),
            "agent": row["agent_id"] or "",
            "operation": row["operation"] or "",
            "model": row["model"] or "",
            "error": " ".join(part for part in (row["error_code"], row["error_message"]) if part)[:200],
            "request": row["request_id"],
        }
        for row in rows.iter_rows(named=True)
    )


def one_params(row: dict[str, object], params: dict[str, str]) -> dict[str, str]:
    """The query string of the page about one request; filters go along, so that the way back leads to the same rows."""
    kept = {name: value for name, value in params.items() if name not in {"id", "at"}}
    return kept | {"id": str(row["request_id"]), "at": row["timestamp"].isoformat()}  # type: ignore[attr-defined]


def status_word(status: str, language: Language) -> str:
    """The status as a word of ours."""
    return t(f"status_of_{status}", language)
