"""Requests by time and by how long they took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from metrics.classes import weight_of
from metrics.latency import timed
from metrics.slots import in_slots, slots

if TYPE_CHECKING:
    from datetime import timedelta

    from core.timespan import TimeSpan

EDGES = (0.25, 0.625)
"""Lower edges of the second and third band as shares of the limit (2 s and 5 s of 8 s); the limit is the third edge."""


@dataclass(frozen=True, slots=True)
class Band:
    """One band of durations. `label` is seconds: "<2", "2-5", "5-8", ">8"; `high_ms` is None for the last."""

    label: str
    low_ms: float
    high_ms: float | None


def bands(limit_ms: float) -> tuple[Band, ...]:
    """The four bands, shortest first. An edge belongs to the band above it, but the limit itself is still good."""
    low, middle = (share * limit_ms for share in EDGES)
    a, b, c = (f"{edge / 1000:.12g}" for edge in (low, middle, limit_ms))
    return (
        Band(f"<{a}", 0.0, low),
        Band(f"{a}-{b}", low, middle),
        Band(f"{b}-{c}", middle, limit_ms),
        Band(f">{c}", limit_ms, None),
    )


def edges(limit_ms: float) -> tuple[float, ...]:
    """What divides the bands, in milliseconds."""
    return tuple(band.low_ms for band in bands(limit_ms)[1:])


def heatmap(frame: pl.DataFrame, span: TimeSpan, width: timedelta, limit_ms: float) -> pl.DataFrame:
    """Columns start, band, requests, share: one row for every slot and band, in order.

    `band` is an Enum of the labels of `bands`. A cut request is in the last band whatever its duration. Valid requests
    without a duration (failures) have no band. `share` is of the slot's banded requests, null without traffic.
    """
    labels = [band.label for band in bands(limit_ms)]
    value, low, middle = pl.col("latency_ms"), *(share * limit_ms for share in EDGES)
    band = (
        pl.when(pl.col("cut"))
        .then(3)
        .when(value < low)
        .then(0)
        .when(value < middle)
        .then(1)
        .when(value <= limit_ms)
        .then(2)
        .otherwise(3)
    )
    found = (
        in_slots(timed(frame, limit_ms), span, width)
        .filter(value.is_not_null())
        .group_by("slot", band.cast(pl.Int64).alias("place"))
        .agg(weight_of(pl.lit(value=True)).alias("requests"))
    )
    places = pl.DataFrame({"place": range(4), "band": labels}, schema={"place": pl.Int64, "band": pl.Enum(labels)})
    total = pl.col("requests").sum().over("slot")
    return (
        slots(span, width)
        .join(places, how="cross")
        .join(found, on=["slot", "place"], how="left")
        .with_columns(pl.col("requests").fill_null(0.0))
        .with_columns(pl.when(total > 0).then(pl.col("requests") / total).alias("share"))
        .sort("slot", "place")
        .select("start", "band", "requests", "share")
    )
