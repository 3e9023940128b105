"""What the page of latency shows, read once for every visitor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from core.rows import Rows
from core.timespan import TimeSpan
from metrics.groups import by_group
from metrics.latency import latency, timed
from metrics.many import is_exact, requests_of
from metrics.spread import near_by_group, near_over_time, spread, trend_of_each
from metrics.trend import trend
from metrics.values import Percentile
from pages.shared import axes, data
from pages.shared.kept import kept

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from pages.shared.frame import Frame

NAMES = ("p50", "p90", "p95", "p99")
MOST_AGENTS = 6
SLOWEST = 100


@dataclass(frozen=True, slots=True)
class Latencies:
    """The requests chosen: percentiles, their spread, and how it moves in slots of `width`. Times are naive and local.

    `exact` says whether every request was read one by one; else percentiles are within 1 %. `agents` are those drawn
    one by one, `each` has their rows with `group`.
    """

    exact: bool
    requests: float
    percentiles: Mapping[str, Percentile]
    near: pl.DataFrame
    near_total: Mapping[str, float]
    spread: pl.DataFrame
    over: pl.DataFrame
    width: timedelta
    deploys: pl.DataFrame
    each: pl.DataFrame
    near_agents: pl.DataFrame


def latencies(frame: Frame) -> Latencies | None:
    """The latency of the requests chosen; None when there are none that have one."""
    return kept("latency", frame.choice, frame.key, lambda: _latencies(frame))


def slowest(frame: Frame) -> pl.DataFrame:
    """The slowest successes of the requests chosen."""
    selection, limits = frame.choice.selection(frame.now), frame.settings.limit_values
    rows = Rows("success", order="slowest")
    return kept("slowest", frame.choice, frame.key, lambda: frame.reader.page(selection, rows, limits, 0, SLOWEST))


def _latencies(frame: Frame) -> Latencies | None:
    limits, selection = frame.settings.limit_values, frame.choice.selection(frame.now)
    extent = frame.reader.extent(selection)
    if extent.oldest is None or extent.newest is None:
        return None
    slots = data.slots_within(TimeSpan(extent.oldest, extent.newest))
    span, width = slots
    edges = (limits.near_ms, limits.critical_ms, limits.limit_ms)
    rows = requests_of(frame.reader, selection, data.COLUMNS, by=("agent_id",), width=width, edges=edges)
    found = latency(timed(rows, limits.limit_ms), names=NAMES).row(0, named=True)
    if found["p50"] is None:
        return None
    groups = by_group(rows, "agent_id", limits.limit_ms)
    drawn = groups.filter(pl.col("group").is_not_null()).head(MOST_AGENTS)["group"].to_list()
    near, look = near_over_time(rows, span, width, limits), frame.look
    return Latencies(
        is_exact(rows),
        float(near["valid"].sum()),
        {name: Percentile(found[name], found[f"{name}_at_least"]) for name in NAMES},
        axes.on_the_wall(near, look.zone),
        {name: float(near[name].sum()) for name in ("near", "critical")},
        spread(rows, limits),
        axes.on_the_wall(trend(rows, span, width, limits.limit_ms), look.zone),
        width,
        axes.on_the_wall(data.deploys(frame.reader, span), look.zone),
        axes.on_the_wall(trend_of_each(rows, "agent_id", drawn, slots, limits.limit_ms), look.zone),
        near_by_group(rows, "agent_id", limits),
    )
