"""Who is it: the same numbers for every agent, operation, model or environment."""

from __future__ import annotations

import polars as pl

from metrics.classes import is_valid, rows_of, weight_of
from metrics.latency import latency, timed
from metrics.rates import TOO_FEW_ROWS, effective_rows, wilson_columns


def by_group(frame: pl.DataFrame, column: str, limit_ms: float) -> pl.DataFrame:
    """One row per value of `column`, most timeouts first, then most requests, then by name.

    Columns group, requests (of every class), timeouts, failed, timeout_rate, low, high, n (its valid rows), p95,
    p95_at_least, average_ms, average_at_least. Rates are null without valid requests. A null group is the requests
    that do not say.
    """
    rows = timed(frame, limit_ms).with_columns(pl.col(column).alias("group"))
    counts = rows.group_by("group").agg(
        pl.col("weight").sum().alias("requests"),
        weight_of(pl.col("class") == "timeout").alias("timeouts"),
        weight_of(pl.col("class") == "failed").alias("failed"),
        weight_of(is_valid()).alias("valid"),
        rows_of(is_valid()).alias("n"),
        effective_rows(is_valid()).alias("effective"),
    )
    share = pl.col("timeouts") / pl.when(pl.col("valid") > 0).then(pl.col("valid"))
    return (
        counts.with_columns(share.alias("timeout_rate"))
        .with_columns(wilson_columns(pl.col("timeout_rate"), pl.col("effective")))
        .join(latency(rows, "group", ("p95",)), on="group", how="left", nulls_equal=True)
        .sort("timeouts", "requests", "group", descending=[True, True, False], nulls_last=True)
        .select(
            *("group", "requests", "timeouts", "failed", "timeout_rate", "low", "high", "n"),
            *("p95", "p95_at_least", "average_ms", "average_at_least"),
        )
    )


def with_before(now: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """`by_group` of a period, with `rate_before` and `points`: its timeout rate in the period before, and the change.

    `points` is null where either rate is missing or seen in too few rows to judge.
    """
    earlier = before.select("group", pl.col("timeout_rate").alias("rate_before"), pl.col("n").alias("n_before"))
    enough = (pl.col("n") >= TOO_FEW_ROWS) & (pl.col("n_before") >= TOO_FEW_ROWS)
    return (
        now.join(earlier, on="group", how="left", nulls_equal=True, maintain_order="left")
        .with_columns(pl.when(enough).then(pl.col("timeout_rate") - pl.col("rate_before")).alias("points"))
        .drop("n_before")
    )
