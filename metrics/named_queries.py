"""Three questions every team asks, by name: timeouts by hour, by agent, and by day."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from core.errors import UsageError
from core.timespan import TimeSpan, local_day
from metrics.classes import is_valid, rows_of, weight_of
from metrics.groups import by_group
from metrics.latency import latency, timed
from metrics.rates import effective_rows, wilson_columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from core.selection import Reader
    from metrics.questions import Asked

NAMES = ("rate-by-hour", "top-agents", "daily")
COLUMNS = (
    "timestamp", "execution_time_ms", "status", "agent_id", "timeout_ms", "sample_rate",
)  # fmt: skip
HOURS, DAYS, AGENTS = timedelta(hours=24), 7, 10
_MICROSECOND = timedelta(microseconds=1)


def hour_edges(end: datetime, zone: ZoneInfo) -> list[datetime]:
    """The 24 hours before `end`, cut where an hour of the zone's clock begins: 25 pieces, or 24 on the hour."""
    start = end - HOURS
    first = start.replace(minute=start.minute // 15 * 15, second=0, microsecond=0)
    quarters = (first + timedelta(minutes=15 * n) for n in range(1, 97))  # offsets of zones are whole quarters
    return [start, *(at for at in quarters if at < end and not at.astimezone(zone).minute), end]


def day_edges(end: datetime, zone: ZoneInfo) -> list[datetime]:
    """The seven local days of which the last holds the moment before `end`, cut there."""
    last = (end - _MICROSECOND).astimezone(zone).date()
    return [*(local_day(last - timedelta(days=n), zone).start for n in range(DAYS - 1, -1, -1)), end]


def between(frame: pl.DataFrame, edges: Sequence[datetime], limit_ms: float) -> pl.DataFrame:
    """One row for each piece from edge to edge, quiet ones too.

    Columns start, end, requests (of every class), timeouts, timeout_rate, low, high, n (valid rows), average_ms,
    average_at_least, p95, p95_at_least. Rates and latencies are null without valid requests.
    """
    table = pl.DataFrame(
        {"start": edges[:-1], "end": edges[1:]},
        schema={"start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC")},
    )
    rows = (
        timed(frame, limit_ms)
        .filter((pl.col("timestamp") >= edges[0]) & (pl.col("timestamp") < edges[-1]))
        .sort("timestamp")
        .join_asof(table.select("start"), left_on="timestamp", right_on="start", strategy="backward", coalesce=False)
    )
    counts = rows.group_by("start").agg(
        pl.col("weight").sum().alias("requests"),
        weight_of(pl.col("class") == "timeout").alias("timeouts"),
        weight_of(is_valid()).alias("valid"),
        rows_of(is_valid()).cast(pl.Int64).alias("n"),
        effective_rows(is_valid()).alias("effective"),
    )
    share = pl.col("timeouts") / pl.when(pl.col("valid") > 0).then(pl.col("valid"))
    return (
        table.join(counts, on="start", how="left")
        .with_columns(pl.col("requests", "timeouts", "valid").fill_null(0.0), pl.col("n").fill_null(0))
        .with_columns(share.alias("timeout_rate"))
        .with_columns(wilson_columns(pl.col("timeout_rate"), pl.col("effective")))
        .join(latency(rows, "start", ("p95",)), on="start", how="left")
        .sort("start")
        .select(
            *("start", "end", "requests", "timeouts", "timeout_rate", "low", "high", "n"),
            *("average_ms", "average_at_least", "p95", "p95_at_least"),
        )
    )


def top_agents(frame: pl.DataFrame, limit_ms: float) -> pl.DataFrame:
    """The ten agents with most timeouts, those without any left out; columns as `metrics.groups.by_group`."""
    return by_group(frame, "agent_id", limit_ms).filter(pl.col("timeouts") > 0).head(AGENTS)


def query_answer(reader: Reader, asked: Asked) -> dict[str, Any]:
    """The query called `name`, or all three: of the 24 hours, or 7 local days, before the end of the selected span.

    The last N requests end now.
    """
    name, selection, zone = asked.extra.get("name"), asked.selection, asked.settings.zone
    if name is not None and name not in NAMES:
        raise UsageError(f'no query "{name}"; there are {", ".join(NAMES)}')
    end = asked.now if selection.last is not None or selection.span is None else min(selection.span.end, asked.now)
    limit_ms = asked.settings.limit_values.limit_ms
    shown: dict[str, Any] = {}
    since = reader.losses(None).since
    for query in NAMES if name is None else (name,):
        try:
            edges = day_edges(end, zone) if query == "daily" else hour_edges(end, zone)
        except OverflowError:
            raise UsageError(f"{query} reaches back before the first year of the calendar") from None
        frame = reader.requests(selection.over(TimeSpan(edges[0], end)), COLUMNS)
        if query == "top-agents":
            columns = ("timeouts", "requests", "timeout_rate", "low", "high", "n", "p95", "p95_at_least")
            shown[query] = [
                {"agent_id": row["group"], **{column: row[column] for column in columns}}
                for row in top_agents(frame, limit_ms).iter_rows(named=True)
            ]
            continue
        rows = list(between(frame, edges, limit_ms).iter_rows(named=True))
        for row in rows:
            start, until = row["start"], row.pop("end")
            local = start.astimezone(zone)
            row |= {"start": local.isoformat()}
            if query == "daily":
                row |= {"complete": until == local_day(local.date(), zone).end and since is not None and since <= start}
            else:  # in UTC: times of one zone would be subtracted as the clock on the wall shows them
                row |= {"minutes": (until - start) / timedelta(minutes=1)}
        shown[query] = rows
    return shown
