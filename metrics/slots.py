"""A span cut into slots of one width, as explicit rows: a slot in which nothing happened is there, too."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from core.timespan import TimeSpan

_MICROSECOND = timedelta(microseconds=1)


def slots(span: TimeSpan, width: timedelta) -> pl.DataFrame:
    """Columns slot (0, 1, ...) and start (UTC); the last slot may reach past the end of the span."""
    if width <= timedelta(0):
        raise ValueError(f"a slot needs a width; found {width}")
    count = -(-span.length // width)
    start = pl.lit(span.start).cast(pl.Datetime("us", "UTC"))
    return pl.DataFrame({"slot": range(count)}, schema={"slot": pl.Int64}).with_columns(
        (start + pl.duration(microseconds=pl.col("slot") * (width // _MICROSECOND))).alias("start")
    )


def in_slots(frame: pl.DataFrame, span: TimeSpan, width: timedelta) -> pl.DataFrame:
    """The rows of `frame` inside the span, with the `slot` they fall into."""
    since = (pl.col("timestamp") - pl.lit(span.start)).dt.total_microseconds()
    return frame.filter((pl.col("timestamp") >= span.start) & (pl.col("timestamp") < span.end)).with_columns(
        (since // (width // _MICROSECOND)).alias("slot")
    )
