"""Quality over time, and the answers to look at first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from metrics.quality import newest
from metrics.rates import wilson_columns
from metrics.slots import in_slots, slots

if TYPE_CHECKING:
    from datetime import timedelta

    from core.timespan import TimeSpan
    from metrics.evidence import Evidence

POOR = 0.7
"""A score below this is worth a person's look."""


def hallucinations_over_time(said: pl.DataFrame, span: TimeSpan, width: timedelta) -> pl.DataFrame:
    """One row per slot: start, rate, low, high, n of `quality.hallucination_rate`; null where none was checked."""
    weight = pl.col("weight")
    checked = in_slots(newest(said, "hallucination"), span, width).group_by("slot").agg(
        (weight.filter("hallucination").sum() / weight.sum()).alias("rate"),
        (weight.sum() ** 2 / (weight * weight).sum()).alias("effective"),
        pl.len().alias("n"),
    )  # fmt: skip
    ranged = checked.with_columns(wilson_columns(pl.col("rate"), pl.col("effective")))
    found = slots(span, width).join(ranged, on="slot", how="left").sort("slot")
    return found.select("start", "rate", "low", "high", pl.col("n").fill_null(0))


def means_over_time(rows: pl.DataFrame, value: str, span: TimeSpan, width: timedelta, names: list[str]) -> pl.DataFrame:
    """One row per slot and name: start, name, mean, n; the weighted mean of `value`, null where nothing was said.

    `rows` has name, timestamp, weight and `value`.
    """
    weight = pl.col("weight")
    means = in_slots(rows, span, width).group_by("slot", "name").agg(
        ((pl.col(value) * weight).sum() / weight.sum()).alias("mean"), pl.len().alias("n")
    )  # fmt: skip
    every = slots(span, width).join(pl.DataFrame({"name": names}, {"name": pl.String}), how="cross")
    found = every.join(means, on=("slot", "name"), how="left").sort("slot", "name")
    return found.select("start", "name", "mean", pl.col("n").fill_null(0))


def poor_answers(found: Evidence, scores: pl.DataFrame, most: int) -> pl.DataFrame:
    """Requests whose answer says what its sources do not, got a thumb down, or a score below POOR; newest first.

    Columns request_id, timestamp, agent_id, hallucination, thumb_down, score (the name of the lowest), low (its value).
    `scores` are `metrics.quality.score_rows`.
    """
    lowest = (
        scores.filter(pl.col("score") < POOR)
        .sort("score", "name")
        .group_by("key", maintain_order=True)
        .agg(pl.col("name").first().alias("score"), pl.col("score").first().alias("low"))
    )
    wrong = newest(found.said, "hallucination").filter("hallucination").select("key", pl.lit(value=True).alias("wrong"))
    down = newest(found.said, "feedback").filter(pl.col("feedback") < 0).select("key", pl.lit(value=True).alias("down"))
    keyed = found.requests.with_row_index("key").with_columns(pl.col("key").cast(pl.Int64))
    joined = keyed.join(wrong, on="key", how="left").join(down, on="key", how="left").join(lowest, on="key", how="left")
    return (
        joined.filter(pl.any_horizontal(pl.col("wrong", "down"), pl.col("low").is_not_null()))
        .sort("timestamp", "key", descending=True)
        .head(most)
        .select(
            *("request_id", "timestamp", "agent_id"),
            pl.col("wrong").fill_null(value=False).alias("hallucination"),
            pl.col("down").fill_null(value=False).alias("thumb_down"),
            *("score", "low"),
        )
    )
