"""How much comes in, how much is under way at once, and what seems to hang."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from core.timespan import TimeSpan
from metrics.classes import is_valid, weight_of
from metrics.figures import share_of
from metrics.query import BEGINNING

if TYPE_CHECKING:
    from core.selection import Selection
    from metrics.values import Rate

HANG = 1.25
"""A request that ran this many times its limit was not cut when it should have been."""

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Peak:
    """The clock minute (UTC) with the most requests; of equals the first."""

    start: datetime
    requests: float


@dataclass(frozen=True, slots=True)
class InFlight:
    """Requests under way at once. `average` is over the span (Little's law), `peak` the most at any moment."""

    average: float
    peak: float
    peak_at: datetime
    n: int


def seen_span(frame: pl.DataFrame, selection: Selection, now: datetime) -> TimeSpan | None:
    """The time the selected requests were looked for in: no future, and no time before the first of "all time".

    Of the last N, from the first to just after the newest. None when nothing is selected and no span says where.
    """
    span = selection.span
    if span is not None and selection.last is None and span.start > BEGINNING:
        return TimeSpan(span.start, max(span.start, min(span.end, now)))
    if not frame.height:
        return None
    oldest, newest = frame.select(pl.min("timestamp").alias("a"), pl.max("timestamp").alias("b")).row(0)
    end = newest + _MICROSECOND
    return TimeSpan(oldest, max(end, min(span.end, now)) if span is not None and selection.last is None else end)


def per_second(classified: pl.DataFrame, selection: Selection, now: datetime) -> float | None:
    """Requests of every class a second; None when the span has no length.

    Of a span, its requests by its length up to now. Of the last N, the requests after the first by the time since it:
    N requests have N - 1 gaps.
    """
    span = seen_span(classified, selection, now)
    if span is None:
        return None
    inside = pl.lit(value=True)
    if selection.last is not None:
        span = TimeSpan(span.start, span.end - _MICROSECOND)
        inside = pl.int_range(pl.len()) > 0
    requests = classified.sort("timestamp", maintain_order=True).select(weight_of(inside)).item()
    return float(requests) / span.length.total_seconds() if span.length else None


def per_hour(classified: pl.DataFrame, selection: Selection, now: datetime) -> float | None:
    """`per_second`, of an hour."""
    second = per_second(classified, selection, now)
    return None if second is None else 3600 * second


def peak_minute(classified: pl.DataFrame) -> Peak | None:
    """The busiest clock minute; None without requests."""
    found = (
        classified.group_by(pl.col("timestamp").dt.truncate("1m").alias("start"))
        .agg(pl.col("weight").sum())
        .sort("weight", "start", descending=[True, False])
        .head(1)
        .rows()
    )
    return Peak(*found[0]) if found else None


def _runs(timed: pl.DataFrame) -> pl.DataFrame:
    """Columns timestamp, end, weight: the requests that have a duration, excluded ones too; end by the microsecond."""
    took = pl.coalesce("latency_ms", pl.when(pl.col("execution_time_ms") >= 0).then("execution_time_ms"))
    longest = 1e12  # ms; 31 years: beyond it the end is no date any more
    return (
        timed.with_columns(took.alias("took"))
        .filter(pl.col("took").is_finite() & (pl.col("took") > 0) & (pl.col("took") < longest))
        .select(
            "timestamp",
            (pl.col("timestamp") + pl.duration(microseconds=(pl.col("took") * 1000).ceil().cast(pl.Int64))).alias(
                "end"
            ),
            "weight",
        )
    )


def in_flight_at(timed: pl.DataFrame, moment: datetime) -> float:
    """Requests under way at a moment: begun at or before it, ended after it.

    A request is logged when it ends. So it is seen only once it has, a moment less than the longest request ago is
    never complete, and requests that began before the selected span are not seen.
    """
    under_way = (pl.col("timestamp") <= moment) & (pl.col("end") > moment)
    return float(_runs(timed).select(weight_of(under_way)).item())


def in_flight(timed: pl.DataFrame, span: TimeSpan) -> InFlight | None:
    """Average and peak inside the span; None when no request in it has a duration. The limits are `in_flight_at`'s."""
    runs = _runs(timed).filter((pl.col("timestamp") < span.end) & (pl.col("end") > span.start))
    if not runs.height or not span.length:
        return None
    inside = runs.with_columns(
        pl.max_horizontal("timestamp", pl.lit(span.start)).alias("timestamp"),
        pl.min_horizontal("end", pl.lit(span.end)).alias("end"),
    )
    busy = ((pl.col("end") - pl.col("timestamp")).dt.total_microseconds() * pl.col("weight")).sum()
    begun = inside.select(pl.col("timestamp").alias("at"), pl.col("weight").alias("step"))
    ended = inside.select(pl.col("end").alias("at"), (-pl.col("weight")).alias("step"))
    level = pl.concat([begun, ended]).group_by("at").agg(pl.col("step").sum()).sort("at")
    most = level.with_columns(pl.col("step").cum_sum().alias("level")).sort("level", "at", descending=[True, False])
    average = inside.select(busy).item() / (span.length / _MICROSECOND)
    return InFlight(average, most["level"][0], most["at"][0], runs.height)


def hang_rate(timed: pl.DataFrame, limit_ms: float) -> Rate | None:
    """Valid requests that ran 1.25 times their limit or longer, of the valid ones; None without any.

    The limit is the request's own `timeout_ms`, else the one in force. A limit that is kept cuts earlier.
    """
    limit = pl.when(pl.col("timeout_ms") > 0).then("timeout_ms").otherwise(limit_ms)
    return share_of(timed, pl.col("execution_time_ms") >= HANG * limit, is_valid())
