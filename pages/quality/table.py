"""Scores, drift and answers to look at, as tables. Names come from logs and stand in cells only."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from core.text import moment, number
from pages.requests.table import one_params
from pages.shared import address
from pages.shared.rows import clicked
from pages.shared.standing import in_unit, range_note
from pages.shared.text import t

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamlit.navigation.page import Page

    from core.targets import TargetSettings
    from core.text import Language
    from metrics.drift import Drift
    from metrics.quality import Score
    from pages.shared.frame import Frame

LARGE, SMALL = 0.25, 0.1
"""Siddiqi's reading of the index: below the second nothing worth a look, above the first a large change."""


def scores_table(scores: Sequence[Score], targets: Sequence[TargetSettings], language: Language) -> None:
    """Every score with its mean, its range, median and lowest tenth, beside its target where it has one."""
    wanted = {target.metric: target.target for target in targets}
    right = partial(st.column_config.TextColumn, alignment="right")
    st.dataframe(
        pl.DataFrame(
            {
                "name": score.name,
                "mean": in_unit(score.mean.value, "score", language),
                "range": range_note(score.mean, language),
                "median": in_unit(score.median.value, "score", language),
                "p10": in_unit(score.p10.value, "score", language),
                "target": number(wanted.get(score.name), language, 2),  # type: ignore[call-overload] # names are literals
            }
            for score in scores
        ),
        hide_index=True,
        key="quality-scores",
        column_config={
            "name": st.column_config.TextColumn(t("quality_score", language), width=160),
            "mean": right(t("quality_mean", language)),
            "range": right(t("col_range", language), help=t("col_range_help", language)),
            "median": right(t("quality_median", language)),
            "p10": right(t("quality_p10", language), help=t("quality_help_p10", language)),
            "target": right(t("quality_target", language)),
        },
        alt=t("quality_scores", language),
    )


def drift_table(drifts: Mapping[str, Drift], language: Language) -> None:
    """Each distribution beside what it was: the index, what chance alone makes of it, and what that means."""
    right = partial(st.column_config.TextColumn, alignment="right")
    st.dataframe(
        pl.DataFrame(
            {
                "of": drift_name(name, language),
                "psi": number(drift.psi, language, 3),
                "chance": number(drift.chance, language, 3),
                "means": t(f"quality_drift_{drift_reading(drift)}", language),
                "n": number(drift.n, language),
                "before": number(drift.baseline_n, language),
            }
            for name, drift in drifts.items()
        ),
        hide_index=True,
        key="quality-drift",
        column_config={
            "of": st.column_config.TextColumn(t("quality_drift_of", language), width=170),
            "psi": right(t("quality_drift_index", language)),
            "chance": right(t("quality_drift_chance", language), help=t("quality_help_chance", language)),
            "means": st.column_config.TextColumn(t("quality_drift_means", language), width=220),
            "n": right(t("quality_drift_now", language)),
            "before": right(t("quality_drift_before", language)),
        },
        alt=t("quality_drift", language),
    )


def drift_reading(drift: Drift) -> str:
    """In a word: too few rows to tell, none, some, or large."""
    if drift.psi <= drift.chance:
        return "unsure" if drift.chance > SMALL else "steady"
    return "steady" if drift.psi < SMALL else "large" if drift.psi > LARGE else "some"


def drift_name(name: str, language: Language) -> str:
    """Our words for our own distributions; scores keep the name they have in the logs."""
    if name in ("confidence", "tokens_input"):
        return t(f"quality_drift_of_{name}", language)
    return name.removeprefix("score ")


def poor_table(poor: pl.DataFrame, frame: Frame, one: Page) -> None:
    """Answers to look at; a click on one opens its request."""
    language = frame.language
    text = st.column_config.TextColumn
    place = clicked(
        poor_shape(poor, frame),
        {
            "when": text(t("col_when", language), width=150),
            "why": text(t("quality_why", language), width=240),
            "agent": text(t("agent", language), width=130),
            "request": text(t("col_request", language), width=180),
        },
        key="quality-poor",
        alt=t("quality_poor", language),
    )
    if place is not None:
        address.go(one, one_params(poor.row(place, named=True), st.query_params.to_dict()))


def poor_shape(poor: pl.DataFrame, frame: Frame) -> pl.DataFrame:
    """The rows as they are read."""
    language = frame.language
    return pl.DataFrame(
        {
            "when": moment(row["timestamp"], frame.settings.zone, language, seconds_too=True),
            "why": " · ".join(_why(row, language)),
            "agent": row["agent_id"] or "",
            "request": row["request_id"] or "",
        }
        for row in poor.iter_rows(named=True)
    )


def _why(row: Mapping[str, object], language: Language) -> list[str]:
    said = [t(f"quality_poor_{name}", language) for name in ("hallucination", "thumb_down") if row[name]]
    low = row["low"]
    return [*said, f"{row['score']} {number(low, language, 2)}"] if isinstance(low, float) else said
