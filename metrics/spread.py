"""How durations are spread, and how many come near the limit: the early warning before timeouts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from metrics.classes import is_valid, rows_of, weight_of
from metrics.latency import timed
from metrics.rates import effective_rows, wilson_columns
from metrics.slots import in_slots, slots
from metrics.trend import trend

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from core.slo import Limits
    from core.timespan import TimeSpan

KINDS = ("good", "near", "failed", "over", "cut")
"""Successes, those near the limit apart; failures; above the limit but not cut; cut ones, which took at least that."""

PER_DOUBLING = 4
"""Bins of equal width on a logarithmic scale."""

SHORTEST_MS = 1.0
"""What was quicker stands with this."""


def spread(frame: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """Valid requests by duration: start_ms, end_ms, kind, requests, share of all; shortest first.

    A bin is (start, end], four of them to a doubling; the limit ends one. A cut request stands where it was cut: it
    took at least that long. Bins without requests are left out. Needs the columns of `metrics.latency.timed`.
    """
    rows = _zoned(frame, limits).filter(is_valid() & pl.col("latency_ms").is_not_null())
    place = ((pl.col("latency_ms").clip(SHORTEST_MS) / limits.limit_ms).log(2) * PER_DOUBLING - 1e-9).ceil()
    return (
        rows.group_by(place.alias("place"), "kind")
        .agg(pl.col("weight").sum().alias("requests"))
        .sort("place", "kind")
        .select(
            (2 ** ((pl.col("place") - 1) / PER_DOUBLING) * limits.limit_ms).alias("start_ms"),
            (2 ** (pl.col("place") / PER_DOUBLING) * limits.limit_ms).alias("end_ms"),
            pl.col("kind").cast(pl.String),
            "requests",
            (pl.col("requests") / pl.col("requests").sum()).alias("share"),
        )
    )


def near_over_time(frame: pl.DataFrame, span: TimeSpan, width: timedelta, limits: Limits) -> pl.DataFrame:
    """One row per slot: start, valid, near, critical, near_rate, critical_rate (null without valid requests).

    Near is a success from `limits.near` of the limit on; the critical, from `limits.critical` on, are near, too.
    """
    rows = in_slots(_zoned(frame, limits), span, width).group_by("slot").agg(*_counts())
    valid = pl.when(pl.col("valid") > 0).then(pl.col("valid"))
    return (
        slots(span, width)
        .join(rows.drop("n", "effective"), on="slot", how="left")
        .sort("slot")
        .with_columns(pl.col("valid", "near", "critical").fill_null(0.0))
        .with_columns((pl.col("near") / valid).alias("near_rate"), (pl.col("critical") / valid).alias("critical_rate"))
        .drop("slot")
    )


def near_by_group(frame: pl.DataFrame, column: str, limits: Limits) -> pl.DataFrame:
    """One row per value of `column` with near requests: group, near, critical, near_rate, critical_rate, low, high, n.

    The range is that of the near rate. The one with most near requests comes first; of equals, the one with most
    critical ones, then the first by name.
    """
    rows = _zoned(frame, limits).group_by(pl.col(column).alias("group")).agg(*_counts()).filter(pl.col("near") > 0)
    return (
        rows.with_columns(*((pl.col(name) / pl.col("valid")).alias(f"{name}_rate") for name in ("near", "critical")))
        .with_columns(wilson_columns(pl.col("near_rate"), pl.col("effective")))
        .sort("near", "critical", "group", descending=[True, True, False], nulls_last=True)
        .select("group", "near", "critical", "near_rate", "critical_rate", "low", "high", "n")
    )


def trend_of_each(
    frame: pl.DataFrame, column: str, groups: Sequence[str], over: tuple[TimeSpan, timedelta], limit_ms: float
) -> pl.DataFrame:
    """`metrics.trend.trend` of each of these values of `column`, with `group`; `over` are its span and width."""
    found = [
        trend(frame.filter(pl.col(column) == group), *over, limit_ms).with_columns(pl.lit(group).alias("group"))
        for group in groups
    ]
    return pl.concat(found) if found else trend(frame.clear(), *over, limit_ms).clear()


def _zoned(frame: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """Timed rows with `near`, `critical` (successes in those zones) and `kind`."""
    success, slow = pl.col("class") == "success", pl.col("latency_ms")
    return timed(frame, limits.limit_ms).with_columns(
        (success & (slow >= limits.near_ms)).fill_null(value=False).alias("near"),
        (success & (slow >= limits.critical_ms)).fill_null(value=False).alias("critical"),
    ).with_columns(
        pl.when("cut").then(pl.lit("cut"))
        .when(pl.col("class") == "timeout").then(pl.lit("over"))
        .when(pl.col("class") == "failed").then(pl.lit("failed"))
        .when("near").then(pl.lit("near"))
        .otherwise(pl.lit("good"))
        .cast(pl.Enum(KINDS)).alias("kind"),
    )  # fmt: skip


def _counts() -> tuple[pl.Expr, ...]:
    return (
        weight_of(is_valid()).alias("valid"),
        weight_of(pl.col("near")).alias("near"),
        weight_of(pl.col("critical")).alias("critical"),
        rows_of(is_valid()).alias("n"),
        effective_rows(is_valid()).alias("effective"),
    )
