"""The class of every request, and its weight. Everything else in this room starts from a classified frame.

A frame is one row per request, or compact: one row for `rows` requests of one class, whose durations lie close together
(`core.selection.CompactSource`). Every metric is written for the compact frame; a plain one has `rows` = 1.
"""

from __future__ import annotations

import polars as pl

from core.record import EXCLUDED_STATUSES
from metrics.values import Counts

CLASSES = ("success", "timeout", "failed", "excluded", "unmeasured")
VALID = ("success", "timeout", "failed")
"""The classes rates are taken over."""

MEASURED = (
    pl.col("execution_time_ms").cast(pl.Float64).is_between(0, float("inf"), closed="left").fill_null(value=False)
)
"""Whether a row has a duration that can be one: finite and not negative."""


def classify(frame: pl.DataFrame, limit_ms: float) -> pl.DataFrame:
    """`frame` with `class` (one of CLASSES), `rows` (how many a row is), `weight` (the requests it stands for).

    The first that holds: cancelled or rejected -> excluded, however slow; status timeout or a duration above the
    limit -> timeout (exactly the limit is good); failed; success with a duration; anything else -> unmeasured.
    The weight is rows / sample_rate. Needs `status`, `execution_time_ms` and `sample_rate`.
    """
    status = pl.col("status")
    over = MEASURED & (pl.col("execution_time_ms") > limit_ms)
    rate = pl.col("sample_rate")
    rows = pl.col("rows") if "rows" in frame.columns else pl.lit(1, pl.Int64)
    return frame.with_columns(
        pl.when(status.is_in(EXCLUDED_STATUSES))
        .then(pl.lit("excluded"))
        .when((status == "timeout") | over)
        .then(pl.lit("timeout"))
        .when(status == "failed")
        .then(pl.lit("failed"))
        .when((status == "success") & MEASURED)
        .then(pl.lit("success"))
        .otherwise(pl.lit("unmeasured"))
        .cast(pl.Enum(CLASSES))
        .alias("class"),
        rows.alias("rows"),
        (rows * pl.when((rate > 0) & (rate <= 1)).then(1 / rate).otherwise(1.0)).cast(pl.Float64).alias("weight"),
    )


def is_valid() -> pl.Expr:
    """Whether a classified row is one that rates are taken over."""
    return pl.col("class").is_in(VALID)


def weight_of(condition: pl.Expr) -> pl.Expr:
    """The requests for which `condition` holds: the sum of their weights, 0 when there are none."""
    return pl.col("weight").filter(condition).sum()


def rows_of(condition: pl.Expr) -> pl.Expr:
    """How many rows `condition` holds for: what a rate has as its n."""
    return pl.col("rows").filter(condition).sum()


def count(classified: pl.DataFrame) -> Counts:
    """Requests by class; `requests` is the sum of the five."""
    sums = classified.select(*(weight_of(pl.col("class") == name).alias(name) for name in CLASSES)).row(0, named=True)
    return Counts(requests=sum(sums.values()), **sums)
