"""The parts of a change along one dimension. Names are log text and stand in table cells only."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from core.text import number, percent
from pages.shared import address
from pages.shared.rows import clicked, height
from pages.shared.text import t
from pages.why.view import SEARCHED, rows_of
from pages.why.words import points

if TYPE_CHECKING:
    from streamlit.navigation.page import Page

    from core.text import Language
    from metrics.why import Ledger, Measure

ROWS = 12
"""Parts with a row of their own; the others are one, so that the column still sums to the change."""


def parts_table(ledger: Ledger, measure: Measure, requests: Page, language: Language) -> None:
    """The parts, largest first; where they can be searched for, a click opens their requests."""
    opens = ledger.dimension in (*SEARCHED, "error_code")
    right = st.column_config.TextColumn
    row = clicked(
        shape(ledger, language),
        {
            "group": right(t(f"along_{ledger.dimension}", language), width=160),
            "points": right(t("why_col_points", language), alignment="right", help=t("why_col_points_help", language)),
            "rate": right(t("why_col_rate", language), alignment="right", help=t("why_col_rate_help", language)),
            "mix": right(t("why_col_mix", language), alignment="right", help=t("why_col_mix_help", language)),
            "before": right(t("why_col_before", language), alignment="right"),
            "now": right(t("why_col_now", language), alignment="right"),
            "share_before": right(t("why_col_share_before", language), alignment="right"),
            "share_now": right(t("why_col_share_now", language), alignment="right"),
            "requests": right(t("col_n", language), alignment="right"),
        },
        key=f"parts-{ledger.dimension}",
        alt=t("why_parts", language),
        pixels=height(min(len(ledger.parts), ROWS + 1)),
    )
    if opens and row is not None:
        group = ledger.parts[row].group if row < min(ROWS, len(ledger.parts)) else None
        if group is not None:
            params = rows_of(st.query_params.to_dict(), measure, {ledger.dimension: group})
            address.go(requests, params)


def shape(ledger: Ledger, language: Language) -> pl.DataFrame:
    """The parts as they are read: what each added, by its own rate and by its traffic, and what its numbers were."""
    before, now = _whole(ledger)
    rows = [
        {
            "group": t("why_unsaid", language) if part.group is None else part.group,
            "points": points(part.rate_shift + part.mix_shift, language),
            "rate": points(part.rate_shift, language),
            "mix": points(part.mix_shift, language),
            "before": percent(part.rate_before, language),
            "now": percent(part.rate_now, language),
            "share_before": percent(part.valid_before / before, language),
            "share_now": percent(part.valid_now / now, language),
            "requests": number(part.valid_now, language),
        }
        for part in ledger.parts[:ROWS]
    ]
    if rest := ledger.parts[ROWS:]:
        rate, mix = math.fsum(p.rate_shift for p in rest), math.fsum(p.mix_shift for p in rest)
        code = ledger.dimension == "error_code"
        share0, share1 = math.fsum(p.valid_before for p in rest), math.fsum(p.valid_now for p in rest)
        rows.append(
            {
                "group": t("why_step_rest", language),
                "points": points(rate + mix, language),
                "rate": points(rate, language),
                "mix": points(mix, language),
                "before": "–",
                "now": "–",
                "share_before": "–" if code else percent(share0 / before, language),
                "share_now": "–" if code else percent(share1 / now, language),
                "requests": "–" if code else number(share1, language),
            }
        )
    return pl.DataFrame(rows)


def _whole(ledger: Ledger) -> tuple[float, float]:
    """All requests before and now: of an error code every part is of all of them."""
    if ledger.dimension == "error_code":
        return ledger.parts[0].valid_before, ledger.parts[0].valid_now
    return math.fsum(p.valid_before for p in ledger.parts), math.fsum(p.valid_now for p in ledger.parts)
