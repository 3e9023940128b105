"""The numbers of the first page over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from metrics.classes import is_valid, weight_of
from metrics.latency import latency, timed
from metrics.slots import in_slots, slots

if TYPE_CHECKING:
    from datetime import timedelta

    from core.timespan import TimeSpan

PERCENTILES = ("p50", "p95", "p99")


def trend(frame: pl.DataFrame, span: TimeSpan, width: timedelta, limit_ms: float) -> pl.DataFrame:
    """One row per slot of `width`: start, requests, timeouts, failed, good, valid, rates and latencies.

    Columns: start, requests (of every class), timeouts, failed, good (class success), valid, timeout_rate, error_rate,
    success_rate, average_ms, average_at_least, p50, p50_at_least, p95, ..., p99_at_least. A slot without valid requests
    has counts of 0 and null rates and latencies: no traffic is neither good nor bad.
    """
    rows = in_slots(timed(frame, limit_ms), span, width)
    counts = rows.group_by("slot").agg(
        pl.col("weight").sum().alias("requests"),
        weight_of(pl.col("class") == "timeout").alias("timeouts"),
        weight_of(pl.col("class") == "failed").alias("failed"),
        weight_of(pl.col("class") == "success").alias("good"),
        weight_of(is_valid()).alias("valid"),
    )
    valid = pl.when(pl.col("valid") > 0).then(pl.col("valid"))
    return (
        slots(span, width)
        .join(counts, on="slot", how="left")
        .with_columns(pl.col("requests", "timeouts", "failed", "good", "valid").fill_null(0.0))
        .with_columns(
            (pl.col("timeouts") / valid).alias("timeout_rate"),
            (pl.col("failed") / valid).alias("error_rate"),
            (pl.col("good") / valid).alias("success_rate"),
        )
        .join(latency(rows, "slot", PERCENTILES), on="slot", how="left")
        .sort("slot")
        .drop("slot")
    )
