"""How the machines are: CPU, GPU and memory from `host` records, and whether memory grows.

The keys of `extra` that are read: `host` (name), `cpu_percent`, `gpu_percent`, `memory_percent` (each 0 to 100, of the
whole machine) and `memory_mb` (in use). Anything else, and a value out of its range, is left alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from metrics.rates import Z
from metrics.slots import in_slots, slots

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from core.timespan import TimeSpan

PERCENTS = ("cpu_percent", "gpu_percent", "memory_percent")
GAUGES = (*PERCENTS, "memory_mb")
COLUMNS = ("timestamp", "service", "extra")
MOST_HOSTS = 50
MOST_POINTS = 200
"""The slope is taken over at most so many points of time, each the median of its part of the span."""
MIN_POINTS = 10
PRESSED = 90.0
"""A machine above this share of what it has is near its end: what comes next waits, or is killed."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """One gauge of one host: mean, 95th percentile, greatest and newest value of `n` samples."""

    mean: float
    p95: float
    max: float
    last: float
    n: int


@dataclass(frozen=True, slots=True)
class Slope:
    """Growth an hour with its 95 % range; a range above 0 is steady growth, which may be a leak."""

    per_hour: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Host:
    """One machine; its name is log text, None for records that do not say. A gauge nobody wrote is absent."""

    name: str | None
    newest: datetime
    gauges: dict[str, Gauge]
    memory_growth: Slope | None
    growth_of: str | None


def gauges(records: pl.DataFrame) -> pl.DataFrame:
    """Columns timestamp, host and GAUGES of `host` records (COLUMNS); without a `host`, the service's name."""
    extra = pl.col("extra").cast(pl.String)

    def read(name: str) -> pl.Expr:
        value = extra.str.json_path_match(f"$.{name}").cast(pl.Float64, strict=False)
        top = 100.0 if name in PERCENTS else 1e12
        return pl.when(value.is_between(0, top)).then(value).alias(name)

    host = pl.coalesce(extra.str.json_path_match("$.host"), "service").alias("host")
    return records.select("timestamp", host, *(read(name) for name in GAUGES))


def hosts(read: pl.DataFrame) -> tuple[Host, ...]:
    """The machines of `gauges`, by name; the 50 with most samples when there are more."""
    sizes = read.group_by("host").len().sort("len", "host", descending=[True, False]).head(MOST_HOSTS)
    found = []
    for name in sorted(sizes["host"].to_list(), key=lambda host: (host is None, host)):
        rows = read.filter(pl.col("host").eq_missing(pl.lit(name, dtype=pl.String))).sort("timestamp")
        seen = {gauge: _gauge(rows, gauge) for gauge in GAUGES}
        of = next((gauge for gauge in ("memory_mb", "memory_percent") if seen[gauge] is not None), None)
        found.append(
            Host(
                name,
                rows["timestamp"][-1],
                {gauge: value for gauge, value in seen.items() if value is not None},
                slope(rows, of) if of else None,
                of,
            )
        )
    return tuple(found)


def over_time(read: pl.DataFrame, gauge: str, span: TimeSpan, width: timedelta, names: list[str]) -> pl.DataFrame:
    """One row per slot and machine of `names`: start, name, mean, n of one gauge of `gauges`; null without samples."""
    told = in_slots(read.filter(pl.col(gauge).is_not_null()), span, width)
    means = told.group_by("slot", pl.col("host").alias("name")).agg(
        pl.col(gauge).mean().alias("mean"), pl.len().alias("n")
    )
    every = slots(span, width).join(pl.DataFrame({"name": names}, {"name": pl.String}), how="cross")
    found = every.join(means, on=("slot", "name"), how="left", nulls_equal=True).sort("slot", "name")
    return found.select("start", "name", "mean", pl.col("n").fill_null(0))


def pressed(found: tuple[Host, ...]) -> list[tuple[Host, str]]:
    """Machines whose 95th percentile of a share is above PRESSED, with the gauge."""
    return [
        (host, name) for host in found for name in PERCENTS if name in host.gauges and host.gauges[name].p95 > PRESSED
    ]


def growing(found: tuple[Host, ...]) -> list[Host]:
    """Machines whose memory surely grows: the whole range of `slope` lies above 0."""
    return [host for host in found if host.memory_growth is not None and host.memory_growth.low > 0]


def _gauge(rows: pl.DataFrame, name: str) -> Gauge | None:
    values = rows[name].drop_nulls()
    if not values.len():
        return None
    value = pl.col(name)
    at = values.to_frame().select(
        value.mean().alias("mean"),
        value.quantile(0.95, "linear").alias("p95"),
        value.max().alias("max"),
        value.last().alias("last"),
        pl.len().alias("n"),
    )
    return Gauge(**at.row(0, named=True))


def slope(rows: pl.DataFrame, name: str) -> Slope | None:
    """Theil's slope of one gauge over time: the median of the slopes between all pairs of points; None under 10.

    It bears up to 29 % wild points. The range is Sen's, by Kendall's variance (P. K. Sen, "Estimates of the Regression
    Coefficient Based on Kendall's Tau", JASA 63 (1968)). Points that depend on each other make it rather too narrow.
    """
    seen = rows.select("timestamp", pl.col(name).alias("value")).drop_nulls()
    if seen.height < MIN_POINTS:
        return None
    first, last = seen["timestamp"].min(), seen["timestamp"].max()
    hours = ((pl.col("timestamp") - pl.lit(first)).dt.total_microseconds() / 3.6e9).alias("hours")
    length = seen.select(hours.max()).item()
    if first == last or not length:
        return None
    part = (pl.col("hours") / length * MOST_POINTS).floor().clip(0, MOST_POINTS - 1).alias("part")
    points = seen.select(hours, "value")
    if points.height > MOST_POINTS:
        points = points.group_by(part).agg(pl.col("hours").median(), pl.col("value").median()).drop("part")
    points = points.sort("hours")
    pairs = points.join(points, how="cross", suffix="_b").filter(pl.col("hours") < pl.col("hours_b"))
    slopes = pairs.select(
        ((pl.col("value_b") - pl.col("value")) / (pl.col("hours_b") - pl.col("hours"))).sort().alias("slope")
    )["slope"]
    n, count = points.height, slopes.len()
    if not count:
        return None
    wide = Z * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = max(0, math.floor((count - wide) / 2))
    high = min(count - 1, math.ceil((count + wide) / 2))
    return Slope(float(slopes.median()), slopes[low], slopes[high], n)  # type: ignore[arg-type] # numbers have a median
